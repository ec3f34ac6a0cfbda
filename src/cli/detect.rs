//! `placebo detect`: test data found in a database.

use clap::Args;

use super::database_args::DatabaseArgs;
use super::{number, text_table};
use crate::detect::{FoundColumn, FoundLoad, detect};
use crate::error::{Error, Result};

#[derive(Args)]
pub(super) struct Detect {
    /// The database, such as `postgres://USER@HOST/DATABASE`, `mysql://USER@HOST/DATABASE` or `sqlite:PATH`. It is only read.
    #[arg(long, value_name = "DATABASE")]
    r#in: String,
    /// How many rows of each table are looked at for values that are given to nobody.
    #[arg(long, value_name = "N", default_value = "1000")]
    rows: String,
    #[command(flatten, next_help_heading = "Database")]
    database: DatabaseArgs,
}

impl Detect {
    pub(super) fn run(&self) -> Result<()> {
        let rows = number(&self.rows).filter(|rows| i64::try_from(*rows).is_ok());
        let rows = rows.ok_or_else(|| Error::usage(format!("`--rows {}` is not a number of rows", self.rows)))?;
        let found = detect(&self.r#in, &self.database.options(), rows)?;
        let load = |load: &FoundLoad| {
            let state = if load.complete { "complete" } else { "not complete" };
            let (tables, rows) = (load.tables.to_string(), text_table::count(load.rows));
            vec![load.id[..12.min(load.id.len())].to_owned(), load.profile.clone(), tables, rows, state.to_owned()]
        };
        let column = |column: &FoundColumn| {
            let seen =
                format!("{} of {}", text_table::count(column.reserved as u64), text_table::count(column.seen as u64));
            vec![column.table.clone(), column.column.clone(), column.kind.to_owned(), seen]
        };
        let loads: Vec<Vec<String>> = found.loads.iter().map(load).collect();
        let columns: Vec<Vec<String>> = found.columns.iter().map(column).collect();
        let mut text = String::new();
        if !loads.is_empty() {
            text += &text_table::aligned(&["load", "profile", "tables", "rows", "state"], &loads);
        }
        if !columns.is_empty() {
            text += if text.is_empty() { "" } else { "\n" };
            text += &text_table::aligned(&["table", "column", "values of nobody", "reserved"], &columns);
        }
        if text.is_empty() {
            text += "no load of placebo, and no column whose values are given to nobody\n";
        }
        text_table::print(&text)
    }
}
