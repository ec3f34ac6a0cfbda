//! Calls: the function for the types of the arguments, the type of the result, what can be computed at once.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, new_empty_array};
use arrow_schema::DataType;

use super::functions::{Function, resolve};
use super::{Expr, Node, Value, types};
use crate::error::{Error, Result};

/// A value as another type, where the language has a cast between both.
pub fn convert(expr: Expr, to: &DataType) -> Result<Expr> {
    if types::castable(&expr.ty, to) {
        return Ok(expr.cast_to(to));
    }
    let (from, to) = (types::name(&expr.ty), types::name(to));
    Err(Error::profile("", format!("type mismatch: {from} cannot be cast to {to}")))
}

/// Resolves a function by the types of its arguments and casts them.
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

/// Runs a function over no rows, so that a pattern, a part of a date or a number of digits that is wrong, or no
/// constant where one is meant, is found when the profile is read.
fn dry_run(function: &Function, args: &[Expr], ty: &DataType) -> Result<()> {
    let empty = |expr: &Expr| Value::Array(new_empty_array(types::logical(&expr.ty)));
    let scene: Vec<Value> = args
        .iter()
        .enumerate()
        .map(|(at, arg)| match arg.constant() {
            // A first argument is what is computed with; only as a text may it also say how.
            Some(constant) if at > 0 || types::logical(&arg.ty) == &DataType::Utf8 => {
                Value::Scalar(Arc::clone(constant))
            }
            _ => empty(arg),
        })
        .collect();
    (function.eval)(&scene, 0, ty).map(|_| ())
}

/// A decimal rounded to a constant number of digits keeps no zeros behind them, and may grow by a digit before them.
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
