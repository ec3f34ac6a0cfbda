//! Files, and prefixes of files, left by an interrupted run whose hashes match its journal. Nothing is believed that the bytes
//! themselves do not show.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::file::{FileEntry, FileState, PartialFile, hash_on};
use super::journal::{Journal, JournalState};
use super::sidecars::Sidecar;
use super::{Folder, answers_names, manifest, manifest_name};
use crate::dataset::{DataSet, OutputId, TreeShare};
use crate::digest::{hex, sha256};
use crate::disk::{own_folder, retry, temporary, temporary_name};
use crate::engine::Start;
use crate::error::{Error, Kind, Result};

/// The files of a tree that an interrupted run left.
#[derive(Default)]
pub(super) struct Reuse {
    /// Files that are complete.
    pub(super) files: BTreeMap<OutputId, FileEntry>,
    /// The root row to continue from; `None` from the first.
    pub(super) row: Option<u64>,
    /// The files that continue there.
    pub(super) partial: BTreeMap<OutputId, PartialFile>,
}

impl Folder<'_> {
    /// Reads the journal of an interrupted run that is to be continued; `None` where there is nothing to continue.
    pub(super) fn inspect(&self, set: &DataSet, start: Start, inputs: &str) -> Result<Option<JournalState>> {
        own_folder(self.disk, &self.path)?;
        let past = JournalState::read(&self.journal(set.this_part()))?;
        match (start, past) {
            (Start::New, Some(_)) => {
                let interrupted = format!("an interrupted run left its files in `{}`", self.path.display());
                Err(Error::usage(interrupted).hint("--resume continues it; --overwrite starts over"))
            }
            (Start::Resume, Some(past)) if past.inputs != inputs => {
                let other = format!("`{}` has an interrupted run of other inputs", self.path.display());
                Err(Error::new(Kind::Profile, other)
                    .hint("give it the profile, engine and options it was started with, or --overwrite to start over"))
            }
            (Start::Resume, Some(past)) => Ok(Some(past)),
            (Start::Overwrite, _) => Ok(None),
            (Start::New | Start::Resume, _) => self.refuse_earlier(set).map(|()| None),
        }
    }

    /// Opens the journal of an interrupted run, or a new one.
    pub(super) fn open_journal(&self, set: &DataSet, past: Option<&JournalState>, inputs: &str) -> Result<Journal> {
        let path = self.journal(set.this_part());
        match past {
            Some(past) => Journal::resume(self.disk, path, past),
            None => Journal::begin(self.disk, path, inputs),
        }
    }

    /// Removes the journal of a run that is complete.
    pub(super) fn forget(&self, set: &DataSet) -> Result<()> {
        let path = self.journal(set.this_part());
        retry(|| self.disk.remove(&path)).map_err(|error| Error::io(&path, error))
    }

    /// The files of a tree that need not be made again, and those that continue.
    pub(super) fn reuse(&self, set: &DataSet, past: &JournalState, tree: &TreeShare) -> Result<Reuse> {
        let mut reuse = Reuse::default();
        for output in &tree.outputs {
            let output_of = set.output(*output);
            let name = &output_of.name;
            // The journal may be anybody's: it does not say where a file is.
            let own = self.file_path(output_of, set.this_part());
            if let Some(file) = past.files.get(name)
                && file.path == own
                && file.is_whole(&self.path)?
            {
                reuse.files.insert(*output, file.clone());
            }
        }
        let Some(checkpoints) = past.trees.get(&tree.name) else { return Ok(reuse) };
        // Per output, by checkpoint: where its file shows just the bytes that it had then.
        let mut proved = BTreeMap::new();
        for output in tree.outputs.iter().filter(|output| !reuse.files.contains_key(output)) {
            let name = &set.output(*output).name;
            let own = |state: &&FileState| state.table == *name && state.sums().is_some();
            let states = checkpoints.iter().map(|checkpoint| checkpoint.files.iter().find(own).cloned()).collect();
            let unfinished = temporary_name(&self.file_path(set.output(*output), set.this_part()));
            proved.insert(*output, prove(&self.path, &unfinished, states)?);
        }
        let at = (0..checkpoints.len()).rev().find(|at| proved.values().all(|files| files[*at].is_some()));
        if let Some(at) = at {
            reuse.row = Some(checkpoints[at].row);
            let partial = proved.into_iter().filter_map(|(output, mut files)| Some((output, files.swap_remove(at)?)));
            reuse.partial = partial.collect();
        }
        Ok(reuse)
    }

    /// The files of a complete run, where there is one and its files are as its manifest says; `None` where the run is not
    /// complete.
    pub(super) fn complete(&self, set: &DataSet) -> Result<Option<Vec<FileEntry>>> {
        let name = manifest_name(set.this_part());
        let path = self.path.join(&name);
        if self.journal(set.this_part()).symlink_metadata().is_ok() || path.symlink_metadata().is_err() {
            return Ok(None);
        }
        let stored = manifest::read(&self.path, &name).map_err(|error| {
            Error::new(error.kind(), format!("`{}`: {}", path.display(), error.message()))
                .hint("choose another folder with --out, or --overwrite")
        })?;
        let changed = |path: &str| {
            Error::new(Kind::Verification, format!("`{path}` is not as it was written"))
                .hint("--overwrite writes all files again")
        };
        let (files, mut answers) = (stored.manifest.files, Vec::new());
        for name in answers_names(set.this_part()) {
            // What it says is not derived again: it is as the manifest has it, or it was changed.
            let Some(entry) = stored.manifest.beside.iter().find(|entry| entry.path == name) else { continue };
            match manifest::read_text(&self.path, &name) {
                Ok(text) if sha256(text.as_bytes()) == entry.sha256 => answers.push(Sidecar { name, text }),
                _ => return Err(changed(&name)),
            }
        }
        let described = self.descriptions(set, &files, answers);
        if described.last().is_none_or(|manifest| manifest.text != stored.text) {
            return Err(Error::new(
                Kind::Profile,
                format!("`{}` is the manifest of a run of other inputs", path.display()),
            )
            .hint("choose another folder with --out, or --overwrite"));
        }
        for file in &files {
            if !file.is_whole(&self.path)? {
                return Err(changed(&file.path));
            }
        }
        let as_written =
            |file: &Sidecar| manifest::read_text(&self.path, &file.name).is_ok_and(|text| text == file.text);
        match described.iter().find(|file| !as_written(file)) {
            Some(file) => Err(changed(&file.name)),
            None => Ok(Some(files)),
        }
    }

    /// Removes what a run left that nobody can continue.
    pub(super) fn clear(&self, set: &DataSet) {
        let part = set.this_part();
        let files = set.outputs().iter().map(|output| temporary(&self.path_of(output, part)));
        for name in files.chain([self.journal(part)]) {
            let _gone_already = retry(|| self.disk.remove(&name));
        }
    }
}

/// Of the states that a file had one after the other, those that its bytes show.
fn prove(folder: &Path, path: &str, states: Vec<Option<FileState>>) -> Result<Vec<Option<PartialFile>>> {
    let (mut hash, mut at) = (Sha256::new(), 0);
    let mut proved = Vec::new();
    for state in states {
        let Some(state) = state.filter(|state| state.bytes >= at) else {
            proved.push(None);
            continue;
        };
        at += hash_on(folder, path, &mut hash, at, state.bytes - at)?;
        let same = at == state.bytes && hex(&hash.clone().finalize()) == state.sha256;
        proved.push(same.then(|| PartialFile { state, hash: hash.clone() }));
    }
    Ok(proved)
}
