//! The protection of a run, made again from its manifest, its key and its seed, so that derived rows can be protected as the
//! written ones were.

use arrow_array::RecordBatch;

use super::Request;
use crate::dataset::DataSet;
use crate::error::{Error, Kind, Result};
use crate::folder::manifest::{Manifest, StoredManifest};
use crate::format;
use crate::notes::Noted;
use crate::plan::{Chunk, Plan};
use crate::protect::keyring::Keys;
use crate::protect::{Decision, ProtectedColumn, Protection, ProtectionEntry, Settings, handling};

/// Why the rows of a protected run cannot be derived again with what was given; `None` where they can.
pub(super) fn missing(request: &Request, made: &StoredManifest) -> Option<String> {
    let entry = made.manifest.protection.as_ref()?;
    let what = if entry.key.is_some() && request.keys.is_none() {
        "no key is given (--keyring, --key-source)"
    } else if made.manifest.seed.is_none() && request.seed.is_none() {
        "the seed is hidden, and none is given (--seed)"
    } else if entry.key.as_ref().is_some_and(|key| key.committed_by.is_some())
        && entry.columns.iter().any(|column| column.key_id.is_none() && keyed(&column.handling))
    {
        "cells are of another key than tokens and hashes"
    } else {
        return None;
    };
    Some(format!("columns are protected, and {what}: no row was derived again, no check was run"))
}

fn keyed(name: &str) -> bool {
    handling(name).is_ok_and(|handling| handling.keyed)
}

/// The protection that the manifest describes, of a plan that is the run's.
pub(super) fn protection(plan: &Plan, manifest: &Manifest, keys: Option<&Keys>) -> Result<Protection> {
    // A database is not a format of files: it has encrypted cells as text.
    let binary = format::find(&manifest.format).is_ok_and(|format| format.binary);
    let Some(entry) = &manifest.protection else {
        return Ok(Protection::none(Settings { binary, ..Settings::default() }));
    };
    let settings = Settings {
        data_set: entry.data_set.clone(),
        pad: entry.pad,
        encrypt_nulls: entry.encrypt_nulls,
        random_nonce: random(entry),
        disclose_seed: manifest.seed.is_some(),
        binary,
    };
    // The key of the run may be a retired one by now.
    let of = |id: &str, keys: &Keys| -> Result<Keys> {
        Ok(Keys {
            active: keys.find(id)?.clone(),
            id: id.to_owned(),
            wrapped: None,
            test_only: keys.test_only,
            retired: Vec::new(),
            shredded: Vec::new(),
        })
    };
    let own = match (&entry.key, keys) {
        (Some(key), Some(keys)) => Some(of(&key.check_value, keys)?),
        _ => None,
    };
    let mut all = Protection::new(plan, decisions(plan, entry)?, own.as_ref(), settings)?;
    if let (Some(key), Some(keys)) = (entry.key.as_ref().and_then(|key| key.committed_by.as_ref()), keys) {
        all.commit = Some(keys.find(key)?.subkey("fe1/seed"));
    }
    let columns = ProtectionEntry::new(plan, &all).map(|entry| entry.columns);
    if columns.as_ref() != Some(&entry.columns) {
        return Err(Error::new(Kind::Verification, "the manifest has a protection that the profile cannot have"));
    }
    Ok(all)
}

/// Tells whether equal values have different cells in each run.
pub(super) fn random(entry: &ProtectionEntry) -> bool {
    entry.nonce != "synthetic"
}

fn decisions(plan: &Plan, entry: &ProtectionEntry) -> Result<Vec<Decision>> {
    let decision = |column: &ProtectedColumn| {
        let known = plan.known(plan.table(&column.table)?, &column.column);
        Ok(Decision {
            table: column.table.clone(),
            column: column.column.clone(),
            kind: known.as_ref().and_then(|known| known.kind),
            class: known.map(|known| known.class).unwrap_or_default(),
            handling: handling(&column.handling)?,
            domain: column.domain.clone(),
            by: "profile",
        })
    };
    entry.columns.iter().map(decision).collect()
}

/// The places of a table's columns that are written in the clear, and do not follow from protected cells.
pub(super) fn clear_places(set: &DataSet, table: usize) -> Vec<usize> {
    let schema = set.protection().schema(set.plan(), table);
    let late = set.protection().late(table);
    (0..schema.fields().len()).filter(|at| !schema.field(*at).is_protected() && !late.contains(at)).collect()
}

/// The rows of a table in the clear: what was read where it is clear, and what the profile makes where it is protected, or
/// follows from protected cells.
pub(super) fn bare(chunk: &mut Chunk<'_>, set: &DataSet, table: usize, read: &RecordBatch) -> Result<RecordBatch> {
    let clear = clear_places(set, table);
    if clear.len() == read.num_columns() {
        return Ok(read.clone());
    }
    let derived = chunk.batch(table)?;
    let columns =
        (0..derived.num_columns()).map(|at| if clear.contains(&at) { read.column(at) } else { derived.column(at) });
    Ok(RecordBatch::try_new(derived.schema(), columns.cloned().collect())?)
}
