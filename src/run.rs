//! A whole run: the folder is locked, the files are made, what describes them stands beside them, the manifest comes last; and the
//! run log says so.

use std::path::Path;

use arrow_schema::{Schema, SchemaRef};
use serde_json::json;

use crate::audit::{self, Log};
use crate::digest::sha256;
use crate::disk::{retry, write_whole};
use crate::engine::{FileEntry, Job, Progress, Start, Target};
use crate::error::{Error, Kind, Result};
use crate::format::write::datapackage::{TableFile, datapackage};
use crate::format::write::ddl::schema_sql;
use crate::format::write::{Format, Options};
use crate::manifest::{self, Manifest, ProtectionEntry};
use crate::notes;
use crate::part::{Part, infix};
use crate::plan::{Check, Plan, Table};
use crate::protect::Protection;

/// What a run made.
pub struct Made {
    /// The files, in the plan's order.
    pub files: Vec<FileEntry>,
    /// Where the run log ends; none for standard output.
    pub log: Option<audit::Checkpoint>,
}

/// The hash of all that the bytes of a run's files follow from.
#[must_use]
pub fn inputs(
    plan: &Plan,
    (format, options): (&Format, &Options),
    tables: &[usize],
    part: Option<Part>,
    protection: &Protection,
) -> String {
    let names: Vec<&str> = tables.iter().map(|table| plan.tables[*table].name.as_str()).collect();
    let all = json!({
        "engine": manifest::FINGERPRINT, "fingerprint": manifest::fingerprint(plan), "format": format.name,
        "compression": compression(format, options), "guard": options.guard, "tables": names,
        "part": part.map(|part| [part.index(), part.count()]),
        "protection": ProtectionEntry::new(plan, protection),
    });
    let inputs = sha256(all.to_string().as_bytes());
    // A seed must not be found by trying where the manifest hides it.
    protection.commitment(&inputs).unwrap_or(inputs)
}

fn compression<'a>(format: &Format, options: &'a Options) -> Option<&'a str> {
    options.compression.as_deref().or(format.compressions.first().copied())
}

/// Runs a job to its end, or up to where it can be gone on with.
pub fn whole(job: &Job<'_>, progress: &Progress) -> Result<Made> {
    let Target::Folder(folder) = &job.target else { return Ok(Made { files: job.run(progress)?, log: None }) };
    let _locks = job.lock()?;
    if let Some(files) = finished(job, folder)? {
        return Ok(Made { files, log: audit::verify(&folder.join(audit::name(job.part))).ok() });
    }
    logged(job, folder, progress).map_err(|error| job.explain(error))
}

/// Runs a job, and says so in the run log of its folder.
fn logged(job: &Job<'_>, folder: &Path, progress: &Progress) -> Result<Made> {
    let log = Log::start(job.disk, folder, job.part, json!({ "profile": job.plan.name, "inputs": job.inputs }))?;
    let made = make(job, folder, &log, progress);
    let ended = match &made {
        Ok(files) => log.event("end", json!({ "files": files.len(), "reused_rows": progress.reused() })),
        Err(error) => log.event("error", json!({ "code": error.kind().exit_code(), "message": error.message() })),
    };
    let ended = ended.and_then(|()| log.sync());
    // What stopped the run is the news, not that the log could not be written either.
    let files = made?;
    ended?;
    Ok(Made { files, log: Some(log.checkpoint()) })
}

fn make(job: &Job<'_>, folder: &Path, log: &Log, progress: &Progress) -> Result<Vec<FileEntry>> {
    if job.start == Start::Overwrite {
        // A folder that is being written must not look whole.
        for name in [manifest_name(job.part), sums_name(job.part)] {
            let path = folder.join(&name);
            match retry(|| job.disk.remove(&path)) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                removed => {
                    removed.map_err(|error| Error::io(&path, error))?;
                    log.event("remove", json!({ "path": name }))?;
                }
            }
        }
    }
    let files = job.run(progress)?;
    for file in &files {
        log.event("file", json!({ "path": file.path, "rows": file.rows, "bytes": file.bytes, "sha256": file.sha256 }))?;
    }
    describe(job, folder, &files)?;
    job.forget()?;
    Ok(files)
}

/// The name of the manifest of a run, or of a part of it.
#[must_use]
pub fn manifest_name(part: Option<Part>) -> String {
    format!("manifest{}.json", infix(part))
}

/// The name of the list of hashes that `sha256sum -c` reads.
#[must_use]
pub fn sums_name(part: Option<Part>) -> String {
    format!("SHA256SUMS{}", infix(part))
}

/// The files of a run that is whole already, where one is to be gone on with.
fn finished(job: &Job<'_>, folder: &Path) -> Result<Option<Vec<FileEntry>>> {
    #[derive(serde::Deserialize)]
    struct Listed {
        files: Vec<FileEntry>,
    }
    let path = folder.join(manifest_name(job.part));
    if job.start != Start::Resume || job.interrupted() || !path.is_file() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path).map_err(|error| Error::io(&path, error))?;
    let files = serde_json::from_str::<Listed>(&text).map_or_else(|_| Vec::new(), |listed| listed.files);
    if Manifest::new(job, &files, &beside(job, &files)).to_json() != text {
        return Err(Error::new(
            Kind::Profile,
            format!("`{}` is the manifest of a run of other inputs", path.display()),
        )
        .hint("choose another folder with --out, or --overwrite"));
    }
    for file in &files {
        if !file.is_whole(folder)? {
            return Err(Error::new(Kind::Verification, format!("`{}` is not as it was written", file.path))
                .hint("--overwrite makes all files anew"));
        }
    }
    Ok(Some(files))
}

/// Writes what describes the files, `SHA256SUMS` and, last of all, the manifest.
fn describe(job: &Job<'_>, folder: &Path, files: &[FileEntry]) -> Result<()> {
    let mut texts = beside(job, files);
    let manifest = (manifest_name(job.part), Manifest::new(job, files, &texts).to_json());
    let mut sums: Vec<String> = files.iter().map(|file| format!("{}  {}", file.sha256, file.path)).collect();
    sums.extend(texts.iter().chain([&manifest]).map(|(name, text)| format!("{}  {name}", sha256(text.as_bytes()))));
    texts.push((sums_name(job.part), sums.join("\n") + "\n"));
    texts.push(manifest);
    for (name, text) in texts {
        let path = folder.join(name);
        let own = job.part.map_or_else(|| path.clone(), |part| path.with_added_extension(part.label()));
        write_whole(job.disk, &path, &own, &text)?;
    }
    Ok(())
}

/// `datapackage.json` and `schema.sql`. They list the files of all parts, equal in each: Frictionless joins the CSV files of a list and
/// takes the header of each for a header, as the readers of a glob do.
fn beside(job: &Job<'_>, files: &[FileEntry]) -> Vec<(String, String)> {
    let tables: Vec<TableFile> = files
        .iter()
        .filter_map(|file| {
            let table = job.plan.tables.iter().find(|table| table.name == file.table)?;
            let paths = match job.part {
                None => vec![file.path.clone()],
                Some(part) => {
                    let path = |part: Part| format!("{}/{}.{}", file.table, part.label(), job.format.name);
                    Part::all(part.count()).map(path).collect()
                }
            };
            let at = job.plan.tables.iter().position(|table| table.name == file.table)?;
            Some(table_file(table, &job.protection.schema(job.plan, at), paths, job.format.name))
        })
        .collect();
    vec![
        ("datapackage.json".to_owned(), datapackage(&job.plan.name, &job.plan.title, &tables)),
        ("schema.sql".to_owned(), schema_sql(&tables)),
    ]
}

/// A table as the files beside the data describe it.
#[must_use]
pub fn table_file(table: &Table, schema: &SchemaRef, paths: Vec<String>, format: &'static str) -> TableFile {
    // What a check says of a value does not hold of its ciphertext.
    let clear = schema.fields().iter().filter(|field| !field.metadata().contains_key(notes::PROTECTION)).cloned();
    let clear = Schema::new(clear.collect::<Vec<_>>());
    let check = |check: &Check| Some((check.id.clone(), crate::sql::portable(&check.predicate, &clear)?));
    TableFile {
        name: table.name.clone(),
        about: table.about.clone(),
        schema: SchemaRef::clone(schema),
        checks: table.checks.iter().filter_map(check).collect(),
        paths,
        format,
    }
}
