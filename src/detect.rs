//! Finds test data in a database: loads that the ledger tells of, and columns whose values come from ranges that are given to nobody.

use std::sync::OnceLock;

use regex::Regex;

use crate::error::{Error, Result};
use crate::folder::manifest::Manifest;
use crate::target::database::{self, Ledger, Options, Sql, Table, sums};

/// The forms of values that are reserved: kind and regular expression.
const FORMS: &str = include_str!("../profiles/common/data/reserved_forms.csv");
/// The fewest values that say something about a column.
const FEWEST: usize = 10;

/// A load in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundLoad {
    /// Its name.
    pub id: String,
    /// Its profile.
    pub profile: String,
    /// The number of its tables.
    pub tables: usize,
    /// The rows that the ledger tells of.
    pub rows: u64,
    /// True if it is complete.
    pub complete: bool,
}

/// A column whose values are reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundColumn {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The kind of values, such as `ssn`.
    pub kind: &'static str,
    /// The number of values that are reserved.
    pub reserved: usize,
    /// The number of values that were looked at.
    pub seen: usize,
}

/// The loads and columns that were found in a database.
#[derive(Debug, Default)]
pub struct Found {
    /// The loads.
    pub loads: Vec<FoundLoad>,
    /// The columns.
    pub columns: Vec<FoundColumn>,
}

struct Form {
    kind: &'static str,
    regex: Regex,
}

/// The forms of the data file.
fn forms() -> &'static [Form] {
    static ALL: OnceLock<Vec<Form>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(FORMS.as_bytes());
        let rows = reader.records().filter_map(Result::ok);
        let form = |row: csv::StringRecord| {
            let kind = crate::kinds::find(row.get(0)?)?.name.as_str();
            Some(Form { kind, regex: Regex::new(row.get(1)?).ok()? })
        };
        rows.filter_map(form).collect()
    })
}

/// Looks through a database: its ledger, and so many rows of each table.
///
/// # Errors
///
/// If the database cannot be read.
pub fn detect(name: &str, options: &Options, rows: u64) -> Result<Found> {
    let server = database::server(name, options)?;
    let (mut connection, sql) = (server.look()?, server.sql());
    let mut found = Found::default();
    let mut ledger = Ledger::new(connection.as_mut(), sql);
    for load in if ledger.exists()? { ledger.loads()? } else { Vec::new() } {
        let entries = ledger.entries(&load.id)?;
        found.loads.push(FoundLoad {
            tables: Manifest::parse(&load.recipe)?.tables.len(),
            rows: sums(&entries).values().map(|sum| sum.rows).sum(),
            complete: load.manifest.is_some(),
            id: load.id,
            profile: load.profile,
        });
    }
    let tables = connection.tables()?;
    for table in tables.iter().filter(|table| !table.name.starts_with(database::OWN)) {
        let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        if columns.is_empty() {
            continue;
        }
        let rows = connection.query(&sample(sql, table, rows), &[]).map_err(Error::from)?;
        for (at, column) in columns.iter().enumerate() {
            let values: Vec<&str> = rows.iter().filter_map(|row| row.get(at)?.as_deref()).collect();
            found.columns.extend(reserved(&table.name, column, &values));
        }
    }
    Ok(found)
}

/// The statement that reads some rows as text.
fn sample(sql: &Sql, table: &Table, rows: u64) -> String {
    let text = |name: &str| (sql.cast)(&(sql.quoted)(name), &arrow_schema::DataType::Utf8);
    let columns: Vec<String> = table.columns.iter().map(|column| text(&column.name)).collect();
    format!("SELECT {} FROM {} LIMIT {rows}", columns.join(", "), (sql.quoted)(&table.name))
}

/// The kind of which at least nine in ten values of a column are.
fn reserved(table: &str, column: &str, values: &[&str]) -> Option<FoundColumn> {
    if values.len() < FEWEST {
        return None;
    }
    forms().iter().find_map(|form| {
        let reserved = values.iter().filter(|value| form.regex.is_match(value)).count();
        (reserved * 10 >= values.len() * 9).then(|| FoundColumn {
            table: table.to_owned(),
            column: column.to_owned(),
            kind: form.kind,
            reserved,
            seen: values.len(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let lines = FORMS.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count();
        assert_eq!(forms().len() + 1, lines, "a kind is unknown, or an expression is wrong");
    }

    #[test]
    fn columns_of_reserved_values_are_found() {
        let column = |value: &str| reserved("t", "c", &vec![value; 20]).map(|found| found.kind);
        for (value, kind) in [
            ("987-65-4320", Some("ssn")),
            ("666-12-3456", Some("ssn")),
            ("123-45-6789", None),
            ("(212) 555-0147", Some("phone")),
            ("+1 212 555 0147", Some("phone")),
            ("(212) 555-1147", None),
            ("a.b@example.com", Some("email")),
            ("a@mail.example.org", Some("email")),
            ("a@gmail.com", None),
            ("203.0.113.7", Some("ip")),
            ("10.0.0.1", None),
        ] {
            assert_eq!(column(value), kind, "{value}");
        }
        assert!(reserved("t", "c", &["a@example.com"; 5]).is_none(), "five values say nothing");
    }
}
