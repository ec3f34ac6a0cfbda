//! An open database file.

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use rusqlite::Connection as Sqlite;
use rusqlite::types::{ToSqlOutput, ValueRef};

use super::bind::{self, Refusal};
use super::connect::{BESIDE, SETTINGS, failure};
use super::{catalog, read, schema};
use crate::error::{Error, Kind, Result};
use crate::folder::Lock;
use crate::format::write::Piece;
use crate::format::write::ddl::quoted;
use crate::target::database::{Attempt, Connection, Failure, ForeignKey, Receiver, Table, Value};

/// Rows without the row that they refer to, of which an error tells.
const TOLD: usize = 5;

/// A connection: the only one that writes, and the only one at all while a load runs.
pub(super) struct Open {
    connection: Option<Sqlite>,
    /// The path as the user gave it.
    path: PathBuf,
    /// True if this run made the file.
    created: bool,
    /// The file is ours until the connection is closed; `None` for one that only reads.
    _lock: Option<Lock>,
}

impl Open {
    pub(super) fn new(connection: Sqlite, path: &Path, created: bool, lock: Option<Lock>) -> Self {
        Self { connection: Some(connection), path: path.to_owned(), created, _lock: lock }
    }

    fn sqlite(&self) -> Result<&Sqlite> {
        self.connection.as_ref().ok_or_else(|| Error::internal("the database is closed"))
    }

    fn told<T>(&self, done: rusqlite::Result<T>) -> Attempt<T> {
        done.map_err(|error| failure(&self.path, error))
    }
}

impl Drop for Open {
    /// Removes a file that this run made and put nothing into.
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let objects = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
        drop(connection);
        if self.created && objects.is_ok_and(|objects| objects == 0) {
            for end in [""].iter().chain(&BESIDE) {
                let mut name = self.path.clone().into_os_string();
                name.push(end);
                // Nobody waits for it: the error that led here is told.
                let _left = std::fs::remove_file(name);
            }
        }
    }
}

/// Values as the library binds them.
fn bound<'v>(values: &[Value<'v>]) -> Vec<ToSqlOutput<'v>> {
    let value = |value: &Value<'v>| match value {
        Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        Value::Number(number) => ToSqlOutput::from(*number as i64),
        Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
    };
    values.iter().map(value).collect()
}

fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

impl Connection for Open {
    fn run(&mut self, sql: &str) -> Attempt<()> {
        let done = self.sqlite()?.execute_batch(sql);
        self.told(done)
    }

    fn change(&mut self, sql: &str, values: &[Value<'_>]) -> Attempt<u64> {
        let done = self.sqlite()?.execute(sql, rusqlite::params_from_iter(bound(values)));
        self.told(done).map(|rows| rows as u64)
    }

    fn query(&mut self, sql: &str, values: &[Value<'_>]) -> Attempt<Vec<Vec<Option<String>>>> {
        let sqlite = self.sqlite()?;
        let read = || -> rusqlite::Result<Vec<Vec<Option<String>>>> {
            let mut statement = sqlite.prepare(sql)?;
            let count = statement.column_count();
            let mut rows = statement.query(rusqlite::params_from_iter(bound(values)))?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                all.push((0..count).map(|at| row.get_ref(at).map(text)).collect::<rusqlite::Result<_>>()?);
            }
            Ok(all)
        };
        self.told(read())
    }

    fn insert(&mut self, receiver: &Receiver, piece: &Piece) -> Attempt<()> {
        let Piece::Rows(batch) = piece else { return Err(Error::internal("text for a database").into()) };
        let sqlite = self.sqlite()?;
        let mut statement = self.told(sqlite.prepare(&schema::insert(&receiver.table, &receiver.schema)))?;
        bind::insert(&mut statement, batch).map_err(|refusal| match refusal {
            Refusal::Value(error) => Failure::from(error.within(&format!("tables.{}", receiver.table))),
            Refusal::Row(row, error) => {
                let mut failure = failure(&self.path, error);
                if let Some(violation) = &mut failure.violation {
                    (violation.row, violation.table) = (Some(row), Some(receiver.table.clone()));
                }
                failure
            }
        })
    }

    fn read(
        &mut self,
        select: &str,
        schema: &SchemaRef,
        take: &mut dyn FnMut(RecordBatch) -> Result<()>,
    ) -> Attempt<()> {
        let mut statement = self.told(self.sqlite()?.prepare(select))?;
        Ok(read::read(&mut statement, &self.path, schema, take)?)
    }

    fn tables(&mut self) -> Attempt<Vec<Table>> {
        Ok(Table::of_rows(self.query(catalog::TABLES, &[])?)?)
    }

    fn lock(&mut self) -> Attempt<()> {
        Ok(())
    }

    fn unlock(&mut self) -> Attempt<()> {
        Ok(())
    }

    fn tables_of_all_schemas(&mut self) -> Attempt<u64> {
        Ok(self.tables()?.len() as u64)
    }

    fn database(&mut self) -> Attempt<String> {
        Ok(self.path.file_name().unwrap_or_default().to_string_lossy().into_owned())
    }

    /// Takes the file for this run alone.
    fn begin_writing(&mut self) -> Attempt<()> {
        self.run(SETTINGS)
    }

    fn create_schema(&mut self) -> Attempt<()> {
        Ok(())
    }

    fn drop_tables(&mut self, names: &[&str]) -> Attempt<()> {
        names.iter().try_for_each(|name| self.run(&format!("DROP TABLE {}", quoted(name))))
    }

    fn foreign_keys(&mut self) -> Attempt<Vec<ForeignKey>> {
        let select = "SELECT DISTINCT t.name, k.\"table\", k.on_delete NOT IN ('NO ACTION', 'RESTRICT') \
            FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) k WHERE t.type = 'table'";
        let key = |row: Vec<Option<String>>| {
            let [Some(table), Some(references), Some(cascades)] = <[_; 3]>::try_from(row).ok()? else { return None };
            Some(ForeignKey { table, references, cascades: cascades == "1" })
        };
        Ok(self.query(select, &[])?.into_iter().filter_map(key).collect())
    }

    fn delete(&mut self, statements: &[String]) -> Attempt<Vec<u64>> {
        statements.iter().map(|statement| self.change(statement, &[])).collect()
    }

    fn orphans(&mut self, _: &[&str]) -> Attempt<Vec<String>> {
        let rows = self.query("SELECT \"table\", rowid, parent FROM pragma_foreign_key_check LIMIT 5", &[])?;
        let told = |row: &Vec<Option<String>>| {
            let word = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
            format!("`{}` row {} refers to no row of `{}`", word(0), word(1), word(2))
        };
        Ok(rows.iter().take(TOLD).map(told).collect())
    }

    fn bytes(&mut self, _: &[&str]) -> Attempt<u64> {
        Ok(self.path.metadata().map_or(0, |file| file.len()))
    }

    fn analyze(&mut self, _: &[&str]) -> Attempt<()> {
        self.run("PRAGMA analysis_limit = 400; ANALYZE;")
    }

    /// Leaves one file, whose bytes last.
    fn close(&mut self) -> Attempt<()> {
        let mode = self.query("PRAGMA journal_mode", &[])?;
        match mode.first().and_then(|row| row.first()?.as_deref()) {
            Some("wal") => self.run("PRAGMA synchronous = FULL; PRAGMA journal_mode = DELETE;"),
            _ => Ok(()),
        }
    }

    fn advance(&mut self, _: &Table) -> Attempt<Vec<String>> {
        Ok(Vec::new())
    }
}

/// The error of a value that is not as it was loaded.
pub(super) fn malformed(path: &Path, what: &str) -> Error {
    Error::new(Kind::Verification, format!("`{}`: {what}", path.display()))
        .hint("the database was changed after it was loaded")
}
