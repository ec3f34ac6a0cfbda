//! Weighted choices.

use super::Cell;

/// A weighted choice in constant time: a table of Walker's alias method with 64-bit integer thresholds.
#[derive(Debug, Clone)]
pub struct Weighted(Vec<(u64, u32)>);

impl Weighted {
    /// Prepares a choice among `weights.len()` entries. `None` if a weight is negative or not finite, or all are 0.
    ///
    /// ```
    /// # use placebo::rng::{Cell, Seed, Weighted};
    /// let key = Seed::new("42").column_key("visit", "payment");
    /// let payment = Weighted::new(&[9.0, 1.0, 0.0]).expect("weights");
    /// let mut seen = [0; 3];
    /// (0..1_000).for_each(|row| seen[payment.pick(&mut Cell::new(key, row))] += 1);
    /// assert_eq!(seen, [918, 82, 0]);
    /// ```
    #[must_use]
    pub fn new(weights: &[f64]) -> Option<Self> {
        let sum: f64 = weights.iter().sum();
        if weights.iter().any(|w| !w.is_finite() || *w < 0.0) || !sum.is_finite() || sum <= 0.0 {
            return None;
        }
        let n = weights.len();
        let mut share: Vec<f64> = weights.iter().map(|w| w / sum * n as f64).collect();
        let mut table: Vec<(u64, u32)> = (0..n).map(|i| (u64::MAX, i as u32)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..n).partition(|&i| share[i] < 1.0);
        while let (Some(s), Some(&l)) = (small.pop(), large.last()) {
            table[s] = ((share[s] * 18_446_744_073_709_551_616.0) as u64, l as u32);
            share[l] -= 1.0 - share[s];
            if share[l] < 1.0 {
                large.pop();
                small.push(l);
            }
        }
        // Entries left here by rounding have a share of 1. An entry of weight 0 must never be drawn: its alias always
        // is.
        for s in small {
            if weights[s] == 0.0 {
                table[s] = (0, weights.iter().position(|w| *w > 0.0).unwrap_or(0) as u32);
            }
        }
        Some(Self(table))
    }

    /// Draws the index of an entry, using two words.
    #[inline]
    pub fn pick(&self, cell: &mut Cell) -> usize {
        let slot = cell.below(self.0.len() as u64) as usize;
        let (threshold, alias) = self.0[slot];
        if cell.next() < threshold { slot } else { alias as usize }
    }
}
