//! `placebo check`: compiles a profile, runs every check on a sample, and holds it to its keys.

use clap::Args;

use super::{Source, text_table, threads};
use crate::engine::{self, Proof};
use crate::error::{Error, Kind, Result};
use crate::find::fixtures;
use crate::plan::{Failure, Plan};
use crate::protect::lint::findings;

#[derive(Args)]
pub(super) struct Check {
    #[command(flatten)]
    source: Source,
    /// Root rows of each tree that are looked at.
    #[arg(long, default_value_t = 2_000, value_name = "N")]
    sample: u64,
    /// Refuse a column that is not classified as personal data or not, and all that contradicts its class.
    #[arg(long)]
    strict: bool,
    /// Worker threads; by default all cores.
    #[arg(long)]
    threads: Option<usize>,
}

impl Check {
    pub(super) fn run(&self) -> Result<()> {
        let (plan, loaded) = self.source.plan_with(self.threads, fixtures::questions)?;
        for (name, fixture) in &loaded.profile.fixtures {
            fixtures::with(&plan, name, fixture).map_err(|error| {
                let place = loaded.place(error.path());
                error.at(place)
            })?;
        }
        if self.strict {
            strict(&plan)?;
        }
        let failures = engine::check(&plan, self.sample, threads(self.threads)?)?;
        let row = |table: &str, check: &str, predicate: &str| {
            let same = |f: &&Failure| f.table == table && f.check == check && f.predicate == predicate;
            let broken = failures.iter().find(same).map_or(0, |f| f.rows);
            let mark = if broken == 0 { "ok" } else { "FAIL" };
            let cells = [mark, check, table, &text_table::count(broken), &one_line(predicate)];
            cells.map(str::to_owned).to_vec()
        };
        let mut rows = Vec::new();
        for table in &plan.tables {
            rows.extend(table.checks.iter().map(|check| row(&table.name, &check.id, &check.predicate)));
        }
        for promise in engine::promises(&plan) {
            rows.push(row(&plan.tables[promise.table].name, promise.rule, &promise.columns));
        }
        text_table::print(&text_table::aligned(&["", "check", "table", "broken", "predicate"], &rows))?;
        let Some(first) = failures.first() else { return faults(&plan) };
        Err(Error::new(
            Kind::Verification,
            format!(
                "check `{}` fails for {} rows of `{}`: `{}`",
                first.check,
                first.rows,
                first.table,
                one_line(&first.predicate)
            ),
        )
        .hint(format!("the first: {}", first.example)))
    }
}

/// Holds each fault that was asked for to what it says it breaks, in up to 50 cases.
fn faults(plan: &Plan) -> Result<()> {
    if plan.faults.is_empty() {
        return Ok(());
    }
    let proofs = engine::prove(plan, CASES)?;
    let rows = |proof: &Proof| {
        let mark = if proof.wrong.is_empty() { "ok" } else { "FAIL" };
        let elsewhere = proof.elsewhere.iter().map(|rule| format!("`{rule}` is of another tree: not looked at here"));
        let mut said: Vec<String> = proof.wrong.iter().cloned().chain(elsewhere).collect();
        if said.is_empty() {
            said.push(String::new());
        }
        let row = |what: String| [mark, &proof.fault, &proof.cases.to_string(), &what].map(str::to_owned).to_vec();
        said.into_iter().map(row).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<String>> = proofs.iter().flat_map(rows).collect();
    text_table::print(&format!("\n{}", text_table::aligned(&["", "fault", "cases", "what"], &rows)))?;
    match proofs.iter().find(|proof| !proof.wrong.is_empty()) {
        Some(first) => Err(Error::new(Kind::Verification, format!("fault `{}`: {}", first.fault, first.wrong[0]))
            .hint("its `breaks` lists each rule that every case breaks, and no other; `where` leaves out rows")),
        None => Ok(()),
    }
}

/// The cases of each fault that are looked at.
const CASES: usize = 50;

/// Writes a predicate on one line.
fn one_line(predicate: &str) -> String {
    predicate.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Prints what is wrong with the classification; an error unless all of it is a warning.
fn strict(plan: &Plan) -> Result<()> {
    let findings = findings(plan);
    let rows: Vec<Vec<String>> = findings
        .iter()
        .map(|finding| {
            let mark = if finding.warning { "warning" } else { "FAIL" };
            vec![mark.to_owned(), finding.code.to_owned(), finding.path.clone(), finding.message.clone()]
        })
        .collect();
    if !rows.is_empty() {
        text_table::print(&text_table::aligned(&["", "rule", "where", "what"], &rows))?;
    }
    let mut errors = findings.iter().filter(|finding| !finding.warning);
    errors.next().map_or(Ok(()), |first| Err(first.error()))
}
