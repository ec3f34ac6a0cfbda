//! The canonical form of a row, which is the same whatever the format of the file: the line that CSV has for it, without
//! `--csv-guard`, with its line feed. A double that is not finite counts as null, because JSON has no form for it.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema, SchemaRef};
use sha2::{Digest, Sha256};

use super::digits;
use super::finite::{finite, nulled};
use super::line::canonical;
use super::text::Rows;
use super::texts::texts;
use super::{Encoder, Piece};
use crate::digest::{Buckets, RowSum};
use crate::error::Result;
use crate::notes::Noted;
use crate::rng::mix;

/// Sums the rows of one table.
pub struct Canonical {
    rows: Rows,
    /// The places of the columns of the key.
    key: Vec<usize>,
}

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
        let rows = Rows::new(&Arc::new(Schema::new(fields.collect::<Vec<_>>())), &canonical())?;
        let key = schema.fields().iter().enumerate().filter(|(_, field)| field.is_primary_key());
        Ok(Self { rows, key: key.map(|(place, _)| place).collect() })
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
            true => self.rows.each(batch, lines),
            false => self.rows.each(&nulled(batch)?, lines),
        }
    }

    /// The logical digest of the rows of a batch, in buckets by their keys. Rows of a table without a key are in buckets by
    /// their own hashes.
    ///
    /// # Errors
    ///
    /// As [`Canonical::sum`].
    pub fn buckets(&self, batch: &RecordBatch) -> Result<Buckets> {
        let (mut all, mut bucket) = (Buckets::default(), self.bucket(batch)?);
        self.lines(batch, |lines| all.add_all(lines, &mut bucket))?;
        Ok(all)
    }

    /// The logical digest of the rows of a batch, and for each row a hash of its key and the lowest 64 bits of its own hash. A row
    /// of a table without a key is known by its own hash.
    ///
    /// # Errors
    ///
    /// As [`Canonical::sum`].
    pub fn hashes(&self, batch: &RecordBatch) -> Result<(RowSum, Vec<(u64, u64)>)> {
        let (mut sum, mut rows) = (RowSum::default(), Vec::with_capacity(batch.num_rows()));
        self.lines(batch, |lines| sum.add_each(lines, |low| rows.push((low, low))))?;
        let keys: Vec<&ArrayRef> = self.key.iter().map(|place| batch.column(*place)).collect();
        if !keys.is_empty() {
            rows.iter_mut().zip(key_hashes(&keys)?).for_each(|(row, key)| row.0 = key);
        }
        Ok((sum, rows))
    }

    /// Encodes a batch, and its logical digest in buckets: in one go, where the format's bytes are the canonical rows.
    ///
    /// # Errors
    ///
    /// As [`Encoder::encode`].
    pub fn encode(&self, encoder: &dyn Encoder, batch: RecordBatch) -> Result<(Piece, Buckets)> {
        let (mut all, mut bucket) = (Buckets::default(), self.bucket(&batch)?);
        if let Some(piece) = encoder.encode_lines(&batch, &mut |lines| all.add_all(lines, &mut bucket))? {
            return Ok((piece, all));
        }
        let all = self.buckets(&batch)?;
        Ok((encoder.encode(batch)?, all))
    }

    /// Gives the bucket of the next row of a batch, of the lowest bits of its hash.
    fn bucket(&self, batch: &RecordBatch) -> Result<impl FnMut(u64) -> u8 + use<>> {
        let keys: Vec<&ArrayRef> = self.key.iter().map(|place| batch.column(*place)).collect();
        let mut hashes = (!keys.is_empty()).then(|| key_hashes(&keys)).transpose()?.map(Vec::into_iter);
        Ok(move |low| {
            let own = hashes.as_mut().map_or(low, |hashes| hashes.next().unwrap_or_default());
            bucket_of(own)
        })
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

/// The bucket of a key, of its hash.
#[must_use]
pub fn bucket_of(hash: u64) -> u8 {
    (hash >> 56) as u8
}

/// A hash of the key of each row, of the canonical texts of its columns: quick, and the same on every machine, but no secret.
///
/// # Errors
///
/// If a value has no text.
pub fn key_hashes(columns: &[&ArrayRef]) -> Result<Vec<u64>> {
    let mut all = vec![0; columns.first().map_or(0, |column| Array::len(*column))];
    for column in columns {
        // Most keys are numbers and texts, which need no copy.
        if let Some(numbers) = column.as_primitive_opt::<Int64Type>().filter(|numbers| numbers.null_count() == 0) {
            let mut room = [0; 64];
            for (hash, number) in all.iter_mut().zip(numbers.values()) {
                let length = digits::integer(*number, &mut room);
                *hash = add_key_cell(*hash, Some(&room[..length]));
            }
            continue;
        }
        let values = texts(column)?;
        for (hash, text) in all.iter_mut().zip(&values) {
            *hash = add_key_cell(*hash, text.map(str::as_bytes));
        }
    }
    Ok(all)
}

/// The hash of a key with one more cell, given as its canonical text; a key without cells has the hash 0.
#[must_use]
pub fn add_key_cell(hash: u64, text: Option<&[u8]>) -> u64 {
    let mut hash = hash ^ text.map_or(u64::MAX, |text| text.len() as u64);
    let (words, rest) = text.unwrap_or_default().as_chunks::<8>();
    for word in words {
        hash = mix(hash ^ u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(hash ^ u64::from_le_bytes(last))
}

/// A canonical line as 128 bits: the first of its SHA-256.
#[must_use]
pub fn key_hash(line: &[u8]) -> u128 {
    let digest = Sha256::digest(line);
    digest.iter().take(16).fold(0, |all, byte| all << 8 | u128::from(*byte))
}
