//! Values in place of computed ones: from a file, to evaluate checks on rows that were read back, or of faults.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};

use super::Chunk;
use crate::error::{Error, Result};

impl<'p> Chunk<'p> {
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
        self.start_over()?;
        for (name, array) in columns {
            let known = &self.plan.tables[table].columns;
            let column = known.iter().position(|column| column.visible && column.name == **name);
            self.put(table, column.ok_or_else(|| Error::internal(format!("`{name}` is not written")))?, array)?;
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
        self.start_over()?;
        for (table, batch) in tables {
            let columns = self.plan.tables[*table].columns.iter().enumerate().filter(|(_, column)| column.visible);
            if batch.num_columns() != self.plan.tables[*table].schema.fields().len() {
                return Err(Error::internal("rows of another chunk"));
            }
            for ((column, _), array) in columns.zip(batch.columns()) {
                self.put(*table, column, array)?;
            }
        }
        Ok(())
    }

    /// Forgets all values, and keeps the rows of the tree, whose number may depend on a value that is replaced.
    fn start_over(&mut self) -> Result<()> {
        for table in self.plan.tree(self.frames[0].table).tables {
            self.frame_of(table)?;
        }
        self.leave_tree()?;
        self.forget();
        Ok(())
    }

    /// Puts a written column of a table of the tree, by its index, in place of the computed one.
    fn put(&mut self, table: usize, column: usize, array: &ArrayRef) -> Result<()> {
        let frame = self.frame_of(table)?;
        let known = &self.plan.tables[table].columns[column];
        if *array.data_type() != known.ty {
            return Err(Error::internal(format!("column `{}` came as {}", known.name, array.data_type())));
        }
        if array.len() != self.frames[frame].rows.len() {
            return Err(Error::internal("rows of another chunk"));
        }
        self.use_column(frame, column, array);
        self.frames[frame].columns[column] = Some(Arc::clone(array));
        Ok(())
    }

    /// The same rows, with the values of some written columns of the tree replaced: table, index of the column, values. What was
    /// computed of other columns stays, but for `stale`, the columns that follow from those ([`Plan::consequences`](crate::plan::Plan)).
    ///
    /// # Errors
    ///
    /// If values have another type or number than the column.
    pub(crate) fn replaced(
        &mut self,
        values: &[(usize, usize, ArrayRef)],
        stale: &BTreeSet<(usize, usize)>,
    ) -> Result<Chunk<'p>> {
        let mut other = Chunk { frames: self.frames.clone(), ..*self };
        for frame in &mut other.frames {
            let table = frame.table;
            stale.range((table, 0)..(table + 1, 0)).for_each(|(_, column)| frame.columns[*column] = None);
        }
        // Columns that both have are counted in the one that they came from.
        other.recount();
        other.leave_tree()?;
        values.iter().try_for_each(|(table, column, array)| other.put(*table, *column, array))?;
        Ok(other)
    }
}
