//! `placebo decrypt` and `placebo reencrypt`: data sets read back with a key.

use std::path::{Path, PathBuf};

use clap::Args;

use super::protect_args::{KeyArgs, one_key};
use super::{text_table, threads};
use crate::decrypt::{ColumnName, Opener, Request, Written, open, read_all, reencrypt};
use crate::disk::System;
use crate::error::{Error, Result};

#[derive(Args)]
pub(super) struct Decrypt {
    /// The data set's folder, or one of its files; the manifest must be there.
    from: PathBuf,
    /// Only these columns, such as `patient.ssn`, separated by commas; by default all that are encrypted.
    #[arg(long, value_delimiter = ',', value_name = "TABLE.COLUMN,…")]
    columns: Vec<String>,
    #[command(flatten)]
    keys: KeyArgs,
    /// The source of the key of the one column of `--columns`, as `keys export` prints it.
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
    let has = |folder: &Path| read_all(folder).is_ok();
    let folder = from.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let above = folder.parent().filter(|above| !has(folder) && has(above));
    let home = above.unwrap_or(folder).to_owned();
    // As the folder's path and the manifest's make it.
    let file = from.strip_prefix(&home).map_or_else(|_| home.join(from), |rest| home.join(rest));
    (home, Some(file))
}

fn names(columns: &[String]) -> Result<Vec<ColumnName>> {
    let name = |text: &String| {
        text.split_once('.')
            .map(|(table, column)| ColumnName { table: table.to_owned(), column: column.to_owned() })
            .ok_or_else(|| Error::usage(format!("`--columns {text}` has no `.`")).hint("--columns TABLE.COLUMN,…"))
    };
    columns.iter().map(name).collect()
}

fn report(written: &[Written]) -> Result<()> {
    let rows: Vec<Vec<String>> = written
        .iter()
        .map(|one| vec![one.file.path.clone(), text_table::count(one.file.rows), text_table::count(one.values)])
        .collect();
    text_table::print(&text_table::aligned(&["file", "rows", "values"], &rows))
}

impl Decrypt {
    pub(super) fn run(&self) -> Result<()> {
        let (folder, file) = home(&self.from);
        let all = read_all(&folder)?;
        let columns = names(&self.columns)?;
        for name in &columns {
            let mut known = all.iter().flat_map(|one| one.manifest.protection.iter().flat_map(|entry| &entry.columns));
            if !known.any(|column| name.is(column) && column.is_sealed()) {
                let message = format!("`{}.{}` is not an encrypted column of this data set", name.table, name.column);
                return Err(Error::usage(message).hint("manifest.json lists the columns under `protection`"));
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
        report(&open(&System, &request, &all, threads(self.threads)?)?)
    }
}

impl Reencrypt {
    pub(super) fn run(&self) -> Result<()> {
        let keys =
            self.keys.read()?.ok_or_else(|| Error::usage("no key is given").hint("--keyring FILE or --key SOURCE"))?;
        report(&reencrypt(&System, &self.from, &self.out, &keys, threads(self.threads)?)?)
    }
}
