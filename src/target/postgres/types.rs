//! The types of `PostgreSQL`, and the ways in which values reach a column of each.

use std::fmt::Write;

use arrow_schema::{DataType, Field};

use crate::format::write::datapackage::TableFile;
use crate::format::write::ddl::{Dialect, index, quoted, remarks, sql_type};
use crate::target::database::Sql;

/// The SQL of tables.
static DIALECT: Dialect = Dialect {
    quoted,
    sql_type: |data_type, _| sql_type(data_type),
    forward_references: true,
    foreign_key_end: "",
    takes_check: |_, _| true,
    inline: false,
    index: Some(index),
    constraint_name: None,
    comments: Some(comments),
};

/// The SQL of loads.
pub(super) static SQL: Sql = Sql {
    name: "postgres",
    quoted,
    ddl: &DIALECT,
    texts: ("TEXT", "TEXT"),
    insert_new: ("INSERT INTO", " ON CONFLICT DO NOTHING"),
    cast: |column, data_type| format!("{column}::{}", sql_type(data_type)),
    begin: "BEGIN",
    enforces: true,
    parallel: true,
    temporary: "CREATE TEMPORARY TABLE {name} AS SELECT {columns} FROM {table} WHERE false",
};

/// `COMMENT ON` for a table and its columns, with their classes as personal data.
fn comments(table: &TableFile) -> Vec<String> {
    let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let name = quoted(&table.name);
    let mut all = Vec::new();
    let about = remarks(&table.about, None);
    if !about.is_empty() {
        all.push(format!("COMMENT ON TABLE {name} IS {}", text(&about)));
    }
    let fields: Vec<&Field> = table.schema.fields().iter().map(AsRef::as_ref).collect();
    for field in fields {
        let about = remarks("", Some(field));
        if !about.is_empty() {
            let mut statement = String::new();
            // Writing to a string cannot fail.
            let _ = write!(statement, "COMMENT ON COLUMN {name}.{} IS {}", quoted(field.name()), text(&about));
            all.push(statement);
        }
    }
    all
}

/// The way of a value into a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// In the binary form of the column's type.
    Binary(Form),
    /// As text that the server parses.
    Parsed,
}

/// The binary forms of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Numeric,
    Date,
    /// Microseconds since 2000, with or without a zone.
    Instant,
    Text,
    Jsonb,
    Uuid,
}

/// The way of values of a type into a column of a type of the database; `None` if it cannot take them.
pub(super) fn way(kind: &str, data_type: &DataType) -> Option<Way> {
    use Form::*;
    let text = matches!(kind, "text" | "varchar" | "bpchar" | "name" | "citext");
    let binary = |form: Form| Some(Way::Binary(form));
    match (data_type, kind) {
        (DataType::Boolean, "bool") => binary(Bool),
        (DataType::Int64, "int2") => binary(Int2),
        (DataType::Int64, "int4") => binary(Int4),
        (DataType::Int64, "int8") => binary(Int8),
        (DataType::Int64 | DataType::Decimal128(..), "numeric") => binary(Numeric),
        (DataType::Float64, "float4") => binary(Float4),
        (DataType::Float64, "float8") => binary(Float8),
        (DataType::Date32, "date") => binary(Date),
        (DataType::Timestamp(..), "timestamp" | "timestamptz") => binary(Instant),
        (DataType::Utf8 | DataType::Dictionary(..), "jsonb") => binary(Jsonb),
        (DataType::Utf8 | DataType::Dictionary(..), "uuid") => binary(Uuid),
        (DataType::Utf8 | DataType::Dictionary(..), "json" | "xml" | "enum") => binary(Text),
        (DataType::Utf8 | DataType::Dictionary(..), _) if text => binary(Text),
        (DataType::Utf8 | DataType::Dictionary(..), _) => Some(Way::Parsed),
        (DataType::Int64, "float4" | "float8" | "oid" | "money")
        | (DataType::Decimal128(..), "float4" | "float8" | "money")
        | (DataType::Float64, "numeric")
        | (DataType::Date32, "timestamp" | "timestamptz") => Some(Way::Parsed),
        (DataType::Decimal128(_, 0), "int2" | "int4" | "int8") => Some(Way::Parsed),
        (
            DataType::Boolean | DataType::Int64 | DataType::Decimal128(..) | DataType::Date32 | DataType::Timestamp(..),
            _,
        ) => text.then_some(Way::Parsed),
        _ => None,
    }
}

/// The form in a column that was made for the values.
pub(super) fn own(data_type: &DataType) -> Form {
    match data_type {
        DataType::Boolean => Form::Bool,
        DataType::Int64 => Form::Int8,
        DataType::Float64 => Form::Float8,
        DataType::Decimal128(..) => Form::Numeric,
        DataType::Date32 => Form::Date,
        DataType::Timestamp(..) => Form::Instant,
        _ => Form::Text,
    }
}
