//! Expressions: SQL, type-checked once, evaluated on whole Arrow arrays.

mod cast;
pub mod civil;
mod functions;
mod lower;
pub mod types;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, BooleanArray, Datum, DictionaryArray, Int32Array, StringArray, new_null_array};
use arrow_schema::DataType;
use arrow_select::interleave::interleave;
use arrow_select::take::take;

pub use cast::{as_text, cast};
pub use functions::{Function, all as functions};
pub use lower::{Aggregate, Names, Window, lower, parse, parse_type};

use crate::error::Result;

/// A typed expression over the inputs of a column.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it computes.
    pub node: Node,
    /// The type of its value; text may come as a dictionary at run time.
    pub ty: DataType,
    /// Whether it may be null.
    pub nullable: bool,
}

/// What an expression computes.
#[derive(Debug, Clone)]
pub enum Node {
    /// An input of the column.
    Input(usize),
    /// A constant: an array of length 1.
    Literal(ArrayRef),
    /// An operator or function.
    Call(&'static Function, Vec<Expr>),
    /// `CASE WHEN condition THEN value … ELSE value END`, the last value being the `ELSE`.
    Case(Vec<Expr>, Vec<Expr>),
    /// `CAST(value AS type)`.
    Cast(Box<Expr>),
}

/// A value of an expression: an array, or one value for all rows.
#[derive(Debug, Clone)]
pub enum Value {
    /// One value a row.
    Array(ArrayRef),
    /// The same value for every row: an array of length 1.
    Scalar(ArrayRef),
}

impl Datum for Value {
    fn get(&self) -> (&dyn Array, bool) {
        match self {
            Value::Array(array) => (array.as_ref(), false),
            Value::Scalar(array) => (array.as_ref(), true),
        }
    }
}

impl Value {
    /// The array, of length 1 where it is one value for all rows.
    #[must_use]
    pub fn array(&self) -> &ArrayRef {
        match self {
            Value::Array(array) | Value::Scalar(array) => array,
        }
    }

    /// The place of row `i` in the array.
    #[inline]
    #[must_use]
    pub fn row(&self, i: usize) -> usize {
        match self {
            Value::Array(_) => i,
            Value::Scalar(_) => 0,
        }
    }

    /// One value a row.
    pub fn into_array(self, rows: usize) -> Result<ArrayRef> {
        match self {
            Value::Array(array) => Ok(array),
            Value::Scalar(array) if is_null(&array) => Ok(new_null_array(array.data_type(), rows)),
            // A constant text costs one key a row and keeps its value shared.
            Value::Scalar(array) if array.data_type() == &DataType::Utf8 => {
                Ok(Arc::new(DictionaryArray::new(Int32Array::from(vec![0; rows]), array)))
            }
            Value::Scalar(array) => Ok(take(&array, &Int32Array::from(vec![0; rows]), None)?),
        }
    }
}

impl Expr {
    /// An input of a type.
    #[must_use]
    pub fn input(index: usize, ty: DataType, nullable: bool) -> Self {
        Self { node: Node::Input(index), ty, nullable }
    }

    /// A constant.
    #[must_use]
    pub fn literal(array: ArrayRef) -> Self {
        let (ty, nullable) = (array.data_type().clone(), is_null(&array));
        Self { node: Node::Literal(array), ty, nullable }
    }

    /// The constant that the expression is, if it is one.
    #[must_use]
    pub fn constant(&self) -> Option<&ArrayRef> {
        match &self.node {
            Node::Literal(array) => Some(array),
            _ => None,
        }
    }

    /// The expression as a value of type `to`.
    #[must_use]
    pub fn cast_to(self, to: &DataType) -> Self {
        if types::logical(&self.ty) == to {
            return self;
        }
        let nullable = self.nullable;
        let cast = Self { node: Node::Cast(Box::new(self)), ty: to.clone(), nullable };
        cast.folded()
    }

    /// Computes at once what does not depend on any row; an error is left to be found where the rows are.
    #[must_use]
    pub fn folded(self) -> Self {
        let constant = match &self.node {
            Node::Call(_, args) => args.iter().all(|a| a.constant().is_some()),
            Node::Cast(arg) => arg.constant().is_some(),
            Node::Case(whens, values) => whens.iter().chain(values).all(|a| a.constant().is_some()),
            Node::Input(_) | Node::Literal(_) => false,
        };
        match constant.then(|| self.eval(&[], 1)) {
            Some(Ok(value)) => match cast(value.array(), types::logical(&self.ty)) {
                Ok(array) => Self::literal(array),
                Err(_) => self,
            },
            _ => self,
        }
    }

    /// Evaluates over the inputs' rows.
    pub fn eval(&self, inputs: &[ArrayRef], rows: usize) -> Result<Value> {
        match &self.node {
            Node::Input(index) => Ok(Value::Array(Arc::clone(&inputs[*index]))),
            Node::Literal(array) => Ok(Value::Scalar(Arc::clone(array))),
            Node::Cast(arg) => Ok(match arg.eval(inputs, rows)? {
                Value::Array(array) => Value::Array(cast(&array, &self.ty)?),
                Value::Scalar(array) => Value::Scalar(cast(&array, &self.ty)?),
            }),
            Node::Call(function, args) => {
                let args = args.iter().map(|arg| arg.eval(inputs, rows)).collect::<Result<Vec<_>>>()?;
                call(function, &args, rows, &self.ty)
            }
            Node::Case(conditions, values) => case(conditions, values, inputs, rows, &self.ty),
        }
    }

    /// Evaluates to one value a row.
    pub fn column(&self, inputs: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        self.eval(inputs, rows)?.into_array(rows)
    }
}

/// Whether a constant is null; Arrow's null arrays say no to `is_null`.
fn is_null(array: &ArrayRef) -> bool {
    array.data_type() == &DataType::Null || array.is_null(0)
}

/// Calls a function. One that is strict in a single dictionary column runs over the dictionary's values, not the rows.
fn call(function: &Function, args: &[Value], rows: usize, ty: &DataType) -> Result<Value> {
    if args.iter().all(|arg| matches!(arg, Value::Scalar(_))) {
        return Ok(Value::Scalar((function.eval)(args, 1, ty)?));
    }
    let mut arrays = args.iter().enumerate().filter(|(_, arg)| matches!(arg, Value::Array(_)));
    if let (true, Some((at, one)), None) = (function.strict, arrays.next(), arrays.next())
        && let Some(dictionary) = one.array().as_dictionary_opt::<Int32Type>()
        && dictionary.values().len() < rows
    {
        let mut args = args.to_vec();
        args[at] = Value::Array(Arc::clone(dictionary.values()));
        let values = (function.eval)(&args, dictionary.values().len(), ty)?;
        return Ok(Value::Array(if values.data_type() == &DataType::Utf8 && values.null_count() == 0 {
            Arc::new(DictionaryArray::<Int32Type>::new(dictionary.keys().clone(), values))
        } else {
            take(&values, dictionary.keys(), None)?
        }));
    }
    Ok(Value::Array((function.eval)(args, rows, ty)?))
}

/// Which branch each row takes, then each branch over its own rows only: an error lurking in a branch that a row
/// does not take stays asleep.
fn case(conditions: &[Expr], values: &[Expr], inputs: &[ArrayRef], rows: usize, ty: &DataType) -> Result<Value> {
    let otherwise = conditions.len();
    let mut branch = vec![u32::MAX; rows];
    let mut left = rows;
    for (index, condition) in conditions.iter().enumerate() {
        if left == 0 {
            break;
        }
        match condition.eval(inputs, rows)? {
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
            let indices = Int32Array::from_iter_values(mine.iter().map(|i| *i as i32));
            let few = inputs.iter().map(|input| take(input, &indices, None)).collect::<Result<Vec<_>, _>>()?;
            let array = cast(&value.eval(&few, mine.len())?.into_array(mine.len())?, types::logical(ty))?;
            mine.iter().enumerate().for_each(|(at, i)| places[*i] = (index, at));
            arrays.push(array);
        }
    }
    let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    Ok(Value::Array(interleave(&arrays, &places)?))
}

/// The branches as one dictionary, where all are constant texts or null.
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
