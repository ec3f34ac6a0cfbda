//! Accessors of a chunk for faults: columns that are not written, and the identities of rows.

use std::sync::Arc;

use arrow_array::ArrayRef;

use super::Chunk;
use crate::error::Result;
use crate::generator::Rows;
use crate::plan::Plan;

impl<'p> Chunk<'p> {
    /// The plan.
    pub(crate) fn plan(&self) -> &'p Plan {
        self.plan
    }

    /// Computes a column of a table of the tree by its index, written or not.
    pub(crate) fn value(&mut self, table: usize, column: usize) -> Result<ArrayRef> {
        let frame = self.frame_of(table)?;
        self.typed(frame, column)
    }

    /// Computes a written column of a table of the tree by its place in the schema.
    pub(crate) fn written_value(&mut self, table: usize, place: usize) -> Result<ArrayRef> {
        self.value(table, self.plan.written_column(table, place)?)
    }

    /// The root table of the chunk.
    pub(crate) fn root_table(&self) -> usize {
        self.frames[0].table
    }

    /// The keys, ordinals and paths of the rows of a table of the tree.
    pub(crate) fn identities(&mut self, table: usize) -> Result<Arc<Rows>> {
        let frame = self.frame_of(table)?;
        Ok(Arc::clone(&self.frames[frame].rows))
    }
}

impl Plan {
    /// The index of a written column by its place in the schema.
    pub(crate) fn written_column(&self, table: usize, place: usize) -> Result<usize> {
        let columns = &self.tables[table].columns;
        let column = (0..columns.len()).filter(|column| columns[*column].visible).nth(place);
        column.ok_or_else(|| crate::error::Error::internal("a place without a column"))
    }

    /// Computes a column of a root table for rows behind the last one: values of the right form that no row has.
    pub(crate) fn absent(&self, table: usize, column: usize, numbers: &[u64]) -> Result<ArrayRef> {
        let beyond: Vec<u64> = numbers.iter().map(|number| self.tables[table].rows + number).collect();
        let mut all = Chunk::of_numbers(self, table, &beyond, &[column])?;
        all.pop().ok_or_else(|| crate::error::Error::internal("a column without values"))
    }
}
