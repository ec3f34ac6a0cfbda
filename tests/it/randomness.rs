//! The words of cells through a battery of our own, in the four orders in which a data set reads them (`orders.rs`).
//!
//! Each test gives a z value; |z| > 5 fails (about 6 in 10 million by chance, and the seeds are fixed). The same battery
//! must fail a naive construction, or it would prove nothing. `docs/randomness.md` has the figures.

use crate::orders::{orders, planted};
use placebo::rng::{Cell, Seed};

/// 64 MiB of words an order.
const WORDS: u64 = 8 << 20;

/// A chi² sum as a z value (Wilson and Hilferty 1931).
fn z_of_chi2(chi2: f64, freedom: f64) -> f64 {
    let spread = 2.0 / (9.0 * freedom);
    (libm::cbrt(chi2 / freedom) - (1.0 - spread)) / libm::sqrt(spread)
}

fn chi2(counts: &[u64]) -> f64 {
    let expected = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    counts.iter().map(|c| (*c as f64 - expected) * (*c as f64 - expected) / expected).sum()
}

/// Ones among all bits, and among each of the 64 places.
fn frequency(words: &[u64]) -> f64 {
    let mut places = [0_u64; 64];
    for word in words {
        for (place, count) in places.iter_mut().enumerate() {
            *count += word >> place & 1;
        }
    }
    let n = words.len() as f64;
    let sum: f64 = places.iter().map(|c| (2.0 * *c as f64 - n) * (2.0 * *c as f64 - n) / n).sum();
    z_of_chi2(sum, 64.0)
}

/// Pairs of bytes: within a word, and from one word to the next.
fn serial(words: &[u64]) -> f64 {
    let (mut within, mut across) = (vec![0_u64; 65_536], vec![0_u64; 65_536]);
    for pair in words.windows(2) {
        (0..4).for_each(|k| within[(pair[0] >> (16 * k) & 0xFFFF) as usize] += 1);
        across[((pair[0] >> 56) << 8 | pair[1] >> 56) as usize] += 1;
    }
    let (a, b) = (z_of_chi2(chi2(&within), 65_535.0), z_of_chi2(chi2(&across), 65_535.0));
    if a.abs() > b.abs() { a } else { b }
}

/// Words between two whose top four bits are zero: geometric with p = 1/16.
fn gap(words: &[u64]) -> f64 {
    let mut counts = [0_u64; 64];
    let (mut length, mut total) = (0_usize, 0_u64);
    for word in words {
        if word >> 60 == 0 {
            counts[length.min(63)] += 1;
            (length, total) = (0, total + 1);
        } else {
            length += 1;
        }
    }
    let mut sum = 0.0;
    let mut left = 1.0;
    for (length, count) in counts.iter().enumerate() {
        let p = if length == 63 { left } else { left / 16.0 };
        left -= p;
        let expected = p * total as f64;
        sum += (*count as f64 - expected) * (*count as f64 - expected) / expected;
    }
    z_of_chi2(sum, 63.0)
}

/// Repeated spacings between 2^10 birthdays in a year of 2^26 days: Poisson with mean n³/4m = 4.
fn birthday(words: &[u64]) -> f64 {
    let (mut repeats, mut groups) = (0_u64, 0_u64);
    for shift in [0, 38] {
        for group in words.chunks_exact(1024) {
            let mut days: Vec<u64> = group.iter().map(|w| w >> shift & ((1 << 26) - 1)).collect();
            days.sort_unstable();
            let mut spacings: Vec<u64> = days.windows(2).map(|pair| pair[1] - pair[0]).collect();
            spacings.sort_unstable();
            repeats += spacings.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
            groups += 1;
        }
    }
    // n − 1 spacings and their discreteness shift the mean a little below 4; the bound allows for it.
    let expected = groups as f64 * 4.0;
    (repeats as f64 - expected) / libm::sqrt(expected * (1.0 + expected * 4e-6))
}

/// Ranks of 32×32 matrices of bits: full, one less, two or more less.
fn rank(words: &[u64]) -> f64 {
    let mut counts = [0_u64; 3];
    for group in words.chunks_exact(16) {
        let mut rows: Vec<u32> = group.iter().flat_map(|w| [*w as u32, (*w >> 32) as u32]).collect();
        let mut rank = 0;
        for bit in 0..32 {
            if let Some(at) = (rank..32).find(|at| rows[*at] >> bit & 1 == 1) {
                rows.swap(rank, at);
                let pivot = rows[rank];
                rows.iter_mut().skip(rank + 1).filter(|row| **row >> bit & 1 == 1).for_each(|row| *row ^= pivot);
                rank += 1;
            }
        }
        counts[(32 - rank).min(2)] += 1;
    }
    let total = counts.iter().sum::<u64>() as f64;
    let shares = [0.288_788_095_153_841, 0.577_576_190_173_205, 0.133_635_714_672_954];
    let sum: f64 =
        counts.iter().zip(shares).map(|(c, p)| (*c as f64 - p * total) * (*c as f64 - p * total) / (p * total)).sum();
    z_of_chi2(sum, 2.0)
}

fn battery(words: &[u64]) -> Vec<(&'static str, f64)> {
    vec![
        ("frequency", frequency(words)),
        ("serial", serial(words)),
        ("gap", gap(words)),
        ("birthday spacings", birthday(words)),
        ("matrix rank", rank(words)),
    ]
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are shown with --nocapture")]
fn every_order_passes_the_battery() {
    for (name, word) in orders() {
        let words: Vec<u64> = (0..WORDS).map(word).collect();
        for (test, z) in battery(&words) {
            println!("{name}: {test}: z = {z:.2}");
            assert!(z.abs() < 5.0, "{name}: {test}: z = {z}");
        }
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are shown with --nocapture")]
fn the_battery_fails_a_naive_construction() {
    for (name, word) in planted() {
        let words: Vec<u64> = (0..WORDS).map(word).collect();
        let results = battery(&words);
        println!("{name}: {results:.1?}");
        assert!(results.iter().any(|(_, z)| z.abs() > 5.0), "{name} passes: {results:?}");
    }
}

/// Each bit of a row number turns each bit of the word half of the time.
#[test]
fn avalanche() {
    let key = Seed::new("42").column_key("table", "column");
    let samples = 1_u64 << 16;
    for input in 0..64 {
        let mut turned = [0_u64; 64];
        for row in 0..samples {
            let change = Cell::new(key, row).next() ^ Cell::new(key, row ^ 1 << input).next();
            turned.iter_mut().enumerate().for_each(|(bit, count)| *count += change >> bit & 1);
        }
        for (bit, count) in turned.iter().enumerate() {
            let z = (*count as f64 - samples as f64 / 2.0) / libm::sqrt(samples as f64 / 4.0);
            // For neighbouring rows a pair is counted twice, which doubles the variance.
            assert!(z.abs() < 5.5 * std::f64::consts::SQRT_2, "input bit {input}, output bit {bit}: z = {z}");
        }
    }
}
