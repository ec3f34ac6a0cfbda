//! HMAC-SHA256 of many messages under one key (FIPS 198-1).
//!
//! Both pads of the key are hashed once. The messages are put into blocks first, and all take each step together: so a
//! processor has the next message's block at hand while it waits for the last one's rounds.

use sha2::block_api::compress256;
use zeroize::Zeroizing;

use crate::digest::START;

const BLOCK: usize = 64;

/// A key: the states of SHA-256 behind its two pads.
pub(super) struct Key {
    inner: Zeroizing<[u32; 8]>,
    outer: Zeroizing<[u32; 8]>,
}

impl Key {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let behind = |pad: u8| {
            let mut block = Zeroizing::new([pad; BLOCK]);
            block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
            let mut state = Zeroizing::new(START);
            compress256(&mut state, std::slice::from_ref(&*block));
            state
        };
        Self { inner: behind(0x36), outer: behind(0x5c) }
    }
}

/// Messages whose MACs are made together.
pub(super) struct Messages<'a> {
    key: &'a Key,
    /// The blocks of all messages, filled up as SHA-256 wants it, and where those of each end.
    blocks: Vec<[u8; BLOCK]>,
    ends: Vec<usize>,
    states: Vec<[u32; 8]>,
}

impl<'a> Messages<'a> {
    pub(super) fn new(key: &'a Key) -> Self {
        Self { key, blocks: Vec::new(), ends: Vec::new(), states: Vec::new() }
    }

    /// Adds a message made of parts.
    pub(super) fn push(&mut self, parts: &[&[u8]]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let (start, end) = (self.blocks.len(), self.blocks.len() + (length + 9).div_ceil(BLOCK));
        self.blocks.resize(end, [0; BLOCK]);
        let bytes = self.blocks[start..].as_flattened_mut();
        fill(bytes, parts, BLOCK + length);
        self.ends.push(end);
    }

    /// The first twelve bytes of the MAC of each message, which is forgotten.
    pub(super) fn take(&mut self, macs: &mut Vec<[u8; 12]>) {
        let Self { key, blocks, ends, states } = self;
        let mut start = 0;
        states.clear();
        states.resize(ends.len(), *key.inner);
        for (state, end) in states.iter_mut().zip(&*ends) {
            compress256(state, &blocks[start..*end]);
            start = *end;
        }
        blocks.clear();
        blocks.extend(states.iter().map(|state| {
            let mut block = [0; BLOCK];
            fill(&mut block, &[state.map(u32::to_be_bytes).as_flattened()], BLOCK + 32);
            block
        }));
        states.fill(*key.outer);
        for (state, block) in states.iter_mut().zip(&*blocks) {
            compress256(state, std::slice::from_ref(block));
        }
        macs.extend(states.iter().map(|state| {
            let mut mac = [0; 12];
            mac.as_chunks_mut().0.iter_mut().zip(state).for_each(|(bytes, word)| *bytes = word.to_be_bytes());
            mac
        }));
        blocks.clear();
        ends.clear();
    }
}

/// Puts the end of a message of `length` bytes into zeros: its parts, a bit, and the number of bits (FIPS 180-4, 5.1.1).
fn fill(blocks: &mut [u8], parts: &[&[u8]], length: usize) {
    let mut at = 0;
    for part in parts {
        blocks[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    blocks[at] = 0x80;
    let bits = blocks.len() - 8;
    blocks[bits..].copy_from_slice(&(length as u64 * 8).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    use super::*;

    #[test]
    fn it_is_the_mac_of_the_crate() {
        let secret: [u8; 32] = std::array::from_fn(|n| n as u8 * 7);
        let bytes: Vec<u8> = (0..300).map(|n| (n * 11 % 251) as u8).collect();
        let key = Key::new(&secret);
        let (mut messages, mut macs) = (Messages::new(&key), Vec::new());
        for batch in 0..3 {
            (0..bytes.len()).for_each(|length| messages.push(&[&bytes[..length / 3], &bytes[length / 3..length]]));
            messages.take(&mut macs);
            assert_eq!(macs.len(), (batch + 1) * bytes.len());
        }
        for (n, mac) in macs.iter().enumerate() {
            let mut want = Hmac::<Sha256>::new_from_slice(&secret).expect("32 bytes");
            want.update(&bytes[..n % bytes.len()]);
            assert_eq!(mac, &want.finalize().into_bytes()[..12], "message {n}");
        }
    }
}
