//! `placebo assert`: what a system holds against the answer key of the data that it was given.

mod junit;

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::database_args::DatabaseArgs;
use super::protect_args::KeyArgs;
use super::run_args::RunArgs;
use super::{pair, text_table, threads};
use crate::assert::{Asserted, Report, Request, State, TableReport, compare};
use crate::disk::{System, write_whole};
use crate::error::{Error, Kind, Result};
use crate::plan::Memory;

#[derive(Args)]
pub(super) struct Assert {
    /// The folder that `placebo generate` or `placebo answers` wrote.
    folder: PathBuf,
    /// A table and its export: a CSV or Parquet file, `-` for CSV on standard input, or a database such as
    /// `sqlite:app.db#payment_capture`. The first line of CSV has the names of the columns.
    #[arg(long = "table", value_name = "TABLE=EXPORT", required_unless_present = "outcomes")]
    tables: Vec<String>,
    /// A table and a file of the answers that the system gave to its rows: CSV with the key, and `decision`, `reason` or a dialect of
    /// `[outcomes.TABLE]`.
    #[arg(long, value_name = "TABLE=FILE")]
    outcomes: Vec<String>,
    /// The text that stands for null in CSV; by default a cell with nothing in it, not even quotes.
    #[arg(long, value_name = "TEXT")]
    null: Option<String>,
    /// Also write the result as `JUnit` XML to a file.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The form of the result on standard output.
    #[arg(long, short, value_enum, default_value_t)]
    format: Form,
    /// Show the cells that are wrong, and what they should be.
    #[arg(long)]
    show_values: bool,
    #[command(flatten)]
    run: RunArgs,
    /// The most memory for the rows of an export, such as 512M; more rows are joined in several passes.
    #[arg(long, value_name = "BYTES", default_value = "256M", help_heading = "Limits")]
    max_memory: String,
    /// The most bytes that a pipe may give, such as 100G; by default 1G, or 16K for each row that a correct system holds.
    #[arg(long, value_name = "BYTES", help_heading = "Limits")]
    max_pipe: Option<String>,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten, next_help_heading = "Database")]
    database: DatabaseArgs,
    /// Worker threads; by default all cores.
    #[arg(long)]
    threads: Option<usize>,
}

/// The form of a result.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people: a line for each thing.
    #[default]
    Table,
    /// For programs: a JSON object a line.
    Ndjson,
}

impl Assert {
    pub(super) fn run(&self) -> Result<()> {
        let (threads, keys) = (threads(self.threads)?, self.keys.read()?);
        let tables = self.tables.iter().map(|text| pair("--table", text)).collect::<Result<Vec<_>>>()?;
        let outcomes = self.outcomes.iter().map(|text| pair("--outcomes", text)).collect::<Result<Vec<_>>>()?;
        if tables.iter().chain(&outcomes).filter(|(_, export)| export == "-").count() > 1 {
            return Err(
                Error::usage("two tables cannot both come from standard input").hint("give one of them as a file")
            );
        }
        let memory = super::number(&self.max_memory).filter(|bytes| *bytes >= 1_000_000).ok_or_else(|| {
            Error::usage(format!("`--max-memory {}` is not a number of bytes from 1M up", self.max_memory))
                .hint("such as 512M or 4G")
        })?;
        let pipe = self.max_pipe.as_ref().map(|given| {
            super::number(given).ok_or_else(|| {
                Error::usage(format!("`--max-pipe {given}` is not a number of bytes")).hint("such as 512M or 100G")
            })
        });
        let pipe = pipe.transpose()?;
        let report = compare(&Request {
            folder: &self.folder,
            tables: &tables,
            outcomes: &outcomes,
            null: self.null.as_deref(),
            database: &self.database.options(),
            given: self.run.given(keys.as_ref(), Memory::default_for(threads)),
            threads,
            memory,
            pipe,
            show_values: self.show_values,
        })?;
        if let Some(path) = &self.junit {
            write_whole(&System, path, path, &junit::text(&report))?;
        }
        text_table::print(&match self.format {
            Form::Table => table(&report),
            Form::Ndjson => ndjson(&report),
        })?;
        match report.tables.iter().find(|table| table.wrong() > 0) {
            None => Ok(()),
            Some(table) => {
                let count = text_table::count(report.tables.iter().map(TableReport::wrong).sum());
                Err(Error::new(
                    Kind::Verification,
                    format!("{count} rows are wrong, the first of table `{}`", table.table),
                ))
            }
        }
    }
}

/// The counts of a table by kind: the kind, how many rows, and what that means.
fn kinds(table: &TableReport) -> [(&'static str, u64, &'static str); 5] {
    [
        ("missing", table.missing, "rows that a correct system holds are not there"),
        ("unexpected", table.unexpected, "rows are there that no correct system holds"),
        ("duplicate", table.duplicate, "rows are extra copies of a row that is held once"),
        ("changed", table.changed, "rows have other cells"),
        ("record", table.ragged, "records have another number of cells than the header"),
    ]
}

/// An answer in words: `captured currency=EUR sum(amount)`.
fn words(one: &Asserted) -> String {
    let pairs = one.answer.dimension.iter().zip(&one.answer.value);
    let group = pairs.map(|(name, value)| format!(" {name}={}", value.as_deref().unwrap_or("null")));
    format!("{}{} {}", one.answer.answer, group.collect::<String>(), one.answer.measure)
}

/// The value that is there, with the one that must be.
fn instead(one: &Asserted) -> Option<String> {
    let State::Differs(found) = &one.state else { return None };
    let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
    Some(format!("{} in place of {}", shown(found), shown(&one.answer.accepted)))
}

/// The words for columns that were not compared.
fn notes(table: &TableReport) -> Vec<String> {
    let mut notes = Vec::new();
    if !table.left_out.is_empty() {
        notes.push(format!("not compared, because they are not in the export: {}", table.left_out.join(", ")));
    }
    if !table.unknown.is_empty() {
        notes.push(format!("in the export, and not in the table: {}", table.unknown.join(", ")));
    }
    notes
}

fn table(report: &Report) -> String {
    let mut text = String::new();
    for table in &report.tables {
        let name = &table.table;
        let [expected, found] = table.rows.map(text_table::count);
        let mut line = |word: &str, what: &str| {
            let _infallible = writeln!(text, "{word:<4}  {name}: {what}");
        };
        notes(table).iter().for_each(|note| line("note", note));
        if table.wrong() == 0 {
            line("ok", &format!("{found} rows, every compared cell is as it must be"));
            continue;
        }
        line("FAIL", &format!("{found} rows, a correct system holds {expected}"));
        for (kind, count, about) in kinds(table).into_iter().filter(|(_, count, _)| *count > 0) {
            line("FAIL", &format!("{kind}: {} {about}", text_table::count(count)));
            let own: Vec<_> = table.findings.iter().filter(|finding| finding.rule == kind).collect();
            for finding in own.iter().take(10) {
                line("", &format!("{kind} {}: {}", finding.key, finding.message()));
            }
        }
        for one in table.differing() {
            line("FAIL", &format!("{}: {}", words(one), instead(one).unwrap_or_default()));
        }
    }
    text
}

fn ndjson(report: &Report) -> String {
    let mut lines = Vec::new();
    for table in &report.tables {
        let kinds: serde_json::Map<_, _> =
            kinds(table).into_iter().map(|(kind, count, _)| (kind.to_owned(), count.into())).collect();
        lines.push(json!({
            "event": "table", "table": table.table, "ok": table.wrong() == 0,
            "rows": { "accepted": table.rows[0], "found": table.rows[1] },
            "wrong": kinds, "left_out": table.left_out, "unknown": table.unknown,
        }));
        for finding in &table.findings {
            lines.push(
                json!({ "event": "finding", "table": table.table, "finding": finding, "message": finding.message() }),
            );
        }
        for one in &table.answers {
            let (state, found) = match &one.state {
                State::Holds => ("holds", one.answer.accepted.clone()),
                State::Differs(found) => ("differs", found.clone()),
                State::NotLookedAt => ("not looked at", None),
            };
            lines.push(json!({
                "event": "answer", "table": table.table, "answer": one.answer.answer, "dimension": one.answer.dimension,
                "value": one.answer.value, "measure": one.answer.measure, "accepted": one.answer.accepted, "found": found,
                "state": state,
            }));
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect::<Vec<_>>().concat()
}
