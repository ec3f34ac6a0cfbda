//! A connection opened, with the settings that rows are written and read with.

use mysql::Conn;
use mysql::prelude::Queryable;

use super::connection::{Open, Place};
use super::failure::failure;
use super::types::quoted;
use super::url::Url;
use crate::target::database::{Attempt, Options};

/// The settings of every connection: values are written and read in one form, whatever the server's settings, and what does not fit
/// is an error. Names and texts of checks are those of standard SQL.
const SETTINGS: [&str; 7] = [
    "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
    "SET time_zone = '+00:00', sql_notes = 1, max_error_count = 64, default_storage_engine = InnoDB, autocommit = 1",
    "SET lock_wait_timeout = 60",
    "SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,\
     ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION'",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION TRANSACTION READ WRITE",
    "SET unique_checks = 1",
];

/// The error of a database that is not there.
const UNKNOWN_DATABASE: u16 = 1049;

/// Opens a connection.
pub(super) fn connect(url: &Url, options: &Options) -> Attempt<Open> {
    let told = |error| failure(error, &url.shown);
    let mut client = Conn::new(url.opts.clone()).map_err(told)?;
    for setting in SETTINGS {
        client.query_drop(setting).map_err(told)?;
    }
    let checks = u8::from(!options.defer_foreign_keys);
    client.query_drop(format!("SET foreign_key_checks = {checks}")).map_err(told)?;
    let longest: Option<u64> = client.query_first("SELECT @@max_allowed_packet").map_err(told)?;
    let database = options.schema.clone().or_else(|| url.database.clone()).unwrap_or_default();
    if let Err(error) = client.query_drop(format!("USE {}", quoted(&database))) {
        let absent = matches!(&error, mysql::Error::MySqlError(told) if told.code == UNKNOWN_DATABASE);
        // The schema is made before the first table.
        if !(absent && options.schema.is_some()) {
            return Err(told(error));
        }
    }
    let place = Place { database, of_url: url.database.clone(), shown: url.shown.clone() };
    Ok(Open::new(client, place, options.clone(), longest))
}
