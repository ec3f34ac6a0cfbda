//! Parts of a date or an instant, and truncation to the start of one.

use std::fmt::Write;
use std::sync::Arc;

use arrow_array::Array;
use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_schema::DataType::{self, Date32, Int64, Null, Timestamp, Utf8};

use super::{Carries, Function, Nulls, Value, constant};
use crate::error::{Error, Kind, Result};
use crate::sql::civil::{self, DAY};
use crate::sql::types::{datetime, timestamp};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "date_part",
        signature: "EXTRACT(part FROM date, timestamp or datetime) → bigint",
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
        signature: "date_trunc(part, date, timestamp or datetime) → timestamp or datetime",
        about: "The start of the year, quarter, month, week (Monday), day, hour, minute or second.",
        example: ("date_trunc('month', DATE '2024-02-29')", "2024-02-01T00:00:00Z"),
        types: |args| instant_after_text(args).map(|args| (args.clone(), args[1].clone())),
        eval: |args, _, ty| {
            let truncate = truncator(&part(&args[0], "date_trunc")?)?;
            let instants = args[1].array().as_primitive::<TimestampMicrosecondType>();
            Ok(Arc::new(instants.unary::<_, TimestampMicrosecondType>(truncate).with_data_type(ty.clone())))
        },
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "strftime",
        signature: "strftime(date, timestamp or datetime, format) → text",
        about: "A constant format with %Y, %y, %m, %d, %H, %M, %S, %j (day of the year), %f (microseconds), %g (milliseconds) and %%.",
        example: ("strftime(DATE '2024-02-29', '%y%m%d')", "240229"),
        types: |args| match args {
            [Date32 | Timestamp(..) | Null, Utf8] => Some((vec![time(&args[0]), Utf8], Utf8)),
            _ => None,
        },
        eval: |args, rows, _| {
            let format = constant(&args[1], "format", "strftime")?.unwrap_or_default();
            let pieces = pieces(&format)?;
            let instants = args[0].array().as_primitive::<TimestampMicrosecondType>();
            let mut texts = StringBuilder::with_capacity(rows, rows * (format.len() + 4));
            for row in 0..instants.len() {
                if instants.is_null(row) {
                    texts.append_null();
                    continue;
                }
                write_instant(&mut texts, &pieces, instants.value(row))?;
                texts.append_value("");
            }
            Ok(Arc::new(texts.finish()))
        },
        nulls: Nulls::Strict,
        carries: Carries::Only(&[0]),
    },
];

/// A piece of a format of `strftime`: a letter after `%`, or text.
enum Piece<'f> {
    Letter(char),
    Text(&'f str),
}

fn pieces(format: &str) -> Result<Vec<Piece<'_>>> {
    let (mut rest, mut pieces) = (format, Vec::new());
    while let Some((text, after)) = rest.split_once('%') {
        pieces.push(Piece::Text(text));
        let letter = after.chars().next().unwrap_or(' ');
        if !"YymdHMSjfg%".contains(letter) {
            return Err(Error::new(Kind::Profile, format!("unknown letter `%{letter}` in the format of `strftime`"))
                .hint("known: %Y %y %m %d %H %M %S %j %f %g %%"));
        }
        pieces.push(Piece::Letter(letter));
        rest = &after[1..];
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

fn write_instant(out: &mut StringBuilder, pieces: &[Piece<'_>], at: i64) -> Result<()> {
    let ((year, month, day), micros) = (date(at), at.rem_euclid(DAY));
    let seconds = micros / 1_000_000;
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.write_str(text),
            Piece::Letter('Y') => write!(out, "{year:04}"),
            Piece::Letter('y') => write!(out, "{:02}", year.rem_euclid(100)),
            Piece::Letter('m') => write!(out, "{month:02}"),
            Piece::Letter('d') => write!(out, "{day:02}"),
            Piece::Letter('H') => write!(out, "{:02}", seconds / 3600),
            Piece::Letter('M') => write!(out, "{:02}", seconds / 60 % 60),
            Piece::Letter('S') => write!(out, "{:02}", seconds % 60),
            Piece::Letter('j') => write!(out, "{:03}", day_of_year(at)),
            Piece::Letter('f') => write!(out, "{:06}", micros % 1_000_000),
            Piece::Letter('g') => write!(out, "{:03}", micros / 1_000 % 1_000),
            Piece::Letter(other) => out.write_char(*other),
        }
        .map_err(|error| Error::internal(error.to_string()))?;
    }
    Ok(())
}

fn instant_after_text(args: &[DataType]) -> Option<Vec<DataType>> {
    matches!(args, [Utf8, Date32 | Timestamp(..) | Null]).then(|| vec![Utf8, time(&args[1])])
}

/// The type of time that an argument is taken for: dates are instants at midnight.
fn time(given: &DataType) -> DataType {
    if *given == datetime() { datetime() } else { timestamp() }
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
