//! The rows of a data set on their way out: what is written, a chunk of it, and the stages that change it.
//!
//! To add a stage: a type that implements [`Stage`] in a module of its own, and a line in `DataSet::stages`.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use indexmap::IndexMap;
use serde_json::Value;

use crate::error::Result;
use crate::plan::{Check, Chunk, Plan};

/// The place of an output in [`DataSet::outputs`](crate::dataset::DataSet::outputs).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputId(pub(crate) usize);

/// A table as it is written. Keys and references are metadata of its fields, see [`notes`](crate::notes).
#[derive(Debug, Clone)]
pub struct Output {
    /// Its place among the outputs.
    pub id: OutputId,
    /// Its name.
    pub name: String,
    /// One row in words.
    pub about: String,
    /// The columns as they are written, after every stage.
    pub schema: SchemaRef,
    /// The checks that hold for its rows before any stage.
    pub checks: Vec<Check>,
    /// The table of the plan that its rows come from.
    pub table: usize,
}

/// The rows of one chunk: those of some root rows, and of everything below them.
#[derive(Debug)]
pub struct TreeBatch {
    /// The root rows, by their numbers in the whole table.
    pub roots: Vec<u64>,
    /// The rows of each output of the tree.
    pub batches: IndexMap<OutputId, RecordBatch>,
}

/// A pure step between plan and target: it may change what is written, and adds nothing that does not follow from the rows and from
/// its own parameters.
pub trait Stage: Send + Sync {
    /// The stage's name and parameters, for the hash of a data set's inputs; null where it does nothing.
    fn inputs(&self, plan: &Plan) -> (&'static str, Value);
    /// The outputs after the stage, of those before it.
    fn outputs(&self, before: Vec<Output>) -> Vec<Output>;
    /// Changes the rows of a chunk in some outputs; `outputs` are those of the whole data set after every stage. `chunk` has
    /// the same rows in the plan, for columns that follow from changed cells.
    ///
    /// # Errors
    ///
    /// If a value cannot be changed as the stage says.
    fn apply(&self, made: &mut TreeBatch, chunk: &mut Chunk<'_>, outputs: &[Output]) -> Result<()>;
}
