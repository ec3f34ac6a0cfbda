//! The tables as `SQLite` has them: the statements of `schema.sql`, with types that keep each value as it is.
//!
//! | type | column | stored as |
//! |---|---|---|
//! | integer, boolean | `INTEGER`, `BOOLEAN` | an integer; a primary key of one integer is the row id |
//! | double | `DOUBLE PRECISION` | a float; −0 as 0 |
//! | decimal | `NUMERIC(12,2)` | an integer, or a float of at most 15 digits, which is exact |
//! | date | `DATE` | text, `2025-06-30` |
//! | timestamp | `TIMESTAMP` | text of one width, so that it sorts: `2025-06-30T12:34:56.000000Z` |
//! | text, code | `TEXT` | text |

use arrow_schema::{DataType, Schema};

use crate::error::{Error, Result};
use crate::format::write::ddl::{Dialect, quoted};
use crate::sql::needs_decimals;
use crate::target::database::Sql;

/// The SQL of `SQLite`.
static DIALECT: Dialect = Dialect {
    quoted,
    sql_type: |data_type, _| sql_type(data_type),
    forward_references: true,
    foreign_key_end: " DEFERRABLE INITIALLY DEFERRED",
    takes_check,
    inline: true,
    index: Some(|table, columns| {
        let name = quoted(&format!("{table} {}", columns.join(" ")));
        let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        format!("CREATE INDEX {name} ON {} ({})", quoted(table), columns.join(", "))
    }),
    constraint_name: None,
    comments: None,
};

/// The SQL of loads.
pub(super) static SQL: Sql = Sql {
    name: "sqlite",
    quoted,
    ddl: &DIALECT,
    texts: ("TEXT", "TEXT"),
    insert_new: ("INSERT OR IGNORE INTO", ""),
    cast: |column, _| column.to_owned(),
    begin: "BEGIN IMMEDIATE",
    enforces: false,
    parallel: false,
    temporary: "CREATE TEMPORARY TABLE {name} AS SELECT {columns} FROM {table} WHERE false",
};

fn sql_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int64 => "INTEGER".to_owned(),
        DataType::Float64 => "DOUBLE PRECISION".to_owned(),
        DataType::Decimal128(precision, scale) => format!("NUMERIC({precision},{scale})"),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Timestamp(..) => "TIMESTAMP".to_owned(),
        _ => "TEXT".to_owned(),
    }
}

/// Tells whether a check means the same here: sums of decimals are rounded as floats, and some functions have other names.
fn takes_check(predicate: &str, columns: &Schema) -> bool {
    !needs_decimals(predicate, columns)
}

/// The statement that inserts a row.
pub(super) fn insert(table: &str, columns: &Schema) -> String {
    let names: Vec<String> = columns.fields().iter().map(|field| quoted(field.name())).collect();
    format!("INSERT INTO {} ({}) VALUES ({})", quoted(table), names.join(", "), vec!["?"; names.len()].join(", "))
}

/// Refuses names that the database keeps for itself, and columns that it takes for the same.
///
/// # Errors
///
/// If there is such a table or column, or one that holds bytes.
pub(super) fn allow_names(table: &str, columns: &Schema) -> Result<()> {
    if table.to_ascii_lowercase().starts_with("sqlite_") || table.contains('\0') {
        return Err(Error::usage(format!("a table of SQLite cannot be called `{table}`"))
            .hint("leave it out with --tables, or give it another name in the profile"));
    }
    if let Some(field) = columns.fields().iter().find(|field| matches!(field.data_type(), DataType::Binary)) {
        return Err(Error::usage(format!("`{table}.{}` holds bytes", field.name()))
            .hint("encrypted cells go into SQLite as text"));
    }
    let names: Vec<&str> = columns.fields().iter().map(|field| field.name().as_str()).collect();
    allow_distinct(&names).map_err(|error| error.within(table))
}

fn allow_distinct(names: &[&str]) -> Result<()> {
    for (at, name) in names.iter().enumerate() {
        if let Some(other) = names[..at].iter().find(|other| other.eq_ignore_ascii_case(name)) {
            return Err(Error::usage(format!("SQLite takes the columns `{other}` and `{name}` for one"))
                .hint("give one of them another name in the profile"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use arrow_schema::Field;

    use super::*;

    #[test]
    fn checks_that_round_are_left_out() {
        let columns = Schema::new(vec![
            Field::new("paid", DataType::Decimal128(12, 2), true),
            Field::new("count", DataType::Int64, true),
        ]);
        for (check, takes) in [
            (r#""paid" >= 0"#, true),
            (r#""count" + 1 > 0"#, true),
            (r#""paid" + 1 > 0"#, false),
            (r#"greatest("count", 1) > 0"#, false),
            (r#""count" * 0.01 + "count" * 0.02 = "count" * 0.03"#, false),
            (r#"0.1 + 0.2 = 0.3 OR "count" > 0"#, false),
            (r#""paid" > 0.5 AND "count" - 1 >= 0"#, true),
            (r#""count" + coalesce("paid", 0) > 0"#, false),
            (r#""count" IN (1, 2) OR "paid" IS NULL"#, true),
        ] {
            assert_eq!(takes_check(check, &columns), takes, "{check}");
        }
    }

    #[test]
    fn names_are_quoted() {
        let columns = Schema::new(vec![Field::new("a\"; DROP TABLE t; --", DataType::Int64, true)]);
        assert_eq!(insert("x\"y", &columns), r#"INSERT INTO "x""y" ("a""; DROP TABLE t; --") VALUES (?)"#);
        assert!(allow_distinct(&["a", "b"]).is_ok());
        assert!(allow_distinct(&["a", "A"]).is_err());
    }
}
