//! One run at a time in a folder: a lock of the kernel, which ends with its process, whatever happens to it.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::names::lock_name;
use crate::disk::{open_lock, same_file};
use crate::error::{Error, Kind, Result};
use crate::part::Part;

/// Holds a folder until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
    /// True if nobody else may write to the folder; parts share it.
    alone: bool,
}

impl Lock {
    /// Locks a folder: for a whole run alone, for a part together with the runs of other parts.
    pub(crate) fn take(folder: &Path, part: Option<Part>) -> Result<Vec<Self>> {
        let of =
            |part, alone| Self::of(folder.join(lock_name(part)), alone, folder, "choose another folder with --out");
        let whole = of(None, part.is_none())?;
        // The run of another part may be removing what an earlier run of this one left, which takes a moment.
        let mut own = part.map(|_| of(part, true));
        for _ in 0..10 {
            if !matches!(&own, Some(Err(error)) if error.kind() == Kind::Locked) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
            own = part.map(|_| of(part, true));
        }
        Ok([Some(whole), own.transpose()?].into_iter().flatten().collect())
    }

    /// Locks the files of one part alone, to remove them.
    pub(crate) fn of_part(folder: &Path, part: Part) -> Result<Self> {
        Self::of(folder.join(lock_name(Some(part))), true, folder, "choose another folder with --out")
    }

    /// Locks a file, such as a database, by a file beside it.
    #[cfg(feature = "sqlite")]
    pub(crate) fn beside(file: &Path) -> Result<Self> {
        let mut name = std::ffi::OsString::from(".");
        name.push(file.file_name().unwrap_or_default());
        name.push(".placebo-lock");
        Self::of(file.with_file_name(name), true, file, "choose another file")
    }

    /// Takes the lock at a path; `shown` is what it guards, and `otherwise` what to do instead of waiting.
    fn of(path: PathBuf, alone: bool, shown: &Path, otherwise: &str) -> Result<Self> {
        let io = |error| Error::io(&path, error);
        // The holder of a moment ago may have removed the file that was opened here: then the next one is tried.
        for _ in 0..100 {
            let mut file = open_lock(&path, false).map_err(|error| {
                let wrong = error.kind() == std::io::ErrorKind::InvalidInput;
                io(error).maybe_hint(wrong.then(|| "remove it: a lock is a file of its own".to_owned()))
            })?;
            match if alone { file.try_lock() } else { file.try_lock_shared() } {
                Err(TryLockError::WouldBlock) => return Err(held(&mut file, shown, otherwise)),
                Err(TryLockError::Error(error)) => return Err(io(error)),
                Ok(()) if path.symlink_metadata().is_ok_and(|there| same_file(&file, &there)) => {
                    let name = format!("process {}\n", std::process::id());
                    file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0)).map(drop)).map_err(io)?;
                    file.write_all(name.as_bytes()).map_err(io)?;
                    return Ok(Self { file, path, alone });
                }
                Ok(()) => {}
            }
        }
        Err(Error::new(Kind::Locked, format!("`{}` comes and goes", path.display())))
    }
}

/// Who holds the lock, as far as the file says.
fn held(file: &mut File, shown: &Path, otherwise: &str) -> Error {
    let mut holder = String::new();
    // What a name is good for is the message alone: a holder of this very moment is given a little time to write it.
    for _ in 0..50 {
        let _unread =
            file.seek(SeekFrom::Start(0)).and_then(|_| Read::take(&mut *file, 100).read_to_string(&mut holder));
        if holder.ends_with('\n') {
            break;
        }
        holder.clear();
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let holder = if holder.trim().is_empty() { "another run" } else { holder.trim() };
    Error::new(Kind::Locked, format!("{holder} writes to `{}`", shown.display()))
        .hint(format!("wait for its end, or {otherwise}"))
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Shared locks leave their file to the last of them, who can lock it alone.
        if self.alone || self.file.try_lock().is_ok() {
            let _gone_already = std::fs::remove_file(&self.path);
        }
    }
}
