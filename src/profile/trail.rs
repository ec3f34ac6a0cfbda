//! Trails of entries under a chain of hashes, as data of a profile: what a verifier of them is tested with.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Expr;

/// A trail of entries, each with the hash of the one before, such as an audit log: `placebo cases --pack` makes copies of it that somebody
/// tampered with, and says which entry a verifier must name.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trail {
    /// The trail in one line.
    pub about: String,
    /// The table of the entries. The entries of one parent are a trail.
    pub table: String,
    /// The column that numbers them: 1, 2, 3 and so on.
    pub number: String,
    /// The column with their hashes, made by `gen.hash_chain` over written columns.
    pub hash: String,
    /// The column with the hash of the entry before, 64 zeros for the first, if there is one.
    #[serde(default)]
    pub previous: Option<String>,
    /// The hash of every so many entries, and that of the last, is known from elsewhere, where nobody can tamper with it.
    #[serde(default = "ten")]
    pub anchors: u32,
    /// Columns of the chain with another value: SQL over the row as it was. A null, or the same value, leaves the entry as it is.
    pub edits: IndexMap<String, Expr>,
    /// The rule that demands that a trail shows what was changed, such as `45 CFR 164.312(c)(1)`.
    pub law: String,
}

fn ten() -> u32 {
    10
}
