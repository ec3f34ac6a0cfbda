//! The files that describe the data: `datapackage.json`, `schema.sql`, `SHA256SUMS` and the manifest.

use std::collections::BTreeMap;

use arrow_schema::{Schema, SchemaRef};

use super::file::FileEntry;
use super::{Folder, Manifest, manifest_name, sums_name};
use crate::dataset::{DataSet, Output};
use crate::digest::sha256;
use crate::disk::write_whole;
use crate::error::Result;
use crate::format::write::datapackage::{TableFile, datapackage};
use crate::format::write::ddl::schema_sql;
use crate::notes::Noted;
use crate::part::Part;
use crate::plan::Check;

/// A file that describes the data.
pub(super) struct Sidecar {
    pub(super) name: String,
    pub(super) text: String,
}

impl Folder<'_> {
    /// Writes what describes the files: the manifest last of all.
    pub(super) fn describe(&self, set: &DataSet, files: &[FileEntry]) -> Result<()> {
        let part = set.this_part();
        let mut sidecars = self.sidecars(set, files);
        let manifest = Sidecar { name: manifest_name(part), text: self.manifest(set, files, &sidecars).to_json() };
        let mut sums: Vec<String> = files.iter().map(|file| format!("{}  {}", file.sha256, file.path)).collect();
        let described = sidecars.iter().chain([&manifest]);
        sums.extend(described.map(|file| format!("{}  {}", sha256(file.text.as_bytes()), file.name)));
        sidecars.push(Sidecar { name: sums_name(part), text: sums.join("\n") + "\n" });
        sidecars.push(manifest);
        for Sidecar { name, text } in sidecars {
            let path = self.path.join(name);
            let own = part.map_or_else(|| path.clone(), |part| path.with_added_extension(part.label()));
            write_whole(self.disk, &path, &own, &text)?;
        }
        Ok(())
    }

    /// `datapackage.json` and `schema.sql`. They list the files of all parts, equal in each: Frictionless joins the CSV files of a
    /// list and takes the header of each for a header, as the readers of a glob do.
    pub(super) fn sidecars(&self, set: &DataSet, files: &[FileEntry]) -> Vec<Sidecar> {
        let outputs: BTreeMap<&str, &Output> =
            set.outputs().iter().map(|output| (output.name.as_str(), output)).collect();
        let table = |file: &FileEntry| {
            let output = outputs.get(file.table.as_str())?;
            let paths = match set.this_part() {
                None => vec![file.path.clone()],
                Some(part) => Part::all(part.count()).map(|part| self.file_path(&output.name, Some(part))).collect(),
            };
            Some(table_file(output, paths, self.format.name))
        };
        let (tables, plan): (Vec<TableFile>, _) = (files.iter().filter_map(table).collect(), set.plan());
        let package = datapackage(&plan.name, &plan.title, &tables);
        vec![
            Sidecar { name: "datapackage.json".to_owned(), text: package },
            Sidecar { name: "schema.sql".to_owned(), text: schema_sql(&tables) },
        ]
    }

    /// The manifest of files, and of the sidecars beside them.
    pub(super) fn manifest(&self, set: &DataSet, files: &[FileEntry], sidecars: &[Sidecar]) -> Manifest {
        Manifest::new(self, set, files, sidecars)
    }
}

/// An output as the files beside the data describe it.
#[must_use]
pub fn table_file(output: &Output, paths: Vec<String>, format: &'static str) -> TableFile {
    // What a check says of a value does not hold of its ciphertext.
    let fields = output.schema.fields();
    let clear = fields.iter().filter(|field| !field.is_protected()).cloned();
    let clear = Schema::new(clear.collect::<Vec<_>>());
    let check = |check: &Check| Some((check.id.clone(), crate::sql::portable(&check.predicate, &clear)?));
    TableFile {
        name: output.name.clone(),
        about: output.about.clone(),
        schema: SchemaRef::clone(&output.schema),
        checks: output.checks.iter().filter_map(check).collect(),
        paths,
        format,
    }
}
