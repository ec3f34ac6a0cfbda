//! Answers: questions about a table whose answers are written beside the data, and the answers that its rows deserve.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Expr, Names};

/// A question about the rows of a table: a number for each group of them, written to `answers.json` and `answers.csv`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The meaning of the answer.
    #[serde(default)]
    pub about: String,
    /// The table.
    pub table: String,
    /// A condition over its columns: only rows for which it is true count. By default all of them.
    #[serde(default)]
    pub r#where: Option<Expr>,
    /// The expressions that make the groups: `by = ["currency", "year(booked_on)"]`. By default all rows are one group.
    #[serde(default)]
    pub by: Vec<Expr>,
    /// One of `count(*)`, `count(x)`, `sum(x)`, `min(x)` and `max(x)`, or a list of them; `x` is an expression over the columns of
    /// the table. Sums are exact: of integers and decimals.
    pub measure: Names,
}

/// The answers that the rows of a table deserve: what a correct system decides, and the codes that it gives.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The decision about a row, such as `decision` or `CASE WHEN code = '00' THEN 'accept' ELSE 'decline' END`.
    pub decision: Expr,
    /// The reason of the decision; by default none.
    #[serde(default)]
    pub reason: Option<Expr>,
    /// The code of the answer in each dialect: `code.http = "CASE decision WHEN 'deny' THEN 403 ELSE 200 END"`. Null where a row gets
    /// none.
    #[serde(default)]
    pub code: IndexMap<String, Expr>,
}
