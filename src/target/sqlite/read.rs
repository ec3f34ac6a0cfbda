//! Rows read back as batches.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, SchemaRef};
use rusqlite::Statement;
use rusqlite::types::ValueRef;

use super::bind::undecimal;
use super::connect::failure;
use super::connection::malformed;
use super::encode::canonical_instant;
use crate::error::Result;
use crate::format::read::{BATCH, TextColumn};

/// Reads the rows of a statement, batch by batch, as columns of a schema.
///
/// # Errors
///
/// If a value is not of its type, or `take` fails.
pub(super) fn read(
    statement: &mut Statement<'_>,
    path: &Path,
    schema: &SchemaRef,
    take: &mut dyn FnMut(RecordBatch) -> Result<()>,
) -> Result<()> {
    let failed = |error| failure(path, error).error;
    let mut columns = schema.fields().iter().map(|field| TextColumn::new(field)).collect::<Result<Vec<_>>>()?;
    let mut rows = statement.raw_query();
    let (mut waiting, mut seen) = (0, 0_u64);
    loop {
        let row = rows.next().map_err(failed)?;
        if waiting == BATCH || row.is_none() && waiting > 0 {
            let arrays = columns.iter_mut().map(TextColumn::finish).collect();
            take(RecordBatch::try_new(SchemaRef::clone(schema), arrays)?)?;
            waiting = 0;
        }
        let Some(row) = row else { return Ok(()) };
        seen += 1;
        for (at, (field, column)) in schema.fields().iter().zip(&mut columns).enumerate() {
            let read = match canonical_text(row.get_ref(at).map_err(failed)?, field.data_type()) {
                Text::Null => column.null(),
                Text::Value(text) => column.value(text.as_bytes()),
                Text::Wrong => {
                    return Err(malformed(path, &format!("row {seen}: `{}` is not of its type", field.name())));
                }
            };
            read.map_err(|error| malformed(path, &format!("row {seen}: {}", error.message())))?;
        }
        waiting += 1;
    }
}

/// A value as the text formats have it.
enum Text<'a> {
    Null,
    Value(std::borrow::Cow<'a, str>),
    /// The value is of another type.
    Wrong,
}

fn canonical_text<'a>(value: ValueRef<'a>, data_type: &DataType) -> Text<'a> {
    let text = match (value, data_type) {
        (ValueRef::Null, _) => return Text::Null,
        (ValueRef::Integer(0), DataType::Boolean) => Some("false".into()),
        (ValueRef::Integer(1), DataType::Boolean) => Some("true".into()),
        (ValueRef::Integer(value), DataType::Int64) => Some(value.to_string().into()),
        // A column of numbers keeps a whole float as an integer.
        (ValueRef::Integer(value), DataType::Float64) => Some(format!("{:?}", value as f64).into()),
        (ValueRef::Real(value), DataType::Float64) => Some(format!("{value:?}").into()),
        (ValueRef::Integer(value), DataType::Decimal128(_, scale)) => power(*scale)
            .and_then(|one| i128::from(value).checked_mul(one))
            .map(|value| decimal_text(value, *scale).into()),
        (ValueRef::Real(value), DataType::Decimal128(_, scale)) => {
            power(*scale).and_then(|one| undecimal(value, one)).map(|value| decimal_text(value, *scale).into())
        }
        (ValueRef::Text(text), DataType::Timestamp(_, None)) => std::str::from_utf8(text).ok().map(Into::into),
        (ValueRef::Text(text), DataType::Timestamp(..)) => std::str::from_utf8(text).ok().map(canonical_instant),
        (ValueRef::Text(text), DataType::Utf8 | DataType::Date32 | DataType::Dictionary(..)) => {
            std::str::from_utf8(text).ok().map(Into::into)
        }
        _ => None,
    };
    text.map_or(Text::Wrong, Text::Value)
}

fn power(scale: i8) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(scale).ok()?)
}

/// A decimal with all its places, of its value without the point.
fn decimal_text(value: i128, scale: i8) -> String {
    let scale = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, places) = digits.split_at(digits.len() - scale);
    let (sign, point) = (if value < 0 { "-" } else { "" }, if scale > 0 { "." } else { "" });
    format!("{sign}{whole}{point}{places}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_have_the_text_that_is_written() {
        for (value, text) in
            [(ValueRef::Real(-30.0), "-30.0"), (ValueRef::Integer(7), "7.0"), (ValueRef::Real(1e-310), "1e-310")]
        {
            let Text::Value(found) = canonical_text(value, &DataType::Float64) else { panic!("no text for {text}") };
            assert_eq!(found, text);
        }
    }

    #[test]
    fn decimals_have_all_their_places() {
        for (value, scale, text) in [(5, 2, "0.05"), (-5, 2, "-0.05"), (1200, 2, "12.00"), (0, 1, "0.0"), (-7, 0, "-7")]
        {
            assert_eq!(decimal_text(value, scale), text);
        }
    }
}
