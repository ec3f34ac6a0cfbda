//! The search: chunks in the order of rows, of which nothing is computed but the columns of the question.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::Array;
use arrow_array::cast::AsArray;

use crate::error::{Error, Result};
use crate::order::{ordered, pool};
use crate::plan::{Asked, Chunk, Plan};
use crate::rng::{Cell, Seed};

/// The way in which a plan's rows are visited.
#[derive(Clone, Copy)]
pub struct Scan<'p> {
    /// The plan.
    pub plan: &'p Plan,
    /// Worker threads.
    pub threads: usize,
    /// Root rows of a chunk, for tests; `None` leaves it to the plan.
    pub chunk_rows: Option<u64>,
}

/// The number of rows that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The pools, at least 1: each root row, with all below it, belongs to one of them.
    pub pools: u64,
    /// The rows of each pool.
    pub each: u64,
    /// `true` if fewer rows are no error.
    pub at_most: bool,
}

/// The rows that were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hits {
    /// The paths of the rows of each pool, in the order of rows.
    pub pools: Vec<Vec<u128>>,
}

impl<'p> Scan<'p> {
    /// Visits the rows of a tree, and puts what `work` gives for each chunk in their order, until `put` says `true` for enough.
    ///
    /// # Errors
    ///
    /// The first error of `work` or `put`.
    pub(crate) fn visit<T: Send>(
        self,
        table: usize,
        work: impl Fn(&mut Chunk<'p>) -> Result<T> + Sync,
        mut put: impl FnMut(T) -> Result<bool> + Send,
    ) -> Result<()> {
        let root = self.plan.root_of(table);
        let (rows, enough) = (self.plan.tables[root].rows, AtomicBool::new(false));
        let mut start = 0;
        let next = || {
            if start >= rows || enough.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let range = start..self.plan.cut(root, start, rows, self.chunk_rows);
            start = range.end;
            Ok(Some(range))
        };
        let work = |range: Range<u64>| work(&mut Chunk::new(self.plan, root, &range.collect::<Vec<_>>()));
        ordered(&pool(self.threads)?, &|| Ok(()), next, work, |found| {
            if !enough.load(Ordering::Relaxed) && put(found)? {
                enough.store(true, Ordering::Relaxed);
            }
            Ok(())
        })
    }
}

/// The paths of the rows of a chunk for which the answer is true.
pub(super) fn met(chunk: &mut Chunk<'_>, asked: Asked) -> Result<Vec<(usize, u128)>> {
    let answers = chunk.answers(asked)?;
    let answers = answers.as_boolean();
    if answers.true_count() == 0 {
        return Ok(Vec::new());
    }
    let rows = chunk.reached(asked.table)?;
    let paths = chunk.paths(rows).iter().enumerate();
    Ok(paths.filter(|(row, _)| answers.is_valid(*row) && answers.value(*row)).map(|(row, path)| (row, *path)).collect())
}

/// Counts the rows for which the answers to some questions about one table's tree are true.
///
/// # Errors
///
/// If a value cannot be computed.
pub fn count(scan: Scan<'_>, asked: &[Asked]) -> Result<Vec<u64>> {
    let mut counts = vec![0; asked.len()];
    let Some(first) = asked.first() else { return Ok(counts) };
    let work = |chunk: &mut Chunk<'_>| {
        asked.iter().map(|asked| Ok(met(chunk, *asked)?.len() as u64)).collect::<Result<Vec<_>>>()
    };
    scan.visit(first.table, work, |found| {
        counts.iter_mut().zip(found).for_each(|(sum, found)| *sum += found);
        Ok(false)
    })?;
    Ok(counts)
}

/// Finds the first rows for which the answer is true.
///
/// # Errors
///
/// If a value cannot be computed, there are fewer rows than are asked for, or they would not fit into a quarter of the memory.
pub fn search(scan: Scan<'_>, asked: Asked, quota: Quota) -> Result<Hits> {
    let (plan, depth) = (scan.plan, scan.plan.depth(asked.table));
    let root = &plan.tables[plan.root_of(asked.table)];
    let key = Seed::new(&plan.seed).column_key(&root.name, "#pool");
    let mut pools = vec![Vec::new(); usize::try_from(quota.pools).unwrap_or(usize::MAX)];
    let (mut rows, mut full) = (0_u64, 0);
    let most = plan.limits.memory.bytes / 4 / size_of::<u128>() as u64;
    scan.visit(
        asked.table,
        |chunk| met(chunk, asked),
        |found| {
            for (_, path) in found {
                rows += 1;
                let pool = Cell::new(key, (path >> (24 * depth)) as u64).below(quota.pools) as usize;
                if (pools[pool].len() as u64) < quota.each {
                    pools[pool].push(path);
                    full += u64::from(pools[pool].len() as u64 == quota.each);
                }
            }
            if pools.iter().map(|pool| pool.len() as u64).sum::<u64>() > most {
                return Err(Error::usage(format!(
                    "more than {most} rows are found, which need a quarter of the memory"
                ))
                .hint("a smaller --limit, or a larger --max-memory"));
            }
            Ok(full == quota.pools)
        },
    )?;
    if full < quota.pools && !quota.at_most {
        return Err(short(plan, asked.table, quota, &pools, rows));
    }
    Ok(Hits { pools })
}

/// The error of too few rows.
fn short(plan: &Plan, table: usize, quota: Quota, pools: &[Vec<u128>], rows: u64) -> Error {
    let (name, root) = (&plan.tables[table].name, &plan.tables[plan.root_of(table)]);
    let meet = format!(
        "{rows} {} of `{name}` {} the condition",
        plural(rows, "row"),
        if rows == 1 { "meets" } else { "meet" }
    );
    let least = pools.iter().enumerate().min_by_key(|(_, pool)| pool.len());
    let message = match least {
        Some((pool, least)) if quota.pools > 1 => {
            let has = least.len() as u64;
            format!(
                "worker {pool} of {} would have {has} {}, not {}: {meet}",
                quota.pools,
                plural(has, "row"),
                quota.each
            )
        }
        _ => format!("{meet}, and {} are asked for", quota.each),
    };
    Error::usage(message)
        .hint(format!("--at-most takes those that there are; --rows {}=N makes more than {}", root.name, root.rows))
}

fn plural(count: u64, thing: &str) -> String {
    if count == 1 { thing.to_owned() } else { format!("{thing}s") }
}
