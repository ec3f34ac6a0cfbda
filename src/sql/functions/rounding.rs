//! Rounding to a number of digits.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, new_null_array};
use arrow_schema::DataType::{self, Decimal128, Float64, Int64, Null};

use super::arithmetic::{decimals, same_number, too_large};
use super::{Carries, Function, Nulls, Resolved, Value};
use crate::error::{Error, Kind, Result};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "round",
        signature: "round(number[, digits])",
        about: "The number rounded, a half away from zero, to a constant number of digits; negative digits are tens, hundreds and so on.",
        example: ("round(-2.345, 2)", "-2.35"),
        types: rounded,
        eval: |args, rows, ty| round("round", args, rows, ty, libm::round, |_, rest, half| rest >= half),
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "round_even",
        signature: "round_even(number[, digits])",
        about: "As round, but with a half to the even digit, so that errors do not accumulate in one direction.",
        example: ("round_even(2.345, 2)", "2.34"),
        types: rounded,
        eval: |args, rows, ty| {
            let up = |whole: i128, rest: i128, half: i128| rest > half || (rest == half && whole % 2 != 0);
            round("round_even", args, rows, ty, libm::rint, up)
        },
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
];

/// Accepts a number, and optionally the number of digits.
fn rounded(args: &[DataType]) -> Option<Resolved> {
    let (mut wanted, ty) = same_number(args.get(..1)?)?;
    match &args[1..] {
        [] => {}
        [Int64 | Null] => wanted.push(Int64),
        _ => return None,
    }
    Some((wanted, ty))
}

/// Rounds to a constant number of digits. `up(last_digit, remainder, half)` tells whether to round away from zero.
fn round(
    name: &str,
    args: &[Value],
    rows: usize,
    ty: &DataType,
    nearest: fn(f64) -> f64,
    up: impl Fn(i128, i128, i128) -> bool,
) -> Result<ArrayRef> {
    let digits = match args.get(1) {
        None => 0,
        Some(Value::Array(_)) => {
            return Err(Error::new(Kind::Profile, format!("the digits of `{name}` must be a constant")));
        }
        Some(Value::Scalar(digits)) if digits.is_null(0) => return Ok(new_null_array(ty, rows)),
        Some(Value::Scalar(digits)) => digits.as_primitive::<Int64Type>().value(0).clamp(-38, 38),
    };
    let array = args[0].array();
    // Works on the absolute value, so that one rule serves both signs. `None` if there is nothing to round.
    let to_unit = |value: i128, places: u32| {
        if places == 0 {
            return Some(value);
        }
        if let (1..=18, Ok(small)) = (places, i64::try_from(value)) {
            // The same in 64 bits, which divide several times as fast.
            let (size, unit) = (small.unsigned_abs(), 10_u64.pow(places));
            let (whole, rest) = (i128::from(size / unit), size % unit);
            let up = rest > 0 && up(whole, i128::from(rest), i128::from(unit.div_ceil(2)));
            return Some((whole + i128::from(up)) * i128::from(unit) * value.signum());
        }
        let Some(unit) = 10_i128.checked_pow(places) else { return Some(0) };
        let (whole, rest) = (value.abs() / unit, value.abs() % unit);
        let whole = if rest > 0 && up(whole, rest, (unit + 1) / 2) { whole + 1 } else { whole };
        whole.checked_mul(unit).map(|size| size * value.signum())
    };
    match ty {
        Float64 => {
            // Powers of ten are exact in a double up to 22; beyond that no digit is left to round.
            let unit = 10_u128.pow(digits.unsigned_abs().min(22) as u32) as f64;
            let one = |x: f64| match digits {
                23.. => x,
                0.. => Some(nearest(x * unit) / unit).filter(|y| y.is_finite()).unwrap_or(x),
                _ => nearest(x / unit) * unit,
            };
            Ok(Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(one)))
        }
        Decimal128(precision, scale) => {
            let places = (i64::from(*scale) - digits).max(0) as u32;
            let values = array.as_primitive::<Decimal128Type>().try_unary::<_, Decimal128Type, Error>(|value| {
                to_unit(value, places).ok_or_else(|| too_large(name, ty))
            })?;
            decimals(name, values, if places == 0 { *precision } else { 38 }, ty)
        }
        _ => {
            let one = |value: i64| {
                let value = to_unit(i128::from(value), (-digits).max(0) as u32);
                value.and_then(|value| i64::try_from(value).ok()).ok_or_else(|| too_large(name, ty))
            };
            Ok(Arc::new(array.as_primitive::<Int64Type>().try_unary::<_, Int64Type, Error>(one)?))
        }
    }
}
