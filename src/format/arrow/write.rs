//! Rows as record batches of a file.

use std::io::Write;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, PrimitiveArray, RecordBatch, StringArray,
};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_cast::cast;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Schema, SchemaRef};

use crate::error::{Error, Result};
use crate::format::write::cut::Cutter;
use crate::format::write::{Encoder, Piece, Sink, write_failed};

/// Rows of a batch in the file.
const BATCH: usize = 65_536;

/// The encoder of one table.
pub(super) fn encoder(schema: &SchemaRef) -> Box<dyn Encoder> {
    let plain = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Dictionary(_, value) => Arc::new(field.as_ref().clone().with_data_type((**value).clone())),
        _ => Arc::clone(field),
    });
    let plain = Schema::new_with_metadata(plain.collect::<Vec<_>>(), schema.metadata().clone());
    Box::new(Arrow(Arc::new(plain)))
}

/// The schema of the file.
struct Arrow(SchemaRef);

impl Encoder for Arrow {
    fn encode(&self, batch: RecordBatch) -> Result<Piece> {
        let decoded = batch.columns().iter().map(|array| match array.data_type() {
            DataType::Dictionary(_, value) => cast(array, value),
            _ => Ok(Arc::clone(array)),
        });
        let columns = decoded.collect::<Result<Vec<_>, _>>()?;
        Ok(Piece::Rows(RecordBatch::try_new(Arc::clone(&self.0), columns)?))
    }

    fn open(&self, out: Box<dyn Write + Send>) -> Result<Box<dyn Sink>> {
        let writer = FileWriter::try_new(out, &self.0).map_err(write_failed)?;
        Ok(Box::new(File { cutter: Cutter::new(Arc::clone(&self.0), BATCH), writer }))
    }
}

struct File {
    cutter: Cutter,
    writer: FileWriter<Box<dyn Write + Send>>,
}

impl Sink for File {
    fn append(&mut self, piece: Piece) -> Result<()> {
        let Piece::Rows(batch) = piece else { return Err(Error::internal("arrow takes rows, not text")) };
        self.cutter.push(&batch, |batch| self.writer.write(&canonical(batch)?).map_err(write_failed))
    }

    fn finish(mut self: Box<Self>) -> Result<Box<dyn Write + Send>> {
        let rest = self.cutter.rest()?;
        if rest.num_rows() > 0 {
            self.writer.write(&canonical(&rest)?).map_err(write_failed)?;
        }
        self.writer.into_inner().map_err(write_failed)
    }
}

/// The batch with nothing in its buffers but its values: zeros behind nulls, no bits of neighbours in the last byte.
fn canonical(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch.columns().iter().map(|array| {
        Ok(match array.data_type() {
            DataType::Int64 => numbers::<Int64Type>(array),
            DataType::Float64 => numbers::<Float64Type>(array),
            DataType::Date32 => numbers::<Date32Type>(array),
            DataType::Decimal128(..) => numbers::<Decimal128Type>(array),
            DataType::Timestamp(..) => numbers::<TimestampMicrosecondType>(array),
            DataType::Boolean => {
                let (array, nulls) = (array.as_boolean(), nulls(array));
                let bits = BooleanBuffer::collect_bool(array.len(), |row| array.is_valid(row) && array.value(row));
                Arc::new(BooleanArray::new(bits, nulls)) as ArrayRef
            }
            // Text behind a null may not be empty; texts of a slice are cut to it by the writer.
            DataType::Utf8 if array.null_count() > 0 => {
                Arc::new(array.as_string::<i32>().iter().collect::<StringArray>())
            }
            DataType::Utf8 => Arc::new(StringArray::new(
                array.as_string::<i32>().offsets().clone(),
                array.as_string::<i32>().values().clone(),
                None,
            )),
            DataType::Binary => Arc::new(array.as_binary::<i32>().iter().collect::<BinaryArray>()),
            other => return Err(Error::internal(format!("arrow files have no {other}"))),
        })
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(batch.schema(), columns)?)
}

fn nulls(array: &dyn Array) -> Option<NullBuffer> {
    let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0)?;
    Some(NullBuffer::new(BooleanBuffer::collect_bool(nulls.len(), |row| nulls.is_valid(row))))
}

fn numbers<T: ArrowPrimitiveType>(array: &ArrayRef) -> ArrayRef {
    let (array, nulls) = (array.as_primitive::<T>(), nulls(array));
    let values = match &nulls {
        None => array.values().clone(),
        Some(nulls) => nulls.iter().zip(array.values()).map(|(v, n)| if v { *n } else { T::default_value() }).collect(),
    };
    Arc::new(PrimitiveArray::<T>::new(values, nulls).with_data_type(array.data_type().clone()))
}
