//! Sums and products: exact on integers and decimals, IEEE 754 on floating-point numbers. A result out of range is an
//! error.

use std::sync::Arc;

use arrow_arith::numeric;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{ArrayRef, PrimitiveArray};
use arrow_schema::ArrowError;
use arrow_schema::DataType::{self, Decimal128, Float64, Int64, Null};

use super::{Carries, Function, Nulls, Resolved};
use crate::error::{Error, Kind, Result};
use crate::sql::types::{as_decimal, common, name};

/// The digits of a sum or difference: one more before the point than the larger operand has.
const SUM: Digits = |(p1, s1), (p2, s2)| ((p1 as i8 - s1).max(p2 as i8 - s2) + s1.max(s2) + 1, s1.max(s2));

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "+",
        signature: "number + number",
        about: "Sum, exact for integers and decimals.",
        example: ("1.25 + 2", "3.25"),
        types: |args| arithmetic(args, SUM),
        eval: |args, _, ty| fitting("+", ty, numeric::add(&args[0], &args[1])),
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "-",
        signature: "number - number",
        about: "Difference.",
        example: ("1.25 - 2", "-0.75"),
        types: |args| arithmetic(args, SUM),
        eval: |args, _, ty| fitting("-", ty, numeric::sub(&args[0], &args[1])),
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "*",
        signature: "number * number",
        about: "Product; for decimals with the decimal places of both operands.",
        example: ("1.25 * 0.5", "0.625"),
        types: |args| arithmetic(args, |(p1, s1), (p2, s2)| (p1 as i8 + p2 as i8 + 1, s1 + s2)),
        eval: |args, _, ty| fitting("*", ty, numeric::mul(&args[0], &args[1])),
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "negate",
        signature: "- number",
        about: "The number with the opposite sign.",
        example: ("-(1.5)", "-1.5"),
        types: same_number,
        eval: |args, _, ty| fitting("-", ty, numeric::neg(args[0].array())),
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "abs",
        signature: "abs(number)",
        about: "The absolute value.",
        example: ("abs(-1.5)", "1.5"),
        types: same_number,
        eval: |args, _, ty| {
            let array = args[0].array();
            Ok(match ty {
                Int64 => Arc::new(
                    array
                        .as_primitive::<Int64Type>()
                        .try_unary::<_, Int64Type, Error>(|x| x.checked_abs().ok_or_else(|| too_large("abs", ty)))?,
                ),
                Float64 => Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::abs)),
                _ => {
                    let values = array.as_primitive::<Decimal128Type>().unary::<_, Decimal128Type>(i128::abs);
                    Arc::new(values.with_data_type(ty.clone()))
                }
            })
        },
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
];

/// A rule for the precision and scale of a result, from those of two decimals.
type Digits = fn((u8, i8), (u8, i8)) -> (i8, i8);

/// Resolves the types of `+`, `-` and `*`.
fn arithmetic(args: &[DataType], digits: Digits) -> Option<Resolved> {
    let [a, b] = args else { return None };
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

/// Accepts one number and gives a result of the same type; a bare null counts as an integer.
pub(super) fn same_number(args: &[DataType]) -> Option<Resolved> {
    match args {
        [Null] => Some((vec![Int64], Int64)),
        [ty @ (Int64 | Float64 | Decimal128(..))] => Some((vec![ty.clone()], ty.clone())),
        _ => None,
    }
}

pub(super) fn too_large(function: &str, ty: &DataType) -> Error {
    Error::new(Kind::Profile, format!("the result of `{function}` is too large for {}", name(ty)))
}

/// Checks the result of a kernel: a decimal may not have more digits than its type.
fn fitting(function: &str, ty: &DataType, result: Result<ArrayRef, ArrowError>) -> Result<ArrayRef> {
    let array = result.map_err(|error| too_large(function, ty).caused_by(error))?;
    match (array.as_primitive_opt::<Decimal128Type>(), ty) {
        (Some(values), Decimal128(precision, _)) => decimals(function, values.clone(), *precision, ty),
        _ => Ok(array),
    }
}

/// Gives decimals a type, and refuses one that has more digits.
pub(super) fn decimals(
    function: &str,
    values: PrimitiveArray<Decimal128Type>,
    precision: u8,
    ty: &DataType,
) -> Result<ArrayRef> {
    let values = values.with_data_type(ty.clone());
    values.validate_decimal_precision(precision).map_err(|error| too_large(function, ty).caused_by(error))?;
    Ok(Arc::new(values))
}
