//! Aggregates over hands and window functions over siblings, as folds over lists of rows.

mod aggregate;
mod running;

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, UInt32Array};
use arrow_ord::ord::{DynComparator, make_comparator};
use arrow_schema::SortOptions;
use arrow_select::take::take;

pub(super) use aggregate::aggregate;
pub(super) use running::window;

use crate::error::{Error, Result};
use crate::sql;

/// Lists of rows in one vector.
pub(super) struct Lists {
    rows: Vec<u32>,
    bounds: Vec<u32>,
}

impl Lists {
    /// Makes the lists between offsets, without the rows for which a condition is not true.
    pub(super) fn new(offsets: &[u32], keep: Option<&BooleanArray>) -> Self {
        let Some(keep) = keep else {
            let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
            return Self { rows: (first..last).collect(), bounds: offsets.to_vec() };
        };
        let mut lists = Self { rows: Vec::new(), bounds: vec![0] };
        for pair in offsets.windows(2) {
            let kept = (pair[0]..pair[1]).filter(|row| keep.value(*row as usize) && !keep.is_null(*row as usize));
            lists.rows.extend(kept);
            lists.bounds.push(lists.rows.len() as u32);
        }
        lists
    }

    /// Joins the i-th lists of all parts. The rows of a part are renumbered from its start.
    pub(super) fn joined(mut parts: Vec<Self>, starts: &[u32]) -> Self {
        if parts.len() == 1 {
            return parts.remove(0);
        }
        let mut all = Self { rows: Vec::new(), bounds: vec![0] };
        for list in 0..parts.first().map_or(0, Self::len) {
            for (part, start) in parts.iter().zip(starts) {
                let range = part.bounds[list] as usize..part.bounds[list + 1] as usize;
                all.rows.extend(part.rows[range].iter().map(|row| row + start));
            }
            all.bounds.push(all.rows.len() as u32);
        }
        all
    }

    /// Gives the number of lists.
    pub(super) fn len(&self) -> usize {
        self.bounds.len().saturating_sub(1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.bounds.windows(2).map(|pair| &self.rows[pair[0] as usize..pair[1] as usize])
    }

    /// Sorts each list; equal rows keep their order.
    pub(super) fn sort(&mut self, order: &Order) {
        for pair in self.bounds.windows(2) {
            let list = &mut self.rows[pair[0] as usize..pair[1] as usize];
            list.sort_by(|a, b| order.compare(*a as usize, *b as usize));
        }
    }

    /// Splits each list between neighbours that differ. Returns for each piece the index of its original list.
    pub(super) fn cut(&mut self, order: &Order) -> Vec<u32> {
        let (mut bounds, mut from) = (vec![self.bounds.first().copied().unwrap_or(0)], Vec::new());
        for (index, pair) in self.bounds.windows(2).enumerate() {
            for at in pair[0]..pair[1] {
                let last = at + 1 == pair[1];
                let (row, next) = (self.rows[at as usize], self.rows[if last { at } else { at + 1 } as usize]);
                if last || order.compare(row as usize, next as usize).is_ne() {
                    bounds.push(at + 1);
                    from.push(index as u32);
                }
            }
        }
        self.bounds = bounds;
        from
    }

    /// Gives the rows, and the offsets of the lists in them.
    pub(super) fn into_parts(self) -> (Vec<u32>, Vec<u32>) {
        (self.rows, self.bounds)
    }

    /// Copies the lists without the rows in which a column is null.
    pub(super) fn without_nulls(&self, array: &ArrayRef) -> Self {
        let mut lists = Self { rows: Vec::with_capacity(self.rows.len()), bounds: vec![0] };
        for list in self.iter() {
            lists.rows.extend(list.iter().filter(|row| !array.is_null(**row as usize)));
            lists.bounds.push(lists.rows.len() as u32);
        }
        lists
    }
}

/// The order of rows by columns; nulls come last, as in `DuckDB`.
pub(super) struct Order(Vec<DynComparator>);

impl Order {
    /// Prepares the order by the first column, then by the next; `true` is descending.
    pub(super) fn new(columns: &[(ArrayRef, bool)]) -> Result<Self> {
        let compare = |(column, descending): &(ArrayRef, bool)| {
            let plain = sql::cast(column, sql::types::logical(column.data_type()))?;
            let options = SortOptions { descending: *descending, nulls_first: false };
            Ok(make_comparator(&plain, &plain, options)?)
        };
        Ok(Self(columns.iter().map(compare).collect::<Result<_>>()?))
    }

    fn compare(&self, a: usize, b: usize) -> std::cmp::Ordering {
        self.0.iter().map(|compare| compare(a, b)).find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    }
}

fn gather(array: &ArrayRef, rows: impl Iterator<Item = Option<u32>>) -> Result<ArrayRef> {
    Ok(take(array, &rows.collect::<UInt32Array>(), None)?)
}

fn overflow(what: &str) -> Error {
    Error::profile("", format!("a {what} is too large for its type"))
}

fn shared<T: Array + 'static>(array: T) -> ArrayRef {
    Arc::new(array)
}

/// Refuses sums of more than 38 digits.
fn checked(sums: &[Option<i128>]) -> Result<()> {
    match sums.iter().flatten().any(|sum| sum.unsigned_abs() >= 10_u128.pow(38)) {
        true => Err(overflow("sum")),
        false => Ok(()),
    }
}

/// Makes the lists of siblings, split by the partition and sorted by the order.
pub(super) fn lists(offsets: &[u32], partition: Option<&Order>, order: Option<&Order>) -> Lists {
    let mut lists = Lists::new(offsets, None);
    if let Some(partition) = partition {
        lists.sort(partition);
        lists.cut(partition);
    }
    if let Some(order) = order {
        lists.sort(order);
    }
    lists
}
