//! Doubles that are not finite, for which JSON has no form: every format counts them as null in digests.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{ArrayRef, Float64Array, RecordBatch};

use crate::error::Result;

/// Tells whether every double is finite, and so can be written in every format.
pub(in crate::format) fn finite(batch: &RecordBatch) -> bool {
    let doubles = batch.columns().iter().filter_map(|array| array.as_primitive_opt::<Float64Type>());
    doubles.into_iter().all(|array| array.iter().flatten().all(f64::is_finite))
}

/// A batch with null where a double is not finite.
///
/// # Errors
///
/// If the columns do not fit the schema, which cannot be.
pub(crate) fn nulled(batch: &RecordBatch) -> Result<RecordBatch> {
    let fields = batch.schema_ref().fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    let schema = Arc::new(arrow_schema::Schema::new(fields.collect::<Vec<_>>()));
    let columns = batch.columns().iter().map(|array| match array.as_primitive_opt::<Float64Type>() {
        Some(doubles) => {
            Arc::new(doubles.iter().map(|x| x.filter(|x| x.is_finite())).collect::<Float64Array>()) as ArrayRef
        }
        None => Arc::clone(array),
    });
    Ok(RecordBatch::try_new(schema, columns.collect())?)
}
