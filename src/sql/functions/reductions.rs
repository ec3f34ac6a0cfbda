//! Aggregates and window functions: names, arguments and types.
//!
//! Their examples are about `item`, a child table of four rows whose `amount` is 3, null, 1 and 5 and whose `name` is
//! `a` to `d`. Aggregates are evaluated in the parent row, window functions in the last row of `item`.

use arrow_schema::DataType::{self, Boolean, Decimal128, Float64, Int64, Utf8};

use super::Doc;
use crate::sql::types;

/// An aggregate or window function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the entries below document them")]
pub enum Reduction {
    Sum,
    Count,
    Min,
    Max,
    Avg,
    First,
    Last,
    BoolAnd,
    BoolOr,
    StringAgg,
    Lag,
    Lead,
    RowNumber,
    ClampedSum,
    GuardedSum,
}

impl Reduction {
    /// Tells whether its value is one of its argument's values, or composed of them: then it is as personal as they
    /// are.
    #[must_use]
    pub fn carries(self) -> bool {
        use Reduction::{First, Lag, Last, Lead, Max, Min, StringAgg};
        matches!(self, Min | Max | First | Last | StringAgg | Lag | Lead)
    }
}

struct Entry {
    name: &'static str,
    is: Reduction,
    /// True if it can be an aggregate over a child table, and if it can be a window function before `OVER`.
    aggregate: bool,
    window: bool,
    /// The least and the greatest number of arguments.
    args: (usize, usize),
    signature: &'static str,
    about: &'static str,
    example: (&'static str, &'static str),
}

const fn entry(
    name: &'static str,
    is: Reduction,
    (aggregate, window): (bool, bool),
    args: (usize, usize),
    signature: &'static str,
    about: &'static str,
    example: (&'static str, &'static str),
) -> Entry {
    Entry { name, is, aggregate, window, args, signature, about, example }
}

const BOTH: (bool, bool) = (true, true);
const AGGREGATE: (bool, bool) = (true, false);
const WINDOW: (bool, bool) = (false, true);
const LAST: &str = "last_value(value) OVER ([ORDER BY …])";

#[rustfmt::skip]
const ENTRIES: &[Entry] = &[
    entry("sum", Reduction::Sum, BOTH, (1, 1), "sum(number)", "The sum; null if there is no value.", ("sum(item.amount)", "9")),
    entry("count", Reduction::Count, BOTH, (0, 1), "count(table), count(value) → bigint", "The number of rows, or of rows with a value.", ("count(item) + count(item.amount)", "7")),
    entry("min", Reduction::Min, BOTH, (1, 1), "min(value)", "The least value.", ("min(item.amount)", "1")),
    entry("max", Reduction::Max, BOTH, (1, 1), "max(value)", "The greatest value.", ("max(item.name)", "d")),
    entry("avg", Reduction::Avg, BOTH, (1, 1), "avg(number) → double", "The mean of the values.", ("avg(item.amount)", "3.0")),
    entry("first", Reduction::First, BOTH, (1, 1), "first(value)", "The value of the first row; null if that is null.", ("first(item.amount)", "3")),
    entry("last", Reduction::Last, BOTH, (1, 1), "last(value)", "The value of the last row; null if that is null.", ("last(item.name) FILTER (WHERE item.amount < 4)", "c")),
    entry("bool_and", Reduction::BoolAnd, BOTH, (1, 1), "bool_and(condition) → boolean", "True if all values are true.", ("bool_and(item.amount > 2)", "false")),
    entry("bool_or", Reduction::BoolOr, BOTH, (1, 1), "bool_or(condition) → boolean", "True if at least one value is true.", ("bool_or(item.amount > 2)", "true")),
    entry("string_agg", Reduction::StringAgg, AGGREGATE, (1, 2), "string_agg(text[, separator]) → text", "All texts joined with a constant separator, by default a comma.", ("string_agg(item.name, ';')", "a;b;c;d")),
    entry("row_number", Reduction::RowNumber, WINDOW, (0, 0), "row_number() OVER ([ORDER BY …]) → bigint", "The position among the siblings, from 1.", ("row_number() OVER (ORDER BY amount)", "3")),
    entry("lag", Reduction::Lag, WINDOW, (1, 1), "lag(value) OVER ([ORDER BY …])", "The value of the sibling before.", ("lag(name) OVER (ORDER BY amount)", "a")),
    entry("lead", Reduction::Lead, WINDOW, (1, 1), "lead(value) OVER ([ORDER BY …])", "The value of the sibling after.", ("lead(name) OVER (ORDER BY amount DESC)", "a")),
    entry("first_value", Reduction::First, WINDOW, (1, 1), "first_value(value) OVER ([ORDER BY …])", "The value of the first sibling.", ("first_value(name) OVER (ORDER BY amount)", "c")),
    entry("last_value", Reduction::Last, WINDOW, (1, 1), LAST, "The value of the last sibling; with ORDER BY the row's own value, because the window ends at the row.", ("last_value(name) OVER ()", "d")),
    entry("clamped_sum", Reduction::ClampedSum, WINDOW, (1, 4), "clamped_sum(number[, start[, floor[, cap]]]) OVER ([ORDER BY …])", "A running sum from `start` that is clamped to `floor` and `cap` at each step; a null bound is no bound.", ("clamped_sum(amount, 0, 0, 7) OVER (ORDER BY name)", "7")),
    entry("guarded_sum", Reduction::GuardedSum, WINDOW, (1, 4), "guarded_sum(number[, start[, floor[, cap]]]) OVER ([ORDER BY …])", "A running sum from `start` that skips each step that would go below `floor` or above `cap`.", ("guarded_sum(amount, 0, 0, 7) OVER (ORDER BY name)", "4")),
];

/// Lists the documentation of all aggregates and window functions.
pub(super) fn docs() -> impl Iterator<Item = Doc> {
    ENTRIES.iter().map(|entry| Doc {
        family: if entry.aggregate { "aggregate" } else { "window" },
        signature: entry.signature,
        about: entry.about,
        example: entry.example,
    })
}

impl Reduction {
    /// Lists all names.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ENTRIES.iter().map(|entry| entry.name)
    }

    /// Finds an aggregate or window function by name, in lower case. `None` if there is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ENTRIES.iter().find(|entry| entry.name == name).map(|entry| entry.is)
    }

    /// Explains why a function cannot have that many arguments, or cannot be with or without `OVER`. `None` if it can,
    /// or the name is unknown.
    pub(in crate::sql) fn misuse(name: &str, args: usize, over: bool) -> Option<String> {
        let entry = ENTRIES.iter().find(|entry| entry.name == name)?;
        let (least, most) = entry.args;
        if over && !entry.window {
            return Some(format!("`{name}` is not a window function: it cannot have `OVER`"));
        }
        if !over && !entry.aggregate {
            return Some(format!("`{name}` is a window function: it needs `OVER (…)`"));
        }
        (!(least..=most).contains(&args)).then(|| format!("`{}` does not take {args} arguments", entry.signature))
    }

    /// Gives the type of the result for the type of the first argument. `None` refuses it.
    #[must_use]
    pub fn result(self, argument: Option<&DataType>) -> Option<DataType> {
        let number = |ty: &DataType| match ty {
            Int64 => Some(Int64),
            Float64 => Some(Float64),
            Decimal128(_, scale) => Some(Decimal128(38, *scale)),
            _ => None,
        };
        match self {
            Reduction::Count | Reduction::RowNumber => Some(Int64),
            Reduction::Sum | Reduction::ClampedSum | Reduction::GuardedSum => number(argument?),
            Reduction::Avg => number(argument?).map(|_| Float64),
            Reduction::BoolAnd | Reduction::BoolOr => (argument? == &Boolean).then_some(Boolean),
            Reduction::StringAgg => (types::logical(argument?) == &Utf8).then_some(Utf8),
            Reduction::Min | Reduction::Max | Reduction::First | Reduction::Last | Reduction::Lag | Reduction::Lead => {
                Some(types::logical(argument?).clone())
            }
        }
    }
}
