//! Runs a plan: threads take chunks, encode them, and hand them on in order; files appear whole or not at all.
//!
//! Each table has a lane. A worker lays a chunk's encoded piece into the lanes; whoever finds a lane free appends what
//! is next in order. Chunks in flight are bounded, so memory does not grow with rows.

mod budget;
mod check;
mod lock;
mod output;
mod queue;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use check::check;
pub use lock::Lock;
pub use output::{FileEntry, Target, write_whole};

use crate::digest::RowSum;
use crate::error::{Error, Kind, Result};
use crate::plan::{Chunk, Plan};
use crate::sink::{Canonical, Encoder, Format, Options, Piece};
use output::File;
use queue::Queue;

/// The stack of a worker: columns and expressions are walked as deep as they depend on each other.
pub(crate) const STACK: usize = 16 << 20;

/// The number of the signal `SIGTERM`.
const TERMINATE: usize = 15;

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
    /// Bytes of text handed to files.
    pub bytes: AtomicU64,
    /// Set to the number of a signal to stop the run at the next chunk; 0 while it may go on.
    pub stop: Arc<AtomicUsize>,
    files: Mutex<Vec<FileEntry>>,
}

impl Progress {
    /// An error if the run was told to stop.
    fn stopped(&self) -> Result<()> {
        let kind = match self.stop.load(Ordering::Relaxed) {
            0 => return Ok(()),
            TERMINATE => Kind::Terminated,
            _ => Kind::Interrupted,
        };
        Err(Error::new(kind, "stopped; files that were not whole are gone"))
    }

    /// The files that were finished since this was asked last.
    pub fn take_files(&self) -> Vec<FileEntry> {
        std::mem::take(&mut hold(&self.files))
    }
}

/// The root rows of a table that belong to part `i` of `n`.
#[must_use]
pub fn share(rows: u64, part: Option<(u64, u64)>) -> Range<u64> {
    let (i, n) = part.unwrap_or((1, 1));
    let cut = |k: u64| (u128::from(rows) * u128::from(k) / u128::from(n)) as u64;
    cut(i - 1)..cut(i)
}

impl Job<'_> {
    /// Keeps other runs away from the folder until the locks are dropped: from the first file to the manifest.
    pub fn lock(&self) -> Result<Vec<Lock>> {
        self.target.lock(self.part)
    }

    /// Generates, encodes and writes every table; the files in the plan's order.
    pub fn run(&self, progress: &Progress) -> Result<Vec<FileEntry>> {
        self.within_budget()?;
        self.target.prepare(self)?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(self.threads)
            .stack_size(STACK)
            .build()
            .map_err(|error| Error::new(Kind::Internal, format!("no threads: {error}")))?;
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
        let mut lanes = Vec::new();
        for table in tables {
            lanes.push(Lane::open(self, *table)?);
        }
        let cut = |start| self.plan.cut(root, start, rows.end, self.chunk);
        let queue = Queue::new(rows.start, 2 * self.threads as u64);
        pool.broadcast(|_| {
            while let Some((index, chunk)) = queue.take(rows.end, cut, progress) {
                let numbers: Vec<u64> = chunk.collect();
                let made = self.chunk(root, &numbers, &lanes, index, progress);
                progress.done.fetch_add(numbers.len() as u64, Ordering::Relaxed);
                queue.finished(index, made);
            }
        });
        queue.close()?;
        progress.stopped()?;
        let closed = lanes.into_iter().map(|lane| {
            let (table, file) = lane.close()?;
            hold(&progress.files).push(file.clone());
            Ok((table, file))
        });
        closed.collect()
    }

    fn chunk(&self, root: usize, numbers: &[u64], lanes: &[Lane], index: u64, progress: &Progress) -> Result<()> {
        let mut chunk = Chunk::new(self.plan, root, numbers);
        for lane in lanes {
            let batch = chunk.batch(lane.table)?;
            let (piece, sum) = lane.canonical.encode(lane.encoder.as_ref(), batch)?;
            let rows = sum.rows;
            hold(&lane.sum).merge(&sum);
            // An estimate may be wrong, and a profile may make it so: the limits hold here too.
            let (bytes, limits) = (piece.len() as u64, &self.plan.limits);
            limits.allow_rows((progress.rows.fetch_add(rows, Ordering::Relaxed) + rows) as f64)?;
            limits.allow_bytes((progress.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes) as f64)?;
            lane.put(index, rows, piece)?;
        }
        Ok(())
    }
}

/// One table's file, and the pieces that wait for their turn.
struct Lane {
    table: usize,
    encoder: Box<dyn Encoder>,
    canonical: Canonical,
    /// The logical digest of the rows so far: a sum, so that the order of chunks does not matter.
    sum: Mutex<RowSum>,
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
        let canonical = Canonical::new(&plan.schema)?;
        let open = Mutex::new(Open { next: 0, rows: 0, file });
        Ok(Self { table, encoder, canonical, sum: Mutex::default(), waiting: Mutex::default(), file: open })
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
        let sum = self.sum.into_inner().unwrap_or_else(PoisonError::into_inner);
        let entry = open.file.finish(open.rows)?;
        Ok((self.table, FileEntry { digest: sum.hex(), ..entry }))
    }
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a file of a table stands below the output folder.
#[must_use]
pub fn path_of(table: &str, format: &Format, part: Option<(u64, u64)>) -> PathBuf {
    match part {
        None => PathBuf::from(format!("{table}.{}", format.name)),
        Some((i, _)) => PathBuf::from(table).join(format!("part-{:05}.{}", i - 1, format.name)),
    }
}
