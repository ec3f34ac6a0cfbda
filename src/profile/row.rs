//! The entries of a row list: `[[tables.NAME.row]]`.

use std::fmt;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::Expr;

/// One entry of a row list: when there is such a row, for what, and the values that it has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// A child table or hand of the parent: the entry makes one row for each of its rows.
    pub each: Option<String>,
    /// A condition over the parent's columns, or over those of `each`: where it is not true, there is no such row.
    pub when: Option<Expr>,
    /// Expressions over the same columns, by the name under which the table's columns read them.
    pub values: IndexMap<String, Expr>,
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row of a list: `when`, `each`, and values by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
        let mut row = Row::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "each" => row.each = Some(map.next_value()?),
                "when" => row.when = Some(map.next_value()?),
                _ => {
                    row.values.insert(key, map.next_value()?);
                }
            }
        }
        if row.values.is_empty() {
            return Err(de::Error::custom("a row of a list needs at least one value, such as `code = \"'A'\"`"));
        }
        Ok(row)
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RowVisitor)
    }
}

impl JsonSchema for Row {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Row".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let expr = generator.subschema_for::<Expr>();
        json_schema!({
            "description": "One entry of a row list. Every key beside `each` and `when` is a value, which the table's columns read as `row.NAME`.",
            "type": "object",
            "properties": {
                "each": {
                    "description": "A child table or hand of the parent: the entry makes one row for each of its rows, and its expressions are over the columns of that table. Neighbouring entries with the same `each` go together: all of them for the first row, then all of them for the second.",
                    "type": "string",
                },
                "when": {
                    "description": "A condition over the parent's columns, or over those of `each`: where it is not true, there is no such row.",
                    "anyOf": [expr.clone()],
                },
            },
            "additionalProperties": expr,
            "minProperties": 1,
        })
    }
}
