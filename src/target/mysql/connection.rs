//! An open connection to `MySQL`.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use mysql::prelude::Queryable;
use mysql::{Conn, Params, Value as Bound};

use super::catalog;
use super::failure::failure;
use super::foreign_keys::{FOREIGN_KEY, added};
use super::read;
use super::rows::Rows;
use super::types::quoted;
use crate::digest::sha256;
use crate::error::{Error, Kind, Result};
use crate::format::write::Piece;
use crate::target::database::{self, Attempt, Connection, Options, Receiver, Table, Value};

/// The most bytes of a statement, where the server does not say.
const LONGEST: u64 = 1 << 20;
/// The seconds for which a lock is waited for, which is longer than any load.
const PATIENCE: u64 = 30 * 86_400;
/// Tells whether an error is of a constraint, key or index that is there already.
fn is_there(told: &mysql::MySqlError) -> bool {
    // InnoDB says it with a number of its own.
    matches!(told.code, 1022 | 1061 | 1826 | 3822) || told.code == 1005 && told.message.contains("errno: 121")
}

/// The place that a connection leads to.
pub(super) struct Place {
    /// The database that the tables are in.
    pub(super) database: String,
    /// The database that the URL names.
    pub(super) of_url: Option<String>,
    /// The URL without its password.
    pub(super) shown: String,
}

/// A connection, and what is asked of it.
pub(super) struct Open {
    client: Conn,
    pub(super) place: Place,
    options: Options,
    longest: usize,
    /// True if the server takes local files.
    local: bool,
}

impl Open {
    pub(super) fn new(client: Conn, place: Place, options: Options, longest: Option<u64>) -> Self {
        // Half of it, because a statement has more than its values.
        let longest = usize::try_from(longest.unwrap_or(LONGEST) / 2).unwrap_or(usize::MAX);
        Self { client, place, options, longest, local: true }
    }

    fn told<T>(&self, done: Result<T, mysql::Error>) -> Attempt<T> {
        done.map_err(|error| failure(error, &self.place.shown))
    }

    /// One value of the first row.
    fn value(&mut self, sql: &str, values: &[Value<'_>]) -> Attempt<Option<String>> {
        let rows = self.query(sql, values)?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).flatten())
    }

    /// The name of the lock of the schema: of at most 64 characters.
    fn lock_name(&self) -> String {
        format!("placebo {}", &sha256(self.place.database.as_bytes())[..32])
    }

    /// Runs a statement while foreign keys are not checked, whether it succeeds or not.
    fn unchecked(&mut self, sql: &str) -> Attempt<Result<(), mysql::Error>> {
        self.run("SET foreign_key_checks = 0")?;
        let done = self.client.query_drop(sql);
        let checks = u8::from(!self.options.defer_foreign_keys);
        self.run(&format!("SET foreign_key_checks = {checks}"))?;
        Ok(done)
    }
}

/// Values as the library binds them.
fn bound(values: &[Value<'_>]) -> Params {
    let value = |value: &Value<'_>| match value {
        Value::Text(text) => Bound::Bytes(text.as_bytes().to_vec()),
        Value::Number(number) => Bound::UInt(*number),
        Value::Null => Bound::NULL,
    };
    if values.is_empty() { Params::Empty } else { Params::Positional(values.iter().map(value).collect()) }
}

impl Connection for Open {
    fn run(&mut self, sql: &str) -> Attempt<()> {
        let done = self.client.query_drop(sql);
        self.told(done)?;
        if matches!(sql, "COMMIT" | "ROLLBACK") {
            let done = self.client.query_drop("SET autocommit = 1");
            self.told(done)?;
        }
        Ok(())
    }

    fn change(&mut self, sql: &str, values: &[Value<'_>]) -> Attempt<u64> {
        let done = self.client.exec_iter(sql, bound(values)).map(|result| result.affected_rows());
        self.told(done)
    }

    fn query(&mut self, sql: &str, values: &[Value<'_>]) -> Attempt<Vec<Vec<Option<String>>>> {
        let rows: Result<Vec<mysql::Row>, _> = self.client.exec(sql, bound(values));
        let texts = |row: mysql::Row| {
            let text = |value| read::text(value).map(|text| String::from_utf8_lossy(&text).into_owned());
            row.unwrap().into_iter().map(text).collect()
        };
        Ok(self.told(rows)?.into_iter().map(texts).collect())
    }

    fn insert(&mut self, receiver: &Receiver, piece: &Piece) -> Attempt<()> {
        let Piece::Bytes(bytes) = piece else { return Err(Error::internal("rows that are not encoded").into()) };
        let Place { shown, database, .. } = &self.place;
        let rows = Rows { client: &mut self.client, shown, database, receiver, bytes, longest: self.longest };
        rows.write(&mut self.local)
    }

    fn read(
        &mut self,
        select: &str,
        schema: &SchemaRef,
        take: &mut dyn FnMut(RecordBatch) -> Result<()>,
    ) -> Attempt<()> {
        let shown = &self.place.shown;
        let rows = self.client.exec_iter(select, ()).map_err(|error| failure(error, shown))?;
        read::read(rows, shown, schema, take)
    }

    fn tables(&mut self) -> Attempt<Vec<Table>> {
        let database = self.place.database.clone();
        Ok(Table::of_rows(self.query(catalog::TABLES, &[Value::Text(&database)])?)?)
    }

    fn lock(&mut self) -> Attempt<()> {
        let name = self.lock_name();
        match self.value("SELECT GET_LOCK(?, ?)", &[Value::Text(&name), Value::Number(PATIENCE)])?.as_deref() {
            Some("1") => Ok(()),
            _ => Err(Error::new(Kind::Database, format!("`{}`: its lock cannot be had", self.place.shown))
                .hint("another load has it: wait for its end, and run the same command again")
                .into()),
        }
    }

    fn unlock(&mut self) -> Attempt<()> {
        let name = self.lock_name();
        self.query("SELECT RELEASE_LOCK(?)", &[Value::Text(&name)]).map(|_| ())
    }

    fn tables_of_all_schemas(&mut self) -> Attempt<u64> {
        match self.place.of_url.clone() {
            // A database is what other servers call a schema; those of others are not ours to judge by.
            Some(of_url) => {
                let database = self.place.database.clone();
                self.number(catalog::COUNT, &[Value::Text(&of_url), Value::Text(&database)])
            }
            None => self.number(catalog::COUNT_ALL, &[]),
        }
    }

    fn database(&mut self) -> Attempt<String> {
        Ok(self.place.of_url.clone().unwrap_or_else(|| self.place.database.clone()))
    }

    fn create_schema(&mut self) -> Attempt<()> {
        let Some(schema) = self.options.schema.clone() else { return Ok(()) };
        let sql = "SELECT count(*) FROM information_schema.schemata WHERE schema_name = ?";
        if self.number(sql, &[Value::Text(&schema)])? == 0 {
            self.run(&format!("CREATE DATABASE IF NOT EXISTS {} CHARACTER SET utf8mb4", quoted(&schema)))?;
        }
        self.run(&format!("USE {}", quoted(&schema)))
    }

    /// A foreign key is added without the server's look at the rows, which would copy the table: a query looks at them.
    fn add(&mut self, sql: &str) -> Attempt<()> {
        let done = self.unchecked(sql)?;
        let Some((table, name, kind)) = added(sql) else { return self.told(done) };
        let database = self.place.database.clone();
        match done {
            Err(mysql::Error::MySqlError(told)) if is_there(&told) => {
                let own = [&database, &table, &name].map(|text| Value::Text(text));
                let values: Vec<Value<'_>> = own.into_iter().chain([Value::Text(kind)]).collect();
                if self.number(catalog::CONSTRAINT, &values)? == 0 {
                    return self.told(Err(mysql::Error::MySqlError(told)));
                }
            }
            done => self.told(done)?,
        }
        if kind != FOREIGN_KEY {
            return Ok(());
        }
        let key = self.keys_of(&database, &table)?.into_iter().find(|key| key.name == name);
        let key = key.ok_or_else(|| Error::new(Kind::Database, format!("the foreign key `{name}` is not there")))?;
        match self.broken((&database, &table), &key)? {
            Some(broken) => Err(Error::new(Kind::Verification, broken)
                .hint("the database was changed during the load, or the profile has references that lead nowhere: `placebo check` finds those")
                .into()),
            None => Ok(()),
        }
    }

    fn drop_tables(&mut self, names: &[&str]) -> Attempt<()> {
        let database = self.place.database.clone();
        for (schema, key) in self.references()? {
            let own = schema == database && names.contains(&key.table.as_str());
            if names.contains(&key.references.as_str()) && !own {
                let message = format!("the table `{}` refers to `{}`", key.table, key.references);
                return Err(Error::new(Kind::Database, message)
                    .hint("drop its foreign key first: only what loads made is dropped")
                    .into());
            }
        }
        if names.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        let done = self.unchecked(&format!("DROP TABLE {}", names.join(", ")))?;
        self.told(done)
    }

    fn foreign_keys(&mut self) -> Attempt<Vec<database::ForeignKey>> {
        Ok(self.references()?.into_iter().map(|(_, key)| key).collect())
    }

    fn orphans(&mut self, tables: &[&str]) -> Attempt<Vec<String>> {
        let (database, mut found) = (self.place.database.clone(), Vec::new());
        for table in tables {
            for key in self.keys_of(&database, table)? {
                found.extend(self.broken((&database, table), &key)?);
            }
        }
        Ok(found)
    }

    /// Foreign keys that reach the schema, from its own tables or from other databases, are looked at when all rows are gone.
    fn delete(&mut self, statements: &[String]) -> Attempt<Vec<u64>> {
        self.run("SET foreign_key_checks = 0")?;
        let counts: Attempt<Vec<u64>> = statements.iter().map(|statement| self.change(statement, &[])).collect();
        let checks = u8::from(!self.options.defer_foreign_keys);
        self.run(&format!("SET foreign_key_checks = {checks}"))?;
        let counts = counts?;
        let found = self.left_behind()?;
        if !found.is_empty() {
            return Err(Error::new(Kind::Database, format!("rows of others depend on the load: {}", found.join("; ")))
                .hint("nothing was removed: remove these rows first")
                .into());
        }
        Ok(counts)
    }

    fn bytes(&mut self, tables: &[&str]) -> Attempt<u64> {
        let database = self.place.database.clone();
        let names = tables.iter().map(|name| Value::Text(name));
        let values: Vec<Value<'_>> = std::iter::once(Value::Text(&database)).chain(names).collect();
        let marks = vec!["?"; tables.len()].join(", ");
        self.number(&catalog::BYTES.replace("{names}", &marks), &values)
    }

    fn analyze(&mut self, tables: &[&str]) -> Attempt<()> {
        let names: Vec<String> = tables.iter().map(|name| quoted(name)).collect();
        self.run(&format!("ANALYZE TABLE {}", names.join(", ")))
    }

    /// Nothing: a table's next value stands above those that were inserted.
    fn advance(&mut self, _: &Table) -> Attempt<Vec<String>> {
        Ok(Vec::new())
    }
}
