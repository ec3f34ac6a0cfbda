//! The cases of a chunk: counted ones where they were placed, others by chance.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray};

use super::{Faults, damage};
use crate::error::{Error, Result};
use crate::generator::Rows;
use crate::plan::Chunk;
use crate::plan::fault::{Fault, NewValue, Operator};
use crate::profile::Amount;
use crate::rng::Cell;
use crate::sql::as_text;

/// A row that a fault happens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Chosen {
    pub(super) table: usize,
    /// The row of the table in the chunk.
    pub(super) row: u32,
    pub(super) fault: usize,
    pub(super) path: u128,
}

impl Faults {
    /// The cases of a chunk with these root rows, by table and row. No row has two, and a root row with a counted case has no other.
    pub(super) fn choose(&self, chunk: &mut Chunk<'_>, roots: &[u64]) -> Result<Vec<Chosen>> {
        let root = chunk.root_table();
        let mut all = self.counted(chunk, root, roots)?;
        let placed = self.placed.get(&root);
        // A row is named by table and path; two rows that are exchanged are both taken.
        let mut taken: BTreeSet<(usize, u128)> = BTreeSet::new();
        for (number, (fault, key)) in self.known.iter().enumerate() {
            let Amount::Rate(rate) = fault.amount else { continue };
            if chunk.plan().root_of(fault.table) != root {
                continue;
            }
            let rows = chunk.identities(fault.table)?;
            let drawn: Vec<u32> =
                (0..rows.len() as u32).filter(|row| Cell::new(*key, rows.keys[*row as usize]).unit() < rate).collect();
            if drawn.is_empty() {
                continue;
            }
            let depth = chunk.plan().depth(fault.table);
            let condition = condition(chunk, fault)?;
            for row in drawn {
                let path = rows.paths[row as usize];
                let alone = placed.is_none_or(|placed| !placed.contains_key(&root_row(path, depth)));
                let second =
                    matches!(fault.operator, Operator::Swap(_)).then(|| rows.paths.get(row as usize + 1)).flatten();
                let names = std::iter::once(&path).chain(second).map(|path| (fault.table, *path));
                let free = names.clone().all(|name| !taken.contains(&name));
                if alone && free && holds(condition.as_ref(), row) && applies(chunk, fault, *key, &rows, row)? {
                    taken.extend(names);
                    all.push(Chosen { table: fault.table, row, fault: number, path });
                }
            }
        }
        // In an order that does not depend on the chunk.
        all.sort_by_key(|chosen| {
            let depth = chunk.plan().depth(chosen.table);
            (root_row(chosen.path, depth), chosen.table, chosen.path, chosen.fault)
        });
        Ok(all)
    }

    fn counted(&self, chunk: &mut Chunk<'_>, root: usize, roots: &[u64]) -> Result<Vec<Chosen>> {
        let (Some(placed), Some(first), Some(last)) = (self.placed.get(&root), roots.first(), roots.last()) else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        for (number, placed) in placed.range(*first..=*last) {
            if roots.binary_search(number).is_err() {
                continue;
            }
            let table = self.known[placed.fault].0.table;
            let rows = chunk.identities(table)?;
            let row = rows.paths.iter().position(|path| *path == placed.path);
            let row = row.ok_or_else(|| Error::internal("a case whose row is not there"))? as u32;
            all.push(Chosen { table, row, fault: placed.fault, path: placed.path });
        }
        Ok(all)
    }
}

/// The number of the root row of a path.
pub(crate) fn root_row(path: u128, depth: usize) -> u64 {
    (path >> (24 * depth)) as u64
}

/// The rows of a fault's table that qualify; `None` for all.
pub(super) fn condition(chunk: &mut Chunk<'_>, fault: &Fault) -> Result<Option<BooleanArray>> {
    let values = fault.condition.map(|column| chunk.value(fault.table, column)).transpose()?;
    Ok(values.map(|values| values.as_boolean().clone()))
}

/// Tells whether a row qualifies: a condition that is null there is not true.
pub(super) fn holds(condition: Option<&BooleanArray>, row: u32) -> bool {
    condition.is_none_or(|truth| !truth.is_null(row as usize) && truth.value(row as usize))
}

/// Tells whether a fault makes a difference in a row: a value that it sets is another one, a text can be damaged.
pub(super) fn applies(chunk: &mut Chunk<'_>, fault: &Fault, key: u64, rows: &Rows, row: u32) -> Result<bool> {
    let table = fault.table;
    Ok(match &fault.operator {
        Operator::Set(set) => {
            let mut differs = false;
            for (place, value) in set {
                differs |= match value {
                    NewValue::Absent { .. } => true,
                    NewValue::Column(column) => {
                        let new = chunk.value(table, *column)?;
                        let old = chunk.written_value(table, *place)?;
                        text_at(&new, row)? != text_at(&old, row)?
                    }
                };
            }
            differs
        }
        Operator::Repeat { .. } | Operator::Drop { .. } => true,
        Operator::Swap(columns) => {
            let next = row as usize + 1;
            // The ordinal of the first sibling is 0: a row with another one has the same parent as the row before it.
            if rows.ordinals.get(next).is_none_or(|ordinal| *ordinal == 0) {
                return Ok(false);
            }
            let mut differs = false;
            for place in columns {
                let values = chunk.written_value(table, *place)?;
                differs |= text_at(&values, row)? != text_at(&values, next as u32)?;
            }
            differs
        }
        Operator::Damage(place, how) => {
            let text = text_at(&chunk.written_value(table, *place)?, row)?;
            let mut cell = Cell::new(key, rows.keys[row as usize]);
            text.is_some_and(|text| damage::damaged(&text, *how, &mut cell).is_some())
        }
        Operator::Seal(place, _) => text_at(&chunk.written_value(table, *place)?, row)?.is_some(),
    })
}

/// The text of a value; `None` for a null.
pub(super) fn text_at(values: &ArrayRef, row: u32) -> Result<Option<String>> {
    let one = as_text(&values.slice(row as usize, 1))?;
    let one: Arc<dyn Array> = one;
    let text = one.as_string::<i32>();
    Ok((!text.is_null(0)).then(|| text.value(0).to_owned()))
}
