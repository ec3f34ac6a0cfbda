//! What a run made: inputs, fingerprint, files, counts, hashes. No time, no host, no user: equal runs, equal bytes.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::engine::FileEntry;
use crate::plan::Plan;
use crate::plan::sql::{civil, types};
use crate::protect::Protection;
use crate::rng::ENGINE;
use crate::sink;

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
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<&'a str>,
    /// HMAC-SHA256 of the seed under a key derived from the data key: a small seed cannot be found from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed_commitment: Option<String>,
    as_of: String,
    params: &'a indexmap::IndexMap<String, String>,
    rows: indexmap::IndexMap<&'a str, u64>,
    data: Vec<DataEntry<'a>>,
    format: &'a str,
    compression: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protection: Option<ProtectionEntry<'a>>,
    files: &'a [FileEntry],
}

/// What was done to personal data, and with which key: all that a reader needs but the key.
#[derive(Serialize)]
struct ProtectionEntry<'a> {
    format: &'a str,
    data_set: &'a str,
    confidential: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<KeyEntry<'a>>,
    nonce: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pad: Option<usize>,
    encrypt_nulls: bool,
    columns: Vec<ProtectedColumn<'a>>,
}

#[derive(Serialize)]
struct KeyEntry<'a> {
    check_value: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrapped: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_source: Option<&'a str>,
}

#[derive(Serialize)]
struct ProtectedColumn<'a> {
    table: &'a str,
    column: &'a str,
    handling: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<&'a str>,
    /// The columns whose texts a cell is bound to; without one it is the row's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_to: Option<Vec<&'a str>>,
    /// The type before, as SQL has it.
    r#type: String,
}

impl<'a> ProtectionEntry<'a> {
    fn new(plan: &'a Plan, protection: &'a Protection) -> Self {
        let columns = protection.decisions.iter().filter_map(|decision| {
            let table = plan.tables.iter().find(|table| table.name == decision.table)?;
            let field = table.schema.field_with_name(&decision.column).ok()?;
            let scope = protection.scopes.get(&(decision.table.clone(), decision.column.clone()));
            let keys = table.schema.fields().iter().filter(|field| field.metadata().contains_key(sink::KEY));
            let bound = scope.is_some_and(|(scope, _)| !scope.starts_with('@'));
            Some(ProtectedColumn {
                table: &decision.table,
                column: &decision.column,
                handling: decision.handling,
                domain: decision.domain.as_deref(),
                scope: scope.map(|(scope, _)| scope.as_str()),
                key_id: scope.map(|(_, kid)| kid.as_str()),
                bound_to: bound.then(|| keys.map(|field| field.name().as_str()).collect()),
                r#type: types::name(field.data_type()),
            })
        });
        let settings = &protection.settings;
        Self {
            format: "fe1",
            data_set: &settings.data_set,
            confidential: protection.confidential(&plan.seed),
            key: protection.commit.as_ref().and(protection.key.as_ref()).map(|(id, wrapped, test_only)| KeyEntry {
                check_value: id,
                wrapped: wrapped.as_deref(),
                key_source: test_only.then_some("test-only"),
            }),
            nonce: if settings.random_nonce { "random: equal runs differ" } else { "synthetic" },
            pad: settings.pad,
            encrypt_nulls: settings.encrypt_nulls,
            columns: columns.collect(),
        }
    }
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
        protection: &'a Protection,
        files: &'a [FileEntry],
    ) -> Self {
        let commitment = protection.commitment(&plan.seed);
        let data = plan.data.values().map(|data| DataEntry {
            file: &data.name,
            sha256: &data.digest,
            source: &data.source,
            licence: &data.licence,
        });
        Self {
            placebo: env!("CARGO_PKG_VERSION"),
            engine: FINGERPRINT,
            fingerprint: shown_fingerprint(plan, protection),
            profile: &plan.name,
            profile_sha256: &plan.digest,
            seed: commitment.is_none().then_some(&plan.seed),
            seed_commitment: commitment,
            as_of: civil::date_text(plan.as_of),
            params: &plan.params,
            rows: plan.tables.iter().filter(|t| t.parent.is_none()).map(|t| (t.name.as_str(), t.rows)).collect(),
            data: data.collect(),
            format,
            compression,
            part: part.map(|(i, n)| format!("{i}/{n}")),
            protection: (!protection.is_none()).then(|| ProtectionEntry::new(plan, protection)),
            files,
        }
    }

    /// The manifest as pretty JSON with a final newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).map(|text| text + "\n").unwrap_or_default()
    }
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
