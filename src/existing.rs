//! Rows that are there already, protected: the same handlings as those of generated data, applied to CSV, NDJSON and Parquet files of the
//! user. Nothing is classified by guess: each column has a rule, or is kept by name.
//!
//! A file is read a batch at a time (`open`, and a file for each form); batches are protected and encoded on all cores and written in
//! order, so that memory does not grow with the file and bytes do not depend on threads. Equal values have equal tokens in every file,
//! and in generated data under the same key and domain.

mod csv;
mod describe;
mod json;
mod open;
mod parquet;
mod replace;
mod report;
mod rules;
mod scan;
mod table;

use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use arrow_schema::{Field, Schema, SchemaRef};
use rayon::ThreadPool;

pub use report::Told;

use crate::digest::RowSum;
use crate::disk::{Disk, own_folder, retry, temporary};
use crate::error::{Error, Result};
use crate::folder::{FileEntry, Lock, OutputFile, Sums, below, file_path};
use crate::format::write::Canonical;
use crate::format::{self, Format, Options};
use crate::notes::Noted;
use crate::order::{ordered, pool};
use crate::profile::OwnFile;
use crate::protect::keyring::Keys;
use crate::protect::{OF_A_DAY, Protection, Settings, Wish, decide_given};
use crate::sql::civil;
use open::Input;
use replace::Replacement;
use rules::Rules;
use table::{Keep, Table, without_file};

/// A request to protect files.
pub struct Request<'a> {
    /// The files, as `PATH` or `TABLE=PATH`.
    pub files: &'a [String],
    /// The file of rules.
    pub rules: &'a Path,
    /// The columns that stay as they are although no rule has them, as `TABLE.COLUMN`.
    pub keep: &'a [String],
    /// The keys; `None` where no handling needs one.
    pub keys: Option<&'a Keys>,
    /// Padding, nulls and nonces of encrypted cells; the rest follows from the rules.
    pub settings: Settings,
    /// The folder that is written to.
    pub out: &'a Path,
    /// Worker threads.
    pub threads: usize,
}

/// Files with their rules, ready to be written.
struct Work<'a> {
    tables: Vec<Table<'a>>,
    replacements: Vec<Vec<Replacement>>,
    /// The schemas after replacement and before protection.
    clear: Vec<SchemaRef>,
    protection: Protection,
    format: &'static Format,
    options: Options,
}

/// Protects files, and gives what became of each column. The folder has the files, what describes them and a manifest, by which
/// `decrypt` opens what was encrypted.
///
/// # Errors
///
/// If a file cannot be read or is damaged, a column has neither a rule nor a place in `keep`, a handling does not fit, a key is missing,
/// another run writes to the folder, or a file is there already. What was written before the error is removed.
pub fn protect(disk: &dyn Disk, request: &Request<'_>) -> Result<Vec<Told>> {
    let (file, rules) = Rules::read(request.rules)?;
    let inputs = inputs(request, &rules)?;
    let work = work(request, &rules, &inputs).map_err(|error| file.place(error))?;
    let mut told: Vec<Vec<Told>> = Vec::new();
    for (at, table) in work.tables.iter().enumerate() {
        told.push(report::told(table, &work.protection.decisions, &work.schema(at)));
    }
    own_folder(disk, request.out)?;
    let _locks = Lock::take(request.out, None)?;
    let paths: Vec<String> = (0..work.tables.len()).map(|at| work.path(at)).collect();
    for name in paths.iter().cloned().chain(describe::names()) {
        let path = below(request.out, &name);
        if path.symlink_metadata().is_ok() {
            let message = format!("`{}` is there already", path.display());
            return Err(Error::usage(message).hint("choose another folder with --out"));
        }
    }
    let pool = pool(request.threads)?;
    let written = write(disk, request, &work, &pool, &mut told).and_then(|files| {
        let told: Vec<Told> = told.into_iter().flatten().collect();
        describe::describe(disk, request.out, &work, &rules_of(&file, &rules), (&files, &told))?;
        Ok(told)
    });
    written.inspect_err(|_| {
        for name in paths.into_iter().chain(describe::names()) {
            let path = below(request.out, &name);
            for path in [temporary(&path), path] {
                let _gone_already = retry(|| disk.remove(&path));
            }
        }
    })
}

/// The rules as the manifest knows them.
struct RulesOf {
    data_set: String,
    as_of: String,
    digest: String,
}

fn rules_of(file: &OwnFile, rules: &Rules) -> RulesOf {
    let as_of = rules.as_of.as_ref().map(ToString::to_string).unwrap_or_default();
    RulesOf { data_set: rules.data_set.clone(), as_of, digest: Rules::digest(file) }
}

/// Opens the files.
fn inputs(request: &Request<'_>, rules: &Rules) -> Result<Vec<Input>> {
    let mut all: Vec<Input> = Vec::new();
    for text in request.files {
        let (table, path) = open::named(text)?;
        if all.iter().any(|known| known.table.eq_ignore_ascii_case(&table)) {
            return Err(
                Error::usage(format!("two files are the table `{table}`")).hint("name one of them with TABLE=PATH")
            );
        }
        let csv = rules.tables.get(&table).map(|table| &table.csv);
        all.push(Input::open(&table, &path, csv)?);
    }
    if all.is_empty() {
        return Err(Error::usage("no file is named"));
    }
    Keep(request.keep).known(&all)?;
    Ok(all)
}

/// Decides what becomes of every column.
fn work<'a>(request: &Request<'_>, rules: &'a Rules, inputs: &'a [Input]) -> Result<Work<'a>> {
    let (format, options) = form(rules, inputs)?;
    let keep = Keep(request.keep);
    let tables = inputs.iter().map(|input| Table::new(input, rules, &keep)).collect::<Result<Vec<_>>>()?;
    let others: Vec<(&str, Schema)> = rules
        .tables
        .iter()
        .filter(|(name, _)| !inputs.iter().any(|input| input.table == **name))
        .map(|(name, rules)| (name.as_str(), without_file(rules)))
        .collect();
    let others = || others.iter().map(|(name, schema)| (*name, schema));
    let as_of = rules.as_of()?;
    let read: Vec<(&str, &Schema)> =
        tables.iter().map(|table| (table.input.table.as_str(), table.schema.as_ref())).chain(others()).collect();
    let made = |table: &Table<'_>| Replacement::all(table, &read, request.keys, as_of.as_deref());
    let replacements = tables.iter().map(made).collect::<Result<Vec<_>>>()?;
    let clear: Vec<SchemaRef> =
        tables.iter().zip(&replacements).map(|(table, replaced)| after(&table.schema, replaced)).collect();
    let schemas: Vec<(&str, &Schema)> = tables
        .iter()
        .zip(&clear)
        .map(|(table, clear)| (table.input.table.as_str(), clear.as_ref()))
        .chain(others())
        .collect();
    let wish = |at: usize, column: usize| {
        let rule = match tables.get(at) {
            Some(table) => table.columns[column].rule,
            None => rules
                .tables
                .get(schemas[at].0)
                .and_then(|table| table.columns.get(schemas[at].1.field(column).name()))
                .map(|rule| &rule.0),
        };
        match rule.map(|rule| (rule.handling.as_deref(), &rule.r#gen)) {
            None | Some((None, Some(_))) => Wish::CLEAR,
            Some((Some(handling), _)) => Wish::Handling(handling),
            Some((None, None)) => Wish::OfKey,
        }
    };
    let decisions = decide_given(&schemas, tables.len(), &wish)?;
    let dated = decisions.iter().find(|one| one.handling.name == OF_A_DAY && as_of.is_none());
    if let Some(one) = dated {
        return Err(Error::profile(
            format!("tables.{}.columns.{}", one.table, one.column),
            "ages count from a day, which the rules do not say",
        )
        .hint("as_of = 2026-06-30, above the tables"));
    }
    let settings = Settings { data_set: rules.data_set.clone(), binary: format.binary, ..request.settings.clone() };
    let days = as_of.as_deref().and_then(civil::parse_date).unwrap_or_default();
    let protection = Protection::prepared(&schemas[..tables.len()], days, decisions, request.keys, settings)?;
    Ok(Work { tables, replacements, clear, protection, format, options })
}

/// The format of the files that are written, and its settings.
fn form(rules: &Rules, inputs: &[Input]) -> Result<(&'static Format, Options)> {
    let first = inputs[0].form;
    let name = match &rules.output.format {
        Some(name) => name.as_str(),
        None if inputs.iter().all(|input| input.form == first) => first.format(),
        None => {
            return Err(Error::usage("the files have different formats, and all are written in one")
                .hint("[output] format = \"parquet\" in the rules"));
        }
    };
    let format = format::find(name)?;
    if format.takes_messages_alone() {
        return Err(Error::profile("output.format", "messages are written from templates, not from tables"));
    }
    let settings = rules.output.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Ok((format, format.options(settings).map_err(|error| error.within("output"))?))
}

/// A schema with the types of generated values.
fn after(schema: &SchemaRef, replaced: &[Replacement]) -> SchemaRef {
    let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
    for one in replaced {
        fields[one.at] = Arc::new(fields[one.at].as_ref().clone().with_data_type(one.data_type()).with_unique(false));
    }
    Arc::new(Schema::new(fields))
}

impl Work<'_> {
    /// The schema of a table as it is written.
    fn schema(&self, table: usize) -> SchemaRef {
        self.protection.written(table).unwrap_or_else(|| Arc::clone(&self.clear[table]))
    }

    /// The path of a table's file below the folder.
    fn path(&self, table: usize) -> String {
        file_path(&self.tables[table].input.table, self.format.extension(&self.schema(table), &self.options), None)
    }

    /// Rows as they are written; `first` is the number of the first of them.
    fn protected(&self, table: usize, batch: &RecordBatch, first: u64) -> Result<RecordBatch> {
        let mut columns = batch.columns().to_vec();
        for one in &self.replacements[table] {
            let name = self.clear[table].field(one.at).name();
            columns[one.at] = one.apply(batch.columns()).map_err(|error| error.within(&format!("columns.{name}")))?;
        }
        let clear = RecordBatch::try_new(Arc::clone(&self.clear[table]), columns)?;
        let numbers: Vec<u64> = (first..first + clear.num_rows() as u64).collect();
        let columns = self.protection.apply_apart(table, &clear, &numbers)?;
        Ok(RecordBatch::try_new(self.schema(table), columns)?)
    }
}

/// Writes every file, and counts values and nulls in the report.
fn write(
    disk: &dyn Disk,
    request: &Request<'_>,
    work: &Work<'_>,
    pool: &ThreadPool,
    told: &mut [Vec<Told>],
) -> Result<Vec<FileEntry>> {
    let file = |(at, told): (usize, &mut Vec<Told>)| {
        let table = &work.tables[at];
        let written = work.schema(at);
        let encoder = (work.format.encoder)(&written, &work.options)?;
        let canonical = Canonical::new(&written)?;
        let mut rows = table.input.rows(&table.places(), &table.schema)?;
        let name = &table.input.table;
        let mut out = OutputFile::create(disk, request.out, name, &work.path(at), encoder.as_ref(), None)?;
        let (mut first, mut sum) = (0, RowSum::default());
        let mut nulls = vec![0; table.columns.len()];
        let next = || {
            let batch = rows.next()?;
            Ok(batch.map(|batch| {
                let start = first;
                first += batch.num_rows() as u64;
                (start, batch)
            }))
        };
        let protect = |(first, batch): (u64, RecordBatch)| {
            let path = table.input.path.display();
            let nulls: Vec<u64> = batch.columns().iter().map(|column| column.logical_null_count() as u64).collect();
            let protected = work.protected(at, &batch, first).map_err(|error| {
                let place = error.path().to_owned();
                let hint = error.hint_text().map(str::to_owned);
                let message = format!("`{path}` rows from {} on: {}", first + 1, error.message());
                Error::new(error.kind(), message).within(&place).maybe_hint(hint)
            })?;
            let (piece, held) = canonical.encode(encoder.as_ref(), protected)?;
            Ok((piece, held, nulls))
        };
        let put = |(piece, held, more): (_, crate::digest::Buckets, Vec<u64>)| {
            out.append(piece)?;
            sum.merge(&held.sum);
            nulls.iter_mut().zip(more).for_each(|(nulls, more)| *nulls += more);
            Ok(())
        };
        ordered(pool, &|| Ok(()), next, protect, put)?;
        for (column, nulls) in table.columns.iter().zip(nulls) {
            (told[column.place].nulls, told[column.place].values) = (nulls, sum.rows - nulls);
        }
        out.finish(disk, &Sums { sent: sum, clean: None })
    };
    told.iter_mut().enumerate().map(file).collect()
}
