//! Aggregates: one value for each list of rows.

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, StringArray};
use arrow_ord::ord::make_comparator;
use arrow_schema::{DataType, SortOptions};

use super::super::super::Reduction;
use super::{Lists, checked, gather, overflow, shared};
use crate::arrays::texts;
use crate::error::{Error, Result};
use crate::sql;

/// Computes an aggregate of a column over each list. Without a column it counts the rows.
pub(in super::super) fn aggregate(
    function: Reduction,
    lists: &Lists,
    argument: Option<&ArrayRef>,
    separator: &str,
    ty: &DataType,
) -> Result<ArrayRef> {
    let Some(array) = argument else {
        return Ok(shared(Int64Array::from_iter_values(lists.iter().map(|list| list.len() as i64))));
    };
    match function {
        Reduction::First | Reduction::Lag => return gather(array, lists.iter().map(|list| list.first().copied())),
        Reduction::Last | Reduction::Lead => return gather(array, lists.iter().map(|list| list.last().copied())),
        _ => {}
    }
    let lists = lists.without_nulls(array);
    let some = lists.iter().map(|list| (!list.is_empty()).then_some(list));
    Ok(match function {
        Reduction::Count => shared(Int64Array::from_iter_values(lists.iter().map(|list| list.len() as i64))),
        Reduction::Sum => match ty {
            DataType::Int64 => {
                let values = array.as_primitive::<Int64Type>();
                let add = |list: &[u32]| {
                    let mut rows = list.iter().map(|row| values.value(*row as usize));
                    rows.try_fold(0_i64, i64::checked_add).ok_or_else(|| overflow("sum"))
                };
                shared(some.map(|list| list.map(add).transpose()).collect::<Result<Int64Array>>()?)
            }
            DataType::Float64 => {
                let values = array.as_primitive::<Float64Type>();
                let add = |list: &[u32]| list.iter().map(|row| values.value(*row as usize)).sum::<f64>();
                shared(some.map(|list| list.map(add)).collect::<Float64Array>())
            }
            _ => {
                let values = array.as_primitive::<Decimal128Type>();
                let add =
                    |list: &[u32]| list.iter().fold(0_i128, |sum, row| sum.saturating_add(values.value(*row as usize)));
                let sums: Vec<Option<i128>> = some.map(|list| list.map(add)).collect();
                checked(&sums)?;
                shared(Decimal128Array::from(sums).with_data_type(ty.clone()))
            }
        },
        Reduction::Avg => {
            // The sum of integers and decimals is exact; one division rounds.
            let sums = aggregate(Reduction::Sum, &lists, argument, "", &summed(array.data_type()))?;
            let sums = sql::cast(&sums, &DataType::Float64)?;
            let means = sums.as_primitive::<Float64Type>().iter().zip(lists.iter());
            shared(means.map(|(sum, list)| Some(sum? / list.len() as f64)).collect::<Float64Array>())
        }
        Reduction::BoolAnd | Reduction::BoolOr => {
            let values: &BooleanArray = array.as_boolean();
            let fold = |list: &[u32]| match function {
                Reduction::BoolAnd => list.iter().all(|row| values.value(*row as usize)),
                _ => list.iter().any(|row| values.value(*row as usize)),
            };
            shared(some.map(|list| list.map(fold)).collect::<BooleanArray>())
        }
        Reduction::StringAgg => {
            let values = texts(array);
            let join = |list: &[u32]| {
                list.iter().filter_map(|row| values.at(*row as usize)).collect::<Vec<_>>().join(separator)
            };
            shared(some.map(|list| list.map(join)).collect::<StringArray>())
        }
        Reduction::Min | Reduction::Max => {
            let plain = sql::cast(array, sql::types::logical(array.data_type()))?;
            let wins = better(function, &plain)?;
            let best =
                |list: &[u32]| list.iter().copied().reduce(|best, next| if wins(next, best) { next } else { best });
            gather(&plain, some.map(|list| list.and_then(best)))?
        }
        _ => return Err(Error::internal("a window function over a hand")),
    })
}

/// Gives the type of a sum of values of a type.
pub(super) fn summed(ty: &DataType) -> DataType {
    Reduction::Sum.result(Some(ty)).unwrap_or(DataType::Float64)
}

/// Makes the comparison for `min` and `max`: whether the value of the first row replaces that of the second.
pub(super) fn better(function: Reduction, plain: &ArrayRef) -> Result<impl Fn(u32, u32) -> bool + use<>> {
    let compare = make_comparator(plain, plain, SortOptions { descending: false, nulls_first: false })?;
    Ok(move |next: u32, best: u32| {
        let order = compare(next as usize, best as usize);
        if function == Reduction::Min { order.is_lt() } else { order.is_gt() }
    })
}
