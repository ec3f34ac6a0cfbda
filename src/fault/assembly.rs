//! The second half of faults, behind protection: changed rows take their places, and the cases are listed.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use arrow_schema::{Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;
use serde_json::Value;

use super::change::loose;
use super::{Faults, LIST, list, seal};
use crate::digest::Buckets;
use crate::error::Result;
use crate::format::write::Canonical;
use crate::plan::fault::{NewValue, Operator};
use crate::plan::{Chunk, Plan};
use crate::stage::{Accepted, Case, Difference, Edits, Output, OutputId, Segment, Stage, TreeBatch};

/// The stage that puts the rows of cases among those that are sent.
#[derive(Clone)]
pub struct Assembly {
    faults: Arc<Faults>,
    plan: Arc<Plan>,
}

impl Assembly {
    /// The assembly of a plan's faults.
    #[must_use]
    pub fn new(faults: Arc<Faults>, plan: Arc<Plan>) -> Self {
        Self { faults, plan }
    }

    /// The places of a table's columns that may be null only because of a fault.
    fn nulled(&self, table: usize) -> Vec<usize> {
        let faults = self.faults.faults().filter(|fault| fault.table == table);
        let sets = faults.flat_map(|fault| match &fault.operator {
            Operator::Set(set) | Operator::Repeat { set, .. } => set.as_slice(),
            _ => &[],
        });
        let nullable = |value: &NewValue| match value {
            NewValue::Column(column) => self.plan.tables[table].columns[*column].nullable,
            NewValue::Absent { .. } => false,
        };
        sets.filter(|(_, value)| nullable(value)).map(|(place, _)| *place).collect()
    }
}

impl Stage for Assembly {
    fn inputs(&self, _: &Plan) -> (&'static str, Value) {
        // Everything that it does follows from the faults, which are a stage before.
        ("", Value::Null)
    }

    fn outputs(&self, mut before: Vec<Output>) -> Vec<Output> {
        for output in before.iter_mut().filter(|output| output.sources.is_empty()) {
            let nulled = self.nulled(output.table);
            let relaxed = |place: &usize| !output.schema.field(*place).is_nullable();
            if nulled.iter().any(relaxed) {
                let fields = output.schema.fields().iter().enumerate();
                let fields = fields.map(|(place, field)| {
                    let nullable = field.is_nullable() || nulled.contains(&place);
                    field.as_ref().clone().with_nullable(nullable)
                });
                let schema = Schema::new_with_metadata(fields.collect::<Vec<_>>(), output.schema.metadata().clone());
                output.contract = Some(std::mem::replace(&mut output.schema, Arc::new(schema)));
            }
        }
        for tree in self.plan.trees() {
            let sources: Vec<OutputId> = self.faults.tables(&self.plan, tree.root).into_iter().map(OutputId).collect();
            if !sources.is_empty() {
                let root = &self.plan.tables[tree.root].name;
                let about = format!("A case: a row that is wrong on purpose, of `{root}` or a table below it");
                let output = Output::made_of(
                    &sources,
                    &before,
                    &format!("{LIST}{root}"),
                    &about,
                    list::schema(self.plan.messages_bare),
                );
                before.push(output);
            }
        }
        before
    }

    fn apply(&self, made: &mut TreeBatch, _: &mut Chunk<'_>, outputs: &[Output]) -> Result<()> {
        let of_tree = |id: &OutputId| outputs[id.0].name.starts_with(LIST) && !outputs[id.0].sources.is_empty();
        if let Some(id) = made.needed.iter().copied().find(of_tree) {
            let changed = |case: &Case| {
                let edits = made.edits.get(&case.output)?;
                (!case.changed.is_empty()).then(|| edits.changed.slice(case.changed.start as usize, 1))
            };
            let listed = self.faults.list(&self.plan, made, &changed, outputs)?;
            made.batches.insert(id, listed);
        }
        for (id, accepted) in &mut made.accepted {
            if let Some(batch) = made.batches.get(id) {
                accepted.digests = held(batch, made.edits.get(id), accepted, &outputs[id.0].schema)?;
            }
        }
        if made.hold {
            return hold(made, outputs);
        }
        for (id, batch) in &mut made.batches {
            let output = &outputs[id.0];
            if let Some(edits) = made.edits.get(id) {
                made.differences.insert(*id, difference(batch, edits, &output.schema)?);
                *batch = assembled(batch, edits, &output.schema)?;
            } else if output.contract.is_some() {
                *batch = RecordBatch::try_new(Arc::clone(&output.schema), batch.columns().to_vec())?;
            }
        }
        Ok(())
    }
}

/// Puts the rows in place that a correct system holds, and notes which cases explain the others.
fn hold(made: &mut TreeBatch, outputs: &[Output]) -> Result<()> {
    for (id, batch) in &mut made.batches {
        let schema = &outputs[id.0].schema;
        let Some(accepted) = made.accepted.get(id) else { continue };
        let rows = UInt32Array::from_iter_values(accepted.because.keys().copied());
        let explained = (take_record_batch(batch, &rows)?, accepted.because.values().copied().collect());
        made.explained.insert(*id, explained);
        let edits = made.edits.get(id);
        let mut kept: BTreeSet<u32> = match edits {
            Some(edits) => edits.kept().collect(),
            None => (0..batch.num_rows() as u32).collect(),
        };
        kept.retain(|row| !accepted.refused.contains(row));
        kept.extend(&accepted.restored);
        let rows = |batch: &RecordBatch, rows: Vec<u32>| -> Result<RecordBatch> {
            let rows = take_record_batch(batch, &UInt32Array::from(rows))?;
            Ok(RecordBatch::try_new(Arc::clone(schema), rows.columns().to_vec())?)
        };
        let mut held: Vec<RecordBatch> = vec![rows(batch, kept.into_iter().collect())?];
        if let Some(edits) = edits {
            held.push(rows(&edits.changed, accepted.changed.iter().copied().collect())?);
        }
        *batch = concat_batches(schema, &held)?;
    }
    Ok(())
}

impl Edits {
    /// The changed rows after protection: the columns as protected, chains of hashes as in the rows that they were, and encrypted
    /// cells damaged where the case says so. `clean` are the protected clean rows, `late` the places of chains.
    ///
    /// # Errors
    ///
    /// If a cell cannot be damaged.
    pub(crate) fn protected(&mut self, changed: Vec<ArrayRef>, clean: &RecordBatch, late: &[usize]) -> Result<()> {
        let mut columns = changed;
        for place in late {
            let linked = take_record_batch(&clean.project(&[*place])?, &UInt32Array::from(self.origins.clone()))?;
            let own = Arc::clone(&columns[*place]);
            let rows: Vec<(usize, usize)> =
                self.given.iter().enumerate().map(|(row, given)| (usize::from(!given.contains(place)), row)).collect();
            columns[*place] = arrow_select::interleave::interleave(&[own.as_ref(), linked.column(0).as_ref()], &rows)?;
        }
        seal::damage(&mut columns, self, clean, &self.changed)?;
        self.changed = RecordBatch::try_new(loose(clean.schema_ref()), columns)?;
        Ok(())
    }
}

/// The rows that are sent, in order.
fn assembled(clean: &RecordBatch, edits: &Edits, schema: &SchemaRef) -> Result<RecordBatch> {
    let piece = |segment: &Segment| {
        let rows = match segment {
            Segment::Clean(rows) => clean.slice(rows.start as usize, rows.len()),
            Segment::Changed(row) => edits.changed.slice(*row as usize, 1),
        };
        Ok(RecordBatch::try_new(Arc::clone(schema), rows.columns().to_vec())?)
    };
    let pieces = edits.sent.iter().map(piece).collect::<Result<Vec<_>>>()?;
    Ok(concat_batches(schema, &pieces)?)
}

/// The sums of the rows in which the sent ones differ from the clean ones.
fn difference(clean: &RecordBatch, edits: &Edits, schema: &SchemaRef) -> Result<Difference> {
    let canonical = Canonical::new(schema)?;
    let (mut at, mut gone) = (0, Vec::new());
    for segment in &edits.sent {
        if let Segment::Clean(rows) = segment {
            gone.extend(at..rows.start);
            at = rows.end;
        }
    }
    gone.extend(at..clean.num_rows() as u32);
    let removed = take_record_batch(clean, &UInt32Array::from(gone))?;
    let removed = RecordBatch::try_new(Arc::clone(schema), removed.columns().to_vec())?;
    let added = RecordBatch::try_new(Arc::clone(schema), edits.changed.columns().to_vec())?;
    Ok(Difference { removed: canonical.sum(&removed)?, added: canonical.sum(&added)? })
}

/// The digests of the rows that are sent and that a correct system does not hold, and of those that it holds and that are not sent.
fn held(
    clean: &RecordBatch,
    edits: Option<&Edits>,
    accepted: &Accepted,
    schema: &SchemaRef,
) -> Result<(Buckets, Buckets)> {
    let canonical = Canonical::new(schema)?;
    let of = |batch: &RecordBatch, rows: Vec<u32>| {
        let rows = take_record_batch(batch, &UInt32Array::from(rows))?;
        canonical.buckets(&RecordBatch::try_new(Arc::clone(schema), rows.columns().to_vec())?)
    };
    let Some(edits) = edits else {
        return Ok((of(clean, accepted.refused.iter().copied().collect())?, Buckets::default()));
    };
    let refused = edits.kept().filter(|row| accepted.refused.contains(row)).collect();
    let changed = (0..edits.origins.len() as u32).filter(|row| !accepted.changed.contains(row)).collect();
    let mut gone = of(clean, refused)?;
    gone.merge(&of(&edits.changed, changed)?);
    Ok((gone, of(clean, accepted.restored.iter().copied().collect())?))
}
