//! The files: which there are, which there should be, and their hashes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::{Finding, Findings, Report};
use crate::digest::{hex, sha256};
use crate::disk::open_below;
use crate::error::{Error, Kind, Result};
use crate::folder::manifest::{self, StoredManifest, is_name, read_text};
use crate::folder::{answers_names, audit, below, envelope_name, is_log_name, sums_name};
use crate::part::Part;

/// The manifests of a folder, and findings about the set of files.
pub(super) fn read(folder: &Path, findings: &Findings, report: &mut Report) -> Result<Vec<StoredManifest>> {
    let there = files(folder, findings)?;
    let mut made = Vec::new();
    for name in there.iter().filter(|name| is_name(name)) {
        match manifest::read(folder, name) {
            Ok(one) => made.push(one),
            Err(error) if error.kind() == Kind::Io => return Err(error),
            Err(error) => findings.add(Finding::new("manifest", error.message()).file(name)),
        }
    }
    if made.is_empty() {
        let finding = Finding::new("manifest", "there is no manifest that can be read: did the run end?");
        findings.add(finding.file("manifest.json"));
        return Ok(made);
    }
    made.sort_by_key(StoredManifest::part);
    together(&made, findings, report);
    expected(folder, &there, &made, findings);
    Ok(made)
}

/// Every file below a folder, by its path with `/`. Links are not followed.
fn files(folder: &Path, findings: &Findings) -> Result<BTreeSet<String>> {
    let (mut found, mut folders) = (BTreeSet::new(), vec![String::new()]);
    while let Some(next) = folders.pop() {
        let path = below(folder, next.trim_end_matches('/'));
        for entry in fs::read_dir(&path).map_err(|error| Error::io(&path, error))? {
            let entry = entry.map_err(|error| Error::io(&path, error))?;
            let name = format!("{next}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().map_err(|error| Error::io(entry.path(), error))?;
            if kind.is_dir() {
                folders.push(name + "/");
            } else if kind.is_file() {
                found.insert(name);
            } else {
                findings.add(Finding::new("file set", "it is neither a file nor a folder").file(&name));
            }
        }
    }
    Ok(found)
}

/// Tells whether the manifests are of one run, and all of its parts are here.
fn together(made: &[StoredManifest], findings: &Findings, report: &mut Report) {
    let [first, rest @ ..] = made else { return };
    let run = first.manifest.of_any_part();
    for other in rest {
        if let Some(field) = run.difference(&other.manifest.of_any_part()) {
            let message = format!("it is of another run than `{}`: `{field}` differs", first.name);
            findings.add(Finding::new("manifest", message).file(&other.name));
        }
    }
    if let Some(n) = first.part().map(Part::count)
        && made.len() as u64 != n
    {
        report.notes.push(format!("{} of {n} parts are here: keys across parts were not looked at", made.len()));
    }
}

/// Tells whether all parts of a run are here.
pub(super) fn complete(made: &[StoredManifest]) -> bool {
    made.first().is_some_and(|first| first.part().is_none_or(|part| made.len() as u64 == part.count()))
}

/// Every file has its name in a manifest or is one of those that a run leaves beside, and none is missing.
fn expected(folder: &Path, there: &BTreeSet<String>, made: &[StoredManifest], findings: &Findings) {
    let mut known: BTreeSet<String> = BTreeSet::new();
    for one in made {
        let paths = one.manifest.files.iter().map(|file| &file.path);
        known.extend(paths.chain(one.manifest.beside.iter().map(|file| &file.path)).cloned());
        known.insert(one.name.clone());
        // Every run that generates rows writes its answer key: where its manifest does not list it, somebody took it away, or an earlier
        // version made the run.
        let generated = one.manifest.existing.is_none();
        for name in answers_names(one.part()).iter().filter(|name| generated && !known.contains(*name)) {
            let message = format!("it does not list the answer key `{name}`, which every run has");
            findings.add(Finding::new("answers", message).file(&one.name));
        }
        known.insert(sums_name(one.part()));
        sums(folder, &sums_name(one.part()), one, findings);
        // It need not be there.
        known.insert(envelope_name(one.part()));
    }
    // Logs tell of every run that the folder had, those of other parts and those that were replaced too.
    for log in there.iter().filter(|name| is_log_name(name)) {
        known.insert(log.clone());
        if let Err(error) = audit::verify(&folder.join(log)) {
            let message = error.message().replace(&format!("`{}` ", folder.join(log).display()), "");
            findings.add(Finding::new("run log", message).file(log));
        }
    }
    for name in there.difference(&known) {
        let message = match name.rsplit('/').next().unwrap_or(name) {
            file if file.ends_with(".inprogress") => "it was left by a run that did not end",
            file if file.contains("journal") => "it is the journal of a run that did not end",
            file if file.starts_with(".placebo") => "it is the lock of a run that goes on or was killed",
            _ => "no manifest has it",
        };
        findings.add(Finding::new("file set", message).file(name));
    }
}

/// `SHA256SUMS` says what the manifest says.
fn sums(folder: &Path, name: &str, made: &StoredManifest, findings: &Findings) {
    let mut want: Vec<(&str, String)> = Vec::new();
    want.extend(made.manifest.files.iter().map(|file| (file.path.as_str(), file.sha256.clone())));
    want.extend(made.manifest.beside.iter().map(|file| (file.path.as_str(), file.sha256.clone())));
    want.push((&made.name, sha256(made.text.as_bytes())));
    let text = match read_text(folder, name) {
        Ok(text) => text,
        Err(error) => return findings.add(Finding::new("file set", error.message()).file(name)),
    };
    let written = want.iter().map(|(path, hash)| format!("{hash}  {path}"));
    if text.strip_suffix('\n').is_some_and(|text| text.split('\n').eq(written)) {
        return;
    }
    let lines: Option<BTreeMap<&str, String>> =
        text.lines().map(|line| line.split_once("  ").map(|(hash, path)| (path, hash.to_owned()))).collect();
    let other = want.iter().find(|(path, hash)| lines.as_ref().and_then(|lines| lines.get(path)) != Some(hash));
    let message = match other {
        Some((path, _)) => format!("it has another hash for `{path}`"),
        None => "it has other lines than the files of the manifest".to_owned(),
    };
    findings.add(Finding::new("sha256", message).file(name));
}

/// The size and the hash of every file.
pub(super) fn hashes(folder: &Path, made: &[StoredManifest], findings: &Findings, report: &mut Report) {
    let mut all: BTreeMap<&str, (u64, &str)> = BTreeMap::new();
    for one in made {
        all.extend(one.manifest.files.iter().map(|file| (file.path.as_str(), (file.bytes, file.sha256.as_str()))));
        all.extend(one.manifest.beside.iter().map(|file| (file.path.as_str(), (file.bytes, file.sha256.as_str()))));
    }
    let looked = all.par_iter().map(|(path, (bytes, sha256))| {
        let found = match hash(folder, path) {
            Ok((have, _)) if have != *bytes => {
                Finding::new("bytes", format!("it has {have} bytes, the manifest says {bytes}"))
            }
            Ok((_, have)) if have != *sha256 => {
                Finding::new("sha256", format!("its hash is {have}, the manifest says {sha256}"))
            }
            Ok(_) => return *bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Finding::new("file set", "it is missing"),
            Err(error) => Finding::new("file set", format!("it cannot be read: {error}")),
        };
        findings.add(found.file(path));
        0
    });
    let bytes: u64 = looked.sum();
    if !made.is_empty() {
        report.looked.push(format!("{} files", all.len()));
        report.looked.push(format!("{bytes} bytes"));
    }
}

/// How many bytes a file has, and their SHA-256.
fn hash(folder: &Path, path: &str) -> std::io::Result<(u64, String)> {
    let (mut file, mut hash, mut all) = (open_below(folder, path)?, Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((all, hex(&hash.finalize()))),
            more => {
                hash.update(&buffer[..more]);
                all += more as u64;
            }
        }
    }
}
