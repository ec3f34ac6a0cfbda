//! The memory that rows take. Chunks are sized by it, and a chunk that would take more than its share is refused.

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

use super::{Column, MeanRows, Plan};

/// Bytes of a row beside its cells: key, ordinal, path, and the place of its parent.
pub(super) const ROW: u64 = 40;
/// Bytes of a frame beside its rows.
pub(super) const FRAME: u64 = 400;
/// Bytes of a frame for each column and table of the plan.
pub(super) const SLOT: u64 = 16;

/// Counts the bytes of a column's values. The texts of a dictionary, which columns share, are not counted.
pub(super) fn bytes(array: &ArrayRef) -> u64 {
    let rows = array.len();
    let nulls = array.nulls().map_or(0, |_| rows.div_ceil(8));
    let values = match array.data_type() {
        DataType::Utf8 => {
            let texts = array.as_string::<i32>();
            (texts.offsets()[rows] - texts.offsets()[0]) as usize + 4 * rows
        }
        DataType::Dictionary(..) if array.as_dictionary_opt::<Int32Type>().is_some() => 4 * rows,
        other => rows * width(other) as usize,
    };
    (values + nulls) as u64
}

/// The bytes of a text that nothing is known of: in an estimate, and at least.
const TEXT: [u64; 2] = [36, 8];
/// The fewest values that tell the width of others.
const ENOUGH: usize = 64;

/// Gives the bytes that a value of a type takes.
fn width(ty: &DataType) -> u64 {
    match ty {
        DataType::Boolean | DataType::Null => 1,
        DataType::Dictionary(..) => 4,
        DataType::Utf8 | DataType::Binary => TEXT[0],
        other => other.primitive_width().unwrap_or(8) as u64,
    }
}

impl Column {
    /// Estimates the bytes of so many values: by the first that were made in this run, or else by their type.
    pub(super) fn expected(&self, rows: usize) -> u64 {
        match self.seen.get() {
            Some((bytes, seen)) => (u128::from(*bytes) * rows as u128 / u128::from(*seen)) as u64,
            None if self.ty == DataType::Utf8 => TEXT[1] * rows as u64,
            None => width(&self.ty) * rows as u64,
        }
    }

    /// Notes the bytes of values that were made, unless they are few: a single text may be far longer than others.
    pub(super) fn see(&self, rows: usize, bytes: u64) {
        if rows >= ENOUGH {
            self.seen.get_or_init(|| (bytes, rows as u64));
        }
    }
}

impl Plan {
    /// Estimates the bytes of one root row with all rows below it, and every column of theirs, by the types of the columns.
    pub(super) fn row_bytes(&self, means: &[MeanRows]) -> f64 {
        let cells = |table: usize| self.tables[table].columns.iter().map(|column| width(&column.ty)).sum::<u64>();
        means.iter().map(|mean| mean.rows * (ROW + cells(mean.table)) as f64).sum()
    }

    /// Counts the bytes that data files and the columns of small tables take for the whole run.
    #[must_use]
    pub(crate) fn resident(&self) -> u64 {
        let data: usize = self.data.values().map(|data| data.memory()).sum();
        let cached = self.tables.iter().flat_map(|table| table.cached.iter().flatten());
        let cached: usize = cached.filter_map(|cell| cell.get()).map(Array::get_array_memory_size).sum();
        (data + cached) as u64
    }
}
