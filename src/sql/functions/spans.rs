//! Arithmetic on instants with intervals of months, days and microseconds.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, IntervalMonthDayNanoType, TimestampMicrosecondType};
use arrow_buffer::IntervalMonthDayNano;
use arrow_schema::DataType::{self, Date32, Int64, Timestamp};

use super::days::pairs;
use super::{Carries, Function, Nulls, Resolved, Value};
use crate::error::Result;
use crate::sql::civil::{self, DAY};
use crate::sql::types::{INTERVAL, datetime, timestamp};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "+",
        signature: "date or timestamp + interval → timestamp",
        about: "The instant that much later; a month later is the same day of the month, or that month's last.",
        example: ("TIMESTAMP '2024-01-31 08:00:00' + INTERVAL '1' MONTH", "2024-02-29T08:00:00Z"),
        types: moved,
        eval: |args, rows, _| shift(args, rows, 1),
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "-",
        signature: "date or timestamp - interval → timestamp",
        about: "The instant that much earlier.",
        example: ("TIMESTAMP '2024-03-01 00:30:00' - INTERVAL '90' MINUTE", "2024-02-29T23:00:00Z"),
        types: moved,
        eval: |args, rows, _| shift(args, rows, -1),
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "*",
        signature: "bigint * interval → interval",
        about: "A multiple of an interval.",
        example: ("TIMESTAMP '2024-01-01 00:00:00' + 3 * INTERVAL '20' MINUTE", "2024-01-01T01:00:00Z"),
        types: |args| match args {
            [Int64, ty] | [ty, Int64] if *ty == INTERVAL => Some((args.to_vec(), INTERVAL)),
            _ => None,
        },
        eval: |args, rows, _| {
            let (n, span) = if args[0].array().data_type() == &Int64 { (0, 1) } else { (1, 0) };
            let args = [args[n].clone(), args[span].clone()];
            let (a, b) = (
                args[0].array().as_primitive::<Int64Type>(),
                args[1].array().as_primitive::<IntervalMonthDayNanoType>(),
            );
            let times = |n: i64, span: IntervalMonthDayNano| {
                Some(IntervalMonthDayNano::new(
                    i32::try_from(i64::from(span.months).checked_mul(n)?).ok()?,
                    i32::try_from(i64::from(span.days).checked_mul(n)?).ok()?,
                    span.nanoseconds.checked_mul(n)?,
                ))
            };
            Ok(Arc::new(pairs::<_, _, IntervalMonthDayNanoType>(&args, rows, a, b, times)?))
        },
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
];

fn moved(args: &[DataType]) -> Option<Resolved> {
    match args {
        [time, span] if *span == INTERVAL && matches!(time, Date32 | Timestamp(..)) => {
            let time = if *time == datetime() { datetime() } else { timestamp() };
            Some((vec![time.clone(), INTERVAL], time))
        }
        _ => None,
    }
}

fn shift(args: &[Value], rows: usize, sign: i64) -> Result<ArrayRef> {
    let instants = args[0].array().as_primitive::<TimestampMicrosecondType>();
    let spans = args[1].array().as_primitive::<IntervalMonthDayNanoType>();
    let moved = |at: i64, span: IntervalMonthDayNano| {
        let months = i64::from(span.months) * sign;
        let months = i32::try_from(months).ok().filter(|months| months.abs() <= 240_000)?;
        let days = civil::add_months(at.div_euclid(DAY) as i32, months);
        let days = i64::from(days) + i64::from(span.days) * sign;
        let at = days.checked_mul(DAY)?.checked_add(at.rem_euclid(DAY))?;
        let at = at.checked_add((span.nanoseconds / 1_000).checked_mul(sign)?)?;
        civil::is_day(at.div_euclid(DAY)).then_some(at)
    };
    let array = pairs::<_, _, TimestampMicrosecondType>(args, rows, instants, spans, moved)?;
    Ok(Arc::new(array.with_data_type(args[0].array().data_type().clone())))
}
