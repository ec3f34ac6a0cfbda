//! A lane per table: workers lay down what they encoded, whoever finds the lane free appends what is next in order.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::journal::{Journal, State};
use super::output::{Begun, File};
use super::{FileEntry, Job, hold};
use crate::digest::RowSum;
use crate::error::Result;
use crate::format::write::{Canonical, Encoder, Piece};

/// One table's file, and the pieces that wait for their turn.
pub(super) struct Lane {
    pub(super) table: usize,
    pub(super) encoder: Box<dyn Encoder>,
    pub(super) canonical: Canonical,
    waiting: Mutex<BTreeMap<u64, (RowSum, Piece)>>,
    file: Mutex<Open>,
}

struct Open {
    next: u64,
    /// The rows of the file and their logical digest.
    sum: RowSum,
    file: File,
}

impl Lane {
    pub(super) fn open(job: &Job<'_>, table: usize, past: Option<&Begun>) -> Result<Self> {
        let plan = &job.plan.tables[table];
        let schema = job.protection.schema(job.plan, table);
        let encoder = (job.format.encoder)(&schema, &job.options)?;
        let file = job.target.open(job, &plan.name, encoder.as_ref(), past)?;
        let sum = past.and_then(|past| past.state.sum()).unwrap_or_default();
        let canonical = Canonical::new(&schema)?;
        Ok(Self { table, encoder, canonical, waiting: Mutex::default(), file: Mutex::new(Open { next: 0, sum, file }) })
    }

    /// Lays a piece down, and appends all that is next in order unless another thread is at it.
    pub(super) fn put(&self, index: u64, sum: RowSum, piece: Piece, settled: Option<&Settled<'_>>) -> Result<()> {
        hold(&self.waiting).insert(index, (sum, piece));
        loop {
            let Ok(mut open) = self.file.try_lock() else { return Ok(()) };
            while let Some((sum, piece)) = {
                let next = open.next;
                hold(&self.waiting).remove(&next)
            } {
                open.file.append(piece)?;
                open.next += 1;
                open.sum.merge(&sum);
                if let Some(settled) = settled {
                    settled.reached(open.next - 1, open.file.state(&open.sum)?)?;
                }
            }
            let next = open.next;
            drop(open);
            // A piece laid down between the last look and the release would wait for ever.
            if !hold(&self.waiting).contains_key(&next) {
                return Ok(());
            }
        }
    }

    pub(super) fn close(self, job: &Job<'_>) -> Result<FileEntry> {
        let open = self.file.into_inner().unwrap_or_else(PoisonError::into_inner);
        open.file.finish(job.disk, &open.sum)
    }
}

/// Waits until a chunk is in every file of its tree, and writes that down.
pub(super) struct Settled<'j> {
    journal: &'j Journal,
    tree: &'j str,
    lanes: usize,
    chunks: Mutex<BTreeMap<u64, Settling>>,
}

#[derive(Default)]
struct Settling {
    /// The root row after the chunk.
    row: u64,
    files: Vec<State>,
}

impl<'j> Settled<'j> {
    pub(super) fn new(journal: &'j Journal, tree: &'j str, lanes: usize) -> Self {
        Self { journal, tree, lanes, chunks: Mutex::default() }
    }

    /// A chunk is about to be made, which ends before a root row.
    pub(super) fn expect(&self, index: u64, row: u64) {
        hold(&self.chunks).insert(index, Settling { row, files: Vec::new() });
    }

    /// A chunk is in a file. Files take chunks in order, so that the one which is in all of them is the oldest.
    fn reached(&self, index: u64, state: State) -> Result<()> {
        let mut chunks = hold(&self.chunks);
        let settling = chunks.entry(index).or_default();
        settling.files.push(state);
        if settling.files.len() < self.lanes {
            return Ok(());
        }
        match chunks.remove(&index) {
            Some(Settling { row, files }) => self.journal.chunk(self.tree, row, files),
            None => Ok(()),
        }
    }
}
