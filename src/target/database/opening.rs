//! The start of a load: the database is allowed, its tables are there or made, and each output has a table that takes its rows.

use std::path::PathBuf;

use super::columns::{Receiver, Table};
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

/// A database as a target.
pub(crate) struct DatabaseTarget<'a> {
    pub(crate) server: Box<dyn Server + 'a>,
    pub(crate) options: Options,
    /// The format whose bytes are taken for those of the database, in estimates.
    pub(crate) measure: &'static Format,
    /// The disk that the rows need room on, if it is one of this machine.
    pub(crate) room: Option<Room<'a>>,
}

/// A disk that a database is on.
pub(crate) struct Room<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) folder: PathBuf,
    pub(crate) file: PathBuf,
}

/// How much smaller than the free room an estimate from a few rows must be.
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
                    Manifest::without_files(sql.name, FormatSettings::none(), set, |_| RowSum::default());
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

    /// The tables that a new load makes; the others are there and may be filled.
    fn to_make(&self, set: &DataSet, connection: &mut dyn Connection, tables: &[Table]) -> Attempt<Vec<String>> {
        let sql = self.server.sql();
        let there = |name: &str| tables.iter().any(|table| table.name == name);
        let names: Vec<String> = set.outputs().iter().map(|output| output.name.clone()).collect();
        let (present, missing): (Vec<String>, Vec<String>) = names.iter().cloned().partition(|name| there(name));
        let earlier = self.earlier(connection)?;
        let of_earlier = |name: &String| earlier.iter().find(|load| load.made.contains(name));
        match self.options.mode {
            Mode::Append if !missing.is_empty() => return Err(absent(&missing).into()),
            Mode::Append => return Ok(Vec::new()),
            Mode::Replace => {
                if let Some(name) = present.iter().find(|name| of_earlier(name).is_none()) {
                    return Err(refused(format!("the table `{name}` was not made by placebo, and is not dropped"))
                        .hint("--mode truncate removes the rows of earlier loads from tables that are there")
                        .into());
                }
                return Ok(names);
            }
            Mode::Create if !present.is_empty() && present.iter().all(|name| of_earlier(name).is_none()) => {
                return Err(refused(format!("the table `{}` is there", present[0]))
                    .hint("--mode append fills tables that are there; --schema NAME makes them elsewhere")
                    .into());
            }
            _ => {}
        }
        for name in &present {
            if connection.query(&format!("SELECT 1 FROM {} LIMIT 1", (sql.quoted)(name)), &[])?.is_empty() {
                continue;
            }
            let (what, hint) = match of_earlier(name).or(earlier.first()) {
                Some(load) => (
                    format!(
                        "the table `{name}` holds rows of other inputs, loaded from the profile `{}`",
                        load.profile
                    ),
                    "--mode replace makes its tables again, --mode truncate removes its rows; or repeat the command that \
                     loaded them",
                ),
                None => (
                    format!("the table `{name}` holds rows that placebo did not write"),
                    "--mode append adds to them; --schema NAME makes tables elsewhere",
                ),
            };
            return Err(refused(what).hint(hint).into());
        }
        match (present.is_empty(), missing.is_empty()) {
            _ if self.options.mode == Mode::Create && present.is_empty() => Ok(names),
            (true, _) if self.options.mode == Mode::Auto => Ok(names),
            (false, true) if self.options.mode != Mode::Create => Ok(Vec::new()),
            (false, true) => Err(refused(format!("the table `{}` is there", present[0]))
                .hint("--mode replace makes tables of earlier loads again")
                .into()),
            _ => Err(absent(&missing).into()),
        }
    }

    fn earlier(&self, connection: &mut dyn Connection) -> Attempt<Vec<Load>> {
        let mut ledger = Ledger::new(connection, self.server.sql());
        if ledger.exists()? { ledger.loads() } else { Ok(Vec::new()) }
    }

    /// Drops the tables of earlier loads that made a table of this data set, and removes these loads.
    fn drop_earlier(&self, set: &DataSet, connection: &mut dyn Connection) -> Attempt<()> {
        let own = |name: &String| set.outputs().iter().any(|output| output.name == *name);
        let there = connection.tables()?;
        for load in self.earlier(connection)?.iter().filter(|load| load.made.iter().any(own)) {
            Ledger::new(connection, self.server.sql()).reopen(&load.id)?;
            let made = load.made.iter().filter(|name| there.iter().any(|table| table.name == **name));
            connection.drop_tables(&made.map(String::as_str).collect::<Vec<_>>())?;
            Ledger::new(connection, self.server.sql()).remove(&load.id, true)?;
        }
        Ok(())
    }
}

fn refused(message: String) -> Error {
    Error::new(Kind::Database, message)
}

fn absent(missing: &[String]) -> Error {
    let names = missing.iter().take(5).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let more = if missing.len() > 5 { format!(" and {} more", missing.len() - 5) } else { String::new() };
    refused(format!("some tables of the data set are missing there: {names}{more}"))
        .hint("--tables leaves tables out; --schema NAME makes all of them elsewhere")
}
