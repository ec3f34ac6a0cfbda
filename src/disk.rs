//! The one seam to the file system: all that is written goes through [`Disk`], so that a test can make any operation fail. Files
//! that are read back are opened by the functions here, which take regular files alone; a test looks for other ways in the sources.
//!
//! Files appear whole: a temporary name in the same folder, the bytes, `fsync`, `rename`, `fsync` of the folder. The rename makes
//! it one step, the two syncs make it last through a loss of power (POSIX promises the first alone).

mod open;

use std::fs;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

pub use open::{
    Lines, Links, contents, link_count, open_below, open_lock, open_named, open_regular, open_writable, same_file,
    scratch, sole,
};

use crate::error::{Error, Kind, Result};

/// The operations that a run needs of a file system.
pub trait Disk: Send + Sync {
    /// Makes a folder and those above it, unless they are there.
    ///
    /// # Errors
    ///
    /// A folder above it is missing and cannot be made, or its name is taken by something else.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;
    /// Makes a file that must not be there; a link under its name is not followed.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::AlreadyExists`] where something has the name; or the folder cannot be written to.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// Makes a file that only its owner may read and write, and that must not be there; a link under its name is not followed.
    ///
    /// # Errors
    ///
    /// As for [`Disk::create`].
    fn create_private(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// Opens a regular file that has one name to go on at `length`; what comes after is cut off, a link is not followed.
    ///
    /// # Errors
    ///
    /// There is no such file, it is a link, no regular file, shorter or has several names, or it cannot be written to.
    fn reopen(&self, path: &Path, length: u64) -> io::Result<Box<dyn Handle>>;
    /// Gives a file another name, in one step, in place of what has it.
    ///
    /// # Errors
    ///
    /// There is no such file, or a folder of the two cannot be written to.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file a name that nothing has yet, in one step; [`io::ErrorKind::AlreadyExists`] where something has it.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::AlreadyExists`] where something has the name; or a folder of the two cannot be written to.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Writes zeros over all bytes of an open file, and makes them last.
    ///
    /// # Errors
    ///
    /// The file cannot be written to, or the disk fails.
    fn wipe(&self, file: &fs::File) -> io::Result<()>;
    /// Removes a file or a link.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`] where there is none; or the folder cannot be written to.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder last.
    ///
    /// # Errors
    ///
    /// The folder cannot be opened, or the disk fails.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Bytes that there is room for.
    ///
    /// # Errors
    ///
    /// The folder is not there.
    fn free(&self, folder: &Path) -> io::Result<u64>;
}

/// An open file.
pub trait Handle: Write + Send {
    /// Makes the bytes last.
    ///
    /// # Errors
    ///
    /// The disk is full or fails.
    fn sync(&mut self) -> io::Result<()>;
}

/// The file system of the machine.
#[derive(Debug, Clone, Copy)]
pub struct System;

impl Disk for System {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        Ok(Box::new(fs::OpenOptions::new().write(true).create_new(true).open(path)?))
    }

    fn create_private(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Box::new(options.open(path)?))
    }

    fn reopen(&self, path: &Path, length: u64) -> io::Result<Box<dyn Handle>> {
        let file = open::open(path, Links::Refuse, fs::OpenOptions::new().append(true))?;
        sole(&file)?;
        if file.metadata()?.len() < length {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is shorter than it was"));
        }
        file.set_len(length)?;
        Ok(Box::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // Some file systems do not know the flag.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => link_new(from, to),
            done => Ok(done?),
        }
    }

    #[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        link_new(from, to)
    }

    fn wipe(&self, mut file: &fs::File) -> io::Result<()> {
        file.rewind()?;
        io::copy(&mut io::repeat(0).take(file.metadata()?.len()), &mut file)?;
        file.sync_all()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        fs::File::open(folder)?.sync_all()
    }

    #[cfg(unix)]
    fn free(&self, folder: &Path) -> io::Result<u64> {
        let room = rustix::fs::statvfs(folder)?;
        Ok(room.f_bavail.saturating_mul(room.f_frsize))
    }

    #[cfg(not(unix))]
    fn free(&self, _: &Path) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

/// Gives a file a second name that nothing has yet, and takes its first one away.
fn link_new(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}

impl Handle for fs::File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// Standard output, which has no name and nothing that lasts.
impl Handle for io::Stdout {
    fn sync(&mut self) -> io::Result<()> {
        self.flush()
    }
}

/// The end of the name of a file while it is written.
const UNFINISHED: &str = "inprogress";

/// The name of a file while it is written.
#[must_use]
pub fn temporary(path: &Path) -> PathBuf {
    path.with_added_extension(UNFINISHED)
}

/// As [`temporary`], of a path below a folder.
#[must_use]
pub fn temporary_name(path: &str) -> String {
    format!("{path}.{UNFINISHED}")
}

/// Does it again where a signal came between.
///
/// # Errors
///
/// The operation's own, other than [`io::ErrorKind::Interrupted`].
pub fn retry<T>(mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// A new file under a temporary name; what a killed run left there is ours to remove.
///
/// # Errors
///
/// The file of before cannot be removed, or the new one not be made.
pub fn fresh(disk: &dyn Disk, temporary: &Path) -> Result<Box<dyn Handle>> {
    let io = |error| Error::io(temporary, error);
    match retry(|| disk.remove(temporary)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    retry(|| disk.create(temporary)).map_err(io)
}

/// Gives a file that is written and synced its name, for good.
///
/// # Errors
///
/// The file cannot be given its name, or the folder not be synced.
pub fn place(disk: &dyn Disk, temporary: &Path, whole: &Path) -> Result<()> {
    let io = |error| Error::io(whole, error);
    retry(|| disk.rename(temporary, whole)).map_err(io)?;
    let folder = whole.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    retry(|| disk.sync_folder(folder)).map_err(io)
}

/// Makes a folder, unless it is there; a link to one is not followed, so that nobody else says where files go.
///
/// # Errors
///
/// The folder is a link or cannot be made.
pub fn own_folder(disk: &dyn Disk, folder: &Path) -> Result<()> {
    // Without a last `/`, which would follow the link.
    let plain: PathBuf = folder.components().collect();
    if plain.symlink_metadata().is_ok_and(|there| there.is_symlink()) {
        return Err(Error::new(Kind::Io, format!("`{}` is a symbolic link", plain.display()))
            .hint("give the folder that it leads to"));
    }
    retry(|| disk.create_folder(folder)).map_err(|error| Error::io(folder, error))
}

/// Writes a small file whole, under the temporary name of `own`: runs of several parts write the same file, each by another.
///
/// # Errors
///
/// The file cannot be written, synced or given its name.
pub fn write_whole(disk: &dyn Disk, path: &Path, own: &Path, text: &str) -> Result<()> {
    let temporary = temporary(own);
    let io = |error| Error::io(path, error);
    let mut file = fresh(disk, &temporary)?;
    file.write_all(text.as_bytes()).map_err(io)?;
    retry(|| file.sync()).map_err(io)?;
    drop(file);
    place(disk, &temporary, path)
}
