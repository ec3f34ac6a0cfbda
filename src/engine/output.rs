//! Files that appear whole: a temporary name, the bytes and their hash, sync, rename.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::journal::State;
use super::lock::Lock;
use super::resume::is_whole;
use super::{Job, hold, path_of};
use crate::digest::{RowSum, hex};
use crate::disk::{Disk, Handle, fresh, own_folder, place, retry, temporary};
use crate::error::{Error, Result};
use crate::format::write::{Encoder, Piece, Sink};
use crate::part::{Part, infix};

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

impl FileEntry {
    /// Whether the file in a folder has just the bytes that it was finished with.
    pub fn is_whole(&self, folder: &Path) -> Result<bool> {
        is_whole(&folder.join(&self.path), self)
    }
}

impl Target {
    /// Makes the folder, and locks it until the locks are dropped.
    pub(super) fn lock(&self, disk: &dyn Disk, part: Option<Part>) -> Result<Vec<Lock>> {
        let Target::Folder(folder) = self else { return Ok(Vec::new()) };
        own_folder(disk, folder)?;
        Lock::take(folder, part)
    }

    /// Opens the file of a table: a new one, or the one of an interrupted run where it was at a chunk's end.
    pub(super) fn open(&self, job: &Job<'_>, table: &str, encoder: &dyn Encoder, past: Option<&Begun>) -> Result<File> {
        let path = path_of(table, job.format, job.part);
        let (raw, names): (Box<dyn Handle>, _) = match self {
            Target::Stdout => (Box::new(io::stdout()), None),
            Target::Folder(folder) => {
                let whole = folder.join(&path);
                if let Some(parent) = whole.parent() {
                    own_folder(job.disk, parent)?;
                }
                let new = temporary(&whole);
                let handle = match past {
                    None => fresh(job.disk, &new)?,
                    Some(past) => {
                        retry(|| job.disk.reopen(&new, past.state.bytes)).map_err(|error| Error::io(&new, error))?
                    }
                };
                (handle, Some((new, whole)))
            }
        };
        let (bytes, hash) = past.map_or((0, Sha256::new()), |past| (past.state.bytes, past.hash.clone()));
        let stream = Stream { raw: BufWriter::with_capacity(1 << 20, raw), bytes, hash, failed: None };
        let stream = Shared(Arc::new(Mutex::new(stream)));
        let shown = names.as_ref().map_or_else(|| PathBuf::from("standard output"), |(_, whole)| whole.clone());
        let out = Box::new(stream.clone());
        let sink = match past {
            None => encoder.open(out),
            Some(past) => encoder.reopen(out, past.state.rows),
        };
        let path = path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
        let mut file = File { table: table.to_owned(), path, shown, names, stream, sink: None };
        file.sink = Some(sink.map_err(|error| file.named(error))?);
        Ok(file)
    }
}

/// A file that holds some chunks already.
#[derive(Clone)]
pub(super) struct Begun {
    pub(super) state: State,
    /// The hash of its bytes so far.
    pub(super) hash: Sha256,
}

/// An open file of one table.
pub(super) struct File {
    table: String,
    path: String,
    shown: PathBuf,
    names: Option<(PathBuf, PathBuf)>,
    stream: Shared,
    sink: Option<Box<dyn Sink>>,
}

impl File {
    pub(super) fn append(&mut self, piece: Piece) -> Result<()> {
        let sink = self.sink.as_mut().ok_or_else(|| Error::internal("a finished file"))?;
        sink.append(piece).map_err(|error| self.named(error))
    }

    /// Hands all bytes to the system, and says how far the file is.
    pub(super) fn state(&self, sum: &RowSum) -> Result<State> {
        let mut stream = hold(&self.stream.0);
        stream.raw.flush().map_err(|error| Error::io(&self.shown, error))?;
        let sha256 = hex(&stream.hash.clone().finalize());
        Ok(State { table: self.table.clone(), rows: sum.rows, bytes: stream.bytes, sha256, digest: sum.hex() })
    }

    /// The system's word on what went wrong, with the file's name.
    fn named(&self, error: Error) -> Error {
        let failed = hold(&self.stream.0).failed.take();
        failed.map_or(error, |cause| Error::io(&self.shown, cause))
    }

    /// Writes the end, syncs, and gives the file its name.
    pub(super) fn finish(mut self, disk: &dyn Disk, sum: &RowSum) -> Result<FileEntry> {
        let sink = self.sink.take().ok_or_else(|| Error::internal("a finished file"))?;
        drop(sink.finish().map_err(|error| self.named(error))?);
        let State { bytes, sha256, .. } = self.state(sum)?;
        retry(|| hold(&self.stream.0).raw.get_mut().sync()).map_err(|error| Error::io(&self.shown, error))?;
        if let Some((temporary, whole)) = &self.names {
            place(disk, temporary, whole)?;
        }
        Ok(FileEntry { table: self.table, path: self.path, rows: sum.rows, bytes, sha256, digest: sum.hex() })
    }
}

/// The bytes of a file, counted and hashed on their way.
struct Stream {
    raw: BufWriter<Box<dyn Handle>>,
    bytes: u64,
    hash: Sha256,
    /// What went wrong first: libraries keep its text alone, and a closed pipe must be told from a full disk.
    failed: Option<io::Error>,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Stream>>);

impl Stream {
    /// Keeps what went wrong; what a signal came between is done again.
    fn note(&mut self, error: &io::Error) {
        if error.kind() != io::ErrorKind::Interrupted {
            let kept = error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
            self.failed.get_or_insert(kept);
        }
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut stream = hold(&self.0);
        let written = stream.raw.write(bytes).inspect_err(|error| stream.note(error))?;
        stream.bytes += written as u64;
        stream.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut stream = hold(&self.0);
        stream.raw.flush().inspect_err(|error| stream.note(error))
    }
}

/// The journal of a run in a folder, or of one of its parts.
pub(super) fn journal_path(folder: &Path, part: Option<Part>) -> PathBuf {
    folder.join(format!(".placebo{}.journal", infix(part)))
}
