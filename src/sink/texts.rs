//! The canonical text of values: what an unencrypted CSV has in the cell, before it is quoted.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, StringArray, builder::StringBuilder};
use arrow_schema::DataType;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::digits;
use crate::error::{Error, Result};

/// What the text of bytes starts with: sealed cells are the only bytes that there are.
pub const CELL: &str = "fe1.";

/// Appends the text of bytes: [`CELL`] and base64url without padding.
pub fn write_cell(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(CELL.as_bytes());
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let length = URL_SAFE_NO_PAD.encode_slice(bytes, &mut out[start..]).unwrap_or(0);
    out.truncate(start + length);
}

/// The texts of a column; nulls stay null. Texts are passed on as they are.
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
            let mut text = Vec::new();
            for value in array.as_binary::<i32>() {
                text.clear();
                write_cell(value.unwrap_or_default(), &mut text);
                out.append_option(value.map(|_| std::str::from_utf8(&text).unwrap_or_default()));
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
            DataType::Timestamp(..) => {
                digits::instant(array.as_primitive::<TimestampMicrosecondType>().value(row), &mut room)?
            }
            other => return Err(Error::internal(format!("{other} has no canonical text"))),
        };
        out.append_value(std::str::from_utf8(&room[..length]).unwrap_or_default());
    }
    Ok(out.finish())
}
