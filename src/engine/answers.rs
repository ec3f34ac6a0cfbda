//! A target that keeps the answers of rows and no row.

use std::sync::Mutex;

use arrow_array::RecordBatch;

use super::{Begun, ChunkId, Done, Encode, Encoded, Outcome, Progress, Session, Start, Target};
use crate::answers::{AnswerKey, Collector};
use crate::dataset::{DataSet, Output, OutputId, TreeShare};
use crate::error::Result;
use crate::format::write::{Canonical, Piece};
use crate::order::lock;

/// The answers of a data set, counted without writing its rows.
pub struct Answers {
    collector: Collector,
    counted: Mutex<Outcome>,
}

impl Answers {
    /// Nothing is counted yet.
    #[must_use]
    pub fn new(set: &DataSet) -> Self {
        Self { collector: Collector::new(set.questions()), counted: Mutex::default() }
    }

    /// The answers so far.
    #[must_use]
    pub fn key(&self) -> AnswerKey {
        self.collector.key()
    }
}

impl Target for Answers {
    fn begin<'a>(&'a self, _: &'a DataSet, _: Start, _: &'a Progress) -> Result<Begun<'a>> {
        Ok(Begun::Session(Box::new(Counting(self))))
    }
}

struct Counting<'a>(&'a Answers);

impl Session for Counting<'_> {
    fn begin_tree(&self, tree: &TreeShare) -> Result<Done> {
        lock(&self.0.counted).outputs += tree.outputs.len();
        Ok(Done::default())
    }

    fn answers(&self) -> Option<&Collector> {
        Some(&self.0.collector)
    }

    fn encoder<'s>(&'s self, output: &Output) -> Result<Box<dyn Encode + 's>> {
        Ok(Box::new(Sums(Canonical::new(&output.schema)?)))
    }

    fn deliver(&self, _: &ChunkId<'_>, encoded: Vec<(OutputId, Encoded)>) -> Result<()> {
        lock(&self.0.counted).rows += encoded.iter().map(|(_, encoded)| encoded.sum.rows).sum::<u64>();
        Ok(())
    }

    fn end_tree(&self, _: &TreeShare) -> Result<()> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        Ok(lock(&self.0.counted).clone())
    }
}

struct Sums(Canonical);

impl Encode for Sums {
    fn encode(&self, batch: RecordBatch) -> Result<Encoded> {
        let held = self.0.buckets(&batch)?;
        Ok(Encoded { sum: held.sum, held: Some(held), piece: Piece::Bytes(Vec::new()), clean: None })
    }
}
