//! Parquet, a few pages at a time.

use std::fs::File;

use ::parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::columnar::{conform, same_columns};
use super::{BATCH, Options, Reader, Source, malformed};
use crate::error::Result;

/// The reader of `parquet`.
pub(super) static PARQUET: Reader = Reader {
    format: "parquet",
    open: |file: File, schema: &SchemaRef, _: &Options| {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| malformed(error.to_string()))?;
        same_columns(builder.schema(), schema)?;
        let reader = builder.with_batch_size(BATCH).build().map_err(|error| malformed(error.to_string()))?;
        Ok(Box::new(Parquet { reader, schema: SchemaRef::clone(schema) }))
    },
};

struct Parquet {
    reader: ParquetRecordBatchReader,
    schema: SchemaRef,
}

impl Source for Parquet {
    fn next(&mut self, _: usize) -> Result<Option<RecordBatch>> {
        for batch in &mut self.reader {
            let batch = conform(&batch.map_err(|error| malformed(error.to_string()))?, &self.schema)?;
            if batch.num_rows() > 0 {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }
}
