//! The options of commands that work on a database.

use clap::{Args, ValueEnum};

use super::set_args::quoted;
use crate::target::database::{Mode, Options};

/// How a database is reached.
#[derive(Args)]
pub(super) struct DatabaseArgs {
    /// The schema that the tables are in, or with `MySQL` the database; by default the one that the connection has.
    #[arg(long, value_name = "NAME")]
    schema: Option<String>,
    /// Accept a connection to another machine without TLS, where the URL says `sslmode=disable`.
    #[arg(long)]
    allow_clear_text: bool,
    /// For how many seconds in a row a lost connection is tried again; by default 60, and the first connection once.
    #[arg(long, value_name = "SECONDS")]
    retry_seconds: Option<u64>,
}

impl DatabaseArgs {
    /// The option that names the schema again, with a leading space; nothing without a schema.
    pub(super) fn schema_option(&self) -> String {
        self.schema.as_ref().map_or_else(String::new, |schema| format!(" --schema {}", quoted(schema)))
    }

    pub(super) fn options(&self) -> Options {
        Options {
            schema: self.schema.clone(),
            allow_clear_text: self.allow_clear_text,
            retry_seconds: self.retry_seconds,
            ..Options::default()
        }
    }
}

/// The treatment of tables that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum ModeArg {
    /// Make the tables if none of them is there; fill those that are there if they are empty.
    #[default]
    Auto,
    /// Make the tables; none may be there.
    Create,
    /// Add rows to tables that are there, whatever they hold.
    Append,
    /// Drop the tables that earlier loads made, and make them again.
    Replace,
    /// Remove the rows of earlier loads from tables that are there, and fill these.
    Truncate,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Auto => Mode::Auto,
            ModeArg::Create => Mode::Create,
            ModeArg::Append => Mode::Append,
            ModeArg::Replace => Mode::Replace,
            ModeArg::Truncate => Mode::Truncate,
        }
    }
}
