//! Limits on texts: a cell within `--max-cell`, a column of a chunk within 256 MiB, checked before the texts are
//! copied.

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Int32Type};
use arrow_array::{Array, ArrayRef, PrimitiveArray, StringArray};
use arrow_buffer::ArrowNativeType;
use arrow_select::take::take;

use super::Chunk;
use crate::error::{Error, Kind, Result};

/// The greatest size of a column of text in one chunk, in bytes.
const MAX_COLUMN: usize = 1 << 28;

impl Chunk<'_> {
    /// Passes a column on, or refuses a text over the limit of the command line.
    pub(super) fn within_limits(&self, frame: usize, array: ArrayRef) -> Result<ArrayRef> {
        if let Some(texts) = array.as_string_opt::<i32>()
            && texts.offsets()[texts.len()] - texts.offsets()[0] > MAX_COLUMN as i32
        {
            return Err(column_too_large());
        }
        let cap = usize::try_from(self.plan.limits.cell).unwrap_or(usize::MAX);
        let row = match (array.as_string_opt::<i32>(), array.as_dictionary_opt::<Int32Type>()) {
            (Some(texts), _) => longer(texts, cap),
            (_, Some(codes)) => match codes.values().as_string_opt::<i32>().and_then(|texts| longer(texts, cap)) {
                Some((value, bytes)) => codes
                    .keys()
                    .iter()
                    .position(|key| key.is_some_and(|key| key as usize == value))
                    .map(|row| (row, bytes)),
                None => None,
            },
            _ => None,
        };
        row.map_or(Ok(array), |(row, bytes)| Err(self.too_long(frame, row, bytes)))
    }

    pub(super) fn too_long(&self, frame: usize, row: usize, bytes: usize) -> Error {
        let (place, cap) = (self.place(frame, row), self.plan.limits.cell);
        Error::new(Kind::Profile, format!("{place} has a text of {bytes} bytes, more than the limit of {cap}"))
            .hint(format!("`--max-cell {bytes}` allows it"))
    }

    /// Describes a row for the user: its number, or its ordinal below a numbered root row.
    pub(super) fn place(&self, frame: usize, row: usize) -> String {
        let frame = &self.frames[frame];
        let depth = self.plan.depth(frame.table);
        let root = frame.rows.paths[row] >> (24 * depth);
        match depth {
            0 => format!("row {root}"),
            _ => format!("ordinal {} below root row {root}", frame.rows.ordinals[row] + 1),
        }
    }
}

/// Finds the first text of more than `cap` bytes: its index and length.
fn longer(texts: &StringArray, cap: usize) -> Option<(usize, usize)> {
    if texts.value_data().len() <= cap {
        return None;
    }
    (0..texts.len()).map(|i| (i, texts.value_length(i) as usize)).find(|(_, bytes)| *bytes > cap)
}

/// Refuses a column whose texts have more than 256 MiB in total.
pub(super) fn within_column(bytes: usize) -> Result<()> {
    if bytes > MAX_COLUMN { Err(column_too_large()) } else { Ok(()) }
}

fn column_too_large() -> Error {
    Error::new(Kind::Profile, format!("the texts of a column have more than {MAX_COLUMN} bytes in one chunk"))
        .hint("set a smaller `chunk` in the root table")
}

/// Gathers the values at some indexes, or refuses them if their texts have more than 256 MiB in total.
pub(super) fn gather<T: ArrowPrimitiveType>(values: &ArrayRef, places: &PrimitiveArray<T>) -> Result<ArrayRef> {
    if let Some(texts) = values.as_string_opt::<i32>()
        && texts.value_data().len().saturating_mul(places.len()) > MAX_COLUMN
    {
        let bytes: usize = places.iter().flatten().map(|place| texts.value_length(place.as_usize()) as usize).sum();
        within_column(bytes)?;
    }
    Ok(take(values, places, None)?)
}
