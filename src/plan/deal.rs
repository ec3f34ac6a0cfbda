//! Deals: the assignment of facts (rows of one table) to owners (rows of another), as cards are dealt to players. It is
//! a function that can be inverted, so that nothing is stored.
//!
//! A [`Spread`] divides the slots `0..n` into a range for each owner: owner `a` has the slots from `start(a)` to
//! `start(a + 1)`, where `start` is a monotone integer function. A [`Deal`] gives fact `p` to the owner of slot `π(p)`,
//! where π is a keyed permutation. The inverse lists an owner's hand, which is all facts of that owner. With strata,
//! both sides are divided into ranges first and dealt within them. With skew, the first owners have the most facts.
//! `skew_within` repeats the curve for each group of owners, which bounds the largest hand.

use std::ops::Range;

use crate::rng::{Cell, Permutation, child_key};

/// The bits after the point of the fixed-point numbers in [0, 1] of curves.
const ONE: u32 = 60;
/// The number of linear pieces in each octave of a curve, as a power of two.
const PIECES: u32 = 6;
/// The bits after the point of the jitter.
const FRACTION: u32 = 23;

/// The inequality of hands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Zipf's exponent over the owners' numbers; 0 gives equal hands.
    pub skew: f64,
    /// The most owners in a group. The skew is within each group, whose first owner has the most.
    pub within: u64,
    /// The random displacement of borders between hands, 0 to 1 of an owner's share, so that equal shares give unequal
    /// hands.
    pub jitter: f64,
}

/// The division of slots among owners.
#[derive(Debug, Clone)]
pub(super) struct Spread {
    slots: u64,
    owners: u64,
    curve: Option<Curve>,
    /// The jitter, in units of 1/2²³ of an owner.
    jitter: u64,
    key: u64,
    per_owner: Ratio,
    per_slot: Ratio,
}

/// Division by a constant in fixed point: `n · 2⁶⁰ / d`, monotone in n, and at most slightly below the exact quotient.
#[derive(Debug, Clone)]
struct Ratio {
    factor: u64,
    shift: u32,
}

impl Ratio {
    /// Prepares the division of numbers with `bits` bits after the point by `d`, from 1 to 2⁴⁰.
    fn new(d: u64, bits: u32) -> Self {
        let width = 64 - d.saturating_sub(1).leading_zeros();
        let factor = (1_u128 << (63 + width)) / u128::from(d.max(1));
        Self { factor: factor as u64, shift: 63 + width + bits - ONE }
    }

    #[inline]
    fn of(&self, n: u64) -> u64 {
        ((u128::from(n) * u128::from(self.factor)) >> self.shift) as u64
    }
}

impl Spread {
    /// Divides `slots` among `owners`.
    pub(super) fn new(slots: u64, owners: u64, shape: Shape, key: u64) -> Self {
        let curve = (shape.skew > 0.0 && owners > 1).then(|| Curve::zipf(owners, shape));
        let jitter = (shape.jitter.clamp(0.0, 1.0) * f64::from(1_u32 << FRACTION)) as u64;
        let (per_owner, per_slot) = (Ratio::new(owners, FRACTION), Ratio::new(slots, 0));
        Self { slots, owners, curve, jitter, key, per_owner, per_slot }
    }

    /// Gives the first slot of an owner; for `owner` = the number of owners, the number of slots.
    pub(super) fn start(&self, owner: u64) -> u64 {
        if owner == 0 {
            return 0;
        }
        if owner >= self.owners {
            return self.slots;
        }
        if self.curve.is_none() && self.jitter == 0 {
            return (u128::from(self.slots) * u128::from(owner) / u128::from(self.owners)) as u64;
        }
        let shift = if self.jitter == 0 {
            0
        } else {
            ((Cell::new(self.key, owner).next() >> (64 - FRACTION)) * self.jitter) >> FRACTION
        };
        let x = self.per_owner.of((owner << FRACTION) | shift);
        let y = self.curve.as_ref().map_or(x, |curve| curve.at(x));
        ((u128::from(y) * u128::from(self.slots)) >> ONE) as u64
    }

    /// Finds the owner of a slot, and the slot's position in the owner's range, from 0.
    pub(super) fn owner(&self, slot: u64) -> (u64, u64) {
        let guess = |slot: u64| {
            let y = self.per_slot.of(slot);
            let x = self.curve.as_ref().map_or(y, |curve| curve.inverse(y));
            ((u128::from(x) * u128::from(self.owners)) >> ONE) as u64
        };
        // The owner is the last one that starts at or before the slot: in most cases the guess or the one before it.
        let first = guess(slot).min(self.owners - 1);
        let start = self.start(first);
        if start > slot {
            if first > 0 {
                let before = self.start(first - 1);
                if before <= slot {
                    return (first - 1, slot - before);
                }
            }
        } else if self.start(first + 1) > slot {
            return (first, slot - start);
        }
        let mut low = first.saturating_sub(2);
        let mut high = (guess(slot + 1) + 2).min(self.owners);
        if self.start(low) > slot {
            low = 0;
        }
        if self.start(high) <= slot {
            high = self.owners;
        }
        while high - low > 1 {
            let middle = low.midpoint(high);
            if self.start(middle) <= slot { low = middle } else { high = middle }
        }
        (low, slot - self.start(low))
    }
}

/// A monotone function from [0, 1] to [0, 1] in 60-bit fixed point, linear between knots. Integers give the same result
/// on any machine.
#[derive(Debug, Clone)]
struct Curve {
    knots: Vec<u64>,
    /// The number of repetitions of the curve, each above the last, as a power of two.
    groups: u32,
}

impl Curve {
    /// Makes the curve of the cumulative share of `owners` with the weights 1, 2^−s, 3^−s …, repeated in each group.
    fn zipf(owners: u64, shape: Shape) -> Self {
        let groups = owners.div_ceil(shape.within.max(1)).next_power_of_two().trailing_zeros();
        let (owners, s) = (owners as f64 / (1_u64 << groups) as f64, shape.skew);
        let shift = 0.5 / owners;
        let integral = |x: f64| {
            let x = x + shift;
            if (s - 1.0).abs() < 1e-9 { libm::log(x) } else { libm::pow(x, 1.0 - s) / (1.0 - s) }
        };
        let (low, high) = (integral(0.0), integral(1.0));
        let one = (1_u64 << ONE) as f64;
        let mut least = 0;
        let knots = (0..=knot(1 << ONE).0).map(|index| {
            let y = (integral(place(index) as f64 / one) - low) / (high - low);
            least = ((y.clamp(0.0, 1.0) * one) as u64).max(least);
            least
        });
        let mut knots: Vec<u64> = knots.collect();
        knots[0] = 0;
        if let Some(last) = knots.last_mut() {
            *last = 1 << ONE;
        }
        Self { knots, groups }
    }

    fn at(&self, x: u64) -> u64 {
        let (group, x) = self.group(x);
        let (index, rest, shift) = knot(x);
        let from = self.knots[index];
        let y = self
            .knots
            .get(index + 1)
            .map_or(from, |next| from + ((u128::from(next - from) * u128::from(rest)) >> shift) as u64);
        self.grouped(group, y)
    }

    /// Estimates the x at which the curve reaches `y`.
    fn inverse(&self, y: u64) -> u64 {
        let (group, y) = self.group(y);
        let index = self.knots.partition_point(|knot| *knot <= y).saturating_sub(1);
        let (from, low) = (place(index), self.knots[index]);
        let x = self.knots.get(index + 1).map_or(from, |next| {
            let rise = u128::from(next - low).max(1);
            from + (u128::from(y - low) * u128::from(place(index + 1) - from) / rise) as u64
        });
        self.grouped(group, x)
    }

    /// Splits a number in [0, 1] into its group and the position within it.
    fn group(&self, x: u64) -> (u64, u64) {
        let group = x >> (ONE - self.groups);
        (group, (x - (group << (ONE - self.groups))) << self.groups)
    }

    /// The inverse of [`Curve::group`].
    fn grouped(&self, group: u64, x: u64) -> u64 {
        (group << (ONE - self.groups)) + (x >> self.groups)
    }
}

/// Finds the knot at or before `x`, the distance from it, and the length of the piece as a power of two.
fn knot(x: u64) -> (usize, u64, u32) {
    let shift = (64 - PIECES - 1).saturating_sub(x.leading_zeros());
    let index = (u64::from(shift) << PIECES) + (x >> shift);
    (index as usize, x & ((1 << shift) - 1), shift)
}

/// Gives the x of a knot.
fn place(index: usize) -> u64 {
    let shift = (index >> PIECES).saturating_sub(1);
    ((index as u64) - ((shift as u64) << PIECES)) << shift
}

/// A deal of facts to owners, by their row numbers.
#[derive(Debug, Clone)]
pub(super) struct Deal(Vec<Segment>);

#[derive(Debug, Clone)]
struct Segment {
    facts: Range<u64>,
    owners: Range<u64>,
    permutation: Permutation,
    spread: Spread,
}

impl Deal {
    /// Makes a deal within each pair of (facts, owners). The ranges of facts must be consecutive. A pair without facts
    /// is ignored; one with facts must have owners.
    pub(super) fn new(pairs: &[(Range<u64>, Range<u64>)], shape: Shape, key: u64) -> Self {
        let segments = pairs.iter().enumerate().filter(|(_, (facts, _))| !facts.is_empty());
        let segments = segments.map(|(at, (facts, owners))| {
            let key = child_key(key, at as u64, 0);
            let count = facts.end - facts.start;
            Segment {
                facts: facts.clone(),
                owners: owners.clone(),
                permutation: Permutation::new(key, u128::from(count)),
                spread: Spread::new(count, owners.end - owners.start, shape, child_key(key, 0, 1)),
            }
        });
        Self(segments.collect())
    }

    /// Finds the owner of a fact, and the fact's position in the owner's hand, from 0. `None` beyond the last fact.
    pub(super) fn owner(&self, fact: u64) -> Option<(u64, u64)> {
        let at = self.0.partition_point(|segment| segment.facts.end <= fact);
        let segment = self.0.get(at).filter(|segment| segment.facts.contains(&fact))?;
        let slot = segment.permutation.apply(u128::from(fact - segment.facts.start)) as u64;
        let (owner, ordinal) = segment.spread.owner(slot);
        Some((segment.owners.start + owner, ordinal))
    }

    /// Counts the facts of all owners before one.
    pub(super) fn before(&self, owner: u64) -> u64 {
        let before = |segment: &Segment| {
            segment.spread.start(owner.clamp(segment.owners.start, segment.owners.end) - segment.owners.start)
        };
        self.0.iter().map(before).sum()
    }

    /// Appends the facts of an owner's hand, in ascending order.
    pub(super) fn hand(&self, owner: u64, to: &mut Vec<u64>) {
        let from = to.len();
        for segment in self.0.iter().filter(|segment| segment.owners.contains(&owner)) {
            let own = owner - segment.owners.start;
            for slot in segment.spread.start(own)..segment.spread.start(own + 1) {
                to.push(segment.facts.start + segment.permutation.invert(u128::from(slot)) as u64);
            }
        }
        to[from..].sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zipf(skew: f64, jitter: f64) -> Shape {
        Shape { skew, within: u64::MAX, jitter }
    }

    fn spreads() -> Vec<Spread> {
        let mut all = Vec::new();
        for (slots, owners) in [(1, 1), (10, 3), (1000, 1000), (7, 500), (100_000, 1000), (1 << 40, 1 << 30)] {
            for skew in [0.0, 0.4, 1.0, 1.1, 2.5] {
                for (jitter, within) in [(0.0, 8), (0.0, u64::MAX), (0.5, u64::MAX), (1.0, 8), (1.0, 300)] {
                    all.push(Spread::new(slots, owners, Shape { skew, within, jitter }, 17));
                }
            }
        }
        all
    }

    #[test]
    fn starts_rise_from_nothing_to_all() {
        for spread in spreads() {
            assert_eq!((spread.start(0), spread.start(spread.owners)), (0, spread.slots));
            let step = (spread.owners / 2000).max(1);
            for owner in (0..spread.owners).step_by(step as usize) {
                assert!(spread.start(owner) <= spread.start(owner + 1), "{spread:?} falls at {owner}");
            }
        }
    }

    #[test]
    fn the_owner_of_a_slot_has_it_in_its_run() {
        for spread in spreads() {
            let step = (spread.slots / 3000).max(1);
            for slot in (0..spread.slots).step_by(step as usize) {
                let (owner, ordinal) = spread.owner(slot);
                assert_eq!(spread.start(owner) + ordinal, slot);
                assert!(slot < spread.start(owner + 1));
            }
        }
    }

    #[test]
    fn even_hands_differ_by_one_at_most_and_skewed_ones_follow_zipf() {
        let even = Spread::new(1003, 10, zipf(0.0, 0.0), 1);
        let sizes: Vec<u64> = (0..10).map(|owner| even.start(owner + 1) - even.start(owner)).collect();
        assert!(sizes.iter().all(|size| (100..=101).contains(size)));
        let skewed = Spread::new(1_000_000, 1000, zipf(1.0, 0.0), 1);
        let size = |owner| (skewed.start(owner + 1) - skewed.start(owner)) as f64;
        for (owner, times) in [(9, 10.0), (99, 100.0), (999, 1000.0)] {
            let ratio = size(0) / size(owner) / times;
            assert!((0.8..1.6).contains(&ratio), "owner {owner}: {ratio}");
        }
    }

    #[test]
    fn the_largest_hand_stays_as_large_where_the_skew_is_within_groups() {
        let largest = |times: u64, within| {
            let spread = Spread::new(600 * 200 * times, 200 * times, Shape { skew: 0.6, within, jitter: 0.5 }, 3);
            (0..200 * times).map(|owner| spread.start(owner + 1) - spread.start(owner)).max().unwrap_or(0)
        };
        assert_eq!(largest(1, 200), largest(1, u64::MAX), "one group is the whole");
        let [one, many, all] = [largest(1, 200), largest(64, 200), largest(64, u64::MAX)];
        assert!(many < one + one / 4, "{many} with 64 groups, {one} with one");
        assert!(all > 4 * one, "{all} without groups");
    }

    #[test]
    fn hands_are_a_partition_and_agree_with_the_owners() {
        let whole = [(0..5000, 0..37)];
        let strata = [(0..1000, 0..5), (1000..1000, 5..9), (1000..5000, 9..37)];
        for (pairs, skew) in [(&whole[..], 0.0), (&whole[..], 1.3), (&strata[..], 0.0), (&strata[..], 0.8)] {
            let deal = Deal::new(pairs, zipf(skew, 0.7), 99);
            let mut seen = vec![false; 5000];
            for owner in 0..37 {
                let mut hand = Vec::new();
                deal.hand(owner, &mut hand);
                let mut ordinals: Vec<u64> = Vec::new();
                for fact in &hand {
                    let (back, ordinal) = deal.owner(*fact).expect("an owner");
                    assert_eq!(back, owner);
                    assert!(!std::mem::replace(&mut seen[*fact as usize], true));
                    ordinals.push(ordinal);
                }
                ordinals.sort_unstable();
                assert!(ordinals.iter().copied().eq(0..hand.len() as u64), "the hand has a gap");
            }
            assert!(seen.iter().all(|seen| *seen) && deal.owner(5000).is_none());
        }
    }

    #[test]
    fn value_stability() {
        let deal = Deal::new(&[(0..1_000_000, 0..1000)], zipf(1.1, 0.5), 42);
        let owners: Vec<_> = [0, 1, 2, 500_000, 999_999].map(|fact| deal.owner(fact).expect("an owner")).into();
        insta::assert_debug_snapshot!(owners);
    }
}
