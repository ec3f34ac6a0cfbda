//! How many bytes a run will write, and whether there is room for them: known before anything is written.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Job, Target, path_of};
use crate::disk::{retry, temporary};
use crate::error::{Error, Kind, Result};
use crate::format::write::{Format, Options, ROW_GROUP};
use crate::order::STACK;
use crate::part::{Part, share};
use crate::plan::{Plan, Tree};

/// Rows of a tree from which an estimate is within a few percent.
pub const CAREFUL: f64 = 300_000.0;

/// How far a rough estimate may be off: the few rows that limits are checked on.
const ROUGH: f64 = 4.0;

/// What is expected of a table's file.
#[derive(Debug, Clone, Copy)]
pub struct Estimate {
    /// The table.
    pub table: usize,
    /// Rows of the whole file.
    pub rows: f64,
    /// Whether the number of rows is exact.
    pub exact: bool,
    /// Bytes of the whole file.
    pub bytes: f64,
    /// Rows for one root row.
    pub mean: f64,
}

/// The size of each file of a part, from so many rows of each tree, spread over all of it and written in the very format.
pub fn estimate(
    plan: &Plan,
    tables: &[usize],
    (format, options): (&Format, &Options),
    part: Option<Part>,
    enough: f64,
) -> Result<Vec<Estimate>> {
    let mut all = Vec::new();
    for Tree { root, tables } in plan.trees_of(tables) {
        let rows = share(plan.tables[root].rows, part);
        let per_root: f64 = plan.estimate(root)?.iter().map(|mean| mean.rows).sum();
        let mut sample = plan.sample_of(root, (enough / per_root.max(1.0)) as u64 + 1)?;
        let times = (rows.end - rows.start) as f64 / sample.rows.max(1) as f64;
        let whole = sample.rows >= plan.tables[root].rows;
        for table in tables {
            let batch = sample.chunk.batch(table)?;
            let size = |rows: usize| -> Result<f64> {
                let encoder = (format.encoder)(&plan.tables[table].schema, options)?;
                let count = Count::default();
                let mut sink = encoder.open(Box::new(count.clone()))?;
                sink.append(encoder.encode(batch.slice(0, rows))?)?;
                sink.finish()?;
                Ok(count.0.load(Ordering::Relaxed) as f64)
            };
            let (seen, full) = (batch.num_rows(), size(batch.num_rows())?);
            let rows = if plan.tables[table].dense() && part.is_none() {
                plan.tables[table].rows as f64
            } else {
                seen as f64 * times
            };
            let bytes = if whole && part.is_none() || seen < 2 {
                full
            } else {
                // Each row group has its own dictionaries and its own entry at the end of the file.
                let each = (full - size(seen / 2)?) / (seen - seen / 2) as f64;
                let group = (full - each * seen as f64).max(0.0);
                each * rows + group * (rows / ROW_GROUP as f64).ceil().max(1.0)
            };
            let exact = plan.tables[table].dense() || whole;
            all.push(Estimate { table, rows, exact, bytes, mean: seen as f64 / sample.rows.max(1) as f64 });
        }
    }
    Ok(all)
}

impl Job<'_> {
    /// The bytes of all files, at the given care.
    fn bytes(&self, enough: f64) -> Result<f64> {
        let all = estimate(self.plan, &self.tables, (self.format, &self.options), self.part, enough)?;
        let extra = |table: &Estimate| table.rows * self.protection.extra(table.table) as f64;
        Ok(all.iter().map(|table| table.bytes + extra(table)).sum())
    }

    /// Refuses a run that the disk has no room for.
    pub(super) fn within_space(&self) -> Result<()> {
        let Target::Folder(folder) = &self.target else { return Ok(()) };
        let free = retry(|| self.disk.free(folder)).map_err(|error| Error::io(folder, error))? as f64;
        let rough = self.bytes(0.0)?;
        if rough * ROUGH < free {
            return Ok(());
        }
        let needed = (self.bytes(CAREFUL)? - self.written(folder)).max(0.0);
        if needed < free {
            return Ok(());
        }
        Err(Error::new(
            Kind::Io,
            format!("`{}` has no room: about {needed:.0} bytes are needed, {free:.0} are free", folder.display()),
        )
        .hint("choose another folder with --out, fewer rows, or a smaller format (parquet with --compression zstd)"))
    }

    /// An error of a full disk, with the bytes that are needed and free.
    pub(crate) fn explain(&self, error: Error) -> Error {
        let Target::Folder(folder) = &self.target else { return error };
        if error.io_kind() != Some(io::ErrorKind::StorageFull) {
            return error;
        }
        // A thread of its own: estimates walk as deep as a run does.
        let estimated = std::thread::scope(|scope| {
            let walk = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || self.bytes(CAREFUL));
            walk.ok()?.join().ok()?.ok()
        });
        let Some(needed) = estimated else { return error };
        let (needed, free) = ((needed - self.written(folder)).max(0.0), self.disk.free(folder).unwrap_or(0));
        error.hint(format!(
            "about {needed:.0} more bytes are needed in `{}`, {free} are free; make room and go on with --resume",
            folder.display()
        ))
    }

    /// The bytes of this run's files that are there.
    fn written(&self, folder: &Path) -> f64 {
        let sizes = self.tables.iter().map(|table| {
            let whole = folder.join(path_of(&self.plan.tables[*table].name, self.format, self.part));
            let size = |path: &Path| path.metadata().map(|there| there.len()).ok();
            size(&temporary(&whole)).or_else(|| size(&whole)).unwrap_or(0)
        });
        sizes.sum::<u64>() as f64
    }
}

/// Counts bytes.
#[derive(Clone, Default)]
struct Count(Arc<AtomicU64>);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
