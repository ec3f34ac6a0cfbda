//! Comparison: texts by their bytes, numbers by their exact values; with a null the result is null.

use std::sync::Arc;

use arrow_arith::boolean::{is_not_null, is_null, or_kleene};
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, BooleanArray, Datum};
use arrow_ord::cmp;
use arrow_schema::ArrowError;
use arrow_schema::DataType::{self, Boolean, Float64, Null};

use super::{Carries, Function, Nulls, Value};
use crate::error::Result;
use crate::sql::types::common;

macro_rules! comparison {
    ($sign:literal, $about:literal, $example:literal, $answer:literal, $kernel:expr) => {
        Function {
            name: $sign,
            signature: concat!("a ", $sign, " b → boolean"),
            about: $about,
            example: ($example, $answer),
            types: |args| pair(args).map(|ty| (vec![ty.clone(), ty], Boolean)),
            eval: |args, rows, _| compare(args, rows, $kernel),
            nulls: Nulls::Strict,
            carries: Carries::Nothing,
        }
    };
}

pub(super) const FUNCTIONS: &[Function] = &[
    comparison!("=", "Equal.", "1 = 1.0", "true", cmp::eq),
    comparison!("<>", "Not equal.", "'a' <> 'b'", "true", cmp::neq),
    comparison!("<", "Less.", "DATE '2024-02-29' < DATE '2024-03-01'", "true", cmp::lt),
    comparison!("<=", "Less or equal.", "2 <= 1", "false", cmp::lt_eq),
    comparison!(">", "Greater; texts are compared by their bytes.", "'b' > 'a'", "true", cmp::gt),
    comparison!(">=", "Greater or equal.", "2.5 >= 2.50", "true", cmp::gt_eq),
    Function {
        name: "in",
        signature: "a IN (b, c, …) → boolean",
        about: "Equal to one of a list; null if it equals none of them and one is null.",
        example: ("3 IN (1, 2, 3)", "true"),
        types: |args| {
            let (first, rest) = args.split_first()?;
            let ty = rest.iter().try_fold(first.clone(), |ty, next| common(&ty, next))?;
            Some((vec![ty; args.len()], Boolean))
        },
        eval: |args, rows, _| {
            let mut any = BooleanArray::from(vec![false; rows]);
            for item in &args[1..] {
                let equal = compare(&[args[0].clone(), item.clone()], rows, cmp::eq)?;
                // The comparison of two constants has one value.
                let equal = if equal.len() == rows { equal } else { Value::Scalar(equal).into_array(rows)? };
                any = or_kleene(&any, equal.as_boolean())?;
            }
            Ok(Arc::new(any))
        },
        nulls: Nulls::WithAny,
        carries: Carries::Nothing,
    },
    Function {
        name: "is distinct from",
        signature: "a IS [NOT] DISTINCT FROM b → boolean",
        about: "Not equal, where null equals null.",
        example: ("NULL IS DISTINCT FROM 1", "true"),
        types: |args| pair(args).map(|ty| (vec![ty.clone(), ty], Boolean)),
        eval: |args, rows, _| {
            // The kernels refuse arrays of the null type. Both sides are null then.
            if args[0].array().data_type() == &Null {
                return Ok(Arc::new(BooleanArray::from(vec![false; rows])));
            }
            compare(args, rows, cmp::distinct)
        },
        nulls: Nulls::Never,
        carries: Carries::Nothing,
    },
    Function {
        name: "is null",
        signature: "a IS NULL → boolean",
        about: "True if the value is null.",
        example: ("NULL IS NULL", "true"),
        types: |args| (args.len() == 1).then(|| (args.to_vec(), Boolean)),
        eval: |args, _, _| Ok(Arc::new(is_null(args[0].array())?)),
        nulls: Nulls::Never,
        carries: Carries::Nothing,
    },
    Function {
        name: "is not null",
        signature: "a IS NOT NULL → boolean",
        about: "True if the value is not null.",
        example: ("'a' IS NOT NULL", "true"),
        types: |args| (args.len() == 1).then(|| (args.to_vec(), Boolean)),
        eval: |args, _, _| Ok(Arc::new(is_not_null(args[0].array())?)),
        nulls: Nulls::Never,
        carries: Carries::Nothing,
    },
];

fn pair(args: &[DataType]) -> Option<DataType> {
    match args {
        [a, b] => common(a, b).filter(|ty| !matches!(ty, DataType::Interval(_))),
        _ => None,
    }
}

pub(super) type Compare = fn(&dyn Datum, &dyn Datum) -> Result<BooleanArray, ArrowError>;

pub(super) fn compare(args: &[Value], rows: usize, kernel: Compare) -> Result<ArrayRef> {
    // The kernels refuse arrays of the null type. The result is null anyway.
    if args.iter().any(|arg| arg.array().data_type() == &Null) {
        return Ok(arrow_array::new_null_array(&Boolean, rows));
    }
    Ok(Arc::new(kernel(&one_zero(&args[0]), &one_zero(&args[1]))?))
}

/// Replaces -0.0 by 0.0: equal in SQL, but not to the kernels.
fn one_zero(value: &Value) -> Value {
    let plain = |array: &ArrayRef| -> ArrayRef {
        Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(|x| x + 0.0))
    };
    match value {
        Value::Array(array) if array.data_type() == &Float64 => Value::Array(plain(array)),
        Value::Scalar(array) if array.data_type() == &Float64 => Value::Scalar(plain(array)),
        other => other.clone(),
    }
}
