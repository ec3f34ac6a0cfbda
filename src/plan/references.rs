//! Picks: which row a reference leads to, as a function of the row that asks.

use std::sync::Arc;

use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{ArrayRef, Int64Array};

use crate::generator::{Fill, Operand};
use crate::rng::Cell;

/// How a compiled reference picks.
pub(super) enum Pick {
    /// The row with the same number.
    SameRow,
    /// One of `rows` rows, with Zipf's exponent `skew`.
    Random { rows: u64, skew: Option<Operand<Float64Type>> },
    /// The row that an expression numbers, within `rows`.
    Row { at: Operand<Int64Type>, rows: u64 },
    /// A row of the same root table with a lower number.
    Earlier,
    /// The sibling before.
    Previous,
    /// A sibling before.
    EarlierSibling,
    /// The sibling with an ordinal from 1.
    Sibling(Operand<Int64Type>),
}

impl Pick {
    /// Whether the pick is a place among the rows at hand, not a row number of a root table.
    pub(super) fn is_sibling(&self) -> bool {
        matches!(self, Pick::Previous | Pick::EarlierSibling | Pick::Sibling(_))
    }

    /// Whether there may be no row.
    pub(super) fn nullable(&self) -> bool {
        !matches!(self, Pick::SameRow | Pick::Random { .. })
    }

    /// A row number, or a place among the rows at hand, for each row.
    pub(super) fn fill(&self, fill: &Fill<'_>) -> ArrayRef {
        let rows = fill.rows;
        let ordinal = |i: usize| u64::from(rows.ordinals[i]);
        let picks: Int64Array = match self {
            Pick::SameRow => fill.primitive::<Int64Type>(|i, _| rows.keys[i] as i64),
            Pick::Random { rows, skew: None } => fill.primitive::<Int64Type>(|_, mut cell| cell.below(*rows) as i64),
            Pick::Random { rows, skew: Some(skew) } => {
                let skew = skew.view(fill);
                fill.optional::<Int64Type>(|i, mut cell| {
                    let s = skew.at(i).filter(|s| s.is_finite() && *s >= 0.0)?;
                    Some(cell.zipf(*rows, s) as i64)
                })
            }
            Pick::Row { at, rows } => {
                let at = at.view(fill);
                fill.optional::<Int64Type>(|i, _| at.at(i).filter(|n| *n >= 0 && (*n as u64) < *rows))
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
        Arc::new(picks)
    }
}
