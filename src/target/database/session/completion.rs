//! The end of a load whose rows are all there: checks, constraints, sequences, the manifest.

use std::sync::Mutex;

use super::DatabaseSession;
use crate::error::{Error, Kind};
use crate::folder::manifest::{FormatSettings, Manifest};
use crate::order::lock;
use crate::target::database::columns::Receiver;
use crate::target::database::connection::{Again, Attempt, Connection};
use crate::target::database::ledger::{self, Ledger};
use crate::target::database::schema;

impl DatabaseSession<'_> {
    /// Checks a database that has all rows, adds what waits for them, and keeps the manifest.
    pub(super) fn describe(&self, connection: &mut dyn Connection) -> Attempt<()> {
        connection.lock()?;
        let done = self.described(connection);
        match &done {
            Ok(()) => connection.unlock()?,
            // A connection that is lost has no transaction and no lock. On one that is not, the lock would keep the next attempt waiting;
            // where this fails, that attempt says so.
            Err(failure) if failure.again != Again::Connection => {
                let _undone = connection.run("ROLLBACK").and_then(|()| connection.unlock());
            }
            Err(_) => {}
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
            if connection.count(name, sql)? != sums.get(name.as_str()).map_or(0, |sum| sum.rows) {
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
        let sum = |table: &str| (sums.get(table).copied().unwrap_or_default(), None);
        let mut manifest = Manifest::without_files(sql.name, FormatSettings::none(), self.set, sum);
        // The parts that are there are the whole.
        manifest.part = None;
        Ledger::new(connection, sql).keep_manifest(&self.load.id, &manifest.to_json())?;
        connection.run("COMMIT")
    }

    /// Gathers the statistics that the planner needs, on all connections that the load has opened.
    pub(super) fn analyze(&self) -> Attempt<()> {
        let names: Vec<&str> = self.set.outputs().iter().map(|output| output.name.as_str()).collect();
        let connections = self.pool.idle();
        if connections < 2 {
            return self.connected(|connection| connection.analyze(&names));
        }
        let left = Mutex::new(names.iter());
        let worker = || {
            while let Some(name) = { lock(&left).next() } {
                self.connected(|connection| connection.analyze(&[name]))?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..connections).map(|_| scope.spawn(worker)).collect();
            let panicked = || Error::internal("a thread that gathers statistics panicked").into();
            workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| Err(panicked())))
        })
    }
}

fn damaged(what: &str) -> Error {
    Error::new(Kind::Verification, what).hint(
        "the database was changed during the load, or the profile has references that lead nowhere: `placebo check` finds those",
    )
}
