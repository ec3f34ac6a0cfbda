//! The canonical text of a cell that another system wrote: equal values have one text, however a system writes them. What is no value of the
//! column's type stays as it is, and so equals no value.

use arrow_schema::DataType;

use crate::format::write::texts::float_text;
use crate::sql::civil;

/// The text by which a value of a type is compared: `1.5` and `1.50` in a decimal of two places are `1.50`.
pub(crate) fn normal<'t>(ty: &DataType, text: &'t str, room: &'t mut String) -> &'t str {
    room.clear();
    let known = match ty {
        DataType::Int64 => number(text, 0, room),
        DataType::Decimal128(_, scale) => number(text, usize::try_from(*scale).unwrap_or(0), room),
        DataType::Float64 => double(text, room),
        DataType::Boolean => truth(text, room),
        DataType::Date32 => day(text, room),
        DataType::Timestamp(_, None) => instant(text, room).map(|()| _ = room.pop()),
        DataType::Timestamp(..) => instant(text, room),
        _ => None,
    };
    match known {
        Some(()) => room,
        None => text,
    }
}

/// A number with so many places after its point. Digits beyond them must be zeros.
fn number(text: &str, places: usize, out: &mut String) -> Option<()> {
    // Most integers are as they should be.
    let digits = text.as_bytes();
    if places == 0 && matches!(digits, [b'1'..=b'9', ..]) && digits.iter().all(u8::is_ascii_digit) {
        out.push_str(text);
        return Some(());
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok().filter(|e| e.abs() <= 40)?),
        None => (text, 0),
    };
    let (negative, unsigned) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if whole.is_empty() && part.is_empty() || !whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // The point stands behind so many of all digits.
    let point = whole.len() as i32 + exponent;
    let digit = |at: i32| match usize::try_from(at) {
        Ok(at) if at < whole.len() => whole.as_bytes()[at],
        Ok(at) if at < whole.len() + part.len() => part.as_bytes()[at - whole.len()],
        _ => b'0',
    };
    let last = point + places as i32;
    if (last.max(0)..(whole.len() + part.len()) as i32).any(|at| digit(at) != b'0') {
        return None;
    }
    if (0..last).any(|at| digit(at) != b'0') && negative {
        out.push('-');
    }
    match (0..point).find(|at| digit(*at) != b'0') {
        Some(first) => (first..point).for_each(|at| out.push(char::from(digit(at)))),
        None => out.push('0'),
    }
    if places > 0 {
        out.push('.');
        (point..last).for_each(|at| out.push(char::from(digit(at))));
    }
    Some(())
}

fn double(text: &str, out: &mut String) -> Option<()> {
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    *out = float_text(value);
    Some(())
}

fn truth(text: &str, out: &mut String) -> Option<()> {
    out.push_str(match text {
        "true" | "t" | "1" | "TRUE" | "True" | "T" | "yes" | "y" => "true",
        "false" | "f" | "0" | "FALSE" | "False" | "F" | "no" | "n" => "false",
        _ => return None,
    });
    Some(())
}

/// A day; an instant counts as its day at midnight.
fn day(text: &str, out: &mut String) -> Option<()> {
    let (date, clock) = text.split_at_checked(10)?;
    if !clock.is_empty() {
        let micros = micros(text)?;
        if micros.rem_euclid(86_400_000_000) != 0 {
            return None;
        }
    }
    civil::parse_date(date)?;
    out.push_str(date);
    Some(())
}

fn instant(text: &str, out: &mut String) -> Option<()> {
    // As it is written here: what is no instant in this form equals none.
    if let [_, _, _, _, b'-', _, _, b'-', _, _, b'T', _, _, b':', _, _, b':', _, _, b'Z'] = text.as_bytes() {
        out.push_str(text);
        return Some(());
    }
    out.push_str(&civil::instant_text(micros(text)?));
    Some(())
}

/// The microseconds since 1970 of an instant, with `T` or a space, a fraction, and an offset from UTC; without one it is UTC.
fn micros(text: &str) -> Option<i64> {
    let text = text.trim_end_matches(" UTC");
    let clock = text.get(10..)?;
    let (local, offset) = match clock.rfind(['+', '-']) {
        Some(at) => (&text[..10 + at], seconds(&clock.as_bytes()[at..])?),
        None => (text, 0),
    };
    // What is finer than a microsecond is no value of ours, but zeros are nothing.
    if let Some((_, fraction)) = local.split_once('.') {
        let fraction = fraction.trim_end_matches('Z');
        if fraction.len() > 6 && fraction.get(6..)?.bytes().any(|digit| digit != b'0') {
            return None;
        }
    }
    civil::parse_instant(local).map(|micros| micros - offset * 1_000_000)
}

/// The seconds of an offset such as `+02`, `+0200` or `-05:30`.
fn seconds(offset: &[u8]) -> Option<i64> {
    let (sign, digits) = offset.split_first()?;
    let digits: Vec<u8> = digits.iter().copied().filter(|byte| *byte != b':').collect();
    let two = |at: usize| -> Option<i64> { std::str::from_utf8(digits.get(at..at + 2)?).ok()?.parse().ok() };
    let minutes = match digits.len() {
        2 => two(0)? * 60,
        4 => two(0)? * 60 + two(2)?,
        _ => return None,
    };
    Some(if *sign == b'-' { -minutes * 60 } else { minutes * 60 })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_schema::TimeUnit;

    use super::*;

    fn all(ty: &DataType, texts: &[&str], expected: &str) {
        for text in texts {
            assert_eq!(normal(ty, text, &mut String::new()), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_compared_as_values() {
        all(&DataType::Int64, &["12", "+12", "012", "12.0", "12.", "1.2e1", "120E-1"], "12");
        all(&DataType::Int64, &["0", "-0", "0.00", "000", "0e5", ".0"], "0");
        all(&DataType::Int64, &["-7", "-7.0"], "-7");
        let money = DataType::Decimal128(12, 2);
        all(&money, &["1.5", "1.50", "01.500", "15e-1", "150e-2"], "1.50");
        all(&money, &["-.5", "-0.50", "-5e-1"], "-0.50");
        all(&money, &["0", "-0.0", "0.000"], "0.00");
        all(&money, &["0.05", ".05", "5e-2", "0.0005e2"], "0.05");
        all(&money, &["1200", "1.2e3", "1200.00"], "1200.00");
        for other in ["", ".", "-", "1,5", "abc", "1.005", "1e", "1e99", "0x10", "١"] {
            all(&money, &[other], other);
        }
        all(&DataType::Float64, &["1", "1.0", "1e0", "1.00"], "1.0");
        all(&DataType::Float64, &["NaN"], "NaN");
    }

    #[test]
    fn times_are_compared_as_values() {
        let instants = DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")));
        let forms = [
            "2025-06-30T12:34:56Z",
            "2025-06-30 12:34:56",
            "2025-06-30 12:34:56+00",
            "2025-06-30T14:34:56+02:00",
            "2025-06-30 12:34:56.000000+00:00",
            "2025-06-30 12:34:56.000",
            "2025-06-30 12:34:56 UTC",
            "2025-06-30T07:04:56-0530",
            "2025-06-30T12:34:56.000000000Z",
        ];
        all(&instants, &forms, "2025-06-30T12:34:56Z");
        all(&instants, &["2025-06-30 12:34:56.5"], "2025-06-30T12:34:56.500000Z");
        all(&instants, &["2025-06-30", "2025-06-30 00:00:00"], "2025-06-30T00:00:00Z");
        for other in ["yesterday", "2025-06-31 00:00:00", "2025-06-30 12:34:56.0000001", "", "é"] {
            all(&instants, &[other], other);
        }
        all(&DataType::Date32, &["2025-06-30", "2025-06-30 00:00:00", "2025-06-30T00:00:00Z"], "2025-06-30");
        all(&DataType::Date32, &["2025-06-30 01:00:00"], "2025-06-30 01:00:00");
        all(&DataType::Boolean, &["t", "1", "TRUE"], "true");
    }
}
