//! `placebo plan` and `placebo show`: what there is, and what a run would make.

use clap::Args;

use super::{Source, table};
use crate::error::Result;
use crate::manifest;
use crate::plan::sql::{as_text, types};
use crate::plan::{Chunk, Plan};
use crate::sink;

#[derive(Args)]
pub(super) struct PlanCommand {
    #[command(flatten)]
    source: Source,
}

impl PlanCommand {
    pub(super) fn run(&self) -> Result<()> {
        let plan = self.source.plan()?;
        let csv = (sink::format("csv")?.encoder, sink::Options::default());
        let mut rows = Vec::new();
        let (mut all_rows, mut all_bytes) = (0.0, 0.0);
        for root in (0..plan.tables.len()).filter(|t| plan.tables[*t].parent.is_none()) {
            let total = plan.tables[root].rows;
            let sample: Vec<u64> = (0..total.min(200)).collect();
            let mut chunk = Chunk::new(&plan, root, &sample);
            for at in (0..plan.tables.len()).filter(|t| plan.root_of(*t) == root) {
                let batch = chunk.batch(at)?;
                let factor = total as f64 / sample.len().max(1) as f64;
                let (count, exact) = (batch.num_rows() as f64 * factor, at == root || sample.len() as u64 == total);
                let encoded = match (csv.0)(&plan.tables[at].schema, &csv.1)?.encode(batch)? {
                    sink::Piece::Bytes(bytes) => bytes.len(),
                    sink::Piece::Rows(batch) => batch.get_array_memory_size(),
                };
                let bytes = encoded as f64 * factor;
                all_rows += count;
                all_bytes += bytes;
                let mark = if exact { "" } else { "~" };
                let chunks = if at == root {
                    table::count(total.div_ceil(plan.tables[root].chunk.max(1)))
                } else {
                    String::new()
                };
                rows.push(vec![
                    plan.tables[at].name.clone(),
                    format!("{mark}{}", table::count(count as u64)),
                    format!("~{}", table::count(bytes as u64)),
                    chunks,
                ]);
            }
        }
        rows.push(vec![
            "all".to_owned(),
            format!("~{}", table::count(all_rows as u64)),
            format!("~{}", table::count(all_bytes as u64)),
            String::new(),
        ]);
        let mut text = table::aligned(&["table", "rows", "bytes as csv", "chunks"], &rows);
        text.push_str(&format!(
            "\nmemory: about 64 MiB and 32 MiB a thread, whatever the rows\nengine {}\nfingerprint {}\n",
            manifest::FINGERPRINT,
            manifest::fingerprint(&plan)
        ));
        table::print(&text)
    }
}

#[derive(Args)]
pub(super) struct Show {
    #[command(flatten)]
    source: Source,
    /// A table of the profile.
    table: Option<String>,
}

impl Show {
    pub(super) fn run(&self) -> Result<()> {
        let plan = self.source.plan()?;
        match &self.table {
            Some(name) => {
                let at = plan.table(name)?;
                table::print(&show_table(&plan, at)?)
            }
            None => table::print(&show_profile(&plan)),
        }
    }
}

fn show_profile(plan: &Plan) -> String {
    let rows: Vec<Vec<String>> = plan
        .tables
        .iter()
        .map(|t| {
            let of = t.parent.map_or(String::new(), |parent| plan.tables[parent].name.clone());
            let rows = if t.parent.is_none() { table::count(t.rows) } else { String::new() };
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
    text.push_str(&table::aligned(&["table", "of", "rows", "columns", "checks", "about"], &rows));
    let params: Vec<Vec<String>> = plan.params.iter().map(|(name, value)| vec![name.clone(), value.clone()]).collect();
    if !params.is_empty() {
        text.push('\n');
        text.push_str(&table::aligned(&["parameter", "value"], &params));
    }
    text
}

fn show_table(plan: &Plan, at: usize) -> Result<String> {
    let table = &plan.tables[at];
    let note = |field: &arrow_schema::Field, key: &str| field.metadata().get(key).cloned().unwrap_or_default();
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
                note(f, sink::KEY),
                note(f, sink::REFERENCES),
                note(f, sink::PII),
                note(f, sink::ABOUT),
            ]
        })
        .collect();
    let mut text = format!("{}: {}\n\n", table.name, table.about);
    text.push_str(&table::aligned(&["column", "type", "", "key", "references", "pii", "about"], &rows));
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
    text.push_str(&table::aligned(&header, &samples));
    Ok(text)
}
