//! `CAST` between the types of the language, and the canonical text of values, which every text format writes.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow_cast::CastOptions;
use arrow_schema::DataType;

use super::civil;
use super::types::{logical, name, timestamp};
use crate::arrays::texts;
use crate::error::{Error, Kind, Result};

/// Casts an array.
///
/// # Errors
///
/// If a value does not fit the type, or a text is not a value of it: as in SQL an error, not a null.
pub fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let from = array.data_type();
    if from == to {
        return Ok(Arc::clone(array));
    }
    let text = logical(from) == &DataType::Utf8;
    match (logical(from), to) {
        (DataType::Null, _) => Ok(new_null_array(to, array.len())),
        (DataType::Utf8, DataType::Utf8) => Ok(arrow_cast::cast(array, to)?),
        (_, DataType::Utf8) => as_text(array),
        (DataType::Date32, DataType::Timestamp(..)) => {
            let days = array.as_primitive::<Date32Type>();
            let times = days.unary::<_, TimestampMicrosecondType>(|d| i64::from(d) * civil::DAY);
            Ok(Arc::new(times.with_data_type(to.clone())))
        }
        (DataType::Timestamp(..), DataType::Date32) => {
            let instants = array.as_primitive::<TimestampMicrosecondType>();
            Ok(Arc::new(instants.unary::<_, Date32Type>(|t| t.div_euclid(civil::DAY) as i32)))
        }
        (DataType::Utf8, DataType::Date32) => parse(array, to, |t| civil::parse_date(t).map(i64::from))
            .and_then(|days| Ok(arrow_cast::cast(&arrow_cast::cast(&days, &DataType::Int32)?, &DataType::Date32)?)),
        (DataType::Utf8, DataType::Timestamp(..)) => {
            let micros = parse(array, to, civil::parse_instant)?;
            let micros: &Int64Array = micros.as_primitive();
            let instants = TimestampMicrosecondArray::new(micros.values().clone(), micros.nulls().cloned());
            Ok(Arc::new(instants.with_data_type(to.clone())))
        }
        (DataType::Boolean, DataType::Int64) => Ok(arrow_cast::cast(array, to)?),
        (DataType::Float64, DataType::Int64) => {
            // SQL rounds when casting to an integer; Arrow would truncate.
            let numbers = array.as_primitive::<Float64Type>();
            Ok(Arc::new(numbers.try_unary::<_, Int64Type, Error>(|x| {
                let whole = libm::rint(x);
                // -2^63 is a double; 2^63 is the smallest double above the range.
                let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&whole);
                if fits { Ok(whole as i64) } else { Err(refuse(&x.to_string(), to)) }
            })?))
        }
        (DataType::Decimal128(_, scale), DataType::Int64) => {
            // SQL rounds a half away from zero; Arrow would truncate.
            let unit = 10_i128.pow(*scale as u32);
            let decimals = array.as_primitive::<Decimal128Type>();
            Ok(Arc::new(decimals.try_unary::<_, Int64Type, Error>(|value| {
                let whole = (value.abs() / unit + i128::from(value.abs() % unit >= unit - unit / 2)) * value.signum();
                i64::try_from(whole).map_err(|_| refuse(&whole.to_string(), to))
            })?))
        }
        _ => {
            let array = if text { arrow_cast::cast(array, &DataType::Utf8)? } else { Arc::clone(array) };
            let strict = CastOptions { safe: false, ..CastOptions::default() };
            arrow_cast::cast_with_options(&array, to, &strict).map_err(|error| uncast(&array, to).caused_by(error))
        }
    }
}

/// The first value that has no place in a type, which the strict cast refused.
fn uncast(array: &ArrayRef, to: &DataType) -> Error {
    let lenient = CastOptions { safe: true, ..CastOptions::default() };
    let lost = arrow_cast::cast_with_options(array, to, &lenient).ok().and_then(|cast| {
        let row = (0..array.len()).find(|i| !array.is_null(*i) && cast.is_null(*i))?;
        let text = as_text(&array.slice(row, 1)).ok()?;
        Some(texts(&text).at(0)?.to_owned())
    });
    match lost {
        Some(value) => refuse(&value, to),
        None => Error::new(Kind::Profile, format!("a value cannot be cast to {}", name(to))),
    }
}

fn refuse(value: &str, to: &DataType) -> Error {
    Error::new(Kind::Profile, format!("`{value}` cannot be cast to {}", name(to)))
}

fn parse(array: &ArrayRef, to: &DataType, read: impl Fn(&str) -> Option<i64>) -> Result<ArrayRef> {
    let text = texts(array);
    let values = (0..array.len()).map(|i| match text.at(i) {
        None => Ok(None),
        Some(text) => read(text).map(Some).ok_or_else(|| refuse(text, to)),
    });
    Ok(Arc::new(values.collect::<Result<Int64Array>>()?))
}

/// Converts values to their canonical text, as CSV has it.
///
/// # Errors
///
/// If the type is not one of the language.
pub fn as_text(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(match logical(array.data_type()) {
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>();
            Arc::new(days.iter().map(|d| d.map(civil::date_text)).collect::<StringArray>())
        }
        ty if *ty == timestamp() => {
            let instants = array.as_primitive::<TimestampMicrosecondType>();
            Arc::new(instants.iter().map(|t| t.map(civil::instant_text)).collect::<StringArray>())
        }
        DataType::Timestamp(_, None) => {
            let times = array.as_primitive::<TimestampMicrosecondType>();
            Arc::new(times.iter().map(|t| t.map(civil::datetime_text)).collect::<StringArray>())
        }
        DataType::Boolean => {
            let truths: &BooleanArray = array.as_boolean();
            Arc::new(truths.iter().map(|t| t.map(|t| if t { "true" } else { "false" })).collect::<StringArray>())
        }
        DataType::Float64 => {
            let numbers = array.as_primitive::<Float64Type>();
            // As Rust shows it: shortest, with a point or an exponent.
            Arc::new(numbers.iter().map(|x| x.map(|x| format!("{x:?}"))).collect::<StringArray>())
        }
        _ => arrow_cast::cast(array, &DataType::Utf8)?,
    })
}
