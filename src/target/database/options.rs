//! The options of a load, beside the data set and the database.

use std::num::NonZeroUsize;

/// The treatment of tables that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Tables are made if none of them is there; tables that are there must be empty.
    #[default]
    Auto,
    /// Tables are made, and none of them may be there.
    Create,
    /// Rows are added to tables that are there, whatever they hold.
    Append,
    /// Tables that earlier loads made are dropped and made again.
    Replace,
    /// Rows of earlier loads are removed from tables that are there, and no others may be in them.
    Truncate,
}

/// Options of a load.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The schema that the tables are in; `None` for the one that the connection has.
    pub schema: Option<String>,
    /// The treatment of tables that are there.
    pub mode: Mode,
    /// The database that the user named as one for tests, which needs no other mark.
    pub test_database: Option<String>,
    /// True if errors may show values of rows.
    pub show_values: bool,
    /// True if foreign keys of tables that are there are checked after the load, and not row by row.
    pub defer_foreign_keys: bool,
    /// True if the connection may be in clear text beyond this machine.
    pub allow_clear_text: bool,
    /// The most connections at a time; `None` for as many as there are threads.
    pub connections: Option<NonZeroUsize>,
    /// For how many seconds in a row something is tried again that may succeed later; `None` for the default, and for no second
    /// try of the first connection.
    pub retry_seconds: Option<u64>,
}

impl Options {
    /// The seconds for which something is tried again.
    pub(crate) fn seconds(&self) -> u64 {
        self.retry_seconds.unwrap_or(60)
    }
}
