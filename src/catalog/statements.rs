//! The statements of an SQL file, told apart without being understood: dumps hold much that is no table.

use sqlparser::dialect as sql;

use crate::error::{Error, Result, did_you_mean};

/// A dialect of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `PostgreSQL`, as `pg_dump --schema-only` writes it.
    Postgres,
    /// `MySQL` and `MariaDB`.
    MySql,
    /// `SQLite`.
    Sqlite,
    /// SQL Server.
    SqlServer,
}

/// The dialects by their names.
pub const DIALECTS: [(&str, Dialect); 4] = [
    ("postgres", Dialect::Postgres),
    ("mysql", Dialect::MySql),
    ("sqlite", Dialect::Sqlite),
    ("sqlserver", Dialect::SqlServer),
];

impl Dialect {
    /// Finds a dialect by its name.
    ///
    /// # Errors
    ///
    /// If there is none of this name.
    pub fn named(name: &str) -> Result<Self> {
        let found = DIALECTS.iter().find(|(known, _)| *known == name);
        found.map(|(_, dialect)| *dialect).ok_or_else(|| {
            Error::usage(format!("`{name}` is not a dialect of SQL"))
                .maybe_hint(did_you_mean(name, DIALECTS.iter().map(|(name, _)| *name)))
        })
    }

    /// Guesses the dialect of a text from signs that only one dialect has; `PostgreSQL` where there is none.
    #[must_use]
    pub fn guess(text: &str) -> Self {
        let small = text.to_ascii_lowercase();
        let has = |signs: &[&str]| signs.iter().any(|sign| small.contains(sign));
        if has(&["engine=", "auto_increment", "unsigned", "tinyint("]) {
            Dialect::MySql
        } else if has(&["identity(1", "nvarchar(", "[dbo]", "\ngo\n", "\ngo\r", "uniqueidentifier", "datetime2"]) {
            Dialect::SqlServer
        } else if has(&[
            "serial",
            "without time zone",
            "with time zone",
            "::",
            "$$",
            "create type",
            "owner to",
            "bytea",
            "create domain",
        ]) {
            Dialect::Postgres
        } else if has(&["autoincrement", "pragma ", "without rowid", "nvarchar", "datetime"]) || small.contains('`') {
            Dialect::Sqlite
        } else {
            Dialect::Postgres
        }
    }

    /// Gives the grammar.
    pub(super) fn grammar(self) -> Box<dyn sql::Dialect> {
        match self {
            Dialect::Postgres => Box::new(sql::PostgreSqlDialect {}),
            Dialect::MySql => Box::new(sql::MySqlDialect {}),
            Dialect::Sqlite => Box::new(sql::SQLiteDialect {}),
            Dialect::SqlServer => Box::new(sql::MsSqlDialect {}),
        }
    }
}

/// Gives the statements of a text, each with the byte where it starts.
pub(super) fn split(text: &str, dialect: Dialect) -> Vec<(usize, &str)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut start, mut at) = (0, 0);
    let mut blank = true;
    let line_end = |at: usize| bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |n| at + n + 1);
    while at < bytes.len() {
        let rest = &bytes[at..];
        let line_start = at == 0 || bytes[at - 1] == b'\n';
        let comment = rest.starts_with(b"--") || (rest[0] == b'#' && dialect == Dialect::MySql);
        let command = blank && line_start && (rest[0] == b'\\' || word(rest, b"delimiter"));
        let go = line_start
            && dialect == Dialect::SqlServer
            && word(rest, b"go")
            && text[at..line_end(at)].trim().len() == 2;
        if go {
            found.push((start, &text[start..at]));
        }
        if comment || command || go {
            at = line_end(at);
            if command || go {
                (start, blank) = (at, true);
            }
        } else if rest.starts_with(b"/*") {
            at = comment_end(bytes, at, dialect);
        } else if let Some(end) = quoted_end(bytes, at, dialect) {
            (at, blank) = (end, false);
        } else if rest[0] == b';' {
            let statement = &text[start..at];
            found.push((start, statement));
            at += 1;
            if dialect == Dialect::Postgres && copies(statement) {
                at = data_end(bytes, at);
            }
            (start, blank) = (at, true);
        } else {
            blank &= rest[0].is_ascii_whitespace();
            at += 1;
        }
    }
    found.push((start, &text[start..]));
    found.retain(|(_, statement)| !statement.trim().is_empty());
    found
}

/// Tells whether a text starts with a word, in any case.
fn word(text: &[u8], word: &[u8]) -> bool {
    let ends = |b: &u8| !b.is_ascii_alphanumeric() && *b != b'_';
    text.len() >= word.len() && text[..word.len()].eq_ignore_ascii_case(word) && text.get(word.len()).is_none_or(ends)
}

/// Finds the end of a comment; those of `PostgreSQL` and SQL Server can be nested.
fn comment_end(bytes: &[u8], start: usize, dialect: Dialect) -> usize {
    let nested = matches!(dialect, Dialect::Postgres | Dialect::SqlServer);
    let (mut at, mut depth) = (start + 2, 1);
    while at < bytes.len() && depth > 0 {
        if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
        } else if nested && bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else {
            at += 1;
        }
    }
    at
}

/// Finds the end of a text or name in quotes that starts here. `None` if none does.
fn quoted_end(bytes: &[u8], start: usize, dialect: Dialect) -> Option<usize> {
    let open = bytes[start];
    let close = match open {
        b'\'' | b'"' => open,
        b'`' if matches!(dialect, Dialect::MySql | Dialect::Sqlite) => open,
        b'[' if matches!(dialect, Dialect::SqlServer | Dialect::Sqlite) => b']',
        b'$' if dialect == Dialect::Postgres => {
            let tag = bytes[start + 1..].iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'_')?;
            let end = start + 1 + tag;
            let before = start.checked_sub(1).map(|before| bytes[before]);
            let inside = before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
            if bytes[end] != b'$' || inside || bytes[start + 1].is_ascii_digit() {
                return None;
            }
            let tag = &bytes[start..=end];
            let body = bytes[end + 1..].windows(tag.len()).position(|part| part == tag);
            return Some(body.map_or(bytes.len(), |body| end + 1 + body + tag.len()));
        }
        _ => return None,
    };
    let escapes = dialect == Dialect::MySql && open != b'`'
        || dialect == Dialect::Postgres && open == b'\'' && start > 0 && matches!(bytes[start - 1], b'E' | b'e');
    let mut at = start + 1;
    while at < bytes.len() {
        if escapes && bytes[at] == b'\\' {
            at += 2;
        } else if bytes[at] == close {
            if bytes.get(at + 1) != Some(&close) {
                return Some(at + 1);
            }
            at += 2;
        } else {
            at += 1;
        }
    }
    Some(bytes.len())
}

/// Tells whether rows follow a statement: `COPY t FROM stdin`.
fn copies(statement: &str) -> bool {
    let small = without_comments(statement, Dialect::Postgres).to_ascii_lowercase();
    small.starts_with("copy ") && small.contains("from stdin")
}

/// Finds the end of rows, a line `\.`.
fn data_end(bytes: &[u8], start: usize) -> usize {
    let end = bytes[start..].windows(4).position(|part| part.starts_with(b"\n\\.") && matches!(part[3], b'\n' | b'\r'));
    end.map_or(bytes.len(), |end| start + end + 3)
}

/// Gives a statement without the space and the comments before it.
pub(super) fn without_comments(statement: &str, dialect: Dialect) -> &str {
    let mut rest = statement.trim_start();
    loop {
        let end = if rest.starts_with("--") || rest.starts_with('#') && dialect == Dialect::MySql {
            rest.find('\n').map_or(rest.len(), |end| end + 1)
        } else if rest.starts_with("/*") {
            comment_end(rest.as_bytes(), 0, dialect)
        } else {
            return rest;
        };
        rest = rest[end..].trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, dialect: Dialect) -> Vec<&str> {
        split(text, dialect).into_iter().map(|(_, statement)| statement.trim()).collect()
    }

    #[test]
    fn statements_are_told_apart() {
        let dump = "\\connect x\n-- a; b\nSELECT 'a;''b', \"c;d\", $x$ ; $x$, $1;\n/* ; /* ; */ ; */ COPY t FROM stdin;\n1\t;\n\\.\nSELECT 2";
        let found = all(dump, Dialect::Postgres);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("-- a; b\nSELECT") && found[2] == "SELECT 2");
        assert_eq!(all("SELECT 'a\\';'; # x;\nSELECT `;`", Dialect::MySql), ["SELECT 'a\\';'", "# x;\nSELECT `;`"]);
        assert_eq!(all("SELECT [;]\nGO\nSELECT 2\ngo\n", Dialect::SqlServer), ["SELECT [;]", "SELECT 2"]);
        assert_eq!(all("DELIMITER //\nSELECT 1;", Dialect::MySql), ["SELECT 1"]);
        assert_eq!(without_comments(" -- x\n/* y /* */ # z\nSELECT", Dialect::MySql), "SELECT");
        assert_eq!(without_comments("/* y /* z */ */ SELECT", Dialect::Postgres), "SELECT");
    }

    #[test]
    fn what_is_not_closed_ends_with_the_text() {
        for text in ["'", "\"a", "/* ;", "$a$ ;", "$", "$$", "[x", "`", "E'\\", "\\", "COPY t FROM stdin;", "é';'ü"] {
            for (_, dialect) in DIALECTS {
                assert!(split(text, dialect).len() <= 3, "{text}");
            }
        }
    }

    #[test]
    fn dialects_are_guessed() {
        for (text, dialect) in [
            ("CREATE TABLE t (a INT) ENGINE=InnoDB;", Dialect::MySql),
            ("CREATE TABLE [dbo].[t] (a INT);", Dialect::SqlServer),
            ("CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT);", Dialect::Sqlite),
            ("CREATE TABLE t (a serial);", Dialect::Postgres),
            ("CREATE TABLE t (a int);", Dialect::Postgres),
        ] {
            assert_eq!(Dialect::guess(text), dialect, "{text}");
        }
        assert!(Dialect::named("oracle").is_err() && Dialect::named("mysql").is_ok());
    }
}
