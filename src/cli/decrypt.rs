//! `placebo decrypt` and `placebo reencrypt`: data sets read back with a key.

use std::path::{Path, PathBuf};

use clap::Args;

use super::protect_args::{KeyArgs, one_key};
use super::{text_table, threads};
use crate::decrypt::{Opener, Request, Written, leaks, manifests, open};
use crate::disk::{System, write_whole};
use crate::error::{Error, Kind, Result};
use crate::folder::manifest::{self, Manifest};
use crate::protect::fe1::{Cipher, Scope};
use crate::protect::keyring::Keys;

#[derive(Args)]
pub(super) struct Decrypt {
    /// The data set's folder, or one of its files; the manifest must be there.
    from: PathBuf,
    /// Only these columns, such as `patient.ssn`, separated by commas; by default all that are encrypted.
    #[arg(long, value_delimiter = ',', value_name = "TABLE.COLUMN,…")]
    columns: Vec<String>,
    #[command(flatten)]
    keys: KeyArgs,
    /// Where the key of the one column of `--columns` is, as `keys export` prints it.
    #[arg(long, value_name = "SOURCE", conflicts_with_all = ["key_source", "keyring"])]
    column_key: Option<String>,
    /// Also refuse cells whose nonce does not follow from their value: someone else made them.
    #[arg(long, conflicts_with = "column_key")]
    strict: bool,
    /// The folder for the opened files.
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,
    /// Worker threads; by default all cores.
    #[arg(long)]
    threads: Option<usize>,
}

#[derive(Args)]
pub(super) struct Reencrypt {
    /// The data set's folder.
    from: PathBuf,
    #[command(flatten)]
    keys: KeyArgs,
    /// The folder for the new files.
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,
    /// Worker threads; by default all cores.
    #[arg(long)]
    threads: Option<usize>,
}

/// The folder of the manifest that a path belongs to: itself, its folder, or the one above for files of parts.
fn home(from: &Path) -> (PathBuf, Option<PathBuf>) {
    if from.is_dir() {
        return (from.to_owned(), None);
    }
    let has = |folder: &Path| manifests(folder).is_ok();
    let folder = from.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let above = folder.parent().filter(|above| !has(folder) && has(above));
    let home = above.unwrap_or(folder).to_owned();
    // As the folder's path and the manifest's make it.
    let file = from.strip_prefix(&home).map_or_else(|_| home.join(from), |rest| home.join(rest));
    (home, Some(file))
}

fn pairs(columns: &[String]) -> Result<Vec<(String, String)>> {
    let pair = |text: &String| {
        text.split_once('.')
            .map(|(table, column)| (table.to_owned(), column.to_owned()))
            .ok_or_else(|| Error::usage(format!("`--columns {text}` has no `.`")).hint("--columns TABLE.COLUMN,…"))
    };
    columns.iter().map(pair).collect()
}

fn report(written: &[Written]) -> Result<()> {
    let rows: Vec<Vec<String>> = written
        .iter()
        .map(|file| vec![file.path.clone(), text_table::count(file.rows), text_table::count(file.values)])
        .collect();
    text_table::print(&text_table::aligned(&["file", "rows", "values"], &rows))
}

impl Decrypt {
    pub(super) fn run(&self) -> Result<()> {
        let (folder, file) = home(&self.from);
        let all = manifests(&folder)?;
        let columns = pairs(&self.columns)?;
        for (at, column) in &columns {
            let known =
                all.iter().flat_map(|(_, manifest)| manifest.protection.iter().flat_map(|entry| &entry.columns));
            if !known.into_iter().any(|entry| entry.table == *at && entry.column == *column && entry.is_sealed()) {
                return Err(Error::usage(format!("`{at}.{column}` is not an encrypted column of this data set"))
                    .hint("manifest.json lists the columns under `protection`"));
            }
        }
        let alone = one_key(self.column_key.as_ref())?;
        let keys = self.keys.read()?;
        let opener = match (&alone, &keys) {
            (Some(_), _) if columns.len() != 1 => {
                return Err(Error::usage("a column's key opens one column").hint("--columns TABLE.COLUMN says which"));
            }
            (Some(key), _) => Opener::Column(key),
            (None, Some(keys)) => Opener::Keys(keys),
            (None, None) => {
                return Err(Error::usage("no key is given").hint("--keyring FILE, --key SOURCE or --column-key SOURCE"));
            }
        };
        let out = self.out.clone();
        let request = Request { folder, file, columns, opener, again: None, strict: self.strict, out };
        report(&open(&request, &all, threads(self.threads)?)?)
    }
}

/// Looks for the plaintext of every encrypted value of six bytes and more in every file of a folder; an error where one is found.
pub(super) fn no_plaintext(folder: &Path, keys: Option<&Keys>) -> Result<()> {
    let keys =
        keys.ok_or_else(|| Error::usage("--no-plaintext needs the key").hint("--keyring FILE or --key SOURCE"))?;
    let request = Request {
        folder: folder.to_owned(),
        file: None,
        columns: Vec::new(),
        opener: Opener::Keys(keys),
        again: None,
        strict: false,
        out: PathBuf::new(),
    };
    let (values, found) = leaks(&request, &manifests(folder)?)?;
    let rows: Vec<Vec<String>> =
        found.iter().map(|leak| vec![leak.path.clone(), leak.column.clone(), leak.at.to_string()]).collect();
    if let Some(first) = found.first() {
        text_table::print(&text_table::aligned(&["file", "plaintext of", "at"], &rows))?;
        let message = format!("`{}` has plaintext of `{}`", first.path, first.column);
        return Err(Error::new(Kind::Verification, message)
            .hint("another column has the same values, and is clear: protect it too"));
    }
    text_table::print(&format!("{values} different values, none of them in a file\n"))
}

impl Reencrypt {
    pub(super) fn run(&self) -> Result<()> {
        let keys =
            self.keys.read()?.ok_or_else(|| Error::usage("no key is given").hint("--keyring FILE or --key SOURCE"))?;
        let mut all = manifests(&self.from)?;
        if all.iter().any(|(_, manifest)| manifest.protection.as_ref().is_some_and(|entry| entry.nonce != "synthetic"))
        {
            return Err(Error::usage("the data set has random nonces, and would lose them")
                .hint("generate it anew with the new key"));
        }
        let request = Request {
            folder: self.from.clone(),
            file: None,
            columns: Vec::new(),
            opener: Opener::Keys(&keys),
            again: Some(&keys.active),
            strict: false,
            out: self.out.clone(),
        };
        let written = open(&request, &all, threads(self.threads)?)?;
        let write = |path: &Path, text: &str| write_whole(&System, path, path, text);
        let mut sums = Vec::new();
        for (name, manifest) in &mut all {
            renew(manifest, &written, &keys);
            for file in &manifest.files {
                let (from, to) = (self.from.join(&file.path), self.out.join(&file.path));
                if to.symlink_metadata().is_err() {
                    // A table in which nothing is encrypted.
                    if let Some(folder) = to.parent() {
                        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
                    }
                    std::fs::copy(&from, &to).map_err(|error| Error::io(&to, error))?;
                }
                sums.push(format!("{}  {}", file.sha256, file.path));
            }
            for beside in &manifest.beside {
                let text = std::fs::read_to_string(self.from.join(&beside.path));
                let text = text.map_err(|error| Error::io(self.from.join(&beside.path), error))?;
                write(&self.out.join(&beside.path), &text)?;
                sums.push(format!("{}  {}", beside.sha256, beside.path));
            }
            let text = manifest.to_json();
            write(&self.out.join(&*name), &text)?;
            sums.push(format!("{}  {name}", crate::digest::sha256(text.as_bytes())));
            let ending = name.trim_start_matches("manifest").trim_end_matches(".json");
            write(&self.out.join(format!("SHA256SUMS{ending}")), &(sums.join("\n") + "\n"))?;
            sums.clear();
        }
        report(&written)
    }
}

/// The manifest of the new files. What was committed to under the old key stays as it is, and says so by its key.
fn renew(manifest: &mut Manifest, written: &[Written], keys: &Keys) {
    for file in &mut manifest.files {
        if let Some(new) = written.iter().find(|new| new.path == file.path) {
            file.bytes = new.bytes;
            file.sha256.clone_from(&new.sha256);
            file.digest = new.sum.hex();
        }
    }
    for table in &mut manifest.tables {
        table.digest = manifest::sum_of(manifest.files.iter().filter(|file| file.table == table.name)).hex();
    }
    let Some(entry) = &mut manifest.protection else { return };
    for column in entry.columns.iter_mut().filter(|column| column.is_sealed()) {
        let scope = match &column.domain {
            Some(domain) => Scope::domain(domain),
            None => Scope::column(&column.table, &column.column),
        };
        let cipher = Cipher::new(&keys.active, &entry.data_set, scope);
        column.key_id = Some(crate::digest::hex(&cipher.kid()));
    }
    if let Some(key) = &mut entry.key {
        let old = std::mem::replace(&mut key.check_value, keys.id.clone());
        key.wrapped.clone_from(&keys.wrapped);
        key.key_source = keys.test_only.then(|| "test-only".to_owned());
        key.committed_by = Some(key.committed_by.take().unwrap_or(old));
    }
}
