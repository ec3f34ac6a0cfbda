//! Fixtures as files: in a folder that may hold other files, but none of these.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::form::{Form, Found};
use crate::disk::{Disk, own_folder, retry, write_whole};
use crate::error::{Error, Result};

const OVERWRITE: &str =
    "--overwrite replaces it, and removes the files of pools that are gone; or choose another place with --out";

/// Writes fixtures to standard output.
///
/// # Errors
///
/// If the form has several files, or writing fails.
pub fn to_stdout(form: &Form, found: &Found) -> Result<()> {
    if !form.one_file {
        return Err(Error::usage(format!("`{}` writes several files", form.name)).hint("--out DIR"));
    }
    let mut out = std::io::stdout().lock();
    let text: String = form.files(found).into_iter().map(|(_, text)| text).collect();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Error::io("standard output", error))
}

/// Writes fixtures to a file, or to a folder that is made. Each file appears whole. Returns the names of the files, below
/// the folder; none for a file.
///
/// # Errors
///
/// If a file is there already and `overwrite` is false, or writing fails.
pub fn to_path(disk: &dyn Disk, path: &Path, form: &Form, found: &Found, overwrite: bool) -> Result<Vec<String>> {
    let files = form.files(found);
    let is_file = form.one_file && path.extension().is_some() && !path.is_dir();
    let folder = if is_file { path.parent().unwrap_or(Path::new("")) } else { path };
    if !folder.as_os_str().is_empty() {
        own_folder(disk, folder)?;
    }
    let place = |name: &str| if is_file { path.to_owned() } else { folder.join(name) };
    let mut gone = Vec::new();
    refuse_earlier(files.iter().map(|(name, _)| place(name)), overwrite)?;
    if !is_file {
        let io = |error| Error::io(folder, error);
        for entry in std::fs::read_dir(folder).map_err(io)? {
            let name = entry.map_err(io)?.file_name();
            let Some(name) = name.to_str().filter(|name| form.is_of_another_pool(name, &files)) else { continue };
            if !overwrite {
                return Err(Error::usage(format!("`{}` is there already", folder.join(name).display())).hint(OVERWRITE));
            }
            gone.push(name.to_owned());
        }
    }
    // Rows of before are gone before the first new one, so that no pool has rows of two runs.
    for name in &gone {
        let path = folder.join(name);
        retry(|| disk.remove(&path)).map_err(|error| Error::io(&path, error))?;
    }
    for (name, text) in &files {
        let whole = place(name);
        write_whole(disk, &whole, &whole, text)?;
    }
    Ok(if is_file { Vec::new() } else { files.into_iter().map(|(name, _)| name).collect() })
}

/// Writes files into a folder that is made, each of them whole.
///
/// # Errors
///
/// If a file is there already and `overwrite` is false, or writing fails.
pub fn into_folder(disk: &dyn Disk, folder: &Path, files: &[(String, String)], overwrite: bool) -> Result<()> {
    own_folder(disk, folder)?;
    refuse_earlier(files.iter().map(|(name, _)| folder.join(name)), overwrite)?;
    files.iter().try_for_each(|(name, text)| {
        let path = folder.join(name);
        write_whole(disk, &path, &path, text)
    })
}

fn refuse_earlier(paths: impl Iterator<Item = PathBuf>, overwrite: bool) -> Result<()> {
    for path in paths.filter(|_| !overwrite) {
        if path.symlink_metadata().is_ok() {
            return Err(Error::usage(format!("`{}` is there already", path.display())).hint(OVERWRITE));
        }
    }
    Ok(())
}
