//! `placebo cases`: what to send and what to expect, for test runners.

use std::ffi::OsString;
use std::path::Path;

use clap::Args;

use super::set_args::SetArgs;
use super::{LogFormat, log};
use crate::cases::{CaseDocument, cases, gherkin};
use crate::disk::{System, write_whole};
use crate::error::{Error, Result};
use crate::find::form::{self, FORMS, Found, Row};
use crate::find::write;

/// The form that is not one of [`FORMS`]: it has cases in it, and not rows.
const GHERKIN: &str = "gherkin";

#[derive(Args)]
pub(super) struct Cases {
    #[command(flatten)]
    set: SetArgs,
    /// `ndjson`, `json`, `gherkin`, or a form of `placebo list forms` for rows with others in them: `postman`, `pytest`, `playwright` …
    #[arg(long, short, value_name = "FORM", default_value = "ndjson")]
    format: String,
    /// A file or folder, or `-` for standard output.
    #[arg(long, short, value_name = "PATH", default_value = "-")]
    out: OsString,
    /// Replace files that are there.
    #[arg(long)]
    overwrite: bool,
}

impl Cases {
    pub(super) fn run(&self, log_format: LogFormat) -> Result<()> {
        let form = match self.format.as_str() {
            GHERKIN => None,
            name => Some(form::find(name)?),
        };
        if let Some(flat) = form.filter(|form| form.flat) {
            let forms = FORMS.iter().filter(|form| !form.flat).map(|form| form.name).collect::<Vec<_>>().join(", ");
            return Err(Error::usage(format!("`{}` has lines of CSV, which have no place for a case", flat.name))
                .hint(format!("one of {GHERKIN}, {forms}")));
        }
        let set = self.set.data_set(self.set.plan()?, false)?;
        let room = set.plan().limits.memory.bytes / 4;
        let (mut found, mut bytes): (Vec<CaseDocument>, u64) = (Vec::new(), 0);
        cases(&set, |case| {
            bytes += serde_json::json!(case.json).to_string().len() as u64;
            if bytes > room {
                return Err(Error::usage(format!("the cases have more than {} MB", room / 1_000_000))
                    .hint("ask for fewer, make them in parts with --part, or allow more with --max-memory"));
            }
            found.push(case);
            Ok(())
        })?;
        let count = found.len();
        let said = |place: &str| {
            if log_format == LogFormat::Text && !self.set.is_quiet() {
                log::say(&format!("{place}: {count} cases"));
            }
        };
        let path = Path::new(&self.out);
        let Some(form) = form else {
            let text = gherkin::feature(&set.plan().name, found);
            if self.out == "-" {
                return super::text_table::print(&text);
            }
            if path.symlink_metadata().is_ok() && !self.overwrite {
                return Err(
                    Error::usage(format!("`{}` is there already", path.display())).hint("--overwrite replaces it")
                );
            }
            write_whole(&System, path, path, &text)?;
            said(&path.display().to_string());
            return Ok(());
        };
        let row = |case: CaseDocument| Row {
            json: serde_json::Value::Object(case.json).to_string(),
            case: case.name,
            flat: String::new(),
        };
        let pools = vec![found.into_iter().map(row).collect()];
        let found = Found { table: "case".to_owned(), columns: Vec::new(), pools, pooled: false };
        if self.out == "-" {
            return write::to_stdout(form, &found);
        }
        write::to_path(&System, path, form, &found, self.overwrite)?;
        said(&path.display().to_string());
        Ok(())
    }
}
