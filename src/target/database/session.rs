//! One load into a database.

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
use super::schema;
use crate::dataset::{DataSet, Output, OutputId, TreeShare};
use crate::engine::{ChunkId, Done, Encode, Encoded, Outcome, Progress, Session};
use crate::error::{Error, Kind, Result};
use crate::folder::manifest::{FormatSettings, Manifest};
use crate::order::{Lane, lock};

/// A database that is ready to be loaded.
pub(super) struct Opened {
    pub(super) connection: Box<dyn Connection>,
    pub(super) load: Load,
    /// The tables that take the rows, in the order of the outputs.
    pub(super) receivers: Vec<Receiver>,
    /// Whether chunks must be written in their order, because a foreign key is enforced row by row.
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
    /// Whether chunks are written in their order, because a row may need one of an earlier chunk.
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
        let pool = Pool::new(server, connection);
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
                let written = self.write(connection, &entries, encoded);
                match written {
                    Ok(_) => Ok(()),
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
                Ok(()) => return Ok(()),
                Err(failure) if failure.again == Again::Never => return Err(self.refused(chunk, at, failure)),
                Err(failure) => retry.wait(failure)?,
            }
        }
    }

    /// Writes a chunk in one transaction; `false` where another loader has written it.
    fn write(
        &self,
        connection: &mut dyn Connection,
        entries: &[Entry],
        encoded: &[(OutputId, Encoded)],
    ) -> Result<bool, (Option<OutputId>, Failure)> {
        let plain = |failure| (None, failure);
        connection.run(self.server.sql().begin).map_err(plain)?;
        if !Ledger::new(connection, self.server.sql()).enter(&self.load.id, entries).map_err(plain)? {
            connection.run("ROLLBACK").map_err(plain)?;
            return Ok(false);
        }
        for (id, Encoded { piece, .. }) in encoded {
            connection.insert(&self.receivers[id], piece).map_err(|failure| (Some(*id), failure))?;
        }
        connection.run("COMMIT").map_err(plain)?;
        Ok(true)
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

    /// Checks a database that has all rows, adds what waits for them, and keeps the manifest.
    fn describe(&self, connection: &mut dyn Connection) -> Attempt<()> {
        connection.lock()?;
        let done = self.described(connection);
        if done.is_ok() {
            connection.unlock()?;
        }
        done
    }

    fn described(&self, connection: &mut dyn Connection) -> Attempt<()> {
        let sql = self.server.sql();
        let Some(load) = Ledger::new(connection, sql).load(&self.load.id)? else {
            return Err(damaged("the load was removed from the ledger").into());
        };
        if load.manifest.is_some() {
            return Ok(());
        }
        connection.run(sql.begin)?;
        let entries = Ledger::new(connection, sql).entries(&self.load.id)?;
        let sums = ledger::sums(&entries);
        let names: Vec<&str> = self.set.outputs().iter().map(|output| output.name.as_str()).collect();
        if self.options.defer_foreign_keys || !sql.enforces {
            let orphans = connection.orphans(&names)?;
            if !orphans.is_empty() {
                return Err(damaged(&orphans.join("; ")).into());
            }
        }
        for name in &load.made {
            let count = connection.query(&format!("SELECT count(*) FROM {}", (sql.quoted)(name)), &[])?;
            let there = count.first().and_then(|row| row.first()?.as_ref()?.parse::<u64>().ok());
            if there != Some(sums.get(name.as_str()).map_or(0, |sum| sum.rows)) {
                return Err(damaged(&format!("the table `{name}` has rows that the ledger has not")).into());
            }
        }
        for table in schema::statements(self.set, &load.made, sql) {
            for statement in &table.after {
                self.progress.stopped()?;
                connection.add(statement)?;
            }
        }
        for table in connection.tables()? {
            let fills = |receiver: &Receiver| receiver.table == table.name && receiver.columns.is_some();
            if self.receivers.values().any(fills) {
                for statement in connection.advance(&table)? {
                    connection.run(&statement)?;
                }
            }
        }
        let sum = |table: &str| sums.get(table).copied().unwrap_or_default();
        let mut manifest = Manifest::without_files(sql.name, FormatSettings::none(), self.set, sum);
        // The parts that are there are the whole.
        manifest.part = None;
        Ledger::new(connection, sql).keep_manifest(&self.load.id, &manifest.to_json())?;
        connection.run("COMMIT")?;
        connection.analyze(&names)
    }
}

fn has(entries: &[Entry], tree: &str, rows: &std::ops::Range<u64>) -> bool {
    let there = ledger::ranges(entries, tree);
    rows.is_empty() || there.iter().any(|range| range.start <= rows.start && rows.end <= range.end)
}

fn damaged(what: &str) -> Error {
    Error::new(Kind::Verification, what).hint(
        "the database was changed during the load, or the profile has references that lead nowhere: `placebo check` finds those",
    )
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
            self.connected(|connection| {
                let entries = Ledger::new(connection, self.server.sql()).entries(&self.load.id)?;
                if self.is_whole(&entries) {
                    self.progress.stopped()?;
                    self.describe(connection)?;
                }
                connection.close()?;
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
