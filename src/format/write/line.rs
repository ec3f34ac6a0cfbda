//! A row as a line of CSV (RFC 4180): the text of `csv` files, and the canonical form of a row in digests.

use std::borrow::Cow;

use super::frame::Style;

/// Cells between commas, in quotes only where they are needed, and a line feed: the canonical form of a row.
pub(in crate::format) fn canonical() -> Style {
    Style {
        start: "",
        end: "\n",
        between: ",",
        label: |_| Vec::new(),
        quote: "",
        quote_all: false,
        null: Cow::Borrowed(""),
        infinite: true,
        plain: plain::<b','>,
        escape,
    }
}

/// Tells whether no byte asks for quotes between delimiters `D`. Without an early end, so that it is done many bytes at a time.
pub(in crate::format) fn plain<const D: u8>(text: &[u8]) -> bool {
    let asks = |byte: &u8| u8::from(*byte == D) | u8::from(matches!(byte, b'"' | b'\n' | b'\r'));
    text.iter().fold(0, |found, byte| found | asks(byte)) == 0
}

/// Tells whether no byte must be doubled between quotes.
pub(in crate::format) fn plain_in_quotes(text: &[u8]) -> bool {
    !text.iter().fold(false, |found, byte| found | matches!(byte, b'"'))
}

/// Adds the text in quotes.
pub(in crate::format) fn escape(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for part in text.split_inclusive(|byte| *byte == b'"') {
        out.extend_from_slice(part);
        if part.ends_with(b"\"") {
            out.push(b'"');
        }
    }
    out.push(b'"');
}
