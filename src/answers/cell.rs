//! The value of an answer for one group of rows in one view: exact, and the same in whatever order rows come.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_buffer::i256;
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

/// The values of rows, folded for each group: group `codes[i]` of row `i`, if `kept` says so.
///
/// # Errors
///
/// If the type has no such fold.
pub(super) fn folded(
    values: Option<&ArrayRef>,
    fold: Fold,
    groups: usize,
    rows: impl Iterator<Item = (usize, usize)>,
) -> Result<Vec<Cell>> {
    let numbers = |array: &ArrayRef, rows: &mut dyn Iterator<Item = (usize, usize)>| -> Result<Vec<Cell>> {
        Ok(match array.data_type() {
            DataType::Int64 => {
                fold_numbers(fold, groups, rows, &|row| i128::from(array.as_primitive::<Int64Type>().value(row)))
            }
            DataType::Date32 => {
                fold_numbers(fold, groups, rows, &|row| i128::from(array.as_primitive::<Date32Type>().value(row)))
            }
            DataType::Timestamp(..) => fold_numbers(fold, groups, rows, &|row| {
                i128::from(array.as_primitive::<TimestampMicrosecondType>().value(row))
            }),
            DataType::Decimal128(..) => {
                fold_numbers(fold, groups, rows, &|row| array.as_primitive::<Decimal128Type>().value(row))
            }
            other => return Err(Error::internal(format!("{other} in an answer"))),
        })
    };
    let nulls = values.and_then(|array| array.logical_nulls());
    let has_value = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
    match (values, fold) {
        (_, Fold::Count | Fold::Nulls) => {
            let mut counts = vec![0_u64; groups];
            rows.filter(|(row, _)| has_value(*row) != (fold == Fold::Nulls)).for_each(|(_, group)| counts[group] += 1);
            Ok(counts.into_iter().map(Cell::count).collect())
        }
        (Some(array), Fold::Least | Fold::Greatest)
            if matches!(array.data_type(), DataType::Utf8 | DataType::Dictionary(..)) =>
        {
            let texts = as_text(array)?;
            let texts: &StringArray = texts.as_string();
            let mut found: Vec<Option<usize>> = vec![None; groups];
            for (row, group) in rows.filter(|(row, _)| has_value(*row)) {
                let better = found[group].is_none_or(|known| match fold {
                    Fold::Least => texts.value(row) < texts.value(known),
                    _ => texts.value(row) > texts.value(known),
                });
                if better {
                    found[group] = Some(row);
                }
            }
            let text = |row: Option<usize>| row.map_or(Cell::None, |row| Cell::Text(texts.value(row).to_owned()));
            Ok(found.into_iter().map(text).collect())
        }
        (Some(array), _) => numbers(array, &mut rows.filter(|(row, _)| has_value(*row))),
        (None, _) => Err(Error::internal("a fold without values")),
    }
}

fn fold_numbers(
    fold: Fold,
    groups: usize,
    rows: &mut dyn Iterator<Item = (usize, usize)>,
    value: &dyn Fn(usize) -> i128,
) -> Vec<Cell> {
    if matches!(fold, Fold::Least | Fold::Greatest) {
        let mut found: Vec<Option<i128>> = vec![None; groups];
        for (row, group) in rows {
            let value = value(row);
            let own = found[group].get_or_insert(value);
            *own = if fold == Fold::Least { (*own).min(value) } else { (*own).max(value) };
        }
        return found.into_iter().map(|n| n.map_or(Cell::None, |n| Cell::Number(i256::from_i128(n)))).collect();
    }
    // Sums of 128 bits as long as they fit, of 256 where they do not: 2^128 rows would be needed to leave those.
    let (mut sums, mut more) = (vec![0_i128; groups], vec![i256::ZERO; groups]);
    for (row, group) in rows {
        let value = if fold == Fold::Nonzero { i128::from(value(row) != 0) } else { value(row) };
        sums[group] = sums[group].checked_add(value).unwrap_or_else(|| {
            more[group] = more[group].wrapping_add(i256::from_i128(sums[group]));
            value
        });
    }
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
        let made = fold_numbers(Fold::Sum, 1, &mut (0..3).map(|row| (row, 0)), &|_| big);
        let three = i256::from_i128(big).wrapping_mul(i256::from_i128(3));
        assert_eq!(made, [Cell::Number(three)]);
    }
}
