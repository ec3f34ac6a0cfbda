//! Rows as lines of CSV.

use std::borrow::Cow;
use std::io::Write;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::SchemaRef;

use super::dialect::{Form, Quotes};
use crate::error::{Error, Result};
use crate::format::write::finite::finite;
use crate::format::write::text::Rows;
use crate::format::write::{Encoder, Piece, Sink, write_failed};
use crate::spreadsheet::is_formula;

/// The encoder of one table.
pub(super) fn encoder(schema: &SchemaRef, form: Form) -> Result<Box<dyn Encoder>> {
    let opening = form.opening(schema.fields().iter().map(|field| field.name().as_str()));
    Ok(Box::new(Csv { rows: Rows::new(schema, &form.style())?, opening, form }))
}

struct Csv {
    rows: Rows,
    opening: Vec<u8>,
    form: Form,
}

/// Refuses texts that would be read as nulls, where nulls have quotes as texts have.
fn tell_from_null(batch: &RecordBatch, null: &str) -> Result<()> {
    for (array, field) in batch.columns().iter().zip(batch.schema_ref().fields()) {
        let codes = array.as_dictionary_opt::<Int32Type>();
        let texts = codes.map_or_else(|| array.as_string_opt::<i32>(), |codes| codes.values().as_string_opt());
        let Some(texts) = texts else { continue };
        let same = |row: usize| !texts.is_null(row) && texts.value(row) == null;
        let found = match codes {
            Some(codes) => codes.keys().iter().flatten().any(|key| usize::try_from(key).is_ok_and(same)),
            None => (0..texts.len()).any(same),
        };
        if found {
            let message = format!("column `{}` has a text equal to the null marker `{null}`", field.name());
            return Err(Error::usage(message).hint(
                "with `--csv-quote all` both have quotes: choose another `--csv-null`, or `--csv-quote nonnull`",
            ));
        }
    }
    Ok(())
}

/// Texts with a `'` before what a spreadsheet would take for a formula.
fn guarded(array: &ArrayRef) -> ArrayRef {
    if let Some(codes) = array.as_dictionary_opt::<Int32Type>() {
        return Arc::new(codes.with_values(guarded(codes.values())));
    }
    let Some(texts) = array.as_string_opt::<i32>() else { return Arc::clone(array) };
    let guards = |text: &str| is_formula(text.trim_start_matches('\''));
    if !texts.iter().flatten().any(guards) {
        return Arc::clone(array);
    }
    let quoted = |text| if guards(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) };
    Arc::new(texts.iter().map(|text| text.map(quoted)).collect::<StringArray>())
}

impl Encoder for Csv {
    fn encode(&self, batch: RecordBatch) -> Result<Piece> {
        let batch = match self.form.guard {
            true => RecordBatch::try_new(batch.schema(), batch.columns().iter().map(guarded).collect())?,
            false => batch,
        };
        if self.form.quotes == Quotes::All {
            tell_from_null(&batch, &self.form.null)?;
        }
        self.rows.encode(&batch).map(Piece::Bytes)
    }

    fn encode_lines(&self, batch: &RecordBatch, lines: &mut dyn FnMut(&[&[u8]])) -> Result<Option<Piece>> {
        if !self.form.is_canonical() || !finite(batch) {
            return Ok(None);
        }
        self.rows.lines(batch, lines).map(|bytes| Some(Piece::Bytes(bytes)))
    }

    fn open(&self, mut out: Box<dyn Write + Send>) -> Result<Box<dyn Sink>> {
        out.write_all(&self.opening).map_err(write_failed)?;
        Ok(Box::new(File(out)))
    }

    fn goes_on(&self) -> bool {
        true
    }

    fn reopen(&self, out: Box<dyn Write + Send>, _rows: u64) -> Result<Box<dyn Sink>> {
        Ok(Box::new(File(out)))
    }
}

struct File(Box<dyn Write + Send>);

impl Sink for File {
    fn append(&mut self, piece: Piece) -> Result<()> {
        let Piece::Bytes(bytes) = piece else { return Err(Error::internal("csv takes text, not rows")) };
        self.0.write_all(&bytes).map_err(write_failed)
    }

    fn finish(self: Box<Self>) -> Result<Box<dyn Write + Send>> {
        Ok(self.0)
    }
}
