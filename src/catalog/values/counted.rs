//! Columns that follow from the number of the row: keys, and parts of keys.

use super::super::arrange::Digit;
use super::super::checks::Literal;
use super::super::guess::{Unique, guess};
use super::super::names::snake;
use super::super::toml_text::quoted;
use super::times::day;
use super::{Definition, Scope, boolean, cast, constant, text_of};
use crate::catalog::Type;

impl Scope<'_> {
    pub(super) fn counted(&self, column: usize, digit: Digit) -> Definition {
        let (decl, limits) = (self.column(column), &self.arrangement.limits[column]);
        let number = digit.expr();
        let values = match (&limits.one_of, &decl.ty) {
            (Some(values), Type::Boolean) => Some(values.iter().map(|value| boolean(&text_of(value))).collect()),
            (Some(values), _) => Some(values.iter().map(text_of).collect()),
            (None, Type::Enum(values)) => Some(values.clone()),
            (None, Type::Boolean) => Some(vec!["false".to_owned(), "true".to_owned()]),
            _ => None,
        };
        if let Some(values) = values {
            return listed(&number, &values).typed(cast(&decl.ty));
        }
        match &decl.ty {
            Type::Integer { .. } => {
                let low = if limits.low.is_some() { limits.integers(&decl.ty).0 } else { 1 };
                Definition::expr(match low {
                    0 => number,
                    1.. => format!("{number} + {low}"),
                    _ => format!("{number} - {}", low.unsigned_abs()),
                })
            }
            Type::Decimal { .. } | Type::Double => Definition::expr(format!("{number} + 1")).typed(cast(&decl.ty)),
            Type::Text { .. } => self.counted_text(column, digit),
            Type::Date => Definition::expr(self.counted_day(column, &number)),
            Type::Timestamp => {
                let start = self.start(column);
                let sign = if self.counts_up(column) { '+' } else { '-' };
                Definition::expr(format!("CAST({start} AS timestamp) {sign} ({number}) * INTERVAL '1' MINUTE"))
            }
            Type::Uuid => Definition::generator("uuid", "{}"),
            Type::Mac => Definition::generator("mac", "{ unique = true }"),
            Type::Network => Definition::generator("ipv6", "{ unique = true }"),
            Type::Time => {
                let two = |part: String| format!("lpad(CAST({part} AS text), 2, '0')");
                let (hour, minute) = (two(format!("({number}) // 3600 % 24")), two(format!("({number}) // 60 % 60")));
                Definition::expr(format!("{hour} || ':' || {minute} || ':' || {}", two(format!("({number}) % 60"))))
            }
            Type::Bytes => {
                let start = if decl.written.eq_ignore_ascii_case("bytea") { constant("\\x") } else { constant("") };
                Definition::expr(format!("{start} || lpad(CAST({number} + 1 AS text), 8, '0')"))
            }
            // Their capacity is 1, so that there is one row.
            _ => self.by_type(column),
        }
    }

    /// A text with the number of the row, or one by its name that its generator keeps unique.
    fn counted_text(&self, column: usize, digit: Digit) -> Definition {
        let (decl, limits) = (self.column(column), &self.arrangement.limits[column]);
        if digit.is_row()
            && limits.pattern.is_none()
            && let Some(guessed) = guess(self.table, decl, limits.longest)
        {
            let unique = &guessed.guess.unique;
            let cut = limits.longest.is_some_and(|longest| guessed.guess.longest.is_none_or(|most| most > longest));
            if *unique != Unique::No
                && !cut
                && let Some(made) = self.guessed(column, &guessed, matches!(unique, Unique::Generator(_)))
            {
                return made;
            }
        }
        let longest = limits.longest.unwrap_or(40);
        let name = snake(&decl.name);
        let word = name
            .split('_')
            .next()
            .unwrap_or("")
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(12)
            .collect::<String>();
        let word = if limits.cased == Some(true) { word.to_uppercase() } else { word };
        let word = if word.is_empty() { "x".to_owned() } else { word };
        let room = longest.saturating_sub(word.len() as u32 + 1);
        let (start, width) = if room >= 9 { (format!("{word}-"), 6) } else { (String::new(), longest.min(8)) };
        let width = width.max(limits.shortest.saturating_sub(start.len() as u32));
        let number = digit.expr();
        let pattern = format!("{start}{{{number}:0{width}}}");
        let said = guess(self.table, decl, limits.longest).map(|guessed| guessed.said());
        let made = Definition::generator("code", &format!("{{ pattern = {} }}", quoted(&pattern)));
        Definition { guessed: said.filter(|(_, kind)| kind.is_some()), ..made }
    }

    fn counts_up(&self, column: usize) -> bool {
        let limits = &self.arrangement.limits[column];
        limits.high.is_none() && limits.low.is_some()
    }

    /// The day from which a column counts, up or down.
    fn start(&self, column: usize) -> String {
        let limits = &self.arrangement.limits[column];
        let bound = if self.counts_up(column) { &limits.low } else { &limits.high };
        match bound {
            Some((Literal::Text(text), strict)) => {
                let start = day(text).unwrap_or_else(|| "as_of".to_owned());
                let sign = if self.counts_up(column) { '+' } else { '-' };
                if *strict { format!("{start} {sign} 1") } else { start }
            }
            _ => "as_of".to_owned(),
        }
    }

    fn counted_day(&self, column: usize, number: &str) -> String {
        let sign = if self.counts_up(column) { '+' } else { '-' };
        format!("{} {sign} ({number})", self.start(column))
    }
}

/// The value that a list has at a number.
fn listed(number: &str, values: &[String]) -> Definition {
    let entries: Vec<String> =
        values.iter().enumerate().map(|(nth, value)| format!("{nth} = {}", quoted(value))).collect();
    let mut made = Definition::one("by", quoted(&format!("({number}) % {}", values.len().max(1))));
    made.keys.push(("lookup".to_owned(), format!("{{ {} }}", entries.join(", "))));
    made
}
