//! The row that breaks a constraint, found from what the database says of it.

use arrow_array::{Array, RecordBatch};

use crate::engine::ChunkId;
use crate::error::{Error, Kind, Result};
use crate::format::write::texts::texts;
use crate::notes::{Key, Noted};

/// The kinds of constraints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    Unique,
    ForeignKey,
    Check,
    NotNull,
    Length,
    Type,
    Trigger,
}

impl Rule {
    fn name(self) -> &'static str {
        match self {
            Rule::Unique => "unique constraint",
            Rule::ForeignKey => "foreign key",
            Rule::Check => "check constraint",
            Rule::NotNull => "not-null constraint",
            Rule::Length => "length of the column",
            Rule::Type => "type of the column",
            Rule::Trigger => "rule of a trigger",
        }
    }
}

/// A row that a database does not take, as far as its message tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) rule: Rule,
    pub(crate) table: Option<String>,
    pub(crate) constraint: Option<String>,
    pub(crate) columns: Vec<String>,
    /// The values of these columns as text, if it says them.
    pub(crate) values: Vec<String>,
    /// The number of the row among those of the statement, from 0.
    pub(crate) row: Option<usize>,
}

impl Violation {
    /// The error of a row of a chunk: table, chunk, row, key, column and constraint; values only if they may be shown.
    pub(super) fn error(
        &self,
        table: &str,
        chunk: &ChunkId<'_>,
        batch: &RecordBatch,
        cause: Error,
        show_values: bool,
    ) -> Error {
        let row = self.row.filter(|row| *row < batch.num_rows()).or_else(|| self.found(batch).ok().flatten());
        let mut message = format!("a row breaks the {}", self.rule.name());
        let constraint = self.constraint.as_ref().map(|name| format!(" `{name}`"));
        message.push_str(&constraint.unwrap_or_default());
        if !self.columns.is_empty() {
            message.push_str(&format!(" of `{}`", self.columns.join("`, `")));
        }
        if let Some(key) = row.and_then(|row| key_of(batch, row, show_values)) {
            message.push_str(&format!(": {key}"));
        }
        if show_values {
            // A check may be about any column.
            let schema = batch.schema();
            let all: Vec<&String> = match self.columns.is_empty() {
                true => schema.fields().iter().map(|field| field.name()).collect(),
                false => self.columns.iter().collect(),
            };
            let value = |column: &String| row.and_then(|row| text_at(batch, column, row));
            let values: Vec<String> =
                all.into_iter().filter_map(|column| Some(format!("{column} = {}", value(column)?))).collect();
            if !values.is_empty() {
                message.push_str(&format!(" ({})", values.join(", ")));
            }
        }
        let rows = &chunk.rows;
        let number = row.map_or_else(String::new, |row| format!(", row {}", row + 1));
        let place = format!("table `{table}`, chunk `{}` {}..{}{number}", chunk.tree.name, rows.start, rows.end);
        let hint = match self.rule {
            Rule::ForeignKey => "the row that it refers to is not there: load its table too, or --defer-foreign-keys",
            Rule::Unique => {
                "another row has the value: rows of others, or a profile whose values repeat (placebo check)"
            }
            _ => "change the profile or the constraint",
        };
        let hint = if show_values { hint.to_owned() } else { format!("{hint}; --show-values shows the values") };
        let error = Error::new(Kind::Verification, format!("{place}: {message}")).hint(hint);
        if show_values { error.caused_by(cause) } else { error }
    }

    /// The first row that has the values.
    fn found(&self, batch: &RecordBatch) -> Result<Option<usize>> {
        if self.columns.is_empty() || self.columns.len() != self.values.len() {
            return Ok(None);
        }
        let mut columns = Vec::new();
        for column in &self.columns {
            let Some(array) = batch.column_by_name(column) else { return Ok(None) };
            columns.push(texts(array)?);
        }
        let has = |row: &usize| {
            let mut both = columns.iter().zip(&self.values);
            both.all(|(column, value)| column.is_valid(*row) && column.value(*row) == value)
        };
        Ok((0..batch.num_rows()).find(has))
    }
}

/// The key of a row in words; `None` where it has no key. Values of keys that are personal data are left out unless they may be shown.
fn key_of(batch: &RecordBatch, row: usize, show_values: bool) -> Option<String> {
    let schema = batch.schema();
    let keys: Vec<String> = schema
        .fields()
        .iter()
        .filter(|field| field.is_primary_key())
        .map(|field| match field.note(Key::Pii).is_some() && !show_values {
            true => field.name().clone(),
            false => format!("{} = {}", field.name(), text_at(batch, field.name(), row).unwrap_or_default()),
        })
        .collect();
    (!keys.is_empty()).then(|| keys.join(", "))
}

fn text_at(batch: &RecordBatch, column: &str, row: usize) -> Option<String> {
    let texts = texts(batch.column_by_name(column)?).ok()?;
    Some(if texts.is_valid(row) { texts.value(row).to_owned() } else { "null".to_owned() })
}
