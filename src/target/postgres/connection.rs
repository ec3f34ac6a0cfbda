//! An open connection to `PostgreSQL`.

use std::io::Write;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use postgres::types::{ToSql, Type};
use postgres::{Client, Row};

use super::copy::is_binary;
use super::{catalog, failure, read};
use crate::error::{Error, Kind, Result};
use crate::format::write::Piece;
use crate::format::write::ddl::quoted;
use crate::target::database::{Again, Attempt, Connection, Failure, ForeignKey, Options, Receiver, Table, Value};

/// The bytes of rows that are handed to the client at a time.
const PIECE: usize = 1 << 16;

/// A connection, and what is asked of it.
pub(super) struct Open {
    client: Client,
    shown: String,
    options: Options,
}

impl Open {
    pub(super) fn new(client: Client, shown: String, options: Options) -> Self {
        Self { client, shown, options }
    }

    fn told<T>(&self, done: Result<T, postgres::Error>) -> Attempt<T> {
        done.map_err(|error| failure::failure(error, &self.shown))
    }

    /// One value of the first row.
    fn value(&mut self, sql: &str, values: &[Value<'_>]) -> Attempt<Option<String>> {
        let rows = self.query(sql, values)?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).flatten())
    }
}

/// The words of SQL statements with their values, as the client takes them.
struct Bound<'v> {
    sql: String,
    numbers: Vec<i64>,
    values: &'v [Value<'v>],
}

impl<'v> Bound<'v> {
    /// Replaces each `?` outside quotes; a null is written out, because it has no type.
    fn new(sql: &str, values: &'v [Value<'v>]) -> Self {
        if values.is_empty() {
            return Self { sql: sql.to_owned(), numbers: Vec::new(), values };
        }
        let (mut out, mut left, mut count) = (String::with_capacity(sql.len() + values.len()), values.iter(), 0);
        let mut quote = None;
        for c in sql.chars() {
            match (c, quote) {
                ('"' | '\'', None) => quote = Some(c),
                (_, Some(open)) if open == c => quote = None,
                _ => {}
            }
            match c {
                '?' if quote.is_none() => match left.next() {
                    Some(Value::Null) | None => out.push_str("NULL"),
                    Some(_) => {
                        count += 1;
                        out.push_str(&format!("${count}"));
                    }
                },
                c => out.push(c),
            }
        }
        let numbers = values.iter().map(|value| if let Value::Number(number) = value { *number as i64 } else { 0 });
        Self { sql: out, numbers: numbers.collect(), values }
    }

    fn params(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        let all = self.values.iter().zip(&self.numbers).filter_map(|(value, number)| match value {
            Value::Text(text) => Some((text as &(dyn ToSql + Sync), Type::TEXT)),
            Value::Number(_) => Some((number as &(dyn ToSql + Sync), Type::INT8)),
            Value::Null => None,
        });
        all.collect()
    }
}

/// A value of a row as text.
fn text(row: &Row, at: usize) -> Result<Option<String>> {
    let wrong = |error: postgres::Error| Error::internal(format!("a column of the catalogue: {error}"));
    let column = &row.columns()[at];
    Ok(match *column.type_() {
        Type::BOOL => row.try_get::<_, Option<bool>>(at).map_err(wrong)?.map(|value| value.to_string()),
        Type::INT2 => row.try_get::<_, Option<i16>>(at).map_err(wrong)?.map(|value| value.to_string()),
        Type::INT4 => row.try_get::<_, Option<i32>>(at).map_err(wrong)?.map(|value| value.to_string()),
        Type::INT8 => row.try_get::<_, Option<i64>>(at).map_err(wrong)?.map(|value| value.to_string()),
        _ => row.try_get::<_, Option<&str>>(at).map_err(wrong)?.map(str::to_owned),
    })
}

impl Connection for Open {
    fn run(&mut self, sql: &str) -> Attempt<()> {
        let done = self.client.batch_execute(sql);
        self.told(done)
    }

    fn change(&mut self, sql: &str, values: &[Value<'_>]) -> Attempt<u64> {
        let bound = Bound::new(sql, values);
        let done = self.client.execute_typed(&bound.sql, &bound.params());
        self.told(done)
    }

    fn query(&mut self, sql: &str, values: &[Value<'_>]) -> Attempt<Vec<Vec<Option<String>>>> {
        let bound = Bound::new(sql, values);
        let rows = self.client.query_typed(&bound.sql, &bound.params());
        let rows = self.told(rows)?;
        let texts = |row: &Row| (0..row.len()).map(|at| text(row, at)).collect::<Result<Vec<_>>>();
        Ok(rows.iter().map(texts).collect::<Result<_>>()?)
    }

    fn insert(&mut self, receiver: &Receiver, piece: &Piece) -> Attempt<()> {
        let Piece::Bytes(bytes) = piece else { return Err(Error::internal("rows that are not encoded").into()) };
        let columns: Vec<String> = receiver.schema.fields().iter().map(|field| quoted(field.name())).collect();
        let form = if is_binary(receiver)? { "binary" } else { "csv" };
        let copy = format!("COPY {} ({}) FROM STDIN (FORMAT {form})", quoted(&receiver.table), columns.join(", "));
        let copied = self.client.copy_in(&copy);
        let told = |error| failure::failure(error, &self.shown);
        let mut copied = copied.map_err(told)?;
        // The client copies what it is given, so it gets a little at a time.
        let written = bytes.chunks(PIECE).try_for_each(|piece| copied.write_all(piece));
        match written {
            Ok(()) => copied.finish().map(|_| ()).map_err(told),
            Err(error) => {
                Err(match error.into_inner().map(<dyn std::error::Error + Send + Sync>::downcast::<postgres::Error>) {
                    Some(Ok(error)) => told(*error),
                    _ => Failure {
                        error: Error::new(Kind::Database, format!("`{}`: the connection ended", self.shown)),
                        again: Again::Connection,
                        violation: None,
                    },
                })
            }
        }
    }

    fn read(
        &mut self,
        select: &str,
        schema: &SchemaRef,
        take: &mut dyn FnMut(RecordBatch) -> Result<()>,
    ) -> Attempt<()> {
        let copied = self.client.copy_out(&format!("COPY ({select}) TO STDOUT (FORMAT binary)"));
        let told = |error| failure::failure(error, &self.shown);
        Ok(read::read(copied.map_err(told)?, schema, take)?)
    }

    fn tables(&mut self) -> Attempt<Vec<Table>> {
        let rows = self.query(catalog::TABLES, &[])?;
        Ok(Table::of_rows(rows)?)
    }

    fn lock(&mut self) -> Attempt<()> {
        // A schema that the load makes is not there yet, so its name is what all loads of it have in common.
        let schema = self.options.schema.clone();
        let schema = schema.as_deref().map_or(Value::Null, Value::Text);
        let lock =
            "SELECT pg_advisory_lock(hashtextextended('placebo ' || coalesce(?, current_schema(), ''), 0))::text";
        self.query(lock, &[schema]).map(|_| ())
    }

    fn unlock(&mut self) -> Attempt<()> {
        self.run("SELECT pg_advisory_unlock_all()")
    }

    fn tables_of_all_schemas(&mut self) -> Attempt<u64> {
        self.number(catalog::COUNT, &[])
    }

    fn database(&mut self) -> Attempt<String> {
        Ok(self.value("SELECT current_database()", &[])?.unwrap_or_default())
    }

    fn create_schema(&mut self) -> Attempt<()> {
        let Some(schema) = self.options.schema.clone() else { return Ok(()) };
        let there = self.number("SELECT count(*) FROM pg_namespace WHERE nspname = ?", &[Value::Text(&schema)])?;
        if there == 0 { self.run(&format!("CREATE SCHEMA {}", quoted(&schema))) } else { Ok(()) }
    }

    fn drop_tables(&mut self, names: &[&str]) -> Attempt<()> {
        if names.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        self.run(&format!("DROP TABLE {}", names.join(", ")))
    }

    fn foreign_keys(&mut self) -> Attempt<Vec<ForeignKey>> {
        let rows = self.query(catalog::REFERENCES, &[])?;
        let key = |row: Vec<Option<String>>| {
            let [Some(table), Some(references), Some(cascades)] = <[_; 3]>::try_from(row).ok()? else { return None };
            Some(ForeignKey { table, references, cascades: cascades == "true" })
        };
        Ok(rows.into_iter().filter_map(key).collect())
    }

    fn delete(&mut self, statements: &[String]) -> Attempt<Vec<u64>> {
        // Foreign keys are checked at the end of a statement: one statement has all of them.
        let parts = statements.iter().enumerate();
        let parts: Vec<String> = parts.map(|(at, sql)| format!("d{at} AS ({sql} RETURNING 1)")).collect();
        let counts: Vec<String> = (0..parts.len()).map(|at| format!("(SELECT count(*) FROM d{at})")).collect();
        if parts.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.query(&format!("WITH {} SELECT {}", parts.join(", "), counts.join(", ")), &[])?;
        let counts = rows.into_iter().next().unwrap_or_default().into_iter();
        Ok(counts.map(|count| count.and_then(|count| count.parse().ok()).unwrap_or(0)).collect())
    }

    fn orphans(&mut self, tables: &[&str]) -> Attempt<Vec<String>> {
        let mut found = Vec::new();
        for table in tables {
            for row in self.query(catalog::FOREIGN_KEYS, &[Value::Text(table)])? {
                let [Some(name), Some(select)] = row.as_slice() else { continue };
                let rows = self.number(select, &[])?;
                if rows > 0 {
                    found.push(format!("{rows} rows of `{table}` break the foreign key `{name}`"));
                }
            }
        }
        Ok(found)
    }

    fn bytes(&mut self, tables: &[&str]) -> Attempt<u64> {
        let values: Vec<Value<'_>> = tables.iter().map(|name| Value::Text(name)).collect();
        let marks = vec!["?"; values.len()].join(", ");
        self.number(&catalog::BYTES.replace("{names}", &marks), &values)
    }

    fn analyze(&mut self, tables: &[&str]) -> Attempt<()> {
        let names: Vec<String> = tables.iter().map(|name| quoted(name)).collect();
        self.run(&format!("ANALYZE {}", names.join(", ")))
    }

    fn advance(&mut self, table: &Table) -> Attempt<Vec<String>> {
        let rows = self.query(catalog::SEQUENCES, &[Value::Text(&table.name)])?;
        let (table, mut all) = (quoted(&table.name), Vec::new());
        for row in rows {
            if let [Some(column), Some(sequence)] = row.as_slice() {
                let (column, text) = (quoted(column), sequence.replace('\'', "''"));
                all.push(format!(
                    "SELECT setval('{text}'::regclass, m) FROM (SELECT max({column})::bigint AS m FROM {table}) t \
                     WHERE m >= (SELECT last_value FROM {sequence})"
                ));
            }
        }
        Ok(all)
    }
}
