//! `placebo verify`: whether a folder still holds what a run wrote.

use std::path::{Path, PathBuf};

use clap::Args;

use super::database_args::DatabaseArgs;
use super::protect_args::KeyArgs;
use super::run_args::RunArgs;
use super::{LogFormat, MemoryArgs, log, text_table, threads};
use crate::decrypt::{read_all, with_faults};
use crate::error::{Error, Kind, Result};
use crate::leaks::{self, Leak};
use crate::verify::{self, PublicKey, Report, Request, Sample};

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct Verify {
    /// The folder that a run wrote.
    #[arg(required_unless_present = "database")]
    folder: Option<PathBuf>,
    /// The database that loads wrote to, such as `sqlite:staging.db`: counts, digests, foreign keys, and a sample derived again.
    #[arg(long, value_name = "DATABASE", conflicts_with_all = ["folder", "public_key", "allow_missing_parts", "no_plaintext"])]
    database: Option<String>,
    #[command(flatten, next_help_heading = "Database")]
    reached: DatabaseArgs,
    /// Files and hashes alone.
    #[arg(long)]
    quick: bool,
    /// How many chunks are derived again and compared cell by cell: `all`, a share such as `1%`, or `0`. At least one of
    /// each tree, unless it is 0.
    #[arg(long, value_name = "SHARE", default_value = "1%")]
    replay: String,
    /// Any text: another one derives other chunks.
    #[arg(long, value_name = "TEXT", default_value = "")]
    replay_seed: String,
    #[command(flatten)]
    run: RunArgs,
    /// The key that must have signed the manifest: a PEM file, as `openssl pkey -pubout` writes it.
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Accept that parts of a signed run are missing.
    #[arg(long)]
    allow_missing_parts: bool,
    #[command(flatten)]
    memory: MemoryArgs,
    /// Show the values that are wrong, and what they should be.
    #[arg(long)]
    show_values: bool,
    /// Also search every file for protected values that identify a person, and for secrets, in the clear. Needs the key, and for
    /// values behind tokens, hashes and masks the seed.
    #[arg(long)]
    no_plaintext: bool,
    #[command(flatten)]
    keys: KeyArgs,
    /// Worker threads; by default all cores.
    #[arg(long)]
    threads: Option<usize>,
}

impl Verify {
    pub(super) fn run(&self, log_format: LogFormat) -> Result<()> {
        let report = match (&self.database, &self.folder) {
            (Some(database), _) => self.of_database(database)?,
            (None, Some(folder)) => return self.of_folder(folder, log_format),
            (None, None) => return Err(Error::usage("neither a folder nor a database is named")),
        };
        told(&report, log_format)?;
        report.refused.map_or(Ok(()), Err)
    }

    /// Looks at the loads of a database.
    fn of_database(&self, database: &str) -> Result<Report> {
        let (keys, threads) = (self.keys.read()?, threads(self.threads)?);
        verify::database::verify(&verify::database::Request {
            database,
            options: &self.reached.options(),
            quick: self.quick,
            sample: Sample { share: self.share()?, seed: self.replay_seed.clone() },
            given: self.run.given(keys.as_ref(), self.memory.read(threads)?),
            threads,
        })
    }

    /// Looks at the files of a folder.
    fn of_folder(&self, folder: &Path, log_format: LogFormat) -> Result<()> {
        let threads = threads(self.threads)?;
        let request = Request {
            folder: folder.to_owned(),
            quick: self.quick,
            sample: Sample { share: self.share()?, seed: self.replay_seed.clone() },
            profile: self.run.profile.clone(),
            templates: self.run.messages.clone(),
            faults: self.run.faults.clone(),
            keys: self.keys.read()?,
            seed: self.run.seed.clone(),
            allow_missing_parts: self.allow_missing_parts,
            public_key: self.public_key.as_deref().map(PublicKey::read).transpose()?,
            threads,
            memory: self.memory.read(threads)?.bytes,
            show_values: self.show_values,
        };
        let report = verify::verify(&request)?;
        told(&report, log_format)?;
        if self.no_plaintext {
            no_plaintext(&request, log_format)?;
        }
        report.refused.map_or(Ok(()), Err)
    }

    /// The share of chunks that are derived again.
    fn share(&self) -> Result<f64> {
        let wrong = || Error::usage(format!("`--replay {}` is no share", self.replay)).hint("such as all, 5% or 0");
        match self.replay.as_str() {
            "all" => Ok(1.0),
            "0" => Ok(0.0),
            text => {
                let percent = text.strip_suffix('%').and_then(|text| text.parse::<f64>().ok());
                percent
                    .filter(|percent| (0.0..=100.0).contains(percent))
                    .map(|percent| percent / 100.0)
                    .ok_or_else(wrong)
            }
        }
    }
}

/// Tells the findings and notes of a report; an error if there are findings.
fn told(report: &Report, log_format: LogFormat) -> Result<()> {
    match log_format {
        LogFormat::Json => {
            report.findings.iter().for_each(log::finding);
            report.notes.iter().for_each(|note| log::note(note));
        }
        LogFormat::Text => text_table::print(&text(report))?,
    }
    let count = report.findings.len() as u64 + report.more;
    if let Some(first) = report.findings.first() {
        let what = if count == 1 { "1 finding".to_owned() } else { format!("{} findings", text_table::count(count)) };
        return Err(Error::new(Kind::Verification, format!("{what}; the first: {first}")));
    }
    Ok(())
}

/// Searches the files of a folder for protected values; an error if there are more than chance explains.
fn no_plaintext(request: &Request, log_format: LogFormat) -> Result<()> {
    let stored = read_all(&request.folder)?;
    let report = leaks::search(request, &stored).map_err(|error| match stored.first() {
        Some(first) => with_faults(error, first),
        None => error,
    })?;
    match log_format {
        LogFormat::Json => report.notes.iter().for_each(|note| log::note(note)),
        LogFormat::Text => {
            let notes: Vec<String> = report.notes.iter().map(|note| format!("note  {note}\n")).collect();
            text_table::print(&notes.concat())?;
        }
    }
    let Some(first) = report.leaks.first() else {
        let (values, columns) = (text_table::count(report.values), report.columns);
        return text_table::print(&format!("{values} values of {columns} protected columns: no leak\n"));
    };
    let row = |leak: &Leak| {
        let (values, expected) = (text_table::count(leak.values), format!("{:.1}", leak.expected));
        vec![leak.path.clone(), leak.column.clone(), leak.at.to_string(), values, expected]
    };
    let rows: Vec<Vec<String>> = report.leaks.iter().map(row).collect();
    text_table::print(&text_table::aligned(&["file", "plaintext of", "first at", "values", "by chance"], &rows))?;
    Err(Error::new(Kind::Verification, format!("`{}` has plaintext of `{}`", first.path, first.column))
        .hint("if another column has the same values in the clear, protect it too"))
}

/// A line a finding, a line a note, and what was looked at.
fn text(report: &Report) -> String {
    let mut lines: Vec<String> = report.findings.iter().map(|finding| format!("FAIL  {finding}")).collect();
    if report.more > 0 {
        lines.push(format!("FAIL  {} more of the same", text_table::count(report.more)));
    }
    lines.extend(report.notes.iter().map(|note| format!("note  {note}")));
    if report.looked.is_empty() {
        return lines.join("\n") + "\n";
    }
    let word = if report.findings.is_empty() { "ok  " } else { "seen" };
    lines.push(format!("{word}  {}", report.looked.join(", ")));
    lines.join("\n") + "\n"
}
