//! Where batches go: the seam between the engine and the formats.
//!
//! To add a format: one file here with a `static` [`Format`] and one line in [`FORMATS`]. Rules: bytes depend on the
//! rows alone, never on how they were cut into batches; nothing reads the clock; no name of a format elsewhere.

mod arrow;
mod canonical;
mod cells;
mod csv;
mod cut;
pub mod datapackage;
pub mod ddl;
mod digits;
mod json;
mod parquet;
#[cfg(test)]
mod tests;
mod text;
pub mod texts;

use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

pub(crate) use canonical::nulled;
pub use canonical::{Canonical, key_hash};

use crate::digest::RowSum;
use crate::error::{Error, Kind, Result, did_you_mean};

/// A file format: one entry in [`FORMATS`].
pub struct Format {
    /// Its name on the command line, which is the file extension too.
    pub name: &'static str,
    /// One line for `placebo list formats`.
    pub about: &'static str,
    /// Its media type, for `datapackage.json`.
    pub mediatype: &'static str,
    /// The values that `--compression` may have, the default first; empty where there is no choice.
    pub compressions: &'static [&'static str],
    /// Whether a cell may be bytes; where not, encrypted cells are text.
    pub binary: bool,
    /// Makes the encoder of one table.
    pub encoder: fn(&SchemaRef, &Options) -> Result<Box<dyn Encoder>>,
}

impl Format {
    /// The compression that a user asked for, if the format has it.
    ///
    /// # Errors
    ///
    /// If it has not, with the nearest name as a hint.
    pub fn compression(&self, asked: Option<&str>) -> Result<Option<String>> {
        let Some(asked) = asked else { return Ok(None) };
        if self.compressions.contains(&asked) {
            return Ok(Some(asked.to_owned()));
        }
        let hint = did_you_mean(asked, self.compressions.iter().copied()).filter(|_| !self.compressions.is_empty());
        Err(Error::usage(format!("the format `{}` has no compression `{asked}`", self.name)).maybe_hint(hint))
    }
}

/// What a user may choose about a format.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// One of the format's `compressions`; `None` is its default.
    pub compression: Option<String>,
    /// Whether `csv` writes `'` before a text that a spreadsheet would take for a formula.
    pub guard: bool,
}

pub(crate) use parquet::GROUP as ROW_GROUP;

/// Turns batches into pieces on any core, in any order. Pure: equal rows give equal bytes.
pub trait Encoder: Send + Sync {
    /// Encodes one batch. Text formats encode here, in parallel; columnar ones pass the batch on, because their pages
    /// must be cut by rows and not by batches.
    ///
    /// # Errors
    ///
    /// If a value has no form in the format, such as a date after the year 9999.
    fn encode(&self, batch: RecordBatch) -> Result<Piece>;
    /// Encodes one batch and sums its canonical rows on the way, where the bytes are these rows; `None` elsewhere.
    ///
    /// # Errors
    ///
    /// As [`Encoder::encode`].
    fn encode_summed(&self, _: &RecordBatch) -> Result<Option<(Piece, RowSum)>> {
        Ok(None)
    }
    /// Opens a file of this table on `out`, and writes what stands before the first row.
    ///
    /// # Errors
    ///
    /// If writing fails.
    fn open(&self, out: Box<dyn Write + Send>) -> Result<Box<dyn Sink>>;
    /// Whether a file can go on behind its last row after its process has died: nothing that stands in it, and nothing of its
    /// end, needs the rows before.
    fn goes_on(&self) -> bool {
        false
    }
    /// Goes on with a file that holds `rows` rows: `out` writes behind the last of them.
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
    /// Writes what stands after the last row and hands the writer back, unflushed.
    ///
    /// # Errors
    ///
    /// If writing fails.
    fn finish(self: Box<Self>) -> Result<Box<dyn Write + Send>>;
}

/// What an [`Encoder`] made of a batch.
pub enum Piece {
    /// Finished text.
    Bytes(Vec<u8>),
    /// Rows to be cut into pages and row groups by the sink.
    Rows(RecordBatch),
}

impl Piece {
    /// How many bytes of text; none for rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Piece::Bytes(bytes) => bytes.len(),
            Piece::Rows(_) => 0,
        }
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Every format. A test holds that names are unique and that each file of this folder is listed.
pub static FORMATS: &[&Format] = &[&csv::CSV, &json::NDJSON, &json::JSON, &parquet::PARQUET, &arrow::ARROW];

/// The format called `name`.
///
/// # Errors
///
/// If there is none, with the nearest name as a hint.
pub fn format(name: &str) -> Result<&'static Format> {
    FORMATS.iter().find(|format| format.name == name).copied().ok_or_else(|| {
        Error::usage(format!("unknown format `{name}`")).maybe_hint(did_you_mean(name, FORMATS.iter().map(|f| f.name)))
    })
}

/// An error met while writing. Broken pipes and full disks are told from defects, however deep a library wrapped them.
fn write_failed(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
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
