//! The ledger: the loads that a schema of a database holds, the tables that they made, and for each chunk the rows and the logical
//! digest of each table.
//!
//! The rows of a chunk are written in the transaction that writes the chunk, so the ledger says exactly what is there.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Map;

use super::connection::{Attempt, Connection, Sql, Value};
use crate::dataset::DataSet;
use crate::digest::RowSum;
use crate::error::{Error, Kind, Result};

/// The version of the tables of the ledger.
const LAYOUT: u64 = 2;
/// The start of the names of our own tables.
pub(crate) const OWN: &str = "_placebo_";
/// One row for each load. `manifest` is null until all rows are there and were checked.
pub(crate) const LOADS: &str = "_placebo_load";
/// One row for each table that a load made.
const MADE: &str = "_placebo_made";
/// One row for each table of each chunk.
const CHUNKS: &str = "_placebo_ledger";

/// A load that a database holds, whole or in part.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    /// The hash of everything that determines the rows of all parts.
    pub(crate) id: String,
    /// The version of the program that made it.
    pub(crate) placebo: String,
    pub(crate) profile: String,
    /// The root rows of a chunk, where the user set them.
    pub(crate) chunk_rows: Option<u64>,
    /// A manifest without the rows, from the start of the load: the data set can be made again from it.
    pub(crate) recipe: String,
    /// The manifest; `None` while rows are missing.
    pub(crate) manifest: Option<String>,
    /// The tables that it made.
    pub(crate) made: Vec<String>,
}

/// The rows of one table in one chunk.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) tree: String,
    pub(crate) rows: Range<u64>,
    pub(crate) table: String,
    pub(crate) sum: RowSum,
}

/// The ledger of a schema, on an open connection.
pub(crate) struct Ledger<'c> {
    connection: &'c mut dyn Connection,
    sql: &'static Sql,
}

/// The name of the load of a data set: the hash of everything that determines the rows of all its parts.
pub(crate) fn load_of(set: &DataSet, sql: &Sql) -> String {
    let mut form = Map::new();
    form.insert("target".to_owned(), sql.name.into());
    form.insert("layout".to_owned(), LAYOUT.into());
    set.inputs_of_all_parts(form)
}

impl<'c> Ledger<'c> {
    pub(crate) fn new(connection: &'c mut dyn Connection, sql: &'static Sql) -> Self {
        Self { connection, sql }
    }

    fn name(&self, name: &str) -> String {
        (self.sql.quoted)(name)
    }

    /// Tells whether there is a ledger.
    pub(crate) fn exists(&mut self) -> Attempt<bool> {
        Ok(self.connection.tables()?.iter().any(|table| table.name == LOADS))
    }

    /// Creates its tables, if they are not there.
    pub(crate) fn create(&mut self) -> Attempt<()> {
        let (key, text) = self.sql.texts;
        let [loads, made, chunks] = [LOADS, MADE, CHUNKS].map(|name| self.name(name));
        let q = self.sql.quoted;
        let columns = |columns: &[(&str, &str)]| {
            columns.iter().map(|(name, kind)| format!("{} {kind}", q(name))).collect::<Vec<_>>().join(", ")
        };
        let key_of = |names: &[&str]| {
            format!("PRIMARY KEY ({})", names.iter().map(|name| q(name)).collect::<Vec<_>>().join(", "))
        };
        let (key, text, number) = (format!("{key} NOT NULL"), text.to_owned(), "BIGINT".to_owned());
        let (needed, counted) = (format!("{text} NOT NULL"), format!("{number} NOT NULL"));
        let load = columns(&[
            ("load", &key),
            ("layout", &counted),
            ("placebo", &needed),
            ("profile", &needed),
            ("chunk_rows", &number),
            ("recipe", &needed),
            ("manifest", &text),
        ]);
        let table = columns(&[("table", &key), ("load", &key)]);
        let chunk = columns(&[
            ("load", &key),
            ("tree", &key),
            ("first_row", &counted),
            ("end_row", &counted),
            ("table", &key),
            ("rows", &counted),
            ("digest", &needed),
        ]);
        // The table by which a ledger is known comes last: not every database makes all of them in one transaction.
        for (name, columns, keys) in [
            (&made, table, key_of(&["table"])),
            (&chunks, chunk, key_of(&["load", "tree", "first_row", "table"])),
            (&loads, load, key_of(&["load"])),
        ] {
            self.connection.run(&format!("CREATE TABLE IF NOT EXISTS {name} ({columns}, {keys})"))?;
        }
        Ok(())
    }

    /// The loads of a ledger that is there.
    pub(crate) fn loads(&mut self) -> Attempt<Vec<Load>> {
        let q = self.sql.quoted;
        let names = ["load", "layout", "placebo", "profile", "chunk_rows", "recipe", "manifest"].map(q).join(", ");
        let select = format!("SELECT {names} FROM {} ORDER BY {}", self.name(LOADS), q("load"));
        let rows = self.connection.query(&select, &[])?;
        let made = self.made()?;
        let load = |row: Vec<Option<String>>| -> Result<Load> {
            let [Some(id), Some(layout), Some(placebo), Some(profile), chunk_rows, Some(recipe), manifest] =
                <[_; 7]>::try_from(row).map_err(|_| changed())?
            else {
                return Err(changed());
            };
            if layout != LAYOUT.to_string() {
                return Err(Error::new(
                    Kind::Database,
                    format!("the database was loaded by another version of placebo, {placebo}"),
                )
                .hint("use that version, or load into a new database"));
            }
            let chunk_rows = chunk_rows.map(|rows| rows.parse().map_err(|_| changed())).transpose()?;
            let made = made.iter().filter(|(_, load)| *load == id).map(|(table, _)| table.clone()).collect();
            Ok(Load { id, placebo, profile, chunk_rows, recipe, manifest, made })
        };
        Ok(rows.into_iter().map(load).collect::<Result<_>>()?)
    }

    /// One load; `None` if there is none of this name, or no ledger.
    pub(crate) fn load(&mut self, id: &str) -> Attempt<Option<Load>> {
        if !self.exists()? {
            return Ok(None);
        }
        Ok(self.loads()?.into_iter().find(|load| load.id == id))
    }

    fn made(&mut self) -> Attempt<Vec<(String, String)>> {
        let q = self.sql.quoted;
        let select = format!("SELECT {}, {} FROM {} ORDER BY 1", q("table"), q("load"), self.name(MADE));
        let rows = self.connection.query(&select, &[])?;
        let pair = |row: Vec<Option<String>>| match <[_; 2]>::try_from(row) {
            Ok([Some(table), Some(load)]) => Ok((table, load)),
            _ => Err(changed()),
        };
        Ok(rows.into_iter().map(pair).collect::<Result<_>>()?)
    }

    /// Adds a load, and the tables that it makes.
    pub(crate) fn add_load(&mut self, load: &Load) -> Attempt<()> {
        let (id, layout) = (Value::Text(&load.id), Value::Number(LAYOUT));
        let chunk_rows = load.chunk_rows.map_or(Value::Null, Value::Number);
        let [placebo, profile, recipe] = [&load.placebo, &load.profile, &load.recipe].map(|text| Value::Text(text));
        let insert = format!("INSERT INTO {} VALUES (?, ?, ?, ?, ?, ?, ?)", self.name(LOADS));
        self.connection.change(&insert, &[id, layout, placebo, profile, chunk_rows, recipe, Value::Null])?;
        let insert = format!("INSERT INTO {} VALUES (?, ?)", self.name(MADE));
        for table in &load.made {
            self.connection.change(&insert, &[Value::Text(table), id])?;
        }
        Ok(())
    }

    /// Adds a chunk, before its rows: `false` if it is there already, which is known once a loader that has it under way is done.
    pub(crate) fn enter(&mut self, load: &str, entries: &[Entry]) -> Attempt<bool> {
        let (begin, end) = self.sql.insert_new;
        let rows = vec!["(?, ?, ?, ?, ?, ?, ?)"; entries.len()].join(", ");
        let digests: Vec<String> = entries.iter().map(|entry| entry.sum.hex()).collect();
        let mut values = Vec::with_capacity(entries.len() * 7);
        for (entry, digest) in entries.iter().zip(&digests) {
            let Range { start, end } = entry.rows;
            values.extend([Value::Text(load), Value::Text(&entry.tree), Value::Number(start), Value::Number(end)]);
            values.extend([Value::Text(&entry.table), Value::Number(entry.sum.rows), Value::Text(digest)]);
        }
        let insert = format!("{begin} {} VALUES {rows}{end}", self.name(CHUNKS));
        let added = self.connection.change(&insert, &values)?;
        if added != 0 && added != entries.len() as u64 {
            return Err(changed().into());
        }
        Ok(added > 0)
    }

    /// The ranges of root rows of a tree that are there and have rows of `rows`, in their order.
    pub(crate) fn within(&mut self, load: &str, tree: &str, rows: &Range<u64>) -> Attempt<Vec<Range<u64>>> {
        let [own, tree_of, first, end] = ["load", "tree", "first_row", "end_row"].map(self.sql.quoted);
        let chunks = self.name(CHUNKS);
        let of_tree = format!("{own} = ? AND {tree_of} = ?");
        // The last one that begins before these rows may reach into them, and no earlier one can.
        let before = format!("SELECT coalesce(max({first}), 0) FROM {chunks} WHERE {of_tree} AND {first} < ?");
        let select = format!(
            "SELECT DISTINCT {first}, {end} FROM {chunks} WHERE {of_tree} AND {first} >= ({before}) AND {first} < ? ORDER BY {first}, {end}"
        );
        let (load, tree) = (Value::Text(load), Value::Text(tree));
        let (start, stop) = (Value::Number(rows.start), Value::Number(rows.end));
        let found = self.connection.query(&select, &[load, tree, load, tree, start, stop])?;
        let range = |row: &Vec<Option<String>>| -> Option<Range<u64>> {
            let [first, end] = row.as_slice() else { return None };
            Some(first.as_ref()?.parse().ok()?..end.as_ref()?.parse().ok()?)
        };
        let mut all = found.iter().map(|row| range(row).ok_or_else(changed)).collect::<Result<Vec<_>>>()?;
        all.retain(|range| range.end > rows.start);
        Ok(all)
    }

    /// The entries of a load, in the order of trees, rows and tables.
    pub(crate) fn entries(&mut self, load: &str) -> Attempt<Vec<Entry>> {
        let q = self.sql.quoted;
        let names = ["tree", "first_row", "end_row", "table", "rows", "digest"].map(q).join(", ");
        let order = ["tree", "first_row", "table"].map(q).join(", ");
        let (chunks, own) = (self.name(CHUNKS), q("load"));
        let select = format!("SELECT {names} FROM {chunks} WHERE {own} = ? ORDER BY {order}");
        let rows = self.connection.query(&select, &[Value::Text(load)])?;
        let entry = |row: Vec<Option<String>>| -> Option<Entry> {
            let [tree, first, end, table, rows, digest] = <[_; 6]>::try_from(row).ok()?;
            let number = |text: Option<String>| text?.parse::<u64>().ok();
            let sum = RowSum::parse(number(rows)?, &digest?)?;
            Some(Entry { tree: tree?, rows: number(first)?..number(end)?, table: table?, sum })
        };
        Ok(rows.into_iter().map(|row| entry(row).ok_or_else(changed)).collect::<Result<_>>()?)
    }

    /// Keeps the manifest of a load whose rows are all there.
    pub(crate) fn keep_manifest(&mut self, load: &str, text: &str) -> Attempt<()> {
        let q = self.sql.quoted;
        let update = format!("UPDATE {} SET {} = ? WHERE {} = ?", self.name(LOADS), q("manifest"), q("load"));
        self.connection.change(&update, &[Value::Text(text), Value::Text(load)]).map(|_| ())
    }

    /// Takes back that rows of a load are there, before its tables are dropped: not every database does both in one transaction.
    pub(crate) fn reopen(&mut self, load: &str) -> Attempt<()> {
        let q = self.sql.quoted;
        let update = format!("UPDATE {} SET {} = NULL WHERE {} = ?", self.name(LOADS), q("manifest"), q("load"));
        self.connection.change(&update, &[Value::Text(load)])?;
        let delete = format!("DELETE FROM {} WHERE {} = ?", self.name(CHUNKS), q("load"));
        self.connection.change(&delete, &[Value::Text(load)]).map(|_| ())
    }

    /// Removes a load: its chunks and the names of its tables; with the last load the ledger itself, unless it is kept.
    pub(crate) fn remove(&mut self, load: &str, keep: bool) -> Attempt<()> {
        let own = (self.sql.quoted)("load");
        for table in [CHUNKS, MADE, LOADS] {
            let delete = format!("DELETE FROM {} WHERE {own} = ?", self.name(table));
            self.connection.change(&delete, &[Value::Text(load)])?;
        }
        if !keep && self.loads()?.is_empty() {
            for table in [LOADS, MADE, CHUNKS] {
                let drop = format!("DROP TABLE {}", self.name(table));
                self.connection.run(&drop)?;
            }
        }
        Ok(())
    }
}

fn changed() -> Error {
    Error::new(Kind::Verification, "the ledger of the database was changed by something else")
        .hint("load into a new database or schema")
}

/// The root rows of a tree that are there, in order and as few ranges as there can be.
pub(crate) fn ranges(entries: &[Entry], tree: &str) -> Vec<Range<u64>> {
    let mut all: Vec<Range<u64>> = Vec::new();
    for entry in entries.iter().filter(|entry| entry.tree == tree) {
        match all.last_mut() {
            Some(last) if last.start <= entry.rows.start && entry.rows.end <= last.end => {}
            Some(last) if last.end == entry.rows.start => last.end = entry.rows.end,
            _ => all.push(entry.rows.clone()),
        }
    }
    all
}

/// The parts of `rows` that are in none of the ranges, which are in order.
pub(crate) fn gaps(rows: &Range<u64>, there: &[Range<u64>]) -> Vec<Range<u64>> {
    let (mut row, mut all) = (rows.start, Vec::new());
    for range in there {
        if range.start > row {
            all.push(row..range.start.min(rows.end));
        }
        row = row.max(range.end);
    }
    if row < rows.end {
        all.push(row..rows.end);
    }
    all
}

/// A tree of which root rows are there twice; `None` if there is none.
pub(crate) fn doubled(entries: &[Entry]) -> Option<&str> {
    let mut ends: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let twice = entries.iter().find(|entry| {
        let before = ends.insert((entry.tree.as_str(), entry.table.as_str()), entry.rows.end);
        before.is_some_and(|end| end > entry.rows.start)
    });
    twice.map(|entry| entry.tree.as_str())
}

/// The logical digest of each table.
pub(crate) fn sums(entries: &[Entry]) -> BTreeMap<&str, RowSum> {
    let mut all: BTreeMap<&str, RowSum> = BTreeMap::new();
    for entry in entries {
        all.entry(&entry.table).or_default().merge(&entry.sum);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_chunks_are_one_range() {
        let mut entries = Vec::new();
        for rows in [0..10, 10..20, 30..35] {
            for table in ["a", "b"] {
                let (tree, table) = ("a".to_owned(), table.to_owned());
                entries.push(Entry { tree, rows: rows.clone(), table, sum: RowSum::default() });
            }
        }
        assert_eq!(ranges(&entries, "a"), [0..20, 30..35]);
        assert_eq!(ranges(&entries, "b"), [] as [Range<u64>; 0]);
        assert_eq!(doubled(&entries), None);
        entries.push(Entry { rows: 34..40, ..entries[5].clone() });
        assert_eq!(doubled(&entries), Some("a"));
    }

    #[expect(clippy::single_range_in_vec_init, reason = "lists of ranges, some of one")]
    #[test]
    fn gaps_are_what_no_range_has() {
        assert_eq!(gaps(&(10..20), &[]), [10..20]);
        assert_eq!(gaps(&(10..20), &[5..12, 15..17]), [12..15, 17..20]);
        assert_eq!(gaps(&(10..20), &[8..14, 14..30]), []);
        assert_eq!(gaps(&(10..20), &[12..20]), [10..12]);
    }
}
