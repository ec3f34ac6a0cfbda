//! Texts that spreadsheets run instead of showing them.

/// Tells whether a spreadsheet takes a cell for a formula: it begins with `=`, `+`, `-`, `@`, a tab or a carriage return.
///
/// No generator makes such a text. Expressions and patterns of a profile may; the option `csv-guard` is for those.
#[must_use]
pub fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}
