//! Lifecycles: state machines whose walks are child tables.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Expr, Value};

/// A state machine: a weighted walk from `start` until a state without `next`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lifecycle {
    /// The state in which every walk starts.
    pub start: String,
    /// When it starts: a timestamp expression over the parent's columns.
    pub at: Expr,
    /// The walk stops before the first event after this instant; by default the end of the `as_of` day.
    #[serde(default)]
    pub until: Option<Expr>,
    /// The states by name.
    pub states: IndexMap<String, State>,
}

/// A state of a lifecycle.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Weights, or weight expressions over the parent's columns, of the states that may follow; none ends the walk.
    #[serde(default)]
    pub next: IndexMap<String, Expr>,
    /// The time that the walk stays in the state: `after.hours.lognormal = { median = 6, sigma = 0.9 }`.
    #[serde(default)]
    pub after: Option<Wait>,
}

/// A waiting time in one unit: a number, an expression or a number generator.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Wait {
    /// Seconds.
    Seconds(Value),
    /// Minutes.
    Minutes(Value),
    /// Hours.
    Hours(Value),
    /// Days of 24 hours.
    Days(Value),
}
