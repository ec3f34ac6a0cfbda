//! A database file opened, so that no other program changes it meanwhile; and what its errors mean.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::connection::Open;
use crate::error::{Error, Kind, Result};
use crate::folder::Lock;
use crate::target::database::{Again, Attempt, Failure, Rule, Violation};

/// The settings of a run. In WAL mode with `NORMAL` a loss of power may lose the last chunks, each with its rows in the ledger.
pub(super) const SETTINGS: &str = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
    PRAGMA foreign_keys = OFF; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4096;";

/// The ends of the names of files that the library keeps beside a database.
pub(super) const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The folder of a file.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The path of a database file without links; the file need not exist.
///
/// # Errors
///
/// If its folder does not exist, or the file is a link or no file.
pub(super) fn resolve(path: &Path) -> Result<PathBuf> {
    let name = path
        .file_name()
        .ok_or_else(|| Error::usage(format!("`{}` names no file", path.display())).hint("such as sqlite:staging.db"))?;
    let folder = folder_of(path);
    let real = folder.canonicalize().map_err(|error| Error::io(folder, error).hint("make the folder first"))?;
    let real = real.join(name);
    let wrong =
        |what: &str, hint: &str| Err(Error::new(Kind::Io, format!("`{}` is {what}", path.display())).hint(hint));
    match real.symlink_metadata() {
        Ok(there) if there.is_symlink() => wrong("a symbolic link", "give the file that it leads to"),
        Ok(there) if !there.is_file() => wrong("no file", "give the path of a file, which need not exist"),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(path, error)),
        _ => beside(&real).map(|()| real),
    }
}

/// Refuses anything but a regular file in place of the files that the library keeps beside a database: it would wait for a pipe.
fn beside(path: &Path) -> Result<()> {
    for end in BESIDE {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        let name = Path::new(&name);
        // It is not opened here: closing it would end the locks that the process has on it.
        if name.symlink_metadata().is_ok_and(|there| !there.is_file()) {
            return Err(Error::new(Kind::Io, format!("`{}` is not a regular file", name.display()))
                .hint("remove it, or give the path of a new file"));
        }
    }
    Ok(())
}

/// Opens the file at a path for a load: it is locked, and no other program may change it.
///
/// # Errors
///
/// If it cannot be opened or written, or another program has it open.
pub(super) fn open(shown: &Path) -> Attempt<Open> {
    let path = resolve(shown)?;
    let lock = Lock::beside(&path)?;
    let created = !path.exists();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(&path, flags).map_err(|error| failure(shown, error))?;
    let set = || -> rusqlite::Result<bool> {
        connection.busy_timeout(std::time::Duration::from_secs(1))?;
        // A read that finds out whether the file is a database, before anything is written.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
        connection.is_readonly("main")
    };
    if set().map_err(|error| failure(shown, error))? {
        return Err(Error::new(Kind::Io, format!("`{}` may only be read", shown.display()))
            .hint("give a file that you may write")
            .into());
    }
    Ok(Open::new(connection, shown, created, Some(lock)))
}

/// Opens the file at a path to read it.
///
/// # Errors
///
/// If there is none, it is a link or no regular file, or it cannot be read.
pub(super) fn look(shown: &Path) -> Attempt<Open> {
    let path = resolve(shown)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| failure(shown, error))?;
    Ok(Open::new(connection, shown, false, None))
}

/// The failure of a file, with the row that breaks a constraint if that is what failed.
pub(super) fn failure(path: &Path, error: rusqlite::Error) -> Failure {
    let violation = violation(&error).map(Box::new);
    Failure { error: failed(path, error), again: Again::Never, violation }
}

/// Reads a message such as `UNIQUE constraint failed: t.a, t.b`; `None` for an error of another kind.
fn violation(error: &rusqlite::Error) -> Option<Violation> {
    let rusqlite::Error::SqliteFailure(code, Some(message)) = error else { return None };
    if code.code != ErrorCode::ConstraintViolation {
        return None;
    }
    let (what, place) = message.split_once(" constraint failed")?;
    let place = place.trim_start_matches([':', ' ']);
    let (rule, constraint) = match what {
        "UNIQUE" => (Rule::Unique, None),
        "NOT NULL" => (Rule::NotNull, None),
        "CHECK" => (Rule::Check, Some(place.to_owned())),
        "FOREIGN KEY" => (Rule::ForeignKey, None),
        _ => return None,
    };
    let column = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
    let named = matches!(rule, Rule::Unique | Rule::NotNull) && !place.is_empty();
    let columns = if named { place.split(", ").map(column).collect() } else { Vec::new() };
    Some(Violation { rule, table: None, constraint, columns, values: Vec::new(), row: None })
}

/// An error of `SQLite` about a file: where, what, and what to do.
fn failed(path: &Path, error: rusqlite::Error) -> Error {
    let code = error.sqlite_error_code();
    let shown = path.display();
    let of = |kind: Kind, what: String| Error::new(kind, format!("`{shown}`: {what}"));
    match code {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            of(Kind::Locked, "another program has the database open".to_owned())
                .hint("close it, wait for its end, or choose another file")
                .caused_by(error)
        }
        Some(ErrorCode::DiskFull) => of(Kind::Io, "the disk is full".to_owned())
            .hint("make room, and run the same command again: it continues")
            .caused_by(io::Error::new(io::ErrorKind::StorageFull, error)),
        Some(ErrorCode::NotADatabase) => of(Kind::Io, "the file is no database of SQLite".to_owned())
            .hint("give the path of a new file")
            .caused_by(error),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            of(Kind::Io, error.to_string()).hint("give a file in a folder that you may write").caused_by(error)
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            of(Kind::Io, "the database is damaged".to_owned()).hint("remove the file, and load again").caused_by(error)
        }
        Some(ErrorCode::ConstraintViolation) => of(Kind::Verification, error.to_string()).caused_by(error),
        _ => of(Kind::Io, error.to_string()).caused_by(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_database_is_a_full_disk() {
        let connection = Connection::open_in_memory().expect("opens");
        connection.execute_batch("CREATE TABLE t (x); PRAGMA max_page_count = 4").expect("creates");
        let full = connection.execute("INSERT INTO t VALUES (zeroblob(100000))", []).expect_err("is full");
        let error = failed(Path::new("x.db"), full);
        assert_eq!((error.kind(), error.io_kind()), (Kind::Io, Some(io::ErrorKind::StorageFull)));
        assert!(error.hint_text().is_some_and(|hint| hint.contains("same command")));
    }
}
