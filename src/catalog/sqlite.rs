//! The catalog of a database file of `SQLite`, opened to be read alone.
//!
//! Tables, columns and keys are those of its pragmas, which know every form; checks are read from the statements that the file
//! keeps. Numbers of rows are those of `ANALYZE`, else the greatest row id, which is found without a look at the rows.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::ddl::{self, Dialect};
use super::{Catalog, Column, Filled, ForeignKey, Table, Type};
use crate::disk::{Links, open_regular};
use crate::error::{Error, Kind, Result};

/// Reads the tables of a file.
///
/// # Errors
///
/// If there is no such file, or it is no database.
pub fn read(path: &Path) -> Result<Catalog> {
    // A database that is not there would be made.
    drop(open_regular(path, Links::Follow).map_err(|error| Error::io(path, error))?);
    let wrong = |error: rusqlite::Error| {
        Error::new(Kind::Io, format!("`{}`: {error}", path.display())).hint("a file of SQLite is needed")
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags).map_err(wrong)?;
    Reader { database }.catalog().map_err(wrong)
}

struct Reader {
    database: Connection,
}

type Answer<T> = std::result::Result<T, rusqlite::Error>;

impl Reader {
    fn catalog(&self) -> Answer<Catalog> {
        let sql = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                   AND name NOT LIKE '\\_placebo\\_%' ESCAPE '\\' ORDER BY rowid";
        let mut statement = self.database.prepare(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?)))?;
        let mut catalog = Catalog::default();
        for row in rows {
            let (name, sql) = row?;
            let sql = sql.unwrap_or_default();
            if sql.to_ascii_lowercase().trim_start().starts_with("create virtual") {
                catalog.notes.push(format!("the virtual table `{name}` is left out"));
                continue;
            }
            catalog.tables.push(self.table(&name, &sql)?);
        }
        Ok(catalog)
    }

    fn table(&self, name: &str, sql: &str) -> Answer<Table> {
        let mut table = Table { name: name.to_owned(), ..Table::default() };
        let mut key: Vec<(i64, usize)> = Vec::new();
        let mut statement = self
            .database
            .prepare("SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?)")?;
        let mut rows = statement.query([name])?;
        while let Some(row) = rows.next()? {
            let (written, not_null): (String, bool) = (row.get(1)?, row.get(2)?);
            let (place, hidden): (i64, i64) = (row.get(4)?, row.get(5)?);
            if place > 0 {
                key.push((place, table.columns.len()));
            }
            table.columns.push(Column {
                name: row.get(0)?,
                ty: Type::parse(&written, &super::types::Known::new()),
                written,
                nullable: !not_null && place == 0,
                default: row.get(3)?,
                filled: if hidden == 0 { Filled::ByRow } else { Filled::ByDatabase },
                about: String::new(),
            });
        }
        key.sort_unstable();
        table.primary_key = key.into_iter().map(|(_, column)| column).collect();
        self.unique(&mut table)?;
        self.foreign_keys(&mut table)?;
        match ddl::read(name, sql, Dialect::Sqlite) {
            Ok(read) => table.checks = read.tables.into_iter().next().map(|table| table.checks).unwrap_or_default(),
            Err(_) if sql.to_ascii_lowercase().contains("check") => {
                table.notes.push("its CHECK constraints were not understood".to_owned());
            }
            Err(_) => {}
        }
        table.rows = self.rows(name);
        Ok(table)
    }

    fn unique(&self, table: &mut Table) -> Answer<()> {
        let mut statement =
            self.database.prepare("SELECT name FROM pragma_index_list(?) WHERE \"unique\" AND origin <> 'pk'")?;
        let names = statement.query_map([&table.name], |row| row.get::<_, String>(0))?.collect::<Answer<Vec<_>>>()?;
        for index in names {
            let mut statement = self.database.prepare("SELECT name FROM pragma_index_info(?) ORDER BY seqno")?;
            let columns =
                statement.query_map([&index], |row| row.get::<_, Option<String>>(0))?.collect::<Answer<Vec<_>>>()?;
            let columns: Option<Vec<usize>> =
                columns.into_iter().map(|name| name.and_then(|name| table.column(&name))).collect();
            match columns {
                Some(columns) => table.unique.push(columns),
                None => table.notes.push(format!("not held: the unique index {index} of expressions")),
            }
        }
        Ok(())
    }

    fn foreign_keys(&self, table: &mut Table) -> Answer<()> {
        let sql = "SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?) ORDER BY id DESC, seq";
        let mut statement = self.database.prepare(sql)?;
        let mut rows = statement.query([&table.name])?;
        let mut last = None;
        while let Some(row) = rows.next()? {
            let (id, to, from, key): (i64, String, String, Option<String>) =
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            let Some(column) = table.column(&from) else { continue };
            if last != Some(id) {
                let none = ForeignKey { columns: Vec::new(), schema: None, table: to, keys: Vec::new() };
                table.foreign_keys.push(none);
            }
            last = Some(id);
            if let Some(foreign) = table.foreign_keys.last_mut() {
                foreign.columns.push(column);
                foreign.keys.extend(key);
            }
        }
        Ok(())
    }

    /// The number of rows by the statistics, or an upper bound. `None` if neither is there.
    fn rows(&self, name: &str) -> Option<u64> {
        let counted = self.database.query_row("SELECT stat FROM sqlite_stat1 WHERE tbl = ? LIMIT 1", [name], |row| {
            row.get::<_, Option<String>>(0)
        });
        let counted = counted.ok().flatten().and_then(|stat| stat.split(' ').next()?.parse().ok());
        let greatest = || {
            let sql = format!("SELECT max(rowid) FROM \"{}\"", name.replace('"', "\"\""));
            let id: Option<i64> = self.database.query_row(&sql, [], |row| row.get(0)).ok().flatten();
            id.and_then(|id| u64::try_from(id).ok()).filter(|id| *id < 1 << 32)
        };
        counted.or_else(greatest)
    }
}
