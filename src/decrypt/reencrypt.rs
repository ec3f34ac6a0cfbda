//! A data set sealed with another key: every file, what describes them, and a manifest that says so.

use std::io::{Read, Write as _};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{Opener, Request, StoredManifest, Written, lock, read_all, rewrite, sealed};
use crate::answers::{AnswerKey, Held};
use crate::digest::{hex, sha256};
use crate::disk::{Disk, fresh, open_below, own_folder, place, retry, temporary, write_whole};
use crate::error::{Error, Kind, Result};
use crate::folder::manifest::{Manifest, read_text, sum_of};
use crate::folder::{FileEntry, answers_names, below, envelope_name, sums_name};
use crate::protect::fe1::{Cipher, Scope};
use crate::protect::keyring::Keys;

/// Writes a data set to another folder with its encrypted columns sealed with the active key of a keyring. The manifest is written
/// last.
///
/// # Errors
///
/// If the data set has faults on purpose, random nonces, a chain of hashes over encrypted cells or nothing that is encrypted, a cell cannot be opened, a file is not as its manifest says,
/// another run writes to the folder, or a file is there already.
pub fn reencrypt(disk: &dyn Disk, from: &Path, out: &Path, keys: &Keys, threads: usize) -> Result<Vec<Written>> {
    let stored = read_all(from)?;
    if stored.iter().any(|one| !one.manifest.faults.is_empty()) {
        return Err(Error::usage("the data set has rows that are wrong on purpose, whose digests would be others")
            .hint("generate it again with the new key"));
    }
    let random =
        |one: &StoredManifest| one.manifest.protection.as_ref().is_some_and(|entry| entry.nonce != "synthetic");
    if stored.iter().any(random) {
        return Err(Error::usage("the data set has random nonces, and would lose them")
            .hint("generate it again with the new key"));
    }
    if let Some(chain) = stored.iter().filter_map(|one| one.manifest.protection.as_ref()).find_map(|entry| {
        let sealed = |name: &String, table: &str| {
            entry.columns.iter().any(|column| column.is_sealed() && column.table == table && column.column == *name)
        };
        entry.chains.iter().find(|chain| chain.over.iter().any(|name| sealed(name, &chain.table)))
    }) {
        let message = format!(
            "`{}.{}` is a chain of hashes over encrypted cells, which other cells would break",
            chain.table, chain.column
        );
        return Err(Error::usage(message).hint("generate it again with the new key"));
    }
    let request = Request {
        folder: from.to_owned(),
        file: None,
        columns: Vec::new(),
        opener: Opener::Keys(keys),
        again: Some(&keys.active),
        strict: false,
        out: out.to_owned(),
    };
    let sealed = sealed(&request, &stored)?;
    let _locks = lock(disk, out)?;
    refuse_described(out, &stored)?;
    let written = rewrite(disk, &request, &sealed, threads)?;
    for one in &stored {
        let mut manifest = one.manifest.clone();
        renew(&mut manifest, &written, keys);
        let mut sums = Vec::new();
        for file in &manifest.files {
            // A table in which nothing is encrypted.
            if !written.iter().any(|new| new.file.path == file.path) {
                copy(disk, from, out, file)?;
            }
            sums.push(format!("{}  {}", file.sha256, file.path));
        }
        let write = |name: &str, text: &str| {
            let path = below(out, name);
            write_whole(disk, &path, &path, text)
        };
        let [answers, _] = answers_names(one.part());
        for sidecar in &mut manifest.beside {
            let text = read_text(from, &sidecar.path)?;
            if sha256(text.as_bytes()) != sidecar.sha256 {
                return Err(changed(&sidecar.path));
            }
            let text = if sidecar.path == answers { answered(&text, one, &written)? } else { text };
            (sidecar.bytes, sidecar.sha256) = (text.len() as u64, sha256(text.as_bytes()));
            write(&sidecar.path, &text)?;
            sums.push(format!("{}  {}", sidecar.sha256, sidecar.path));
        }
        let text = manifest.to_json();
        sums.push(format!("{}  {}", sha256(text.as_bytes()), one.name));
        write(&sums_name(one.part()), &(sums.join("\n") + "\n"))?;
        write(&one.name, &text)?;
    }
    Ok(written)
}

/// The answer key with the digests of the new rows.
fn answered(text: &str, one: &StoredManifest, written: &[Written]) -> Result<String> {
    let mut key = AnswerKey::parse(text)?;
    for held in &mut key.tables {
        let new = written
            .iter()
            .find(|new| new.file.table == held.table && one.files(&held.table).any(|file| file.path == new.file.path));
        if let Some(new) = new {
            *held = Held::new(&held.table, held.key.clone(), &new.held);
        }
    }
    Ok(key.to_json())
}

/// Refuses a folder that has files which describe other data.
fn refuse_described(out: &Path, stored: &[StoredManifest]) -> Result<()> {
    let of_parts = stored.iter().flat_map(|one| [one.name.clone(), sums_name(one.part()), envelope_name(one.part())]);
    let beside = stored.iter().flat_map(|one| one.manifest.beside.iter().map(|file| file.path.clone()));
    match of_parts.chain(beside).map(|name| out.join(name)).find(|path| path.symlink_metadata().is_ok()) {
        Some(path) => Err(there(&path)),
        None => Ok(()),
    }
}

fn there(path: &Path) -> Error {
    Error::usage(format!("`{}` is there already", path.display())).hint("choose another folder with --out")
}

fn changed(path: &str) -> Error {
    Error::new(Kind::Verification, format!("`{path}` is not as its manifest says"))
        .hint("placebo verify has the whole list")
}

/// Copies a file, if it has the bytes of its manifest.
fn copy(disk: &dyn Disk, from: &Path, out: &Path, file: &FileEntry) -> Result<()> {
    let to = below(out, &file.path);
    if to.symlink_metadata().is_ok() {
        return Err(there(&to));
    }
    if let Some(folder) = to.parent() {
        own_folder(disk, folder)?;
    }
    let temporary = temporary(&to);
    let copied = copied(disk, from, &temporary, file);
    if copied.is_err() {
        let _gone_already = retry(|| disk.remove(&temporary));
    }
    copied?;
    place(disk, &temporary, &to)
}

fn copied(disk: &dyn Disk, from: &Path, temporary: &Path, file: &FileEntry) -> Result<()> {
    let source = below(from, &file.path);
    let (reading, writing) = (|error| Error::io(&source, error), |error| Error::io(temporary, error));
    let (mut source, mut target) = (open_below(from, &file.path).map_err(reading)?, fresh(disk, temporary)?);
    let (mut hash, mut room) = (Sha256::new(), vec![0; 1 << 18]);
    loop {
        let length = retry(|| source.read(&mut room)).map_err(reading)?;
        if length == 0 {
            break;
        }
        hash.update(&room[..length]);
        target.write_all(&room[..length]).map_err(writing)?;
    }
    retry(|| target.sync()).map_err(writing)?;
    if hex(&hash.finalize()) == file.sha256 { Ok(()) } else { Err(changed(&file.path)) }
}

/// Turns a manifest into that of the new files. What was committed to under the old key stays as it is, and says so by its key.
fn renew(manifest: &mut Manifest, written: &[Written], keys: &Keys) {
    for file in &mut manifest.files {
        if let Some(new) = written.iter().find(|new| new.file.path == file.path) {
            file.clone_from(&new.file);
        }
    }
    for table in &mut manifest.tables {
        table.digest = sum_of(manifest.files.iter().filter(|file| file.table == table.name)).hex();
    }
    let Some(entry) = &mut manifest.protection else { return };
    for column in entry.columns.iter_mut().filter(|column| column.is_sealed()) {
        let scope = match &column.domain {
            Some(domain) => Scope::domain(domain),
            None => Scope::column(&column.table, &column.column),
        };
        let cipher = Cipher::new(&keys.active, &entry.data_set, scope);
        column.key_id = Some(hex(&cipher.kid()));
    }
    if let Some(key) = &mut entry.key {
        let old = std::mem::replace(&mut key.check_value, keys.id.clone());
        key.wrapped.clone_from(&keys.wrapped);
        key.key_source = keys.test_only.then(|| "test-only".to_owned());
        key.committed_by = Some(key.committed_by.take().unwrap_or(old));
    }
}
