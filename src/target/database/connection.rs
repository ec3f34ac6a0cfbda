//! The seam to a client of a database: a server, its connections, and what is known of a failure.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::columns::{Receiver, Table};
use super::violation::Violation;
use crate::dataset::Output;
use crate::engine::Encode;
use crate::error::{Error, Result};
use crate::format::write::Piece;
use crate::format::write::ddl::Dialect;

/// A database that connections can be opened to.
pub(crate) trait Server: Send + Sync {
    /// Opens a connection whose statements see the schema of the load.
    fn connect(&self) -> Attempt<Box<dyn Connection>>;
    /// Opens a connection that only reads.
    fn look(&self) -> Attempt<Box<dyn Connection>>;
    /// The SQL of the database.
    fn sql(&self) -> &'static Sql;
    /// The name of the database as messages may show it: without a password.
    fn shown(&self) -> String;
    /// Refuses a table that the database cannot have, before anything is written.
    ///
    /// # Errors
    ///
    /// If a name or a type has no form there.
    fn allow(&self, table: &str, schema: &SchemaRef) -> Result<()>;
    /// Matches an output to a table that is there.
    ///
    /// # Errors
    ///
    /// If its rows do not fit into the table.
    fn matched(&self, output: &Output, table: &Table) -> Result<Receiver>;
    /// Makes the encoder of a table's rows.
    ///
    /// # Errors
    ///
    /// If a column cannot take the type of its values.
    fn encoder(&self, receiver: &Receiver) -> Result<Box<dyn Encode>>;
}

/// One connection, used by one thread at a time. Placeholders in statements are `?`.
pub(crate) trait Connection: Send {
    /// Runs statements that take no values and give no rows.
    fn run(&mut self, sql: &str) -> Attempt<()>;
    /// Runs a statement, and gives the number of rows that it changed.
    fn change(&mut self, sql: &str, values: &[Value<'_>]) -> Attempt<u64>;
    /// Reads a few rows, each value as text; `None` for null.
    fn query(&mut self, sql: &str, values: &[Value<'_>]) -> Attempt<Vec<Vec<Option<String>>>>;
    /// Reads one number, such as a count.
    fn number(&mut self, sql: &str, values: &[Value<'_>]) -> Attempt<u64> {
        let rows = self.query(sql, values)?;
        let text = rows.into_iter().next().and_then(|row| row.into_iter().next()).flatten();
        let number = text.as_deref().and_then(|text| text.parse().ok());
        Ok(number.ok_or_else(|| Error::internal(format!("a statement gives {text:?} in place of a number")))?)
    }
    /// Counts the rows of a table.
    fn count(&mut self, table: &str, sql: &Sql) -> Attempt<u64> {
        self.number(&format!("SELECT count(*) FROM {}", (sql.quoted)(table)), &[])
    }
    /// Writes encoded rows into a table, within the transaction that is open.
    fn insert(&mut self, receiver: &Receiver, piece: &Piece) -> Attempt<()>;
    /// Reads the rows that a statement selects, whose columns have the types of a schema (see [`Sql::cast`]), batch by batch.
    fn read(
        &mut self,
        select: &str,
        schema: &SchemaRef,
        take: &mut dyn FnMut(RecordBatch) -> Result<()>,
    ) -> Attempt<()>;
    /// The tables of the schema.
    fn tables(&mut self) -> Attempt<Vec<Table>>;
    /// Waits for a lock of the load's schema, and holds it until [`Connection::unlock`] or the end of the connection.
    fn lock(&mut self) -> Attempt<()>;
    /// Gives the lock back.
    fn unlock(&mut self) -> Attempt<()>;
    /// The number of tables in all schemas that the database's users see, the system's own aside.
    fn tables_of_all_schemas(&mut self) -> Attempt<u64>;
    /// The name of the database.
    fn database(&mut self) -> Attempt<String>;
    /// Prepares for writing, where a connection that only looks should leave everything as it is.
    fn begin_writing(&mut self) -> Attempt<()> {
        Ok(())
    }
    /// Creates the schema that the user named, if it is not there.
    fn create_schema(&mut self) -> Attempt<()>;
    /// Adds a constraint, an index or a comment; where a transaction does not undo that, what is there already is left.
    fn add(&mut self, sql: &str) -> Attempt<()> {
        self.run(sql)
    }
    /// Drops tables with the foreign keys among them, and none beyond.
    fn drop_tables(&mut self, names: &[&str]) -> Attempt<()>;
    /// The foreign keys of the schema.
    fn foreign_keys(&mut self) -> Attempt<Vec<ForeignKey>>;
    /// Rows of tables whose foreign keys lead to no row, in words, a few at most.
    fn orphans(&mut self, tables: &[&str]) -> Attempt<Vec<String>>;
    /// Deletes rows of several tables, so that foreign keys are checked once all statements are done, and gives the number of rows
    /// that each statement deleted.
    fn delete(&mut self, statements: &[String]) -> Attempt<Vec<u64>>;
    /// The bytes of tables with their indexes.
    fn bytes(&mut self, tables: &[&str]) -> Attempt<u64>;
    /// Lets the database count what its planner needs to know of tables.
    fn analyze(&mut self, tables: &[&str]) -> Attempt<()>;
    /// Leaves nothing behind that the next connection would have to bring in order.
    fn close(&mut self) -> Attempt<()> {
        Ok(())
    }
    /// The statements that raise the next value of identity columns and sequences above the rows that are there.
    fn advance(&mut self, table: &Table) -> Attempt<Vec<String>>;
}

/// A foreign key of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForeignKey {
    pub(crate) table: String,
    pub(crate) references: String,
    /// True if rows are changed or deleted with the row that they refer to.
    pub(crate) cascades: bool,
}

/// A value in a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    Number(u64),
    Null,
}

/// The SQL of one database, as far as loads use it.
pub(crate) struct Sql {
    /// The name of the database in manifests, such as `postgres`.
    pub(crate) name: &'static str,
    /// A name as the database quotes it.
    pub(crate) quoted: fn(&str) -> String,
    /// Types and constraints.
    pub(crate) ddl: &'static Dialect,
    /// The type of a text of the ledger that is part of a key, and of one that is not.
    pub(crate) texts: (&'static str, &'static str),
    /// The beginning and end of a statement that inserts rows and leaves out those whose key is there.
    pub(crate) insert_new: (&'static str, &'static str),
    /// The expression that gives a column as the type of values.
    pub(crate) cast: fn(&str, &arrow_schema::DataType) -> String,
    /// The statement that begins a transaction.
    pub(crate) begin: &'static str,
    /// True if the database itself checks foreign keys of tables that are there, row by row.
    pub(crate) enforces: bool,
    /// True if several connections write at the same time.
    pub(crate) parallel: bool,
    /// The statement that creates a temporary table with the columns (`{columns}`) of another (`{table}`), called `{name}`.
    pub(crate) temporary: &'static str,
}

/// The result of something that a database was asked for.
pub(crate) type Attempt<T> = Result<T, Failure>;

/// A failure of a database.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) again: Again,
    /// The constraint that a row breaks, if that is what failed.
    pub(crate) violation: Option<Box<Violation>>,
}

/// The way in which the same may succeed if it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// It would fail again.
    Never,
    /// In a new transaction on the same connection.
    Transaction,
    /// On a new connection.
    Connection,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, again: Again::Never, violation: None }
    }
}

impl From<arrow_schema::ArrowError> for Failure {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Error::from(error).into()
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}
