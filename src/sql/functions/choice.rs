//! Functions that select one of several values.

mod numbers;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, new_null_array};
use arrow_ord::cmp;
use arrow_schema::DataType::{self, Null};
use arrow_select::interleave::interleave;

use numbers::{Rule, chosen};

use super::compare::{Compare, compare};
use super::{Carries, Function, Nulls, Resolved, Value};
use crate::error::Result;
use crate::sql::cast;
use crate::sql::types::{common, logical};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "coalesce",
        signature: "coalesce(a, b, …)",
        about: "The first value that is not null.",
        example: ("coalesce(NULL, 2, 3)", "2"),
        types: alike,
        eval: |args, rows, _| match chosen(args, rows, Rule::First) {
            Some(array) => Ok(array),
            None => choose(args, rows, |i| args.iter().position(|a| !a.array().is_null(a.row(i)))),
        },
        nulls: Nulls::WithAll,
        carries: Carries::All,
    },
    Function {
        name: "nullif",
        signature: "nullif(a, b)",
        about: "Null if both are equal, else the first; its type is that of the first.",
        example: ("nullif(1, 1)", ""),
        types: |args| {
            let (wanted, ty) = (args.len() == 2).then(|| ordered(args))??;
            Some((wanted, if args[0] == Null { ty } else { args[0].clone() }))
        },
        eval: |args, rows, ty| {
            let same = compare(args, rows, cmp::eq)?;
            let same: &BooleanArray = same.as_boolean();
            let differs = |i: usize| same.is_null(i) || !same.value(i);
            cast(&choose(&args[..1], rows, |i| differs(i).then_some(0))?, ty)
        },
        nulls: Nulls::Anywhere,
        carries: Carries::All,
    },
    Function {
        name: "greatest",
        signature: "greatest(a, b, …)",
        about: "The greatest value; nulls are ignored.",
        example: ("greatest(1, 3, 2)", "3"),
        types: ordered,
        eval: |args, rows, _| chosen(args, rows, Rule::Greatest).map_or_else(|| extreme(args, rows, cmp::gt), Ok),
        nulls: Nulls::WithAll,
        carries: Carries::All,
    },
    Function {
        name: "least",
        signature: "least(a, b, …)",
        about: "The least value; nulls are ignored.",
        example: ("least(1, 3, NULL)", "1"),
        types: ordered,
        eval: |args, rows, _| chosen(args, rows, Rule::Least).map_or_else(|| extreme(args, rows, cmp::lt), Ok),
        nulls: Nulls::WithAll,
        carries: Carries::All,
    },
];

fn alike(args: &[DataType]) -> Option<Resolved> {
    let ty = args.iter().try_fold(Null, |ty, arg| common(&ty, arg))?;
    (!args.is_empty()).then(|| (vec![ty.clone(); args.len()], ty))
}

/// As [`alike`], except for intervals: months and days have no common order.
fn ordered(args: &[DataType]) -> Option<Resolved> {
    alike(args).filter(|(_, ty)| !matches!(ty, DataType::Interval(_)))
}

/// Selects for each row the argument with the index that `which` gives; `None` is null.
fn choose(args: &[Value], rows: usize, which: impl Fn(usize) -> Option<usize>) -> Result<ArrayRef> {
    let plain = args.iter().map(|a| cast(a.array(), logical(a.array().data_type()))).collect::<Result<Vec<_>>>()?;
    let null = new_null_array(plain[0].data_type(), 1);
    let mut arrays: Vec<&dyn Array> = plain.iter().map(AsRef::as_ref).collect();
    arrays.push(null.as_ref());
    let places: Vec<(usize, usize)> =
        (0..rows).map(|i| which(i).map_or((args.len(), 0), |at| (at, args[at].row(i)))).collect();
    Ok(interleave(&arrays, &places)?)
}

fn extreme(args: &[Value], rows: usize, better: Compare) -> Result<ArrayRef> {
    let Some((first, rest)) = args.split_first() else { return Ok(new_null_array(&Null, rows)) };
    let mut best = first.clone();
    for next in rest {
        let wins = compare(&[next.clone(), best.clone()], rows, better)?;
        let wins: &BooleanArray = wins.as_boolean();
        let pair = [best.clone(), next.clone()];
        let null = |value: &Value, i: usize| value.array().is_null(value.row(i));
        best = Value::Array(choose(&pair, rows, |i| {
            let at = if wins.len() == 1 { 0 } else { i };
            Some(usize::from(null(&pair[0], i) || (!null(&pair[1], i) && wins.value(at))))
        })?);
    }
    best.into_array(rows)
}
