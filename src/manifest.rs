//! What a run made: inputs, fingerprint, files, counts, hashes. No time, no host, no user: equal runs, equal bytes.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::engine::FileEntry;
use crate::plan::Plan;
use crate::plan::sql::civil;
use crate::rng::ENGINE;

/// The engine fingerprint: what a change of values raises. The word lists of `fake` are part of it.
pub const FINGERPRINT: &str = concat!("placebo-1", "+fake-5.1.0");

/// The manifest of a run, as `manifest.json` has it.
#[derive(Serialize)]
pub struct Manifest<'a> {
    placebo: &'a str,
    engine: &'a str,
    fingerprint: String,
    profile: &'a str,
    profile_sha256: &'a str,
    seed: &'a str,
    as_of: String,
    params: &'a indexmap::IndexMap<String, String>,
    rows: indexmap::IndexMap<&'a str, u64>,
    data: Vec<DataEntry<'a>>,
    format: &'a str,
    compression: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<String>,
    files: &'a [FileEntry],
}

#[derive(Serialize)]
struct DataEntry<'a> {
    file: &'a str,
    sha256: &'a str,
    source: &'a str,
    licence: &'a str,
}

impl<'a> Manifest<'a> {
    /// The manifest of a plan's files.
    #[must_use]
    pub fn new(
        plan: &'a Plan,
        format: &'a str,
        compression: Option<&'a str>,
        part: Option<(u64, u64)>,
        files: &'a [FileEntry],
    ) -> Self {
        let data = plan.data.values().map(|data| DataEntry {
            file: &data.name,
            sha256: &data.digest,
            source: &data.source,
            licence: &data.licence,
        });
        Self {
            placebo: env!("CARGO_PKG_VERSION"),
            engine: FINGERPRINT,
            fingerprint: fingerprint(plan),
            profile: &plan.name,
            profile_sha256: &plan.digest,
            seed: &plan.seed,
            as_of: civil::date_text(plan.as_of),
            params: &plan.params,
            rows: plan.tables.iter().filter(|t| t.parent.is_none()).map(|t| (t.name.as_str(), t.rows)).collect(),
            data: data.collect(),
            format,
            compression,
            part: part.map(|(i, n)| format!("{i}/{n}")),
            files,
        }
    }

    /// The manifest as pretty JSON with a final newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).map(|text| text + "\n").unwrap_or_default()
    }
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
