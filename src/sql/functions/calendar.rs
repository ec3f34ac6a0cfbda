//! Properties of a date: its weekday, its month's name and last day.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType::{self, Date32, Int64, Null, Utf8};

use super::columns::text;
use super::{Carries, Function, Nulls, Resolved, Value};
use crate::error::Result;
use crate::sql::civil;

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "last_day",
        signature: "last_day(date) → date",
        about: "The last day of the date's month.",
        example: ("last_day(DATE '2024-02-03')", "2024-02-29"),
        types: |args| one_date(args, Date32),
        eval: |args, _, _| {
            let last = |day: i32| {
                let (year, month, _) = civil::from_days(day);
                civil::to_days(year, month, civil::month_length(year, month))
            };
            Ok(Arc::new(args[0].array().as_primitive::<Date32Type>().unary::<_, Date32Type>(last)))
        },
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "weekday",
        signature: "weekday(date) → bigint",
        about: "The day of the week, Sunday 0 to Saturday 6.",
        example: ("weekday(DATE '2024-02-29')", "4"),
        types: |args| one_date(args, Int64),
        eval: |args, _, _| Ok(Arc::new(args[0].array().as_primitive::<Date32Type>().unary::<_, Int64Type>(weekday))),
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "dayname",
        signature: "dayname(date) → text",
        about: "The English name of the day of the week.",
        example: ("dayname(DATE '2024-02-29')", "Thursday"),
        types: |args| one_date(args, Utf8),
        eval: |args, rows, _| named(args, rows, |day| DAYS[weekday(day) as usize]),
        nulls: Nulls::Strict,
        carries: Carries::All,
    },
    Function {
        name: "monthname",
        signature: "monthname(date) → text",
        about: "The English name of the month.",
        example: ("monthname(DATE '2024-02-29')", "February"),
        types: |args| one_date(args, Utf8),
        eval: |args, rows, _| named(args, rows, |day| MONTHS[civil::from_days(day).1 as usize - 1]),
        nulls: Nulls::Strict,
        carries: Carries::All,
    },
];

fn one_date(args: &[DataType], result: DataType) -> Option<Resolved> {
    matches!(args, [Date32 | Null]).then(|| (vec![Date32], result))
}

fn weekday(day: i32) -> i64 {
    (i64::from(day) + 4).rem_euclid(7)
}

fn named(args: &[Value], rows: usize, name: impl Fn(i32) -> &'static str) -> Result<ArrayRef> {
    let days = args[0].array().as_primitive::<Date32Type>();
    text(rows, |i, out| {
        let row = args[0].row(i);
        (!days.is_null(row)).then(|| out.push_str(name(days.value(row))))
    })
}
