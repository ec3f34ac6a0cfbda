//! Files that appear whole: a temporary name, the bytes and their hash, sync, rename.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::lock::Lock;
use super::{Job, path_of};
use crate::digest::hex;
use crate::error::{Error, Kind, Result};
use crate::sink::{Encoder, Piece, Sink};

/// Where a run writes to.
#[derive(Debug, Clone)]
pub enum Target {
    /// A folder with a file per table.
    Folder(PathBuf),
    /// Standard output, for one table.
    Stdout,
}

/// A file that a run wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// The table.
    pub table: String,
    /// The path below the output folder, with `/`.
    pub path: String,
    /// How many rows.
    pub rows: u64,
    /// How many bytes.
    pub bytes: u64,
    /// SHA-256 of the bytes, in hex.
    pub sha256: String,
    /// The logical digest of the rows: [`RowSum::hex`](crate::digest::RowSum::hex).
    pub digest: String,
}

impl Target {
    /// Makes the folder, and locks it until the locks are dropped.
    pub(super) fn lock(&self, part: Option<(u64, u64)>) -> Result<Vec<Lock>> {
        let Target::Folder(folder) = self else { return Ok(Vec::new()) };
        own_folder(folder)?;
        Lock::take(folder, part)
    }

    /// Makes the folder, and refuses to touch what an earlier run left there.
    pub(super) fn prepare(&self, job: &Job<'_>) -> Result<()> {
        let Target::Folder(folder) = self else {
            return match job.tables.as_slice() {
                [_] => Ok(()),
                _ => Err(Error::usage("standard output takes one table").hint("say which: --tables NAME")),
            };
        };
        own_folder(folder)?;
        for table in &job.tables {
            let path = folder.join(path_of(&job.plan.tables[*table].name, job.format, job.part));
            // A link is something that is there, wherever it leads.
            if !job.overwrite && path.symlink_metadata().is_ok() {
                return Err(Error::new(Kind::Usage, format!("`{}` is there already", path.display()))
                    .hint("--overwrite replaces it; or choose another folder with --out"));
            }
        }
        Ok(())
    }

    pub(super) fn open(&self, job: &Job<'_>, table: &str, encoder: &dyn Encoder) -> Result<File> {
        let path = path_of(table, job.format, job.part);
        let (raw, names): (Box<dyn Write + Send>, _) = match self {
            Target::Stdout => (Box::new(io::stdout()), None),
            Target::Folder(folder) => {
                let whole = folder.join(&path);
                if let Some(parent) = whole.parent() {
                    own_folder(parent)?;
                }
                let (file, temporary) = fresh(&whole)?;
                (Box::new(file), Some((temporary, whole)))
            }
        };
        let seen = Arc::new(Mutex::new(Seen::default()));
        let counted = Counted { raw: BufWriter::with_capacity(1 << 20, raw), seen: Arc::clone(&seen) };
        let shown = names.as_ref().map_or_else(|| PathBuf::from("standard output"), |(_, whole)| whole.clone());
        let path = path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
        Ok(File { table: table.to_owned(), path, shown, names, seen, sink: Some(encoder.open(Box::new(counted))?) })
    }
}

/// An open file of one table.
pub(super) struct File {
    table: String,
    path: String,
    shown: PathBuf,
    names: Option<(PathBuf, PathBuf)>,
    seen: Arc<Mutex<Seen>>,
    sink: Option<Box<dyn Sink>>,
}

impl File {
    pub(super) fn append(&mut self, piece: Piece) -> Result<()> {
        let sink = self.sink.as_mut().ok_or_else(|| Error::internal("a finished file"))?;
        sink.append(piece).map_err(|error| self.named(error))
    }

    /// The system's word on what went wrong, with the file's name.
    fn named(&self, error: Error) -> Error {
        let failed = self.seen.lock().unwrap_or_else(PoisonError::into_inner).failed.take();
        failed.map_or(error, |cause| Error::io(&self.shown, cause))
    }

    /// Writes the end, syncs, and gives the file its name.
    pub(super) fn finish(mut self, rows: u64) -> Result<FileEntry> {
        let sink = self.sink.take().ok_or_else(|| Error::internal("a finished file"))?;
        let mut out = sink.finish().map_err(|error| self.named(error))?;
        out.flush().map_err(|error| Error::io(&self.shown, error))?;
        drop(out);
        if let Some((temporary, whole)) = self.names.take() {
            place(&temporary, &whole)?;
        }
        let seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        let sha256 = hex(&seen.hash.finalize());
        Ok(FileEntry {
            table: std::mem::take(&mut self.table),
            path: std::mem::take(&mut self.path),
            rows,
            bytes: seen.bytes,
            sha256,
            // Rows are summed where they are encoded.
            digest: String::new(),
        })
    }
}

/// An unfinished file leaves nothing behind.
impl Drop for File {
    fn drop(&mut self) {
        if let Some((temporary, _)) = &self.names {
            let _gone_already = fs::remove_file(temporary);
        }
    }
}

fn place(temporary: &Path, whole: &Path) -> Result<()> {
    let io = |error| Error::io(whole, error);
    fs::File::open(temporary).and_then(|file| file.sync_all()).map_err(io)?;
    fs::rename(temporary, whole).map_err(io)?;
    match whole.parent() {
        Some(folder) => fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io),
        None => Ok(()),
    }
}

/// Makes a folder, unless it is there; a link to one is not followed, so that nobody else says where files go.
fn own_folder(folder: &Path) -> Result<()> {
    // Without a last `/`, which would follow the link.
    let plain: PathBuf = folder.components().collect();
    if plain.symlink_metadata().is_ok_and(|there| there.is_symlink()) {
        return Err(Error::new(Kind::Io, format!("`{}` is a symbolic link", plain.display()))
            .hint("give the folder that it leads to"));
    }
    fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))
}

/// A new file under the temporary name of a path. A leftover of a killed run is ours to remove; a link planted under
/// the name is not followed.
fn fresh(path: &Path) -> Result<(fs::File, PathBuf)> {
    let temporary = path.with_added_extension("inprogress");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io(&temporary, error)),
        _ => {}
    }
    let file = fs::OpenOptions::new().write(true).create_new(true).open(&temporary);
    Ok((file.map_err(|error| Error::io(&temporary, error))?, temporary))
}

/// Writes a small text file whole: temporary name, sync, rename. Runs of several parts write the same file, each under the
/// temporary name of its `part`.
pub fn write_whole(path: &Path, text: &str, part: Option<(u64, u64)>) -> Result<()> {
    let own = part.map_or_else(|| path.to_owned(), |(i, _)| path.with_added_extension(format!("part-{:05}", i - 1)));
    let (mut file, temporary) = fresh(&own)?;
    file.write_all(text.as_bytes()).map_err(|error| Error::io(&temporary, error))?;
    place(&temporary, path)
}

/// What went through a writer.
#[derive(Default)]
struct Seen {
    bytes: u64,
    hash: Sha256,
    failed: Option<io::Error>,
}

struct Counted<W: Write> {
    raw: BufWriter<W>,
    seen: Arc<Mutex<Seen>>,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match self.raw.write(bytes) {
            Ok(written) => {
                seen.bytes += written as u64;
                seen.hash.update(&bytes[..written]);
                Ok(written)
            }
            Err(error) => {
                seen.failed = Some(io::Error::new(error.kind(), error.to_string()));
                Err(error)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.raw.flush()
    }
}
