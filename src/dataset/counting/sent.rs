//! Columns that are not written, as they follow from rows with faults in their places.

use std::collections::BTreeSet;

use arrow_array::ArrayRef;

use crate::answers::Questions;
use crate::error::Result;
use crate::plan::{Chunk, Plan};
use crate::stage::{OutputId, TreeBatch};

/// A chunk with its changed rows in their places, as far as questions see columns that follow from these.
pub(super) struct Sent<'m, 'p> {
    changes: &'m TreeBatch,
    /// The written columns that cases change: table, place in its schema, and index in the plan.
    given: Vec<(usize, usize, usize)>,
    /// The columns that are not written and follow from those.
    stale: BTreeSet<(usize, usize)>,
    /// The chunk with rows that are sent behind others left out, and with them in place of those.
    chunks: [Option<Chunk<'p>>; 2],
}

impl<'m, 'p> Sent<'m, 'p> {
    /// The chunk of some cases, which have the rows of every table that they change.
    pub(super) fn new(plan: &'p Plan, changes: &'m TreeBatch) -> Result<Self> {
        let mut given = Vec::new();
        for (OutputId(table), edits) in &changes.edits {
            for place in edits.given_places() {
                given.push((*table, place, plan.written_column(*table, place)?));
            }
        }
        let stale = plan.consequences(&given.iter().map(|(table, _, column)| (*table, *column)).collect());
        Ok(Self { changes, given, stale, chunks: [None, None] })
    }

    /// The columns that questions about a table need, as they follow from what is sent; `None` where nothing follows.
    pub(super) fn hidden(
        &mut self,
        table: usize,
        clean: &mut Chunk<'p>,
        questions: &Questions,
        copies: bool,
    ) -> Result<Option<Vec<ArrayRef>>> {
        let hidden = questions.hidden(table);
        if !hidden.iter().any(|column| self.stale.contains(&(table, *column))) {
            return Ok(None);
        }
        let chunk = match &mut self.chunks[usize::from(copies)] {
            Some(chunk) => chunk,
            none => {
                let value = |(table, place, column): &(usize, usize, usize)| {
                    let id = OutputId(*table);
                    let values = self.changes.edits[&id].column_in_place(&self.changes.batches[&id], *place, copies)?;
                    Ok((*table, *column, values))
                };
                let values = self.given.iter().map(value).collect::<Result<Vec<_>>>()?;
                none.insert(clean.replaced(&values, &self.stale)?)
            }
        };
        chunk.columns_of(table, hidden).map(Some)
    }
}
