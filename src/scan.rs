//! Search for very many values in very much text, with an account of chance.
//!
//! The values are handed over twice, and never held: first they fill a Bloom filter, then, once the text was read, they
//! confirm what the filter let through, so that a hit is always exact. Memory is one number, whatever there is of either.
//! A value is found in any place, in any case, with any separators, and behind JSON escapes.
//!
//! Some hits mean nothing: a common name is in any text. So values of *control groups* are looked for as well, which have
//! the same form and cannot be in the text but by chance. A finding says how many hits chance explains, and is a leak only
//! where there are too many for that.

mod chance;
mod confirm;
mod escapes;
mod filter;
mod windows;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Kind, Result};
use chance::{Ranges, in_word};
use filter::Filter;
use windows::{LEAST, MOST, Rolling, Runs, delimited};

/// Lengths of the prefixes by which values are looked for first: a value has the longest that it reaches.
const PREFIXES: [usize; 3] = [LEAST, 8, 12];
/// The most shapes of words that are counted apart.
const MOST_SHAPES: usize = 16_384;
/// The most ways in which one value is written that are kept of a file.
const MOST_SPELLINGS: usize = 4;
/// The memory of a candidate beside its text, in bytes.
const CANDIDATE: u64 = 200;

/// Bytes of text by which two pieces of one long text must overlap, so that no value is cut.
pub const OVERLAP: usize = windows::REACH + 8;

/// The group of the values that must not be found; control groups have the numbers from 1.
pub const OWN: u8 = 0;
/// The most control groups.
pub const MOST_GROUPS: u8 = 29;
/// The group of values that may be in any file: a value of it is not counted.
pub const ALLOWED: u8 = 30;

/// A value that is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    /// [`OWN`], [`ALLOWED`], or the number of a control group.
    pub group: u8,
    /// The column, as a number from 0.
    pub column: usize,
    /// The value.
    pub text: &'a [u8],
}

/// A source of values that can be read again and gives the same ones.
pub trait Values {
    /// Hands out every value.
    ///
    /// # Errors
    ///
    /// If a value cannot be made, or `put` fails.
    fn each(&self, put: &mut dyn FnMut(Value<'_>) -> Result<()>) -> Result<()>;
}

/// How much is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// How many values there are at most, in all groups together.
    pub values: u64,
    /// How many columns they are of.
    pub columns: usize,
    /// How many control groups there are: 0 where chance is computed from the form of the values alone.
    pub controls: u8,
    /// The most memory, in bytes.
    pub memory: u64,
}

/// Values that are ready to be looked for.
pub struct Search {
    filter: Filter,
    /// The lengths that values have.
    lengths: Vec<bool>,
    /// For each prefix the longest value that has it; 0 where there is none.
    longest: [usize; PREFIXES.len()],
    columns: Vec<Looked>,
    controls: u8,
    /// Memory that is left for candidates.
    room: AtomicU64,
}

/// Counts of a column's own values.
#[derive(Default)]
struct Looked {
    values: u64,
    short: u64,
    ranges: Ranges,
}

/// The candidates that the filter let through in one file.
pub struct Candidates<P> {
    found: BTreeMap<u64, Candidate<P>>,
    /// How many words of each shape there are.
    shapes: BTreeMap<u64, u64>,
    words: u64,
    bytes: u64,
    /// The number of runs of digits by their length, separators left out; the last entry counts all longer ones.
    digits: Vec<u64>,
    full: bool,
}

struct Candidate<P> {
    /// Letters and digits, as they were compared.
    letters: Box<[u8]>,
    /// How it is written where it is a word of its own.
    spellings: Vec<(Box<[u8]>, Spot<P>)>,
    /// The first place.
    first: Spot<P>,
}

/// A place, and which of all places of the file it is in order.
#[derive(Clone)]
struct Spot<P> {
    order: u64,
    place: P,
}

/// Values of a column that are in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding<P> {
    /// The column.
    pub column: usize,
    /// The number of the file, in the order in which candidates were handed over.
    pub file: usize,
    /// The first place.
    pub place: P,
    /// How many different values.
    pub values: u64,
    /// How many of them chance explains.
    pub expected: f64,
    /// The probability that chance alone made so many.
    pub p: f64,
    /// True if that is too improbable to be chance.
    pub leak: bool,
}

/// The result of a search.
#[derive(Debug)]
pub struct Outcome<P> {
    /// The hits, by file and column.
    pub findings: Vec<Finding<P>>,
    /// For each column how many of the values found are values of other groups as well, and were not counted.
    pub shared: Vec<u64>,
}

impl Search {
    /// Takes in all values.
    ///
    /// # Errors
    ///
    /// If the values cannot be made, or there are too many for the memory.
    pub fn new(values: &dyn Values, size: Size) -> Result<Self> {
        // Each value has two entries: its prefix and itself.
        let filter = Filter::new(size.values.saturating_mul(2), size.memory / 2).ok_or_else(|| {
            Error::new(
                Kind::Usage,
                format!("{} values cannot be looked for in {} bytes of memory", size.values, size.memory),
            )
            .hint(format!("{} bytes are enough", size.values.saturating_mul(8)))
        })?;
        let mut search = Self {
            filter,
            lengths: vec![false; MOST + 1],
            longest: [0; PREFIXES.len()],
            columns: (0..size.columns).map(|_| Looked::default()).collect(),
            controls: size.controls.min(MOST_GROUPS),
            room: AtomicU64::new(size.memory / 4),
        };
        let mut runs = Runs::default();
        values.each(&mut |value| {
            runs.split(value.text);
            search.add(&value, &runs);
            Ok(())
        })?;
        Ok(search)
    }

    fn add(&mut self, value: &Value<'_>, runs: &Runs) {
        let run = runs.longest();
        let letters = runs.get(run.clone());
        let own = self.columns.get_mut(value.column).filter(|_| value.group == OWN);
        if let Some(looked) = own {
            looked.values += 1;
            looked.short += u64::from(letters.len() < LEAST);
            looked.ranges.add(&value.text[runs.place(&run)]);
        }
        let Some(at) = PREFIXES.iter().rposition(|prefix| *prefix <= letters.len()) else { return };
        let length = PREFIXES[at];
        self.filter.add(windows::prefix(windows::polynomial(&letters[..length]), length));
        self.filter.add(windows::value(windows::polynomial(letters), letters.len()));
        self.lengths[letters.len()] = true;
        self.longest[at] = self.longest[at].max(letters.len());
    }

    /// How many values of a column are the data set's own.
    #[must_use]
    pub fn values(&self, column: usize) -> u64 {
        self.columns[column].values
    }

    /// How many of them have fewer than six letters and digits, and are not looked for.
    #[must_use]
    pub fn short(&self, column: usize) -> u64 {
        self.columns[column].short
    }

    /// Looks through the pieces of one file.
    #[must_use]
    pub fn scanner<P: Clone>(&self) -> Scanner<'_, P> {
        let rolling = PREFIXES.iter().zip(self.longest).map(|(length, longest)| (Rolling::new(*length), longest));
        Scanner {
            search: self,
            rolling: rolling.filter(|(_, longest)| *longest > 0).collect(),
            runs: Runs::default(),
            seen: Candidates {
                found: BTreeMap::new(),
                shapes: BTreeMap::new(),
                words: 0,
                bytes: 0,
                digits: vec![0; MOST + 1],
                full: false,
            },
            order: 0,
        }
    }
}

/// Looks through one file, piece by piece.
pub struct Scanner<'s, P> {
    search: &'s Search,
    rolling: Vec<(Rolling, usize)>,
    runs: Runs,
    seen: Candidates<P>,
    order: u64,
}

impl<P: Clone> Scanner<'_, P> {
    /// Looks through a piece of less than 4 GiB, such as a cell, a page, or a block of a file that overlaps the next by
    /// [`OVERLAP`]; `place` says where in the file a byte of the piece is.
    pub fn feed(&mut self, text: &[u8], place: &dyn Fn(usize) -> P) {
        self.seen.bytes += text.len() as u64;
        self.count_words(text);
        self.windows(text, place);
        if let Some(plain) = escapes::json(text) {
            self.windows(&plain.text, &|at| place(plain.at[at] as usize));
        }
    }

    /// The hits so far.
    #[must_use]
    pub fn finish(self) -> Candidates<P> {
        self.seen
    }

    fn windows(&mut self, text: &[u8], place: &dyn Fn(usize) -> P) {
        let mut runs = std::mem::take(&mut self.runs);
        runs.split(text);
        let search = self.search;
        let mut found: Vec<Range<usize>> = Vec::new();
        for run in runs.all() {
            let letters = runs.get(run.clone());
            for digits in letters.split(|byte| !byte.is_ascii_digit()).filter(|digits| digits.len() >= LEAST) {
                self.seen.digits[digits.len().min(MOST)] += 1;
            }
            for (rolling, longest) in &self.rolling {
                rolling.each(letters, |start, hash| {
                    if !search.filter.has(windows::prefix(hash, rolling.length())) {
                        return;
                    }
                    let (mut hash, mut end) = (hash, start + rolling.length());
                    loop {
                        let length = end - start;
                        if search.lengths[length] && search.filter.has(windows::value(hash, length)) {
                            found.push(run.start + start..run.start + end);
                        }
                        if length >= *longest || end >= letters.len() {
                            return;
                        }
                        hash = windows::push(hash, letters[end]);
                        end += 1;
                    }
                });
            }
        }
        for range in found {
            self.candidate(text, &runs, &range, place);
        }
        self.runs = runs;
    }

    fn candidate(&mut self, text: &[u8], runs: &Runs, range: &Range<usize>, place: &dyn Fn(usize) -> P) {
        let (letters, at) = (runs.get(range.clone()), runs.place(range));
        let hash = windows::value(windows::polynomial(letters), letters.len());
        self.order += 1;
        let spot = || Spot { order: self.order, place: place(at.start) };
        let word = delimited(text, &at);
        let written = &text[at.clone()];
        let size = CANDIDATE + (letters.len() + written.len()) as u64;
        if let Some(candidate) = self.seen.found.get_mut(&hash) {
            let known = candidate.spellings.iter().any(|(text, _)| **text == *written);
            if word && !known && candidate.spellings.len() < MOST_SPELLINGS && self.search.take(size) {
                candidate.spellings.push((written.into(), spot()));
            }
            return;
        }
        if !self.search.take(size) {
            self.seen.full = true;
            return;
        }
        let spellings = if word { vec![(written.into(), spot())] } else { Vec::new() };
        self.seen.found.insert(hash, Candidate { letters: letters.into(), spellings, first: spot() });
    }

    /// Counts the words of each shape.
    fn count_words(&mut self, text: &[u8]) {
        let (mut shape, mut length) = (0, 0);
        for byte in text.iter().chain([&0]) {
            if in_word(*byte) {
                shape = chance::grow(shape, *byte);
                length += 1;
                continue;
            }
            if length >= LEAST {
                self.seen.words += 1;
                if let Some(count) = self.seen.shapes.get_mut(&shape) {
                    *count += 1;
                } else if self.seen.shapes.len() < MOST_SHAPES {
                    self.seen.shapes.insert(shape, 1);
                }
            }
            (shape, length) = (0, 0);
        }
    }
}

impl Search {
    /// Takes memory for a candidate, if there is some.
    fn take(&self, bytes: u64) -> bool {
        self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| room.checked_sub(bytes)).is_ok()
    }
}
