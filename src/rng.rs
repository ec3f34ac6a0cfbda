//! Randomness as a pure function: the random words (64 bits each) of a cell follow from (seed, table, column, row)
//! alone.
//!
//! ```text
//! master  = SHA-256("placebo cell words 1" ‖ seed text)
//! column  = first 64-bit word of ChaCha20(key = SHA-256(master ‖ table ‖ 0 ‖ column))
//! state   = mix(column + row · G)          row: a root row's number, or a child's `child_key`
//! word i  = mix(state + (i + 1) · G)       i = 0, 1, …
//! ```
//!
//! `mix` is the finaliser of splitmix64 (Steele, Lea, Flood 2014), a bijection, and G is 2⁶⁴/φ. A row number passes two
//! mixes before it becomes a word. A single mix of the xor of the coordinates is not enough: it fails statistical tests
//! across columns and seeds (`docs/randomness.md` shows both). Any change here changes values: see [`ENGINE`].
//!
//! [`Cell`] has its own distributions, on integers where possible and with `libm` for logarithms, because neither
//! `rand`'s distributions nor `f64::ln` promise the same results in later versions. The tests named `value_stability`
//! pin them.

mod permutation;
mod weighted;

use rand::{Rng, SeedableRng, TryRng};
use rand_chacha::ChaCha20Rng;
use sha2::{Digest, Sha256};

pub use permutation::Permutation;
pub use weighted::Weighted;

/// The engine fingerprint. It is raised whenever the same inputs give different values than before.
pub const ENGINE: &str = "placebo-1";

const G: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser of splitmix64: a bijection of 64 bits with full avalanche.
#[inline]
#[must_use]
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The master key of a run, derived from any text. Equal texts give equal data.
#[derive(Clone)]
pub struct Seed([u8; 32]);

impl Seed {
    /// Derives the master key from a seed text of any length, the empty text included.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"placebo cell words 1");
        hash.update(text.as_bytes());
        Self(hash.finalize().into())
    }

    /// Derives the key of a column from the names of its table and itself, so that adding or moving a column changes no
    /// other one.
    #[must_use]
    pub fn column_key(&self, table: &str, column: &str) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(table.as_bytes());
        hash.update([0]);
        hash.update(column.as_bytes());
        ChaCha20Rng::from_seed(hash.finalize().into()).next_u64()
    }
}

/// Derives the row key of a child row from its parent's row key and its `ordinal` among the siblings, from 0. Tables
/// under the same parent have different values of `table_key`, so that their rows differ.
#[inline]
#[must_use]
pub fn child_key(table_key: u64, parent: u64, ordinal: u64) -> u64 {
    mix(mix(table_key.wrapping_add(parent.wrapping_mul(G))).wrapping_add(ordinal.wrapping_add(1).wrapping_mul(G)))
}

/// The random words of one cell: an endless stream that starts again, the same, for every new `Cell` of the same keys.
///
/// ```
/// use placebo::rng::{Cell, Seed};
/// let key = Seed::new("42").column_key("patient", "sex");
/// assert_eq!(Cell::new(key, 17).below(100), Cell::new(key, 17).below(100));
/// assert_ne!(Cell::new(key, 17).next(), Cell::new(key, 18).next());
/// ```
///
/// A cell is a [`rand::Rng`], so code written against [`rand`] or `fake` can draw from it:
///
/// ```
/// use fake::{Fake, faker::company::en::CompanyName};
/// use placebo::rng::{Cell, Seed};
/// use rand::{RngExt, seq::IndexedRandom};
///
/// let key = Seed::new("42").column_key("order", "item");
/// let order = |row| {
///     let mut cell = Cell::new(key, row);
///     let pieces: u32 = cell.random_range(1..=6);
///     let colour = ["red", "green", "blue"].choose(&mut cell).expect("a colour");
///     let maker: String = CompanyName().fake_with_rng(&mut cell);
///     format!("{pieces} {colour} by {maker}")
/// };
/// assert_eq!(order(17), "4 blue by Howell Inc");
/// assert_eq!(order(17), order(17));
/// ```
///
/// Values drawn through those crates may change with their versions; values of the methods below change only with
/// [`ENGINE`].
#[derive(Debug, Clone)]
pub struct Cell(u64);

impl Cell {
    /// Starts the words of a cell, given the keys of its column ([`Seed::column_key`]) and its row (a root row's number
    /// from 0, or [`child_key`]).
    #[inline]
    #[must_use]
    pub fn new(column_key: u64, row_key: u64) -> Self {
        Self(mix(column_key.wrapping_add(row_key.wrapping_mul(G))))
    }

    /// Draws the next 64 random bits.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "an endless stream of words is no iterator that could end")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(G);
        mix(self.0)
    }

    /// Draws an integer in `0..n`, by multiplication; the bias is below n/2⁶⁴. `n` = 0 gives 0.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// Draws an integer in `low..=high`. `low` must not be above `high`.
    ///
    /// ```
    /// # use placebo::rng::{Cell, Seed};
    /// let key = Seed::new("42").column_key("dice", "pips");
    /// let pips: Vec<i64> = (0..5).map(|row| Cell::new(key, row).between(1, 6)).collect();
    /// assert_eq!(pips, [6, 6, 2, 6, 3]);
    /// ```
    #[inline]
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.wrapping_sub(low) as u64;
        if width == u64::MAX {
            return self.next() as i64;
        }
        low.wrapping_add(self.below(width + 1) as i64)
    }

    /// Draws a number in [0, 1) with 53 random bits.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Draws a number in (0, 1), never 0 and never 1: for logarithms and inverse distributions.
    #[inline]
    pub fn open_unit(&mut self) -> f64 {
        ((self.next() >> 12) as f64 + 0.5) * (1.0 / (1_u64 << 52) as f64)
    }

    /// Draws `true` with probability `p`. Below 0 counts as 0, above 1 as 1.
    #[inline]
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Draws a standard normal number, by inversion, from one word.
    #[inline]
    pub fn normal(&mut self) -> f64 {
        normal_quantile(self.open_unit())
    }

    /// Draws an exponential number of mean 1.
    #[inline]
    pub fn exponential(&mut self) -> f64 {
        -libm::log(self.open_unit())
    }

    /// Draws a gamma number of scale 1 and the given shape, which must be above 0 (Marsaglia and Tsang 2000).
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = libm::pow(self.open_unit(), 1.0 / shape);
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / libm::sqrt(9.0 * d);
        loop {
            let x = self.normal();
            let v = 1.0 + c * x;
            if v <= 0.0 {
                continue;
            }
            let v = v * v * v;
            if libm::log(self.open_unit()) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }

    /// Draws a Poisson count of the given mean, 0 or more: by inversion up to a mean of 30, above it by halving (Ahrens
    /// and Dieter 1974).
    pub fn poisson(&mut self, mean: f64) -> u64 {
        let mut mean = mean;
        let mut count = 0;
        while mean > 30.0 {
            // The time of the m-th arrival is gamma distributed. If it is beyond the mean, each of the m − 1 arrivals before
            // it is within the mean with probability mean/arrival.
            let m = libm::floor(mean * 0.875);
            let arrival = self.gamma(m);
            if arrival > mean {
                return count + self.binomial(m as u64 - 1, mean / arrival);
            }
            count += m as u64;
            mean -= arrival;
        }
        let mut left = self.open_unit();
        let mut term = libm::exp(-mean.max(0.0));
        let mut k = 0;
        while left > term && k < 1_000 {
            left -= term;
            k += 1;
            term *= mean / k as f64;
        }
        count + k
    }

    /// Draws a binomial count of `n` trials with chance `p`, by the median of beta numbers, then by trials.
    fn binomial(&mut self, n: u64, p: f64) -> u64 {
        let (mut n, mut p, mut count) = (n, p, 0);
        while n > 32 {
            let a = 1 + n / 2;
            let b = n + 1 - a;
            let x = self.gamma(a as f64);
            let median = x / (x + self.gamma(b as f64));
            if median <= p {
                count += a;
                n = b - 1;
                p = (p - median) / (1.0 - median);
            } else {
                n = a - 1;
                p /= median;
            }
        }
        count + (0..n).filter(|_| self.chance(p)).count() as u64
    }

    /// Draws the number of failures before the first success of chance `p`, above 0 and at most 1, by inversion. The
    /// mean is (1−p)/p.
    pub fn geometric(&mut self, p: f64) -> u64 {
        if p >= 1.0 {
            return 0;
        }
        libm::floor(libm::log(self.open_unit()) / libm::log1p(-p)) as u64
    }

    /// Draws a negative binomial count of the given mean and dispersion `r`, above 0: a Poisson count whose mean is
    /// gamma distributed.
    pub fn negative_binomial(&mut self, r: f64, mean: f64) -> u64 {
        let rate = self.gamma(r) * mean / r;
        self.poisson(rate)
    }

    /// Draws a rank in `0..n` with weight (rank+1)^−s, `s` 0 or more, by rejection-inversion (Hörmann and Derflinger
    /// 1996). `n` = 0 gives 0.
    pub fn zipf(&mut self, n: u64, s: f64) -> u64 {
        if n <= 1 {
            return 0;
        }
        let integral = |x: f64| {
            let log = libm::log(x);
            if (1.0 - s).abs() < 1e-9 { log } else { libm::expm1((1.0 - s) * log) / (1.0 - s) }
        };
        let inverse = |y: f64| {
            if (1.0 - s).abs() < 1e-9 { libm::exp(y) } else { libm::exp(libm::log1p(y * (1.0 - s)) / (1.0 - s)) }
        };
        let low = integral(1.5) - 1.0;
        let high = integral(n as f64 + 0.5);
        loop {
            let u = high + self.open_unit() * (low - high);
            let x = inverse(u);
            let k = libm::floor(x + 0.5).clamp(1.0, n as f64);
            if u >= integral(k + 0.5) - libm::exp(-s * libm::log(k)) {
                return k as u64 - 1;
            }
        }
    }
}

impl TryRng for Cell {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok((self.next() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in dst.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// Inverts the normal distribution for `p` in (0, 1) (Wichura 1988, algorithm AS 241, relative error about 1e−16).
fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 8] = [
        3.387_132_872_796_366_5,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ];
    const B: [f64; 8] = [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_854,
    ];
    const C: [f64; 8] = [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        7.745_450_142_783_414e-4,
    ];
    const D: [f64; 8] = [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_1,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ];
    const E: [f64; 8] = [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        0.296_560_571_828_504_87,
        0.026_532_189_526_576_124,
        0.001_242_660_947_388_078_4,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ];
    const F: [f64; 8] = [
        1.0,
        0.599_832_206_555_888,
        0.136_929_880_922_735_8,
        0.014_875_361_290_850_615,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_7e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ];
    let poly = |c: &[f64; 8], x: f64| c.iter().rev().fold(0.0, |sum, k| sum * x + k);
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * poly(&A, r) / poly(&B, r);
    }
    let r = libm::sqrt(-libm::log(if q < 0.0 { p } else { 1.0 - p }));
    let z = if r <= 5.0 { poly(&C, r - 1.6) / poly(&D, r - 1.6) } else { poly(&E, r - 5.0) / poly(&F, r - 5.0) };
    if q < 0.0 { -z } else { z }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(row: u64) -> Cell {
        Cell::new(Seed::new("42").column_key("table", "column"), row)
    }

    #[test]
    fn normal_quantile_agrees_with_published_values() {
        // R: qnorm(c(.5, .975, .001, 1e-10), lower)
        let known = [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.001, -3.090_232_306_167_813_5),
            (1e-10, -6.361_340_902_404_056),
        ];
        for (p, z) in known {
            assert!((normal_quantile(p) - z).abs() < 1e-12, "{p}: {} is not {z}", normal_quantile(p));
        }
    }

    #[test]
    fn means_and_variances_are_right() {
        let n = 200_000;
        let moments = |draw: &dyn Fn(&mut Cell) -> f64| {
            let values: Vec<f64> = (0..n).map(|row| draw(&mut cell(row))).collect();
            let mean = values.iter().sum::<f64>() / n as f64;
            (mean, values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n as f64)
        };
        let cases: Vec<(&str, (f64, f64), f64, f64)> = vec![
            ("unit", moments(&|c| c.unit()), 0.5, 1.0 / 12.0),
            ("normal", moments(&|c| c.normal()), 0.0, 1.0),
            ("exponential", moments(&|c| c.exponential()), 1.0, 1.0),
            ("gamma 0.4", moments(&|c| c.gamma(0.4)), 0.4, 0.4),
            ("gamma 7", moments(&|c| c.gamma(7.0)), 7.0, 7.0),
            ("poisson 0.3", moments(&|c| c.poisson(0.3) as f64), 0.3, 0.3),
            ("poisson 12", moments(&|c| c.poisson(12.0) as f64), 12.0, 12.0),
            ("poisson 400", moments(&|c| c.poisson(400.0) as f64), 400.0, 400.0),
            ("geometric", moments(&|c| c.geometric(0.2) as f64), 4.0, 20.0),
            ("negative binomial", moments(&|c| c.negative_binomial(0.9, 3.1) as f64), 3.1, 3.1 + 3.1 * 3.1 / 0.9),
        ];
        for (name, (mean, variance), want_mean, want_variance) in cases {
            let error = 6.0 * (want_variance / n as f64).sqrt();
            assert!((mean - want_mean).abs() < error, "{name}: mean {mean}, not {want_mean}");
            assert!((variance / want_variance - 1.0).abs() < 0.08, "{name}: variance {variance}, not {want_variance}");
        }
    }

    #[test]
    fn zipf_ranks_fall_as_their_weights() {
        let (n, s, draws) = (50_u64, 1.1, 200_000_u64);
        let mut seen = vec![0_u64; n as usize];
        (0..draws).for_each(|row| seen[cell(row).zipf(n, s) as usize] += 1);
        let weights: Vec<f64> = (1..=n).map(|k| libm::pow(k as f64, -s)).collect();
        let total: f64 = weights.iter().sum();
        for (k, weight) in weights.iter().enumerate() {
            let want = weight / total * draws as f64;
            assert!((seen[k] as f64 - want).abs() < 6.0 * want.sqrt(), "rank {k}: {} is not {want}", seen[k]);
        }
    }

    #[test]
    fn weights_are_kept_and_zero_never_comes() {
        let weights = [1.0, 0.0, 3.0, 6.0, 0.0];
        let table = Weighted::new(&weights).expect("good weights");
        let mut seen = [0_u64; 5];
        (0..100_000).for_each(|row| seen[table.pick(&mut cell(row))] += 1);
        assert_eq!((seen[1], seen[4]), (0, 0));
        assert!((seen[0] as f64 - 10_000.0).abs() < 600.0 && (seen[3] as f64 - 60_000.0).abs() < 1_000.0, "{seen:?}");
        for bad in [&[][..], &[0.0], &[-1.0, 2.0], &[f64::NAN], &[f64::INFINITY]] {
            assert!(Weighted::new(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_permutation_hits_every_value_once() {
        for n in [1_u128, 2, 3, 10, 255, 256, 257, 100_003] {
            let permutation = Permutation::new(7, n);
            let mut seen = vec![false; n as usize];
            for i in 0..n {
                let at = permutation.apply(i) as usize;
                assert!(!std::mem::replace(&mut seen[at], true), "{n}: {at} twice");
            }
        }
        let wide = Permutation::new(7, 1 << 122);
        assert!((0..1_000).all(|i| wide.apply(i) < 1 << 122));
    }

    /// Pins the values: a change here must raise [`ENGINE`].
    #[test]
    fn value_stability() {
        let key = Seed::new("42").column_key("patient", "sex");
        let mut first = Cell::new(key, 0);
        let words = [first.next(), first.next(), Cell::new(key, 1).next(), Cell::new(child_key(3, 1, 2), 9).next()];
        insta::assert_debug_snapshot!("words", (key, words));
        let draws: Vec<String> = (0..3)
            .map(|row| {
                let mut c = cell(row);
                format!(
                    "{} {} {:?} {:?} {:?} {:?} {} {} {} {}",
                    c.below(1000),
                    c.between(-5, 5),
                    c.unit(),
                    c.normal(),
                    c.exponential(),
                    c.gamma(2.5),
                    c.poisson(3.3),
                    c.poisson(80.0),
                    c.negative_binomial(0.9, 4.0),
                    c.zipf(1000, 1.1)
                )
            })
            .collect();
        insta::assert_debug_snapshot!("draws", draws);
        let permutation = Permutation::new(key, 1000);
        insta::assert_debug_snapshot!("permutation", (0..5).map(|i| permutation.apply(i)).collect::<Vec<_>>());
    }
}
