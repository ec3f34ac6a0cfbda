//! The columns of a table: what must be known to read its files, and which of them are keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde::{Deserialize, Serialize};

use super::TableEntry;
use crate::error::{Error, Kind, Result};
use crate::notes::{KEY, REFERENCES, VIA};

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnEntry {
    /// Its name.
    pub name: String,
    /// `boolean`, `integer`, `double`, `decimal(12,2)`, `date`, `timestamp`, `text`, `bytes`, or `code` for a text of few values.
    pub r#type: String,
    /// Whether it may be null.
    #[serde(default, skip_serializing_if = "no")]
    pub nullable: bool,
    /// Whether it belongs to the primary key.
    #[serde(default, skip_serializing_if = "no")]
    pub key: bool,
    /// `table.column` on a foreign key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub references: Option<String>,
    /// Which row is meant, where a key has several columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn no(flag: &bool) -> bool {
    !*flag
}

impl ColumnEntry {
    /// The entry of a field.
    #[must_use]
    pub fn new(field: &Field) -> Self {
        let note = |key: &str| field.metadata().get(key).filter(|text| !text.is_empty()).cloned();
        Self {
            name: field.name().clone(),
            r#type: name_of(field.data_type()),
            nullable: field.is_nullable(),
            key: note(KEY).as_deref() == Some("primary"),
            references: note(REFERENCES),
            via: note(VIA),
        }
    }

    fn field(&self) -> Option<Field> {
        let mut notes = BTreeMap::new();
        if self.key {
            notes.insert(KEY.to_owned(), "primary".to_owned());
        }
        notes.extend(self.references.iter().map(|text| (REFERENCES.to_owned(), text.clone())));
        notes.extend(self.via.iter().map(|text| (VIA.to_owned(), text.clone())));
        Some(Field::new(&self.name, type_of(&self.r#type)?, self.nullable).with_metadata(notes))
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

pub(super) fn name_of(ty: &DataType) -> String {
    match ty {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int64 => "integer".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Utf8 => "text".to_owned(),
        DataType::Binary => "bytes".to_owned(),
        DataType::Dictionary(..) => "code".to_owned(),
        // No sink takes another one.
        other => other.to_string(),
    }
}

/// The type that a column's name of it means.
#[must_use]
pub fn type_of(name: &str) -> Option<DataType> {
    Some(match name {
        "boolean" => DataType::Boolean,
        "integer" => DataType::Int64,
        "double" => DataType::Float64,
        "date" => DataType::Date32,
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        "text" => DataType::Utf8,
        "bytes" => DataType::Binary,
        "code" => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        _ => {
            let (precision, scale) = name.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
            let (precision, scale) = (precision.parse::<u8>().ok()?, scale.parse::<i8>().ok()?);
            let fits = (1..=38).contains(&precision) && (0..=precision.cast_signed()).contains(&scale);
            fits.then_some(DataType::Decimal128(precision, scale))?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_name_that_leads_back() {
        for name in [
            "boolean",
            "integer",
            "double",
            "decimal(12,2)",
            "decimal(38,0)",
            "date",
            "timestamp",
            "text",
            "bytes",
            "code",
        ] {
            assert_eq!(name_of(&type_of(name).expect(name)), name);
        }
        for name in
            ["", "int", "decimal", "decimal(0,0)", "decimal(39,1)", "decimal(5,-1)", "decimal(5,6)", "decimal(a,b)"]
        {
            assert_eq!(type_of(name), None, "{name}");
        }
    }
}
