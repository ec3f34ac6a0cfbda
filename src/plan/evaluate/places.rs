//! Places of rows: the root rows that they hang from, their parents, and the root rows that their references lead to.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, Int64Array, UInt32Array};

use super::Chunk;
use super::links::Link;
use crate::error::Result;
use crate::plan::references::Pick;
use crate::plan::{Op, Plan, Reference};

impl Plan {
    fn same_row_references(&self, table: usize) -> impl Iterator<Item = &Reference> {
        let table = &self.tables[table];
        let same = |reference: &&Reference| matches!(table.columns[reference.pick].op, Op::Pick(Pick::SameRow));
        table.refs.iter().flatten().filter(same)
    }

    /// Tells whether a reference of a table picks the row of another table that has the same number.
    #[must_use]
    pub fn picks_same(&self, table: usize, other: usize) -> bool {
        self.same_row_references(table).any(|reference| reference.table == other)
    }
}

/// Adds the numbers that some rows pick.
fn numbers(rows: &[u32], picks: &Int64Array, found: &mut BTreeSet<u64>) {
    let picked = rows.iter().map(|row| *row as usize).filter(|row| !picks.is_null(*row));
    found.extend(picked.map(|row| picks.value(row) as u64));
}

impl Chunk<'_> {
    /// Gives the number of the root row that each row of a table hangs from; of a root row its own.
    ///
    /// # Errors
    ///
    /// As [`rows`](Self::rows).
    pub fn root_rows(&mut self, table: usize) -> Result<Vec<u64>> {
        let frame = self.frame_of(table)?;
        Ok(self.root_rows_of(frame).collect())
    }

    /// Gives the index of each row's parent among the rows of the parent table; `None` for a root table.
    ///
    /// # Errors
    ///
    /// As [`rows`](Self::rows).
    pub fn parents(&mut self, table: usize) -> Result<Option<UInt32Array>> {
        let frame = self.frame_of(table)?;
        Ok(self.frames[frame].parent.as_ref().map(|(_, index)| index.clone()))
    }

    /// Collects the root rows that the references of some rows lead to, by their tables. A reference whose row cannot be
    /// computed is left out: nothing that is written may need it.
    ///
    /// # Errors
    ///
    /// As [`rows`](Self::rows).
    pub fn referred(&mut self, table: usize, rows: &[u32], found: &mut BTreeMap<usize, BTreeSet<u64>>) -> Result<()> {
        let (frame, plan) = (self.frame_of(table)?, self.plan);
        for reference in (0..plan.tables[table].refs.len()).filter(|n| plan.tables[table].refs[*n].is_some()) {
            let (to, picks) = match self.link(frame, reference) {
                Ok(Link::Frame(to, picks)) => (to, picks),
                Ok(Link::Cached(to, picks)) => {
                    numbers(rows, picks.as_primitive(), found.entry(to).or_default());
                    continue;
                }
                Ok(Link::Known(known)) => {
                    numbers(rows, &known.picks, found.entry(known.table).or_default());
                    continue;
                }
                Err(_) => continue,
            };
            let root = plan.root_of(self.frames[to].table);
            let roots: Vec<u64> = self.root_rows_of(to).collect();
            let places: Vec<usize> = match picks {
                None => rows.iter().map(|row| *row as usize).collect(),
                Some(picks) => {
                    let picks = picks.as_primitive::<Int64Type>();
                    let picked = rows.iter().map(|row| *row as usize).filter(|row| !picks.is_null(*row));
                    picked.map(|row| picks.value(row) as usize).collect()
                }
            };
            let places = places.into_iter().filter_map(|place| roots.get(place));
            found.entry(root).or_default().extend(places);
        }
        Ok(())
    }

    /// Lists the root rows of other tables that have the numbers of this chunk's root rows, because a reference picks the
    /// same row: a table and a number each.
    ///
    /// # Errors
    ///
    /// If a condition of such a reference cannot be computed.
    pub fn same_rows(&mut self) -> Result<Vec<(usize, u64)>> {
        let (table, plan) = (self.frames[0].table, self.plan);
        let mut found = Vec::new();
        for reference in plan.same_row_references(table) {
            let picks = self.column(0, reference.pick)?;
            let picks = picks.as_primitive::<Int64Type>();
            found.extend(picks.iter().flatten().map(|row| (reference.table, row as u64)));
        }
        Ok(found)
    }

    fn root_rows_of(&self, frame: usize) -> impl Iterator<Item = u64> + '_ {
        let frame = &self.frames[frame];
        let bits = 24 * self.plan.depth(frame.table);
        frame.rows.paths.iter().map(move |path| (path >> bits) as u64)
    }
}
