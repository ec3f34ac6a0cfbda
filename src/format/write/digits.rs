//! Numbers, dates and instants as text, two digits at a time.
//!
//! Every function writes at the start of `out` and returns the length, so that a caller can lay cells out in a buffer
//! of its own without an allocation per cell.

#![expect(clippy::cast_possible_truncation, reason = "remainders of 10 and 100, digit counts below 40")]

use std::io::Write;

use crate::error::{Error, Result};

/// `00` to `99`.
static PAIRS: [[u8; 2]; 100] = pairs();

const fn pairs() -> [[u8; 2]; 100] {
    let mut table = [[b'0'; 2]; 100];
    let mut n = 0;
    while n < 100 {
        table[n] = [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        n += 1;
    }
    table
}

/// The longest text of an `i64`: `-9223372036854775808`.
pub(super) const INTEGER: usize = 20;
/// The longest text of a decimal: 38 digits, a sign, a point and a leading zero.
pub(super) const DECIMAL: usize = 41;
/// The length of `2025-06-30`.
pub(super) const DATE: usize = 10;
/// The longest text of an instant: `2025-06-30T12:34:56.123456Z`.
pub(super) const INSTANT: usize = 27;

/// Days since 1970 of 0001-01-01 and of 9999-12-31: outside them a date has no ten-letter form.
const DAYS: std::ops::RangeInclusive<i32> = -719_162..=2_932_896;

/// Fills `out` with the last digits of `value`, zeros in front, and returns what is left of it.
fn fill(mut value: u64, out: &mut [u8]) -> u64 {
    let mut pairs = out.rchunks_exact_mut(2);
    for pair in &mut pairs {
        pair.copy_from_slice(&PAIRS[(value % 100) as usize]);
        value /= 100;
    }
    if let [one] = pairs.into_remainder() {
        *one = b'0' + (value % 10) as u8;
        value /= 10;
    }
    value
}

/// How many digits `value` has; zero has one.
fn count(value: u64) -> usize {
    value.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// `-42`.
pub(super) fn integer(value: i64, out: &mut [u8]) -> usize {
    let sign = usize::from(value < 0);
    out[0] = b'-';
    let end = sign + count(value.unsigned_abs());
    fill(value.unsigned_abs(), &mut out[sign..end]);
    end
}

/// `value` / 10^`scale` with all its places: -5 at scale 2 is `-0.05`.
pub(super) fn decimal(value: i128, scale: usize, out: &mut [u8]) -> usize {
    let sign = usize::from(value < 0);
    out[0] = b'-';
    let Ok(small) = u64::try_from(value.unsigned_abs()) else { return wide(value, scale, out) };
    let point = sign + count(small).saturating_sub(scale).max(1);
    if scale == 0 {
        fill(small, &mut out[sign..point]);
        return point;
    }
    let end = point + 1 + scale;
    let whole = fill(small, &mut out[point + 1..end]);
    out[point] = b'.';
    fill(whole, &mut out[sign..point]);
    end
}

/// The rare decimal of more than 64 bits: its upper digits and its lower nineteen are written apart, then the point.
#[cold]
fn wide(value: i128, scale: usize, out: &mut [u8]) -> usize {
    const LOWER: u128 = 10_u128.pow(19);
    let sign = usize::from(value < 0);
    let all = value.unsigned_abs();
    let digits = all.checked_ilog10().map_or(1, |log| log as usize + 1).max(scale + 1);
    let lower = sign + digits - 19;
    // An i128 has 39 digits at most: the upper 20 are below 2^64 (1.7e38 / 1e19 = 1.7e19).
    fill((all / LOWER) as u64, &mut out[sign..lower]);
    fill((all % LOWER) as u64, &mut out[lower..sign + digits]);
    let (point, end) = (sign + digits - scale, sign + digits);
    if scale == 0 {
        return end;
    }
    out.copy_within(point..end, point + 1);
    out[point] = b'.';
    end + 1
}

/// The shortest text that reads back as `value`, always with a point or an exponent, so that no reader takes it for an
/// integer: `0.1`, `2.0`, `-0.0`, `1e16`, `1e-5`, `NaN`. Numbers from 1e-4 up to 1e16 have no exponent.
///
/// Numbers of at most six places and fifteen digits take a short cut: a decimal of fifteen digits that reads back is
/// the only one, so it is the shortest too. It is three times as fast, and most generated numbers are such.
pub(super) fn float(value: f64, out: &mut Vec<u8>) {
    let scaled = value * 1e6;
    // 1e-4 is 100 millionths.
    if (100.0..1e15).contains(&scaled.abs()) {
        let millionths = (scaled + 0.5_f64.copysign(scaled)) as i64;
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        let again = millionths as f64 / 1e6;
        if again.to_bits() == value.to_bits() {
            let mut text = [0; DECIMAL];
            let length = decimal(i128::from(millionths), 6, &mut text);
            // One digit stays behind the point.
            let zeros = text[..length].iter().rev().take(5).take_while(|digit| **digit == b'0').count();
            let length = length - zeros;
            return out.extend_from_slice(&text[..length]);
        }
    }
    // Writing to a vector cannot fail.
    let _ = write!(out, "{value:?}");
}

/// `2025-06-30` from days since 1970. After Howard Hinnant, <https://howardhinnant.github.io/date_algorithms.html>.
fn civil(days: i32, out: &mut [u8]) {
    let shifted = days.saturating_add(719_468).cast_unsigned();
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u32::from(month <= 2);
    let (high, low) = (year / 100 % 100, year % 100);
    let (high, low) = (PAIRS[high as usize], PAIRS[low as usize]);
    let (month, day) = (PAIRS[month as usize % 100], PAIRS[day as usize % 100]);
    let text = [high[0], high[1], low[0], low[1], b'-', month[0], month[1], b'-', day[0], day[1]];
    out[..DATE].copy_from_slice(&text);
}

/// `2025-06-30` from days since 1970.
pub(super) fn date(days: i32, out: &mut [u8]) -> Result<usize> {
    if !DAYS.contains(&days) {
        return Err(out_of_range(days));
    }
    civil(days, out);
    Ok(DATE)
}

/// `2025-06-30T12:34:56Z` from microseconds since 1970; a part of a second only where there is one, with six digits.
pub(super) fn instant(micros: i64, out: &mut [u8]) -> Result<usize> {
    const DAY: i64 = 86_400_000_000;
    let days = micros.div_euclid(DAY) as i32;
    if !DAYS.contains(&days) {
        return Err(out_of_range(days));
    }
    civil(days, out);
    let rest = micros.rem_euclid(DAY).cast_unsigned();
    let (seconds, micros) = ((rest / 1_000_000) as u32, rest % 1_000_000);
    let hour = PAIRS[(seconds / 3_600) as usize % 100];
    let minute = PAIRS[(seconds / 60 % 60) as usize];
    let second = PAIRS[(seconds % 60) as usize];
    let text = [b'T', hour[0], hour[1], b':', minute[0], minute[1], b':', second[0], second[1], b'Z'];
    out[DATE..20].copy_from_slice(&text);
    if micros == 0 {
        return Ok(20);
    }
    out[19] = b'.';
    fill(micros, &mut out[20..26]);
    out[26] = b'Z';
    Ok(INSTANT)
}

/// `2025-06-30T12:34:56`, as an instant without its `Z`.
pub(super) fn datetime(micros: i64, out: &mut [u8]) -> Result<usize> {
    Ok(instant(micros, out)? - 1)
}

#[cold]
fn out_of_range(days: i32) -> Error {
    Error::internal(format!("day {days} since 1970 is outside the years 0001 to 9999"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl Fn(&mut [u8]) -> usize) -> String {
        let mut out = [b'#'; DECIMAL];
        let length = write(&mut out);
        String::from_utf8(out[..length].to_vec()).unwrap()
    }

    #[test]
    fn integers_read_back() {
        let powers = (0..19).flat_map(|p| [10_i64.pow(p) - 1, 10_i64.pow(p), -10_i64.pow(p), 1 - 10_i64.pow(p)]);
        for value in powers.chain([0, 7, -7, i64::MAX, i64::MIN]) {
            assert_eq!(text(|out| integer(value, out)), value.to_string());
        }
    }

    #[test]
    fn decimals_have_all_their_places() {
        let cases: &[(i128, usize, &str)] = &[
            (0, 0, "0"),
            (0, 2, "0.00"),
            (-5, 2, "-0.05"),
            (5, 5, "0.00005"),
            (123, 2, "1.23"),
            (-100, 2, "-1.00"),
            (-100, 0, "-100"),
            (99, 2, "0.99"),
            (i128::from(u64::MAX), 2, "184467440737095516.15"),
            (i128::from(u64::MAX) + 1, 0, "18446744073709551616"),
            (-i128::from(u64::MAX) - 1, 4, "-1844674407370955.1616"),
            (1_i128 << 64, 38, "0.00000000000000000018446744073709551616"),
            (10_i128.pow(38) - 1, 38, "0.99999999999999999999999999999999999999"),
            (1 - 10_i128.pow(38), 1, "-9999999999999999999999999999999999999.9"),
            (1 - 10_i128.pow(38), 38, "-0.99999999999999999999999999999999999999"),
            (1, 38, "0.00000000000000000000000000000000000001"),
        ];
        for (value, scale, expected) in cases {
            assert_eq!(&text(|out| decimal(*value, *scale, out)), expected);
        }
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "any float will do")]
    fn doubles_have_a_point_or_an_exponent_and_are_shortest() {
        let mut values = vec![0.0, -0.0, 0.1, -0.1, 1.0, 100.0, 1e15, 1e16, -1e14, 0.000_001, -0.000_000_1, 1e-6];
        values.extend([0.1 + 0.2, 1.0 / 3.0, f64::MAX, f64::MIN_POSITIVE, 5e-324, 999_999_999.999_999, 123_456.789]);
        values.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 2e6 / 3.0, 999_999_999.999_999_9]);
        let mut state = 1_u64;
        for _ in 0..100_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            values.push(f64::from_bits(state));
            values.push((state >> 40) as f64 / 100.0);
            values.push((state >> 30) as f64 / -1e6);
            values.push((state >> 20) as f64 / 1e7);
        }
        for value in values {
            let mut out = Vec::new();
            float(value, &mut out);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text, format!("{value:?}"));
            assert!(text.contains(['.', 'e']) || !value.is_finite(), "{text}");
            assert!(text.parse::<f64>().unwrap().to_bits() == value.to_bits() || value.is_nan(), "{text}");
        }
    }

    #[test]
    fn dates_follow_the_calendar() {
        let cases = [(0, "1970-01-01"), (-1, "1969-12-31"), (11_016, "2000-02-29"), (-25_509, "1900-02-28")];
        let edges = [(-25_508, "1900-03-01"), (-719_162, "0001-01-01"), (2_932_896, "9999-12-31")];
        for (days, expected) in cases.into_iter().chain(edges) {
            assert_eq!(text(|out| date(days, out).unwrap()), expected);
        }
        let mut previous = String::new();
        for days in DAYS {
            let now = text(|out| date(days, out).unwrap());
            assert!(now > previous, "{previous} {now}");
            previous = now;
        }
        for days in [-719_163, 2_932_897, i32::MIN, i32::MAX] {
            assert!(date(days, &mut [0; DATE]).is_err());
        }
    }

    #[test]
    fn instants_have_a_part_of_a_second_only_where_there_is_one() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (1_751_286_896_000_000, "2025-06-30T12:34:56Z"),
            (1_751_286_896_123_456, "2025-06-30T12:34:56.123456Z"),
            (1_751_286_896_000_001, "2025-06-30T12:34:56.000001Z"),
            (-62_135_596_800_000_000, "0001-01-01T00:00:00Z"),
        ];
        for (micros, expected) in cases {
            assert_eq!(text(|out| instant(micros, out).unwrap()), expected);
        }
        assert!(instant(i64::MIN, &mut [0; INSTANT]).is_err());
        assert!(instant(i64::MAX, &mut [0; INSTANT]).is_err());
    }
}
