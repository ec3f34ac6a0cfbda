//! Data sets opened again, and sealed with another key: what `decrypt` and `reencrypt` do.
//!
//! A file is read a batch at a time; batches are opened and encoded on all cores and written in order. What comes out is
//! what an unprotected run would have written, byte for byte, for the columns that could be opened.

mod cells;
mod opened;
mod reencrypt;

use std::path::{Path, PathBuf};

pub(crate) use opened::OpenedRows;
use rayon::ThreadPool;
pub use reencrypt::reencrypt;

use crate::digest::Buckets;
use crate::disk::{Disk, own_folder, retry, temporary};
use crate::error::{Error, Kind, Result};
pub use crate::folder::manifest::{StoredManifest, read_all};
use crate::folder::{FileEntry, Lock, OutputFile, Sums, below};
use crate::format::read;
use crate::format::write::Canonical;
use crate::order::{ordered, pool};
use crate::protect::ProtectedColumn;
use crate::protect::keyring::Keys;
use crate::protect::secret::Secret;
use cells::Table;

/// Rows opened at a time, on each core.
const BATCH: usize = 16_384;

/// The key that decrypts cells: the data key, or that of one column.
pub enum Opener<'a> {
    /// Every key of a keyring.
    Keys(&'a Keys),
    /// One column's key, as `keys export` prints it.
    Column(&'a Secret),
}

/// A column of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnName {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
}

impl ColumnName {
    /// Tells whether it is the name of a protected column.
    #[must_use]
    pub fn is(&self, column: &ProtectedColumn) -> bool {
        self.table == column.table && self.column == column.column
    }
}

/// A request to decrypt or reencrypt a data set.
pub struct Request<'a> {
    /// The folder with the manifest.
    pub folder: PathBuf,
    /// Only this file.
    pub file: Option<PathBuf>,
    /// Only these columns; all that are encrypted where there is none.
    pub columns: Vec<ColumnName>,
    /// The key that decrypts them.
    pub opener: Opener<'a>,
    /// The key that they are sealed with again.
    pub again: Option<&'a Secret>,
    /// True if a nonce that does not follow from the value is refused.
    pub strict: bool,
    /// The folder that files are written to.
    pub out: PathBuf,
}

/// A file that was written.
#[derive(Debug)]
pub struct Written {
    /// Its path, rows, bytes and hashes.
    pub file: FileEntry,
    /// Values that were opened.
    pub values: u64,
    /// The digest of its rows, in buckets.
    pub(crate) held: Buckets,
}

/// A file with something to open in it.
struct Sealed<'a> {
    stored: &'a StoredManifest,
    file: &'a FileEntry,
    table: Table<'a>,
}

/// Writes every file that was asked for to another folder, with its encrypted columns opened. The folder is locked meanwhile, and a
/// file appears there whole or not at all.
///
/// # Errors
///
/// If nothing that was asked for is encrypted, a cell cannot be opened, another run writes to the folder, or a file is there
/// already.
pub fn open(
    disk: &dyn Disk,
    request: &Request<'_>,
    manifests: &[StoredManifest],
    threads: usize,
) -> Result<Vec<Written>> {
    let sealed = sealed(request, manifests)?;
    let _locks = lock(disk, &request.out)?;
    rewrite(disk, request, &sealed, threads)
}

/// Makes the folder for the files, and keeps other runs away from it.
fn lock(disk: &dyn Disk, out: &Path) -> Result<Vec<Lock>> {
    own_folder(disk, out)?;
    Lock::take(out, None)
}

/// The files that were asked for and have something to open.
fn sealed<'a>(request: &Request<'_>, manifests: &'a [StoredManifest]) -> Result<Vec<Sealed<'a>>> {
    let mut all = Vec::new();
    for stored in manifests {
        for file in &stored.manifest.files {
            let only = request.file.as_ref();
            if only.is_some_and(|only| *only != below(&request.folder, &file.path)) {
                continue;
            }
            let entry = stored.table(&file.table).ok_or_else(|| Error::internal("a file of no table"))?;
            if let Some(table) = Table::new(&stored.manifest, entry, request)? {
                all.push(Sealed { stored, file, table });
            }
        }
    }
    if all.is_empty() {
        return Err(Error::usage("nothing of what was asked for is encrypted")
            .hint("manifest.json lists the columns under `protection`"));
    }
    Ok(all)
}

fn rewrite(disk: &dyn Disk, request: &Request<'_>, sealed: &[Sealed<'_>], threads: usize) -> Result<Vec<Written>> {
    let pool = pool(threads)?;
    let file = |one: &Sealed<'_>| {
        let path = below(&request.out, &one.file.path);
        if path.symlink_metadata().is_ok() {
            return Err(
                Error::usage(format!("`{}` is there already", path.display())).hint("choose another folder with --out")
            );
        }
        let copied = copy(disk, request, one, &pool).inspect_err(|_| {
            let _gone_already = retry(|| disk.remove(&temporary(&path)));
        });
        copied.map_err(|error| with_faults(error, one.stored))
    };
    sealed.iter().map(file).collect()
}

/// An error with what may explain it: cells that a fault damaged on purpose.
pub(crate) fn with_faults(error: Error, stored: &StoredManifest) -> Error {
    match stored.manifest.faults.is_empty() || error.kind() == Kind::Io {
        true => error,
        false => error
            .hint("the run made rows wrong on purpose: cells that `seal` damages do not open, `_faults_…` lists them"),
    }
}

/// Reads one file, opens it on all cores, and writes it in order.
fn copy(disk: &dyn Disk, request: &Request<'_>, sealed: &Sealed<'_>, pool: &ThreadPool) -> Result<Written> {
    let Sealed { stored: StoredManifest { manifest, .. }, file, table } = sealed;
    let (format, options) = manifest.format()?;
    let encoder = (format.encoder)(&table.written, &options)?;
    let mut reader = read::Rows::open_below(&request.folder, &file.path, format.name, &table.sealed, &options)?;
    let mut out = OutputFile::create(disk, &request.out, &file.table, &file.path, encoder.as_ref(), None)?;
    let canonical = Canonical::new(&table.written)?;
    let (mut values, mut held) = (0, Buckets::default());
    let next = || {
        let first = reader.rows();
        Ok(reader.next(BATCH)?.map(|batch| (first, batch)))
    };
    let work = |(first, batch)| {
        let (opened, values) = table.open(&batch, first)?;
        let (piece, held) = canonical.encode(encoder.as_ref(), opened)?;
        Ok((piece, held, values))
    };
    let put = |(piece, own, opened)| {
        out.append(piece)?;
        held.merge(&own);
        values += opened;
        Ok(())
    };
    ordered(pool, &|| Ok(()), next, work, put)?;
    Ok(Written { file: out.finish(disk, &Sums { sent: held.sum, clean: None })?, values, held })
}
