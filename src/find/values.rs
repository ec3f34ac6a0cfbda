//! The values of single rows, wherever they are: the trees that they hang from are computed as a run computes them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array, new_null_array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::take::take_record_batch;

use super::case::camel;
use super::shape::Shape;
use crate::dataset::DataSet;
use crate::error::{Error, Result};
use crate::format::write::{Encoder, Piece};
use crate::format::{self, Options};
use crate::plan::Chunk;
use crate::sql::as_text;

/// Rows by table and path.
pub(super) type Needed = BTreeMap<usize, BTreeSet<u128>>;

/// Rows with their values.
pub(super) struct Values {
    tables: BTreeMap<usize, Table>,
}

struct Table {
    batch: RecordBatch,
    lines: Vec<String>,
    places: BTreeMap<u128, usize>,
}

impl Values {
    /// Computes rows.
    pub(super) fn new(set: &DataSet, needed: &Needed, shape: Shape) -> Result<Self> {
        let (plan, mut tables) = (set.plan(), BTreeMap::new());
        let roots: BTreeSet<usize> = needed.keys().map(|table| plan.root_of(*table)).collect();
        for root in roots {
            let own: Vec<usize> = needed.keys().copied().filter(|table| plan.root_of(*table) == root).collect();
            let number = |table: usize| move |path: &u128| (path >> (24 * plan.depth(table))) as u64;
            let numbers = own.iter().flat_map(|table| needed[table].iter().map(number(*table)));
            let numbers: Vec<u64> = numbers.collect::<BTreeSet<_>>().into_iter().collect();
            let batches = set.rows_of(root, &numbers, &own)?;
            let mut chunk = Chunk::new(plan, root, &numbers);
            for (table, batch) in batches {
                let reached = chunk.reached(table)?;
                let paths = chunk.paths(reached);
                if paths.len() != batch.num_rows() {
                    return Err(Error::internal("a stage that adds or leaves out rows"));
                }
                let kept = paths.iter().enumerate().filter(|(_, path)| needed[&table].contains(*path));
                let (kept, places): (Vec<u32>, BTreeMap<u128, usize>) =
                    kept.enumerate().map(|(place, (row, path))| (row as u32, (*path, place))).unzip();
                let batch = shaped(&take_record_batch(&batch, &UInt32Array::from(kept))?, shape)?;
                let lines = lines("ndjson", &batch)?;
                tables.insert(table, Table { batch, lines, places });
            }
        }
        Ok(Self { tables })
    }

    /// The line of a row as an object.
    pub(super) fn line(&self, table: usize, path: u128) -> Result<&str> {
        let line = self.tables.get(&table).and_then(|rows| rows.lines.get(*rows.places.get(&path)?));
        line.map(String::as_str).ok_or_else(|| Error::internal("a row that was not computed"))
    }

    /// The cells of a row; nulls for no row.
    pub(super) fn cells(&self, table: usize, path: Option<u128>) -> Option<Vec<ArrayRef>> {
        let rows = self.tables.get(&table)?;
        let columns = rows.batch.columns().iter();
        match path {
            Some(path) => {
                let place = *rows.places.get(&path)?;
                Some(columns.map(|column| column.slice(place, 1)).collect())
            }
            None => Some(columns.map(|column| new_null_array(column.data_type(), 1)).collect()),
        }
    }
}

/// The columns of a table as they are written.
pub(super) fn schema(schema: &SchemaRef, shape: Shape) -> SchemaRef {
    let field = |field: &Arc<Field>| {
        let name = if shape.camel { camel(field.name()) } else { field.name().clone() };
        let ty = if as_texts(field.data_type(), shape) { DataType::Utf8 } else { field.data_type().clone() };
        Field::new(name, ty, true)
    };
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}

/// Tells whether values are written as texts, because readers of JSON take numbers for doubles.
fn as_texts(ty: &DataType, shape: Shape) -> bool {
    !shape.numbers && matches!(ty, DataType::Decimal128(..))
}

pub(crate) fn shaped(batch: &RecordBatch, shape: Shape) -> Result<RecordBatch> {
    let column = |column: &ArrayRef| match as_texts(column.data_type(), shape) {
        true => as_text(column),
        false => Ok(Arc::clone(column)),
    };
    let columns = batch.columns().iter().map(column).collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(schema(&batch.schema(), shape), columns)?)
}

/// Rows in a text format, each by itself: a text in a cell may have line ends.
pub(crate) fn lines(format: &str, batch: &RecordBatch) -> Result<Vec<String>> {
    let encoder: Box<dyn Encoder> = (format::find(format)?.encoder)(&batch.schema(), &Options::default())?;
    let line = |row: usize| match encoder.encode(batch.slice(row, 1))? {
        Piece::Bytes(bytes) => String::from_utf8(bytes).map_err(|error| Error::internal(error.to_string())),
        Piece::Rows(_) => Err(Error::internal("a format of lines")),
    };
    (0..batch.num_rows()).map(line).collect()
}
