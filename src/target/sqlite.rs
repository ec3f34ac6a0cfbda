//! A file of `SQLite`: a table for each output, with types, keys and checks.
//!
//! Foreign keys are declared as `DEFERRABLE INITIALLY DEFERRED`, and not enforced while rows arrive: chunks arrive in any order, a row may refer to
//! one of a later chunk or part, and references between tables may form a circle. All of them are checked at once when the last
//! chunk is there.

mod bind;
mod catalog;
mod connect;
mod connection;
mod encode;
mod read;
mod schema;

use std::ffi::OsStr;
use std::path::PathBuf;

use arrow_schema::SchemaRef;

use super::Scheme;
use super::database::{Attempt, Connection, DatabaseTarget, Options, Receiver, Room, Server, Sql, Table};
use crate::dataset::Output;
use crate::engine::Encode;
use crate::error::{Error, Result};

pub(super) static SQLITE: Scheme = Scheme {
    form: "sqlite:PATH",
    about: "a file of SQLite with a table for each table, and their keys",
    command: "load",
    open: |name, settings| {
        let server = open(name, &settings.database)?;
        let (options, measure, disk) = (settings.database.clone(), settings.format, settings.disk);
        Some(server.map(|(server, path)| {
            let room = Some(Room { disk, folder: connect::folder_of(&path).to_owned(), file: path });
            Box::new(DatabaseTarget { server, options, measure, room }) as _
        }))
    },
};

/// The file that a name such as `sqlite:staging.db` stands for; `None` for another name.
pub(super) fn open(name: &OsStr, options: &Options) -> Option<Result<(Box<dyn Server>, PathBuf)>> {
    let path = path_of(name)?;
    let file = || -> Result<_> {
        if path.as_os_str().is_empty() {
            return Err(Error::usage("`sqlite:` has no path").hint("such as sqlite:staging.db"));
        }
        if let Some(rest) = name.to_str().and_then(|name| name.strip_prefix("sqlite://")) {
            let path = rest.trim_start_matches('/');
            return Err(Error::usage(format!("`sqlite://{rest}` is a URL, and a path is expected"))
                .hint(format!("`sqlite:{path}` in this folder, or `sqlite:/{path}` from the root")));
        }
        if options.schema.is_some() {
            return Err(Error::usage("SQLite has no schemas").hint("leave out --schema, and give each load a file"));
        }
        Ok((Box::new(Sqlite { path: path.clone() }) as Box<dyn Server>, path))
    };
    Some(file())
}

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

/// A database file.
struct Sqlite {
    path: PathBuf,
}

impl Server for Sqlite {
    fn connect(&self) -> Attempt<Box<dyn Connection>> {
        Ok(Box::new(connect::open(&self.path)?))
    }

    fn look(&self) -> Attempt<Box<dyn Connection>> {
        Ok(Box::new(connect::look(&self.path)?))
    }

    fn sql(&self) -> &'static Sql {
        &schema::SQL
    }

    fn shown(&self) -> String {
        self.path.display().to_string()
    }

    fn allow(&self, table: &str, schema: &SchemaRef) -> Result<()> {
        schema::allow_names(table, schema)
    }

    fn matched(&self, output: &Output, table: &Table) -> Result<Receiver> {
        Receiver::matched(output, table, |column, data_type| catalog::takes(&column.kind, data_type))
    }

    fn encoder(&self, receiver: &Receiver) -> Result<Box<dyn Encode>> {
        Ok(Box::new(encode::BatchEncoder::new(receiver)?))
    }
}
