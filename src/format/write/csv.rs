//! CSV as RFC 4180 has it: a header, UTF-8, quotes only where they are needed and doubled inside.
//!
//! Rows end with a line feed alone, which every reader takes and which keeps `diff`, `sort` and `wc` useful. A null is an
//! empty field, an empty text is `""`:
//!
//! ```text
//! id,name,note
//! 1,"Doe, Jane",
//! 2,Ng,""
//! ```
//!
//! A text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return is written as it is: that a spreadsheet does
//! not take a cell for a formula is the duty of generators, because a sink must not change data. `--csv-guard quote` asks
//! for just that: a `'` before such a text, and before one that would look as if it had got its `'` that way, so that a reader
//! can take the `'` away again. In a table of one column a null is an empty line, which some readers skip.

use std::borrow::Cow;
use std::io::Write;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::SchemaRef;

use super::canonical::finite;
use super::text::{Rows, Style};
use super::{Encoder, Format, Options, Piece, Sink, write_failed};
use crate::digest::RowSum;
use crate::error::{Error, Result};
use crate::spreadsheet::is_formula;

/// The format `csv`.
pub(super) static CSV: Format = Format {
    name: "csv",
    about: "comma-separated values with a header (RFC 4180)",
    mediatype: "text/csv",
    compressions: &[],
    binary: false,
    encoder: |schema: &SchemaRef, options: &Options| {
        let mut header = Vec::new();
        for (n, field) in schema.fields().iter().enumerate() {
            header.extend_from_slice(if n == 0 { b"" } else { b"," });
            quote_where_needed(field.name().as_bytes(), &mut header);
        }
        header.push(b'\n');
        Ok(Box::new(Csv { rows: Rows::new(schema, &STYLE)?, header, guard: options.guard }))
    },
};

pub(super) static STYLE: Style =
    Style { start: "", end: "\n", label: |_| Vec::new(), quote: "", null: "", infinite: true, plain, escape };

struct Csv {
    rows: Rows,
    header: Vec<u8>,
    guard: bool,
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
        let batch = match self.guard {
            true => RecordBatch::try_new(batch.schema(), batch.columns().iter().map(guarded).collect())?,
            false => batch,
        };
        self.rows.encode(&batch).map(Piece::Bytes)
    }

    fn encode_summed(&self, batch: &RecordBatch) -> Result<Option<(Piece, RowSum)>> {
        if self.guard || !finite(batch) {
            return Ok(None);
        }
        let mut sum = RowSum::default();
        let bytes = self.rows.lines(batch, |lines| sum.add_all(lines))?;
        Ok(Some((Piece::Bytes(bytes), sum)))
    }

    fn open(&self, mut out: Box<dyn Write + Send>) -> Result<Box<dyn Sink>> {
        out.write_all(&self.header).map_err(write_failed)?;
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

/// No byte that asks for quotes. Without an early end, so that it is done many bytes at a time.
fn plain(text: &[u8]) -> bool {
    !text.iter().fold(false, |found, byte| found | matches!(byte, b',' | b'"' | b'\n' | b'\r'))
}

/// The text in quotes.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for part in text.split_inclusive(|byte| *byte == b'"') {
        out.extend_from_slice(part);
        if part.ends_with(b"\"") {
            out.push(b'"');
        }
    }
    out.push(b'"');
}

fn quote_where_needed(text: &[u8], out: &mut Vec<u8>) {
    if plain(text) && !matches!(text, [] | [b' ', ..] | [.., b' ']) {
        out.extend_from_slice(text);
    } else {
        escape(text, out);
    }
}
