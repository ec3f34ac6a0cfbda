//! Dates, instants (UTC, microseconds) and spans.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int64Type, IntervalMonthDayNanoType, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, Date32Array, Int64Array, PrimitiveArray, TimestampMicrosecondArray,
};
use arrow_buffer::IntervalMonthDayNano;
use arrow_schema::DataType::{self, Date32, Int64, Null, Utf8};

use super::{Function, Resolved, Value};
use crate::error::{Error, Kind, Result};
use crate::generator::operand::texts;
use crate::plan::sql::civil::{self, DAY};
use crate::plan::sql::types::{INTERVAL, timestamp};

macro_rules! between {
    ($name:literal, $about:literal, $answer:literal, $unit:expr) => {
        Function {
            name: $name,
            signature: concat!($name, "(from, to) → bigint"),
            about: $about,
            example: (concat!($name, "(TIMESTAMP '2024-02-29 12:00:00', TIMESTAMP '2025-03-01 11:59:59')"), $answer),
            types: two_instants,
            eval: |args, rows, _| instants(args, rows, $unit),
            strict: true,
        }
    };
}

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "+",
        signature: "date + days → date",
        about: "The date so many days later.",
        example: ("DATE '2024-02-28' + 2", "2024-03-01"),
        types: |args| match args {
            [Date32, Int64] => Some((args.to_vec(), Date32)),
            [Int64, Date32] => Some((args.to_vec(), Date32)),
            _ => None,
        },
        eval: |args, rows, _| {
            let (date, days) = if args[0].array().data_type() == &Date32 { (0, 1) } else { (1, 0) };
            days_later(&args[date], &args[days], rows, 1)
        },
        strict: true,
    },
    Function {
        name: "-",
        signature: "date - days → date",
        about: "The date so many days earlier.",
        example: ("DATE '2024-03-01' - 1", "2024-02-29"),
        types: |args| matches!(args, [Date32, Int64]).then(|| (args.to_vec(), Date32)),
        eval: |args, rows, _| days_later(&args[0], &args[1], rows, -1),
        strict: true,
    },
    Function {
        name: "-",
        signature: "date - date → bigint",
        about: "The days between two dates.",
        example: ("DATE '2024-03-01' - DATE '2024-02-01'", "29"),
        types: |args| matches!(args, [Date32, Date32]).then(|| (args.to_vec(), Int64)),
        eval: |args, rows, _| {
            let [a, b] = [0, 1].map(|at| args[at].array().as_primitive::<Date32Type>());
            Ok(Arc::new(pairs::<_, _, Int64Type>(args, rows, a, b, |a, b| Some(i64::from(a) - i64::from(b)))))
        },
        strict: true,
    },
    Function {
        name: "+",
        signature: "date or timestamp + interval → timestamp",
        about: "The instant that much later; a month counts to the same day or the month's last.",
        example: ("TIMESTAMP '2024-01-31 08:00:00' + INTERVAL '1' MONTH", "2024-02-29T08:00:00Z"),
        types: moved,
        eval: |args, rows, _| shift(args, rows, 1),
        strict: true,
    },
    Function {
        name: "-",
        signature: "date or timestamp - interval → timestamp",
        about: "The instant that much earlier.",
        example: ("TIMESTAMP '2024-03-01 00:30:00' - INTERVAL '90' MINUTE", "2024-02-29T23:00:00Z"),
        types: moved,
        eval: |args, rows, _| shift(args, rows, -1),
        strict: true,
    },
    Function {
        name: "*",
        signature: "bigint * interval → interval",
        about: "A multiple of a span.",
        example: ("TIMESTAMP '2024-01-01 00:00:00' + 3 * INTERVAL '20' MINUTE", "2024-01-01T01:00:00Z"),
        types: |args| match args {
            [Int64, ty] | [ty, Int64] if *ty == INTERVAL => Some((args.to_vec(), INTERVAL)),
            _ => None,
        },
        eval: |args, rows, _| {
            let (n, span) = if args[0].array().data_type() == &Int64 { (0, 1) } else { (1, 0) };
            let (a, b) = (
                args[n].array().as_primitive::<Int64Type>(),
                args[span].array().as_primitive::<IntervalMonthDayNanoType>(),
            );
            let times = |n: i64, s: IntervalMonthDayNano| {
                let (n32, days) = (i32::try_from(n).ok()?, i64::from(s.days) * n);
                Some(IntervalMonthDayNano::new(
                    s.months.checked_mul(n32)?,
                    i32::try_from(days).ok()?,
                    s.nanoseconds.checked_mul(n)?,
                ))
            };
            let args = [args[n].clone(), args[span].clone()];
            Ok(Arc::new(pairs::<_, _, IntervalMonthDayNanoType>(&args, rows, a, b, times)))
        },
        strict: true,
    },
    Function {
        name: "date_part",
        signature: "EXTRACT(part FROM date or timestamp) → bigint",
        about: "year, quarter, month, day, hour, minute, second, dow (Sunday 0), isodow (Monday 1), doy or epoch.",
        example: ("EXTRACT(isodow FROM DATE '2024-02-29')", "4"),
        types: |args| match args {
            [Utf8, Date32 | DataType::Timestamp(..)] => Some((vec![Utf8, timestamp()], Int64)),
            _ => None,
        },
        eval: |args, rows, _| {
            let part = constant(&args[0], "date_part")?;
            let extract = extractor(&part)?;
            let instants = args[1].array().as_primitive::<TimestampMicrosecondType>();
            Ok(Arc::new(
                (0..rows)
                    .map(|i| {
                        let i = args[1].row(i);
                        (!instants.is_null(i)).then(|| extract(instants.value(i)))
                    })
                    .collect::<Int64Array>(),
            ))
        },
        strict: true,
    },
    Function {
        name: "date_trunc",
        signature: "date_trunc(part, date or timestamp) → timestamp",
        about: "The start of the year, quarter, month, week (Monday), day, hour or minute.",
        example: ("date_trunc('month', DATE '2024-02-29')", "2024-02-01T00:00:00Z"),
        types: |args| match args {
            [Utf8, Date32 | DataType::Timestamp(..)] => Some((vec![Utf8, timestamp()], timestamp())),
            _ => None,
        },
        eval: |args, rows, _| {
            let part = constant(&args[0], "date_trunc")?;
            let truncate = truncator(&part)?;
            let instants = args[1].array().as_primitive::<TimestampMicrosecondType>();
            Ok(Arc::new(
                (0..rows)
                    .map(|i| {
                        let i = args[1].row(i);
                        (!instants.is_null(i)).then(|| truncate(instants.value(i)))
                    })
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ))
        },
        strict: true,
    },
    Function {
        name: "add_months",
        signature: "add_months(date, months) → date",
        about: "The same day so many months later, or that month's last.",
        example: ("add_months(DATE '2024-01-31', 1)", "2024-02-29"),
        types: |args| matches!(args, [Date32, Int64]).then(|| (args.to_vec(), Date32)),
        eval: |args, rows, _| {
            let (a, b) = (args[0].array().as_primitive::<Date32Type>(), args[1].array().as_primitive::<Int64Type>());
            let later = |d, n: i64| Some(civil::add_months(d, i32::try_from(n).ok()?));
            Ok(Arc::new(pairs::<_, _, Date32Type>(args, rows, a, b, later)))
        },
        strict: true,
    },
    Function {
        name: "make_date",
        signature: "make_date(year, month, day) → date",
        about: "A date from its parts; null where there is no such day.",
        example: ("make_date(2024, 2, 29)", "2024-02-29"),
        types: |args| matches!(args, [Int64, Int64, Int64]).then(|| (args.to_vec(), Date32)),
        eval: |args, rows, _| {
            let parts = [0, 1, 2].map(|at| args[at].array().as_primitive::<Int64Type>());
            Ok(Arc::new(
                (0..rows)
                    .map(|i| {
                        let [y, m, d] = [0, 1, 2].map(|at| {
                            let row = args[at].row(i);
                            (!parts[at].is_null(row)).then(|| parts[at].value(row))
                        });
                        let (y, m, d) = (y?, m?, d?);
                        let good = (1..=9999).contains(&y)
                            && (1..=12).contains(&m)
                            && d >= 1
                            && d <= i64::from(civil::month_length(y as i32, m as u32));
                        good.then(|| civil::to_days(y as i32, m as u32, d as u32))
                    })
                    .collect::<Date32Array>(),
            ))
        },
        strict: false,
    },
    between!("years_between", "Whole years from one instant to another: an age.", "1", |a, b| civil::months_between(
        a, b
    ) / 12),
    between!("months_between", "Whole months from one instant to another.", "12", civil::months_between),
    between!("days_between", "Whole days of 24 hours from one instant to another.", "365", |a, b| (b - a) / DAY),
    between!("hours_between", "Whole hours from one instant to another.", "8783", |a, b| (b - a) / 3_600_000_000),
    between!("minutes_between", "Whole minutes from one instant to another.", "527039", |a, b| (b - a) / 60_000_000),
    between!("seconds_between", "Whole seconds from one instant to another.", "31622399", |a, b| (b - a) / 1_000_000),
];

fn two_instants(args: &[DataType]) -> Option<Resolved> {
    let instant = |ty: &DataType| matches!(ty, Date32 | DataType::Timestamp(..) | Null);
    (args.len() == 2 && args.iter().all(instant)).then(|| (vec![timestamp(), timestamp()], Int64))
}

fn moved(args: &[DataType]) -> Option<Resolved> {
    match args {
        [Date32 | DataType::Timestamp(..), span] if *span == INTERVAL => {
            Some((vec![timestamp(), INTERVAL], timestamp()))
        }
        _ => None,
    }
}

fn constant(value: &Value, function: &str) -> Result<String> {
    match value {
        Value::Scalar(array) => Ok(texts(array).at(0).unwrap_or("").to_lowercase()),
        Value::Array(_) => Err(Error::new(Kind::Profile, format!("the part of `{function}` must be a constant"))),
    }
}

/// Two columns to a third; null where either is or where `f` says so.
fn pairs<A, B, C>(
    args: &[Value],
    rows: usize,
    a: &PrimitiveArray<A>,
    b: &PrimitiveArray<B>,
    f: impl Fn(A::Native, B::Native) -> Option<C::Native>,
) -> PrimitiveArray<C>
where
    A: ArrowPrimitiveType,
    B: ArrowPrimitiveType,
    C: ArrowPrimitiveType,
{
    let value = |i: usize| {
        let (i, j) = (args[0].row(i), args[1].row(i));
        if a.is_null(i) || b.is_null(j) { None } else { f(a.value(i), b.value(j)) }
    };
    (0..rows).map(value).collect()
}

fn days_later(date: &Value, days: &Value, rows: usize, sign: i64) -> Result<ArrayRef> {
    let (a, b) = (date.array().as_primitive::<Date32Type>(), days.array().as_primitive::<Int64Type>());
    let later = |date: i32, days: i64| i32::try_from(i64::from(date).checked_add(days.checked_mul(sign)?)?).ok();
    Ok(Arc::new(pairs::<_, _, Date32Type>(&[date.clone(), days.clone()], rows, a, b, later)))
}

fn instants(args: &[Value], rows: usize, f: impl Fn(i64, i64) -> i64) -> Result<ArrayRef> {
    let [a, b] = [0, 1].map(|at| args[at].array().as_primitive::<TimestampMicrosecondType>());
    Ok(Arc::new(pairs::<_, _, Int64Type>(args, rows, a, b, |a, b| Some(f(a, b)))))
}

fn shift(args: &[Value], rows: usize, sign: i64) -> Result<ArrayRef> {
    let instants = args[0].array().as_primitive::<TimestampMicrosecondType>();
    let spans = args[1].array().as_primitive::<IntervalMonthDayNanoType>();
    let moved = |at: i64, span: IntervalMonthDayNano| {
        let days = civil::add_months(at.div_euclid(DAY) as i32, span.months * sign as i32);
        let days = i64::from(days) + i64::from(span.days) * sign;
        days.checked_mul(DAY)?.checked_add(at.rem_euclid(DAY))?.checked_add(span.nanoseconds / 1_000 * sign)
    };
    let array = pairs::<_, _, TimestampMicrosecondType>(args, rows, instants, spans, moved);
    Ok(Arc::new(array.with_timezone("UTC")))
}

fn extractor(part: &str) -> Result<fn(i64) -> i64> {
    fn date(at: i64) -> (i32, u32, u32) {
        civil::from_days(at.div_euclid(DAY) as i32)
    }
    Ok(match part {
        "year" => |at| i64::from(date(at).0),
        "quarter" => |at| i64::from(date(at).1.div_ceil(3)),
        "month" => |at| i64::from(date(at).1),
        "day" => |at| i64::from(date(at).2),
        "hour" => |at| at.rem_euclid(DAY) / 3_600_000_000,
        "minute" => |at| at.rem_euclid(DAY) / 60_000_000 % 60,
        "second" => |at| at.rem_euclid(DAY) / 1_000_000 % 60,
        "dow" => |at| (at.div_euclid(DAY) + 4).rem_euclid(7),
        "isodow" => |at| (at.div_euclid(DAY) + 3).rem_euclid(7) + 1,
        "doy" => |at| at.div_euclid(DAY) - i64::from(civil::to_days(date(at).0, 1, 1)) + 1,
        "epoch" => |at| at.div_euclid(1_000_000),
        _ => {
            return Err(Error::new(Kind::Profile, format!("unknown part `{part}` of a date"))
                .hint("year, quarter, month, day, hour, minute, second, dow, isodow, doy or epoch"));
        }
    })
}

fn truncator(part: &str) -> Result<fn(i64) -> i64> {
    fn start(at: i64, month: impl Fn(u32) -> u32) -> i64 {
        let (year, m, _) = civil::from_days(at.div_euclid(DAY) as i32);
        i64::from(civil::to_days(year, month(m), 1)) * DAY
    }
    Ok(match part {
        "year" => |at| start(at, |_| 1),
        "quarter" => |at| start(at, |m| (m - 1) / 3 * 3 + 1),
        "month" => |at| start(at, |m| m),
        "week" => |at| (at.div_euclid(DAY) - (at.div_euclid(DAY) + 3).rem_euclid(7)) * DAY,
        "day" => |at| at.div_euclid(DAY) * DAY,
        "hour" => |at| at.div_euclid(3_600_000_000) * 3_600_000_000,
        "minute" => |at| at.div_euclid(60_000_000) * 60_000_000,
        _ => {
            return Err(Error::new(Kind::Profile, format!("unknown part `{part}` of a date"))
                .hint("year, quarter, month, week, day, hour or minute"));
        }
    })
}
