//! Function resolution: the overload for the types of the arguments, casts of the arguments, the type of the result.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, new_empty_array};
use arrow_schema::DataType;

use super::functions::{Function, resolve};
use super::{Expr, Node, Value, types};
use crate::error::{Error, Result};

/// Casts an expression to another type.
///
/// # Errors
///
/// If there is no `CAST` between the types.
pub fn convert(expr: Expr, to: &DataType) -> Result<Expr> {
    if types::castable(&expr.ty, to) {
        return Ok(expr.cast_to(to));
    }
    let times = [types::timestamp(), types::datetime()];
    let zone = (times.contains(types::logical(&expr.ty)) && times.contains(to))
        .then(|| "… AT TIME ZONE 'Europe/Berlin' converts between an instant and what clocks show".to_owned());
    let (from, to) = (types::name(&expr.ty), types::name(to));
    Err(Error::profile("", format!("type mismatch: cannot cast {from} to {to}")).maybe_hint(zone))
}

/// Resolves a function by the types of its arguments, and casts them to the types of its parameters.
pub(super) fn call(name: &str, args: Vec<Expr>) -> Result<Expr> {
    let given: Vec<DataType> = args.iter().map(|arg| arg.ty.clone()).collect();
    let (function, (wanted, ty)) = resolve(name, &given)?;
    let args: Vec<Expr> = args.into_iter().zip(&wanted).map(|(arg, to)| arg.cast_to(to)).collect();
    dry_run(function, &args, &ty)?;
    let nullable = function.nulls.nullable(args.iter().map(|arg| arg.nullable));
    let digits = match name {
        "round" | "round_even" => rounded(&ty, args.get(1)),
        _ => None,
    };
    let result = Expr { node: Node::Call(function, args), ty, nullable }.folded();
    Ok(match digits {
        Some(ty) => result.cast_to(&ty),
        None => result,
    })
}

/// Evaluates a function for no rows. This finds wrong constants (a pattern, a part of a date, a number of digits), and
/// columns in place of constants, when the profile is compiled.
fn dry_run(function: &Function, args: &[Expr], ty: &DataType) -> Result<()> {
    let empty = |expr: &Expr| Value::Array(new_empty_array(types::logical(&expr.ty)));
    let scene: Vec<Value> = args
        .iter()
        .enumerate()
        .map(|(at, arg)| match arg.constant() {
            // The first argument is the operand; only a text can be an option, such as the part of a date.
            Some(constant) if at > 0 || types::logical(&arg.ty) == &DataType::Utf8 => {
                Value::Scalar(Arc::clone(constant))
            }
            _ => empty(arg),
        })
        .collect();
    (function.eval)(&scene, 0, ty).map(|_| ())
}

/// Gives the type of a decimal rounded to a constant number of digits: that many after the point, and one more before
/// it.
fn rounded(ty: &DataType, digits: Option<&Expr>) -> Option<DataType> {
    let DataType::Decimal128(precision, scale) = ty else { return None };
    let digits = match digits.map(|digits| digits.constant().and_then(|d| d.as_primitive_opt::<Int64Type>())) {
        None => 0,
        Some(Some(array)) if !array.is_null(0) => array.value(0),
        Some(_) => return None,
    };
    match digits {
        _ if digits >= i64::from(*scale) => None,
        0.. => Some(DataType::Decimal128(*precision, digits as i8)),
        _ if *scale > 0 => Some(DataType::Decimal128(*precision, 0)),
        _ => Some(DataType::Decimal128((*precision + 1).min(38), 0)),
    }
}
