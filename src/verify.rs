//! Whether a folder still holds what a run wrote: from the hashes of its files to the values in them.
//!
//! Four questions, each of which stands by itself, so that the answer to one is of use where another cannot be asked:
//! are these the files (`folder`), are these their rows (`rows`), do the keys hold (`keys`), and do the rows follow
//! from the profile and keep its rules (`replay`)? Nothing is written, nothing outside of the folder is read, and memory
//! does not grow with the data.

mod envelope;
mod finding;
mod folder;
mod keys;
mod replay;
mod rows;
mod sealed;

use std::path::PathBuf;

pub use envelope::{PublicKey, sign};
pub use finding::{Finding, Findings};
pub use replay::Sample;

use crate::error::{Error, Result};
use crate::folder::FileEntry;
pub(crate) use crate::folder::below;
use crate::folder::manifest::{Manifest, TableEntry};
use crate::order::pool;
use crate::part::Part;
use crate::protect::keyring::Keys;

/// What to look at.
pub struct Request {
    /// The folder that a run wrote.
    pub folder: PathBuf,
    /// Files and hashes alone.
    pub quick: bool,
    /// Which chunks are derived again and compared cell by cell.
    pub sample: Sample,
    /// The profile, where it is not inside the program.
    pub profile: Option<String>,
    /// The keys of a run that protects personal data.
    pub keys: Option<Keys>,
    /// The seed of a run whose manifest hides it.
    pub seed: Option<String>,
    /// The key that must have signed the manifest.
    pub public_key: Option<PublicKey>,
    /// Worker threads.
    pub threads: usize,
    /// The most bytes that keys may take in memory at a time.
    pub memory: u64,
    /// Whether findings may show values.
    pub show_values: bool,
}

/// What was found, and what was looked at.
#[derive(Debug, Default)]
pub struct Report {
    /// What is wrong, in order.
    pub findings: Vec<Finding>,
    /// How many more there are than `findings` has.
    pub more: u64,
    /// What could not be looked at, and why.
    pub notes: Vec<String>,
    /// What holds, in a few words each: `45 files`, `12 foreign keys`.
    pub looked: Vec<String>,
    /// Why the rows were not held against the profile, where that was asked for and is impossible.
    pub refused: Option<Error>,
}

/// A run of which the manifest is at hand: the whole, or one part of it.
pub(crate) struct Made {
    /// The name of its manifest.
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) manifest: Manifest,
    /// The part; `None` for the whole.
    pub(crate) part: Option<Part>,
}

impl Made {
    /// The files of a table.
    pub(crate) fn files<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a FileEntry> {
        self.manifest.files.iter().filter(move |file| file.table == table)
    }

    pub(crate) fn table(&self, name: &str) -> Option<&TableEntry> {
        self.manifest.tables.iter().find(|table| table.name == name)
    }
}

/// Looks at a folder.
///
/// # Errors
///
/// If the folder cannot be read. What is wrong with its content is no error but a finding.
pub fn verify(request: &Request) -> Result<Report> {
    let pool = pool(request.threads)?;
    let (findings, mut report) = (Findings::default(), Report::default());
    let made = folder::read(&request.folder, &findings, &mut report)?;
    pool.install(|| folder::hashes(&request.folder, &made, &findings, &mut report));
    envelope::check(&request.folder, &made, request.public_key.as_ref(), &findings, &mut report);
    if !request.quick && !made.is_empty() {
        let counts = pool.install(|| rows::check(&request.folder, &made, &findings, &mut report));
        pool.install(|| keys::check(request, &made, &counts, &findings, &mut report));
        replay::check(request, &pool, &made, &findings, &mut report);
    }
    (report.findings, report.more) = findings.into_parts();
    Ok(report)
}
