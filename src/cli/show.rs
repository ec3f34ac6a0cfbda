//! `placebo show`: a profile, or one of its tables with sample rows.

use clap::Args;

use super::{Source, story, text_table};
use crate::error::Result;
use crate::notes::{Key, Noted};
use crate::plan::{Chunk, Plan};
use crate::profile::{self, Profile};
use crate::protect::lint;
use crate::sql::{as_text, types};

#[derive(Args)]
pub(super) struct Show {
    #[command(flatten)]
    source: Source,
    /// A table of the profile.
    table: Option<String>,
    /// Print every parameter with its value, the values allowed, and its meaning.
    #[arg(long, conflicts_with_all = ["table", "catalogue"])]
    params: bool,
    /// Print every column's class, kind, origin and handling as CSV, with the names that catalogues have for them.
    #[arg(long, conflicts_with = "table")]
    catalogue: bool,
    /// Print one row of a root table and all that hangs from it in order of time: TABLE=KEY, such as patient=17.
    #[arg(long, value_name = "TABLE=KEY", conflicts_with_all = ["table", "catalogue", "params"])]
    story: Option<String>,
}

impl Show {
    pub(super) fn run(&self) -> Result<()> {
        let plan = self.source.plan(None)?;
        if let Some(choice) = &self.story {
            return text_table::print(&story::tell(plan, choice)?);
        }
        if self.catalogue {
            return text_table::print(&lint::catalogue(&plan));
        }
        if self.params {
            return text_table::print(&show_params(&plan, &profile::load(&self.source.world.profile)?.profile));
        }
        match &self.table {
            Some(name) => {
                let at = plan.table(name)?;
                text_table::print(&show_table(&plan, at)?)
            }
            None => text_table::print(&show_profile(&plan)),
        }
    }
}

fn show_profile(plan: &Plan) -> String {
    let rows: Vec<Vec<String>> = plan
        .tables
        .iter()
        .map(|t| {
            let of = t.parent.map_or(String::new(), |parent| plan.tables[parent].name.clone());
            let rows = if t.dense() { text_table::count(t.rows) } else { String::new() };
            vec![
                t.name.clone(),
                of,
                rows,
                t.schema.fields().len().to_string(),
                t.checks.len().to_string(),
                t.about.clone(),
            ]
        })
        .collect();
    let mut text = format!("{}: {}\n\n", plan.name, plan.title);
    text.push_str(&text_table::aligned(&["table", "of", "rows", "columns", "checks", "about"], &rows));
    let params: Vec<Vec<String>> = plan.params.iter().map(|(name, value)| vec![name.clone(), value.clone()]).collect();
    if !params.is_empty() {
        text.push('\n');
        text.push_str(&text_table::aligned(&["parameter", "value"], &params));
    }
    text
}

/// Every parameter: what it does is never cut.
fn show_params(plan: &Plan, profile: &Profile) -> String {
    let mut text = String::new();
    for (name, param) in &profile.params {
        let value = plan.params.get(name).map_or("", String::as_str);
        text.push_str(&format!("{name} = {value}    ({})\n", param.allowed()));
        if !param.about.is_empty() {
            text.push_str(&format!("    {}\n", param.about));
        }
    }
    text
}

fn show_table(plan: &Plan, at: usize) -> Result<String> {
    let table = &plan.tables[at];
    let note = |field: &arrow_schema::Field, key: Key| field.note(key).unwrap_or_default().to_owned();
    let rows: Vec<Vec<String>> = table
        .schema
        .fields()
        .iter()
        .map(|f| {
            let null = if f.is_nullable() { "null" } else { "" };
            vec![
                f.name().clone(),
                types::name(f.data_type()),
                null.to_owned(),
                f.note(Key::PrimaryKey).or(f.note(Key::Unique)).unwrap_or_default().to_owned(),
                note(f, Key::References),
                note(f, Key::Pii),
                note(f, Key::About),
            ]
        })
        .collect();
    let mut text = format!("{}: {}\n\n", table.name, table.about);
    text.push_str(&text_table::aligned(&["column", "type", "", "key", "references", "pii", "about"], &rows));
    let root = plan.root_of(at);
    let numbers: Vec<u64> = (0..plan.tables[root].rows.min(50)).collect();
    let batch = Chunk::new(plan, root, &numbers).batch(at)?;
    let shown = batch.num_rows().min(5);
    let mut samples = vec![Vec::new(); shown];
    for column in batch.columns() {
        let values = as_text(&column.slice(0, shown))?;
        let values = arrow_array::cast::AsArray::as_string::<i32>(&values);
        values.iter().zip(&mut samples).for_each(|(value, row)| row.push(value.unwrap_or_default().to_owned()));
    }
    let header: Vec<&str> = table.schema.fields().iter().map(|field| field.name().as_str()).collect();
    text.push('\n');
    text.push_str(&text_table::aligned(&header, &samples));
    Ok(text)
}
