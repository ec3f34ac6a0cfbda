//! Rows bound to a statement straight from the arrays of a batch.

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, BooleanArray, DictionaryArray, PrimitiveArray, RecordBatch, StringArray};
use arrow_schema::DataType;
use rusqlite::Statement;
use rusqlite::types::{Null, ToSqlOutput, ValueRef};

use crate::error::{Error, Kind, Result};

/// The digits that a float of the database keeps exactly.
const EXACT: i128 = 10_i128.pow(15);

/// The values of a column.
enum Values<'a> {
    Boolean(&'a BooleanArray),
    Integer(&'a PrimitiveArray<Int64Type>),
    Float(&'a PrimitiveArray<Float64Type>),
    Decimal(&'a PrimitiveArray<Decimal128Type>, i128),
    Text(&'a StringArray),
    Code(&'a DictionaryArray<Int32Type>, &'a StringArray),
}

/// Why a row was not inserted.
pub(super) enum Refusal {
    /// The database refuses the row of this number in the batch, from 0.
    Row(usize, rusqlite::Error),
    /// A value cannot be stored as it is.
    Value(Error),
}

/// Inserts the rows of a batch, whose columns are the parameters of the statement.
pub(super) fn insert(statement: &mut Statement<'_>, batch: &RecordBatch) -> Result<(), Refusal> {
    let columns = batch.columns().iter().zip(batch.schema_ref().fields());
    let columns: Vec<(Values<'_>, &str)> = columns
        .map(|(array, field)| {
            let values = Values::new(array)
                .ok_or_else(|| Error::internal(format!("column `{}` came as {}", field.name(), array.data_type())))?;
            Ok((values, field.name().as_str()))
        })
        .collect::<Result<_>>()
        .map_err(Refusal::Value)?;
    for row in 0..batch.num_rows() {
        for (at, (values, name)) in columns.iter().enumerate() {
            let value = values.at(row).ok_or_else(|| Refusal::Value(inexact(name)))?;
            statement.raw_bind_parameter(at + 1, value).map_err(|error| Refusal::Row(row, error))?;
        }
        statement.raw_execute().map_err(|error| Refusal::Row(row, error))?;
    }
    Ok(())
}

fn inexact(column: &str) -> Error {
    Error::new(
        Kind::Profile,
        format!("column `{column}`: a decimal has more than 15 digits, which SQLite does not keep"),
    )
    .hint("give the column a smaller range or scale, or load into another database")
}

impl<'a> Values<'a> {
    fn new(array: &'a dyn Array) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Boolean => Self::Boolean(array.as_boolean_opt()?),
            DataType::Int64 => Self::Integer(array.as_primitive_opt()?),
            DataType::Float64 => Self::Float(array.as_primitive_opt()?),
            DataType::Decimal128(_, scale) => {
                Self::Decimal(array.as_primitive_opt()?, 10_i128.checked_pow(u32::try_from(*scale).ok()?)?)
            }
            DataType::Utf8 => Self::Text(array.as_string_opt()?),
            _ => {
                let codes: &DictionaryArray<Int32Type> = array.as_dictionary_opt()?;
                Self::Code(codes, codes.values().as_string_opt()?)
            }
        })
    }

    /// The value of a row; `None` where it cannot be stored as it is.
    fn at(&self, row: usize) -> Option<ToSqlOutput<'a>> {
        let text = |text: &'a str| ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()));
        Some(match self {
            Self::Boolean(array) if array.is_valid(row) => i64::from(array.value(row)).into(),
            Self::Integer(array) if array.is_valid(row) => array.value(row).into(),
            Self::Float(array) if array.is_valid(row) && array.value(row).is_finite() => array.value(row).into(),
            Self::Decimal(array, one) if array.is_valid(row) => decimal(array.value(row), *one)?,
            Self::Text(array) if array.is_valid(row) => text(array.value(row)),
            Self::Code(array, values) if array.is_valid(row) => text(values.value(array.keys().value(row) as usize)),
            _ => Null.into(),
        })
    }
}

/// A decimal, given times `one`, as an integer or as the nearest float; `None` where that is not exact.
fn decimal<'a>(value: i128, one: i128) -> Option<ToSqlOutput<'a>> {
    if value % one == 0 {
        return i64::try_from(value / one).ok().map(Into::into);
    }
    (value.abs() < EXACT).then(|| (value as f64 / one as f64).into())
}

/// The decimal that a float stands for, times `one`; `None` where none of at most 15 digits does.
pub(super) fn undecimal(value: f64, one: i128) -> Option<i128> {
    let unscaled = (value * one as f64).round();
    let exact = unscaled.abs() < EXACT as f64 && unscaled / one as f64 == value;
    exact.then_some(unscaled as i128)
}

#[cfg(test)]
mod tests {
    use rusqlite::types::Value;

    use super::*;

    #[test]
    fn decimals_lead_back_or_are_refused() {
        let mut draw = 1_u64;
        for scale in [1_u32, 2, 6, 10, 15, 22] {
            let one = 10_i128.pow(scale);
            for _ in 0..20_000 {
                draw = crate::rng::mix(draw);
                let value = i128::from(draw % 2_000_000_000_000_000) - 1_000_000_000_000_000;
                let value = value / 10_i128.pow((draw >> 60) as u32);
                match decimal(value, one) {
                    Some(ToSqlOutput::Owned(Value::Real(stored))) => assert_eq!(undecimal(stored, one), Some(value)),
                    Some(ToSqlOutput::Owned(Value::Integer(stored))) => assert_eq!(i128::from(stored) * one, value),
                    other => panic!("{value} of {scale}: {other:?}"),
                }
            }
            assert!(decimal(EXACT + 1, one).is_none());
            assert!(undecimal(0.1 + 0.2, one).is_none() || scale > 15);
        }
    }
}
