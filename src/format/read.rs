//! Files that a writer of this program wrote, read back as batches: the exact inverse of each format.

pub(super) mod cell;
pub(super) mod columnar;
mod guard;
mod normal;
mod records;
#[cfg(test)]
mod tests;
pub(super) mod text;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;

pub(crate) use cell::Column as TextColumn;
pub(crate) use guard::guarded;
pub(crate) use normal::normal;
pub(crate) use records::{MOST_RECORD, Records};

use super::Options;
use crate::disk::{Links, open_below, open_regular};
use crate::error::{Error, Kind, Result};

/// The rows of an open file.
pub(super) trait Source: Send {
    /// The next rows, at most `most` and at least one; `None` after the last.
    fn next(&mut self, most: usize) -> Result<Option<RecordBatch>>;

    /// The place of the row at fault, for messages: the number of rows after the last batch, and the line of a text file.
    fn place(&self) -> (u64, Option<u64>) {
        (0, None)
    }
}

/// The most rows that a batch has where the caller does not say.
pub const BATCH: usize = 8_192;

/// The rows of one file, read from its start.
///
/// Every error names the file and the row. Content that no sink wrote is an error of kind
/// [`Kind::Verification`]; what the system says, one of kind [`Kind::Io`].
pub struct Rows {
    source: Box<dyn Source>,
    schema: SchemaRef,
    path: PathBuf,
    seen: u64,
    left: Option<RecordBatch>,
}

impl Rows {
    /// Opens the file of a table in a format, such as `csv`.
    ///
    /// # Errors
    ///
    /// If there is no such format, the file cannot be opened, is a link or no regular file, or does not begin as such a file does.
    pub fn open(path: &Path, format: &str, schema: &SchemaRef, options: &Options) -> Result<Self> {
        Self::of(open_regular(path, Links::Refuse), path, format, schema, options)
    }

    /// As [`Rows::open`], of a file below a folder; its path has `/` between names, none of which may be a link.
    ///
    /// # Errors
    ///
    /// As [`Rows::open`]; and if the path leads out of the folder.
    pub fn open_below(folder: &Path, path: &str, format: &str, schema: &SchemaRef, options: &Options) -> Result<Self> {
        let shown = path.split('/').fold(folder.to_owned(), |folder, name| folder.join(name));
        Self::of(open_below(folder, path), &shown, format, schema, options)
    }

    fn of(file: io::Result<File>, path: &Path, format: &str, schema: &SchemaRef, options: &Options) -> Result<Self> {
        let reader = super::find(format)?.reader;
        let file = file.map_err(|error| Error::io(path, error))?;
        let opened = guarded(|| reader(file, schema, options));
        let source = opened.map_err(|error| named(error, path, 1, None))?;
        Ok(Self { source, schema: schema.clone(), path: path.to_owned(), seen: 0, left: None })
    }

    /// The number of rows handed out so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.seen
    }

    /// The next rows, at most `most`; `None` after the last.
    ///
    /// # Errors
    ///
    /// If the file is not what a sink writes for the schema, or cannot be read.
    pub fn next(&mut self, most: usize) -> Result<Option<RecordBatch>> {
        let batch = match self.left.take() {
            Some(batch) => Some(batch),
            None => {
                let source = &mut self.source;
                let next = guarded(|| source.next(most));
                let (more, line) = source.place();
                next.map_err(|error| named(error, &self.path, self.seen + 1 + more, line))?
            }
        };
        let Some(mut batch) = batch else { return Ok(None) };
        if batch.num_rows() > most {
            self.left = Some(batch.slice(most, batch.num_rows() - most));
            batch = batch.slice(0, most);
        }
        self.seen += batch.num_rows() as u64;
        Ok(Some(batch))
    }

    /// The next `rows` rows in one batch; fewer only where the file ends.
    ///
    /// # Errors
    ///
    /// As [`Rows::next`].
    pub fn take(&mut self, rows: usize) -> Result<RecordBatch> {
        let (mut batches, mut more) = (Vec::new(), rows);
        while more > 0
            && let Some(batch) = self.next(more)?
        {
            more -= batch.num_rows();
            batches.push(batch);
        }
        match batches.as_slice() {
            [one] => Ok(one.clone()),
            many => Ok(concat_batches(&self.schema, many)?),
        }
    }
}

/// An error in the content of a file; [`Rows`] adds the row and the file.
pub(super) fn malformed(what: impl Into<String>) -> Error {
    Error::new(Kind::Verification, what)
}

/// The error with the file and the row.
fn named(error: Error, path: &Path, row: u64, line: Option<u64>) -> Error {
    let path = path.display();
    match error.kind() {
        Kind::Io => Error::new(Kind::Io, format!("`{path}`: {}", error.message())),
        _ => {
            let line = line.map_or_else(String::new, |line| format!(" (line {line})"));
            Error::new(Kind::Verification, format!("`{path}` row {row}{line}: {}", error.message()))
        }
    }
}

/// The first bytes of a file with pages.
pub const PAGED: &[u8] = b"PAR1";

/// Hands out every page of a Parquet file, unpacked, with the name of its column: those of values, and those of dictionaries,
/// whether a row has their values or not. Of pages that are encoded it is the encoding that is handed out.
///
/// # Errors
///
/// If the file cannot be opened, or is damaged.
pub fn pages(path: &Path, each: &mut dyn FnMut(&str, &[u8])) -> Result<()> {
    let file = open_regular(path, Links::Refuse).map_err(|error| Error::io(path, error))?;
    guarded(|| super::parquet::read::pages(file, each)).map_err(|error| named(error, path, 1, None))
}

/// A column of values from their texts: the inverse of [`crate::format::write::texts::texts`].
///
/// # Errors
///
/// If a text is not one of the type's, or a value is missing that must be there.
pub fn column<'a>(
    field: &arrow_schema::Field,
    texts: impl Iterator<Item = Option<&'a [u8]>>,
) -> Result<arrow_array::ArrayRef> {
    let mut column = cell::Column::new(field)?;
    for text in texts {
        match text {
            Some(text) => column.value(text)?,
            None => column.null()?,
        }
    }
    Ok(column.finish())
}
