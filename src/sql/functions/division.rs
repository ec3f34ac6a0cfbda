//! Quotients and remainders: null if the divisor is 0.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{Array, ArrowPrimitiveType, Float64Array, PrimitiveArray};
use arrow_schema::DataType::{self, Float64, Int64, Null};

use super::arithmetic::too_large;
use super::{Carries, Function, Nulls, Resolved, Value};
use crate::error::Result;
use crate::sql::types::{common, is_number};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "/",
        signature: "number / number → double",
        about: "Quotient as a floating-point number; null if the divisor is 0.",
        example: ("7 / 2", "3.5"),
        types: |args| (args.len() == 2 && args.iter().all(is_number)).then(|| (vec![Float64, Float64], Float64)),
        eval: |args, rows, _| {
            let values: Float64Array = divided::<Float64Type>(args, rows, |a, b| Ok((b != 0.0).then_some(a / b)))?;
            Ok(Arc::new(values))
        },
        nulls: Nulls::Anywhere,
        carries: Carries::Nothing,
    },
    Function {
        name: "//",
        signature: "bigint // bigint → bigint",
        about: "Quotient without its fraction; null if the divisor is 0.",
        example: ("-7 // 2", "-3"),
        types: |args| integers(args, 2),
        eval: |args, rows, ty| {
            let quotient = |a: i64, b: i64| match b {
                0 => Ok(None),
                _ => a.checked_div(b).map(Some).ok_or_else(|| too_large("//", ty)),
            };
            Ok(Arc::new(divided::<Int64Type>(args, rows, quotient)?))
        },
        nulls: Nulls::Anywhere,
        carries: Carries::Nothing,
    },
    Function {
        name: "%",
        signature: "number % number",
        about: "Remainder with the sign of the dividend; null if the divisor is 0.",
        example: ("-7.5 % 2", "-1.5"),
        types: |args| {
            let [a, b] = args else { return None };
            match common(a, b)? {
                Null => integers(args, 2),
                ty => is_number(&ty).then(|| (vec![ty.clone(), ty.clone()], ty)),
            }
        },
        eval: |args, rows, ty| {
            Ok(match ty {
                Float64 => Arc::new(divided::<Float64Type>(args, rows, |a, b| Ok((b != 0.0).then_some(a % b)))?),
                // The remainder of the least integer by -1 overflows in the processor; it is 0.
                Int64 => Arc::new(divided::<Int64Type>(args, rows, |a, b| Ok((b != 0).then(|| a.wrapping_rem(b))))?),
                _ => {
                    let rest = divided::<Decimal128Type>(args, rows, |a, b| Ok((b != 0).then(|| a.wrapping_rem(b))))?;
                    Arc::new(rest.with_data_type(ty.clone()))
                }
            })
        },
        nulls: Nulls::Anywhere,
        carries: Carries::Nothing,
    },
];

fn integers(args: &[DataType], count: usize) -> Option<Resolved> {
    (args.len() == count && args.iter().all(|a| matches!(a, Int64 | Null))).then(|| (vec![Int64; count], Int64))
}

fn divided<T: ArrowPrimitiveType>(
    args: &[Value],
    rows: usize,
    f: impl Fn(T::Native, T::Native) -> Result<Option<T::Native>>,
) -> Result<PrimitiveArray<T>> {
    let (a, b) = (args[0].array().as_primitive::<T>(), args[1].array().as_primitive::<T>());
    let value = |i: usize| {
        let (i, j) = (args[0].row(i), args[1].row(i));
        if a.is_null(i) || b.is_null(j) { Ok(None) } else { f(a.value(i), b.value(j)) }
    };
    (0..rows).map(value).collect()
}
