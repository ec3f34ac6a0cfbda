//! Business days: Monday to Friday except holidays, counted without a loop over days.

use super::civil;
use crate::error::{Error, Kind, Result};

/// The holidays that are a Monday to Friday, sorted and distinct, as days since 1970-01-01.
#[derive(Default)]
pub(super) struct Calendar(Vec<i64>);

impl Calendar {
    pub(super) fn read(text: &str) -> Result<Self> {
        let words = text.split(|c: char| c.is_whitespace() || c == ',' || c == ';').filter(|word| !word.is_empty());
        let day = |word: &str| {
            civil::parse_date(word).map(i64::from).ok_or_else(|| {
                Error::new(Kind::Profile, format!("`{word}` in a list of holidays is not a date"))
                    .hint("write holidays as dates separated by spaces: '2025-01-01 2025-12-25'")
            })
        };
        let mut days = words.map(day).collect::<Result<Vec<_>>>()?;
        days.retain(|day| is_weekday(*day));
        days.sort_unstable();
        days.dedup();
        Ok(Self(days))
    }

    pub(super) fn is_open(&self, day: i64) -> bool {
        is_weekday(day) && self.0.binary_search(&day).is_err()
    }

    /// Counts the business days before a day, from a fixed Monday; negative for days before that.
    pub(super) fn open_before(&self, day: i64) -> i64 {
        let (weeks, days) = ((day + 3).div_euclid(7), (day + 3).rem_euclid(7));
        weeks * 5 + days.min(5) - self.0.partition_point(|holiday| *holiday < day) as i64
    }

    /// Finds the n-th business day after a day, or before it if n is negative. `None` if it is outside the years 1 to
    /// 9999.
    pub(super) fn later(&self, day: i64, n: i64) -> Option<i64> {
        // The calendar has fewer business days than that.
        let size = n.checked_abs().filter(|size| *size < 3_000_000)?;
        let found = if n < 0 {
            // The last day with `size` business days fewer before it than this one has; each holiday adds at most a weekend.
            let (wanted, reach) = (self.open_before(day) - size, (size + self.0.len() as i64) * 7 / 5 + 14);
            last(day - reach, day, |at| self.open_before(at) <= wanted)
        } else {
            let wanted = if n == 0 { self.open_before(day) + 1 } else { self.open_before(day + 1) + n };
            self.numbered(wanted)
        };
        civil::is_day(found).then_some(found)
    }

    /// Finds the business day up to which there are so many, counted from a fixed Monday.
    fn numbered(&self, wanted: i64) -> i64 {
        // That of a week without holidays, and then further on by the holidays up to there, until there are no more of them.
        let mut holidays = 0;
        loop {
            let number = wanted + holidays - 1;
            let day = number.div_euclid(5) * 7 + number.rem_euclid(5) - 3;
            let passed = self.0.partition_point(|holiday| *holiday <= day) as i64;
            if passed == holidays {
                return day;
            }
            holidays = passed;
        }
    }
}

/// Finds the last number in `from..end` for which `holds` is true, by bisection. It must be true for `from`, and after
/// the first false no number may be true.
fn last(mut from: i64, mut end: i64, holds: impl Fn(i64) -> bool) -> i64 {
    while end - from > 1 {
        let middle = from + (end - from) / 2;
        if holds(middle) { from = middle } else { end = middle }
    }
    from
}

fn is_weekday(day: i64) -> bool {
    (day + 3).rem_euclid(7) < 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn business_days_agree_with_counting_one_day_after_another() {
        for holidays in ["", "2024-01-01 2024-01-02, 2024-01-06; 2024-02-29 2023-12-25 2023-12-26 2024-01-01"] {
            let calendar = Calendar::read(holidays).expect("dates");
            let start = i64::from(civil::to_days(2024, 1, 1));
            for day in start - 20..start + 80 {
                for n in -30_i64..30 {
                    let mut at = day;
                    let mut left = n.abs();
                    while left > 0 || (n == 0 && !calendar.is_open(at)) {
                        at += if n < 0 { -1 } else { 1 };
                        left -= i64::from(n != 0 && calendar.is_open(at));
                    }
                    assert_eq!(calendar.later(day, n), Some(at), "{day} {n} {holidays}");
                }
            }
        }
        assert_eq!(Calendar::default().later(0, i64::MIN), None);
        assert!(Calendar::read("2024-01-01 tomorrow").is_err());
    }
}
