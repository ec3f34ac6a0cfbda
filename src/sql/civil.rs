//! Calendar arithmetic on days and instants as integers: the proleptic Gregorian calendar without time zones. After
//! Howard Hinnant, "chrono-compatible low-level date algorithms" (public domain).

/// The microseconds of a day.
pub const DAY: i64 = 86_400_000_000;

/// Converts days since 1970-01-01 to year, month (from 1) and day (from 1).
#[must_use]
pub fn from_days(days: i32) -> (i32, u32, u32) {
    let z = i64::from(days) + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    ((yoe + era * 400 + i64::from(month <= 2)) as i32, month as u32, (doy - (153 * mp + 2) / 5 + 1) as u32)
}

/// Converts year, month (from 1) and day to days since 1970-01-01. A day past the end of the month is in the next one.
#[must_use]
pub fn to_days(year: i32, month: u32, day: u32) -> i32 {
    let y = i64::from(year) - i64::from(month <= 2);
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let mp = (i64::from(month) + 9) % 12;
    let doy = (153 * mp + 2) / 5 + i64::from(day) - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    (era * 146_097 + doe - 719_468) as i32
}

/// Tells whether days since 1970-01-01 are a date of the years 1 to 9999, which every format can write.
#[must_use]
pub fn is_day(days: i64) -> bool {
    (-719_162..=2_932_896).contains(&days)
}

/// Gives the number of days of a month.
#[must_use]
pub fn month_length(year: i32, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Moves a date by months, to the same day of the month or that month's last day.
#[must_use]
pub fn add_months(days: i32, months: i32) -> i32 {
    if months == 0 {
        return days;
    }
    let (year, month, day) = from_days(days);
    let index = i64::from(year) * 12 + i64::from(month) - 1 + i64::from(months);
    let (year, month) = (index.div_euclid(12) as i32, index.rem_euclid(12) as u32 + 1);
    to_days(year, month, day.min(month_length(year, month)))
}

/// Counts the whole months from one instant to another, both in microseconds; negative if `to` is earlier.
#[must_use]
pub fn months_between(from: i64, to: i64) -> i64 {
    if to < from {
        return -months_between(to, from);
    }
    let (days, time) = (from.div_euclid(DAY) as i32, from.rem_euclid(DAY));
    let (y1, m1, _) = from_days(days);
    let (y2, m2, _) = from_days(to.div_euclid(DAY) as i32);
    let months = (y2 - y1) * 12 + m2 as i32 - m1 as i32;
    let reached = i64::from(add_months(days, months)) * DAY + time;
    i64::from(if reached > to { months - 1 } else { months })
}

/// Formats a date as `2025-06-30`.
#[must_use]
pub fn date_text(days: i32) -> String {
    let mut out = String::with_capacity(10);
    push_date(days, &mut out);
    out
}

/// Formats an instant as `2025-06-30T12:34:56Z`, with six decimals if it has a fraction of a second.
#[must_use]
pub fn instant_text(micros: i64) -> String {
    let mut out = datetime_text(micros);
    out.push('Z');
    out
}

/// Formats a date and time without a zone as `2025-06-30T12:34:56`, with six decimals if it has a fraction of a second.
#[must_use]
pub fn datetime_text(micros: i64) -> String {
    let mut out = String::with_capacity(27);
    push_date(micros.div_euclid(DAY) as i32, &mut out);
    let time = micros.rem_euclid(DAY);
    let (seconds, fraction) = ((time / 1_000_000) as u32, (time % 1_000_000) as u32);
    for (mark, n) in [('T', seconds / 3_600), (':', seconds / 60 % 60), (':', seconds % 60)] {
        out.push(mark);
        push_digits::<2>(n, &mut out);
    }
    if fraction > 0 {
        out.push('.');
        push_digits::<6>(fraction, &mut out);
    }
    out
}

fn push_date(days: i32, out: &mut String) {
    let (year, month, day) = from_days(days);
    match u32::try_from(year) {
        Ok(year @ 0..=9_999) => push_digits::<4>(year, out),
        _ => out.push_str(&format!("{year:04}")),
    }
    for n in [month, day] {
        out.push('-');
        push_digits::<2>(n, out);
    }
}

/// Appends the last `N` digits, padded with zeros. `format!` would be too slow here: these texts are in the keys and
/// hashes of every row.
fn push_digits<const N: usize>(mut n: u32, out: &mut String) {
    let mut text = [b'0'; N];
    for digit in text.iter_mut().rev() {
        *digit += (n % 10) as u8;
        n /= 10;
    }
    out.push_str(std::str::from_utf8(&text).unwrap_or_default());
}

/// Parses a date such as `2025-06-30`. `None` if it is not one of the years 1 to 9999.
#[must_use]
pub fn parse_date(text: &str) -> Option<i32> {
    let date: jiff::civil::Date = text.parse().ok()?;
    (text.len() == 10).then(|| to_days(i32::from(date.year()), date.month() as u32, date.day() as u32))
}

/// Parses an instant such as `2025-06-30 12:34:56`, with `T` or a space, an optional fraction and an optional `Z`.
#[must_use]
pub fn parse_instant(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    if let Some(days) = parse_date(text) {
        return Some(i64::from(days) * DAY);
    }
    let time: jiff::civil::DateTime = text.replacen(' ', "T", 1).parse().ok()?;
    let days = to_days(i32::from(time.year()), time.month() as u32, time.day() as u32);
    let seconds = i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    Some(i64::from(days) * DAY + seconds * 1_000_000 + i64::from(time.subsec_nanosecond()) / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_eight_centuries_round_trips_and_agrees_with_jiff() {
        let mut date = jiff::civil::date(1600, 1, 1);
        for days in to_days(1600, 1, 1)..to_days(2400, 1, 1) {
            let parts = (i32::from(date.year()), date.month() as u32, date.day() as u32);
            assert_eq!(from_days(days), parts);
            assert_eq!(to_days(parts.0, parts.1, parts.2), days);
            date = date.tomorrow().expect("within jiff's range");
        }
    }

    #[test]
    fn months_stop_at_the_end_of_the_month() {
        let day = |text| parse_date(text).expect("a date");
        assert_eq!(date_text(add_months(day("2024-01-31"), 1)), "2024-02-29");
        assert_eq!(date_text(add_months(day("2024-03-31"), -13)), "2023-02-28");
        let at = |text| i64::from(day(text)) * DAY;
        assert_eq!(months_between(at("2000-02-29"), at("2001-02-28")), 12);
        assert_eq!(months_between(at("2000-03-15"), at("2001-03-14")), 11);
        assert_eq!(months_between(at("2001-03-14"), at("2000-03-15")), -11);
    }

    #[test]
    fn instants_read_and_write() {
        assert_eq!(instant_text(parse_instant("2025-06-30 12:34:56").expect("reads")), "2025-06-30T12:34:56Z");
        assert_eq!(
            instant_text(parse_instant("1969-12-31T23:59:59.5Z").expect("reads")),
            "1969-12-31T23:59:59.500000Z"
        );
        assert_eq!(parse_instant("2025-6-30"), None);
    }
}
