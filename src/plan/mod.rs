//! What a profile means: tables, columns and their dependencies, checked once; and the pure function from rows to
//! batches.
//!
//! A column is a node with inputs. An input is a path of steps (to the parent, through a reference) that ends at a
//! column; the graph of (table, column) has no cycle, which compilation proves by visiting it. Evaluation works on any
//! list of root rows, so that parts, references and later dealt facts need no second road.

mod chunks;
mod compile;
mod evaluate;
mod options;
mod references;
pub mod sql;

use std::sync::{Arc, OnceLock};

use arrow_array::ArrayRef;
use arrow_schema::{DataType, SchemaRef};
use indexmap::IndexMap;

pub use evaluate::{Chunk, Failure};
pub use options::Options;

use crate::generator::Generator;
use crate::generator::data::Data;
use crate::generator::lifecycle::Walker;

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
    /// The rows of a root table; 0 for a child table.
    pub rows: u64,
    /// Root rows per chunk, for a root table.
    pub chunk: u64,
    /// All columns, the written ones first.
    pub columns: Vec<Column>,
    /// How many of the columns are declared in the profile, hidden ones included.
    pub declared: usize,
    /// The references by their place in the profile; `None` for records of data files, which are columns.
    pub refs: Vec<Option<Reference>>,
    /// The checks: rule id, predicate as written, and the column that computes it.
    pub checks: Vec<(String, String, usize)>,
    /// The written columns with their types and metadata.
    pub schema: SchemaRef,
    /// The column of the parent table that says how many rows each parent row has.
    count: Option<usize>,
    /// The state machine whose walk this table is.
    walk: Option<Walk>,
    /// Keeps sister tables apart in row keys.
    key: u64,
    /// Whole columns of a small root table, kept once they were needed through a reference.
    whole: Option<Vec<OnceLock<ArrayRef>>>,
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
    /// Inputs that decide where the value is null: a condition, and a rate.
    when: Option<usize>,
    null: Option<usize>,
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
}

/// A reference to a row of a table.
pub struct Reference {
    /// Its name.
    pub name: String,
    /// The table it leads to; for siblings the table itself.
    pub table: usize,
    /// The column that holds the picked row, or the sibling's place among the rows.
    pick: usize,
    /// Whether the pick is a place among the rows at hand, not a row number.
    sibling: bool,
}

/// What a column computes.
enum Op {
    Expr(sql::Expr),
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
    /// A reduction of a child table's column over each row's children.
    Aggregate(Aggregate),
    /// A function over the siblings.
    Window(Window),
    /// State, time or previous state of a lifecycle's walk.
    Walk(WalkColumn),
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
    child: usize,
    argument: Option<usize>,
    filter: Option<usize>,
}

struct Window {
    function: Function,
    argument: Option<usize>,
    order: Option<usize>,
    descending: bool,
}

/// Aggregates and window functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
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
}

impl Function {
    const ALL: [(&'static str, Function); 15] = [
        ("sum", Function::Sum),
        ("count", Function::Count),
        ("min", Function::Min),
        ("max", Function::Max),
        ("avg", Function::Avg),
        ("first", Function::First),
        ("last", Function::Last),
        ("first_value", Function::First),
        ("last_value", Function::Last),
        ("bool_and", Function::BoolAnd),
        ("bool_or", Function::BoolOr),
        ("string_agg", Function::StringAgg),
        ("lag", Function::Lag),
        ("lead", Function::Lead),
        ("row_number", Function::RowNumber),
    ];

    fn named(name: &str) -> Option<Function> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
    }

    /// The type of the result for an argument of a type; `None` refuses it.
    fn result(self, argument: Option<&DataType>) -> Option<DataType> {
        let number = |ty: &DataType| match ty {
            DataType::Int64 => Some(DataType::Int64),
            DataType::Float64 => Some(DataType::Float64),
            DataType::Decimal128(_, scale) => Some(DataType::Decimal128(38, *scale)),
            _ => None,
        };
        match self {
            Function::Count | Function::RowNumber => Some(DataType::Int64),
            Function::Sum => number(argument?),
            Function::Avg => number(argument?).map(|_| DataType::Float64),
            Function::BoolAnd | Function::BoolOr => (argument? == &DataType::Boolean).then_some(DataType::Boolean),
            Function::StringAgg => (sql::types::logical(argument?) == &DataType::Utf8).then_some(DataType::Utf8),
            Function::Min | Function::Max | Function::First | Function::Last | Function::Lag | Function::Lead => {
                Some(sql::types::logical(argument?).clone())
            }
        }
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
