//! All operators and functions of the language: one list for resolution, docs and tests.
//!
//! To add one: an entry in its family's `FUNCTIONS`, with its types, its evaluation on arrays, and an example that a
//! test runs. Functions are pure: no clock, no randomness, and no mathematics of the system, whose last digits differ
//! between machines (`curves` has `libm`'s).

mod arithmetic;
mod between;
mod business;
mod calendar;
mod choice;
mod columns;
mod compare;
mod curves;
mod date_parts;
mod days;
mod digest;
mod division;
mod fold;
mod forms;
mod logic;
mod matching;
mod parts;
mod reductions;
mod regexp;
mod roots;
mod rounding;
mod spans;
mod text;
mod zones;

use arrow_array::ArrayRef;
use arrow_schema::DataType;

pub use reductions::Reduction;

use super::Value;
use super::types;
use crate::arrays::texts;
use crate::error::{Error, Kind, Result, did_you_mean};

/// The types to cast the arguments to, and the type of the result.
pub(super) type Resolved = (Vec<DataType>, DataType);

/// An operator or a function.
#[derive(Debug)]
pub struct Function {
    /// Its name in lower case; an operator's sign.
    pub name: &'static str,
    /// Its arguments and its type, for people.
    pub signature: &'static str,
    /// A description in one line.
    pub about: &'static str,
    /// An example: an expression, and its value as text.
    pub example: (&'static str, &'static str),
    /// Resolves the types of the arguments. `None` refuses them.
    pub types: fn(&[DataType]) -> Option<Resolved>,
    /// Computes the values of `rows` rows, in the type of the result.
    pub eval: fn(&[Value], usize, &DataType) -> Result<ArrayRef>,
    /// The rows in which the result can be null.
    pub nulls: Nulls,
    /// The arguments whose values the result repeats or is composed of. If they are personal data, so is the result.
    pub carries: Carries,
}

/// The rows in which the result of a function can be null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// Nowhere.
    Never,
    /// In exactly the rows in which an argument is null.
    Strict,
    /// Only in rows in which an argument is null.
    WithAny,
    /// Only in rows in which all arguments are null.
    WithAll,
    /// In any row.
    Anywhere,
}

impl Nulls {
    /// Tells whether the result can be null, given whether each argument can be.
    pub(super) fn nullable(self, mut arguments: impl Iterator<Item = bool>) -> bool {
        match self {
            Nulls::Never => false,
            Nulls::Strict | Nulls::WithAny => arguments.any(|nullable| nullable),
            Nulls::WithAll => arguments.all(|nullable| nullable),
            Nulls::Anywhere => true,
        }
    }
}

/// The arguments whose values a result repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// None: the result is a fact about the arguments, such as a length, a sum or a comparison.
    Nothing,
    /// Every argument.
    All,
    /// Every argument, as an unkeyed hash: whoever can list the possible values finds the one.
    Hashed,
    /// The arguments at these positions, from 0; the others are options.
    Only(&'static [usize]),
}

impl Carries {
    /// Tells whether the result repeats the argument at a position, from 0.
    #[must_use]
    pub fn argument(self, place: usize) -> bool {
        match self {
            Carries::Nothing => false,
            Carries::All | Carries::Hashed => true,
            Carries::Only(places) => places.contains(&place),
        }
    }
}

/// The documentation of an operator, a function or a syntax of the language.
#[derive(Debug, Clone, Copy)]
pub struct Doc {
    /// The family, such as `text`.
    pub family: &'static str,
    /// Its arguments and its type.
    pub signature: &'static str,
    /// A description in one line.
    pub about: &'static str,
    /// An example: an expression, and its value as text.
    pub example: (&'static str, &'static str),
}

/// Functions of other languages that a pure language cannot have.
const IMPURE: [&str; 8] =
    ["random", "rand", "now", "today", "current_date", "current_time", "current_timestamp", "gen_random_uuid"];

const FAMILIES: [(&str, &[&[Function]]); 6] = [
    ("number", &[arithmetic::FUNCTIONS, division::FUNCTIONS, rounding::FUNCTIONS, roots::FUNCTIONS, curves::FUNCTIONS]),
    ("comparison", &[compare::FUNCTIONS]),
    ("logic", &[logic::FUNCTIONS]),
    ("choice", &[choice::FUNCTIONS]),
    (
        "text",
        &[
            text::FUNCTIONS,
            parts::FUNCTIONS,
            matching::FUNCTIONS,
            regexp::FUNCTIONS,
            fold::FUNCTIONS,
            digest::FUNCTIONS,
        ],
    ),
    (
        "time",
        &[
            days::FUNCTIONS,
            spans::FUNCTIONS,
            date_parts::FUNCTIONS,
            calendar::FUNCTIONS,
            between::FUNCTIONS,
            business::FUNCTIONS,
            zones::FUNCTIONS,
        ],
    ),
];

/// Lists all functions and operators that are computed row by row, by family.
pub fn all() -> impl Iterator<Item = &'static Function> {
    FAMILIES.iter().flat_map(|(_, lists)| lists.iter().copied().flatten())
}

/// Lists the documentation of the whole language, by family.
pub fn docs() -> impl Iterator<Item = Doc> {
    let functions = FAMILIES.iter().flat_map(|(family, lists)| {
        let doc = |f: &Function| Doc { family, signature: f.signature, about: f.about, example: f.example };
        lists.iter().copied().flatten().map(doc)
    });
    functions.chain(forms::DOCS.iter().copied()).chain(reductions::docs())
}

/// Finds the function of a name for arguments of these types.
pub(super) fn resolve(name: &str, args: &[DataType]) -> Result<(&'static Function, Resolved)> {
    let args: Vec<DataType> = args.iter().map(|ty| types::logical(ty).clone()).collect();
    let known: Vec<&Function> = all().filter(|function| function.name == name).collect();
    if known.is_empty() {
        if IMPURE.contains(&name) {
            return Err(Error::profile("", format!("`{name}` is not supported")).hint(
                "expressions have no clock and no randomness: use `as_of` for the date and a `gen` for random values",
            ));
        }
        let names = all().map(|function| function.name).chain(Reduction::names());
        return Err(Error::profile("", format!("unknown function `{name}`"))
            .hint("`placebo list functions` shows them all")
            .maybe_hint(did_you_mean(name, names)));
    }
    let signatures: Vec<&str> = known.iter().map(|function| function.signature).collect();
    known.into_iter().find_map(|function| (function.types)(&args).map(|types| (function, types))).ok_or_else(|| {
        let given: Vec<String> = args.iter().map(types::name).collect();
        let name = if name == "negate" { "-" } else { name };
        Error::profile("", format!("type mismatch: `{name}` does not take ({})", given.join(", ")))
            .hint(format!("expected {}; a CAST converts between types", signatures.join(" or ")))
    })
}

/// Accepts arguments of exactly these types, or null.
fn accepted(args: &[DataType], wanted: &[DataType], result: DataType) -> Option<Resolved> {
    let fits =
        args.len() == wanted.len() && args.iter().zip(wanted).all(|(arg, want)| arg == want || arg == &DataType::Null);
    fits.then(|| (wanted.to_vec(), result))
}

/// Reads an argument that must be a constant text. `None` is null.
fn constant(value: &Value, what: &str, function: &str) -> Result<Option<String>> {
    match value {
        Value::Scalar(array) => Ok(texts(array).at(0).map(str::to_owned)),
        Value::Array(_) => Err(Error::new(Kind::Profile, format!("the {what} of `{function}` must be a constant"))),
    }
}
