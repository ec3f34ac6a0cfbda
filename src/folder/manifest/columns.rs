//! The columns of a table: what must be known to read its files, and which of them are keys.

use std::sync::Arc;

use arrow_schema::{Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::TableEntry;
use crate::error::{Error, Kind, Result};
use crate::notes::{Key, Noted};
use crate::type_names::{type_name, type_named};

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnEntry {
    /// Its name.
    pub name: String,
    /// `boolean`, `integer`, `double`, `decimal(12,2)`, `date`, `timestamp`, `text`, `bytes`, or `code` for a text of few values.
    pub r#type: String,
    /// True if it may be null.
    #[serde(default, skip_serializing_if = "no")]
    pub nullable: bool,
    /// True if it belongs to the primary key.
    #[serde(default, skip_serializing_if = "no")]
    pub key: bool,
    /// True if its values differ in all rows that have one, the primary key aside.
    #[serde(default, skip_serializing_if = "no")]
    pub unique: bool,
    /// `table.column` on a foreign key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub references: Option<String>,
    /// Which row is meant, where a key has several columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// The extension of a file with the text of a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn no(flag: &bool) -> bool {
    !*flag
}

impl ColumnEntry {
    /// The entry of a field.
    #[must_use]
    pub fn new(field: &Field) -> Self {
        let note = |key: Key| field.note(key).map(str::to_owned);
        Self {
            name: field.name().clone(),
            r#type: type_name(field.data_type()),
            nullable: field.is_nullable(),
            key: field.is_primary_key(),
            unique: field.is_unique(),
            references: note(Key::References),
            via: note(Key::Via),
            extension: note(Key::Extension),
        }
    }

    fn field(&self) -> Option<Field> {
        let mut field = Field::new(&self.name, type_named(&self.r#type)?, self.nullable);
        if self.key {
            field = field.with_primary_key();
        }
        field = field.with_unique(self.unique);
        let notes = [(Key::References, &self.references), (Key::Via, &self.via), (Key::Extension, &self.extension)];
        for (key, text) in notes {
            field = match text {
                Some(text) => field.with_note(key, text),
                None => field,
            };
        }
        Some(field)
    }
}

impl TableEntry {
    /// The schema of the table's files, with keys as field metadata.
    ///
    /// # Errors
    ///
    /// If a type has no such name, or there are no columns or two of one name.
    pub fn schema(&self) -> Result<SchemaRef> {
        let wrong = |what: String| Error::new(Kind::Verification, format!("table `{}`: {what}", self.name));
        let mut fields: Vec<Field> = Vec::new();
        for column in &self.columns {
            let field = column.field().ok_or_else(|| wrong(format!("`{}` is no type", column.r#type)))?;
            if fields.iter().any(|known| known.name() == field.name()) {
                return Err(wrong(format!("column `{}` twice", column.name)));
            }
            fields.push(field);
        }
        if fields.is_empty() {
            return Err(wrong("no columns".to_owned()));
        }
        Ok(Arc::new(Schema::new(fields)))
    }
}
