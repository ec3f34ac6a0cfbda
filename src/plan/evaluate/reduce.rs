//! Aggregates over children and windows over siblings: the same folds over families of rows.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, StringArray, UInt32Array};
use arrow_ord::ord::make_comparator;
use arrow_schema::{DataType, SortOptions};
use arrow_select::take::take;

use super::super::{Function, Window, sql};
use crate::error::{Error, Result};
use crate::generator::{Rows, operand::texts};

/// A column reduced over the children of each parent row.
pub(super) fn aggregate(
    function: Function,
    rows: &Rows,
    argument: Option<&ArrayRef>,
    filter: Option<&ArrayRef>,
    ty: &DataType,
) -> Result<ArrayRef> {
    let keep = |i: usize| filter.is_none_or(|f| f.as_boolean().value(i) && !f.is_null(i));
    let families: Vec<Vec<u32>> =
        rows.families().map(|family| family.filter(|i| keep(*i)).map(|i| i as u32).collect()).collect();
    fold(function, &families, argument, ty)
}

/// One value for each list of rows.
fn fold(function: Function, families: &[Vec<u32>], argument: Option<&ArrayRef>, ty: &DataType) -> Result<ArrayRef> {
    let known = |family: &[u32]| -> Vec<usize> {
        family.iter().map(|i| *i as usize).filter(|i| argument.is_none_or(|a| !a.is_null(*i))).collect()
    };
    let Some(array) = argument else {
        return Ok(Arc::new(families.iter().map(|family| Some(family.len() as i64)).collect::<Int64Array>()));
    };
    Ok(match function {
        Function::Count | Function::RowNumber => {
            Arc::new(families.iter().map(|f| Some(known(f).len() as i64)).collect::<Int64Array>())
        }
        Function::Sum => match ty {
            DataType::Int64 => {
                let values = array.as_primitive::<Int64Type>();
                let sum = |rows: &[usize]| rows.iter().try_fold(0_i64, |sum, i| sum.checked_add(values.value(*i)));
                let sums = families.iter().map(|f| match known(f) {
                    rows if rows.is_empty() => Ok(None),
                    rows => sum(&rows).map(Some).ok_or_else(overflow),
                });
                Arc::new(sums.collect::<Result<Int64Array>>()?)
            }
            DataType::Float64 => {
                let values = array.as_primitive::<Float64Type>();
                Arc::new(
                    families
                        .iter()
                        .map(|f| some(known(f), |rows| rows.iter().map(|i| values.value(*i)).sum()))
                        .collect::<Float64Array>(),
                )
            }
            _ => {
                let values = array.as_primitive::<Decimal128Type>();
                let sums = families.iter().map(|f| some(known(f), |rows| rows.iter().map(|i| values.value(*i)).sum()));
                Arc::new(sums.collect::<Decimal128Array>().with_data_type(ty.clone()))
            }
        },
        Function::Avg => {
            let values = sql::cast(array, &DataType::Float64)?;
            let values = values.as_primitive::<Float64Type>();
            let mean = |rows: Vec<usize>| rows.iter().map(|i| values.value(*i)).sum::<f64>() / rows.len() as f64;
            Arc::new(families.iter().map(|f| some(known(f), mean)).collect::<Float64Array>())
        }
        Function::BoolAnd | Function::BoolOr => {
            let values: &BooleanArray = array.as_boolean();
            let fold = |rows: Vec<usize>| match function {
                Function::BoolAnd => rows.iter().all(|i| values.value(*i)),
                _ => rows.iter().any(|i| values.value(*i)),
            };
            Arc::new(families.iter().map(|f| some(known(f), fold)).collect::<BooleanArray>())
        }
        Function::StringAgg => {
            let values = texts(array);
            let join = |rows: Vec<usize>| rows.iter().filter_map(|i| values.at(*i)).collect::<Vec<_>>().join(",");
            Arc::new(families.iter().map(|f| some(known(f), join)).collect::<StringArray>())
        }
        Function::First | Function::Lag => gather(array, families.iter().map(|f| f.first().copied()))?,
        Function::Last | Function::Lead => gather(array, families.iter().map(|f| f.last().copied()))?,
        Function::Min | Function::Max => {
            let options = SortOptions { descending: false, nulls_first: false };
            let plain = sql::cast(array, sql::types::logical(array.data_type()))?;
            let compare = make_comparator(&plain, &plain, options)?;
            let best = families.iter().map(|f| {
                known(f)
                    .into_iter()
                    .reduce(|best, next| {
                        let order = compare(next, best);
                        let wins = if function == Function::Min { order.is_lt() } else { order.is_gt() };
                        if wins { next } else { best }
                    })
                    .map(|i| i as u32)
            });
            gather(&plain, best)?
        }
    })
}

fn some<T>(rows: Vec<usize>, f: impl Fn(Vec<usize>) -> T) -> Option<T> {
    if rows.is_empty() { None } else { Some(f(rows)) }
}

fn overflow() -> Error {
    Error::profile("", "a sum of integers is larger than 64 bits hold")
}

fn gather(array: &ArrayRef, rows: impl Iterator<Item = Option<u32>>) -> Result<ArrayRef> {
    Ok(take(array, &rows.collect::<UInt32Array>(), None)?)
}

/// A function over the siblings: of all of them, or in an order of those up to the row.
pub(super) fn window(
    window: &Window,
    rows: &Rows,
    argument: Option<&ArrayRef>,
    order: Option<&ArrayRef>,
    ty: &DataType,
) -> Result<ArrayRef> {
    let order = order.map(|order| sql::cast(order, sql::types::logical(order.data_type()))).transpose()?;
    let options = SortOptions { descending: window.descending, nulls_first: false };
    let compare = order.as_ref().map(|order| make_comparator(order, order, options)).transpose()?;
    // For each row the siblings it sees, in order; ties keep the order of the siblings.
    let mut seen: Vec<Vec<u32>> = vec![Vec::new(); rows.len()];
    let mut shifted: Vec<Option<u32>> = vec![None; rows.len()];
    let running = matches!(
        window.function,
        Function::Sum
            | Function::Min
            | Function::Max
            | Function::Avg
            | Function::BoolAnd
            | Function::BoolOr
            | Function::Count
    );
    let mut numbers = vec![0_i64; rows.len()];
    for family in rows.families() {
        let mut sorted: Vec<u32> = family.map(|i| i as u32).collect();
        if let Some(compare) = &compare {
            sorted.sort_by(|a, b| compare(*a as usize, *b as usize));
        }
        for (at, row) in sorted.iter().enumerate() {
            let row = *row as usize;
            numbers[row] = at as i64 + 1;
            shifted[row] = match window.function {
                Function::Lag => at.checked_sub(1).map(|before| sorted[before]),
                Function::Lead => sorted.get(at + 1).copied(),
                Function::First => sorted.first().copied(),
                Function::Last if compare.is_none() => sorted.last().copied(),
                Function::Last => Some(sorted[at]),
                _ => None,
            };
            if running {
                seen[row] = if compare.is_some() { sorted[..=at].to_vec() } else { sorted.clone() };
            }
        }
    }
    match (window.function, argument) {
        (Function::RowNumber, _) => Ok(Arc::new(Int64Array::from(numbers))),
        (Function::Lag | Function::Lead | Function::First | Function::Last, Some(argument)) => {
            gather(argument, shifted.into_iter())
        }
        (function, argument) => fold(function, &seen, argument, ty),
    }
}
