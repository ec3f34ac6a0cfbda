//! Numbers within their bounds.

use super::super::checks::Literal;
use super::super::limits::number;
use super::{Definition, Scope, cast};
use crate::catalog::Type;

impl Scope<'_> {
    pub(super) fn number(&self, column: usize) -> Definition {
        self.numbers(column, None)
    }

    /// Numbers or times between bounds that a name suggests. `None` if the column has limits of its own.
    pub(super) fn between(&self, column: usize, low: i64, high: i64) -> Option<Definition> {
        let limits = &self.arrangement.limits[column];
        let now = |bound: &Option<(Literal, bool)>| bound.as_ref().is_none_or(|(value, _)| *value == Literal::Now);
        if limits.low.is_some() || !now(&limits.high) || !limits.after.is_empty() {
            return None;
        }
        match &self.column(column).ty {
            Type::Date => Some(Definition::generator("date", &span(&days(low), &days(high)))),
            Type::Timestamp => Some(Definition::generator("timestamp", &span(&days(low), &days(high)))),
            _ if limits.high.is_some() || limits.followers > 0 => None,
            ty => {
                let (least, most) = limits.integers(ty);
                let (low, high) = (low.max(least), high.min(most));
                (low <= high).then(|| self.numbers(column, Some((low, high))))
            }
        }
    }

    fn numbers(&self, column: usize, suggested: Option<(i64, i64)>) -> Definition {
        let (ty, limits) = (&self.column(column).ty, self.limits(column));
        let scale = match ty {
            Type::Decimal { scale, .. } => u32::from(*scale),
            Type::Double => 2,
            _ => 0,
        };
        let unit = 1.0 / 10_u64.pow(scale) as f64;
        let (least, most) = limits.integers(ty);
        let (least, most) = (least as f64, if scale > 0 { most as f64 + 1.0 - unit } else { most as f64 });
        let step = f64::from(limits.followers) * unit;
        let hard_low = number(limits.low.as_ref()).map(|(low, strict)| if strict { low + unit } else { low });
        let hard_high = number(limits.high.as_ref()).map(|(high, strict)| if strict { high - unit } else { high });
        let (low, high) = match (suggested, hard_low, hard_high) {
            (Some((low, high)), ..) => (low as f64, high as f64),
            (None, Some(low), Some(high)) => (low, high),
            (None, Some(low), None) => (low, low.max(0.0) + 1000.0),
            (None, None, Some(high)) => (high.min(1.0), high),
            (None, None, None) => (if most < 1.0 { 0.0 } else { 1.0 }, 1000.0),
        };
        let (low, high) = (low.max(least), high.min(most));
        let mut made = if let Some(after) = self.after(column, scale) {
            let from = format!("greatest({}, {})", after.join(", "), digits(low, scale));
            let to = match hard_high {
                Some(_) => digits(high - step, scale),
                None => format!(
                    "least(greatest({}, {}) + {}, {})",
                    after.join(", "),
                    digits(low, scale),
                    digits(100.0 * unit.max(0.01), scale),
                    digits(most, scale)
                ),
            };
            Self::random(scale, &format!("\"{from}\""), &format!("\"{to}\""))
        } else {
            Self::random(scale, &digits(low, scale), &digits((high - step).max(low), scale))
        };
        if low > high {
            made.broken = Some("no number is within its bounds".to_owned());
        }
        if !matches!(ty, Type::Integer { .. }) {
            made = made.typed(cast(ty));
        }
        made
    }

    fn random(scale: u32, low: &str, high: &str) -> Definition {
        match scale {
            0 => Definition::generator("integer", &format!("{{ min = {low}, max = {high} }}")),
            scale => Definition::generator("decimal", &format!("{{ min = {low}, max = {high}, scale = {scale} }}")),
        }
    }

    /// The least values that columns before this one leave. `None` if there are none of numbers.
    fn after(&self, column: usize, scale: u32) -> Option<Vec<String>> {
        let unit = 1.0 / 10_u64.pow(scale) as f64;
        let numeric = |ty: &Type| matches!(ty, Type::Integer { .. } | Type::Decimal { .. });
        let after: Vec<String> = self.arrangement.limits[column]
            .after
            .iter()
            .filter(|(early, _)| numeric(&self.column(*early).ty))
            .map(|(early, strict)| {
                let name = self.name(*early);
                if *strict { format!("{name} + {}", digits(unit, scale)) } else { name }
            })
            .collect();
        (!after.is_empty()).then_some(after)
    }
}

/// A number with so many digits behind the point, and no more than it needs.
fn digits(number: f64, scale: u32) -> String {
    let text = format!("{number:.*}", scale as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The last day of the data, moved by so many days.
pub(super) fn days(days: i64) -> String {
    match days {
        0 => "as_of".to_owned(),
        1.. => format!("as_of + {days}"),
        _ => format!("as_of - {}", -days),
    }
}

pub(super) fn span(from: &str, to: &str) -> String {
    format!("{{ from = \"{from}\", to = \"{to}\" }}")
}
