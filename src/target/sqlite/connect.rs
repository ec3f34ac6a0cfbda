//! The connection to a database file: opened so that no other program changes the file, and only if it is new or ours.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{ledger, schema};
use crate::dataset::DataSet;
use crate::error::{Error, Kind, Result};

/// The application id in the header of a database that this program made: `PLCB`.
const APPLICATION: i32 = 0x504c_4342;

/// The settings of a run. In WAL mode with `NORMAL` a loss of power may lose the last chunks, each with its rows in the ledger.
const SETTINGS: &str = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
    PRAGMA foreign_keys = OFF; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4096;";

/// The ends of the names of files that the library keeps beside a database.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// An open database file.
pub(super) struct Database {
    pub(super) connection: Connection,
    /// The path as the user gave it.
    pub(super) path: PathBuf,
    /// Whether this run made the file.
    created: bool,
}

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

impl Database {
    /// Opens the file at a resolved path to write; `shown` is the path as the user gave it.
    ///
    /// # Errors
    ///
    /// If it cannot be opened or written, another program has it open, or it holds what this program did not make.
    pub(super) fn open(path: &Path, shown: &Path) -> Result<Self> {
        let created = !path.exists();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| failed(shown, error))?;
        let database = Self { connection, path: shown.to_owned(), created };
        let read = || -> rusqlite::Result<(i64, i32, bool)> {
            let connection = &database.connection;
            connection.busy_timeout(std::time::Duration::from_secs(1))?;
            let objects = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            let application = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
            Ok((objects, application, connection.is_readonly("main")?))
        };
        let (objects, application, read_only) = read().map_err(|error| database.failed(error))?;
        if objects > 0 && application != APPLICATION {
            return Err(Error::usage(format!("`{}` holds tables that placebo did not make", shown.display()))
                .hint("give the path of a new file"));
        }
        if read_only {
            return Err(Error::new(Kind::Io, format!("`{}` may only be read", shown.display()))
                .hint("give a file that you may write"));
        }
        Ok(database)
    }

    /// Takes the file for this run alone, and prepares for writing.
    ///
    /// # Errors
    ///
    /// If another program has it open.
    pub(super) fn begin_writing(&self) -> Result<()> {
        self.batch(SETTINGS)
    }

    /// Leaves one file, whose bytes last.
    ///
    /// # Errors
    ///
    /// If they cannot be written.
    pub(super) fn close(&self) -> Result<()> {
        let mode = self.connection.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0));
        match mode.map_err(|error| self.failed(error))?.as_str() {
            "wal" => self.batch("PRAGMA synchronous = FULL; PRAGMA journal_mode = DELETE;"),
            _ => Ok(()),
        }
    }

    /// The load that the file has; `None` for a new file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or has a layout of another version.
    pub(super) fn load(&self) -> Result<Option<ledger::Load>> {
        let known = "SELECT count(*) FROM sqlite_schema WHERE name = '_placebo_load'";
        let tables: i64 = self.connection.query_row(known, [], |row| row.get(0)).map_err(|error| self.failed(error))?;
        if tables == 0 {
            return Ok(None);
        }
        let load = ledger::load(&self.connection).map_err(|error| self.failed(error))?;
        if load.layout != ledger::LAYOUT {
            return Err(Error::new(
                Kind::Profile,
                format!("`{}` was loaded by another version of placebo, {}", self.path.display(), load.placebo),
            )
            .hint("load into a new file"));
        }
        Ok(Some(load))
    }

    /// Creates the tables of a data set and the ledger, in one transaction.
    ///
    /// # Errors
    ///
    /// If the database does not take them.
    pub(super) fn create(&self, set: &DataSet, inputs: &str) -> Result<()> {
        let create = || -> rusqlite::Result<()> {
            let transaction = self.connection.unchecked_transaction()?;
            transaction.execute_batch(&format!("PRAGMA application_id = {APPLICATION};"))?;
            transaction.execute_batch(&schema::create(set))?;
            ledger::create(&transaction, &set.plan().name, inputs)?;
            transaction.commit()
        };
        create().map_err(|error| self.failed(error))
    }

    /// Runs statements.
    ///
    /// # Errors
    ///
    /// If one of them fails.
    pub(super) fn batch(&self, sql: &str) -> Result<()> {
        self.connection.execute_batch(sql).map_err(|error| self.failed(error))
    }

    /// An error of the database, with what to do about it.
    pub(super) fn failed(&self, error: rusqlite::Error) -> Error {
        failed(&self.path, error)
    }

    /// Removes a file that this run made and put nothing into.
    pub(super) fn discard(&self) {
        if self.created {
            for end in [""].iter().chain(&BESIDE) {
                let mut name = self.path.clone().into_os_string();
                name.push(end);
                // Nobody waits for it: the error that led here is told.
                let _left = std::fs::remove_file(name);
            }
        }
    }
}

/// An error of `SQLite` about a file: where, what, and what to do.
pub(super) fn failed(path: &Path, error: rusqlite::Error) -> Error {
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
