//! Unique keys: their columns as digits of the number of the row.

use super::{Arrangement, Digit, Pick, Role};
use crate::catalog::{Catalog, Table, Type};

/// A part of a key that has its value from one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Link(usize),
    Column(usize),
}

/// Makes the keys of a table hold, with fewer rows where nothing else does.
pub(super) fn hold(catalog: &Catalog, all: &mut [Arrangement], at: usize) {
    let table = &catalog.tables[at];
    let mut keys: Vec<&Vec<usize>> = table.unique.iter().collect();
    keys.sort_by_key(|key| key.len());
    let primary = (!table.primary_key.is_empty()).then_some(&table.primary_key);
    for key in primary.into_iter().chain(keys) {
        // Rows in which one of the columns is null are not compared; a computed one is not ours.
        if key.iter().any(|column| matches!(all[at].roles[*column], Role::Null | Role::LeftOut)) {
            continue;
        }
        let parts = parts(&all[at], key);
        Holder { table, caps: parts.iter().map(|part| capacity(table, all, at, *part)).collect(), parts }
            .hold(&mut all[at]);
    }
}

fn parts(arrangement: &Arrangement, key: &[usize]) -> Vec<Part> {
    let mut parts = Vec::new();
    for column in key {
        let part = match arrangement.roles[*column] {
            Role::Through { link, .. } => Part::Link(link),
            _ => Part::Column(*column),
        };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts
}

/// The number of values of a part.
fn capacity(table: &Table, all: &[Arrangement], at: usize, part: Part) -> u64 {
    match part {
        Part::Link(link) => all[all[at].links[link].target].rows,
        Part::Column(column) => all[at].limits[column].capacity(&table.columns[column].ty),
    }
}

struct Holder<'a> {
    table: &'a Table,
    parts: Vec<Part>,
    caps: Vec<u64>,
}

impl Holder<'_> {
    fn hold(&self, arrangement: &mut Arrangement) {
        let digits: Vec<Option<Digit>> = self.parts.iter().map(|part| digit(arrangement, *part)).collect();
        if let Some(unique) = digits.iter().position(|digit| digit.is_some_and(Digit::is_row)) {
            arrangement.rows = arrangement.rows.min(self.caps[unique]).max(1);
            return;
        }
        let free: Vec<usize> =
            (0..self.parts.len()).filter(|part| digits[*part].is_none() && self.open(arrangement, *part)).collect();
        let set: Vec<Digit> = digits.iter().flatten().copied().collect();
        if covered(&set, arrangement.rows) {
            // The highest digit ends with the values of its part.
            for (digit, cap) in digits.iter().zip(&self.caps) {
                if let Some(Digit { divide, modulo: None, .. }) = digit {
                    arrangement.rows = arrangement.rows.min(cap.saturating_mul(*divide)).max(1);
                }
            }
            return;
        }
        if let Some(text) = free.iter().filter(|part| self.names_rows(**part)).min_by_key(|part| self.likeness(**part))
        {
            self.unique(arrangement, *text);
        } else if set.is_empty() && free.len() > 1 && free.len() == self.parts.len() {
            self.number(arrangement, &free);
        } else if let (Some(digit), Some(part)) = (set.first(), free.first()) {
            self.complete(arrangement, *digit, *part);
        } else if let Some(widest) = free.iter().max_by_key(|part| self.caps[**part]) {
            self.unique(arrangement, *widest);
        } else {
            // A single row breaks no key.
            let modulo = set.iter().filter_map(|digit| digit.modulo).max().unwrap_or(1);
            if arrangement.rows > modulo {
                arrangement.rows = modulo;
                let names: Vec<&str> = self.parts.iter().map(|part| self.name(arrangement, *part)).collect();
                arrangement
                    .notes
                    .push(format!("few rows, because nothing else keeps the key ({}) unique", names.join(", ")));
            }
        }
    }

    fn name<'t>(&'t self, arrangement: &Arrangement, part: Part) -> &'t str {
        let column = match part {
            Part::Column(column) => column,
            Part::Link(link) => arrangement.links[link].pairs[0].0,
        };
        &self.table.columns[column].name
    }

    /// Tells whether a part can be given a digit.
    fn open(&self, arrangement: &Arrangement, part: usize) -> bool {
        match self.parts[part] {
            Part::Link(link) => arrangement.links[link].matched.is_empty(),
            Part::Column(_) => true,
        }
    }

    /// Tells whether a column is one whose values can be a name for the row: a text, an identifier.
    fn names_rows(&self, part: usize) -> bool {
        let Part::Column(column) = self.parts[part] else { return false };
        let wide = self.caps[part] > 1_000_000;
        let ty = &self.table.columns[column].ty;
        let only = self.parts.iter().all(|part| matches!(part, Part::Column(_)));
        wide && (matches!(
            ty,
            Type::Text { .. } | Type::Uuid | Type::Double | Type::Decimal { .. } | Type::Mac | Type::Network
        ) || only && matches!(ty, Type::Integer { .. } | Type::Timestamp))
    }

    /// The order in which columns are preferred to number the rows: whole numbers first, instants last.
    fn likeness(&self, part: usize) -> u8 {
        match self.parts[part] {
            Part::Column(column) => match self.table.columns[column].ty {
                Type::Integer { .. } => 0,
                Type::Uuid => 1,
                Type::Text { .. } => 2,
                Type::Timestamp => 4,
                _ => 3,
            },
            Part::Link(_) => 5,
        }
    }

    fn unique(&self, arrangement: &mut Arrangement, part: usize) {
        set(arrangement, self.parts[part], Digit::ROW);
        arrangement.rows = arrangement.rows.min(self.caps[part]).max(1);
    }

    /// Gives each part a digit: the one of most values the highest.
    fn number(&self, arrangement: &mut Arrangement, free: &[usize]) {
        let mut order = free.to_vec();
        let column = |part: usize| matches!(self.parts[part], Part::Column(_));
        // References first, then columns: a line has its number within an order.
        order.sort_by_key(|part| (column(*part), std::cmp::Reverse(self.caps[*part])));
        let first = order[0];
        let whole: u64 = order[1..].iter().fold(1, |product, part| product.saturating_mul(self.caps[*part]));
        arrangement.rows = arrangement.rows.min(self.caps[first].saturating_mul(whole)).max(1);
        let least = if column(order[1]) { 3 } else { 1 };
        let mut needed = arrangement.rows.div_ceil(self.caps[first].max(1)).max(least).min(whole.max(1));
        let total = needed;
        let mut divide = 1;
        for (nth, part) in order.iter().enumerate().skip(1) {
            let modulo = needed.min(self.caps[*part]).max(1);
            needed = needed.div_ceil(modulo);
            if modulo == 1 {
                continue;
            }
            let link = matches!(self.parts[*part], Part::Link(_)) && nth == 1;
            set(arrangement, self.parts[*part], Digit { divide, modulo: Some(modulo), shift: link.then_some(0) });
            divide *= modulo;
        }
        debug_assert!(divide >= total, "digits for every row");
        for part in &order[1..] {
            if let Some(mut digit) = digit(arrangement, self.parts[*part])
                && digit.shift.is_some()
            {
                digit.shift = Some(divide);
                set(arrangement, self.parts[*part], digit);
            }
        }
        arrangement.rows = arrangement.rows.min(self.caps[first].saturating_mul(divide));
        set(arrangement, self.parts[first], Digit { divide, modulo: None, shift: None });
    }

    /// Gives one more part the digit that makes rows different together with another one.
    fn complete(&self, arrangement: &mut Arrangement, known: Digit, part: usize) {
        match known.modulo {
            None if self.caps[part] >= known.divide => {
                set(arrangement, self.parts[part], Digit { divide: 1, modulo: Some(known.divide), shift: None });
            }
            Some(modulo) if known.divide == 1 => {
                set(arrangement, self.parts[part], Digit { divide: modulo, modulo: None, shift: None });
                arrangement.rows = arrangement.rows.min(self.caps[part].saturating_mul(modulo)).max(1);
            }
            _ => self.unique(arrangement, part),
        }
    }
}

/// The digit of a part; `None` if its value is random.
fn digit(arrangement: &Arrangement, part: Part) -> Option<Digit> {
    match part {
        Part::Link(link) => match arrangement.links[link].pick {
            Pick::Digit(digit) => Some(digit),
            _ => None,
        },
        Part::Column(column) => match arrangement.roles[column] {
            Role::Counted(digit) => Some(digit),
            _ => None,
        },
    }
}

fn set(arrangement: &mut Arrangement, part: Part, digit: Digit) {
    match part {
        Part::Link(link) => {
            arrangement.links[link].pick = Pick::Digit(digit);
            arrangement.links[link].nullable = false;
        }
        Part::Column(column) => arrangement.roles[column] = Role::Counted(digit),
    }
}

/// Tells whether digits together differ in each of so many rows.
fn covered(digits: &[Digit], rows: u64) -> bool {
    let mut known: Vec<(u64, Option<u64>)> = digits.iter().map(|digit| (digit.divide, digit.modulo)).collect();
    known.sort_unstable();
    let mut reach = 1;
    for (divide, modulo) in known {
        if divide > reach {
            return false;
        }
        match modulo {
            Some(modulo) => reach = reach.max(divide.saturating_mul(modulo)),
            None => return true,
        }
    }
    reach >= rows
}
