//! Picks: the row at the other end of a reference, as a function of the row that has the reference.

mod matching;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array};

use super::Step;
use super::deal::Deal;
use crate::error::{Error, Result};
use crate::generator::operand::View;
use crate::generator::{Fill, Operand};
use crate::rng::Cell;
pub(super) use matching::Match;

/// The way in which a reference picks a row.
pub(super) enum Pick {
    /// The row with the same number.
    SameRow,
    /// A random one of `rows` rows, with Zipf's exponent `skew`, except those in the inputs `differs`.
    Random { rows: u64, skew: Option<Operand<Float64Type>>, differs: Vec<usize> },
    /// The row with the number that an expression gives, from 0; null if it is not below `rows`.
    Row { at: Operand<Int64Type>, rows: u64 },
    /// The row with the number that an expression gives, modulo `rows`, which is not 0; null where the expression `at` is null.
    Cycle { at: Operand<Int64Type>, rows: u64, nullable: bool },
    /// A random row of the same root table with a lower number.
    Earlier,
    /// The sibling before.
    Previous,
    /// A random sibling before.
    EarlierSibling,
    /// The sibling with an ordinal from 1.
    Sibling(Operand<Int64Type>),
    /// No row: the table has none.
    Nothing,
    /// The owner to whom the row is dealt, by the deal of the reference with this index.
    Dealt(usize),
}

/// A pick among the siblings, or among the children of another row.
pub(super) struct Among {
    /// The steps to the parent of the rows to pick from; `None` for the row's own siblings.
    pub(super) within: Option<Vec<Step>>,
    /// The table of the picked rows.
    pub(super) table: usize,
    /// The condition on the rows to pick from, as a column of that table.
    pub(super) filter: Option<usize>,
    pub(super) choose: Choose,
    /// The position among the eligible rows, from 1, for `Choose::Nth`.
    pub(super) at: Option<Operand<Int64Type>>,
}

/// The choice among the eligible rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choose {
    Any,
    First,
    Last,
    /// A random one of the siblings before the row.
    Earlier,
    /// The last sibling before the row.
    LastEarlier,
    /// The n-th eligible row; `at` gives n, from 1.
    Nth,
}

impl Pick {
    /// Tells whether the pick depends on the row's siblings.
    pub(super) fn siblings(&self) -> bool {
        matches!(self, Pick::Previous | Pick::EarlierSibling | Pick::Sibling(_))
    }

    /// Tells whether the pick can be null.
    pub(super) fn nullable(&self) -> bool {
        match self {
            Pick::SameRow | Pick::Dealt(_) => false,
            Pick::Random { skew, .. } => uncertain(skew.as_ref()),
            Pick::Cycle { nullable, .. } => *nullable,
            _ => true,
        }
    }

    /// Picks for each row: a row number, or for siblings an index into the rows of the fill.
    pub(super) fn fill(&self, fill: &Fill<'_>, numbers: &[u64], deal: Option<&Deal>) -> Result<ArrayRef> {
        let rows = fill.rows;
        let ordinal = |i: usize| u64::from(rows.ordinals[i]);
        let picks: Int64Array = match self {
            Pick::SameRow => fill.primitive::<Int64Type>(|i, _| rows.keys[i] as i64),
            Pick::Random { rows, skew, differs } => {
                let skew = skew.as_ref().map(|skew| skew.view(fill));
                let mut taken = Vec::new();
                fill.optional::<Int64Type>(|i, mut cell| {
                    others(fill, differs, i, &mut taken);
                    let left = rows.saturating_sub(taken.len() as u64);
                    let row = draw(&mut cell, left, Skew::at(skew.as_ref(), i))?;
                    Some(beyond(row, &taken) as i64)
                })
            }
            Pick::Nothing => Int64Array::new_null(rows.keys.len()),
            Pick::Dealt(_) => {
                let deal = deal.ok_or_else(|| Error::internal("a deal that was not compiled"))?;
                fill.optional::<Int64Type>(|i, _| Some(deal.owner(numbers[i])?.0 as i64))
            }
            Pick::Row { at, rows } => {
                let at = at.view(fill);
                fill.optional::<Int64Type>(|i, _| at.at(i).filter(|n| *n >= 0 && (*n as u64) < *rows))
            }
            Pick::Cycle { at, rows, .. } => {
                let at = at.view(fill);
                fill.optional::<Int64Type>(|i, _| at.at(i).map(|n| n.rem_euclid(*rows as i64)))
            }
            Pick::Earlier => {
                fill.optional::<Int64Type>(|i, mut cell| (rows.keys[i] > 0).then(|| cell.below(rows.keys[i]) as i64))
            }
            Pick::Previous => fill.optional::<Int64Type>(|i, _| (ordinal(i) > 0).then(|| i as i64 - 1)),
            Pick::EarlierSibling => fill.optional::<Int64Type>(|i, mut cell: Cell| {
                (ordinal(i) > 0).then(|| (i as u64 - ordinal(i) + cell.below(ordinal(i))) as i64)
            }),
            Pick::Sibling(at) => {
                let at = at.view(fill);
                let mut last = vec![0; rows.len()];
                for family in rows.families() {
                    last[family.clone()].fill(family.len() as i64);
                }
                fill.optional::<Int64Type>(|i, _| {
                    let n = at.at(i).filter(|n| *n >= 1 && *n <= last[i])?;
                    Some(i as i64 - ordinal(i) as i64 + n - 1)
                })
            }
        };
        Ok(Arc::new(picks))
    }
}

/// Tells whether a skew can be invalid in some rows: null, negative or not finite. A constant was checked at
/// compilation.
pub(super) fn uncertain(skew: Option<&Operand<Float64Type>>) -> bool {
    skew.is_some_and(|skew| !skew.is_constant())
}

/// The skew of a draw, for one row.
#[derive(Clone, Copy)]
enum Skew {
    Even,
    Zipf(f64),
    /// An invalid exponent: null, negative or not finite.
    Wrong,
}

impl Skew {
    fn at(skew: Option<&View<'_, Float64Type>>, i: usize) -> Self {
        match skew.map(|skew| skew.at(i)) {
            None => Skew::Even,
            Some(Some(s)) if s.is_finite() && s >= 0.0 => Skew::Zipf(s),
            Some(_) => Skew::Wrong,
        }
    }
}

/// Draws a number below `n`. `None` if `n` is 0 or the skew is invalid.
fn draw(cell: &mut Cell, n: u64, skew: Skew) -> Option<u64> {
    match skew {
        _ if n == 0 => None,
        Skew::Even => Some(cell.below(n)),
        Skew::Zipf(s) => Some(cell.zipf(n, s)),
        Skew::Wrong => None,
    }
}

/// Collects the distinct rows in some inputs, in order.
fn others(fill: &Fill<'_>, differs: &[usize], i: usize, taken: &mut Vec<u64>) {
    taken.clear();
    let columns = differs.iter().map(|input| fill.inputs[*input].as_primitive::<Int64Type>());
    taken.extend(columns.filter(|column| !column.is_null(i)).map(|column| column.value(i) as u64));
    taken.sort_unstable();
    taken.dedup();
}

/// Gives the n-th number, from 0, that is not taken.
fn beyond(n: u64, taken: &[u64]) -> u64 {
    taken.iter().fold(n, |n, taken| n + u64::from(n >= *taken))
}

impl Among {
    /// Picks for each row: an index into the frame of the rows to pick from. `family` gives the first and the end of
    /// those rows, and how many of them are before the row.
    pub(super) fn fill(
        &self,
        fill: &Fill<'_>,
        filter: Option<&BooleanArray>,
        family: impl Fn(usize) -> Option<(u32, u32, u32)>,
    ) -> ArrayRef {
        let fits =
            |place: u32| filter.is_none_or(|filter| filter.value(place as usize) && !filter.is_null(place as usize));
        let mut open = Vec::new();
        let at = self.at.as_ref().map(|at| at.view(fill));
        Arc::new(fill.optional::<Int64Type>(|i, mut cell| {
            let (first, end, before) = family(i)?;
            let nth = || at.as_ref()?.at(i).and_then(|n| usize::try_from(n.checked_sub(1)?).ok());
            if self.choose == Choose::Nth && filter.is_none() {
                // Without a condition the index is arithmetic and needs no list of the rows.
                let place = u32::try_from(nth()?).ok().and_then(|n| first.checked_add(n))?;
                return (place < end).then(|| i64::from(place));
            }
            let end = match self.choose {
                Choose::Earlier | Choose::LastEarlier => first + before,
                _ => end,
            };
            open.clear();
            open.extend((first..end).filter(|place| fits(*place)));
            let place = match self.choose {
                Choose::First => open.first(),
                Choose::Nth => open.get(nth()?),
                Choose::Last | Choose::LastEarlier => open.last(),
                Choose::Any | Choose::Earlier if open.is_empty() => None,
                Choose::Any | Choose::Earlier => open.get(cell.below(open.len() as u64) as usize),
            };
            place.map(|place| i64::from(*place))
        }))
    }
}
