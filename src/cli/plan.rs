//! `placebo plan`: what a run would make. Writes nothing.

use clap::Args;

use super::protecting::Choosing;
use super::{Source, table};
use crate::error::Result;
use crate::manifest;
use crate::plan::Plan;
use crate::sink;

/// What a run needs before the first chunk.
const BASE: f64 = 40e6;
/// How many times the text of a chunk its arrays and waiting pieces take on each thread, as text and as columns: measured
/// on the shipped profile (100,000 patients on two threads: 212 MB as CSV, 344 MB as Parquet).
const AS_TEXT: f64 = 25.0;
const AS_COLUMNS: f64 = 8.0;

#[derive(Args)]
pub(super) struct PlanCommand {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    choosing: Choosing,
}

/// What is expected of a table.
struct Estimate {
    rows: f64,
    exact: bool,
    /// Bytes of a row as CSV.
    width: f64,
    /// The rows that a chunk of its tree has of it.
    chunk: f64,
}

impl PlanCommand {
    pub(super) fn run(&self) -> Result<()> {
        let plan = self.source.plan()?;
        if self.choosing.asked() {
            return table::print(&self.choosing.outcome(&plan)?);
        }
        let (mut lines, mut all) = (Vec::new(), Vec::new());
        for root in (0..plan.tables.len()).filter(|table| plan.tables[*table].parent.is_none()) {
            for (at, estimate) in estimates(&plan, root)? {
                let mark = if estimate.exact { "" } else { "~" };
                let chunks = plan.tables[root].rows.div_ceil(plan.tables[root].chunk.max(1));
                lines.push(vec![
                    plan.tables[at].name.clone(),
                    format!("{mark}{}", table::count(estimate.rows as u64)),
                    format!("~{}", table::count((estimate.rows * estimate.width) as u64)),
                    if at == root { table::count(chunks) } else { String::new() },
                ]);
                all.push(estimate);
            }
        }
        let sum = |of: fn(&Estimate) -> f64| table::count(all.iter().map(of).sum::<f64>() as u64);
        lines.push(vec![
            "all".to_owned(),
            format!("~{}", sum(|e| e.rows)),
            format!("~{}", sum(|e| e.rows * e.width)),
            String::new(),
        ]);
        let threads = super::threads(None)?;
        let chunk = all.iter().map(|e| e.chunk * e.width).fold(0.0, f64::max);
        let need = |factor: f64| BASE + threads as f64 * factor * chunk;
        // Each table's row group stays open until it is full.
        let groups: f64 = all.iter().map(|e| e.rows.min(sink::ROW_GROUP as f64) * e.width).sum();
        let mut shown = table::aligned(&["table", "rows", "bytes as csv", "chunks"], &lines);
        shown.push_str(&format!(
            "\nmemory: about {} MB, as Parquet about {} MB, with {threads} threads\nengine {}\nfingerprint {}\n",
            table::count((need(AS_TEXT) / 1e6) as u64),
            table::count(((need(AS_COLUMNS) + groups) / 1e6) as u64),
            manifest::FINGERPRINT,
            manifest::fingerprint(&plan)
        ));
        table::print(&shown)
    }
}

/// Rows and bytes of the tables of a tree, from a sample of its root rows.
fn estimates(plan: &Plan, root: usize) -> Result<Vec<(usize, Estimate)>> {
    let csv = (sink::format("csv")?.encoder, sink::Options::default());
    let total = plan.tables[root].rows;
    let mut sample = plan.sample(root)?;
    let mut estimates = Vec::new();
    for (at, mean) in sample.means {
        let batch = sample.chunk.batch(at)?;
        let rows = batch.num_rows().max(1) as f64;
        let encoded = match (csv.0)(&plan.tables[at].schema, &csv.1)?.encode(batch)? {
            sink::Piece::Bytes(bytes) => bytes.len(),
            sink::Piece::Rows(batch) => batch.get_array_memory_size(),
        };
        let exact = plan.tables[at].dense() || total <= 200;
        let rows_in_all = if plan.tables[at].dense() { plan.tables[at].rows as f64 } else { mean * total as f64 };
        let in_chunk = mean * plan.tables[root].chunk as f64;
        estimates.push((at, Estimate { rows: rows_in_all, exact, width: encoded as f64 / rows, chunk: in_chunk }));
    }
    Ok(estimates)
}
