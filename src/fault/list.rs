//! The list of cases that goes with the data: `_faults_NAME` for the tree of a root table.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde_json::{Map, Value, json};

use super::Faults;
use super::choose::text_at;
use crate::error::Result;
use crate::notes::{Key, Noted};
use crate::plan::Plan;
use crate::plan::fault::{Fault, Operator};
use crate::profile::TEXT;
use crate::stage::{Case, Edits, Output, TreeBatch};

/// The columns of a list: names and meanings.
const COLUMNS: [(&str, &str); 9] = [
    ("case", "The fault, the root row from 1, and the ordinals below it: a name for the case that stays"),
    ("fault", "The fault"),
    ("class", "Its class"),
    ("table", "The table of the row"),
    ("key", "The key of the row without the fault, as a JSON object; empty where the table has no key"),
    (
        "change",
        "What was changed, as a JSON object: columns with the value before and after, null for one that is protected",
    ),
    ("decision", "What a correct system does with it"),
    ("breaks", "The rules that it breaks, as a JSON list"),
    ("expect", "The codes of a correct answer by dialect, as a JSON object: the most fitting first"),
];

/// The columns of a list of cases: beside messages alone, one with a JSON object.
pub(super) fn schema(bare: bool) -> SchemaRef {
    if bare {
        let field = Field::new(TEXT, DataType::Utf8, false).with_note(Key::Extension, "ndjson");
        return Arc::new(Schema::new(vec![field.with_note(Key::Class, "internal")]));
    }
    let field = |(name, about): (&str, &str)| {
        let field =
            Field::new(name, DataType::Utf8, false).with_note(Key::About, about).with_note(Key::Class, "internal");
        if name == COLUMNS[0].0 { field.with_primary_key() } else { field }
    };
    Arc::new(Schema::new(COLUMNS.map(field).to_vec()))
}

impl Faults {
    /// The list of the cases of a chunk. Its batches are those before the changed rows took their places; `changed` are the rows of
    /// cases as they are sent, by the output of their table.
    pub(super) fn list(
        &self,
        plan: &Plan,
        made: &TreeBatch,
        changed: &dyn Fn(&Case) -> Option<RecordBatch>,
        outputs: &[Output],
    ) -> Result<RecordBatch> {
        let mut cells: [Vec<String>; 9] = Default::default();
        for case in &made.cases {
            let fault = &self.known[case.fault].0;
            let output = &outputs[case.output.0];
            let clean = &made.batches[&case.output];
            let key = key_of(output, clean, case.row)?;
            let change = match made.edits.get(&case.output) {
                Some(edits) => self.changes(case, output, clean, edits, changed(case))?,
                None => Map::new(),
            };
            let row = [
                case_name(plan, fault, case),
                fault.name.clone(),
                fault.class.clone(),
                output.name.clone(),
                if key.is_empty() { String::new() } else { Value::Object(key).to_string() },
                Value::Object(change).to_string(),
                fault.decision.name().to_owned(),
                json!(fault.breaks).to_string(),
                json!(fault.codes).to_string(),
            ];
            cells.iter_mut().zip(row).for_each(|(column, cell)| column.push(cell));
        }
        if plan.messages_bare {
            let object = |row: usize| {
                let value = |text: &String| match text.starts_with(['{', '[']) {
                    true => serde_json::from_str(text).unwrap_or(Value::Null),
                    false => json!(text),
                };
                let pairs =
                    COLUMNS.iter().zip(&cells).map(|((name, _), column)| ((*name).to_owned(), value(&column[row])));
                Value::Object(pairs.collect()).to_string()
            };
            let texts = (0..made.cases.len()).map(object).collect::<Vec<_>>();
            return Ok(RecordBatch::try_new(schema(true), vec![Arc::new(StringArray::from(texts))])?);
        }
        let columns = cells.map(|column| Arc::new(StringArray::from(column)) as ArrayRef);
        Ok(RecordBatch::try_new(schema(false), columns.to_vec())?)
    }

    /// The changes of a case: columns with the value before and after.
    fn changes(
        &self,
        case: &Case,
        output: &Output,
        clean: &RecordBatch,
        edits: &Edits,
        changed: Option<RecordBatch>,
    ) -> Result<Map<String, Value>> {
        let mut change = Map::new();
        let fault = &self.known[case.fault].0;
        match &fault.operator {
            Operator::Drop { .. } => {
                change.insert("dropped".to_owned(), json!(case.dropped));
            }
            Operator::Repeat { times, .. } => {
                change.insert("copies".to_owned(), json!(times));
            }
            _ => {}
        }
        if matches!(fault.operator, Operator::Swap(_)) {
            change.insert("with".to_owned(), Value::Object(key_of(output, clean, case.row + 1)?));
        }
        let Some(changed) = changed else { return Ok(change) };
        for place in fault.operator.columns() {
            let field = output.schema.field(place);
            let value = match field.is_protected() {
                true => Value::Null,
                false => {
                    let first = case.changed.start;
                    let before = text_at(clean.column(place), edits.origins[first as usize])?;
                    json!([before, text_at(changed.column(place), 0)?])
                }
            };
            change.insert(field.name().clone(), value);
        }
        Ok(change)
    }
}

/// The name of a case: `capture_twice/1742.3.1`.
pub(super) fn case_name(plan: &Plan, fault: &Fault, case: &Case) -> String {
    format!("{}/{}", fault.name, plan.numbers(fault.table, case.path))
}

/// Values that have a text: bytes of an encrypted key as base64.
fn readable(values: &ArrayRef) -> Result<ArrayRef> {
    Ok(match values.data_type() {
        DataType::Binary => Arc::new(crate::format::write::texts::texts(values)?),
        _ => Arc::clone(values),
    })
}

/// The key of a row as it is written; empty where its table has none.
fn key_of(output: &Output, rows: &RecordBatch, row: u32) -> Result<Map<String, Value>> {
    let fields = output.contract().fields().iter().enumerate().filter(|(_, field)| field.is_primary_key());
    let cell = |(place, field): (usize, &Arc<Field>)| {
        Ok((field.name().clone(), json!(text_at(&readable(rows.column(place))?, row)?)))
    };
    fields.map(cell).collect()
}
