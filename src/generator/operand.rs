//! Parameters that may be constants or expressions over other columns.

use std::marker::PhantomData;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray};
use arrow_buffer::ScalarBuffer;

use super::{Fill, Scope};
use crate::arrays::{Texts, texts};
use crate::error::Result;
use crate::profile::{Expr, Value};

/// The type that a parameter must have; integers widen to numbers, and dates to timestamps at midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// `Int64`.
    Integer,
    /// `Float64`: integers and decimals widen.
    Number,
    /// `Utf8`, possibly as a dictionary.
    Text,
    /// `Date32`.
    Date,
    /// `Timestamp(Microsecond, UTC)`.
    Timestamp,
    /// `Boolean`.
    Boolean,
    /// Whatever it is, as text in its canonical form.
    AsText,
}

/// A checked parameter.
#[derive(Debug, Clone)]
pub enum Slot {
    /// One value for all rows: an array of length 1.
    Const(ArrayRef),
    /// The index into [`Fill::inputs`].
    Input(usize),
}

/// A number, date or time parameter.
#[derive(Debug, Clone)]
pub struct Operand<T> {
    slot: Slot,
    kind: PhantomData<T>,
}

/// A parameter whose values are `T::Native`, as the plan checked.
pub trait Wanted: ArrowPrimitiveType {
    /// The type to ask the scope for.
    const WANT: Want;
}

impl Wanted for Int64Type {
    const WANT: Want = Want::Integer;
}
impl Wanted for Float64Type {
    const WANT: Want = Want::Number;
}
impl Wanted for Date32Type {
    const WANT: Want = Want::Date;
}
impl Wanted for TimestampMicrosecondType {
    const WANT: Want = Want::Timestamp;
}

impl<T: Wanted> Operand<T> {
    /// Plans an expression.
    pub fn plan(scope: &mut dyn Scope, field: &str, expr: &Expr) -> Result<Self> {
        Ok(Self { slot: scope.operand(field, expr, T::WANT)?, kind: PhantomData })
    }

    /// Plans an expression or generator.
    pub fn plan_value(scope: &mut dyn Scope, field: &str, value: &Value) -> Result<Self> {
        Ok(Self { slot: scope.value(field, value, T::WANT)?, kind: PhantomData })
    }

    /// Plans an expression, or takes the default where there is none.
    pub fn plan_or(scope: &mut dyn Scope, field: &str, expr: Option<&Expr>, default: T::Native) -> Result<Self> {
        match expr {
            Some(expr) => Self::plan(scope, field, expr),
            None => Ok(Self::constant_of(default)),
        }
    }

    /// A constant.
    #[must_use]
    pub fn constant_of(value: T::Native) -> Self {
        let array = PrimitiveArray::<T>::new(ScalarBuffer::from(vec![value]), None);
        Self { slot: Slot::Const(std::sync::Arc::new(array)), kind: PhantomData }
    }

    /// The value, if it is the same for all rows and not null.
    #[must_use]
    pub fn constant(&self) -> Option<T::Native> {
        match &self.slot {
            Slot::Const(array) => array.as_primitive_opt::<T>().filter(|a| !a.is_null(0)).map(|a| a.value(0)),
            Slot::Input(_) => None,
        }
    }

    /// Whether the value is the same for all rows.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        matches!(self.slot, Slot::Const(_))
    }

    /// The values for the rows of a fill.
    #[must_use]
    pub fn view<'a>(&'a self, fill: &'a Fill<'_>) -> View<'a, T> {
        match &self.slot {
            Slot::Const(_) => View::One(self.constant()),
            Slot::Input(index) => View::Each(fill.inputs[*index].as_primitive::<T>()),
        }
    }
}

/// The values of an [`Operand`] for the rows of a fill.
pub enum View<'a, T: ArrowPrimitiveType> {
    /// The same for every row.
    One(Option<T::Native>),
    /// One for each row.
    Each(&'a PrimitiveArray<T>),
}

impl<T: ArrowPrimitiveType> View<'_, T> {
    /// The value in row `i`; `None` is null.
    #[inline]
    #[must_use]
    pub fn at(&self, i: usize) -> Option<T::Native> {
        match self {
            View::One(value) => *value,
            View::Each(array) => (!array.is_null(i)).then(|| array.value(i)),
        }
    }
}

/// A text parameter.
#[derive(Debug, Clone)]
pub struct Text(Slot);

impl Text {
    /// Plans an expression of type text.
    pub fn plan(scope: &mut dyn Scope, field: &str, expr: &Expr) -> Result<Self> {
        Ok(Self(scope.operand(field, expr, Want::Text)?))
    }

    /// Plans an expression of any type, taken as text in its canonical form.
    pub fn plan_any(scope: &mut dyn Scope, field: &str, expr: &Expr) -> Result<Self> {
        Ok(Self(scope.operand(field, expr, Want::AsText)?))
    }

    /// The text, if it is the same for all rows and not null.
    #[must_use]
    pub fn constant(&self) -> Option<String> {
        match &self.0 {
            Slot::Const(array) => texts(array).at(0).map(str::to_owned),
            Slot::Input(_) => None,
        }
    }

    /// The texts for the rows of a fill.
    #[must_use]
    pub fn view<'a>(&'a self, fill: &'a Fill<'_>) -> Texts<'a> {
        match &self.0 {
            Slot::Const(array) => Texts::One(Box::new(texts(array))),
            Slot::Input(index) => texts(&fill.inputs[*index]),
        }
    }
}
