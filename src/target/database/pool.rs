//! The connections of a load: one for each thread that needs one at a time, or a single one where the database has one writer.

use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, PoisonError};

use super::connection::{Attempt, Connection, Server};
use crate::order::lock;

/// Connections that are not in use.
pub(super) struct Pool<'s> {
    server: &'s dyn Server,
    idle: Mutex<Idle>,
    returned: Condvar,
}

struct Idle {
    connections: Vec<Box<dyn Connection>>,
    /// The number that may still be opened.
    room: usize,
}

impl<'s> Pool<'s> {
    /// A pool with an open connection, of at most so many.
    pub(super) fn new(server: &'s dyn Server, first: Box<dyn Connection>, most: Option<NonZeroUsize>) -> Self {
        let room = if server.sql().parallel { most.map_or(usize::MAX, NonZeroUsize::get) - 1 } else { 0 };
        Self { server, idle: Mutex::new(Idle { connections: vec![first], room }), returned: Condvar::new() }
    }

    /// Runs with a connection, which is kept for the next one unless the run says that it is lost.
    pub(super) fn with<T>(&self, run: impl FnOnce(&mut dyn Connection) -> (Attempt<T>, bool)) -> Attempt<T> {
        let mut connection = self.take()?;
        let (done, lost) = run(connection.as_mut());
        let mut idle = lock(&self.idle);
        if lost {
            idle.room = idle.room.saturating_add(1);
        } else {
            idle.connections.push(connection);
        }
        drop(idle);
        self.returned.notify_one();
        done
    }

    /// The number of open connections that are not in use.
    pub(super) fn idle(&self) -> usize {
        lock(&self.idle).connections.len()
    }

    fn take(&self) -> Attempt<Box<dyn Connection>> {
        let mut idle = lock(&self.idle);
        loop {
            if let Some(connection) = idle.connections.pop() {
                return Ok(connection);
            }
            if idle.room > 0 {
                idle.room -= 1;
                drop(idle);
                return self.server.connect().inspect_err(|_| {
                    let mut idle = lock(&self.idle);
                    idle.room = idle.room.saturating_add(1);
                });
            }
            idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
