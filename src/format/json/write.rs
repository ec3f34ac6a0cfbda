//! Rows as JSON objects.

use std::borrow::Cow;
use std::io::Write;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::error::{Error, Result};
use crate::format::write::frame::Style;
use crate::format::write::text::Rows;
use crate::format::write::{Encoder, Piece, Sink, write_failed};

/// The encoder of one table; `array` puts brackets around the rows.
pub(super) fn encoder(schema: &SchemaRef, array: bool) -> Result<Box<dyn Encoder>> {
    Ok(Box::new(Json { rows: Rows::new(schema, &if array { in_array() } else { lines() })?, array }))
}

fn lines() -> Style {
    Style {
        start: "{",
        end: "}\n",
        between: ",",
        label,
        quote: "\"",
        quote_all: false,
        null: Cow::Borrowed("null"),
        infinite: false,
        plain,
        escape,
    }
}

/// A row begins with the comma after the row before it, so that rows need not know which is the last.
fn in_array() -> Style {
    Style { start: ",\n{", end: "}", ..lines() }
}

struct Json {
    rows: Rows,
    array: bool,
}

impl Encoder for Json {
    fn encode(&self, batch: RecordBatch) -> Result<Piece> {
        self.rows.encode(&batch).map(Piece::Bytes)
    }

    fn open(&self, mut out: Box<dyn Write + Send>) -> Result<Box<dyn Sink>> {
        if self.array {
            out.write_all(b"[").map_err(write_failed)?;
        }
        Ok(Box::new(File { out, array: self.array, empty: true }))
    }

    fn goes_on(&self) -> bool {
        true
    }

    fn reopen(&self, out: Box<dyn Write + Send>, rows: u64) -> Result<Box<dyn Sink>> {
        Ok(Box::new(File { out, array: self.array, empty: rows == 0 }))
    }
}

struct File {
    out: Box<dyn Write + Send>,
    array: bool,
    empty: bool,
}

impl Sink for File {
    fn append(&mut self, piece: Piece) -> Result<()> {
        let Piece::Bytes(bytes) = piece else { return Err(Error::internal("json takes text, not rows")) };
        let first_comma = usize::from(self.array && self.empty && !bytes.is_empty());
        self.empty &= bytes.is_empty();
        self.out.write_all(&bytes[first_comma..]).map_err(write_failed)
    }

    fn finish(mut self: Box<Self>) -> Result<Box<dyn Write + Send>> {
        let end: &[u8] = match (self.array, self.empty) {
            (false, _) => b"",
            (true, true) => b"]\n",
            (true, false) => b"\n]\n",
        };
        self.out.write_all(end).map_err(write_failed)?;
        Ok(self.out)
    }
}

/// `"name":`.
fn label(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    escape(name.as_bytes(), &mut out);
    out.push(b':');
    out
}

/// No byte that asks for a backslash. Without an early end, so that it is done many bytes at a time.
fn plain(text: &[u8]) -> bool {
    !text.iter().fold(false, |found, byte| found | matches!(byte, 0..=0x1f | b'"' | b'\\'))
}

/// The text in quotes, with the escapes that RFC 8259 demands and no other.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            0..=0x1f => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}
