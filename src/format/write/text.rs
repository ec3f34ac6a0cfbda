//! Rows as text: the engine behind CSV and JSON.
//!
//! A batch is written in blocks of 512 rows. Each column first renders its cells of the block, with all that stands
//! around them (`,"name":"`), into a buffer of its own: one dispatch on the type per column and block. Then the rows are
//! put together by copying spans, 32 or 64 bytes at a time where that suffices. Codes are rendered once per dictionary, so a
//! cell of theirs is a copy by index. Nothing is allocated per cell, and nothing is looked at twice.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::types::Float64Type;
use arrow_array::{Array, PrimitiveArray, RecordBatch, StringArray};
use arrow_buffer::{ArrowNativeType, NullBuffer};
use arrow_schema::{DataType, Field, SchemaRef, TimeUnit};

use super::cells::Cells;
use super::digits;
use crate::digest::ABREAST;
use crate::error::{Error, Result};

/// Rows rendered at a time: their cells stay in the nearest caches.
pub(super) const BLOCK: usize = 512;
/// Most cells are shorter than one or the other, and a copy of constant length is a handful of instructions. Every buffer
/// ends with so many bytes to spare as the greater one has.
const NARROW: usize = 32;
pub(super) const WIDE: usize = 64;

/// What a format puts around and into cells.
pub(super) struct Style {
    /// Stands before the first cell of a row.
    pub(super) start: &'static str,
    /// Stands after the last cell of a row.
    pub(super) end: &'static str,
    /// Stands before each cell, made from the column's name.
    pub(super) label: fn(&str) -> Vec<u8>,
    /// Stands around dates and such text as needs no care.
    pub(super) quote: &'static str,
    /// The text of a null, and of a number that the format has no form for.
    pub(super) null: &'static str,
    /// Whether there is a form for `NaN` and `inf`.
    pub(super) infinite: bool,
    /// Whether no byte of these needs care. Called on the text of many cells at once.
    pub(super) plain: fn(&[u8]) -> bool,
    /// Adds any text with its quotes: used for text that is not plain, is empty, or begins or ends with a space.
    pub(super) escape: fn(&[u8], &mut Vec<u8>),
}

/// Writes the rows of one table.
pub(super) struct Rows(Vec<Column>);

pub(super) struct Column {
    pub(super) frame: Frame,
    pub(super) name: String,
    pub(super) data_type: DataType,
    /// The dictionary met last: batches of one table share theirs by pointer.
    codes: Mutex<Option<Arc<Codes>>>,
}

/// What stands around the cells of one column.
pub(super) struct Frame {
    style: &'static Style,
    pub(super) before: Vec<u8>,
    pub(super) after: Vec<u8>,
    /// `before` and `after` with the quotes of plain text and dates.
    pub(super) open: Vec<u8>,
    pub(super) close: Vec<u8>,
    /// A whole null.
    pub(super) null: Vec<u8>,
}

/// Where a cell stands in its column's buffer.
pub(super) type Span = (usize, usize);

/// A dictionary as text: null first, then each value.
pub(super) struct Codes {
    values: StringArray,
    pub(super) text: Vec<u8>,
    pub(super) spans: Vec<Span>,
}

impl Rows {
    pub(super) fn new(schema: &SchemaRef, style: &'static Style) -> Result<Self> {
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
            let frame = Frame::new(field.name(), style, n == 0, n == last);
            Ok(Column { frame, name: field.name().clone(), data_type, codes: Mutex::new(None) })
        };
        Ok(Self(schema.fields().iter().enumerate().map(column).collect::<Result<_>>()?))
    }

    /// The text of all rows of `batch`.
    pub(super) fn encode(&self, batch: &RecordBatch) -> Result<Vec<u8>> {
        self.lines(batch, |_| ())
    }

    /// The text of all rows of `batch`; the rows go to `lines` as they are whole, a few at a time.
    pub(super) fn lines(&self, batch: &RecordBatch, mut lines: impl FnMut(&[&[u8]])) -> Result<Vec<u8>> {
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
    pub(super) fn each(&self, batch: &RecordBatch, mut lines: impl FnMut(&[&[u8]])) -> Result<()> {
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

impl Frame {
    fn new(name: &str, style: &'static Style, first: bool, last: bool) -> Self {
        let mut before = if first { style.start.as_bytes().to_vec() } else { b",".to_vec() };
        before.extend((style.label)(name));
        let after = if last { style.end.as_bytes().to_vec() } else { Vec::new() };
        let quote = style.quote.as_bytes();
        let (open, close) = ([before.as_slice(), quote].concat(), [quote, after.as_slice()].concat());
        let null = [before.as_slice(), style.null.as_bytes(), after.as_slice()].concat();
        Self { style, before, after, open, close, null }
    }

    /// Adds the cells of `rows` to `out`; null is the span of a null.
    pub(super) fn text(
        &self,
        values: &StringArray,
        rows: Range<usize>,
        null: Span,
        out: &mut Vec<u8>,
        spans: &mut [Span],
    ) {
        let (offsets, bytes) = (values.value_offsets(), values.value_data());
        let cell = |row: usize| &bytes[offsets[row].as_usize()..offsets[row + 1].as_usize()];
        let nulls = some_nulls(values.nulls());
        let block = &bytes[offsets[rows.start].as_usize()..offsets[rows.end].as_usize()];
        let plain = (self.style.plain)(block);
        out.reserve(block.len() + rows.len() * (self.open.len() + self.close.len()));
        for (row, span) in rows.zip(spans) {
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                *span = null;
                continue;
            }
            let (at, value) = (out.len(), cell(row));
            let edges = matches!(value, [] | [b' ', ..] | [.., b' ']);
            if (plain || (self.style.plain)(value)) && !edges {
                // Often a comma before and nothing behind: no call for that.
                match *self.open.as_slice() {
                    [comma] => out.push(comma),
                    _ => out.extend_from_slice(&self.open),
                }
                out.extend_from_slice(value);
                if !self.close.is_empty() {
                    out.extend_from_slice(&self.close);
                }
            } else {
                out.extend_from_slice(&self.before);
                (self.style.escape)(value, out);
                out.extend_from_slice(&self.after);
            }
            *span = (at, out.len() - at);
        }
    }

    /// Adds the cells of `rows` to `out`.
    pub(super) fn floats(
        &self,
        array: &PrimitiveArray<Float64Type>,
        rows: Range<usize>,
        null: Span,
        out: &mut Vec<u8>,
        spans: &mut [Span],
    ) {
        out.truncate(null.1);
        for (row, span) in rows.zip(spans) {
            let value = array.value(row);
            *span = null;
            if !array.is_null(row) && (self.style.infinite || value.is_finite()) {
                let at = out.len();
                out.extend_from_slice(&self.before);
                digits::float(value, out);
                out.extend_from_slice(&self.after);
                *span = (at, out.len() - at);
            }
        }
        out.extend_from_slice(&[0; WIDE]);
    }
}

/// The nulls, where there is one.
pub(super) fn some_nulls(nulls: Option<&NullBuffer>) -> Option<&NullBuffer> {
    nulls.filter(|nulls| nulls.null_count() > 0)
}

impl Column {
    /// The text of a dictionary, from the last batch if it is the same one.
    pub(super) fn codes(&self, values: &StringArray) -> Arc<Codes> {
        let same = |codes: &&Arc<Codes>| {
            let (a, b) = (&codes.values, values);
            a.offsets().ptr_eq(b.offsets())
                && a.values().ptr_eq(b.values())
                && a.nulls().is_none()
                && b.nulls().is_none()
        };
        let last = self.codes.lock().unwrap_or_else(PoisonError::into_inner).as_ref().filter(same).cloned();
        last.unwrap_or_else(|| {
            let (mut text, null) = (self.frame.null.clone(), (0, self.frame.null.len()));
            let mut spans = vec![null; values.len() + 1];
            self.frame.text(values, 0..values.len(), null, &mut text, &mut spans[1..]);
            text.extend_from_slice(&[0; WIDE]);
            let codes = Arc::new(Codes { values: values.clone(), text, spans });
            *self.codes.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&codes));
            codes
        })
    }
}
