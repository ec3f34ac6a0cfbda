//! CSV as RFC 4180 has it: a header, UTF-8, quotes only where they are needed and doubled inside.
//!
//! Rows end with a line feed alone, which every reader takes and which keeps `diff`, `sort` and `wc` useful. A null is an
//! empty field, an empty text is `""`:
//!
//! ```text
//! id,name,note
//! 1,"Doe, Jane",
//! 2,Ng,""
//! ```
//!
//! A text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return is written as it is: that a spreadsheet does
//! not take a cell for a formula is the duty of generators, because a sink must not change data. The setting `csv-guard` asks
//! for just that: a `'` before such a text, and before one that would look as if it had got its `'` that way, so that a reader
//! can take the `'` away again. In a table of one column a null is an empty line, which some readers skip.

mod read;
mod write;

use super::{Format, Setting};

/// The setting that puts a `'` before texts that a spreadsheet would take for formulas.
static GUARD: Setting = Setting {
    name: "csv-guard",
    values: &["off", "quote"],
    about: "`quote` writes a `'` before texts that a spreadsheet would take for a formula: this changes the data",
};

/// The format `csv`.
pub(super) static CSV: Format = Format {
    name: "csv",
    about: "comma-separated values with a header (RFC 4180)",
    mediatype: "text/csv",
    settings: &[&GUARD],
    binary: false,
    document: None,
    encoder: |schema, options| write::encoder(schema, options.get(&GUARD) == "quote"),
    reader: |file, schema, options| read::open(file, schema, options.get(&GUARD) == "quote"),
};
