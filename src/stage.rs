//! The rows of a data set on their way out: the outputs, a chunk of them, and the stages that change or add outputs.
//!
//! To add a stage: a type that implements [`Stage`] in a module of its own, and a line in `DataSet::stages`; a program gives its own
//! to [`DataSet::stage`](crate::dataset::DataSet::stage).

mod edits;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use indexmap::IndexMap;
use serde_json::Value;

pub use edits::{Accepted, Case, Difference, Edits, SealedCell, Segment};

use crate::error::Result;
use crate::plan::{Check, Chunk, Plan};

/// The identity of an output within its data set, from the plan to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputId(pub(crate) usize);

/// A table as it is written: of the plan, or made by a stage. Keys and references are metadata of its fields, see
/// [`notes`](crate::notes).
#[derive(Debug, Clone)]
pub struct Output {
    /// Its identity.
    pub id: OutputId,
    /// Its name.
    pub name: String,
    /// One row in words.
    pub about: String,
    /// The columns as they are written, after every stage.
    pub schema: SchemaRef,
    /// The columns as readers are told to expect them, where they are written otherwise on purpose: a null where none may be.
    pub contract: Option<SchemaRef>,
    /// The checks that hold for its rows before any stage.
    pub checks: Vec<Check>,
    /// The table of the plan that its rows come from. Of an output that a stage adds, one of the tree that it hangs from.
    pub table: usize,
    /// The outputs that a stage makes its rows of; empty for a table of the plan.
    pub sources: Vec<OutputId>,
}

impl Output {
    /// The columns as readers are told to expect them.
    #[must_use]
    pub fn contract(&self) -> &SchemaRef {
        self.contract.as_ref().unwrap_or(&self.schema)
    }

    /// An output that a stage adds to those `before`: rows of these columns, made of the rows of `sources`, which are of one tree.
    ///
    /// # Panics
    ///
    /// If `sources` is empty, or one of them is not among `before`.
    #[must_use]
    pub fn made_of(sources: &[OutputId], before: &[Self], name: &str, about: &str, schema: SchemaRef) -> Self {
        Self {
            id: OutputId(before.len()),
            name: name.to_owned(),
            about: about.to_owned(),
            schema,
            contract: None,
            checks: Vec::new(),
            table: before[sources[0].0].table,
            sources: sources.to_vec(),
        }
    }
}

/// The rows of one chunk: those of some root rows, and of everything below them.
#[derive(Debug, Default)]
pub struct TreeBatch {
    /// The root rows, by their numbers in the whole table.
    pub roots: Vec<u64>,
    /// The rows of each output of the tree that is wanted, or that a wanted one is made of.
    pub batches: IndexMap<OutputId, RecordBatch>,
    /// The outputs that a stage may have to make: the wanted ones, and those that they are made of.
    pub needed: Vec<OutputId>,
    /// The rows that are wrong on purpose.
    pub cases: Vec<Case>,
    /// The rows of each output that are sent otherwise than the plan has them; a stage behind protection puts them into `batches`.
    pub edits: IndexMap<OutputId, Edits>,
    /// The rows that a correct system holds, of outputs with cases.
    pub accepted: IndexMap<OutputId, Accepted>,
    /// True for the rows that a correct system holds, in place of those that are sent.
    pub hold: bool,
    /// Protected rows of the plan that are not sent as they were, or not held, each with its case; only where `hold` is true.
    pub explained: IndexMap<OutputId, (RecordBatch, Vec<usize>)>,
    /// The sums by which an output differs from the clean one; none where it does not.
    pub differences: IndexMap<OutputId, Difference>,
}

/// A pure step between plan and target: it may change what is written, and adds nothing that does not follow from the rows and from
/// its own parameters.
pub trait Stage: Send + Sync {
    /// The stage's name and parameters, for the hash of a data set's inputs; null where it does nothing.
    fn inputs(&self, plan: &Plan) -> (&'static str, Value);
    /// The outputs after the stage, of those before it: changed in their places, new ones ([`Output::made_of`]) at the end.
    fn outputs(&self, before: Vec<Output>) -> Vec<Output>;
    /// Changes the rows of a chunk, and adds those of the stage's own outputs that are [`needed`](TreeBatch::needed). `outputs` are
    /// those of the data set after every stage, by the number in their identity. `chunk` has the same rows in the plan, for columns
    /// that follow from changed cells.
    ///
    /// # Errors
    ///
    /// If a value cannot be changed as the stage says.
    fn apply(&self, made: &mut TreeBatch, chunk: &mut Chunk<'_>, outputs: &[Output]) -> Result<()>;
}
