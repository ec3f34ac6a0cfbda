//! Values from a file in place of computed ones, to evaluate checks on rows that were read back.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};

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

    /// Replaces some written columns of one table of the tree. All others are computed again from them; rows, and how they belong together,
    /// remain those of the plan.
    ///
    /// # Errors
    ///
    /// If a column is not written, or an array does not have its type and its number of rows in this chunk.
    pub fn replace(&mut self, table: usize, columns: &[(&str, ArrayRef)]) -> Result<()> {
        let plan = self.plan;
        for table in plan.tree(self.frames[0].table).tables {
            self.frame_of(table)?;
        }
        self.leave_tree()?;
        self.forget();
        let frame = self.frame_of(table)?;
        for (name, array) in columns {
            let known = plan.tables[table].columns.iter().position(|column| column.visible && column.name == **name);
            let column = known.ok_or_else(|| Error::internal(format!("`{name}` is not written")))?;
            let expected = &plan.tables[table].columns[column].ty;
            if array.data_type() != expected || array.len() != self.frames[frame].rows.len() {
                return Err(Error::internal(format!("column `{name}` came as {} {}", array.len(), array.data_type())));
            }
            self.use_column(frame, column, array);
            self.frames[frame].columns[column] = Some(Arc::clone(array));
        }
        Ok(())
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
