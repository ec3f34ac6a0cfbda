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
//! The settings of `dialect` change that for readers with other customs. A text that begins with `=`, `+`, `-`, `@`, a tab or a carriage
//! return is written as it is: that a spreadsheet does not take a cell for a formula is the duty of generators, because a sink must not
//! change data. The setting `csv-guard` asks for just that: a `'` before such a text, and before one that would look as if it had got its
//! `'` that way, so that a reader can take the `'` away again. In a table of one column a null is an empty line, which some readers skip.

mod dialect;
mod read;
mod write;

use dialect::{Form, SETTINGS};

use super::Format;

/// The format `csv`.
pub(super) static CSV: Format = Format {
    name: "csv",
    about: "comma-separated values with a header (RFC 4180)",
    mediatype: "text/csv",
    settings: SETTINGS,
    binary: false,
    dialect: Some(|options| Form::new(options).dialect()),
    document: None,
    encoder: |schema, options| write::encoder(schema, Form::new(options)),
    reader: |file, schema, options| read::open(file, schema, Form::new(options)),
};
