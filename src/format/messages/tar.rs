//! Archives: the headers of POSIX's ustar format (IEEE 1003.1, `pax`), without times and owners, so that equal messages are equal bytes.

use crate::error::{Error, Result};

/// The size of a header, and the multiple to which a file is filled up.
pub(super) const BLOCK: usize = 512;
/// The end of an archive.
pub(super) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// The zeros after a file of so many bytes.
pub(super) fn padding(bytes: usize) -> usize {
    bytes.next_multiple_of(BLOCK) - bytes
}

/// The header of a file: its number from 1 is its name.
///
/// # Errors
///
/// If the file has 8 GiB or more.
pub(super) fn header(number: u64, extension: &str, bytes: usize) -> Result<[u8; BLOCK]> {
    if bytes >= 1 << 33 {
        return Err(Error::usage("a message of 8 GiB has no place in an archive"));
    }
    let mut header = [0_u8; BLOCK];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, &format!("{number:08}.{extension}"));
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{bytes:011o}\0"));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(header)
}

/// The size in a header; `None` if there is none.
pub(super) fn size(header: &[u8]) -> Option<usize> {
    let digits = std::str::from_utf8(header.get(124..135)?).ok()?;
    usize::from_str_radix(digits, 8).ok()
}
