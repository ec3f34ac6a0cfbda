//! Rows of a Parquet file that any system wrote, with the types that outputs of ours have.

use std::fs::File;
use std::sync::Arc;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use arrow_array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, Field, SchemaRef, TimeUnit};

use super::open::{BYTES, Batches, Column, ROWS};
use crate::error::{Error, Kind, Result};

fn wrong(what: impl Into<String>) -> Error {
    Error::new(Kind::Verification, what)
}

fn builder(file: File) -> Result<ParquetRecordBatchReaderBuilder<File>> {
    ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|error| wrong(error.to_string()).hint("is the file whole? its last bytes say what is in it"))
}

/// The columns, with the types of ours that their values have.
pub(super) fn columns(file: File) -> Result<Vec<Column>> {
    let builder = builder(file)?;
    let column = |field: &Arc<Field>| Column {
        name: field.name().clone(),
        ty: ours(field.data_type()),
        shown: field.data_type().to_string(),
        nested: ours(field.data_type()).is_none(),
    };
    Ok(builder.schema().fields().iter().map(column).collect())
}

/// The type of ours that can have all values of another one; `None` where there is none.
fn ours(ty: &DataType) -> Option<DataType> {
    Some(match ty {
        DataType::Boolean => DataType::Boolean,
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64 => DataType::Int64,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => DataType::Float64,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale)
            if *precision <= 38 && (0..=precision.cast_signed()).contains(scale) =>
        {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Date32 | DataType::Date64 => DataType::Date32,
        DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(_, Some(_)) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            DataType::Binary
        }
        DataType::Dictionary(_, value) => return ours(value),
        _ => return None,
    })
}

/// The rows.
pub(super) struct Parquet {
    reader: ParquetRecordBatchReader,
    schema: SchemaRef,
    /// For each column, its place in what is read; `None` for one that is null.
    order: Vec<Option<usize>>,
    rows: u64,
}

impl Parquet {
    pub(super) fn new(file: File, places: &[usize], schema: &SchemaRef) -> Result<Self> {
        let builder = builder(file)?;
        let known = |place: &usize| ours(builder.schema().field(*place).data_type()).is_some();
        let mut read: Vec<usize> = places.iter().copied().filter(|place| known(place)).collect();
        // Columns of the mask come in the order of the file.
        read.sort_unstable();
        let order = places.iter().map(|place| read.iter().position(|known| known == place)).collect();
        let mask = ProjectionMask::roots(builder.parquet_schema(), read);
        // Of very long rows fewer are read at a time.
        let groups = builder.metadata().row_groups().iter();
        let longest = groups.map(|group| group.total_byte_size() / group.num_rows().max(1)).max().unwrap_or_default();
        let rows = BYTES / usize::try_from(longest).unwrap_or(0).max(1);
        let reader = builder.with_projection(mask).with_batch_size(rows.clamp(1, ROWS)).build();
        let reader = reader.map_err(|error| wrong(error.to_string()))?;
        Ok(Self { reader, schema: Arc::clone(schema), order, rows: 0 })
    }
}

impl Batches for Parquet {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        for batch in &mut self.reader {
            let batch = batch.map_err(|error| wrong(error.to_string()))?;
            if batch.num_rows() == 0 {
                continue;
            }
            let column = |(field, place): (&Arc<Field>, &Option<usize>)| match place {
                None => Ok(new_null_array(field.data_type(), batch.num_rows())),
                Some(place) => exactly(field, batch.column(*place)),
            };
            let columns = self.schema.fields().iter().zip(&self.order).map(column).collect::<Result<Vec<_>>>()?;
            self.rows += batch.num_rows() as u64;
            return Ok(Some(
                RecordBatch::try_new(Arc::clone(&self.schema), columns)
                    .map_err(|error| wrong(error.to_string()).hint("a column of a key has a value in every row"))?,
            ));
        }
        Ok(None)
    }

    fn place(&self) -> String {
        format!("after row {}", self.rows)
    }
}

/// The values with another type, without a change to any of them.
fn exactly(field: &Field, array: &ArrayRef) -> Result<ArrayRef> {
    let (from, to) = (array.data_type(), field.data_type());
    if from == to {
        return Ok(Arc::clone(array));
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let lost = || {
        wrong(format!("column `{}`: a value of {from} is not the same as {to}", field.name()))
            .hint("type = \"text\" or \"decimal(38,0)\" keeps it, or round it before")
    };
    let there = cast_with_options(array, to, &options).map_err(|_| lost())?;
    let back = cast_with_options(&there, from, &options).map_err(|_| lost())?;
    let same = matches!(from, DataType::Dictionary(..)) || back.as_ref() == array.as_ref();
    if same { Ok(there) } else { Err(lost()) }
}
