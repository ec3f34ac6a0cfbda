//! Decisions that the rows of a table record, as data of a profile: who asked for what, and what a correct system answers.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Expr;

/// A pack of decisions: `placebo cases --pack` asks a system for each, and says what it must answer.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decisions {
    /// The decisions in one line.
    pub about: String,
    /// The table with a row for each request.
    pub table: String,
    /// The column with the instant of the request, which the pairs of `boundaries` move.
    pub at: String,
    /// The decision of a correct system: SQL over the row, a text.
    pub decision: Expr,
    /// The reason, a text among the keys of `reasons`.
    pub reason: Expr,
    /// The decisions that let the request through.
    pub permits: Vec<String>,
    /// What is sent, as members of an object: SQL over the row, or further members. `AuthZEN` takes `subject`, `action`, `resource` and
    /// `context`. A null is left out.
    pub request: IndexMap<String, Member>,
    /// What is expected beside decision and reason, such as codes of an answer and entries of a log.
    #[serde(default)]
    pub expect: IndexMap<String, Member>,
    /// Instants at which a decision changes: requests one microsecond before, and at it, are a pair if their answers differ.
    #[serde(default)]
    pub boundaries: IndexMap<String, Expr>,
    /// Facts that change a decision: requests as they are, and with another value, are a pair if their answers differ.
    #[serde(default)]
    pub facts: IndexMap<String, Fact>,
    /// Every reason that a request may have.
    pub reasons: IndexMap<String, Reason>,
}

/// A member of an object: a value, or an object.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Member {
    /// SQL over the row.
    Value(Expr),
    /// An object.
    Object(IndexMap<String, Member>),
}

/// A fact of a request that is turned into another one.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// Written columns of the row, with their other values: SQL over the row as it was. A null leaves the row without a pair.
    pub set: IndexMap<String, Expr>,
}

/// A reason of decisions.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// The decision that it leads to.
    pub decision: String,
    /// The rule that demands it, such as `45 CFR 164.508(b)(5)`.
    pub law: String,
}
