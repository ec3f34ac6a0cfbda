//! `placebo load`: a data set into a database, exactly once.

use std::ffi::OsString;
use std::num::NonZeroUsize;

use clap::Args;

use super::LogFormat;
use super::database_args::{DatabaseArgs, ModeArg};
use super::set_args::{SetArgs, quoted};
use crate::disk::System;
use crate::engine::Start;
use crate::error::{Error, Result};
use crate::format::{self, Options};
use crate::plan::Memory;
use crate::purge::clear;
use crate::target::{Settings, database, target};
use crate::verify::Given;

#[derive(Args)]
pub(super) struct Load {
    /// The database: `postgres://USER@HOST/DATABASE`, `mysql://USER@HOST/DATABASE`, or `sqlite:PATH`, a file that need not exist.
    #[arg(long, value_name = "DATABASE")]
    to: OsString,
    #[command(flatten)]
    set: SetArgs,
    /// What is done with tables that are there.
    #[arg(long, value_enum, default_value_t, help_heading = "Database")]
    mode: ModeArg,
    /// Make the tables; none may be there. The same as `--mode create`.
    #[arg(long, conflicts_with = "mode", help_heading = "Database")]
    create: bool,
    /// Check the foreign keys of tables that are there after the load, and not row by row; `PostgreSQL` wants a superuser for it.
    #[arg(long, help_heading = "Database")]
    defer_foreign_keys: bool,
    /// The name of the database, to confirm that it is one for tests: needed where it holds tables of others.
    #[arg(long, value_name = "NAME", help_heading = "Database")]
    test_database: Option<String>,
    /// The most connections at a time; by default as many as there are threads. With fewer, rows are made while others are written.
    #[arg(long, value_name = "N", help_heading = "Database")]
    connections: Option<NonZeroUsize>,
    /// Show values of rows in errors.
    #[arg(long, help_heading = "Database")]
    show_values: bool,
    #[command(flatten, next_help_heading = "Database")]
    database: DatabaseArgs,
}

impl Load {
    pub(super) fn run(&self, log_format: LogFormat) -> Result<()> {
        // Encrypted cells are text, so that they compare as in CSV.
        let set = self.set.data_set(self.set.plan()?, false)?;
        if set.faults().is_some() {
            return Err(Error::usage("faults are not loaded: a database with constraints refuses many of them")
                .hint("`placebo generate --faults` writes files for what loads the rows in production"));
        }
        let mode = if self.create { ModeArg::Create } else { self.mode };
        let database = database::Options {
            mode: mode.into(),
            defer_foreign_keys: self.defer_foreign_keys,
            test_database: self.test_database.clone(),
            show_values: self.show_values,
            connections: self.connections,
            ..self.database.options()
        };
        let settings = Settings { format: format::find("csv")?, options: Options::default(), disk: &System, database };
        if settings.database.mode == database::Mode::Truncate {
            let keys = self.set.keys()?;
            let given = Given {
                profile: self.set.own_profile(),
                templates: self.set.messages(),
                faults: &[],
                keys: keys.as_ref(),
                seed: Some(self.set.seed()),
                memory: Memory::default_for(1),
            };
            clear(&self.to.to_string_lossy(), &settings.database, &set, given)?;
        }
        let target = target(&self.to, "load", &settings)?;
        let shown = shown(&self.to.to_string_lossy());
        let scheme = shown.split(':').next().unwrap_or_default();
        let verify = format!("--database {}{}", quoted(&shown), self.database.schema_option());
        self.set.run(&set, target.as_ref(), Start::Resume, (scheme, &shown, &verify), log_format)
    }
}

/// A database as messages may show it: without a password.
pub(super) fn shown(database: &str) -> String {
    if let Some((plain, _)) = crate::target::secret::without_password(database) {
        return plain;
    }
    database.to_owned()
}
