//! Faults: rows that are sent otherwise than they are, so that a test sees what a system does with them.
//!
//! A fault is a view of clean rows: which rows are cases is a pure function of seed, fault and row, and every other byte of a run stays
//! as it is. A rate is drawn for each row; an exact count is placed before the first row, one case a stratum of root rows, so that the
//! cases of any part are known without the others. [`Faults`] is a stage that chooses the cases and makes their rows, in the clear;
//! [`Assembly`] is one behind protection, which puts them among the rows that are sent, and lists the cases.

mod accept;
mod assembly;
mod change;
mod choose;
mod damage;
mod list;
mod messages;
mod place;
mod seal;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub use assembly::Assembly;
pub(crate) use choose::root_row;

use crate::error::{Error, Result};
use crate::plan::fault::{Fault, Operator};
use crate::plan::{Chunk, Plan};
use crate::profile::Amount;
use crate::rng::Seed;
use crate::stage::{Case, Output, Stage, TreeBatch};

/// The faults of a run, with the places of those that are counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    /// The faults, each with the key of its randomness. A fault's number is its place here.
    known: Vec<(Fault, u64)>,
    /// The counted cases by the number of their root table, and of the root row, which has no other.
    placed: BTreeMap<usize, BTreeMap<u64, Placed>>,
    /// The faults of a class, or of all, that no row of this run has room for, or that need encryption that it does not have.
    left_out: Vec<String>,
}

/// A case of an exact count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Placed {
    fault: usize,
    path: u128,
}

/// The prefix of the outputs that list cases, before the name of their root table.
pub const LIST: &str = "_faults_";

impl Faults {
    /// Places the counted cases of a plan's faults; `None` for a plan without faults. `sealed` tells whether the run encrypts a
    /// written column of a table, which the operator `seal` needs.
    ///
    /// # Errors
    ///
    /// If a count cannot be placed, a fault that was asked for by name needs encryption that the run does not have, or a value cannot
    /// be computed.
    pub fn new(plan: &Plan, sealed: impl Fn(usize, usize) -> bool) -> Result<Option<Self>> {
        let seed = Seed::new(&plan.seed);
        let (mut faults, mut left_out) = (Vec::new(), Vec::new());
        for fault in &plan.faults {
            if let Operator::Seal(place, _) = fault.operator
                && !sealed(fault.table, place)
            {
                if fault.by_name {
                    let table = &plan.tables[fault.table];
                    let column = format!("{}.{}", table.name, table.schema.field(place).name());
                    return Err(Error::usage(format!(
                        "`--faults {}`: the run does not encrypt `{column}`",
                        fault.name
                    ))
                    .hint(format!("--protect {column}=encrypt, with a key: `placebo keys new` makes one")));
                }
                left_out.push(fault.name.clone());
                continue;
            }
            faults.push((fault.clone(), seed.column_key("#fault", &fault.name)));
        }
        if faults.is_empty() && left_out.is_empty() {
            return Ok(None);
        }
        let mut all = Self { known: faults, placed: BTreeMap::new(), left_out };
        all.place(plan)?;
        if all.known.is_empty() {
            let names = all.left_out.join(", ");
            return Err(Error::usage(format!(
                "no fault that was asked for has a row or a protected column here: {names}"
            ))
            .hint("ask for more rows with --rows or --scale, protect what `seal` damages, or choose other faults"));
        }
        Ok(Some(all))
    }

    /// The faults of a class, or of all, that this run has no row for, or no encryption.
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// The faults that can happen in this run.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.known.iter().map(|(fault, _)| fault)
    }

    /// The root rows of a tree that have a counted case, in order; `None` where some cases are drawn at a rate, so that any row may
    /// have one.
    #[must_use]
    pub fn counted_roots(&self, root: usize) -> Option<Vec<u64>> {
        let rated = |fault: &Fault| matches!(fault.amount, Amount::Rate(_));
        if self.faults().any(rated) {
            return None;
        }
        Some(self.placed.get(&root).into_iter().flat_map(|placed| placed.keys().copied()).collect())
    }

    /// The name of a case, such as `capture_twice/1742.3.1`: the fault, the root row from 1, and the ordinals below it.
    #[must_use]
    pub fn case_name(&self, plan: &Plan, case: &Case) -> String {
        list::case_name(plan, &self.known[case.fault].0, case)
    }

    /// Tells whether a fault may change rows of a table, or leave them out.
    #[must_use]
    pub fn touches(&self, plan: &Plan, table: usize) -> bool {
        let below = |fault: &Fault| {
            let mut at = Some(table);
            while let Some(here) = at {
                if here == fault.table {
                    return true;
                }
                at = plan.tables[here].parent;
            }
            false
        };
        self.faults().any(|fault| match fault.operator {
            Operator::Drop { tree: true } => below(fault),
            _ => fault.table == table,
        }) || plan.is_message_table(table)
            && self.faults().any(|fault| plan.root_of(fault.table) == plan.root_of(table))
    }

    /// The tables of trees with faults; `true` where some of the tree's rows are sent twice, or not at all.
    #[must_use]
    pub fn counts(&self, plan: &Plan) -> BTreeMap<usize, bool> {
        let counts = |fault: &Fault| matches!(fault.operator, Operator::Repeat { .. } | Operator::Drop { .. });
        let of_table = |table: usize| {
            let root = plan.root_of(table);
            let mut own = self.faults().filter(|fault| plan.root_of(fault.table) == root).peekable();
            own.peek()?;
            Some((table, own.any(counts)))
        };
        (0..plan.tables.len()).filter_map(of_table).collect()
    }

    /// The tables of a tree that have faults.
    fn tables(&self, plan: &Plan, root: usize) -> Vec<usize> {
        let mut tables: Vec<usize> =
            self.faults().map(|fault| fault.table).filter(|table| plan.root_of(*table) == root).collect();
        tables.sort_unstable();
        tables.dedup();
        tables
    }
}

impl Stage for Faults {
    fn inputs(&self, _: &Plan) -> (&'static str, Value) {
        let asked: Vec<String> =
            self.faults().map(|fault| format!("{}={} {}", fault.name, fault.amount, fault.digest)).collect();
        ("faults", json!(asked))
    }

    fn outputs(&self, before: Vec<Output>) -> Vec<Output> {
        before
    }

    fn apply(&self, made: &mut TreeBatch, chunk: &mut Chunk<'_>, outputs: &[Output]) -> Result<()> {
        let cases = self.choose(chunk, &made.roots)?;
        if cases.is_empty() { Ok(()) } else { self.change(cases, made, chunk, outputs) }
    }
}
