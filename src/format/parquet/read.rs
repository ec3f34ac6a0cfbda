//! Parquet, a few pages at a time.

use std::fs::File;

use ::parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::error::Result;
use crate::format::read::columnar::{conform, same_columns};
use crate::format::read::{BATCH, Source, malformed};

/// Opens a file.
pub(super) fn open(file: File, schema: &SchemaRef) -> Result<Box<dyn Source>> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| malformed(error.to_string()))?;
    same_columns(builder.schema(), schema)?;
    let reader = builder.with_batch_size(BATCH).build().map_err(|error| malformed(error.to_string()))?;
    Ok(Box::new(Parquet { reader, schema: SchemaRef::clone(schema) }))
}

/// Every page of a file, unpacked.
pub(in crate::format) fn pages(file: File, each: &mut dyn FnMut(&str, &[u8])) -> Result<()> {
    let wrong = |error: ::parquet::errors::ParquetError| malformed(error.to_string());
    let reader = SerializedFileReader::new(file).map_err(wrong)?;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(wrong)?;
        for column in 0..group.num_columns() {
            let name = group.metadata().column(column).column_path().string();
            let mut pages = group.get_column_page_reader(column).map_err(wrong)?;
            while let Some(page) = pages.get_next_page().map_err(wrong)? {
                each(&name, page.buffer());
            }
        }
    }
    Ok(())
}

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
