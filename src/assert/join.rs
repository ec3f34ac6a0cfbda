//! The rows of an export and those that a correct system holds, joined by their keys in bounded memory.
//!
//! Of the export 16 bytes a row are kept, those of some buckets at a time: a hash of the key, and one of the row. The rows that must be
//! there are derived again and looked up one after the other; none of them is kept. Few rows that differ are kept whole, to be told
//! column by column.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::{Array, RecordBatch, StringArray};

use crate::digest::BUCKETS;
use crate::error::Result;
use crate::format::write::bucket_of;
use crate::format::write::texts::texts;
use crate::order::lock;

/// The most differing rows that are kept whole, of each kind.
pub(super) const KEPT: usize = 1_000;

/// A mark for each bucket that is looked at.
pub(super) type Chosen = [bool; BUCKETS];

/// The rows of an export in some buckets.
pub(super) struct Held {
    chosen: Chosen,
    /// The hash of the key and of the row, in order.
    rows: Vec<(u64, u64)>,
    /// A bit for each: whether it is a row that must be there.
    matched: Vec<AtomicU64>,
}

/// The differences between two sets of rows.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// Rows that are not there, rows too many of a key that is right, rows of no key, and rows of a right key with other cells.
    pub(super) missing: u64,
    pub(super) duplicate: u64,
    pub(super) unexpected: u64,
    pub(super) changed: u64,
    /// Some of the missing rows, by the hash of their key.
    pub(super) missing_rows: BTreeMap<u64, Vec<Option<String>>>,
    /// The right cells of some of the changed rows.
    pub(super) changed_rows: BTreeMap<u64, Vec<Option<String>>>,
    /// The number of rows that are there, for some keys that must have one.
    pub(super) duplicate_keys: BTreeMap<u64, u64>,
    /// Some keys that no row has.
    pub(super) unexpected_keys: BTreeMap<u64, u64>,
}

impl Held {
    pub(super) fn new(chosen: Chosen) -> Self {
        Self { chosen, rows: Vec::new(), matched: Vec::new() }
    }

    /// Adds rows of the export.
    pub(super) fn add(&mut self, rows: &[(u64, u64)]) {
        self.rows.extend(rows.iter().filter(|(key, _)| self.chosen[usize::from(bucket_of(*key))]));
    }

    /// Puts the rows in order, once all of them are there.
    pub(super) fn sort(&mut self) {
        self.rows.sort_unstable();
        self.matched = (0..self.rows.len().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
    }

    /// Takes a row for one that must be there; `false` if it was taken already.
    fn take(&self, at: usize) -> bool {
        let bit = 1 << (at % 64);
        self.matched[at / 64].fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    fn is_taken(&self, at: usize) -> bool {
        self.matched[at / 64].load(Ordering::Relaxed) & (1 << (at % 64)) != 0
    }

    /// Looks for rows that must be there. `batch` has their cells, and `hashes` the hashes of key and row of each.
    ///
    /// # Errors
    ///
    /// If a value has no text.
    pub(super) fn look_for(
        &self,
        batch: &RecordBatch,
        hashes: &[(u64, u64)],
        found: &Mutex<Differences>,
    ) -> Result<()> {
        let (mut missing, mut changed) = (Vec::new(), Vec::new());
        for (row, (key, own)) in hashes.iter().enumerate() {
            if !self.chosen[usize::from(bucket_of(*key))] {
                continue;
            }
            let first = self.rows.partition_point(|(known, _)| known < key);
            let same = || (first..self.rows.len()).take_while(|at| self.rows[*at].0 == *key);
            let equal = same().find(|at| self.rows[*at].1 == *own && self.take(*at));
            if equal.is_none() {
                match same().find(|at| self.take(*at)) {
                    Some(_) => changed.push((*key, row)),
                    None => missing.push((*key, row)),
                }
            }
        }
        if missing.is_empty() && changed.is_empty() {
            return Ok(());
        }
        let columns = batch.columns().iter().map(texts).collect::<Result<Vec<_>>>()?;
        let mut found = lock(found);
        found.missing += missing.len() as u64;
        found.changed += changed.len() as u64;
        let Differences { missing_rows, changed_rows, .. } = &mut *found;
        missing.into_iter().for_each(|(key, row)| keep(missing_rows, key, || cells(&columns, row)));
        changed.into_iter().for_each(|(key, row)| keep(changed_rows, key, || cells(&columns, row)));
        Ok(())
    }

    /// Adds what is left of the export: rows that are none of those that must be there.
    pub(super) fn rest(&self, found: &mut Differences) {
        let mut at = 0;
        while at < self.rows.len() {
            let key = self.rows[at].0;
            let end = at + self.rows[at..].iter().take_while(|row| row.0 == key).count();
            let taken = (at..end).filter(|at| self.is_taken(*at)).count();
            let (held, more) = ((end - at) as u64, (end - at - taken) as u64);
            if more > 0 && taken > 0 {
                found.duplicate += more;
                keep(&mut found.duplicate_keys, key, || held);
            } else if more > 0 {
                found.unexpected += more;
                keep(&mut found.unexpected_keys, key, || held);
            }
            at = end;
        }
    }
}

/// The cells of a row as texts.
fn cells(columns: &[StringArray], row: usize) -> Vec<Option<String>> {
    columns.iter().map(|column| column.is_valid(row).then(|| column.value(row).to_owned())).collect()
}

/// Keeps the first of all keys, whatever the order in which they come.
fn keep<T>(kept: &mut BTreeMap<u64, T>, key: u64, value: impl FnOnce() -> T) {
    if kept.len() >= KEPT {
        if kept.last_key_value().is_none_or(|(last, _)| key >= *last) {
            return;
        }
        kept.pop_last();
    }
    kept.entry(key).or_insert_with(value);
}

/// Cuts the chosen buckets into groups with at most so many rows each, or of one bucket.
pub(super) fn passes(chosen: &Chosen, counts: &[u64; BUCKETS], most: u64) -> Vec<Chosen> {
    let (mut all, mut group, mut rows) = (Vec::new(), [false; BUCKETS], 0);
    for at in (0..BUCKETS).filter(|at| chosen[*at]) {
        if rows > 0 && rows + counts[at] > most {
            all.push(std::mem::replace(&mut group, [false; BUCKETS]));
            rows = 0;
        }
        group[at] = true;
        rows += counts[at];
    }
    if group.contains(&true) {
        all.push(group);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cut_by_their_rows() {
        let (mut chosen, mut counts) = ([false; BUCKETS], [0; BUCKETS]);
        for (at, count) in [(1, 5), (2, 5), (3, 20), (9, 1), (10, 0)] {
            (chosen[at], counts[at]) = (true, count);
        }
        let groups = passes(&chosen, &counts, 10);
        let of = |group: &Chosen| (0..BUCKETS).filter(|at| group[*at]).collect::<Vec<_>>();
        assert_eq!(groups.iter().map(of).collect::<Vec<_>>(), [vec![1, 2], vec![3], vec![9, 10]]);
        assert!(passes(&[false; BUCKETS], &counts, 10).is_empty());
    }
}
