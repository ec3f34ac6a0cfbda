//! Manifests read back, as strictly as they are written: bounded in size, with paths that stay in the folder, and without a
//! contradiction.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::{Manifest, TableEntry, sum_of};
use crate::disk::{contents, open_below};
use crate::error::{Error, Kind, Result};
use crate::folder::sidecars::{REPORT, SIDECARS};
use crate::folder::{FileEntry, answers_names, below, file_path, manifest_name};
use crate::part::Part;
use crate::profile::writable;

/// The most bytes of a manifest or a list of sums: far more than any run of ours needs.
const MOST: u64 = 256 << 20;

/// A manifest of a folder: of a whole run, or of one part.
#[derive(Debug, Clone)]
pub struct StoredManifest {
    /// The name of its file.
    pub name: String,
    /// The bytes of its file.
    pub text: String,
    /// The manifest.
    pub manifest: Manifest,
}

impl StoredManifest {
    /// The part; `None` for the whole.
    #[must_use]
    pub fn part(&self) -> Option<Part> {
        self.manifest.part
    }

    /// The files of a table.
    pub fn files<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a FileEntry> {
        self.manifest.files.iter().filter(move |file| file.table == table)
    }

    /// A table; `None` where the run has none of that name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&TableEntry> {
        self.manifest.tables.iter().find(|table| table.name == name)
    }
}

/// Reads every manifest of a folder: one, or one for each part, in order.
///
/// # Errors
///
/// If there is none, or one cannot be read as [`read`] does.
pub fn read_all(folder: &Path) -> Result<Vec<StoredManifest>> {
    let entries = fs::read_dir(folder).map_err(|error| Error::io(folder, error))?;
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.retain(|name| is_name(name));
    names.sort();
    if names.is_empty() {
        return Err(Error::usage(format!("`{}` has no manifest.json", folder.display()))
            .hint("it says which columns are encrypted, and what their cells are bound to"));
    }
    names.iter().map(|name| read(folder, name)).collect()
}

/// Tells whether a file has the name of a manifest.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let Some(middle) = name.strip_prefix("manifest").and_then(|rest| rest.strip_suffix(".json")) else { return false };
    let digits = middle.strip_prefix(".part-").filter(|digits| digits.len() == 5);
    middle.is_empty() || digits.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
}

/// Reads a manifest of a folder.
///
/// # Errors
///
/// If the file cannot be read, is larger than 256 MiB or not byte for byte what [`Manifest::to_json`] writes, has the name of
/// another part, names a format that there is not, or lists other files than the one of each table.
pub fn read(folder: &Path, name: &str) -> Result<StoredManifest> {
    let text = read_text(folder, name)?;
    let manifest = Manifest::parse(&text)?;
    let wrong = |what: &str| Err(Error::new(Kind::Verification, format!("the manifest {what}")));
    if name != manifest_name(manifest.part) {
        return wrong("has the name of another part");
    }
    let Ok((format, options)) = manifest.format() else {
        return wrong("names a format or a setting that there is not");
    };
    let mut tables = BTreeSet::new();
    for table in &manifest.tables {
        let schema = table.schema()?;
        let files = || manifest.files.iter().filter(|file| file.table == table.name);
        let paths: Vec<&str> = files().map(|file| file.path.as_str()).collect();
        let path = file_path(&table.name, format.extension(&schema, &options), manifest.part);
        if !writable(&table.name) || !tables.insert(&table.name) || paths != [path.as_str()] {
            return wrong(&format!("does not have the one file of table `{}`", table.name));
        }
        let sum = sum_of(files());
        if (sum.rows, sum.hex().as_str()) != (table.rows, table.digest.as_str()) {
            return wrong(&format!("contradicts itself about table `{}`", table.name));
        }
    }
    if manifest.files.len() != manifest.tables.len() {
        return wrong("lists files of no table");
    }
    let answers = answers_names(manifest.part);
    let beside = || manifest.beside.iter().map(|file| file.path.as_str());
    // A run of a version that had no answer key has none.
    let of_existing = manifest.existing.is_some() && beside().eq(SIDECARS.into_iter().chain([REPORT]));
    if !of_existing
        && !beside().eq(SIDECARS)
        && !beside().eq(SIDECARS.into_iter().chain(answers.iter().map(String::as_str)))
    {
        return wrong(&format!("does not list {} beside the tables", SIDECARS.join(" and ")));
    }
    Ok(StoredManifest { name: name.to_owned(), text, manifest })
}

/// Reads a text file that describes the data of a folder.
///
/// # Errors
///
/// If it cannot be read, is a link or no regular file, is not UTF-8, or is larger than 256 MiB.
pub fn read_text(folder: &Path, name: &str) -> Result<String> {
    let path = below(folder, name);
    let bytes = open_below(folder, name).and_then(|file| contents(file, MOST)).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge | ErrorKind::InvalidInput => {
            Error::new(Kind::Verification, format!("`{}`: {error}", path.display()))
        }
        _ => Error::io(&path, error),
    })?;
    String::from_utf8(bytes).map_err(|_| Error::new(Kind::Verification, format!("`{}` is not UTF-8", path.display())))
}
