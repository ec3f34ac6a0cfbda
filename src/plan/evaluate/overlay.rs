//! Values from a file in place of computed ones, to evaluate checks on rows that were read back.

use std::sync::Arc;

use arrow_array::RecordBatch;

use super::Chunk;
use crate::error::{Error, Result};

impl Chunk<'_> {
    /// Forgets every column that was computed; the rows stay.
    pub fn forget(&mut self) {
        for frame in &mut self.frames {
            frame.columns.fill(None);
        }
        self.recount();
    }

    /// Replaces the written columns of some tables of the tree by the columns of batches. Columns that are not written
    /// are computed again from them. The rows of the tree themselves, and how they belong together, remain those of the
    /// plan.
    ///
    /// # Errors
    ///
    /// If a batch does not have the table's written columns and its number of rows in this chunk.
    pub fn overlay(&mut self, tables: &[(usize, RecordBatch)]) -> Result<()> {
        let root = self.frames[0].table;
        let plan = self.plan;
        // Compute all rows of the tree first, because the batches may change a value on which their number depends.
        for table in plan.tree(root).tables {
            self.frame_of(table)?;
        }
        self.leave_tree()?;
        self.forget();
        for (table, batch) in tables {
            let frame = self.frame_of(*table)?;
            let columns = &plan.tables[*table].columns;
            let visible: Vec<usize> = (0..columns.len()).filter(|column| columns[*column].visible).collect();
            if batch.num_rows() != self.frames[frame].rows.len() || batch.num_columns() != visible.len() {
                return Err(Error::internal("rows of another chunk"));
            }
            for (column, array) in visible.into_iter().zip(batch.columns()) {
                if *array.data_type() != columns[column].ty {
                    return Err(Error::internal(format!(
                        "column `{}` came as {}",
                        columns[column].name,
                        array.data_type()
                    )));
                }
                self.use_column(frame, column, array);
                self.frames[frame].columns[column] = Some(Arc::clone(array));
            }
        }
        Ok(())
    }
}
