//! `placebo plan`: what a run would make. Writes nothing.

use clap::Args;

use super::format_args::FormatArgs;
use super::protect_args::ChoiceArgs;
use super::{Source, text_table};
use crate::dataset::{DataSet, FINGERPRINT, fingerprint};
use crate::error::Result;
use crate::fault::Faults;
use crate::folder::estimate::{Care, Estimate, estimate, memory};
use crate::plan::fault::Fault;
use crate::profile::Amount;

#[derive(Args)]
pub(super) struct PlanCommand {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    choosing: ChoiceArgs,
    #[command(flatten)]
    format: FormatArgs,
    /// The worker threads that memory is estimated for; by default all cores.
    #[arg(long)]
    threads: Option<usize>,
}

impl PlanCommand {
    pub(super) fn run(&self) -> Result<()> {
        let plan = self.source.plan(self.threads)?;
        if self.choosing.asked() {
            return text_table::print(&self.choosing.outcome(&plan)?);
        }
        let (format, options) = self.format.read()?;
        let set = DataSet::new(plan).faulty()?;
        let (plan, threads) = (set.plan(), super::threads(self.threads)?);
        let all = estimate(&set, (format, &options), Care::Careful)?;
        let memory = memory(&set, threads)?;
        let mut lines = Vec::new();
        for estimate in all.iter().filter(|estimate| set.output(estimate.output).sources.is_empty()) {
            let planned = &plan.tables[set.output(estimate.output).table];
            let mark = if estimate.exact { "" } else { "~" };
            let chunks = planned.rows.div_ceil(planned.chunk.max(1));
            lines.push(vec![
                planned.name.clone(),
                format!("{mark}{}", text_table::count(estimate.rows as u64)),
                format!("~{}", text_table::count(estimate.bytes as u64)),
                if planned.parent.is_none() { text_table::count(chunks) } else { String::new() },
            ]);
        }
        let sum = |numbers: &mut dyn Iterator<Item = f64>| text_table::count(numbers.sum::<f64>() as u64);
        lines.push(vec![
            "all".to_owned(),
            format!("~{}", sum(&mut all.iter().map(|e| e.rows))),
            format!("~{}", sum(&mut all.iter().map(|e| e.bytes))),
            String::new(),
        ]);
        let mut shown = text_table::aligned(&["table", "rows", &format!("bytes as {}", format.name), "chunks"], &lines);
        shown.push_str(&format!(
            "\nmemory: about {} MB, as Parquet about {} MB, with {threads} threads\nengine {}\nfingerprint {}\n",
            text_table::count((memory.as_text / 1e6) as u64),
            text_table::count((memory.as_columns / 1e6) as u64),
            FINGERPRINT,
            fingerprint(plan)
        ));
        if let Some(faults) = set.faults() {
            shown.push_str(&format!("\n{}", of_faults(&set, faults, &all)));
        }
        text_table::print(&shown)
    }
}

/// The faults with the number of their cases: exact for a count, estimated for a rate.
fn of_faults(set: &DataSet, faults: &Faults, sizes: &[Estimate]) -> String {
    let row = |fault: &Fault| {
        let table = &set.plan().tables[fault.table].name;
        let of_table = sizes.iter().find(|size| set.output(size.output).name == *table);
        let cases = match fault.amount {
            Amount::Count(count) => text_table::count(count),
            Amount::Rate(rate) => {
                let most = of_table.map_or(0.0, |size| size.rows) * rate;
                format!("up to ~{}", text_table::count(most.ceil() as u64))
            }
        };
        vec![fault.name.clone(), fault.class.clone(), table.clone(), fault.decision.name().to_owned(), cases]
    };
    let rows: Vec<Vec<String>> = faults.faults().map(row).collect();
    text_table::aligned(&["fault", "class", "table", "decision", "cases"], &rows)
}
