//! `CASE`: each branch is evaluated only for the rows that take it.

mod merge;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, DictionaryArray, Int32Array, StringArray, UInt32Array};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::DataType;
use arrow_select::take::take;
use merge::{Part, merge};

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
                let mine: Vec<u32> = (0..rows as u32).filter(|i| branch[*i as usize] == u32::MAX).collect();
                let few = condition.eval(&taken(condition, inputs, &mine)?, mine.len())?.into_array(mine.len())?;
                let mut truth = vec![None; rows];
                let few: &BooleanArray = few.as_boolean();
                mine.iter().zip(few).for_each(|(i, value)| truth[*i as usize] = value);
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
                for row in met(truth.as_boolean()).set_indices().filter(|row| *row < rows) {
                    if branch[row] == u32::MAX {
                        branch[row] = index as u32;
                        left -= 1;
                    }
                }
            }
        }
    }
    branch.iter_mut().filter(|b| **b == u32::MAX).for_each(|b| *b = otherwise as u32);
    if let Some(texts) = literal_texts(values, ty) {
        return Ok(Value::Array(Arc::new(DictionaryArray::new(keys(&branch, &texts.1), texts.0))));
    }
    let mut lists: Vec<Vec<u32>> = vec![Vec::new(); values.len()];
    branch.iter().zip(0_u32..).for_each(|(branch, row)| lists[*branch as usize].push(row));
    let mut parts = Vec::with_capacity(values.len());
    for (value, mine) in values.iter().zip(lists) {
        let whole = mine.len() == rows;
        if mine.is_empty() && rows > 0 {
            continue;
        }
        let own = !whole && !matches!(value.node, Node::Input(_) | Node::Literal(_));
        let values = match own {
            true => value.eval(&taken(value, inputs, &mine)?, mine.len())?,
            false => value.eval(inputs, rows)?,
        };
        if whole {
            return whole_branch(values, rows, types::logical(ty));
        }
        parts.push(Part { rows: mine, values, own });
    }
    Ok(Value::Array(merge(parts, rows, types::logical(ty))?))
}

/// The value of a branch that all rows take: text with its encoding.
fn whole_branch(values: Value, rows: usize, ty: &DataType) -> Result<Value> {
    let array = values.into_array(rows)?;
    Ok(Value::Array(if types::logical(array.data_type()) == ty { array } else { cast(&array, ty)? }))
}

/// The rows whose truth value is true.
fn met(truth: &BooleanArray) -> BooleanBuffer {
    match truth.nulls() {
        Some(nulls) => truth.values() & nulls.inner(),
        None => truth.values().clone(),
    }
}

/// The key of each row, by the key of its branch.
fn keys(branch: &[u32], of_branch: &[Option<i32>]) -> Int32Array {
    let plain: Vec<i32> = of_branch.iter().map(|key| key.unwrap_or(0)).collect();
    let keys: Vec<i32> = branch.iter().map(|branch| plain[*branch as usize]).collect();
    let nulls = of_branch.contains(&None).then(|| {
        NullBuffer::new(BooleanBuffer::collect_bool(branch.len(), |row| of_branch[branch[row] as usize].is_some()))
    });
    Int32Array::new(keys.into(), nulls.filter(|nulls| nulls.null_count() > 0))
}

/// Gathers the inputs that an expression reads at some rows; the others stay, and are not looked at.
fn taken(expr: &Expr, inputs: &[ArrayRef], rows: &[u32]) -> Result<Vec<ArrayRef>> {
    let mut read = vec![false; inputs.len()];
    reads(expr, &mut read);
    let places = UInt32Array::from(rows.to_vec());
    let input = |(input, read): (&ArrayRef, bool)| match read {
        true => Ok(take(input, &places, None)?),
        false => Ok(Arc::clone(input)),
    };
    inputs.iter().zip(read).map(input).collect()
}

/// Marks the inputs that an expression reads.
fn reads(expr: &Expr, read: &mut [bool]) {
    match &expr.node {
        Node::Input(index) => read[*index] = true,
        Node::Literal(_) => {}
        Node::Cast(arg) => reads(arg, read),
        Node::Call(_, args) => args.iter().for_each(|arg| reads(arg, read)),
        Node::Case(conditions, values) => conditions.iter().chain(values).for_each(|arg| reads(arg, read)),
    }
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
