//! The protection of a data set as its manifest has it: handlings, scopes and key ids, without the keys.

use arrow_schema::Schema;
use serde::{Deserialize, Serialize};

use super::{Handling, Protection, handling};
use crate::notes::Noted;
use crate::plan::Plan;
use crate::type_names::type_name;

/// The protection of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProtectionEntry {
    /// How cells are sealed.
    pub format: String,
    /// The data set's name that cells are bound to.
    pub data_set: String,
    /// True if encrypted values are secret; false with a test key, and with a seed that is disclosed or short.
    pub confidential: bool,
    /// The key, where one was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyEntry>,
    /// `synthetic`, or `random: equal runs differ`.
    pub nonce: String,
    /// Plaintexts are padded to a multiple of so many bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pad: Option<usize>,
    /// True if nulls are encrypted too.
    pub encrypt_nulls: bool,
    /// The columns that are not clear.
    pub columns: Vec<ProtectedColumn>,
    /// The chains of hashes that run over cells as they are written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chains: Vec<ChainEntry>,
}

/// A chain of hashes over cells as they are written: each hash is SHA-256, in hex, of the one before (64 zeros for the
/// first of a parent's rows) and the texts of the cells in `over`, empty where null, with `|` between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainEntry {
    /// The table.
    pub table: String,
    /// The column that has the hashes.
    pub column: String,
    /// The columns whose cells are hashed, in order.
    pub over: Vec<String>,
}

/// A data key, without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// Eight bytes that tell a wrong key from a changed cell.
    pub check_value: String,
    /// The key, wrapped with another one (RFC 3394).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrapped: Option<String>,
    /// `test-only` for a key that anyone can make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_source: Option<String>,
    /// The key under which seed and fingerprint were committed to, where the data was encrypted anew since: tokens and hashes
    /// are of that key too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_by: Option<String>,
}

/// A column that is not clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProtectedColumn {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The handling.
    pub handling: String,
    /// In which domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The scope of its keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The key id that stands in its cells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// The columns whose texts a cell is bound to; without one it is the row's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_to: Option<Vec<String>>,
    /// The type before, as the columns of `tables` have it.
    pub r#type: String,
}

impl ProtectedColumn {
    /// Tells whether its cells are ciphertext, which its key opens.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        handling(&self.handling).is_ok_and(Handling::seals)
    }
}

impl Protection {
    /// The chains of hashes that run over cells as they are written.
    fn chains(&self, plan: &Plan) -> Vec<ChainEntry> {
        let entries = self.tables.iter().zip(&plan.tables).flat_map(|(table, known)| {
            table.chains.iter().map(|linked| {
                let (column, over) = linked.names(plan);
                ChainEntry { table: known.name.clone(), column, over }
            })
        });
        entries.collect()
    }
}

impl ProtectionEntry {
    /// The entry of a protection; `None` if no column is protected.
    #[must_use]
    pub fn new(plan: &Plan, protection: &Protection) -> Option<Self> {
        let tables: Vec<(&str, &Schema)> =
            plan.tables.iter().map(|table| (table.name.as_str(), table.schema.as_ref())).collect();
        let confidential = protection.confidential(&plan.seed);
        Some(Self { chains: protection.chains(plan), ..Self::of(&tables, confidential, protection)? })
    }

    /// As [`ProtectionEntry::new`], for tables that no plan describes, with their schemas before protection; `confidential` says that nobody
    /// without the key can tell what is encrypted.
    #[must_use]
    pub fn of(tables: &[(&str, &Schema)], confidential: bool, protection: &Protection) -> Option<Self> {
        if protection.is_none() {
            return None;
        }
        let columns = protection.decisions.iter().filter_map(|decision| {
            let (_, schema) = tables.iter().find(|(table, _)| *table == decision.table)?;
            let field = schema.field_with_name(&decision.column).ok()?;
            let scope = protection.scopes.get(&(decision.table.clone(), decision.column.clone()));
            let keys = schema.fields().iter().filter(|field| field.is_primary_key());
            let bound = scope.is_some_and(|keys| !keys.scope.starts_with('@'));
            Some(ProtectedColumn {
                table: decision.table.clone(),
                column: decision.column.clone(),
                handling: decision.handling.name.to_owned(),
                domain: decision.domain.clone(),
                scope: scope.map(|keys| keys.scope.clone()),
                key_id: scope.map(|keys| keys.key_id.clone()),
                bound_to: bound.then(|| keys.map(|field| field.name().clone()).collect()),
                r#type: type_name(field.data_type()),
            })
        });
        let settings = &protection.settings;
        let key = protection.key.as_ref().filter(|_| protection.commit.is_some());
        Some(Self {
            format: "fe1".to_owned(),
            data_set: settings.data_set.clone(),
            confidential,
            key: key.map(|key| KeyEntry {
                check_value: key.check_value.clone(),
                wrapped: key.wrapped.clone(),
                key_source: key.test_only.then(|| "test-only".to_owned()),
                committed_by: None,
            }),
            nonce: if settings.random_nonce { "random: equal runs differ" } else { "synthetic" }.to_owned(),
            pad: settings.pad,
            encrypt_nulls: settings.encrypt_nulls,
            columns: columns.collect(),
            chains: Vec::new(),
        })
    }
}
