//! Cases for test runners: what to send, what a correct system answers, and what it then holds.
//!
//! A case is a row with a fault. Its document has the rows that must be there before (`given`), the rows that are sent (`when`), and
//! what follows (`then`): the answer to each by dialect, and how many such rows a correct system holds.

pub mod authzen;
pub mod gherkin;
pub mod pack;
pub mod trail;

use std::collections::BTreeSet;

use arrow_array::{Array, RecordBatch};
use serde_json::{Map, Value, json};

use crate::dataset::{DataSet, OutputId, TreeShare};
use crate::error::{Error, Result};
use crate::find::{Shape, lines, shaped};
use crate::outcomes::Holds;
use crate::plan::fault::{Fault, Operator};
use crate::plan::{Chunk, Plan};
use crate::stage::{Case, TreeBatch};

/// Root rows whose cases are made together.
const TOGETHER: usize = 64;

/// A case, ready to be handed to a runner.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseDocument {
    /// Its name, such as `capture_twice/1742.3.1`.
    pub name: String,
    /// The fault in one sentence.
    pub about: String,
    /// The whole as a JSON object; `_case` has the name.
    pub json: Map<String, Value>,
}

/// Makes the cases of a data set with faults, in the order of trees and root rows.
///
/// # Errors
///
/// If the data set has no faults, or a value cannot be computed.
pub fn cases(set: &DataSet, mut each: impl FnMut(CaseDocument) -> Result<()>) -> Result<()> {
    let faults = set.faults().ok_or_else(|| {
        Error::usage("no faults are asked for, and so there are no cases")
            .hint("--faults each=1; `placebo list faults`")
    })?;
    for tree in set.trees() {
        let of_tree = |root: &usize| *root == tree.root;
        if !faults.faults().map(|fault| set.plan().root_of(fault.table)).any(|root| of_tree(&root)) {
            continue;
        }
        match faults.counted_roots(tree.root) {
            // All cases are placed: no other row need be looked at.
            Some(roots) => {
                let own: Vec<u64> = roots.into_iter().filter(|row| tree.rows.contains(row)).collect();
                own.chunks(TOGETHER).try_for_each(|roots| of_roots(set, &tree, roots, &mut each))?;
            }
            None => {
                let mut row = tree.rows.start;
                while row < tree.rows.end {
                    let end = set.cut(&tree, row);
                    of_roots(set, &tree, &(row..end).collect::<Vec<_>>(), &mut each)?;
                    row = end;
                }
            }
        }
    }
    Ok(())
}

fn of_roots(
    set: &DataSet,
    tree: &TreeShare,
    roots: &[u64],
    each: &mut impl FnMut(CaseDocument) -> Result<()>,
) -> Result<()> {
    let [clean, sent] = set.both(tree.root, roots)?;
    let rows = Rows { set, chunk: Chunk::new(set.plan(), tree.root, roots), clean, sent };
    rows.documents(each)
}

/// The rows of some trees, as they are and as they are sent.
struct Rows<'a> {
    set: &'a DataSet,
    chunk: Chunk<'a>,
    clean: TreeBatch,
    sent: TreeBatch,
}

impl Rows<'_> {
    fn documents(mut self, each: &mut impl FnMut(CaseDocument) -> Result<()>) -> Result<()> {
        for case in std::mem::take(&mut self.sent.cases) {
            each(self.document(&case)?)?;
        }
        Ok(())
    }

    fn document(&mut self, case: &Case) -> Result<CaseDocument> {
        let (plan, faults) = (self.set.plan(), self.set.faults());
        let faults = faults.ok_or_else(|| Error::internal("a case without faults"))?;
        let fault = faults.faults().nth(case.fault).ok_or_else(|| Error::internal("a case of no fault"))?;
        let name = faults.case_name(plan, case);
        let table = &plan.tables[fault.table].name;
        let codes = json!(fault.codes);
        let (mut when, mut answers) = (Vec::new(), Vec::new());
        let copies = matches!(fault.operator, Operator::Repeat { .. });
        if copies {
            when.push(json!({ "send": self.clean_row(fault.table, case.row)? }));
            answers.push(json!({}));
        }
        for (n, changed) in case.changed.clone().enumerate() {
            let send = self.changed_row(fault.table, changed, n)?;
            let same = copies && matches!(&fault.operator, Operator::Repeat { set, .. } if set.is_empty());
            when.push(if same { json!({ "send": send, "same_as": 0 }) } else { json!({ "send": send }) });
            answers.push(codes.clone());
        }
        let mut document = Map::new();
        let mut add = |key: &str, value: Value| document.insert(key.to_owned(), value);
        add("_case", json!(name));
        add("fault", json!(fault.name));
        add("class", json!(fault.class));
        add("about", json!(fault.about));
        add("given", json!(self.ancestors(fault.table, case.row)?));
        if when.is_empty() {
            add("lost", self.clean_row(fault.table, case.row)?);
        }
        add("when", json!(when));
        let then = json!({ "decision": fault.decision.name(), "answers": answers, "state": { table: held(fault) } });
        add("then", then);
        add("breaks", json!(fault.breaks));
        Ok(CaseDocument { name, about: fault.about.clone(), json: document })
    }

    /// The rows above a row, from the root on.
    fn ancestors(&mut self, table: usize, row: u32) -> Result<Vec<Value>> {
        let plan = self.set.plan();
        let (mut at, mut row, mut all) = (table, row, Vec::new());
        while let Some(parent) = plan.tables[at].parent {
            let parents = self.chunk.parents(at)?.ok_or_else(|| Error::internal("a child without parents"))?;
            row = parents.value(row as usize);
            at = parent;
            all.push(object(plan, at, &self.clean.batches[&OutputId(at)], row)?);
        }
        all.reverse();
        Ok(all)
    }

    /// A row as it is, with its messages.
    fn clean_row(&mut self, table: usize, row: u32) -> Result<Value> {
        let mut own = object(self.set.plan(), table, &self.clean.batches[&OutputId(table)], row)?;
        let mut messages = Map::new();
        for message in self.messages(table) {
            for place in self.places(message, row)? {
                let text = text(&self.clean.batches[&OutputId(message)], place);
                messages.insert(self.set.plan().tables[message].name.clone(), text);
            }
        }
        add_messages(&mut own, messages);
        Ok(own)
    }

    /// A row as it is sent, with its messages: the n-th of its case.
    fn changed_row(&mut self, table: usize, changed: u32, n: usize) -> Result<Value> {
        let edits = self.sent.edits.get(&OutputId(table)).ok_or_else(|| Error::internal("a case without its row"))?;
        let (origin, batch) = (edits.origins[changed as usize], edits.changed.clone());
        let mut own = object(self.set.plan(), table, &batch, changed)?;
        let mut messages = Map::new();
        for message in self.messages(table) {
            for place in self.places(message, origin)? {
                let edits = self.sent.edits.get(&OutputId(message));
                let of_row = |edits: &crate::stage::Edits| {
                    let own = (0_u32..).zip(&edits.origins).filter(|(_, origin)| **origin == place);
                    own.map(|(changed, _)| changed).nth(n).map(|changed| text(&edits.changed, changed))
                };
                let sent = edits.and_then(of_row);
                let sent = sent.unwrap_or_else(|| text(&self.clean.batches[&OutputId(message)], place));
                messages.insert(self.set.plan().tables[message].name.clone(), sent);
            }
        }
        add_messages(&mut own, messages);
        Ok(own)
    }

    /// The tables of messages of the rows of a table.
    fn messages(&self, table: usize) -> Vec<usize> {
        let plan = self.set.plan();
        let of = |message: &usize| plan.tables[*message].parent == Some(table) && plan.is_message_table(*message);
        (0..plan.tables.len()).filter(of).collect()
    }

    /// The rows of a table below a row.
    fn places(&mut self, below: usize, row: u32) -> Result<BTreeSet<u32>> {
        let parents = self.chunk.parents(below)?.ok_or_else(|| Error::internal("a child without parents"))?;
        Ok((0..parents.len() as u32).filter(|place| parents.value(*place as usize) == row).collect())
    }
}

/// Counts the rows of the key that a correct system holds.
fn held(fault: &Fault) -> u32 {
    match (&fault.operator, fault.decision.holds()) {
        (Operator::Repeat { times, .. }, Holds::AsSent) => times + 1,
        (Operator::Repeat { .. }, _) => 1,
        (Operator::Drop { .. }, Holds::Clean) => 1,
        (Operator::Drop { .. }, _) | (_, Holds::Nothing) => 0,
        (Operator::Swap(_), _) => 2,
        _ => 1,
    }
}

fn object(plan: &Plan, table: usize, batch: &RecordBatch, row: u32) -> Result<Value> {
    // Decimals as texts: many readers of JSON take numbers for doubles.
    let one = shaped(&batch.slice(row as usize, 1), Shape::default())?;
    let line = lines("ndjson", &one)?.pop().unwrap_or_default();
    let row: Value = serde_json::from_str(&line).map_err(|error| Error::internal(error.to_string()))?;
    Ok(json!({ "table": plan.tables[table].name, "row": row }))
}

fn add_messages(row: &mut Value, messages: Map<String, Value>) {
    if let (Value::Object(row), false) = (row, messages.is_empty()) {
        row.insert("messages".to_owned(), Value::Object(messages));
    }
}

/// The text of a message: its last column.
fn text(batch: &RecordBatch, row: u32) -> Value {
    use arrow_array::cast::AsArray;
    let column = batch.column(batch.num_columns() - 1);
    match column.as_string_opt::<i32>() {
        Some(texts) if texts.is_valid(row as usize) => json!(texts.value(row as usize)),
        _ => Value::Null,
    }
}
