//! Keys, unique columns and declared foreign keys of a plan, held to a sample of its rows.
//!
//! Foreign keys that a column has because it is read from a row are true by construction and not looked at.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::Array;
use rayon::prelude::*;

use crate::error::Result;
use crate::format::write::datapackage::TableFile;
use crate::format::write::{Canonical, key_hash};
use crate::plan::{Chunk, Failure, Plan};

/// The most rows of a table whose keys are remembered: about half a gigabyte.
const MOST: usize = 1 << 24;
/// The most root rows of another table that are looked through for the keys that a sample refers to.
const SOUGHT: u64 = 5_000_000;
/// The chunks that are made at once while another table is looked through.
const AT_ONCE: usize = 16;

/// A constraint on some columns that a profile declares without a predicate: a key, uniqueness, a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// The table, by its index in the plan.
    pub table: usize,
    /// `primary key`, `unique` or `foreign key`.
    pub rule: &'static str,
    /// The columns in words: `claim_id`, or `policy_id → policy.policy_id`.
    pub columns: String,
    /// The columns, by their places in the schema.
    places: Vec<usize>,
    /// The table that a foreign key leads to, and the columns there.
    target: Option<(usize, Vec<usize>)>,
}

/// Lists the primary keys and unique columns of a plan, and the foreign keys that it declares with `references`.
#[must_use]
pub fn promises(plan: &Plan) -> Vec<Promise> {
    let mut all = Vec::new();
    for (at, table) in plan.tables.iter().enumerate() {
        let file = file(plan, at);
        let promise = |rule, columns: &[&str]| Promise {
            table: at,
            rule,
            columns: columns.join(", "),
            places: places(plan, at, columns),
            target: None,
        };
        let key = file.primary_key();
        if !key.is_empty() {
            all.push(promise("primary key", &key));
        }
        all.extend(file.unique().map(|column| promise("unique", &[column])));
        for reference in file.references() {
            let Some(to) = plan.tables.iter().position(|table| table.name == reference.table) else { continue };
            if !reference.columns.iter().any(|column| table.promised.iter().any(|promised| promised == column)) {
                continue;
            }
            let keys: Vec<String> = reference.keys.iter().map(|key| format!("{}.{key}", reference.table)).collect();
            let target = Some((to, places(plan, to, &reference.keys)));
            let columns = format!("{} → {}", reference.columns.join(", "), keys.join(", "));
            all.push(Promise { columns, target, ..promise("foreign key", &reference.columns) });
        }
    }
    all
}

/// A table as the writers of schemas see it.
fn file(plan: &Plan, at: usize) -> TableFile {
    let table = &plan.tables[at];
    TableFile {
        name: table.name.clone(),
        about: String::new(),
        schema: std::sync::Arc::clone(&table.schema),
        checks: Vec::new(),
        paths: Vec::new(),
        format: "",
    }
}

fn places(plan: &Plan, table: usize, columns: &[&str]) -> Vec<usize> {
    columns.iter().filter_map(|column| plan.tables[table].schema.index_of(column).ok()).collect()
}

/// The place of a row: the number of its chunk in its tree, and its own number in the chunk.
type Place = (u32, u32);

/// The keys of the rows of a chunk, by promise; `None` where a part of a key is null.
pub(super) type Keys = Vec<(usize, Vec<Option<u128>>)>;

/// The keys of a sample.
pub(super) struct Sampled<'p> {
    plan: &'p Plan,
    promises: Vec<Promise>,
    /// The keys that must differ, and those that must be met elsewhere, by promise.
    seen: BTreeMap<usize, Vec<(u128, Place)>>,
}

impl<'p> Sampled<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        Self { plan, promises: promises(plan), seen: BTreeMap::new() }
    }

    /// Computes the keys of a chunk's rows, for the promises about some tables.
    pub(super) fn keys(&self, chunk: &mut Chunk<'_>, tables: &[usize]) -> Result<Keys> {
        let own = self.promises.iter().enumerate().filter(|(_, promise)| tables.contains(&promise.table));
        own.map(|(at, promise)| Ok((at, hashes(chunk, promise.table, &promise.places)?))).collect()
    }

    /// Remembers the keys of a chunk.
    pub(super) fn add(&mut self, chunk: usize, keys: Keys) {
        for (promise, keys) in keys {
            let seen = self.seen.entry(promise).or_default();
            let room = MOST.saturating_sub(seen.len());
            let placed = keys.into_iter().enumerate().filter_map(|(row, key)| Some((key?, (chunk as u32, row as u32))));
            seen.extend(placed.take(room));
        }
    }

    /// The promises that the sample breaks. `chunk` makes a chunk again, of its table's tree and its number.
    pub(super) fn failures(self, chunk: impl Fn(usize, u32) -> Chunk<'p>) -> Result<Vec<Failure>> {
        let mut failures = Vec::new();
        for (at, mut seen) in self.seen {
            let promise = &self.promises[at];
            seen.par_sort_unstable();
            let mut wrong: Vec<Place> = match &promise.target {
                None => seen.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1).collect(),
                Some((table, places)) => {
                    let missing = missing(self.plan, *table, places, &seen)?;
                    seen.iter().filter(|(key, _)| missing.contains(key)).map(|(_, place)| *place).collect()
                }
            };
            wrong.sort_unstable();
            let Some((number, row)) = wrong.first().copied() else { continue };
            let mut first = chunk(promise.table, number);
            failures.push(Failure {
                table: self.plan.tables[promise.table].name.clone(),
                check: promise.rule.to_owned(),
                predicate: promise.columns.clone(),
                rows: wrong.len() as u64,
                first: row as usize,
                example: first.example(promise.table, row as usize)?,
            });
        }
        Ok(failures)
    }
}

/// The keys of a sorted list that no row of a table has, as far as its rows are looked through.
fn missing(plan: &Plan, table: usize, places: &[usize], seen: &[(u128, Place)]) -> Result<BTreeSet<u128>> {
    let mut missing: BTreeSet<u128> = seen.iter().map(|(key, _)| *key).collect();
    let root = plan.root_of(table);
    let (rows, mut start) = (plan.tables[root].rows, 0);
    while start < rows.min(SOUGHT) && !missing.is_empty() {
        let mut chunks = Vec::new();
        while chunks.len() < AT_ONCE && start < rows {
            let end = plan.cut(root, start, rows, None);
            chunks.push(start..end);
            start = end;
        }
        let keys = |rows: std::ops::Range<u64>| {
            let numbers: Vec<u64> = rows.collect();
            hashes(&mut Chunk::new(plan, root, &numbers), table, places)
        };
        let found = chunks.into_par_iter().map(keys).collect::<Result<Vec<_>>>()?;
        for key in found.into_iter().flatten().flatten() {
            missing.remove(&key);
        }
    }
    // What lies beyond may be there.
    if start < rows {
        missing.clear();
    }
    Ok(missing)
}

/// The hash of each row's values in some columns; `None` where one of them is null.
fn hashes(chunk: &mut Chunk<'_>, table: usize, places: &[usize]) -> Result<Vec<Option<u128>>> {
    let batch = chunk.project(table, places)?;
    let canonical = Canonical::new(&batch.schema())?;
    let nulls: Vec<_> = batch.columns().iter().filter_map(Array::logical_nulls).collect();
    let mut hashes = Vec::with_capacity(batch.num_rows());
    canonical.each(&batch, |line| {
        let row = hashes.len();
        let null = nulls.iter().any(|nulls| nulls.is_null(row));
        hashes.push((!null).then(|| key_hash(line)));
    })?;
    Ok(hashes)
}
