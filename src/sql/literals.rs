//! Literals: numbers, texts, dates, instants and intervals.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, IntervalMonthDayNanoArray,
    NullArray, StringArray, TimestampMicrosecondArray,
};
use arrow_buffer::IntervalMonthDayNano;
use arrow_schema::DataType;
use sqlparser::ast::{self, Expr as Sql, Value as Literal};

use super::{Expr, civil, types};
use crate::error::{Error, Result};

/// Makes a text constant.
pub(super) fn text(text: &str) -> Expr {
    Expr::literal(Arc::new(StringArray::from(vec![text])))
}

/// Compiles a number, text, boolean or null. `None` for other literals.
pub(super) fn plain(value: &Literal) -> Option<Expr> {
    let array: ArrayRef = match value {
        Literal::Number(digits, _) => number(digits)?,
        Literal::SingleQuotedString(text) => Arc::new(StringArray::from(vec![text.as_str()])),
        Literal::Boolean(truth) => Arc::new(BooleanArray::from(vec![*truth])),
        Literal::Null => Arc::new(NullArray::new(1)),
        _ => return None,
    };
    Some(Expr::literal(array))
}

/// Parses a number: an integer, with a point an exact decimal, with an exponent a floating-point number.
fn number(digits: &str) -> Option<ArrayRef> {
    if let Ok(integer) = digits.parse::<i64>() {
        return Some(Arc::new(Int64Array::from(vec![integer])));
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{}{fraction}", whole.trim_start_matches('0'));
    if all.len() <= 38 && all.bytes().all(|b| b.is_ascii_digit()) {
        let value: i128 = if all.is_empty() { 0 } else { all.parse().ok()? };
        let precision = (all.len().max(fraction.len()).max(1)) as u8;
        let array =
            Decimal128Array::from(vec![value]).with_precision_and_scale(precision, fraction.len() as i8).ok()?;
        return Some(Arc::new(array));
    }
    digits.parse::<f64>().ok().filter(|x| x.is_finite()).map(|x| Arc::new(Float64Array::from(vec![x])) as ArrayRef)
}

/// Compiles `DATE '2024-02-29'` or `TIMESTAMP '2024-02-29 12:00:00'`.
pub(super) fn typed(typed: &ast::TypedString) -> Result<Expr> {
    let ty = types::parse(&typed.data_type);
    let text = match &typed.value.value {
        Literal::SingleQuotedString(text) => text.as_str(),
        _ => "",
    };
    let array: Option<ArrayRef> = match &ty {
        Some(DataType::Date32) => civil::parse_date(text).map(|day| Arc::new(Date32Array::from(vec![day])) as ArrayRef),
        Some(ty @ DataType::Timestamp(..)) => civil::parse_instant(text)
            .map(|at| Arc::new(TimestampMicrosecondArray::from(vec![at]).with_data_type(ty.clone())) as ArrayRef),
        _ => {
            return Err(Error::profile("", format!("`{typed}` is not supported"))
                .hint("only DATE and TIMESTAMP are possible before a literal; use CAST for other types"));
        }
    };
    let name = ty.as_ref().map_or_else(String::new, types::name);
    array.map(Expr::literal).ok_or_else(|| Error::profile("", format!("`{text}` is not a {name}")))
}

/// Compiles `INTERVAL '3' DAY`, `INTERVAL 3 DAY` or `INTERVAL '3 days'`.
pub(super) fn interval(interval: &ast::Interval) -> Option<Expr> {
    let plain = interval.last_field.is_none()
        && interval.leading_precision.is_none()
        && interval.fractional_seconds_precision.is_none();
    let (true, Sql::Value(value)) = (plain, interval.value.as_ref()) else { return None };
    let text = match &value.value {
        Literal::Number(digits, _) => digits.clone(),
        Literal::SingleQuotedString(text) => text.clone(),
        _ => return None,
    };
    let (count, unit) = match &interval.leading_field {
        Some(field) => (text, field.to_string()),
        None => text.split_once(' ').map(|(count, unit)| (count.to_owned(), unit.to_owned()))?,
    };
    let count: i64 = count.trim().parse().ok()?;
    let (months, days, nanos) = match unit.trim().to_lowercase().trim_end_matches('s') {
        "year" => (count.checked_mul(12)?, 0, 0),
        "month" => (count, 0, 0),
        "week" => (0, count.checked_mul(7)?, 0),
        "day" => (0, count, 0),
        "hour" => (0, 0, count.checked_mul(3_600_000_000_000)?),
        "minute" => (0, 0, count.checked_mul(60_000_000_000)?),
        "second" => (0, 0, count.checked_mul(1_000_000_000)?),
        _ => return None,
    };
    let span = IntervalMonthDayNano::new(i32::try_from(months).ok()?, i32::try_from(days).ok()?, nanos);
    Some(Expr::literal(Arc::new(IntervalMonthDayNanoArray::from(vec![span]))))
}
