//! A row as a line of CSV (RFC 4180): the text of `csv` files, and the canonical form of a row in digests.

use super::frame::Style;

/// Cells between commas, in quotes only where they are needed, and a line feed.
pub(in crate::format) static STYLE: Style =
    Style { start: "", end: "\n", label: |_| Vec::new(), quote: "", null: "", infinite: true, plain, escape };

/// No byte that asks for quotes. Without an early end, so that it is done many bytes at a time.
fn plain(text: &[u8]) -> bool {
    !text.iter().fold(false, |found, byte| found | matches!(byte, b',' | b'"' | b'\n' | b'\r'))
}

/// The text in quotes.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for part in text.split_inclusive(|byte| *byte == b'"') {
        out.extend_from_slice(part);
        if part.ends_with(b"\"") {
            out.push(b'"');
        }
    }
    out.push(b'"');
}

/// Appends a cell by itself, such as the name of a column in a header.
pub(in crate::format) fn quote_where_needed(text: &[u8], out: &mut Vec<u8>) {
    if plain(text) && !matches!(text, [] | [b' ', ..] | [.., b' ']) {
        out.extend_from_slice(text);
    } else {
        escape(text, out);
    }
}
