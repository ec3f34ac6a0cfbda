//! Comparison, three-valued logic, and the choices between values.

use std::sync::Arc;

use arrow_arith::boolean::{and_kleene, is_not_null, is_null, not, or_kleene};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, Datum};
use arrow_ord::cmp;
use arrow_schema::ArrowError;
use arrow_schema::DataType::{self, Boolean};
use arrow_select::interleave::interleave;

use super::{Function, Resolved, Value};
use crate::error::Result;
use crate::plan::sql::types::common;

macro_rules! comparison {
    ($sign:literal, $about:literal, $example:literal, $answer:literal, $kernel:expr) => {
        Function {
            name: $sign,
            signature: concat!("a ", $sign, " b → boolean"),
            about: $about,
            example: ($example, $answer),
            types: |args| pair(args).map(|ty| (vec![ty.clone(), ty], Boolean)),
            eval: |args, rows, _| compare(args, rows, $kernel),
            strict: true,
        }
    };
}

pub(super) const FUNCTIONS: &[Function] = &[
    comparison!("=", "Equal.", "1 = 1.0", "true", cmp::eq),
    comparison!("<>", "Not equal.", "'a' <> 'b'", "true", cmp::neq),
    comparison!("<", "Less.", "DATE '2024-02-29' < DATE '2024-03-01'", "true", cmp::lt),
    comparison!("<=", "Less or equal.", "2 <= 1", "false", cmp::lt_eq),
    comparison!(">", "Greater.", "'b' > 'a'", "true", cmp::gt),
    comparison!(">=", "Greater or equal.", "2.5 >= 2.50", "true", cmp::gt_eq),
    Function {
        name: "is distinct from",
        signature: "a IS DISTINCT FROM b → boolean",
        about: "Not equal, where null equals null.",
        example: ("NULL IS DISTINCT FROM 1", "true"),
        types: |args| pair(args).map(|ty| (vec![ty.clone(), ty], Boolean)),
        eval: |args, rows, _| compare(args, rows, cmp::distinct),
        strict: false,
    },
    Function {
        name: "and",
        signature: "a AND b → boolean",
        about: "Both; false wins over null.",
        example: ("NULL AND false", "false"),
        types: truths,
        eval: |args, rows, _| logic(args, rows, and_kleene),
        strict: false,
    },
    Function {
        name: "or",
        signature: "a OR b → boolean",
        about: "One or both; true wins over null.",
        example: ("NULL OR true", "true"),
        types: truths,
        eval: |args, rows, _| logic(args, rows, or_kleene),
        strict: false,
    },
    Function {
        name: "not",
        signature: "NOT a → boolean",
        about: "The opposite.",
        example: ("NOT false", "true"),
        types: |args| (args.len() == 1 && common(&args[0], &Boolean)? == Boolean).then(|| (vec![Boolean], Boolean)),
        eval: |args, _, _| Ok(Arc::new(not(args[0].array().as_boolean())?)),
        strict: true,
    },
    Function {
        name: "is null",
        signature: "a IS NULL → boolean",
        about: "Whether there is no value.",
        example: ("NULL IS NULL", "true"),
        types: |args| (args.len() == 1).then(|| (args.to_vec(), Boolean)),
        eval: |args, _, _| Ok(Arc::new(is_null(args[0].array())?)),
        strict: false,
    },
    Function {
        name: "is not null",
        signature: "a IS NOT NULL → boolean",
        about: "Whether there is a value.",
        example: ("'a' IS NOT NULL", "true"),
        types: |args| (args.len() == 1).then(|| (args.to_vec(), Boolean)),
        eval: |args, _, _| Ok(Arc::new(is_not_null(args[0].array())?)),
        strict: false,
    },
    Function {
        name: "coalesce",
        signature: "coalesce(a, b, …)",
        about: "The first value that is not null.",
        example: ("coalesce(NULL, 2, 3)", "2"),
        types: alike,
        eval: |args, rows, _| choose(args, rows, |i| args.iter().position(|a| !a.array().is_null(a.row(i)))),
        strict: false,
    },
    Function {
        name: "nullif",
        signature: "nullif(a, b)",
        about: "Null where both are equal, else the first.",
        example: ("nullif(1, 1)", ""),
        types: |args| (args.len() == 2).then(|| alike(args))?,
        eval: |args, rows, _| {
            let same = compare(args, rows, cmp::eq)?;
            let same: &BooleanArray = same.as_boolean();
            choose(&args[..1], rows, |i| (same.is_null(i) || !same.value(i)).then_some(0))
        },
        strict: false,
    },
    Function {
        name: "greatest",
        signature: "greatest(a, b, …)",
        about: "The greatest value; nulls are passed over.",
        example: ("greatest(1, 3, 2)", "3"),
        types: alike,
        eval: |args, rows, _| extreme(args, rows, cmp::gt),
        strict: false,
    },
    Function {
        name: "least",
        signature: "least(a, b, …)",
        about: "The least value; nulls are passed over.",
        example: ("least(1, 3, NULL)", "1"),
        types: alike,
        eval: |args, rows, _| extreme(args, rows, cmp::lt),
        strict: false,
    },
];

fn pair(args: &[DataType]) -> Option<DataType> {
    let [a, b] = args else { return None };
    common(a, b).filter(|ty| !matches!(ty, DataType::Interval(_)))
}

fn truths(args: &[DataType]) -> Option<Resolved> {
    (pair(args)? == Boolean || pair(args)? == DataType::Null).then(|| (vec![Boolean, Boolean], Boolean))
}

fn alike(args: &[DataType]) -> Option<Resolved> {
    let ty = args.iter().try_fold(DataType::Null, |ty, arg| common(&ty, arg))?;
    (!args.is_empty()).then(|| (vec![ty.clone(); args.len()], ty))
}

type Compare = fn(&dyn Datum, &dyn Datum) -> Result<BooleanArray, ArrowError>;

fn compare(args: &[Value], rows: usize, kernel: Compare) -> Result<ArrayRef> {
    // The kernels refuse null-typed arrays, whose answer is null anyway.
    if args.iter().any(|arg| arg.array().data_type() == &DataType::Null) {
        return Ok(arrow_array::new_null_array(&Boolean, rows));
    }
    Ok(Arc::new(kernel(&args[0], &args[1])?))
}

fn logic(
    args: &[Value],
    rows: usize,
    kernel: fn(&BooleanArray, &BooleanArray) -> Result<BooleanArray, ArrowError>,
) -> Result<ArrayRef> {
    let full = |value: &Value| value.clone().into_array(rows);
    Ok(Arc::new(kernel(full(&args[0])?.as_boolean(), full(&args[1])?.as_boolean())?))
}

/// The argument that `which` names for each row; `None` is null.
fn choose(args: &[Value], rows: usize, which: impl Fn(usize) -> Option<usize>) -> Result<ArrayRef> {
    let null = arrow_array::new_null_array(args[0].array().data_type(), 1);
    let plain = args
        .iter()
        .map(|a| crate::plan::sql::cast(a.array(), plain(a.array().data_type())))
        .collect::<Result<Vec<_>>>()?;
    let null = crate::plan::sql::cast(&null, plain[0].data_type())?;
    let mut arrays: Vec<&dyn Array> = plain.iter().map(AsRef::as_ref).collect();
    arrays.push(null.as_ref());
    let places: Vec<(usize, usize)> =
        (0..rows).map(|i| which(i).map_or((args.len(), 0), |at| (at, args[at].row(i)))).collect();
    Ok(interleave(&arrays, &places)?)
}

fn plain(ty: &DataType) -> &DataType {
    crate::plan::sql::types::logical(ty)
}

fn extreme(args: &[Value], rows: usize, better: Compare) -> Result<ArrayRef> {
    let Some((first, rest)) = args.split_first() else { return Ok(arrow_array::new_null_array(&DataType::Null, rows)) };
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
