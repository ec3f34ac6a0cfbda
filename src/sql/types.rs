//! The types of the language: a few of Arrow's, with strict rules for conversion.
//!
//! Integers widen to decimals and doubles, dates to timestamps, null to any type. All other conversions need a `CAST`.

use std::sync::Arc;

use arrow_schema::{DataType, IntervalUnit, TimeUnit};

/// Gives the type of instants: microseconds in UTC.
#[must_use]
pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")))
}

/// Gives the type of a date and time of day without a zone: what clocks show, in microseconds.
#[must_use]
pub fn datetime() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

/// The type of intervals: months, days and nanoseconds.
pub const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// Gives the type without its encoding: a dictionary of texts is text.
#[must_use]
pub fn logical(ty: &DataType) -> &DataType {
    match ty {
        DataType::Dictionary(_, values) => values,
        other => other,
    }
}

/// Gives the type of text encoded as a dictionary.
#[must_use]
pub fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// Gives the type's name in SQL, for messages and schemas.
#[must_use]
pub fn name(ty: &DataType) -> String {
    match logical(ty) {
        DataType::Null => "null".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Int32 => "integer".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal128(p, s) => format!("decimal({p},{s})"),
        DataType::Utf8 => "text".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(_, None) => "datetime".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Interval(_) => "interval".to_owned(),
        other => other.to_string(),
    }
}

/// Tells whether a type is an integer, a decimal or a floating-point number.
#[must_use]
pub fn is_number(ty: &DataType) -> bool {
    matches!(ty, DataType::Int64 | DataType::Float64 | DataType::Decimal128(..) | DataType::Null)
}

/// Gives precision and scale of a decimal, or of one that can have every integer of an integer type. `None` for other
/// types.
#[must_use]
pub fn as_decimal(ty: &DataType) -> Option<(u8, i8)> {
    match ty {
        DataType::Decimal128(p, s) => Some((*p, *s)),
        DataType::Int64 => Some((19, 0)),
        DataType::Null => Some((1, 0)),
        _ => None,
    }
}

/// Gives the type to which two types can both widen. `None` if there is none.
#[must_use]
pub fn common(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType::{Date32, Decimal128, Float64, Null, Timestamp};
    let (a, b) = (logical(a), logical(b));
    Some(match (a, b) {
        _ if a == b => a.clone(),
        (Null, other) | (other, Null) => other.clone(),
        (Float64, other) | (other, Float64) if is_number(other) => Float64,
        (Decimal128(..), _) | (_, Decimal128(..)) => {
            let ((p1, s1), (p2, s2)) = (as_decimal(a)?, as_decimal(b)?);
            let scale = s1.max(s2);
            let whole = (p1 as i8 - s1).max(p2 as i8 - s2);
            Decimal128(((whole + scale) as u8).min(38), scale)
        }
        (Date32, time @ Timestamp(..)) | (time @ Timestamp(..), Date32) => time.clone(),
        _ => return None,
    })
}

/// Tells whether a value of type `from` is converted to `to` without a `CAST`.
#[must_use]
pub fn widens(from: &DataType, to: &DataType) -> bool {
    let (from, to) = (logical(from), logical(to));
    match (from, to) {
        _ if from == to => true,
        (DataType::Null, _)
        | (DataType::Int64 | DataType::Decimal128(..), DataType::Float64)
        | (DataType::Int64, DataType::Decimal128(..)) => true,
        (DataType::Date32, ty) => *ty == timestamp() || *ty == datetime(),
        (DataType::Decimal128(p1, s1), DataType::Decimal128(p2, s2)) => s1 <= s2 && p1 - *s1 as u8 <= p2 - *s2 as u8,
        _ => false,
    }
}

/// Tells whether `CAST` can convert one type to another.
#[must_use]
pub fn castable(from: &DataType, to: &DataType) -> bool {
    use DataType::{Boolean, Date32, Int64, Interval, Null, Timestamp, Utf8};
    match (logical(from), logical(to)) {
        (from, to) if from == to => true,
        (Null, _) => true,
        (Interval(_), _) | (_, Interval(_)) => false,
        (Utf8, _) | (_, Utf8) => true,
        (Boolean, Int64) | (Int64, Boolean) | (Date32, Timestamp(..)) | (Timestamp(..), Date32) => true,
        (from, to) => is_number(from) && is_number(to),
    }
}

/// Converts a parsed SQL type name: `bigint`, `decimal(12,2)`, `text`, `date`, `timestamp`, `datetime`, `double`, `boolean`. `None`
/// for other types.
#[must_use]
pub fn parse(sql: &sqlparser::ast::DataType) -> Option<DataType> {
    use sqlparser::ast::{DataType as Sql, ExactNumberInfo, TimezoneInfo};
    Some(match sql {
        Sql::Boolean | Sql::Bool => DataType::Boolean,
        Sql::BigInt(_) | Sql::Int(_) | Sql::Integer(_) | Sql::Int8(_) => DataType::Int64,
        Sql::Double(_) | Sql::DoublePrecision | Sql::Float8 => DataType::Float64,
        Sql::Text | Sql::Varchar(None) | Sql::String(None) => DataType::Utf8,
        Sql::Date => DataType::Date32,
        Sql::Datetime(None) | Sql::Timestamp(None, TimezoneInfo::WithoutTimeZone) => datetime(),
        Sql::Timestamp(None, _) => timestamp(),
        Sql::Decimal(info) | Sql::Numeric(info) => match info {
            ExactNumberInfo::None => DataType::Decimal128(18, 3),
            ExactNumberInfo::Precision(p) => {
                DataType::Decimal128(u8::try_from(*p).ok().filter(|p| (1..=38).contains(p))?, 0)
            }
            ExactNumberInfo::PrecisionAndScale(p, s) => {
                let precision = u8::try_from(*p).ok().filter(|p| (1..=38).contains(p))?;
                DataType::Decimal128(precision, i8::try_from(*s).ok().filter(|s| *s >= 0 && *s as u8 <= precision)?)
            }
        },
        _ => return None,
    })
}
