//! A split-block Bloom filter: a set of hashes that never misses a member, at one cache line a look-up.

use super::windows::mix;

/// Words of a block: one bit of each is set for a member.
const WORDS: usize = 8;
/// Bits for each member where memory allows it: about six in a million strangers are taken for members.
const BITS: u64 = 32;
/// The fewest bits for each member: with fewer a filter answers yes too often to be of use.
const LEAST_BITS: u64 = 8;

/// A set of 64-bit hashes. A stranger may be taken for a member, a member never for a stranger.
pub(super) struct Filter {
    blocks: Vec<[u64; WORDS]>,
}

impl Filter {
    /// An empty filter for up to `members` hashes in at most `bytes` of memory; `None` where that is too little for so many.
    pub(super) fn new(members: u64, bytes: u64) -> Option<Self> {
        let block = WORDS as u64 * 8;
        let wanted = members.saturating_mul(BITS).div_ceil(8 * block).max(1);
        let blocks = wanted.min(bytes / block);
        if blocks.saturating_mul(8 * block) < members.saturating_mul(LEAST_BITS) || blocks == 0 {
            return None;
        }
        // A hash chooses its block by 32 bits.
        let blocks = usize::try_from(blocks.min(u64::from(u32::MAX))).ok()?;
        Some(Self { blocks: vec![[0; WORDS]; blocks] })
    }

    pub(super) fn add(&mut self, hash: u64) {
        let at = self.block(hash);
        for (word, bit) in self.blocks[at].iter_mut().zip(bits(hash)) {
            *word |= bit;
        }
    }

    pub(super) fn has(&self, hash: u64) -> bool {
        self.blocks[self.block(hash)].iter().zip(bits(hash)).all(|(word, bit)| word & bit != 0)
    }

    fn block(&self, hash: u64) -> usize {
        ((u128::from(hash >> 32) * self.blocks.len() as u128) >> 32) as usize
    }
}

/// One bit for each word of a block.
fn bits(hash: u64) -> [u64; WORDS] {
    let choice = mix(hash);
    std::array::from_fn(|word| 1 << ((choice >> (6 * word)) & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_and_strangers_seldom() {
        let mut filter = Filter::new(100_000, 1 << 20).expect("room");
        (0..100_000).for_each(|n| filter.add(mix(n)));
        assert!((0..100_000).all(|n| filter.has(mix(n))));
        let strangers = (100_000..1_100_000).filter(|n| filter.has(mix(*n))).count();
        assert!(strangers < 100, "{strangers} of a million");
    }

    #[test]
    fn less_memory_means_more_strangers_and_then_none_at_all() {
        let bytes = 110_000;
        let mut filter = Filter::new(100_000, bytes).expect("room");
        assert!(filter.blocks.len() as u64 * 64 <= bytes);
        (0..100_000).for_each(|n| filter.add(mix(n)));
        assert!((0..100_000).all(|n| filter.has(mix(n))));
        assert!(Filter::new(100_000, 90_000).is_none() && Filter::new(1, 0).is_none());
    }
}
