//! Rows with faults in an answer key: counted as they were, as they are sent, and as a correct system holds them.

mod sent;

use std::collections::BTreeSet;

use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use arrow_ord::cmp::distinct;
use arrow_select::take::{take, take_record_batch};

use super::{DataSet, OutputId, TreeShare};
use crate::answers::{Questions, Tally, View, Views, with_hidden};
use crate::error::Result;
use crate::plan::Chunk;
use crate::stage::{Accepted, Edits, TreeBatch};
use sent::Sent;

impl DataSet {
    /// Counts the rows of a tree's outputs, whose batches are in the clear.
    pub(super) fn count(
        &self,
        made: &TreeBatch,
        tree: &TreeShare,
        chunk: &mut Chunk<'_>,
        questions: &Questions,
        tally: &mut Tally,
    ) -> Result<()> {
        // What follows from changed rows may follow from those of a table that is not wanted.
        let unwanted = made.cases.iter().any(|case| !made.batches.contains_key(&case.output));
        let whole = match self.faults() {
            Some(faults) if unwanted => Some(faults.whole_tree(chunk, &made.roots)?),
            _ => None,
        };
        let changes = whole.as_ref().unwrap_or(made);
        let mut sent = (!made.cases.is_empty()).then(|| Sent::new(chunk.plan(), changes)).transpose()?;
        for id in tree.outputs.iter().filter(|id| self.output(**id).sources.is_empty()) {
            let table = self.output(*id).table;
            let mut rows = questions.batch(chunk, table, &made.batches[id])?;
            if let Some(selection) = &self.selection {
                rows = selection.keep(table, &rows)?;
            }
            match &mut sent {
                None => tally.add(questions, table, &rows, Views::ALL)?,
                Some(sent) => of_table(made, table, (chunk, &rows), sent, questions, tally)?,
            }
        }
        Ok(())
    }
}

/// Counts the rows of a table of a chunk that has cases.
fn of_table<'p>(
    made: &TreeBatch,
    table: usize,
    (chunk, rows): (&mut Chunk<'p>, &RecordBatch),
    sent: &mut Sent<'_, 'p>,
    questions: &Questions,
    tally: &mut Tally,
) -> Result<()> {
    let id = OutputId(table);
    let (edits, nothing) = (made.edits.get(&id), Accepted::default());
    let accepted = made.accepted.get(&id).unwrap_or(&nothing);
    let [as_was, as_sent, held] = [View::Clean, View::Sent, View::Accepted].map(Views::only);
    let mut kept = vec![edits.is_none(); rows.num_rows()];
    edits.into_iter().flat_map(Edits::kept).for_each(|row| kept[row as usize] = true);
    let hidden = sent.hidden(table, chunk, questions, false)?;
    let others = differing(rows, hidden.as_deref().unwrap_or_default())?;
    let mut classes: [Vec<u32>; 5] = Default::default();
    for (row, kept) in kept.iter().enumerate() {
        let row = row as u32;
        let other = *kept && others.contains(&row);
        let class = match (kept, accepted.refused.contains(&row), accepted.restored.contains(&row)) {
            (true, false, _) if !other => 0,
            (true, true, _) if !other => 1,
            (true, false, _) | (false, _, true) => 2,
            (true, true, _) | (false, _, false) => 3,
        };
        classes[class].push(row);
        if other {
            classes[4].push(row);
        }
    }
    let of_rows = |rows: &RecordBatch, own: &[u32]| match own.len() == rows.num_rows() {
        true => Ok(rows.clone()),
        false => take_record_batch(rows, &UInt32Array::from(own.to_vec())),
    };
    let views = [Views::ALL, as_was.and(as_sent), as_was.and(held), as_was];
    for (own, views) in classes.iter().zip(views).filter(|(own, _)| !own.is_empty()) {
        tally.add(questions, table, &of_rows(rows, own)?, views)?;
    }
    if let Some(hidden) = hidden.as_deref().filter(|_| !classes[4].is_empty()) {
        let all = with_hidden(&written(rows, hidden.len())?, hidden)?;
        tally.add(questions, table, &of_rows(&all, &classes[4])?, as_sent)?;
    }
    let Some(edits) = edits.filter(|edits| !edits.origins.is_empty()) else { return Ok(()) };
    // Of a changed row, what is not written is that of its row with the change in place.
    let further = questions.hidden(table).len();
    let hidden = match edits.has_other_copies() {
        true => sent.hidden(table, chunk, questions, true)?,
        false => hidden,
    };
    let hidden = hidden.unwrap_or_else(|| rows.columns()[rows.num_columns() - further..].to_vec());
    let origins = UInt32Array::from(edits.origins.clone());
    let hidden = hidden.iter().map(|array| take(array, &origins, None)).collect::<std::result::Result<Vec<_>, _>>()?;
    let all = with_hidden(&edits.changed, &hidden)?;
    let changed = 0..edits.origins.len() as u32;
    let (own, refused): (Vec<u32>, Vec<u32>) = changed.partition(|row| accepted.changed.contains(row));
    for (own, views) in [(own, as_sent.and(held)), (refused, as_sent)].iter().filter(|(own, _)| !own.is_empty()) {
        tally.add(questions, table, &of_rows(&all, own)?, *views)?;
    }
    Ok(())
}

/// The written columns of rows that a tally takes, which have some columns behind them.
fn written(rows: &RecordBatch, further: usize) -> Result<RecordBatch> {
    Ok(rows.project(&(0..rows.num_columns() - further).collect::<Vec<_>>())?)
}

/// The rows whose last columns have other values than some arrays.
fn differing(rows: &RecordBatch, last: &[ArrayRef]) -> Result<BTreeSet<u32>> {
    let mut found = BTreeSet::new();
    let own = &rows.columns()[rows.num_columns() - last.len()..];
    for (one, other) in own.iter().zip(last).filter(|(one, other)| !std::sync::Arc::ptr_eq(one, other)) {
        let differ = distinct(one, other)?;
        found.extend(differ.values().set_indices().map(|row| row as u32));
    }
    Ok(found)
}
