//! Hashes as text.

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
