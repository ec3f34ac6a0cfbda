//! Functions that make text, row by row.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, StringArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::DataType::{self, Null, Utf8};

use super::{Resolved, Value};
use crate::arrays::texts;
use crate::error::{Error, Kind, Result};

/// The longest text of a function, in bytes.
pub(super) const MAX_TEXT: usize = 1 << 24;

/// The greatest size of a column of text in one chunk, in bytes.
const MAX_COLUMN: usize = 1 << 28;

pub(super) fn all_text(args: &[DataType]) -> Option<Resolved> {
    (!args.is_empty() && args.iter().all(|a| matches!(a, Utf8 | Null))).then(|| (vec![Utf8; args.len()], Utf8))
}

pub(super) fn one_text(args: &[DataType]) -> Option<Resolved> {
    (args.len() == 1).then(|| all_text(args))?
}

/// Makes a column of text: `write` appends to what it is given, or returns `None` for null.
pub(super) fn text(rows: usize, mut write: impl FnMut(usize, &mut String) -> Option<()>) -> Result<ArrayRef> {
    let (mut all, mut ends) = (String::with_capacity(rows * 16), Vec::with_capacity(rows + 1));
    let mut valid: Option<Vec<bool>> = None;
    ends.push(0_i32);
    for i in 0..rows {
        let start = all.len();
        if write(i, &mut all).is_none() {
            all.truncate(start);
            valid.get_or_insert_with(|| vec![true; rows])[i] = false;
        }
        let bytes = all.len() - start;
        if bytes > MAX_TEXT {
            return Err(Error::new(Kind::Profile, format!("a text has {bytes} bytes, more than {MAX_TEXT}")));
        }
        if all.len() > MAX_COLUMN {
            return Err(Error::new(
                Kind::Profile,
                format!("the texts of a column have more than {MAX_COLUMN} bytes in one chunk"),
            )
            .hint("set a smaller `chunk` in the root table"));
        }
        ends.push(all.len() as i32);
    }
    let ends = OffsetBuffer::new(ends.into());
    Ok(Arc::new(StringArray::try_new(ends, all.into_bytes().into(), valid.map(NullBuffer::from))?))
}

/// Makes a text for each row from a text and up to two integers.
pub(super) fn map(args: &[Value], rows: usize, f: impl Fn(&str, &[i64], &mut String)) -> Result<ArrayRef> {
    let t = texts(args[0].array());
    let numbers: Vec<&Int64Array> = args[1..].iter().map(|a| a.array().as_primitive::<Int64Type>()).collect();
    text(rows, |i, out| {
        let mut n = [0; 2];
        for (at, column) in numbers.iter().enumerate() {
            let row = args[at + 1].row(i);
            n[at] = (!column.is_null(row)).then(|| column.value(row))?;
        }
        f(t.at(args[0].row(i))?, &n[..numbers.len()], out);
        Some(())
    })
}
