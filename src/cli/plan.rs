//! `placebo plan`: what a run would make. Writes nothing.

use clap::Args;

use super::protecting::Choosing;
use super::{Source, table};
use crate::engine::{CAREFUL, estimate};
use crate::error::Result;
use crate::format::write;
use crate::manifest;

/// What a run needs before the first chunk.
const BASE: f64 = 40e6;
/// How many times the text of a chunk its arrays and waiting pieces take on each thread, as text and as columns: measured
/// on the shipped profile (100,000 patients on two threads: 212 MB as CSV, 344 MB as Parquet).
const AS_TEXT: f64 = 25.0;
const AS_COLUMNS: f64 = 8.0;
/// Bytes of a row of a hand, with all that is computed for it and for what hangs from it: measured on the remittances of
/// 1.2 million claims.
const HAND: f64 = 700.0;

#[derive(Args)]
pub(super) struct PlanCommand {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    choosing: Choosing,
    /// The file format that bytes are estimated for.
    #[arg(long, short, default_value = "csv")]
    format: String,
    /// The compression, for formats that have a choice.
    #[arg(long)]
    compression: Option<String>,
}

impl PlanCommand {
    pub(super) fn run(&self) -> Result<()> {
        let plan = self.source.plan()?;
        if self.choosing.asked() {
            return table::print(&self.choosing.outcome(&plan)?);
        }
        let format = write::format(&self.format)?;
        let options = write::Options { compression: format.compression(self.compression.as_deref())?, guard: false };
        let tables: Vec<usize> = (0..plan.tables.len()).collect();
        let all = estimate(&plan, &tables, (format, &options), None, CAREFUL)?;
        let (csv, plain) = (write::format("csv")?, write::Options::default());
        let text = estimate(&plan, &tables, (csv, &plain), None, 0.0)?;
        let mut lines = Vec::new();
        for estimate in &all {
            let planned = &plan.tables[estimate.table];
            let mark = if estimate.exact { "" } else { "~" };
            let chunks = planned.rows.div_ceil(planned.chunk.max(1));
            lines.push(vec![
                planned.name.clone(),
                format!("{mark}{}", table::count(estimate.rows as u64)),
                format!("~{}", table::count(estimate.bytes as u64)),
                if planned.parent.is_none() { table::count(chunks) } else { String::new() },
            ]);
        }
        let sum = |numbers: &mut dyn Iterator<Item = f64>| table::count(numbers.sum::<f64>() as u64);
        lines.push(vec![
            "all".to_owned(),
            format!("~{}", sum(&mut all.iter().map(|e| e.rows))),
            format!("~{}", sum(&mut all.iter().map(|e| e.bytes))),
            String::new(),
        ]);
        let threads = super::threads(None)?;
        let widths = text.iter().map(|e| (e, e.bytes / e.rows.max(1.0)));
        let chunk = |(e, width): (&crate::engine::Estimate, f64)| {
            e.mean * plan.tables[plan.root_of(e.table)].chunk as f64 * width
        };
        let chunk = widths.clone().map(chunk).fold(0.0, f64::max);
        let hands = plan.trees().into_iter().map(|tree| plan.hands(tree.root)).max().unwrap_or(0) as f64 * HAND;
        let need = |factor: f64| BASE + threads as f64 * (factor * chunk + hands);
        // Each table's row group stays open until it is full.
        let groups: f64 = widths.map(|(e, width)| e.rows.min(write::ROW_GROUP as f64) * width).sum();
        let mut shown = table::aligned(&["table", "rows", &format!("bytes as {}", format.name), "chunks"], &lines);
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
