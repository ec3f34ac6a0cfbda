//! The rows of one file with encrypted columns opened, for callers that look at the values.

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;

use super::cells::Table;
use super::{ColumnName, Opener, Request};
use crate::error::Result;
use crate::folder::FileEntry;
use crate::folder::manifest::StoredManifest;
use crate::format::read::Rows;
use crate::protect::keyring::Keys;

/// The rows of one file, with some encrypted columns opened.
pub(crate) struct OpenedRows<'a> {
    table: Table<'a>,
    rows: Rows,
}

impl<'a> OpenedRows<'a> {
    /// Opens a file of a manifest; `None` if none of the columns is encrypted in it.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or the keys are not those of the data set.
    pub(crate) fn open(
        folder: &Path,
        stored: &'a StoredManifest,
        file: &FileEntry,
        keys: &Keys,
        columns: Vec<ColumnName>,
    ) -> Result<Option<Self>> {
        let Some(entry) = stored.table(&file.table) else { return Ok(None) };
        let request = Request {
            folder: folder.to_owned(),
            file: None,
            columns,
            opener: Opener::Keys(keys),
            again: None,
            strict: false,
            out: PathBuf::new(),
        };
        let Some(table) = Table::new(&stored.manifest, entry, &request)? else { return Ok(None) };
        let (format, options) = stored.manifest.format()?;
        let rows = Rows::open_below(folder, &file.path, format.name, &table.sealed, &options)?;
        Ok(Some(Self { table, rows }))
    }

    /// Reads the next rows, at most `most`; `None` after the last.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or a cell cannot be opened.
    pub(crate) fn next(&mut self, most: usize) -> Result<Option<RecordBatch>> {
        let first = self.rows.rows();
        let batch = self.rows.next(most)?;
        batch.map(|batch| Ok(self.table.open(&batch, first)?.0)).transpose()
    }
}
