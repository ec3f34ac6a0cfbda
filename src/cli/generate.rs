//! `placebo generate`: a data set with its schema, data package and manifest.

use clap::Args;

use super::format_args::FormatArgs;
use super::protect_args::ProtectArgs;
use super::watch::{Reporting, run_reporting};
use super::{LogFormat, Source, log, threads};
use crate::dataset::{DataSet, FINGERPRINT, fingerprint};
use crate::disk::System;
use crate::engine::{Outcome, Start};
use crate::error::{Error, Kind, Result};
use crate::part::Part;
use crate::plan::Plan;
use crate::target::{Settings, target};

#[derive(Args)]
pub(super) struct Generate {
    #[command(flatten)]
    source: Source,
    /// The output folder, or `-` for one table on standard output.
    #[arg(long, short, value_name = "DIR", default_value = "out")]
    out: String,
    #[command(flatten)]
    format: FormatArgs,
    /// Only these tables, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "TABLE,…")]
    tables: Vec<String>,
    /// One part of many, such as `2/3`: the parts together hold the rows of the whole.
    #[arg(long, value_name = "I/N")]
    part: Option<String>,
    /// Worker threads; by default all cores. Output does not depend on it.
    #[arg(long)]
    threads: Option<usize>,
    /// Replace files that are there.
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    /// Go on with what an interrupted run of equal inputs left in the folder.
    #[arg(long)]
    resume: bool,
    /// Refuse to run unless the engine's or the inputs' fingerprint is this one.
    #[arg(long, value_name = "FINGERPRINT")]
    expect_fingerprint: Option<String>,
    #[command(flatten)]
    protect: ProtectArgs,
    /// No progress and no summary.
    #[arg(long, short)]
    quiet: bool,
    /// Root rows per chunk, for tests: output does not depend on it.
    #[arg(long, hide = true)]
    chunk_rows: Option<u64>,
}

impl Generate {
    pub(super) fn run(&self, log_format: LogFormat) -> Result<()> {
        let plan = self.source.plan()?;
        self.expect(&plan)?;
        let (format, options) = self.format.read()?;
        // What is wrong with a table's name is told before what is wrong with a part or a key.
        self.tables.iter().try_for_each(|name| plan.table(name).map(|_| ()))?;
        let part = self.part.as_deref().map(part).transpose()?;
        let protection = self.protect.protection(&plan, format.binary)?;
        let mut set = DataSet::new(plan).part(part).protected(protection).chunk_rows(self.chunk_rows);
        if !self.tables.is_empty() {
            set = set.tables(&self.tables)?;
        }
        let target = target(&self.out, &Settings { format, options, disk: &System })?;
        let start = match (self.overwrite, self.resume) {
            (true, _) => Start::Overwrite,
            (_, true) => Start::Resume,
            _ => Start::New,
        };
        let threads = threads(self.threads)?;
        self.protect.warn(set.plan(), set.protection(), log_format);
        let reporting = if self.quiet { Reporting::None } else { Reporting::of(log_format) };
        if reporting == Reporting::Json {
            log::start(&set, format.name, &self.out);
        }
        let outcome = run_reporting(&set, target.as_ref(), start, threads, reporting)?;
        self.summary(&outcome, reporting);
        Ok(())
    }

    fn expect(&self, plan: &Plan) -> Result<()> {
        let Some(expected) = &self.expect_fingerprint else { return Ok(()) };
        let inputs = fingerprint(plan);
        if expected == FINGERPRINT || *expected == inputs {
            return Ok(());
        }
        Err(Error::new(Kind::Profile, format!("the fingerprint is not `{expected}`"))
            .hint(format!("the engine's is `{FINGERPRINT}`, the inputs' is `{inputs}`")))
    }

    fn summary(&self, outcome: &Outcome, reporting: Reporting) {
        match (reporting, &outcome.place) {
            (Reporting::Json, _) => log::end(&self.out, outcome),
            (Reporting::Silent | Reporting::Bar, Some(place)) => {
                let [rows, bytes] = [outcome.rows, outcome.bytes].map(super::text_table::count);
                log::say(&format!("{place}: {} tables, {rows} rows, {bytes} bytes", outcome.outputs));
                if let Some(end) = &outcome.log {
                    log::say(&format!("run log: {} events, the last {}", end.events, end.last));
                }
            }
            _ => {}
        }
    }
}

/// Reads `2/3`.
fn part(text: &str) -> Result<Part> {
    text.parse().map_err(|error: Error| {
        Error::usage(format!("`--part {text}`: {}", error.message())).hint("such as 1/3, 2/3 and 3/3")
    })
}
