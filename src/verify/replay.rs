//! The rows against the profile: every check on the values that were read, and some chunks derived again.
//!
//! A chunk is evaluated as in a run. Of a chunk of the sample every cell is compared. Then the values that were read take
//! the place of the computed ones, and the checks are evaluated on them: columns that are not written are computed anew
//! from them, and so are the sums of a parent over its children. Rows of other trees that a check looks at through a
//! reference are the profile's own.
//!
//! Of a protected run the derived rows are protected in the same way before they are compared; checks are about the clear
//! values, so that a protected column counts as the profile makes it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_cast::cast;
use arrow_schema::DataType;
use sha2::{Digest, Sha256};

use super::rows::open;
use super::sealed::{self, bare, protection};
use super::{Finding, Findings, Made, Report, Request};
use crate::engine::FileEntry;
use crate::error::{Error, Kind, Result};
use crate::format::read::Rows;
use crate::format::write::nulled;
use crate::format::write::texts::texts;
use crate::manifest::{self, ColumnEntry, FINGERPRINT};
use crate::notes::PROTECTION;
use crate::part::share;
use crate::plan::{Chunk, Limits, Options, Plan, Tree};
use crate::profile;
use crate::protect::Protection;
use crate::sql::as_text;

/// Which chunks are derived again: those whose hash falls below the share, and one of each tree.
#[derive(Debug, Clone)]
pub struct Sample {
    /// From 0, none at all, to 1, all of them.
    pub share: f64,
    /// Another text chooses other chunks.
    pub seed: String,
}

impl Sample {
    fn number(&self, words: &[&str]) -> u64 {
        let mut hash = Sha256::new();
        for word in [self.seed.as_str()].iter().chain(words) {
            hash.update((word.len() as u64).to_le_bytes());
            hash.update(word);
        }
        hash.finalize().iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte))
    }

    /// Whether the chunk of these root rows is one of the sample.
    fn has(&self, root: &str, rows: &std::ops::Range<u64>, all: &std::ops::Range<u64>) -> bool {
        if self.share <= 0.0 {
            return false;
        }
        let one = all.start + self.number(&[root]) % (all.end - all.start).max(1);
        let drawn = self.number(&[root, &rows.start.to_string()]) as f64 / 18_446_744_073_709_551_616.0;
        rows.contains(&one) || drawn < self.share
    }
}

/// Every file of every run against the profile.
pub(super) fn check(
    request: &Request,
    pool: &rayon::ThreadPool,
    made: &[Made],
    findings: &Findings,
    report: &mut Report,
) {
    let Some(first) = made.first() else { return };
    if let Some(note) = sealed::missing(request, first) {
        report.notes.push(note);
        return;
    }
    let (plan, protection) = match plan(request, first) {
        Ok(both) => both,
        Err(error) => {
            report.refused = Some(error);
            return;
        }
    };
    let against = Against { plan: &plan, protection: &protection };
    if first.manifest.protection.as_ref().is_some_and(sealed::random) {
        report.notes.push("nonces are random: what is encrypted was not compared".to_owned());
    }
    let mut work = Work::default();
    for one in made {
        let mut tables = Vec::new();
        for file in &one.manifest.files {
            let known = plan.table(&file.table).ok().filter(|table| same_columns(against, *table, one, file));
            match known {
                Some(table) => tables.push((table, file)),
                None => findings.add(
                    Finding::new("types", "the manifest has other columns than the profile")
                        .file(&one.name)
                        .table(&file.table),
                ),
            }
        }
        for Tree { root, tables: own } in plan.trees() {
            let tables: Vec<(usize, &FileEntry)> =
                tables.iter().copied().filter(|(table, _)| own.contains(table)).collect();
            if !tables.is_empty() {
                tree(request, pool, against, one, root, &tables, findings, &mut work);
            }
        }
    }
    let checks: usize = first
        .manifest
        .tables
        .iter()
        .filter_map(|table| Some(plan.tables[plan.table(&table.name).ok()?].checks.len()))
        .sum();
    report.looked.push(format!("{checks} checks"));
    report.looked.push(format!("{} of {} chunks derived again", work.replayed, work.chunks));
}

/// What the rows are held against.
#[derive(Clone, Copy)]
struct Against<'a> {
    plan: &'a Plan,
    protection: &'a Protection,
}

fn same_columns(against: Against<'_>, table: usize, made: &Made, file: &FileEntry) -> bool {
    let schema = against.protection.schema(against.plan, table);
    let fields = schema.fields();
    made.table(&file.table).is_some_and(|entry| {
        entry.columns.len() == fields.len()
            && entry.columns.iter().zip(fields).all(|(column, field)| *column == ColumnEntry::new(field))
    })
}

/// The profile as the run had it, and what the run did to personal data.
fn plan(request: &Request, made: &Made) -> Result<(Plan, Protection)> {
    let manifest = &made.manifest;
    let refuse = |what: String, hint: &str| {
        Err(Error::new(Kind::Profile, format!("the rows cannot be held against the profile: {what}")).hint(hint))
    };
    if manifest.engine != FINGERPRINT {
        let what = format!("the engine of the run was `{}`, this one is `{FINGERPRINT}`", manifest.engine);
        return refuse(what, "use the placebo that wrote the folder, or --quick for hashes alone");
    }
    // Only what the user gives is a path: a manifest may be anybody's.
    let embedded = || {
        let name = manifest.profile.as_str();
        let names = profile::names();
        let worlds = [name.to_owned(), name.replace('-', ",")];
        worlds.into_iter().find(|world| world.split(',').all(|name| names.contains(&name)))
    };
    let Some(name) = request.profile.clone().or_else(embedded) else {
        let what = format!("`{}` is not inside this program", manifest.profile);
        return refuse(what, "give it with --profile PATH, or use --quick for hashes alone");
    };
    let Some(seed) = manifest.seed.clone().or_else(|| request.seed.clone()) else {
        return refuse("the seed is not told".to_owned(), "--quick looks at hashes alone");
    };
    let options = Options {
        seed,
        rows: manifest.rows.clone(),
        scale: 1.0,
        params: manifest.params.clone(),
        as_of: Some(manifest.as_of.clone()),
        // The run kept to its limits.
        limits: Limits { rows: u64::MAX, bytes: u64::MAX, cell: u64::MAX },
    };
    let loaded = profile::load(&name)?;
    let hint = "give the profile of the run with --profile PATH, or use --quick for hashes alone";
    let changed = format!("`{name}` is not the profile of the run, or it was changed");
    if loaded.digest != manifest.profile_sha256 {
        return refuse(changed, hint);
    }
    let plan = match Plan::compile(&loaded, &options) {
        Ok(plan) => plan,
        Err(error) => return refuse(error.to_string(), hint),
    };
    let protection = protection(&plan, manifest, request.keys.as_ref())?;
    if manifest.seed.is_none() && protection.commitment(&plan.seed) != manifest.seed_commitment {
        return refuse("the seed is another one".to_owned(), "--seed TEXT is the text that the run was given");
    }
    if manifest::shown_fingerprint(&plan, &protection) != manifest.fingerprint {
        return refuse("its data files, or the manifest's inputs, are not those of the fingerprint".to_owned(), hint);
    }
    Ok((plan, protection))
}

#[derive(Debug, Default)]
struct Work {
    chunks: u64,
    replayed: u64,
}

/// The files of one tree, read chunk by chunk.
struct Reading<'a> {
    files: Vec<(usize, &'a FileEntry, Rows)>,
    /// The first root row of the next chunk to be handed out, and its number.
    row: u64,
    next: u64,
    /// The number of the chunk whose turn it is to be read.
    turn: u64,
    /// The tree is done with: a file ended too early or cannot be read.
    over: bool,
    work: Work,
}

/// The rows of a chunk: for each table, the row of the file at which they start.
type Read<'a> = Vec<(usize, &'a FileEntry, u64, RecordBatch)>;

#[expect(clippy::too_many_arguments, reason = "all of them say where and what")]
fn tree(
    request: &Request,
    pool: &rayon::ThreadPool,
    against: Against<'_>,
    made: &Made,
    root: usize,
    tables: &[(usize, &FileEntry)],
    findings: &Findings,
    work: &mut Work,
) {
    let plan = against.plan;
    let mut files = Vec::new();
    for (table, file) in tables {
        // What cannot be opened was told when its rows were counted.
        let Ok(rows) = open(&request.folder, made, file) else { return };
        files.push((*table, *file, rows));
    }
    let all = share(plan.tables[root].rows, made.part);
    let reading = Reading { files, row: all.start, next: 0, turn: 0, over: false, work: Work::default() };
    let (reading, turns) = (Mutex::new(reading), Condvar::new());
    let name = &plan.tables[root].name;
    pool.broadcast(|_| {
        loop {
            let (number, rows) = {
                let mut state = hold(&reading);
                if state.over || state.row >= all.end {
                    return;
                }
                let rows = state.row..plan.cut(root, state.row, all.end, None);
                state.row = rows.end;
                state.next += 1;
                (state.next - 1, rows)
            };
            let replay = request.sample.has(name, &rows, &all);
            let numbers: Vec<u64> = rows.collect();
            let mut chunk = Chunk::new(plan, root, &numbers);
            let counts = tables.iter().map(|(table, _)| chunk.rows(*table)).collect::<Result<Vec<usize>>>();
            let mut state = hold(&reading);
            while state.turn != number {
                state = turns.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let read = match counts {
                Ok(counts) if !state.over => read(&mut state, &counts, findings),
                Ok(_) => None,
                Err(error) => {
                    findings.add(Finding::new("replay", error.to_string()).table(name));
                    state.over = true;
                    None
                }
            };
            state.turn += 1;
            state.work.chunks += 1;
            state.work.replayed += u64::from(replay);
            drop(state);
            turns.notify_all();
            let Some(read) = read else { return };
            if let Err(error) = held_against(request, against, &mut chunk, &numbers, read, replay, findings) {
                findings.add(Finding::new("checks", error.to_string()).table(name));
            }
        }
    });
    let mut state = reading.into_inner().unwrap_or_else(PoisonError::into_inner);
    work.chunks += state.work.chunks;
    work.replayed += state.work.replayed;
    if state.over {
        return;
    }
    for (_, file, rows) in &mut state.files {
        let last = rows.rows();
        if let Ok(Some(_)) = rows.next(1) {
            let message = format!("the profile makes {last} rows, the file goes on");
            findings.add(Finding::new("rows", message).file(&file.path).table(&file.table).row(last + 1));
        }
    }
}

fn hold<'a, 'b>(reading: &'a Mutex<Reading<'b>>) -> MutexGuard<'a, Reading<'b>> {
    reading.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The rows of a chunk from every file; none where a file ends before.
fn read<'a>(state: &mut Reading<'a>, counts: &[usize], findings: &Findings) -> Option<Read<'a>> {
    let mut read = Vec::new();
    for ((table, file, rows), count) in state.files.iter_mut().zip(counts) {
        let start = rows.rows();
        let batch = match rows.take(*count) {
            Ok(batch) => batch,
            Err(_told_when_rows_were_counted) => {
                state.over = true;
                return None;
            }
        };
        if batch.num_rows() < *count {
            let message = "the file ends, the profile makes more rows";
            let finding = Finding::new("rows", message).file(&file.path).table(&file.table);
            findings.add(finding.row(start + batch.num_rows() as u64));
            state.over = true;
            return None;
        }
        read.push((*table, *file, start, batch));
    }
    Some(read)
}

fn held_against(
    request: &Request,
    Against { plan, protection }: Against<'_>,
    chunk: &mut Chunk<'_>,
    numbers: &[u64],
    read: Read<'_>,
    replay: bool,
    findings: &Findings,
) -> Result<()> {
    if replay {
        for (table, file, start, batch) in &read {
            let derived = protection.apply(*table, chunk.batch(*table)?, numbers)?;
            compare(request, &derived, batch, file, *start, protection.settings.random_nonce, findings)?;
        }
    }
    let places: Vec<(usize, &FileEntry, u64)> =
        read.iter().map(|(table, file, start, _)| (*table, *file, *start)).collect();
    let rows = read.iter().map(|(table, _, _, batch)| Ok((*table, bare(chunk, plan, protection, *table, batch)?)));
    let rows = rows.collect::<Result<Vec<_>>>()?;
    chunk.overlay(&rows)?;
    for (table, file, start) in places {
        if plan.tables[table].checks.is_empty() {
            continue;
        }
        for failure in chunk.failures(table)? {
            let predicate = failure.predicate.split_whitespace().collect::<Vec<_>>().join(" ");
            let mut message = format!("{} rows of the chunk break `{predicate}`", failure.rows);
            if request.show_values {
                message += &format!("; the first: {}", failure.example);
            }
            let finding = Finding::new(&format!("check {}", failure.check), message);
            findings.add(finding.file(&file.path).table(&failure.table).row(start + failure.first as u64 + 1));
        }
    }
    Ok(())
}

/// Cell by cell: the first row of each column in which the file differs from what the profile makes.
fn compare(
    request: &Request,
    expected: &RecordBatch,
    read: &RecordBatch,
    file: &FileEntry,
    start: u64,
    random: bool,
    findings: &Findings,
) -> Result<()> {
    // JSON has no form for them, so they count as null everywhere.
    let (expected, read) = (nulled(expected)?, nulled(read)?);
    for ((expected, read), field) in expected.columns().iter().zip(read.columns()).zip(expected.schema().fields()) {
        let encrypted = field.metadata().get(PROTECTION).is_some_and(|how| how.starts_with("encrypt"));
        let (expected, read) = (plain(expected)?, plain(read)?);
        if expected.to_data() == read.to_data() || random && encrypted {
            continue;
        }
        let differs = |row: &usize| expected.slice(*row, 1).to_data() != read.slice(*row, 1).to_data();
        let rows: Vec<usize> = (0..read.len()).filter(differs).collect();
        let Some(first) = rows.first() else { continue };
        let mut message = format!("{} cells of the chunk are not what the profile makes", rows.len());
        if request.show_values {
            message += &format!("; the first is {} instead of {}", shown(&read, *first)?, shown(&expected, *first)?);
        }
        let finding = Finding::new("replay", message).file(&file.path).table(&file.table);
        findings.add(finding.row(start + *first as u64 + 1).column(field.name()));
    }
    Ok(())
}

/// Texts, whether they came as codes or not.
fn plain(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Dictionary(_, value) => cast(array, value)?,
        _ => ArrayRef::clone(array),
    })
}

fn shown(array: &ArrayRef, row: usize) -> Result<String> {
    let one = array.slice(row, 1);
    // A cell of bytes is shown as the text that it would be.
    let text = if *one.data_type() == DataType::Binary { Arc::new(texts(&one)?) as ArrayRef } else { as_text(&one)? };
    let text: &StringArray = text.as_string();
    Ok(if text.is_null(0) { "null".to_owned() } else { format!("`{}`", text.value(0)) })
}
