//! Which chunk is next: cut one after the other, with bounded room ahead of the oldest that is not finished.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, PoisonError};

use super::{Progress, hold};
use crate::error::{Error, Result};

/// Hands out chunks; at most `window` are ahead of the oldest that is not finished.
pub(super) struct Queue {
    state: Mutex<State>,
    room: Condvar,
    window: u64,
}

#[derive(Default)]
struct State {
    /// The first row of the next chunk.
    row: u64,
    next: u64,
    oldest: u64,
    finished: BTreeSet<u64>,
    error: Option<Error>,
}

impl Queue {
    /// A queue of the chunks from `row` on.
    pub(super) fn new(row: u64, window: u64) -> Self {
        Self { state: Mutex::new(State { row, ..State::default() }), room: Condvar::new(), window }
    }

    /// The next chunk before `end`: its index and its rows, where `cut` says how far a chunk from a row goes.
    pub(super) fn take(&self, end: u64, cut: impl Fn(u64) -> u64, progress: &Progress) -> Option<(u64, Range<u64>)> {
        let mut state = hold(&self.state);
        loop {
            if state.error.is_some() || state.row >= end || progress.stop.load(Ordering::Relaxed) != 0 {
                return None;
            }
            if state.next < state.oldest + self.window {
                let rows = state.row..cut(state.row);
                state.row = rows.end;
                state.next += 1;
                return Some((state.next - 1, rows));
            }
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn finished(&self, chunk: u64, made: Result<()>) {
        let mut state = hold(&self.state);
        if let Err(error) = made {
            state.error.get_or_insert(error);
        }
        state.finished.insert(chunk);
        while {
            let oldest = state.oldest;
            state.finished.remove(&oldest)
        } {
            state.oldest += 1;
        }
        self.room.notify_all();
    }

    /// The first error that a chunk had.
    pub(super) fn close(self) -> Result<()> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.error.map_or(Ok(()), Err)
    }
}
