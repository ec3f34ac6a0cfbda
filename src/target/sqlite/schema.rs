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

use crate::dataset::DataSet;
use crate::error::{Error, Result};
use crate::folder::table_file;
use crate::format::write::ddl::{Dialect, create_tables, quoted};
use crate::sql::needs_decimals;

/// The start of the names of our own tables.
const OWN: &str = "_placebo_";

/// The SQL of `SQLite`.
static DIALECT: Dialect =
    Dialect { sql_type, forward_references: true, foreign_key_end: " DEFERRABLE INITIALLY DEFERRED", takes_check };

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

/// The statements that create the tables of a data set.
pub(super) fn create(set: &DataSet) -> String {
    let tables: Vec<_> = set.outputs().iter().map(|output| table_file(output, Vec::new(), "sqlite")).collect();
    create_tables(&tables, &DIALECT)
}

/// The statement that inserts a row.
pub(super) fn insert(table: &str, columns: &Schema) -> String {
    let names: Vec<String> = columns.fields().iter().map(|field| quoted(field.name())).collect();
    format!("INSERT INTO {} ({}) VALUES ({})", quoted(table), names.join(", "), vec!["?"; names.len()].join(", "))
}

/// The statement that reads the rows of a table in the order of their ids.
pub(super) fn select(table: &str, columns: &Schema) -> String {
    let names: Vec<String> = columns.fields().iter().map(|field| quoted(field.name())).collect();
    format!("SELECT {} FROM {} ORDER BY rowid", names.join(", "), quoted(table))
}

/// Refuses names that the database keeps for itself or for us, and names that it takes for the same.
///
/// # Errors
///
/// If there is such a table or column.
pub(super) fn allow_names(set: &DataSet) -> Result<()> {
    let names: Vec<&str> = set.outputs().iter().map(|output| output.name.as_str()).collect();
    for name in &names {
        let small = name.to_ascii_lowercase();
        if small.starts_with("sqlite_") || small.starts_with(OWN) || name.contains('\0') {
            return Err(Error::usage(format!("a table of SQLite cannot be called `{name}`"))
                .hint("leave it out with --tables, or give it another name in the profile"));
        }
    }
    allow_distinct(&names, "table")?;
    set.outputs().iter().try_for_each(|output| {
        let columns: Vec<&str> = output.schema.fields().iter().map(|field| field.name().as_str()).collect();
        let wrong = output.schema.fields().iter().find(|field| matches!(field.data_type(), DataType::Binary));
        if let Some(field) = wrong {
            return Err(Error::usage(format!("`{}.{}` holds bytes", output.name, field.name()))
                .hint("encrypted cells go into SQLite as text"));
        }
        allow_distinct(&columns, "column").map_err(|error| error.within(&output.name))
    })
}

fn allow_distinct(names: &[&str], what: &str) -> Result<()> {
    for (at, name) in names.iter().enumerate() {
        if let Some(other) = names[..at].iter().find(|other| other.eq_ignore_ascii_case(name)) {
            return Err(Error::usage(format!("SQLite takes the {what}s `{other}` and `{name}` for one"))
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
        assert!(allow_distinct(&["a", "b"], "table").is_ok());
        assert!(allow_distinct(&["a", "A"], "table").is_err());
    }
}
