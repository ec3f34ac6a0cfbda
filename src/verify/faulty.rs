//! Rows with faults on purpose: which a chunk should have, and the clean rows behind those that were read.
//!
//! A table with faults has other rows than the plan, so its rows are derived for every chunk and compared with the file as a whole. Then
//! copies are left out of what was read, and rows that were changed or not sent are put back, so that every check is evaluated as on
//! clean rows: what breaks one is no fault that the run lists.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_select::interleave::interleave;

use super::sealed::{bare, clear_places};
use crate::answers::Collector;
use crate::dataset::{DataSet, OutputId};
use crate::error::Result;
use crate::fault::root_row;
use crate::format::write::Canonical;
use crate::notes::Noted;
use crate::order::lock;
use crate::plan::Chunk;
use crate::plan::fault::Operator;
use crate::stage::{Case, Difference, Segment, TreeBatch};

/// Rows of files that are cases, or that a case leaves without their parent: by file, from 1.
#[derive(Debug, Default)]
pub(super) struct Explained(Mutex<BTreeSet<(String, u64)>>);

impl Explained {
    /// Tells whether a row breaks a key because of a fault.
    pub(super) fn has(&self, file: &str, row: u64) -> bool {
        let all = lock(&self.0);
        !all.is_empty() && all.contains(&(file.to_owned(), row))
    }

    fn add(&self, file: &str, rows: impl Iterator<Item = u64>) {
        lock(&self.0).extend(rows.map(|row| (file.to_owned(), row)));
    }
}

/// The rows of a chunk's tables that may have faults, and the list of cases.
pub(super) struct Faulty(TreeBatch);

impl Faulty {
    /// Derives them; `None` of a tree without faults. Where answers are counted, all rows are derived.
    pub(super) fn derive(
        set: &DataSet,
        root: usize,
        rows: Range<u64>,
        answers: Option<&Collector>,
    ) -> Result<Option<Self>> {
        let Some(mut tree) = set.trees().into_iter().find(|tree| tree.root == root) else { return Ok(None) };
        let touched = |id: &OutputId| set.is_faulty(set.output(*id)) || !set.output(*id).sources.is_empty();
        if set.faults().is_none() || !tree.outputs.iter().any(touched) {
            return Ok(None);
        }
        let Some(answers) = answers else {
            tree.outputs.retain(touched);
            return Ok(Some(Self(set.chunk(&tree, rows)?)));
        };
        let (made, mut tally) = set.chunk_with_answers(&tree, rows, &answers.questions)?;
        for (id, batch) in &made.batches {
            let output = set.output(*id);
            if output.sources.is_empty() {
                tally.hold(output.table, &Canonical::new(&output.schema)?.buckets(batch)?);
            }
        }
        made.settle(&mut tally);
        answers.add(tally)?;
        Ok(Some(Self(made)))
    }

    /// The rows of an output as they should be; `None` of one without faults.
    pub(super) fn sent(&self, id: OutputId) -> Option<&RecordBatch> {
        self.0.batches.get(&id)
    }

    /// Tells whether an output has a case in this chunk.
    pub(super) fn has(&self, id: OutputId) -> bool {
        self.0.edits.contains_key(&id)
    }

    /// The difference of an output to the clean one.
    pub(super) fn difference(&self, id: OutputId) -> Difference {
        self.0.differences.get(&id).copied().unwrap_or_default()
    }

    /// The clean rows behind rows that were read, in the clear: as [`bare`], with those that are not there taken from the plan.
    pub(super) fn clean(
        &self,
        chunk: &mut Chunk<'_>,
        set: &DataSet,
        table: usize,
        read: &RecordBatch,
    ) -> Result<RecordBatch> {
        let id = OutputId(table);
        if !self.has(id) {
            return bare(chunk, set, table, read);
        }
        let (derived, clear) = (chunk.batch(table)?, clear_places(set, table));
        let places = self.places(id, derived.num_rows());
        let rows: Vec<(usize, usize)> =
            places.iter().enumerate().map(|(row, place)| place.map_or((1, row), |place| (0, place as usize))).collect();
        let column = |at: usize| -> Result<ArrayRef> {
            let own = derived.column(at);
            if !clear.contains(&at) {
                return Ok(Arc::clone(own));
            }
            let arrays: [&dyn Array; 2] = [read.column(at).as_ref(), own.as_ref()];
            let mixed = interleave(&arrays, &rows)?;
            Ok(arrow_cast::cast(&mixed, own.data_type())?)
        };
        let columns = (0..derived.num_columns()).map(column).collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new(derived.schema(), columns)?)
    }

    /// The place of each clean row among those that are sent; `None` of one that was changed or is not sent.
    fn places(&self, id: OutputId, rows: usize) -> Vec<Option<u32>> {
        let Some(edits) = self.0.edits.get(&id) else { return (0..rows as u32).map(Some).collect() };
        let (mut places, mut at) = (vec![None; rows], 0);
        for segment in &edits.sent {
            match segment {
                Segment::Clean(own) => {
                    for row in own.clone() {
                        places[row as usize] = Some(at);
                        at += 1;
                    }
                }
                Segment::Changed(_) => at += 1,
            }
        }
        places
    }

    /// Notes the rows of an output that are cases, or that have lost their parent. `start` is the row of the file before the first.
    pub(super) fn explain(
        &self,
        chunk: &mut Chunk<'_>,
        set: &DataSet,
        table: usize,
        (file, start): (&str, u64),
        explained: &Explained,
    ) -> Result<()> {
        let id = OutputId(table);
        if let Some(edits) = self.0.edits.get(&id) {
            let mut at = start;
            for segment in &edits.sent {
                match segment {
                    Segment::Clean(rows) => at += rows.len() as u64,
                    Segment::Changed(_) => {
                        at += 1;
                        explained.add(file, std::iter::once(at));
                    }
                }
            }
        }
        // Rows of a tree that refer to a row whose key is gone, or may have the key that another row was given.
        let plan = set.plan();
        let refers = |case: &&Case| {
            let to = &set.output(case.output).name;
            let fields = set.output(id).schema.fields();
            case.output == id || fields.iter().any(|field| field.reference().is_some_and(|(table, _)| table == to))
        };
        let taking = self.0.cases.iter().filter(refers).filter(|case| Self::takes_key(set, case));
        let gone: BTreeSet<u64> =
            taking.map(|case| root_row(case.path, plan.depth(set.output(case.output).table))).collect();
        if gone.is_empty() {
            return Ok(());
        }
        let (paths, depth) = (chunk.identities(table)?, plan.depth(table));
        let places = self.places(id, paths.len());
        let without = (0..paths.len()).filter(|row| gone.contains(&root_row(paths.paths[*row], depth)));
        explained.add(file, without.filter_map(|row| Some(start + u64::from(places[row]?) + 1)));
        Ok(())
    }

    /// Tells whether a case takes a key away that other rows may refer to, or gives a row another one.
    fn takes_key(set: &DataSet, case: &Case) -> bool {
        let Some(fault) = set.faults().and_then(|faults| faults.faults().nth(case.fault)) else { return false };
        let field = |place: &usize| set.output(case.output).schema.field(*place).clone();
        let key = |place: &usize| field(place).is_primary_key() || field(place).is_unique();
        match &fault.operator {
            Operator::Drop { tree } => !tree,
            Operator::Repeat { .. } => false,
            other => other.columns().iter().any(key),
        }
    }
}
