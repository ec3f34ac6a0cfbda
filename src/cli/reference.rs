//! `placebo reference`: every key, generator and function of the profile language as Markdown, from the registries.

use clap::Args;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::markdown::{cell, code};
use super::text_table;
use crate::error::Result;
use crate::format::FORMATS;
use crate::generator;
use crate::generator::domain::{Domain, Rule};
use crate::profile::{
    CheckKeys, ColumnKeys, Deal, Fixture, LetKeys, Lifecycle, Param, Part, Profile, Ref, Row, Spread, State, Table,
};
use crate::sql;

#[derive(Args)]
pub(super) struct Reference {}

impl Reference {
    #[expect(clippy::unused_self, reason = "every command runs the same way")]
    pub(super) fn run(&self) -> Result<()> {
        text_table::print(&text())
    }
}

const HEAD: &str = "# Reference of the profile language

Written by `placebo reference`; a test keeps it equal to the program. The tutorial is in [profiles.md](profiles.md).
";

/// The names that a column's expression sees beside the columns, with what they are.
const NAMES: &[(&str, &str)] = &[
    ("`column`", "a column or an intermediate value of the row itself"),
    ("`parent.column`", "a column of an ancestor, by the name of its table"),
    (
        "`reference.column`",
        "a column of the row that a reference picks; references can be followed on: `card.account.iban`",
    ),
    ("`sum(child.column)`", "an aggregate over a child table, or over a hand that was dealt to the row"),
    ("`fact.column`", "in an `each` table the row that this one stands for"),
    ("`params.name`", "a parameter"),
    ("`as_of`", "the day on which the data set ends"),
    ("`row`", "in a root table the number of the row, from 0"),
    ("`ordinal`, `siblings`", "in a child table the place among the siblings, from 1, and how many there are"),
    ("`group_key`", "in a `group` table the value that its rows share"),
    ("`ordinal_in(reference)`", "the place, from 1, in the hand of the owner to whom the reference deals the row"),
    ("`row.name`", "in a table with a row list the value that the entry of this row gives"),
    ("`lifecycle.state`, `.at`, `.from`", "in a lifecycle the state entered, when, and the state before"),
];

fn text() -> String {
    let mut text = HEAD.to_owned();
    let keys: [(&str, schemars::Schema); 14] = [
        ("The profile", schema::<Profile>()),
        ("Parts: the files that `parts` lists", schema::<Part>()),
        ("Fixtures: `fixtures.NAME`", schema::<Fixture>()),
        ("Parameters: `params.NAME`", schema::<Param>()),
        ("Tables: `tables.NAME`", schema::<Table>()),
        ("Columns: `tables.NAME.columns.NAME`", schema::<ColumnKeys>()),
        ("Intermediate values: `tables.NAME.let.NAME`", schema::<LetKeys>()),
        ("Row lists: `tables.NAME.row`", schema::<Row>()),
        ("Checks: `tables.NAME.checks.ID`", schema::<CheckKeys>()),
        ("References: `tables.NAME.refs.NAME`", schema::<Ref>()),
        ("Spreads: `tables.NAME.spread`", schema::<Spread>()),
        ("Deals: `tables.NAME.refs.NAME.deal`", schema::<Deal>()),
        ("Lifecycles: `tables.NAME.lifecycle`", schema::<Lifecycle>()),
        ("States: `tables.NAME.lifecycle.states.NAME`", schema::<State>()),
    ];
    text += "\n## Keys\n";
    for (title, schema) in keys {
        let schema = schema.to_value();
        text += &format!("\n### {title}\n\n{}\n", description(&schema));
        text += &properties(&schema);
    }
    text += "\n## Names in expressions\n\n| name | means |\n|---|---|\n";
    for (name, means) in NAMES {
        text += &format!("| {name} | {means} |\n");
    }
    text += "\n## Functions\n\nEach example is run by a test.\n";
    let mut family = "";
    for doc in sql::docs() {
        if doc.family != family {
            family = doc.family;
            text += &format!("\n### {family}\n\n| function | gives | example |\n|---|---|---|\n");
        }
        let (call, value) = doc.example;
        let value = if value.is_empty() { "null".to_owned() } else { code(value) };
        text += &format!("| {} | {} | {} → {value} |\n", code(doc.signature), cell(doc.about), code(call));
    }
    text += "\n## Generators\n\nThe example of each is run by a test.\n";
    for (family, defs) in generator::families() {
        text += &format!("\n### {}\n", family.replace('_', ": "));
        for def in defs {
            let schema = (def.schema)(&mut settings()).to_value();
            text += &format!("\n#### `gen.{}`\n\n{}\n", def.name, description(&schema));
            text += &bounded(&schema, def.domains);
            if !def.example.is_empty() {
                text += &format!("\n```toml\n# parameters of gen.{}\n{}\n```\n", def.name, def.example.trim());
            }
        }
    }
    text += "\n## Formats\n\n| format | settings | about |\n|---|---|---|\n";
    for format in FORMATS {
        let settings = cell(&super::format_args::settings(format));
        text += &format!("| `{}` | {settings} | {} |\n", format.name, cell(format.about));
    }
    text
}

fn settings() -> SchemaGenerator {
    SchemaSettings::draft07().into_generator()
}

fn schema<T: schemars::JsonSchema>() -> schemars::Schema {
    settings().into_root_schema_for::<T>()
}

fn description(schema: &Value) -> String {
    schema.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ")
}

/// A table of an object's properties.
fn properties(schema: &Value) -> String {
    bounded(schema, &[])
}

/// A table of an object's properties with the values that they may take.
fn bounded(schema: &Value, domains: &[Domain]) -> String {
    let none = Map::new();
    let object = |key: &str| schema.get(key).and_then(Value::as_object).unwrap_or(&none);
    let (properties, definitions) = (object("properties"), object("definitions"));
    if properties.is_empty() {
        return String::new();
    }
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let mut text = "\n| key | takes | means |\n|---|---|---|\n".to_owned();
    for (name, property) in properties {
        let must = if required.contains(&name.as_str()) { " (needed)" } else { "" };
        let means = cell(&description(property));
        let each = format!("{name}.*");
        let bounds = domains.iter().filter(|domain| domain.field == name || domain.field == each);
        // Forms of texts are in the words already.
        let bounds = bounds.filter(|domain| !matches!(domain.rule, Rule::Text { .. }));
        let bounds: Vec<String> = bounds.map(Domain::to_string).collect();
        let bounds = if bounds.is_empty() { String::new() } else { format!(", {}", bounds.join(", ")) };
        text += &format!("| `{name}`{must} | {}{} | {means} |\n", cell(&takes(property, definitions)), cell(&bounds));
    }
    text
}

/// The values of a property, in words.
fn takes(property: &Value, definitions: &Map<String, Value>) -> String {
    if let Some(reference) = property.get("$ref").and_then(Value::as_str) {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return named(name, definitions);
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        if let Some(any) = property.get(key).and_then(Value::as_array) {
            let kinds: Vec<String> = any
                .iter()
                .filter(|kind| kind.get("type").and_then(Value::as_str) != Some("null"))
                .map(|kind| takes(kind, definitions))
                .collect();
            return kinds.join(" or ");
        }
    }
    if let Some(choices) = property.get("enum").and_then(Value::as_array) {
        return choices.iter().filter_map(Value::as_str).map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ");
    }
    if let Some(only) = property.get("const").and_then(Value::as_str) {
        return format!("`{only}`");
    }
    let kind = match property.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|k| *k != "null").unwrap_or("any"),
        _ => "any",
    };
    let each = |key: &str| property.get(key).map(|inner| takes(inner, definitions)).unwrap_or_default();
    match kind {
        "array" => format!("a list of {}", each("items")),
        "object" => format!("a table of {}", each("additionalProperties")).trim_end_matches(" of ").to_owned(),
        "string" => "text".to_owned(),
        kind => kind.to_owned(),
    }
}

fn named(name: &str, definitions: &Map<String, Value>) -> String {
    match name {
        "Expr" => "expression".to_owned(),
        "Value" => "expression or generator".to_owned(),
        "Names" => "text or a list of text".to_owned(),
        "Call" | "Generator" => "generator".to_owned(),
        "Scalar" => "number, text, date or boolean".to_owned(),
        _ => match definitions.get(name) {
            Some(inner) if inner.get("oneOf").is_some() || inner.get("enum").is_some() => takes(inner, definitions),
            _ => format!("a `{}`", name.to_lowercase()),
        },
    }
}
