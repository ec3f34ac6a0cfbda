//! Frames: which rows of a table are at hand, and how they were reached.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Int64Array, UInt32Array};

use super::{Chunk, Frame, Link, MAX_CHILDREN, MAX_CHUNK};
use crate::error::{Error, Result};
use crate::generator::Rows;
use crate::rng::child_key;

impl Chunk<'_> {
    pub(super) fn add(&mut self, table: usize, rows: Rows, parent: Option<(usize, UInt32Array)>) -> usize {
        let plan = &self.plan.tables[table];
        self.frames.push(Frame {
            table,
            rows: Arc::new(rows),
            parent,
            columns: vec![None; plan.columns.len()],
            children: vec![None; self.plan.tables.len()],
            refs: vec![None; plan.refs.len()],
            walk: None,
        });
        self.frames.len() - 1
    }

    pub(super) fn root(&mut self, table: usize, keys: Vec<u64>) -> usize {
        let (ordinals, paths) = (vec![0; keys.len()], keys.iter().map(|key| u128::from(*key)).collect());
        self.add(table, Rows { keys, ordinals, offsets: Vec::new(), paths }, None)
    }

    pub(super) fn child(&mut self, parent: usize, table: usize) -> Result<usize> {
        if let Some(known) = self.frames[parent].children[table] {
            return Ok(known);
        }
        let plan = self.plan;
        let frame = match (&plan.tables[table].walk, plan.tables[table].count) {
            (Some(_), _) => self.walked(parent, table)?,
            (None, Some(count)) => {
                let counts = self.column(parent, count)?;
                let counts: &Int64Array = counts.as_primitive();
                let mut offsets = vec![0_u32];
                let mut total = 0;
                for count in counts {
                    let count = count.unwrap_or(0).max(0);
                    total += count;
                    if count > MAX_CHILDREN || total > MAX_CHUNK as i64 {
                        return Err(Error::profile(
                            format!("tables.{}.count", plan.tables[table].name),
                            format!("{count} rows under one parent, {total} in one chunk, are too many"),
                        ));
                    }
                    offsets.push(total as u32);
                }
                let (rows, index) = self.children_rows(parent, table, offsets);
                self.add(table, rows, Some((parent, index)))
            }
            (None, None) => return Err(Error::internal("a child table without a count")),
        };
        self.frames[parent].children[table] = Some(frame);
        Ok(frame)
    }

    pub(super) fn children_rows(&self, parent: usize, table: usize, offsets: Vec<u32>) -> (Rows, UInt32Array) {
        let above = &self.frames[parent].rows;
        let total = offsets.last().copied().unwrap_or(0) as usize;
        let salt = self.plan.tables[table].key;
        let mut rows = Rows {
            keys: Vec::with_capacity(total),
            ordinals: Vec::with_capacity(total),
            offsets,
            paths: Vec::with_capacity(total),
        };
        let mut index = Vec::with_capacity(total);
        for (at, pair) in rows.offsets.windows(2).enumerate() {
            for ordinal in 0..pair[1] - pair[0] {
                rows.keys.push(child_key(salt, above.keys[at], u64::from(ordinal)));
                rows.ordinals.push(ordinal);
                rows.paths.push((above.paths[at] << 24) | u128::from(ordinal));
                index.push(at as u32);
            }
        }
        (rows, UInt32Array::from(index))
    }

    pub(super) fn link(&mut self, frame: usize, reference: usize) -> Result<Link> {
        if let Some(link) = &self.frames[frame].refs[reference] {
            return Ok(link.clone());
        }
        let plan = self.plan;
        let table = &plan.tables[self.frames[frame].table];
        let reference_plan = table.refs[reference].as_ref().ok_or_else(|| Error::internal("a record has no rows"))?;
        let picks = self.column(frame, reference_plan.pick)?;
        let link = if reference_plan.sibling {
            Link::Frame(frame, Some(picks))
        } else if plan.tables[reference_plan.table].whole.is_some() {
            Link::Whole(reference_plan.table, picks)
        } else {
            let picks: &Int64Array = picks.as_primitive();
            let keys: Vec<u64> = picks.iter().flatten().map(|row| row as u64).collect();
            let index = (picks.null_count() > 0).then(|| {
                let mut next = 0;
                Arc::new(
                    picks
                        .iter()
                        .map(|pick| {
                            pick.map(|_| {
                                next += 1;
                                next - 1
                            })
                        })
                        .collect::<Int64Array>(),
                ) as ArrayRef
            });
            Link::Frame(self.root(reference_plan.table, keys), index)
        };
        self.frames[frame].refs[reference] = Some(link.clone());
        Ok(link)
    }
}
