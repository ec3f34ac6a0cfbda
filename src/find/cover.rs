//! Covers: few rows that have every value of some columns, or every pair of values.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use arrow_array::Array;
use arrow_array::cast::AsArray;

use super::search::{Hits, Scan, met};
use crate::error::{Error, Result};
use crate::plan::{Asked, Chunk};
use crate::sql::as_text;

/// The most different combinations of values that are looked at.
const MAX_COMBINATIONS: usize = 1_000_000;
/// The most values, or pairs of them.
const MAX_ITEMS: usize = 1_000_000;

/// Columns whose values are covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// The expressions, as they are written.
    pub names: Vec<String>,
    /// `true` if every pair of values of two columns is covered, and not every value alone.
    pub pairs: bool,
}

/// Rows that cover values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// The rows: one pool.
    pub hits: Hits,
    /// The number of values, or pairs, that occur.
    pub occurring: usize,
    /// The pairs of values that occur apart, and never in one row: each as `column=value, column=value`.
    pub missing: Vec<String>,
}

/// A value of a column, or two of two columns: column and value each, the second `None` for one value.
type Item = ((usize, u32), Option<(usize, u32)>);

/// Values as numbers, in the order in which they were met.
#[derive(Default)]
struct Dictionary {
    numbers: BTreeMap<Option<String>, u32>,
    values: Vec<Option<String>>,
}

impl Dictionary {
    fn number(&mut self, value: Option<&str>) -> u32 {
        let value = value.map(str::to_owned);
        if let Some(number) = self.numbers.get(&value) {
            return *number;
        }
        let number = self.values.len() as u32;
        self.numbers.insert(value.clone(), number);
        self.values.push(value);
        number
    }
}

impl Columns {
    /// Reads `class,status` or `pairs:class,status,year`. Commas inside of brackets and quotes belong to an expression.
    ///
    /// # Errors
    ///
    /// If an expression is empty, or pairs have fewer than two columns.
    pub fn read(text: &str) -> Result<Self> {
        let (pairs, list) = text.strip_prefix("pairs:").map_or((false, text), |list| (true, list));
        let (mut names, mut depth, mut quoted) = (vec![String::new()], 0_i32, false);
        for c in list.chars() {
            match c {
                '\'' => quoted = !quoted,
                '(' | '[' if !quoted => depth += 1,
                ')' | ']' if !quoted => depth -= 1,
                ',' if !quoted && depth == 0 => {
                    names.push(String::new());
                    continue;
                }
                _ => {}
            }
            if let Some(name) = names.last_mut() {
                name.push(c);
            }
        }
        let names: Vec<String> = names.into_iter().map(|name| name.trim().to_owned()).collect();
        if names.iter().any(String::is_empty) || (pairs && names.len() < 2) {
            return Err(Error::usage(format!("`--cover {text}` is not a list of columns"))
                .hint("such as `class,status`, or `pairs:class,status`"));
        }
        Ok(Self { names, pairs })
    }
}

/// Finds few rows that cover: of those for which `condition` is true, the first of each combination of values, and of these always the
/// one that adds most.
///
/// # Errors
///
/// If a value cannot be computed, no row meets the condition, or there are too many different values.
pub fn cover(scan: Scan<'_>, condition: Asked, columns: &Columns, asked: &[Asked]) -> Result<Cover> {
    let mut values: Vec<Dictionary> = asked.iter().map(|_| Dictionary::default()).collect();
    let mut first: BTreeMap<Vec<u32>, (u64, u128)> = BTreeMap::new();
    let mut number = 0_u64;
    let work = |chunk: &mut Chunk<'_>| {
        let rows = met(chunk, condition)?;
        let texts = asked.iter().map(|asked| as_text(&chunk.answers(*asked)?)).collect::<Result<Vec<_>>>()?;
        let texts = texts.iter().map(AsArray::as_string::<i32>).collect::<Vec<_>>();
        let cell =
            |row: usize, texts: &&arrow_array::StringArray| texts.is_valid(row).then(|| texts.value(row).to_owned());
        Ok(rows
            .into_iter()
            .map(|(row, path)| (path, texts.iter().map(|texts| cell(row, texts)).collect::<Vec<_>>()))
            .collect::<Vec<_>>())
    };
    scan.visit(condition.table, work, |rows| {
        for (path, cells) in rows {
            let numbers = cells.iter().zip(&mut values).map(|(cell, values)| values.number(cell.as_deref())).collect();
            first.entry(numbers).or_insert((number, path));
            number += 1;
        }
        if first.len() > MAX_COMBINATIONS {
            return Err(Error::usage(format!("more than {MAX_COMBINATIONS} different combinations of values"))
                .hint("cover columns that have few values, such as codes"));
        }
        Ok(false)
    })?;
    if first.is_empty() {
        return Err(Error::usage("no row meets the condition, so that there are no values to cover"));
    }
    let mut rows: Vec<((u64, u128), Vec<u32>)> = first.into_iter().map(|(numbers, row)| (row, numbers)).collect();
    rows.sort_unstable();
    let mut left = BTreeSet::new();
    for (_, numbers) in &rows {
        left.extend(items(numbers, columns.pairs));
        if left.len() > MAX_ITEMS {
            return Err(Error::usage(format!("more than {MAX_ITEMS} different values"))
                .hint("cover columns that have few values, such as codes"));
        }
    }
    let occurring = left.len();
    let missing = if columns.pairs { apart(&left, columns, &values) } else { Vec::new() };
    let mut chosen = greedy(&rows, left, columns.pairs);
    chosen.sort_unstable();
    Ok(Cover { hits: Hits { pools: vec![chosen.into_iter().map(|(_, path)| path).collect()] }, occurring, missing })
}

/// Chooses the row that adds most, the first of equals, until nothing is left; then leaves out rows that later ones made needless. What a
/// row adds only shrinks, so a row whose last known number is not above the best need not be looked at again.
fn greedy(rows: &[((u64, u128), Vec<u32>)], mut left: BTreeSet<Item>, pairs: bool) -> Vec<(u64, u128)> {
    let of = |row: usize| items(&rows[row].1, pairs);
    let adds = |row: usize, left: &BTreeSet<Item>| of(row).into_iter().filter(|item| left.contains(item)).count();
    let mut waiting: BTreeSet<(Reverse<usize>, usize)> =
        (0..rows.len()).map(|row| (Reverse(adds(row, &left)), row)).collect();
    let (mut chosen, mut times) = (Vec::new(), BTreeMap::<Item, u32>::new());
    while let (false, Some((known, row))) = (left.is_empty(), waiting.pop_first()) {
        let now = Reverse(adds(row, &left));
        if now != known {
            waiting.insert((now, row));
            continue;
        }
        for item in of(row) {
            left.remove(&item);
            *times.entry(item).or_default() += 1;
        }
        chosen.push(row);
    }
    chosen.retain(|row| {
        let needless = of(*row).iter().all(|item| times.get(item).is_some_and(|times| *times > 1));
        if needless {
            of(*row).iter().for_each(|item| *times.entry(*item).or_default() -= 1);
        }
        !needless
    });
    chosen.into_iter().map(|row| rows[row].0).collect()
}

/// The values of a row, or its pairs.
fn items(numbers: &[u32], pairs: bool) -> Vec<Item> {
    let value = |column: usize| (column, numbers[column]);
    if !pairs {
        return (0..numbers.len()).map(|column| (value(column), None)).collect();
    }
    let second = |one: usize| (one + 1..numbers.len()).map(move |other| (value(one), Some(value(other))));
    (0..numbers.len()).flat_map(second).collect()
}

/// The pairs of values that no row has.
fn apart(there: &BTreeSet<Item>, columns: &Columns, values: &[Dictionary]) -> Vec<String> {
    let show = |(column, number): (usize, u32)| {
        let value = values[column].values[number as usize].as_deref().unwrap_or("null");
        format!("{}={value}", columns.names[column])
    };
    let mut missing = Vec::new();
    for one in 0..values.len() {
        for other in one + 1..values.len() {
            for a in 0..values[one].values.len() as u32 {
                for b in 0..values[other].values.len() as u32 {
                    if !there.contains(&((one, a), Some((other, b)))) && missing.len() < MAX_ITEMS {
                        missing.push(format!("{}, {}", show((one, a)), show((other, b))));
                    }
                }
            }
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read_with_their_commas() {
        let read = Columns::read("pairs:class, coalesce(a, ',b'),c").expect("columns");
        assert_eq!(
            (read.names, read.pairs),
            (vec!["class".to_owned(), "coalesce(a, ',b')".to_owned(), "c".to_owned()], true)
        );
        assert!(Columns::read("a,,b").is_err() && Columns::read("pairs:a").is_err() && Columns::read("").is_err());
    }

    #[test]
    fn few_rows_have_every_value_and_every_pair() {
        let rows: Vec<((u64, u128), Vec<u32>)> = [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0], [2, 0, 0]]
            .iter()
            .zip(0..)
            .map(|(row, n)| ((n, 0), row.to_vec()))
            .collect();
        let all = |pairs: bool| rows.iter().flat_map(|(_, row)| items(row, pairs)).collect::<BTreeSet<_>>();
        let places = |pairs| greedy(&rows, all(pairs), pairs).into_iter().map(|(n, _)| n).collect::<BTreeSet<u64>>();
        assert_eq!(places(true).len(), 5, "each row has a pair of its own");
        let values = places(false);
        assert!(values.contains(&4) && values.len() == 3, "{values:?}");
    }
}
