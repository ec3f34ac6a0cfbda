//! Profile files as plain data, without behaviour or filled-in defaults.
//!
//! A profile is a folder with `profile.toml`, its parts, and `data/`. [`load`] reads it with the modules that it includes;
//! [`crate::plan::Plan::compile`] gives it a meaning. Types are externally tagged, without `flatten` and `untagged`, so that an
//! error points at the key at fault.

mod answer;
mod column;
mod decisions;
mod drop;
mod fault;
mod faults_asked;
mod files;
mod inert;
mod join;
mod lifecycle;
mod load;
mod message;
mod reference;
mod row;
mod trail;
mod value;

pub use answer::{Answer, Outcome};
pub use decisions::{Decisions, Fact, Member, Reason};
pub use fault::{Amount, Damage, DamageKind, Expect, Fault, Operator, Scope, Seal, SealKind, SetTo};
pub use faults_asked::{AskedFault, is_path};
pub use files::{Files, names, writable};
pub use lifecycle::{Lifecycle, State, Wait};
pub use load::{Loaded, OwnFile, is_name, load, load_text};
pub use message::{Head, Message, Messages, TEXT};
pub use reference::{Fallback, Pick, Ref};
pub use row::Row;
pub use trail::Trail;
pub use value::{Call, Definition, Expr, Lookup, Names, Scalar, Value};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// A profile: tables, their columns, and the parameters that a user may change.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The profile's name: lower case letters, digits and `_`.
    pub name: String,
    /// The data set in one line.
    #[serde(default)]
    pub title: String,
    /// The day on which the data set ends, such as `2025-06-30`. Nothing reads the clock; `--as-of` overrides it.
    #[serde(default)]
    pub as_of: Option<Scalar>,
    /// A profile on which this one builds: one that Placebo brings, such as `healthcare`, or the file `NAME.toml` beside this one. What
    /// this file says wins, key by key; the rest is as it is there, and so are its values.
    #[serde(default)]
    pub extends: Option<String>,
    /// With `extends`: what is left out of that profile. A table, with all below it; a column, such as `person.ssn`, from which
    /// others may still be computed; a check (`person.checks.ID`); `faults.NAME`, `fixtures.NAME`, `decisions.NAME`, `trails.NAME` or `answers.NAME`.
    #[serde(default)]
    pub drop: Vec<String>,
    /// Modules whose tables this profile has too, such as `["people"]`. Keys of this file win over theirs.
    #[serde(default)]
    pub include: Vec<String>,
    /// Further files of this profile, beside it: `["orders"]` is `orders.toml`. Their `params`, `tables`,
    /// `answers` and `outcomes` are read as if they were written at the end of this file, in this order.
    #[serde(default)]
    pub parts: Vec<String>,
    /// The parameters, which `--set name=value` changes; expressions read them as `params.name`.
    #[serde(default)]
    pub params: IndexMap<String, Param>,
    /// The tables, in the order in which they are written.
    #[serde(default)]
    pub tables: IndexMap<String, Table>,
    /// Faults that a run may make on purpose, by name: `--faults` chooses among them.
    #[serde(default)]
    pub faults: IndexMap<String, Fault>,
    /// Choices of faults by name, each with an amount: `smoke = { each = 1 }`.
    #[serde(default)]
    pub fault_sets: IndexMap<String, IndexMap<String, Amount>>,
    /// Named fixtures: rows that tests need, found with `placebo find --fixture NAME`. They change no value.
    #[serde(default)]
    pub fixtures: IndexMap<String, Fixture>,
    /// Questions about the rows whose answers are written beside the data, by name.
    #[serde(default)]
    pub answers: IndexMap<String, Answer>,
    /// The answers that the rows of tables deserve, by table.
    #[serde(default)]
    pub outcomes: IndexMap<String, Outcome>,
    /// Packs of decisions, by name: `placebo cases --pack NAME` makes their cases. They change no value.
    #[serde(default)]
    pub decisions: IndexMap<String, Decisions>,
    /// Trails of entries under chains of hashes, by name: `placebo cases --pack NAME` tampers with copies of them. They change no value.
    #[serde(default)]
    pub trails: IndexMap<String, Trail>,
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
    /// Faults, behind those of the files before.
    #[serde(default)]
    pub faults: IndexMap<String, Fault>,
    /// Choices of faults, behind those of the files before.
    #[serde(default)]
    pub fault_sets: IndexMap<String, IndexMap<String, Amount>>,
    /// Named fixtures, behind those of the files before.
    #[serde(default)]
    pub fixtures: IndexMap<String, Fixture>,
    /// Questions about the rows, behind those of the files before.
    #[serde(default)]
    pub answers: IndexMap<String, Answer>,
    /// The answers that the rows of further tables deserve.
    #[serde(default)]
    pub outcomes: IndexMap<String, Outcome>,
    /// Packs of decisions, behind those of the files before.
    #[serde(default)]
    pub decisions: IndexMap<String, Decisions>,
    /// Trails under chains of hashes, behind those of the files before.
    #[serde(default)]
    pub trails: IndexMap<String, Trail>,
}

/// Rows that tests need, under a name.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// The rows in one line, such as `a minor in an emergency department whose guardian took back a consent`.
    pub about: String,
    /// The table of the rows.
    pub table: String,
    /// The condition that they meet: SQL over the names that the table's columns see.
    pub r#where: Expr,
    /// The rows that come with each: names of child tables and references, with points for those further away, such as
    /// `["person", "encounter.encounter_event"]`.
    #[serde(default)]
    pub with: Vec<String>,
}

/// A number, text or date that a user may change.
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
    /// The effect of the parameter, in one line.
    #[serde(default)]
    pub about: String,
}

impl Param {
    /// Gives the values allowed, in words: `0 to 1`, `at least 0`, `one of a, b`, or the type where nothing bounds it.
    #[must_use]
    pub fn allowed(&self) -> String {
        if !self.choices.is_empty() {
            return format!("one of {}", self.choices.join(", "));
        }
        let kind = match self.value {
            Scalar::Integer(_) => "an integer",
            Scalar::Number(_) => "a number",
            Scalar::Boolean(_) => "true or false",
            Scalar::Date(_) => "a date",
            Scalar::Text(_) => "a text",
        };
        match (&self.min, &self.max) {
            (Some(min), Some(max)) => format!("{kind}, {min} to {max}"),
            (Some(min), None) => format!("{kind}, at least {min}"),
            (None, Some(max)) => format!("{kind}, at most {max}"),
            (None, None) => kind.to_owned(),
        }
    }
}

/// A table. Either a root table with `rows`, or a child table with `of` and one of `count`, `row`, `rows`, `lifecycle`,
/// `each` and `group`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The meaning of one row.
    #[serde(default)]
    pub about: String,
    /// The number of rows of a root table, or of a child table sized in total; `--rows table=5M` overrides it.
    #[serde(default)]
    pub rows: Option<u64>,
    /// `false` keeps `--scale` from multiplying `rows`, for reference data such as payers; by default it does.
    #[serde(default)]
    pub scales: Option<bool>,
    /// Another root table: there are at least as many rows for each of its rows as the profile says, also where `--rows` gives
    /// that table more; `--rows` for this table overrides it.
    #[serde(default)]
    pub grows_with: Option<String>,
    /// The parent table: each of its rows has `count` rows of this one.
    #[serde(default)]
    pub of: Option<String>,
    /// The spread of the rows of a child table sized in total over the parents; by default even.
    #[serde(default)]
    pub spread: Option<Spread>,
    /// The number of rows under a parent row: a number, an expression over the parent's columns, or a generator. Beside
    /// `row`, the number of further rows after the listed ones.
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
    /// The order of the rows of `each`: an expression such as `payment.captured_at`; by default the order of the
    /// table. Where `each` is a list, a column that all of its tables have.
    #[serde(default)]
    pub order: Option<Expr>,
    /// One row for each value of `by` among the rows of this child table of the parent, or of this hand; or of a list of
    /// them.
    #[serde(default)]
    pub group: Option<Names>,
    /// The key of `group`: an expression such as `date(payment.captured_at)`. Rows where it is null are in no group. Where `group`
    /// is a list, a column that all of its tables have.
    #[serde(default)]
    pub by: Option<Expr>,
    /// A condition over the rows of `each` or `group`: only those where it is true are taken.
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
    /// Kinds or classes of columns without `pii`, each with its columns: `classes.internal = ["status"]`.
    #[serde(default)]
    pub classes: IndexMap<String, Vec<String>>,
    /// SQL predicates that every row must hold, by rule id. A null fails, unless the check says `null = "passes"`.
    #[serde(default)]
    pub checks: IndexMap<String, Check>,
}

/// The distribution of a table's rows over their owners.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Zipf's exponent, a constant: 0 is even, 1 gives the first owner ten times as many rows as the tenth.
    #[serde(default)]
    pub skew: Option<Expr>,
    /// The size of the groups of owners within which the skew holds, a constant: in each group the first owners have the
    /// most, so that the largest hand does not grow with the data set. By default all owners are one group.
    #[serde(default)]
    pub skew_within: Option<Expr>,
    /// The random variation of equal shares, a constant from 0 (none) to 1; 0.5 by default.
    #[serde(default)]
    pub jitter: Option<Expr>,
}

/// A deal: each row of the table gets one owner in another table, and each owner a hand of rows.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deal {
    /// Zipf's exponent, a constant: 0 is even, 1 gives the first owner ten times as many rows as the tenth.
    #[serde(default)]
    pub skew: Option<Expr>,
    /// The size of the groups of owners within which the skew holds, a constant: in each group the first owners have the
    /// most, so that the largest hand does not grow with the data set. By default all owners are one group.
    #[serde(default)]
    pub skew_within: Option<Expr>,
    /// The random variation of equal shares, a constant from 0 (none) to 1; 0.5 by default.
    #[serde(default)]
    pub jitter: Option<Expr>,
    /// The name under which the owner aggregates its hand; by default the name of the dealt table.
    #[serde(default)]
    pub hand: Option<String>,
}

/// A column: where its values come from, and what is known about it. A bare string is an expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The source of its values.
    pub definition: Definition,
    /// The other keys; those of the definition are empty.
    pub rest: ColumnKeys,
}

/// An intermediate value of a table: where it comes from, and where it is null. A bare string is an expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Let {
    /// The source of its values.
    pub definition: Definition,
    /// The other keys; those of the definition are empty.
    pub rest: LetKeys,
}

/// A rule that every row of a table must hold. A bare string is its predicate.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The rule in one sentence; empty where only the predicate is given.
    pub about: String,
    /// The predicate.
    pub that: Expr,
    /// The verdict on a row in which the predicate is null.
    pub null: Verdict,
}

/// The verdict of a check on a row in which its predicate is null.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The row breaks the rule.
    #[default]
    Fails,
    /// The row keeps the rule, as in a SQL `CHECK`.
    Passes,
}

/// The keys of a check written as a table.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckKeys {
    /// The rule in one sentence: `placebo document` shows it.
    pub about: String,
    /// The SQL predicate that every row must hold.
    pub that: Expr,
    /// The verdict on a row in which the predicate is null: `passes` for a rule about values that may be missing; by
    /// default `fails`.
    #[serde(default)]
    pub null: Verdict,
}

/// The keys of a column written as a table.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnKeys {
    /// An SQL expression over the names in scope.
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
    /// No two rows of the table have the same value; rows without one do not count.
    #[serde(default)]
    pub unique: bool,
    /// The kind of personal data, such as `ssn` or `name`: `placebo list kinds` shows them.
    #[serde(default)]
    pub pii: Option<String>,
    /// The sensitivity of the values, where it differs from the kind's: `public`, `internal`, `pii`, `phi`, `pci`, …
    #[serde(default)]
    pub class: Option<String>,
    /// The letter of the HIPAA Safe Harbor list, `A` to `R` or `-`, where it differs from the kind's.
    #[serde(default)]
    pub hipaa: Option<String>,
    /// The handling under `--protect profile`, such as `mask`, where it differs from the kind's.
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
    /// The meaning of the values.
    #[serde(default)]
    pub about: String,
}

/// The keys of an intermediate value written as a table.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LetKeys {
    /// An SQL expression over the names in scope.
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
    /// The meaning of the values.
    #[serde(default)]
    pub about: String,
}
