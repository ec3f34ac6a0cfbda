//! Errors of `MySQL`: what failed, whether to try again, and the row that breaks a constraint.
//!
//! Messages of the server repeat values (`Duplicate entry '…' for key …`), so those about rows are left out here; [`Violation`] tells
//! of the row.

use mysql::{DriverError, Error as Client, MySqlError};

use crate::error::{Error, Kind};
use crate::target::database::{Again, Failure, Rule, Violation};

const PASSWORD: &str = "the password comes from the URL, from MYSQL_PWD, or from [client] of ~/.my.cnf";
const AUTHORITY: &str = "the server's certificate is not trusted: ssl-ca=FILE in the URL names its authority";
const SERVER: &str = "is the server running, and does it take connections at that host and port?";

/// The failure of a database that is shown as `shown`.
pub(super) fn failure(error: Client, shown: &str) -> Failure {
    let of = |again: Again, what: String, hint: &str| {
        let error = Error::new(Kind::Database, format!("`{shown}`: {what}")).hint(hint);
        Failure { error, again, violation: None }
    };
    match error {
        Client::MySqlError(told) => of_server(&told, shown),
        Client::TlsError(error) => {
            let what = format!("TLS: {error}");
            of(Again::Never, what, AUTHORITY)
        }
        Client::DriverError(DriverError::TlsNotSupported) => of(
            Again::Never,
            "the server has no TLS".to_owned(),
            "ssl-mode=disabled needs --allow-clear-text beyond this machine",
        ),
        Client::DriverError(DriverError::PacketTooLarge) => of(
            Again::Never,
            "a row is longer than the server takes".to_owned(),
            "raise max_allowed_packet of the server, or allow local_infile there",
        ),
        Client::DriverError(DriverError::CouldNotConnect(cause)) => {
            let what = cause.map_or_else(|| "cannot connect".to_owned(), |(_, what, _)| what);
            of(Again::Connection, what, SERVER)
        }
        Client::DriverError(
            error @ (DriverError::ConnectTimeout | DriverError::Timeout | DriverError::PacketOutOfSync),
        ) => of(Again::Connection, error.to_string(), SERVER),
        Client::DriverError(DriverError::UnknownAuthPlugin(name)) => {
            of(Again::Never, format!("the server wants to authenticate with `{name}`"), "give the user a password")
        }
        Client::DriverError(DriverError::CleartextPluginDisabled | DriverError::OldMysqlPasswordDisabled) => of(
            Again::Never,
            "the server wants the password in a form that others can read".to_owned(),
            "give the user a password of mysql_native_password or caching_sha2_password",
        ),
        Client::IoError(_) | Client::CodecError(_) => {
            let what = match &error {
                Client::IoError(error) => error.to_string(),
                other => other.to_string(),
            };
            // A refused certificate comes as an error of the stream.
            match what.contains("certificate") {
                true => of(Again::Never, what, AUTHORITY),
                false => of(Again::Connection, what, SERVER),
            }
        }
        // These may repeat a value.
        Client::FromValueError(_) | Client::FromRowError(_) => of(
            Again::Never,
            "an answer of the server has another type".to_owned(),
            "is it a server of MySQL or MariaDB?",
        ),
        other => of(Again::Never, other.to_string(), SERVER),
    }
}

fn of_server(told: &MySqlError, shown: &str) -> Failure {
    let violation = violation(told.code, &told.message);
    let again = match told.code {
        // Too many connections; shutdown; aborted, killed or unreadable connections.
        1040 | 1203 | 1053 | 1152 | 1158..=1161 | 1184 | 1927 | 2006 | 2013 => Again::Connection,
        // Lock waits, deadlocks, and tables that were defined again.
        1205 | 1213 | 1412 | 1020 => Again::Transaction,
        _ => Again::Never,
    };
    let of_value = ["22", "23", "45"].iter().any(|class| told.state.starts_with(class));
    let what = match &violation {
        None if !of_value => told.message.clone(),
        _ => format!("a row is refused, with error {} (SQLSTATE {})", told.code, told.state),
    };
    let hint = match told.code {
        1045 | 1698 | 1251 => Some(PASSWORD),
        1049 => Some("CREATE DATABASE makes it, and so does --schema NAME"),
        1044 | 1142 | 1143 | 1227 | 1370 => Some("the user of the URL must be allowed to create and fill tables there"),
        1114 | 1021 => Some("make room on the server, and run the same command again: it continues"),
        1290 | 1792 | 1836 => Some("the server or the connection only reads: give the URL of one that writes"),
        _ => None,
    };
    let error = Error::new(Kind::Database, format!("`{shown}`: {what}")).maybe_hint(hint.map(str::to_owned));
    Failure { error, again, violation: violation.map(Box::new) }
}

/// The constraint that a row breaks, by the number and text of an error or warning; `None` for any other.
pub(super) fn violation(code: u16, message: &str) -> Option<Violation> {
    let rule = match code {
        1022 | 1062 | 1586 => Rule::Unique,
        1216 | 1452 => Rule::ForeignKey,
        3819 | 4025 => Rule::Check,
        1048 | 1263 | 1364 => Rule::NotNull,
        1406 => Rule::Length,
        1264 | 1265 | 1292 | 1366 | 1367 | 1411 | 1525 | 1526 | 1690 | 3140 => Rule::Type,
        // SIGNAL: the words of a trigger are those of its author.
        1644 => Rule::Trigger,
        _ => return None,
    };
    let (constraint, columns) = match rule {
        Rule::Unique => (message.rsplit_once(" for key ").and_then(|(_, key)| Some(name_at(key)?.0)), Vec::new()),
        Rule::ForeignKey => foreign_key(message).map_or((None, Vec::new()), |(name, columns)| (Some(name), columns)),
        Rule::Check => {
            let place = message.split_once("onstraint ").or_else(|| message.split_once("CONSTRAINT "));
            (place.and_then(|(_, name)| Some(name_at(name)?.0)), Vec::new())
        }
        Rule::Trigger => (None, Vec::new()),
        Rule::NotNull | Rule::Length | Rule::Type => (None, column(message).into_iter().collect()),
    };
    Some(Violation { rule, table: None, constraint, columns, values: Vec::new(), row: None })
}

/// The name in quotes with which a text begins, and what follows it.
pub(super) fn name_at(text: &str) -> Option<(String, &str)> {
    let mut chars = text.char_indices();
    let (_, quote) = chars.next().filter(|(_, c)| matches!(c, '`' | '"' | '\''))?;
    let mut name = String::new();
    while let Some((at, c)) = chars.next() {
        let rest = &text[at + c.len_utf8()..];
        match c {
            c if c == quote && rest.starts_with(quote) => {
                chars.next();
                name.push(quote);
            }
            c if c == quote => return Some((name, rest)),
            c => name.push(c),
        }
    }
    None
}

/// Name and columns of ``CONSTRAINT `c` FOREIGN KEY (`a`, `b`) REFERENCES …``.
fn foreign_key(message: &str) -> Option<(String, Vec<String>)> {
    let (name, rest) = name_at(message.split_once("CONSTRAINT ")?.1)?;
    let mut rest = rest.strip_prefix(" FOREIGN KEY (")?;
    let mut columns = Vec::new();
    while let Some((column, after)) = name_at(rest) {
        columns.push(column);
        rest = after.strip_prefix(", ").unwrap_or(after);
    }
    Some((name, columns))
}

/// The column of `… for column 'x' at row 1`, ``… for column `d`.`t`.`x` at row 1`` or `Column 'x' cannot be null`.
fn column(message: &str) -> Option<String> {
    let start =
        ["Column ", "Field "].iter().find_map(|word| message.strip_prefix(word).filter(|rest| rest.starts_with('\'')));
    let mut rest = start.or_else(|| Some(message.rsplit_once(" column ")?.1))?;
    loop {
        let (name, after) = name_at(rest)?;
        match after.strip_prefix('.') {
            Some(more) => rest = more,
            None => return Some(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_both_servers_name_constraints_and_columns() {
        for (code, message, constraint, columns) in [
            (1062, "Duplicate entry '1-x' for key 'PRIMARY'", Some("PRIMARY"), &[][..]),
            (1062, "Duplicate entry 'a for key b' for key 't.t.a'", Some("t.t.a"), &[]),
            (
                1452,
                "Cannot add or update a child row: a foreign key constraint fails (`d`.`t`, CONSTRAINT `t``.a,b` FOREIGN KEY (`a`, `b``c`) REFERENCES `p` (`id`, `x`))",
                Some("t`.a,b"),
                &["a", "b`c"],
            ),
            (4025, "CONSTRAINT `t.paid` failed for `d`.`t`", Some("t.paid"), &[]),
            (3819, "Check constraint 't.paid' is violated.", Some("t.paid"), &[]),
            (1048, "Column 'x' cannot be null", None, &["x"]),
            (1364, "Field 'x' doesn't have a default value", None, &["x"]),
            (1406, "Data too long for column 'x' at row 1", None, &["x"]),
            (1366, "Incorrect integer value: 'sesame' for column `d`.`t`.`x` at row 1", None, &["x"]),
            (1263, "Column set to default value; NULL supplied to NOT NULL column 'x' at row 1", None, &["x"]),
        ] {
            let found = violation(code, message).expect(message);
            assert_eq!(
                (found.constraint.as_deref(), found.columns),
                (constraint, columns.iter().map(|c| (*c).to_owned()).collect()),
                "{message}"
            );
        }
        assert_eq!(violation(1064, "You have an error"), None);
    }

    #[test]
    fn values_stay_out_of_messages() {
        for (code, state) in [(1062, "23000"), (1644, "45000"), (1366, "22007"), (1366, "HY000")] {
            let told = MySqlError {
                state: state.to_owned(),
                message: "Duplicate entry 'sesame' for key 'x'".to_owned(),
                code,
            };
            let failure = failure(Client::MySqlError(told), "mysql://a@h/d");
            assert!(!failure.error.to_string().contains("sesame"), "{}", failure.error);
        }
        let lost = failure(Client::IoError(std::io::ErrorKind::BrokenPipe.into()), "x");
        let deadlock = MySqlError { state: "40001".to_owned(), message: "Deadlock found".to_owned(), code: 1213 };
        assert_eq!(
            (lost.again, failure(Client::MySqlError(deadlock), "x").again),
            (Again::Connection, Again::Transaction)
        );
    }
}
