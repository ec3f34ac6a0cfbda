//! Checks whether a folder still holds what a run wrote: from the hashes of its files to the values in them.
//!
//! Four questions, each of which stands by itself, so that the answer to one is of use where another cannot be asked:
//! are these the files (`folder`), are these their rows (`rows`), do the keys hold (`keys`), and do the rows follow
//! from the profile and keep its rules (`replay`)? Nothing is written, nothing outside of the folder is read, and memory
//! does not grow with the data.

mod again;
pub mod database;
mod described;
mod faulty;
mod finding;
mod folder;
mod keys;
mod replay;
mod rows;
mod sealed;
mod signature;

use std::path::{Path, PathBuf};

pub use again::Given;
pub(crate) use again::{compiled, data_set, made_again};
pub use finding::{Finding, Findings};
pub use replay::Sample;

pub use crate::folder::envelope::PublicKey;

use crate::error::{Error, Result};
use crate::folder::manifest::StoredManifest;
use crate::order::pool;
use crate::plan::Memory;
use crate::protect::keyring::Keys;

/// A request to verify a folder.
pub struct Request {
    /// The folder that a run wrote.
    pub folder: PathBuf,
    /// Files and hashes alone.
    pub quick: bool,
    /// Which chunks are derived again and compared cell by cell.
    pub sample: Sample,
    /// The profile, where it is not inside the program.
    pub profile: Option<String>,
    /// The templates of messages that are not inside the program, by path.
    pub templates: Vec<String>,
    /// The files of faults of the user's own, by path.
    pub faults: Vec<String>,
    /// The keys of a run that protects personal data.
    pub keys: Option<Keys>,
    /// The seed of a run whose manifest hides it.
    pub seed: Option<String>,
    /// True if parts of a signed run may be missing.
    pub allow_missing_parts: bool,
    /// The key that must have signed the manifest.
    pub public_key: Option<PublicKey>,
    /// Worker threads.
    pub threads: usize,
    /// The most bytes of memory, of which keys take a quarter at a time.
    pub memory: u64,
    /// True if findings may show values.
    pub show_values: bool,
}

impl Request {
    /// The inputs that manifests do not tell.
    pub(crate) fn given(&self) -> Given<'_> {
        Given {
            profile: self.profile.as_deref(),
            templates: &self.templates,
            faults: &self.faults,
            keys: self.keys.as_ref(),
            seed: self.seed.as_deref(),
            memory: Memory { bytes: self.memory, threads: self.threads },
        }
    }
}

/// The result of a verification: findings, notes, and the things that were checked.
#[derive(Debug, Default)]
pub struct Report {
    /// The findings, in order.
    pub findings: Vec<Finding>,
    /// How many more there are than `findings` has.
    pub more: u64,
    /// Things that could not be checked, each with its reason.
    pub notes: Vec<String>,
    /// Things that hold, in a few words each: `45 files`, `12 foreign keys`.
    pub looked: Vec<String>,
    /// True if rows were held against the profile.
    pub derived: bool,
    /// Why the rows were not held against the profile, where that was asked for and is impossible.
    pub refused: Option<Error>,
}

/// The manifests of a folder, and what is wrong with its files.
#[derive(Debug)]
pub struct Files {
    /// The manifests that could be read: one, or one for each part.
    pub manifests: Vec<StoredManifest>,
    /// The findings, in order.
    pub findings: Vec<Finding>,
}

/// Looks at the files of a folder alone: which there are, and their hashes.
///
/// # Errors
///
/// If the folder cannot be read.
pub fn files(folder: &Path) -> Result<Files> {
    let (findings, mut report) = (Findings::default(), Report::default());
    let manifests = folder::read(folder, &findings, &mut report)?;
    folder::hashes(folder, &manifests, &findings, &mut report);
    Ok(Files { manifests, findings: findings.into_parts().0 })
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
    signature::check(request, &made, &findings, &mut report);
    if !request.quick && !made.is_empty() {
        let counts = pool.install(|| rows::check(&request.folder, &made, &findings, &mut report));
        // Which rows break keys on purpose is known once they are derived.
        let explained = faulty::Explained::default();
        let mut replayed = Report::default();
        replay::check(request, &pool, &made, (&findings, &explained), &mut replayed);
        // Without them, a key that a fault breaks cannot be told from another.
        let faulty = made.iter().any(|one| !one.manifest.faults.is_empty());
        if faulty && !replayed.derived {
            report
                .notes
                .push("some rows break keys on purpose, and which is not known: keys were not looked at".to_owned());
        } else {
            pool.install(|| keys::check(request, &made, &counts, (&findings, &explained), &mut report));
        }
        report.notes.append(&mut replayed.notes);
        report.looked.append(&mut replayed.looked);
        report.refused = replayed.refused;
    }
    (report.findings, report.more) = findings.into_parts();
    Ok(report)
}
