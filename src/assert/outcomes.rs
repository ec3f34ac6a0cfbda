//! The answers that a system gave to rows, against the outcomes that the profile declares.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::Must;
use crate::dataset::{DataSet, TreeShare};
use crate::error::{Error, Result};
use crate::format::write::texts::texts;
use crate::notes::Noted;
use crate::plan::{Chunk, Outcome};

/// The columns of an outcome with their names: the decision, the reason and the codes.
fn columns(outcome: &Outcome) -> Vec<(&str, usize)> {
    let reason = outcome.reason.map(|column| ("reason", column));
    let codes = outcome.codes.iter().map(|(name, column)| (name.as_str(), *column));
    std::iter::once(("decision", outcome.decision)).chain(reason).chain(codes).collect()
}

/// The columns of answers to the rows of a table: the key of the row, the decision, the reason, and the code in each dialect.
///
/// # Errors
///
/// If the profile declares no outcomes of the table.
pub(super) fn schema(set: &DataSet, table: &str, rows: &SchemaRef) -> Result<SchemaRef> {
    let Some(outcome) = &set.plan().tables[set.plan().table(table)?].outcome else {
        let known = set.plan().tables.iter().filter(|table| table.outcome.is_some()).map(|table| table.name.as_str());
        let known: Vec<&str> = known.collect();
        return Err(Error::usage(format!("the profile declares no outcomes of `{table}`"))
            .hint(format!("it does of: {}", known.join(", "))));
    };
    let key = rows.fields().iter().filter(|field| field.is_primary_key()).cloned();
    let mut fields: Vec<Arc<Field>> = key.collect();
    for (name, _) in columns(outcome) {
        if fields.iter().any(|field| field.name() == name) {
            return Err(Error::usage(format!("`{name}` is a column of the key of `{table}` and of its outcomes")));
        }
        fields.push(Arc::new(Field::new(name, DataType::Utf8, true)));
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// The answers that the rows of a chunk deserve, with their keys as they are written.
///
/// # Errors
///
/// If a value cannot be computed.
pub(super) fn deserved(set: &DataSet, tree: &TreeShare, rows: Range<u64>) -> Result<Option<Must>> {
    let Some(output) = tree.outputs.first().map(|id| set.output(*id)) else { return Ok(None) };
    let Some(outcome) = &set.plan().tables[output.table].outcome else { return Ok(None) };
    if set.selection().is_some() {
        return Err(Error::usage("answers are compared for whole data sets, and this one is of chosen rows"));
    }
    // What a row deserves is said of the row without a fault.
    let Some(written) = set.clean(tree, rows.clone())?.batches.into_values().next() else { return Ok(None) };
    let schema = schema(set, &output.name, &written.schema())?;
    let numbers: Vec<u64> = rows.collect();
    let named = columns(outcome);
    let places: Vec<usize> = named.iter().map(|(_, column)| *column).collect();
    let made = Chunk::new(set.plan(), tree.root, &numbers).columns_of(output.table, &places)?;
    let key = written.schema_ref().fields().iter().zip(written.columns());
    let mut columns: Vec<ArrayRef> =
        key.filter(|(field, _)| field.is_primary_key()).map(|(_, column)| Arc::clone(column)).collect();
    for array in &made {
        columns.push(Arc::new(texts(array)?));
    }
    Ok(Some(Must { rows: RecordBatch::try_new(schema, columns)?, explained: None }))
}
