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

/// The type required of a parameter. Integers widen to numbers, dates to timestamps at midnight.
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
    /// Any type, as text in its canonical form.
    AsText,
}

/// A compiled parameter.
#[derive(Debug, Clone)]
pub enum Slot {
    /// One value for all rows: an array of length 1.
    Const(ArrayRef),
    /// The index into [`Fill::inputs`].
    Input(usize),
}

/// A parameter whose values are numbers, dates or times.
#[derive(Debug, Clone)]
pub struct Operand<T> {
    slot: Slot,
    kind: PhantomData<T>,
}

/// The types that an [`Operand`] can have, each with the type to require in the profile.
pub trait Wanted: ArrowPrimitiveType {
    /// The type to require of the expression.
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
    /// Compiles an expression.
    ///
    /// # Errors
    ///
    /// If it does not compile, or its type is not `Wanted::WANT` and does not widen to it.
    pub fn plan(scope: &mut dyn Scope, field: &str, expr: &Expr) -> Result<Self> {
        Ok(Self { slot: scope.operand(field, expr, T::WANT)?, kind: PhantomData })
    }

    /// Compiles an expression or another generator.
    ///
    /// # Errors
    ///
    /// If it does not compile, or its type is not `Wanted::WANT` and does not widen to it.
    pub fn plan_value(scope: &mut dyn Scope, field: &str, value: &Value) -> Result<Self> {
        Ok(Self { slot: scope.value(field, value, T::WANT)?, kind: PhantomData })
    }

    /// Compiles an expression. Without one, the default applies.
    ///
    /// # Errors
    ///
    /// As [`plan`](Self::plan).
    pub fn plan_or(scope: &mut dyn Scope, field: &str, expr: Option<&Expr>, default: T::Native) -> Result<Self> {
        match expr {
            Some(expr) => Self::plan(scope, field, expr),
            None => Ok(Self::constant_of(default)),
        }
    }

    /// Makes a constant parameter.
    #[must_use]
    pub fn constant_of(value: T::Native) -> Self {
        let array = PrimitiveArray::<T>::new(ScalarBuffer::from(vec![value]), None);
        Self { slot: Slot::Const(std::sync::Arc::new(array)), kind: PhantomData }
    }

    /// Gives the value if it is the same for all rows and not null.
    #[must_use]
    pub fn constant(&self) -> Option<T::Native> {
        match &self.slot {
            Slot::Const(array) => array.as_primitive_opt::<T>().filter(|a| !a.is_null(0)).map(|a| a.value(0)),
            Slot::Input(_) => None,
        }
    }

    /// The values: one for all rows, or an input.
    #[must_use]
    pub fn slot(&self) -> &Slot {
        &self.slot
    }

    /// Tells whether the value is the same for all rows.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        matches!(self.slot, Slot::Const(_))
    }

    /// Gives the values for the rows of a fill.
    #[must_use]
    pub fn view<'a>(&'a self, fill: &'a Fill<'_>) -> View<'a, T> {
        match &self.slot {
            Slot::Const(_) => View::One(self.constant()),
            Slot::Input(index) => View::Each(fill.inputs[*index].as_primitive::<T>()),
        }
    }
}

/// The values of an [`Operand`] for some rows.
pub enum View<'a, T: ArrowPrimitiveType> {
    /// The same for every row.
    One(Option<T::Native>),
    /// One for each row.
    Each(&'a PrimitiveArray<T>),
}

impl<T: ArrowPrimitiveType> View<'_, T> {
    /// Gives the value in row `i`; `None` is null.
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
    /// Compiles an expression of type text.
    ///
    /// # Errors
    ///
    /// If it does not compile, or is not text.
    pub fn plan(scope: &mut dyn Scope, field: &str, expr: &Expr) -> Result<Self> {
        Ok(Self(scope.operand(field, expr, Want::Text)?))
    }

    /// Compiles an expression of any type, converted to text in its canonical form.
    ///
    /// # Errors
    ///
    /// If it does not compile.
    pub fn plan_any(scope: &mut dyn Scope, field: &str, expr: &Expr) -> Result<Self> {
        Ok(Self(scope.operand(field, expr, Want::AsText)?))
    }

    /// Gives the text if it is the same for all rows and not null.
    #[must_use]
    pub fn constant(&self) -> Option<String> {
        match &self.0 {
            Slot::Const(array) => texts(array).at(0).map(str::to_owned),
            Slot::Input(_) => None,
        }
    }

    /// Gives the input that it reads; `None` for a constant.
    #[must_use]
    pub fn input(&self) -> Option<usize> {
        match self.0 {
            Slot::Const(_) => None,
            Slot::Input(index) => Some(index),
        }
    }

    /// Gives the texts for the rows of a fill.
    #[must_use]
    pub fn view<'a>(&'a self, fill: &'a Fill<'_>) -> Texts<'a> {
        match &self.0 {
            Slot::Const(array) => Texts::One(Box::new(texts(array))),
            Slot::Input(index) => texts(&fill.inputs[*index]),
        }
    }
}
