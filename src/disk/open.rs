//! Opening of files that others may have made. Each function opens a regular file or fails at once: a named pipe would keep the
//! process waiting, and a link leads to a file that nobody meant.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

/// The treatment of a symbolic link in place of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// The link is followed: a user named it.
    Follow,
    /// The link is an error: the name is one that a program looks for in a folder.
    Refuse,
}

/// Opens a regular file to read it.
///
/// # Errors
///
/// If there is no file, it may not be read, or it is a pipe, a device, a socket, a folder or, where links are refused, a link
/// ([`ErrorKind::InvalidInput`]).
pub fn open_regular(path: &Path, links: Links) -> io::Result<File> {
    let mut options = OpenOptions::new();
    open(path, links, options.read(true))
}

/// Opens a file that a user named to read it, whatever it is: a pipe too.
///
/// # Errors
///
/// If there is no file, or it may not be read.
pub fn open_named(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Makes a file without a name in the system's folder for temporary files: it is gone when it is closed, and nobody else sees it.
///
/// # Errors
///
/// If it cannot be made.
pub fn scratch() -> io::Result<File> {
    static MADE: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    for _ in 0..1_000 {
        let number = MADE.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!(".placebo-{}-{number}", std::process::id()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(file) => return std::fs::remove_file(&path).map(|()| file),
        }
    }
    Err(io::Error::new(ErrorKind::AlreadyExists, "no name is free for a temporary file"))
}

/// Opens a regular file to read it and to write over it; a link is not followed.
///
/// # Errors
///
/// As [`open_regular`].
pub fn open_writable(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    open(path, Links::Refuse, options.read(true).write(true))
}

/// Opens a file to lock it, and makes it where there is none; a link is not followed. A new file is its owner's alone if
/// `private`.
///
/// # Errors
///
/// As [`open_regular`]; and if the file has several names, because one of them may be a file that somebody needs.
pub fn open_lock(path: &Path, private: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let file = open(path, Links::Refuse, &mut options)?;
    sole(&file)?;
    Ok(file)
}

/// Refuses an open file that has several names: a change would reach all of them.
///
/// # Errors
///
/// If it has.
pub fn sole(file: &File) -> io::Result<()> {
    match link_count(file) {
        Some(count @ 2..) => {
            Err(wrong(&format!("it has {count} names (hard links), and a change would reach all of them")))
        }
        _ => Ok(()),
    }
}

/// The number of names of an open file: 0 for one that was removed meanwhile, `None` where the system does not tell.
#[cfg(unix)]
#[must_use]
pub fn link_count(file: &File) -> Option<u64> {
    file.metadata().ok().map(|meta| std::os::unix::fs::MetadataExt::nlink(&meta))
}

/// The number of names of an open file: 0 for one that was removed meanwhile, `None` where the system does not tell.
#[cfg(not(unix))]
#[must_use]
pub fn link_count(_: &File) -> Option<u64> {
    None
}

/// Tells whether an open file is the one that metadata were read of. `true` on systems that do not number files.
#[cfg(unix)]
#[must_use]
pub fn same_file(file: &File, there: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|own| (own.dev(), own.ino()) == (there.dev(), there.ino()))
}

/// Tells whether an open file is the one that metadata were read of. `true` on systems that do not number files.
#[cfg(not(unix))]
#[must_use]
pub fn same_file(_: &File, _: &Metadata) -> bool {
    true
}

/// Opens a file by its path, and looks at what it is before and after: a device may act on being opened, and another file may
/// have taken the name in between.
pub(super) fn open(path: &Path, links: Links, options: &mut OpenOptions) -> io::Result<File> {
    let there = if links == Links::Follow { path.metadata() } else { path.symlink_metadata() };
    match there {
        Ok(there) => regular(there.file_type())?,
        // `create` makes it.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let follow = if links == Links::Follow { OFlags::empty() } else { OFlags::NOFOLLOW };
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY | follow).bits();
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags as i32);
    }
    let file = options.open(path)?;
    regular(file.metadata()?.file_type())?;
    Ok(file)
}

/// Opens a regular file below a folder to read it. The path has `/` between names; none of them may be a link or lead out of the
/// folder. The folder itself may be a link.
///
/// # Errors
///
/// As [`open_regular`]; a path that leads out of the folder is [`ErrorKind::InvalidInput`] too.
#[cfg(unix)]
pub fn open_below(folder: &Path, path: &str) -> io::Result<File> {
    use rustix::fs::{AtFlags, CWD, FileType as Kind, Mode, OFlags, openat, statat};
    let mut names = plain(path)?;
    let last = names.pop().unwrap_or_default();
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let walk = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at = openat(CWD, folder, walk, Mode::empty())?;
    for name in names {
        if Kind::from_raw_mode(statat(&at, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode) == Kind::Symlink {
            return Err(wrong(&format!("`{name}` on the way to it is a symbolic link")));
        }
        at = openat(&at, name, walk | OFlags::NOFOLLOW, Mode::empty())?;
    }
    match Kind::from_raw_mode(statat(&at, last, AtFlags::SYMLINK_NOFOLLOW)?.st_mode) {
        Kind::RegularFile => {}
        Kind::Symlink => return Err(wrong("it is a symbolic link")),
        Kind::Directory => return Err(wrong("it is a folder")),
        Kind::Fifo => return Err(wrong("it is a named pipe")),
        Kind::Socket => return Err(wrong("it is a socket")),
        _ => return Err(wrong("it is a device")),
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(openat(&at, last, flags, Mode::empty())?);
    regular(file.metadata()?.file_type())?;
    Ok(file)
}

/// Opens a regular file below a folder to read it. The path has `/` between names; none of them may be a link or lead out of the
/// folder. The folder itself may be a link.
///
/// # Errors
///
/// As [`open_regular`]; a path that leads out of the folder is [`ErrorKind::InvalidInput`] too.
#[cfg(not(unix))]
pub fn open_below(folder: &Path, path: &str) -> io::Result<File> {
    let mut names = plain(path)?;
    let last = names.pop().unwrap_or_default();
    let mut at = folder.to_owned();
    for name in names {
        at.push(name);
        if at.symlink_metadata()?.is_symlink() {
            return Err(wrong(&format!("`{name}` on the way to it is a symbolic link")));
        }
    }
    open_regular(&at.join(last), Links::Refuse)
}

/// The names of a path with `/`, none of which leads anywhere else.
fn plain(path: &str) -> io::Result<Vec<&str>> {
    let names: Vec<&str> = path.split('/').collect();
    let leads_out = |name: &&str| matches!(*name, "" | "." | "..") || name.contains(['\\', ':', '\0']);
    if names.iter().any(leads_out) { Err(wrong("its path leads out of the folder")) } else { Ok(names) }
}

/// Refuses what is not a regular file.
fn regular(kind: FileType) -> io::Result<()> {
    if kind.is_file() {
        return Ok(());
    }
    let what = if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_dir() {
        "a folder"
    } else {
        special(kind)
    };
    Err(wrong(&format!("it is {what}")))
}

#[cfg(unix)]
fn special(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn special(_: FileType) -> &'static str {
    "not a regular file"
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, what.to_owned())
}

/// Reads an open file to its end.
///
/// # Errors
///
/// If it cannot be read, or has more than `most` bytes ([`ErrorKind::FileTooLarge`]).
pub fn contents(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

/// The lines of an open file, one in memory at a time.
pub struct Lines {
    file: BufReader<File>,
    line: Vec<u8>,
    most: u64,
}

impl Lines {
    /// The lines of a file, of which none may have more than `most` bytes.
    #[must_use]
    pub fn new(file: File, most: u64) -> Self {
        Self { file: BufReader::with_capacity(1 << 16, file), line: Vec::new(), most }
    }

    /// The next line with its line feed, which the last one may lack; `None` after the last.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or the line is too long ([`ErrorKind::FileTooLarge`]).
    pub fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        (&mut self.file).take(self.most + 1).read_until(b'\n', &mut self.line)?;
        if self.line.len() as u64 > self.most {
            return Err(io::Error::new(
                ErrorKind::FileTooLarge,
                format!("it has a line of more than {} bytes", self.most),
            ));
        }
        Ok((!self.line.is_empty()).then_some(self.line.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_a_regular_file_below_the_folder_or_nowhere() {
        let temp = tempfile::tempdir().expect("a folder");
        let folder = temp.path().join("in");
        std::fs::create_dir_all(folder.join("table")).expect("a folder");
        std::fs::write(temp.path().join("secret"), "s").expect("writes");
        std::fs::write(folder.join("table/part.csv"), "p").expect("writes");
        let read = |path: &str| open_below(&folder, path).and_then(|file| contents(file, 10));
        assert_eq!(read("table/part.csv").expect("reads"), b"p");
        for out in
            ["../secret", "table/../../secret", "/etc/passwd", "", ".", "table/", "table//part.csv", "a\\b", "a\0"]
        {
            assert_eq!(read(out).expect_err(out).kind(), ErrorKind::InvalidInput, "{out}");
        }
        assert_eq!(read("table").expect_err("a folder").to_string(), "it is a folder");
        assert_eq!(read("no.csv").expect_err("nothing").kind(), ErrorKind::NotFound);
        #[cfg(unix)]
        {
            use std::os::unix::fs::symlink;
            symlink(temp.path(), folder.join("up")).expect("links");
            symlink(temp.path().join("secret"), folder.join("link.csv")).expect("links");
            let fifo = std::process::Command::new("mkfifo").arg(folder.join("pipe")).status().expect("mkfifo");
            assert!(fifo.success());
            let _socket = std::os::unix::net::UnixListener::bind(folder.join("socket")).expect("binds");
            let cases = [
                ("up/secret", "`up` on the way to it is a symbolic link"),
                ("link.csv", "it is a symbolic link"),
                ("pipe", "it is a named pipe"),
                ("socket", "it is a socket"),
            ];
            for (path, what) in cases {
                assert_eq!(read(path).expect_err(path).to_string(), what);
                let alone = open_regular(&folder.join(path), Links::Refuse).map(drop);
                assert!(path == "up/secret" || alone.is_err_and(|error| error.to_string() == what), "{path}");
            }
            for path in ["pipe", "socket"] {
                assert!(open_regular(&folder.join(path), Links::Follow).is_err(), "{path}");
                assert!(open_lock(&folder.join(path), false).is_err(), "{path}");
                assert!(open_writable(&folder.join(path)).is_err(), "{path}");
            }
            assert!(
                open_regular(Path::new("/dev/null"), Links::Follow).is_err_and(|e| e.to_string() == "it is a device")
            );
            assert!(open_regular(&folder.join("link.csv"), Links::Follow).is_ok());
            std::fs::hard_link(temp.path().join("secret"), folder.join("lock")).expect("links");
            assert!(open_lock(&folder.join("lock"), false).is_err_and(|error| error.to_string().contains("2 names")));
            assert_eq!(std::fs::read(temp.path().join("secret")).expect("reads"), b"s");
        }
    }

    #[test]
    fn a_line_and_a_file_are_bounded() {
        let temp = tempfile::tempdir().expect("a folder");
        let path = temp.path().join("log");
        std::fs::write(&path, "one\ntwo\n\nthe last").expect("writes");
        let open = || open_regular(&path, Links::Refuse).expect("opens");
        let lines = |most: u64| {
            let (mut lines, mut all) = (Lines::new(open(), most), Vec::new());
            while let Some(line) = lines.next_line()? {
                all.push(String::from_utf8_lossy(line).into_owned());
            }
            Ok::<_, io::Error>(all)
        };
        assert_eq!(lines(8).expect("reads"), ["one\n", "two\n", "\n", "the last"]);
        assert_eq!(lines(7).expect_err("too long").kind(), ErrorKind::FileTooLarge);
        assert_eq!(contents(open(), 17).expect("reads").len(), 17);
        assert_eq!(contents(open(), 16).expect_err("too large").kind(), ErrorKind::FileTooLarge);
    }
}
