//! Arithmetic on dates with days and months.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int64Type};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, Date32Array, PrimitiveArray};
use arrow_schema::DataType::{Date32, Int64, Null};

use super::{Carries, Function, Nulls, Value, accepted};
use crate::error::{Error, Kind, Result};
use crate::sql::civil;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "+",
        signature: "date + days → date",
        about: "The date that many days later.",
        example: ("DATE '2024-02-28' + 2", "2024-03-01"),
        types: |args| match args {
            [Date32, Int64 | Null] => Some((vec![Date32, Int64], Date32)),
            [Int64 | Null, Date32] => Some((vec![Int64, Date32], Date32)),
            _ => None,
        },
        eval: |args, rows, _| match args[0].array().data_type() == &Date32 {
            true => days_later(&args[0], &args[1], rows, 1),
            false => days_later(&args[1], &args[0], rows, 1),
        },
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "-",
        signature: "date - days → date",
        about: "The date that many days earlier.",
        example: ("DATE '2024-03-01' - 1", "2024-02-29"),
        types: |args| matches!(args, [Date32, Int64]).then(|| (args.to_vec(), Date32)),
        eval: |args, rows, _| days_later(&args[0], &args[1], rows, -1),
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "-",
        signature: "date - date → bigint",
        about: "The number of days between two dates.",
        example: ("DATE '2024-03-01' - DATE '2024-02-01'", "29"),
        types: |args| matches!(args, [Date32, Date32]).then(|| (args.to_vec(), Int64)),
        eval: |args, rows, _| {
            let [a, b] = [0, 1].map(|at| args[at].array().as_primitive::<Date32Type>());
            Ok(Arc::new(pairs::<_, _, Int64Type>(args, rows, a, b, |a, b| Some(i64::from(a) - i64::from(b)))?))
        },
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "add_months",
        signature: "add_months(date, months) → date",
        about: "The same day of the month that many months later, or that month's last day.",
        example: ("add_months(DATE '2024-01-31', 1)", "2024-02-29"),
        types: |args| accepted(args, &[Date32, Int64], Date32),
        eval: |args, rows, _| {
            let (a, b) = (args[0].array().as_primitive::<Date32Type>(), args[1].array().as_primitive::<Int64Type>());
            let later = |day, n: i64| {
                // More months than in twenty thousand years are outside the calendar in any case.
                let n = i32::try_from(n).ok().filter(|n| n.abs() <= 240_000)?;
                Some(civil::add_months(day, n)).filter(|day| civil::is_day(i64::from(*day)))
            };
            Ok(Arc::new(pairs::<_, _, Date32Type>(args, rows, a, b, later)?))
        },
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "make_date",
        signature: "make_date(year, month, day) → date",
        about: "A date from its parts; null if there is no such day.",
        example: ("make_date(2024, 2, 29)", "2024-02-29"),
        types: |args| accepted(args, &[Int64, Int64, Int64], Date32),
        eval: |args, rows, _| {
            let parts = [0, 1, 2].map(|at| args[at].array().as_primitive::<Int64Type>());
            let day = |i: usize| {
                let part = |at: usize| {
                    let row = args[at].row(i);
                    (!parts[at].is_null(row)).then(|| parts[at].value(row))
                };
                let (y, m, d) = (part(0)?, part(1)?, part(2)?);
                let good = (1..=9999).contains(&y)
                    && (1..=12).contains(&m)
                    && (1..=i64::from(civil::month_length(y as i32, m as u32))).contains(&d);
                good.then(|| civil::to_days(y as i32, m as u32, d as u32))
            };
            Ok(Arc::new((0..rows).map(day).collect::<Date32Array>()))
        },
        nulls: Nulls::Anywhere,
        carries: Carries::Nothing,
    },
];

/// Computes a column from two, null if either is. `None` is a date outside the calendar, an error.
pub(super) fn pairs<A, B, C>(
    args: &[Value],
    rows: usize,
    a: &PrimitiveArray<A>,
    b: &PrimitiveArray<B>,
    f: impl Fn(A::Native, B::Native) -> Option<C::Native>,
) -> Result<PrimitiveArray<C>>
where
    A: ArrowPrimitiveType,
    B: ArrowPrimitiveType,
    C: ArrowPrimitiveType,
{
    let value = |i: usize| {
        let (i, j) = (args[0].row(i), args[1].row(i));
        if a.is_null(i) || b.is_null(j) {
            return Ok(None);
        }
        f(a.value(i), b.value(j)).map(Some).ok_or_else(outside)
    };
    (0..rows).map(value).collect()
}

/// Makes the error for a date or instant outside the calendar.
pub(super) fn outside() -> Error {
    Error::new(Kind::Profile, "a date is outside the years 1 to 9999")
}

fn days_later(date: &Value, days: &Value, rows: usize, sign: i64) -> Result<ArrayRef> {
    let (a, b) = (date.array().as_primitive::<Date32Type>(), days.array().as_primitive::<Int64Type>());
    let later = |date: i32, days: i64| {
        let day = i64::from(date).checked_add(days.checked_mul(sign)?)?;
        civil::is_day(day).then_some(day as i32)
    };
    Ok(Arc::new(pairs::<_, _, Date32Type>(&[date.clone(), days.clone()], rows, a, b, later)?))
}
