//! Compiled profiles: tables, columns and their dependencies, checked once, and the pure function from row numbers to
//! record batches.
//!
//! A column is a node with inputs. An input is a path of steps (to the parent, through a reference) that ends at a
//! column. The graph of (table, column) has no cycles; compilation checks this. Evaluation takes any list of root rows,
//! so that parts of a run, references and dealt facts use the same code.

mod chain;
mod choices;
mod chunks;
mod compile;
mod consequences;
mod deal;
mod disclosure;
mod evaluate;
pub mod fault;
mod limits;
mod measure;
mod options;
mod origin;
mod question;
mod references;
mod relation;
mod sibling_dependence;
mod template;
mod trees;
mod weight;

use std::sync::{Arc, OnceLock};

use arrow_array::ArrayRef;
use arrow_schema::{DataType, SchemaRef};
use indexmap::IndexMap;

pub use chain::{Chain, Over};
pub use chunks::{MeanRows, Sample};
pub use disclosure::Disclosure;
pub use evaluate::{Chunk, Failure, Reached};
pub use limits::{Limits, Memory};
pub use measure::{BALANCE, Fold, Measure, Outcome};
pub use options::Options;
pub use origin::{Known, Origin};
pub use question::{Asked, Question};
pub use relation::Relation;
pub use trees::Tree;

use crate::sql::Reduction;

use crate::generator::Generator;
use crate::generator::data::Data;
use crate::generator::domain::Guard;
use crate::generator::lifecycle::Walker;
use deal::{Deal, Spread};
use template::{Comparison, Template, TemplateJoin, TemplateList, TemplateValue};

/// A compiled profile.
pub struct Plan {
    /// The profile's name.
    pub name: String,
    /// The profile's title.
    pub title: String,
    /// SHA-256 over the profile's files.
    pub digest: String,
    /// The templates whose messages are tables, by name.
    pub messages: Vec<String>,
    /// The further condition on the rows that have a message.
    pub messages_only: Option<String>,
    /// `true` if the texts of messages are written alone, and no tables.
    pub messages_bare: bool,
    /// The seed text.
    pub seed: String,
    /// The day on which the data set ends, in days since 1970-01-01.
    pub as_of: i32,
    /// Every parameter with its value, as text.
    pub params: IndexMap<String, String>,
    /// The data files that are used, by name.
    pub data: IndexMap<String, Arc<Data>>,
    /// The limits on rows, bytes and texts.
    pub limits: Limits,
    /// The tables, in the profile's order. Other fields refer to them by index.
    pub tables: Vec<Table>,
    /// The faults that the run makes on purpose, in the order of their names.
    pub faults: Vec<fault::Fault>,
}

/// A compiled table.
pub struct Table {
    /// Its name.
    pub name: String,
    /// A description of a row, for people.
    pub about: String,
    /// The parent of a child table. `None` for a root table.
    pub parent: Option<usize>,
    /// The number of rows of a root table, or of a child table with `rows` in total. 0 if it depends on the parent
    /// rows.
    pub rows: u64,
    /// The number of root rows in a chunk. 0 for a child table.
    pub chunk: u64,
    /// All columns, the written ones first.
    pub columns: Vec<Column>,
    /// The number of columns declared in the profile, intermediate values included. The compiler's own columns follow them.
    pub declared: usize,
    /// The number of declared columns before the intermediate values.
    before_lets: usize,
    /// The references, in the profile's order. `None` for a record of a data file, which is compiled to columns.
    pub refs: Vec<Option<Reference>>,
    /// The checks, in the profile's order.
    pub checks: Vec<Check>,
    /// The questions about the rows that the profile asks, and the balances that its checks promise.
    pub measures: Vec<Measure>,
    /// The answers that rows deserve; `None` where the profile says nothing of them.
    pub outcome: Option<Outcome>,
    /// The classification of columns as personal data, by column name.
    pub marks: IndexMap<String, Vec<Mark>>,
    /// The written columns with their types and metadata.
    pub schema: SchemaRef,
    /// The columns whose foreign key the profile declares with `references`; others repeat a key of a row that they see.
    pub promised: Vec<String>,
    /// The origin of the rows.
    source: Source,
    /// The table's part in row keys: different for each table.
    key: u64,
    /// A cache of complete columns of a small root table, filled as references need them. `None` for other tables.
    cached: Option<Vec<OnceLock<ArrayRef>>>,
}

/// A rule that every row of a table keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The rule id.
    pub id: String,
    /// A sentence about the rule; empty if the profile gives only the predicate.
    pub about: String,
    /// The predicate as written.
    pub predicate: String,
    /// Whether a row keeps the rule if the predicate is null there.
    pub null_passes: bool,
    /// The column that computes it; not written.
    column: usize,
}

/// A compiled column.
pub struct Column {
    /// Its name. Columns made by the compiler have a `#` in it.
    pub name: String,
    /// True if the column is written.
    pub visible: bool,
    /// Its type. Text may be a dictionary.
    pub ty: DataType,
    /// True if a value can be null.
    pub nullable: bool,
    /// The key of its randomness.
    key: u64,
    op: Op,
    inputs: Vec<Input>,
    /// The origin of generated values.
    made: Origin,
    /// True if a value depends on the row's siblings, so that complete families must be computed.
    needs_siblings: bool,
    /// Inputs that decide where the value is null: a condition, and a rate.
    when: Option<usize>,
    null: Option<usize>,
    /// Parameters of the column itself, such as the rate of nulls, with the values that they may take.
    guards: Vec<Guard>,
    /// The bytes of the first values that were made in this run, and their number.
    seen: OnceLock<(u64, u64)>,
}

/// A classification of a column as personal data. A column that is classified twice has two; `check --strict` refuses
/// that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark {
    /// The kind or class.
    pub names: Option<String>,
    /// The class that overrides the kind's.
    pub class: Option<String>,
    /// The Safe Harbor letter that overrides the kind's.
    pub hipaa: Option<String>,
    /// The handling that overrides the kind's.
    pub handling: Option<String>,
    /// The domain for tokens and joinable ciphertext.
    pub domain: Option<String>,
}

/// An input of a column: the steps from the row to another row, and the column there.
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
    /// To the row behind a row of an `each` table; the index of that row's table in the list.
    Fact(usize),
}

/// The origin of the rows of a table.
enum Source {
    Root,
    /// A number of rows for each parent row, from a column of the parent.
    Count(usize),
    Walk(Walk),
    /// The entries of a list whose conditions are true, under each parent row.
    List(List),
    /// A child table with `rows` in total, spread over the parents.
    Dense(Spread),
    /// A row for each row of some hands.
    Each(Vec<Facts>),
    /// A row for each distinct value among the rows of some hands.
    Group(Vec<Facts>),
}

/// The rows that belong to each row of a table: those of the base, or the base's descendants in another table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hand {
    base: Base,
    /// The table of the rows: the base's, or one below it.
    table: usize,
}

/// The starting rows of a hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    /// The rows of a child table.
    Children(usize),
    /// The rows of another table that are dealt to this one: that table, and the reference in it.
    Dealt(usize, usize),
    /// The rows behind a row of a `group` table: their table, and its index in the list.
    Grouped(usize, usize),
}

impl Base {
    /// Gives the table of the rows.
    fn table(self) -> usize {
        match self {
            Base::Children(table) | Base::Dealt(table, _) | Base::Grouped(table, _) => table,
        }
    }
}

impl Hand {
    /// Tells whether the rows are those of the base.
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
    /// The condition for any rows, as a column of the parent.
    when: Option<usize>,
    /// The entries in order; neighbours with the same `each` together.
    entries: Vec<Entries>,
    /// The number of rows after the listed ones, as a column of the parent.
    more: Option<usize>,
}

/// Neighbouring entries of a row list for the same rows.
struct Entries {
    /// The rows, each of which has these entries; `None` for the parent row itself.
    hand: Option<Hand>,
    /// The condition of each entry, as a column of the hand's table or of the parent; `None` for an entry without one.
    conditions: Vec<Option<usize>>,
}

/// A value in an entry of a row list.
enum Listed {
    /// One value for all rows.
    Constant(ArrayRef),
    /// A table, and its column.
    Column(usize, usize),
    /// Null: the entry does not have the value.
    Null,
}

impl Listed {
    /// The table and column that it reads; `None` for a constant.
    fn column(&self) -> Option<(usize, usize)> {
        match self {
            Listed::Column(table, column) => Some((*table, *column)),
            Listed::Constant(_) | Listed::Null => None,
        }
    }
}

/// The source rows of an `each` or `group` table.
struct Facts {
    hand: Hand,
    /// A condition on the facts, as a column of theirs.
    filter: Option<usize>,
    /// The key by which the facts are ordered or grouped, as a column of theirs.
    by: Option<usize>,
}

/// A reference to a row of a table.
pub struct Reference {
    /// Its name.
    pub name: String,
    /// The table of the picked row; for siblings the table itself.
    pub table: usize,
    /// The column with the picked row.
    pick: usize,
    /// The numbering of the picked row.
    place: Place,
    /// The deal, if the reference has one.
    deal: Option<Deal>,
}

/// The numbering of picked rows.
#[derive(Debug, Clone, PartialEq)]
enum Place {
    /// Row numbers in the whole table.
    Number,
    /// Indexes into the rows of the same frame, for siblings.
    Sibling,
    /// Indexes into the children of the rows at the end of some steps.
    Within(Vec<Step>),
}

/// The operation of a column.
enum Op {
    Expr(crate::sql::Expr),
    Generator(Box<dyn Generator>),
    /// The root row's number.
    Row,
    /// The ordinal among the siblings, from 1.
    Ordinal,
    /// The number of siblings, the row itself included.
    Siblings,
    /// A column of a data file at the records in the input.
    Project(ArrayRef),
    /// A row or sibling picked for a reference.
    Pick(references::Pick),
    /// A row picked among the matching rows.
    Match(references::Match),
    /// A row picked among siblings, or among the children of another row.
    Among(references::Among),
    /// The row's position in its owner's hand, from 1, for a reference that deals.
    HandOrdinal(usize),
    /// The value of the group behind a row of a `group` table.
    GroupKey,
    /// An aggregate of a column over the hand of each row.
    Aggregate(Aggregate),
    /// A window function over the siblings.
    Window(Window),
    /// The state, time or previous state of a lifecycle.
    Walk(WalkColumn),
    /// A value of the row list's entries, one for each of them.
    Listed(Vec<Listed>),
    /// A message.
    Template(Box<Template>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WalkColumn {
    State,
    At,
    From,
}

/// A compiled lifecycle, with the columns of its weights, waits and times.
struct Walk {
    walker: Walker,
    /// The weight of each transition, as a column of the parent.
    weights: Vec<usize>,
    /// The time to wait in each state: a unit in microseconds, and the column of the child with the number of units.
    waits: Vec<Option<(f64, usize)>>,
    /// The start and the end of the walks, as columns of the parent.
    at: usize,
    until: usize,
    /// The condition for a walk, as a column of the parent. Without one all parent rows have a walk.
    when: Option<usize>,
}

struct Aggregate {
    function: Reduction,
    hand: Hand,
    argument: Option<usize>,
    /// The separator of `string_agg`.
    separator: String,
    filter: Option<usize>,
    order: Vec<(usize, bool)>,
}

struct Window {
    function: Reduction,
    arguments: Vec<usize>,
    partition: Vec<usize>,
    order: Vec<(usize, bool)>,
}

impl Table {
    /// Tells whether the table has a fixed number of rows, so that a row number identifies a row: a root table, or a
    /// child table with `rows` in total.
    #[must_use]
    pub fn dense(&self) -> bool {
        matches!(self.source, Source::Root | Source::Dense(_))
    }
}

impl Plan {
    /// Finds the table called `name`, as its index in [`tables`](Self::tables).
    ///
    /// # Errors
    ///
    /// If there is no such table; the hint suggests the nearest name.
    pub fn table(&self, name: &str) -> crate::error::Result<usize> {
        self.tables.iter().position(|table| table.name == name).ok_or_else(|| {
            let known = self.tables.iter().map(|table| table.name.as_str());
            crate::error::Error::usage(format!("the profile `{}` has no table `{name}`", self.name))
                .maybe_hint(crate::error::did_you_mean(name, known))
        })
    }

    /// Tells whether a column has the texts of messages.
    #[must_use]
    pub fn is_message(&self, table: usize, column: usize) -> bool {
        matches!(self.tables[table].columns[column].op, Op::Template(_))
    }

    /// Finds the root table of the tree of a table.
    #[must_use]
    pub fn root_of(&self, mut table: usize) -> usize {
        while let Some(parent) = self.tables[table].parent {
            table = parent;
        }
        table
    }

    /// Counts the levels of parents above a table: 0 for a root table.
    #[must_use]
    pub fn depth(&self, mut table: usize) -> usize {
        let mut depth = 0;
        while let Some(parent) = self.tables[table].parent {
            table = parent;
            depth += 1;
        }
        depth
    }

    /// The place of a row in words: the number of its root row and the ordinals below it, each from 1, such as `1742.3.1`.
    #[must_use]
    pub fn numbers(&self, table: usize, path: u128) -> String {
        let depth = self.depth(table);
        let mut text = ((path >> (24 * depth)) + 1).to_string();
        for level in (0..depth).rev() {
            text += &format!(".{}", ((path >> (24 * level)) & 0x00FF_FFFF) + 1);
        }
        text
    }
}
