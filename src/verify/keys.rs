//! Primary keys are unique, and foreign keys lead to rows: in bounded memory, without a file of our own.
//!
//! A key is held as 128 bits of the SHA-256 of its canonical text. Sorted, 16 bytes a row, they tell repetitions and answer
//! whether a key is there; two different keys that agree in 128 bits are not to be met (a billion rows: 1 in 10^21). What
//! does not fit into the memory that is allowed is looked at in several passes, each over one range of hashes: reading
//! again costs time, which grows with the data anyway, while sorting on disk would ask for room that a verifier may not
//! have, and for the right to write. The keys that a profile computes could be computed again instead, but then a folder
//! could only be judged by an equal program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow_array::{Array, RecordBatch};
use arrow_schema::SchemaRef;
use rayon::prelude::*;

use super::faulty::Explained;
use super::rows::{Counts, open};
use super::{Finding, Findings, Report, Request, folder};
use crate::error::Result;
use crate::folder::manifest::StoredManifest;
use crate::format::read::BATCH;
use crate::format::write::datapackage::TableFile;
use crate::format::write::{Canonical, key_hash};

/// Columns whose values together are a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    table: String,
    columns: Vec<String>,
}

/// A foreign key.
struct Foreign {
    own: Key,
    to: Key,
}

/// The keys of a run.
struct Keys {
    /// Those that must be unique.
    primary: BTreeSet<Key>,
    /// The columns, other than the primary key, whose values must be unique.
    unique: BTreeSet<Key>,
    /// Those and all others that something refers to.
    all: BTreeSet<Key>,
    foreign: Vec<Foreign>,
}

impl Keys {
    fn new(made: &StoredManifest, report: &mut Report) -> Result<Self> {
        let (mut primary, mut unique, mut foreign, mut all) =
            (BTreeSet::new(), BTreeSet::new(), Vec::new(), BTreeSet::new());
        let mut elsewhere = BTreeSet::new();
        let mut files = Vec::new();
        for table in &made.manifest.tables {
            files.push(TableFile {
                name: table.name.clone(),
                about: String::new(),
                schema: table.schema()?,
                checks: Vec::new(),
                paths: Vec::new(),
                format: "",
            });
        }
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
        for file in &files {
            let columns = owned(file.primary_key());
            if !columns.is_empty() {
                primary.insert(Key { table: file.name.clone(), columns });
            }
            let alone = |column: &str| Key { table: file.name.clone(), columns: vec![column.to_owned()] };
            unique.extend(file.unique().map(alone));
            for reference in file.references() {
                let Some(to) = files.iter().find(|to| to.name == reference.table) else {
                    elsewhere.insert(reference.table.to_owned());
                    continue;
                };
                // In the order of the other table, so that a key of several columns is one set.
                let mut pairs: Vec<(&str, &str)> = reference.keys.iter().copied().zip(reference.columns).collect();
                pairs.sort_by_key(|(key, _)| to.schema.index_of(key).unwrap_or(usize::MAX));
                let (keys, columns) = pairs.into_iter().unzip();
                let to = Key { table: reference.table.to_owned(), columns: owned(keys) };
                all.insert(to.clone());
                foreign.push(Foreign { own: Key { table: file.name.clone(), columns: owned(columns) }, to });
            }
        }
        if !elsewhere.is_empty() {
            let names: Vec<String> = elsewhere.iter().map(|name| format!("`{name}`")).collect();
            report.notes.push(format!("references to {} lead out of this folder", names.join(", ")));
        }
        all.extend(primary.iter().chain(&unique).cloned());
        Ok(Self { primary, unique, all, foreign })
    }
}

/// Looks at every key of the tables whose files can be read.
pub(super) fn check(
    request: &Request,
    made: &[StoredManifest],
    counts: &Counts,
    (findings, explained): (&Findings, &Explained),
    report: &mut Report,
) {
    if !folder::complete(made) {
        return;
    }
    let Some(first) = made.first() else { return };
    let keys = match Keys::new(first, report) {
        Ok(keys) => keys,
        Err(error) => return findings.add(Finding::new("keys", error.message()).file(&first.name)),
    };
    // A table with a file that cannot be read is left out, and so are references to it: that was told.
    let mut rows: BTreeMap<&str, u64> = BTreeMap::new();
    for table in &first.manifest.tables {
        let files = made.iter().flat_map(|one| one.files(&table.name));
        if let Some(sum) = files.map(|file| counts.get(&file.path)).sum::<Option<u64>>() {
            rows.insert(&table.name, sum);
        }
    }
    let read = |key: &Key| rows.contains_key(key.table.as_str());
    let all: Vec<&Key> = keys.all.iter().filter(|key| read(key)).collect();
    let foreign: Vec<&Foreign> = keys.foreign.iter().filter(|one| read(&one.own) && read(&one.to)).collect();
    let bytes: u64 = all.iter().map(|key| rows[key.table.as_str()].saturating_mul(16)).sum();
    let passes = bytes.div_ceil((request.memory / 4).max(1 << 16)).max(1);
    for pass in 0..passes {
        let range = Range { pass, passes };
        // The keys of the range, sorted; and those of them that come twice.
        let sets: Vec<(&Key, Result<Vec<u128>>)> = all
            .par_iter()
            .map(|key| {
                // With room to spare, because ranges are not equally full.
                let expected = rows[key.table.as_str()] / passes;
                let mut set = Vec::with_capacity((expected + expected / 16 + 64) as usize);
                let done = each(&request.folder, made, key, |_, _, hash| {
                    if let Some(hash) = hash.filter(|hash| range.has(*hash)) {
                        set.push(hash);
                    }
                });
                (*key, done.map(|()| set))
            })
            .collect();
        let mut sorted: BTreeMap<&Key, Vec<u128>> = BTreeMap::new();
        for (key, set) in sets {
            match set {
                Ok(mut set) => {
                    set.par_sort_unstable();
                    sorted.insert(key, set);
                }
                Err(error) => findings.add(Finding::new("keys", error.message()).table(&key.table)),
            }
        }
        sorted.par_iter().for_each(|(key, set)| {
            let rule = match keys.primary.contains(*key) {
                true => ("primary key", "the key is that of an earlier row"),
                false if keys.unique.contains(*key) => ("unique", "the value is that of an earlier row"),
                false => return,
            };
            let twice: Vec<u128> = set.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
            repeated(request, made, key, rule, &twice, (findings, explained));
        });
        foreign
            .par_iter()
            .for_each(|one| orphans(request, made, one, range, sorted.get(&one.to), (findings, explained)));
    }
    report.looked.push(format!("{} primary keys", keys.primary.iter().filter(|key| read(key)).count()));
    let unique = keys.unique.iter().filter(|key| read(key)).count();
    if unique > 0 {
        report.looked.push(format!("{unique} unique columns"));
    }
    report.looked.push(format!("{} foreign keys", foreign.len()));
}

/// One range of hashes among several of equal length.
#[derive(Clone, Copy)]
struct Range {
    pass: u64,
    passes: u64,
}

impl Range {
    fn has(self, hash: u128) -> bool {
        ((hash >> 64) * u128::from(self.passes)) >> 64 == u128::from(self.pass)
    }
}

/// The rows whose key an earlier row has.
fn repeated(
    request: &Request,
    made: &[StoredManifest],
    key: &Key,
    (rule, message): (&str, &str),
    twice: &[u128],
    (findings, explained): (&Findings, &Explained),
) {
    if twice.is_empty() {
        return;
    }
    let mut seen = BTreeSet::new();
    let done = each(&request.folder, made, key, |file, row, hash| {
        if let Some(hash) = hash.filter(|hash| twice.binary_search(hash).is_ok())
            && !seen.insert(hash)
            && !explained.has(file, row)
        {
            let finding = Finding::new(rule, message).file(file).table(&key.table).row(row);
            findings.add(finding.column(&key.columns.join(", ")));
        }
    });
    if let Err(error) = done {
        findings.add(Finding::new("keys", error.message()).table(&key.table));
    }
}

/// Rows whose key is none of the other table's.
fn orphans(
    request: &Request,
    made: &[StoredManifest],
    foreign: &Foreign,
    range: Range,
    set: Option<&Vec<u128>>,
    (findings, explained): (&Findings, &Explained),
) {
    let (Some(set), own) = (set, &foreign.own) else { return };
    let done = each(&request.folder, made, own, |file, row, hash| {
        if let Some(hash) = hash.filter(|hash| range.has(*hash))
            && set.binary_search(&hash).is_err()
            && !explained.has(file, row)
        {
            let message = format!("no row of `{}` has this {}", foreign.to.table, foreign.to.columns.join(", "));
            let finding = Finding::new("foreign key", message).file(file).table(&own.table).row(row);
            findings.add(finding.column(&own.columns.join(", ")));
        }
    });
    if let Err(error) = done {
        findings.add(Finding::new("keys", error.message()).table(&own.table));
    }
}

/// The hash of each row's key; none where a column of it is null.
fn each(folder: &Path, made: &[StoredManifest], key: &Key, mut row: impl FnMut(&str, u64, Option<u128>)) -> Result<()> {
    for one in made {
        for file in one.files(&key.table) {
            let mut rows = open(folder, one, file)?;
            let mut canonical: Option<Canonical> = None;
            loop {
                let start = rows.rows();
                let Some(batch) = rows.next(BATCH)? else { break };
                let batch = project(&batch, &key.columns)?;
                let canonical = match &canonical {
                    Some(known) => known,
                    None => canonical.insert(Canonical::new(&batch.schema())?),
                };
                let nulls: Vec<_> = batch.columns().iter().filter_map(Array::logical_nulls).collect();
                let mut at = 0;
                canonical.each(&batch, |line| {
                    let null = nulls.iter().any(|nulls| nulls.is_null(at));
                    at += 1;
                    row(&file.path, start + at as u64, (!null).then(|| key_hash(line)));
                })?;
            }
        }
    }
    Ok(())
}

fn project(batch: &RecordBatch, columns: &[String]) -> Result<RecordBatch> {
    let schema: SchemaRef = batch.schema();
    let places = columns.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
    Ok(batch.project(&places)?)
}
