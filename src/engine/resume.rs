//! What an interrupted run left, as far as it proves whole: nothing is believed that the bytes themselves do not show.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::journal::{Journal, Past, State};
use super::output::{Begun, journal_path};
use super::{FileEntry, Job, Target, path_of};
use crate::digest::hex;
use crate::disk::{own_folder, retry, temporary};
use crate::error::{Error, Kind, Result};

/// What a run does about what is in its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Nothing may be there.
    New,
    /// What is there is replaced.
    Overwrite,
    /// What an interrupted run with equal inputs left is used; where nothing is there, the run is new.
    Resume,
}

/// A run in a folder: its journal, and what it need not make again.
#[derive(Default)]
pub(super) struct Ground {
    pub(super) journal: Option<Journal>,
    past: Past,
}

/// What is there of a tree.
#[derive(Default)]
pub(super) struct Reuse {
    /// Files that are whole, by table.
    pub(super) files: BTreeMap<usize, FileEntry>,
    /// The root row to go on from.
    pub(super) row: Option<u64>,
    /// The files that go on from there.
    pub(super) begun: BTreeMap<usize, Begun>,
}

impl Job<'_> {
    /// Looks at the folder, refuses what cannot be, and reads what an interrupted run wrote that is to be gone on with.
    pub(super) fn look(&self) -> Result<Option<Past>> {
        let Target::Folder(folder) = &self.target else {
            return match self.tables.as_slice() {
                [_] => Ok(None),
                _ => Err(Error::usage("standard output takes one table").hint("say which: --tables NAME")),
            };
        };
        own_folder(self.disk, folder)?;
        let path = journal_path(folder, self.part);
        if path.symlink_metadata().is_ok_and(|there| there.is_symlink()) {
            return Err(Error::new(Kind::Io, format!("`{}` is a symbolic link", path.display())));
        }
        let past = Past::read(&path)?;
        match (self.start, past) {
            (Start::New, Some(_)) => {
                let interrupted = format!("an interrupted run left its files in `{}`", folder.display());
                Err(Error::usage(interrupted).hint("--resume goes on with it; --overwrite makes all anew"))
            }
            (Start::Resume, Some(past)) => {
                if past.inputs != self.inputs {
                    let other = format!("`{}` has an interrupted run of other inputs", folder.display());
                    return Err(Error::new(Kind::Profile, other).hint(
                        "give it the profile, engine and options it was started with, or --overwrite to make all anew",
                    ));
                }
                Ok(Some(past))
            }
            (Start::Overwrite, _) => Ok(None),
            (Start::New | Start::Resume, _) => self.nothing_there(folder).map(|()| None),
        }
    }

    /// Opens the journal, to go on with it or to begin.
    pub(super) fn ground(&self, past: Option<Past>) -> Result<Ground> {
        let Target::Folder(folder) = &self.target else { return Ok(Ground::default()) };
        let path = journal_path(folder, self.part);
        let journal = match &past {
            Some(past) => Journal::go_on(self.disk, path, past)?,
            None => Journal::begin(self.disk, path, &self.inputs)?,
        };
        Ok(Ground { journal: Some(journal), past: past.unwrap_or_default() })
    }

    /// An error if a file of the run is there.
    fn nothing_there(&self, folder: &Path) -> Result<()> {
        for table in &self.tables {
            let path = folder.join(path_of(&self.plan.tables[*table].name, self.format, self.part));
            // A link is something that is there, wherever it leads.
            if path.symlink_metadata().is_ok() {
                return Err(Error::new(Kind::Usage, format!("`{}` is there already", path.display()))
                    .hint("--overwrite replaces it; or choose another folder with --out"));
            }
        }
        Ok(())
    }

    /// What the past has of a tree that proves whole.
    pub(super) fn reuse(&self, ground: &Ground, root: usize, tables: &[usize]) -> Result<Reuse> {
        let (Target::Folder(folder), past) = (&self.target, &ground.past) else { return Ok(Reuse::default()) };
        let mut reuse = Reuse::default();
        for table in tables {
            if let Some(file) = past.files.get(&self.plan.tables[*table].name)
                && is_whole(&folder.join(&file.path), file)?
            {
                reuse.files.insert(*table, file.clone());
            }
        }
        let Some(checkpoints) = past.trees.get(&self.plan.tables[root].name) else { return Ok(reuse) };
        // Per table, by checkpoint: where its file shows just the bytes that it had then.
        let mut proved = BTreeMap::new();
        for table in tables.iter().filter(|table| !reuse.files.contains_key(table)) {
            let name = &self.plan.tables[*table].name;
            let of_table = |state: &&State| state.table == *name && state.sum().is_some();
            let states = checkpoints.iter().map(|checkpoint| checkpoint.files.iter().find(of_table));
            let path = temporary(&folder.join(path_of(name, self.format, self.part)));
            proved.insert(
                *table,
                prove(&path, states.map(|state| state.map(|state| Begun::of(state.clone()))).collect())?,
            );
        }
        let at = (0..checkpoints.len()).rev().find(|at| proved.values().all(|begun| begun[*at].is_some()));
        if let Some(at) = at {
            reuse.row = Some(checkpoints[at].row);
            let begun = proved.into_iter().filter_map(|(table, mut begun)| Some((table, begun.swap_remove(at)?)));
            reuse.begun = begun.collect();
        }
        Ok(reuse)
    }

    /// Removes what a run left that nobody can go on with.
    pub(super) fn clear(&self) {
        let Target::Folder(folder) = &self.target else { return };
        let names = self
            .tables
            .iter()
            .map(|table| temporary(&folder.join(path_of(&self.plan.tables[*table].name, self.format, self.part))));
        for name in names.chain([journal_path(folder, self.part)]) {
            let _gone_already = retry(|| self.disk.remove(&name));
        }
    }
}

impl Begun {
    fn of(state: State) -> Self {
        Self { state, hash: Sha256::new() }
    }
}

/// Whether a file has the bytes that it was finished with.
pub(super) fn is_whole(path: &Path, file: &FileEntry) -> Result<bool> {
    let mut hash = Sha256::new();
    Ok(hash_on(path, &mut hash, 0, file.bytes + 1)? == file.bytes && hex(&hash.finalize()) == file.sha256)
}

/// Of the states that a file had one after the other, those that its bytes show, with the hash of the bytes up to there.
fn prove(path: &Path, states: Vec<Option<Begun>>) -> Result<Vec<Option<Begun>>> {
    let (mut hash, mut at) = (Sha256::new(), 0);
    let mut proved = Vec::new();
    for begun in states {
        let Some(mut begun) = begun.filter(|begun| begun.state.bytes >= at) else {
            proved.push(None);
            continue;
        };
        at += hash_on(path, &mut hash, at, begun.state.bytes - at)?;
        begun.hash.clone_from(&hash);
        let same = at == begun.state.bytes && hex(&hash.clone().finalize()) == begun.state.sha256;
        proved.push(Some(begun).filter(|_| same));
    }
    Ok(proved)
}

/// Hashes bytes of a file from a place on; how many there were. A file that is not there has none.
fn hash_on(path: &Path, hash: &mut Sha256, from: u64, length: u64) -> Result<u64> {
    let io = |error| Error::io(path, error);
    if path.symlink_metadata().is_ok_and(|there| !there.is_file()) {
        return Ok(0);
    }
    let mut file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        file => file.map_err(io)?,
    };
    io::Seek::seek(&mut file, io::SeekFrom::Start(from)).map_err(io)?;
    let (mut file, mut buffer, mut seen) = (file.take(length), vec![0; 1 << 16], 0);
    loop {
        match retry(|| file.read(&mut buffer)).map_err(io)? {
            0 => return Ok(seen),
            read => {
                hash.update(&buffer[..read]);
                seen += read as u64;
            }
        }
    }
}
