//! Every operator and function of the language: one list, from which resolution, docs and tests come.
//!
//! To add one: an entry in its family's `FUNCTIONS`, with its types, its evaluation on arrays, and an example that a
//! test runs. Functions are pure: no clock, no randomness, no transcendental floating point.

mod arithmetic;
mod between;
mod business;
mod calendar;
mod choice;
mod columns;
mod compare;
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

use arrow_array::ArrayRef;
use arrow_schema::DataType;

pub use reductions::Reduction;

use super::Value;
use super::types;
use crate::arrays::texts;
use crate::error::{Error, Kind, Result, did_you_mean};

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
    /// Where the result may be null.
    pub nulls: Nulls,
    /// The arguments whose values the result is, or is put together of: what personal data in them makes of the result.
    pub carries: Carries,
}

/// Where the result of a function may be null.
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
    /// Whether the result may be null, given which arguments may be.
    pub(super) fn nullable(self, mut arguments: impl Iterator<Item = bool>) -> bool {
        match self {
            Nulls::Never => false,
            Nulls::Strict | Nulls::WithAny => arguments.any(|nullable| nullable),
            Nulls::WithAll => arguments.all(|nullable| nullable),
            Nulls::Anywhere => true,
        }
    }
}

/// The arguments of a function that its result hands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// None: the result is a fact about the arguments, such as a length, a sum or a comparison.
    Nothing,
    /// Every argument.
    All,
    /// The arguments at these places, from 0; the others only say how.
    Only(&'static [usize]),
}

impl Carries {
    /// Whether the result hands on the argument at a place, from 0.
    #[must_use]
    pub fn argument(self, place: usize) -> bool {
        match self {
            Carries::Nothing => false,
            Carries::All => true,
            Carries::Only(places) => places.contains(&place),
        }
    }
}

/// What people read about an operator, a function or a form of the language.
#[derive(Debug, Clone, Copy)]
pub struct Doc {
    /// The family it belongs to.
    pub family: &'static str,
    /// What it takes and gives.
    pub signature: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// An expression and the text of its value.
    pub example: (&'static str, &'static str),
}

/// What other languages have and a pure one cannot.
const IMPURE: [&str; 8] =
    ["random", "rand", "now", "today", "current_date", "current_time", "current_timestamp", "gen_random_uuid"];

const FAMILIES: [(&str, &[&[Function]]); 6] = [
    ("number", &[arithmetic::FUNCTIONS, division::FUNCTIONS, rounding::FUNCTIONS, roots::FUNCTIONS]),
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
        ],
    ),
];

/// All functions and operators that are computed row by row, family by family.
pub fn all() -> impl Iterator<Item = &'static Function> {
    FAMILIES.iter().flat_map(|(_, lists)| lists.iter().copied().flatten())
}

/// Everything that the language has, for lists and documents.
pub fn docs() -> impl Iterator<Item = Doc> {
    let functions = FAMILIES.iter().flat_map(|(family, lists)| {
        let doc = |f: &Function| Doc { family, signature: f.signature, about: f.about, example: f.example };
        lists.iter().copied().flatten().map(doc)
    });
    functions.chain(forms::DOCS.iter().copied()).chain(reductions::docs())
}

/// The function of a name that takes arguments of these types.
pub(super) fn resolve(name: &str, args: &[DataType]) -> Result<(&'static Function, Resolved)> {
    let args: Vec<DataType> = args.iter().map(|ty| types::logical(ty).clone()).collect();
    let known: Vec<&Function> = all().filter(|function| function.name == name).collect();
    if known.is_empty() {
        if IMPURE.contains(&name) {
            return Err(Error::profile("", format!("`{name}` is not part of the language"))
                .hint("an expression has no clock and no chance: the date is `as_of`, chance comes from a `gen`"));
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
            .hint(format!("it is {}; write a CAST where one is meant", signatures.join(" or ")))
    })
}

/// The types of arguments that are exactly these, or null.
fn accepted(args: &[DataType], wanted: &[DataType], result: DataType) -> Option<Resolved> {
    let fits =
        args.len() == wanted.len() && args.iter().zip(wanted).all(|(arg, want)| arg == want || arg == &DataType::Null);
    fits.then(|| (wanted.to_vec(), result))
}

/// An argument that is the same text for all rows; `None` is null.
fn constant(value: &Value, what: &str, function: &str) -> Result<Option<String>> {
    match value {
        Value::Scalar(array) => Ok(texts(array).at(0).map(str::to_owned)),
        Value::Array(_) => Err(Error::new(Kind::Profile, format!("the {what} of `{function}` must be a constant"))),
    }
}
