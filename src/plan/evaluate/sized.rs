//! What is too large for memory or for the command line's limits is refused before it is copied or handed on.

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Int32Type};
use arrow_array::{Array, ArrayRef, PrimitiveArray, StringArray};
use arrow_buffer::ArrowNativeType;
use arrow_select::take::take;

use super::Chunk;
use crate::error::{Error, Kind, Result};

/// The most bytes of a column of text in one chunk.
const MAX_COLUMN: usize = 1 << 28;

impl Chunk<'_> {
    /// A column, none of whose texts is longer than the command line allows.
    pub(super) fn sized(&self, frame: usize, array: ArrayRef) -> Result<ArrayRef> {
        if let Some(texts) = array.as_string_opt::<i32>()
            && texts.offsets()[texts.len()] - texts.offsets()[0] > MAX_COLUMN as i32
        {
            return Err(too_large());
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
        let Some((row, bytes)) = row else { return Ok(array) };
        let place = self.place(frame, row);
        Err(Error::new(Kind::Profile, format!("{place} has a text of {bytes} bytes, more than {cap}"))
            .hint(format!("`--max-cell {bytes}` allows it")))
    }

    /// A row as a user finds it again: its number, or its place under the row of the root table.
    fn place(&self, frame: usize, row: usize) -> String {
        let frame = &self.frames[frame];
        let depth = self.plan.depth(frame.table);
        let root = frame.rows.paths[row] >> (24 * depth);
        match depth {
            0 => format!("row {root}"),
            _ => format!("ordinal {} below root row {root}", frame.rows.ordinals[row] + 1),
        }
    }
}

/// The first text that is longer, and its length.
fn longer(texts: &StringArray, cap: usize) -> Option<(usize, usize)> {
    if texts.value_data().len() <= cap {
        return None;
    }
    (0..texts.len()).map(|i| (i, texts.value_length(i) as usize)).find(|(_, bytes)| *bytes > cap)
}

fn too_large() -> Error {
    Error::new(Kind::Profile, format!("the texts of a chunk have more than {MAX_COLUMN} bytes"))
        .hint("a smaller `chunk` in the root table makes fewer rows at a time")
}

/// The values at some places, unless their texts have too many bytes together.
pub(super) fn gather<T: ArrowPrimitiveType>(values: &ArrayRef, places: &PrimitiveArray<T>) -> Result<ArrayRef> {
    if let Some(texts) = values.as_string_opt::<i32>()
        && texts.value_data().len().saturating_mul(places.len()) > MAX_COLUMN
    {
        let bytes: usize = places.iter().flatten().map(|place| texts.value_length(place.as_usize()) as usize).sum();
        if bytes > MAX_COLUMN {
            return Err(too_large());
        }
    }
    Ok(take(values, places, None)?)
}
