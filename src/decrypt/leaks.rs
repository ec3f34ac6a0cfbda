//! Plaintext of encrypted columns that stands somewhere else: `verify --no-plaintext`.
//!
//! Looked through are the bytes of every file, so that footers with their statistics, manifests and logs are among them; every page
//! of Parquet files, unpacked, so that a dictionary is among them whether a row has its values or not; and every clear cell of the
//! data files as it reads, so that no escape, no compression and no encoding hides anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use arrow_array::Array;
use rayon::prelude::*;

use super::cells::Table;
use super::{BATCH, Request, StoredManifest};
use crate::disk::{Links, contents, open_regular};
use crate::error::{Error, Result};
use crate::folder::manifest::Manifest;
use crate::format::read;
use crate::protect::texts::Texts;

/// The shortest value that is looked for: shorter ones are in any file by chance.
const TELLING: usize = 6;

/// The plaintext of an encrypted column that stands in a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Leak {
    /// The file, below the folder.
    pub path: String,
    /// The column, as `table.column`.
    pub column: String,
    /// The place in the file.
    pub at: Place,
}

/// The place of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// This byte of the file.
    Byte(usize),
    /// A page of this column, which is compressed or encoded in the file.
    Page(String),
    /// The row, from 1, and the column.
    Cell(u64, String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Byte(at) => write!(f, "byte {at}"),
            Place::Page(column) => write!(f, "a page of `{column}`"),
            Place::Cell(row, column) => write!(f, "row {row}, `{column}`"),
        }
    }
}

/// The plaintexts to search for, each with its column.
#[derive(Default)]
struct Plain {
    values: BTreeMap<Vec<u8>, String>,
    lengths: BTreeSet<usize>,
}

impl Plain {
    /// The column whose value stands at a place.
    fn at(&self, bytes: &[u8], at: usize) -> Option<&str> {
        let found = self.lengths.iter().find_map(|length| self.values.get(bytes.get(at..at + length)?));
        found.map(String::as_str)
    }
}

/// The first place of each column in each file.
#[derive(Default)]
struct Found(Vec<Leak>);

impl Found {
    fn add(&mut self, path: &str, column: &str, at: Place) {
        if !self.0.iter().any(|known| known.path == path && known.column == column) {
            self.0.push(Leak { path: path.to_owned(), column: column.to_owned(), at });
        }
    }
}

/// Looks for the plaintext of every encrypted value of at least six bytes in every file of the folder: how many different
/// values, and the first place of each column in each file where one is.
///
/// # Errors
///
/// If a file cannot be read, or a cell not opened.
pub fn leaks(request: &Request<'_>, manifests: &[StoredManifest]) -> Result<(usize, Vec<Leak>)> {
    let (mut plain, mut found) = (Plain::default(), Found::default());
    for StoredManifest { manifest, .. } in manifests {
        opened(request, manifest, &mut plain)?;
    }
    plain.lengths = plain.values.keys().map(Vec::len).collect();
    files(&request.folder, &plain, &mut found)?;
    for StoredManifest { manifest, .. } in manifests {
        cells(request, manifest, &plain, &mut found)?;
    }
    Ok((plain.values.len(), found.0))
}

/// Every value that is encrypted.
fn opened(request: &Request<'_>, manifest: &Manifest, plain: &mut Plain) -> Result<()> {
    for (file, table) in sealed(request, manifest)? {
        let Some(table) = table else { continue };
        let (mut reader, mut first) = (open(request, manifest, &file)?, 0);
        while let Some(batch) = reader.next(BATCH)? {
            let (opened, _) = table.open(&batch, first)?;
            first += batch.num_rows() as u64;
            for column in &table.columns {
                let texts = Texts::new(opened.column(column.at))?;
                for text in (0..texts.len()).filter_map(|row| texts.get(row)).filter(|text| text.len() >= TELLING) {
                    plain.values.entry(text.as_bytes().to_vec()).or_insert_with(|| column.name.clone());
                }
            }
        }
    }
    Ok(())
}

/// The files of a manifest, each with what opens it where something in it is encrypted.
fn sealed<'a>(request: &Request<'_>, manifest: &'a Manifest) -> Result<Vec<(String, Option<Table<'a>>)>> {
    let mut all = Vec::new();
    for file in &manifest.files {
        if let Some(entry) = manifest.tables.iter().find(|table| table.name == file.table) {
            all.push((file.path.clone(), Table::new(manifest, entry, request)?));
        }
    }
    Ok(all)
}

fn open(request: &Request<'_>, manifest: &Manifest, path: &str) -> Result<read::Rows> {
    let file = manifest.files.iter().find(|file| file.path == path);
    let entry = file.and_then(|file| manifest.tables.iter().find(|table| table.name == file.table));
    let schema = entry.ok_or_else(|| Error::internal("a file of no table"))?.schema()?;
    let (format, options) = manifest.format()?;
    read::Rows::open_below(&request.folder, path, format.name, &schema, &options)
}

/// The bytes of every file, and the pages of those that have some.
fn files(folder: &Path, plain: &Plain, found: &mut Found) -> Result<()> {
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = fs::read_dir(&next).map_err(|error| Error::io(&next, error))?;
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            // Links and pipes have no bytes here, and the check of the files tells of them.
            let there = path.symlink_metadata().map_err(|error| Error::io(&path, error))?;
            if there.is_dir() {
                folders.push(path);
                continue;
            } else if !there.is_file() {
                continue;
            }
            let bytes = open_regular(&path, Links::Refuse).and_then(|file| contents(file, u64::MAX - 1));
            let bytes = bytes.map_err(|error| Error::io(&path, error))?;
            let shown = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
            let hits: Vec<(&str, usize)> =
                (0..bytes.len()).into_par_iter().filter_map(|at| Some((plain.at(&bytes, at)?, at))).collect();
            hits.into_iter().for_each(|(column, at)| found.add(&shown, column, Place::Byte(at)));
            if bytes.starts_with(read::PAGED) {
                read::pages(&path, &mut |of, page| {
                    let hits: Vec<&str> = (0..page.len()).into_par_iter().filter_map(|at| plain.at(page, at)).collect();
                    hits.into_iter().for_each(|column| found.add(&shown, column, Place::Page(of.to_owned())));
                })?;
            }
        }
    }
    Ok(())
}

/// Every cell that is not encrypted, as its text.
fn cells(request: &Request<'_>, manifest: &Manifest, plain: &Plain, found: &mut Found) -> Result<()> {
    for (path, table) in sealed(request, manifest)? {
        let own: Vec<usize> = table.iter().flat_map(|table| table.columns.iter().map(|column| column.at)).collect();
        let (mut reader, mut first) = (open(request, manifest, &path)?, 0);
        while let Some(batch) = reader.next(BATCH)? {
            for at in (0..batch.num_columns()).filter(|at| !own.contains(at)) {
                let texts = Texts::new(batch.column(at))?;
                let name = batch.schema_ref().field(at).name();
                let hits: Vec<(&str, usize)> = (0..batch.column(at).len())
                    .into_par_iter()
                    .filter_map(|row| {
                        let text = texts.get(row)?.as_bytes();
                        Some(((0..text.len()).find_map(|start| plain.at(text, start))?, row))
                    })
                    .collect();
                for (column, row) in hits {
                    found.add(&path, column, Place::Cell(first + row as u64 + 1, name.clone()));
                }
            }
            first += batch.num_rows() as u64;
        }
    }
    Ok(())
}
