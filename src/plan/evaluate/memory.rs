//! The memory of a chunk: counted before rows and columns are made, and kept within the share of a chunk.

use arrow_array::ArrayRef;

use super::reduce::Lists;
use super::{Chunk, cell_limit};
use crate::arrays::texts;
use crate::error::{Error, Kind, Result};
use crate::plan::weight::{FRAME, ROW, SLOT, bytes};

/// The bytes that a chunk takes so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used {
    /// Rows and columns.
    rows: u64,
    /// Frames, whatever rows they have.
    frames: u64,
}

impl Chunk<'_> {
    /// Computes the written columns of some tables of the tree, and gives the bytes of all rows and columns made so far.
    ///
    /// # Errors
    ///
    /// As [`Chunk::batch`].
    pub(crate) fn bytes(&mut self, tables: impl IntoIterator<Item = usize>) -> Result<u64> {
        for table in tables {
            self.batch(table)?;
        }
        Ok(self.used.rows + self.used.frames)
    }

    /// Counts a frame with its rows.
    pub(super) fn use_frame(&mut self, table: usize, rows: usize) {
        self.used.rows += rows as u64 * ROW;
        let slots = self.plan.tables[table].columns.len() + self.plan.tables.len();
        self.used.frames += FRAME + SLOT * slots as u64;
    }

    /// Counts a column that was made.
    pub(super) fn use_column(&mut self, frame: usize, column: usize, array: &ArrayRef) {
        let bytes = bytes(array);
        self.plan.tables[self.frames[frame].table].columns[column].see(array.len(), bytes);
        self.used.rows += bytes;
    }

    /// Counts again the rows of all frames, and no columns.
    pub(super) fn recount(&mut self) {
        self.used.rows = self.frames.iter().map(|frame| frame.rows.len() as u64 * ROW).sum();
    }

    /// Gives the bytes that the chunk may still take.
    pub(super) fn left(&self) -> u64 {
        self.plan.limits.memory.chunk().saturating_sub(self.used.rows).saturating_sub(self.used.frames)
    }

    /// Refuses a column that would take more than is left, by its expected width.
    pub(super) fn allow_column(&self, frame: usize, column: usize) -> Result<()> {
        let frame = &self.frames[frame];
        self.allow(self.plan.tables[frame.table].columns[column].expected(frame.rows.len()))
    }

    /// Refuses to make so many bytes if they are more than is left.
    pub(super) fn allow(&self, bytes: u64) -> Result<()> {
        if bytes <= self.left() {
            return Ok(());
        }
        let used = self.used.rows + self.used.frames;
        Err(Error::new(
            Kind::Profile,
            format!(
                "a chunk would need {} MB of memory, more than its share of {} MB",
                used.saturating_add(bytes).div_ceil(1_000_000),
                self.plan.limits.memory.chunk() / 1_000_000
            ),
        )
        .hint("a larger `--max-memory` or fewer `--threads` allow more; fewer rows below each row need less"))
    }

    /// Refuses to join texts that would be longer than a text may be, or more than is left.
    pub(super) fn allow_joined(&self, frame: usize, lists: &Lists, array: &ArrayRef, separator: &str) -> Result<()> {
        let (texts, mut all) = (texts(array), 0);
        for (row, list) in lists.iter().enumerate() {
            let joined = list.iter().filter_map(|row| texts.at(*row as usize)).map(|text| text.len() + separator.len());
            let bytes = joined.sum::<usize>().saturating_sub(separator.len());
            if bytes as u64 > self.plan.limits.cell {
                return Err(self.too_long(frame, row, bytes));
            }
            all += bytes;
        }
        cell_limit::within_column(all)?;
        self.allow(all as u64)
    }
}
