//! References: rows of other tables and of data files, and the ways to pick them.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Deal, Expr};

/// A row of another root table, of a data file, or of the same table, picked deterministically.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ref {
    /// The root table that the row belongs to; by default the table itself for sibling picks.
    #[serde(default)]
    pub table: Option<String>,
    /// The data file, in the profile's `data/` folder, that the row belongs to.
    #[serde(default)]
    pub file: Option<String>,
    /// The way in which the row is picked; by default at random.
    #[serde(default)]
    pub pick: Option<Pick>,
    /// The row number, for `pick = "row"` and `pick = "cycle"`, or the ordinal of a sibling or of a row within a parent, for `pick = "sibling"`.
    #[serde(default)]
    pub at: Option<Expr>,
    /// Zipf's exponent: 0 is uniform, 1 makes the first rows far more likely than the last.
    #[serde(default)]
    pub skew: Option<Expr>,
    /// Deals the rows of this table to the rows of the other: `deal = {}` is even. For tables sized in total.
    #[serde(default)]
    pub deal: Option<Deal>,
    /// An ancestor or another reference of this row, among whose child rows of `table` the row is picked.
    #[serde(default)]
    pub within: Option<String>,
    /// A condition over the picked table's columns that the row meets, for picks within a parent and among siblings.
    #[serde(default)]
    pub r#where: Option<Expr>,
    /// Other references of this row to the same table whose rows are not picked again.
    #[serde(default)]
    pub differs: Vec<String>,
    /// The row to take where none matches.
    #[serde(default)]
    pub fallback: Option<Fallback>,
    /// The data file's column of weights.
    #[serde(default)]
    pub weight: Option<String>,
    /// Columns of the table or data file that must equal expressions of this row: `match.sex = "person.sex"`.
    #[serde(default)]
    pub r#match: IndexMap<String, Expr>,
    /// A condition: where it is not true, there is no row, and the columns read through the reference are null.
    #[serde(default)]
    pub when: Option<Expr>,
    /// The share of rows, 0 to 1, that refer to nothing.
    #[serde(default)]
    pub null: Option<Expr>,
}

/// The row that a reference takes where none matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// Any row of the table.
    Any,
    /// No row: the columns read through the reference are null.
    None,
}

/// The way in which a reference picks its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pick {
    /// Row 17 looks at row 17. The other table gets at least as many rows as this one.
    SameRow,
    /// Any row, each equally likely unless there is a `skew` or `weight`.
    Random,
    /// The row whose number the expression `at` gives, from 0.
    Row,
    /// The row whose number the expression `at` gives, counted on from the first row behind the last: of 4 rows, 5 is row 1.
    Cycle,
    /// An earlier row of the same root table; none for its first row.
    Earlier,
    /// The sibling before this one under the same parent; none for the first.
    Previous,
    /// Any earlier sibling; none for the first.
    EarlierSibling,
    /// The first of the siblings, or of the rows within a parent, that meet `where`.
    First,
    /// The last of them.
    Last,
    /// The sibling whose ordinal, from 1, the expression `at` gives, or the row within a parent, counted among those that meet `where`.
    Sibling,
    /// The matching rows of a data file one after the other: the first sibling gets the first.
    InOrder,
    /// A row of a data file that no earlier sibling has; none when all are taken.
    Distinct,
}
