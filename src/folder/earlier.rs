//! Files of earlier runs in a folder: a new run refuses them, and one that overwrites removes them, manifests first.
//!
//! A folder belongs to one run, or to the parts of one run. Which files an earlier run has is read from its manifest and its
//! journal, which may be anybody's: only names that a run of ours gives are looked at, and none of them leads out of the folder.
//! A part is known here by its index alone: how many parts its run has does not show in names.

use std::collections::BTreeSet;
use std::io;

use serde_json::json;

use super::audit::Log;
use super::journal::JournalState;
use super::manifest::{self, read_text};
use super::names::journal_name;
use super::sidecars::{SIDECARS, sidecars_of};
use super::{Folder, Lock, answers_names, below, envelope_name, file_path, manifest_name, sums_name};
use crate::dataset::DataSet;
use crate::disk::{retry, temporary_name};
use crate::error::{Error, Kind, Result};
use crate::format::extensions;
use crate::part::Part;
use crate::profile::writable;

const OVERWRITE: &str = "--overwrite removes the files of the earlier run; or choose another folder with --out";

/// The files that a run is known by: the manifest first, without which a folder is not complete.
fn known_by(part: Option<Part>) -> [String; 5] {
    let [json, csv] = answers_names(part);
    [manifest_name(part), envelope_name(part), sums_name(part), json, csv]
}

/// Tells whether files of two parts have the same names.
fn same(one: Option<Part>, other: Option<Part>) -> bool {
    one.map(Part::index) == other.map(Part::index)
}

/// The runs that have a file in the folder which they are known by, or a journal: the whole (`None`), and parts.
fn runs(names: &BTreeSet<String>) -> Vec<Option<Part>> {
    let label = |name: &String| {
        let digits = name.split_once(".part-")?.1.get(..5)?;
        digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse::<u64>().ok())?
    };
    let parts: BTreeSet<u64> = names.iter().filter_map(label).collect();
    let parts = parts.into_iter().filter_map(|index| Part::new(index + 1, 100_000)).map(Some);
    let has = |part: &Option<Part>| {
        let journal = journal_name(*part);
        known_by(*part).iter().chain([&journal]).any(|name| names.contains(name))
    };
    [None].into_iter().chain(parts).filter(has).collect()
}

impl Folder<'_> {
    /// The names in the folder. A name that is not Unicode is not ours.
    fn names(&self) -> Result<BTreeSet<String>> {
        let io = |error| Error::io(&self.path, error);
        let mut names = BTreeSet::new();
        for entry in std::fs::read_dir(&self.path).map_err(io)? {
            names.extend(entry.map_err(io)?.file_name().into_string());
        }
        Ok(names)
    }

    /// Refuses a folder with files of another run, or of an earlier run of this part. The parts of one run share a folder.
    pub(super) fn refuse_earlier(&self, set: &DataSet) -> Result<()> {
        let (names, part) = (self.names()?, set.this_part());
        for run in runs(&names) {
            if part.is_none() || run.is_none() || same(run, part) {
                return Err(match known_by(run).iter().find(|name| names.contains(*name)) {
                    Some(name) => self.there(name),
                    // The own journal has not even a first line: nothing had begun.
                    None if same(run, part) => continue,
                    None => Error::usage(format!("an interrupted run left its files in `{}`", self.path.display()))
                        .hint(OVERWRITE),
                });
            }
            if let Some(field) = self.difference(set, run, &names)? {
                let name = if names.contains(&manifest_name(run)) { manifest_name(run) } else { journal_name(run) };
                let shown = self.path.join(name);
                return Err(
                    Error::usage(format!("`{}` is of another run: `{field}` differs", shown.display())).hint(OVERWRITE)
                );
            }
        }
        self.refuse_other_description(set)?;
        if part.is_none()
            && let Some(name) = SIDECARS.iter().find(|name| names.contains(**name))
        {
            return Err(self.there(name));
        }
        for output in set.outputs() {
            // A link is something that is there, wherever it leads.
            let there = |path: &String| below(&self.path, path).symlink_metadata().is_ok();
            let paths =
                extensions().flat_map(|extension| [None, part].map(|part| file_path(&output.name, extension, part)));
            if let Some(path) = { paths }.find(there) {
                return Err(self.there(&path));
            }
        }
        Ok(())
    }

    /// Refuses a folder in which a run of other inputs describes its data: parts of one run have equal files beside the data.
    pub(super) fn refuse_other_description(&self, set: &DataSet) -> Result<()> {
        if set.this_part().is_none() {
            return Ok(());
        }
        for own in sidecars_of(set, self.format, &self.options) {
            let path = self.path.join(&own.name);
            if path.symlink_metadata().is_ok() && read_text(&self.path, &own.name).ok().as_ref() != Some(&own.text) {
                return Err(Error::usage(format!("`{}` is of another run", path.display())).hint(OVERWRITE));
            }
        }
        Ok(())
    }

    /// The field in which the run of another part differs from this one, by its manifest, or by the journal of a run that continues
    /// or was interrupted; `None` where both are parts of one run.
    fn difference(&self, set: &DataSet, run: Option<Part>, names: &BTreeSet<String>) -> Result<Option<String>> {
        let name = manifest_name(run);
        if names.contains(&name) {
            let Ok(stored) = manifest::read(&self.path, &name) else { return Ok(Some("manifest".to_owned())) };
            let own = self.manifest(set, &[], &sidecars_of(set, self.format, &self.options));
            return Ok(own.of_any_part().difference(&stored.manifest.of_any_part()));
        }
        let Some(past) = JournalState::read(&self.path.join(journal_name(run)))? else { return Ok(None) };
        let part = run.zip(set.this_part()).and_then(|(run, own)| Part::new(run.index(), own.count()));
        let one_run = part.is_some_and(|part| self.inputs_of(set, Some(part)) == past.inputs);
        Ok((!one_run).then(|| "inputs".to_owned()))
    }

    fn there(&self, name: &str) -> Error {
        Error::usage(format!("`{}` is there already", below(&self.path, name).display())).hint(OVERWRITE)
    }

    /// Removes the files of earlier runs that this one replaces: of all of them for a whole run; for a part, those of itself, and of
    /// every run that it is no part of.
    pub(super) fn remove_earlier(&self, set: &DataSet, log: &Log) -> Result<()> {
        let (names, part) = (self.names()?, set.this_part());
        for run in runs(&names) {
            let mut lock = None;
            // A whole run has the folder to itself; runs of other parts may be alive.
            if let Some(other) = run.filter(|_| part.is_some() && !same(run, part)) {
                if self.difference(set, run, &names)?.is_none() {
                    continue;
                }
                match Lock::of_part(&self.path, other) {
                    // It is about to replace the files of its part itself.
                    Err(error) if error.kind() == Kind::Locked && !names.contains(&journal_name(run)) => continue,
                    taken => lock = Some(taken?),
                }
            }
            self.remove_run(run, &names, log)?;
            drop(lock);
        }
        if part.is_none() || self.refuse_other_description(set).is_err() {
            SIDECARS.iter().try_for_each(|name| self.remove(name, log))?;
        }
        self.unfinished(&names, part)?.iter().try_for_each(|name| self.remove(name, log))
    }

    /// Removes the files of one run.
    fn remove_run(&self, run: Option<Part>, names: &BTreeSet<String>, log: &Log) -> Result<()> {
        let (known, journal) = (known_by(run), journal_name(run));
        let mut data: Vec<String> = Vec::new();
        // A manifest or a journal that is not ours names no files.
        if names.contains(&known[0])
            && let Ok(stored) = manifest::read(&self.path, &known[0])
        {
            data.extend(stored.manifest.files.into_iter().map(|file| file.path));
        }
        if let Ok(Some(past)) = JournalState::read(&self.path.join(&journal)) {
            let of_run = |table: &str, path: &str| {
                writable(table) && extensions().any(|extension| file_path(table, extension, run) == path)
            };
            let files = past.files.into_values().filter(|file| of_run(&file.table, &file.path));
            data.extend(files.map(|file| file.path));
        }
        known.iter().chain(&data).chain([&journal]).try_for_each(|name| self.remove(name, log))
    }

    /// The files that killed runs did not finish: all of them for a whole run, else those of the part.
    fn unfinished(&self, names: &BTreeSet<String>, part: Option<Part>) -> Result<Vec<String>> {
        let end = temporary_name("");
        let mut found = Vec::new();
        for name in names {
            let path = self.path.join(name);
            if part.is_none()
                && let Some(whole) = name.strip_suffix(&end)
                && (describes(whole) || table_of(whole).is_some_and(writable))
            {
                found.push(name.clone());
            }
            if !writable(name) || !path.symlink_metadata().is_ok_and(|there| there.is_dir()) {
                continue;
            }
            for entry in std::fs::read_dir(&path).map_err(|error| Error::io(&path, error))? {
                let entry = entry.map_err(|error| Error::io(&path, error))?.file_name();
                let Some(label) = entry.to_str().and_then(|file| table_of(file.strip_suffix(&end)?)) else { continue };
                if part.map_or_else(|| is_label(label), |part| part.label() == label) {
                    found.push(format!("{name}/{}", entry.to_string_lossy()));
                }
            }
        }
        Ok(found)
    }

    /// Removes a file of the folder, if there is one, and notes that in the log. A link in place of a table's folder is not followed.
    fn remove(&self, name: &str, log: &Log) -> Result<()> {
        if let Some((folder, _)) = name.split_once('/')
            && !self.path.join(folder).symlink_metadata().is_ok_and(|there| there.is_dir())
        {
            return Ok(());
        }
        let path = below(&self.path, name);
        match retry(|| self.disk.remove(&path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => {
                removed.map_err(|error| Error::io(&path, error))?;
                log.event("remove", json!({ "path": name }))
            }
        }
    }
}

/// The name of a data file without its extension; `None` where that is of no format.
fn table_of(name: &str) -> Option<&str> {
    extensions().find_map(|extension| name.strip_suffix(extension)?.strip_suffix('.'))
}

/// Tells whether a name is that of a part, such as `part-00001`.
fn is_label(name: &str) -> bool {
    let digits = name.strip_prefix("part-").filter(|digits| digits.len() == 5);
    digits.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
}

/// Tells whether a name is that of a file which describes a run or a part, or of a journal.
fn describes(name: &str) -> bool {
    let whole: Vec<&str> = name.split('.').filter(|word| !is_label(word)).collect();
    let whole = whole.join(".");
    known_by(None).contains(&whole) || journal_name(None) == whole || SIDECARS.contains(&whole.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_whose_a_file_is() {
        let names =
            ["manifest.json", "SHA256SUMS.part-00001", ".placebo.part-00002.journal", "x.part-00003.csv", "run.jsonl"];
        let found = runs(&names.map(str::to_owned).into_iter().collect());
        assert_eq!(found.iter().map(|run| run.map(Part::index)).collect::<Vec<_>>(), [None, Some(2), Some(3)]);
        for name in [
            "manifest.part-00000.json.part-00000",
            "schema.sql",
            ".placebo.part-00001.journal",
            "SHA256SUMS.part-00002",
        ] {
            assert!(describes(name), "{name}");
        }
        for name in ["notes.json", "manifest.part-1.json", "run.jsonl", "part-00001"] {
            assert!(!describes(name), "{name}");
        }
        assert_eq!((table_of("claim.csv"), table_of("claim.doc"), table_of("csv")), (Some("claim"), None, None));
    }
}
