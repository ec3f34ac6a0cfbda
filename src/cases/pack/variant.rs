//! The requests of a chunk with one fact changed, and what the plan decides of them.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, ArrayRef, PrimitiveArray, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use serde_json::{Map, Value};

use super::questions::Pack;
use crate::error::{Error, Result};
use crate::find::{Shape, lines, shaped};
use crate::plan::Chunk;
use crate::sql::as_text;

/// The rows of a chunk's requests, in any variant.
pub(super) struct Variants<'a, 'p> {
    pack: &'a Pack<'p>,
    roots: Vec<u64>,
    paths: Vec<u128>,
}

/// All requests of a chunk, with the same fact changed in each.
#[derive(Clone)]
pub(super) struct Variant {
    /// `None`: every row is there.
    there: Option<Vec<bool>>,
    decision: ArrayRef,
    reason: ArrayRef,
    values: RecordBatch,
}

impl<'a, 'p> Variants<'a, 'p> {
    pub(super) fn new(pack: &'a Pack<'p>, chunk: &mut Chunk<'p>) -> Result<Self> {
        let mut paths = |table| -> Result<Vec<u128>> {
            let reached = chunk.reached(table)?;
            Ok(chunk.paths(reached).to_vec())
        };
        let roots = paths(pack.plan.root_of(pack.table))?.into_iter().map(|path| path as u64).collect();
        Ok(Self { pack, roots, paths: paths(pack.table)? })
    }

    pub(super) fn rows(&self) -> usize {
        self.paths.len()
    }

    /// The name of a request, such as `access/510.3`.
    pub(super) fn name(&self, row: usize) -> String {
        format!("{}/{}", self.pack.name, self.pack.plan.numbers(self.pack.table, self.paths[row]))
    }

    /// The requests as they are.
    pub(super) fn as_is(&self, chunk: &mut Chunk<'p>) -> Result<Variant> {
        self.decided(chunk, None)
    }

    /// Pairs of variants, with the name of what differs.
    pub(super) fn pairs(&self, chunk: &mut Chunk<'p>, as_is: &Variant) -> Result<Vec<(String, [Variant; 2])>> {
        let (pack, mut pairs) = (self.pack, Vec::new());
        let at = pack.decisions.at.as_str();
        for (name, asked) in &pack.boundaries {
            let instants = chunk.answers(*asked)?;
            let path = format!("decisions.{}.boundaries.{name}", pack.name);
            let Some(instants) = instants.as_primitive_opt::<TimestampMicrosecondType>() else {
                return Err(Error::profile(&path, format!("this is {}, not an instant", instants.data_type()))
                    .hint("CAST(… AS timestamp)"));
            };
            let there: Vec<bool> = instants.iter().map(|at| at.is_some()).collect();
            let moved = |by: i64| -> Result<Variant> {
                let moved: PrimitiveArray<TimestampMicrosecondType> = instants.unary(|at| at + by);
                self.changed(
                    self.fresh(),
                    &[(at, Arc::new(moved.with_data_type(instants.data_type().clone())))],
                    &there,
                )
            };
            pairs.push(((*name).to_owned(), [moved(-1)?, moved(0)?]));
        }
        for (name, columns) in &pack.facts {
            let values = columns.iter().map(|(column, asked)| {
                let value = chunk.answers(*asked)?;
                // Few texts come as a dictionary.
                let is_text = matches!(value.data_type(), DataType::Dictionary(..));
                Ok((*column, if is_text { as_text(&value)? } else { value }))
            });
            let mut values: Vec<(&str, ArrayRef)> = values.collect::<Result<_>>()?;
            let there: Vec<bool> =
                (0..self.rows()).map(|row| values.iter().all(|(_, value)| value.is_valid(row))).collect();
            // The instant may follow from the fact, and stays.
            values.push((at, chunk.answers(pack.at)?));
            let changed = self.changed(self.fresh(), &values, &there)?;
            pairs.push(((*name).to_owned(), [as_is.clone(), changed]));
        }
        Ok(pairs)
    }

    /// The same rows, of which nothing is computed.
    fn fresh(&self) -> Chunk<'p> {
        Chunk::new(self.pack.plan, self.pack.plan.root_of(self.pack.table), &self.roots)
    }

    /// The requests with other values in some columns; only some rows are there.
    fn changed(&self, mut chunk: Chunk<'p>, values: &[(&str, ArrayRef)], there: &[bool]) -> Result<Variant> {
        let pack = self.pack;
        let schema = &pack.plan.tables[pack.table].schema;
        for (column, value) in values {
            let expected = schema.field_with_name(column).map(|field| field.data_type().clone()).ok();
            if expected.as_ref() != Some(value.data_type()) {
                let known =
                    expected.map_or_else(|| "there is no such column".to_owned(), |ty| format!("the column is {ty}"));
                return Err(Error::profile(
                    format!("decisions.{}", pack.name),
                    format!("`{column}` would be {}, and {known}", value.data_type()),
                ));
            }
        }
        chunk.replace(pack.table, values)?;
        self.decided(&mut chunk, Some(there.to_vec()))
    }

    /// The decisions, reasons and values that the plan computes for the requests of a chunk.
    fn decided(&self, chunk: &mut Chunk<'p>, there: Option<Vec<bool>>) -> Result<Variant> {
        let pack = self.pack;
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for (number, (_, asked)) in pack.values.iter().enumerate() {
            let column = chunk.answers(*asked)?;
            fields.push(Field::new(number.to_string(), column.data_type().clone(), true));
            columns.push(column);
        }
        let values = shaped(&RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?, Shape::default())?;
        let decision = as_text(&chunk.answers(pack.decision)?)?;
        let reason = as_text(&chunk.answers(pack.reason)?)?;
        Ok(Variant { there, decision, reason, values })
    }
}

impl Variant {
    /// Tells whether a request can be made with this change.
    pub(super) fn has(&self, row: usize) -> bool {
        self.there.as_ref().is_none_or(|there| there[row])
    }

    /// The decision and the reason.
    pub(super) fn answer(&self, row: usize) -> Result<(String, String)> {
        let text = |column: &ArrayRef| {
            let texts = column.as_string::<i32>();
            texts.is_valid(row).then(|| texts.value(row).to_owned())
        };
        text(&self.decision)
            .zip(text(&self.reason))
            .ok_or_else(|| Error::usage("a request has no decision, or no reason"))
    }

    /// The members of `request` and of `expect`, without nulls.
    pub(super) fn objects(&self, pack: &Pack<'_>, row: usize) -> Result<[Map<String, Value>; 2]> {
        let line = lines("ndjson", &self.values.slice(row, 1))?.pop().unwrap_or_default();
        let mut cells: Map<String, Value> =
            serde_json::from_str(&line).map_err(|error| Error::internal(error.to_string()))?;
        let mut objects = [Map::new(), Map::new()];
        for (number, (path, _)) in pack.values.iter().enumerate() {
            let Some(value) = cells.remove(&number.to_string()).filter(|value| !value.is_null()) else { continue };
            let Some((last, above)) = path.split_last() else { continue };
            let mut at = &mut objects[usize::from(above[0] == "expect")];
            for name in &above[1..] {
                let inner = at.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
                at = inner.as_object_mut().ok_or_else(|| Error::internal("a member that is two things"))?;
            }
            at.insert(last.clone(), value);
        }
        Ok(objects)
    }
}
