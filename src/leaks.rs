//! Protected values that are in a file in the clear: `verify --no-plaintext`.
//!
//! The values searched for are those of protected columns that identify a person directly, secrets, and encrypted texts.
//! Dates, codes, numbers and other values of small domains are in many rows by chance, so they prove nothing. Encrypted
//! values are opened with the key; the values behind tokens, hashes and masks are generated again from the profile and
//! the seed. The search covers every cell of the data files as it reads, every page of Parquet files after
//! decompression, and the bytes of every other file in the folder, except those that describe the schema.
//!
//! If the profile is at hand, the values of the same columns under other seeds are control groups. Otherwise chance is
//! computed from the form of the values.

mod files;
mod values;

use std::fmt;

use crate::error::Result;
use crate::folder::manifest::StoredManifest;
use crate::order::pool;
use crate::plan::Memory;
use crate::scan::{Finding, Search, Size};
use crate::verify::Request;
use values::Hidden;

/// Protected values of one column that are in one file.
#[derive(Debug, PartialEq)]
pub struct Leak {
    /// The file, below the folder, with `/`.
    pub path: String,
    /// The column, as `table.column`.
    pub column: String,
    /// The first place.
    pub at: Place,
    /// The number of different values.
    pub values: u64,
    /// The number of values that chance explains.
    pub expected: f64,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A byte of the file, counted from 0.
    Byte(u64),
    /// A page of this column, which is compressed or encoded in the file.
    Page(String),
    /// A row, counted from 1, and the column.
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

/// The result of a search.
#[derive(Debug, Default)]
pub struct Report {
    /// Values that are in files more often than chance explains, by file, then by column.
    pub leaks: Vec<Leak>,
    /// The number of values searched for; equal ones are counted each time.
    pub values: u64,
    /// The number of their columns.
    pub columns: usize,
    /// Values that were not searched for, and values that were found by chance.
    pub notes: Vec<String>,
}

/// Searches every file of a folder for protected values.
///
/// # Errors
///
/// If a file cannot be read, a cell cannot be opened, no key is given although cells are encrypted, the seed is not
/// that of the run, or the memory is too small for so many values.
pub fn search(request: &Request, manifests: &[StoredManifest]) -> Result<Report> {
    let mut report = Report::default();
    pool(request.threads)?.install(|| {
        let hidden = Hidden::new(request, manifests, &mut report.notes)?;
        let size = Size {
            values: hidden.most(),
            columns: hidden.columns.len(),
            controls: hidden.controls(),
            memory: request.memory / 4,
        };
        let search = Search::new(&hidden, size).map_err(|error| {
            error.hint(format!("--max-memory {} is enough", size.values.saturating_mul(32).max(Memory::LEAST)))
        })?;
        let short: Vec<String> = (0..hidden.columns.len())
            .filter(|column| search.short(*column) > 0)
            .map(|column| format!("{} of `{}`", search.short(column), hidden.columns[column].name))
            .collect();
        if !short.is_empty() {
            report.notes.push(format!(
                "values with fewer than six letters and digits were not searched for, because chance puts them into \
                 any file: {}",
                short.join(", ")
            ));
        }
        report.values = (0..hidden.columns.len()).map(|column| search.values(column)).sum();
        report.columns = hidden.columns.len();
        let (names, candidates) = files::read(request, manifests, &search)?;
        let outcome = search.confirm(&hidden, &candidates);
        let outcome = outcome.map_err(|error| error.hint(format!("--max-memory {} allows more", request.memory * 4)))?;
        for Finding { column, file, place, values, expected, leak, .. } in outcome.findings {
            let (path, column) = (names[file].clone(), hidden.columns[column].name.clone());
            match leak {
                true => report.leaks.push(Leak { path, column, at: place, values, expected }),
                false => report.notes.push(format!(
                    "`{path}` has {values} values of `{column}`, the first at {place}; chance explains about {expected:.1}"
                )),
            }
        }
        for (column, shared) in hidden.columns.iter().zip(outcome.shared).filter(|(_, shared)| *shared > 0) {
            report.notes.push(format!(
                "{shared} hits of `{}` were not counted: other seeds give the same values, or a column that is not personal has \
                 them",
                column.name
            ));
        }
        Ok(report)
    })
}
