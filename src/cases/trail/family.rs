//! The trails of a chunk: the entries of each parent, and the cells that they have if somebody edits them.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema};
use serde_json::Value;

use super::links::{Entry, Links};
use crate::error::{Error, Result};
use crate::find::{Shape, lines, shaped};
use crate::plan::{Asked, Chunk};
use crate::profile::Trail;
use crate::sql::as_text;

/// The least entries of a trail that is taken: fewer show some ways to tamper with it at its ends alone.
const LEAST: usize = 4;

/// The most entries of a trail that is taken: more make documents that nobody reads.
const MOST: usize = 200;

/// A trail.
pub(super) struct Family {
    /// The place of its parent, such as `510`.
    pub(super) name: String,
    /// A number that no other trail has.
    pub(super) number: u64,
    rows: RecordBatch,
    edits: RecordBatch,
}

impl Family {
    pub(super) fn entries(&self) -> Result<Vec<Entry>> {
        objects(&self.rows)
    }

    /// The edited cell of each entry by column; an entry lacks those that an edit does not change.
    pub(super) fn edits(&self) -> Result<Vec<Entry>> {
        let mut edits = objects(&self.edits)?;
        for (edit, entry) in edits.iter_mut().zip(self.entries()?) {
            edit.retain(|column, value| !value.is_null() && entry.get(column) != Some(value));
        }
        Ok(edits)
    }
}

fn objects(batch: &RecordBatch) -> Result<Vec<Entry>> {
    let internal = |error: serde_json::Error| Error::internal(error.to_string());
    let mut objects: Vec<Entry> = Vec::with_capacity(batch.num_rows());
    for line in lines("ndjson", &shaped(batch, Shape::default())?)? {
        let mut entry: Entry = serde_json::from_str(&line).map_err(internal)?;
        for field in batch.schema().fields() {
            entry.entry(field.name()).or_insert(Value::Null);
        }
        objects.push(entry);
    }
    Ok(objects)
}

/// The trails of a chunk that are neither too short nor too long, in the order of their parents.
pub(super) fn families(
    chunk: &mut Chunk<'_>,
    links: &Links,
    name: &str,
    trail: &Trail,
    asked: &[Asked],
) -> Result<Vec<Family>> {
    let plan = chunk.plan();
    let table = plan.table(&trail.table)?;
    let (Some(parent), Some(parents)) = (plan.tables[table].parent, chunk.parents(table)?) else {
        return Err(Error::profile(format!("trails.{name}.hash"), format!("`{}` has no parent", links.hash)));
    };
    let above = chunk.reached(parent)?;
    let above: Vec<u128> = chunk.paths(above).to_vec();
    let rows = chunk.batch(table)?;
    let edits = edits(chunk, name, trail, asked, &rows)?;
    let (mut families, mut start) = (Vec::new(), 0);
    for family in parents.values().chunk_by(|one, other| one == other) {
        let own = start;
        start += family.len();
        if !(LEAST..=MOST).contains(&family.len()) {
            continue;
        }
        let path = above[family[0] as usize];
        families.push(Family {
            name: plan.numbers(parent, path),
            number: (path ^ (path >> 64)) as u64,
            rows: rows.slice(own, family.len()),
            edits: edits.slice(own, family.len()),
        });
    }
    Ok(families)
}

/// The columns that edits change, as the edits leave them.
fn edits(chunk: &mut Chunk<'_>, name: &str, trail: &Trail, asked: &[Asked], rows: &RecordBatch) -> Result<RecordBatch> {
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (column, asked) in trail.edits.keys().zip(asked) {
        let mut value = chunk.answers(*asked)?;
        let schema = rows.schema();
        let expected = schema.field_with_name(column).map(Field::data_type);
        let expected = expected.map_err(|_| Error::internal("an edit of no column"))?;
        // Few texts come as a dictionary.
        let texts = |ty: &DataType| matches!(ty, DataType::Dictionary(..) | DataType::Utf8);
        if texts(expected) && texts(value.data_type()) {
            value = as_text(&value)?;
        } else if value.data_type() != expected {
            let text = format!("`{column}` would be {}, and the column is {expected}", value.data_type());
            return Err(Error::profile(format!("trails.{name}.edits.{column}"), text));
        }
        fields.push(Field::new(column, value.data_type().clone(), true));
        columns.push(value);
    }
    if columns.is_empty() {
        return Err(Error::profile(format!("trails.{name}.edits"), "needs at least one column"));
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}
