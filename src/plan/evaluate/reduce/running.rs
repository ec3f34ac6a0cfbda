//! Window functions: neighbours, running folds, and running sums with a floor and a cap.

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array};
use arrow_schema::DataType;

use super::super::super::Reduction;
use super::aggregate::{aggregate, better, summed};
use super::{Lists, checked, gather, overflow, shared};
use crate::error::{Error, Result};
use crate::sql;

/// Computes a window function for `rows` rows, from the lists of siblings in order. `ordered` is true if there is an
/// ORDER BY: then a fold ends at the row, otherwise it is over the whole list.
pub(in super::super) fn window(
    function: Reduction,
    lists: &Lists,
    rows: usize,
    ordered: bool,
    arguments: &[ArrayRef],
    ty: &DataType,
) -> Result<ArrayRef> {
    let first = arguments.first();
    match (function, first) {
        (Reduction::RowNumber, _) => Ok(shared(numbers(lists, rows))),
        (Reduction::Count, None) if ordered => Ok(shared(numbers(lists, rows))),
        (Reduction::Lag | Reduction::Lead | Reduction::First | Reduction::Last, Some(values)) => {
            neighbours(function, lists, rows, ordered, values)
        }
        (Reduction::ClampedSum | Reduction::GuardedSum, Some(_)) => bounded_sums(function, lists, rows, arguments, ty),
        (_, Some(values)) if ordered => running(function, lists, rows, values, ty),
        (function, values) => {
            let totals = aggregate(function, lists, values, "", ty)?;
            let mut family = vec![0_u32; rows];
            for (index, list) in lists.iter().enumerate() {
                list.iter().for_each(|row| family[*row as usize] = index as u32);
            }
            gather(&totals, family.into_iter().map(Some))
        }
    }
}

fn numbers(lists: &Lists, rows: usize) -> Int64Array {
    let mut numbers = vec![0_i64; rows];
    for list in lists.iter() {
        list.iter().zip(1..).for_each(|(row, number)| numbers[*row as usize] = number);
    }
    Int64Array::from(numbers)
}

fn neighbours(function: Reduction, lists: &Lists, rows: usize, ordered: bool, values: &ArrayRef) -> Result<ArrayRef> {
    let mut seen = vec![None; rows];
    for list in lists.iter() {
        for (at, row) in list.iter().enumerate() {
            seen[*row as usize] = match function {
                Reduction::Lag => at.checked_sub(1).map(|before| list[before]),
                Reduction::Lead => list.get(at + 1).copied(),
                Reduction::First => list.first().copied(),
                _ if ordered => Some(*row),
                _ => list.last().copied(),
            };
        }
    }
    gather(values, seen.into_iter())
}

/// Computes a fold of each row with all rows before it.
fn running(function: Reduction, lists: &Lists, rows: usize, values: &ArrayRef, ty: &DataType) -> Result<ArrayRef> {
    let present = |row: u32| !values.is_null(row as usize);
    Ok(match function {
        Reduction::Count => {
            let mut counts = vec![0_i64; rows];
            for list in lists.iter() {
                let mut count = 0;
                for row in list {
                    count += i64::from(present(*row));
                    counts[*row as usize] = count;
                }
            }
            shared(Int64Array::from(counts))
        }
        Reduction::Sum if matches!(ty, DataType::Float64) => {
            let numbers = values.as_primitive::<Float64Type>();
            shared(Float64Array::from(each(lists, rows, 0.0, |sum, row| sum + numbers.value(row), present)))
        }
        Reduction::Sum => {
            let numbers = integers(values);
            let sums = each(lists, rows, 0_i128, |sum, row| sum.saturating_add(numbers(row)), present);
            exact(sums, ty)?
        }
        Reduction::Avg => {
            let sums = running(Reduction::Sum, lists, rows, values, &summed(values.data_type()))?;
            let counts = running(Reduction::Count, lists, rows, values, &DataType::Int64)?;
            let sums = sql::cast(&sums, &DataType::Float64)?;
            let pairs = sums.as_primitive::<Float64Type>().iter().zip(counts.as_primitive::<Int64Type>());
            shared(pairs.map(|(sum, n)| Some(sum? / n? as f64)).collect::<Float64Array>())
        }
        Reduction::BoolAnd | Reduction::BoolOr => {
            let truth: &BooleanArray = values.as_boolean();
            let all = function == Reduction::BoolAnd;
            let fold = |so_far: bool, row| if all { so_far && truth.value(row) } else { so_far || truth.value(row) };
            shared(BooleanArray::from(each(lists, rows, all, fold, present)))
        }
        Reduction::Min | Reduction::Max => {
            let plain = sql::cast(values, sql::types::logical(values.data_type()))?;
            let wins = better(function, &plain)?;
            let best = |best: Option<u32>, row: usize| match best {
                Some(best) if !wins(row as u32, best) => Some(best),
                _ => Some(row as u32),
            };
            gather(&plain, each(lists, rows, None, best, present).into_iter().map(Option::flatten))?
        }
        _ => return Err(Error::internal("not a running function")),
    })
}

/// Gives the state of a fold at each row; `None` before the first value that is not null.
fn each<S: Copy>(
    lists: &Lists,
    rows: usize,
    start: S,
    mut step: impl FnMut(S, usize) -> S,
    present: impl Fn(u32) -> bool,
) -> Vec<Option<S>> {
    let mut states = vec![None; rows];
    for list in lists.iter() {
        let mut state = None;
        for row in list {
            if present(*row) {
                state = Some(step(state.unwrap_or(start), *row as usize));
            }
            states[*row as usize] = state;
        }
    }
    states
}

/// Computes `clamped_sum(x, start, floor, cap)`, which clamps a step beyond a bound to it, or `guarded_sum`, which
/// skips such a step.
fn bounded_sums(
    function: Reduction,
    lists: &Lists,
    rows: usize,
    arguments: &[ArrayRef],
    ty: &DataType,
) -> Result<ArrayRef> {
    let clamps = function == Reduction::ClampedSum;
    if matches!(ty, DataType::Float64) {
        let columns: Vec<_> = arguments.iter().map(arrow_array::cast::AsArray::as_primitive::<Float64Type>).collect();
        let read = |at: usize, row: usize| columns.get(at).filter(|c| !c.is_null(row)).map(|c| c.value(row));
        let sums = walk(lists, rows, 0.0, read, |a, b| a + b, |a, b| a < b, clamps);
        return Ok(shared(Float64Array::from_iter_values(sums)));
    }
    let columns: Vec<_> = arguments.iter().map(|array| (array, integers(array))).collect();
    let read = |at: usize, row: usize| columns.get(at).filter(|(c, _)| !c.is_null(row)).map(|(_, c)| c(row));
    let sums = walk(lists, rows, 0_i128, read, i128::saturating_add, |a, b| a < b, clamps);
    exact(sums.into_iter().map(Some).collect(), ty)
}

fn walk<N: Copy>(
    lists: &Lists,
    rows: usize,
    zero: N,
    read: impl Fn(usize, usize) -> Option<N>,
    add: impl Fn(N, N) -> N,
    less: impl Fn(N, N) -> bool,
    clamps: bool,
) -> Vec<N> {
    let mut sums = vec![zero; rows];
    for list in lists.iter() {
        let mut sum = None;
        for row in list.iter().map(|row| *row as usize) {
            let before = sum.unwrap_or_else(|| read(1, row).unwrap_or(zero));
            let (floor, cap) = (read(2, row), read(3, row));
            let mut after = add(before, read(0, row).unwrap_or(zero));
            if let Some(floor) = floor.filter(|floor| less(after, *floor)) {
                after = if clamps { floor } else { before };
            }
            if let Some(cap) = cap.filter(|cap| less(*cap, after)) {
                after = if clamps { cap } else { before };
            }
            sums[row] = after;
            sum = Some(after);
        }
    }
    sums
}

/// Makes a reader of integers or of decimals as integers.
fn integers(array: &ArrayRef) -> Box<dyn Fn(usize) -> i128 + '_> {
    match array.as_primitive_opt::<Int64Type>() {
        Some(values) => Box::new(move |row| i128::from(values.value(row))),
        None => {
            let values = array.as_primitive::<Decimal128Type>();
            Box::new(move |row| values.value(row))
        }
    }
}

fn exact(sums: Vec<Option<i128>>, ty: &DataType) -> Result<ArrayRef> {
    if matches!(ty, DataType::Int64) {
        let narrow = |sum: i128| i64::try_from(sum).map_err(|_| overflow("running sum"));
        return Ok(shared(sums.into_iter().map(|sum| sum.map(narrow).transpose()).collect::<Result<Int64Array>>()?));
    }
    checked(&sums)?;
    Ok(shared(Decimal128Array::from(sums).with_data_type(ty.clone())))
}
