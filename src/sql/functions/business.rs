//! Business days: Monday to Friday, except the holidays of a calendar.
//!
//! A calendar is a text of dates such as `2025-01-01 2025-12-25`, from a parameter or a column of a data file.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Date32Array, Int64Array};
use arrow_schema::DataType::{self, Boolean, Date32, Int64, Utf8};

use super::days::outside;
use super::{Carries, Function, Nulls, Resolved, Value, accepted};
use crate::arrays::texts;
use crate::error::Result;
use crate::sql::holidays::Calendar;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "is_business_day",
        signature: "is_business_day(date[, holidays]) → boolean",
        about: "True if a date is a Monday to Friday and not a holiday; holidays are a text of dates separated by spaces.",
        example: ("is_business_day(DATE '2025-12-25', '2025-12-25 2025-12-26')", "false"),
        types: |args| with_holidays(args, &[Date32], Boolean),
        eval: |args, rows, _| {
            let open = each(args, 1, rows, |calendar, day, _| Ok(i64::from(calendar.is_open(day))))?;
            Ok(Arc::new(open.iter().map(|open| open.map(|open| open == 1)).collect::<BooleanArray>()))
        },
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "add_business_days",
        signature: "add_business_days(date, n[, holidays]) → date",
        about: "The n-th business day after a date, or before it if n is negative; for 0 the date itself or the next business day.",
        example: ("add_business_days(DATE '2025-12-24', 2, '2025-12-25 2025-12-26')", "2025-12-30"),
        types: |args| with_holidays(args, &[Date32, Int64], Date32),
        eval: |args, rows, _| {
            let later = each(args, 2, rows, |calendar, day, n| calendar.later(day, n).ok_or_else(outside))?;
            Ok(Arc::new(later.iter().map(|day| day.map(|day| day as i32)).collect::<Date32Array>()))
        },
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "business_days_between",
        signature: "business_days_between(from, to[, holidays]) → bigint",
        about: "The number of business days after `from` up to and including `to`; negative if `to` is earlier.",
        example: ("business_days_between(DATE '2025-12-24', DATE '2025-12-30', '2025-12-25 2025-12-26')", "2"),
        types: |args| with_holidays(args, &[Date32, Date32], Int64),
        eval: |args, rows, _| {
            let count = |calendar: &Calendar, from: i64, to: i64| {
                Ok(match from <= to {
                    true => calendar.open_before(to + 1) - calendar.open_before(from + 1),
                    false => calendar.open_before(to) - calendar.open_before(from),
                })
            };
            Ok(Arc::new(each(args, 2, rows, count)?))
        },
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
];

fn with_holidays(args: &[DataType], wanted: &[DataType], result: DataType) -> Option<Resolved> {
    let all: Vec<DataType> = wanted.iter().cloned().chain([Utf8]).collect();
    accepted(args, wanted, result.clone()).or_else(|| accepted(args, &all, result))
}

/// Computes an integer for each row from a date, the further arguments of the first `fixed`, and holidays if there is
/// an argument after them.
fn each(
    args: &[Value],
    fixed: usize,
    rows: usize,
    f: impl Fn(&Calendar, i64, i64) -> Result<i64>,
) -> Result<Int64Array> {
    let number = |at: usize, i: usize| {
        let (array, row): (&ArrayRef, usize) = (args[at].array(), args[at].row(i));
        (!array.is_null(row)).then(|| match array.data_type() {
            Date32 => i64::from(array.as_primitive::<Date32Type>().value(row)),
            _ => array.as_primitive::<Int64Type>().value(row),
        })
    };
    let holidays = args.get(fixed).map(|arg| texts(arg.array()));
    let (mut calendar, mut read) = (Calendar::default(), "");
    let mut values = Vec::with_capacity(rows);
    for i in 0..rows {
        if let (Some(holidays), Some(arg)) = (&holidays, args.get(fixed)) {
            // Most rows have the same calendar, even the same text in memory: parse it again only if the text changes.
            let Some(text) = holidays.at(arg.row(i)) else {
                values.push(None);
                continue;
            };
            if !std::ptr::eq(text, read) && text != read {
                (calendar, read) = (Calendar::read(text)?, text);
            }
        }
        let second = if fixed == 2 { number(1, i) } else { Some(0) };
        values.push(match (number(0, i), second) {
            (Some(first), Some(second)) => Some(f(&calendar, first, second)?),
            _ => None,
        });
    }
    Ok(Int64Array::from(values))
}
