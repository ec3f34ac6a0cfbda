//! How many hits chance alone explains.
//!
//! Two estimates. The *control groups* are values of the same columns that the text cannot have been made from: how many
//! of theirs are in it says how many of ours would be by chance. The *form* of a value says in how many ways it could have
//! been written: nine digits in 10⁹ at most, fewer where the column's values lie closer together.

use std::collections::BTreeMap;

/// Bits that a letter of a word tells.
const LETTER: f64 = 1.5;
/// Bits that a digit tells.
const DIGIT: f64 = std::f64::consts::LOG2_10;
/// The most digits of a number whose range is known.
const MOST_DIGITS: usize = 36;

/// The probability of at least `hits` where `mean` are expected: the upper tail of a Poisson variable.
pub(super) fn tail(hits: u64, mean: f64) -> f64 {
    let count = hits as f64;
    if hits == 0 || count <= mean {
        return 1.0;
    }
    if mean <= 0.0 {
        return 0.0;
    }
    let mut term = libm::exp(count * libm::log(mean) - mean - libm::lgamma(count + 1.0));
    let (mut sum, mut n) = (0.0, count);
    while term > sum * 1e-12 && term > 0.0 {
        sum += term;
        n += 1.0;
        term *= mean / n;
    }
    sum.min(1.0)
}

/// The shape of a word, as a hash: digits alike, letters alike, everything else as it is. `None` for a text of several words.
pub(super) fn shape(text: &[u8]) -> Option<u64> {
    text.iter().all(|byte| in_word(*byte)).then(|| text.iter().fold(0, |hash, byte| grow(hash, *byte)))
}

/// Tells whether a character may be part of a word: of a number with its separators, of an address.
pub(super) fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || byte >= 0x80
        || matches!(byte, b'@' | b'.' | b'_' | b'+' | b'-' | b'/' | b'#' | b':')
}

/// The shape of a word with one character more.
pub(super) fn grow(shape: u64, byte: u8) -> u64 {
    let class = match byte {
        b'0'..=b'9' => b'0',
        b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => b'a',
        other => other,
    };
    super::windows::push(shape, class)
}

/// The numbers that a column's values have in them, by how many digits they have.
#[derive(Debug, Default)]
pub(super) struct Ranges(BTreeMap<usize, Numbers>);

/// The least and the greatest of the numbers of one length, and the digits in each place.
#[derive(Debug)]
struct Numbers {
    least: u128,
    most: u128,
    /// How often each digit is in each place.
    digits: Vec<[u64; 10]>,
}

impl Ranges {
    pub(super) fn add(&mut self, text: &[u8]) {
        let digits = || text.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| byte - b'0');
        let (count, number) = digits().fold((0, 0_u128), |(count, number), digit| {
            (count + 1, number.wrapping_mul(10).wrapping_add(u128::from(digit)))
        });
        if count > MOST_DIGITS {
            return;
        }
        let numbers = self.0.entry(count).or_insert_with(|| Numbers {
            least: number,
            most: number,
            digits: vec![[0; 10]; count],
        });
        numbers.least = numbers.least.min(number);
        numbers.most = numbers.most.max(number);
        numbers.digits.iter_mut().zip(digits()).for_each(|(counts, digit)| counts[usize::from(digit)] += 1);
    }

    /// In how many ways a text of the column could have been written, as a power of two: by the range of its numbers, and
    /// by how much the digits vary in each place.
    pub(super) fn bits(&self, text: &[u8]) -> f64 {
        let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
        let letters = text.iter().filter(|byte| byte.is_ascii_alphabetic() || **byte >= 0x80).count();
        let free = DIGIT * digits as f64;
        let numbers = self.0.get(&digits).map_or(free, |numbers| {
            let range = libm::log2((numbers.most - numbers.least) as f64 + 1.0);
            range.min(numbers.digits.iter().map(collision_bits).sum())
        });
        free.min(numbers) + LETTER * letters as f64
    }
}

/// The bits that a digit in one place tells: two of them are equal with the probability 2 to the power of minus as many.
fn collision_bits(counts: &[u64; 10]) -> f64 {
    let all: u64 = counts.iter().sum();
    let share = |count: &u64| *count as f64 / all.max(1) as f64;
    let equal: f64 = counts.iter().map(|count| share(count) * share(count)).sum();
    if equal > 0.0 { -libm::log2(equal) } else { DIGIT }
}

/// How often values of a column were found in a file, each value counted once.
#[derive(Debug, Clone, Default)]
pub(super) struct Hits {
    /// Values of the data set itself.
    pub own: u64,
    /// Values of each control group.
    pub control: Vec<u64>,
    /// How many hits the form of the values explains; `None` where it says nothing.
    pub form: Option<f64>,
}

/// How many hits chance explains, and whether there are too many for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Verdict {
    pub expected: f64,
    pub p: f64,
    /// True if there are more hits than any control group has.
    pub more: bool,
}

impl Hits {
    pub(super) fn judge(&self) -> Verdict {
        let most = self.control.iter().copied().max().unwrap_or(0);
        let all: u64 = self.control.iter().sum();
        let control = (!self.control.is_empty()).then(|| (all + 1) as f64 / self.control.len() as f64);
        let expected = match (control, self.form) {
            // Groups in which nothing was found only say that chance is rare; the form says how rare.
            (Some(control), Some(form)) if all == 0 => control.min(form),
            (Some(control), _) => control,
            (None, Some(form)) => form,
            (None, None) => f64::INFINITY,
        };
        let p = tail(self.own, expected);
        Verdict { expected, p, more: self.own > most }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_those_of_the_tables() {
        for (hits, mean, p) in [(1, 0.1, 0.095_163), (3, 1.0, 0.080_301), (10, 2.0, 4.6498e-5), (1, 1e-9, 1e-9)] {
            assert!((tail(hits, mean) / p - 1.0).abs() < 1e-3, "{hits}, {mean}: {}", tail(hits, mean));
        }
        assert_eq!((tail(0, 0.0), tail(5, 9.0), tail(1, 0.0)), (1.0, 1.0, 0.0));
        assert!(tail(1_000_000, 1.0) < 1e-300 && tail(10_500, 10_000.0) < 1e-5);
    }

    #[test]
    fn a_control_group_that_is_found_as_often_means_chance() {
        let hits = |own, control: &[u64], form| {
            let verdict = Hits { own, control: control.to_vec(), form }.judge();
            verdict.more && verdict.p < 1e-3
        };
        assert!(!hits(44, &[41, 45], None) && !hits(3, &[1, 2], Some(1e-9)) && !hits(1, &[0, 0], None));
        assert!(hits(200, &[41, 45], None) && hits(1, &[0, 0], Some(1e-6)) && hits(9, &[0], None));
        assert!(!hits(9, &[], None) && hits(9, &[], Some(1e-3)) && !hits(0, &[0], Some(1e-9)));
    }

    #[test]
    fn numbers_in_a_row_tell_less_than_numbers_from_all_over() {
        let (mut close, mut wide) = (Ranges::default(), Ranges::default());
        for n in 0..100_u64 {
            close.add(format!("A{:09}", 1000 + n).as_bytes());
            wide.add(format!("A{:09}", n * 387_420_489 % 1_000_000_007 % 1_000_000_000).as_bytes());
        }
        assert!(close.bits(b"A000001050") < 9.0 && wide.bits(b"A000001050") > 26.0);
        let mut fixed = Ranges::default();
        for n in 0..100_u64 {
            fixed.add(format!("{}-555-01{:02}", 200 + 7 * n, n).as_bytes());
        }
        assert!(fixed.bits(b"301-555-0142") < 17.0, "{}", fixed.bits(b"301-555-0142"));
    }
}
