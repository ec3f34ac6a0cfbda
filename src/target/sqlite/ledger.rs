//! The ledger: the load that a database holds, and for each chunk the rows and the logical digest of each table.
//!
//! The rows of a chunk are written in the transaction that writes the chunk, so the ledger says exactly what is there.

use std::collections::BTreeMap;
use std::ops::Range;

use rusqlite::{Connection, params};
use serde_json::Map;

use crate::dataset::DataSet;
use crate::digest::RowSum;

/// The version of the tables of the ledger.
pub(super) const LAYOUT: i64 = 1;

/// `_placebo_load`: one row. `manifest` is null until all rows are there and were checked.
const TABLES: &str = r#"
CREATE TABLE "_placebo_load" (
  "layout" INTEGER NOT NULL,
  "placebo" TEXT NOT NULL,
  "profile" TEXT NOT NULL,
  "inputs" TEXT NOT NULL,
  "manifest" TEXT
);
CREATE TABLE "_placebo_ledger" (
  "tree" TEXT NOT NULL,
  "first_row" INTEGER NOT NULL,
  "end_row" INTEGER NOT NULL,
  "table" TEXT NOT NULL,
  "rows" INTEGER NOT NULL,
  "digest" TEXT NOT NULL,
  PRIMARY KEY ("tree", "first_row", "table")
) WITHOUT ROWID;
"#;

/// The load that a database holds.
pub(super) struct Load {
    pub(super) layout: i64,
    /// The version of the program that made it.
    pub(super) placebo: String,
    pub(super) profile: String,
    /// The hash of everything that determines the rows.
    pub(super) inputs: String,
    /// The manifest; `None` while rows are missing.
    pub(super) manifest: Option<String>,
}

/// The hash of everything that determines the rows of all parts of a data set, as a database holds them.
pub(super) fn inputs(set: &DataSet) -> String {
    let mut form = Map::new();
    form.insert("target".to_owned(), "sqlite".into());
    form.insert("layout".to_owned(), LAYOUT.into());
    set.inputs_of_all_parts(form)
}

/// Creates the tables, and says what is loaded.
pub(super) fn create(connection: &Connection, profile: &str, inputs: &str) -> rusqlite::Result<()> {
    connection.execute_batch(TABLES)?;
    let insert = r#"INSERT INTO "_placebo_load" VALUES (?, ?, ?, ?, NULL)"#;
    connection.execute(insert, params![LAYOUT, env!("CARGO_PKG_VERSION"), profile, inputs]).map(|_| ())
}

/// Reads what is loaded.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<Load> {
    connection.query_row(
        r#"SELECT "layout", "placebo", "profile", "inputs", "manifest" FROM "_placebo_load""#,
        [],
        |row| {
            Ok(Load {
                layout: row.get(0)?,
                placebo: row.get(1)?,
                profile: row.get(2)?,
                inputs: row.get(3)?,
                manifest: row.get(4)?,
            })
        },
    )
}

/// Adds a table of a chunk.
pub(super) fn add(
    connection: &Connection,
    tree: &str,
    rows: &Range<u64>,
    table: &str,
    sum: &RowSum,
) -> rusqlite::Result<()> {
    let insert = r#"INSERT INTO "_placebo_ledger" VALUES (?, ?, ?, ?, ?, ?)"#;
    let values = params![tree, rows.start as i64, rows.end as i64, table, sum.rows as i64, sum.hex()];
    connection.execute(insert, values).map(|_| ())
}

/// The root rows of a tree that are there, in order and as few ranges as there can be.
pub(super) fn ranges(connection: &Connection, tree: &str) -> rusqlite::Result<Vec<Range<u64>>> {
    let select = r#"SELECT DISTINCT "first_row", "end_row" FROM "_placebo_ledger" WHERE "tree" = ? ORDER BY 1"#;
    let mut statement = connection.prepare(select)?;
    let mut rows = statement.query([tree])?;
    let mut all: Vec<Range<u64>> = Vec::new();
    while let Some(row) = rows.next()? {
        let (first, end) = (row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64);
        match all.last_mut() {
            Some(last) if last.end == first => last.end = end,
            _ => all.push(first..end),
        }
    }
    Ok(all)
}

/// The rows of all tables in the chunks of a tree that have root rows among `within`.
pub(super) fn rows_within(connection: &Connection, tree: &str, within: &Range<u64>) -> rusqlite::Result<u64> {
    let select = r#"SELECT coalesce(sum("rows"), 0) FROM "_placebo_ledger"
        WHERE "tree" = ? AND "first_row" < ? AND "end_row" > ?"#;
    let values = params![tree, within.end as i64, within.start as i64];
    connection.query_row(select, values, |row| row.get::<_, i64>(0)).map(|rows| rows as u64)
}

/// The logical digest of each table that the ledger names; `None` in place of a digest that cannot be read.
pub(super) fn sums(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Option<RowSum>>> {
    let mut statement = connection.prepare(r#"SELECT "table", "rows", "digest" FROM "_placebo_ledger""#)?;
    let mut rows = statement.query([])?;
    let mut all: BTreeMap<String, Option<RowSum>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let sum = RowSum::parse(row.get::<_, i64>(1)? as u64, &row.get::<_, String>(2)?);
        let all = all.entry(row.get(0)?).or_insert(Some(RowSum::default()));
        *all = all.zip(sum).map(|(mut all, sum)| {
            all.merge(&sum);
            all
        });
    }
    Ok(all)
}

/// Keeps the manifest of a load whose rows are all there.
pub(super) fn keep_manifest(connection: &Connection, text: &str) -> rusqlite::Result<()> {
    connection.execute(r#"UPDATE "_placebo_load" SET "manifest" = ?"#, [text]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_chunks_are_one_range() {
        let connection = Connection::open_in_memory().expect("opens");
        create(&connection, "shop", "hash").expect("creates");
        for rows in [10..20, 0..10, 30..35] {
            for table in ["a", "b"] {
                add(&connection, "a", &rows, table, &RowSum::default()).expect("adds");
            }
        }
        assert_eq!(ranges(&connection, "a").expect("reads"), [0..20, 30..35]);
        assert_eq!(ranges(&connection, "b").expect("reads"), [] as [Range<u64>; 0]);
        let twice = add(&connection, "a", &(10..12), "a", &RowSum::default());
        assert!(twice.is_err(), "a chunk is there once");
    }
}
