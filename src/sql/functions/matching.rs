//! Tests of texts: patterns, prefixes and parts.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray};
use arrow_schema::DataType::{self, Boolean, Null, Utf8};
use arrow_string::like;

use super::columns::text;
use super::{Carries, Function, Nulls, Resolved, Value};
use crate::arrays::texts;
use crate::error::Result;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "like",
        signature: "text [NOT] LIKE pattern → boolean",
        about: "True if a text matches a pattern: `%` matches any characters, `_` exactly one.",
        example: ("'placebo' LIKE 'pl%b_'", "true"),
        types: two_texts_to_truth,
        eval: |args, _, _| Ok(Arc::new(like::like(&plain(&args[0])?, &pattern(&args[1])?)?)),
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "ilike",
        signature: "text [NOT] ILIKE pattern → boolean",
        about: "As LIKE, but ignoring case.",
        example: ("'Placebo' ILIKE 'PL%'", "true"),
        types: two_texts_to_truth,
        eval: |args, _, _| Ok(Arc::new(like::ilike(&plain(&args[0])?, &pattern(&args[1])?)?)),
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "starts_with",
        signature: "starts_with(text, prefix) → boolean",
        about: "True if a text starts with a prefix.",
        example: ("starts_with('placebo', 'pla')", "true"),
        types: two_texts_to_truth,
        eval: |args, rows, _| truth(args, rows, |t, prefix| t.starts_with(prefix)),
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "contains",
        signature: "contains(text, part) → boolean",
        about: "True if a text contains another.",
        example: ("contains('placebo', 'ace')", "true"),
        types: two_texts_to_truth,
        eval: |args, rows, _| truth(args, rows, |t, part| t.contains(part)),
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
];

pub(super) fn two_texts_to_truth(args: &[DataType]) -> Option<Resolved> {
    matches!(args, [Utf8 | Null, Utf8 | Null]).then(|| (vec![Utf8, Utf8], Boolean))
}

fn plain(value: &Value) -> Result<Value> {
    Ok(match value {
        Value::Array(array) => Value::Array(arrow_cast::cast(array, &Utf8)?),
        Value::Scalar(array) => Value::Scalar(arrow_cast::cast(array, &Utf8)?),
    })
}

/// Converts a pattern for the kernel: there a backslash is an escape, in SQL an ordinary character.
fn pattern(value: &Value) -> Result<Value> {
    let array = value.array();
    let t = texts(array);
    if (0..array.len()).all(|i| t.at(i).is_none_or(|t| !t.contains('\\'))) {
        return plain(value);
    }
    let escaped = text(array.len(), |i, out| {
        out.push_str(&t.at(i)?.replace('\\', "\\\\"));
        Some(())
    })?;
    Ok(match value {
        Value::Array(_) => Value::Array(escaped),
        Value::Scalar(_) => Value::Scalar(escaped),
    })
}

fn truth(args: &[Value], rows: usize, f: impl Fn(&str, &str) -> bool) -> Result<ArrayRef> {
    let (a, b) = (texts(args[0].array()), texts(args[1].array()));
    Ok(Arc::new((0..rows).map(|i| Some(f(a.at(args[0].row(i))?, b.at(args[1].row(i))?))).collect::<BooleanArray>()))
}
