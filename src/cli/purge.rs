//! `placebo purge`: the rows of loads removed from a database, and nothing else.

use clap::Args;

use super::LogFormat;
use super::database_args::DatabaseArgs;
use super::protect_args::KeyArgs;
use super::{log, text_table};
use crate::error::Result;
use crate::plan::Memory;
use crate::purge::purge;
use crate::verify::Given;

#[derive(Args)]
pub(super) struct Purge {
    /// The database, such as `postgres://USER@HOST/DATABASE`, `mysql://USER@HOST/DATABASE` or `sqlite:PATH`.
    #[arg(long, value_name = "DATABASE")]
    from: String,
    /// The load, by its name or the start of it, as `placebo detect` shows it; by default all of them.
    #[arg(long, value_name = "NAME")]
    load: Option<String>,
    /// The profile of the load, where it is not one of the program's own: needed where tables hold rows of others too.
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    /// The templates of messages in the load, where they are not the program's own.
    #[arg(long, value_delimiter = ',', value_name = "FILE,…")]
    messages: Vec<String>,
    /// The seed of the load, where something was encrypted; needed where tables hold rows of others too.
    #[arg(long, value_name = "TEXT")]
    seed: Option<String>,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten, next_help_heading = "Database")]
    database: DatabaseArgs,
}

impl Purge {
    pub(super) fn run(&self, log_format: LogFormat) -> Result<()> {
        let keys = self.keys.read()?;
        let given = Given {
            profile: self.profile.as_deref(),
            templates: &self.messages,
            faults: &[],
            keys: keys.as_ref(),
            seed: self.seed.as_deref(),
            memory: Memory::default_for(1),
        };
        let purged = purge(&self.from, &self.database.options(), self.load.as_deref(), given)?;
        for load in &purged {
            let (rows, tables) = (load.rows.values().sum::<u64>(), load.rows.len());
            let (id, profile, dropped) = (&load.load[..12.min(load.load.len())], &load.profile, load.dropped.len());
            match log_format {
                LogFormat::Json => log::purged(load),
                LogFormat::Text => {
                    let rows = text_table::count(rows);
                    let lines: Vec<String> = load.notes.iter().map(|note| format!("note  {note}\n")).collect();
                    text_table::print(&format!(
                        "{}removed load {id} of `{profile}`: {rows} rows of {tables} tables, {dropped} tables dropped\n",
                        lines.concat()
                    ))?;
                }
            }
        }
        Ok(())
    }
}
