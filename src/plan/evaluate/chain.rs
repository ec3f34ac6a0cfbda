//! A chain of hashes over cells as they are written, in place of those that the plan computes.

use arrow_array::ArrayRef;

use super::Chunk;
use crate::error::{Error, Result};
use crate::plan::Chain;

impl Chunk<'_> {
    /// Computes columns of a table that follow from a chain of hashes, with the chain over other texts: one array for each
    /// of [`Chain::over`] that is a written column, in its order. Everything computed before is forgotten.
    ///
    /// # Errors
    ///
    /// If the texts are not those of the table's rows in this chunk, or a value cannot be computed.
    pub fn linked(
        &mut self,
        table: usize,
        chain: &Chain,
        texts: &[ArrayRef],
        columns: &[usize],
    ) -> Result<Vec<ArrayRef>> {
        let frame = self.frame_of(table)?;
        self.forget();
        let inputs = chain.over.iter().filter(|over| over.column.is_some()).map(|over| over.input);
        let given: Vec<(usize, ArrayRef)> = inputs.zip(texts.iter().cloned()).collect();
        if given.iter().any(|(_, texts)| texts.len() != self.frames[frame].rows.len()) {
            return Err(Error::internal("texts of the rows of another chunk"));
        }
        let hashes = self.compute_from(frame, chain.column, &given)?;
        self.frames[frame].columns[chain.column] = Some(hashes);
        let made = columns.iter().map(|column| self.typed(frame, *column)).collect();
        self.forget();
        made
    }
}
