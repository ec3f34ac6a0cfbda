//! The canonical form of a row, which is the same whatever the format of the file: the line that CSV has for it, without
//! `--csv-guard`, with its line feed. A double that is not finite counts as null, because JSON has no form for it.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema, SchemaRef};
use sha2::{Digest, Sha256};

use super::finite::{finite, nulled};
use super::line::STYLE;
use super::text::Rows;
use super::texts::texts;
use super::{Encoder, Piece};
use crate::digest::RowSum;
use crate::error::Result;

/// Sums the rows of one table.
pub struct Canonical(Rows);

impl Canonical {
    /// The rows of a table with this schema.
    ///
    /// # Errors
    ///
    /// If a column's type has no text form.
    pub fn new(schema: &SchemaRef) -> Result<Self> {
        let fields = schema.fields().iter().map(|field| match field.data_type() {
            DataType::Binary => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8)),
            _ => Arc::clone(field),
        });
        Rows::new(&Arc::new(Schema::new(fields.collect::<Vec<_>>())), &STYLE).map(Self)
    }

    /// The logical digest of the rows of a batch.
    ///
    /// # Errors
    ///
    /// If a value has no form, such as a date after the year 9999.
    pub fn sum(&self, batch: &RecordBatch) -> Result<RowSum> {
        let mut sum = RowSum::default();
        self.lines(batch, |lines| sum.add_all(lines))?;
        Ok(sum)
    }

    /// The canonical line of each row of a batch.
    ///
    /// # Errors
    ///
    /// As [`Canonical::sum`].
    pub fn each(&self, batch: &RecordBatch, mut line: impl FnMut(&[u8])) -> Result<()> {
        self.lines(batch, |lines| lines.iter().for_each(|one| line(one)))
    }

    fn lines(&self, batch: &RecordBatch, lines: impl FnMut(&[&[u8]])) -> Result<()> {
        let batch = &texted(batch)?;
        match finite(batch) {
            true => self.0.each(batch, lines),
            false => self.0.each(&nulled(batch)?, lines),
        }
    }

    /// Encodes a batch, and its logical digest: in one go, where the format's bytes are the canonical rows.
    ///
    /// # Errors
    ///
    /// As [`Encoder::encode`].
    pub fn encode(&self, encoder: &dyn Encoder, batch: RecordBatch) -> Result<(Piece, RowSum)> {
        if let Some(both) = encoder.encode_summed(&batch)? {
            return Ok(both);
        }
        let sum = self.sum(&batch)?;
        Ok((encoder.encode(batch)?, sum))
    }
}

/// A batch with bytes as their text.
fn texted(batch: &RecordBatch) -> Result<RecordBatch> {
    if batch.columns().iter().all(|array| *array.data_type() != DataType::Binary) {
        return Ok(batch.clone());
    }
    let columns = batch.columns().iter().map(|array| match array.data_type() {
        DataType::Binary => Ok(Arc::new(texts(array)?) as ArrayRef),
        _ => Ok(Arc::clone(array)),
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let fields = batch.schema_ref().fields().iter().zip(&columns);
    let fields = fields.map(|(field, array)| field.as_ref().clone().with_data_type(array.data_type().clone()));
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns)?)
}

/// A canonical line as 128 bits: the first of its SHA-256.
#[must_use]
pub fn key_hash(line: &[u8]) -> u128 {
    let digest = Sha256::digest(line);
    digest.iter().take(16).fold(0, |all, byte| all << 8 | u128::from(*byte))
}
