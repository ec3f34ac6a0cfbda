//! Rows as text: the engine behind CSV and JSON.
//!
//! A batch is written in blocks of 512 rows. Each column first renders its cells of the block, with all that stands
//! around them (`,"name":"`), into a buffer of its own: one dispatch on the type per column and block. Then the rows are
//! put together by copying spans, 32 or 64 bytes at a time where that suffices. Codes are rendered once per dictionary, so a
//! cell of theirs is a copy by index. Nothing is allocated per cell, and nothing is looked at twice.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, SchemaRef, TimeUnit};

use super::cells::Cells;
use super::frame::{BLOCK, Column, Span, Style, WIDE};
use crate::digest::ABREAST;
use crate::error::{Error, Result};

/// The length of most cells: a copy of constant length is a handful of instructions. Longer ones are copied as [`WIDE`].
const NARROW: usize = 32;

/// Writes the rows of one table.
pub(in crate::format) struct Rows(Vec<Column>);

impl Rows {
    pub(in crate::format) fn new(schema: &SchemaRef, style: &Style) -> Result<Self> {
        let last = schema.fields().len().checked_sub(1).ok_or_else(|| Error::internal("a table without columns"))?;
        let column = |(n, field): (usize, &Arc<Field>)| {
            let data_type = field.data_type().clone();
            let known = match &data_type {
                DataType::Boolean | DataType::Int64 | DataType::Float64 | DataType::Utf8 | DataType::Date32 => true,
                DataType::Decimal128(_, scale) => *scale >= 0,
                DataType::Timestamp(unit, _) => *unit == TimeUnit::Microsecond,
                DataType::Dictionary(key, value) => **key == DataType::Int32 && **value == DataType::Utf8,
                _ => false,
            };
            if !known {
                return Err(Error::internal(format!("column `{}`: {data_type} has no text form", field.name())));
            }
            Ok(Column::new(field.name(), data_type, style, (n == 0, n == last)))
        };
        Ok(Self(schema.fields().iter().enumerate().map(column).collect::<Result<_>>()?))
    }

    /// The text of all rows of `batch`.
    pub(in crate::format) fn encode(&self, batch: &RecordBatch) -> Result<Vec<u8>> {
        self.lines(batch, |_| ())
    }

    /// The text of all rows of `batch`; finished rows go to `lines`, a few at a time.
    pub(in crate::format) fn lines(&self, batch: &RecordBatch, mut lines: impl FnMut(&[&[u8]])) -> Result<Vec<u8>> {
        let (mut out, mut end, rows) = (Vec::new(), 0, batch.num_rows());
        self.blocks(batch, |cells, block, width| {
            if block.start == 0 {
                out.reserve(width.div_ceil(block.len()) * rows * 9 / 8 + WIDE);
            }
            out.resize(end + width + WIDE, 0);
            end = assemble(cells, block.len(), &mut out, end, &mut lines);
        })?;
        out.truncate(end);
        Ok(out)
    }

    /// The rows of `batch` for `lines`, without keeping any: the text of a block stays in the nearest caches.
    pub(in crate::format) fn each(&self, batch: &RecordBatch, mut lines: impl FnMut(&[&[u8]])) -> Result<()> {
        let mut out = Vec::new();
        self.blocks(batch, |cells, block, width| {
            if out.len() < width + WIDE {
                out.resize(width + WIDE, 0);
            }
            assemble(cells, block.len(), &mut out, 0, &mut lines);
        })
    }

    /// Renders the cells block by block; `each` is given them, the rows, and the bytes that these have.
    fn blocks(&self, batch: &RecordBatch, mut each: impl FnMut(&[Cells], Range<usize>, usize)) -> Result<()> {
        if batch.num_columns() != self.0.len() {
            return Err(Error::internal(format!("{} columns instead of {}", batch.num_columns(), self.0.len())));
        }
        let rows = batch.num_rows();
        let pairs = self.0.iter().zip(batch.columns());
        let mut cells = pairs.map(|(column, array)| Cells::new(column, array, rows)).collect::<Result<Vec<_>>>()?;
        for start in (0..rows).step_by(BLOCK) {
            let block = start..rows.min(start + BLOCK);
            let mut width = 0;
            for cell in &mut cells {
                width += cell.render(block.clone()).map_err(|error| error.within(cell.name()))?;
            }
            each(&cells, block, width);
        }
        Ok(())
    }
}

/// Copies the cells of a block together, row by row. A wide copy may write past its cell: the next one mends that.
fn assemble(cells: &[Cells], rows: usize, out: &mut [u8], mut end: usize, lines: &mut impl FnMut(&[&[u8]])) -> usize {
    let columns: Vec<(&[u8], &[Span])> = cells.iter().map(|cell| (cell.text(), &cell.spans()[..rows])).collect();
    for first in (0..rows).step_by(ABREAST) {
        let count = ABREAST.min(rows - first);
        let mut whole = [(0, 0); ABREAST];
        for (row, whole) in (first..).zip(&mut whole[..count]) {
            let start = end;
            for (text, spans) in &columns {
                let (at, length) = spans[row];
                copy(text, at, length, out, end);
                end += length;
            }
            *whole = (start, end);
        }
        lines(&whole.map(|(start, end)| &out[start..end])[..count]);
    }
    end
}

#[inline]
fn copy(from: &[u8], at: usize, length: usize, to: &mut [u8], end: usize) {
    if length <= NARROW {
        to[end..end + NARROW].copy_from_slice(&from[at..at + NARROW]);
    } else if length <= WIDE {
        to[end..end + WIDE].copy_from_slice(&from[at..at + WIDE]);
    } else {
        to[end..end + length].copy_from_slice(&from[at..at + length]);
    }
}
