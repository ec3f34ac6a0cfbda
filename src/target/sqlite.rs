//! A file of `SQLite`: a table for each output, with types, keys and checks.
//!
//! A chunk and its rows in the ledger are one transaction, so that a run that is killed between any two of them continues with the
//! chunks that are missing, and the same command on a complete file does nothing. Parts of a data set share a file: the ledger
//! counts root rows of the whole.
//!
//! Foreign keys are declared as `DEFERRABLE INITIALLY DEFERRED`, and not enforced while rows arrive: chunks arrive in any order, a row may refer to
//! one of a later chunk or part, and references between tables may form a circle. All of them are checked at once when the last
//! chunk is there.

mod bind;
mod connect;
mod encode;
mod ledger;
mod read;
mod schema;
mod session;

use std::ffi::OsStr;
use std::path::PathBuf;

pub use read::Loaded;

use super::Scheme;
use crate::dataset::DataSet;
use crate::disk::{Disk, retry};
use crate::engine::{Begun, Progress, Start, Target};
use crate::error::{Error, Kind, Result};
use crate::folder::Lock;
use crate::folder::estimate::{Care, estimate, within_budget};
use crate::format::{Format, Options};
use connect::Database;
use session::SqliteSession;

pub(super) static SQLITE: Scheme = Scheme {
    form: "sqlite:PATH",
    about: "a file of SQLite with a table for each table, and their keys",
    command: "load",
    open: |name, settings| {
        let path = path_of(name)?;
        if path.as_os_str().is_empty() {
            return Some(Err(Error::usage("`sqlite:` has no path").hint("such as sqlite:staging.db")));
        }
        if let Some(rest) = name.to_str().and_then(|name| name.strip_prefix("sqlite://")) {
            let path = rest.trim_start_matches('/');
            return Some(Err(Error::usage(format!("`sqlite://{rest}` is a URL, and a path is expected"))
                .hint(format!("`sqlite:{path}` in this folder, or `sqlite:/{path}` from the root"))));
        }
        Some(Ok(Box::new(Sqlite { path, measure: settings.format, disk: settings.disk })))
    },
};

/// The path of a database's name.
#[cfg(unix)]
fn path_of(name: &OsStr) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    name.as_bytes().strip_prefix(b"sqlite:").map(|path| PathBuf::from(OsStr::from_bytes(path)))
}

#[cfg(not(unix))]
fn path_of(name: &OsStr) -> Option<PathBuf> {
    name.to_str()?.strip_prefix("sqlite:").map(PathBuf::from)
}

/// How much smaller than the free room an estimate from a few rows must be.
const ROUGH: f64 = 4.0;

/// A database file.
struct Sqlite<'a> {
    path: PathBuf,
    /// The format whose bytes are taken for those of the file, in estimates.
    measure: &'static Format,
    disk: &'a dyn Disk,
}

impl Sqlite<'_> {
    /// Refuses a data set that is larger than its limits or than the room on the disk.
    fn within_room(&self, set: &DataSet) -> Result<()> {
        let bytes = |care: Care| -> Result<f64> {
            let sizes = estimate(set, (self.measure, &Options::default()), care)?;
            within_budget(set, &sizes)?;
            Ok(sizes.iter().map(|table| table.bytes).sum())
        };
        let folder = connect::folder_of(&self.path);
        let free = retry(|| self.disk.free(folder)).map_err(|error| Error::io(folder, error))? as f64;
        if bytes(Care::Quick)? * ROUGH < free {
            return Ok(());
        }
        let needed = bytes(Care::Careful)? - self.path.metadata().map_or(0, |file| file.len()) as f64;
        if needed < free {
            return Ok(());
        }
        let folder = folder.display();
        Err(Error::new(
            Kind::Io,
            format!("`{folder}` has no room: about {needed:.0} bytes are needed, {free:.0} are free"),
        )
        .hint("choose a file on another disk, or fewer rows"))
    }
}

impl Target for Sqlite<'_> {
    fn begin<'a>(&'a self, set: &'a DataSet, start: Start, progress: &'a Progress) -> Result<Begun<'a>> {
        schema::allow_names(set)?;
        let path = connect::resolve(&self.path)?;
        let lock = Lock::beside(&path)?;
        let database = Database::open(&path, &self.path)?;
        let inputs = ledger::inputs(set);
        match database.load()? {
            Some(load) if load.inputs != inputs => {
                let shown = self.path.display();
                let message = format!("`{shown}` holds rows of other inputs, of the profile `{}`", load.profile);
                Err(Error::new(Kind::Profile, message)
                    .hint("repeat the command that loaded them, or load into a new file"))
            }
            Some(_) if start != Start::Resume => {
                Err(Error::usage(format!("`{}` was loaded before", self.path.display())).hint("load into a new file"))
            }
            Some(_) => {
                let session = SqliteSession::new(database, set, progress, lock);
                if let Some(outcome) = session.complete()? {
                    return Ok(Begun::Complete(outcome));
                }
                self.within_room(set)?;
                session.begin_writing()?;
                Ok(Begun::Session(Box::new(session)))
            }
            None => {
                self.within_room(set).inspect_err(|_| database.discard())?;
                let created = database.begin_writing().and_then(|()| database.create(set, &inputs));
                created.inspect_err(|_| database.discard())?;
                Ok(Begun::Session(Box::new(SqliteSession::new(database, set, progress, lock))))
            }
        }
    }
}
