//! `CASE`: each branch is evaluated only for the rows that take it.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, DictionaryArray, Int32Array, StringArray};
use arrow_schema::DataType;
use arrow_select::interleave::interleave;
use arrow_select::take::take;

use super::{Expr, Node, Value, cast, types};
use crate::error::Result;

/// Evaluates the conditions, then each value for the rows of its branch only. An error in a branch that no row takes
/// does not occur.
pub(super) fn case(
    conditions: &[Expr],
    values: &[Expr],
    inputs: &[ArrayRef],
    rows: usize,
    ty: &DataType,
) -> Result<Value> {
    let otherwise = conditions.len();
    let mut branch = vec![u32::MAX; rows];
    let mut left = rows;
    for (index, condition) in conditions.iter().enumerate() {
        if left == 0 {
            break;
        }
        let truth = match condition.eval(inputs, rows) {
            Err(_) if left < rows => {
                // The error may come from a row that took an earlier branch, so evaluate only the remaining rows.
                let mine: Vec<usize> = (0..rows).filter(|i| branch[*i] == u32::MAX).collect();
                let few = condition.eval(&taken(inputs, &mine)?, mine.len())?.into_array(mine.len())?;
                let mut truth = vec![None; rows];
                let few: &BooleanArray = few.as_boolean();
                mine.iter().zip(few).for_each(|(i, value)| truth[*i] = value);
                Value::Array(Arc::new(BooleanArray::from(truth)))
            }
            truth => truth?,
        };
        match truth {
            Value::Scalar(truth) => {
                if truth.as_boolean_opt().is_some_and(|t| !t.is_null(0) && t.value(0)) {
                    branch.iter_mut().filter(|b| **b == u32::MAX).for_each(|b| *b = index as u32);
                    left = 0;
                }
            }
            Value::Array(truth) => {
                let truth: &BooleanArray = truth.as_boolean();
                for (i, slot) in branch.iter_mut().enumerate() {
                    if *slot == u32::MAX && truth.value(i) && !truth.is_null(i) {
                        *slot = index as u32;
                        left -= 1;
                    }
                }
            }
        }
    }
    branch.iter_mut().filter(|b| **b == u32::MAX).for_each(|b| *b = otherwise as u32);
    if let Some(texts) = literal_texts(values, ty) {
        let keys: Int32Array = branch.iter().map(|b| texts.1[*b as usize]).collect();
        return Ok(Value::Array(Arc::new(DictionaryArray::new(keys, texts.0))));
    }
    let mut arrays = Vec::with_capacity(values.len());
    let mut places = vec![(0, 0); rows];
    for (index, value) in values.iter().enumerate() {
        let mine: Vec<usize> = (0..rows).filter(|i| branch[*i] == index as u32).collect();
        if let Node::Input(_) | Node::Literal(_) = value.node {
            let value = value.eval(inputs, rows)?;
            mine.iter().for_each(|i| places[*i] = (index, value.row(*i)));
            arrays.push(cast(value.array(), types::logical(ty))?);
        } else {
            let array =
                cast(&value.eval(&taken(inputs, &mine)?, mine.len())?.into_array(mine.len())?, types::logical(ty))?;
            mine.iter().enumerate().for_each(|(at, i)| places[*i] = (index, at));
            arrays.push(array);
        }
    }
    let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    Ok(Value::Array(interleave(&arrays, &places)?))
}

/// Gathers the inputs at some rows.
fn taken(inputs: &[ArrayRef], rows: &[usize]) -> Result<Vec<ArrayRef>> {
    let indices = Int32Array::from_iter_values(rows.iter().map(|i| *i as i32));
    Ok(inputs.iter().map(|input| take(input, &indices, None)).collect::<Result<Vec<_>, _>>()?)
}

/// Combines the branches into one dictionary if all are constant texts or null: its values, and the key of each branch.
fn literal_texts(values: &[Expr], ty: &DataType) -> Option<(ArrayRef, Vec<Option<i32>>)> {
    if types::logical(ty) != &DataType::Utf8 {
        return None;
    }
    let mut texts: Vec<&str> = Vec::new();
    let mut keys = Vec::new();
    for value in values {
        let array = value.constant()?;
        keys.push(match array.as_string_opt::<i32>() {
            Some(text) if !text.is_null(0) => {
                let text = text.value(0);
                let known = texts.iter().position(|t| *t == text);
                Some(known.unwrap_or_else(|| {
                    texts.push(text);
                    texts.len() - 1
                }) as i32)
            }
            _ => None,
        });
    }
    Some((Arc::new(StringArray::from(texts)), keys))
}
