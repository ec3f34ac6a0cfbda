//! Row lists: the rows that the entries give under each parent row, and their values.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, BooleanArray, new_null_array};
use arrow_schema::DataType;
use arrow_select::interleave::interleave;

use super::super::{List, Listed};
use super::frames::offsets;
use super::{Chunk, HandRows};
use crate::error::{Error, Result};
use crate::sql;

/// The entries behind the rows of a list.
#[derive(Clone)]
pub(super) struct Rows {
    /// The entry of each row, counted over the whole list; `None` for the rows after the listed ones.
    entries: Vec<Option<u32>>,
    /// The index of each row in the frame of its entry.
    places: Vec<u32>,
    /// The frame of each entry.
    frames: Vec<usize>,
}

/// Neighbouring entries, with the rows for which they are given.
struct Given {
    first: u32,
    held: Option<HandRows>,
    conditions: Vec<Option<BooleanArray>>,
}

impl Given {
    /// Adds the entries that hold for one parent row.
    fn add(&self, owner: usize, entries: &mut Vec<Option<u32>>, places: &mut Vec<u32>) {
        let bounds = self
            .held
            .as_ref()
            .map_or((owner as u32, owner as u32 + 1), |held| (held.offsets[owner], held.offsets[owner + 1]));
        let index = self.held.as_ref().and_then(|held| held.index.as_ref());
        for at in bounds.0..bounds.1 {
            let place = index.map_or(at, |index| index.value(at as usize));
            for (n, condition) in self.conditions.iter().enumerate() {
                if condition.as_ref().is_none_or(|holds| holds.is_valid(place as usize) && holds.value(place as usize))
                {
                    entries.push(Some(self.first + n as u32));
                    places.push(place);
                }
            }
        }
    }
}

impl Chunk<'_> {
    /// The frame of a row list: for each parent row the entries that hold, then as many more rows as are counted.
    pub(super) fn listed(&mut self, parent: usize, table: usize, list: &List) -> Result<usize> {
        let when = list.when.map(|when| self.column(parent, when)).transpose()?;
        let more = list.more.map(|more| self.column(parent, more)).transpose()?;
        let (mut given, mut frames) = (Vec::new(), Vec::new());
        for entries in &list.entries {
            let held = entries.hand.map(|hand| self.hand(parent, hand)).transpose()?;
            let frame = held.as_ref().map_or(parent, |held| held.frame);
            let conditions = entries.conditions.iter().map(|condition| {
                condition.map(|column| Ok(self.column(frame, column)?.as_boolean().clone())).transpose()
            });
            let (first, conditions) = (frames.len() as u32, conditions.collect::<Result<Vec<_>>>()?);
            frames.extend(conditions.iter().map(|_| frame));
            given.push(Given { first, held, conditions });
        }
        let owners = self.frames[parent].rows.len();
        let (mut entries, mut places, mut ends) = (Vec::new(), Vec::new(), Vec::with_capacity(owners));
        for owner in 0..owners {
            if when.as_ref().is_none_or(|when| when.is_valid(owner) && when.as_boolean().value(owner)) {
                given.iter().for_each(|given| given.add(owner, &mut entries, &mut places));
            }
            ends.push(entries.len());
        }
        let more: Vec<i64> = match &more {
            Some(more) => more.as_primitive::<Int64Type>().iter().map(|more| more.unwrap_or(0).max(0)).collect(),
            None => vec![0; owners],
        };
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let counts =
            ends.iter().zip(starts).zip(&more).map(|((end, start), more)| ((end - start) as i64).saturating_add(*more));
        let offsets = offsets(counts, self.room())
            .map_err(|error| error.within(&format!("tables.{}.row", self.plan.tables[table].name)))?;
        if list.more.is_some() {
            (entries, places) = followed(&entries, &places, &ends, &more);
        }
        let (rows, index) = self.children_rows(parent, table, offsets);
        let frame = self.add(table, rows, Some((parent, index)));
        self.frames[frame].listed = Some(Rows { entries, places, frames });
        Ok(frame)
    }

    /// A value of the entries, for each row its own entry's.
    pub(super) fn listed_column(&mut self, frame: usize, values: &[Listed], ty: &DataType) -> Result<ArrayRef> {
        let frames = match &self.frames[frame].listed {
            Some(rows) => rows.frames.clone(),
            None => return Err(Error::internal("a row list without rows")),
        };
        // The null is the first of the arrays.
        let mut arrays = vec![new_null_array(ty, 1)];
        for (value, frame) in values.iter().zip(&frames) {
            arrays.push(match value {
                Listed::Constant(value) => sql::cast(value, ty)?,
                Listed::Column(_, column) => sql::cast(&self.column(*frame, *column)?, ty)?,
                Listed::Null => new_null_array(ty, 1),
            });
        }
        let Some(rows) = &self.frames[frame].listed else { return Err(Error::internal("a row list without rows")) };
        let places = rows.entries.iter().zip(&rows.places).map(|(entry, place)| match entry {
            Some(entry) => match values[*entry as usize] {
                Listed::Column(..) => (*entry as usize + 1, *place as usize),
                Listed::Constant(_) | Listed::Null => (*entry as usize + 1, 0),
            },
            None => (0, 0),
        });
        let places: Vec<(usize, usize)> = places.collect();
        let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
        Ok(interleave(&arrays, &places)?)
    }
}

/// The listed rows of each owner with those that follow them.
fn followed(entries: &[Option<u32>], places: &[u32], ends: &[usize], more: &[i64]) -> (Vec<Option<u32>>, Vec<u32>) {
    let (mut all, mut at, mut start) = (Vec::new(), Vec::new(), 0);
    for (end, more) in ends.iter().zip(more) {
        all.extend_from_slice(&entries[start..*end]);
        at.extend_from_slice(&places[start..*end]);
        all.resize(all.len() + *more as usize, None);
        at.resize(all.len(), 0);
        start = *end;
    }
    (all, at)
}
