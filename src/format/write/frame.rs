//! One column of a text format: the text around its cells, and its own texts and doubles rendered into a buffer.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::types::Float64Type;
use arrow_array::{Array, PrimitiveArray, StringArray};
use arrow_buffer::{ArrowNativeType, NullBuffer};
use arrow_schema::DataType;

use super::digits;

/// Rows rendered at a time: their cells stay in the nearest caches.
pub(super) const BLOCK: usize = 512;
/// The bytes to spare at the end of every buffer, because a copy of this constant length may write past a cell.
pub(super) const WIDE: usize = 64;

/// The syntax of a text format.
#[derive(Clone)]
pub(in crate::format) struct Style {
    /// The text before the first cell of a row.
    pub(in crate::format) start: &'static str,
    /// The text after the last cell of a row.
    pub(in crate::format) end: &'static str,
    /// The text between two cells of a row.
    pub(in crate::format) between: &'static str,
    /// Makes the text before each cell from the column's name.
    pub(in crate::format) label: fn(&str) -> Vec<u8>,
    /// Quotes around dates and text that needs no escaping.
    pub(in crate::format) quote: &'static str,
    /// True if numbers and booleans have these quotes too.
    pub(in crate::format) quote_all: bool,
    /// The text of a null, and of a number that the format has no form for.
    pub(in crate::format) null: Cow<'static, str>,
    /// True if the format can write `NaN` and `inf`.
    pub(in crate::format) infinite: bool,
    /// Tells whether no byte needs escaping. Called on the text of many cells at once.
    pub(in crate::format) plain: fn(&[u8]) -> bool,
    /// Adds any text with its quotes: used for text that is not plain, is empty, begins or ends with a space, or is the text of a null.
    pub(in crate::format) escape: fn(&[u8], &mut Vec<u8>),
}

/// A column and its frame.
pub(super) struct Column {
    pub(super) frame: Frame,
    pub(super) name: String,
    pub(super) data_type: DataType,
    /// The dictionary met last: batches of one table share theirs by pointer.
    codes: Mutex<Option<Arc<Codes>>>,
}

/// The text around the cells of one column.
pub(super) struct Frame {
    style: Style,
    pub(super) before: Vec<u8>,
    pub(super) after: Vec<u8>,
    /// `before` and `after` with the quotes of plain text and dates.
    pub(super) open: Vec<u8>,
    pub(super) close: Vec<u8>,
    /// The cell of a null.
    pub(super) null: Vec<u8>,
}

/// The start and the length of a cell in its column's buffer.
pub(super) type Span = (usize, usize);

/// A dictionary as text: null first, then each value.
pub(super) struct Codes {
    values: StringArray,
    pub(super) text: Vec<u8>,
    pub(super) spans: Vec<Span>,
}

impl Frame {
    fn new(name: &str, style: &Style, first: bool, last: bool) -> Self {
        let mut before = if first { style.start.as_bytes().to_vec() } else { style.between.as_bytes().to_vec() };
        before.extend((style.label)(name));
        let after = if last { style.end.as_bytes().to_vec() } else { Vec::new() };
        let quote = style.quote.as_bytes();
        let (open, close) = ([before.as_slice(), quote].concat(), [quote, after.as_slice()].concat());
        let null = [before.as_slice(), style.null.as_bytes(), after.as_slice()].concat();
        Self { style: style.clone(), before, after, open, close, null }
    }

    /// Adds the cells of `rows` to `out`; null is the span of a null.
    pub(super) fn text(
        &self,
        values: &StringArray,
        rows: Range<usize>,
        null: Span,
        out: &mut Vec<u8>,
        spans: &mut [Span],
    ) {
        let (offsets, bytes) = (values.value_offsets(), values.value_data());
        let cell = |row: usize| &bytes[offsets[row].as_usize()..offsets[row + 1].as_usize()];
        let (nulls, null_text) = (some_nulls(values.nulls()), self.style.null.as_bytes());
        let block = &bytes[offsets[rows.start].as_usize()..offsets[rows.end].as_usize()];
        let plain = (self.style.plain)(block);
        out.reserve(block.len() + rows.len() * (self.open.len() + self.close.len()));
        for (row, span) in rows.zip(spans) {
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                *span = null;
                continue;
            }
            let (at, value) = (out.len(), cell(row));
            let edges = matches!(value, [] | [b' ', ..] | [.., b' ']) || value == null_text;
            if (plain || (self.style.plain)(value)) && !edges {
                // Often a comma before and nothing behind: no call for that.
                match *self.open.as_slice() {
                    [comma] => out.push(comma),
                    _ => out.extend_from_slice(&self.open),
                }
                out.extend_from_slice(value);
                if !self.close.is_empty() {
                    out.extend_from_slice(&self.close);
                }
            } else {
                out.extend_from_slice(&self.before);
                (self.style.escape)(value, out);
                out.extend_from_slice(&self.after);
            }
            *span = (at, out.len() - at);
        }
    }

    /// The text before and after a number or a boolean.
    pub(super) fn around_numbers(&self) -> (&[u8], &[u8]) {
        if self.style.quote_all { (&self.open, &self.close) } else { (&self.before, &self.after) }
    }

    /// Adds the cells of `rows` to `out`.
    pub(super) fn floats(
        &self,
        array: &PrimitiveArray<Float64Type>,
        rows: Range<usize>,
        null: Span,
        out: &mut Vec<u8>,
        spans: &mut [Span],
    ) {
        out.truncate(null.1);
        let (open, close) = self.around_numbers();
        for (row, span) in rows.zip(spans) {
            let value = array.value(row);
            *span = null;
            if !array.is_null(row) && (self.style.infinite || value.is_finite()) {
                let at = out.len();
                out.extend_from_slice(open);
                digits::float(value, out);
                out.extend_from_slice(close);
                *span = (at, out.len() - at);
            }
        }
        out.extend_from_slice(&[0; WIDE]);
    }
}

/// The nulls, where there is one.
pub(super) fn some_nulls(nulls: Option<&NullBuffer>) -> Option<&NullBuffer> {
    nulls.filter(|nulls| nulls.null_count() > 0)
}

impl Column {
    /// A column in a style; `first` and `last` say whether it begins or ends the row.
    pub(super) fn new(name: &str, data_type: DataType, style: &Style, (first, last): (bool, bool)) -> Self {
        let frame = Frame::new(name, style, first, last);
        Self { frame, name: name.to_owned(), data_type, codes: Mutex::new(None) }
    }

    /// The text of a dictionary, from the last batch if it is the same one.
    pub(super) fn codes(&self, values: &StringArray) -> Arc<Codes> {
        let same = |codes: &&Arc<Codes>| {
            let (a, b) = (&codes.values, values);
            a.offsets().ptr_eq(b.offsets())
                && a.values().ptr_eq(b.values())
                && a.nulls().is_none()
                && b.nulls().is_none()
        };
        let last = self.codes.lock().unwrap_or_else(PoisonError::into_inner).as_ref().filter(same).cloned();
        last.unwrap_or_else(|| {
            let (mut text, null) = (self.frame.null.clone(), (0, self.frame.null.len()));
            let mut spans = vec![null; values.len() + 1];
            self.frame.text(values, 0..values.len(), null, &mut text, &mut spans[1..]);
            text.extend_from_slice(&[0; WIDE]);
            let codes = Arc::new(Codes { values: values.clone(), text, spans });
            *self.codes.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&codes));
            codes
        })
    }
}
