//! Messages into their frames.

use std::io::Write;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_schema::SchemaRef;

use super::{Framing, tar, text_extension};
use crate::error::{Error, Kind, Result};
use crate::format::Options;
use crate::format::write::{Encoder, Piece, Sink, write_failed};

/// The encoder of a table of messages.
pub(super) fn encoder(schema: &SchemaRef, options: &Options) -> Result<Box<dyn Encoder>> {
    let extension = text_extension(schema)?.to_owned();
    Ok(Box::new(Messages { framing: Framing::new(schema, options)?, extension }))
}

struct Messages {
    framing: Framing,
    extension: String,
}

impl Encoder for Messages {
    fn encode(&self, batch: RecordBatch) -> Result<Piece> {
        if self.framing == Framing::Tar {
            // The name of a file is its number, which is known in order alone.
            return Ok(Piece::Rows(batch));
        }
        let texts: &StringArray = batch.column(0).as_string();
        let length = texts.value_data().len();
        let mut out = Vec::with_capacity(length + 4 * texts.len());
        for row in 0..texts.len() {
            frame(self.framing, texts.value(row).as_bytes(), &mut out).map_err(|error| error.in_row(row))?;
        }
        Ok(Piece::Bytes(out))
    }

    fn open(&self, out: Box<dyn Write + Send>) -> Result<Box<dyn Sink>> {
        self.reopen(out, 0)
    }

    fn goes_on(&self) -> bool {
        true
    }

    fn reopen(&self, out: Box<dyn Write + Send>, rows: u64) -> Result<Box<dyn Sink>> {
        let extension = self.extension.clone();
        Ok(Box::new(File { out, tar: (self.framing == Framing::Tar).then_some((extension, rows)) }))
    }
}

/// Writes a message in its frame.
fn frame(framing: Framing, text: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let refused = |what: String| Err(Error::new(Kind::Usage, what).hint("--framing tar takes any message"));
    match framing {
        Framing::Lines if text.contains(&b'\n') => {
            return refused("a message has several lines, and one a line is asked for".to_owned());
        }
        Framing::Mllp if text.contains(&0x1c) => {
            return refused("a message has the byte 1C, with which an MLLP frame ends".to_owned());
        }
        Framing::Lines => {
            out.extend_from_slice(text);
            out.push(b'\n');
        }
        Framing::Mllp => {
            out.push(0x0b);
            out.extend_from_slice(text);
            out.extend_from_slice(b"\x1c\r");
        }
        Framing::Length => match u16::try_from(text.len()) {
            Ok(length) => {
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(text);
            }
            Err(_) => return refused(format!("a message has {} bytes, and its length two", text.len())),
        },
        Framing::Tar => return Err(Error::internal("a file of an archive has a number")),
    }
    Ok(())
}

struct File {
    out: Box<dyn Write + Send>,
    /// The extension of the files of an archive, and their number so far.
    tar: Option<(String, u64)>,
}

impl Sink for File {
    fn append(&mut self, piece: Piece) -> Result<()> {
        let batch = match piece {
            Piece::Bytes(bytes) => return self.out.write_all(&bytes).map_err(write_failed),
            Piece::Rows(batch) => batch,
        };
        let Some((extension, files)) = &mut self.tar else { return Err(Error::internal("rows outside of an archive")) };
        let texts: &StringArray = batch.column(0).as_string();
        for row in 0..texts.len() {
            *files += 1;
            let text = texts.value(row).as_bytes();
            self.out.write_all(&tar::header(*files, extension, text.len())?).map_err(write_failed)?;
            self.out.write_all(text).map_err(write_failed)?;
            self.out.write_all(&[0; tar::BLOCK][..tar::padding(text.len())]).map_err(write_failed)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Box<dyn Write + Send>> {
        if self.tar.is_some() {
            self.out.write_all(&tar::END).map_err(write_failed)?;
        }
        Ok(self.out)
    }
}
