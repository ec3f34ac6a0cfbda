//! The options that say what is made, shared by the commands that make it.

use std::ffi::OsStr;

use clap::Args;

use super::watch::{Reporting, run_reporting};
use super::work_args::WorkArgs;
use super::{LogFormat, Source, log, threads};
use crate::dataset::{DataSet, Only};
use crate::engine::{Outcome, Start, Target};
use crate::error::{Error, Result};
use crate::fault::Faults;
use crate::part::Part;
use crate::plan::{Asked, Plan, Question};
use crate::profile::{self, Loaded};
use crate::protect::keyring::Keys;

/// A data set, and how it is made.
#[derive(Args, Clone)]
pub(super) struct SetArgs {
    #[command(flatten)]
    source: Source,
    /// Only these tables, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "TABLE,…")]
    tables: Vec<String>,
    /// One part of many, such as `2/3`: the parts together hold the rows of the whole.
    #[arg(long, value_name = "I/N")]
    part: Option<String>,
    /// One row of a root table by its key, such as `patient=17`, with everything below it.
    #[arg(long, value_name = "TABLE=KEY", conflicts_with = "part")]
    only: Option<String>,
    /// With `--only`: also the rows that those refer to.
    #[arg(long, requires = "only")]
    with_parents: bool,
    #[command(flatten)]
    work: WorkArgs,
}

impl SetArgs {
    /// The plan, whose fingerprint is the expected one.
    pub(super) fn plan(&self) -> Result<Plan> {
        let plan = self.source.plan(self.work.threads)?;
        self.work.expected(&plan)?;
        Ok(plan)
    }

    /// The profile with questions about it, compiled: for commands that ask and make no data set.
    ///
    /// # Errors
    ///
    /// If the data is to be protected: questions are answered in the clear.
    pub(super) fn asked(
        &self,
        questions: impl FnOnce(&Loaded) -> Result<Vec<Question>>,
    ) -> Result<(Loaded, Plan, Vec<Asked>)> {
        let world = &self.source.world;
        let loaded = profile::load(&world.profile)?;
        let (plan, asked) = world.compile(&loaded, self.work.threads, &questions(&loaded)?)?;
        self.work.expected(&plan)?;
        if !self.work.protect.protection(&plan, false)?.is_none() {
            return Err(Error::usage(
                "what is asked of a system has the values of the rows, and they would be protected",
            )
            .hint("leave out --protect and --deidentify"));
        }
        Ok((loaded, plan, asked))
    }

    /// The worker threads.
    pub(super) fn threads(&self) -> Result<usize> {
        threads(self.work.threads)
    }

    /// Root rows of a chunk, if they are given.
    pub(super) fn chunk_rows(&self) -> Option<u64> {
        self.work.chunk_rows
    }

    /// The same, with the messages of some templates as its only tables.
    ///
    /// # Errors
    ///
    /// If the options say what is made, too.
    pub(super) fn messages_alone(&self, templates: &[String]) -> Result<Self> {
        if let Some(option) = [("--tables", &self.tables), ("--messages", &self.source.messages)]
            .iter()
            .find(|(_, given)| !given.is_empty())
        {
            return Err(Error::usage(format!("`{}` cannot be used here: the templates say what is made", option.0))
                .hint("`placebo generate` makes tables and messages together"));
        }
        let mut set = self.clone();
        set.tables = templates.iter().map(|name| profile::Message::name_of(name).to_owned()).collect();
        (set.source.messages, set.source.bare) = (templates.to_owned(), true);
        Ok(set)
    }

    /// The data set of a plan; `binary` says whether encrypted cells may be bytes.
    pub(super) fn data_set(&self, plan: Plan, binary: bool) -> Result<DataSet> {
        let left_out = |name: &&String| {
            !self.tables.is_empty() && !self.tables.iter().any(|table| table == profile::Message::name_of(name))
        };
        if let Some(name) = self.source.messages.iter().find(left_out) {
            let table = profile::Message::name_of(name);
            return Err(Error::usage(format!(
                "`--tables` leaves out the messages `{table}` that `--messages` asks for"
            ))
            .hint(format!("--tables {},{table}", self.tables.join(","))));
        }
        // What is wrong with a table's name is told before what is wrong with a part or a key.
        self.tables.iter().try_for_each(|name| plan.table(name).map(|_| ()))?;
        let part = self.part.as_deref().map(part).transpose()?;
        let protection = self.work.protect.protection(&plan, binary)?;
        let mut set = DataSet::new(plan).part(part).protected(protection).chunk_rows(self.work.chunk_rows);
        if let Some(text) = &self.only {
            let (table, key) = text.split_once('=').ok_or_else(|| {
                Error::usage(format!("`--only {text}` has no `=`")).hint("--only TABLE=KEY, such as --only patient=17")
            })?;
            let (table, key) = (table.to_owned(), key.to_owned());
            set = set.only(&Only { table, key, with_parents: self.with_parents })?;
        }
        let set = if self.tables.is_empty() { set } else { set.tables(&self.tables)? };
        let set = set.faulty()?;
        self.say_left_out(&set);
        Ok(set)
    }

    /// Says which faults of a class, or of all, have no case.
    fn say_left_out(&self, set: &DataSet) {
        let left_out = set.faults().map_or(&[][..], Faults::left_out);
        if !left_out.is_empty() && !self.work.quiet {
            let (count, few) = (left_out.len(), left_out.iter().take(10).cloned().collect::<Vec<_>>().join(", "));
            let more = if count > 10 { ", …" } else { "" };
            log::say(&format!(
                "note: no row or encrypted column for {count} of the faults, which are left out: {few}{more}"
            ));
        }
    }

    /// The same for a place: standard output takes one output, and no list of cases beside it.
    pub(super) fn data_set_to(&self, out: &OsStr, plan: Plan, binary: bool) -> Result<DataSet> {
        let set = self.data_set(plan, binary)?;
        if out != "-" || set.faults().is_none() {
            return Ok(set);
        }
        if !self.work.quiet {
            log::say("note: the list of cases is left out of standard output; --out DIR writes it");
        }
        Ok(set.unlisted())
    }

    /// Runs into a target, and tells of it; `format` and `out` are the names of the form and the place, and `verify` the words by which
    /// `placebo verify` finds it.
    pub(super) fn run(
        &self,
        set: &DataSet,
        target: &dyn Target,
        start: Start,
        (format, out, verify): (&str, &str, &str),
        log_format: LogFormat,
    ) -> Result<()> {
        let threads = threads(self.work.threads)?;
        self.work.protect.warn(set.plan(), set.protection(), log_format);
        let reporting = if self.work.quiet { Reporting::None } else { Reporting::of(log_format) };
        if reporting == Reporting::Json {
            log::start(set, format, out);
        }
        let outcome = run_reporting(set, target, start, threads, reporting)?;
        self.summary(&outcome, (out, verify), reporting);
        Ok(())
    }

    /// Counts the rows of a data set, and tells how far that is.
    pub(super) fn count(&self, set: &DataSet, target: &dyn Target, out: &str, log_format: LogFormat) -> Result<()> {
        let reporting = if self.work.quiet { Reporting::None } else { Reporting::of(log_format) };
        if reporting == Reporting::Json {
            log::start(set, "answers", out);
        }
        let outcome = run_reporting(set, target, Start::New, threads(self.work.threads)?, reporting)?;
        if reporting == Reporting::Json {
            log::end(out, &outcome);
        }
        Ok(())
    }

    /// Says what was made, and the command that comes next.
    fn summary(&self, outcome: &Outcome, (out, verify): (&str, &str), reporting: Reporting) {
        match (reporting, &outcome.place) {
            (Reporting::Json, _) => log::end(out, outcome),
            (Reporting::Silent | Reporting::Bar, Some(place)) => {
                let [rows, bytes] = [outcome.rows, outcome.bytes].map(super::text_table::count);
                let unchanged = if outcome.unchanged { "; nothing to do, all of it was there" } else { "" };
                log::say(&format!("{place}: {} tables, {rows} rows, {bytes} bytes{unchanged}", outcome.outputs));
                if let Some(end) = &outcome.log {
                    log::say(&format!("run log: {} events, the last {}", end.events, end.last));
                }
                log::say(&format!("next: placebo verify {verify}{}", self.profile_option()));
            }
            _ => {}
        }
    }

    /// The option of `verify` that names a profile which is not inside the program.
    fn profile_option(&self) -> String {
        let profile = self.own_profile().map_or_else(String::new, |profile| format!(" --profile {}", quoted(profile)));
        let own: Vec<&str> =
            self.messages().iter().map(String::as_str).filter(|name| profile::Message::is_path(name)).collect();
        let templates = if own.is_empty() { String::new() } else { format!(" --messages {}", quoted(&own.join(","))) };
        let own: Vec<&str> =
            self.source.faults.iter().map(String::as_str).filter(|name| profile::is_path(name)).collect();
        let faults = if own.is_empty() { String::new() } else { format!(" --faults {}", quoted(&own.join(","))) };
        format!("{profile}{templates}{faults}")
    }

    /// The profile, where it is not inside the program.
    pub(super) fn own_profile(&self) -> Option<&str> {
        let profile = self.source.world.profile.as_str();
        let inside = profile.split(',').all(|name| profile::names().contains(&name));
        (!inside).then_some(profile)
    }

    /// The templates of messages, by name or path.
    pub(super) fn messages(&self) -> &[String] {
        &self.source.messages
    }

    /// Tells whether nothing is to be said.
    pub(super) fn is_quiet(&self) -> bool {
        self.work.quiet
    }

    /// The seed.
    pub(super) fn seed(&self) -> &str {
        &self.source.world.seed
    }

    /// The keys that personal data is protected with, if there are any.
    pub(super) fn keys(&self) -> Result<Option<Keys>> {
        self.work.protect.keys()
    }
}

/// A word as a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./,:+@%=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Reads `2/3`.
fn part(text: &str) -> Result<Part> {
    text.parse().map_err(|error: Error| {
        Error::usage(format!("`--part {text}`: {}", error.message())).hint("such as 1/3, 2/3 and 3/3")
    })
}
