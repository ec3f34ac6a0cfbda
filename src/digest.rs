//! SHA-256 as hexadecimal text, and the logical digest of a set of rows.

use sha2::block_api::compress256;
use sha2::{Digest, Sha256};

/// Writes bytes as lower-case hexadecimal digits, two a byte.
///
/// ```
/// assert_eq!(placebo::digest::hex(&[0, 175]), "00af");
/// ```
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])).collect()
}

/// Computes SHA-256, as 64 lower-case hexadecimal digits.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The logical digest of a set of rows: their number, and the sum modulo 2^256 of the SHA-256 of each row's canonical
/// line.
///
/// A sum does not depend on order, so the digests of parts, chunks and threads add up to the digest of all rows. It
/// shows differences and accidental damage. It is not proof against an attacker, who can construct other rows with the
/// same sum: a signature over the SHA-256 of each file is.
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
    /// The number of rows.
    pub rows: u64,
    /// The sum, its lowest 64 bits first.
    limbs: [u64; 4],
}

/// The initial state of SHA-256 (FIPS 180-4, 5.3.3).
pub(crate) const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The number of lines hashed side by side: the processor works on one while it waits for results of another.
pub(crate) const ABREAST: usize = 4;

/// A line during hashing.
///
/// Most lines are a few blocks long, so the bookkeeping of a general hasher would cost as much as the compression. Here
/// the one or two padded blocks at the end are assembled directly (FIPS 180-4, 5.1.1).
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

    /// Hashes block `n`, counted from 0. False if the line has no such block.
    fn step(&mut self, n: usize) -> bool {
        let block = self.whole.get(n).or_else(|| self.end[..self.ends].get(n - self.whole.len()));
        block.is_some_and(|block| {
            compress256(&mut self.state, std::slice::from_ref(block));
            true
        })
    }
}

impl RowSum {
    /// Adds a row, given as its canonical line.
    pub fn add(&mut self, line: &[u8]) {
        self.add_all(&[line]);
    }

    /// Adds rows, given as their canonical lines.
    pub fn add_all(&mut self, lines: &[&[u8]]) {
        self.add_each(lines, |_| ());
    }

    /// Adds rows, given as their canonical lines; `each` is given the lowest 64 bits of the hash of each, in order.
    pub fn add_each(&mut self, lines: &[&[u8]], mut each: impl FnMut(u64)) {
        for lines in lines.chunks(ABREAST) {
            let mut abreast = [const { None }; ABREAST];
            abreast.iter_mut().zip(lines).for_each(|(place, line)| *place = Some(Line::new(line)));
            let mut step = 0;
            while abreast.iter_mut().flatten().fold(false, |more, line| line.step(step) | more) {
                step += 1;
            }
            for Line { state, .. } in abreast.iter().flatten() {
                let limb = |at: usize| u64::from(state[6 - 2 * at]) << 32 | u64::from(state[7 - 2 * at]);
                each(limb(0));
                self.plus(&[limb(0), limb(1), limb(2), limb(3)]);
                self.rows += 1;
            }
        }
    }

    /// Adds all rows of another sum.
    pub fn merge(&mut self, other: &Self) {
        self.plus(&other.limbs);
        self.rows += other.rows;
    }

    /// Takes all rows of another sum away again: the inverse of [`RowSum::merge`].
    pub fn remove(&mut self, other: &Self) {
        let mut carry = true;
        let inverse = other.limbs.map(|limb| {
            let (limb, over) = (!limb).overflowing_add(u64::from(carry));
            carry = over;
            limb
        });
        self.plus(&inverse);
        self.rows = self.rows.wrapping_sub(other.rows);
    }

    fn plus(&mut self, other: &[u64; 4]) {
        let mut carry = false;
        for (own, other) in self.limbs.iter_mut().zip(other) {
            let (sum, first) = own.overflowing_add(*other);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            (*own, carry) = (sum, first || second);
        }
    }

    /// Writes the sum as 64 lower-case hexadecimal digits, the highest first.
    #[must_use]
    pub fn hex(&self) -> String {
        self.limbs.iter().rev().map(|limb| hex(&limb.to_be_bytes())).collect()
    }

    /// Reads a sum of `rows` rows from the text that [`Self::hex`] writes. `None` if it is anything but 64 lower-case
    /// digits.
    #[must_use]
    pub fn parse(rows: u64, hex: &str) -> Option<Self> {
        if hex.len() != 64 || !hex.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        let limb = |at: usize| u64::from_str_radix(&hex[48 - 16 * at..64 - 16 * at], 16).ok();
        Some(Self { rows, limbs: [limb(0)?, limb(1)?, limb(2)?, limb(3)?] })
    }
}

/// The number of buckets of [`Buckets`].
pub const BUCKETS: usize = 256;

/// The logical digest of a set of rows, and a short digest for each of 256 buckets that the rows are dealt to by their keys.
///
/// Sets with equal digests are equal; of sets that differ, the buckets say where. A bucket is the sum modulo 2^64 of the lowest 64
/// bits of the hashes of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buckets {
    /// The digest of all rows.
    pub sum: RowSum,
    low: Box<[u64; BUCKETS]>,
}

impl Default for Buckets {
    fn default() -> Self {
        Self { sum: RowSum::default(), low: Box::new([0; BUCKETS]) }
    }
}

impl Buckets {
    /// Adds rows, given as their canonical lines; `bucket` gives the bucket of the next one, of the lowest 64 bits of its hash.
    pub fn add_all(&mut self, lines: &[&[u8]], mut bucket: impl FnMut(u64) -> u8) {
        let Self { sum, low } = self;
        sum.add_each(lines, |bits| {
            let place = &mut low[usize::from(bucket(bits))];
            *place = place.wrapping_add(bits);
        });
    }

    /// Adds rows by their digest, and for each its bucket and the lowest 64 bits of its hash.
    pub fn add_hashed(&mut self, sum: &RowSum, rows: impl Iterator<Item = (u8, u64)>) {
        self.sum.merge(sum);
        for (bucket, low) in rows {
            let place = &mut self.low[usize::from(bucket)];
            *place = place.wrapping_add(low);
        }
    }

    /// Adds all rows of another set.
    pub fn merge(&mut self, other: &Self) {
        self.sum.merge(&other.sum);
        self.low.iter_mut().zip(other.low.iter()).for_each(|(own, other)| *own = own.wrapping_add(*other));
    }

    /// Takes all rows of another set away again: the inverse of [`Buckets::merge`].
    pub fn remove(&mut self, other: &Self) {
        self.sum.remove(&other.sum);
        self.low.iter_mut().zip(other.low.iter()).for_each(|(own, other)| *own = own.wrapping_sub(*other));
    }

    /// Tells for each bucket whether it differs from that of another set.
    #[must_use]
    pub fn difference(&self, other: &Self) -> [bool; BUCKETS] {
        let mut differ = [false; BUCKETS];
        differ.iter_mut().enumerate().for_each(|(at, differs)| *differs = self.low[at] != other.low[at]);
        differ
    }

    /// Writes the buckets that are not 0, each as 2 digits of its number and 16 of its digest, with spaces between them.
    #[must_use]
    pub fn text(&self) -> String {
        let some = self.low.iter().enumerate().filter(|(_, low)| **low != 0);
        some.map(|(at, low)| format!("{at:02x}{low:016x}")).collect::<Vec<_>>().join(" ")
    }

    /// Reads what [`Buckets::text`] writes. `None` if it is anything else.
    #[must_use]
    pub fn parse(sum: RowSum, text: &str) -> Option<Self> {
        let mut all = Self { sum, ..Self::default() };
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let (at, low) = word.split_at_checked(2)?;
            all.low[usize::from_str_radix(at, 16).ok()?] = u64::from_str_radix(low, 16).ok()?;
        }
        (all.text() == text).then_some(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_can_be_taken_away() {
        let mut rows = Buckets::default();
        rows.add_all(&[b"1,a\n", b"2,b\n", b"3,c\n"], |low| low as u8);
        let mut two = Buckets::default();
        two.add_all(&[b"3,c\n", b"1,a\n"], |low| low as u8);
        let mut one = Buckets::default();
        one.add_all(&[b"2,b\n"], |low| low as u8);
        assert_eq!(rows.difference(&two).iter().filter(|differs| **differs).count(), 1);
        let mut rest = rows.clone();
        rest.remove(&two);
        assert_eq!(rest, one);
        rest.merge(&two);
        assert_eq!(rest, rows);
        assert_eq!(Buckets::parse(rows.sum, &rows.text()), Some(rows));
        assert_eq!(Buckets::parse(RowSum::default(), "0x12"), None);
        assert_eq!(Buckets::parse(RowSum::default(), ""), Some(Buckets::default()));
    }

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
    fn what_is_taken_away_was_never_there() {
        let (mut all, mut some) = (RowSum::default(), RowSum::default());
        all.add(b"1,Ng\n");
        let before = all;
        some.add_all(&[b"2,\n", b"3,x\n"]);
        all.merge(&some);
        all.remove(&some);
        assert_eq!(all, before);
        all.remove(&before);
        assert_eq!(all, RowSum::default());
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
