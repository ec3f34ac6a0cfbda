//! Where a random profile's choices come from: a list of words that proptest draws and shrinks.
//!
//! A word of 0, and each choice after the last word, is the simplest thing there is; so a shorter list of smaller words
//! is a simpler profile, whatever it describes.

/// Words that are used up one after the other.
pub(super) struct Choices {
    words: std::vec::IntoIter<u32>,
}

impl Choices {
    pub(super) fn new(words: Vec<u32>) -> Self {
        Self { words: words.into_iter() }
    }

    /// A number below `n`, 0 being the simplest.
    pub(super) fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.words.next().unwrap_or(0)) * n as u64) >> 32) as usize
    }

    /// True about so many times in a hundred; false is the simplest.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) >= 100 - percent
    }

    /// One of a list, the first being the simplest.
    pub(super) fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}
