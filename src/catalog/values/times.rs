//! Dates and instants within their bounds.

use super::super::checks::Literal;
use super::super::limits::DAYS;
use super::numbers::{days, span};
use super::{Definition, Scope};
use crate::catalog::Type;

impl Scope<'_> {
    pub(super) fn time(&self, column: usize) -> Definition {
        let (ty, limits) = (&self.column(column).ty, self.limits(column));
        let date = *ty == Type::Date;
        let bound = |bound: &Option<(Literal, bool)>, by: i64| {
            let (value, strict) = bound.as_ref()?;
            let by = if *strict { by } else { 0 };
            match value {
                Literal::Now => Some(days(by.min(0))),
                Literal::Text(text) => Some(moved(&day(text)?, by)),
                _ => None,
            }
        };
        let (low, high) = (bound(&limits.low, 1), bound(&limits.high, -1));
        let followers = i64::from(limits.followers);
        let to = high.clone().map_or_else(
            || {
                low.as_ref()
                    .map_or_else(|| days(-followers), |low| format!("greatest(as_of, {low} + {DAYS}) - {followers}"))
            },
            |high| moved(&high, -followers),
        );
        let from = low.unwrap_or_else(|| high.as_ref().map_or_else(|| days(-DAYS), |high| moved(high, -DAYS)));
        let after: Vec<String> = limits
            .after
            .iter()
            .filter(|(early, _)| matches!(self.column(*early).ty, Type::Date | Type::Timestamp))
            .map(|(early, strict)| {
                let name = self.name(*early);
                let name = match (&self.column(*early).ty, date) {
                    (Type::Timestamp, true) => format!("CAST({name} AS date) + 1"),
                    (Type::Date, false) => format!("CAST({name} AS timestamp)"),
                    _ => name,
                };
                match (strict, date) {
                    (false, _) => name,
                    (true, true) => format!("{name} + 1"),
                    (true, false) => format!("{name} + INTERVAL '1' SECOND"),
                }
            })
            .collect();
        let name = if date { "date" } else { "timestamp" };
        if after.is_empty() {
            return Definition::generator(name, &span(&from, &to));
        }
        let first = if after.len() == 1 { after[0].clone() } else { format!("greatest({})", after.join(", ")) };
        let last = match (high.is_some(), date) {
            (true, true) => to,
            (true, false) => format!("greatest({to}, {first} + INTERVAL '1' SECOND)"),
            (false, true) => format!("greatest({first}, {to})"),
            (false, false) => format!("greatest({first} + INTERVAL '1' SECOND, {to})"),
        };
        Definition::generator(name, &span(&first, &last))
    }
}

/// A day as an expression, moved by so many days.
fn moved(day: &str, by: i64) -> String {
    match by {
        0 => day.to_owned(),
        1.. => format!("{day} + {by}"),
        _ => format!("{day} - {}", -by),
    }
}

/// The day of a constant such as `2022-01-31` or `2022-01-31 00:00:00+00`. `None` if it is none.
pub(super) fn day(text: &str) -> Option<String> {
    let day: jiff::civil::Date = text.get(..10)?.parse().ok()?;
    Some(format!("DATE '{day}'"))
}
