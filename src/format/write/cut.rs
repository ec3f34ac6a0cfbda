//! Batches cut to a fixed number of rows, so that the pages of columnar files depend on the rows alone.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;

use crate::error::Result;

/// Takes batches of any size and gives batches of `size` rows.
pub(in crate::format) struct Cutter {
    schema: SchemaRef,
    size: usize,
    waiting: Vec<RecordBatch>,
    rows: usize,
}

impl Cutter {
    pub(in crate::format) fn new(schema: SchemaRef, size: usize) -> Self {
        Self { schema, size, waiting: Vec::new(), rows: 0 }
    }

    /// Adds `batch`, and gives `each` whatever is full.
    pub(in crate::format) fn push(
        &mut self,
        batch: &RecordBatch,
        mut each: impl FnMut(&RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let mut start = 0;
        while start < batch.num_rows() {
            let length = (self.size - self.rows).min(batch.num_rows() - start);
            self.waiting.push(batch.slice(start, length));
            self.rows += length;
            start += length;
            if self.rows == self.size {
                each(&self.rest()?)?;
            }
        }
        Ok(())
    }

    /// The rows left, fewer than `size`.
    pub(in crate::format) fn rest(&mut self) -> Result<RecordBatch> {
        let waiting = std::mem::take(&mut self.waiting);
        self.rows = 0;
        match waiting.as_slice() {
            [one] => Ok(one.clone()),
            many => Ok(concat_batches(&self.schema, many)?),
        }
    }
}
