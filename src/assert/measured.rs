//! The answers of a table in the rows of its export.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::export::{Batch, Ragged, Take};
use super::report::TableReport;
use crate::answers::{AnswerKey, Over};
use crate::error::Result;
use crate::format::read::TextColumn;

/// Counts the answers of a table.
pub(super) struct Measured {
    schema: SchemaRef,
    over: Over,
}

impl Measured {
    pub(super) fn new(key: &AnswerKey, table: &str, schema: &SchemaRef) -> Self {
        let field = |field: &Arc<Field>| {
            let ty = match field.data_type() {
                DataType::Binary => DataType::Utf8,
                other => other.clone(),
            };
            field.as_ref().clone().with_data_type(ty).with_nullable(true)
        };
        let schema = Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()));
        Self { over: Over::new(key, table, &schema), schema }
    }

    /// Adds what was found to a report.
    pub(super) fn report(self, report: &mut TableReport, show_values: bool) {
        report.answer(self.over.found(), show_values);
    }
}

impl Take for Measured {
    fn rows(&mut self, batch: Batch) -> Result<()> {
        let mut columns = Vec::new();
        for (field, texts) in self.schema.fields().iter().zip(batch.rows.columns()) {
            let (mut column, texts): (_, &StringArray) = (TextColumn::new(field)?, texts.as_string());
            for row in 0..texts.len() {
                // What is no value of its type has none here; it is told of as a changed cell.
                let good = texts.is_valid(row) && column.value(texts.value(row).as_bytes()).is_ok();
                if !good {
                    column.null()?;
                }
            }
            columns.push(column.finish());
        }
        self.over.add(&RecordBatch::try_new(SchemaRef::clone(&self.schema), columns)?)
    }

    fn ragged(&mut self, _: Ragged) {}
}
