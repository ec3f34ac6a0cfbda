//! The start of a load: the database is allowed, its tables are there or made, and each output has a table that takes its rows.

mod modes;

use std::path::PathBuf;

use super::columns::Receiver;
use super::connection::{Attempt, Connection, Failure, Server};
use super::ledger::{self, Ledger, Load, OWN};
use super::options::{Mode, Options};
use super::retry::until_done;
use super::session::{DatabaseSession, Opened};
use super::{guard, schema};
use crate::dataset::{DataSet, Output};
use crate::digest::RowSum;
use crate::disk::{Disk, retry};
use crate::engine::{Begun, Progress, Start, Target};
use crate::error::{Error, Kind, Result};
use crate::folder::estimate::{Care, Estimate, estimate, within_budget};
use crate::folder::manifest::{FormatSettings, Manifest};
use crate::format::{self, Format};
use crate::target::Settings;

/// A database as a target.
pub(crate) struct DatabaseTarget<'a> {
    pub(crate) server: Box<dyn Server + 'a>,
    pub(crate) options: Options,
    /// The format whose bytes are taken for those of the database, in estimates.
    pub(crate) measure: &'static Format,
    /// The disk that the rows need room on, if it is one of this machine.
    pub(crate) room: Option<Room<'a>>,
}

impl<'a> DatabaseTarget<'a> {
    /// The target of a server on another disk than this machine's, or on one that nothing is known of.
    pub(crate) fn of_server(
        server: Option<Result<Box<dyn Server + 'a>>>,
        settings: &Settings<'a>,
    ) -> Option<Result<Box<dyn Target + 'a>>> {
        let (options, measure) = (settings.database.clone(), settings.format);
        Some(server?.map(|server| Box::new(Self { server, options, measure, room: None }) as _))
    }
}

/// A disk that a database is on.
pub(crate) struct Room<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) folder: PathBuf,
    pub(crate) file: PathBuf,
}

/// The factor by which an estimate from a few rows must be smaller than the free room.
const ROUGH: f64 = 4.0;

impl Target for DatabaseTarget<'_> {
    fn begin<'a>(&'a self, set: &'a DataSet, _: Start, progress: &'a Progress) -> Result<Begun<'a>> {
        for output in set.outputs() {
            if output.name.to_ascii_lowercase().starts_with(OWN) {
                return Err(Error::usage(format!("a table of a database cannot be called `{}`", output.name))
                    .hint("leave it out with --tables, or give it another name in the profile"));
            }
            self.server.allow(&output.name, &output.schema)?;
        }
        let sizes = estimate(set, (self.measure, &format::Options::default()), Care::Quick)?;
        within_budget(set, &sizes)?;
        if self.options.retry_seconds.is_none() {
            // A server that is not there is told at once; later it may only be starting again.
            drop(self.server.connect().map_err(|failure| failure.error)?);
        }
        let opened = until_done(progress, self.options.seconds(), || self.open(set))?;
        let session = DatabaseSession::new(self.server.as_ref(), &self.options, set, progress, opened);
        match until_done(progress, self.options.seconds(), || session.complete())? {
            Some(outcome) => Ok(Begun::Complete(outcome)),
            None => {
                let ready = self.within_room(set, &sizes);
                let ready =
                    ready.and_then(|()| until_done(progress, self.options.seconds(), || session.begin_writing()));
                match ready {
                    Ok(()) => Ok(Begun::Session(Box::new(session))),
                    Err(error) => Err(session.abandon(error)),
                }
            }
        }
    }
}

impl DatabaseTarget<'_> {
    /// Refuses a data set that is larger than the room on the disk; `sizes` are a first estimate.
    fn within_room(&self, set: &DataSet, sizes: &[Estimate]) -> Result<()> {
        let bytes = |sizes: &[Estimate]| sizes.iter().map(|table| table.bytes).sum::<f64>();
        let Some(Room { disk, folder, file }) = &self.room else { return Ok(()) };
        let free = retry(|| disk.free(folder)).map_err(|error| Error::io(folder, error))? as f64;
        if bytes(sizes) * ROUGH < free {
            return Ok(());
        }
        let sizes = estimate(set, (self.measure, &format::Options::default()), Care::Careful)?;
        let needed = bytes(&sizes) - file.metadata().map_or(0, |file| file.len()) as f64;
        if needed < free {
            return Ok(());
        }
        let folder = folder.display();
        Err(Error::new(
            Kind::Io,
            format!("`{folder}` has no room: about {needed:.0} bytes are needed, {free:.0} are free"),
        )
        .hint("choose a file on another disk, or fewer rows"))
    }

    /// Opens the database for a load; what it writes, it does not write again.
    fn open(&self, set: &DataSet) -> Attempt<Opened> {
        let mut connection = self.server.connect()?;
        // The guard looks several times: another loader that makes its tables meanwhile must not look like one of others.
        connection.lock()?;
        let done = guard::allow(self.server.as_ref(), connection.as_mut(), &self.options)
            .map_err(Failure::from)
            .and_then(|()| self.prepare(set, connection.as_mut()));
        if done.is_ok() {
            connection.unlock()?;
        }
        let (load, receivers, in_order) = done?;
        Ok(Opened { connection, load, receivers, in_order })
    }

    /// Makes what is missing, and matches each output to its table.
    fn prepare(&self, set: &DataSet, connection: &mut dyn Connection) -> Attempt<(Load, Vec<Receiver>, bool)> {
        let sql = self.server.sql();
        let tables = connection.tables()?;
        let id = ledger::load_of(set, sql);
        let load = match Ledger::new(connection, sql).load(&id)? {
            Some(load) if sql.parallel && load.chunk_rows != set.set_chunk_rows() => {
                return Err(Error::usage("the load has chunks of another size")
                    .hint("repeat the command that began it")
                    .into());
            }
            Some(load) => load,
            None => {
                let mut manifest =
                    Manifest::without_files(sql.name, FormatSettings::none(), set, |_| (RowSum::default(), None));
                manifest.part = None;
                Load {
                    id,
                    placebo: env!("CARGO_PKG_VERSION").to_owned(),
                    profile: set.plan().name.clone(),
                    chunk_rows: set.set_chunk_rows(),
                    recipe: manifest.to_json(),
                    manifest: None,
                    made: self.to_make(set, connection, &tables)?,
                }
            }
        };
        let there = |name: &String| tables.iter().any(|table| table.name == *name);
        let missing: Vec<String> = load.made.iter().filter(|name| !there(name)).cloned().collect();
        let first = Ledger::new(connection, sql).load(&load.id)?.is_none();
        if !first && !missing.is_empty() {
            let entries = Ledger::new(connection, sql).entries(&load.id)?;
            if let Some(name) = missing.iter().find(|name| entries.iter().any(|entry| entry.table == **name)) {
                return Err(refused(format!(
                    "the table `{name}` was dropped after rows of this load were written to it"
                ))
                .hint("load into another schema or database, or drop what is left of the load with its ledger")
                .into());
            }
        }
        // Before anything is written.
        let filled =
            |output: &Output| tables.iter().find(|table| table.name == output.name && !load.made.contains(&table.name));
        let receiver = |output| match filled(output) {
            Some(table) => self.server.matched(output, table),
            None => Ok(Receiver::made(output)),
        };
        let receivers = set.outputs().iter().map(receiver).collect::<Result<Vec<_>>>()?;
        if first || !missing.is_empty() {
            connection.begin_writing()?;
            connection.run(sql.begin)?;
            if first && self.options.mode == Mode::Replace {
                self.drop_earlier(set, connection)?;
            }
            connection.create_schema()?;
            let mut ledger = Ledger::new(connection, sql);
            ledger.create()?;
            if first {
                ledger.add_load(&load)?;
            }
            let missing = if first { load.made.clone() } else { missing };
            for table in schema::statements(set, &missing, sql) {
                connection.run(&table.create)?;
            }
            connection.run("COMMIT")?;
        }
        let enforced = set.outputs().iter().filter_map(filled).any(|table| table.foreign_keys);
        Ok((load, receivers, enforced && !self.options.defer_foreign_keys))
    }
}

fn refused(message: String) -> Error {
    Error::new(Kind::Database, message)
}
