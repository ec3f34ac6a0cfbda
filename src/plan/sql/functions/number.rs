//! Arithmetic: exact on integers and decimals, IEEE on floating-point numbers, `/` always floating.

use std::sync::Arc;

use arrow_arith::numeric;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Decimal128Array, Float64Array, Int64Array};
use arrow_schema::DataType::{self, Date32, Decimal128, Float64, Int64, Null};

use super::{Function, Resolved, Value};
use crate::error::{Error, Kind, Result};
use crate::plan::sql::types::{as_decimal, common, is_number};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "+",
        signature: "number + number, date + days, date or timestamp + interval",
        about: "Sum; integers and decimals exactly.",
        example: ("1.25 + 2", "3.25"),
        types: |args| {
            arithmetic(args, |(p1, s1), (p2, s2)| (whole(p1, s1).max(whole(p2, s2)) + s1.max(s2) + 1, s1.max(s2)))
        },
        eval: |args, _, _| Ok(numeric::add(&args[0], &args[1])?),
        strict: true,
    },
    Function {
        name: "-",
        signature: "number - number, date - days, date - date, date or timestamp - interval",
        about: "Difference; of two dates the days between them.",
        example: ("1.25 - 2", "-0.75"),
        types: |args| {
            arithmetic(args, |(p1, s1), (p2, s2)| (whole(p1, s1).max(whole(p2, s2)) + s1.max(s2) + 1, s1.max(s2)))
        },
        eval: |args, _, _| Ok(numeric::sub(&args[0], &args[1])?),
        strict: true,
    },
    Function {
        name: "*",
        signature: "number * number, number * interval",
        about: "Product; of decimals with the digits of both.",
        example: ("1.25 * 0.5", "0.625"),
        types: |args| arithmetic(args, |(p1, s1), (p2, s2)| (p1 as i8 + p2 as i8 + 1, s1 + s2)),
        eval: |args, _, _| Ok(numeric::mul(&args[0], &args[1])?),
        strict: true,
    },
    Function {
        name: "/",
        signature: "number / number → double",
        about: "Quotient as a floating-point number; null where the divisor is 0.",
        example: ("7 / 2", "3.5"),
        types: |args| (args.len() == 2 && args.iter().all(is_number)).then(|| (vec![Float64, Float64], Float64)),
        eval: |args, rows, _| {
            let (a, b) = (args[0].array().as_primitive::<Float64Type>(), args[1].array().as_primitive::<Float64Type>());
            let quotient = |i: usize| {
                let (i, j) = (args[0].row(i), args[1].row(i));
                (!a.is_null(i) && !b.is_null(j) && b.value(j) != 0.0).then(|| a.value(i) / b.value(j))
            };
            Ok(Arc::new((0..rows).map(quotient).collect::<Float64Array>()))
        },
        strict: false,
    },
    Function {
        name: "//",
        signature: "bigint // bigint → bigint",
        about: "Quotient rounded down; null where the divisor is 0.",
        example: ("-7 // 2", "-4"),
        types: integers,
        eval: |args, rows, _| integer(args, rows, |a, b| if b == 0 { None } else { floor_div(a, b) }),
        strict: false,
    },
    Function {
        name: "%",
        signature: "bigint % bigint → bigint",
        about: "Remainder with the sign of the dividend; null where the divisor is 0.",
        example: ("-7 % 3", "-1"),
        types: integers,
        eval: |args, rows, _| integer(args, rows, i64::checked_rem),
        strict: false,
    },
    Function {
        name: "negate",
        signature: "- number",
        about: "The number with its sign turned.",
        example: ("-(1.5)", "-1.5"),
        types: same_number,
        eval: |args, _, _| Ok(numeric::neg(args[0].array())?),
        strict: true,
    },
    Function {
        name: "abs",
        signature: "abs(number)",
        about: "The number without its sign.",
        example: ("abs(-1.5)", "1.5"),
        types: same_number,
        eval: |args, _, ty| match ty {
            Int64 => {
                Ok(Arc::new(args[0].array().as_primitive::<Int64Type>().unary::<_, Int64Type>(i64::saturating_abs)))
            }
            Float64 => Ok(Arc::new(args[0].array().as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::abs))),
            _ => decimal(args[0].array(), ty, i128::abs),
        },
        strict: true,
    },
    Function {
        name: "round",
        signature: "round(number, digits) → decimal or double",
        about: "Rounded half away from zero to a constant number of digits after the point.",
        example: ("round(2.345, 2)", "2.35"),
        types: |args| match args {
            [Int64, Int64] => Some((args.to_vec(), Int64)),
            [Float64, Int64] => Some((args.to_vec(), Float64)),
            [Decimal128(..), Int64] => Some((args.to_vec(), args[0].clone())),
            [ty @ (Int64 | Float64)] => Some((args.to_vec(), ty.clone())),
            [Decimal128(..)] => Some((args.to_vec(), args[0].clone())),
            _ => None,
        },
        eval: |args, _, ty| {
            let digits = args.get(1).map_or(0, |d| d.array().as_primitive::<Int64Type>().value(0)).clamp(0, 18);
            match ty {
                Float64 => {
                    let unit = 10_u64.pow(digits as u32) as f64;
                    let numbers = args[0].array().as_primitive::<Float64Type>();
                    Ok(Arc::new(numbers.unary::<_, Float64Type>(|x| libm::round(x * unit) / unit)))
                }
                Decimal128(_, scale) => {
                    let unit = 10_i128.pow((i64::from(*scale) - digits).max(0) as u32);
                    let half = |v: i128| (v + if v < 0 { -unit / 2 } else { unit / 2 }) / unit * unit;
                    decimal(args[0].array(), ty, half)
                }
                _ => Ok(Arc::clone(args[0].array())),
            }
        },
        strict: true,
    },
    Function {
        name: "floor",
        signature: "floor(number) → bigint",
        about: "The greatest integer that is not above.",
        example: ("floor(-1.5)", "-2"),
        types: to_integer,
        eval: |args, _, _| whole_of(args, libm::floor),
        strict: true,
    },
    Function {
        name: "ceil",
        signature: "ceil(number) → bigint",
        about: "The least integer that is not below.",
        example: ("ceil(1.2)", "2"),
        types: to_integer,
        eval: |args, _, _| whole_of(args, libm::ceil),
        strict: true,
    },
    Function {
        name: "sqrt",
        signature: "sqrt(number) → double",
        about: "The square root, exact to the last bit; null below 0.",
        example: ("sqrt(2.25)", "1.5"),
        types: |args| (args.len() == 1 && is_number(&args[0])).then(|| (vec![Float64], Float64)),
        eval: |args, _, _| {
            let numbers = args[0].array().as_primitive::<Float64Type>();
            Ok(Arc::new(numbers.iter().map(|x| x.filter(|x| *x >= 0.0).map(libm::sqrt)).collect::<Float64Array>()))
        },
        strict: false,
    },
];

fn whole(precision: u8, scale: i8) -> i8 {
    precision as i8 - scale
}

/// The rules of `+`, `-` and `*`: `digits` gives precision and scale of the result for two decimals.
fn arithmetic(args: &[DataType], digits: impl Fn((u8, i8), (u8, i8)) -> (i8, i8)) -> Option<Resolved> {
    let [a, b] = args else { return None };
    if matches!(
        (a, b),
        (Date32 | DataType::Timestamp(..) | DataType::Interval(_), _) | (_, Date32 | DataType::Interval(_))
    ) {
        return None;
    }
    match common(a, b)? {
        Null => Some((vec![Int64, Int64], Int64)),
        ty @ (Int64 | Float64) => Some((vec![ty.clone(), ty.clone()], ty)),
        Decimal128(..) => {
            let (a, b) = (as_decimal(a)?, as_decimal(b)?);
            let (precision, scale) = digits(a, b);
            let result = Decimal128(precision.clamp(1, 38) as u8, scale);
            (scale <= 38).then(|| (vec![Decimal128(a.0, a.1), Decimal128(b.0, b.1)], result))
        }
        _ => None,
    }
}

fn integers(args: &[DataType]) -> Option<Resolved> {
    (args.len() == 2 && args.iter().all(|a| matches!(a, Int64 | Null))).then(|| (vec![Int64, Int64], Int64))
}

fn same_number(args: &[DataType]) -> Option<Resolved> {
    matches!(args, [Int64 | Float64 | Decimal128(..)]).then(|| (args.to_vec(), args[0].clone()))
}

fn to_integer(args: &[DataType]) -> Option<Resolved> {
    matches!(args, [Int64 | Float64 | Decimal128(..)]).then(|| (args.to_vec(), Int64))
}

fn floor_div(a: i64, b: i64) -> Option<i64> {
    let quotient = a.checked_div(b)?;
    Some(if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient })
}

fn integer(args: &[Value], rows: usize, f: impl Fn(i64, i64) -> Option<i64>) -> Result<ArrayRef> {
    let (a, b) = (args[0].array().as_primitive::<Int64Type>(), args[1].array().as_primitive::<Int64Type>());
    let value = |i: usize| {
        let (i, j) = (args[0].row(i), args[1].row(i));
        if a.is_null(i) || b.is_null(j) { None } else { f(a.value(i), b.value(j)) }
    };
    Ok(Arc::new((0..rows).map(value).collect::<Int64Array>()))
}

fn decimal(array: &ArrayRef, ty: &DataType, f: impl Fn(i128) -> i128) -> Result<ArrayRef> {
    let values: Decimal128Array = array.as_primitive::<Decimal128Type>().unary(f);
    Ok(Arc::new(values.with_data_type(ty.clone())))
}

fn whole_of(args: &[Value], f: impl Fn(f64) -> f64) -> Result<ArrayRef> {
    let array = args[0].array();
    match array.data_type() {
        Int64 => Ok(Arc::clone(array)),
        Decimal128(_, scale) => {
            let unit = 10_i128.pow(*scale as u32);
            // Through f64 the last digits of a long decimal would be lost: only the direction of rounding is asked for.
            let up = f(0.5) > 0.5;
            let values = array.as_primitive::<Decimal128Type>();
            let value = |v: i128| {
                let down = v.div_euclid(unit);
                i64::try_from(if up && v.rem_euclid(unit) != 0 { down + 1 } else { down })
                    .map_err(|_| Error::new(Kind::Profile, "a decimal is too large for an integer"))
            };
            Ok(Arc::new(values.try_unary::<_, Int64Type, Error>(value)?))
        }
        _ => Ok(Arc::new(array.as_primitive::<Float64Type>().unary::<_, Int64Type>(|x| f(x) as i64))),
    }
}
