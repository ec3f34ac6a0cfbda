//! Encoded rows written into a table: all of them as they are, or an error that names the first one that is refused.
//!
//! `LOAD DATA LOCAL` leaves out rows that break a key, and changes values that do not fit; it only counts warnings. So after each
//! one the number of rows and that of warnings are looked at, and if one is wrong, the rows are undone and inserted one by one, which
//! is strict, until the server says what is wrong with which.

use std::io::Write;
use std::sync::Arc;

use mysql::prelude::Queryable;
use mysql::{Conn, Error as Client, LocalInfileHandler, Params, Value};

use super::catalog;
use super::encode::fields;
use super::failure::{self, failure};
use super::types::quoted;
use crate::error::{Error, Kind};
use crate::target::database::{Again, Attempt, Failure, Receiver, Rule};

/// The most placeholders of a statement are 65,535.
const MOST_VALUES: usize = 60_000;
/// The most rows of a statement.
const MOST_ROWS: usize = 500;
const SAVEPOINT: &str = "placebo_rows";
/// Errors of servers that take no local files.
const NO_LOCAL_FILES: [u16; 3] = [1148, 3948, 4166];

/// The rows that go into a table, on a connection with an open transaction.
pub(super) struct Rows<'c> {
    pub(super) client: &'c mut Conn,
    pub(super) shown: &'c str,
    pub(super) database: &'c str,
    pub(super) receiver: &'c Receiver,
    pub(super) bytes: &'c [u8],
    /// The most bytes of a statement.
    pub(super) longest: usize,
}

/// The outcome of a statement that writes rows.
enum Written {
    Whole,
    /// A row was left out, changed or refused.
    Refused,
    NoLocalFiles,
}

impl Rows<'_> {
    /// Writes the rows; `local` says whether the server takes local files, and is set to `false` once it does not.
    pub(super) fn write(mut self, local: &mut bool) -> Attempt<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        self.run(&format!("SAVEPOINT {SAVEPOINT}"))?;
        if *local {
            match self.load()? {
                Written::Whole => return Ok(()),
                Written::Refused => return Err(self.find()?),
                Written::NoLocalFiles => *local = false,
            }
        }
        match self.insert()? {
            Written::Whole => Ok(()),
            _ => Err(self.find()?),
        }
    }

    fn run(&mut self, sql: &str) -> Attempt<()> {
        self.client.query_drop(sql).map_err(|error| failure(error, self.shown))
    }

    fn columns(&self) -> String {
        let names = self.receiver.schema.fields().iter().map(|field| quoted(field.name()));
        format!("{} ({})", quoted(&self.receiver.table), names.collect::<Vec<_>>().join(", "))
    }

    fn count(&self) -> usize {
        self.bytes.split(|byte| *byte == b'\n').count() - 1
    }

    /// Takes the error of a row for what it is: a reason to look for the row.
    fn outcome(&self, done: Result<(u64, u16), Client>, rows: usize) -> Attempt<Written> {
        match done {
            Ok((changed, 0)) if changed == rows as u64 => Ok(Written::Whole),
            Ok(_) => Ok(Written::Refused),
            Err(Client::MySqlError(told)) if NO_LOCAL_FILES.contains(&told.code) => Ok(Written::NoLocalFiles),
            Err(error) => match failure(error, self.shown) {
                Failure { violation: Some(_), again: Again::Never, .. } => Ok(Written::Refused),
                failure => Err(failure),
            },
        }
    }

    /// Sends the rows as a local file.
    fn load(&mut self) -> Attempt<Written> {
        let (table, columns) = (quoted(&self.receiver.table), self.columns());
        let columns = &columns[table.len()..];
        // The bytes in hexadecimal are a tab, a backslash and a line feed.
        let sql = format!(
            "LOAD DATA LOCAL INFILE 'rows' INTO TABLE {table} CHARACTER SET utf8mb4 \
             FIELDS TERMINATED BY X'09' ESCAPED BY X'5C' LINES TERMINATED BY X'0A'{columns}"
        );
        let bytes: Arc<[u8]> = self.bytes.into();
        // Whatever name the server asks for, it gets these rows and no file.
        self.client.set_local_infile_handler(Some(LocalInfileHandler::new(move |_, file| file.write_all(&bytes))));
        let done = self.client.query_iter(sql).map(|result| (result.affected_rows(), result.warnings()));
        self.client.set_local_infile_handler(None);
        self.outcome(done, self.count())
    }

    /// Inserts the rows, many a statement.
    fn insert(&mut self) -> Attempt<Written> {
        let width = self.receiver.schema.fields().len();
        let most = (MOST_VALUES / width).clamp(1, MOST_ROWS);
        let insert = format!("INSERT INTO {} VALUES ", self.columns());
        let marks = format!("({})", vec!["?"; width].join(", "));
        let (mut waiting, mut bytes) = (Vec::new(), 0);
        let mut lines = self.bytes.split_inclusive(|byte| *byte == b'\n').peekable();
        while let Some(line) = lines.next() {
            waiting.extend(values(line));
            // A field has a few bytes beside its text.
            bytes += line.len() + 10 * width;
            let rows = waiting.len() / width;
            let next = lines.peek().map_or(0, |next| next.len() + 10 * width);
            if rows < most && bytes + next < self.longest && next > 0 {
                continue;
            }
            let sql = format!("{insert}{}", vec![marks.as_str(); rows].join(", "));
            let done = self.client.exec_iter(sql, Params::Positional(std::mem::take(&mut waiting)));
            let done = done.map(|result| (result.affected_rows(), result.warnings()));
            match self.outcome(done, rows)? {
                Written::Whole => bytes = 0,
                other => return Ok(other),
            }
        }
        Ok(Written::Whole)
    }

    /// Undoes the rows, and inserts them one by one until one is refused: its failure.
    fn find(&mut self) -> Attempt<Failure> {
        self.run(&format!("ROLLBACK TO SAVEPOINT {SAVEPOINT}"))?;
        let width = self.receiver.schema.fields().len();
        let sql = format!("INSERT INTO {} VALUES ({})", self.columns(), vec!["?"; width].join(", "));
        for (row, line) in self.bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let done = self.client.exec_iter(&sql, Params::Positional(values(line).collect()));
            let done = done.map(|result| (result.affected_rows(), result.warnings()));
            match done {
                Ok((1, 0)) => {}
                Ok(_) => return self.warned(row),
                Err(error) => {
                    let mut refused = failure(error, self.shown);
                    self.complete(&mut refused, row)?;
                    return Ok(refused);
                }
            }
        }
        let table = &self.receiver.table;
        let error = Error::new(
            Kind::Database,
            format!("`{}`: table `{table}`: the server left out or changed rows, but takes each of them", self.shown),
        );
        Ok(error.hint("does something else write into the table, or a trigger?").into())
    }

    /// The failure of a row that was left out or changed with a warning.
    fn warned(&mut self, row: usize) -> Attempt<Failure> {
        let warnings: Vec<(String, u16, String)> =
            self.client.query("SHOW WARNINGS").map_err(|error| failure(error, self.shown))?;
        let told = warnings.iter().find_map(|(_, code, message)| failure::violation(*code, message));
        let code = warnings.first().map_or_else(String::new, |(_, code, _)| format!(", with warning {code}"));
        let error = format!("`{}`: row {} of its chunk is changed when it is stored{code}", self.shown, row + 1);
        let error = Error::new(Kind::Database, error).hint("change the column of the database, or the profile");
        let mut refused = Failure { error, again: Again::Never, violation: told.map(Box::new) };
        self.complete(&mut refused, row)?;
        Ok(refused)
    }

    /// Adds to a violation its row, its table, and the columns of its key.
    fn complete(&mut self, refused: &mut Failure, row: usize) -> Attempt<()> {
        let Some(violation) = &mut refused.violation else { return Ok(()) };
        let table = &self.receiver.table;
        (violation.row, violation.table) = (Some(row), Some(table.clone()));
        let Some(name) = violation.constraint.clone().filter(|_| violation.rule == Rule::Unique) else { return Ok(()) };
        // MySQL puts the table before the name, which may have points itself.
        let plain = name.strip_prefix(&format!("{table}.")).map(str::to_owned);
        for name in [Some(name), plain].into_iter().flatten() {
            let columns = self.client.exec(catalog::KEY, (self.database, table, &name));
            let columns: Vec<String> = columns.map_err(|error| failure(error, self.shown))?;
            if !columns.is_empty() {
                (violation.constraint, violation.columns) = (Some(name), columns);
                break;
            }
        }
        Ok(())
    }
}

/// The values of an encoded row.
fn values(line: &[u8]) -> impl Iterator<Item = Value> {
    fields(line.strip_suffix(b"\n").unwrap_or(line)).map(|field| field.map_or(Value::NULL, Value::Bytes))
}
