//! Checks whether a run may be as large as it will be, and whether the disk has room for it.

use std::io;
use std::path::Path;

use super::Folder;
use super::estimate::{Care, Estimate, estimate};
use crate::dataset::DataSet;
use crate::disk::{retry, temporary};
use crate::error::{Error, Kind, Result};
use crate::order::STACK;

/// How far an estimate from a few rows may be off.
const ROUGH: f64 = 4.0;

impl Folder<'_> {
    /// Estimates the bytes of all files with care.
    fn careful_bytes(&self, set: &DataSet) -> Result<f64> {
        Ok(estimate(set, (self.format, &self.options), Care::Careful)?.iter().map(|table| table.bytes).sum())
    }

    /// Refuses a run that the disk has no room for.
    pub(super) fn within_room(&self, set: &DataSet, quick: &[Estimate]) -> Result<()> {
        let free = retry(|| self.disk.free(&self.path)).map_err(|error| Error::io(&self.path, error))? as f64;
        if quick.iter().map(|table| table.bytes).sum::<f64>() * ROUGH < free {
            return Ok(());
        }
        let needed = (self.careful_bytes(set)? - self.written(set)).max(0.0);
        if needed < free {
            return Ok(());
        }
        Err(Error::new(
            Kind::Io,
            format!("`{}` has no room: about {needed:.0} bytes are needed, {free:.0} are free", self.path.display()),
        )
        .hint("choose another folder with --out, fewer rows, or a smaller format (parquet with --compression zstd)"))
    }

    /// Adds to the error of a full disk the bytes that are needed and free.
    pub(super) fn explain(&self, set: &DataSet, error: Error) -> Error {
        if error.io_kind() != Some(io::ErrorKind::StorageFull) {
            return error;
        }
        // A thread of its own: estimates walk as deep as a run does.
        let estimated = std::thread::scope(|scope| {
            let walk = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || self.careful_bytes(set));
            walk.ok()?.join().ok()?.ok()
        });
        let Some(needed) = estimated else { return error };
        let (needed, free) = ((needed - self.written(set)).max(0.0), self.disk.free(&self.path).unwrap_or(0));
        error.hint(format!(
            "about {needed:.0} more bytes are needed in `{}`, {free} are free; make room and go on with --resume",
            self.path.display()
        ))
    }

    /// The bytes of this run's files that are there.
    fn written(&self, set: &DataSet) -> f64 {
        let sizes = set.outputs().iter().map(|output| {
            let whole = self.path_of(output, set.this_part());
            let size = |path: &Path| path.metadata().map(|there| there.len()).ok();
            size(&temporary(&whole)).or_else(|| size(&whole)).unwrap_or(0)
        });
        sizes.sum::<u64>() as f64
    }
}
