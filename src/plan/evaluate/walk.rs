//! Lifecycles: the states that a walk enters, as the rows of a child table.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, DictionaryArray, Int32Array, StringArray, TimestampMicrosecondArray};

use super::super::{Source, Walk, WalkColumn};
use super::Chunk;
use crate::error::{Error, Kind, Result};

impl Chunk<'_> {
    /// Adds the frame of a lifecycle: the states of each walk, then the time in each state, then the cut at `until`.
    pub(super) fn walked(&mut self, parent: usize, table: usize, walk: &Walk) -> Result<usize> {
        let plan = self.plan;
        let weights = walk
            .weights
            .iter()
            .map(|column| Ok(self.column(parent, *column)?.as_primitive::<Float64Type>().clone()))
            .collect::<Result<Vec<_>>>()?;
        let [at, until] = [walk.at, walk.until].map(|column| self.column(parent, column));
        let (at, until) = (at?, until?);
        let (at, until) =
            (at.as_primitive::<TimestampMicrosecondType>(), until.as_primitive::<TimestampMicrosecondType>());
        let when = walk.when.map(|column| self.column(parent, column)).transpose()?;
        let alive = |i: usize| {
            let truth = when.as_ref().is_none_or(|w| w.as_boolean().value(i) && !w.is_null(i));
            truth && !at.is_null(i) && (until.is_null(i) || at.value(i) < until.value(i))
        };
        let keys = Arc::clone(&self.frames[parent].rows);
        let (offsets, states) = walk
            .walker
            .walk(&keys.keys, &weights, alive)
            .map_err(|error| error.within(&format!("tables.{}.lifecycle", plan.tables[table].name)))?;
        let (rows, index) = self.children_rows(parent, table, offsets.clone());
        let uncut = self.add(table, rows, Some((parent, index)));
        let mut waits = Vec::new();
        for wait in &walk.waits {
            waits.push(match wait {
                Some((unit, column)) => Some((*unit, self.column(uncut, *column)?)),
                None => None,
            });
        }
        let (mut kept, mut kept_states, mut instants) = (vec![0_u32], Vec::new(), Vec::new());
        for (family, pair) in offsets.windows(2).enumerate() {
            let mut now = if pair[0] < pair[1] { at.value(family) } else { 0 };
            for event in pair[0] as usize..pair[1] as usize {
                if event > pair[0] as usize && !until.is_null(family) && now >= until.value(family) {
                    break;
                }
                kept_states.push(states[event]);
                instants.push(now);
                if let Some((unit, wait)) = &waits[states[event] as usize] {
                    let wait = wait.as_primitive::<Float64Type>();
                    let length = if wait.is_null(event) { 0.0 } else { wait.value(event).max(0.0) * unit };
                    // Whole seconds: the messages of the standards have no finer times.
                    now += libm::round(length.min(1e17) / 1e6) as i64 * 1_000_000;
                }
            }
            kept.push(kept_states.len() as u32);
        }
        let (rows, index) = self.children_rows(parent, table, kept);
        let frame = self.add(table, rows, Some((parent, index)));
        self.frames[frame].walk = Some((kept_states, instants));
        Ok(frame)
    }

    pub(super) fn walk_column(&self, frame: usize, which: WalkColumn) -> Result<ArrayRef> {
        let frame = &self.frames[frame];
        let (Some((states, instants)), Source::Walk(walk)) = (&frame.walk, &self.plan.tables[frame.table].source)
        else {
            return Err(Error::new(
                Kind::Profile,
                "a waiting time cannot depend on `state`, `at` or `from` of the lifecycle itself",
            ));
        };
        let names = || Arc::new(StringArray::from(walk.walker.states.clone())) as ArrayRef;
        Ok(match which {
            WalkColumn::At => Arc::new(TimestampMicrosecondArray::from(instants.clone()).with_timezone("UTC")),
            WalkColumn::State => {
                let keys = Int32Array::from_iter_values(states.iter().map(|state| *state as i32));
                Arc::new(DictionaryArray::<Int32Type>::new(keys, names()))
            }
            WalkColumn::From => {
                let keys: Int32Array =
                    (0..states.len()).map(|i| (frame.rows.ordinals[i] > 0).then(|| states[i - 1] as i32)).collect();
                Arc::new(DictionaryArray::<Int32Type>::new(keys, names()))
            }
        })
    }
}
