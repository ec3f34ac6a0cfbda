//! A file that appears whole: a temporary name, the bytes and their hash, sync, rename.

use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::below;
use crate::digest::{RowSum, hex};
use crate::disk::{Disk, Handle, fresh, open_below, own_folder, place, retry, temporary};
use crate::error::{Error, Result};
use crate::format::write::{Encoder, Piece, Sink};
use crate::order::lock;

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
    /// The rows as they are without faults, where the run may have made some here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clean: Option<CleanRows>,
}

/// The rows of a file as they are without faults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CleanRows {
    /// Their number.
    pub rows: u64,
    /// Their logical digest.
    pub digest: String,
}

impl CleanRows {
    pub(super) fn new(sum: &RowSum) -> Self {
        Self { rows: sum.rows, digest: sum.hex() }
    }

    /// The sum of the rows; `None` where the digest cannot be read.
    #[must_use]
    pub fn sum(&self) -> Option<RowSum> {
        RowSum::parse(self.rows, &self.digest)
    }
}

/// The sums of the rows of a file.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sums {
    /// As they are written.
    pub(crate) sent: RowSum,
    /// As they are without faults.
    pub(crate) clean: Option<RowSum>,
}

impl FileEntry {
    /// Tells whether the file in a folder has just the bytes that it was finished with.
    ///
    /// # Errors
    ///
    /// If it cannot be read. A file that is missing is not an error.
    pub fn is_whole(&self, folder: &Path) -> Result<bool> {
        let mut hash = Sha256::new();
        let seen = hash_on(folder, &self.path, &mut hash, 0, self.bytes.saturating_add(1))?;
        Ok(seen == self.bytes && hex(&hash.finalize()) == self.sha256)
    }
}

/// The state of a file after some chunks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileState {
    pub(super) table: String,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    pub(super) digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) clean: Option<CleanRows>,
}

impl FileState {
    /// The sums of the rows so far; `None` where one cannot be read.
    pub(super) fn sums(&self) -> Option<Sums> {
        let clean = match &self.clean {
            Some(clean) => Some(clean.sum()?),
            None => None,
        };
        Some(Sums { sent: RowSum::parse(self.rows, &self.digest)?, clean })
    }
}

/// A file of an interrupted run that holds some chunks.
#[derive(Clone)]
pub(crate) struct PartialFile {
    pub(super) state: FileState,
    /// The hash of its bytes so far.
    pub(super) hash: Sha256,
}

/// An open file of one table.
pub(crate) struct OutputFile {
    table: String,
    path: String,
    shown: PathBuf,
    names: Option<Names>,
    stream: Shared,
    sink: Option<Box<dyn Sink>>,
}

/// The name of a file while it is written, and its name for good.
struct Names {
    temporary: PathBuf,
    whole: PathBuf,
}

impl OutputFile {
    /// Creates the file of a table below a folder, or reopens the one of an interrupted run where it was at a chunk's end.
    pub(crate) fn create(
        disk: &dyn Disk,
        folder: &Path,
        table: &str,
        path: &str,
        encoder: &dyn Encoder,
        past: Option<&PartialFile>,
    ) -> Result<Self> {
        let whole = below(folder, path);
        if let Some(parent) = whole.parent() {
            own_folder(disk, parent)?;
        }
        let temporary = temporary(&whole);
        let raw = match past {
            None => fresh(disk, &temporary)?,
            Some(past) => {
                retry(|| disk.reopen(&temporary, past.state.bytes)).map_err(|error| Error::io(&temporary, error))?
            }
        };
        let shown = whole.clone();
        let mut file = Self::new(table, path, shown, raw, past);
        file.names = Some(Names { temporary, whole });
        file.start(encoder, past)
    }

    /// A table on standard output; `path` is what its file would be called.
    pub(crate) fn stdout(table: &str, path: &str, encoder: &dyn Encoder) -> Result<Self> {
        let shown = PathBuf::from("standard output");
        Self::new(table, path, shown, Box::new(io::stdout()), None).start(encoder, None)
    }

    fn new(table: &str, path: &str, shown: PathBuf, raw: Box<dyn Handle>, past: Option<&PartialFile>) -> Self {
        let (bytes, hash) = past.map_or((0, Sha256::new()), |past| (past.state.bytes, past.hash.clone()));
        let stream = Stream { raw: BufWriter::with_capacity(1 << 20, raw), bytes, hash, failed: None };
        let stream = Shared(Arc::new(Mutex::new(stream)));
        Self { table: table.to_owned(), path: path.to_owned(), shown, names: None, stream, sink: None }
    }

    fn start(mut self, encoder: &dyn Encoder, past: Option<&PartialFile>) -> Result<Self> {
        let out = Box::new(self.stream.clone());
        let sink = match past {
            None => encoder.open(out),
            Some(past) => encoder.reopen(out, past.state.rows),
        };
        self.sink = Some(sink.map_err(|error| self.named(error))?);
        Ok(self)
    }

    /// Appends the next rows.
    pub(crate) fn append(&mut self, piece: Piece) -> Result<()> {
        let sink = self.sink.as_mut().ok_or_else(|| Error::internal("a finished file"))?;
        sink.append(piece).map_err(|error| self.named(error))
    }

    /// Hands all bytes to the system, and gives the state of the file.
    pub(super) fn state(&self, sums: &Sums) -> Result<FileState> {
        let mut stream = lock(&self.stream.0);
        stream.raw.flush().map_err(|error| Error::io(&self.shown, error))?;
        let sha256 = hex(&stream.hash.clone().finalize());
        let (sum, clean) = (&sums.sent, sums.clean.as_ref().map(CleanRows::new));
        let (table, bytes) = (self.table.clone(), stream.bytes);
        Ok(FileState { table, rows: sum.rows, bytes, sha256, digest: sum.hex(), clean })
    }

    /// The system's word on what went wrong, with the file's name.
    fn named(&self, error: Error) -> Error {
        let failed = lock(&self.stream.0).failed.take();
        failed.map_or(error, |cause| Error::io(&self.shown, cause))
    }

    /// Writes the end, syncs, and gives the file its name.
    pub(crate) fn finish(mut self, disk: &dyn Disk, sums: &Sums) -> Result<FileEntry> {
        let sink = self.sink.take().ok_or_else(|| Error::internal("a finished file"))?;
        drop(sink.finish().map_err(|error| self.named(error))?);
        let FileState { rows, bytes, sha256, digest, clean, .. } = self.state(sums)?;
        retry(|| lock(&self.stream.0).raw.get_mut().sync()).map_err(|error| Error::io(&self.shown, error))?;
        if let Some(names) = &self.names {
            place(disk, &names.temporary, &names.whole)?;
        }
        Ok(FileEntry { table: self.table, path: self.path, rows, bytes, sha256, digest, clean })
    }
}

/// The bytes of a file, counted and hashed on their way.
struct Stream {
    raw: BufWriter<Box<dyn Handle>>,
    bytes: u64,
    hash: Sha256,
    /// The first error: libraries keep its text alone, and a closed pipe must be told from a full disk.
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
        let mut stream = lock(&self.0);
        let written = stream.raw.write(bytes).inspect_err(|error| stream.note(error))?;
        stream.bytes += written as u64;
        stream.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut stream = lock(&self.0);
        stream.raw.flush().inspect_err(|error| stream.note(error))
    }
}

/// Hashes up to `length` bytes of a file below a folder from byte `from` on, and gives how many there were: none of a file that
/// does not exist, or that a link or something else takes the name of.
pub(super) fn hash_on(folder: &Path, path: &str, hash: &mut Sha256, from: u64, length: u64) -> Result<u64> {
    let io = |error| Error::io(below(folder, path), error);
    let mut file = match open_below(folder, path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidInput) => return Ok(0),
        file => file.map_err(io)?,
    };
    io::Seek::seek(&mut file, io::SeekFrom::Start(from)).map_err(io)?;
    let (mut file, mut buffer, mut seen) = (file.take(length), vec![0; 1 << 16], 0);
    loop {
        match retry(|| file.read(&mut buffer)).map_err(io)? {
            0 => return Ok(seen),
            read => {
                hash.update(&buffer[..read]);
                seen += read as u64;
            }
        }
    }
}
