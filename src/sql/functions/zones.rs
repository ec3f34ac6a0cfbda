//! Local time: the time of day in a zone of the IANA database, which is inside the program.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, ArrayRef, TimestampMicrosecondArray};
use arrow_schema::DataType::{self, Null, Utf8};
use jiff::civil::{DateTime, date};
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::{Carries, Function, Nulls, Resolved, Value};
use crate::arrays::texts;
use crate::error::{Error, Kind, Result};
use crate::sql::civil::{self, DAY};
use crate::sql::types::{datetime, timestamp};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "at time zone",
        signature: "timestamp AT TIME ZONE zone → datetime",
        about: "The date and time that clocks in a zone such as `Europe/Berlin` show at an instant.",
        example: ("TIMESTAMP '2025-07-01 22:30:00' AT TIME ZONE 'Europe/Berlin'", "2025-07-02T00:30:00"),
        types: |args| zoned(args, &timestamp(), datetime()),
        eval: |args, rows, _| moved(args, rows, |at, zone| Some(at + offset(at, zone)?)),
        nulls: Nulls::Strict,
        carries: Carries::Only(&[0]),
    },
    Function {
        name: "at time zone",
        signature: "datetime AT TIME ZONE zone → timestamp",
        about: "The instant at which clocks in a zone show a date and time: where they show it twice the first one; where they skip it, as much later as they skip.",
        example: ("CAST('2025-03-30 02:30:00' AS datetime) AT TIME ZONE 'Europe/Berlin'", "2025-03-30T01:30:00Z"),
        types: |args| zoned(args, &datetime(), timestamp()),
        eval: |args, rows, _| moved(args, rows, instant),
        nulls: Nulls::Strict,
        carries: Carries::Only(&[0]),
    },
    Function {
        name: "utc_offset",
        signature: "utc_offset(timestamp, zone) → text",
        about: "How far clocks in a zone are ahead of UTC at an instant, such as `+02:00`.",
        example: ("utc_offset(TIMESTAMP '2025-07-01 12:00:00', 'America/St_Johns')", "-02:30"),
        types: |args| zoned(args, &timestamp(), Utf8),
        eval: |args, rows, _| {
            let mut out = StringBuilder::with_capacity(rows, rows * 6);
            each(args, rows, |at| {
                let Some((at, zone)) = at else {
                    out.append_null();
                    return Some(());
                };
                let minutes = offset(at, zone)? / 60_000_000;
                let sign = if minutes < 0 { '-' } else { '+' };
                out.append_value(format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60));
                Some(())
            })?;
            Ok(Arc::new(out.finish()))
        },
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
];

/// Resolves the types of a time and a zone.
fn zoned(args: &[DataType], time: &DataType, result: DataType) -> Option<Resolved> {
    let [given, Utf8 | Null] = args else { return None };
    (given == time || *given == Null && *time == timestamp()).then(|| (vec![time.clone(), Utf8], result))
}

/// Gives each row's time with its zone to `each`, in order; `None` for a row in which one of them is null. A `None` of `each` is a time
/// outside the calendar.
fn each(args: &[Value], rows: usize, mut each: impl FnMut(Option<(i64, &TimeZone)>) -> Option<()>) -> Result<()> {
    let (times, names) = (args[0].array().as_primitive::<TimestampMicrosecondType>(), texts(args[1].array()));
    // Most rows have the zone of the row before.
    let mut last: Option<(String, TimeZone)> = None;
    for row in 0..rows {
        let (time, name) = (args[0].row(row), names.at(args[1].row(row)));
        let done = match name.filter(|_| times.is_valid(time)) {
            None => each(None),
            Some(name) => {
                let zone = match last.take().filter(|(known, _)| known == name) {
                    Some(known) => last.insert(known),
                    None => last.insert((name.to_owned(), zone_named(name)?)),
                };
                each(Some((times.value(time), &zone.1)))
            }
        };
        done.ok_or_else(super::days::outside)?;
    }
    if rows == 0
        && let Value::Scalar(zone) = &args[1]
        && let Some(name) = texts(zone).at(0)
    {
        // A constant is looked at when the profile is compiled.
        zone_named(name)?;
    }
    Ok(())
}

fn moved(args: &[Value], rows: usize, f: impl Fn(i64, &TimeZone) -> Option<i64>) -> Result<ArrayRef> {
    let mut out = Vec::with_capacity(rows);
    each(args, rows, |at| {
        out.push(match at {
            None => None,
            Some((at, zone)) => Some(f(at, zone)?),
        });
        Some(())
    })?;
    let to_instant = *args[0].array().data_type() == datetime();
    let array = TimestampMicrosecondArray::from(out);
    Ok(Arc::new(if to_instant { array.with_timezone("UTC") } else { array }))
}

/// The zone of a name.
fn zone_named(name: &str) -> Result<TimeZone> {
    TimeZoneDatabase::bundled().get(name).map_err(|_| {
        Error::new(Kind::Profile, format!("unknown time zone `{name}`"))
            .hint("a name of the IANA database, such as `Europe/Berlin`, `America/New_York` or `UTC`")
    })
}

/// How far a zone is ahead of UTC at an instant, in microseconds.
fn offset(at: i64, zone: &TimeZone) -> Option<i64> {
    let at = jiff::Timestamp::from_microsecond(at).ok()?;
    Some(i64::from(zone.to_offset(at).seconds()) * 1_000_000)
}

/// The instant at which clocks in a zone show a time.
fn instant(local: i64, zone: &TimeZone) -> Option<i64> {
    let (year, month, day) = civil::from_days(local.div_euclid(DAY) as i32);
    let day = date(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    let rest = local.rem_euclid(DAY);
    let (seconds, micros) = (rest / 1_000_000, rest % 1_000_000);
    let [hour, minute, second] = [seconds / 3_600, seconds / 60 % 60, seconds % 60].map(|part| part as i8);
    let local: DateTime = day.at(hour, minute, second, (micros * 1_000) as i32);
    Some(zone.to_ambiguous_timestamp(local).compatible().ok()?.as_microsecond())
}
