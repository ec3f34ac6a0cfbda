//! Damage to encrypted cells.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BinaryArray, RecordBatch, StringArray};
use arrow_schema::DataType;

use super::choose::text_at;
use crate::error::{Error, Result};
use crate::profile::SealKind;
use crate::stage::{Edits, SealedCell};

/// The bytes at the end of a cell that hold its tag, at least.
const TAG: usize = 12;

/// The protected columns of changed rows with their damaged cells. `clean` are the protected rows that they were, and `clear` the
/// values of the changed rows before protection.
pub(super) fn damage(columns: &mut [ArrayRef], edits: &Edits, clean: &RecordBatch, clear: &RecordBatch) -> Result<()> {
    for cell in &edits.sealed {
        let SealedCell { changed, place, how } = *cell;
        let (row, own) = (edits.origins[changed as usize] as usize, Arc::clone(&columns[place]));
        let other = || {
            let rows = clean.num_rows();
            let cells = clean.column(place);
            let others = (1..rows).map(|step| (row + step) % rows);
            let differs = |at: &usize| bytes(cells, *at).is_some_and(|cell| Some(&cell) != bytes(cells, row).as_ref());
            let mut found = others.filter(differs);
            found.next().and_then(|at| bytes(cells, at))
        };
        let sealed = bytes(&own, changed as usize).ok_or_else(|| Error::internal("a sealed null"))?;
        let new = match how {
            SealKind::Flip => flipped(sealed, *own.data_type() == DataType::Utf8),
            SealKind::Cut => sealed[..sealed.len().saturating_sub(TAG)].to_vec(),
            // Alone in its chunk, a row has no other to take a cell from: a bit is changed instead.
            SealKind::Move => other().unwrap_or_else(|| flipped(sealed, *own.data_type() == DataType::Utf8)),
            SealKind::Clear => text_at(clear.column(place), changed)?.unwrap_or_default().into_bytes(),
        };
        columns[place] = replaced(&own, changed as usize, new)?;
    }
    Ok(())
}

/// A bit is another one: in a text one that leaves a letter of the alphabet of base64.
fn flipped(mut sealed: Vec<u8>, text: bool) -> Vec<u8> {
    let at = sealed.len() * 3 / 4;
    if let Some(byte) = sealed.get_mut(at) {
        *byte = match (text, *byte) {
            (false, byte) => byte ^ 1,
            (true, b'A') => b'B',
            (true, _) => b'A',
        };
    }
    sealed
}

fn bytes(cells: &ArrayRef, row: usize) -> Option<Vec<u8>> {
    if cells.is_null(row) {
        return None;
    }
    match cells.data_type() {
        DataType::Binary => Some(cells.as_binary::<i32>().value(row).to_vec()),
        DataType::Utf8 => Some(cells.as_string::<i32>().value(row).as_bytes().to_vec()),
        _ => None,
    }
}

fn replaced(cells: &ArrayRef, row: usize, new: Vec<u8>) -> Result<ArrayRef> {
    let wrong = || Error::internal("an encrypted cell that is no text");
    Ok(match cells.data_type() {
        DataType::Binary => {
            let old = cells.as_binary::<i32>().iter().enumerate();
            Arc::new(old.map(|(n, cell)| if n == row { Some(new.as_slice()) } else { cell }).collect::<BinaryArray>())
        }
        DataType::Utf8 => {
            let new = String::from_utf8(new).map_err(|_| wrong())?;
            let old = cells.as_string::<i32>().iter().enumerate();
            Arc::new(old.map(|(n, cell)| if n == row { Some(new.as_str()) } else { cell }).collect::<StringArray>())
        }
        _ => return Err(wrong()),
    })
}
