//! Errors of `PostgreSQL`: what failed, whether to try again, and the row that breaks a constraint.
//!
//! Messages of the server may repeat values (`invalid input syntax for type integer: "…"`), so those about values are left out here;
//! [`Violation`] tells of the row.

use std::error::Error as _;
use std::io;

use postgres::error::{DbError, SqlState};

use crate::error::{Error, Kind};
use crate::target::database::{Again, Failure, Rule, Violation};

/// The failure of a database that is shown as `shown`.
pub(super) fn failure(error: postgres::Error, shown: &str) -> Failure {
    match error.as_db_error() {
        Some(told) => of_server(told, shown),
        None => of_connection(error, shown),
    }
}

fn of_server(told: &DbError, shown: &str) -> Failure {
    let code = told.code();
    let violation = violation(told);
    let again = match code.code() {
        "57P01" | "57P02" | "57P03" | "53300" => Again::Connection,
        "40001" | "40P01" => Again::Transaction,
        state if state.starts_with("08") => Again::Connection,
        _ => Again::Never,
    };
    let what = if violation.is_some() {
        format!("a row is refused, with SQLSTATE {}", code.code())
    } else if code.code().starts_with("22") {
        format!("a value is refused, with SQLSTATE {}", code.code())
    } else {
        told.message().to_owned()
    };
    let hint = match *code {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            Some("the password comes from the URL, from PGPASSWORD, or from the file that PGPASSFILE names (~/.pgpass)")
        }
        SqlState::INVALID_CATALOG_NAME => Some("createdb makes it"),
        SqlState::INSUFFICIENT_PRIVILEGE => Some("the user of the URL must be allowed to create and fill tables there"),
        SqlState::INVALID_SCHEMA_NAME => Some("--schema NAME makes a schema"),
        _ => told.hint(),
    };
    let error = Error::new(Kind::Database, format!("`{shown}`: {what}")).maybe_hint(hint.map(str::to_owned));
    Failure { error, again, violation: violation.map(Box::new) }
}

/// The constraint that a row breaks; `None` for any other error.
fn violation(told: &DbError) -> Option<Violation> {
    let place = told.where_().unwrap_or_default();
    let rule = match told.code().code() {
        "23505" | "23P01" => Rule::Unique,
        "23503" => Rule::ForeignKey,
        "23514" => Rule::Check,
        "23502" => Rule::NotNull,
        "22001" => Rule::Length,
        state if state.starts_with("22") && line_of(place).is_some() => Rule::Type,
        // The words of a trigger are those of its author, and may have values in them.
        "P0001" => Rule::Trigger,
        _ => return None,
    };
    let (columns, values) = told.detail().and_then(key_of).unwrap_or_default();
    let column = told.column().map(str::to_owned).or_else(|| column_of(place));
    let columns = if columns.is_empty() { column.into_iter().collect() } else { columns };
    Some(Violation {
        rule,
        table: told.table().map(str::to_owned),
        constraint: told.constraint().map(str::to_owned),
        columns,
        values,
        row: line_of(place).and_then(|line| usize::try_from(line).ok()?.checked_sub(1)),
    })
}

/// Columns and values of `Key (a, b)=(1, 2) already exists.`; empty where they cannot be told apart.
fn key_of(detail: &str) -> Option<(Vec<String>, Vec<String>)> {
    let rest = detail.strip_prefix("Key (")?;
    let (columns, rest) = rest.split_once(")=(")?;
    let values = &rest[..rest.rfind(") ")?];
    let split = |text: &str| text.split(", ").map(str::to_owned).collect::<Vec<_>>();
    let (columns, values) = (split(columns), split(values));
    let columns: Vec<String> = columns.iter().map(|name| name.trim_matches('"').replace("\"\"", "\"")).collect();
    Some(if columns.len() == values.len() { (columns, values) } else { (columns, Vec::new()) })
}

/// The line of `COPY t, line 17, column x`.
fn line_of(place: &str) -> Option<u64> {
    let rest = place.lines().find_map(|line| line.strip_prefix("COPY ")?.split_once(", line "))?.1;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn column_of(place: &str) -> Option<String> {
    let rest = place.lines().find_map(|line| line.strip_prefix("COPY ")?.split_once(", column "))?.1;
    Some(rest.split([':', '\n']).next()?.to_owned())
}

/// The causes of an error, the nearest first.
fn causes(error: &postgres::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let now = next?;
        next = now.source();
        Some(now)
    })
}

/// The client's words for a server without TLS.
const NO_TLS: &str = "server does not support TLS";

/// The client's words where a server asks for a password and it has none.
const NO_PASSWORD: &str = "password missing";

/// An error that the server did not send: the connection is lost or was never made.
fn of_connection(error: postgres::Error, shown: &str) -> Failure {
    // A connection that ends within TLS has other errors: those are tried again.
    let of_tls = |cause: &(dyn std::error::Error + 'static)| cause.is::<rustls::Error>();
    let wrong_tls = causes(&error).any(|cause| {
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        of_tls(cause) || inner.is_some_and(|inner| of_tls(inner))
    });
    let words: Vec<String> = causes(&error).map(ToString::to_string).collect();
    let what = words.last().cloned().unwrap_or_else(|| error.to_string());
    let of = |again: Again, hint: &str| {
        let error = Error::new(Kind::Database, format!("`{shown}`: {what}")).hint(hint);
        Failure { error, again, violation: None }
    };
    let plain = words.iter().any(|word| word == NO_TLS);
    match () {
        () if wrong_tls => {
            of(Again::Never, "the server's certificate is not trusted: sslrootcert=FILE in the URL names its authority")
        }
        () if plain => {
            of(Again::Never, "the server has no TLS; sslmode=disable needs --allow-clear-text beyond this machine")
        }
        () if error.to_string().contains("authentication") || what == NO_PASSWORD => of(
            Again::Never,
            "the password comes from the URL, from PGPASSWORD, or from the file that PGPASSFILE names (~/.pgpass)",
        ),
        () => of(Again::Connection, "is the server running, and does it take connections at that host and port?"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_name_columns_and_values() {
        let two = key_of("Key (a, b)=(1, x y) already exists.").expect("a key");
        assert_eq!(two, (vec!["a".to_owned(), "b".to_owned()], vec!["1".to_owned(), "x y".to_owned()]));
        let unclear = key_of("Key (a)=(1, 2) is not present in table \"t\".").expect("a key");
        assert_eq!(unclear, (vec!["a".to_owned()], Vec::new()));
        assert_eq!(key_of("Failing row contains (1, 2)."), None);
        assert_eq!(line_of("COPY t, line 17, column x: \"y\""), Some(17));
        assert_eq!(column_of("COPY t, line 17, column x: \"y\"").as_deref(), Some("x"));
        assert_eq!(line_of("SQL statement \"SELECT 1\""), None);
    }
}
