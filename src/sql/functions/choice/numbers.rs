//! The first, least or greatest of several numbers, dates or instants in one pass over each column.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, PrimitiveArray};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

use crate::sql::Value;

/// The rule by which one of several values is chosen; nulls are never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    First,
    Least,
    Greatest,
}

/// Chooses a value for each row; `None` for values of other types than integers, decimals, dates and instants, or of several.
pub(super) fn chosen(args: &[Value], rows: usize, rule: Rule) -> Option<ArrayRef> {
    let ty = args.first()?.array().data_type();
    if args.iter().any(|arg| arg.array().data_type() != ty) {
        return None;
    }
    Some(match ty {
        DataType::Int64 => of::<Int64Type>(args, rows, rule),
        DataType::Date32 => of::<Date32Type>(args, rows, rule),
        DataType::Timestamp(..) => of::<TimestampMicrosecondType>(args, rows, rule),
        DataType::Decimal128(..) => of::<Decimal128Type>(args, rows, rule),
        _ => return None,
    })
}

fn of<T: ArrowPrimitiveType>(args: &[Value], rows: usize, rule: Rule) -> ArrayRef
where
    T::Native: Ord,
{
    let mut best = Best { values: vec![T::Native::default(); rows], known: None };
    for (n, arg) in args.iter().enumerate() {
        let array = arg.array().as_primitive::<T>();
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        match arg {
            Value::Scalar(_) if nulls.is_some() => {
                if n == 0 {
                    best.known = Some(vec![false; rows]);
                }
            }
            Value::Scalar(_) => best.take(n, rule, std::iter::repeat(array.value(0)), None),
            Value::Array(_) => best.take(n, rule, array.values().iter().copied(), nulls),
        }
        if rule == Rule::First && best.known.is_none() {
            break;
        }
    }
    let nulls = best.known.filter(|known| known.contains(&false)).map(NullBuffer::from);
    let ty = args[0].array().data_type().clone();
    Arc::new(PrimitiveArray::<T>::new(best.values.into(), nulls).with_data_type(ty))
}

/// The values chosen so far, and the rows that have one; `None` for all.
struct Best<N> {
    values: Vec<N>,
    known: Option<Vec<bool>>,
}

impl<N: Copy + Ord> Best<N> {
    /// Takes the values of the argument `n`.
    fn take(&mut self, n: usize, rule: Rule, values: impl Iterator<Item = N>, nulls: Option<&NullBuffer>) {
        let rows = self.values.len();
        let better = |new: N, old: N| match rule {
            Rule::First => false,
            Rule::Least => new < old,
            Rule::Greatest => new > old,
        };
        let known = match (nulls, &mut self.known) {
            (None, None) if n == 0 => {
                self.values.iter_mut().zip(values).for_each(|(best, new)| *best = new);
                return;
            }
            (None, None) => {
                let pairs = self.values.iter_mut().zip(values);
                pairs.for_each(|(best, new)| *best = if better(new, *best) { new } else { *best });
                return;
            }
            (_, known) => known.get_or_insert_with(|| vec![n > 0; rows]),
        };
        let rows = self.values.iter_mut().zip(known.iter_mut()).zip(values).enumerate();
        for (row, ((best, known), new)) in rows {
            if nulls.is_none_or(|nulls| nulls.is_valid(row)) && (!*known || better(new, *best)) {
                (*best, *known) = (new, true);
            }
        }
        if known.iter().all(|known| *known) {
            self.known = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Date32Array, Decimal128Array, Int64Array};
    use arrow_ord::cmp;
    use proptest::prelude::*;

    use super::super::{choose, extreme};
    use super::*;

    type Column = Vec<Option<i64>>;
    type Make = fn(&[Option<i64>]) -> ArrayRef;

    /// The columns of a case: each an array, or one value for all rows.
    fn columns() -> impl Strategy<Value = (usize, Vec<(bool, Column)>)> {
        let value = prop_oneof![
            2 => Just(None),
            1 => Just(Some(i64::MIN)),
            1 => Just(Some(i64::MAX)),
            6 => (-3_i64..3).prop_map(Some)
        ];
        (0_usize..70).prop_flat_map(move |rows| {
            let values = prop::collection::vec(value.clone(), rows.max(1));
            (Just(rows), prop::collection::vec((any::<bool>(), values), 1..5))
        })
    }

    fn values(rows: usize, columns: &[(bool, Vec<Option<i64>>)], array: fn(&[Option<i64>]) -> ArrayRef) -> Vec<Value> {
        let value = |(one, values): &(bool, Column)| match one {
            true => Value::Scalar(array(&values[..1])),
            false => Value::Array(array(&values[..rows])),
        };
        columns.iter().map(value).collect()
    }

    proptest! {
        #[test]
        fn one_pass_chooses_as_pairs_of_comparisons_do((rows, columns) in columns()) {
            let types: [Make; 3] = [
                |values| Arc::new(Int64Array::from(values.to_vec())),
                |values| Arc::new(values.iter().map(|n| n.map(|n| (n >> 32) as i32)).collect::<Date32Array>()),
                |values| {
                    let wide = values.iter().map(|n| n.map(|n| i128::from(n) * 1_000_000_007));
                    Arc::new(wide.collect::<Decimal128Array>().with_data_type(DataType::Decimal128(38, 4)))
                },
            ];
            for array in types {
                let args = values(rows, &columns, array);
                let first = |i: usize| args.iter().position(|arg| !arg.array().is_null(arg.row(i)));
                prop_assert_eq!(
                    &chosen(&args, rows, Rule::First).expect("numbers"),
                    &choose(&args, rows, first).expect("values")
                );
                for (rule, better) in [(Rule::Least, cmp::lt as super::super::Compare), (Rule::Greatest, cmp::gt)] {
                    prop_assert_eq!(
                        &chosen(&args, rows, rule).expect("numbers"),
                        &extreme(&args, rows, better).expect("values")
                    );
                }
            }
        }
    }
}
