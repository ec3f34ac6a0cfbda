//! One part of a data set that is made in several, by several machines or one after the other.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};

/// The most parts of a data set: file names have five digits.
const MOST: u64 = 100_000;

/// Part `index` of `count`, both from 1: `2/3` holds the second third of each root table's rows and all that hangs from them.
///
/// ```
/// use placebo::part::Part;
/// let part: Part = "2/3".parse()?;
/// assert_eq!(part.share(10), 3..6);
/// assert_eq!((part.to_string(), part.label()), ("2/3".to_owned(), "part-00001".to_owned()));
/// # Ok::<(), placebo::error::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    index: u64,
    count: u64,
}

impl Part {
    /// Part `index` of `count`; `None` unless 1 ≤ `index` ≤ `count` ≤ 100,000.
    #[must_use]
    pub fn new(index: u64, count: u64) -> Option<Self> {
        ((1..=MOST).contains(&count) && (1..=count).contains(&index)).then_some(Self { index, count })
    }

    /// Every part of `count`, in order.
    pub fn all(count: u64) -> impl Iterator<Item = Self> {
        (1..=count).filter_map(move |index| Self::new(index, count))
    }

    /// The part's number, from 1.
    #[must_use]
    pub fn index(self) -> u64 {
        self.index
    }

    /// The number of parts.
    #[must_use]
    pub fn count(self) -> u64 {
        self.count
    }

    /// The rows of this part among the rows `0..rows` of a root table.
    #[must_use]
    pub fn share(self, rows: u64) -> Range<u64> {
        let cut = |k: u64| (u128::from(rows) * u128::from(k) / u128::from(self.count)) as u64;
        cut(self.index - 1)..cut(self.index)
    }

    /// The name of the part in file names, counted from 0: `part-00001` for 2/3.
    #[must_use]
    pub fn label(self) -> String {
        format!("part-{:05}", self.index - 1)
    }
}

/// The rows of a part among the rows `0..rows` of a root table; all of them without a part.
#[must_use]
pub fn share(rows: u64, part: Option<Part>) -> Range<u64> {
    part.map_or(0..rows, |part| part.share(rows))
}

/// The infix of file names of a part, such as `.part-00001`; empty without a part.
#[must_use]
pub fn infix(part: Option<Part>) -> String {
    part.map_or_else(String::new, |part| format!(".{}", part.label()))
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Part {
    type Err = Error;

    /// Reads `2/3`, and no other spelling of it.
    fn from_str(text: &str) -> Result<Self> {
        let numbers = text.split_once('/').and_then(|(i, n)| Self::new(i.parse().ok()?, n.parse().ok()?));
        numbers
            .filter(|part| part.to_string() == text)
            .ok_or_else(|| Error::usage("expected I/N with 1 ≤ I ≤ N ≤ 100000").hint("such as 1/3, 2/3 and 3/3"))
    }
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error: Error| serde::de::Error::custom(format!("`{text}`: {}", error.message())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_strictly() {
        assert_eq!("3/100000".parse::<Part>().expect("a part"), Part { index: 3, count: 100_000 });
        for wrong in ["", "1", "0/3", "4/3", "1/0", "01/3", "+1/3", "1/100001", "1/3/3", " 1/3"] {
            let error = wrong.parse::<Part>().expect_err(wrong);
            assert_eq!(error.kind(), crate::error::Kind::Usage);
        }
    }

    #[test]
    fn shares_follow_each_other_and_cover_all_rows() {
        for rows in [0, 1, 7, 1_000_003, u64::MAX] {
            for count in [1, 2, 7, 64] {
                let shares: Vec<_> = Part::all(count).map(|part| part.share(rows)).collect();
                assert_eq!((shares[0].start, shares[shares.len() - 1].end), (0, rows));
                assert!(shares.windows(2).all(|pair| pair[0].end == pair[1].start));
            }
        }
    }
}
