//! Expressions: SQL that is type-checked once and evaluated on whole Arrow arrays.

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

pub(super) use budget::{MAX_DEPTH, allow as depth, deepest};
pub use call::convert;
pub use cast::{as_text, cast};
pub use functions::{Carries, Doc, Function, Nulls, Reduction, all as functions, docs};
pub use lower::{Aggregate, Names, Window, lower};
pub use parse::{parse, parse_type};
pub use portable::{needs_decimals, portable};

use crate::error::Result;

/// A typed expression over the inputs of a column: the values of other columns for the same rows.
#[derive(Debug, Clone)]
pub struct Expr {
    /// The operation at the root of the expression.
    pub node: Node,
    /// The type of its value. Values of type text may be dictionaries at run time.
    pub ty: DataType,
    /// True if its value can be null.
    pub nullable: bool,
}

/// An operation with its operands.
#[derive(Debug, Clone)]
pub enum Node {
    /// An input, by its index.
    Input(usize),
    /// A constant: an array of length 1.
    Literal(ArrayRef),
    /// An operator or function.
    Call(&'static Function, Vec<Expr>),
    /// `CASE WHEN condition THEN value … ELSE value END`: the conditions, and the values with that of `ELSE` last.
    Case(Vec<Expr>, Vec<Expr>),
    /// `CAST(value AS type)`, to the type of the expression.
    Cast(Box<Expr>),
}

/// The result of an expression: an array, or one value for all rows.
#[derive(Debug, Clone)]
pub enum Value {
    /// A value for each row.
    Array(ArrayRef),
    /// One value for all rows: an array of length 1.
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
    /// Gives the array, of length 1 if it is one value for all rows.
    #[must_use]
    pub fn array(&self) -> &ArrayRef {
        match self {
            Value::Array(array) | Value::Scalar(array) => array,
        }
    }

    /// Gives the index of row `i` in the array.
    #[inline]
    #[must_use]
    pub fn row(&self, i: usize) -> usize {
        match self {
            Value::Array(_) => i,
            Value::Scalar(_) => 0,
        }
    }

    /// Expands the value to an array of `rows` values.
    ///
    /// # Errors
    ///
    /// If Arrow cannot repeat the value.
    pub fn into_array(self, rows: usize) -> Result<ArrayRef> {
        match self {
            Value::Array(array) => Ok(array),
            Value::Scalar(array) if is_null(&array) => Ok(new_null_array(array.data_type(), rows)),
            // A constant text becomes a dictionary of one value: a key for each row, no copies.
            Value::Scalar(array) if array.data_type() == &DataType::Utf8 => {
                Ok(Arc::new(DictionaryArray::new(Int32Array::from(vec![0; rows]), array)))
            }
            Value::Scalar(array) => Ok(take(&array, &Int32Array::from(vec![0; rows]), None)?),
        }
    }
}

impl Expr {
    /// Makes an expression that is an input.
    #[must_use]
    pub fn input(index: usize, ty: DataType, nullable: bool) -> Self {
        Self { node: Node::Input(index), ty, nullable }
    }

    /// Makes a constant from an array of length 1.
    #[must_use]
    pub fn literal(array: ArrayRef) -> Self {
        let (ty, nullable) = (array.data_type().clone(), is_null(&array));
        Self { node: Node::Literal(array), ty, nullable }
    }

    /// Gives the constant, as an array of length 1, if the expression is one.
    #[must_use]
    pub fn constant(&self) -> Option<&ArrayRef> {
        match &self.node {
            Node::Literal(array) => Some(array),
            _ => None,
        }
    }

    /// Casts the expression to a type; one that has it already stays as it is.
    #[must_use]
    pub fn cast_to(self, to: &DataType) -> Self {
        if types::logical(&self.ty) == to {
            return self;
        }
        let nullable = self.nullable;
        let cast = Self { node: Node::Cast(Box::new(self)), ty: to.clone(), nullable };
        cast.folded()
    }

    /// Replaces the expression by a constant if it does not depend on any row. If computing it fails, it stays as it is
    /// and the error comes when rows are evaluated.
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

    /// Evaluates the expression for `rows` rows.
    ///
    /// # Errors
    ///
    /// If a value is out of range or cannot be cast, or a function refuses an argument.
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

    /// Evaluates the expression to an array of `rows` values.
    ///
    /// # Errors
    ///
    /// As [`eval`](Self::eval).
    pub fn column(&self, inputs: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        self.eval(inputs, rows)?.into_array(rows)
    }
}

/// Tells whether a constant is null. For arrays of Arrow's null type, `is_null` says no.
fn is_null(array: &ArrayRef) -> bool {
    array.data_type() == &DataType::Null || array.is_null(0)
}

/// Calls a function. If it is strict and only one argument is a column, a dictionary, it runs over the dictionary's
/// values instead of the rows.
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
        // A dictionary may have values that no row has. After an error among them, the rows themselves are evaluated.
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
