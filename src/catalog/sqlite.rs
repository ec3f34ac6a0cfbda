//! The catalog of a database file of `SQLite`.
//!
//! Tables, columns and keys are those of its pragmas, which know every form; checks are read from the statements that the file
//! keeps. Numbers of rows are those of `ANALYZE`, else the greatest row id, which is found without a look at the rows.

use super::ddl::{self, Dialect};
use super::server::Query;
use super::toml_text::sql as text;
use super::types::Known;
use super::{Catalog, Column, Filled, ForeignKey, Table, Type};
use crate::error::Result;

/// Reads the tables of a file through an open connection.
///
/// # Errors
///
/// If a query fails.
pub fn read(file: &mut dyn Query) -> Result<Catalog> {
    let tables = file.query(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
         AND name NOT LIKE '\\_placebo\\_%' ESCAPE '\\' ORDER BY rowid",
    )?;
    let mut catalog = Catalog::default();
    for row in tables {
        let mut row = row.into_iter();
        let (name, sql) = (row.next().flatten().unwrap_or_default(), row.next().flatten().unwrap_or_default());
        if sql.to_ascii_lowercase().trim_start().starts_with("create virtual") {
            catalog.notes.push(format!("the virtual table `{name}` is left out"));
            continue;
        }
        catalog.tables.push(table(file, &name, &sql)?);
    }
    Ok(catalog)
}

fn table(file: &mut dyn Query, name: &str, sql: &str) -> Result<Table> {
    let mut table = Table { name: name.to_owned(), ..Table::default() };
    let mut key: Vec<(u32, usize)> = Vec::new();
    let columns = "SELECT name, type, \"notnull\", pk, hidden, dflt_value FROM pragma_table_xinfo";
    for row in file.query(&format!("{columns}({})", text(name)))? {
        let [Some(column), written, Some(not_null), Some(place), Some(hidden), default] = row.as_slice() else {
            continue;
        };
        let (place, written) = (place.parse().unwrap_or(0), written.clone().unwrap_or_default());
        if place > 0 {
            key.push((place, table.columns.len()));
        }
        table.columns.push(Column {
            name: column.clone(),
            ty: Type::parse(&written, &Known::new()),
            written,
            nullable: not_null == "0" && place == 0,
            default: default.clone(),
            filled: if hidden == "0" { Filled::ByRow } else { Filled::ByDatabase },
            about: String::new(),
        });
    }
    key.sort_unstable();
    table.primary_key = key.into_iter().map(|(_, column)| column).collect();
    unique(file, &mut table)?;
    foreign_keys(file, &mut table)?;
    match ddl::read(name, sql, Dialect::Sqlite) {
        Ok(read) => table.checks = read.tables.into_iter().next().map(|table| table.checks).unwrap_or_default(),
        Err(_) if sql.to_ascii_lowercase().contains("check") => {
            table.notes.push("NOT HELD: its CHECK constraints were not understood".to_owned());
        }
        Err(_) => {}
    }
    table.rows = rows(file, name);
    Ok(table)
}

fn unique(file: &mut dyn Query, table: &mut Table) -> Result<()> {
    let sql = "SELECT name FROM pragma_index_list(%) WHERE \"unique\" AND origin <> 'pk'";
    for row in file.query(&sql.replace('%', &text(&table.name)))? {
        let index = row.into_iter().next().flatten().unwrap_or_default();
        let sql = format!("SELECT name FROM pragma_index_info({}) ORDER BY seqno", text(&index));
        let columns = file.query(&sql)?.into_iter().map(|row| table.column(row.first()?.as_ref()?));
        match columns.collect::<Option<Vec<usize>>>() {
            Some(columns) => table.unique.push(columns),
            None => table.notes.push(format!("NOT HELD: the unique index {index} of expressions")),
        }
    }
    Ok(())
}

fn foreign_keys(file: &mut dyn Query, table: &mut Table) -> Result<()> {
    let sql = "SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(%) ORDER BY id DESC, seq";
    let mut last = None;
    for row in file.query(&sql.replace('%', &text(&table.name)))? {
        let [Some(id), Some(to), Some(from), key] = row.as_slice() else { continue };
        let Some(column) = table.column(from) else { continue };
        if last.as_ref() != Some(id) {
            let none = ForeignKey { columns: Vec::new(), schema: None, table: to.clone(), keys: Vec::new() };
            table.foreign_keys.push(none);
        }
        last = Some(id.clone());
        if let Some(foreign) = table.foreign_keys.last_mut() {
            foreign.columns.push(column);
            foreign.keys.extend(key.clone());
        }
    }
    Ok(())
}

/// The number of rows by the statistics, or an upper bound. `None` if neither is there.
fn rows(file: &mut dyn Query, name: &str) -> Option<u64> {
    // Without `ANALYZE` there is no table of statistics, and without row ids no greatest one.
    let mut one = |sql: String| file.query(&sql).ok()?.into_iter().next()?.into_iter().next().flatten();
    let counted = one(format!("SELECT stat FROM sqlite_stat1 WHERE tbl = {} LIMIT 1", text(name)));
    let counted = counted.and_then(|stat| stat.split(' ').next()?.parse().ok());
    counted.or_else(|| {
        let greatest: u64 = one(format!("SELECT max(rowid) FROM \"{}\"", name.replace('"', "\"\"")))?.parse().ok()?;
        (greatest < 1 << 32).then_some(greatest)
    })
}
