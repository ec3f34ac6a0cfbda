//! A loaded database, read back: the rows of its tables as batches, and their logical digests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, SchemaRef};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::bind::undecimal;
use super::encode::canonical_instant;
use super::{connect, ledger, schema};
use crate::digest::RowSum;
use crate::error::{Error, Kind, Result};
use crate::folder::manifest::Manifest;
use crate::format::read::{BATCH, TextColumn};
use crate::format::write::Canonical;

/// A loaded database, open to read.
pub struct Loaded {
    connection: Connection,
    path: PathBuf,
}

impl Loaded {
    /// Opens a database.
    ///
    /// # Errors
    ///
    /// If there is none at the path, it is a link or no regular file, or it cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let path = &connect::resolve(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| connect::failed(path, error))?;
        Ok(Self { connection, path: path.to_owned() })
    }

    /// The manifest of the rows; `None` while some of them are missing.
    ///
    /// # Errors
    ///
    /// If the database was not loaded by this program, or the manifest was changed.
    pub fn manifest(&self) -> Result<Option<Manifest>> {
        let load = ledger::load(&self.connection).map_err(|error| self.failed(error))?;
        load.manifest.as_deref().map(Manifest::parse).transpose()
    }

    /// The logical digest of each table, as the ledger has it.
    ///
    /// # Errors
    ///
    /// If there is no ledger, or a digest in it was changed.
    pub fn ledger(&self) -> Result<BTreeMap<String, RowSum>> {
        let sums = ledger::sums(&self.connection).map_err(|error| self.failed(error))?;
        let whole = |(table, sum): (String, Option<RowSum>)| {
            let sum = sum.ok_or_else(|| self.malformed(&table, "the ledger has a digest that is none"))?;
            Ok((table, sum))
        };
        sums.into_iter().map(whole).collect()
    }

    /// The logical digest of the rows of a table, read back in the order of their ids as columns of these types.
    ///
    /// # Errors
    ///
    /// If the table or a column is missing, or a value is not of its type.
    pub fn sum(&self, table: &str, schema: &SchemaRef) -> Result<RowSum> {
        let canonical = Canonical::new(schema)?;
        let mut sum = RowSum::default();
        self.batches(table, schema, |batch| {
            sum.merge(&canonical.sum(&batch)?);
            Ok(())
        })?;
        Ok(sum)
    }

    /// The rows of a table in the order of their ids, batch by batch.
    ///
    /// # Errors
    ///
    /// As [`Loaded::sum`], or if `take` fails.
    pub fn batches(
        &self,
        table: &str,
        schema: &SchemaRef,
        mut take: impl FnMut(RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let mut columns = schema.fields().iter().map(|field| TextColumn::new(field)).collect::<Result<Vec<_>>>()?;
        let select = schema::select(table, schema);
        let mut statement = self.connection.prepare(&select).map_err(|error| self.failed(error))?;
        let mut rows = statement.raw_query();
        let (mut waiting, mut seen) = (0, 0_u64);
        loop {
            let row = rows.next().map_err(|error| self.failed(error))?;
            if waiting == BATCH || row.is_none() && waiting > 0 {
                let arrays = columns.iter_mut().map(TextColumn::finish).collect();
                take(RecordBatch::try_new(SchemaRef::clone(schema), arrays)?)?;
                waiting = 0;
            }
            let Some(row) = row else { return Ok(()) };
            seen += 1;
            for (at, (field, column)) in schema.fields().iter().zip(&mut columns).enumerate() {
                let value = row.get_ref(at).map_err(|error| self.failed(error))?;
                let read = match canonical_text(value, field.data_type()) {
                    Text::Null => column.null(),
                    Text::Value(text) => column.value(text.as_bytes()),
                    Text::Wrong => {
                        let what = format!("row {seen}: `{}` is not of its type", field.name());
                        return Err(self.malformed(table, &what));
                    }
                };
                read.map_err(|error| self.malformed(table, &format!("row {seen}: {}", error.message())))?;
            }
            waiting += 1;
        }
    }

    fn failed(&self, error: rusqlite::Error) -> Error {
        connect::failed(&self.path, error)
    }

    fn malformed(&self, table: &str, what: &str) -> Error {
        Error::new(Kind::Verification, format!("`{}`, table `{table}`: {what}", self.path.display()))
            .hint("the database was changed after it was loaded")
    }
}

/// A value as the text formats have it.
enum Text<'a> {
    Null,
    Value(std::borrow::Cow<'a, str>),
    /// The value is of another type.
    Wrong,
}

fn canonical_text<'a>(value: ValueRef<'a>, data_type: &DataType) -> Text<'a> {
    let text = match (value, data_type) {
        (ValueRef::Null, _) => return Text::Null,
        (ValueRef::Integer(0), DataType::Boolean) => Some("false".into()),
        (ValueRef::Integer(1), DataType::Boolean) => Some("true".into()),
        (ValueRef::Integer(value), DataType::Int64) => Some(value.to_string().into()),
        (ValueRef::Real(value), DataType::Float64) => Some(value.to_string().into()),
        (ValueRef::Integer(value), DataType::Decimal128(_, scale)) => power(*scale)
            .and_then(|one| i128::from(value).checked_mul(one))
            .map(|value| decimal_text(value, *scale).into()),
        (ValueRef::Real(value), DataType::Decimal128(_, scale)) => {
            power(*scale).and_then(|one| undecimal(value, one)).map(|value| decimal_text(value, *scale).into())
        }
        (ValueRef::Text(text), DataType::Timestamp(..)) => std::str::from_utf8(text).ok().map(canonical_instant),
        (ValueRef::Text(text), DataType::Utf8 | DataType::Date32 | DataType::Dictionary(..)) => {
            std::str::from_utf8(text).ok().map(Into::into)
        }
        _ => None,
    };
    text.map_or(Text::Wrong, Text::Value)
}

fn power(scale: i8) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(scale).ok()?)
}

/// A decimal with all its places, of its value without the point.
fn decimal_text(value: i128, scale: i8) -> String {
    let scale = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, places) = digits.split_at(digits.len() - scale);
    let (sign, point) = (if value < 0 { "-" } else { "" }, if scale > 0 { "." } else { "" });
    format!("{sign}{whole}{point}{places}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_all_their_places() {
        for (value, scale, text) in [(5, 2, "0.05"), (-5, 2, "-0.05"), (1200, 2, "12.00"), (0, 1, "0.0"), (-7, 0, "-7")]
        {
            assert_eq!(decimal_text(value, scale), text);
        }
    }
}
