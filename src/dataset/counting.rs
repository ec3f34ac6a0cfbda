//! Rows with faults in an answer key: counted as they were, as they are sent, and as a correct system holds them.

use std::collections::BTreeSet;

use arrow_array::{RecordBatch, UInt32Array};
use arrow_select::take::take_record_batch;

use super::{DataSet, OutputId, TreeShare};
use crate::answers::{Questions, Tally, View, Views};
use crate::error::{Error, Result};
use crate::fault::root_row;
use crate::plan::Chunk;
use crate::stage::{Accepted, Edits, TreeBatch};

/// The trees of cases with changed rows in their places.
struct Sent<'p> {
    chunk: Chunk<'p>,
    rows: Vec<(usize, RecordBatch)>,
}

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
        let mut sent = match (self.faults(), made.cases.is_empty()) {
            (Some(faults), false) => {
                let plan = &self.plan;
                let of = |case: &crate::stage::Case| root_row(case.path, plan.depth(self.output(case.output).table));
                let roots: BTreeSet<u64> = made.cases.iter().map(of).collect();
                let (chunk, rows) = faults.in_place(plan, tree.root, &roots.into_iter().collect::<Vec<_>>())?;
                Some(Sent { chunk, rows })
            }
            _ => None,
        };
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
fn of_table(
    made: &TreeBatch,
    table: usize,
    (chunk, rows): (&mut Chunk<'_>, &RecordBatch),
    sent: &mut Sent<'_>,
    questions: &Questions,
    tally: &mut Tally,
) -> Result<()> {
    let id = OutputId(table);
    let (edits, nothing) = (made.edits.get(&id), Accepted::default());
    let accepted = made.accepted.get(&id).unwrap_or(&nothing);
    let [as_was, as_sent, held] = [View::Clean, View::Sent, View::Accepted].map(Views::only);
    let mut kept = vec![edits.is_none(); rows.num_rows()];
    edits.into_iter().flat_map(Edits::kept).for_each(|row| kept[row as usize] = true);
    // The rows as they are sent: where the questions see columns that are not written, those follow from what is sent.
    let again = match questions.looks_further(table) {
        true => Some(Again::new(sent, table, chunk, questions)?),
        false => None,
    };
    let mut classes: [Vec<u32>; 5] = Default::default();
    for (row, kept) in kept.iter().enumerate() {
        let row = row as u32;
        let other = *kept && again.as_ref().is_some_and(|again| again.differs(rows, row));
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
    let views = [Views::ALL, as_was.and(as_sent), as_was.and(held), as_was];
    for (own, views) in classes.iter().zip(views).filter(|(own, _)| !own.is_empty()) {
        tally.add(questions, table, &take_record_batch(rows, &UInt32Array::from(own.clone()))?, views)?;
    }
    for row in &classes[4] {
        if let Some(again) = &again {
            tally.add(questions, table, &again.row(*row)?, as_sent)?;
        }
    }
    for (changed, origin) in edits.into_iter().flat_map(|edits| (0_u32..).zip(&edits.origins)) {
        let views = if accepted.changed.contains(&changed) { as_sent.and(held) } else { as_sent };
        let row = match (&again, edits) {
            (Some(again), _) => again.row(*origin)?,
            (None, Some(edits)) => edits.changed.slice(changed as usize, 1),
            (None, None) => continue,
        };
        tally.add(questions, table, &row, views)?;
    }
    Ok(())
}

/// The rows of a table as questions see them after faults, for the trees of cases.
struct Again {
    asked: RecordBatch,
    /// The place of a row of the chunk among them; `None` of one in a tree without a case.
    places: Vec<Option<u32>>,
}

impl Again {
    fn new(sent: &mut Sent<'_>, table: usize, chunk: &mut Chunk<'_>, questions: &Questions) -> Result<Self> {
        let own = sent.rows.iter().find(|(known, _)| *known == table);
        let own = &own.ok_or_else(|| Error::internal("a table of another tree"))?.1;
        let asked = questions.batch(&mut sent.chunk, table, own)?;
        let again = sent.chunk.identities(table)?;
        let (all, depth) = (chunk.identities(table)?, chunk.plan().depth(table));
        let mut places = vec![None; all.paths.len()];
        // Rows are in the order of their root rows on both sides, and those of one root row in the same order.
        let mut row = 0;
        while let Some(path) = again.paths.get(row) {
            let root = root_row(*path, depth);
            let start = all.paths.partition_point(|path| root_row(*path, depth) < root);
            let own = again.paths[row..].iter().take_while(|path| root_row(**path, depth) == root).count();
            if all.paths.get(start..start + own) != again.paths.get(row..row + own) {
                return Err(Error::internal("rows of another order"));
            }
            (row..row + own).zip(&mut places[start..]).for_each(|(again, place)| *place = Some(again as u32));
            row += own;
        }
        Ok(Self { asked, places })
    }

    /// Tells whether a row of the chunk is another one to questions.
    fn differs(&self, rows: &RecordBatch, row: u32) -> bool {
        let Some(place) = self.places[row as usize] else { return false };
        let mut columns = rows.columns().iter().zip(self.asked.columns());
        columns.any(|(one, other)| one.slice(row as usize, 1).to_data() != other.slice(place as usize, 1).to_data())
    }

    fn row(&self, row: u32) -> Result<RecordBatch> {
        let place = self.places[row as usize].ok_or_else(|| Error::internal("a row that is not there"))?;
        Ok(self.asked.slice(place as usize, 1))
    }
}
