//! Batches as the database takes them: dates and instants as text, no negative zero. Runs on any worker.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Schema};

use crate::engine::{Encode, Encoded};
use crate::error::Result;
use crate::format::write::texts::texts;
use crate::format::write::{Canonical, Piece};
use crate::target::database::Receiver;

/// The length of an instant without a fraction of a second, before its `Z`.
const SECONDS: usize = "2025-06-30T12:34:56".len();

/// The encoder of one table.
pub(super) struct BatchEncoder {
    canonical: Canonical,
    /// The places of the columns that are written; `None` for all.
    places: Option<Vec<usize>>,
}

impl BatchEncoder {
    /// # Errors
    ///
    /// If a column's type has no text form.
    pub(super) fn new(receiver: &Receiver) -> Result<Self> {
        Ok(Self { canonical: Canonical::new(&receiver.all)?, places: receiver.places.clone() })
    }
}

impl Encode for BatchEncoder {
    fn encode(&self, batch: RecordBatch) -> Result<Encoded> {
        let batch = without_negative_zeros(batch)?;
        let sum = self.canonical.sum(&batch)?;
        let written = self.places.as_ref().map_or_else(|| Ok(batch.clone()), |places| batch.project(places))?;
        Ok(Encoded { sum, held: None, piece: Piece::Rows(with_texts(&written)?), clean: None })
    }
}

/// A batch with zero for negative zero, which the database does not keep.
fn without_negative_zeros(batch: RecordBatch) -> Result<RecordBatch> {
    let negative = |x: &f64| *x == 0.0 && x.is_sign_negative();
    let doubles = |array: &ArrayRef| {
        array.as_primitive_opt::<Float64Type>().filter(|doubles| doubles.values().iter().any(negative)).cloned()
    };
    if !batch.columns().iter().any(|array| doubles(array).is_some()) {
        return Ok(batch);
    }
    let columns = batch.columns().iter().map(|array| match doubles(array) {
        Some(doubles) => {
            let plain: Float64Array = doubles.unary(|x| if x == 0.0 { 0.0 } else { x });
            Arc::new(plain) as ArrayRef
        }
        None => Arc::clone(array),
    });
    Ok(RecordBatch::try_new(batch.schema(), columns.collect())?)
}

/// A batch with dates and instants as text.
fn with_texts(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch.columns().iter().map(|array| match array.data_type() {
        DataType::Date32 | DataType::Timestamp(_, None) => Ok(Arc::new(texts(array)?) as ArrayRef),
        DataType::Timestamp(..) => Ok(Arc::new(of_one_width(&texts(array)?)) as ArrayRef),
        _ => Ok(Arc::clone(array)),
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let fields = batch.schema_ref().fields().iter().zip(&columns);
    let fields = fields.map(|(field, array)| field.as_ref().clone().with_data_type(array.data_type().clone()));
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns)?)
}

/// Instants with microseconds, also where these are zero: texts of one width sort as the instants do.
fn of_one_width(instants: &StringArray) -> StringArray {
    let mut all = StringBuilder::with_capacity(instants.len(), instants.len() * 27);
    let mut wide = String::with_capacity(27);
    for instant in instants {
        match instant {
            Some(text) if text.len() == SECONDS + 1 => {
                wide.clear();
                wide.push_str(&text[..SECONDS]);
                wide.push_str(".000000Z");
                all.append_value(&wide);
            }
            other => all.append_option(other),
        }
    }
    all.finish()
}

/// The canonical text of an instant of one width.
pub(super) fn canonical_instant(text: &str) -> std::borrow::Cow<'_, str> {
    text.strip_suffix(".000000Z").map_or(text.into(), |seconds| format!("{seconds}Z").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_sort_as_texts_and_lead_back() {
        let texts = ["2025-06-30T12:34:56Z", "2025-06-30T12:34:56.000001Z", "2025-06-30T12:34:57Z"];
        let wide = of_one_width(&StringArray::from(texts.to_vec()));
        let wide: Vec<&str> = wide.iter().flatten().collect();
        assert!(wide.is_sorted(), "{wide:?}");
        assert_eq!(wide.iter().map(|text| canonical_instant(text)).collect::<Vec<_>>(), texts);
    }
}
