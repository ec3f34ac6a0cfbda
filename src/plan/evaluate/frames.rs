//! Frames: lists of rows of a table, reached from the root, from a parent or through a reference.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, Int64Array, UInt32Array};

use super::{Chunk, Frame, MAX_CHILDREN, MAX_CHUNK};
use crate::error::{Error, Result};
use crate::generator::Rows;
use crate::plan::weight::ROW;
use crate::plan::{Source, Step};
use crate::rng::child_key;
use arrow_select::take::take;

impl Chunk<'_> {
    pub(super) fn add(&mut self, table: usize, rows: Rows, parent: Option<(usize, UInt32Array)>) -> usize {
        let plan = &self.plan.tables[table];
        self.use_frame(table, rows.len());
        self.frames.push(Frame {
            table,
            rows: Arc::new(rows),
            parent,
            columns: vec![None; plan.columns.len()],
            children: vec![None; self.plan.tables.len()],
            refs: vec![None; plan.refs.len()],
            numbers: Vec::new(),
            scattered: false,
            hands: Vec::new(),
            facts: Vec::new(),
            group_key: None,
            walk: None,
            listed: None,
        });
        self.frames.len() - 1
    }

    pub(super) fn root(&mut self, table: usize, keys: Vec<u64>) -> usize {
        let (ordinals, paths) = (vec![0; keys.len()], keys.iter().map(|key| u128::from(*key)).collect());
        self.add(table, Rows { keys, ordinals, offsets: Vec::new(), paths }, None)
    }

    pub(super) fn child(&mut self, parent: usize, table: usize) -> Result<usize> {
        if let Some(frame) = self.frames[parent].children[table] {
            return Ok(frame);
        }
        let plan = self.plan;
        let frame = match &plan.tables[table].source {
            Source::Root => return Err(Error::internal("a root table under a parent")),
            Source::Walk(walk) => self.walked(parent, table, walk)?,
            Source::List(list) => self.listed(parent, table, list)?,
            Source::Count(count) => {
                let counts = self.column(parent, *count)?;
                let counts: &Int64Array = counts.as_primitive();
                let offsets = offsets(counts.iter().map(|count| count.unwrap_or(0).max(0)), self.room())
                    .map_err(|error| error.within(&format!("tables.{}.count", plan.tables[table].name)))?;
                let (rows, index) = self.children_rows(parent, table, offsets);
                self.add(table, rows, Some((parent, index)))
            }
            Source::Dense(spread) => {
                let starts: Vec<u64> = self.numbers(parent).iter().map(|owner| spread.start(*owner)).collect();
                let ends = self.numbers(parent).iter().map(|owner| spread.start(owner + 1));
                let counts = ends.zip(&starts).map(|(end, start)| (end - start) as i64);
                let offsets = offsets(counts, self.room())
                    .map_err(|error| error.within(&format!("tables.{}.rows", plan.tables[table].name)))?;
                let (rows, index) = self.children_rows(parent, table, offsets);
                let parents = index.values().iter().zip(&rows.ordinals);
                let numbers = parents.map(|(parent, ordinal)| starts[*parent as usize] + u64::from(*ordinal)).collect();
                let frame = self.add(table, rows, Some((parent, index)));
                self.frames[frame].numbers = numbers;
                frame
            }
            Source::Each(facts) => self.each(parent, table, facts)?,
            Source::Group(facts) => self.group(parent, table, facts)?,
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

    /// Gives the most rows of one table that the chunk may still add: `--max-rows`, or those that its memory allows, up
    /// to a fixed maximum.
    pub(super) fn room(&self) -> usize {
        let most = self.plan.limits.rows.min(self.left() / ROW);
        usize::try_from(most).unwrap_or(MAX_CHUNK).min(MAX_CHUNK)
    }

    /// Gives the row numbers in the whole table, for a table with a fixed number of rows.
    pub(super) fn numbers(&self, frame: usize) -> &[u64] {
        let frame = &self.frames[frame];
        if self.plan.tables[frame.table].parent.is_none() { &frame.rows.keys } else { &frame.numbers }
    }

    /// Adds a frame of rows by their numbers, for a table with a fixed number of rows.
    pub(super) fn numbered(&mut self, table: usize, numbers: Vec<u64>) -> Result<usize> {
        let plan = self.plan;
        let Some(parent) = plan.tables[table].parent else { return Ok(self.root(table, numbers)) };
        let Source::Dense(spread) = &plan.tables[table].source else {
            return Err(Error::internal("a table whose rows have no numbers"));
        };
        if numbers.len() > self.room() {
            return Err(Error::profile(
                "",
                format!("a chunk would need {} rows of one table, too many", numbers.len()),
            )
            .hint("a larger `--max-memory` or fewer `--threads` allow more"));
        }
        let places: Vec<(u64, u64)> = numbers.iter().map(|number| spread.owner(*number)).collect();
        let mut owners: Vec<u64> = places.iter().map(|(owner, _)| *owner).collect();
        owners.sort_unstable();
        owners.dedup();
        let index: Vec<u32> =
            places.iter().map(|(owner, _)| owners.partition_point(|other| other < owner) as u32).collect();
        let parent = self.numbered(parent, owners)?;
        let above = &self.frames[parent].rows;
        let salt = plan.tables[table].key;
        let mut rows = Rows::default();
        for ((_, ordinal), at) in places.iter().zip(&index) {
            rows.keys.push(child_key(salt, above.keys[*at as usize], *ordinal));
            rows.ordinals.push(*ordinal as u32);
            rows.paths.push((above.paths[*at as usize] << 24) | u128::from(*ordinal));
        }
        let frame = self.add(table, rows, Some((parent, UInt32Array::from(index))));
        self.frames[frame].numbers = numbers;
        self.frames[frame].scattered = true;
        Ok(frame)
    }

    /// Computes a column that depends on siblings for a frame of single rows: over their complete families, then
    /// gathered.
    pub(super) fn with_siblings(&mut self, frame: usize, column: usize) -> Result<ArrayRef> {
        let (parent, index) =
            self.frames[frame].parent.clone().ok_or_else(|| Error::internal("a root row has no siblings"))?;
        let families = self.child(parent, self.frames[frame].table)?;
        let values = self.column(families, column)?;
        let (offsets, rows) = (&self.frames[families].rows.offsets, &self.frames[frame].rows);
        let places =
            index.values().iter().zip(&rows.ordinals).map(|(parent, ordinal)| offsets[*parent as usize] + ordinal);
        super::cell_limit::gather(&values, &UInt32Array::from_iter_values(places))
    }

    /// Follows steps from a frame. Returns the frame at their end, and the index there for each row; `None` if both
    /// have the same rows.
    pub(super) fn reach(&mut self, frame: usize, steps: &[Step]) -> Result<(usize, Option<ArrayRef>)> {
        let (mut at, mut index): (usize, Option<ArrayRef>) = (frame, None);
        for step in steps {
            let (to, places): (usize, Option<ArrayRef>) = match step {
                Step::Parent => {
                    let (to, index) =
                        self.frames[at].parent.clone().ok_or_else(|| Error::internal("a root row has no parent"))?;
                    (to, Some(Arc::new(index)))
                }
                Step::Fact(part) => {
                    let facts = self.frames[at].facts.get(*part).ok_or_else(|| Error::internal("no fact"))?;
                    (facts.frame, Some(Arc::new(facts.index.clone())))
                }
                Step::Ref(reference) => {
                    let link = self.link(at, *reference)?;
                    self.frame_of_link(link)?
                }
            };
            index = match (index, places) {
                (None, places) => places,
                (index, None) => index,
                (Some(index), Some(places)) => Some(take(&places, &index, None)?),
            };
            at = to;
        }
        Ok((at, index))
    }
}

/// Computes the index of each parent's first child, and the number of children at the end.
pub(super) fn offsets(counts: impl Iterator<Item = i64>, room: usize) -> Result<Vec<u32>> {
    let (mut offsets, mut total) = (vec![0_u32], 0);
    for count in counts {
        total += count;
        if count > MAX_CHILDREN || total > room as i64 {
            return Err(Error::profile("", format!("too many rows: {count} under one parent, {total} in one chunk"))
                .hint(format!(
                    "at most {MAX_CHILDREN} under one parent and {room} in this chunk; a larger `--max-memory` or `--max-rows` \
                     may allow more"
                )));
        }
        offsets.push(total as u32);
    }
    Ok(offsets)
}
