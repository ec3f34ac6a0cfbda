//! Every operator and function of the language: one list, from which resolution, docs and tests come.
//!
//! To add one: an entry in its family's `FUNCTIONS`, with its types, its evaluation on arrays, and an example that a
//! test runs. Functions are pure: no clock, no randomness, no transcendental floating point.

mod logic;
mod number;
mod text;
mod time;

use arrow_array::ArrayRef;
use arrow_schema::DataType;

use super::Value;
use super::types;
use crate::error::{Error, Result, did_you_mean};

/// The types that the arguments are cast to, and the type of the result.
pub(super) type Resolved = (Vec<DataType>, DataType);

/// An operator or a function.
#[derive(Debug)]
pub struct Function {
    /// Its name, lower case; operators have their sign.
    pub name: &'static str,
    /// What it takes and gives, for people.
    pub signature: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// An expression and the text of its value.
    pub example: (&'static str, &'static str),
    /// Resolves the types of the arguments, or refuses them.
    pub types: fn(&[DataType]) -> Option<Resolved>,
    /// Computes the values of `rows` rows.
    pub eval: fn(&[Value], usize, &DataType) -> Result<ArrayRef>,
    /// Whether the result is null exactly where an argument is.
    pub strict: bool,
}

/// All functions and operators, family by family.
pub fn all() -> impl Iterator<Item = &'static Function> {
    [number::FUNCTIONS, logic::FUNCTIONS, text::FUNCTIONS, time::FUNCTIONS].into_iter().flatten()
}

/// The function of a name that takes arguments of these types.
pub(super) fn resolve(name: &str, args: &[DataType]) -> Result<(&'static Function, Resolved)> {
    let args: Vec<DataType> = args.iter().map(|ty| types::logical(ty).clone()).collect();
    let known: Vec<&Function> = all().filter(|function| function.name == name).collect();
    if known.is_empty() {
        return Err(Error::profile("", format!("unknown function `{name}`"))
            .hint("`placebo list functions` shows them all")
            .maybe_hint(did_you_mean(name, all().map(|function| function.name))));
    }
    let signatures: Vec<&str> = known.iter().map(|function| function.signature).collect();
    known.into_iter().find_map(|function| (function.types)(&args).map(|types| (function, types))).ok_or_else(|| {
        let given: Vec<String> = args.iter().map(types::name).collect();
        Error::profile("", format!("type mismatch: `{name}` does not take ({})", given.join(", ")))
            .hint(format!("it is {}; write a CAST where one is meant", signatures.join(" or ")))
    })
}
