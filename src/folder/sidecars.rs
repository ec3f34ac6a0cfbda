//! The files that describe the data: `datapackage.json`, `schema.sql`, `SHA256SUMS` and the manifest.

use arrow_schema::{Schema, SchemaRef};

use super::file::FileEntry;
use super::{Folder, Manifest, answers_names, file_path, manifest_name, sums_name};
use crate::answers::AnswerKey;
use crate::dataset::{DataSet, Output};
use crate::digest::sha256;
use crate::disk::write_whole;
use crate::error::Result;
use crate::format::write::datapackage::{TableFile, datapackage};
use crate::format::write::ddl::schema_sql;
use crate::format::{Format, Options};
use crate::notes::Noted;
use crate::part::Part;
use crate::plan::Check;

/// A file that describes the data.
pub(crate) struct Sidecar {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// The names of the files that describe the data and are equal for all parts of a run, in the order of the manifest.
pub(crate) const SIDECARS: [&str; 2] = ["datapackage.json", "schema.sql"];

/// The name of the report on the columns of existing files, which is no name of a table's file.
pub(crate) const REPORT: &str = "columns.report.csv";

/// The text of `datapackage.json` and `schema.sql`. They list the files of all parts, equal in each: Frictionless joins the CSV
/// files of a list and takes the header of each for a header, as the readers of a glob do.
pub(crate) fn sidecars_of(set: &DataSet, format: &'static Format, options: &Options) -> Vec<Sidecar> {
    let mut outputs: Vec<&Output> = set.outputs().iter().collect();
    outputs.sort_by_key(|output| output.table);
    let table = |output: &Output| {
        let extension = format.extension(&output.schema, options);
        let paths = match set.this_part() {
            None => vec![file_path(&output.name, extension, None)],
            Some(part) => Part::all(part.count()).map(|part| file_path(&output.name, extension, Some(part))).collect(),
        };
        table_file(output, paths, format.name)
    };
    let (tables, plan): (Vec<TableFile>, _) = (outputs.into_iter().map(table).collect(), set.plan());
    let texts = [datapackage(&plan.name, &plan.title, &tables, options), schema_sql(&tables)];
    SIDECARS.iter().zip(texts).map(|(name, text)| Sidecar { name: (*name).to_owned(), text }).collect()
}

/// The files of an answer key.
pub(crate) fn answers_of(key: &AnswerKey) -> Vec<Sidecar> {
    let texts = [key.to_json(), key.to_csv()];
    answers_names(key.part).into_iter().zip(texts).map(|(name, text)| Sidecar { name, text }).collect()
}

impl Folder<'_> {
    /// Writes what describes the files, and their answer key: the manifest last of all.
    pub(super) fn describe(&self, set: &DataSet, files: &[FileEntry], answers: Vec<Sidecar>) -> Result<()> {
        let part = set.this_part();
        for Sidecar { name, text } in self.descriptions(set, files, answers) {
            let path = self.path.join(name);
            let own = part.map_or_else(|| path.clone(), |part| path.with_added_extension(part.label()));
            write_whole(self.disk, &path, &own, &text)?;
        }
        Ok(())
    }

    /// Everything that describes the files, with the files of their answer key, in the order of writing: the manifest last of all.
    pub(super) fn descriptions(&self, set: &DataSet, files: &[FileEntry], answers: Vec<Sidecar>) -> Vec<Sidecar> {
        let part = set.this_part();
        let mut all = sidecars_of(set, self.format, &self.options);
        all.extend(answers);
        let manifest = Sidecar { name: manifest_name(part), text: self.manifest(set, files, &all).to_json() };
        let mut sums: Vec<String> = files.iter().map(|file| format!("{}  {}", file.sha256, file.path)).collect();
        let described = all.iter().chain([&manifest]);
        sums.extend(described.map(|file| format!("{}  {}", sha256(file.text.as_bytes()), file.name)));
        all.push(Sidecar { name: sums_name(part), text: sums.join("\n") + "\n" });
        all.push(manifest);
        all
    }

    /// The manifest of files, and of the sidecars beside them.
    pub(super) fn manifest(&self, set: &DataSet, files: &[FileEntry], sidecars: &[Sidecar]) -> Manifest {
        Manifest::new((self.format, &self.options), set, files, sidecars)
    }
}

/// An output as the files beside the data describe it.
#[must_use]
pub fn table_file(output: &Output, paths: Vec<String>, format: &'static str) -> TableFile {
    // What a check says of a value does not hold of its ciphertext.
    let fields = output.contract().fields();
    let clear: Vec<_> = fields.iter().filter(|field| !field.is_protected()).cloned().collect();
    let never_null = Schema::new(clear.iter().filter(|field| !field.is_nullable()).cloned().collect::<Vec<_>>());
    let clear = Schema::new(clear);
    let check = |check: &Check| {
        let predicate = crate::sql::portable(&check.predicate, &clear)?;
        // To a database a null passes.
        let plain = check.null_passes || crate::sql::portable(&check.predicate, &never_null).is_some();
        Some((check.id.clone(), if plain { predicate } else { format!("({predicate}) IS TRUE") }))
    };
    TableFile {
        name: output.name.clone(),
        about: output.about.clone(),
        schema: SchemaRef::clone(output.contract()),
        checks: output.checks.iter().filter_map(check).collect(),
        paths,
        format,
    }
}
