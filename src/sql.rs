//! Expressions: SQL, type-checked once, evaluated on whole Arrow arrays.

mod apply;
mod budget;
mod call;
mod case;
mod cast;
pub mod civil;
mod functions;
mod holidays;
mod literals;
mod lower;
mod parse;
mod portable;
pub mod types;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, Datum, DictionaryArray, Int32Array, new_null_array};
use arrow_schema::DataType;
use arrow_select::take::take;

pub(super) use budget::allow as depth;
pub use call::convert;
pub use cast::{as_text, cast};
pub use functions::{Carries, Doc, Function, Nulls, Reduction, all as functions, docs};
pub use lower::{Aggregate, Names, Window, lower};
pub use parse::{parse, parse_type};
pub use portable::portable;

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
            Node::Case(conditions, values) => case::case(conditions, values, inputs, rows, &self.ty),
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
    if let (Nulls::Strict, Some((at, one)), None) = (function.nulls, arrays.next(), arrays.next())
        && let Some(dictionary) = one.array().as_dictionary_opt::<Int32Type>()
        && dictionary.values().len() < rows
    {
        let mut args = args.to_vec();
        args[at] = Value::Array(Arc::clone(dictionary.values()));
        // A dictionary may hold values that no row has: an error there is looked for in the rows again.
        if let Ok(values) = (function.eval)(&args, dictionary.values().len(), ty) {
            return Ok(Value::Array(if values.data_type() == &DataType::Utf8 && values.null_count() == 0 {
                Arc::new(DictionaryArray::<Int32Type>::new(dictionary.keys().clone(), values))
            } else {
                take(&values, dictionary.keys(), None)?
            }));
        }
    }
    Ok(Value::Array((function.eval)(args, rows, ty)?))
}
