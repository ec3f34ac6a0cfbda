//! `placebo protect`: existing files, protected as generated data is.

use std::path::PathBuf;

use clap::Args;

use super::protect_args::{CellArgs, KeyArgs};
use super::{text_table, threads};
use crate::disk::System;
use crate::error::Result;
use crate::existing::{Request, Told, protect};

#[derive(Args)]
pub(super) struct Protect {
    /// The files: CSV, NDJSON or Parquet. A file is the table of its name, unless it is given as `TABLE=PATH`.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// The rules: what becomes of each column.
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    /// Columns that have no rule and stay as they are, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "TABLE.COLUMN,…")]
    keep: Vec<String>,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    cells: CellArgs,
    /// The folder for the protected files.
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,
    /// Worker threads; by default all cores.
    #[arg(long)]
    threads: Option<usize>,
}

impl Protect {
    pub(super) fn run(&self) -> Result<()> {
        let keys = self.keys.read()?;
        let told = protect(
            &System,
            &Request {
                files: &self.files,
                rules: &self.rules,
                keep: &self.keep,
                keys: keys.as_ref(),
                settings: self.cells.settings(),
                out: &self.out,
                threads: threads(self.threads)?,
            },
        )?;
        let row = |one: &Told| {
            let column = format!("{}.{}", one.table, one.column);
            let (values, nulls) = (text_table::count(one.values), text_table::count(one.nulls));
            vec![column, one.r#type.clone(), one.handling.clone(), one.by.to_owned(), values, nulls]
        };
        let rows: Vec<Vec<String>> = told.iter().map(row).collect();
        text_table::print(&text_table::aligned(&["column", "type", "handling", "by", "values", "nulls"], &rows))
    }
}
