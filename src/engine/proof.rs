//! The proof that faults break what they say: each rule of `breaks`, in every case, and no other.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::Field;

use crate::error::Result;
use crate::fault::Faults;
use crate::format::write::datapackage::references;
use crate::notes::Noted;
use crate::plan::fault::{Fault, Operator};
use crate::plan::{Chunk, Plan, Tree};
use crate::sql::as_text;
use crate::stage::{Case, Edits, OutputId, Stage, TreeBatch};

/// The largest root table whose keys are all looked at.
const MOST_KEYS: u64 = 200_000;

/// The result of a proof of one fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The fault.
    pub fault: String,
    /// The cases that were looked at.
    pub cases: u64,
    /// The differences from what the profile says, a sentence each; empty for a fault that is right.
    pub wrong: Vec<String>,
    /// Rules of other trees, which only all files together show.
    pub elsewhere: Vec<String>,
}

/// Looks at up to `most` cases of each fault of a plan, each in a root row of its own.
///
/// # Errors
///
/// If a value cannot be computed.
pub fn prove(plan: &Plan, most: usize) -> Result<Vec<Proof>> {
    (0..plan.faults.len()).map(|number| of_fault(plan, number, most)).collect()
}

fn of_fault(plan: &Plan, number: usize, most: usize) -> Result<Proof> {
    let fault = &plan.faults[number];
    let (faults, roots) = Faults::sample(plan, number, most)?;
    let (expected, elsewhere) = in_tree(plan, fault, &fault.breaks);
    let (allowed, _) = in_tree(plan, fault, &fault.may_break);
    let mut proof = Proof { fault: fault.name.clone(), cases: roots.len() as u64, wrong: Vec::new(), elsewhere };
    if roots.is_empty() {
        proof.wrong.push("no row qualifies".to_owned());
        return Ok(proof);
    }
    let found = broken(plan, fault, &faults, &roots)?;
    let every: BTreeSet<u64> = roots.iter().copied().collect();
    for rule in &expected {
        let none = BTreeSet::new();
        let missing = every.difference(found.get(rule).unwrap_or(&none)).count();
        if missing > 0 {
            proof.wrong.push(format!("does not break `{rule}` in {missing} of {} cases", every.len()));
        }
    }
    for (rule, rows) in found.iter().filter(|(rule, _)| !expected.contains(*rule) && !allowed.contains(*rule)) {
        proof.wrong.push(format!("breaks `{rule}` in {} of {} cases, and does not say so", rows.len(), every.len()));
    }
    Ok(proof)
}

/// Rules that a fault names, as `ID@TABLE`: those of its own tree, and those of other trees.
fn in_tree(plan: &Plan, fault: &Fault, rules: &[String]) -> (BTreeSet<String>, Vec<String>) {
    let own = &plan.tables[fault.table].name;
    let root = plan.root_of(fault.table);
    let (mut here, mut elsewhere) = (BTreeSet::new(), Vec::new());
    for rule in rules {
        let (id, table) = rule.rsplit_once('@').unwrap_or((rule, own));
        match plan.table(table).is_ok_and(|table| plan.root_of(table) == root) {
            true => {
                here.insert(format!("{id}@{table}"));
            }
            false => elsewhere.push(rule.clone()),
        }
    }
    (here, elsewhere)
}

/// The rules that cases break, each with the root rows in which it is broken.
fn broken(plan: &Plan, fault: &Fault, faults: &Faults, roots: &[u64]) -> Result<BTreeMap<String, BTreeSet<u64>>> {
    let root = plan.root_of(fault.table);
    let tables =
        plan.trees().into_iter().find(|tree| tree.root == root).map_or_else(Vec::new, |Tree { tables, .. }| tables);
    let mut chunk = Chunk::new(plan, root, roots);
    let mut made = TreeBatch { roots: roots.to_vec(), ..TreeBatch::default() };
    for table in &tables {
        made.batches.insert(OutputId(*table), chunk.batch(*table)?);
    }
    faults.apply(&mut made, &mut chunk, &[])?;
    let mut found: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    let roots_of = |chunk: &mut Chunk<'_>, table: usize| -> Result<Vec<u64>> {
        let depth = plan.depth(table);
        Ok(chunk.identities(table)?.paths.iter().map(|path| (path >> (24 * depth)) as u64).collect())
    };
    let own = roots_of(&mut chunk, fault.table)?;
    let rules = structural(plan, fault, made.edits.get(&OutputId(fault.table)))?;
    for case in &made.cases {
        for rule in &rules {
            let table = &plan.tables[fault.table].name;
            let rule = if rule.contains('@') { rule.clone() } else { format!("{rule}@{table}") };
            found.entry(rule).or_default().insert(own[case.row as usize]);
        }
    }
    for case in &made.cases {
        for rule in left_alone(plan, fault, &made, case)? {
            found.entry(rule).or_default().insert(own[case.row as usize]);
        }
    }
    let sent = |(id, batch): (&OutputId, &RecordBatch)| {
        let batch = match made.edits.get(id) {
            Some(edits) => edits.in_place(batch, false)?,
            None => batch.clone(),
        };
        Ok((id.0, batch))
    };
    let rows = made.batches.iter().map(sent).collect::<Result<Vec<_>>>()?;
    chunk.overlay(&rows)?;
    for table in tables {
        let broken = chunk.broken(table)?;
        if broken.iter().all(|(_, rows)| rows.is_empty()) {
            continue;
        }
        let of = roots_of(&mut chunk, table)?;
        for (check, rows) in broken.iter().filter(|(_, rows)| !rows.is_empty()) {
            let rule = format!("{}@{}", plan.tables[table].checks[*check].id, plan.tables[table].name);
            found.entry(rule).or_default().extend(rows.iter().map(|row| of[*row]));
        }
    }
    Ok(found)
}

/// The rules beside checks that a case breaks, as far as the profile tells: keys, references, and values that must be there.
fn structural(plan: &Plan, fault: &Fault, edits: Option<&Edits>) -> Result<Vec<String>> {
    let table = &plan.tables[fault.table];
    let field = |place: &usize| table.schema.field(*place);
    let mut rules = Vec::new();
    let mut add = |rule: &str| {
        if !rules.iter().any(|known| known == rule) {
            rules.push(rule.to_owned());
        }
    };
    let places = fault.operator.columns();
    if let Operator::Repeat { .. } = &fault.operator {
        let keys: Vec<usize> = (0..table.schema.fields().len()).filter(|place| field(place).is_primary_key()).collect();
        if !keys.is_empty() && !keys.iter().any(|place| places.contains(place)) {
            add("key");
        }
        let unique = |place: &usize| field(place).is_unique() && !places.contains(place);
        if (0..table.schema.fields().len()).any(|place| unique(&place)) {
            add("unique");
        }
    }
    let Some(edits) = edits else { return Ok(rules) };
    for place in &places {
        let null = (0..edits.changed.num_rows()).any(|row| edits.changed.column(*place).is_null(row));
        if null && !field(place).is_nullable() {
            add("null");
        }
        if !null && leads_nowhere(plan, fault, field(place), edits.changed.column(*place))? {
            add("foreign key");
        }
    }
    Ok(rules)
}

/// Tells whether new values of a reference are keys of no row. Of a root table all keys are looked at; of any other the class of the
/// fault decides, because its keys are too many.
fn leads_nowhere(plan: &Plan, fault: &Fault, field: &Field, values: &ArrayRef) -> Result<bool> {
    let Some((to, key)) = field.reference() else { return Ok(false) };
    let to = plan.table(to)?;
    let known = &plan.tables[to];
    if known.parent.is_some() || known.rows > MOST_KEYS {
        return Ok(fault.class == "orphan");
    }
    let (mut keys, mut start) = (BTreeSet::new(), 0);
    while start < known.rows {
        let end = plan.cut(to, start, known.rows, None);
        let rows: Vec<u64> = (start..end).collect();
        let texts = as_text(Chunk::new(plan, to, &rows).named(to, &[key])?.column(0))?;
        keys.extend(texts.as_string::<i32>().iter().flatten().map(str::to_owned));
        start = end;
    }
    let values = as_text(values)?;
    Ok(values.as_string::<i32>().iter().flatten().any(|value| !keys.contains(value)))
}

/// The foreign keys of rows that refer to a row which is not sent, in the trees that were made.
fn left_alone(plan: &Plan, fault: &Fault, made: &TreeBatch, case: &Case) -> Result<Vec<String>> {
    if !matches!(fault.operator, Operator::Drop { .. }) {
        return Ok(Vec::new());
    }
    let own = &plan.tables[fault.table];
    let mut rules = Vec::new();
    for (id, batch) in &made.batches {
        let kept = |row: &usize| made.edits.get(id).is_none_or(|edits| edits.kept().any(|kept| kept as usize == *row));
        let schema = batch.schema();
        for reference in references(&schema).iter().filter(|reference| reference.table == own.name) {
            let lost = made.batches[&case.output].slice(case.row as usize, 1);
            let mut refers = vec![true; batch.num_rows()];
            for (column, key) in reference.columns.iter().zip(&reference.keys) {
                let key = as_text(lost.column(own.schema.index_of(key)?))?;
                let values = as_text(batch.column(schema.index_of(column)?))?;
                let (key, values) = (key.as_string::<i32>(), values.as_string::<i32>());
                for (row, refers) in refers.iter_mut().enumerate() {
                    *refers &= key.is_valid(0) && values.is_valid(row) && values.value(row) == key.value(0);
                }
            }
            if (0..refers.len()).filter(|row| refers[*row]).any(|row| kept(&row)) {
                rules.push(format!("foreign key@{}", plan.tables[id.0].name));
            }
        }
    }
    Ok(rules)
}
