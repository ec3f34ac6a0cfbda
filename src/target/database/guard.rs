//! The guard of databases that are not for tests.

use super::connection::{Connection, Server};
use super::ledger::OWN;
use super::options::Options;
use crate::error::{Error, Kind, Result};

/// The table by which somebody marks a database as one for tests. Its columns do not matter.
const MARK: &str = "testdata_target";

/// Refuses a database that holds tables of others, unless it has the mark, an earlier load, or the user's word. Only reads.
///
/// # Errors
///
/// If it may not be written to.
pub(super) fn allow(server: &dyn Server, connection: &mut dyn Connection, options: &Options) -> Result<()> {
    if let Some(named) = &options.test_database {
        let database = connection.database()?;
        if database == *named {
            return Ok(());
        }
        return Err(refused(format!(
            "`--test-database {named}` is not the database that the URL leads to, `{database}`"
        ))
        .hint("check the URL: nothing was written"));
    }
    // Counted before the names are looked at: another loader may be making its first tables.
    if connection.tables_of_all_schemas()? == 0 {
        return Ok(());
    }
    if connection.tables()?.iter().any(|table| table.name == MARK || table.name.starts_with(OWN)) {
        return Ok(());
    }
    let database = connection.database()?;
    Err(refused(format!("`{}` holds tables of others, and is not marked as a database for tests", server.shown()))
        .hint(format!(
            "if it is one: --test-database {database}, or CREATE TABLE {MARK} (note text) in the schema of the load"
        )))
}

fn refused(message: String) -> Error {
    Error::new(Kind::Database, message)
}
