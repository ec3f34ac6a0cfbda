//! Rounding down and up to integers, and the square root.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array};
use arrow_schema::DataType::{Decimal128, Float64, Int64};

use super::arithmetic::{same_number, too_large};
use super::{Carries, Function, Nulls, Value};
use crate::error::{Error, Result};
use crate::sql::types::is_number;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "floor",
        signature: "floor(number) → bigint",
        about: "The greatest integer that is not above the number.",
        example: ("floor(-1.5)", "-2"),
        types: |args| same_number(args).map(|(args, _)| (args, Int64)),
        eval: |args, _, _| whole("floor", args, false),
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "ceil",
        signature: "ceil(number) → bigint",
        about: "The least integer that is not below the number.",
        example: ("ceil(1.2)", "2"),
        types: |args| same_number(args).map(|(args, _)| (args, Int64)),
        eval: |args, _, _| whole("ceil", args, true),
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "sqrt",
        signature: "sqrt(number) → double",
        about: "The square root, exact to the last bit; null for a negative number.",
        example: ("sqrt(2.25)", "1.5"),
        types: |args| (args.len() == 1 && is_number(&args[0])).then(|| (vec![Float64], Float64)),
        eval: |args, _, _| {
            let numbers = args[0].array().as_primitive::<Float64Type>();
            Ok(Arc::new(numbers.iter().map(|x| x.filter(|x| *x >= 0.0).map(libm::sqrt)).collect::<Float64Array>()))
        },
        nulls: Nulls::Anywhere,
        carries: Carries::Nothing,
    },
];

/// Rounds down or up to an integer. Decimals are rounded directly: a double would lose the last digits of a long one.
fn whole(name: &str, args: &[Value], up: bool) -> Result<ArrayRef> {
    let array = args[0].array();
    Ok(match array.data_type() {
        Int64 => Arc::clone(array),
        Decimal128(_, scale) => {
            let unit = 10_i128.pow(*scale as u32);
            let one = |value: i128| {
                let down = value.div_euclid(unit);
                i64::try_from(if up && value.rem_euclid(unit) != 0 { down + 1 } else { down })
                    .map_err(|_| too_large(name, &Int64))
            };
            Arc::new(array.as_primitive::<Decimal128Type>().try_unary::<_, Int64Type, Error>(one)?)
        }
        _ => {
            let one = |x: f64| {
                let whole = if up { libm::ceil(x) } else { libm::floor(x) };
                // -2^63 is a double; 2^63 is the smallest double above the range.
                let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&whole);
                if fits { Ok(whole as i64) } else { Err(too_large(name, &Int64)) }
            };
            Arc::new(array.as_primitive::<Float64Type>().try_unary::<_, Int64Type, Error>(one)?)
        }
    })
}
