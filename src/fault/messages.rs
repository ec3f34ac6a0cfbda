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
        let again = self.again(chosen, made, chunk, &tables)?;
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
        made: &TreeBatch,
        clean: &mut Chunk<'_>,
        tables: &[usize],
    ) -> Result<Vec<BTreeMap<u128, RecordBatch>>> {
        let (plan, root) = (clean.plan(), clean.root_table());
        let number = |chosen: &Chosen| root_row(chosen.path, plan.depth(chosen.table));
        let roots: Vec<u64> = chosen.iter().map(number).collect::<BTreeSet<_>>().into_iter().collect();
        let mut chunk = self.in_place(plan, root, &roots)?;
        let differing = |table: &usize| {
            let (new, paths) = (chunk.batch(*table)?, chunk.identities(*table)?);
            let (old, places) = (&made.batches[&OutputId(*table)], clean.identities(*table)?);
            let mut found = BTreeMap::new();
            let mut next = 0;
            for (row, path) in paths.paths.iter().enumerate() {
                // Rows are in the order of the chunk, of which these are some.
                let rest = &places.paths[next..];
                let at = rest.iter().position(|known| known == path);
                next += at.ok_or_else(|| Error::internal("a message that is not there"))?;
                let mut columns = old.columns().iter().zip(new.columns());
                if columns.any(|(one, other)| one.slice(next, 1).to_data() != other.slice(row, 1).to_data()) {
                    found.insert(*path, new.slice(row, 1));
                }
            }
            Ok(found)
        };
        tables.iter().map(differing).collect()
    }

    /// The trees of some root rows with changed rows in their places, as many as there were: a chunk in which messages are those of the
    /// rows as they are sent.
    fn in_place<'p>(&self, plan: &'p Plan, root: usize, roots: &[u64]) -> Result<Chunk<'p>> {
        let mut chunk = Chunk::new(plan, root, roots);
        let made = self.whole_tree(&mut chunk, roots)?;
        let sent = |(id, batch): (&OutputId, &RecordBatch)| {
            let edits = made.edits.get(id);
            Ok((id.0, edits.map_or_else(|| Ok(batch.clone()), |edits| edits.in_place(batch, true))?))
        };
        let rows = made.batches.iter().map(sent).collect::<Result<Vec<_>>>()?;
        chunk.overlay(&rows)?;
        Ok(chunk)
    }

    /// The cases of a chunk with all tables of its tree but messages, whatever tables are wanted.
    pub(crate) fn whole_tree(&self, chunk: &mut Chunk<'_>, roots: &[u64]) -> Result<TreeBatch> {
        let (plan, root) = (chunk.plan(), chunk.root_table());
        let mut made = TreeBatch { roots: roots.to_vec(), ..TreeBatch::default() };
        for table in plan.tree(root).tables.into_iter().filter(|table| !plan.is_message_table(*table)) {
            made.batches.insert(OutputId(table), chunk.batch(table)?);
        }
        let cases = self.choose(chunk, roots)?;
        self.change(cases, &mut made, chunk, &[])?;
        Ok(made)
    }
}
