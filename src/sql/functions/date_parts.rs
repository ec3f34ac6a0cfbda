//! Parts of a date or an instant, and truncation to the start of one.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_schema::DataType::{self, Date32, Int64, Null, Timestamp, Utf8};

use super::{Carries, Function, Nulls, Value, constant};
use crate::error::{Error, Kind, Result};
use crate::sql::civil::{self, DAY};
use crate::sql::types::timestamp;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "date_part",
        signature: "EXTRACT(part FROM date or timestamp) → bigint",
        about: "year, quarter, month, week and isoyear (ISO 8601), day, hour, minute, second, dow (Sunday 0), isodow (Monday 1), doy or epoch.",
        example: ("EXTRACT(isodow FROM DATE '2024-02-29')", "4"),
        types: |args| instant_after_text(args).map(|args| (args, Int64)),
        eval: |args, _, _| {
            let extract = extractor(&part(&args[0], "date_part")?)?;
            let instants = args[1].array().as_primitive::<TimestampMicrosecondType>();
            Ok(Arc::new(instants.unary::<_, Int64Type>(extract)))
        },
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "date_trunc",
        signature: "date_trunc(part, date or timestamp) → timestamp",
        about: "The start of the year, quarter, month, week (Monday), day, hour, minute or second.",
        example: ("date_trunc('month', DATE '2024-02-29')", "2024-02-01T00:00:00Z"),
        types: |args| instant_after_text(args).map(|args| (args, timestamp())),
        eval: |args, _, _| {
            let truncate = truncator(&part(&args[0], "date_trunc")?)?;
            let instants = args[1].array().as_primitive::<TimestampMicrosecondType>();
            Ok(Arc::new(instants.unary::<_, TimestampMicrosecondType>(truncate).with_timezone("UTC")))
        },
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
];

fn instant_after_text(args: &[DataType]) -> Option<Vec<DataType>> {
    matches!(args, [Utf8, Date32 | Timestamp(..) | Null]).then(|| vec![Utf8, timestamp()])
}

fn part(value: &Value, function: &str) -> Result<String> {
    Ok(constant(value, "part", function)?.unwrap_or_default().to_lowercase())
}

fn unknown(part: &str, known: &str) -> Error {
    Error::new(Kind::Profile, format!("unknown part `{part}` of a date")).hint(format!("known parts: {known}"))
}

fn date(at: i64) -> (i32, u32, u32) {
    civil::from_days(at.div_euclid(DAY) as i32)
}

/// Finds the Thursday of an instant's ISO week: its year and day of the year give the number of the week.
fn thursday(at: i64) -> i64 {
    (at.div_euclid(DAY) + 3 - (at.div_euclid(DAY) + 3).rem_euclid(7)) * DAY
}

fn day_of_year(at: i64) -> i64 {
    at.div_euclid(DAY) - i64::from(civil::to_days(date(at).0, 1, 1)) + 1
}

fn extractor(part: &str) -> Result<fn(i64) -> i64> {
    Ok(match part {
        "year" => |at| i64::from(date(at).0),
        "isoyear" => |at| i64::from(date(thursday(at)).0),
        "quarter" => |at| i64::from(date(at).1.div_ceil(3)),
        "month" => |at| i64::from(date(at).1),
        "week" => |at| (day_of_year(thursday(at)) - 1) / 7 + 1,
        "day" => |at| i64::from(date(at).2),
        "hour" => |at| at.rem_euclid(DAY) / 3_600_000_000,
        "minute" => |at| at.rem_euclid(DAY) / 60_000_000 % 60,
        "second" => |at| at.rem_euclid(DAY) / 1_000_000 % 60,
        "dow" => |at| (at.div_euclid(DAY) + 4).rem_euclid(7),
        "isodow" => |at| (at.div_euclid(DAY) + 3).rem_euclid(7) + 1,
        "doy" => day_of_year,
        "epoch" => |at| at.div_euclid(1_000_000),
        _ => {
            let known = "year, isoyear, quarter, month, week, day, hour, minute, second, dow, isodow, doy or epoch";
            return Err(unknown(part, known));
        }
    })
}

fn truncator(part: &str) -> Result<fn(i64) -> i64> {
    fn start(at: i64, month: impl Fn(u32) -> u32) -> i64 {
        let (year, m, _) = date(at);
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
        "second" => |at| at.div_euclid(1_000_000) * 1_000_000,
        _ => return Err(unknown(part, "year, quarter, month, week, day, hour, minute or second")),
    })
}
