//! The catalog of a database server, read through any client that answers a statement with rows of texts.
//!
//! A server is asked for statements that would make its tables, which are then read like a file. Numbers of rows are estimates of its
//! statistics.

use super::ddl::{self, Dialect};
use super::{Catalog, Table};
use crate::error::{Error, Kind, Result};

/// A connection to a server.
pub trait Query {
    /// Runs a statement and gives its rows, each value as text; `None` is null.
    ///
    /// # Errors
    ///
    /// If the connection is lost, or the server refuses the statement.
    fn query(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>>;
}

/// The query for the statements of a `PostgreSQL` database.
const POSTGRES: &str = include_str!("server/postgres.sql");

/// The query for the number of rows of its tables.
const POSTGRES_ROWS: &str = "SELECT n.nspname, c.relname, c.reltuples::bigint FROM pg_class c \
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND c.reltuples >= 0";

/// Reads the tables of a `PostgreSQL` database. `name` stands for it in messages.
///
/// # Errors
///
/// If a query fails, or a statement of the server cannot be parsed.
pub fn postgres(name: &str, server: &mut dyn Query) -> Result<Catalog> {
    let statements = server.query(POSTGRES)?;
    let text: Vec<String> = statements.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
    let mut catalog = ddl::read(name, &text.join("\n"), Dialect::Postgres)?;
    for row in server.query(POSTGRES_ROWS)? {
        let [Some(schema), Some(table), Some(rows)] = row.as_slice() else { continue };
        let schema = (schema != "public").then_some(schema.as_str());
        set_rows(&mut catalog, schema, table, rows);
    }
    Ok(catalog)
}

/// Reads the tables of the current database of a `MySQL` or `MariaDB` server. `name` stands for it in messages.
///
/// # Errors
///
/// If a query fails, or a statement of the server cannot be parsed.
pub fn mysql(name: &str, server: &mut dyn Query) -> Result<Catalog> {
    let tables = server.query(
        "SELECT table_name, table_rows FROM information_schema.tables \
         WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY table_name",
    )?;
    let mut text = String::new();
    for row in &tables {
        let Some(Some(table)) = row.first() else { continue };
        let made = server.query(&format!("SHOW CREATE TABLE `{}`", table.replace('`', "``")))?;
        let statement = made.into_iter().next().and_then(|row| row.into_iter().nth(1).flatten()).ok_or_else(|| {
            Error::new(Kind::Io, format!("`{name}` does not say how `{table}` is made"))
                .hint("the user needs the right to read the table")
        })?;
        text.push_str(&statement);
        text.push_str(";\n");
    }
    let mut catalog = ddl::read(name, &text, Dialect::MySql)?;
    for row in tables {
        if let [Some(table), Some(rows)] = row.as_slice() {
            set_rows(&mut catalog, None, table, rows);
        }
    }
    Ok(catalog)
}

fn set_rows(catalog: &mut Catalog, schema: Option<&str>, table: &str, rows: &str) {
    let named = |known: &&mut Table| known.name == table && known.schema.as_deref() == schema;
    if let Some(known) = catalog.tables.iter_mut().find(named) {
        known.rows = rows.parse().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers as a server did.
    struct Recorded(Vec<(&'static str, Vec<Vec<Option<&'static str>>>)>);

    impl Query for Recorded {
        fn query(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
            let (_, rows) = self.0.iter().find(|(start, _)| sql.starts_with(start)).expect("a known query");
            Ok(rows.iter().map(|row| row.iter().map(|value| value.map(str::to_owned)).collect()).collect())
        }
    }

    #[test]
    fn a_server_of_postgresql_is_read() {
        let statements = [
            "CREATE TYPE public.mood AS ENUM ('ok', 'it''s');",
            "CREATE TABLE public.a (id integer DEFAULT nextval('x') NOT NULL, mood public.mood);",
            "CREATE TABLE s.\"B\" (id integer NOT NULL);",
            "ALTER TABLE public.a ADD CONSTRAINT a_pkey PRIMARY KEY (id);",
            "ALTER TABLE s.\"B\" ADD CONSTRAINT b_fkey FOREIGN KEY (id) REFERENCES a(id) ON DELETE CASCADE;",
            "COMMENT ON COLUMN public.a.mood IS 'how; it is';",
        ];
        let mut server = Recorded(vec![
            ("--", statements.iter().map(|text| vec![Some(*text)]).collect()),
            (
                "SELECT n.nspname",
                vec![
                    vec![Some("public"), Some("a"), Some("17")],
                    vec![Some("s"), Some("B"), Some("0")],
                    vec![Some("s"), Some("unknown"), None],
                ],
            ),
        ]);
        let catalog = postgres("postgres://x", &mut server).expect("reads");
        let (a, b) = (&catalog.tables[0], &catalog.tables[1]);
        assert_eq!((a.rows, b.rows, a.primary_key.as_slice()), (Some(17), Some(0), [0].as_slice()));
        assert_eq!((b.full_name().as_str(), b.foreign_keys[0].table.as_str()), ("s.B", "a"));
        assert_eq!(a.columns[1].about, "how; it is");
    }

    #[test]
    fn a_server_of_mysql_is_read() {
        let made = "CREATE TABLE `a``b` (\n  `id` int(11) NOT NULL AUTO_INCREMENT,\n  `doc` longtext CHECK (json_valid(`doc`)),\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4";
        let mut server = Recorded(vec![
            ("SELECT table_name", vec![vec![Some("a`b"), Some("5")]]),
            ("SHOW CREATE TABLE `a``b`", vec![vec![Some("a`b"), Some(made)]]),
        ]);
        let catalog = mysql("mysql://x", &mut server).expect("reads");
        let table = &catalog.tables[0];
        assert_eq!((table.name.as_str(), table.rows, table.checks.len()), ("a`b", Some(5), 0));
        assert_eq!(table.columns[1].ty, super::super::Type::Json);
    }
}
