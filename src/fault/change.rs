//! The rows of cases, in the clear, and which rows are sent in their places.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, StringArray, UInt32Array};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::interleave::interleave;
use arrow_select::take::take_record_batch;

use super::choose::{Chosen, text_at};
use super::{Faults, accept, damage};
use crate::error::{Error, Result};
use crate::plan::Chunk;
use crate::plan::fault::{NewValue, Operator};
use crate::rng::Cell;
use crate::stage::{Case, Edits, Output, OutputId, SealedCell, Segment, TreeBatch};

/// The rows that are sent in place of one.
#[derive(Default)]
struct InPlace {
    /// True if the row itself is sent, before the others.
    itself: bool,
    changed: Range<u32>,
}

/// The edits of one table while cases are added.
#[derive(Default)]
pub(super) struct Draft {
    origins: Vec<u32>,
    given: Vec<Vec<usize>>,
    /// Cells with another value: the changed row, the place of its column, and a row of some values.
    cells: Vec<(u32, usize, ArrayRef, u32)>,
    sealed: Vec<SealedCell>,
    places: BTreeMap<u32, InPlace>,
}

impl Faults {
    /// Adds the cases of a chunk, and what they send, to its rows.
    pub(super) fn change(
        &self,
        chosen: Vec<Chosen>,
        made: &mut TreeBatch,
        chunk: &mut Chunk<'_>,
        outputs: &[Output],
    ) -> Result<()> {
        let mut dropped: BTreeMap<usize, BTreeSet<u32>> = BTreeMap::new();
        let mut of_case = Vec::with_capacity(chosen.len());
        let mut below_of = vec![BTreeMap::new(); chosen.len()];
        // Rows that a case drops are out of reach for every other.
        for (n, chosen) in chosen.iter().enumerate() {
            let Operator::Drop { tree } = self.known[chosen.fault].0.operator else {
                of_case.push(0);
                continue;
            };
            let mut below = BTreeMap::from([(chosen.table, BTreeSet::from([chosen.row]))]);
            if tree {
                descend(chunk, chosen.table, &mut below)?;
            }
            let mut rows = 0;
            below_of[n] = below.clone();
            for (table, own) in below {
                let all = dropped.entry(table).or_default();
                rows += own.iter().filter(|row| all.insert(**row)).count() as u64;
            }
            of_case.push(rows);
        }
        let mut drafts: BTreeMap<usize, Draft> = BTreeMap::new();
        let mut held = accept::Drafts::default();
        let (of_cases, all) = (of_case, chosen.clone());
        for (n, (chosen, dropped_rows)) in chosen.into_iter().zip(of_cases).enumerate() {
            let gone = dropped.get(&chosen.table).is_some_and(|rows| rows.contains(&chosen.row));
            let drops = matches!(self.known[chosen.fault].0.operator, Operator::Drop { .. });
            if gone && (!drops || dropped_rows == 0) {
                continue;
            }
            let draft = drafts.entry(chosen.table).or_default();
            let start = draft.origins.len() as u32;
            if !drops {
                self.send(&chosen, draft, chunk)?;
            }
            let changed = start..draft.origins.len() as u32;
            held.case(self, &chosen, made.cases.len(), changed.clone(), &below_of[n], chunk)?;
            let Chosen { table, row, fault, path } = chosen;
            made.cases.push(Case { fault, output: OutputId(table), row, path, changed, dropped: dropped_rows });
        }
        self.messages(&all, made, chunk, &mut drafts)?;
        let plan = chunk.plan();
        for (table, draft) in drafts.iter().filter(|(table, _)| plan.is_message_table(**table)) {
            held.messages(self, *table, draft, &all, chunk)?;
        }
        for (table, rows) in dropped {
            let draft = drafts.entry(table).or_default();
            rows.into_iter().for_each(|row| draft.leave_out(row));
        }
        for (table, draft) in drafts {
            let id = OutputId(table);
            if let Some(batch) = made.batches.get(&id).filter(|_| !draft.places.is_empty()) {
                let name = outputs.get(table).map_or_else(String::new, |output| output.name.clone());
                let edits = draft.finish(batch).map_err(|error| error.within(&name))?;
                made.edits.insert(id, edits);
            }
        }
        made.accepted.extend(held.finish().into_iter().map(|(table, held)| (OutputId(table), held)));
        Ok(())
    }

    /// Adds the rows that a case sends.
    fn send(&self, chosen: &Chosen, draft: &mut Draft, chunk: &mut Chunk<'_>) -> Result<()> {
        let (fault, key) = &self.known[chosen.fault];
        let Chosen { table, row, .. } = *chosen;
        match &fault.operator {
            Operator::Set(set) => {
                let changed = draft.push(row, false);
                self.give(chosen, set, changed, draft, chunk)?;
            }
            Operator::Repeat { times, set } => {
                for _ in 0..*times {
                    let changed = draft.push(row, true);
                    self.give(chosen, set, changed, draft, chunk)?;
                }
            }
            Operator::Swap(columns) => {
                let [one, other] = [draft.push(row, false), draft.push(row + 1, false)];
                for place in columns {
                    let values = chunk.written_value(table, *place)?;
                    draft.set(one, *place, Arc::clone(&values), row + 1);
                    draft.set(other, *place, values, row);
                }
            }
            Operator::Damage(place, how) => {
                let keys = chunk.identities(table)?;
                let mut cell = Cell::new(*key, keys.keys[row as usize]);
                let text = text_at(&chunk.written_value(table, *place)?, row)?;
                let new = text.and_then(|text| damage::damaged(&text, *how, &mut cell));
                let new = new.ok_or_else(|| Error::internal("a text without damage"))?;
                let changed = draft.push(row, false);
                draft.set(changed, *place, Arc::new(StringArray::from(vec![new])), 0);
            }
            Operator::Seal(place, how) => {
                let changed = draft.push(row, false);
                draft.sealed.push(SealedCell { changed, place: *place, how: *how });
            }
            Operator::Drop { .. } => {}
        }
        Ok(())
    }

    fn give(
        &self,
        chosen: &Chosen,
        set: &[(usize, NewValue)],
        changed: u32,
        draft: &mut Draft,
        chunk: &mut Chunk<'_>,
    ) -> Result<()> {
        for (place, value) in set {
            match value {
                NewValue::Column(column) => {
                    draft.set(changed, *place, chunk.value(chosen.table, *column)?, chosen.row);
                }
                NewValue::Absent { table, column } => {
                    let (fault, key) = &self.known[chosen.fault];
                    let identities = chunk.identities(chosen.table)?;
                    let mut cell = Cell::new(*key ^ 1, identities.keys[chosen.row as usize]);
                    let behind = cell.below(1 << 20);
                    let values = chunk.plan().absent(*table, *column, &[behind]).map_err(|error| {
                        error.hint(format!("fault `{}`: a value behind the last row cannot be made", fault.name))
                    })?;
                    draft.set(changed, *place, values, 0);
                }
            }
        }
        Ok(())
    }
}

/// Adds the rows below rows of a table.
pub(super) fn descend(chunk: &mut Chunk<'_>, table: usize, rows: &mut BTreeMap<usize, BTreeSet<u32>>) -> Result<()> {
    let plan = chunk.plan();
    let mut above = vec![table];
    while let Some(parent) = above.pop() {
        for child in (0..plan.tables.len()).filter(|child| plan.tables[*child].parent == Some(parent)) {
            let parents = chunk.parents(child)?.ok_or_else(|| Error::internal("a child without parents"))?;
            // The children of a row stand together, in the order of their parents.
            let parents = parents.values();
            let first = |row: u32| parents.partition_point(|parent| *parent < row) as u32;
            let own: BTreeSet<u32> = rows[&parent].iter().flat_map(|row| first(*row)..first(row + 1)).collect();
            rows.insert(child, own);
            above.push(child);
        }
    }
    Ok(())
}

impl Draft {
    /// Adds a changed row: in place of a row, or behind it.
    pub(super) fn push(&mut self, row: u32, behind: bool) -> u32 {
        let changed = self.origins.len() as u32;
        self.origins.push(row);
        self.given.push(Vec::new());
        let place = self.places.entry(row).or_insert(InPlace { itself: behind, changed: changed..changed });
        place.changed.end = changed + 1;
        changed
    }

    /// The changed rows, each with the row that it was.
    pub(super) fn origins(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        (0..).zip(self.origins.iter().copied())
    }

    /// Leaves a row out.
    pub(super) fn leave_out(&mut self, row: u32) {
        self.places.insert(row, InPlace::default());
    }

    pub(super) fn set(&mut self, changed: u32, place: usize, values: ArrayRef, row: u32) {
        self.given[changed as usize].push(place);
        self.cells.push((changed, place, values, row));
    }

    fn finish(self, clean: &RecordBatch) -> Result<Edits> {
        let taken = take_record_batch(clean, &UInt32Array::from(self.origins.clone()))?;
        let mut columns = taken.columns().to_vec();
        let mut places: Vec<usize> = self.cells.iter().map(|cell| cell.1).collect();
        places.sort_unstable();
        places.dedup();
        for place in places {
            let field = taken.schema_ref().field(place);
            let own = self.cells.iter().filter(|cell| cell.1 == place);
            columns[place] = given(&columns[place], field, own)?;
        }
        let changed = RecordBatch::try_new(loose(taken.schema_ref()), columns)?;
        let mut sent = Vec::new();
        let mut from = 0;
        for (row, place) in self.places {
            let until = row + u32::from(place.itself);
            if from < until {
                sent.push(Segment::Clean(from..until));
            }
            sent.extend(place.changed.map(Segment::Changed));
            from = row + 1;
        }
        let rows = clean.num_rows() as u32;
        if from < rows {
            sent.push(Segment::Clean(from..rows));
        }
        Ok(Edits { changed, origins: self.origins, given: self.given, sealed: self.sealed, sent })
    }
}

/// A column of changed rows with other values in some of them.
fn given<'c>(
    column: &ArrayRef,
    field: &Field,
    cells: impl Iterator<Item = &'c (u32, usize, ArrayRef, u32)>,
) -> Result<ArrayRef> {
    let plain = match field.data_type() {
        DataType::Dictionary(_, value) => value.as_ref().clone(),
        other => other.clone(),
    };
    let mut arrays = vec![cast(column, &plain)?];
    let mut rows: Vec<(usize, usize)> = (0..column.len()).map(|row| (0, row)).collect();
    for (changed, _, values, row) in cells {
        rows[*changed as usize] = (arrays.len(), 0);
        arrays.push(cast(&values.slice(*row as usize, 1), &plain)?);
    }
    let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    Ok(cast(&interleave(&arrays, &rows)?, field.data_type())?)
}

/// Columns of which any may be null.
pub(super) fn loose(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}
