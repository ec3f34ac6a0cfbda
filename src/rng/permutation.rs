//! Keyed permutations.

use super::{Cell, G, mix};

/// A keyed permutation of `0..n`: uniqueness without memory (a Feistel network with cycle walking).
#[derive(Debug, Clone)]
pub struct Permutation {
    n: u128,
    left: u32,
    right: u32,
    keys: [u64; 6],
}

impl Permutation {
    /// Makes the permutation of `0..n` for a key. `n` must be from 1 to 2¹²⁷.
    ///
    /// ```
    /// use placebo::rng::Permutation;
    /// let shuffled = Permutation::new(7, 5);
    /// assert_eq!([0, 1, 2, 3, 4].map(|i| shuffled.apply(i)), [4, 3, 0, 1, 2]);
    /// assert_eq!(shuffled.invert(shuffled.apply(3)), 3);
    /// ```
    #[must_use]
    pub fn new(key: u64, n: u128) -> Self {
        let bits = (128 - n.saturating_sub(1).leading_zeros()).max(2);
        let mut cell = Cell::new(key, 0);
        Self { n, left: bits / 2, right: bits - bits / 2, keys: std::array::from_fn(|_| cell.next()) }
    }

    /// Maps `i` to its image. `i` must be below `n`.
    #[inline]
    #[must_use]
    pub fn apply(&self, i: u128) -> u128 {
        let mut x = i;
        loop {
            x = self.rounds(x);
            if x < self.n {
                return x;
            }
        }
    }

    /// Maps an image back to its origin: the inverse of [`apply`](Self::apply). `i` must be below `n`.
    #[inline]
    #[must_use]
    pub fn invert(&self, i: u128) -> u128 {
        let mut x = i;
        loop {
            x = self.back(x);
            if x < self.n {
                return x;
            }
        }
    }

    #[inline]
    fn rounds(&self, x: u128) -> u128 {
        let mask = |bits: u32| if bits >= 64 { u64::MAX } else { (1_u64 << bits) - 1 };
        let (mut left, mut right) = ((x >> self.right) as u64, x as u64 & mask(self.right));
        // Alternating rounds keep each half at its own width, so that the rounds together are a bijection of left +
        // right bits.
        for pair in self.keys.chunks_exact(2) {
            left ^= mix(right.wrapping_mul(G).wrapping_add(pair[0])) & mask(self.left);
            right ^= mix(left.wrapping_mul(G).wrapping_add(pair[1])) & mask(self.right);
        }
        (u128::from(left) << self.right) | u128::from(right)
    }

    #[inline]
    fn back(&self, x: u128) -> u128 {
        let mask = |bits: u32| if bits >= 64 { u64::MAX } else { (1_u64 << bits) - 1 };
        let (mut left, mut right) = ((x >> self.right) as u64, x as u64 & mask(self.right));
        for pair in self.keys.chunks_exact(2).rev() {
            right ^= mix(left.wrapping_mul(G).wrapping_add(pair[1])) & mask(self.right);
            left ^= mix(right.wrapping_mul(G).wrapping_add(pair[0])) & mask(self.left);
        }
        (u128::from(left) << self.right) | u128::from(right)
    }
}
