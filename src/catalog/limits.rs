//! The values that a column can have, by its type and the checks on it.

use super::checks::{Fact, Literal, facts};
use super::{Column, Table, Type};

/// The limits of a column.
#[derive(Debug, Clone, Default)]
pub(super) struct Limits {
    /// The only values, where they are listed.
    pub(super) one_of: Option<Vec<Literal>>,
    /// The least value; `true` says that it is excluded.
    pub(super) low: Option<(Literal, bool)>,
    /// The greatest value; `true` says that it is excluded.
    pub(super) high: Option<(Literal, bool)>,
    /// The most characters.
    pub(super) longest: Option<u32>,
    /// The fewest characters.
    pub(super) shortest: u32,
    /// A regular expression that texts match.
    pub(super) pattern: Option<String>,
    /// Upper case only, or lower case only.
    pub(super) cased: Option<bool>,
    /// Columns whose value is not above this one's, or is below it where it says `true`.
    pub(super) after: Vec<(usize, bool)>,
    /// The number of columns in a row whose values are not below this one's.
    pub(super) followers: u32,
    /// A check demands a value.
    pub(super) not_null: bool,
}

/// The days before the end of the data over which dates are spread, where nothing else is said.
pub(super) const DAYS: i64 = 3650;

impl Limits {
    /// Reads the limits of all columns of a table.
    pub(super) fn of(table: &Table) -> Vec<Limits> {
        let longest = |column: &Column| match &column.ty {
            Type::Text { longest } => *longest,
            _ => None,
        };
        let mut all: Vec<Limits> =
            table.columns.iter().map(|column| Limits { longest: longest(column), ..Limits::default() }).collect();
        for check in &table.checks {
            for fact in facts(&check.condition, table).0 {
                add(&mut all, fact);
            }
        }
        // Without a check, `end` is after `start` where the names say so.
        for (early, late) in spans(table) {
            if all[late].after.is_empty() && all[late].one_of.is_none() && all[early].after.is_empty() {
                add(&mut all, Fact::Ordered(early, late, false));
            }
        }
        all
    }

    /// Gives the bounds of an integer column.
    pub(super) fn integers(&self, ty: &Type) -> (i64, i64) {
        let (min, max) = match ty {
            Type::Integer { min, max } => (*min, *max),
            Type::Decimal { precision, scale } => {
                let most = 10_i64.pow(u32::from(precision - scale)) - 1;
                (-most, most)
            }
            _ => (i64::MIN, i64::MAX),
        };
        let low = number(self.low.as_ref()).map(|(n, strict)| if strict { n.floor() + 1.0 } else { n.ceil() } as i64);
        let high = number(self.high.as_ref()).map(|(n, strict)| if strict { n.ceil() - 1.0 } else { n.floor() } as i64);
        (low.map_or(min, |low| low.max(min)), high.map_or(max, |high| high.min(max)))
    }

    /// Counts the days between the bounds.
    fn days(&self) -> u64 {
        let day = |bound: &Option<(Literal, bool)>| match bound {
            Some((Literal::Text(text), _)) => text.get(..10)?.parse::<jiff::civil::Date>().ok(),
            _ => None,
        };
        match (day(&self.low), day(&self.high)) {
            (Some(low), Some(high)) => {
                low.until(high).map_or(1, |span| u64::try_from(span.get_days()).unwrap_or(1)).max(1)
            }
            _ => DAYS as u64,
        }
    }

    /// Counts the values that the column can have, as far as a generator of unique values reaches.
    pub(super) fn capacity(&self, ty: &Type) -> u64 {
        if let Some(values) = &self.one_of {
            return values.len() as u64;
        }
        if self.pattern.is_some() {
            return 1;
        }
        match ty {
            Type::Integer { .. } | Type::Decimal { .. } => {
                let (low, high) = self.integers(ty);
                let low = if self.low.is_some() { low } else { low.max(1) };
                u64::try_from(i128::from(high) - i128::from(low) + 1).unwrap_or(0)
            }
            Type::Boolean => 2,
            Type::Enum(values) => values.len() as u64,
            Type::Text { .. } => match self.longest {
                Some(longest) if longest < 18 => 10_u64.pow(longest),
                _ => u64::MAX,
            },
            Type::Date => self.days(),
            Type::Timestamp => self.days().saturating_mul(1440),
            Type::Time => 86_400,
            Type::Uuid | Type::Double | Type::Mac | Type::Network => u64::MAX,
            Type::Bytes => 100_000_000,
            _ => 1,
        }
    }
}

/// A bound as a number.
pub(super) fn number(bound: Option<&(Literal, bool)>) -> Option<(f64, bool)> {
    match bound? {
        (Literal::Number(text) | Literal::Text(text), strict) => Some((text.parse().ok()?, *strict)),
        _ => None,
    }
}

fn add(all: &mut [Limits], fact: Fact) {
    match fact {
        Fact::OneOf(column, values) => {
            let known = all[column].one_of.take();
            let kept = match known {
                Some(known) => known.into_iter().filter(|value| values.contains(value)).collect(),
                None => values,
            };
            all[column].one_of = Some(kept);
        }
        Fact::AtLeast(column, value, strict) => {
            let higher = number(all[column].low.as_ref()).zip(number(Some(&(value.clone(), strict))));
            if higher.is_none_or(|(known, new)| new >= known) {
                all[column].low = Some((value, strict));
            }
        }
        Fact::AtMost(column, value, strict) => {
            let lower = number(all[column].high.as_ref()).zip(number(Some(&(value.clone(), strict))));
            if lower.is_none_or(|(known, new)| new <= known) {
                all[column].high = Some((value, strict));
            }
        }
        Fact::Ordered(early, late, strict) => {
            // An order that leads around a circle is left to the look at the finished rows.
            if early != late && !reaches(all, early, late) {
                all[late].after.push((early, strict));
                raise(all, early, 1);
            }
        }
        Fact::NotNull(column) => all[column].not_null = true,
        Fact::Longest(column, longest) => {
            all[column].longest = Some(all[column].longest.map_or(longest, |known| known.min(longest)));
        }
        Fact::Shortest(column, shortest) => all[column].shortest = all[column].shortest.max(shortest),
        Fact::Matches(column, pattern) => all[column].pattern = Some(pattern),
        Fact::Cased(column, upper) => all[column].cased = Some(upper),
    }
}

/// Tells whether a column is after another one, directly or by way of others.
fn reaches(all: &[Limits], from: usize, to: usize) -> bool {
    let mut waiting = vec![from];
    let mut seen = vec![false; all.len()];
    while let Some(at) = waiting.pop() {
        if at == to {
            return true;
        }
        if !std::mem::replace(&mut seen[at], true) {
            waiting.extend(all[at].after.iter().map(|(early, _)| *early));
        }
    }
    false
}

/// Notes that a column, and those before it, have so many after them.
fn raise(all: &mut [Limits], column: usize, followers: u32) {
    let mut waiting = vec![(column, followers)];
    while let Some((at, followers)) = waiting.pop() {
        if all[at].followers < followers {
            all[at].followers = followers;
            waiting.extend(all[at].after.iter().map(|(early, _)| (*early, followers + 1)));
        }
    }
}

/// Pairs of columns of one type whose names say which is first.
fn spans(table: &Table) -> Vec<(usize, usize)> {
    let words = [("start", "end"), ("begin", "end"), ("from", "to"), ("created", "updated"), ("order", "ship")];
    let timed = |column: &Column| matches!(column.ty, Type::Date | Type::Timestamp);
    let mut found = Vec::new();
    for (early, column) in table.columns.iter().enumerate().filter(|(_, column)| timed(column)) {
        let name = super::names::snake(&column.name);
        for (first, second) in words {
            let other: Vec<&str> = name.split('_').map(|part| if part == first { second } else { part }).collect();
            let other = other.join("_");
            let fits = |late: &Column| super::names::snake(&late.name) == other && late.ty == column.ty;
            let late = table.columns.iter().position(fits).filter(|late| *late != early);
            found.extend(late.map(|late| (early, late)));
        }
    }
    found
}
