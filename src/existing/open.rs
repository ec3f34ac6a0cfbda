//! A file of the user: which columns it has, and its rows, as often as they are needed.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, SchemaRef};
use sha2::{Digest, Sha256};

use super::rules::CsvForm;
use super::{csv, json, parquet};
use crate::digest::hex;
use crate::disk::{Links, open_regular};
use crate::error::{Error, Kind, Result};
use crate::format::read::guarded;
use crate::profile::writable;

/// The most rows of a batch.
pub(super) const ROWS: usize = 8_192;
/// The bytes of cells after which a batch ends.
pub(super) const BYTES: usize = 8 << 20;
/// The most columns of a file.
pub(super) const MOST_COLUMNS: usize = 10_000;

/// A column of a file.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    /// Its type; `None` for one that no output of ours can have, such as a list.
    pub(super) ty: Option<DataType>,
    /// The type in the words of the file.
    pub(super) shown: String,
    /// True if values have others inside of them.
    pub(super) nested: bool,
}

/// The rows of a file, in order.
pub(super) trait Batches: Send {
    /// The next rows, at least one; `None` after the last.
    fn next(&mut self) -> Result<Option<RecordBatch>>;

    /// The place of what was read last, for messages, such as `line 17`.
    fn place(&self) -> String;
}

/// The form of the rows of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Csv,
    Lines,
    Parquet,
}

impl Form {
    /// The format of ours that is like it.
    pub(super) fn format(self) -> &'static str {
        match self {
            Form::Csv => "csv",
            Form::Lines => "ndjson",
            Form::Parquet => "parquet",
        }
    }

    /// The form of a file by its first bytes and its name.
    fn of(path: &Path, start: &[u8]) -> Result<Self> {
        let extension = path.extension().and_then(|text| text.to_str()).unwrap_or_default().to_ascii_lowercase();
        let wrong = |what: &str, hint: &str| Err(Error::new(Kind::Usage, what).hint(hint));
        match (extension.as_str(), start) {
            _ if start.starts_with(crate::format::read::PAGED) => Ok(Self::Parquet),
            (_, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) => wrong("it is UTF-16", "iconv -f UTF-16 -t UTF-8"),
            (_, [0x1F, 0x8B, ..] | [0x28, 0xB5, 0x2F, 0xFD, ..] | [b'P', b'K', 3, 4, ..]) => {
                wrong("it is compressed", "unpack it first: gunzip, unzstd or unzip")
            }
            ("csv" | "tsv" | "txt" | "tab", _) => Ok(Self::Csv),
            ("ndjson" | "jsonl", _) => Ok(Self::Lines),
            ("parquet", []) => wrong("it is empty", "a Parquet file begins with PAR1"),
            ("parquet", _) => wrong("it is no Parquet file", "one begins with PAR1: is it whole?"),
            ("json", _) => wrong("a JSON document is not read row by row", "jq -c '.[]' FILE > FILE.ndjson"),
            _ => wrong("its name does not tell its format", "a file ends with .csv, .tsv, .ndjson, .jsonl or .parquet"),
        }
    }
}

/// A file of the user.
pub(super) struct Input {
    /// The table that it holds.
    pub(super) table: String,
    /// Its path.
    pub(super) path: PathBuf,
    pub(super) form: Form,
    pub(super) columns: Vec<Column>,
    pub(super) bytes: u64,
    /// SHA-256 of its bytes, which is never told: of a small file it could be found by trying.
    pub(super) sha256: String,
    file: File,
    delimiter: u8,
    null: Option<String>,
}

/// The table and the path in `TABLE=PATH`, or in a path whose file has the table's name.
pub(super) fn named(text: &str) -> Result<(String, PathBuf)> {
    let (table, path) = match text.split_once('=') {
        Some((table, path)) if !table.contains(['/', '\\', '.']) => (Some(table.to_owned()), Path::new(path)),
        _ => (None, Path::new(text)),
    };
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let table = table.unwrap_or(stem);
    if !writable(&table) || table.contains('.') {
        return Err(Error::usage(format!("`{}` is not a name for a table", table.escape_debug()))
            .hint("letters, digits, `_` and `-`: name it with TABLE=PATH, such as customer=\"Customers 2026.csv\""));
    }
    Ok((table, path.to_owned()))
}

impl Input {
    /// Opens a file, and reads it once: for its columns and its hash.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is not what its name says; the error names the file.
    pub(super) fn open(table: &str, path: &Path, csv: Option<&CsvForm>) -> Result<Self> {
        let io = |error| Error::io(path, error);
        let mut file = open_regular(path, Links::Follow).map_err(io)?;
        let (mut hash, mut bytes, mut start) = (Sha256::new(), 0, Vec::new());
        let mut buffer = vec![0; 1 << 18];
        loop {
            let read = crate::disk::retry(|| file.read(&mut buffer)).map_err(io)?;
            if read == 0 {
                break;
            }
            if start.len() < 4 {
                start.extend_from_slice(&buffer[..read.min(4)]);
            }
            hash.update(&buffer[..read]);
            bytes += read as u64;
        }
        let form = Form::of(path, &start).map_err(|error| within(error, path, ""))?;
        let mut input = Self {
            table: table.to_owned(),
            path: path.to_owned(),
            form,
            columns: Vec::new(),
            bytes,
            sha256: hex(&hash.finalize()),
            file,
            delimiter: csv.map_or(Ok(b','), CsvForm::delimiter)?,
            null: csv.and_then(|csv| csv.null.clone()),
        };
        let columns = guarded(|| match form {
            Form::Csv => csv::columns(input.start()?, input.delimiter),
            Form::Lines => json::columns(input.start()?),
            Form::Parquet => parquet::columns(input.start()?),
        });
        input.columns = columns.map_err(|error| within(error, path, ""))?;
        let mut seen = std::collections::BTreeSet::new();
        let wrong = |what: String| Err(within(Error::new(Kind::Verification, what), path, ""));
        if let Some(twice) = input.columns.iter().find(|column| !seen.insert(&column.name)) {
            return wrong(format!("it has the column `{}` twice", twice.name.escape_debug()));
        }
        if input.columns.len() > MOST_COLUMNS {
            return wrong(format!("it has {} columns: {MOST_COLUMNS} are the most", input.columns.len()));
        }
        Ok(input)
    }

    /// The file from its start.
    fn start(&self) -> Result<File> {
        let mut file = self.file.try_clone().map_err(|error| Error::io(&self.path, error))?;
        file.seek(SeekFrom::Start(0)).map_err(|error| Error::io(&self.path, error))?;
        Ok(file)
    }

    /// The rows with some columns, given by their places in the file; `schema` has a field for each. Columns without a type are null.
    pub(super) fn rows(&self, places: &[usize], schema: &SchemaRef) -> Result<Rows<'_>> {
        let file = self.start()?;
        let width = self.columns.len();
        let batches: Box<dyn Batches> = match self.form {
            Form::Csv => Box::new(csv::Csv::new(file, self.delimiter, self.null.clone(), (width, places), schema)?),
            Form::Lines => Box::new(json::Json::new(file, schema)?),
            Form::Parquet => {
                let opened = guarded(|| parquet::Parquet::new(file, places, schema));
                Box::new(opened.map_err(|error| within(error, &self.path, ""))?)
            }
        };
        Ok(Rows { batches, path: &self.path })
    }
}

/// The rows of a file; every error names it and the place.
pub(super) struct Rows<'a> {
    batches: Box<dyn Batches>,
    path: &'a Path,
}

impl Rows<'_> {
    /// The next rows, at least one; `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>> {
        let batches = &mut self.batches;
        let next = guarded(|| batches.next());
        next.map_err(|error| within(error, self.path, &self.batches.place()))
    }
}

/// An error with the file, and the place in it.
fn within(error: Error, path: &Path, place: &str) -> Error {
    // Some say the line themselves: a record may be longer than one.
    let told = place.is_empty() || error.message().starts_with("line ");
    let place = if told { String::new() } else { format!(" {place}") };
    let hint = error.hint_text().map(str::to_owned);
    Error::new(error.kind(), format!("`{}`{place}: {}", path.display(), error.message())).maybe_hint(hint)
}
