//! What a profile file says: plain data, no behaviour, no defaults filled in.
//!
//! A profile is one TOML file beside a `data/` folder. [`load`] reads it with the modules that it includes; the plan
//! decides what it means. Externally tagged, no `flatten`, no `untagged`: an error points at the very key.

mod column;
mod files;
mod join;
mod load;
mod row;
mod value;

pub use files::{Files, names, writable};
pub use load::{Loaded, load};
pub use row::Row;
pub use value::{Call, Definition, Expr, Lookup, Names, Scalar, Value};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// A profile: tables, their columns, and the parameters a user may turn.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The profile's name: lower case letters, digits and `_`.
    pub name: String,
    /// One line that says what the data set is.
    #[serde(default)]
    pub title: String,
    /// The day on which the data set ends, such as `2025-06-30`. Nothing reads the clock; `--as-of` overrides it.
    #[serde(default)]
    pub as_of: Option<Scalar>,
    /// Modules whose tables this profile has too, such as `["people"]`. Keys of this file win over theirs.
    #[serde(default)]
    pub include: Vec<String>,
    /// Further files of this profile, beside it: `["orders"]` is `orders.toml`. Their `params` and `tables` are read as if
    /// they were written at the end of this file, in this order.
    #[serde(default)]
    pub parts: Vec<String>,
    /// What a user may turn with `--set name=value`; expressions read them as `params.name`.
    #[serde(default)]
    pub params: IndexMap<String, Param>,
    /// The tables, in the order in which they are written.
    #[serde(default)]
    pub tables: IndexMap<String, Table>,
}

/// One of the further files of a profile, which `parts` lists.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Parameters, behind those of the files before.
    #[serde(default)]
    pub params: IndexMap<String, Param>,
    /// Tables, behind those of the files before. A table of an earlier file gets further columns, references and checks.
    #[serde(default)]
    pub tables: IndexMap<String, Table>,
}

/// A number, text or date that a user may turn.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// The value unless `--set` gives another; its type is the parameter's type.
    pub value: Scalar,
    /// The least value allowed.
    #[serde(default)]
    pub min: Option<Scalar>,
    /// The greatest value allowed.
    #[serde(default)]
    pub max: Option<Scalar>,
    /// The only texts allowed.
    #[serde(default)]
    pub choices: Vec<String>,
    /// What it turns, in one line.
    #[serde(default)]
    pub about: String,
}

/// A table. Either a root table with `rows`, or a child table with `of` and one of `count`, `row`, `rows`, `lifecycle`,
/// `each` and `group`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// What one row is.
    #[serde(default)]
    pub about: String,
    /// The number of rows of a root table, or of a child table sized in total; `--rows table=5M` overrides it.
    #[serde(default)]
    pub rows: Option<u64>,
    /// Whether `--scale` multiplies `rows`; say `false` for reference data such as payers.
    #[serde(default)]
    pub scales: Option<bool>,
    /// The parent table: each of its rows has `count` rows of this one.
    #[serde(default)]
    pub of: Option<String>,
    /// How the rows of a child table sized in total are spread over the parents: evenly unless said otherwise.
    #[serde(default)]
    pub spread: Option<Spread>,
    /// How many rows under a parent row: a number, an expression over the parent's columns, or a generator. Beside `row`,
    /// how many more follow the listed ones.
    #[serde(default)]
    pub count: Option<Value>,
    /// The rows under a parent row, one entry for each, in this order. Columns read an entry's values as `row.NAME`.
    #[serde(default)]
    pub row: Vec<Row>,
    /// A condition over the parent's columns: where it is not true, there are no rows.
    #[serde(default)]
    pub when: Option<Expr>,
    /// A state machine whose walk is this table: one row per state entered.
    #[serde(default)]
    pub lifecycle: Option<Lifecycle>,
    /// One row for each row of this child table of the parent, or of this hand that was dealt to it; of a list of them,
    /// for each row of any.
    #[serde(default)]
    pub each: Option<Names>,
    /// What the rows of `each` are ordered by, such as `payment.captured_at`; by default the order of the table. Where
    /// `each` is a list, a column that all of its tables have.
    #[serde(default)]
    pub order: Option<Expr>,
    /// One row for each value of `by` among the rows of this child table of the parent, or of this hand; or of a list of
    /// them.
    #[serde(default)]
    pub group: Option<Names>,
    /// What `group` groups by, such as `date(payment.captured_at)`; rows where it is null are in no group. Where `group`
    /// is a list, a column that all of its tables have.
    #[serde(default)]
    pub by: Option<Expr>,
    /// Which rows `each` and `group` take: a condition over them.
    #[serde(default)]
    pub r#where: Option<Expr>,
    /// Root rows per chunk, the unit of parallel work; by default about 64 Ki rows of the whole tree.
    #[serde(default)]
    pub chunk: Option<u64>,
    /// Rows of other tables or data files that this row looks at, by name.
    #[serde(default)]
    pub refs: IndexMap<String, Ref>,
    /// Intermediate values by name. Expressions use them like columns, also those of other tables; they are not written.
    #[serde(default)]
    pub r#let: IndexMap<String, Let>,
    /// The columns, in the order in which they are written.
    #[serde(default)]
    pub columns: IndexMap<String, Column>,
    /// What the columns without `pii` are: a kind or a class, and the columns: `classes.internal = ["status"]`.
    #[serde(default)]
    pub classes: IndexMap<String, Vec<String>>,
    /// SQL predicates that every row must hold, by rule id; null holds, as in a SQL `CHECK`.
    #[serde(default)]
    pub checks: IndexMap<String, Check>,
}

/// How rows are spread over owners.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Zipf's exponent, a constant: 0 is even, 1 gives the first owner ten times as many rows as the tenth.
    #[serde(default)]
    pub skew: Option<Expr>,
    /// How many owners at most the skew is over, a constant: in each such group the first owners have the most, so that
    /// the largest hand stays as large when a data set grows. By default all are one group.
    #[serde(default)]
    pub skew_within: Option<Expr>,
    /// How far equal shares are shaken, a constant from 0 to 1; 0.5 by default.
    #[serde(default)]
    pub jitter: Option<Expr>,
}

/// How the rows of a table are dealt to further owners. Each row has one owner, each owner a hand of rows.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deal {
    /// Zipf's exponent, a constant: 0 is even, 1 gives the first owner ten times as many rows as the tenth.
    #[serde(default)]
    pub skew: Option<Expr>,
    /// How many owners at most the skew is over, a constant: in each such group the first owners have the most, so that
    /// the largest hand stays as large when a data set grows. By default all are one group.
    #[serde(default)]
    pub skew_within: Option<Expr>,
    /// How far equal shares are shaken, a constant from 0 to 1; 0.5 by default.
    #[serde(default)]
    pub jitter: Option<Expr>,
    /// The name under which the owner aggregates its hand; by default the name of the dealt table.
    #[serde(default)]
    pub hand: Option<String>,
}

/// A column: where its values come from, and what is known about it. A bare string is an expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Where its values come from.
    pub definition: Definition,
    /// The other keys; those of the definition are empty.
    pub rest: ColumnKeys,
}

/// An intermediate value of a table: where it comes from, and where it is null. A bare string is an expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Let {
    /// Where its values come from.
    pub definition: Definition,
    /// The other keys; those of the definition are empty.
    pub rest: LetKeys,
}

/// A rule that every row of a table must hold. A bare string is its predicate.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// What the rule demands, in one sentence; empty where only the predicate is given.
    pub about: String,
    /// The predicate.
    pub that: Expr,
}

/// The keys of a check written as a table.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckKeys {
    /// What the rule demands, in one sentence: `placebo document` shows it.
    pub about: String,
    /// The SQL predicate that every row must hold.
    pub that: Expr,
}

/// The keys of a column written as a table.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnKeys {
    /// An SQL expression over the columns in sight.
    #[serde(default)]
    pub expr: Option<Expr>,
    /// A generator: `gen.uuid = {}`.
    #[serde(default)]
    pub r#gen: Option<Call>,
    /// A map from what `by` gives to values: `lookup = { EMER = 1, IMP = 2 }`.
    #[serde(default)]
    pub lookup: IndexMap<String, Scalar>,
    /// The expression whose value is looked up in `lookup`.
    #[serde(default)]
    pub by: Option<Expr>,
    /// The value where `lookup` does not have what `by` gives; by default null.
    #[serde(default)]
    pub default: Option<Scalar>,
    /// Part of the primary key.
    #[serde(default)]
    pub key: bool,
    /// The kind of personal data, such as `ssn` or `name`: `placebo list kinds` shows them.
    #[serde(default)]
    pub pii: Option<String>,
    /// How sensitive the values are, where it is not what the kind says: `public`, `internal`, `pii`, `phi`, `pci`, …
    #[serde(default)]
    pub class: Option<String>,
    /// The letter of the HIPAA Safe Harbor list, `A` to `R` or `-`, where it is not what the kind says.
    #[serde(default)]
    pub hipaa: Option<String>,
    /// What `--protect profile` does, where it is not what the kind says, such as `mask`.
    #[serde(default)]
    pub handling: Option<String>,
    /// The domain in which equal values stay equal when they are protected: `domain = "patient.mrn"`.
    #[serde(default)]
    pub domain: Option<String>,
    /// A condition: where it is not true, the value is null.
    #[serde(default)]
    pub when: Option<Expr>,
    /// The share of rows, 0 to 1, whose value is null although there could be one.
    #[serde(default)]
    pub null: Option<Expr>,
    /// The column of another table that this one repeats: `references = "settlement_batch.batch_id"`. Columns that are
    /// read through a parent or a reference have it by themselves.
    #[serde(default)]
    pub references: Option<String>,
    /// The type to cast to, in SQL: `decimal(12,2)`.
    #[serde(default)]
    pub r#type: Option<String>,
    /// Computed for other columns, and not written.
    #[serde(default)]
    pub hidden: bool,
    /// What the values mean.
    #[serde(default)]
    pub about: String,
}

/// The keys of an intermediate value written as a table.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LetKeys {
    /// An SQL expression over the columns in sight.
    #[serde(default)]
    pub expr: Option<Expr>,
    /// A generator: `gen.poisson.mean = 2`.
    #[serde(default)]
    pub r#gen: Option<Call>,
    /// A map from what `by` gives to values: `lookup = { EMER = 1, IMP = 2 }`.
    #[serde(default)]
    pub lookup: IndexMap<String, Scalar>,
    /// The expression whose value is looked up in `lookup`.
    #[serde(default)]
    pub by: Option<Expr>,
    /// The value where `lookup` does not have what `by` gives; by default null.
    #[serde(default)]
    pub default: Option<Scalar>,
    /// A condition: where it is not true, the value is null.
    #[serde(default)]
    pub when: Option<Expr>,
    /// The share of rows, 0 to 1, whose value is null although there could be one.
    #[serde(default)]
    pub null: Option<Expr>,
    /// The type to cast to, in SQL: `decimal(12,2)`.
    #[serde(default)]
    pub r#type: Option<String>,
    /// What the values mean.
    #[serde(default)]
    pub about: String,
}

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
    /// How the row is picked.
    #[serde(default)]
    pub pick: Option<Pick>,
    /// The row number, for `pick = "row"`, or the ordinal of a sibling or of a row within a parent, for `pick = "sibling"`.
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
    /// What happens where no row matches.
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

/// What a reference does where no row matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// Any row of the table.
    Any,
    /// No row: the columns read through the reference are null.
    None,
}

/// How a reference picks its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pick {
    /// Row 17 looks at row 17. The other table gets at least as many rows as this one.
    SameRow,
    /// Any row, each as likely as another unless `skew` or `weight` says otherwise.
    Random,
    /// The row whose number the expression `at` gives, from 0.
    Row,
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
    /// How long the walk stays before it goes on: `after.hours.lognormal = { median = 6, sigma = 0.9 }`.
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
