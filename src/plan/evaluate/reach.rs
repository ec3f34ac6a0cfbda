//! Rows that belong to the rows of a chunk: from rows to rows, along relations.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt32Type};
use arrow_array::{Array, ArrayRef};

use super::Chunk;
use crate::error::{Error, Result};
use crate::plan::{Asked, Relation};

/// Rows of one table that were reached in a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    frame: usize,
    /// Their table.
    pub table: usize,
}

impl Chunk<'_> {
    /// Computes the answers to a question for the rows of its table, a table of the tree.
    ///
    /// # Errors
    ///
    /// As [`batch`](Self::batch).
    pub fn answers(&mut self, asked: Asked) -> Result<ArrayRef> {
        let frame = self.frame_of(asked.table)?;
        self.column(frame, asked.column)
    }

    /// Gives the rows of a table of the tree.
    ///
    /// # Errors
    ///
    /// As [`rows`](Self::rows).
    pub fn reached(&mut self, table: usize) -> Result<Reached> {
        Ok(Reached { frame: self.frame_of(table)?, table })
    }

    /// Follows a relation from some rows, and gives the rows at its end with, for each row at its start, their places among them.
    ///
    /// # Errors
    ///
    /// If a value on which the rows depend cannot be computed.
    pub fn follow(&mut self, from: Reached, relation: &Relation) -> Result<(Reached, Vec<Vec<u32>>)> {
        let (frame, places) = match relation {
            Relation::Many(many) => {
                let hands = self.hand(from.frame, many.hand)?;
                let hand = |pair: &[u32]| match &hands.index {
                    Some(index) => index.values()[pair[0] as usize..pair[1] as usize].to_vec(),
                    None => (pair[0]..pair[1]).collect(),
                };
                (hands.frame, hands.offsets.windows(2).map(hand).collect())
            }
            Relation::One(one) => {
                let (frame, index) = self.reach(from.frame, &one.steps)?;
                let rows = self.frames[from.frame].rows.len();
                (frame, (0..rows).map(|row| place(index.as_ref(), row)).collect::<Result<_>>()?)
            }
        };
        Ok((Reached { frame, table: relation.table() }, places))
    }

    /// Gives the paths of rows: the number of the root row, then the ordinals of the row and its ancestors below it, 24 bits each. A
    /// path and a table are a row of the data set.
    #[must_use]
    pub fn paths(&self, reached: Reached) -> &[u128] {
        &self.frames[reached.frame].rows.paths
    }
}

/// The place of a row's target; nothing where there is none.
fn place(index: Option<&ArrayRef>, row: usize) -> Result<Vec<u32>> {
    let Some(index) = index else { return Ok(vec![row as u32]) };
    if index.is_null(row) {
        return Ok(Vec::new());
    }
    let place = match (index.as_primitive_opt::<Int64Type>(), index.as_primitive_opt::<UInt32Type>()) {
        (Some(places), _) => places.value(row) as u32,
        (_, Some(places)) => places.value(row),
        _ => return Err(Error::internal("places are whole numbers")),
    };
    Ok(vec![place])
}
