//! Rows read back from a database.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::connection::{Attempt, Connection, Sql};
use super::ledger::{Ledger, sums};
use super::options::Options;
use super::server;
use crate::digest::RowSum;
use crate::error::{Error, Result, did_you_mean};
use crate::folder::manifest::Manifest;
use crate::format::write::Canonical;

/// A database with loads, open to read.
pub struct Loaded {
    connection: Box<dyn Connection>,
    sql: &'static Sql,
}

impl Loaded {
    /// Opens the database that a text names, such as `sqlite:staging.db`.
    ///
    /// # Errors
    ///
    /// If the text names no database, or it cannot be read.
    pub fn open(name: &str, options: &Options) -> Result<Self> {
        let server = server(name, options)?;
        let connection = server.look()?;
        Ok(Self { connection, sql: server.sql() })
    }

    /// The manifests of the loads that are complete.
    ///
    /// # Errors
    ///
    /// If the database was not loaded by this program, or a manifest was changed.
    pub fn manifests(&mut self) -> Result<Vec<Manifest>> {
        let mut ledger = Ledger::new(self.connection.as_mut(), self.sql);
        let loads = if ledger.exists()? { ledger.loads()? } else { Vec::new() };
        loads.iter().filter_map(|load| load.manifest.as_deref()).map(Manifest::parse).collect()
    }

    /// The logical digest of each table that all loads together wrote, as the ledger has it.
    ///
    /// # Errors
    ///
    /// If there is no ledger, or it was changed.
    pub fn ledger(&mut self) -> Result<BTreeMap<String, RowSum>> {
        let mut ledger = Ledger::new(self.connection.as_mut(), self.sql);
        let mut all: BTreeMap<String, RowSum> = BTreeMap::new();
        for load in ledger.loads()? {
            for (table, sum) in sums(&ledger.entries(&load.id)?) {
                all.entry(table.to_owned()).or_default().merge(&sum);
            }
        }
        Ok(all)
    }

    /// The logical digest of the rows of a table, read back as columns of these types.
    ///
    /// # Errors
    ///
    /// If the table or a column is missing, or a value is not of its type.
    pub fn sum(&mut self, table: &str, schema: &SchemaRef) -> Result<RowSum> {
        Ok(sum(self.connection.as_mut(), &select(table, schema, self.sql, ""), schema)?)
    }

    /// The names of the columns of a table.
    ///
    /// # Errors
    ///
    /// If there is no such table, with the nearest name as a hint.
    pub fn columns(&mut self, table: &str) -> Result<Vec<String>> {
        let tables = self.connection.tables()?;
        let Some(found) = tables.iter().find(|known| known.name == table) else {
            return Err(Error::usage(format!("the database has no table `{table}`"))
                .maybe_hint(did_you_mean(table, tables.iter().map(|known| known.name.as_str()))));
        };
        Ok(found.columns.iter().map(|column| column.name.clone()).collect())
    }

    /// The rows of a table, batch by batch, in no order that is told.
    ///
    /// # Errors
    ///
    /// As [`Loaded::sum`], or if `take` fails.
    pub fn batches(
        &mut self,
        table: &str,
        schema: &SchemaRef,
        mut take: impl FnMut(RecordBatch) -> Result<()>,
    ) -> Result<()> {
        Ok(self.connection.read(&select(table, schema, self.sql, ""), schema, &mut take)?)
    }
}

/// The statement that reads columns of a table as the types of a schema; `rest` follows the name of the table.
pub(crate) fn select(table: &str, schema: &SchemaRef, sql: &Sql, rest: &str) -> String {
    let column = |field: &arrow_schema::FieldRef| (sql.cast)(&(sql.quoted)(field.name()), field.data_type());
    let columns: Vec<String> = schema.fields().iter().map(column).collect();
    format!("SELECT {} FROM {} {rest}", columns.join(", "), (sql.quoted)(table))
}

/// The logical digest of the rows that a statement selects.
pub(crate) fn sum(connection: &mut dyn Connection, select: &str, schema: &SchemaRef) -> Attempt<RowSum> {
    let canonical = Canonical::new(schema)?;
    let mut sum = RowSum::default();
    let mut add = |batch: RecordBatch| -> Result<()> {
        sum.merge(&canonical.sum(&batch)?);
        Ok(())
    };
    connection.read(select, schema, &mut add)?;
    Ok(sum)
}
