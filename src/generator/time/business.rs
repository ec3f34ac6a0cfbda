//! Instants within opening hours.

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{DAY, Fallback, Resolution, SECOND, Window, instant_type, show_instant, steps_up};
use crate::error::Result;
use crate::generator::{Fill, Generator, Origin, Params, Scope};
use crate::profile::Expr;
use crate::rng::Cell;

/// An instant on a Monday to Friday within opening hours, at least `from` and before `to`, all equally likely.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BusinessTime {
    /// The earliest instant.
    from: Expr,
    /// The end, not included. A row whose span has no opening hours is an error, unless there is a `fallback`.
    to: Expr,
    /// The value where the span has no opening hours: `none`, which is null, or `from`, the first opening hours at or
    /// after `from`.
    #[serde(default)]
    fallback: Option<Fallback>,
    /// The opening time in UTC; `09:00` by default.
    #[serde(default)]
    open: Option<String>,
    /// The closing time in UTC, not included; `17:00` by default, `24:00` is midnight.
    #[serde(default)]
    close: Option<String>,
    /// `minute`, `second`, `millisecond` or `microsecond`; `minute` by default.
    #[serde(default)]
    resolution: Option<Resolution>,
}

impl Params for BusinessTime {
    const NAME: &'static str = "business_time";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "from = \"DATE '2024-01-01'\"\nto = \"DATE '2025-01-01'\"";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let window = Window::plan(scope, &self.from, &self.to, self.fallback)?;
        let open = clock(scope, "open", self.open.as_deref().unwrap_or("09:00"))?;
        let close = clock(scope, "close", self.close.as_deref().unwrap_or("17:00"))?;
        if close <= open {
            return Err(scope.error("close", "`close` is not after `open`".to_owned()));
        }
        let step = self.resolution.unwrap_or(Resolution::Minute).micros();
        let generator = Business { window, open, step, slots: (close - open) / step };
        match (generator.window.from.constant(), generator.window.to.constant()) {
            (Some(from), Some(to)) if self.fallback.is_none() && generator.before(from) >= generator.before(to) => {
                Err(scope.error("to", "there are no opening hours between `from` and `to`".to_owned()))
            }
            _ => Ok(Box::new(generator)),
        }
    }
}

/// Reads `HH:MM`, as microseconds after midnight.
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
    /// The opening time in microseconds after midnight.
    open: i64,
    step: i64,
    /// The number of steps between opening and closing.
    slots: i64,
}

impl Business {
    /// Counts the steps within opening hours before an instant, from Monday, 1969-12-29.
    fn before(&self, instant: i64) -> i64 {
        let (day, time) = (instant.div_euclid(DAY) + 3, instant.rem_euclid(DAY));
        let (week, weekday) = (day.div_euclid(7), day.rem_euclid(7));
        let today = if weekday < 5 { steps_up(time - self.open, self.step).clamp(0, self.slots) } else { 0 };
        (week * 5 + weekday.min(5)) * self.slots + today
    }

    /// Gives the instant of a step within opening hours: the inverse of `before`.
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
        self.window.nullable()
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let instant = |from: i64, to: i64, mut cell: Cell| {
            let (first, end) = (self.before(from), self.before(to));
            match first < end {
                true => Ok(Some(self.at(cell.between(first, end - 1)))),
                false => Fallback::value(self.window.fallback, self.at(first)),
            }
        };
        self.window.fill(fill, instant, |from, to| {
            format!("no opening hours lie from `from` {} to before `to` {}", show_instant(from), show_instant(to))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::HOUR;
    use super::*;
    use crate::generator::Operand;

    fn civil(micros: i64) -> jiff::civil::DateTime {
        jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::from_microsecond(micros).expect("in range"))
    }

    #[test]
    fn business_steps_count_and_invert() {
        let open = Business {
            window: Window { from: Operand::constant_of(0), to: Operand::constant_of(1), fallback: None },
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
}
