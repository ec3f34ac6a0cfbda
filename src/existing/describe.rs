//! The files beside the protected ones: schema, data package, report, hashes, and the manifest last of all.

use std::path::Path;

use arrow_schema::Schema;

use super::report::{Told, to_csv};
use super::{RulesOf, Work};
use crate::digest::sha256;
use crate::disk::{Disk, write_whole};
use crate::error::Result;
use crate::folder::manifest::{ExistingColumn, ExistingEntry, ExistingFile, Manifest};
use crate::folder::{FileEntry, REPORT, SIDECARS, Sidecar, manifest_name, sums_name};
use crate::format::write::datapackage::{TableFile, datapackage};
use crate::format::write::ddl::schema_sql;
use crate::protect::ProtectionEntry;

/// The names of these files.
pub(super) fn names() -> impl Iterator<Item = String> {
    SIDECARS.into_iter().map(str::to_owned).chain([REPORT.to_owned(), sums_name(None), manifest_name(None)])
}

/// Writes what describes the files.
pub(super) fn describe(
    disk: &dyn Disk,
    out: &Path,
    work: &Work<'_>,
    rules: &RulesOf,
    (files, told): (&[FileEntry], &[Told]),
) -> Result<()> {
    let table = |(at, file): (usize, &FileEntry)| TableFile {
        name: file.table.clone(),
        about: String::new(),
        schema: work.schema(at),
        checks: Vec::new(),
        paths: vec![file.path.clone()],
        format: work.format.name,
    };
    let tables: Vec<TableFile> = files.iter().enumerate().map(table).collect();
    let texts = [
        datapackage(&rules.data_set, "Rows of existing files, protected", &tables, &work.options),
        schema_sql(&tables),
    ];
    let mut all: Vec<Sidecar> =
        SIDECARS.iter().zip(texts).map(|(name, text)| Sidecar { name: (*name).to_owned(), text }).collect();
    all.push(Sidecar { name: REPORT.to_owned(), text: to_csv(told) });
    let manifest = manifest(work, rules, (files, told), &all).to_json();
    let mut sums: Vec<String> = files.iter().map(|file| format!("{}  {}", file.sha256, file.path)).collect();
    sums.extend(all.iter().map(|file| format!("{}  {}", sha256(file.text.as_bytes()), file.name)));
    sums.push(format!("{}  {}", sha256(manifest.as_bytes()), manifest_name(None)));
    all.push(Sidecar { name: sums_name(None), text: sums.join("\n") + "\n" });
    all.push(Sidecar { name: manifest_name(None), text: manifest });
    for Sidecar { name, text } in all {
        let path = out.join(name);
        write_whole(disk, &path, &path, &text)?;
    }
    Ok(())
}

/// The manifest. What was in the files is committed to under the key, because the hash of a small file could be found by trying.
fn manifest(work: &Work<'_>, rules: &RulesOf, (files, told): (&[FileEntry], &[Told]), beside: &[Sidecar]) -> Manifest {
    let protection = &work.protection;
    let clear: Vec<(&str, &Schema)> = work
        .tables
        .iter()
        .zip(&work.clear)
        .map(|(table, clear)| (table.input.table.as_str(), clear.as_ref()))
        .collect();
    let confidential = protection.commit.is_some() && protection.key.as_ref().is_some_and(|key| !key.test_only);
    let entry = ExistingEntry {
        files: work
            .tables
            .iter()
            .map(|table| ExistingFile {
                table: table.input.table.clone(),
                bytes: table.input.bytes,
                commitment: protection.commitment(&table.input.sha256),
            })
            .collect(),
        columns: told
            .iter()
            .map(|one| ExistingColumn {
                table: one.table.clone(),
                column: one.column.clone(),
                handling: one.handling.clone(),
                by: one.by.to_owned(),
            })
            .collect(),
    };
    let schemas: Vec<_> = (0..files.len()).map(|at| work.schema(at)).collect();
    let protected = ProtectionEntry::of(&clear, confidential, protection);
    let inputs = (rules.data_set.as_str(), rules.digest.as_str(), rules.as_of.as_str());
    Manifest::of_existing(inputs, (work.format, &work.options), (files, &schemas, beside), protected, entry)
}
