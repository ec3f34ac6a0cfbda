//! `placebo find`: rows that meet a condition, as fixtures.

use std::ffi::OsString;
use std::path::Path;

use clap::{Args, ValueEnum};

use super::work_args::WorkArgs;
use super::{LogFormat, World, log, text_table, threads};
use crate::dataset::DataSet;
use crate::disk::System;
use crate::error::{Error, Result};
use crate::find::cover::{self, Columns};
use crate::find::form::{self, FORMS, Found};
use crate::find::{Hits, Quota, Scan, Shape, Shaper, fixtures, search, wanted, write};
use crate::plan::{Asked, Plan, Question};
use crate::profile::{self, Fixture};

/// The path of the condition of the command line.
const WHERE: &str = "--where";
/// The path of a column to cover.
const COVER: &str = "--cover";
/// The most pools.
const MAX_POOLS: u64 = 10_000;

#[derive(Args)]
pub(super) struct Find {
    #[command(flatten)]
    world: World,
    /// The table whose rows are looked for: a root table, or one below it. With --fixture it need not be given.
    table: Option<String>,
    /// The condition, SQL over the names that the table's columns see: its own columns, references, ancestors, and aggregates over
    /// children. By default every row meets it.
    #[arg(long = "where", value_name = "SQL")]
    condition: Option<String>,
    /// A named fixture of the profile: its table, its condition and what comes with it; --where and --with add to these.
    #[arg(long, value_name = "NAME")]
    fixture: Option<String>,
    /// The number of rows: the first ones that meet the condition.
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with_all = ["workers", "cover"])]
    limit: u64,
    /// Rows that come with each: names of child tables, references and ancestors, with points for those further away, such as
    /// `person,encounter.encounter_event`.
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    with: Vec<String>,
    /// Disjoint pools, for tests or engines that run at the same time.
    #[arg(long, visible_alias = "engines", value_name = "W", conflicts_with = "cover")]
    workers: Option<u64>,
    /// Rows of each pool.
    #[arg(long, value_name = "K", default_value_t = 1, requires = "workers")]
    each: u64,
    /// Take fewer rows where there are not enough; by default that is an error.
    #[arg(long)]
    at_most: bool,
    /// Few rows with every value of some columns, such as `class,status`; or every pair of values: `pairs:class,status,year`.
    #[arg(long, value_name = "COLUMNS")]
    cover: Option<String>,
    /// The form: `placebo list forms` shows them.
    #[arg(long, short, value_name = "FORM", default_value = "json")]
    format: String,
    /// A file or folder, or `-` for standard output.
    #[arg(long, short, value_name = "PATH", default_value = "-")]
    out: OsString,
    /// Replace files that are there.
    #[arg(long)]
    overwrite: bool,
    /// Names as the profile has them, or as `birthDate`.
    #[arg(long, value_enum, default_value_t, value_name = "CASE")]
    case: Case,
    /// Decimals as numbers; by default they are texts, because many readers of JSON round numbers.
    #[arg(long)]
    numbers: bool,
    #[command(flatten)]
    work: WorkArgs,
}

/// The form of names.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Case {
    #[default]
    Snake,
    Camel,
}

impl Find {
    pub(super) fn run(&self, log_format: LogFormat) -> Result<()> {
        let form = form::find(&self.format)?;
        if self.out == "-" && !form.one_file {
            return Err(Error::usage(format!("`--format {}` writes several files", form.name)).hint("--out DIR"));
        }
        let loaded = profile::load(&self.world.profile)?;
        let named = |name| fixtures::named(&loaded.profile, name).map(|fixture| (name, fixture));
        let fixture = self.fixture.as_deref().map(named).transpose()?;
        let columns = self.cover.as_deref().map(Columns::read).transpose()?;
        let table = self.table_of(fixture)?;
        let mut questions = vec![self.question(&table, fixture)];
        for sql in columns.iter().flat_map(|columns| &columns.names) {
            questions.push(Question {
                path: COVER.to_owned(),
                table: table.clone(),
                sql: sql.clone(),
                condition: false,
            });
        }
        let (plan, asked) = self.world.compile(&loaded, self.work.threads, &questions).map_err(|error| {
            match loaded.profile.tables.contains_key(&table) {
                true => self.told(error),
                // The table is an argument of its own: its mistake is none of the condition's.
                false => Error::usage(error.message()).maybe_hint(error.hint_text().map(str::to_owned)),
            }
        })?;
        self.work.expected(&plan)?;
        let at = plan.table(&table)?;
        let mut with = fixture.map_or_else(Vec::new, |(_, fixture)| fixture.with.clone());
        with.extend(self.with.iter().cloned());
        let with = wanted(&plan, at, &with)?;
        let protection = self.work.protect.protection(&plan, false)?;
        let set = DataSet::new(plan).protected(protection);
        self.work.protect.warn(set.plan(), set.protection(), log_format);
        let shape = Shape { camel: self.case == Case::Camel, numbers: self.numbers };
        let pooled = self.workers.is_some();
        let shaper = Shaper::new(&set, at, &with, shape, (pooled, form.flat))?;
        let hits = self.hits(set.plan(), &asked, columns.as_ref(), log_format)?;
        let pools = shaper.rows(&hits)?;
        let flat = if form.flat { shaper.columns()? } else { Vec::new() };
        let found = Found { table: shaper.table_name(), columns: flat, pools, pooled };
        if self.out == "-" {
            return write::to_stdout(form, &found);
        }
        let path = Path::new(&self.out);
        let files = write::to_path(&System, path, form, &found, self.overwrite)?;
        let rows = found.pools.iter().map(Vec::len).sum::<usize>();
        let within = if files.is_empty() { String::new() } else { format!(" in {}", files.join(", ")) };
        let rows = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
        self.say(log_format, &format!("{}: {rows} of {table}{within}", path.display()));
        Ok(())
    }

    /// The table: that of the fixture, or the one that is named.
    fn table_of(&self, fixture: Option<(&str, &Fixture)>) -> Result<String> {
        match (&self.table, fixture) {
            (Some(table), Some((name, fixture))) if *table != fixture.table => {
                Err(Error::usage(format!("the fixture `{name}` has rows of `{}`, not of `{table}`", fixture.table)))
            }
            (_, Some((_, fixture))) => Ok(fixture.table.clone()),
            (Some(table), None) => Ok(table.clone()),
            (None, None) => Err(Error::usage("no table is named").hint(format!(
                "placebo find {0} TABLE --where SQL, or placebo find {0} --fixture NAME",
                self.world.profile
            ))),
        }
    }

    /// The condition that rows must meet.
    fn question(&self, table: &str, fixture: Option<(&str, &Fixture)>) -> Question {
        let own = |sql: String| Question { path: WHERE.to_owned(), table: table.to_owned(), sql, condition: true };
        match (fixture, &self.condition) {
            (Some((name, fixture)), None) => fixtures::question(name, fixture),
            (Some((_, fixture)), Some(sql)) => own(format!("({}) AND ({sql})", fixture.r#where.0)),
            (None, Some(sql)) => own(sql.clone()),
            (None, None) => own("true".to_owned()),
        }
    }

    /// An error in an expression of the command line in words of the command line.
    fn told(&self, error: Error) -> Error {
        let option = |name: &str, text: &Option<String>| format!("`{name} {}`", text.as_deref().unwrap_or_default());
        let written = match (error.path(), &self.fixture) {
            (WHERE, _) => option(WHERE, &self.condition),
            (COVER, _) => option(COVER, &self.cover),
            // A value of a row: the column is one of the condition's own.
            (path, Some(name)) if path.contains(".columns.#") => format!("the fixture `{name}`"),
            (path, None) if path.contains(".columns.#") => option(WHERE, &self.condition),
            _ => return error,
        };
        Error::usage(format!("{written}: {}", error.message())).maybe_hint(error.hint_text().map(str::to_owned))
    }

    /// The rows.
    fn hits(&self, plan: &Plan, asked: &[Asked], columns: Option<&Columns>, log_format: LogFormat) -> Result<Hits> {
        let [condition, values @ ..] = asked else { return Err(Error::internal("a search without a condition")) };
        let scan = Scan { plan, threads: threads(self.work.threads)?, chunk_rows: self.work.chunk_rows };
        let run = || match columns {
            Some(columns) => {
                let cover = cover::cover(scan, *condition, columns, values)?;
                if log_format == LogFormat::Text && !self.work.quiet {
                    report(&cover, columns);
                }
                Ok(cover.hits)
            }
            None => search(scan, *condition, self.quota()?),
        };
        run().map_err(|error: Error| self.told(error))
    }

    fn quota(&self) -> Result<Quota> {
        let (pools, each) = self.workers.map_or((1, self.limit), |workers| (workers, self.each));
        if self.workers.is_none() && each == 0 {
            return Err(Error::usage("`--limit 0` asks for 0 rows").hint("at least 1, or leave --limit out for 1"));
        }
        if pools == 0 || each == 0 || pools > MAX_POOLS {
            return Err(Error::usage(format!("{pools} pools of {each} rows"))
                .hint(format!("1 to {MAX_POOLS} pools, and at least 1 row of each")));
        }
        Ok(Quota { pools, each, at_most: self.at_most })
    }

    fn say(&self, log_format: LogFormat, text: &str) {
        if !self.work.quiet && log_format == LogFormat::Text {
            log::say(text);
        }
    }
}

/// Says how few rows cover, and what does not occur.
fn report(cover: &cover::Cover, columns: &Columns) {
    const SHOWN: usize = 20;
    let rows = cover.hits.pools.iter().map(Vec::len).sum::<usize>();
    let what = if columns.pairs { "pairs of values" } else { "values" };
    log::say(&format!("{rows} rows have all {} {what} that occur", cover.occurring));
    if !cover.missing.is_empty() {
        log::say(&format!("{} pairs do not occur:", cover.missing.len()));
        cover.missing.iter().take(SHOWN).for_each(|pair| log::say(&format!("  {pair}")));
        if cover.missing.len() > SHOWN {
            log::say(&format!("  and {} more", cover.missing.len() - SHOWN));
        }
    }
}

/// The forms, for `placebo list forms`.
pub(super) fn forms() -> Vec<Vec<String>> {
    FORMS.iter().map(|form| vec![form.name.to_owned(), form.about.to_owned()]).collect()
}

/// The named fixtures of a profile, with the rows that they have at its own size.
pub(super) fn list(name: &str) -> Result<String> {
    let loaded = profile::load(name)?;
    let questions = fixtures::questions(&loaded.profile);
    let (plan, asked) = Plan::compile_with(&loaded, &crate::plan::Options::default(), &questions)?;
    let counts = fixtures::counts(Scan { plan: &plan, threads: threads(None)?, chunk_rows: None }, &asked)?;
    let rows = loaded.profile.fixtures.iter().zip(counts).map(|((name, fixture), count)| {
        vec![name.clone(), fixture.table.clone(), text_table::count(count), fixture.about.clone()]
    });
    Ok(super::list::wide(&["fixture", "table", "rows", "about"], &rows.collect::<Vec<_>>()))
}
