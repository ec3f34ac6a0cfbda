//! The catalog of a database: its tables, columns, keys and checks, and the profile that follows from them.
//!
//! [`ddl::read`] takes the text of `CREATE TABLE` statements, [`sqlite::read`] a database file, and [`server`] the catalog of a
//! database server through any client. No row is read: numbers of rows come from statistics. [`profile::write`] makes a
//! commented profile of a catalog, whose rows keep the keys and checks that it has understood; it says which it has not.

mod arrange;
mod checks;
pub mod ddl;
mod guess;
mod limits;
mod names;
pub mod profile;
pub mod server;
pub mod settle;
pub mod sqlite;
mod statements;
mod toml_text;
mod types;
mod values;

use sqlparser::ast::Expr;

pub use types::Type;

/// The tables of a database.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// The tables in the order of the source.
    pub tables: Vec<Table>,
    /// Statements of the source that this catalog does not hold, in words.
    pub notes: Vec<String>,
}

/// A table of a database.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// The schema, where it is not the default one.
    pub schema: Option<String>,
    /// The name as the database has it.
    pub name: String,
    /// The comment on the table, or nothing.
    pub about: String,
    /// The number of rows by the statistics of the database. `None` where it has none.
    pub rows: Option<u64>,
    /// The columns in their order.
    pub columns: Vec<Column>,
    /// The columns of the primary key, as positions in `columns`; empty where there is none.
    pub primary_key: Vec<usize>,
    /// The columns of each further unique key.
    pub unique: Vec<Vec<usize>>,
    /// The foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// The checks.
    pub checks: Vec<Check>,
    /// Properties of the table that are not held here, in words.
    pub notes: Vec<String>,
}

/// A column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    /// The name as the database has it.
    pub name: String,
    /// The type.
    pub ty: Type,
    /// The type as the source writes it.
    pub written: String,
    /// True if rows can be without a value.
    pub nullable: bool,
    /// The default value as the source writes it.
    pub default: Option<String>,
    /// The origin of values: the inserted row, or the database.
    pub filled: Filled,
    /// The comment on the column, or nothing.
    pub about: String,
}

/// The source of the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// Each row that is inserted brings a value.
    ByRow,
    /// The database counts where a row brings no value.
    ByCounting,
    /// The database computes it from other columns, and no row may bring a value.
    ByDatabase,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The columns, as positions in the table that has the key.
    pub columns: Vec<usize>,
    /// The schema of the other table, where it is not the default one.
    pub schema: Option<String>,
    /// The other table.
    pub table: String,
    /// The columns of the other table; none stands for its primary key.
    pub keys: Vec<String>,
}

/// A check on a row.
#[derive(Debug, Clone)]
pub struct Check {
    /// The name, if it has one.
    pub name: Option<String>,
    /// The condition, parsed in the dialect of the source.
    pub condition: Expr,
}

impl Table {
    /// Finds a column by its name, exactly or else ignoring case. `None` if there is none.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        let exact = self.columns.iter().position(|column| column.name == name);
        exact.or_else(|| self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)))
    }

    /// Gives the name with its schema, for messages.
    #[must_use]
    pub fn full_name(&self) -> String {
        self.schema.as_ref().map_or_else(|| self.name.clone(), |schema| format!("{schema}.{}", self.name))
    }
}

impl Catalog {
    /// Finds a table by schema and name, exactly or else ignoring case; without a schema that fits, by a name that only one
    /// table has. `None` if there is none.
    #[must_use]
    pub fn table(&self, schema: Option<&str>, name: &str) -> Option<usize> {
        let same = |table: &Table, exact: bool| {
            let equal = |a: &str, b: &str| if exact { a == b } else { a.eq_ignore_ascii_case(b) };
            let schemas = match (schema, table.schema.as_deref()) {
                (None, None) => true,
                (Some(a), Some(b)) => equal(a, b),
                _ => false,
            };
            schemas && equal(&table.name, name)
        };
        let exact = self.tables.iter().position(|table| same(table, true));
        let loose = || self.tables.iter().position(|table| same(table, false));
        exact.or_else(loose).or_else(|| {
            let mut named = self.tables.iter().enumerate().filter(|(_, table)| table.name.eq_ignore_ascii_case(name));
            let (first, _) = named.next()?;
            named.next().is_none().then_some(first)
        })
    }
}
