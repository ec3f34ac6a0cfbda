//! AES-256-GCM (NIST SP 800-38D) of many short messages under one key.
//!
//! Eleven bytes are two blocks for AES and a few for GHASH; to set a cipher up for them takes longer than that. So the
//! counter blocks of a whole batch go through AES in one go, as many at a time as the processor takes, and GHASH begins
//! where the beginning of the associated data, which is the same for all, leaves it.

use aes::cipher::{BlockCipherEncrypt, KeyInit, array::Array};
use aes::{Aes256Enc, Block};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use zeroize::{Zeroize, Zeroizing};

/// GHASH takes so many blocks in one go.
const WIDE: usize = 4;

/// A key, set up.
pub(super) struct Key {
    aes: Aes256Enc,
    hash: GHash,
}

impl Key {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let aes = Aes256Enc::new(key.into());
        let mut h = Block::default();
        aes.encrypt_block(&mut h);
        let hash = GHash::new(&h);
        h.as_mut_slice().zeroize();
        Self { aes, hash }
    }
}

/// Messages that are sealed together.
pub(super) struct Messages<'a> {
    key: &'a Key,
    /// The state of GHASH after the whole blocks of the beginning, the rest, and the length of both.
    start: Zeroizing<u128>,
    rest: [u8; 16],
    begun: usize,
    /// The input of GHASH: the associated data, the text and their lengths, each padded with zeros. Zeros before the
    /// first count for nothing, and make it a multiple of [`WIDE`]. In the end sealed texts stand in the place of texts,
    /// and tags in that of lengths.
    blocks: Vec<[u8; 16]>,
    spans: Vec<Span>,
    /// The counters, which AES makes the key stream of.
    stream: Zeroizing<Vec<[u8; 16]>>,
}

/// Which block of a message is the first that counts, the first of the text, and the last; and how long the text is.
struct Span {
    first: usize,
    text: usize,
    last: usize,
    length: usize,
}

impl<'a> Messages<'a> {
    /// None yet; the associated data of each will begin with `aad`.
    pub(super) fn new(key: &'a Key, aad: &[u8]) -> Self {
        let (whole, left) = aad.as_chunks::<16>();
        let mut rest = [0; 16];
        rest[..left.len()].copy_from_slice(left);
        let mut hash = key.hash.clone();
        hash.update(Array::cast_slice_from_core(whole));
        Self {
            key,
            start: Zeroizing::new(u128::from_ne_bytes(hash.finalize().into())),
            rest,
            begun: aad.len(),
            blocks: Vec::new(),
            spans: Vec::new(),
            stream: Zeroizing::default(),
        }
    }

    /// How many messages.
    pub(super) fn count(&self) -> usize {
        self.spans.len()
    }

    /// How many blocks they have.
    pub(super) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    pub(super) fn clear(&mut self) {
        self.blocks.clear();
        self.spans.clear();
        self.stream.clear();
    }

    /// Adds a message; `aad` is the end of its associated data.
    pub(super) fn push(&mut self, aad: &[u8], plain: &[u8]) {
        let left = self.begun % 16;
        let bound = left + aad.len();
        let (before, within) = (bound.div_ceil(16), plain.len().div_ceil(16));
        let end = self.blocks.len() + (before + within + 1).next_multiple_of(WIDE);
        self.blocks.resize(end, [0; 16]);
        let span =
            Span { first: end - 1 - within - before, text: end - 1 - within, last: end - 1, length: plain.len() };
        let bytes = self.blocks[span.first..].as_flattened_mut();
        bytes[..16].copy_from_slice(&self.rest);
        bytes[left..bound].copy_from_slice(aad);
        bytes[16 * before..][..plain.len()].copy_from_slice(plain);
        let bits = |bytes: usize| bytes as u128 * 8;
        self.blocks[span.last] = (bits(self.begun + aad.len()) << 64 | bits(plain.len())).to_be_bytes();
        self.spans.push(span);
    }

    /// Seals all, each with its nonce.
    pub(super) fn seal(&mut self, nonces: &[[u8; 12]]) {
        let Self { key, start, blocks, spans, stream, .. } = self;
        for (span, nonce) in spans.iter().zip(nonces) {
            let blocks = (span.last - span.text) as u32;
            stream.extend((1..=1 + blocks).map(|counter| {
                let mut block = [0; 16];
                block[..12].copy_from_slice(nonce);
                block[12..].copy_from_slice(&counter.to_be_bytes());
                block
            }));
        }
        key.aes.encrypt_blocks(Array::cast_slice_from_core_mut(stream));
        let (mut stream, mut begin) = (stream.iter().map(|block| u128::from_ne_bytes(*block)), 0);
        for span in &*spans {
            let mask = stream.next().unwrap_or_default();
            let text = &mut blocks[span.text..span.last];
            text.iter_mut().zip(&mut stream).for_each(|(block, key)| xor(block, key));
            text.as_flattened_mut()[span.length..].fill(0);
            xor(&mut blocks[span.first], **start);
            let mut hash = key.hash.clone();
            hash.update(Array::cast_slice_from_core(&blocks[begin..=span.last]));
            xor(&mut blocks[span.first], **start);
            begin = span.last + 1;
            let tag = &mut blocks[span.last];
            *tag = hash.finalize().into();
            xor(tag, mask);
        }
    }

    /// Each message as it is sealed, and its tag.
    pub(super) fn sealed(&self) -> impl Iterator<Item = (&[u8], &[u8; 16])> {
        self.spans.iter().map(|Span { text, last, length, .. }| {
            (&self.blocks[*text..*last].as_flattened()[..*length], &self.blocks[*last])
        })
    }
}

fn xor(block: &mut [u8; 16], with: u128) {
    *block = (u128::from_ne_bytes(*block) ^ with).to_ne_bytes();
}
