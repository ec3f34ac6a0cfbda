//! The cells of one column, from text back to values: the inverse of what the text formats write.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder, StringBuilder,
    StringDictionaryBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::types::Int32Type;
use arrow_schema::{DataType, Field, TimeUnit};

use super::malformed;
use crate::error::Result;

/// The values of a column so far.
pub(crate) struct Column {
    pub(in crate::format) name: String,
    nullable: bool,
    values: Values,
}

enum Values {
    Boolean(BooleanBuilder),
    Integer(Int64Builder),
    Float(Float64Builder),
    Decimal(Decimal128Builder, u8, usize),
    Date(Date32Builder),
    Instant(TimestampMicrosecondBuilder),
    /// Without a zone.
    Local(TimestampMicrosecondBuilder),
    Text(StringBuilder),
    Code(StringDictionaryBuilder<Int32Type>),
}

/// The forms that values of a type may have in a text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::format) enum Class {
    /// Numbers and booleans.
    Bare,
    /// Dates and instants.
    Time,
    /// Any text.
    Text,
}

impl Column {
    pub(crate) fn new(field: &Field) -> Result<Self> {
        let values = match field.data_type() {
            DataType::Boolean => Values::Boolean(BooleanBuilder::new()),
            DataType::Int64 => Values::Integer(Int64Builder::new()),
            DataType::Float64 => Values::Float(Float64Builder::new()),
            DataType::Decimal128(precision, scale) if (0..=38).contains(scale) && (1..=38).contains(precision) => {
                let builder = Decimal128Builder::new().with_precision_and_scale(*precision, *scale)?;
                Values::Decimal(builder, *precision, *scale as usize)
            }
            DataType::Date32 => Values::Date(Date32Builder::new()),
            DataType::Timestamp(TimeUnit::Microsecond, None) => Values::Local(TimestampMicrosecondBuilder::new()),
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                Values::Instant(TimestampMicrosecondBuilder::new().with_timezone_opt(zone.clone()))
            }
            DataType::Utf8 => Values::Text(StringBuilder::new()),
            DataType::Dictionary(key, value) if **key == DataType::Int32 && **value == DataType::Utf8 => {
                Values::Code(StringDictionaryBuilder::new())
            }
            other => return Err(malformed(format!("column `{}`: {other} has no text form", field.name()))),
        };
        Ok(Self { name: field.name().clone(), nullable: field.is_nullable(), values })
    }

    pub(in crate::format) fn class(&self) -> Class {
        match self.values {
            Values::Boolean(_) | Values::Integer(_) | Values::Float(_) | Values::Decimal(..) => Class::Bare,
            Values::Date(_) | Values::Instant(_) | Values::Local(_) => Class::Time,
            Values::Text(_) | Values::Code(_) => Class::Text,
        }
    }

    pub(crate) fn null(&mut self) -> Result<()> {
        if !self.nullable {
            return Err(malformed(format!("column `{}`: a value is missing", self.name)));
        }
        match &mut self.values {
            Values::Boolean(values) => values.append_null(),
            Values::Integer(values) => values.append_null(),
            Values::Float(values) => values.append_null(),
            Values::Decimal(values, ..) => values.append_null(),
            Values::Date(values) => values.append_null(),
            Values::Instant(values) | Values::Local(values) => values.append_null(),
            Values::Text(values) => values.append_null(),
            Values::Code(values) => values.append_null(),
        }
        Ok(())
    }

    pub(crate) fn value(&mut self, text: &[u8]) -> Result<()> {
        let wrong = |what: &str| Err(malformed(format!("column `{}`: the text is not {what}", self.name)));
        match &mut self.values {
            Values::Boolean(values) => match text {
                b"true" => values.append_value(true),
                b"false" => values.append_value(false),
                _ => return wrong("a boolean"),
            },
            Values::Integer(values) => match integer(text) {
                Some(value) => values.append_value(value),
                None => return wrong("an integer"),
            },
            Values::Float(values) => match float(text) {
                Some(value) => values.append_value(value),
                None => return wrong("a number"),
            },
            Values::Decimal(values, precision, scale) => match decimal(text, *precision, *scale) {
                Some(value) => values.append_value(value),
                None => return wrong(&format!("a decimal({precision},{scale})")),
            },
            Values::Date(values) => match date(text) {
                Some(value) => values.append_value(value),
                None => return wrong("a date"),
            },
            Values::Instant(values) => match instant(text) {
                Some(value) => values.append_value(value),
                None => return wrong("an instant"),
            },
            Values::Local(values) => match instant(&[text, b"Z"].concat()) {
                Some(value) => values.append_value(value),
                None => return wrong("a date and time without a zone"),
            },
            Values::Text(values) => match std::str::from_utf8(text) {
                Ok(text) => values.append_value(text),
                Err(_) => return wrong("UTF-8"),
            },
            Values::Code(values) => match std::str::from_utf8(text) {
                Ok(text) => values.append_value(text),
                Err(_) => return wrong("UTF-8"),
            },
        }
        Ok(())
    }

    pub(crate) fn finish(&mut self) -> ArrayRef {
        match &mut self.values {
            Values::Boolean(values) => Arc::new(values.finish()),
            Values::Integer(values) => Arc::new(values.finish()),
            Values::Float(values) => Arc::new(values.finish()),
            Values::Decimal(values, ..) => Arc::new(values.finish()),
            Values::Date(values) => Arc::new(values.finish()),
            Values::Instant(values) | Values::Local(values) => Arc::new(values.finish()),
            Values::Text(values) => Arc::new(values.finish()),
            // Its memory of values is not kept: a dictionary would grow with the file.
            Values::Code(values) => Arc::new(values.finish()),
        }
    }
}

/// Digits alone, as many as given: at most 18, so that nothing overflows.
fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |n, digit| digit.is_ascii_digit().then(|| n * 10 + i64::from(digit - b'0')))
}

/// A number as it is written: no leading zeros, no plus, no minus before zero.
fn integer(text: &[u8]) -> Option<i64> {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    match unsigned {
        [b'0'] => return (text.len() == 1).then_some(0),
        [] | [b'0', ..] => return None,
        _ if unsigned.len() <= 18 => return digits(unsigned).map(|n| if unsigned.len() < text.len() { -n } else { n }),
        _ => {}
    }
    let all = unsigned.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| all)?.parse().ok()
}

/// A double in the one form that is written: shortest, with a point or an exponent.
fn float(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let value: f64 = text.parse().ok()?;
    (format!("{value:?}") == text).then_some(value)
}

/// A decimal with all its places, times ten to their power.
fn decimal(text: &[u8], precision: u8, scale: usize) -> Option<i128> {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let whole = match scale {
        0 => unsigned.len(),
        _ => unsigned.len().checked_sub(scale + 1)?,
    };
    let (whole, rest) = unsigned.split_at(whole);
    let places = if scale == 0 { rest } else { rest.strip_prefix(b".")? };
    if whole.is_empty() || whole.len() > 1 && whole[0] == b'0' || whole.len() > 39 {
        return None;
    }
    let add =
        |n: i128, digit: &u8| n.checked_mul(10)?.checked_add(i128::from(digit.is_ascii_digit().then(|| digit - b'0')?));
    let value = whole.iter().chain(places).try_fold(0_i128, add)?;
    let sign = unsigned.len() < text.len();
    if sign && value == 0 || value >= 10_i128.checked_pow(u32::from(precision)).unwrap_or(i128::MAX) {
        return None;
    }
    Some(if sign { -value } else { value })
}

/// Days since 1970 of `2025-06-30`. After Howard Hinnant, <https://howardhinnant.github.io/date_algorithms.html>.
fn date(text: &[u8]) -> Option<i32> {
    let [y @ .., b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let (year, month, day) = (digits(y).filter(|_| y.len() == 4)?, digits(&[*m1, *m2])?, digits(&[*d1, *d2])?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if year == 0 || !(1..=length).contains(&day) {
        return None;
    }
    let shifted = year - i64::from(month <= 2);
    let (era, of_era) = (shifted / 400, shifted % 400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    Some((era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468) as i32)
}

/// Microseconds since 1970 of `2025-06-30T12:34:56Z` or `2025-06-30T12:34:56.123456Z`.
fn instant(text: &[u8]) -> Option<i64> {
    let (day, clock) = text.split_at_checked(10)?;
    let [b'T', h1, h2, b':', m1, m2, b':', s1, s2, rest @ ..] = clock else { return None };
    let micros = match rest {
        b"Z" => 0,
        [b'.', places @ .., b'Z'] if places.len() == 6 => digits(places).filter(|micros| *micros != 0)?,
        _ => return None,
    };
    let (hour, minute, second) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?, digits(&[*s1, *s2])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = i64::from(date(day)?) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * 1_000_000 + micros)
}
