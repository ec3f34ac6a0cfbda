//! Dates and instants: spread over a span, within opening hours, some time after another, or by age.
//!
//! Instants are microseconds in UTC. Everything is drawn as a whole number of days or of steps of the resolution, so
//! that no bound is ever passed by rounding.

use std::sync::Arc;

use arrow_array::types::{Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, PrimitiveArray, cast::AsArray};
use arrow_schema::{DataType, TimeUnit};
use indexmap::IndexMap;
use jiff::ToSpan;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use super::record::{Order, Picker, in_field};
use super::{Def, Fill, Generator, Operand, Params, Scope};
use crate::error::Result;
use crate::profile::{Expr, Wait};
use crate::rng::Cell;

/// The generators of this family.
pub const DEFS: &[Def] = &[
    Def::of::<Day>(),
    Def::of::<Timestamp>(),
    Def::of::<BusinessTime>(),
    Def::of::<After>(),
    Def::of::<AgePyramid>(),
];

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
const EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// How exact an instant is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// Whole seconds.
    #[default]
    Second,
    /// Whole minutes.
    Minute,
    /// Milliseconds.
    Millisecond,
    /// Microseconds, the finest there is.
    Microsecond,
}

impl Resolution {
    /// The step in microseconds.
    #[must_use]
    pub fn micros(self) -> i64 {
        match self {
            Resolution::Second => SECOND,
            Resolution::Minute => 60 * SECOND,
            Resolution::Millisecond => 1_000,
            Resolution::Microsecond => 1,
        }
    }
}

/// How many whole steps fit below `instant`: the number of the first step at or after it.
#[inline]
#[must_use]
pub fn steps_up(instant: i64, step: i64) -> i64 {
    instant.div_euclid(step) + i64::from(instant.rem_euclid(step) != 0)
}

/// The type of an instant.
#[must_use]
pub fn instant_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// Instants as a column.
#[must_use]
pub fn instants(array: PrimitiveArray<TimestampMicrosecondType>) -> ArrayRef {
    Arc::new(array.with_timezone("UTC"))
}

/// A day as it is written, for messages.
fn show_day(days: i32) -> String {
    EPOCH.checked_add(i64::from(days).days()).map_or_else(|_| format!("day {days}"), |day| day.to_string())
}

/// An instant as it is written, for messages.
fn show_instant(micros: i64) -> String {
    let time = jiff::Timestamp::from_microsecond(micros);
    time.map_or_else(|_| format!("microsecond {micros}"), |time| time.to_string())
}

/// A day from `from` to `to`, both included, each as likely as another.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Day {
    /// The first day.
    from: Expr,
    /// The last day; before `from` gives null.
    to: Expr,
}

impl Params for Day {
    const NAME: &'static str = "date";
    const EXAMPLE: &'static str = "from = 2024-01-01\nto = 2024-12-31";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let (from, to) = (Operand::plan(scope, "from", &self.from)?, Operand::plan(scope, "to", &self.to)?);
        match (from.constant(), to.constant()) {
            (Some(first), Some(last)) if last < first => {
                let message = format!("`to` {} is before `from` {}", show_day(last), show_day(first));
                Err(scope.error("to", message))
            }
            _ => Ok(Box::new(Days { from, to })),
        }
    }
}

struct Days {
    from: Operand<Date32Type>,
    to: Operand<Date32Type>,
}

impl Generator for Days {
    fn data_type(&self) -> DataType {
        DataType::Date32
    }

    fn nullable(&self) -> bool {
        !(self.from.is_constant() && self.to.is_constant())
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let (from, to) = (self.from.view(fill), self.to.view(fill));
        Ok(Arc::new(fill.optional::<Date32Type>(|i, mut cell| {
            let (from, to) = (from.at(i)?, to.at(i)?);
            (from <= to).then(|| cell.between(i64::from(from), i64::from(to)) as i32)
        })))
    }
}

/// The span [from, to) that the instants of a row come from.
struct Window {
    from: Operand<TimestampMicrosecondType>,
    to: Operand<TimestampMicrosecondType>,
}

impl Window {
    fn plan(scope: &mut dyn Scope, from: &Expr, to: &Expr) -> Result<Self> {
        let (from, to) = (Operand::plan(scope, "from", from)?, Operand::plan(scope, "to", to)?);
        match (from.constant(), to.constant()) {
            (Some(first), Some(end)) if end <= first => {
                let message = format!("`to` {} is not after `from` {}", show_instant(end), show_instant(first));
                Err(scope.error("to", message).hint("`to` itself is not included"))
            }
            _ => Ok(Self { from, to }),
        }
    }

    fn is_constant(&self) -> bool {
        self.from.is_constant() && self.to.is_constant()
    }
}

/// An instant in [from, to), evenly spread, or more often at some hours and on some days of the week.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Timestamp {
    /// The earliest instant.
    from: Expr,
    /// The end, itself not included; not after `from` gives null.
    to: Expr,
    /// 24 weights, one an hour of the day in UTC, midnight first; equal by default.
    #[serde(default)]
    hours: Option<Vec<f64>>,
    /// 7 weights, one a day of the week, Monday first; equal by default.
    #[serde(default)]
    weekdays: Option<Vec<f64>>,
    /// `minute`, `second`, `millisecond` or `microsecond`; `second` by default.
    #[serde(default)]
    resolution: Resolution,
}

impl Params for Timestamp {
    const NAME: &'static str = "timestamp";
    const EXAMPLE: &'static str = "from = 2024-01-01\nto = 2025-01-01";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let window = Window::plan(scope, &self.from, &self.to)?;
        let hours = shares(scope, "hours", self.hours.as_deref(), 24)?;
        let weekdays = shares(scope, "weekdays", self.weekdays.as_deref(), 7)?;
        let week = (self.hours.is_some() || self.weekdays.is_some())
            .then(|| weekdays.iter().flat_map(|day| hours.iter().map(move |hour| day * hour)).collect());
        Ok(Box::new(Instants { window, week, step: self.resolution.micros() }))
    }
}

/// Weights as shares of the greatest one.
fn shares(scope: &dyn Scope, field: &str, weights: Option<&[f64]>, count: usize) -> Result<Vec<f64>> {
    let Some(weights) = weights else { return Ok(vec![1.0; count]) };
    if weights.len() != count {
        return Err(scope.error(field, format!("{} weights where {count} are meant", weights.len())));
    }
    let greatest = weights.iter().copied().fold(0.0, f64::max);
    if weights.iter().any(|w| !w.is_finite() || *w < 0.0) || greatest <= 0.0 {
        return Err(scope.error(field, "weights must be finite, not negative, and not all 0".to_owned()));
    }
    Ok(weights.iter().map(|weight| weight / greatest).collect())
}

struct Instants {
    window: Window,
    /// The chance to keep an instant, by hour of the week from Monday midnight.
    week: Option<Vec<f64>>,
    step: i64,
}

impl Instants {
    /// Draws until an instant is kept; after 256 draws the best of them is, as in a span without a welcome hour.
    fn weighted(&self, week: &[f64], first: i64, last: i64, cell: &mut Cell) -> i64 {
        let (mut best, mut likeliest) = (first * self.step, -1.0);
        for _ in 0..256 {
            let instant = cell.between(first, last) * self.step;
            // 1970-01-01 was a Thursday: three days after a Monday.
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
        !self.window.is_constant()
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let (from, to) = (self.window.from.view(fill), self.window.to.view(fill));
        Ok(instants(fill.optional(|i, mut cell| {
            let (first, end) = (steps_up(from.at(i)?, self.step), steps_up(to.at(i)?, self.step));
            (first < end).then(|| match &self.week {
                None => cell.between(first, end - 1) * self.step,
                Some(week) => self.weighted(week, first, end - 1, &mut cell),
            })
        })))
    }
}

/// An instant in [from, to) on a Monday to Friday within opening hours, each as likely as another.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BusinessTime {
    /// The earliest instant.
    from: Expr,
    /// The end, itself not included; a span without opening hours gives null.
    to: Expr,
    /// When the day opens, in UTC; `09:00` by default.
    #[serde(default)]
    open: Option<String>,
    /// When the day closes, itself not included; `17:00` by default, `24:00` is midnight.
    #[serde(default)]
    close: Option<String>,
    /// `minute`, `second`, `millisecond` or `microsecond`; `minute` by default.
    #[serde(default)]
    resolution: Option<Resolution>,
}

impl Params for BusinessTime {
    const NAME: &'static str = "business_time";
    const EXAMPLE: &'static str = "from = 2024-01-01\nto = 2025-01-01";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let window = Window::plan(scope, &self.from, &self.to)?;
        let open = clock(scope, "open", self.open.as_deref().unwrap_or("09:00"))?;
        let close = clock(scope, "close", self.close.as_deref().unwrap_or("17:00"))?;
        if close <= open {
            return Err(scope.error("close", "`close` is not after `open`".to_owned()));
        }
        let step = self.resolution.unwrap_or(Resolution::Minute).micros();
        let generator = Business { window, open, step, slots: (close - open) / step };
        match (generator.window.from.constant(), generator.window.to.constant()) {
            (Some(from), Some(to)) if generator.before(from) >= generator.before(to) => {
                Err(scope.error("to", "there are no opening hours between `from` and `to`".to_owned()))
            }
            _ => Ok(Box::new(generator)),
        }
    }
}

/// `HH:MM` in microseconds after midnight.
fn clock(scope: &dyn Scope, field: &str, text: &str) -> Result<i64> {
    let parse = |part: &str| part.parse::<i64>().ok().filter(|_| part.len() == 2 && !part.starts_with(['+', '-']));
    let minutes = text.split_once(':').and_then(|(hour, minute)| {
        parse(minute).filter(|minute| *minute < 60).and_then(|minute| Some(parse(hour)? * 60 + minute))
    });
    match minutes {
        Some(minutes) if minutes <= 24 * 60 => Ok(minutes * 60 * SECOND),
        _ => Err(scope.error(field, format!("`{text}` is not a time of day")).hint("write it as `09:00`")),
    }
}

struct Business {
    window: Window,
    /// When a day opens, in microseconds after midnight.
    open: i64,
    step: i64,
    /// How many steps a day is open.
    slots: i64,
}

impl Business {
    /// How many opening steps come before an instant, counted from Monday, 1969-12-29.
    fn before(&self, instant: i64) -> i64 {
        let (day, time) = (instant.div_euclid(DAY) + 3, instant.rem_euclid(DAY));
        let (week, weekday) = (day.div_euclid(7), day.rem_euclid(7));
        let today = if weekday < 5 { steps_up(time - self.open, self.step).clamp(0, self.slots) } else { 0 };
        (week * 5 + weekday.min(5)) * self.slots + today
    }

    /// The instant of an opening step: the inverse of `before`.
    fn at(&self, slot: i64) -> i64 {
        let day = slot.div_euclid(self.slots);
        let day = day.div_euclid(5) * 7 + day.rem_euclid(5) - 3;
        day * DAY + self.open + slot.rem_euclid(self.slots) * self.step
    }
}

impl Generator for Business {
    fn data_type(&self) -> DataType {
        instant_type()
    }

    fn nullable(&self) -> bool {
        !self.window.is_constant()
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let (from, to) = (self.window.from.view(fill), self.window.to.view(fill));
        Ok(instants(fill.optional(|i, mut cell| {
            let (first, end) = (self.before(from.at(i)?), self.before(to.at(i)?));
            (first < end).then(|| self.at(cell.between(first, end - 1)))
        })))
    }
}

/// An instant some time after another, rounded up to the resolution, so that it never comes before it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct After {
    /// The instant to count from.
    from: Expr,
    /// How long after: a number, an expression or a number generator of `seconds`, `minutes`, `hours` or `days`, as in
    /// `wait.hours.lognormal = { median = 6, sigma = 0.9 }`. Below 0 counts as 0.
    wait: Wait,
    /// `minute`, `second`, `millisecond` or `microsecond`; `second` by default.
    #[serde(default)]
    resolution: Resolution,
}

impl Params for After {
    const NAME: &'static str = "after";
    const EXAMPLE: &'static str = "from = 2024-01-01\nwait.hours.exponential.mean = 36";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let from = Operand::plan(scope, "from", &self.from)?;
        let (field, value, unit) = match &self.wait {
            Wait::Seconds(value) => ("wait.seconds", value, SECOND),
            Wait::Minutes(value) => ("wait.minutes", value, 60 * SECOND),
            Wait::Hours(value) => ("wait.hours", value, HOUR),
            Wait::Days(value) => ("wait.days", value, DAY),
        };
        let wait: Operand<Float64Type> = Operand::plan_value(scope, field, value)?;
        if let Some(negative) = wait.constant().filter(|wait| *wait < 0.0) {
            return Err(scope.error(field, format!("{negative} is negative")));
        }
        Ok(Box::new(Later { from, wait, unit: unit as f64, step: self.resolution.micros() }))
    }
}

struct Later {
    from: Operand<TimestampMicrosecondType>,
    wait: Operand<Float64Type>,
    unit: f64,
    step: i64,
}

impl Generator for Later {
    fn data_type(&self) -> DataType {
        instant_type()
    }

    fn nullable(&self) -> bool {
        !(self.from.is_constant() && self.wait.is_constant())
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let (from, wait) = (self.from.view(fill), self.wait.view(fill));
        Ok(instants(fill.optional(|i, _| {
            let wait = libm::rint(wait.at(i).filter(|wait| wait.is_finite())?.max(0.0) * self.unit);
            steps_up(from.at(i)?.checked_add(wait as i64)?, self.step).checked_mul(self.step)
        })))
    }
}

/// A birth date such that the age has the shares of a population: an age band of a data file, then any day within it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AgePyramid {
    /// The data file with one record an age band.
    file: String,
    /// Its integer column with the band's least age in completed years.
    from: String,
    /// Its integer column with the band's greatest age in completed years.
    to: String,
    /// Its column of weights; without it, every band is as likely as another.
    #[serde(default)]
    weight: Option<String>,
    /// Columns of the file that must equal expressions of this row: `match.sex = "sex"`.
    #[serde(default)]
    r#match: IndexMap<String, Expr>,
    /// The day on which the person has that age.
    at: Expr,
}

impl Params for AgePyramid {
    const NAME: &'static str = "age_pyramid";
    const EXAMPLE: &'static str = "file = \"age_pyramid.csv\"\nfrom = \"age_from\"\nto = \"age_to\"\n\
                                   weight = \"weight\"\nat = 2025-06-30";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let data = scope.data("file", &self.file)?;
        let ages = |field: &str, column: &str| {
            let ages = data.column(column).map_err(|error| in_field(scope, field, &error))?;
            match ages.as_primitive_opt::<Int64Type>() {
                Some(ages) if ages.null_count() == 0 => Ok(ages.values().to_vec()),
                _ => Err(scope.error(field, format!("column `{column}` is not one of integers without gaps"))
                    .hint("give the type in the file's header, as in `age_from:int`")),
            }
        };
        let bands: Vec<(i64, i64)> = ages("from", &self.from)?.into_iter().zip(ages("to", &self.to)?).collect();
        if let Some((low, high)) = bands.iter().find(|(low, high)| !(0..=150).contains(high) || *low < 0 || low > high) {
            return Err(scope.error("to", format!("an age band from {low} to {high} cannot be")));
        }
        let at = Operand::plan(scope, "at", &self.at)?;
        let picker = Picker::plan(scope, data, self.weight.as_deref(), &self.r#match, Order::Random)?;
        Ok(Box::new(Pyramid { picker, bands, at }))
    }
}

struct Pyramid {
    picker: Picker,
    bands: Vec<(i64, i64)>,
    at: Operand<Date32Type>,
}

/// The last day of birth of someone who is `age` on the day `at`; born on 29 February, one is a year older on 1 March.
fn latest_birth(at: Date, age: i64) -> Option<i64> {
    let day = at.checked_sub(age.years()).ok()?;
    i64::from(day.since((jiff::Unit::Day, EPOCH)).ok()?.get_days()).into()
}

impl Generator for Pyramid {
    fn data_type(&self) -> DataType {
        DataType::Date32
    }

    fn nullable(&self) -> bool {
        self.picker.nullable() || !self.at.is_constant()
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let (at, picks) = (self.at.view(fill), self.picker.view(fill));
        Ok(Arc::new(fill.optional::<Date32Type>(|i, mut cell| {
            let at = EPOCH.checked_add(i64::from(at.at(i)?).days()).ok()?;
            let (low, high) = self.bands[picks.draw(i, &mut cell)?];
            Some(cell.between(latest_birth(at, high + 1)? + 1, latest_birth(at, low)?) as i32)
        })))
    }
}

#[cfg(test)]
mod tests {
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
        let column = Bed::root(10_000).fill("date", "from = 2024-02-27\nto = 2024-03-01").expect("a column");
        let days: std::collections::BTreeSet<i32> = column.as_primitive::<Date32Type>().values().iter().copied().collect();
        assert_eq!(days.iter().map(|day| show_day(*day)).collect::<Vec<_>>(), [
            "2024-02-27",
            "2024-02-28",
            "2024-02-29",
            "2024-03-01"
        ]);
    }

    #[test]
    fn weighted_hours_and_weekdays_are_kept() {
        let mut hours = vec!["0"; 24];
        (hours[9], hours[10]) = ("1", "3");
        let toml = format!(
            "from = 2024-01-01\nto = 2025-01-01\nresolution = \"minute\"\nhours = [{}]\nweekdays = [1, 1, 1, 1, 1, 0, 0]",
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
    fn business_steps_count_and_invert() {
        let open = Business {
            window: Window { from: Operand::constant_of(0), to: Operand::constant_of(1) },
            open: 9 * HOUR,
            step: 60 * SECOND,
            slots: 480,
        };
        for slot in -3_000..3_000 {
            let instant = open.at(slot);
            assert_eq!((open.before(instant), open.before(instant + 1)), (slot, slot + 1), "{}", show_instant(instant));
            let zoned = civil(instant);
            assert!((9..17).contains(&zoned.hour()) && zoned.weekday().to_monday_zero_offset() < 5, "{zoned}");
        }
    }

    #[test]
    fn nothing_comes_before_what_it_follows() {
        let times = micros(&Bed::root(1_000), "from = \"t\"\nwait.seconds = \"0.2\"\nresolution = \"minute\"", "after");
        let base = Bed::root(1_000).input("t");
        for (time, from) in times.iter().zip(base.as_primitive::<TimestampMicrosecondType>()) {
            match (time, from) {
                (Some(time), Some(from)) => assert!(*time >= from && time % (60 * SECOND) == 0),
                (None, None) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn ages_lie_in_their_band_on_the_day() {
        let bed = Bed::root(5_000).file("bands.csv", "a:int,b:int,sex,w:float\n0,0,F,1\n18,20,F,1\n85,99,M,1\n");
        for at in ["2024-02-29", "2025-02-28", "2025-03-01", "2025-12-31"] {
            let toml = format!(
                "file = \"bands.csv\"\nfrom = \"a\"\nto = \"b\"\nweight = \"w\"\nmatch.sex = \"'F'\"\nat = {at}"
            );
            let column = bed.fill("age_pyramid", &toml).expect("a column");
            let at: Date = at.parse().expect("a date");
            let mut ages = std::collections::BTreeSet::new();
            for day in column.as_primitive::<Date32Type>().values() {
                let birth: Date = show_day(*day).parse().expect("a date");
                let early = (at.month(), at.day()) < (birth.month(), birth.day());
                ages.insert(at.year() - birth.year() - i16::from(early));
            }
            assert_eq!(ages.into_iter().collect::<Vec<_>>(), [0, 18, 19, 20], "{at}");
        }
    }

    #[test]
    fn mistakes_are_found_while_planning() {
        let cases = [
            ("date", "from = 2024-01-02\nto = 2024-01-01", "`to` 2024-01-01 is before `from` 2024-01-02"),
            ("timestamp", "from = 2024-01-01\nto = 2024-01-01", "not after"),
            ("timestamp", "from = 2024-01-01\nto = 2024-01-02\nhours = [1]", "1 weights where 24 are meant"),
            ("timestamp", "from = 2024-01-01\nto = 2024-01-02\nweekdays = [0, 0, 0, 0, 0, 0, 0]", "not all 0"),
            ("business_time", "from = 2024-01-06\nto = 2024-01-08", "no opening hours"),
            ("business_time", "from = 2024-01-01\nto = 2024-01-08\nopen = \"9\"", "not a time of day"),
            ("after", "from = 2024-01-01\nwait.days = -1", "-1 is negative"),
        ];
        for (name, toml, message) in cases {
            assert!(plan_error(name, toml).contains(message), "{name}: {}", plan_error(name, toml));
        }
    }
}
