//! Comparison of the rows that a system holds with the answer key of the data that it was given: rows that are missing, too many, twice or changed.
//!
//! An export of a table is read once and summed. Where its digest is the one of the answer key, every row of it is proven, and no more
//! memory is needed than for a sum. Otherwise the rows of those buckets that differ are derived again from the profile, as `verify`
//! does, and joined with those of the export by key.

mod export;
mod join;
mod measured;
mod outcomes;
mod report;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_schema::{DataType, SchemaRef};
use rayon::ThreadPool;

pub use report::{Asserted, Change, Finding, Report, State, TableReport};

use crate::answers::AnswerKey;
use crate::dataset::{DataSet, TreeShare};
use crate::digest::{BUCKETS, Buckets};
use crate::error::{Error, Kind, Result};
use crate::folder::manifest::{Manifest, is_name, read, read_text};
use crate::folder::{answers_names, recipe_name};
use crate::format::write::{Canonical, bucket_of};
use crate::notes::{Key, Noted};
use crate::order::{lock, parallel, pool};
use crate::part::Part;
use crate::target::database::Options;
use crate::verify::{Given, made_again};
use export::{Batch, Export, Ragged, Take};
use join::{Chosen, Differences, Held, passes};
use measured::Measured;

/// A request to compare exports with an answer key.
pub struct Request<'a> {
    /// The folder with the answer key and the manifest of the run.
    pub folder: &'a Path,
    /// Tables, each with its export: the path of a file, `-`, or a database such as `sqlite:app.db#capture`.
    pub tables: &'a [(String, String)],
    /// Tables, each with a file of the answers that a system gave to its rows: the key, and columns `decision`, `reason` or the names of
    /// dialects.
    pub outcomes: &'a [(String, String)],
    /// The text that stands for null in CSV; by default a cell without quotes and text.
    pub null: Option<&'a str>,
    /// The options by which databases are reached.
    pub database: &'a Options,
    /// The inputs that the manifest does not tell.
    pub given: Given<'a>,
    /// Worker threads.
    pub threads: usize,
    /// Bytes of memory for the rows of an export; more rows are joined in several passes.
    pub memory: u64,
    /// The most bytes that are taken from a pipe; `None`: what the rows that a correct system holds may have, and more.
    pub pipe: Option<u64>,
    /// True if findings may show values.
    pub show_values: bool,
}

/// The start of the names of what `placebo answers` writes beside a key.
const RECIPE: &str = "answers.recipe";

impl Request<'_> {
    /// The most bytes that a pipe may give for some rows: one that writes for ever would fill the disk.
    fn room(&self, rows: u64) -> u64 {
        self.pipe.unwrap_or(PIPE.max(rows.saturating_mul(ROW)))
    }
}

/// Bytes of a pipe that are always taken.
const PIPE: u64 = 1 << 30;

/// Bytes of a pipe for each row that a correct system holds.
const ROW: u64 = 16 << 10;

/// The answer keys and manifests of a folder, each of a whole run or of its parts.
struct Known {
    key: AnswerKey,
    runs: Vec<(Manifest, Option<Part>)>,
}

/// Compares exports with the answer key of a folder.
///
/// # Errors
///
/// If the folder has no answer key, the profile of the run is needed and not at hand, or an export cannot be read. Rows that are
/// wrong are findings.
pub fn compare(request: &Request<'_>) -> Result<Report> {
    let (known, pool) = (known(request.folder)?, pool(request.threads)?);
    let mut report = Report::default();
    for (table, export) in request.tables {
        let compared = pool.install(|| one(request, &known, &pool, table, export));
        report.tables.push(compared?);
    }
    for (table, export) in request.outcomes {
        report.tables.push(pool.install(|| answered(request, &known, &pool, table, export))?);
    }
    Ok(report)
}

/// Reads the answer key of a folder: of a whole run, or of all its parts together.
fn known(folder: &Path) -> Result<Known> {
    let entries = std::fs::read_dir(folder).map_err(|error| Error::io(folder, error))?;
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    let mut runs = Vec::new();
    for name in names.iter().filter(|name| is_name(name)) {
        let manifest = read(folder, name)?.manifest;
        runs.push((manifest.clone(), manifest.part));
    }
    let whole = runs.is_empty();
    let recipe = |name: &&String| name.strip_prefix(RECIPE).is_some_and(|end| end.strip_suffix(".json").is_some());
    for name in names.iter().filter(recipe).filter(|_| whole) {
        let manifest = Manifest::parse(&read_text(folder, name)?)?;
        if *name != recipe_name(manifest.part) {
            let message = format!("`{}` has the name of another part", folder.join(name).display());
            return Err(Error::new(Kind::Verification, message));
        }
        runs.push((manifest.clone(), manifest.part));
    }
    runs.sort_by_key(|(_, part)| *part);
    let Some((first, part)) = runs.first().map(|(manifest, part)| (manifest.of_any_part(), *part)) else {
        return Err(Error::usage(format!("`{}` has no manifest, or none of `placebo answers`", folder.display()))
            .hint(
                "name the folder that `placebo generate` wrote, or make one with `placebo answers PROFILE --out DIR`",
            ));
    };
    if let Some(count) = part.map(Part::count).filter(|count| runs.len() as u64 != *count) {
        let message = format!("{} of {count} parts are in `{}`", runs.len(), folder.display());
        return Err(Error::usage(message).hint("a system is compared with all of them"));
    }
    let mut key: Option<AnswerKey> = None;
    for (manifest, part) in &runs {
        if let Some(field) = first.difference(&manifest.of_any_part()) {
            let message = format!("the parts in `{}` are of several runs: `{field}` differs", folder.display());
            return Err(Error::new(Kind::Verification, message));
        }
        let [json, _] = answers_names(*part);
        if !names.contains(&json) {
            return Err(Error::usage(format!("`{}` has no {json}", folder.display()))
                .hint("an earlier version of placebo wrote the folder: `placebo answers` makes the key"));
        }
        let text = read_text(folder, &json)?;
        let listed = manifest.beside.iter().find(|file| file.path == json);
        if listed.is_some_and(|file| file.sha256 != crate::digest::sha256(text.as_bytes())) {
            let message = format!("`{}` is not as its manifest says", folder.join(&json).display());
            return Err(Error::new(Kind::Verification, message).hint("placebo verify has the whole list"));
        }
        let own = AnswerKey::parse(&text)?;
        match &mut key {
            None => key = Some(own),
            Some(key) => key.merge(&own)?,
        }
    }
    let key = key.ok_or_else(|| Error::internal("a folder without a run"))?;
    Ok(Known { key, runs })
}

/// Compares the export of one table.
fn one(request: &Request<'_>, known: &Known, pool: &ThreadPool, table: &str, export: &str) -> Result<TableReport> {
    let manifest = &known.runs[0].0;
    let names = || manifest.tables.iter().map(|table| table.name.as_str());
    let Some(held) = known.key.table(table) else {
        return Err(Error::usage(format!("the answer key has no table `{table}`"))
            .maybe_hint(crate::error::did_you_mean(table, names())));
    };
    let entry = manifest.tables.iter().find(|entry| entry.name == table);
    let schema = entry.ok_or_else(|| Error::internal("a table of no manifest"))?.schema()?;
    let room = request.room(held.rows);
    let mut export = Export::open((export, room), table, &schema, request.null, request.database)?;
    let random = manifest.protection.as_ref().is_some_and(|entry| entry.nonce != "synthetic");
    if random {
        export.leave_out(&|field| field.is_protected())?;
    }
    let mut read = Summed::new(&export.texts())?;
    export.read(&mut read)?;
    let expected = held.rows().ok_or_else(|| Error::internal("an answer key without digests"))?;
    let mut report = TableReport::new(table, expected.sum.rows, read.found.sum.rows, &export, read.ragged);
    // Of some columns there is no digest.
    let whole = report.left_out.is_empty();
    if whole && report.ragged == 0 && expected == read.found {
        report.prove(&known.key);
        return Ok(report);
    }
    let mut chosen = if whole { expected.difference(&read.found) } else { [true; BUCKETS] };
    if !chosen.contains(&true) {
        chosen = [true; BUCKETS];
    }
    let (schema, texts) = (export.schema().clone(), export.texts());
    let sides = Sides {
        request,
        pool,
        table,
        sets: sets(request, known)?,
        rows: accepted,
        cases: Mutex::default(),
        schema,
        texts,
    };
    let differences = sides.joined(&mut export, &chosen, &read.counts)?;
    sides.tell(&mut export, &differences, &mut report)?;
    if differences.missing + differences.changed + differences.duplicate + differences.unexpected == 0
        && report.ragged == 0
    {
        report.proven = true;
    }
    let mut measured = Measured::new(&known.key, table, export.schema());
    export.read(&mut measured)?;
    measured.report(&mut report, request.show_values);
    Ok(report)
}

/// Compares what a system answered to the rows of a table with what they deserve.
fn answered(request: &Request<'_>, known: &Known, pool: &ThreadPool, table: &str, export: &str) -> Result<TableReport> {
    let sets = sets(request, known)?;
    let first = sets.first().ok_or_else(|| Error::internal("a folder without a run"))?;
    let rows = first.protection().schema(first.plan(), first.plan().table(table)?);
    let schema = outcomes::schema(first, table, &rows)?;
    let expected = known.key.table(table).map_or(0, |held| held.rows);
    let from = (export, request.room(expected));
    let mut export = Export::open(from, table, &schema, request.null, request.database)?;
    let mut read = Summed::new(&export.texts())?;
    export.read(&mut read)?;
    let name = format!("outcomes of {table}");
    let mut report = TableReport::new(&name, expected, read.found.sum.rows, &export, read.ragged);
    let (schema, texts) = (export.schema().clone(), export.texts());
    let sides = Sides { request, pool, table, sets, rows: outcomes::deserved, cases: Mutex::default(), schema, texts };
    let differences = sides.joined(&mut export, &[true; BUCKETS], &read.counts)?;
    sides.tell(&mut export, &differences, &mut report)?;
    Ok(report)
}

/// The data sets of the runs.
fn sets(request: &Request<'_>, known: &Known) -> Result<Vec<DataSet>> {
    known.runs.iter().map(|(manifest, part)| made_again(manifest, *part, request.given)).collect()
}

/// Takes derived rows, with the hashes of key and row of each.
type Each<'e> = dyn Fn(&RecordBatch, &[(u64, u64)]) -> Result<()> + Sync + 'e;

/// Makes the rows of a chunk that a table is compared with.
type Rows = fn(&DataSet, &TreeShare, std::ops::Range<u64>) -> Result<Option<Must>>;

/// Rows that must be there, and rows that a case of a fault explains: their keys, and the names of the cases.
struct Must {
    rows: RecordBatch,
    explained: Option<(RecordBatch, Vec<String>)>,
}

/// The sum of an export.
struct Summed {
    canonical: Canonical,
    found: Buckets,
    counts: [u64; BUCKETS],
    /// Records that are no rows: how many, and the first.
    ragged: (u64, Vec<Finding>),
}

impl Summed {
    fn new(schema: &SchemaRef) -> Result<Self> {
        let (found, counts, ragged) = (Buckets::default(), [0; BUCKETS], (0, Vec::new()));
        Ok(Self { canonical: Canonical::new(schema)?, found, counts, ragged })
    }
}

impl Take for Summed {
    fn rows(&mut self, batch: Batch) -> Result<()> {
        let (sum, rows) = self.canonical.hashes(&batch.rows)?;
        rows.iter().for_each(|(key, _)| self.counts[usize::from(bucket_of(*key))] += 1);
        self.found.add_hashed(&sum, rows.iter().map(|(key, low)| (bucket_of(*key), *low)));
        Ok(())
    }

    fn ragged(&mut self, record: Ragged) {
        self.ragged.0 += 1;
        if self.ragged.1.len() < 20 {
            let Ragged { line, cells, width } = record;
            let finding = Finding::new("record", format!("{cells} cells in place of {width}"));
            self.ragged.1.push(finding.line(line));
        }
    }
}

/// The export of a table and the rows that a correct system holds.
struct Sides<'a> {
    request: &'a Request<'a>,
    pool: &'a ThreadPool,
    table: &'a str,
    /// The data sets of the runs, and the rows of theirs that the export must have.
    sets: Vec<DataSet>,
    rows: Rows,
    /// The cases of faults that explain rows, by the hash of the row's key.
    cases: Mutex<BTreeMap<u64, String>>,
    /// The compared columns with their types, and as texts.
    schema: SchemaRef,
    texts: SchemaRef,
}

impl Sides<'_> {
    /// Joins both sides by key, some buckets at a time.
    fn joined(&self, export: &mut Export, chosen: &Chosen, counts: &[u64; BUCKETS]) -> Result<Differences> {
        let all = Mutex::new(Differences::default());
        let most = (self.request.memory / 4 / 16).max(1 << 16);
        for chosen in passes(chosen, counts, most) {
            let mut held = Collected { canonical: Canonical::new(&self.texts)?, held: Held::new(chosen) };
            export.read(&mut held)?;
            let mut held = held.held;
            held.sort();
            for set in &self.sets {
                self.derive(set, &|batch, hashes| held.look_for(batch, hashes, &all))?;
            }
            held.rest(&mut lock(&all));
        }
        all.into_inner().map_err(|_| Error::internal("a worker panicked"))
    }

    /// Derives the rows that a correct system holds, chunk by chunk on all threads, with the hashes of key and row of each.
    fn derive(&self, set: &DataSet, each: &Each<'_>) -> Result<()> {
        let canonical = Canonical::new(&self.schema)?;
        for tree in accepted_trees(set, self.table) {
            let mut row = tree.rows.start;
            let next = || {
                let start = row;
                row = if start < tree.rows.end { set.cut(&tree, start) } else { start };
                Ok(Some(start..row).filter(|rows| !rows.is_empty()))
            };
            parallel(self.pool, &|| Ok(()), next, |_, rows| {
                let Some(Must { rows, explained }) = (self.rows)(set, &tree, rows)? else { return Ok(()) };
                let own = |batch: &RecordBatch| -> Result<RecordBatch> {
                    let places = self.schema.fields().iter().map(|field| batch.schema_ref().index_of(field.name()));
                    Ok(batch.project(&places.collect::<Result<Vec<_>, _>>()?)?)
                };
                if let Some((rows, cases)) = explained {
                    let hashes = canonical.hashes(&own(&rows)?)?.1;
                    lock(&self.cases).extend(hashes.into_iter().map(|(key, _)| key).zip(cases));
                }
                let batch = own(&rows)?;
                each(&batch, &canonical.hashes(&batch)?.1)
            })?;
        }
        Ok(())
    }

    /// Turns differences into findings, with a last look at the export for the rows that are told of.
    fn tell(&self, export: &mut Export, found: &Differences, report: &mut TableReport) -> Result<()> {
        report.counted(found);
        let key = |cells: &[Option<String>]| self.key_text(cells);
        for (hash, cells) in &found.missing_rows {
            report.find(Finding::new("missing", key(cells)).case(self.case(*hash)));
        }
        let findings = BTreeMap::new();
        let mut looked = Looked { sides: self, canonical: Canonical::new(&self.texts)?, found, findings };
        export.read(&mut looked)?;
        looked.findings.into_values().for_each(|finding| report.find(finding));
        Ok(())
    }

    /// The case of a fault that explains a row, by the hash of its key.
    fn case(&self, key: u64) -> Option<String> {
        lock(&self.cases).get(&key).cloned()
    }

    /// The key of a row as text, without what is personal.
    fn key_text(&self, cells: &[Option<String>]) -> String {
        let keys = self.schema.fields().iter().zip(cells).filter(|(field, _)| field.is_primary_key());
        let shown = keys.map(|(field, cell)| {
            let hidden = !self.request.show_values && (field.note(Key::Pii).is_some() || field.is_protected());
            let text = if hidden { report::HIDDEN } else { cell.as_deref().unwrap_or("null") };
            let cut: String = text.chars().take(100).collect();
            format!("{}={cut}", field.name())
        });
        let text = shown.collect::<Vec<_>>().join(" ");
        if text.is_empty() { "a row of a table without a key".to_owned() } else { text }
    }

    /// The columns in which a row of the export differs from what it should be.
    fn changes(&self, expected: &[Option<String>], batch: &RecordBatch, row: usize) -> Vec<Change> {
        let mut changes = Vec::new();
        for ((field, expected), column) in self.schema.fields().iter().zip(expected).zip(batch.columns()) {
            let column: &StringArray = column.as_string();
            let found = column.is_valid(row).then(|| column.value(row));
            if expected.as_deref() != found {
                let how = how(field.data_type(), expected.as_deref(), found);
                let shown = |text: Option<&str>| text.map(|text| text.chars().take(200).collect::<String>());
                let values = self.request.show_values.then(|| (shown(expected.as_deref()), shown(found)));
                changes.push(Change { column: field.name().clone(), how: how.to_owned(), values });
            }
        }
        changes
    }
}

/// The trees of a data set with one table alone.
fn accepted_trees(set: &DataSet, table: &str) -> Vec<TreeShare> {
    let of = |tree: TreeShare| {
        let outputs: Vec<_> = tree.outputs.iter().copied().filter(|id| set.output(*id).name == table).collect();
        (!outputs.is_empty()).then_some(TreeShare { outputs, ..tree })
    };
    set.trees().into_iter().filter_map(of).collect()
}

/// The rows of a chunk that a correct system holds of the table of a tree, as they are written.
fn accepted(set: &DataSet, tree: &TreeShare, rows: std::ops::Range<u64>) -> Result<Option<Must>> {
    let mut made = set.held(tree, rows)?;
    let Some((id, rows)) = made.batches.pop() else { return Ok(None) };
    let name =
        |case: &usize| set.faults().map_or_else(String::new, |faults| faults.case_name(set.plan(), &made.cases[*case]));
    let explained = made.explained.swap_remove(&id).map(|(rows, cases)| (rows, cases.iter().map(name).collect()));
    Ok(Some(Must { rows, explained }))
}

/// In what way a cell differs, as far as that tells no value.
fn how(ty: &DataType, expected: Option<&str>, found: Option<&str>) -> &'static str {
    let (Some(expected), Some(found)) = (expected, found) else {
        return if found.is_none() { "is null" } else { "is not null" };
    };
    let text = matches!(ty, DataType::Utf8 | DataType::Dictionary(..));
    match () {
        () if text && !found.is_empty() && expected.starts_with(found) => "is cut off",
        () if text && expected.trim() == found.trim() => "has other spaces",
        () if text && expected.eq_ignore_ascii_case(found) => "has another case",
        () if text && found.contains('\u{FFFD}') => "is not UTF-8",
        () if !text
            && found.bytes().any(|byte| byte.is_ascii_alphabetic())
                != expected.bytes().any(|byte| byte.is_ascii_alphabetic()) =>
        {
            "is no value of its type"
        }
        () => "has another value",
    }
}

/// Collects the rows of an export in some buckets.
struct Collected {
    canonical: Canonical,
    held: Held,
}

impl Take for Collected {
    fn rows(&mut self, batch: Batch) -> Result<()> {
        self.held.add(&self.canonical.hashes(&batch.rows)?.1);
        Ok(())
    }

    fn ragged(&mut self, _: Ragged) {}
}

/// Looks at the rows of an export that are told of.
struct Looked<'a> {
    sides: &'a Sides<'a>,
    canonical: Canonical,
    found: &'a Differences,
    findings: BTreeMap<(&'static str, u64), Finding>,
}

impl Take for Looked<'_> {
    fn rows(&mut self, batch: Batch) -> Result<()> {
        let Batch { rows, lines } = batch;
        let own = |row: usize| -> Vec<Option<String>> {
            let columns = rows.columns().iter().map(AsArray::as_string::<i32>);
            columns.map(|column| column.is_valid(row).then(|| column.value(row).to_owned())).collect()
        };
        for (row, (key, _)) in self.canonical.hashes(&rows)?.1.into_iter().enumerate() {
            let finding = |rule: &str| Finding::new(rule, self.sides.key_text(&own(row))).case(self.sides.case(key));
            let mut found = None;
            if let Some(held) = self.found.duplicate_keys.get(&key) {
                found = Some(("duplicate", finding("duplicate").held(*held, 1)));
            } else if let Some(held) = self.found.unexpected_keys.get(&key) {
                found = Some(("unexpected", finding("unexpected").held(*held, 0)));
            }
            let changed = self.found.changed_rows.get(&key).map(|expected| self.sides.changes(expected, &rows, row));
            let changed = changed.filter(|changes| !changes.is_empty());
            let changed = changed.map(|changes| ("changed", finding("changed").changes(changes)));
            for (rule, finding) in found.into_iter().chain(changed) {
                let known = self.findings.entry((rule, key)).or_insert(finding);
                // A key that comes a million times is told of once, with the first lines.
                if known.lines.len() < 5 {
                    known.lines.push(lines[row]);
                }
            }
        }
        Ok(())
    }

    fn ragged(&mut self, _: Ragged) {}
}
