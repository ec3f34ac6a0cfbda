//! The manifest of a run: inputs, fingerprint, files, counts, hashes. It has no time, host or user, so equal runs have equal manifests.
//!
//! With the profile at hand a manifest is all that is needed to make the same rows again; without it, to read every file
//! and to know its types and keys. It is read as strictly as it is written: a text that is not byte for byte what
//! [`Manifest::to_json`] gives is no manifest.

mod columns;
mod existing;
mod read;
mod settings;

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use columns::ColumnEntry;
pub use existing::{ExistingColumn, ExistingEntry, ExistingFile};
pub use read::{StoredManifest, is_name, read, read_all, read_text};
pub(crate) use settings::FormatSettings;

use super::CleanRows;
use super::FileEntry;
use super::names::answers_names;
use super::sidecars::Sidecar;
use crate::dataset::{DataSet, FINGERPRINT, Only};
use crate::digest::{RowSum, sha256};
use crate::error::{Error, Kind, Result};
use crate::fault::Faults;
use crate::format::{Format, Options};
use crate::part::Part;
use crate::plan::fault::Fault;
use crate::protect::ProtectionEntry;
use crate::sql::civil;

/// The layout of the manifest itself.
const LAYOUT: u32 = 1;

/// A statement that is true of every run: no generator reads data of people.
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
    /// A statement that no real data was an input.
    pub real_data: String,
    /// The profile's name; the names of several, joined by `-`.
    pub profile: String,
    /// SHA-256 over the profile's files.
    pub profile_sha256: String,
    /// The templates whose messages are tables, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
    /// The further condition on the rows that have a message, in SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages_only: Option<String>,
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
    /// `quote` if a `'` was written before formulas, else `off`.
    pub csv_guard: String,
    /// Every other setting of the format whose value is not the default, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// The part of the run, such as `1/3`; none for the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// The row that was chosen out of the whole, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Only>,
    /// The faults that were made on purpose, each with its count or rate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultEntry>,
    /// The protection of personal data, if there is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<ProtectionEntry>,
    /// The existing files that the rows are of, where they were not generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<ExistingEntry>,
    /// The tables that were asked for, with what this run made of them.
    pub tables: Vec<TableEntry>,
    /// The data, file by file.
    pub files: Vec<FileEntry>,
    /// The files that describe the data.
    pub beside: Vec<BesideEntry>,
}

/// A fault of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultEntry {
    /// Its name.
    pub name: String,
    /// The count of cases in the whole data set, such as `5`, or their rate, such as `0.001`.
    pub asked: String,
    /// SHA-256 of what the profile says of it.
    pub sha256: String,
}

/// A data file of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataEntry {
    /// Its name.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// The source of its content.
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
    /// The rows as they are without faults, where the run may have made some here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clean: Option<CleanRows>,
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
    /// The manifest of the files of a folder, and of the sidecars beside them.
    pub(crate) fn new(
        (format, options): (&'static Format, &Options),
        set: &DataSet,
        files: &[FileEntry],
        sidecars: &[Sidecar],
    ) -> Self {
        let settings = FormatSettings::new(format, options);
        let sum = |table: &str| {
            let own = || files.iter().filter(|file| file.table == table);
            (sum_of(own()), clean_of(own()))
        };
        Self {
            files: files.to_vec(),
            beside: sidecars
                .iter()
                .map(|file| BesideEntry {
                    path: file.name.clone(),
                    bytes: file.text.len() as u64,
                    sha256: sha256(file.text.as_bytes()),
                })
                .collect(),
            ..Self::without_files(format.name, settings, set, sum)
        }
    }

    /// The manifest of a target that holds tables and no files, such as a database; `sum` gives the rows of a table.
    pub(crate) fn without_files(
        format: &str,
        settings: FormatSettings,
        set: &DataSet,
        sum: impl Fn(&str) -> (RowSum, Option<CleanRows>),
    ) -> Self {
        let (plan, protection) = (set.plan(), set.protection());
        let data = plan.data.values().map(|data| DataEntry {
            file: data.name.clone(),
            sha256: data.digest.clone(),
            source: data.source.clone(),
            licence: data.licence.clone(),
        });
        let tables = set.outputs().iter().map(|output| {
            let (sum, clean) = sum(&output.name);
            TableEntry {
                name: output.name.clone(),
                rows: sum.rows,
                digest: sum.hex(),
                clean,
                columns: output.schema.fields().iter().map(|field| ColumnEntry::new(field)).collect(),
            }
        });
        let FormatSettings { compression, csv_guard, others } = settings;
        let commitment = protection.commitment(&plan.seed);
        let dense = plan.tables.iter().filter(|table| table.dense());
        Self {
            manifest: LAYOUT,
            placebo: env!("CARGO_PKG_VERSION").to_owned(),
            engine: FINGERPRINT.to_owned(),
            fingerprint: set.shown_fingerprint(),
            real_data: REAL_DATA.to_owned(),
            profile: plan.name.clone(),
            profile_sha256: plan.digest.clone(),
            messages: plan.messages.clone(),
            messages_only: plan.messages_only.clone(),
            seed: commitment.is_none().then(|| plan.seed.clone()),
            seed_commitment: commitment,
            as_of: civil::date_text(plan.as_of),
            params: plan.params.clone(),
            rows: dense.map(|table| (table.name.clone(), table.rows)).collect(),
            data: data.collect(),
            format: format.to_owned(),
            compression,
            csv_guard,
            settings: others,
            part: set.this_part(),
            only: set.selection().map(|selection| selection.only().clone()),
            faults: set.faults().into_iter().flat_map(Faults::faults).map(FaultEntry::new).collect(),
            protection: ProtectionEntry::new(plan, protection),
            existing: None,
            tables: tables.collect(),
            files: Vec::new(),
            beside: Vec::new(),
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

    /// The manifest without what differs between the parts of one run.
    #[must_use]
    pub fn of_any_part(&self) -> Self {
        let mut all = self.clone();
        (all.part, all.files) = (self.part.and_then(|part| Part::new(1, part.count())), Vec::new());
        all.beside.retain(|file| !answers_names(self.part).contains(&file.path));
        for table in &mut all.tables {
            (table.rows, table.digest, table.clean) = (0, String::new(), None);
        }
        all
    }

    /// The name of the first field in which two manifests differ; `None` for equal ones.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        let fields = |manifest: &Self| match serde_json::to_value(manifest) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let (own, other) = (fields(self), fields(other));
        own.keys().chain(other.keys()).find(|name| own.get(*name) != other.get(*name)).cloned()
    }

    /// The manifest as pretty JSON with a final newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).map(|text| text + "\n").unwrap_or_default()
    }
}

impl FaultEntry {
    fn new(fault: &Fault) -> Self {
        Self { name: fault.name.clone(), asked: fault.amount.to_string(), sha256: fault.digest.clone() }
    }
}

/// The rows of several files without faults; `None` where none of them has any.
fn clean_of<'a>(files: impl Iterator<Item = &'a FileEntry>) -> Option<CleanRows> {
    let sums = files.filter_map(|file| file.clean.as_ref().and_then(CleanRows::sum));
    let all = sums.reduce(|mut all, sum| {
        all.merge(&sum);
        all
    });
    all.as_ref().map(CleanRows::new)
}

/// The logical digest of the rows of several files together.
pub fn sum_of<'a>(files: impl Iterator<Item = &'a FileEntry>) -> RowSum {
    let sums = files.filter_map(|file| RowSum::parse(file.rows, &file.digest));
    sums.fold(RowSum::default(), |mut all, sum| {
        all.merge(&sum);
        all
    })
}
