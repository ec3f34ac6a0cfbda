//! Dates and instants: within a span, within opening hours, some time after another instant, or by age.
//!
//! Instants are microseconds in UTC. All draws are whole numbers of days or of steps of the resolution, so that no
//! value is rounded past a bound.

mod after;
mod age;
mod business;

use std::sync::Arc;

use arrow_array::types::{Date32Type, TimestampMicrosecondType};
use arrow_array::{ArrayRef, PrimitiveArray};
use arrow_schema::{DataType, TimeUnit};
use jiff::ToSpan;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Def, Fill, Generator, Missing, Operand, Origin, Params, Scope};
use crate::error::{Error, Kind, Result};
use crate::profile::Expr;
use crate::rng::Cell;

/// The generators of this family.
pub(super) const DEFS: &[Def] = &[
    Def::of::<Day>(),
    Def::of::<Timestamp>(),
    Def::of::<business::BusinessTime>(),
    Def::of::<after::After>(),
    Def::of::<age::AgePyramid>(),
];

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
const EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// The resolution of an instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Resolution {
    /// Whole seconds.
    #[default]
    Second,
    /// Whole minutes.
    Minute,
    /// Milliseconds.
    Millisecond,
    /// Microseconds.
    Microsecond,
}

impl Resolution {
    /// Gives the length of a step in microseconds.
    #[must_use]
    pub(super) fn micros(self) -> i64 {
        match self {
            Resolution::Second => SECOND,
            Resolution::Minute => 60 * SECOND,
            Resolution::Millisecond => 1_000,
            Resolution::Microsecond => 1,
        }
    }
}

/// The value in a row whose span is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fallback {
    /// None: null.
    None,
    /// The start of the span.
    From,
}

impl Fallback {
    /// The value in a row whose span is empty and starts at `from`.
    pub(super) fn value<T>(fallback: Option<Self>, from: T) -> Result<Option<T>, Missing> {
        match fallback {
            Some(Fallback::None) => Ok(None),
            Some(Fallback::From) => Ok(Some(from)),
            None => Err(Missing),
        }
    }
}

/// Makes an error about an empty span, of what it says about its ends.
pub(super) fn empty(message: String) -> Error {
    Error::new(Kind::Profile, message).hint(
        "`fallback = \"none\"` gives such a row no value, `fallback = \"from\"` gives it `from`; `when` leaves it out",
    )
}

/// Says why no step of a resolution lies between two instants, the end not included.
pub(super) fn no_step(from: i64, to: i64) -> String {
    let (first, end) = (show_instant(from), show_instant(to));
    match from < to {
        true => format!("no instant of the resolution lies from `from` {first} to before `to` {end}"),
        false => format!("`to` {end} is not after `from` {first}"),
    }
}

/// Gives the number of the first step at or after `instant`, both counted from 1970.
#[inline]
#[must_use]
pub(super) fn steps_up(instant: i64, step: i64) -> i64 {
    instant.div_euclid(step) + i64::from(instant.rem_euclid(step) != 0)
}

/// Gives the type of an instant.
#[must_use]
pub(super) fn instant_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// Makes a column of instants.
#[must_use]
pub(super) fn instants(array: PrimitiveArray<TimestampMicrosecondType>) -> ArrayRef {
    Arc::new(array.with_timezone("UTC"))
}

/// Formats a day for messages.
pub(super) fn show_day(days: i32) -> String {
    EPOCH.checked_add(i64::from(days).days()).map_or_else(|_| format!("day {days}"), |day| day.to_string())
}

/// Formats an instant for messages.
pub(super) fn show_instant(micros: i64) -> String {
    let time = jiff::Timestamp::from_microsecond(micros);
    time.map_or_else(|_| format!("microsecond {micros}"), |time| time.to_string())
}

/// A day from `from` to `to`, both included, all equally likely.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Day {
    /// The first day.
    from: Expr,
    /// The last day. A row in which it is before `from` is an error, unless there is a `fallback`.
    to: Expr,
    /// The value where `to` is before `from`: `none`, which is null, or `from`.
    #[serde(default)]
    fallback: Option<Fallback>,
}

impl Params for Day {
    const NAME: &'static str = "date";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "from = \"DATE '2024-01-01'\"\nto = \"DATE '2024-12-31'\"";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let (from, to) = (Operand::plan(scope, "from", &self.from)?, Operand::plan(scope, "to", &self.to)?);
        match (from.constant(), to.constant()) {
            (Some(first), Some(last)) if last < first && self.fallback.is_none() => {
                Err(scope.error("to", reversed(first, last)))
            }
            _ => Ok(Box::new(Days { from, to, fallback: self.fallback })),
        }
    }
}

struct Days {
    from: Operand<Date32Type>,
    to: Operand<Date32Type>,
    fallback: Option<Fallback>,
}

fn reversed(from: i32, to: i32) -> String {
    format!("`to` {} is before `from` {}", show_day(to), show_day(from))
}

impl Generator for Days {
    fn data_type(&self) -> DataType {
        DataType::Date32
    }

    fn nullable(&self) -> bool {
        self.fallback == Some(Fallback::None)
    }

    fn values(&self) -> Option<u64> {
        let (from, to) = (self.from.constant()?, self.to.constant()?);
        u64::try_from(i64::from(to) - i64::from(from) + 1).ok()
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let (from, to) = (self.from.view(fill), self.to.view(fill));
        let ends = |i: usize| from.at(i).zip(to.at(i));
        let day = |i: usize, mut cell: Cell| match ends(i) {
            None => Ok(None),
            Some((from, to)) if from <= to => Ok(Some(cell.between(i64::from(from), i64::from(to)) as i32)),
            Some((from, _)) => Fallback::value(self.fallback, from),
        };
        let why = |i: usize| empty(ends(i).map_or_else(String::new, |(from, to)| reversed(from, to)));
        Ok(Arc::new(fill.attempt::<Date32Type>(day, why)?))
    }
}

/// The span [from, to) of the instants of a row.
struct Window {
    from: Operand<TimestampMicrosecondType>,
    to: Operand<TimestampMicrosecondType>,
    fallback: Option<Fallback>,
}

impl Window {
    fn plan(scope: &mut dyn Scope, from: &Expr, to: &Expr, fallback: Option<Fallback>) -> Result<Self> {
        let (from, to) = (Operand::plan(scope, "from", from)?, Operand::plan(scope, "to", to)?);
        match (from.constant(), to.constant()) {
            (Some(first), Some(end)) if end <= first && fallback.is_none() => Err(scope
                .error("to", no_step(first, end))
                .hint("`to` itself is not included: it must be later than `from`")),
            _ => Ok(Self { from, to, fallback }),
        }
    }

    /// Tells whether a row can be without a value although it has a span.
    fn nullable(&self) -> bool {
        self.fallback == Some(Fallback::None)
    }

    /// Makes an instant for each row with a span; `draw` gives it, or what `Fallback::value` makes of an empty span.
    fn fill(
        &self,
        fill: &Fill<'_>,
        mut draw: impl FnMut(i64, i64, Cell) -> Result<Option<i64>, Missing>,
        why: impl Fn(i64, i64) -> String,
    ) -> Result<ArrayRef> {
        let (from, to) = (self.from.view(fill), self.to.view(fill));
        let ends = |i: usize| from.at(i).zip(to.at(i));
        let instant = |i: usize, cell: Cell| ends(i).map_or(Ok(None), |(from, to)| draw(from, to, cell));
        let why = |i: usize| empty(ends(i).map_or_else(String::new, |(from, to)| why(from, to)));
        Ok(instants(fill.attempt(instant, why)?))
    }
}

/// An instant, at least `from` and before `to`: uniformly distributed, or more frequent at some hours and on some days
/// of the week.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Timestamp {
    /// The earliest instant.
    from: Expr,
    /// The end, not included. A row in which it is not after `from` is an error, unless there is a `fallback`.
    to: Expr,
    /// The value where `to` is not after `from`: `none`, which is null, or `from`.
    #[serde(default)]
    fallback: Option<Fallback>,
    /// 24 weights, one for each hour of the day in UTC, midnight first; equal by default.
    #[serde(default)]
    hours: Option<Vec<f64>>,
    /// 7 weights, one for each day of the week, Monday first; equal by default.
    #[serde(default)]
    weekdays: Option<Vec<f64>>,
    /// `minute`, `second`, `millisecond` or `microsecond`; `second` by default.
    #[serde(default)]
    resolution: Resolution,
}

impl Params for Timestamp {
    const NAME: &'static str = "timestamp";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "from = \"DATE '2024-01-01'\"\nto = \"DATE '2025-01-01'\"";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let window = Window::plan(scope, &self.from, &self.to, self.fallback)?;
        let hours = shares(scope, "hours", self.hours.as_deref(), 24)?;
        let weekdays = shares(scope, "weekdays", self.weekdays.as_deref(), 7)?;
        let week = (self.hours.is_some() || self.weekdays.is_some())
            .then(|| weekdays.iter().flat_map(|day| hours.iter().map(move |hour| day * hour)).collect());
        Ok(Box::new(Instants { window, week, step: self.resolution.micros() }))
    }
}

/// Checks weights and divides them by the greatest one.
fn shares(scope: &dyn Scope, field: &str, weights: Option<&[f64]>, count: usize) -> Result<Vec<f64>> {
    let Some(weights) = weights else { return Ok(vec![1.0; count]) };
    if weights.len() != count {
        return Err(scope.error(field, format!("expected {count} weights, found {}", weights.len())));
    }
    let greatest = weights.iter().copied().fold(0.0, f64::max);
    if weights.iter().any(|w| !w.is_finite() || *w < 0.0) || greatest <= 0.0 {
        return Err(scope.error(field, "weights must be finite, not negative, and not all 0".to_owned()));
    }
    Ok(weights.iter().map(|weight| weight / greatest).collect())
}

struct Instants {
    window: Window,
    /// The probability of keeping an instant, by hour of the week from Monday midnight.
    week: Option<Vec<f64>>,
    step: i64,
}

impl Instants {
    /// Draws until an instant is kept. After 256 draws, as in a span whose hours all have weight 0, the likeliest of
    /// them is.
    fn weighted(&self, week: &[f64], first: i64, last: i64, cell: &mut Cell) -> i64 {
        let (mut best, mut likeliest) = (first * self.step, -1.0);
        for _ in 0..256 {
            let instant = cell.between(first, last) * self.step;
            // 1970-01-01 was a Thursday, 72 hours after a Monday.
            let share = week[(instant.div_euclid(HOUR) + 72).rem_euclid(168) as usize];
            if cell.chance(share) {
                return instant;
            }
            if share > likeliest {
                (best, likeliest) = (instant, share);
            }
        }
        best
    }
}

impl Generator for Instants {
    fn data_type(&self) -> DataType {
        instant_type()
    }

    fn nullable(&self) -> bool {
        self.window.nullable()
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let instant = |from: i64, to: i64, mut cell: Cell| {
            let (first, end) = (steps_up(from, self.step), steps_up(to, self.step));
            if first >= end {
                return Fallback::value(self.window.fallback, first * self.step);
            }
            Ok(Some(match &self.week {
                None => cell.between(first, end - 1) * self.step,
                Some(week) => self.weighted(week, first, end - 1, &mut cell),
            }))
        };
        self.window.fill(fill, instant, no_step)
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;

    use super::*;
    use crate::generator::testing::{Bed, plan_error};

    fn micros(bed: &Bed, toml: &str, name: &str) -> Vec<Option<i64>> {
        let column = bed.fill(name, toml).expect("a column");
        column.as_primitive::<TimestampMicrosecondType>().iter().collect()
    }

    fn civil(micros: i64) -> jiff::civil::DateTime {
        jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::from_microsecond(micros).expect("in range"))
    }

    #[test]
    fn dates_reach_both_ends_and_never_pass_them() {
        let column = Bed::root(10_000)
            .fill("date", "from = \"DATE '2024-02-27'\"\nto = \"DATE '2024-03-01'\"")
            .expect("a column");
        let days: std::collections::BTreeSet<i32> =
            column.as_primitive::<Date32Type>().values().iter().copied().collect();
        assert_eq!(
            days.iter().map(|day| show_day(*day)).collect::<Vec<_>>(),
            ["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01"]
        );
    }

    #[test]
    fn weighted_hours_and_weekdays_are_kept() {
        let mut hours = vec!["0"; 24];
        (hours[9], hours[10]) = ("1", "3");
        let toml = format!(
            "from = \"DATE '2024-01-01'\"\nto = \"DATE '2025-01-01'\"\nresolution = \"minute\"\nhours = [{}]\nweekdays = [1, 1, 1, 1, 1, 0, 0]",
            hours.join(", ")
        );
        let times = micros(&Bed::root(8_000), &toml, "timestamp");
        let (mut nine, mut ten) = (0, 0);
        for time in times.into_iter().flatten() {
            let zoned = civil(time);
            assert!(zoned.weekday().to_monday_zero_offset() < 5 && zoned.second() == 0, "{zoned}");
            assert!((9..11).contains(&zoned.hour()), "{zoned}");
            if zoned.hour() == 9 { nine += 1 } else { ten += 1 }
        }
        assert!((i32::abs(ten - 3 * nine)) < 600, "{nine} and {ten}");
    }

    #[test]
    fn mistakes_are_found_while_planning() {
        let cases = [
            (
                "date",
                "from = \"DATE '2024-01-02'\"\nto = \"DATE '2024-01-01'\"",
                "`to` 2024-01-01 is before `from` 2024-01-02",
            ),
            ("timestamp", "from = \"DATE '2024-01-01'\"\nto = \"DATE '2024-01-01'\"", "not after"),
            (
                "timestamp",
                "from = \"DATE '2024-01-01'\"\nto = \"DATE '2024-01-02'\"\nhours = [1]",
                "expected 24 weights, found 1",
            ),
            (
                "timestamp",
                "from = \"DATE '2024-01-01'\"\nto = \"DATE '2024-01-02'\"\nweekdays = [0, 0, 0, 0, 0, 0, 0]",
                "not all 0",
            ),
            ("business_time", "from = \"DATE '2024-01-06'\"\nto = \"DATE '2024-01-08'\"", "no opening hours"),
            (
                "business_time",
                "from = \"DATE '2024-01-01'\"\nto = \"DATE '2024-01-08'\"\nopen = \"9\"",
                "not a time of day",
            ),
            ("after", "from = \"DATE '2024-01-01'\"\nwait.days = -1", "-1 is negative"),
        ];
        for (name, toml, message) in cases {
            assert!(plan_error(name, toml).contains(message), "{name}: {}", plan_error(name, toml));
        }
    }
}
