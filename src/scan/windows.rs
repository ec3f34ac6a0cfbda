//! The form in which texts are compared, and the hashes of all windows of a text.
//!
//! A *run* is what is left of a stretch of text when everything but letters and digits is taken out: `123-45-6789` and
//! `123 45 6789` are the same run. Letters are compared in upper case. Control characters, and more than eight characters
//! without letter or digit, end a run.

use std::ops::Range;

/// The fewest letters and digits of a value that is looked for: shorter ones are in any file by chance.
pub(super) const LEAST: usize = 6;
/// The most letters and digits of a value that are compared.
pub(super) const MOST: usize = 256;
/// The most characters between two letters of a run.
const GAP: usize = 8;
/// The most bytes of text that a value which is compared can have.
pub(super) const REACH: usize = MOST * (GAP + 1);

/// The letters and digits of a text, run by run.
#[derive(Default)]
pub(super) struct Runs {
    /// The runs, one behind the other.
    bytes: Vec<u8>,
    /// The place of each of them in the text.
    at: Vec<u32>,
    /// The end of each run in `bytes`.
    ends: Vec<usize>,
}

impl Runs {
    /// Cuts a text of less than 4 GiB into its runs.
    pub(super) fn split(&mut self, text: &[u8]) {
        self.bytes.clear();
        self.at.clear();
        self.ends.clear();
        let mut gap = 0;
        for (at, byte) in text.iter().enumerate() {
            if byte.is_ascii_alphanumeric() || *byte >= 0x80 {
                self.bytes.push(byte.to_ascii_uppercase());
                self.at.push(at as u32);
                gap = 0;
                continue;
            }
            gap += 1;
            if gap > GAP || byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r') {
                self.end();
            }
        }
        self.end();
    }

    fn end(&mut self) {
        if self.ends.last().copied().unwrap_or(0) < self.bytes.len() {
            self.ends.push(self.bytes.len());
        }
    }

    /// The runs as ranges of [`Runs::get`].
    pub(super) fn all(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        (0..self.ends.len()).map(|n| n.checked_sub(1).map_or(0, |before| self.ends[before])..self.ends[n])
    }

    /// The longest run, cut to [`MOST`]; empty where the text has no letter or digit.
    pub(super) fn longest(&self) -> Range<usize> {
        let longest = self.all().rev_max_by_len();
        longest.start..longest.end.min(longest.start + MOST)
    }

    pub(super) fn get(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    /// The bytes of the text from the first letter of a range to its last.
    pub(super) fn place(&self, range: &Range<usize>) -> Range<usize> {
        match self.at.get(range.clone()) {
            Some([first, .., last]) => *first as usize..*last as usize + 1,
            Some([one]) => *one as usize..*one as usize + 1,
            _ => 0..0,
        }
    }
}

/// The first of the longest ranges.
trait Longest {
    fn rev_max_by_len(self) -> Range<usize>;
}

impl<I: Iterator<Item = Range<usize>>> Longest for I {
    fn rev_max_by_len(self) -> Range<usize> {
        self.fold(0..0, |best, next| if next.len() > best.len() { next } else { best })
    }
}

/// The finaliser of splitmix64.
pub(super) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// The base of the polynomial hash.
const BASE: u64 = 0x9E37_79B9_7F4A_7C15;

/// The polynomial hash of a text with one byte more.
pub(super) fn push(hash: u64, byte: u8) -> u64 {
    hash.wrapping_mul(BASE).wrapping_add(u64::from(byte) + 1)
}

/// The polynomial hash of a text.
pub(super) fn polynomial(text: &[u8]) -> u64 {
    text.iter().fold(0, |hash, byte| push(hash, *byte))
}

/// The hash of a whole value of this length.
pub(super) fn value(hash: u64, length: usize) -> u64 {
    mix(hash ^ (length as u64) << 48)
}

/// The hash of the first `length` letters of a value.
pub(super) fn prefix(hash: u64, length: usize) -> u64 {
    mix(hash ^ (length as u64) << 48 ^ 0xA5A5)
}

/// The hashes of all windows of one length, from left to right.
pub(super) struct Rolling {
    length: usize,
    /// The weight of the byte that leaves.
    top: u64,
}

impl Rolling {
    pub(super) fn new(length: usize) -> Self {
        Self { length, top: (1..length).fold(1, |power: u64, _| power.wrapping_mul(BASE)) }
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Hands out the start and the polynomial hash of each window.
    pub(super) fn each(&self, run: &[u8], mut each: impl FnMut(usize, u64)) {
        let Some(first) = run.get(..self.length) else { return };
        let mut hash = polynomial(first);
        each(0, hash);
        for (start, (out, next)) in run.iter().zip(&run[self.length..]).enumerate() {
            hash = push(hash.wrapping_sub((u64::from(*out) + 1).wrapping_mul(self.top)), *next);
            each(start + 1, hash);
        }
    }
}

/// Tells whether the bytes around a place are not of the same word. In a page of Parquet a text stands between lengths of four
/// bytes, the last of which are zero.
pub(super) fn delimited(text: &[u8], place: &Range<usize>) -> bool {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80;
    let before = place.start.checked_sub(1).and_then(|at| text.get(at));
    let (after, zeros) = (text.get(place.end), text.get(place.end + 1..place.end + 4));
    !before.is_some_and(word) && (!after.is_some_and(word) || zeros == Some(&[0; 3]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(text: &str) -> Vec<String> {
        let mut runs = Runs::default();
        runs.split(text.as_bytes());
        runs.all().map(|range| String::from_utf8_lossy(runs.get(range)).into_owned()).collect()
    }

    #[test]
    fn runs_are_letters_and_digits() {
        assert_eq!(runs("123-45-6789"), ["123456789"]);
        assert_eq!(runs("a, \"b\"\nC"), ["ABC"]);
        assert_eq!(runs("a\0b--------c---------d"), ["A", "BC", "D"]);
        assert_eq!(runs("Zoë"), ["ZOë"]);
        assert!(runs("").is_empty() && runs("-- \0").is_empty());
    }

    #[test]
    fn places_lead_back_to_the_text() {
        let text = b"x\0 (12) 34.";
        let mut runs = Runs::default();
        runs.split(text);
        let longest = runs.longest();
        assert_eq!(runs.get(longest.clone()), b"1234");
        assert_eq!(&text[runs.place(&longest)], b"12) 34");
        assert_eq!(runs.place(&(0..0)), 0..0);
    }

    #[test]
    fn rolling_hashes_are_those_of_the_windows() {
        let run = b"ABCDEFGH12345";
        for length in [1, 6, 13, 14] {
            let mut seen = Vec::new();
            Rolling::new(length).each(run, |start, hash| seen.push((start, hash)));
            let own = run.windows(length).map(polynomial).enumerate().collect::<Vec<_>>();
            assert_eq!(seen, own);
        }
    }

    #[test]
    fn words_end_where_lengths_begin() {
        assert!(delimited(b"x,123,y", &(2..5)) && delimited(b"123", &(0..3)));
        assert!(!delimited(b"x123,y", &(1..4)) && !delimited(b",123y", &(1..4)));
        assert!(delimited(b"\x00\x00123A\x00\x00\x00", &(2..5)));
    }
}
