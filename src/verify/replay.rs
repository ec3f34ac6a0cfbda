//! The rows against the profile: every check on the values that were read, and some chunks derived again.
//!
//! A chunk is evaluated as in a run. Of a chunk of the sample every cell is compared. Then the values that were read take
//! the place of the computed ones, and the checks are evaluated on them: columns that are not written are computed again
//! from them, and so are the sums of a parent over its children. Rows of other trees that a check looks at through a
//! reference are the profile's own.
//!
//! Of a protected run the derived rows are protected in the same way before they are compared; checks are about the clear
//! values, so that a protected column counts as the profile makes it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_cast::cast;
use arrow_schema::DataType;
use sha2::{Digest, Sha256};

use super::again::data_set;
use super::faulty::{Explained, Faulty};
use super::rows::open;
use super::sealed::{self, bare};
use super::{Finding, Findings, Report, Request, described};
use crate::answers::{Collector, Tally, Views};
use crate::dataset::{DataSet, Output, OutputId};
use crate::digest::RowSum;
use crate::error::Result;
use crate::folder::manifest::{ColumnEntry, StoredManifest};
use crate::folder::{CleanRows, FileEntry};
use crate::format::read::Rows;
use crate::format::write::texts::texts;
use crate::format::write::{Canonical, nulled};
use crate::notes::{Key, Noted};
use crate::order::{Lane, lock, parallel};
use crate::part::share;
use crate::plan::{Chunk, Tree};
use crate::protect::{Handling, handling_of};
use crate::sql::as_text;
use crate::stage::Difference;

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

    /// Tells whether the chunk of these root rows is one of the sample.
    pub(super) fn has(&self, root: &str, rows: &std::ops::Range<u64>, all: &std::ops::Range<u64>) -> bool {
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
    made: &[StoredManifest],
    (findings, explained): (&Findings, &Explained),
    report: &mut Report,
) {
    let Some(first) = made.first() else { return };
    if first.manifest.existing.is_some() {
        report.notes.push("the rows are those of existing files: there is no profile to hold them against".to_owned());
        return;
    }
    if let Some(note) = sealed::missing(request, first) {
        report.notes.push(note);
        return;
    }
    let set = match data_set(request, first) {
        Ok(set) => set,
        Err(error) => {
            report.refused = Some(error);
            return;
        }
    };
    report.derived = true;
    let plan = set.plan();
    if first.manifest.protection.as_ref().is_some_and(sealed::random) {
        report.notes.push("nonces are random: what is encrypted was not compared".to_owned());
    }
    let work = Work::default();
    for one in made {
        // With every chunk derived again the answers follow, too.
        let questions = || set.questions().of_part(one.part());
        let answers = (request.sample.share >= 1.0).then(|| Collector::new(questions()));
        let answers = answers.as_ref().filter(|_| !one.manifest.protection.as_ref().is_some_and(sealed::random));
        let mut tables = Vec::new();
        for file in &one.manifest.files {
            let known = set.outputs().iter().find(|output| output.name == file.table);
            match known.filter(|output| same_columns(output, one, file)) {
                Some(output) => tables.push((output.id, file)),
                None => findings.add(
                    Finding::new("types", "the manifest has other columns than the profile")
                        .file(&one.name)
                        .table(&file.table),
                ),
            }
        }
        if set.selection().is_some() {
            if let Err(error) = chosen(request, &set, one, &tables, answers, findings, &work) {
                findings.add(Finding::new("replay", error.to_string()).file(&one.name));
            }
            described::answers(&request.folder, one, answers, findings);
            continue;
        }
        let mut whole = true;
        for Tree { root, tables: own } in plan.trees() {
            let tables: Vec<(OutputId, &FileEntry)> =
                tables.iter().copied().filter(|(id, _)| own.contains(&set.output(*id).table)).collect();
            if !tables.is_empty() {
                whole &= tree(request, pool, &set, one, root, &tables, answers, (findings, explained), &work);
            }
        }
        if whole {
            described::answers(&request.folder, one, answers, findings);
        }
    }
    let checks: usize = first
        .manifest
        .tables
        .iter()
        .filter_map(|table| Some(plan.tables[plan.table(&table.name).ok()?].checks.len()))
        .sum();
    if set.selection().is_none() {
        report.looked.push(format!("{checks} checks"));
    }
    report.looked.push(format!("{} of {} chunks derived again", work.replayed.into_inner(), work.chunks.into_inner()));
    if let Err(error) = described::check(&request.folder, &set, made, findings) {
        findings.add(Finding::new("replay", error.to_string()).file(&first.name));
    }
}

fn same_columns(output: &Output, made: &StoredManifest, file: &FileEntry) -> bool {
    let fields = output.schema.fields();
    made.table(&file.table).is_some_and(|entry| {
        entry.columns.len() == fields.len()
            && entry.columns.iter().zip(fields).all(|(column, field)| *column == ColumnEntry::new(field))
    })
}

/// How many chunks there were, and how many of them were derived again.
#[derive(Debug, Default)]
struct Work {
    chunks: AtomicU64,
    replayed: AtomicU64,
}

/// An open file, and the output that it has.
struct Reading<'a> {
    id: OutputId,
    file: &'a FileEntry,
    rows: Rows,
}

/// The rows of a chunk in one file.
struct Read<'a> {
    id: OutputId,
    file: &'a FileEntry,
    /// The row of the file at which they start, from 0.
    start: u64,
    batch: RecordBatch,
}

/// A chunk whose rows were read, to be held against the profile.
struct ReadChunk<'p, 'a> {
    chunk: Chunk<'p>,
    numbers: Vec<u64>,
    replay: bool,
    faulty: Option<Faulty>,
    read: Vec<Read<'a>>,
}

#[expect(clippy::too_many_arguments, reason = "all of them say where and what")]
fn tree(
    request: &Request,
    pool: &rayon::ThreadPool,
    set: &DataSet,
    made: &StoredManifest,
    root: usize,
    tables: &[(OutputId, &FileEntry)],
    answers: Option<&Collector>,
    (findings, explained): (&Findings, &Explained),
    work: &Work,
) -> bool {
    let plan = set.plan();
    let mut files = Vec::new();
    for (id, file) in tables {
        // A file that cannot be opened was told when its rows were counted.
        let Ok(rows) = open(&request.folder, made, file) else { return false };
        files.push(Reading { id: *id, file, rows });
    }
    let (all, name) = (share(plan.tables[root].rows, made.part()), &plan.tables[root].name);
    // Set where the tree is given up: a file ended too early or cannot be read.
    let over = AtomicBool::new(false);
    let mut row = all.start;
    let next = || {
        let start = row;
        row = if start < all.end { plan.cut(root, start, all.end, None) } else { start };
        Ok(Some(start..row).filter(|rows| !rows.is_empty() && !over.load(Ordering::Relaxed)))
    };
    // Chunks are counted and compared on all threads; between the two their rows are read in order.
    let (lane, ready) = (Lane::new(files), Mutex::new(VecDeque::new()));
    let differences: Mutex<BTreeMap<OutputId, Difference>> = Mutex::default();
    let done = parallel(pool, &|| Ok(()), next, |index, rows| {
        let replay = request.sample.has(name, &rows, &all);
        work.chunks.fetch_add(1, Ordering::Relaxed);
        work.replayed.fetch_add(u64::from(replay), Ordering::Relaxed);
        let faulty = Faulty::derive(set, root, rows.clone(), answers)?;
        let numbers: Vec<u64> = rows.collect();
        let mut chunk = Chunk::new(plan, root, &numbers);
        let mut count = |(id, _): &(OutputId, &FileEntry)| match faulty.as_ref().and_then(|faulty| faulty.sent(*id)) {
            Some(sent) => Ok(sent.num_rows()),
            None => chunk.rows(set.output(*id).table),
        };
        let counts = tables.iter().map(&mut count).collect::<Result<Vec<usize>>>()?;
        if let Some(faulty) = &faulty {
            let mut all = lock(&differences);
            tables.iter().for_each(|(id, _)| all.entry(*id).or_default().merge(&faulty.difference(*id)));
        }
        let ready_chunk = (chunk, numbers, replay, faulty, counts);
        lane.submit(index, ready_chunk, |files, _, (chunk, numbers, replay, faulty, counts)| {
            if !over.load(Ordering::Relaxed) {
                match read(files, &counts, findings) {
                    Some(read) => lock(&ready).push_back(ReadChunk { chunk, numbers, replay, faulty, read }),
                    None => over.store(true, Ordering::Relaxed),
                }
            }
            Ok(())
        })?;
        // Whoever read chunks of others has them compared too, with the help of all that come by.
        while let Some(chunk) = { lock(&ready).pop_front() } {
            if let Err(error) = held_against(request, set, chunk, answers, (findings, explained)) {
                findings.add(Finding::new("checks", error.to_string()).table(name));
            }
        }
        Ok(())
    });
    if let Err(error) = done {
        findings.add(Finding::new("replay", error.to_string()).table(name));
        return false;
    }
    if over.into_inner() {
        return false;
    }
    let differences = differences.into_inner().unwrap_or_else(PoisonError::into_inner);
    for Reading { id, file, mut rows } in lane.into_inner() {
        let sum = RowSum::parse(file.rows, &file.digest).unwrap_or_default();
        let difference = differences.get(&id).copied().unwrap_or_default();
        let clean = set.is_faulty(set.output(id)).then(|| difference.clean(&sum));
        if clean != file.clean.as_ref().and_then(CleanRows::sum) {
            let message = "its clean rows are not those of the manifest: its digest does not follow from the faults";
            findings.add(Finding::new("digest", message).file(&file.path).table(&file.table));
        }
        let last = rows.rows();
        if let Ok(Some(_)) = rows.next(1) {
            let message = format!("the profile makes {last} rows, the file goes on");
            findings.add(Finding::new("rows", message).file(&file.path).table(&file.table).row(last + 1));
        }
    }
    true
}

/// Chosen rows against the profile: few, so that all of them are derived again. The checks hold for them as for the whole, because
/// every cell is compared.
fn chosen(
    request: &Request,
    set: &DataSet,
    made: &StoredManifest,
    tables: &[(OutputId, &FileEntry)],
    answers: Option<&Collector>,
    findings: &Findings,
    work: &Work,
) -> Result<()> {
    let questions = set.questions();
    for tree in set.trees() {
        work.chunks.fetch_add(1, Ordering::Relaxed);
        work.replayed.fetch_add(1, Ordering::Relaxed);
        let (chunk, mut tally) = set.chunk_with_answers(&tree, tree.rows.clone(), &questions)?;
        for (output, derived) in &chunk.batches {
            let schema = &set.output(*output).schema;
            tally.hold(set.output(*output).table, &Canonical::new(schema)?.buckets(derived)?);
        }
        answers.map_or(Ok(()), |answers| answers.add(tally))?;
        for (output, derived) in chunk.batches {
            let Some((_, file)) = tables.iter().find(|(known, _)| *known == output) else { continue };
            // A file that cannot be read was told when its rows were counted.
            let Ok(mut rows) = open(&request.folder, made, file) else { continue };
            let Ok(read) = rows.take(derived.num_rows() + 1) else { continue };
            if read.num_rows() != derived.num_rows() {
                let message = format!("the profile makes {} rows", derived.num_rows());
                findings.add(Finding::new("rows", message).file(&file.path).table(&file.table));
                continue;
            }
            compare(request, &derived, &read, file, 0, set.protection().settings.random_nonce, findings)?;
        }
    }
    Ok(())
}

/// The rows of a chunk from every file; `None` where a file ends before.
fn read<'a>(files: &mut [Reading<'a>], counts: &[usize], findings: &Findings) -> Option<Vec<Read<'a>>> {
    let mut read = Vec::new();
    for (Reading { id, file, rows }, count) in files.iter_mut().zip(counts) {
        let start = rows.rows();
        // An error was told when the rows were counted.
        let batch = rows.take(*count).ok()?;
        if batch.num_rows() < *count {
            let message = "the file ends, the profile makes more rows";
            let finding = Finding::new("rows", message).file(&file.path).table(&file.table);
            findings.add(finding.row(start + batch.num_rows() as u64));
            return None;
        }
        read.push(Read { id: *id, file, start, batch });
    }
    Some(read)
}

fn held_against(
    request: &Request,
    set: &DataSet,
    made: ReadChunk<'_, '_>,
    answers: Option<&Collector>,
    (findings, explained): (&Findings, &Explained),
) -> Result<()> {
    let (plan, protection) = (set.plan(), set.protection());
    let ReadChunk { mut chunk, numbers, replay, faulty, read } = made;
    let random = protection.settings.random_nonce;
    let sent = |id: OutputId| faulty.as_ref().and_then(|faulty| faulty.sent(id));
    // The answers of a chunk with faults came with its rows.
    let answers = answers.filter(|_| faulty.is_none());
    let mut tally = Tally::default();
    for Read { id, file, start, batch } in &read {
        if let Some(derived) = sent(*id) {
            compare(request, derived, batch, file, *start, random, findings)?;
        } else if replay {
            let table = set.output(*id).table;
            let clear = chunk.batch(table)?;
            if let Some(answers) = answers {
                let rows = answers.questions.batch(&mut chunk, table, &clear)?;
                tally.add(&answers.questions, table, &rows, Views::ALL)?;
            }
            let derived = protection.apply(table, clear, &numbers, &mut chunk)?;
            if answers.is_some() {
                tally.hold(table, &Canonical::new(&derived.schema())?.buckets(&derived)?);
            }
            compare(request, &derived, batch, file, *start, random, findings)?;
        }
    }
    answers.map_or(Ok(()), |answers| answers.add(tally))?;
    let read: Vec<Read<'_>> = read.into_iter().filter(|read| set.output(read.id).sources.is_empty()).collect();
    if let Some(faulty) = &faulty {
        for Read { id, file, start, .. } in &read {
            faulty.explain(&mut chunk, set, set.output(*id).table, (&file.path, *start), explained)?;
        }
    }
    // Rows that were compared as a whole have the right chains.
    for read in read.iter().filter(|read| sent(read.id).is_none()) {
        linked(set, &mut chunk, read, findings)?;
    }
    let table = |read: &Read<'_>| set.output(read.id).table;
    let places: Vec<(usize, &FileEntry, u64)> = read.iter().map(|read| (table(read), read.file, read.start)).collect();
    let clear = |read: &Read<'_>| {
        let rows = match &faulty {
            Some(faulty) => faulty.clean(&mut chunk, set, table(read), &read.batch)?,
            None => bare(&mut chunk, set, table(read), &read.batch)?,
        };
        Ok((table(read), rows))
    };
    let rows = read.iter().map(clear).collect::<Result<Vec<_>>>()?;
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

/// The chains of hashes over protected cells, which everybody can verify: the first row of each column that breaks one.
fn linked(set: &DataSet, chunk: &mut Chunk<'_>, read: &Read<'_>, findings: &Findings) -> Result<()> {
    for (place, expected) in set.protection().links(set.output(read.id).table, &read.batch, chunk)? {
        let (expected, column) = (plain(&expected)?, plain(read.batch.column(place))?);
        if expected.to_data() == column.to_data() {
            continue;
        }
        let differs = |row: &usize| expected.slice(*row, 1).to_data() != column.slice(*row, 1).to_data();
        let Some(first) = (0..column.len()).find(differs) else { continue };
        let finding = Finding::new("chain", "the chain of hashes over the cells as they are written breaks here");
        let finding = finding.file(&read.file.path).table(&read.file.table).row(read.start + first as u64 + 1);
        findings.add(finding.column(read.batch.schema().field(place).name()));
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
        let encrypted = field.note(Key::Protection).is_some_and(|how| handling_of(how).is_ok_and(Handling::seals));
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
