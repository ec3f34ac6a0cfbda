//! Runs the checks of a plan on a sample.

use rayon::prelude::*;

use crate::error::Result;
use crate::order::pool;
use crate::plan::{Chunk, Failure, Plan, Tree};

/// Runs every check over the first `sample` root rows of each tree, and lists what broke.
///
/// # Errors
///
/// A cell has no value that its column can hold, or the threads cannot be started.
pub fn check(plan: &Plan, sample: u64, threads: usize) -> Result<Vec<Failure>> {
    let pool = pool(threads)?;
    let mut all: Vec<Failure> = Vec::new();
    for Tree { root, tables } in plan.trees() {
        let (rows, mut chunks, mut start) = (plan.tables[root].rows.min(sample), Vec::new(), 0);
        while start < rows {
            let end = plan.cut(root, start, rows, None);
            chunks.push(start..end);
            start = end;
        }
        let found = pool.install(|| {
            chunks
                .into_par_iter()
                .map(|rows| {
                    let numbers: Vec<u64> = rows.collect();
                    let mut chunk = Chunk::new(plan, root, &numbers);
                    let mut failures = Vec::new();
                    for table in &tables {
                        failures.extend(chunk.failures(*table)?);
                    }
                    Ok(failures)
                })
                .collect::<Result<Vec<Vec<Failure>>>>()
        })?;
        for failure in found.into_iter().flatten() {
            match all.iter_mut().find(|known| known.table == failure.table && known.check == failure.check) {
                Some(known) => known.rows += failure.rows,
                None => all.push(failure),
            }
        }
    }
    Ok(all)
}
