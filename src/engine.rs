//! Runs a plan: threads take chunks, encode them, and hand them on in order; files appear whole or not at all.
//!
//! Each table has a lane. A worker lays a chunk's encoded piece into the lanes; whoever finds a lane free appends what
//! is next in order. Chunks in flight are bounded, so memory does not grow with rows.

mod output;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub use output::{FileEntry, Target, write_whole};

use crate::error::{Error, Result};
use crate::plan::{Chunk, Failure, Plan};
use crate::sink::{Encoder, Format, Options, Piece};
use output::File;

/// What to make, and where.
pub struct Job<'a> {
    /// The compiled profile.
    pub plan: &'a Plan,
    /// The tables to write.
    pub tables: Vec<usize>,
    /// The file format.
    pub format: &'static Format,
    /// The format's options.
    pub options: Options,
    /// A folder, or standard output for a single table.
    pub target: Target,
    /// Part `i` of `n`, from 1: a share of each root table's rows.
    pub part: Option<(u64, u64)>,
    /// Worker threads.
    pub threads: usize,
    /// Root rows per chunk, for tests: output does not depend on it.
    pub chunk: Option<u64>,
    /// Whether files that are there may be replaced.
    pub overwrite: bool,
}

/// How far a run is.
#[derive(Debug, Default)]
pub struct Progress {
    /// Rows handed to files.
    pub rows: AtomicU64,
    /// Root rows finished.
    pub done: AtomicU64,
    /// Set to stop the run at the next chunk.
    pub stop: AtomicBool,
}

/// The root rows of a table that belong to part `i` of `n`.
#[must_use]
pub fn share(rows: u64, part: Option<(u64, u64)>) -> Range<u64> {
    let (i, n) = part.unwrap_or((1, 1));
    let cut = |k: u64| (u128::from(rows) * u128::from(k) / u128::from(n)) as u64;
    cut(i - 1)..cut(i)
}

impl Job<'_> {
    /// Generates, encodes and writes every table; the files in the plan's order.
    pub fn run(&self, progress: &Progress) -> Result<Vec<FileEntry>> {
        self.target.prepare(self)?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(self.threads)
            .build()
            .map_err(|error| Error::new(crate::error::Kind::Internal, format!("no threads: {error}")))?;
        let mut entries = Vec::new();
        let roots = (0..self.plan.tables.len()).filter(|table| self.plan.tables[*table].parent.is_none());
        for root in roots {
            let tables: Vec<usize> =
                self.tables.iter().copied().filter(|table| self.plan.root_of(*table) == root).collect();
            if !tables.is_empty() {
                entries.extend(self.tree(&pool, root, &tables, progress)?);
            }
        }
        entries.sort_by_key(|(table, _)| *table);
        let entries: Vec<FileEntry> = entries.into_iter().map(|(_, entry)| entry).collect();
        Ok(entries)
    }

    /// Writes the tables of one tree.
    fn tree(
        &self,
        pool: &rayon::ThreadPool,
        root: usize,
        tables: &[usize],
        progress: &Progress,
    ) -> Result<Vec<(usize, FileEntry)>> {
        let rows = share(self.plan.tables[root].rows, self.part);
        let size = self.chunk.unwrap_or(self.plan.tables[root].chunk).max(1);
        let chunks = (rows.end - rows.start).div_ceil(size);
        let mut lanes = Vec::new();
        for table in tables {
            lanes.push(Lane::open(self, *table)?);
        }
        let queue =
            Queue { state: Mutex::new(State::default()), room: Condvar::new(), window: 2 * self.threads as u64 };
        pool.broadcast(|_| {
            while let Some(chunk) = queue.take(chunks, progress) {
                let start = rows.start + chunk * size;
                let numbers: Vec<u64> = (start..(start + size).min(rows.end)).collect();
                let made = self.chunk(root, &numbers, &lanes, chunk, progress);
                progress.done.fetch_add(numbers.len() as u64, Ordering::Relaxed);
                queue.finished(chunk, made);
            }
        });
        let state = queue.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = state.error {
            return Err(error);
        }
        if progress.stop.load(Ordering::Relaxed) {
            return Err(Error::new(crate::error::Kind::Interrupted, "stopped"));
        }
        lanes.into_iter().map(Lane::close).collect()
    }

    fn chunk(&self, root: usize, numbers: &[u64], lanes: &[Lane], index: u64, progress: &Progress) -> Result<()> {
        let mut chunk = Chunk::new(self.plan, root, numbers);
        for lane in lanes {
            let batch = chunk.batch(lane.table)?;
            let rows = batch.num_rows() as u64;
            progress.rows.fetch_add(rows, Ordering::Relaxed);
            let piece = lane.encoder.encode(batch)?;
            lane.put(index, rows, piece)?;
        }
        Ok(())
    }
}

/// One table's file, and the pieces that wait for their turn.
struct Lane {
    table: usize,
    encoder: Box<dyn Encoder>,
    waiting: Mutex<BTreeMap<u64, (u64, Piece)>>,
    file: Mutex<Open>,
}

struct Open {
    next: u64,
    rows: u64,
    file: File,
}

impl Lane {
    fn open(job: &Job<'_>, table: usize) -> Result<Self> {
        let plan = &job.plan.tables[table];
        let encoder = (job.format.encoder)(&plan.schema, &job.options)?;
        let file = job.target.open(job, &plan.name, encoder.as_ref())?;
        Ok(Self { table, encoder, waiting: Mutex::default(), file: Mutex::new(Open { next: 0, rows: 0, file }) })
    }

    /// Lays a piece down, and appends all that is next in order unless another thread is at it.
    fn put(&self, index: u64, rows: u64, piece: Piece) -> Result<()> {
        hold(&self.waiting).insert(index, (rows, piece));
        loop {
            let Ok(mut open) = self.file.try_lock() else { return Ok(()) };
            while let Some((rows, piece)) = {
                let next = open.next;
                hold(&self.waiting).remove(&next)
            } {
                open.file.append(piece)?;
                open.next += 1;
                open.rows += rows;
            }
            let next = open.next;
            drop(open);
            // A piece laid down between the last look and the release would wait for ever.
            if !hold(&self.waiting).contains_key(&next) {
                return Ok(());
            }
        }
    }

    fn close(self) -> Result<(usize, FileEntry)> {
        let open = self.file.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((self.table, open.file.finish(open.rows)?))
    }
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which chunk is next; at most `window` chunks are ahead of the oldest that is not finished.
struct Queue {
    state: Mutex<State>,
    room: Condvar,
    window: u64,
}

#[derive(Default)]
struct State {
    next: u64,
    oldest: u64,
    finished: std::collections::BTreeSet<u64>,
    error: Option<Error>,
}

impl Queue {
    fn take(&self, chunks: u64, progress: &Progress) -> Option<u64> {
        let mut state = hold(&self.state);
        loop {
            if state.error.is_some() || state.next >= chunks || progress.stop.load(Ordering::Relaxed) {
                return None;
            }
            if state.next < state.oldest + self.window {
                state.next += 1;
                return Some(state.next - 1);
            }
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn finished(&self, chunk: u64, made: Result<()>) {
        let mut state = hold(&self.state);
        if let Err(error) = made {
            state.error.get_or_insert(error);
        }
        state.finished.insert(chunk);
        while {
            let oldest = state.oldest;
            state.finished.remove(&oldest)
        } {
            state.oldest += 1;
        }
        self.room.notify_all();
    }
}

/// Runs every check over the first `sample` root rows of each tree: rows looked at by table, and what broke.
pub fn check(plan: &Plan, sample: u64, threads: usize) -> Result<Vec<Failure>> {
    use rayon::prelude::*;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Error::new(crate::error::Kind::Internal, format!("no threads: {error}")))?;
    let mut all: Vec<Failure> = Vec::new();
    for root in (0..plan.tables.len()).filter(|table| plan.tables[*table].parent.is_none()) {
        let rows = plan.tables[root].rows.min(sample);
        let size = plan.tables[root].chunk.max(1);
        let tree: Vec<usize> = (0..plan.tables.len()).filter(|table| plan.root_of(*table) == root).collect();
        let found = pool.install(|| {
            (0..rows.div_ceil(size))
                .into_par_iter()
                .map(|chunk| {
                    let numbers: Vec<u64> = (chunk * size..((chunk + 1) * size).min(rows)).collect();
                    let mut chunk = Chunk::new(plan, root, &numbers);
                    let mut failures = Vec::new();
                    for table in &tree {
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

/// Where a file of a table stands below the output folder.
#[must_use]
pub fn path_of(table: &str, format: &Format, part: Option<(u64, u64)>) -> PathBuf {
    match part {
        None => PathBuf::from(format!("{table}.{}", format.name)),
        Some((i, _)) => PathBuf::from(table).join(format!("part-{:05}.{}", i - 1, format.name)),
    }
}
