//! Encoders and sinks: the writing half of every format, and what formats share for it.

mod canonical;
mod cells;
pub(super) mod cut;
pub mod datapackage;
pub mod ddl;
mod digits;
pub(super) mod finite;
pub(super) mod frame;
pub(super) mod line;
pub mod nest;
#[cfg(test)]
mod tests;
pub(super) mod text;
pub mod texts;

use std::io::{self, Write};

use arrow_array::RecordBatch;

pub use canonical::{Canonical, add_key_cell, bucket_of, key_hash, key_hashes};
pub(crate) use finite::nulled;

use crate::error::{Error, Kind, Result};

/// Turns batches into pieces on any core, in any order. Pure: equal rows give equal bytes.
pub trait Encoder: Send + Sync {
    /// Encodes one batch. Text formats encode here, in parallel; columnar ones pass the batch on, because their pages
    /// must be cut by rows and not by batches.
    ///
    /// # Errors
    ///
    /// If a value has no form in the format, such as a date after the year 9999.
    fn encode(&self, batch: RecordBatch) -> Result<Piece>;
    /// Encodes one batch and hands its canonical rows to `lines` on the way, in order and a few at a time, where the bytes are
    /// these rows; `None` elsewhere.
    ///
    /// # Errors
    ///
    /// As [`Encoder::encode`].
    fn encode_lines(&self, _: &RecordBatch, _lines: &mut dyn FnMut(&[&[u8]])) -> Result<Option<Piece>> {
        Ok(None)
    }
    /// Opens a file of this table on `out`, and writes its header.
    ///
    /// # Errors
    ///
    /// If writing fails.
    fn open(&self, out: Box<dyn Write + Send>) -> Result<Box<dyn Sink>>;
    /// Tells whether a new process can append to a partial file: no footer, no state across rows.
    fn goes_on(&self) -> bool {
        false
    }
    /// Opens a partial file of `rows` rows for appending: `out` writes behind the last of them.
    ///
    /// # Errors
    ///
    /// If the format cannot.
    fn reopen(&self, _out: Box<dyn Write + Send>, _rows: u64) -> Result<Box<dyn Sink>> {
        Err(Error::internal("a file of this format cannot go on"))
    }
}

/// One table's file: pieces arrive in row order.
pub trait Sink: Send {
    /// Adds the next rows.
    ///
    /// # Errors
    ///
    /// If writing fails.
    fn append(&mut self, piece: Piece) -> Result<()>;
    /// Writes the end of the file and hands the writer back, unflushed.
    ///
    /// # Errors
    ///
    /// If writing fails.
    fn finish(self: Box<Self>) -> Result<Box<dyn Write + Send>>;
}

/// An encoded batch.
pub enum Piece {
    /// Finished text.
    Bytes(Vec<u8>),
    /// Rows to be cut into pages and row groups by the sink.
    Rows(RecordBatch),
}

impl Piece {
    /// The bytes of text; 0 for rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Piece::Bytes(bytes) => bytes.len(),
            Piece::Rows(_) => 0,
        }
    }

    /// Tells whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An error met while writing. Broken pipes and full disks are told from defects, however deep a library wrapped them.
pub(super) fn write_failed(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    let mut link: Option<&(dyn std::error::Error + 'static)> = Some(&cause);
    let mut chain = std::iter::from_fn(|| {
        let now = link?;
        link = now.source();
        Some(now)
    });
    let kind = match chain.find_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind) {
        Some(io::ErrorKind::BrokenPipe) => Kind::ClosedPipe,
        Some(_) => Kind::Io,
        None => Kind::Internal,
    };
    Error::new(kind, format!("writing failed: {cause}")).caused_by(cause)
}
