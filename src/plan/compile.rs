//! The compiler: from a profile to a plan. It visits every column once and finds every mistake before the first row.

mod answers;
mod children;
mod columns;
mod deals;
mod decl;
mod faults;
mod lifecycle;
mod lists;
mod lookup;
mod maps;
mod marks;
mod names;
mod other_hands;
mod questions;
mod records;
mod references;
mod schema;
mod scope;
mod shape;
mod template;
mod unique;

use std::sync::Arc;

use arrow_array::ArrayRef;
use indexmap::IndexMap;

use super::{Asked, Check, Column, Measure, Memory, Options, Outcome, Plan, Question, Reference, Source, Table};
use crate::error::{Error, Result, did_you_mean};
use crate::generator::data::Data;
use crate::profile::{self, Loaded, writable};
use crate::rng::Seed;
use decl::Decl;
use names::NameResolver;
use scope::CallScope;

/// The largest root table, in rows, whose columns are kept in memory once a reference has needed them.
const WHOLE_ROWS: u64 = 1 << 16;
/// The longest chain of columns that depend on each other.
const MAX_DEPTH: usize = 200;
/// The largest sum of the depths of expressions along such a chain.
const MAX_NESTING: usize = 2_000;
/// The stack of the compiler's thread in bytes, enough for expressions of that depth.
const STACK: usize = 64 << 20;
/// The most tables, and the most columns, references and checks together.
const MAX_TABLES: usize = 1_000;
const MAX_PARTS: usize = 20_000;
/// The most rows of a root table: a row number keeps 48 bits in paths.
const MAX_ROWS: u64 = 1 << 40;

enum State {
    Waiting,
    Busy,
    Done(Box<Column>),
}

struct TableDraft<'a> {
    name: &'a str,
    decl: &'a profile::Table,
    /// The declared columns, then the intermediate values, by name.
    decls: IndexMap<&'a str, Decl<'a>>,
    parent: Option<usize>,
    rows: u64,
    /// The state of the declared ones, in the same order, then of those that the compiler adds.
    columns: IndexMap<String, State>,
    refs: Vec<Option<Reference>>,
    /// The source of the rows, once it is compiled.
    source: Option<Source>,
    checks: Vec<Check>,
    measures: Vec<Measure>,
    outcome: Option<Outcome>,
}

/// The meaning of the first name of a path, such as `card` in `card.pan`.
enum Target {
    Table,
    Lifecycle,
    /// The entry of a row list that a row comes from.
    Row,
    Ancestor(usize, usize),
    Reference(usize, usize, bool),
    /// The row behind a row of an `each` table: the position of its table in the list, the table, and whether the row may
    /// belong to another table of the list.
    Fact(usize, usize, bool),
    File(String),
}

/// A profile on its way to a plan.
pub(super) struct Compiler<'a> {
    loaded: &'a Loaded,
    seed: Seed,
    params: IndexMap<String, (String, ArrayRef)>,
    tables: Vec<TableDraft<'a>>,
    data: IndexMap<String, Arc<Data>>,
    stack: Vec<(usize, usize)>,
    /// The name under which an owner aggregates its hand, while its argument is compiled.
    alias: Option<String>,
    /// The sum of the depths of the expressions on the stack.
    nesting: usize,
    as_of: i32,
    memory: Memory,
}

impl Plan {
    /// Compiles a profile.
    ///
    /// # Errors
    ///
    /// If the profile contradicts itself or the options, or names what does not exist: the error has the file, line and path.
    pub fn compile(loaded: &Loaded, options: &Options) -> Result<Plan> {
        Self::compile_with(loaded, options, &[]).map(|(plan, _)| plan)
    }

    /// Compiles a profile, and questions about rows of its tables. They change no value of it.
    ///
    /// # Errors
    ///
    /// As [`Plan::compile`], and if a question has a mistake: the error has its path.
    pub fn compile_with(loaded: &Loaded, options: &Options, questions: &[Question]) -> Result<(Plan, Vec<Asked>)> {
        let compile = || Compiler::start(loaded, options).and_then(|compiler| compiler.finish(options, questions));
        let compiled = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, compile);
            let thread = thread.map_err(|error| Error::internal(format!("no thread: {error}")))?;
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        compiled.map_err(|error| {
            let place = loaded.place(error.path());
            error.at(place)
        })
    }
}

impl<'a> Compiler<'a> {
    fn start(loaded: &'a Loaded, options: &Options) -> Result<Self> {
        let profile = &loaded.profile;
        if let Some(unknown) = options.rows.keys().find(|name| !profile.tables.contains_key(*name)) {
            return Err(Error::usage(format!(
                "`--rows {unknown}=…`: the profile `{}` has no such table",
                profile.name
            ))
            .maybe_hint(did_you_mean(unknown, profile.tables.keys().map(String::as_str))));
        }
        let values = |table: &profile::Table| table.row.iter().map(|row| row.values.len() + 1).sum::<usize>();
        let parts = |table: &profile::Table| {
            table.columns.len() + table.r#let.len() + table.refs.len() + table.checks.len() + values(table)
        };
        let answers = profile.answers.values().map(|answer| answer.by.len() + answer.measure.0.len() + 1);
        let outcomes = profile.outcomes.values().map(|outcome| outcome.code.len() + 2);
        let parts: usize = profile.tables.values().map(parts).chain(answers).chain(outcomes).sum();
        if profile.tables.len() > MAX_TABLES || parts > MAX_PARTS {
            let message = format!("{} tables with {parts} columns, references and checks", profile.tables.len());
            return Err(Error::profile("tables", message).hint(format!("{MAX_TABLES} and {MAX_PARTS} are the most")));
        }
        let mut tables = Vec::new();
        for (name, decl) in &profile.tables {
            let path = format!("tables.{name}");
            named(&path, name)?;
            let decls = decl::declared(decl, &path)?;
            let parent = shape::parent(&path, decl, profile)?;
            if decl.columns.is_empty() {
                return Err(Error::profile(path, "the table has no columns"));
            }
            let rows = match decl.rows {
                Some(rows) => options.rows_of(name, rows, decl.scales.unwrap_or(true))?,
                None if options.rows.contains_key(name) => {
                    return Err(Error::usage(format!(
                        "`--rows {name}=…`: the rows of `{name}` follow from its parent's"
                    ))
                    .hint("only tables with `rows` in the profile can be sized"));
                }
                None => 0,
            };
            options.limits.allow_rows(rows as f64).map_err(|error| error.within(&format!("{path}.rows")))?;
            if rows > MAX_ROWS {
                return Err(Error::profile(path, format!("{rows} rows are more than {MAX_ROWS}, the most of a table")));
            }
            let columns = decls.keys().map(|column| ((*column).to_owned(), State::Waiting)).collect();
            let refs = decl.refs.iter().map(|_| None).collect();
            tables.push(TableDraft {
                name,
                decl,
                decls,
                parent,
                rows,
                columns,
                refs,
                source: None,
                checks: Vec::new(),
                measures: Vec::new(),
                outcome: None,
            });
        }
        marks::check(profile)?;
        let (as_of, params) = (options.as_of(profile)?, options.constants(profile)?);
        let mut compiler = Self {
            loaded,
            seed: Seed::new(&options.seed),
            params,
            tables,
            data: IndexMap::new(),
            stack: Vec::new(),
            alias: None,
            nesting: 0,
            as_of,
            memory: options.limits.memory,
        };
        compiler.no_parent_cycle()?;
        compiler.raise_rows();
        compiler.keep_ratios(options)?;
        compiler.raise_rows();
        compiler.without_owners(options);
        Ok(compiler)
    }

    fn finish(mut self, options: &Options, questions: &[Question]) -> Result<(Plan, Vec<Asked>)> {
        for table in 0..self.tables.len() {
            let decl = self.tables[table].decl;
            for column in 0..self.tables[table].decls.len() {
                self.declared(table, column)?;
            }
            (0..decl.refs.len()).try_for_each(|reference| self.reference(table, reference).map(|_| ()))?;
            self.compile_rows(table)?;
            for (id, check) in &decl.checks {
                let path = format!("tables.{}.checks.{id}", self.tables[table].name);
                let column = self.check(table, id, &check.that).map_err(|error| error.within(&path))?;
                let (about, predicate) = (check.about.clone(), check.that.0.clone());
                let null_passes = check.null == profile::Verdict::Passes;
                self.tables[table].checks.push(Check { id: id.clone(), about, predicate, null_passes, column });
            }
            self.listed_values(table)?;
        }
        let asked = questions.iter().map(|question| self.question(question)).collect::<Result<Vec<_>>>()?;
        self.answers()?;
        (0..self.tables.len())
            .try_for_each(|table| self.declared_keys(table).and_then(|()| self.enough_values(table)))?;
        let faults = self.faults()?;
        let profile = &self.loaded.profile;
        let params = self.params.iter().map(|(name, (text, _))| (name.clone(), text.clone())).collect();
        let schemas: Vec<_> = (0..self.tables.len()).map(|table| Arc::new(self.schema(table))).collect();
        let keys: Vec<u64> = self.tables.iter().map(|table| self.seed.column_key(table.name, "")).collect();
        let mut tables = Vec::new();
        for ((table, schema), key) in self.tables.into_iter().zip(schemas).zip(keys) {
            let mut columns = Vec::new();
            for (name, state) in table.columns {
                match state {
                    State::Done(column) => columns.push(*column),
                    _ => return Err(Error::internal(format!("column `{name}` was not compiled"))),
                }
            }
            let whole = (table.parent.is_none() && table.rows <= WHOLE_ROWS)
                .then(|| columns.iter().map(|_| std::sync::OnceLock::new()).collect());
            tables.push(Table {
                name: table.name.to_owned(),
                about: table.decl.about.clone(),
                parent: table.parent,
                rows: table.rows,
                chunk: table.decl.chunk.unwrap_or(0),
                columns,
                declared: table.decls.len(),
                before_lets: table.decl.columns.len(),
                refs: table.refs,
                checks: table.checks,
                measures: table.measures,
                outcome: table.outcome,
                marks: marks::marks(table.decl),
                schema,
                promised: unique::promised(table.decl),
                source: table.source.ok_or_else(|| Error::internal("a table without a source"))?,
                key,
                cached: whole,
            });
        }
        let mut plan = Plan {
            name: profile.name.clone(),
            title: profile.title.clone(),
            digest: self.loaded.digest.clone(),
            messages: self.loaded.messages.clone(),
            messages_only: self.loaded.messages_only.clone(),
            messages_bare: self.loaded.messages_bare,
            seed: options.seed.clone(),
            as_of: self.as_of,
            params,
            data: self.data,
            limits: options.limits,
            tables,
            faults,
        };
        plan.find_sibling_dependence();
        plan.prove_matches(self.loaded)?;
        plan.size_chunks()?;
        plan.note_classes();
        Ok((plan, asked))
    }
}

fn named(path: &str, name: &str) -> Result<()> {
    let good = writable(name)
        && name.len() <= 63
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    let reserved = ["con", "prn", "aux", "nul", "manifest", "datapackage", "params", "lifecycle"].contains(&name)
        || matches!(name.as_bytes(), [b'c', b'o', b'm', b'0'..=b'9'] | [b'l', b'p', b't', b'0'..=b'9']);
    if good && !reserved {
        return Ok(());
    }
    Err(Error::profile(path, format!("`{}` is not a valid name of a table or column", name.escape_debug()))
        .hint("lower-case letters, digits and `_`, at most 63, not starting with a digit, and no reserved word"))
}

fn unknown_table(path: &str, name: &str, profile: &profile::Profile) -> Error {
    Error::profile(path, format!("unknown table `{name}`"))
        .maybe_hint(did_you_mean(name, profile.tables.keys().map(String::as_str)))
}
