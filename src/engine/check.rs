//! Runs the checks of a plan on a sample, and holds it to its keys.

use std::ops::Range;

use rayon::prelude::*;

use super::promises::{Keys, Sampled};
use crate::error::Result;
use crate::order::pool;
use crate::plan::{Chunk, Failure, Plan, Tree};

/// Runs every check over the first `sample` root rows of each tree, and lists those that fail, with the [`promises`] that the sample
/// breaks: keys and unique values that come twice, and declared foreign keys that lead to no row.
///
/// Two equal values are found where both are in the sample. A foreign key is sought among the first 5 million root rows of the other
/// table's tree; where that has more, one that is not among them is not a failure.
///
/// [`promises`]: super::promises
///
/// # Errors
///
/// If a value cannot be computed, or a key has none.
pub fn check(plan: &Plan, sample: u64, threads: usize) -> Result<Vec<Failure>> {
    let pool = pool(threads)?;
    let (mut all, mut sampled): (Vec<Failure>, _) = (Vec::new(), Sampled::new(plan));
    for Tree { root, tables } in plan.trees() {
        let made = |rows: Range<u64>| {
            let mut chunk = chunk_of(plan, root, rows);
            let mut failures = Vec::new();
            for table in &tables {
                failures.extend(chunk.failures(*table)?);
            }
            Ok((failures, sampled.keys(&mut chunk, &tables)?))
        };
        let chunks = chunks(plan, root, sample);
        let found: Vec<(Vec<Failure>, Keys)> =
            pool.install(|| chunks.into_par_iter().map(made).collect::<Result<_>>())?;
        for (number, (failures, keys)) in found.into_iter().enumerate() {
            sampled.add(number, keys);
            for failure in failures {
                match all.iter_mut().find(|known| known.table == failure.table && known.check == failure.check) {
                    Some(known) => known.rows += failure.rows,
                    None => all.push(failure),
                }
            }
        }
    }
    let again = |table: usize, number: u32| {
        let root = plan.root_of(table);
        let rows = chunks(plan, root, sample).into_iter().nth(number as usize).unwrap_or_default();
        chunk_of(plan, root, rows)
    };
    all.extend(pool.install(|| sampled.failures(again))?);
    Ok(all)
}

/// The chunks of the first rows of a root table.
fn chunks(plan: &Plan, root: usize, sample: u64) -> Vec<Range<u64>> {
    let (rows, mut chunks, mut start) = (plan.tables[root].rows.min(sample), Vec::new(), 0);
    while start < rows {
        let end = plan.cut(root, start, rows, None);
        chunks.push(start..end);
        start = end;
    }
    chunks
}

fn chunk_of(plan: &Plan, root: usize, rows: Range<u64>) -> Chunk<'_> {
    let numbers: Vec<u64> = rows.collect();
    Chunk::new(plan, root, &numbers)
}
