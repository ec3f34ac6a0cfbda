//! Columns as a library reads them, held against the schema that is given.

use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use arrow_cast::cast;
use arrow_schema::{DataType, Schema, SchemaRef};

use super::malformed;
use crate::error::Result;

/// Refuses a file whose columns are not those of the schema; codes may be plain text.
pub(in crate::format) fn same_columns(have: &Schema, want: &Schema) -> Result<()> {
    let names = |schema: &Schema| schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    if names(have) != names(want) {
        return Err(malformed("the file does not have the names of the columns"));
    }
    for (have, want) in have.fields().iter().zip(want.fields()) {
        let code = matches!(want.data_type(), DataType::Dictionary(_, value) if **value == *have.data_type());
        if have.data_type() != want.data_type() && !code {
            let (have, want_type) = (have.data_type(), want.data_type());
            return Err(malformed(format!("column `{}` is {have} instead of {want_type}", want.name())));
        }
    }
    Ok(())
}

/// A batch of the file as one of the schema.
pub(in crate::format) fn conform(batch: &RecordBatch, want: &SchemaRef) -> Result<RecordBatch> {
    let mut columns = Vec::with_capacity(batch.num_columns());
    for (array, field) in batch.columns().iter().zip(want.fields()) {
        if !field.is_nullable()
            && let Some(nulls) = array.logical_nulls().filter(|nulls| nulls.null_count() > 0)
        {
            let row = nulls.iter().position(|valid| !valid).unwrap_or(0);
            let place = format!("column `{}`: a value is missing, {row} rows further", field.name());
            return Err(malformed(place));
        }
        columns.push(match array.data_type() == field.data_type() {
            true => Arc::clone(array),
            false => cast(array, field.data_type())?,
        });
    }
    Ok(RecordBatch::try_new(Arc::clone(want), columns)?)
}
