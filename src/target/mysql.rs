//! `MySQL` and `MariaDB`: rows by `LOAD DATA LOCAL INFILE` from memory, or by `INSERT` where the server forbids that.
//!
//! A database is what other servers call a schema. Definitions of tables are not part of a transaction there, so each of them can be
//! said again after a load that was cut off.

mod catalog;
mod connect;
mod connection;
mod encode;
mod failure;
mod foreign_keys;
mod read;
mod rows;
mod types;
mod url;

use arrow_schema::{DataType, SchemaRef};

use super::Scheme;
use super::database::{Attempt, Connection, DatabaseTarget, Options, Receiver, Server, Sql, Table};
use crate::dataset::Output;
use crate::engine::Encode;
use crate::error::{Error, Result};
use url::Url;

pub(super) static MYSQL: Scheme = Scheme {
    form: "mysql://USER@HOST/DATABASE",
    about: "a database of MySQL or MariaDB with a table for each table, and their keys",
    command: "load",
    open: |name, settings| DatabaseTarget::of_server(open(name.to_str()?, &settings.database), settings),
};

/// The server that a URL names; `None` if it is a URL of something else.
pub(super) fn open(name: &str, options: &Options) -> Option<Result<Box<dyn Server>>> {
    if !["mysql://", "mariadb://"].iter().any(|scheme| name.starts_with(scheme)) {
        return None;
    }
    let mysql = || Ok(Box::new(Mysql { url: Url::parse(name, options)?, options: options.clone() }) as Box<dyn Server>);
    Some(mysql())
}

/// A database of a server.
struct Mysql {
    url: Url,
    options: Options,
}

/// The longest name, in characters.
const LONGEST_NAME: usize = 64;
/// The most places of a decimal that every server has.
const MOST_PLACES: i8 = 30;

impl Server for Mysql {
    fn connect(&self) -> Attempt<Box<dyn Connection>> {
        Ok(Box::new(connect::connect(&self.url, &self.options)?))
    }

    fn look(&self) -> Attempt<Box<dyn Connection>> {
        let mut connection = connect::connect(&self.url, &self.options)?;
        connection.run("SET SESSION TRANSACTION READ ONLY")?;
        Ok(Box::new(connection))
    }

    fn sql(&self) -> &'static Sql {
        &types::SQL
    }

    fn shown(&self) -> String {
        let schema = self.options.schema.as_ref().map_or_else(String::new, |name| format!(" (database {name})"));
        format!("{}{schema}", self.url.shown)
    }

    fn allow(&self, table: &str, schema: &SchemaRef) -> Result<()> {
        allow_names(table, schema)
    }

    fn matched(&self, output: &Output, table: &Table) -> Result<Receiver> {
        Receiver::matched(output, table, |column, data_type| types::Form::of(data_type, Some(column)).is_some())
    }

    fn encoder(&self, receiver: &Receiver) -> Result<Box<dyn Encode>> {
        Ok(Box::new(encode::BatchEncoder::new(receiver)?))
    }
}

/// Refuses names and types that the server does not have, and columns that it takes for the same.
fn allow_names(table: &str, schema: &SchemaRef) -> Result<()> {
    let mut seen: Vec<&str> = Vec::new();
    allow_name(table, table)?;
    for field in schema.fields() {
        let name = field.name();
        let shown = format!("{table}.{name}");
        allow_name(name, &shown)?;
        if let Some(other) = seen.iter().find(|other| other.to_lowercase() == name.to_lowercase()) {
            return Err(Error::usage(format!("MySQL takes the columns `{other}` and `{name}` of `{table}` for one"))
                .hint("give one of them another name in the profile"));
        }
        seen.push(name);
        if let DataType::Decimal128(_, places) = field.data_type()
            && *places > MOST_PLACES
        {
            return Err(Error::usage(format!("`{shown}` has {places} places, and MySQL keeps {MOST_PLACES}"))
                .hint("give the column a smaller scale in the profile"));
        }
    }
    Ok(())
}

fn allow_name(name: &str, shown: &str) -> Result<()> {
    // Names have no characters beyond the basic plane, and lose spaces at their end.
    let known = |c: char| c != '\0' && c <= '\u{ffff}';
    if name.is_empty() || name.chars().count() > LONGEST_NAME || !name.chars().all(known) || name.ends_with(' ') {
        let message = format!(
            "MySQL has no name like `{shown}`: at most {LONGEST_NAME} characters, none beyond U+FFFF, and no space at the end"
        );
        return Err(Error::usage(message).hint("give it another name in the profile, or leave the table out"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_schema::{Field, Schema};

    use super::*;

    #[test]
    fn names_and_types_that_the_server_has_not_are_refused() {
        let schema = |names: &[&str], data_type: DataType| -> SchemaRef {
            let fields = names.iter().map(|name| Field::new(*name, data_type.clone(), true));
            Arc::new(Schema::new(fields.collect::<Vec<_>>()))
        };
        assert!(allow_names("a`b; \"c\" ü", &schema(&["x", "ÿ:?"], DataType::Utf8)).is_ok());
        let long = "ü".repeat(64);
        assert!(allow_names(&long, &schema(&[&long], DataType::Decimal128(38, 30))).is_ok());
        for (table, columns) in [("", "x"), ("a ", "x"), ("a", "a\0"), ("😀", "x"), (&format!("{long}a"), "x")] {
            assert!(allow_names(table, &schema(&[columns], DataType::Utf8)).is_err(), "{table}.{columns}");
        }
        assert!(allow_names("t", &schema(&["É", "é"], DataType::Utf8)).is_err());
        assert!(allow_names("t", &schema(&["a"], DataType::Decimal128(38, 31))).is_err());
    }
}
