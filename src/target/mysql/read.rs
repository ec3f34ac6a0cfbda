//! Rows in the binary protocol, read back as arrays.

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, SchemaRef};
use mysql::prelude::Protocol;
use mysql::{QueryResult, Value};

use super::failure::failure;
use crate::error::{Error, Kind, Result};
use crate::format::read::{BATCH, TextColumn};
use crate::target::database::Attempt;

/// Reads the rows of a result, batch by batch, as columns of a schema.
///
/// # Errors
///
/// If a value is not of its type, the connection fails, or `take` fails.
pub(super) fn read<P: Protocol>(
    rows: QueryResult<'_, '_, '_, P>,
    shown: &str,
    schema: &SchemaRef,
    take: &mut dyn FnMut(RecordBatch) -> Result<()>,
) -> Attempt<()> {
    let mut columns = schema.fields().iter().map(|field| TextColumn::new(field)).collect::<Result<Vec<_>>>()?;
    let (mut waiting, mut seen) = (0, 0_u64);
    let mut flush = |columns: &mut Vec<TextColumn>| -> Result<()> {
        let arrays = columns.iter_mut().map(TextColumn::finish).collect();
        take(RecordBatch::try_new(SchemaRef::clone(schema), arrays)?)
    };
    for row in rows {
        let row = row.map_err(|error| failure(error, shown))?;
        if waiting == BATCH {
            flush(&mut columns)?;
            waiting = 0;
        }
        seen += 1;
        let values = row.unwrap();
        if values.len() != columns.len() {
            return Err(malformed(format!("{} columns came in place of {}", values.len(), columns.len())).into());
        }
        for ((value, field), column) in values.into_iter().zip(schema.fields()).zip(&mut columns) {
            let read = match value {
                Value::NULL => column.null(),
                value => column.value(&canonical(value, field)),
            };
            read.map_err(|error| malformed(format!("row {seen}: {}", error.message())))?;
        }
        waiting += 1;
    }
    if waiting > 0 {
        flush(&mut columns)?;
    }
    Ok(())
}

fn malformed(what: String) -> Error {
    Error::new(Kind::Verification, what).hint("the database was changed after it was loaded")
}

/// The canonical text of a value as one of the column's type; of a value of another type, some text that is none.
fn canonical(value: Value, field: &Field) -> Vec<u8> {
    match (value, field.data_type()) {
        (Value::Int(0) | Value::UInt(0), DataType::Boolean) => b"false".to_vec(),
        (Value::Int(1) | Value::UInt(1), DataType::Boolean) => b"true".to_vec(),
        (Value::Double(number), DataType::Decimal128(_, places)) => {
            format!("{number:.*}", usize::try_from(*places).unwrap_or(0)).into_bytes()
        }
        (Value::Date(year, month, day, hour, minute, second, micros), DataType::Timestamp(_, zone)) => {
            let zone = if zone.is_some() { "Z" } else { "" };
            let part = if micros == 0 { String::new() } else { format!(".{micros:06}") };
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{part}{zone}").into_bytes()
        }
        (value, _) => text(value).unwrap_or_default(),
    }
}

/// A value as text; `None` for null.
pub(super) fn text(value: Value) -> Option<Vec<u8>> {
    Some(match value {
        Value::NULL => return None,
        Value::Bytes(bytes) => bytes,
        Value::Int(number) => number.to_string().into_bytes(),
        Value::UInt(number) => number.to_string().into_bytes(),
        Value::Float(number) => format!("{number:?}").into_bytes(),
        Value::Double(number) => format!("{number:?}").into_bytes(),
        Value::Date(year, month, day, 0, 0, 0, 0) => format!("{year:04}-{month:02}-{day:02}").into_bytes(),
        Value::Date(year, month, day, hour, minute, second, micros) => {
            format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06}").into_bytes()
        }
        Value::Time(negative, days, hours, minutes, seconds, micros) => {
            let (sign, hours) = (if negative { "-" } else { "" }, days * 24 + u32::from(hours));
            let part = if micros == 0 { String::new() } else { format!(".{micros:06}") };
            format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{part}").into_bytes()
        }
    })
}

#[cfg(test)]
mod tests {
    use arrow_schema::TimeUnit;

    use super::*;

    #[test]
    fn values_have_the_texts_of_their_types() {
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        for (value, data_type, text) in [
            (Value::Date(2025, 6, 30, 0, 0, 0, 0), instant.clone(), "2025-06-30T00:00:00Z"),
            (Value::Date(2025, 6, 30, 1, 2, 3, 4), instant, "2025-06-30T01:02:03.000004Z"),
            (Value::Date(2025, 6, 30, 0, 0, 0, 0), DataType::Date32, "2025-06-30"),
            (Value::Double(-30.0), DataType::Float64, "-30.0"),
            (Value::Double(1e-310), DataType::Float64, "1e-310"),
            (Value::Double(1.1), DataType::Decimal128(5, 2), "1.10"),
            (Value::Int(1), DataType::Boolean, "true"),
            (Value::Int(2), DataType::Boolean, "2"),
        ] {
            let field = Field::new("x", data_type, true);
            assert_eq!(String::from_utf8(canonical(value, &field)).expect("UTF-8"), text);
        }
    }
}
