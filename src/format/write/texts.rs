//! The canonical text of values: the cell of an unencrypted CSV, before it is quoted.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, StringArray, builder::StringBuilder};
use arrow_schema::DataType;
use base64::Engine;
use base64::engine::Simd;
use base64::engine::general_purpose::{NO_PAD, URL_SAFE_NO_PAD};

use super::digits;
use super::frame::BLOCK;
use crate::error::{Error, Result};

/// The prefix of the text of bytes: the only columns of bytes are sealed cells.
pub const CELL: &str = "fe1.";

/// Appends the text of bytes: [`CELL`] and base64url without padding.
pub fn write_cell(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(CELL.as_bytes());
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let length = URL_SAFE_NO_PAD.encode_slice(bytes, &mut out[start..]).unwrap_or(0);
    out.truncate(start + length);
}

/// Many cells, of which the texts are made in one go.
///
/// Each begins at a multiple of three bytes, so its text at a multiple of four letters; three bytes before it become the
/// four letters in whose place [`CELL`] is written.
#[derive(Debug, Default)]
pub struct Cells {
    bytes: Vec<u8>,
    text: Vec<u8>,
    /// The start and the end of the bytes of each.
    spans: Vec<(usize, usize)>,
}

impl Cells {
    /// Adds a cell: its head, its body and its tag.
    pub fn push<const H: usize, const T: usize>(&mut self, head: &[u8; H], body: &[u8], tag: &[u8; T]) {
        let start = self.bytes.len() + CELL.len() - 1;
        self.bytes.extend_from_slice(&[0; CELL.len() - 1]);
        self.bytes.extend_from_slice(head);
        self.bytes.extend_from_slice(body);
        self.bytes.extend_from_slice(tag);
        let end = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 2][..end.next_multiple_of(3) - end]);
        self.spans.push((start, end));
    }

    /// Forgets them all.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
    }

    /// The bytes of each.
    pub fn bytes(&self) -> impl Iterator<Item = &[u8]> {
        self.spans.iter().map(|(start, end)| &self.bytes[*start..*end])
    }

    /// The text of each, as [`write_cell`] has it.
    pub fn texts(&mut self) -> impl Iterator<Item = &[u8]> {
        let Self { bytes, text, spans } = self;
        text.resize(bytes.len().div_ceil(3) * 4, 0);
        let whole = Simd::url_safe(NO_PAD).encode_slice(bytes, text).is_ok();
        debug_assert!(whole);
        for (start, _) in &*spans {
            let at = start / 3 * 4 - CELL.len();
            text[at..at + CELL.len()].copy_from_slice(CELL.as_bytes());
        }
        spans.iter().map(|(start, end)| &text[start / 3 * 4 - CELL.len()..(end * 4).div_ceil(3)])
    }
}

/// The texts of a column; nulls stay null. A column of texts is returned unchanged.
///
/// # Errors
///
/// If a value has no text, such as a date after the year 9999.
pub fn texts(array: &ArrayRef) -> Result<StringArray> {
    let mut out = StringBuilder::with_capacity(array.len(), array.len() * 12);
    let mut room = [0; 64];
    match array.data_type() {
        DataType::Utf8 => return Ok(array.as_string::<i32>().clone()),
        DataType::Binary => {
            let (values, mut cells) = (array.as_binary::<i32>(), Cells::default());
            for start in (0..values.len()).step_by(BLOCK) {
                let block = values.slice(start, BLOCK.min(values.len() - start));
                cells.clear();
                block.iter().flatten().for_each(|value| cells.push(&[], value, &[]));
                let mut texts = cells.texts();
                for value in &block {
                    out.append_option(value.and_then(|_| std::str::from_utf8(texts.next()?).ok()));
                }
            }
            return Ok(out.finish());
        }
        DataType::Dictionary(..) => {
            let codes = array
                .as_dictionary_opt::<Int32Type>()
                .ok_or_else(|| Error::internal("a dictionary that is not one of codes"))?;
            let values = texts(codes.values())?;
            let keys = codes.keys();
            return Ok((0..keys.len())
                .map(|row| (!keys.is_null(row)).then(|| values.value(keys.value(row) as usize)))
                .collect());
        }
        DataType::Boolean => {
            let values = array.as_boolean();
            return Ok(values.iter().map(|value| value.map(|v| if v { "true" } else { "false" })).collect());
        }
        DataType::Float64 => {
            let mut text = Vec::new();
            for value in array.as_primitive::<Float64Type>() {
                text.clear();
                if let Some(value) = value {
                    digits::float(value, &mut text);
                }
                out.append_option(value.map(|_| std::str::from_utf8(&text).unwrap_or_default()));
            }
            return Ok(out.finish());
        }
        _ => {}
    }
    for row in 0..array.len() {
        if array.is_null(row) {
            out.append_null();
            continue;
        }
        let length = match array.data_type() {
            DataType::Int64 => digits::integer(array.as_primitive::<Int64Type>().value(row), &mut room),
            DataType::Decimal128(_, scale) => {
                let scale = usize::try_from(*scale).unwrap_or(0);
                digits::decimal(array.as_primitive::<Decimal128Type>().value(row), scale, &mut room)
            }
            DataType::Date32 => digits::date(array.as_primitive::<Date32Type>().value(row), &mut room)?,
            DataType::Timestamp(_, None) => {
                digits::datetime(array.as_primitive::<TimestampMicrosecondType>().value(row), &mut room)?
            }
            DataType::Timestamp(..) => {
                digits::instant(array.as_primitive::<TimestampMicrosecondType>().value(row), &mut room)?
            }
            other => return Err(Error::internal(format!("{other} has no canonical text"))),
        };
        out.append_value(std::str::from_utf8(&room[..length]).unwrap_or_default());
    }
    Ok(out.finish())
}

/// The canonical text of a double.
#[must_use]
pub fn float_text(value: f64) -> String {
    let mut text = Vec::new();
    digits::float(value, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}
