//! The file of a keyring: locked while it is changed, never reached through a link, and replaced as a whole.
//!
//! A change takes the lock, reads the file, writes the new text under a temporary name, compares the file with what was read, and
//! renames. A process that is killed anywhere leaves the old keyring or the new one. Only when the new one lasts are the old bytes
//! overwritten; that reaches them on file systems that write in place.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::Path;

use zeroize::Zeroizing;

use super::lock::{ATTEMPTS, Lock};
use super::source::{self, failed, shown};
use super::{Keyring, Result};
use crate::disk::{Disk, link_count, open_writable, retry, same_file, temporary};
use crate::error::{Error, Kind};

impl Keyring {
    /// Writes a new keyring file that only its owner may read and write.
    ///
    /// # Errors
    /// Something has that name already, another process is changing it, or it cannot be written.
    pub fn create(&self, disk: &dyn Disk, path: &Path) -> Result<()> {
        let _lock = Lock::take(path, ATTEMPTS)?;
        let place = Place::new(disk, path);
        let there = || {
            failed(format!("`{}` is there already", place.shown)).hint("`placebo keys rotate` adds a key to a keyring")
        };
        if path.symlink_metadata().is_ok() {
            return Err(there());
        }
        place.discard()?;
        let made = place.write(&self.text()?).and_then(|()| {
            retry(|| disk.rename_new(&temporary(path), path)).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => there(),
                _ => place.io(error),
            })
        });
        place.or_discard(made)?;
        place.sync("is written")
    }

    /// Changes a keyring file: reads it under its lock, calls `edit`, and replaces the file if `edit` succeeds.
    ///
    /// Read keys that `edit` needs before the call: sources may be slow, and the keyring is locked meanwhile.
    ///
    /// # Errors
    /// The error of `edit`; or the file is a link, has several names, is open to others, belongs to another user, is no keyring, is
    /// changed by another process, or cannot be written. Then it is as it was, unless the message says that it is changed.
    pub fn change<T>(disk: &dyn Disk, path: &Path, edit: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let _lock = Lock::take(path, ATTEMPTS)?;
        let place = Place::new(disk, path);
        place.discard()?;
        let old = Sole::open(path)?;
        let mut ring = Self::parse(&old.bytes, &place.shown)?;
        let done = edit(&mut ring)?;
        let replaced = place.write(&ring.text()?).and_then(|()| {
            old.refuse_other_owner(&temporary(path))?;
            old.refuse_changes(path)?;
            retry(|| disk.rename(&temporary(path), path)).map_err(|error| place.io(error))
        });
        place.or_discard(replaced)?;
        place.sync("is changed")?;
        if old.names().is_some_and(|count| count > 0) && !place.kept_by_nfs(&old.file) {
            return Err(failed(format!(
                "`{}` is changed, but its old text got another name meanwhile and is not overwritten",
                place.shown
            ))
            .hint("find the other name of that file, and remove it"));
        }
        retry(|| disk.wipe(&old.file))
            .map_err(|error| place.half("is changed, but its old text is not overwritten", error))?;
        Ok(done)
    }

    fn text(&self) -> Result<Zeroizing<Vec<u8>>> {
        let mut text = Zeroizing::new(Vec::with_capacity(320 * (self.keys.len() + 1)));
        serde_json::to_writer_pretty(&mut *text, self)
            .map_err(|error| Error::internal(format!("a keyring is not written: {error}")))?;
        text.push(b'\n');
        if text.len() as u64 > source::MAX {
            return Err(failed(format!("the keyring would be larger than {} bytes, and unreadable", source::MAX))
                .hint("begin another one: `placebo keys new`"));
        }
        Ok(text)
    }
}

/// The place of a keyring file on a disk.
struct Place<'a> {
    disk: &'a dyn Disk,
    path: &'a Path,
    /// The name for messages.
    shown: String,
}

impl<'a> Place<'a> {
    fn new(disk: &'a dyn Disk, path: &'a Path) -> Self {
        Self { disk, path, shown: shown(&path.to_string_lossy()).to_owned() }
    }

    fn io(&self, error: io::Error) -> Error {
        let busy = error.kind() == io::ErrorKind::ResourceBusy;
        let hint = busy.then(|| "a file that is mounted by itself cannot be replaced: mount its folder".to_owned());
        Error::io(&self.shown, error).maybe_hint(hint)
    }

    /// The error of an operation that comes after the new keyring is in place.
    fn half(&self, what: &str, error: io::Error) -> Error {
        Error::new(Kind::Io, format!("`{}` {what}: {error}", self.shown))
            .caused_by(error)
            .hint(format!("`placebo keys list --keyring {}` shows its keys", self.shown))
    }

    /// Removes the temporary file that a killed process left, and overwrites the keys in it.
    fn discard(&self) -> Result<()> {
        let temporary = temporary(self.path);
        let io = |error| self.io(error);
        match temporary.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(io(error)),
            Ok(there) if there.is_file() => {
                let file = retry(|| open_writable(&temporary)).map_err(io)?;
                // With a second name it may be the keyring itself.
                if link_count(&file) == Some(1) {
                    retry(|| self.disk.wipe(&file)).map_err(io)?;
                }
            }
            Ok(_) => {}
        }
        match retry(|| self.disk.remove(&temporary)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io(error)),
            _ => Ok(()),
        }
    }

    /// Hands a result on; the temporary file of a failure goes.
    fn or_discard(&self, result: Result<()>) -> Result<()> {
        result.inspect_err(|_| {
            // The first error is the one to tell; the next change tries again to remove the file.
            let _second_error = self.discard();
        })
    }

    /// Writes the temporary file, which only its owner may read, and makes it last.
    fn write(&self, text: &[u8]) -> Result<()> {
        let io = |error| self.io(error);
        let mut file = retry(|| self.disk.create_private(&temporary(self.path))).map_err(io)?;
        file.write_all(text).map_err(io)?;
        retry(|| file.sync()).map_err(io)
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Tells whether an open file that was replaced is still in the folder because NFS keeps it there, as `.nfs…`, until it is closed.
    fn kept_by_nfs(&self, file: &File) -> bool {
        let all = std::fs::read_dir(self.folder()).into_iter().flatten().flatten();
        all.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b".nfs"))
            .any(|entry| entry.path().symlink_metadata().is_ok_and(|there| same_file(file, &there)))
    }

    /// Makes the new name last.
    fn sync(&self, done: &str) -> Result<()> {
        retry(|| self.disk.sync_folder(self.folder()))
            .map_err(|error| self.half(&format!("{done}, but may not outlast a loss of power"), error))
    }
}

/// An open keyring file that has one name, and the text that was read from it.
struct Sole {
    file: File,
    bytes: Zeroizing<Vec<u8>>,
}

impl Sole {
    fn open(path: &Path) -> Result<Self> {
        let name = path.to_string_lossy();
        let name = shown(&name);
        let cannot = |error| failed(format!("the keyring `{name}` cannot be changed: {error}"));
        let there = path.symlink_metadata().map_err(cannot)?;
        if there.is_symlink() {
            let target = std::fs::canonicalize(path).map_or_else(
                |_| "the link leads nowhere".to_owned(),
                |target| format!("give the file that it leads to: `{}`", shown(&target.to_string_lossy())),
            );
            return Err(failed(format!(
                "`{name}` is a symbolic link: a change would replace the link, and not the keyring that others read"
            ))
            .hint(target));
        }
        if !there.is_file() {
            return Err(failed(format!("`{name}` is not a regular file, and cannot be replaced"))
                .hint("give the file of a keyring that `placebo keys new` made"));
        }
        let file = retry(|| open_writable(path)).map_err(cannot)?;
        if let Some(count) = link_count(&file).filter(|count| *count != 1) {
            return Err(failed(format!(
                "the keyring `{name}` has {count} names (hard links): a change would reach this one alone"
            ))
            .hint(format!("keep one name and remove the others, or make this one a file of its own: `cp -p {name} {name}.own && mv {name}.own {name}`")));
        }
        source::private(&file, name)?;
        let bytes = source::contents(&file, name)?;
        Ok(Self { file, bytes })
    }

    /// The number of names that the file has; `None` where the system does not say.
    fn names(&self) -> Option<u64> {
        link_count(&self.file)
    }

    /// Refuses to go on if the path leads to another file by now, or the file has another text or a second name.
    fn refuse_changes(&self, path: &Path) -> Result<()> {
        let name = path.to_string_lossy();
        let name = shown(&name);
        let here = path.symlink_metadata().is_ok_and(|there| same_file(&self.file, &there));
        (&self.file).rewind().map_err(|error| Error::io(name, error))?;
        let sole = self.names().is_none_or(|count| count == 1);
        if here && sole && *source::contents(&self.file, name)? == *self.bytes {
            return Ok(());
        }
        Err(Error::new(
            Kind::Locked,
            format!("another program changed the keyring `{name}` meanwhile; nothing was written"),
        )
        .hint("try again"))
    }

    /// Refuses to replace the file of one user with the file of another, who alone could read it then.
    #[cfg(unix)]
    fn refuse_other_owner(&self, new: &Path) -> Result<()> {
        use std::os::unix::fs::MetadataExt;
        let owner = |meta: io::Result<std::fs::Metadata>| {
            meta.map(|meta| meta.uid()).map_err(|error| Error::io("the keyring", error))
        };
        let (old, new) = (owner(self.file.metadata())?, owner(new.symlink_metadata())?);
        if old == new {
            return Ok(());
        }
        Err(failed(format!("the keyring belongs to user {old}, who could not read what user {new} writes"))
            .hint(format!("change it as its owner: `sudo -u '#{old}' placebo keys …`")))
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, reason = "files have no owner that the standard library tells")]
    fn refuse_other_owner(&self, _: &Path) -> Result<()> {
        Ok(())
    }
}
