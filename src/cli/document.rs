//! `placebo document`: a profile as Markdown: its tables and how they hang together, columns, rules, parameters, sources.

use std::collections::BTreeSet;
use std::fmt::Write;

use clap::Args;

use super::markdown::{cell, code, rows};
use super::text_table;
use crate::dataset::DataSet;
use crate::error::Result;
use crate::folder::table_file;
use crate::format::write::datapackage::TableFile;
use crate::notes::{Key, Noted};
use crate::plan::{Check, Options, Plan, Table};
use crate::profile::{self, Loaded, Scalar};
use crate::sql::types;

#[derive(Args)]
pub(super) struct Document {
    /// An embedded profile's name, or the path of a profile file or folder.
    profile: String,
}

impl Document {
    pub(super) fn run(&self) -> Result<()> {
        let loaded = profile::load(&self.profile)?;
        let set = DataSet::new(Plan::compile(&loaded, &Options::default())?);
        text_table::print(&text(&self.profile, &loaded, &set))
    }
}

fn text(name: &str, loaded: &Loaded, set: &DataSet) -> String {
    let plan = set.plan();
    let mut text = format!("# {}\n\nWritten by `placebo document {name}`.\n", plan.title);
    text += "\n## Tables\n\n";
    text += &rows(
        &["table", "one row is", "rows"],
        plan.tables.iter().map(|table| {
            let link = format!("[`{0}`](#{0})", table.name);
            vec![link, table.about.clone(), count(plan, table)]
        }),
    );
    let files: Vec<TableFile> = set.outputs().iter().map(|output| table_file(output, Vec::new(), "csv")).collect();
    text += "\n```mermaid\nerDiagram\n";
    // A table stands alone, or below those that it refers to; several references to one are one line.
    for file in &files {
        let ones: BTreeSet<&str> = file.references().iter().map(|reference| reference.table).collect();
        if ones.is_empty() {
            let _infallible = writeln!(text, "  {}", file.name);
        }
        for one in ones {
            let _infallible = writeln!(text, "  {one} ||--o{{ {} : \"\"", file.name);
        }
    }
    text += "```\n";
    for (table, file) in plan.tables.iter().zip(&files) {
        text += &columns(table, file);
    }
    text += "\n## Rules\n\nEvery row holds them; `placebo check` shows it.\n\n";
    text += &rows(
        &["rule", "table", "demands", "predicate"],
        plan.tables.iter().flat_map(|table| {
            let one = |check: &Check| {
                vec![
                    cell(&check.id),
                    cell(&table.name),
                    cell(&check.about),
                    code(&check.predicate.split_whitespace().collect::<Vec<_>>().join(" ")),
                ]
            };
            table.checks.iter().map(one).collect::<Vec<_>>()
        }),
    );
    text += "\n## Parameters\n\n`--set name=value` turns them.\n\n";
    text += &rows(
        &["parameter", "value", "least", "most", "turns"],
        loaded.profile.params.iter().map(|(name, says)| {
            let bound = |bound: &Option<Scalar>| bound.as_ref().map_or_else(String::new, ToString::to_string);
            let choices = says.choices.join(", ");
            let about = if choices.is_empty() { says.about.clone() } else { format!("{}: {choices}", says.about) };
            vec![code(name), code(&says.value.to_string()), bound(&says.min), bound(&says.max), cell(&about)]
        }),
    );
    text += "\n## Data files\n\nNumbers that stand in the profile itself have their source beside them there.\n\n";
    text += &rows(
        &["file", "source", "licence"],
        plan.data.iter().map(|(name, data)| vec![code(name), cell(&data.source), cell(&data.licence)]),
    );
    text
}

/// The columns of a table, with what each refers to.
fn columns(table: &Table, file: &TableFile) -> String {
    let mut text = format!("\n### {}\n\n{}.\n\n", table.name, table.about.trim_end_matches('.'));
    let references = file.references();
    text += &rows(
        &["column", "type", "null", "key", "PII", "meaning"],
        table.schema.fields().iter().map(|field| {
            let note = |key: Key| field.note(key).unwrap_or_default().to_owned();
            let to = references.iter().find_map(|reference| {
                let at = reference.columns.iter().position(|column| column == field.name())?;
                Some(format!("→ `{}.{}`", reference.table, reference.keys[at]))
            });
            let key = field.note(Key::PrimaryKey).map(str::to_owned).or(to);
            let key = key.or(field.note(Key::Unique).map(str::to_owned)).unwrap_or_default();
            vec![
                code(field.name()),
                types::name(field.data_type()),
                if field.is_nullable() { "yes".to_owned() } else { String::new() },
                key,
                note(Key::Pii),
                cell(&note(Key::About)),
            ]
        }),
    );
    text
}

/// How many rows a table has by default, or whose children they are.
fn count(plan: &Plan, table: &Table) -> String {
    match table.parent {
        Some(parent) if table.rows == 0 => format!("per `{}`", plan.tables[parent].name),
        _ => text_table::count(table.rows),
    }
}
