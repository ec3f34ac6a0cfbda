//! Rows in the binary form of `COPY`, read back as arrays.

use std::io::Read;
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder, StringBuilder,
    StringDictionaryBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, SchemaRef};

use super::copy::{EPOCH_DAYS, EPOCH_MICROS};
use super::numeric;
use crate::error::{Error, Kind, Result};
use crate::format::read::BATCH;

/// The longest value that is read.
const LONGEST: usize = 1 << 30;

/// Reads a binary copy to its end, batch by batch.
///
/// # Errors
///
/// If it is not one of columns of these types, `input` fails, or `take` does.
pub(super) fn read(
    mut input: impl Read,
    schema: &SchemaRef,
    take: &mut dyn FnMut(RecordBatch) -> Result<()>,
) -> Result<()> {
    let mut header = [0; 19];
    fill(&mut input, &mut header)?;
    let mut columns = schema.fields().iter().map(|field| Values::new(field)).collect::<Result<Vec<_>>>()?;
    let (mut rows, mut seen, mut value) = (0, 0_u64, Vec::new());
    loop {
        let mut count = [0; 2];
        fill(&mut input, &mut count)?;
        let count = i16::from_be_bytes(count);
        if rows == BATCH || count < 0 && rows > 0 {
            let arrays = columns.iter_mut().map(Values::finish).collect();
            take(RecordBatch::try_new(SchemaRef::clone(schema), arrays)?)?;
            rows = 0;
        }
        if count < 0 {
            // What follows is the end of the message: nothing.
            return input.read(&mut [0]).map(|_| ()).map_err(failed);
        }
        if count as usize != columns.len() {
            return Err(malformed(format!("{count} columns came in place of {}", columns.len())));
        }
        (rows, seen) = (rows + 1, seen + 1);
        for (column, field) in columns.iter_mut().zip(schema.fields()) {
            let mut length = [0; 4];
            fill(&mut input, &mut length)?;
            let wrong = |what: &str| malformed(format!("row {seen}: `{}` {what}", field.name()));
            match usize::try_from(i32::from_be_bytes(length)) {
                Ok(length) if length > LONGEST => return Err(wrong("is too long")),
                Ok(length) => {
                    value.resize(length, 0);
                    fill(&mut input, &mut value)?;
                    column.add(&value).ok_or_else(|| wrong("is not of its type"))?;
                }
                Err(_) if field.is_nullable() => column.null(),
                Err(_) => return Err(wrong("is null")),
            }
        }
    }
}

fn fill(input: &mut impl Read, bytes: &mut [u8]) -> Result<()> {
    input.read_exact(bytes).map_err(failed)
}

fn failed(error: std::io::Error) -> Error {
    Error::new(Kind::Database, "the connection ended while rows were read").caused_by(error)
}

fn malformed(what: String) -> Error {
    Error::new(Kind::Verification, what).hint("the database was changed after it was loaded")
}

/// The values of a column so far.
enum Values {
    Boolean(BooleanBuilder),
    Integer(Int64Builder),
    Float(Float64Builder),
    Decimal(Decimal128Builder, u8),
    Date(Date32Builder),
    Instant(TimestampMicrosecondBuilder),
    Text(StringBuilder),
    Code(StringDictionaryBuilder<Int32Type>),
}

impl Values {
    fn new(field: &Field) -> Result<Self> {
        Ok(match field.data_type() {
            DataType::Boolean => Self::Boolean(BooleanBuilder::new()),
            DataType::Int64 => Self::Integer(Int64Builder::new()),
            DataType::Float64 => Self::Float(Float64Builder::new()),
            DataType::Decimal128(precision, scale) => {
                let places = u8::try_from(*scale).map_err(|_| Error::internal("a decimal with a negative scale"))?;
                Self::Decimal(Decimal128Builder::new().with_precision_and_scale(*precision, *scale)?, places)
            }
            DataType::Date32 => Self::Date(Date32Builder::new()),
            DataType::Timestamp(_, zone) => {
                Self::Instant(TimestampMicrosecondBuilder::new().with_timezone_opt(zone.clone()))
            }
            DataType::Utf8 => Self::Text(StringBuilder::new()),
            DataType::Dictionary(..) => Self::Code(StringDictionaryBuilder::new()),
            other => return Err(Error::internal(format!("a column of {other}"))),
        })
    }

    /// Adds a value; `None` if it is not of the type.
    fn add(&mut self, bytes: &[u8]) -> Option<()> {
        match self {
            Self::Boolean(all) => all.append_value(match bytes {
                [0] => false,
                [1] => true,
                _ => return None,
            }),
            Self::Integer(all) => all.append_value(i64::from_be_bytes(bytes.try_into().ok()?)),
            Self::Float(all) => all.append_value(f64::from_be_bytes(bytes.try_into().ok()?)),
            Self::Decimal(all, places) => all.append_value(numeric::read(bytes, *places)?),
            Self::Date(all) => {
                all.append_value(i32::from_be_bytes(bytes.try_into().ok()?).checked_add(EPOCH_DAYS)?);
            }
            Self::Instant(all) => {
                all.append_value(i64::from_be_bytes(bytes.try_into().ok()?).checked_add(EPOCH_MICROS)?);
            }
            Self::Text(all) => all.append_value(std::str::from_utf8(bytes).ok()?),
            Self::Code(all) => all.append_value(std::str::from_utf8(bytes).ok()?),
        }
        Some(())
    }

    fn null(&mut self) {
        match self {
            Self::Boolean(all) => all.append_null(),
            Self::Integer(all) => all.append_null(),
            Self::Float(all) => all.append_null(),
            Self::Decimal(all, _) => all.append_null(),
            Self::Date(all) => all.append_null(),
            Self::Instant(all) => all.append_null(),
            Self::Text(all) => all.append_null(),
            Self::Code(all) => all.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Boolean(all) => Arc::new(all.finish()),
            Self::Integer(all) => Arc::new(all.finish()),
            Self::Float(all) => Arc::new(all.finish()),
            Self::Decimal(all, _) => Arc::new(all.finish()),
            Self::Date(all) => Arc::new(all.finish()),
            Self::Instant(all) => Arc::new(all.finish()),
            Self::Text(all) => Arc::new(all.finish()),
            Self::Code(all) => Arc::new(all.finish()),
        }
    }
}
