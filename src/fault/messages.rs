//! Messages of rows with faults: a message says what is sent of its rows, not what they are.
//!
//! The trees of cases are computed again with changed rows in their places; messages that differ are sent otherwise. The message of a
//! row that is sent twice is sent twice, that of a row that is not sent is not sent. Rows that a message lists stay as many as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::{Array, RecordBatch};

use super::Faults;
use super::change::Draft;
use super::choose::{Chosen, root_row};
use crate::error::{Error, Result};
use crate::plan::fault::Operator;
use crate::plan::{Chunk, Plan};
use crate::stage::{OutputId, TreeBatch};

impl Plan {
    /// Tells whether the rows of a table are messages.
    pub(crate) fn is_message_table(&self, table: usize) -> bool {
        (0..self.tables[table].columns.len()).any(|column| self.is_message(table, column))
    }
}

impl Faults {
    /// Adds to the drafts what becomes of the messages of a tree.
    pub(super) fn messages(
        &self,
        chosen: &[Chosen],
        made: &TreeBatch,
        chunk: &mut Chunk<'_>,
        drafts: &mut BTreeMap<usize, Draft>,
    ) -> Result<()> {
        let plan = chunk.plan();
        let tables: Vec<usize> =
            made.batches.keys().map(|id| id.0).filter(|table| plan.is_message_table(*table)).collect();
        if tables.is_empty() {
            return Ok(());
        }
        let again = self.again(chosen, chunk.root_table(), plan, &tables)?;
        for (table, differing) in tables.into_iter().zip(again) {
            let of = plan.tables[table].parent.ok_or_else(|| Error::internal("a message without a row"))?;
            let parents = chunk.parents(table)?.ok_or_else(|| Error::internal("a message without a row"))?;
            let paths = chunk.identities(table)?;
            let (mut times, mut gone) = (BTreeMap::new(), BTreeSet::new());
            for case in chosen.iter().filter(|case| case.table == of) {
                match self.known[case.fault].0.operator {
                    Operator::Repeat { times: copies, .. } => {
                        times.insert(case.row, copies);
                    }
                    Operator::Drop { .. } => {
                        gone.insert(case.row);
                    }
                    _ => {}
                }
            }
            let draft = drafts.entry(table).or_default();
            for row in 0..parents.len() as u32 {
                let parent = parents.value(row as usize);
                if gone.contains(&parent) {
                    draft.leave_out(row);
                    continue;
                }
                let new = differing.get(&paths.paths[row as usize]);
                let copies = times.get(&parent).copied();
                for _ in 0..copies.unwrap_or(u32::from(new.is_some())) {
                    let changed = draft.push(row, copies.is_some());
                    for place in 0..new.map_or(0, RecordBatch::num_columns) {
                        if let Some(new) = new {
                            draft.set(changed, place, Arc::clone(new.column(place)), 0);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The messages of each table that differ where the cases are in their places, by path: a batch of one row each.
    fn again(
        &self,
        chosen: &[Chosen],
        root: usize,
        plan: &Plan,
        tables: &[usize],
    ) -> Result<Vec<BTreeMap<u128, RecordBatch>>> {
        let number = |chosen: &Chosen| root_row(chosen.path, plan.depth(chosen.table));
        let roots: Vec<u64> = chosen.iter().map(number).collect::<BTreeSet<_>>().into_iter().collect();
        let mut clean_chunk = Chunk::new(plan, root, &roots);
        let clean = tables.iter().map(|table| clean_chunk.batch(*table)).collect::<Result<Vec<_>>>()?;
        let (mut chunk, _) = self.in_place(plan, root, &roots)?;
        let differing = |(table, clean): (&usize, &RecordBatch)| {
            let (new, paths) = (chunk.batch(*table)?, chunk.identities(*table)?);
            let differs = |row: &usize| {
                let columns = clean.columns().iter().zip(new.columns());
                columns.into_iter().any(|(one, other)| one.slice(*row, 1).to_data() != other.slice(*row, 1).to_data())
            };
            let rows = (0..clean.num_rows()).filter(differs);
            Ok(rows.map(|row| (paths.paths[row], new.slice(row, 1))).collect())
        };
        tables.iter().zip(&clean).map(differing).collect()
    }

    /// The trees of some root rows with changed rows in their places, as many as there were: a chunk in which columns that are not
    /// written, and messages, are those of the rows as they are sent; and these rows, by table.
    pub(crate) fn in_place<'p>(
        &self,
        plan: &'p Plan,
        root: usize,
        roots: &[u64],
    ) -> Result<(Chunk<'p>, Vec<(usize, RecordBatch)>)> {
        let mut chunk = Chunk::new(plan, root, roots);
        let mut made = TreeBatch { roots: roots.to_vec(), ..TreeBatch::default() };
        for table in plan.tree(root).tables.into_iter().filter(|table| !plan.is_message_table(*table)) {
            made.batches.insert(OutputId(table), chunk.batch(table)?);
        }
        let cases = self.choose(&mut chunk, roots)?;
        self.change(cases, &mut made, &mut chunk, &[])?;
        let sent = |(id, batch): (&OutputId, &RecordBatch)| {
            let edits = made.edits.get(id);
            Ok((id.0, edits.map_or_else(|| Ok(batch.clone()), |edits| edits.in_place(batch, true))?))
        };
        let rows = made.batches.iter().map(sent).collect::<Result<Vec<_>>>()?;
        chunk.overlay(&rows)?;
        Ok((chunk, rows))
    }
}
