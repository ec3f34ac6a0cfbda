//! One load into a database.

mod completion;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use arrow_array::RecordBatch;

use super::columns::Receiver;
use super::connection::{Again, Attempt, Connection, Failure, Server};
use super::ledger::{self, Entry, Ledger, Load};
use super::options::Options;
use super::pool::Pool;
use super::retry::{Retry, until_done};
use super::violation::Rule;
use crate::dataset::{DataSet, Output, OutputId, TreeShare};
use crate::engine::{ChunkId, Done, Encode, Encoded, Outcome, Progress, Session};
use crate::error::{Error, Kind, Result};

use crate::order::{Lane, lock};

/// A database that is ready to be loaded.
pub(super) struct Opened {
    pub(super) connection: Box<dyn Connection>,
    pub(super) load: Load,
    /// The tables that take the rows, in the order of the outputs.
    pub(super) receivers: Vec<Receiver>,
    /// True if chunks must be written in their order, because a foreign key is enforced row by row.
    pub(super) in_order: bool,
}

/// A load that is under way.
pub(super) struct DatabaseSession<'a> {
    server: &'a dyn Server,
    options: &'a Options,
    set: &'a DataSet,
    progress: &'a Progress,
    pool: Pool<'a>,
    load: Load,
    receivers: BTreeMap<OutputId, Receiver>,
    /// True if chunks are written in their order, because a row may need one of an earlier chunk.
    in_order: bool,
    /// The chunks of the tree that wait for their turn.
    lane: Mutex<Arc<Lane<Waiting, ()>>>,
}

/// The encoded rows of a chunk.
struct Waiting {
    tree: TreeShare,
    rows: Range<u64>,
    encoded: Vec<(OutputId, Encoded)>,
}

impl<'a> DatabaseSession<'a> {
    pub(super) fn new(
        server: &'a dyn Server,
        options: &'a Options,
        set: &'a DataSet,
        progress: &'a Progress,
        opened: Opened,
    ) -> Self {
        let Opened { connection, load, receivers, in_order } = opened;
        let receivers = set.outputs().iter().map(|output| output.id).zip(receivers).collect();
        let lane = Mutex::new(Arc::new(Lane::new(())));
        let pool = Pool::new(server, connection, options.connections);
        Self { server, options, set, progress, pool, load, receivers, in_order, lane }
    }

    /// The outcome of a database that has all rows of this part, and of the whole its manifest; `None` for any other.
    pub(super) fn complete(&self) -> Attempt<Option<Outcome>> {
        self.connected(|connection| {
            let sql = self.server.sql();
            let entries = Ledger::new(connection, sql).entries(&self.load.id)?;
            let kept = Ledger::new(connection, sql).load(&self.load.id)?.is_some_and(|load| load.manifest.is_some());
            if !kept && (self.is_whole(&entries) || !self.has_part(&entries)) {
                return Ok(None);
            }
            connection.close()?;
            Ok(Some(Outcome { unchanged: true, ..self.outcome(connection, &entries)? }))
        })
    }

    fn connected<T>(&self, run: impl FnOnce(&mut dyn Connection) -> Attempt<T>) -> Attempt<T> {
        self.pool.with(|connection| {
            let done = run(connection);
            let lost = matches!(&done, Err(failure) if failure.again == Again::Connection);
            (done, lost)
        })
    }

    fn has_part(&self, entries: &[Entry]) -> bool {
        self.set.trees().iter().all(|tree| has(entries, &tree.name, &tree.rows))
    }

    /// Tells whether all rows of all parts are there.
    fn is_whole(&self, entries: &[Entry]) -> bool {
        if self.set.selection().is_some() {
            return self.has_part(entries);
        }
        let tables = &self.set.plan().tables;
        self.set.trees().iter().all(|tree| has(entries, &tree.name, &(0..tables[tree.root].rows)))
    }

    fn outcome(&self, connection: &mut dyn Connection, entries: &[Entry]) -> Attempt<Outcome> {
        let names: Vec<&str> = self.set.outputs().iter().map(|output| output.name.as_str()).collect();
        Ok(Outcome {
            outputs: names.len(),
            rows: entries.iter().map(|entry| entry.sum.rows).sum(),
            bytes: connection.bytes(&names)?,
            place: Some(self.server.shown()),
            ..Outcome::default()
        })
    }

    /// Prepares for writing.
    pub(super) fn begin_writing(&self) -> Attempt<()> {
        self.connected(|connection| connection.begin_writing())
    }

    /// Ends a load that failed with an error; where it has no rows and no other loader can write any, nothing of it is left.
    pub(super) fn abandon(&self, error: Error) -> Error {
        if !self.server.sql().parallel {
            // The error is told, not that nothing could be undone.
            let _kept = self.connected(|connection| self.undo_if_empty(connection));
        }
        error
    }

    /// Removes a load without rows from a database that has no other writer.
    fn undo_if_empty(&self, connection: &mut dyn Connection) -> Attempt<()> {
        let sql = self.server.sql();
        if !Ledger::new(connection, sql).entries(&self.load.id)?.is_empty() {
            return Ok(());
        }
        connection.run(sql.begin)?;
        connection.drop_tables(&self.load.made.iter().map(String::as_str).collect::<Vec<_>>())?;
        Ledger::new(connection, sql).remove(&self.load.id, false)?;
        connection.run("COMMIT")
    }

    /// Writes a chunk exactly once, however often that takes.
    fn commit(&self, index: u64, waiting: &Waiting) -> Result<()> {
        let Waiting { tree, rows, encoded } = waiting;
        let chunk = &ChunkId { tree, index, rows: rows.clone() };
        let entry = |(id, encoded): &(OutputId, Encoded)| Entry {
            tree: chunk.tree.name.clone(),
            rows: chunk.rows.clone(),
            table: self.set.output(*id).name.clone(),
            sum: encoded.sum,
        };
        let entries: Vec<Entry> = encoded.iter().map(entry).collect();
        let mut retry = Retry::new(self.progress, self.options.seconds());
        loop {
            let mut at = None;
            let written = self.connected(|connection| {
                let written = self.write(connection, chunk, &entries, encoded);
                match written {
                    Ok(left) => Ok(left),
                    Err((id, failure)) => {
                        at = id;
                        if failure.again == Again::Connection {
                            return Err(failure);
                        }
                        // Where this fails, the next transaction does too, and says so.
                        let _undone = connection.run("ROLLBACK");
                        Err(failure)
                    }
                }
            });
            match written {
                Ok(left) => return self.fill(chunk, left),
                Err(failure) if failure.again == Again::Never => {
                    // A loader with other chunks may have written the row while this one waited for its key.
                    let unique = failure.violation.as_ref().is_some_and(|violation| violation.rule == Rule::Unique);
                    let there = if unique { self.within(chunk)? } else { Vec::new() };
                    return match there.is_empty() {
                        true => Err(self.refused(chunk, at, failure)),
                        false => self.fill(chunk, ledger::gaps(rows, &there)),
                    };
                }
                Err(failure) => retry.wait(failure)?,
            }
        }
    }

    /// The ranges of a chunk that are there.
    fn within(&self, chunk: &ChunkId<'_>) -> Result<Vec<Range<u64>>> {
        until_done(self.progress, self.options.seconds(), || {
            self.connected(|connection| {
                Ledger::new(connection, self.server.sql()).within(&self.load.id, &chunk.tree.name, &chunk.rows)
            })
        })
    }

    /// Writes what loaders whose chunks begin elsewhere, such as those of a part, left of a chunk.
    fn fill(&self, chunk: &ChunkId<'_>, left: Vec<Range<u64>>) -> Result<()> {
        for rows in left {
            let mut made = self.set.chunk(chunk.tree, rows.clone())?;
            let mut encoded = Vec::new();
            for output in self.set.outputs() {
                let Some(batch) = made.batches.swap_remove(&output.id) else { continue };
                encoded.push((output.id, self.server.encoder(&self.receivers[&output.id])?.encode(batch)?));
            }
            self.commit(chunk.index, &Waiting { tree: chunk.tree.clone(), rows, encoded })?;
        }
        Ok(())
    }

    /// Writes a chunk in one transaction, or nothing where others have written rows of it; gives the ranges that are left to write.
    fn write(
        &self,
        connection: &mut dyn Connection,
        chunk: &ChunkId<'_>,
        entries: &[Entry],
        encoded: &[(OutputId, Encoded)],
    ) -> Result<Vec<Range<u64>>, (Option<OutputId>, Failure)> {
        let plain = |failure| (None, failure);
        connection.run(self.server.sql().begin).map_err(plain)?;
        let mut ledger = Ledger::new(connection, self.server.sql());
        let entered = ledger.enter(&self.load.id, entries).map_err(plain)?;
        let mut there = ledger.within(&self.load.id, &chunk.tree.name, &chunk.rows).map_err(plain)?;
        there.retain(|range| !entered || *range != chunk.rows);
        if !entered || !there.is_empty() {
            connection.run("ROLLBACK").map_err(plain)?;
            return Ok(ledger::gaps(&chunk.rows, &there));
        }
        for (id, Encoded { piece, .. }) in encoded {
            connection.insert(&self.receivers[id], piece).map_err(|failure| (Some(*id), failure))?;
        }
        connection.run("COMMIT").map_err(plain)?;
        Ok(Vec::new())
    }

    /// The error of a row that the database refuses, with the row; its chunk is made again to find it.
    fn refused(&self, chunk: &ChunkId<'_>, id: Option<OutputId>, failure: Failure) -> Error {
        let Some(violation) = &failure.violation else {
            let tree = &chunk.tree.name;
            let rows = &chunk.rows;
            let table = id.map_or_else(String::new, |id| format!("table `{}`, ", self.set.output(id).name));
            return failure.error.within(&format!("{table}chunk `{tree}` {}..{}", rows.start, rows.end));
        };
        let named = violation.table.as_ref();
        let id = named.and_then(|name| self.set.outputs().iter().find(|o| o.name == *name)).map(|o| o.id).or(id);
        let Some(id) = id else { return failure.error };
        let batch = |id: OutputId| -> Result<Option<RecordBatch>> {
            Ok(self.set.chunk(chunk.tree, chunk.rows.clone())?.batches.swap_remove(&id))
        };
        match batch(id) {
            Ok(Some(batch)) => {
                let table = &self.set.output(id).name;
                violation.error(table, chunk, &batch, failure.error, self.options.show_values)
            }
            _ => failure.error,
        }
    }
}

fn has(entries: &[Entry], tree: &str, rows: &std::ops::Range<u64>) -> bool {
    let there = ledger::ranges(entries, tree);
    rows.is_empty() || there.iter().any(|range| range.start <= rows.start && rows.end <= range.end)
}

impl Session for DatabaseSession<'_> {
    fn begin_tree(&self, tree: &TreeShare) -> Result<Done> {
        *lock(&self.lane) = Arc::new(Lane::new(()));
        let read = || self.connected(|connection| Ledger::new(connection, self.server.sql()).entries(&self.load.id));
        let entries = until_done(self.progress, self.options.seconds(), read)?;
        let mut rows = ledger::ranges(&entries, &tree.name);
        for range in &mut rows {
            *range = range.start.max(tree.rows.start)..range.end.min(tree.rows.end);
        }
        rows.retain(|range| range.start < range.end);
        let within = |entry: &&Entry| {
            entry.tree == tree.name && entry.rows.start < tree.rows.end && entry.rows.end > tree.rows.start
        };
        let reused_rows = entries.iter().filter(within).map(|entry| entry.sum.rows).sum();
        Ok(Done { rows, reused_rows, ..Done::default() })
    }

    fn encoder<'s>(&'s self, output: &Output) -> Result<Box<dyn Encode + 's>> {
        self.server.encoder(&self.receivers[&output.id])
    }

    fn deliver(&self, chunk: &ChunkId<'_>, encoded: Vec<(OutputId, Encoded)>) -> Result<()> {
        let waiting = Waiting { tree: chunk.tree.clone(), rows: chunk.rows.clone(), encoded };
        if !self.in_order {
            return self.commit(chunk.index, &waiting);
        }
        let lane = Arc::clone(&lock(&self.lane));
        lane.submit(chunk.index, waiting, |(), index, waiting| self.commit(index, &waiting))
    }

    fn end_tree(&self, _: &TreeShare) -> Result<()> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        until_done(self.progress, self.options.seconds(), || {
            let described = self.connected(|connection| {
                let entries = Ledger::new(connection, self.server.sql()).entries(&self.load.id)?;
                if let Some(tree) = ledger::doubled(&entries) {
                    let what = format!("two loads of different parts wrote the same rows of `{tree}` at the same time");
                    let hint = "--mode replace makes tables of earlier loads again; load parts that do not overlap";
                    return Err(Error::new(Kind::Verification, what).hint(hint).into());
                }
                let whole = self.is_whole(&entries);
                if whole {
                    self.progress.stopped()?;
                    self.describe(connection)?;
                }
                Ok(whole)
            })?;
            if described {
                self.analyze()?;
            }
            self.connected(|connection| {
                connection.close()?;
                let entries = Ledger::new(connection, self.server.sql()).entries(&self.load.id)?;
                self.outcome(connection, &entries)
            })
        })
    }

    fn fail(self: Box<Self>, error: Error) -> Error {
        match error.kind() {
            Kind::Profile | Kind::Usage => self.abandon(error),
            Kind::Interrupted | Kind::Terminated => error.hint("the same command continues from here"),
            _ => error,
        }
    }
}
