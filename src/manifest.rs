//! What a run made: inputs, fingerprint, files, counts, hashes. No time, no host, no user: equal runs, equal bytes.
//!
//! With the profile at hand a manifest is all that is needed to make the same rows again; without it, to read every file
//! and to know its types and keys. It is read as strictly as it is written: a text that is not byte for byte what
//! [`Manifest::to_json`] gives is no manifest.

mod columns;
mod protection;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use columns::{ColumnEntry, type_of as column_type};
pub use protection::{KeyEntry, ProtectedColumn, ProtectionEntry};

use crate::digest::{RowSum, hex, sha256};
use crate::engine::{FileEntry, Job};
use crate::error::{Error, Kind, Result};
use crate::part::Part;
use crate::plan::Plan;
use crate::protect::Protection;
use crate::rng::ENGINE;
use crate::sql::civil;

/// The engine fingerprint: what a change of values raises. The word lists of `fake` are part of it.
pub const FINGERPRINT: &str = concat!("placebo-1", "+fake-5.1.0");

/// The layout of the manifest itself.
const LAYOUT: u32 = 1;

/// What is true of every run: there is no generator that reads data of people.
const REAL_DATA: &str = "no real data was an input: every value follows from the profile, its data files and the seed";

/// The manifest of a run, as `manifest.json` has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The layout of this file.
    pub manifest: u32,
    /// The version of the program.
    pub placebo: String,
    /// The engine fingerprint.
    pub engine: String,
    /// SHA-256 over everything that values follow from.
    pub fingerprint: String,
    /// What was an input beside the profile: nothing.
    pub real_data: String,
    /// The profile's name; the names of several, joined by `-`.
    pub profile: String,
    /// SHA-256 over the profile's files.
    pub profile_sha256: String,
    /// The seed, unless it would tell what was encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// HMAC-SHA256 of the seed under a key derived from the data key: a small seed cannot be found from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed_commitment: Option<String>,
    /// The day on which the data set ends.
    pub as_of: String,
    /// Every parameter with its value.
    pub params: IndexMap<String, String>,
    /// The rows of every table whose number is chosen: of the whole, not of a part.
    pub rows: IndexMap<String, u64>,
    /// The data files that values come from.
    pub data: Vec<DataEntry>,
    /// The file format.
    pub format: String,
    /// The compression, for formats that have a choice.
    pub compression: Option<String>,
    /// Whether a `'` was written before formulas: `off` or `quote`.
    pub csv_guard: String,
    /// Which part of how many, such as `1/3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// What was done to personal data, where something was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<ProtectionEntry>,
    /// The tables that were asked for, with what this run made of them.
    pub tables: Vec<TableEntry>,
    /// The data, file by file.
    pub files: Vec<FileEntry>,
    /// The files that describe the data.
    pub beside: Vec<BesideEntry>,
}

/// A data file of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataEntry {
    /// Its name.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Where its content is from.
    pub source: String,
    /// Its licence.
    pub licence: String,
}

/// A table of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableEntry {
    /// Its name.
    pub name: String,
    /// Its rows, in all files of this run.
    pub rows: u64,
    /// The logical digest of these rows: the sum over the files.
    pub digest: String,
    /// Its columns, in the order of the files.
    pub columns: Vec<ColumnEntry>,
}

/// A file that describes the data, such as `schema.sql`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BesideEntry {
    /// Its path below the output folder.
    pub path: String,
    /// How many bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

impl Manifest {
    /// The manifest of a job's files, and of the texts beside them by their names.
    #[must_use]
    pub fn new(job: &Job<'_>, files: &[FileEntry], beside: &[(String, String)]) -> Self {
        let plan = job.plan;
        let data = plan.data.values().map(|data| DataEntry {
            file: data.name.clone(),
            sha256: data.digest.clone(),
            source: data.source.clone(),
            licence: data.licence.clone(),
        });
        let tables = job.tables.iter().map(|table| {
            let schema = job.protection.schema(plan, *table);
            let table = &plan.tables[*table];
            let sum = sum_of(files.iter().filter(|file| file.table == table.name));
            TableEntry {
                name: table.name.clone(),
                rows: sum.rows,
                digest: sum.hex(),
                columns: schema.fields().iter().map(|field| ColumnEntry::new(field)).collect(),
            }
        });
        let compression = job.options.compression.as_deref().or(job.format.compressions.first().copied());
        let commitment = job.protection.commitment(&plan.seed);
        let dense = plan.tables.iter().filter(|table| table.dense());
        Self {
            manifest: LAYOUT,
            placebo: env!("CARGO_PKG_VERSION").to_owned(),
            engine: FINGERPRINT.to_owned(),
            fingerprint: shown_fingerprint(plan, &job.protection),
            real_data: REAL_DATA.to_owned(),
            profile: plan.name.clone(),
            profile_sha256: plan.digest.clone(),
            seed: commitment.is_none().then(|| plan.seed.clone()),
            seed_commitment: commitment,
            as_of: civil::date_text(plan.as_of),
            params: plan.params.clone(),
            rows: dense.map(|table| (table.name.clone(), table.rows)).collect(),
            data: data.collect(),
            format: job.format.name.to_owned(),
            compression: compression.map(str::to_owned),
            csv_guard: if job.options.guard { "quote" } else { "off" }.to_owned(),
            part: job.part,
            protection: ProtectionEntry::new(plan, &job.protection),
            tables: tables.collect(),
            files: files.to_vec(),
            beside: beside
                .iter()
                .map(|(path, text)| BesideEntry {
                    path: path.clone(),
                    bytes: text.len() as u64,
                    sha256: sha256(text.as_bytes()),
                })
                .collect(),
        }
    }

    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// If the text is not exactly what [`Manifest::to_json`] writes.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |what: String| Error::new(Kind::Verification, format!("the manifest {what}"));
        let read: Self = serde_json::from_str(text).map_err(|error| {
            wrong(format!("cannot be read: {error}")).hint("another version of placebo may have written it")
        })?;
        if read.manifest != LAYOUT || read.to_json() != text {
            return Err(wrong("is not in the form that placebo writes".to_owned()).hint("it was changed afterwards"));
        }
        Ok(read)
    }

    /// The manifest as pretty JSON with a final newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).map(|text| text + "\n").unwrap_or_default()
    }
}

/// The logical digest of the rows of several files together.
pub fn sum_of<'a>(files: impl Iterator<Item = &'a FileEntry>) -> RowSum {
    let sums = files.filter_map(|file| RowSum::parse(file.rows, &file.digest));
    sums.fold(RowSum::default(), |mut all, sum| {
        all.merge(&sum);
        all
    })
}

/// The fingerprint as it may be shown: where the seed must not be found by trying, under the same key as its commitment.
#[must_use]
pub fn shown_fingerprint(plan: &Plan, protection: &Protection) -> String {
    let plain = fingerprint(plan);
    protection.commitment(&plain).unwrap_or(plain)
}

/// SHA-256 over everything that values follow from: engine, profile, data files, seed, date, parameters, rows.
#[must_use]
pub fn fingerprint(plan: &Plan) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    debug_assert!(FINGERPRINT.starts_with(ENGINE));
    add(FINGERPRINT);
    add(&plan.digest);
    add(&plan.seed);
    add(&plan.as_of.to_string());
    plan.data.values().for_each(|data| add(&data.digest));
    plan.params.iter().for_each(|(name, value)| {
        add(name);
        add(value);
    });
    plan.tables.iter().for_each(|table| add(&table.rows.to_string()));
    hex(&hash.finalize())
}
