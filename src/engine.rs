//! Runs a plan: threads take chunks, encode them, and hand them on in order; files appear whole or not at all.
//!
//! Each table has a lane. A worker lays a chunk's encoded piece into the lanes; whoever finds a lane free appends what
//! is next in order. Chunks in flight are bounded, so memory does not grow with rows.

mod budget;
mod check;
mod journal;
mod lane;
mod lock;
mod output;
mod queue;
mod resume;
mod space;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use check::check;
pub use lock::Lock;
pub use output::{FileEntry, Target};
pub use resume::Start;
pub use space::{CAREFUL, Estimate, estimate};

use crate::disk::{Disk, retry};
use crate::error::{Error, Kind, Result};
use crate::format::write::{Format, Options};
use crate::order::pool;
use crate::part::{Part, share};
use crate::plan::{Chunk, Plan, Tree};
use crate::protect::Protection;
use lane::{Lane, Settled};
use queue::Queue;
use resume::Ground;

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
    /// A share of each root table's rows; all of them without one.
    pub part: Option<Part>,
    /// Worker threads.
    pub threads: usize,
    /// Root rows per chunk, for tests: output does not depend on it.
    pub chunk: Option<u64>,
    /// What is done to personal data.
    pub protection: Protection,
    /// What to do about files that are there.
    pub start: Start,
    /// A hash of all that the bytes of the files follow from: a run goes on only where another one with equal inputs stopped.
    pub inputs: String,
    /// The file system.
    pub disk: &'a dyn Disk,
}

/// How far a run is.
#[derive(Debug, Default)]
pub struct Progress {
    /// Rows handed to files.
    pub rows: AtomicU64,
    /// Root rows finished.
    pub done: AtomicU64,
    /// Of the rows, those that an interrupted run had made.
    reused: AtomicU64,
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
        Err(Error::new(kind, "stopped").hint("--resume goes on from here"))
    }

    /// Takes what an interrupted run had made of a tree as made.
    fn reuse(&self, reuse: &resume::Reuse, roots: u64) {
        let whole = reuse.files.values().map(|file| (file.rows, file.bytes));
        let (rows, bytes) = whole
            .chain(reuse.begun.values().map(|begun| (begun.state.rows, begun.state.bytes)))
            .fold((0, 0), |(rows, bytes), file| (rows + file.0, bytes + file.1));
        self.done.fetch_add(roots, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.reused.fetch_add(rows, Ordering::Relaxed);
    }

    /// Of the rows, how many an interrupted run had made.
    #[must_use]
    pub fn reused(&self) -> u64 {
        self.reused.load(Ordering::Relaxed)
    }

    /// The files that were finished since this was asked last.
    pub fn take_files(&self) -> Vec<FileEntry> {
        std::mem::take(&mut hold(&self.files))
    }
}

impl Job<'_> {
    /// Keeps other runs away from the folder until the locks are dropped: from the first file to the manifest.
    pub fn lock(&self) -> Result<Vec<Lock>> {
        self.target.lock(self.disk, self.part)
    }

    /// Generates, encodes and writes every table; the files in the plan's order. An interrupted run leaves a folder that
    /// a run with [`Start::Resume`] goes on with; [`Job::forget`] ends that.
    pub fn run(&self, progress: &Progress) -> Result<Vec<FileEntry>> {
        let pool = pool(self.threads)?;
        // Estimates walk as deep as the run itself, and need its stack.
        pool.install(|| self.within_budget())?;
        let past = self.look()?;
        pool.install(|| self.within_space())?;
        let made = self.ground(past).and_then(|ground| self.trees(&pool, &ground, progress));
        made.inspect_err(|error| {
            // Nobody goes on with a run whose profile asks for what cannot be.
            if matches!(error.kind(), Kind::Profile | Kind::Usage) {
                self.clear();
            }
        })
    }

    /// Whether a run stopped before its end in the folder.
    #[must_use]
    pub fn interrupted(&self) -> bool {
        matches!(&self.target, Target::Folder(folder) if output::journal_path(folder, self.part).symlink_metadata().is_ok())
    }

    /// Removes the journal of a run that is whole.
    pub fn forget(&self) -> Result<()> {
        let Target::Folder(folder) = &self.target else { return Ok(()) };
        let path = output::journal_path(folder, self.part);
        retry(|| self.disk.remove(&path)).map_err(|error| Error::io(&path, error))
    }

    fn trees(&self, pool: &rayon::ThreadPool, ground: &Ground, progress: &Progress) -> Result<Vec<FileEntry>> {
        let mut entries = Vec::new();
        for Tree { root, tables } in self.plan.trees_of(&self.tables) {
            entries.extend(self.tree(pool, ground, root, &tables, progress)?);
        }
        entries.sort_by_key(|(table, _)| *table);
        Ok(entries.into_iter().map(|(_, entry)| entry).collect())
    }

    /// Writes the tables of one tree, as far as they are not there.
    fn tree(
        &self,
        pool: &rayon::ThreadPool,
        ground: &Ground,
        root: usize,
        tables: &[usize],
        progress: &Progress,
    ) -> Result<Vec<(usize, FileEntry)>> {
        let rows = share(self.plan.tables[root].rows, self.part);
        let reuse = self.reuse(ground, root, tables)?;
        let mut lanes = Vec::new();
        for table in tables.iter().filter(|table| !reuse.files.contains_key(table)) {
            lanes.push(Lane::open(self, *table, reuse.begun.get(table))?);
        }
        let start = if lanes.is_empty() { rows.end } else { reuse.row.unwrap_or(rows.start) };
        progress.reuse(&reuse, start - rows.start);
        let settled = ground.journal.as_ref().filter(|_| lanes.iter().all(|lane| lane.encoder.goes_on()));
        let settled = settled.map(|journal| Settled::new(journal, &self.plan.tables[root].name, lanes.len()));
        let cut = |start| self.plan.cut(root, start, rows.end, self.chunk);
        let queue = Queue::new(start, 2 * self.threads as u64);
        pool.broadcast(|_| {
            while let Some((index, chunk)) = queue.take(rows.end, cut, progress) {
                if let Some(settled) = &settled {
                    settled.expect(index, chunk.end);
                }
                let numbers: Vec<u64> = chunk.collect();
                let made = self.chunk(root, &numbers, &lanes, index, settled.as_ref(), progress);
                progress.done.fetch_add(numbers.len() as u64, Ordering::Relaxed);
                queue.finished(index, made);
            }
        });
        queue.close()?;
        progress.stopped()?;
        let mut files: Vec<(usize, FileEntry)> = reuse.files.into_iter().collect();
        for lane in lanes {
            let table = lane.table;
            let file = lane.close(self)?;
            if let Some(journal) = &ground.journal {
                journal.file(&file)?;
            }
            files.push((table, file));
        }
        hold(&progress.files).extend(files.iter().map(|(_, file)| file.clone()));
        Ok(files)
    }

    fn chunk(
        &self,
        root: usize,
        numbers: &[u64],
        lanes: &[Lane],
        index: u64,
        settled: Option<&Settled<'_>>,
        progress: &Progress,
    ) -> Result<()> {
        let mut chunk = Chunk::new(self.plan, root, numbers);
        for lane in lanes {
            let batch = self.protection.apply(lane.table, chunk.batch(lane.table)?, numbers)?;
            let (piece, sum) = lane.canonical.encode(lane.encoder.as_ref(), batch)?;
            let rows = sum.rows;
            // An estimate may be wrong, and a profile may make it so: the limits hold here too.
            let (bytes, limits) = (piece.len() as u64, &self.plan.limits);
            limits.allow_rows((progress.rows.fetch_add(rows, Ordering::Relaxed) + rows) as f64)?;
            limits.allow_bytes((progress.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes) as f64)?;
            lane.put(index, sum, piece, settled)?;
        }
        Ok(())
    }
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a file of a table stands below the output folder.
#[must_use]
pub fn path_of(table: &str, format: &Format, part: Option<Part>) -> PathBuf {
    match part {
        None => PathBuf::from(format!("{table}.{}", format.name)),
        Some(part) => PathBuf::from(table).join(format!("{}.{}", part.label(), format.name)),
    }
}
