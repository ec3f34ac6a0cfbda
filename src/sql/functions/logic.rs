//! Three-valued logic: null is unknown, and the result is null unless the other operand decides it.

use std::sync::Arc;

use arrow_arith::boolean::{and_kleene, not, or_kleene};
use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, BooleanArray};
use arrow_schema::ArrowError;
use arrow_schema::DataType::{self, Boolean, Null};

use super::{Carries, Function, Nulls, Resolved, Value};
use crate::error::Result;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "and",
        signature: "a AND b → boolean",
        about: "True if both are true; false if one is false, even if the other is null.",
        example: ("NULL AND false", "false"),
        types: |args| truths(args, 2),
        eval: |args, rows, _| logic(args, rows, and_kleene),
        nulls: Nulls::WithAny,
        carries: Carries::Nothing,
    },
    Function {
        name: "or",
        signature: "a OR b → boolean",
        about: "True if one is true, even if the other is null; false if both are false.",
        example: ("NULL OR true", "true"),
        types: |args| truths(args, 2),
        eval: |args, rows, _| logic(args, rows, or_kleene),
        nulls: Nulls::WithAny,
        carries: Carries::Nothing,
    },
    Function {
        name: "not",
        signature: "NOT a → boolean",
        about: "The opposite.",
        example: ("NOT false", "true"),
        types: |args| truths(args, 1),
        eval: |args, _, _| Ok(Arc::new(not(args[0].array().as_boolean())?)),
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
];

fn truths(args: &[DataType], count: usize) -> Option<Resolved> {
    (args.len() == count && args.iter().all(|ty| matches!(ty, Boolean | Null))).then(|| (vec![Boolean; count], Boolean))
}

fn logic(
    args: &[Value],
    rows: usize,
    kernel: fn(&BooleanArray, &BooleanArray) -> Result<BooleanArray, ArrowError>,
) -> Result<ArrayRef> {
    let full = |value: &Value| value.clone().into_array(rows);
    Ok(Arc::new(kernel(full(&args[0])?.as_boolean(), full(&args[1])?.as_boolean())?))
}
