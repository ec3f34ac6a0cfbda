//! The seam between a run and the place that it writes to.
//!
//! A [`Target`] is a place, such as a folder; a [`Session`] is one run into it. The contract was checked against these:
//!
//! * *A database that commits a chunk and its ledger row in one transaction.* [`Session::deliver`] has all outputs of a chunk at
//!   once, on the worker's own thread, so that it needs a connection a worker and nothing between two calls.
//! * *`kill -9` between any two calls.* Nothing is done until [`Session::begin_tree`] of a later run says so, from what lasted: a
//!   journal's prefix, a ledger's set of chunks, a broker's offset. All are [`Done::rows`], ranges of root rows.
//! * *Two loaders.* [`Target::begin`] takes a lock or refuses. Parts have rows in common with no other part, so that loaders of
//!   different parts need a lock of their part alone.
//! * *A Parquet file, which is cut by rows and not by chunks.* [`Encode`] passes rows on as they are, and the session cuts them. It
//!   cannot continue such a file, so it names no rows as done, only outputs that are complete ([`Done::outputs`]).
//! * *A broker that acknowledges late.* `deliver` may return before the acknowledgement and block while too much waits for one;
//!   `end_tree` waits for the rest. Chunks count as done when they are acknowledged.
//!
//! A session gets chunks from any worker, in any order, few ahead of the oldest that is not delivered. So order is its own business:
//! a folder sorts them with [`Lane`](crate::order::Lane), a database need not.

use std::collections::BTreeSet;
use std::ops::Range;

use arrow_array::RecordBatch;

use super::Progress;
use crate::answers::Collector;
use crate::dataset::{DataSet, Output, OutputId, TreeShare};
use crate::digest::{Buckets, RowSum};
use crate::error::{Error, Result};
use crate::format::write::Piece;

/// The way in which a run treats earlier rows in its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Nothing may be there.
    New,
    /// Earlier rows are replaced.
    Overwrite,
    /// The rest of an interrupted run with equal inputs is used; if there is none, the run is new.
    Resume,
}

/// A place that data sets are written to.
pub trait Target: Sync {
    /// Opens the place for one run: takes locks, makes room, refuses what cannot be.
    ///
    /// # Errors
    ///
    /// If another run writes there, something is there that `start` does not allow, an interrupted run had other inputs
    /// ([`DataSet::inputs`]), or there is no room. Nothing of the data has been changed then.
    fn begin<'a>(&'a self, set: &'a DataSet, start: Start, progress: &'a Progress) -> Result<Begun<'a>>;
}

/// The result of [`Target::begin`].
pub enum Begun<'a> {
    /// A run to be made.
    Session(Box<dyn Session + 'a>),
    /// A complete run of equal inputs, where the start is [`Start::Resume`]: nothing is to be made.
    Complete(Outcome),
}

/// One run into a target. Trees come one after the other: `begin_tree`, `deliver` for each chunk, `end_tree`.
pub trait Session: Send + Sync {
    /// Prepares for the outputs of a tree, and says what need not be made again.
    ///
    /// # Errors
    ///
    /// If what is there cannot be read, or nothing can be written there.
    fn begin_tree(&self, tree: &TreeShare) -> Result<Done>;
    /// The collector of the answers of the run's rows, for a place that keeps an answer key; `None` elsewhere.
    fn answers(&self) -> Option<&Collector> {
        None
    }
    /// Makes the encoder of an output that is not complete.
    ///
    /// # Errors
    ///
    /// If the target has no form for a column.
    fn encoder<'s>(&'s self, output: &Output) -> Result<Box<dyn Encode + 's>>;
    /// Takes the outputs of one chunk, from any worker and in any order. Either all of them last, or none does.
    ///
    /// # Errors
    ///
    /// If they cannot be written.
    fn deliver(&self, chunk: &ChunkId<'_>, encoded: Vec<(OutputId, Encoded)>) -> Result<()>;
    /// Completes the outputs of a tree whose chunks have all been delivered; `tree` has the outputs that were made.
    ///
    /// # Errors
    ///
    /// If they cannot be completed.
    fn end_tree(&self, tree: &TreeShare) -> Result<()>;
    /// Completes the run: a folder gets its manifest, a database its constraints.
    ///
    /// # Errors
    ///
    /// If that fails; the error is what [`Session::fail`] would make of it.
    fn finish(self: Box<Self>) -> Result<Outcome>;
    /// Ends a run that failed or was stopped, and gives the error with what the target knows about it.
    #[must_use]
    fn fail(self: Box<Self>, error: Error) -> Error {
        error
    }
}

/// Turns the rows of one output into the form of its target, on any worker. Pure: equal rows give equal bytes.
pub trait Encode: Send + Sync {
    /// Encodes one batch.
    ///
    /// # Errors
    ///
    /// If a value has no form in the target.
    fn encode(&self, batch: RecordBatch) -> Result<Encoded>;
}

/// The encoded rows of one output in one chunk.
pub struct Encoded {
    /// The number of rows and their logical digest.
    pub sum: RowSum,
    /// The digest in buckets, for the answer key; `None` where the target has none.
    pub held: Option<Buckets>,
    /// The rows, as text or as arrays.
    pub piece: Piece,
    /// The number and digest of the rows as they are without faults, where the run may make some of this output.
    pub clean: Option<RowSum>,
}

/// The name of a chunk in a run.
#[derive(Debug, Clone)]
pub struct ChunkId<'t> {
    /// The tree.
    pub tree: &'t TreeShare,
    /// The number of the chunk among those of the tree that this run makes, from 0 and without gaps.
    pub index: u64,
    /// The root rows. Another run of equal inputs cuts the same chunks unless it was told how many rows they have.
    pub rows: Range<u64>,
}

/// The rows and outputs of a tree that a target has already.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// Outputs that are complete.
    pub outputs: BTreeSet<OutputId>,
    /// Root rows whose chunks are in all other outputs, as ranges in order that do not overlap.
    pub rows: Vec<Range<u64>>,
    /// Rows of all outputs that are there.
    pub reused_rows: u64,
    /// Bytes of all outputs that are there.
    pub reused_bytes: u64,
}

/// The result of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// The number of outputs.
    pub outputs: usize,
    /// Their rows.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The place, as the user knows it; `None` for a stream, which is gone.
    pub place: Option<String>,
    /// Whether all of it was there already.
    pub unchanged: bool,
    /// The end of the target's run log; `None` where it has no log.
    pub log: Option<LogEnd>,
}

/// The end of a run log: it proves that nothing is missing there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEnd {
    /// The number of events.
    pub events: u64,
    /// SHA-256 of the last line.
    pub last: String,
}
