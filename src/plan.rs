//! What a profile means: tables, columns and their dependencies, checked once; and the pure function from rows to
//! batches.
//!
//! A column is a node with inputs. An input is a path of steps (to the parent, through a reference) that ends at a
//! column; the graph of (table, column) has no cycle, which compilation proves by visiting it. Evaluation works on any
//! list of root rows, so that parts, references and later dealt facts need no second road.

mod chunks;
mod compile;
mod deal;
mod evaluate;
mod families;
mod limits;
mod options;
mod origin;
mod references;
mod trees;

use std::sync::{Arc, OnceLock};

use arrow_array::ArrayRef;
use arrow_schema::{DataType, SchemaRef};
use indexmap::IndexMap;

pub use chunks::{MeanRows, Sample};
pub use evaluate::{Chunk, Failure};
pub use limits::Limits;
pub use options::Options;
pub use origin::{Known, Origin};
pub use trees::Tree;

use crate::sql::Reduction as Function;

use crate::generator::Generator;
use crate::generator::data::Data;
use crate::generator::lifecycle::Walker;
use deal::{Deal, Spread};

/// A compiled profile.
pub struct Plan {
    /// The profile's name.
    pub name: String,
    /// The profile's title.
    pub title: String,
    /// SHA-256 over the profile's files.
    pub digest: String,
    /// The seed text.
    pub seed: String,
    /// The day on which the data set ends, in days since 1970-01-01.
    pub as_of: i32,
    /// Every parameter with its value, as text.
    pub params: IndexMap<String, String>,
    /// The data files that are used, by name.
    pub data: IndexMap<String, Arc<Data>>,
    /// The most that is made.
    pub limits: Limits,
    /// The tables, in the profile's order.
    pub tables: Vec<Table>,
}

/// A compiled table.
pub struct Table {
    /// Its name.
    pub name: String,
    /// What one row is.
    pub about: String,
    /// The parent of a child table.
    pub parent: Option<usize>,
    /// The rows of a root table, or of a child table sized in total; 0 where they follow from the parent's.
    pub rows: u64,
    /// Root rows per chunk, for a root table.
    pub chunk: u64,
    /// All columns, the written ones first.
    pub columns: Vec<Column>,
    /// How many of the columns are declared in the profile, intermediate values included.
    pub declared: usize,
    /// How many of the declared ones come before the intermediate values.
    before_lets: usize,
    /// The references by their place in the profile; `None` for records of data files, which are columns.
    pub refs: Vec<Option<Reference>>,
    /// The checks, in the profile's order.
    pub checks: Vec<Check>,
    /// What the profile says of the declared columns as personal data, by name.
    pub marks: IndexMap<String, Vec<Mark>>,
    /// The written columns with their types and metadata.
    pub schema: SchemaRef,
    /// Where its rows come from.
    source: Source,
    /// Keeps sister tables apart in row keys.
    key: u64,
    /// Whole columns of a small root table, kept once they were needed through a reference.
    whole: Option<Vec<OnceLock<ArrayRef>>>,
}

/// A rule that every row of a table keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The rule id.
    pub id: String,
    /// What the rule demands, in one sentence; empty where the profile gives only the predicate.
    pub about: String,
    /// The predicate as written.
    pub predicate: String,
    /// The column that computes it; not written.
    column: usize,
}

/// A compiled column.
pub struct Column {
    /// Its name; columns made by the compiler have a `#` in it.
    pub name: String,
    /// Whether it is written.
    pub visible: bool,
    /// Its type, which may be a dictionary.
    pub ty: DataType,
    /// Whether it may be null.
    pub nullable: bool,
    /// The key of its randomness.
    key: u64,
    op: Op,
    inputs: Vec<Input>,
    /// Where values come from that a generator makes.
    made: Origin,
    /// Whether a value depends on the row's siblings: then a family is computed whole.
    family: bool,
    /// Inputs that decide where the value is null: a condition, and a rate.
    when: Option<usize>,
    null: Option<usize>,
}

/// What a profile says of a column as personal data. A column that is marked twice has two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark {
    /// The kind or class that is named.
    pub names: Option<String>,
    /// What overrides the kind.
    pub class: Option<String>,
    /// The Safe Harbor letter that overrides the kind's.
    pub hipaa: Option<String>,
    /// The handling that overrides the kind's.
    pub handling: Option<String>,
    /// The domain for tokens and joinable ciphertext.
    pub domain: Option<String>,
}

/// Where an input comes from: steps away from the row, then a column there.
#[derive(Debug, Clone, PartialEq)]
struct Input {
    steps: Vec<Step>,
    column: usize,
}

/// One step away from a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Parent,
    Ref(usize),
    /// From a row of an `each` table to the row that it stands for, by the place of its table in the list.
    Fact(usize),
}

/// Where the rows of a table come from.
enum Source {
    Root,
    /// As many under a parent row as the parent's column says.
    Count(usize),
    Walk(Walk),
    /// Under a parent row the entries of a list whose conditions hold.
    List(List),
    /// A child table sized in total.
    Dense(Spread),
    /// One row for each row of some hands.
    Each(Vec<Facts>),
    /// One row for each value among the rows of a hand.
    Group(Vec<Facts>),
}

/// Rows that belong to each row of a table: those of its base, or their descendants of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hand {
    base: Base,
    /// The table of the rows: the base's own, or one below it.
    table: usize,
}

/// Where the rows of a hand begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    /// The rows of a child table.
    Children(usize),
    /// The rows of a table that a reference of it deals to this one.
    Dealt(usize, usize),
    /// The rows of one table that a row of a `group` table stands for, by the place of the table in the list.
    Grouped(usize, usize),
}

impl Base {
    /// The table of the rows.
    fn table(self) -> usize {
        match self {
            Base::Children(table) | Base::Dealt(table, _) | Base::Grouped(table, _) => table,
        }
    }
}

impl Hand {
    /// Whether the rows are the base's own.
    fn near(&self) -> bool {
        self.table == self.base.table()
    }
}

impl From<Base> for Hand {
    fn from(base: Base) -> Self {
        Self { base, table: base.table() }
    }
}

/// A compiled row list.
struct List {
    /// A column of the parent: which of its rows have any.
    when: Option<usize>,
    /// The entries in order; neighbours with the same `each` together.
    entries: Vec<Entries>,
    /// A column of the parent: how many more rows follow the listed ones.
    more: Option<usize>,
}

/// Neighbouring entries of a row list that are given for the same rows.
struct Entries {
    /// The rows, each of which has these entries; `None` for the parent row itself.
    hand: Option<Hand>,
    /// For each entry a column of the hand's table, or of the parent: whether there is such a row; `None` always.
    conditions: Vec<Option<usize>>,
}

/// A value that an entry of a row list gives.
enum Listed {
    /// The same for every row: one value.
    Constant(ArrayRef),
    /// A table, and its column.
    Column(usize, usize),
    /// The entry does not give the value.
    Null,
}

/// The rows that an `each` or `group` table is made of.
struct Facts {
    hand: Hand,
    /// A column of the facts: which of them count.
    filter: Option<usize>,
    /// A column of the facts: their order, or what they are grouped by.
    by: Option<usize>,
}

/// A reference to a row of a table.
pub struct Reference {
    /// Its name.
    pub name: String,
    /// The table it leads to; for siblings the table itself.
    pub table: usize,
    /// The column that holds the picked row.
    pick: usize,
    /// What the pick is.
    place: Place,
    /// How the rows are dealt, where they are.
    deal: Option<Deal>,
}

/// What a pick counts.
#[derive(Debug, Clone, PartialEq)]
enum Place {
    /// Rows of the whole table.
    Number,
    /// Rows at hand, the siblings among them.
    Sibling,
    /// Children of the rows that some steps lead to.
    Within(Vec<Step>),
}

/// What a column computes.
enum Op {
    Expr(crate::sql::Expr),
    Generator(Box<dyn Generator>),
    /// The root row's number.
    Row,
    /// The ordinal among the siblings, from 1.
    Ordinal,
    /// How many siblings there are, with the row itself.
    Siblings,
    /// A column of a data file at the records that the input picks.
    Project(ArrayRef),
    /// A row or sibling picked for a reference.
    Pick(references::Pick),
    /// A row picked among the rows that match.
    Match(references::Match),
    /// A row picked among siblings, or among the children of a row that some steps lead to.
    Among(references::Among),
    /// The place in the hand of a reference that deals, from 1.
    HandOrdinal(usize),
    /// The value that a row of a `group` table stands for.
    GroupKey,
    /// A reduction of a column over the rows that belong to each row.
    Aggregate(Aggregate),
    /// A function over the siblings.
    Window(Window),
    /// State, time or previous state of a lifecycle's walk.
    Walk(WalkColumn),
    /// A value of the row list's entries, one for each of them.
    Listed(Vec<Listed>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WalkColumn {
    State,
    At,
    From,
}

/// A compiled lifecycle: where its weights, waits and times come from.
struct Walk {
    walker: Walker,
    /// Columns of the parent, one for each transition.
    weights: Vec<usize>,
    /// For each state the unit in microseconds and the column of the child that says how many of it to wait.
    waits: Vec<Option<(f64, usize)>>,
    /// Columns of the parent: when walks start, and when they stop.
    at: usize,
    until: usize,
    /// A column of the parent: which rows walk at all.
    when: Option<usize>,
}

struct Aggregate {
    function: Function,
    hand: Hand,
    argument: Option<usize>,
    /// What stands between the texts of `string_agg`.
    separator: String,
    filter: Option<usize>,
    order: Vec<(usize, bool)>,
}

struct Window {
    function: Function,
    arguments: Vec<usize>,
    partition: Vec<usize>,
    order: Vec<(usize, bool)>,
}

impl Table {
    /// Whether the number of its rows is known: of a root table, and of a child table sized in total.
    #[must_use]
    pub fn dense(&self) -> bool {
        matches!(self.source, Source::Root | Source::Dense(_))
    }
}

impl Plan {
    /// The table called `name`.
    pub fn table(&self, name: &str) -> crate::error::Result<usize> {
        self.tables.iter().position(|table| table.name == name).ok_or_else(|| {
            let known = self.tables.iter().map(|table| table.name.as_str());
            crate::error::Error::usage(format!("the profile `{}` has no table `{name}`", self.name))
                .maybe_hint(crate::error::did_you_mean(name, known))
        })
    }

    /// The root of the tree that a table belongs to.
    #[must_use]
    pub fn root_of(&self, mut table: usize) -> usize {
        while let Some(parent) = self.tables[table].parent {
            table = parent;
        }
        table
    }

    /// How many levels of parents a table has.
    #[must_use]
    pub fn depth(&self, mut table: usize) -> usize {
        let mut depth = 0;
        while let Some(parent) = self.tables[table].parent {
            table = parent;
            depth += 1;
        }
        depth
    }
}
