//! The manifest of existing files that were protected: there is no profile and no seed, so that nothing can be made again.

use arrow_schema::SchemaRef;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{BesideEntry, ColumnEntry, FormatSettings, LAYOUT, Manifest, TableEntry, sum_of};
use crate::dataset::FINGERPRINT;
use crate::digest::sha256;
use crate::folder::{FileEntry, Sidecar};
use crate::format::{Format, Options};
use crate::protect::ProtectionEntry;

/// A statement that is true of existing files.
const REAL_DATA: &str =
    "real data was an input: the rows are those of existing files, with the columns as `existing` says";

/// The files that were read, and what became of their columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExistingEntry {
    /// The files, in the order of the tables.
    pub files: Vec<ExistingFile>,
    /// Every column of them, in order.
    pub columns: Vec<ExistingColumn>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExistingFile {
    /// The table.
    pub table: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// HMAC-SHA256 of its hash under a key derived from the data key; none where no key was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commitment: Option<String>,
}

/// The outcome of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExistingColumn {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The handling with its domain; `generated`, or `drop`.
    pub handling: String,
    /// The origin of the outcome: `rule`, `key` or `--keep`.
    pub by: String,
}

impl Manifest {
    /// The manifest of protected files: the name of the data set, the hash of the rules and the day on which ages end; the format; the
    /// files with their schemas, and what is beside them.
    pub(crate) fn of_existing(
        (data_set, rules, as_of): (&str, &str, &str),
        (format, options): (&'static Format, &Options),
        (files, schemas, beside): (&[FileEntry], &[SchemaRef], &[Sidecar]),
        protection: Option<ProtectionEntry>,
        existing: ExistingEntry,
    ) -> Self {
        let FormatSettings { compression, csv_guard, others } = FormatSettings::new(format, options);
        let table = |(file, schema): (&FileEntry, &SchemaRef)| {
            let sum = sum_of([file].into_iter());
            TableEntry {
                name: file.table.clone(),
                rows: sum.rows,
                digest: sum.hex(),
                clean: None,
                columns: schema.fields().iter().map(|field| ColumnEntry::new(field)).collect(),
            }
        };
        let digests: Vec<&str> = files.iter().map(|file| file.digest.as_str()).collect();
        let beside = beside.iter().map(|file| BesideEntry {
            path: file.name.clone(),
            bytes: file.text.len() as u64,
            sha256: sha256(file.text.as_bytes()),
        });
        Self {
            manifest: LAYOUT,
            placebo: env!("CARGO_PKG_VERSION").to_owned(),
            engine: FINGERPRINT.to_owned(),
            fingerprint: sha256(format!("{rules}\n{}", digests.join("\n")).as_bytes()),
            real_data: REAL_DATA.to_owned(),
            profile: data_set.to_owned(),
            profile_sha256: rules.to_owned(),
            messages: Vec::new(),
            messages_only: None,
            seed: None,
            seed_commitment: None,
            as_of: as_of.to_owned(),
            params: IndexMap::new(),
            rows: IndexMap::new(),
            data: Vec::new(),
            format: format.name.to_owned(),
            compression,
            csv_guard,
            settings: others,
            part: None,
            only: None,
            faults: Vec::new(),
            protection,
            existing: Some(existing),
            tables: files.iter().zip(schemas).map(table).collect(),
            files: files.to_vec(),
            beside: beside.collect::<Vec<_>>(),
        }
    }
}
