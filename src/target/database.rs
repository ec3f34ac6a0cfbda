//! Databases as targets: what a load does in any of them, and the seam to the client of each.
//!
//! A client is a `Server` and its `Connection`s. Everything else is here once: the tables and their keys, the ledger, exactly
//! one commit of each chunk, retries, and what an error says.
//!
//! *Exactly once.* A chunk and its rows in the ledger are one transaction. The ledger is written first: of two loaders with the
//! same chunk, the second waits for the first and then leaves the chunk alone, and a loader that lost its connection while it committed
//! finds out by trying again.

mod columns;
mod connection;
mod guard;
mod ledger;
mod opening;
mod options;
mod pool;
mod read;
mod retry;
mod schema;
mod session;
mod violation;

use crate::error::{Error, Result};
pub(crate) use columns::{Column, Receiver, Table};
pub(crate) use connection::Value;
pub(crate) use connection::{Again, Attempt, Connection, Failure, ForeignKey, Server, Sql};
pub(crate) use ledger::{Entry, Ledger, Load, OWN, load_of, sums};
pub(crate) use opening::{DatabaseTarget, Room};
pub use options::{Mode, Options};
pub use read::Loaded;
pub(crate) use read::{select, sum};
pub(crate) use violation::{Rule, Violation};

/// The database that a text names, such as `sqlite:staging.db`.
///
/// # Errors
///
/// If the text names no database of this build, or has a mistake.
pub(crate) fn server(name: &str, options: &Options) -> Result<Box<dyn Server>> {
    #[cfg(feature = "mysql")]
    if let Some(server) = super::mysql::open(name, options) {
        return server;
    }
    #[cfg(feature = "postgres")]
    if let Some(server) = super::postgres::open(name, options) {
        return server;
    }
    #[cfg(feature = "sqlite")]
    if let Some(server) = super::sqlite::open(name.as_ref(), options) {
        return server.map(|(server, _)| server);
    }
    // What is not understood may have a password in it.
    Err(Error::usage("the text names no database of this build")
        .hint("such as postgres://user@host/database, mysql://user@host/database or sqlite:PATH"))
}
