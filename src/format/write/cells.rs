//! The cells of one column, rendered a block at a time: the only place of the text formats that knows types.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, BooleanArray, DictionaryArray, PrimitiveArray, StringArray};
use arrow_buffer::{ArrowNativeType, NullBuffer};
use arrow_schema::DataType;

use super::digits;
use super::frame::{BLOCK, Codes, Column, Span, WIDE, some_nulls};
use crate::error::{Error, Result};

/// One column of a batch, and the cells of the current block.
pub(super) struct Cells<'a> {
    column: &'a Column,
    values: Values<'a>,
    /// A null, then the cells. Where cells have a greatest width, each has a slot of that width, whose start `,"name":`
    /// is written once per batch.
    buffer: Vec<u8>,
    slot: Slot,
    spans: Vec<Span>,
}

enum Values<'a> {
    Boolean(&'a BooleanArray),
    Integer(&'a PrimitiveArray<Int64Type>),
    Float(&'a PrimitiveArray<Float64Type>),
    Decimal(&'a PrimitiveArray<Decimal128Type>, usize),
    Date(&'a PrimitiveArray<Date32Type>),
    Instant(&'a PrimitiveArray<TimestampMicrosecondType>),
    /// Without a zone.
    Local(&'a PrimitiveArray<TimestampMicrosecondType>),
    Text(&'a StringArray),
    Code(&'a DictionaryArray<Int32Type>, Arc<Codes>),
}

/// The shape of the slots in a buffer.
#[derive(Default)]
struct Slot {
    first: usize,
    width: usize,
    open: usize,
    close: Vec<u8>,
}

impl<'a> Cells<'a> {
    pub(super) fn new(column: &'a Column, array: &'a dyn Array, rows: usize) -> Result<Self> {
        let values = Values::new(column, array)
            .ok_or_else(|| Error::internal(format!("column `{}` came as {}", column.name, array.data_type())))?;
        let (frame, rows) = (&column.frame, rows.min(BLOCK));
        let (room, quoted) = match values {
            Values::Boolean(_) => (5, false),
            Values::Integer(_) => (digits::INTEGER, false),
            Values::Decimal(..) => (digits::DECIMAL, false),
            Values::Date(_) => (digits::DATE, true),
            Values::Instant(_) | Values::Local(_) => (digits::INSTANT, true),
            Values::Float(_) | Values::Text(_) | Values::Code(..) => (0, false),
        };
        let (open, close) = if quoted { (&frame.open[..], &frame.close[..]) } else { frame.around_numbers() };
        let mut buffer = frame.null.clone();
        let mut slot = Slot::default();
        if room > 0 {
            slot = Slot {
                first: buffer.len(),
                width: open.len() + room + close.len(),
                open: open.len(),
                close: close.to_vec(),
            };
            for _ in 0..rows {
                buffer.extend_from_slice(open);
                buffer.resize(buffer.len() + room + close.len(), 0);
            }
        }
        buffer.extend_from_slice(&[0; WIDE]);
        Ok(Self { column, values, buffer, slot, spans: vec![(0, 0); rows] })
    }

    pub(super) fn name(&self) -> &str {
        &self.column.name
    }

    /// The buffer that the spans point into.
    pub(super) fn text(&self) -> &[u8] {
        if let Values::Code(_, codes) = &self.values { &codes.text } else { &self.buffer }
    }

    /// The span of each row's cell in the current block.
    pub(super) fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Renders the cells of `rows` and returns the sum of their lengths.
    pub(super) fn render(&mut self, rows: Range<usize>) -> Result<usize> {
        let Self { column, values, buffer, slot, spans } = self;
        let count = rows.len();
        let spans = &mut spans[..count];
        let null = (0, column.frame.null.len());
        let mut slots = Slots { slot, null, buffer, spans };
        match values {
            Values::Boolean(array) => slots.fill(rows, array.nulls(), |row, out| {
                let text: &[u8] = if array.value(row) { b"true" } else { b"false" };
                out[..text.len()].copy_from_slice(text);
                Ok(text.len())
            })?,
            Values::Integer(array) => {
                let values = array.values();
                slots.fill(rows, array.nulls(), |row, out| Ok(digits::integer(values[row], out)))?;
            }
            Values::Decimal(array, scale) => {
                let values = array.values();
                slots.fill(rows, array.nulls(), |row, out| Ok(digits::decimal(values[row], *scale, out)))?;
            }
            Values::Date(array) => {
                let values = array.values();
                slots.fill(rows, array.nulls(), |row, out| digits::date(values[row], out))?;
            }
            Values::Instant(array) => {
                let values = array.values();
                slots.fill(rows, array.nulls(), |row, out| digits::instant(values[row], out))?;
            }
            Values::Local(array) => {
                let values = array.values();
                slots.fill(rows, array.nulls(), |row, out| digits::datetime(values[row], out))?;
            }
            Values::Float(array) => column.frame.floats(array, rows, null, buffer, spans),
            Values::Text(array) => {
                buffer.truncate(null.1);
                column.frame.text(array, rows, null, buffer, spans);
                buffer.extend_from_slice(&[0; WIDE]);
            }
            Values::Code(array, codes) => {
                let keys = &array.keys().values()[rows.clone()];
                if let Some(nulls) = some_nulls(array.keys().nulls()) {
                    for ((row, key), span) in rows.zip(keys).zip(spans.iter_mut()) {
                        *span = codes.spans[if nulls.is_null(row) { 0 } else { key.as_usize() + 1 }];
                    }
                } else {
                    for (key, span) in keys.iter().zip(spans.iter_mut()) {
                        *span = codes.spans[key.as_usize() + 1];
                    }
                }
            }
        }
        Ok(self.spans[..count].iter().map(|span| span.1).sum())
    }
}

/// The cells of a block that have slots.
struct Slots<'a> {
    slot: &'a Slot,
    null: Span,
    buffer: &'a mut [u8],
    spans: &'a mut [Span],
}

impl Slots<'_> {
    /// `write` puts the value of a row at the start of its slot and returns its length.
    #[inline]
    fn fill(
        &mut self,
        rows: Range<usize>,
        nulls: Option<&NullBuffer>,
        write: impl Fn(usize, &mut [u8]) -> Result<usize>,
    ) -> Result<()> {
        let Slot { first, width, open, close } = self.slot;
        let nulls = some_nulls(nulls);
        let slots = self.buffer[*first..].chunks_exact_mut(*width);
        for ((n, row), (span, slot)) in rows.enumerate().zip(self.spans.iter_mut().zip(slots)) {
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                *span = self.null;
                continue;
            }
            let end = open + write(row, &mut slot[*open..])?;
            slot[end..end + close.len()].copy_from_slice(close);
            *span = (first + n * width, end + close.len());
        }
        Ok(())
    }
}

impl<'a> Values<'a> {
    fn new(column: &Column, array: &'a dyn Array) -> Option<Self> {
        if *array.data_type() != column.data_type {
            return None;
        }
        Some(match &column.data_type {
            DataType::Boolean => Self::Boolean(array.as_boolean_opt()?),
            DataType::Int64 => Self::Integer(array.as_primitive_opt()?),
            DataType::Float64 => Self::Float(array.as_primitive_opt()?),
            DataType::Decimal128(_, scale) => Self::Decimal(array.as_primitive_opt()?, usize::try_from(*scale).ok()?),
            DataType::Date32 => Self::Date(array.as_primitive_opt()?),
            DataType::Timestamp(_, None) => Self::Local(array.as_primitive_opt()?),
            DataType::Timestamp(..) => Self::Instant(array.as_primitive_opt()?),
            DataType::Utf8 => Self::Text(array.as_string_opt()?),
            _ => {
                let array: &DictionaryArray<Int32Type> = array.as_dictionary_opt()?;
                Self::Code(array, column.codes(array.values().as_string_opt()?))
            }
        })
    }
}
