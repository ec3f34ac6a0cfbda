//! Values from elsewhere in place of computed ones: what a check says about rows that were read from a file.

use std::sync::Arc;

use arrow_array::RecordBatch;

use super::Chunk;
use crate::error::{Error, Result};

impl Chunk<'_> {
    /// Puts the rows of some tables of the tree in place of the computed ones. Everything that is not written is computed
    /// anew, from these values where it depends on them; which rows there are stays as the plan has it.
    ///
    /// # Errors
    ///
    /// If a batch does not have the table's schema and its rows here.
    pub fn overlay(&mut self, tables: &[(usize, RecordBatch)]) -> Result<()> {
        let root = self.frames[0].table;
        let plan = self.plan;
        // All rows of the tree must be known before a value that decides how many there are can change.
        for table in plan.tree(root).tables {
            self.frame_of(table)?;
        }
        for frame in &mut self.frames {
            frame.columns.fill(None);
        }
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
                self.frames[frame].columns[column] = Some(Arc::clone(array));
            }
        }
        Ok(())
    }
}
