//! Removes from a database exactly what loads brought, and nothing else.
//!
//! A table whose rows have the logical digest of the ledger holds rows of its load alone: all of them go, and the table too if the load
//! made it. In any other table the rows of the load are found by their keys, which are derived again from the profile.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::dataset::{DataSet, Output, OutputId};
use crate::engine::Encode;
use crate::error::{Error, Kind, Result};
use crate::folder::manifest::{Manifest, TableEntry};
use crate::notes::Noted;
use crate::target::database::{
    self, Connection, Entry, Ledger, Load, Options, Receiver, Server, Sql, Table, load_of, sums,
};
use crate::verify::{Given, made_again};

/// The start of the names of temporary tables of keys.
const KEYS: &str = "_placebo_keys_";

/// The rows and tables of one load that were removed.
#[derive(Debug, Default)]
pub struct Purged {
    /// The name of the load.
    pub load: String,
    /// Its profile.
    pub profile: String,
    /// The rows that were removed from each table.
    pub rows: BTreeMap<String, u64>,
    /// The tables that were dropped.
    pub dropped: Vec<String>,
    /// Remarks on what was not as it was loaded.
    pub notes: Vec<String>,
}

/// Removes all loads of a database, or the one whose name begins with a text, each in one transaction.
///
/// # Errors
///
/// If the database cannot be changed, rows of others depend on rows of a load, or keys cannot be derived again. Nothing of that load
/// is removed then.
pub fn purge(name: &str, options: &Options, only: Option<&str>, given: Given<'_>) -> Result<Vec<Purged>> {
    let server = database::server(name, options)?;
    let mut connection = server.connect()?;
    connection.lock()?;
    let mut ledger = Ledger::new(connection.as_mut(), server.sql());
    let loads = if ledger.exists()? { ledger.loads()? } else { Vec::new() };
    let loads: Vec<Load> = loads.into_iter().filter(|load| only.is_none_or(|only| load.id.starts_with(only))).collect();
    if loads.is_empty() {
        let what = only.map_or_else(String::new, |only| format!(" whose name begins with `{only}`"));
        return Err(Error::new(Kind::Database, format!("`{}` has no load{what}", server.shown()))
            .hint("placebo detect --in DATABASE lists loads"));
    }
    let purge = |load: &Load| one(connection.as_mut(), &Purge { server: server.as_ref(), load, given, keep: false });
    let purged: Vec<Purged> = loads.iter().map(purge).collect::<Result<_>>()?;
    connection.unlock()?;
    connection.close()?;
    Ok(purged)
}

/// Removes the rows of other loads from the tables of a data set, and leaves the tables.
///
/// # Errors
///
/// As [`purge`].
pub fn clear(name: &str, options: &Options, set: &DataSet, given: Given<'_>) -> Result<()> {
    let server = database::server(name, options)?;
    let mut connection = server.connect()?;
    connection.lock()?;
    let mut ledger = Ledger::new(connection.as_mut(), server.sql());
    let (loads, id) = (if ledger.exists()? { ledger.loads()? } else { Vec::new() }, load_of(set, server.sql()));
    for load in loads.iter().filter(|load| load.id != id) {
        let own = |table: &TableEntry| set.outputs().iter().any(|output| output.name == table.name);
        if Manifest::parse(&load.recipe)?.tables.iter().any(own) {
            one(connection.as_mut(), &Purge { server: server.as_ref(), load, given, keep: true })?;
        }
    }
    connection.unlock()?;
    Ok(connection.close()?)
}

fn one(connection: &mut dyn Connection, purge: &Purge<'_>) -> Result<Purged> {
    connection.begin_writing()?;
    connection.run(purge.server.sql().begin)?;
    let done = purge.run(connection);
    if done.is_err() {
        // The error is told, not that nothing could be undone.
        let _undone = connection.run("ROLLBACK");
    }
    done
}

/// The removal of one load.
struct Purge<'a> {
    server: &'a dyn Server,
    load: &'a Load,
    given: Given<'a>,
    /// True if tables that the load made are left.
    keep: bool,
}

/// A table that rows are removed from.
struct Place {
    table: Table,
    /// The rows that the load brought.
    brought: u64,
    /// True if there are no other rows.
    alone: bool,
}

impl Purge<'_> {
    fn run(&self, connection: &mut dyn Connection) -> Result<Purged> {
        let (sql, load) = (self.server.sql(), self.load);
        let manifest = Manifest::parse(&load.recipe)?;
        let entries = Ledger::new(connection, sql).entries(&load.id)?;
        let places = self.places(connection, &manifest, &entries)?;
        allow_cascades(connection, sql, &places)?;
        let mixed: Vec<&Place> = places.iter().filter(|place| !place.alone && place.brought > 0).collect();
        let keys = if mixed.is_empty() { BTreeMap::new() } else { self.keys(connection, &manifest, &entries, &mixed)? };
        let statements: Vec<String> = places.iter().map(|place| delete(sql, place, &keys)).collect();
        let counts = connection.delete(&statements)?;
        let mut purged = Purged { load: load.id.clone(), profile: load.profile.clone(), ..Purged::default() };
        for (place, count) in places.iter().zip(counts) {
            let name = &place.table.name;
            if count < place.brought {
                let fewer = place.brought - count;
                purged.notes.push(format!("`{name}`: {fewer} rows of the load were not there any more"));
            }
            if count > place.brought {
                return Err(Error::new(Kind::Verification, format!("`{name}`: rows of others have keys of the load"))
                    .hint("nothing was removed"));
            }
            purged.rows.insert(name.clone(), count);
        }
        if !sql.enforces {
            let tables = connection.tables()?;
            let orphans = connection.orphans(&tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>())?;
            if !orphans.is_empty() {
                return Err(Error::new(
                    Kind::Database,
                    format!("rows of others depend on the load: {}", orphans.join("; ")),
                )
                .hint("nothing was removed: remove these rows first"));
            }
        }
        if !self.keep {
            purged.dropped = self.drop_empty(connection, &places)?;
        }
        Ledger::new(connection, sql).remove(&load.id, self.keep)?;
        connection.run("COMMIT")?;
        Ok(purged)
    }

    /// The tables of the load that are there.
    fn places(&self, connection: &mut dyn Connection, manifest: &Manifest, entries: &[Entry]) -> Result<Vec<Place>> {
        let sql = self.server.sql();
        let (tables, told) = (connection.tables()?, sums(entries));
        let mut places = Vec::new();
        for entry in &manifest.tables {
            let Some(table) = tables.iter().find(|table| table.name == entry.name) else { continue };
            let own = told.get(entry.name.as_str()).copied().unwrap_or_default();
            let schema = entry.schema()?;
            let alone = connection.count(&entry.name, sql)? == own.rows
                && database::sum(connection, &database::select(&entry.name, &schema, sql, ""), &schema)
                    .is_ok_and(|sum| sum == own);
            places.push(Place { table: table.clone(), brought: own.rows, alone });
        }
        Ok(places)
    }

    /// Temporary tables with the keys of the load's rows, by table, and the names of the key's columns.
    fn keys(
        &self,
        connection: &mut dyn Connection,
        manifest: &Manifest,
        entries: &[Entry],
        mixed: &[&Place],
    ) -> Result<BTreeMap<String, (String, Vec<String>)>> {
        let set = made_again(manifest, None, self.given)?;
        let mut all: BTreeMap<OutputId, KeyTable> = BTreeMap::new();
        for (number, place) in mixed.iter().enumerate() {
            let Some(output) = set.outputs().iter().find(|output| output.name == place.table.name) else { continue };
            let table = KeyTable::new(
                self.server,
                output,
                place,
                &format!("{KEYS}{}_{number}", &self.load.id[..8.min(self.load.id.len())]),
            )?;
            connection.run(&table.create(self.server.sql(), &place.table.name))?;
            all.insert(output.id, table);
        }
        for (tree, rows) in chunks(entries) {
            let Some(share) = set.trees().into_iter().find(|share| share.name == tree) else { continue };
            let made = set.chunk(&share, rows)?;
            for (id, batch) in made.batches {
                if let Some(table) = all.get(&id) {
                    table.fill(connection, &batch)?;
                }
            }
        }
        Ok(all.into_iter().map(|(id, table)| (name_of(&set, id), (table.receiver.table, table.columns))).collect())
    }

    /// Drops the tables that the load made, that are empty, and that no other table refers to.
    fn drop_empty(&self, connection: &mut dyn Connection, places: &[Place]) -> Result<Vec<String>> {
        let sql = self.server.sql();
        let mut empty = Vec::new();
        for place in places.iter().filter(|place| self.load.made.contains(&place.table.name)) {
            if connection.count(&place.table.name, sql)? == 0 {
                empty.push(place.table.name.clone());
            }
        }
        let keys = connection.foreign_keys()?;
        loop {
            let kept = |name: &String| keys.iter().any(|key| key.references == *name && !empty.contains(&key.table));
            let Some(at) = empty.iter().position(kept) else { break };
            empty.remove(at);
        }
        connection.drop_tables(&empty.iter().map(String::as_str).collect::<Vec<_>>())?;
        Ok(empty)
    }
}

fn name_of(set: &DataSet, id: OutputId) -> String {
    set.output(id).name.clone()
}

/// Refuses where rows of others would change or go with rows of the load.
fn allow_cascades(connection: &mut dyn Connection, sql: &Sql, places: &[Place]) -> Result<()> {
    for key in connection.foreign_keys()?.into_iter().filter(|key| key.cascades) {
        let reached = places.iter().any(|place| place.table.name == key.references && place.brought > 0);
        let own = places.iter().find(|place| place.table.name == key.table);
        let alone = match own {
            Some(place) => place.alone,
            None => connection.count(&key.table, sql)? == 0,
        };
        if reached && !alone {
            let (table, references) = (&key.table, &key.references);
            let message =
                format!("`{table}` has rows of others, which go or change with the rows of `{references}` (ON DELETE)");
            return Err(Error::new(Kind::Database, message)
                .hint("nothing was removed: take the rule from the foreign key, or remove these rows first"));
        }
    }
    Ok(())
}

/// The statement that deletes the rows of a load from a table.
fn delete(sql: &Sql, place: &Place, keys: &BTreeMap<String, (String, Vec<String>)>) -> String {
    let table = (sql.quoted)(&place.table.name);
    match keys.get(&place.table.name) {
        _ if place.alone => format!("DELETE FROM {table}"),
        None => format!("DELETE FROM {table} WHERE 1 = 0"),
        Some((keys, columns)) => {
            let same: Vec<String> = columns
                .iter()
                .map(|column| (sql.quoted)(column))
                .map(|column| format!("k.{column} = {table}.{column}"))
                .collect();
            let keys = (sql.quoted)(keys);
            format!("DELETE FROM {table} WHERE EXISTS (SELECT 1 FROM {keys} k WHERE {})", same.join(" AND "))
        }
    }
}

/// The chunks of a ledger, each once.
fn chunks(entries: &[Entry]) -> Vec<(String, std::ops::Range<u64>)> {
    let mut all: Vec<(String, std::ops::Range<u64>)> =
        entries.iter().map(|entry| (entry.tree.clone(), entry.rows.clone())).collect();
    all.dedup();
    all
}

/// A temporary table with the keys of rows.
struct KeyTable {
    receiver: Receiver,
    columns: Vec<String>,
    /// The places of the key's columns in the rows.
    places: Vec<usize>,
    encoder: Box<dyn Encode>,
}

impl KeyTable {
    fn new(server: &dyn Server, output: &Output, place: &Place, name: &str) -> Result<Self> {
        let fields = output.schema.fields().iter().enumerate();
        let places: Vec<usize> = fields.filter(|(_, field)| field.is_primary_key()).map(|(at, _)| at).collect();
        if places.is_empty() {
            let table = &output.name;
            return Err(Error::new(
                Kind::Database,
                format!(
                    "`{table}` has rows of others and no key, so that the rows of the load cannot be told from them"
                ),
            )
            .hint("nothing was removed: give the table a column with key = true, or remove its rows first"));
        }
        let schema = SchemaRef::new(output.schema.project(&places)?);
        let columns: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let mut table = place.table.clone();
        table.columns.retain(|column| columns.contains(&column.name));
        let receiver = server.matched(&Output { name: name.to_owned(), schema, ..output.clone() }, &table)?;
        let encoder = server.encoder(&receiver)?;
        Ok(Self { receiver, columns, places, encoder })
    }

    fn create(&self, sql: &Sql, table: &str) -> String {
        let columns: Vec<String> = self.columns.iter().map(|column| (sql.quoted)(column)).collect();
        let create = sql.temporary.replace("{name}", &(sql.quoted)(&self.receiver.table));
        create.replace("{columns}", &columns.join(", ")).replace("{table}", &(sql.quoted)(table))
    }

    fn fill(&self, connection: &mut dyn Connection, batch: &RecordBatch) -> Result<()> {
        let encoded = self.encoder.encode(batch.project(&self.places)?)?;
        Ok(connection.insert(&self.receiver, &encoded.piece)?)
    }
}
