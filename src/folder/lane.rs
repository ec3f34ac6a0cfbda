//! A lane per file: workers submit what they encoded, and it is appended in order.

use std::collections::BTreeMap;
use std::sync::Mutex;

use arrow_array::RecordBatch;

use super::Folder;
use super::file::{FileEntry, FileState, OutputFile, PartialFile, Sums};
use super::journal::Journal;
use crate::dataset::{DataSet, Output, OutputId};
use crate::digest::RowSum;
use crate::disk::Disk;
use crate::engine::{Encode, Encoded};
use crate::error::Result;
use crate::format::write::{Canonical, Encoder};
use crate::format::{Format, Options};
use crate::order::{Lane, lock};

/// Encodes the rows of one output for a file, and sums them.
pub(crate) struct FileEncoder {
    encoder: Box<dyn Encoder>,
    canonical: Canonical,
}

impl FileEncoder {
    pub(crate) fn new(format: &Format, options: &Options, output: &Output) -> Result<Self> {
        let encoder = (format.encoder)(&output.schema, options)?;
        Ok(Self { encoder, canonical: Canonical::new(&output.schema)? })
    }
}

impl Encode for FileEncoder {
    fn encode(&self, batch: RecordBatch) -> Result<Encoded> {
        let (piece, held) = self.canonical.encode(self.encoder.as_ref(), batch)?;
        Ok(Encoded { sum: held.sum, held: Some(held), piece, clean: None })
    }
}

/// One output's file, and the encoded chunks that wait for their turn.
pub(crate) struct FileLane {
    pub(crate) output: OutputId,
    lane: Lane<Encoded, Open>,
}

struct Open {
    /// The rows of the file and their logical digest, with faults and without.
    sums: Sums,
    file: OutputFile,
}

impl FileLane {
    /// Opens the file of an output in a folder: a new one, or the one that an interrupted run left.
    pub(super) fn open(
        folder: &Folder<'_>,
        set: &DataSet,
        output: &Output,
        encoder: &dyn Encoder,
        past: Option<&PartialFile>,
    ) -> Result<Self> {
        let path = folder.file_path(output, set.this_part());
        let file = OutputFile::create(folder.disk, &folder.path, &output.name, &path, encoder, past)?;
        let faulty = set.is_faulty(output).then(RowSum::default);
        let new = Sums { clean: faulty, ..Sums::default() };
        Ok(Self::new(output.id, file, past.and_then(|past| past.state.sums()).unwrap_or(new)))
    }

    /// A lane to an open file that has some rows.
    pub(crate) fn new(output: OutputId, file: OutputFile, sums: Sums) -> Self {
        Self { output, lane: Lane::new(Open { sums, file }) }
    }

    /// Submits the encoded rows of a chunk; where a file is a chunk further by that, the checkpoints learn it.
    pub(crate) fn submit(
        &self,
        index: u64,
        encoded: Encoded,
        checkpoints: Option<(&Checkpoints, &Journal)>,
    ) -> Result<()> {
        self.lane.submit(index, encoded, |open, index, encoded| {
            open.file.append(encoded.piece)?;
            open.sums.sent.merge(&encoded.sum);
            if let (Some(all), Some(clean)) = (&mut open.sums.clean, &encoded.clean) {
                all.merge(clean);
            }
            match checkpoints {
                Some((checkpoints, journal)) => checkpoints.reached(journal, index, open.file.state(&open.sums)?),
                None => Ok(()),
            }
        })
    }

    /// Completes the file.
    pub(crate) fn close(self, disk: &dyn Disk) -> Result<(OutputId, FileEntry)> {
        let open = self.lane.into_inner();
        Ok((self.output, open.file.finish(disk, &open.sums)?))
    }
}

/// Waits until a chunk is in every file of its tree, and writes that to the journal.
pub(crate) struct Checkpoints {
    tree: String,
    lanes: usize,
    chunks: Mutex<BTreeMap<u64, Settling>>,
}

#[derive(Default)]
struct Settling {
    /// The root row after the chunk.
    row: u64,
    files: Vec<FileState>,
}

impl Checkpoints {
    pub(super) fn new(tree: &str, lanes: usize) -> Self {
        Self { tree: tree.to_owned(), lanes, chunks: Mutex::default() }
    }

    /// Announces a chunk before any file gets it: the chunk ends before a root row.
    pub(super) fn expect(&self, index: u64, row: u64) {
        lock(&self.chunks).insert(index, Settling { row, files: Vec::new() });
    }

    /// Notes that a chunk is in a file. Files take chunks in order, so that the one which is in all of them is the oldest.
    fn reached(&self, journal: &Journal, index: u64, state: FileState) -> Result<()> {
        let mut chunks = lock(&self.chunks);
        let settling = chunks.entry(index).or_default();
        settling.files.push(state);
        if settling.files.len() < self.lanes {
            return Ok(());
        }
        match chunks.remove(&index) {
            Some(Settling { row, files }) => journal.chunk(&self.tree, row, files),
            None => Ok(()),
        }
    }
}
