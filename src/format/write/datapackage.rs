//! `datapackage.json`: a description of the files for readers, after Frictionless Data Package 1.0.
//!
//! ```text
//! {"name": "claim_id", "type": "integer", "description": "the claim", "constraints": {"required": true}, "pii": "none"}
//! ```
//!
//! `pii`, `class`, `hipaa`, `identifies`, `origin` and `protection` are properties of ours. An empty field is missing: readers of CSV do not tell it from the empty text `""`.

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde_json::{Map, Value, json};

use crate::format::{Dialect, FORMATS, Options};
use crate::notes::{Key, Noted};

/// The notes on personal data that a field repeats, by the names of its properties.
const CLASSES: [(&str, Key); 6] = [
    ("pii", Key::Pii),
    ("class", Key::Class),
    ("hipaa", Key::Hipaa),
    ("identifies", Key::Identifies),
    ("origin", Key::Origin),
    ("protection", Key::Protection),
];

/// One table and the files that hold it.
#[derive(Debug, Clone)]
pub struct TableFile {
    /// The table's name.
    pub name: String,
    /// The meaning of one row.
    pub about: String,
    /// Its columns, with keys and classes as field metadata.
    pub schema: SchemaRef,
    /// Predicates that are true of every row, in the SQL of databases, with their names.
    pub checks: Vec<(String, String)>,
    /// Its files in row order, relative to the folder.
    pub paths: Vec<String>,
    /// The name of their format.
    pub format: &'static str,
}

impl TableFile {
    /// The columns of its primary key.
    pub(crate) fn primary_key(&self) -> Vec<&str> {
        let key = self.schema.fields().iter().filter(|field| field.is_primary_key());
        key.map(|field| field.name().as_str()).collect()
    }

    /// The columns, beside the primary key, whose values differ in all rows that have one.
    pub(crate) fn unique(&self) -> impl Iterator<Item = &str> {
        self.schema.fields().iter().filter(|field| field.is_unique()).map(|field| field.name().as_str())
    }

    /// The foreign keys.
    pub(crate) fn references(&self) -> Vec<Reference<'_>> {
        references(&self.schema)
    }
}

/// The foreign keys of a table. Columns that name the same row of a table whose key has several columns are one.
pub(crate) fn references(schema: &Schema) -> Vec<Reference<'_>> {
    let mut all: Vec<Reference<'_>> = Vec::new();
    for field in schema.fields() {
        let Some((table, key)) = field.reference() else { continue };
        let via = field.note(Key::Via);
        let same = |known: &&mut Reference<'_>| {
            via.is_some() && known.via == via && known.table == table && !known.keys.contains(&key)
        };
        match all.iter_mut().find(same) {
            Some(known) => {
                known.columns.push(field.name());
                known.keys.push(key);
            }
            None => all.push(Reference { columns: vec![field.name()], table, keys: vec![key], via }),
        }
    }
    all
}

/// Columns that repeat a row's key.
pub(crate) struct Reference<'a> {
    pub(crate) columns: Vec<&'a str>,
    /// The table, and the columns there.
    pub(crate) table: &'a str,
    pub(crate) keys: Vec<&'a str>,
    via: Option<&'a str>,
}

/// The text of `datapackage.json`, for files that were written with some settings of their formats. A reference to a table that is not
/// among `tables` is left out.
#[must_use]
pub fn datapackage(name: &str, title: &str, tables: &[TableFile], options: &Options) -> String {
    let dialect = |table: &TableFile| {
        let format = FORMATS.iter().find(|known| known.name == table.format)?;
        format.dialect.map(|dialect| dialect(options))
    };
    let mut package = Map::new();
    if tables.iter().all(|table| dialect(table).is_some()) {
        package.insert("profile".into(), "tabular-data-package".into());
    }
    package.insert("name".into(), name.into());
    package.insert("title".into(), title.into());
    let resources = tables.iter().map(|table| resource(table, dialect(table), tables)).collect();
    package.insert("resources".into(), Value::Array(resources));
    format!("{:#}\n", Value::Object(package))
}

fn mediatype(format: &str) -> Option<&'static str> {
    FORMATS.iter().find(|known| known.name == format).map(|known| known.mediatype)
}

fn resource(table: &TableFile, dialect: Option<Dialect>, tables: &[TableFile]) -> Value {
    let mut resource = Map::new();
    let mut set = |key: &str, value: Value| resource.insert(key.into(), value);
    set("name", table.name.as_str().into());
    if !table.about.is_empty() {
        set("description", table.about.as_str().into());
    }
    set("path", if let [one] = table.paths.as_slice() { one.as_str().into() } else { json!(table.paths) });
    if dialect.is_some() {
        set("profile", "tabular-data-resource".into());
    }
    set("format", table.format.into());
    if let Some(mediatype) = mediatype(table.format) {
        set("mediatype", mediatype.into());
    }
    set("encoding", "utf-8".into());
    let null = dialect.as_ref().map_or_else(String::new, |dialect| dialect.null.clone());
    if let Some(Dialect { delimiter, line_end, header, .. }) = dialect {
        let dialect = json!({
            "delimiter": delimiter, "lineTerminator": line_end, "quoteChar": "\"", "doubleQuote": true, "skipInitialSpace": false,
            "header": header, "caseSensitiveHeader": true,
        });
        set("dialect", dialect);
    }
    set("schema", schema(table, tables, &null));
    Value::Object(resource)
}

fn schema(table: &TableFile, tables: &[TableFile], null_text: &str) -> Value {
    let mut schema = Map::new();
    schema.insert("fields".into(), table.schema.fields().iter().map(|field| column(field)).collect());
    schema.insert("missingValues".into(), json!([null_text]));
    let key = table.primary_key();
    if !key.is_empty() {
        schema.insert("primaryKey".into(), json!(key));
    }
    let known = |reference: &Reference<'_>| tables.iter().any(|table| table.name == reference.table);
    let keys: Vec<Value> = table
        .references()
        .iter()
        .filter(|reference| known(reference))
        .map(|Reference { columns, table: target, keys, .. }| {
            let resource = if *target == table.name { "" } else { target };
            json!({ "fields": columns, "reference": { "resource": resource, "fields": keys } })
        })
        .collect();
    if !keys.is_empty() {
        schema.insert("foreignKeys".into(), keys.into());
    }
    Value::Object(schema)
}

fn column(field: &Field) -> Value {
    let (data_type, format) = match field.data_type() {
        DataType::Boolean => ("boolean", None),
        DataType::Int64 => ("integer", None),
        DataType::Decimal128(..) | DataType::Float64 => ("number", None),
        DataType::Date32 => ("date", None),
        // The default format has no parts of a second.
        DataType::Timestamp(..) => ("datetime", Some("any")),
        _ => ("string", None),
    };
    let mut column = Map::new();
    let mut set = |key: &str, value: Value| column.insert(key.into(), value);
    set("name", field.name().as_str().into());
    set("type", data_type.into());
    if let Some(format) = format {
        set("format", format.into());
    }
    if let Some(about) = field.note(Key::About) {
        set("description", about.into());
    }
    let mut constraints = Map::new();
    for (name, holds) in [("required", !field.is_nullable()), ("unique", field.is_unique())] {
        if holds {
            constraints.insert(name.to_owned(), true.into());
        }
    }
    if !constraints.is_empty() {
        set("constraints", Value::Object(constraints));
    }
    for (name, key) in CLASSES {
        if let Some(text) = field.note(key) {
            set(name, text.into());
        }
    }
    Value::Object(column)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_schema::{Schema, TimeUnit};

    use super::*;

    fn tables() -> Vec<TableFile> {
        let field = |name: &str, data_type: DataType, nullable: bool, notes: &[(Key, &str)]| {
            notes.iter().fold(Field::new(name, data_type, nullable), |field, (key, text)| field.with_note(*key, text))
        };
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let code = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let claim = vec![
            field("claim_id", DataType::Int64, false, &[(Key::PrimaryKey, "primary")]),
            field("member_id", DataType::Int64, false, &[(Key::References, "member.member_id")]),
            field("reversal_of", DataType::Int64, true, &[(Key::References, "claim.claim_id")]),
            field("payer_id", DataType::Int64, true, &[(Key::References, "payer.payer_id")]),
            field("paid", DataType::Decimal128(12, 2), true, &[(Key::About, "what was \"paid\"")]),
            field("at", utc, true, &[]),
        ];
        let member = vec![
            field("member_id", DataType::Int64, false, &[(Key::PrimaryKey, "primary")]),
            field("ssn", DataType::Utf8, true, &[(Key::Pii, "ssn"), (Key::About, "never issued")]),
            field("state", code, true, &[]),
            field("born", DataType::Date32, true, &[]),
            field("alive", DataType::Boolean, true, &[]),
            field("weight", DataType::Float64, true, &[]),
        ];
        let table = |name: &str, fields: Vec<Field>| TableFile {
            checks: Vec::new(),
            name: name.into(),
            about: format!("one row per {name}"),
            schema: Arc::new(Schema::new(fields)),
            paths: vec![format!("{name}.csv")],
            format: "csv",
        };
        vec![table("claim", claim), table("member", member)]
    }

    #[test]
    fn keys_types_and_classes_are_described() {
        let text = datapackage("claims", "Claims", &tables(), &Options::default());
        assert!(text.starts_with("{\n  \"profile\": \"tabular-data-package\",\n  \"name\": \"claims\",\n"), "{text}");
        assert!(text.ends_with("}\n"));
        let package: Value = serde_json::from_str(&text).unwrap();
        let claim = &package["resources"][0];
        assert_eq!(claim["path"], "claim.csv");
        assert_eq!(claim["schema"]["primaryKey"], json!(["claim_id"]));
        let keys = json!([
            { "fields": ["member_id"], "reference": { "resource": "member", "fields": ["member_id"] } },
            { "fields": ["reversal_of"], "reference": { "resource": "", "fields": ["claim_id"] } },
        ]);
        assert_eq!(claim["schema"]["foreignKeys"], keys, "the absent payer is left out");
        let fields = &package["resources"][1]["schema"]["fields"];
        assert_eq!(fields[0], json!({ "name": "member_id", "type": "integer", "constraints": { "required": true } }));
        assert_eq!(fields[1], json!({ "name": "ssn", "type": "string", "description": "never issued", "pii": "ssn" }));
        let types: Vec<_> = (0..6).map(|n| fields[n]["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["integer", "string", "string", "date", "boolean", "number"]);
        assert_eq!(claim["schema"]["fields"][5], json!({ "name": "at", "type": "datetime", "format": "any" }));
    }

    #[test]
    fn parts_are_a_list_and_other_formats_have_no_dialect() {
        let mut tables = tables();
        tables[0].format = "parquet";
        tables[0].paths = vec!["claim/part-00000.parquet".into(), "claim/part-00001.parquet".into()];
        let package: Value =
            serde_json::from_str(&datapackage("claims", "Claims", &tables, &Options::default())).unwrap();
        assert!(package.get("profile").is_none());
        assert_eq!(package["resources"][0]["path"][1], "claim/part-00001.parquet");
        assert_eq!(package["resources"][0]["mediatype"], "application/vnd.apache.parquet");
        assert!(package["resources"][0].get("dialect").is_none());
        assert!(package["resources"][1].get("dialect").is_some());
    }
}
