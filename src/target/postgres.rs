//! `PostgreSQL`: rows by `COPY … (FORMAT binary)`, encoded straight from Arrow.

mod catalog;
mod connect;
mod connection;
mod copy;
mod failure;
mod numeric;
mod read;
mod trusting;
mod types;
mod url;

use arrow_schema::SchemaRef;

use super::Scheme;
use super::database::{Attempt, Connection, DatabaseTarget, Options, Receiver, Server, Sql, Table};
use crate::dataset::Output;
use crate::engine::Encode;
use crate::error::{Error, Result};
use url::Url;

pub(super) static POSTGRES: Scheme = Scheme {
    form: "postgres://USER@HOST/DATABASE",
    about: "a schema of PostgreSQL with a table for each table, and their keys",
    command: "load",
    open: |name, settings| DatabaseTarget::of_server(open(name.to_str()?, &settings.database), settings),
};

/// The server that a URL names; `None` if it is a URL of something else.
pub(super) fn open(name: &str, options: &Options) -> Option<Result<Box<dyn Server>>> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| name.starts_with(scheme)) {
        return None;
    }
    let postgres = || {
        if let Some(schema) = &options.schema {
            allow_name(schema, schema)?;
        }
        Ok(Box::new(Postgres { url: Url::parse(name, options)?, options: options.clone() }) as Box<dyn Server>)
    };
    Some(postgres())
}

/// Refuses a name that the server would cut, or that it has no form for; `shown` is the name in messages.
fn allow_name(name: &str, shown: &str) -> Result<()> {
    if name.len() <= LONGEST_NAME && !name.contains('\0') && !name.is_empty() {
        return Ok(());
    }
    let message = format!("PostgreSQL has no name like `{shown}`: at most {LONGEST_NAME} bytes, and none is zero");
    Err(Error::usage(message).hint("give it another name; --tables leaves a table out"))
}

/// A database of a server.
struct Postgres {
    url: Url,
    options: Options,
}

/// The longest name, in bytes: the server cuts longer ones.
const LONGEST_NAME: usize = 63;

impl Server for Postgres {
    fn connect(&self) -> Attempt<Box<dyn Connection>> {
        Ok(Box::new(connect::connect(&self.url, &self.options)?))
    }

    fn look(&self) -> Attempt<Box<dyn Connection>> {
        let mut connection =
            connect::connect(&self.url, &Options { defer_foreign_keys: false, ..self.options.clone() })?;
        connection.run("SET default_transaction_read_only = on")?;
        Ok(Box::new(connection))
    }

    fn sql(&self) -> &'static Sql {
        &types::SQL
    }

    fn shown(&self) -> String {
        let schema = self.options.schema.as_ref().map_or_else(String::new, |name| format!(" (schema {name})"));
        format!("{}{schema}", self.url.shown)
    }

    fn allow(&self, table: &str, schema: &SchemaRef) -> Result<()> {
        let columns = schema.fields().iter().map(|field| (format!("{table}.{}", field.name()), field.name().as_str()));
        for (shown, name) in std::iter::once((table.to_owned(), table)).chain(columns) {
            allow_name(name, &shown)?;
        }
        if table.starts_with("pg_") {
            let message =
                format!("a table cannot be called `{table}`: PostgreSQL looks for such names among its own tables");
            return Err(Error::usage(message).hint("give it another name; --tables leaves a table out"));
        }
        Ok(())
    }

    fn matched(&self, output: &Output, table: &Table) -> Result<Receiver> {
        Receiver::matched(output, table, |column, data_type| types::way(&column.kind, data_type).is_some())
    }

    fn encoder(&self, receiver: &Receiver) -> Result<Box<dyn Encode>> {
        copy::encoder(receiver)
    }
}
