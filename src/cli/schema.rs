//! `placebo schema`: the JSON Schema of profiles, with every generator's parameters.

use clap::Args;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::text_table;
use crate::error::Result;
use crate::generator;
use crate::profile::Profile;

#[derive(Args)]
pub(super) struct SchemaCommand {}

impl SchemaCommand {
    #[expect(clippy::unused_self, reason = "every command runs the same way")]
    pub(super) fn run(&self) -> Result<()> {
        text_table::print(&text())
    }
}

/// The schema as pretty JSON with a final newline: `schemas/profile.json`.
fn text() -> String {
    let mut generator: SchemaGenerator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.root_schema_for::<Profile>().to_value();
    let mut calls = serde_json::Map::new();
    let mut definitions = serde_json::Map::new();
    for def in generator::families().into_iter().flat_map(|(_, defs)| defs) {
        let mut parameters = (def.schema)(&mut SchemaSettings::draft07().into_generator()).to_value();
        if let Some(object) = parameters.as_object_mut() {
            object.remove("$schema");
            object.remove("title");
            if let Some(Value::Object(inner)) = object.remove("definitions") {
                definitions.extend(inner);
            }
        }
        calls.insert(def.name.to_owned(), parameters);
    }
    if let Some(all) = schema.get_mut("definitions").and_then(Value::as_object_mut) {
        for (name, definition) in definitions {
            all.entry(name).or_insert(definition);
        }
        let names: Vec<&String> = calls.keys().collect();
        let object = json!({ "type": "object", "properties": calls, "additionalProperties": false, "minProperties": 1, "maxProperties": 1 });
        let call = json!({ "description": "One generator with its parameters.", "anyOf": [{ "type": "string", "enum": names }, object] });
        all.insert("Generator".to_owned(), call);
    }
    serde_json::to_string_pretty(&schema).map(|text| text + "\n").unwrap_or_default()
}
