//! The value of an answer for one group of rows in one view: exact, and the same in whatever order rows come.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, BooleanArray, StringArray};
use arrow_buffer::{NullBuffer, i256};
use arrow_schema::DataType;

use crate::error::{Error, Result};
use crate::plan::Fold;
use crate::sql::{as_text, civil};

/// A value of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Cell {
    /// No value: the least of no rows.
    #[default]
    None,
    /// A count, a sum in the last place of its decimals, or days or microseconds since 1970.
    Number(i256),
    /// A text.
    Text(String),
}

impl Cell {
    pub(super) fn count(rows: u64) -> Self {
        Cell::Number(i256::from_i128(i128::from(rows)))
    }

    /// Adds the value of other rows.
    pub(super) fn merge(&mut self, other: &Cell, fold: Fold) {
        let keep = match (&*self, other) {
            (_, Cell::None) => return,
            (Cell::Number(own), Cell::Number(other)) => match fold {
                Fold::Least => own <= other,
                Fold::Greatest => own >= other,
                _ => {
                    *self = Cell::Number(own.wrapping_add(*other));
                    return;
                }
            },
            (Cell::Text(own), Cell::Text(other)) => (fold == Fold::Least) == (own <= other),
            _ => false,
        };
        if !keep {
            self.clone_from(other);
        }
    }

    /// The text of the value; `None` where there is none.
    pub(super) fn text(&self, ty: &DataType) -> Option<String> {
        match (self, ty) {
            (Cell::None, _) => None,
            (Cell::Text(text), _) => Some(text.clone()),
            (Cell::Number(n), DataType::Date32) => Some(civil::date_text(n.as_i128() as i32)),
            (Cell::Number(n), DataType::Timestamp(_, None)) => Some(civil::datetime_text(n.as_i128() as i64)),
            (Cell::Number(n), DataType::Timestamp(..)) => Some(civil::instant_text(n.as_i128() as i64)),
            (Cell::Number(n), DataType::Decimal128(_, scale)) => {
                Some(decimal(*n, usize::try_from(*scale).unwrap_or(0)))
            }
            (Cell::Number(n), _) => Some(n.to_string()),
        }
    }
}

/// A decimal of its digits and the number of its places.
pub(super) fn decimal(n: i256, scale: usize) -> String {
    let text = n.to_string();
    if scale == 0 {
        return text;
    }
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, places) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{places}")
}

/// The rows that are folded: the group of each, and which of them count.
pub(super) struct Rows<'a> {
    /// The group of each row; `None` where all are one group.
    pub(super) codes: Option<&'a [u32]>,
    /// A truth value for each row that counts; `None` for all rows.
    pub(super) kept: Option<&'a BooleanArray>,
    /// The number of rows, and of groups.
    pub(super) count: usize,
    pub(super) groups: usize,
}

impl Rows<'_> {
    /// Calls `each` with every row that counts and has a value, and its group.
    #[inline]
    pub(super) fn each(&self, nulls: Option<&NullBuffer>, mut each: impl FnMut(usize, usize)) {
        let counts = |row: usize| {
            self.kept.is_none_or(|kept| kept.is_valid(row) && kept.value(row))
                && nulls.is_none_or(|nulls| nulls.is_valid(row))
        };
        let all = self.kept.is_none() && nulls.is_none();
        match self.codes {
            Some(codes) if all => codes.iter().enumerate().for_each(|(row, code)| each(row, *code as usize)),
            Some(codes) => (0..self.count).filter(|row| counts(*row)).for_each(|row| each(row, codes[row] as usize)),
            None if all => (0..self.count).for_each(|row| each(row, 0)),
            None => (0..self.count).filter(|row| counts(*row)).for_each(|row| each(row, 0)),
        }
    }
}

/// The values of rows, folded for each group.
///
/// # Errors
///
/// If the type has no such fold.
pub(super) fn folded(values: Option<&ArrayRef>, fold: Fold, rows: &Rows<'_>) -> Result<Vec<Cell>> {
    let nulls = values.and_then(Array::logical_nulls).filter(|nulls| nulls.null_count() > 0);
    let nulls = nulls.as_ref();
    let Some(array) = values else {
        let mut counts = vec![0_u64; rows.groups];
        rows.each(None, |_, group| counts[group] += 1);
        return Ok(counts.into_iter().map(Cell::count).collect());
    };
    Ok(match (fold, array.data_type()) {
        (Fold::Count, _) => {
            let mut counts = vec![0_u64; rows.groups];
            rows.each(nulls, |_, group| counts[group] += 1);
            counts.into_iter().map(Cell::count).collect()
        }
        (Fold::Nulls, _) => {
            let mut counts = vec![0_u64; rows.groups];
            rows.each(None, |row, group| counts[group] += u64::from(nulls.is_some_and(|nulls| nulls.is_null(row))));
            counts.into_iter().map(Cell::count).collect()
        }
        (Fold::Least | Fold::Greatest, DataType::Utf8 | DataType::Dictionary(..)) => {
            extreme_texts(array, fold, nulls, rows)?
        }
        (_, DataType::Int64) => numbers(array.as_primitive::<Int64Type>().values(), fold, nulls, rows),
        (_, DataType::Date32) => numbers(array.as_primitive::<Date32Type>().values(), fold, nulls, rows),
        (_, DataType::Timestamp(..)) => {
            numbers(array.as_primitive::<TimestampMicrosecondType>().values(), fold, nulls, rows)
        }
        (_, DataType::Decimal128(..)) => numbers(array.as_primitive::<Decimal128Type>().values(), fold, nulls, rows),
        (_, other) => return Err(Error::internal(format!("{other} in an answer"))),
    })
}

fn extreme_texts(array: &ArrayRef, fold: Fold, nulls: Option<&NullBuffer>, rows: &Rows<'_>) -> Result<Vec<Cell>> {
    let texts = as_text(array)?;
    let texts: &StringArray = texts.as_string();
    let mut found: Vec<Option<usize>> = vec![None; rows.groups];
    rows.each(nulls, |row, group| {
        let better = found[group].is_none_or(|known| match fold {
            Fold::Least => texts.value(row) < texts.value(known),
            _ => texts.value(row) > texts.value(known),
        });
        if better {
            found[group] = Some(row);
        }
    });
    let text = |row: Option<usize>| row.map_or(Cell::None, |row| Cell::Text(texts.value(row).to_owned()));
    Ok(found.into_iter().map(text).collect())
}

fn numbers<T: Copy + Into<i128>>(values: &[T], fold: Fold, nulls: Option<&NullBuffer>, rows: &Rows<'_>) -> Vec<Cell> {
    if matches!(fold, Fold::Least | Fold::Greatest) {
        let mut found: Vec<Option<i128>> = vec![None; rows.groups];
        rows.each(nulls, |row, group| {
            let value = values[row].into();
            let own = found[group].get_or_insert(value);
            *own = if fold == Fold::Least { (*own).min(value) } else { (*own).max(value) };
        });
        return found.into_iter().map(|n| n.map_or(Cell::None, |n| Cell::Number(i256::from_i128(n)))).collect();
    }
    if fold == Fold::Nonzero {
        let mut counts = vec![0_u64; rows.groups];
        rows.each(nulls, |row, group| counts[group] += u64::from(values[row].into() != 0));
        return counts.into_iter().map(Cell::count).collect();
    }
    // Sums of 128 bits as long as they fit, of 256 where they do not: 2^128 rows would be needed to leave those.
    let (mut sums, mut more) = (vec![0_i128; rows.groups], vec![i256::ZERO; rows.groups]);
    rows.each(nulls, |row, group| {
        let value = values[row].into();
        match sums[group].checked_add(value) {
            Some(sum) => sums[group] = sum,
            None => {
                more[group] = more[group].wrapping_add(i256::from_i128(sums[group]));
                sums[group] = value;
            }
        }
    });
    let sum = |(sum, more): (i128, i256)| Cell::Number(more.wrapping_add(i256::from_i128(sum)));
    sums.into_iter().zip(more).map(sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_all_their_places() {
        let text = |n: i128| decimal(i256::from_i128(n), 2);
        assert_eq!([0, 5, -5, 123, -1234].map(text), ["0.00", "0.05", "-0.05", "1.23", "-12.34"]);
    }

    #[test]
    fn sums_do_not_overflow() {
        let big = i128::MAX;
        let rows = Rows { codes: None, kept: None, count: 3, groups: 1 };
        let made = numbers(&[big; 3], Fold::Sum, None, &rows);
        let three = i256::from_i128(big).wrapping_mul(i256::from_i128(3));
        assert_eq!(made, [Cell::Number(three)]);
    }
}
