//! Hashes as text.

use sha2::block_api::compress256;
use sha2::{Digest, Sha256};

/// Bytes as hexadecimal digits, lower case.
///
/// ```
/// assert_eq!(placebo::digest::hex(&[0, 175]), "00af");
/// ```
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])).collect()
}

/// SHA-256 of bytes, in hex.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The logical digest of a set of rows: how many, and the sum of the SHA-256 of each row's canonical line, as an integer
/// of 256 bits modulo 2^256.
///
/// A sum does not depend on order, so the digests of parts, chunks and threads add up to the digest of the whole. It
/// finds differences and accidents. Who may choose rows freely can find other rows of the same sum; against such a one
/// stands the SHA-256 of a file, under a signature.
///
/// ```
/// use placebo::digest::RowSum;
/// let (mut whole, mut part) = (RowSum::default(), RowSum::default());
/// whole.add(b"1,Ng\n");
/// whole.add(b"2,\n");
/// part.add(b"2,\n");
/// let mut sum = RowSum::default();
/// sum.add(b"1,Ng\n");
/// sum.merge(&part);
/// assert_eq!(sum, whole);
/// assert_eq!(whole.hex().len(), 64);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowSum {
    /// How many rows.
    pub rows: u64,
    /// The sum, its lowest 64 bits first.
    limbs: [u64; 4],
}

/// The first state of SHA-256: FIPS 180-4, 5.3.3.
pub(crate) const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// How many lines are hashed side by side: a processor does the rounds of one while it waits for those of another.
pub(crate) const ABREAST: usize = 4;

/// A line that is being hashed.
///
/// Lines are short, so what a general hasher does around the compression would cost as much as the compression: the last
/// one or two blocks are put together here (FIPS 180-4, 5.1.1).
struct Line<'a> {
    state: [u32; 8],
    whole: &'a [[u8; 64]],
    end: [[u8; 64]; 2],
    ends: usize,
}

impl<'a> Line<'a> {
    fn new(line: &'a [u8]) -> Self {
        let (whole, rest) = line.as_chunks::<64>();
        let mut end = [[0; 64]; 2];
        let ends = if rest.len() < 56 { 1 } else { 2 };
        end[0][..rest.len()].copy_from_slice(rest);
        let last = end[..ends].as_flattened_mut();
        last[rest.len()] = 0x80;
        let length = last.len() - 8;
        last[length..].copy_from_slice(&(line.len() as u64 * 8).to_be_bytes());
        Self { state: START, whole, end, ends }
    }

    /// Takes a block into the state, and says whether there was one.
    fn step(&mut self, n: usize) -> bool {
        let block = self.whole.get(n).or_else(|| self.end[..self.ends].get(n - self.whole.len()));
        block.is_some_and(|block| {
            compress256(&mut self.state, std::slice::from_ref(block));
            true
        })
    }
}

impl RowSum {
    /// Adds a row by its canonical line.
    pub fn add(&mut self, line: &[u8]) {
        self.add_all(&[line]);
    }

    /// Adds rows by their canonical lines, a few at a time.
    pub fn add_all(&mut self, lines: &[&[u8]]) {
        for lines in lines.chunks(ABREAST) {
            let mut abreast = [const { None }; ABREAST];
            abreast.iter_mut().zip(lines).for_each(|(place, line)| *place = Some(Line::new(line)));
            let mut step = 0;
            while abreast.iter_mut().flatten().fold(false, |more, line| line.step(step) | more) {
                step += 1;
            }
            for Line { state, .. } in abreast.iter().flatten() {
                let limb = |at: usize| u64::from(state[6 - 2 * at]) << 32 | u64::from(state[7 - 2 * at]);
                self.plus(&[limb(0), limb(1), limb(2), limb(3)]);
                self.rows += 1;
            }
        }
    }

    /// Adds the rows of another sum.
    pub fn merge(&mut self, other: &Self) {
        self.plus(&other.limbs);
        self.rows += other.rows;
    }

    fn plus(&mut self, other: &[u64; 4]) {
        let mut carry = false;
        for (own, other) in self.limbs.iter_mut().zip(other) {
            let (sum, first) = own.overflowing_add(*other);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            (*own, carry) = (sum, first || second);
        }
    }

    /// The sum in 64 hexadecimal digits, the highest first.
    #[must_use]
    pub fn hex(&self) -> String {
        self.limbs.iter().rev().map(|limb| hex(&limb.to_be_bytes())).collect()
    }

    /// The sum that [`Self::hex`] shows, of so many rows.
    #[must_use]
    pub fn parse(rows: u64, hex: &str) -> Option<Self> {
        if hex.len() != 64 || !hex.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        let limb = |at: usize| u64::from_str_radix(&hex[48 - 16 * at..64 - 16 * at], 16).ok();
        Some(Self { rows, limbs: [limb(0)?, limb(1)?, limb(2)?, limb(3)?] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_adds_its_sha256() {
        for length in (0..200).chain([1_000, 4_096]) {
            let line: Vec<u8> = (0..length).map(|n| (n * 7 % 251) as u8).collect();
            let mut sum = RowSum::default();
            sum.add(&line);
            assert_eq!(sum.hex(), sha256(&line), "{length} bytes");
            assert_eq!(RowSum::parse(1, &sum.hex()), Some(sum));
        }
    }

    #[test]
    fn rows_side_by_side_add_as_one_by_one() {
        let bytes: Vec<u8> = (0..300_usize).map(|n| (n * 7 % 251) as u8).collect();
        for lengths in [&[][..], &[0], &[300, 1, 64], &[63, 55, 56, 120, 119, 0, 300, 128, 64]] {
            let lines: Vec<&[u8]> = lengths.iter().map(|length| &bytes[..*length]).collect();
            let (mut one, mut all) = (RowSum::default(), RowSum::default());
            lines.iter().for_each(|line| one.merge(&RowSum::parse(1, &sha256(line)).expect("hex")));
            all.add_all(&lines);
            assert_eq!(all, one);
        }
    }

    #[test]
    fn sums_carry_and_wrap() {
        let sum = |hex: &str| RowSum::parse(1, hex).expect("hex");
        let mut all = sum(&"f".repeat(64));
        all.merge(&sum(&format!("{:064x}", 2)));
        assert_eq!((all.hex(), all.rows), (format!("{:064x}", 1), 2));
        let mut carried = sum(&format!("{:064x}", u64::MAX));
        carried.merge(&sum(&format!("{:064x}", 1)));
        assert_eq!(carried.hex(), format!("{:0>64}", format!("1{}", "0".repeat(16))));
        for wrong in ["", "0", &"g".repeat(64), &"F".repeat(64), &"é".repeat(32)] {
            assert_eq!(RowSum::parse(0, wrong), None);
        }
    }
}
