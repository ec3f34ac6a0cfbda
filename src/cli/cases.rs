//! `placebo cases`: what to send and what to expect, for test runners.

use std::ffi::OsString;
use std::path::Path;

use clap::Args;

use super::set_args::SetArgs;
use super::{LogFormat, log, text_table};
use crate::cases::{CaseDocument, authzen, cases, gherkin, pack, trail};
use crate::disk::{System, write_whole};
use crate::error::{Error, Result, did_you_mean};
use crate::find::form::{self, FORMS, Form, Found, Row};
use crate::find::{Scan, write};
use crate::profile::{Decisions, Profile, Trail};

/// The forms that are not among [`FORMS`]: they have cases in them, and not rows.
const GHERKIN: &str = "gherkin";
const AUTHZEN: &str = "authzen";

#[derive(Args)]
pub(super) struct Cases {
    #[command(flatten)]
    set: SetArgs,
    /// Decisions, or trails that were tampered with, instead of faults: a pack of the profile, `placebo list packs PROFILE` shows them.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["faults", "messages", "messages_where", "tables", "part", "only"])]
    pack: Option<String>,
    /// Of a pack: the requests of each decision and reason, and the pairs of each boundary and fact; of each further change there are up to
    /// that many. Of trails: the cases of each way to tamper with one.
    #[arg(long, value_name = "K", default_value_t = 5, requires = "pack", value_parser = clap::value_parser!(u16).range(1..))]
    each: u16,
    /// `ndjson`, `json`, `gherkin`, or a form of `placebo list forms` for rows with others in them: `postman`, `pytest`, `playwright` …; of a
    /// pack also `authzen`.
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
        let form = match (self.format.as_str(), &self.pack) {
            (GHERKIN, _) | (AUTHZEN, Some(_)) => None,
            (AUTHZEN, None) => {
                return Err(Error::usage("`authzen` has decisions in it, and faults have none").hint("--pack NAME"));
            }
            (name, _) => Some(form::find(name)?),
        };
        if let Some(flat) = form.filter(|form| form.flat) {
            let forms = FORMS.iter().filter(|form| !form.flat).map(|form| form.name).collect::<Vec<_>>().join(", ");
            return Err(Error::usage(format!("`{}` has lines of CSV, which have no place for a case", flat.name))
                .hint(format!("one of {GHERKIN}, {forms}")));
        }
        let (profile, found) = match &self.pack {
            Some(name) => self.packed(name, log_format)?,
            None => self.wrong()?,
        };
        let count = found.len();
        self.write(form, &profile, found)?;
        if self.out != "-" && log_format == LogFormat::Text && !self.set.is_quiet() {
            log::say(&format!("{}: {count} cases", Path::new(&self.out).display()));
        }
        Ok(())
    }

    /// The cases of faults.
    fn wrong(&self) -> Result<(String, Vec<CaseDocument>)> {
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
        Ok((set.plan().name.clone(), found))
    }

    /// The cases of a pack; the changes that its pairs show are told on standard error.
    fn packed(&self, name: &str, log_format: LogFormat) -> Result<(String, Vec<CaseDocument>)> {
        let (loaded, plan, asked) = self.set.asked(|loaded| {
            Ok(match named(&loaded.profile, name)? {
                Pack::Decisions(decisions) => pack::questions(name, decisions),
                Pack::Trail(trail) => trail::questions(name, trail),
            })
        })?;
        let scan = Scan { plan: &plan, threads: self.set.threads()?, chunk_rows: self.set.chunk_rows() };
        let each = usize::from(self.each);
        let located = |error: Error| {
            let place = loaded.place(error.path());
            error.at(place)
        };
        let decisions = match named(&loaded.profile, name)? {
            Pack::Decisions(decisions) => decisions,
            Pack::Trail(_) if self.format == AUTHZEN => {
                return Err(Error::usage(format!("`authzen` has decisions in it, and `{name}` has trails of entries"))
                    .hint("--format ndjson"));
            }
            Pack::Trail(trail) => {
                let cases = trail::trails(scan, name, trail, &asked, each).map_err(located)?;
                return Ok((plan.name.clone(), cases));
            }
        };
        let made = pack::pack(scan, name, decisions, &asked, each).map_err(located)?;
        if log_format == LogFormat::Text && !self.set.is_quiet() {
            let rows: Vec<Vec<String>> = made.changes.iter().map(|row| row.to_vec()).collect();
            log::say(text_table::aligned(&["one fact", "turns", "into", "pairs"], &rows).trim_end());
        }
        Ok((plan.name.clone(), made.cases))
    }

    fn write(&self, form: Option<&Form>, profile: &str, found: Vec<CaseDocument>) -> Result<()> {
        let path = Path::new(&self.out);
        let Some(form) = form else {
            if self.format == AUTHZEN {
                if self.out == "-" {
                    return Err(Error::usage("`--format authzen` writes several files").hint("--out DIR"));
                }
                return write::into_folder(&System, path, &authzen::files(&found)?, self.overwrite);
            }
            let text = match &self.pack {
                Some(_) if found.iter().any(|case| case.json.contains_key("trail")) => gherkin::trails(profile, found),
                Some(_) => gherkin::requests(profile, found),
                None => gherkin::feature(profile, found),
            };
            if self.out == "-" {
                return text_table::print(&text);
            }
            if path.symlink_metadata().is_ok() && !self.overwrite {
                return Err(
                    Error::usage(format!("`{}` is there already", path.display())).hint("--overwrite replaces it")
                );
            }
            return write_whole(&System, path, path, &text);
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
        write::to_path(&System, path, form, &found, self.overwrite).map(|_| ())
    }
}

/// A pack of a profile, by the kind of its cases.
enum Pack<'p> {
    Decisions(&'p Decisions),
    Trail(&'p Trail),
}

/// The pack called `name`.
fn named<'p>(profile: &'p Profile, name: &str) -> Result<Pack<'p>> {
    let trail = profile.trails.get(name).map(Pack::Trail);
    trail.or_else(|| profile.decisions.get(name).map(Pack::Decisions)).ok_or_else(|| {
        let known = profile.decisions.keys().chain(profile.trails.keys()).map(String::as_str);
        Error::usage(format!("the profile `{}` has no pack `{name}`", profile.name))
            .hint(format!("`placebo list packs {}` shows them", profile.name))
            .maybe_hint(did_you_mean(name, known).filter(|hint| hint.starts_with("did")))
    })
}
