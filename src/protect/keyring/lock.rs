//! The lock of a keyring: a lock of the kernel on an empty file beside it, which ends with its process, whatever happens to it.
//!
//! A change takes milliseconds, because keys are read before it begins; so a process waits for another one's change, and
//! gives up after ten seconds.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::source::shown;
use crate::disk::{open_lock, same_file};
use crate::error::{Error, Kind, Result};

/// The time between two attempts to lock.
const PAUSE: Duration = Duration::from_millis(20);
/// The number of attempts before a process gives up: ten seconds.
pub(super) const ATTEMPTS: u32 = 500;

/// The right to change a keyring, until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Locks the keyring of a path, whether its file is there or not.
    ///
    /// # Errors
    /// The folder cannot be written to, the lock's name is that of a link or a folder, or another process keeps the lock.
    pub(super) fn take(keyring: &Path, attempts: u32) -> Result<Self> {
        let path = beside(keyring)?;
        let name = keyring.to_string_lossy();
        let name = shown(&name);
        let io = |error| {
            Error::io(name, error)
                .hint("a keyring is locked by a file beside it, and replaced as a whole: its folder must be writable")
        };
        for attempt in 0..attempts {
            if attempt > 0 {
                std::thread::sleep(PAUSE);
            }
            let file = open_lock(&path, true).map_err(io)?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(io(error)),
                // The holder of a moment ago may have removed the file that was opened here.
                Ok(()) if path.symlink_metadata().is_ok_and(|there| same_file(&file, &there)) => {
                    return Ok(Self { file, path });
                }
                Ok(()) => {}
            }
        }
        Err(Error::new(Kind::Locked, format!("another process is changing the keyring `{name}`"))
            .hint("wait until it has ended, and try again"))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A file with content is not ours, whatever its name is.
        if self.file.metadata().is_ok_and(|own| own.len() == 0) {
            let _gone_already = std::fs::remove_file(&self.path);
        }
    }
}

/// The lock's file: `.NAME.placebo-lock` in the keyring's folder.
pub(super) fn beside(keyring: &Path) -> Result<PathBuf> {
    let name = keyring
        .file_name()
        .ok_or_else(|| Error::usage(format!("`{}` is no name of a file", keyring.display())).hint("--keyring FILE"))?;
    let mut own = OsString::from(".");
    own.push(name);
    own.push(".placebo-lock");
    Ok(keyring.with_file_name(own))
}
