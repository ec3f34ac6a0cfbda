//! How far a run is, for whoever watches it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::order::lock;

/// The number of the signal `SIGTERM`.
const TERMINATE: usize = 15;

/// How far a run is.
#[derive(Debug, Default)]
pub struct Progress {
    /// Rows handed to the target.
    pub rows: AtomicU64,
    /// Root rows finished.
    pub done: AtomicU64,
    /// Of the rows, those that an interrupted run had made.
    reused: AtomicU64,
    /// Bytes of text handed to the target.
    pub bytes: AtomicU64,
    /// Set to the number of a signal to stop the run at the next chunk; 0 while it may go on.
    pub stop: Arc<AtomicUsize>,
    events: Mutex<Vec<Event>>,
}

/// Something that a target finished, such as a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The event's name in logs.
    pub name: &'static str,
    /// Its fields, as a JSON object.
    pub fields: Value,
}

impl Progress {
    /// An error if the run was told to stop.
    ///
    /// # Errors
    ///
    /// If it was.
    pub fn stopped(&self) -> Result<()> {
        let kind = match self.stop.load(Ordering::Relaxed) {
            0 => return Ok(()),
            TERMINATE => Kind::Terminated,
            _ => Kind::Interrupted,
        };
        Err(Error::new(kind, "stopped").hint("--resume goes on from here"))
    }

    /// Counts reused rows and bytes as done.
    pub(super) fn reuse(&self, roots: u64, rows: u64, bytes: u64) {
        self.done.fetch_add(roots, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.reused.fetch_add(rows, Ordering::Relaxed);
    }

    /// Counts encoded rows and bytes, and gives the sums so far.
    pub(super) fn made(&self, rows: u64, bytes: u64) -> (u64, u64) {
        let rows = self.rows.fetch_add(rows, Ordering::Relaxed) + rows;
        (rows, self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes)
    }

    /// Counts root rows as done.
    pub(super) fn finished(&self, roots: u64) {
        self.done.fetch_add(roots, Ordering::Relaxed);
    }

    /// Of the rows, how many an interrupted run had made.
    #[must_use]
    pub fn reused(&self) -> u64 {
        self.reused.load(Ordering::Relaxed)
    }

    /// Tells that a target finished something.
    pub fn report(&self, name: &'static str, fields: Value) {
        lock(&self.events).push(Event { name, fields });
    }

    /// The events since this was asked last.
    pub fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut lock(&self.events))
    }
}
