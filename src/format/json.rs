//! JSON: a line per row (`ndjson`), or one array with a row per line (`json`).
//!
//! ```text
//! [
//! {"id":1,"name":"Jane \"J\" Doe","paid":12.50,"note":null},
//! {"id":2,"name":"Ng","paid":-0.05,"note":""}
//! ]
//! ```
//!
//! Every row has every column, null as `null`; so are doubles that JSON has no form for. A decimal is a number
//! with all its places: a reader that wants it exact must not read it as a double.

mod layout;
mod read;
mod write;

use super::{Document, Format};

/// The format `ndjson`.
pub(super) static NDJSON: Format = Format {
    name: "ndjson",
    about: "a JSON object per line",
    mediatype: "application/x-ndjson",
    settings: &[],
    binary: false,
    dialect: None,
    document: Some(Document { lines: "ndjson", layout: str::to_owned }),
    encoder: |schema, _| write::encoder(schema, false),
    reader: |file, schema, _| read::open(file, schema, false),
};

/// The format `json`.
pub(super) static JSON: Format = Format {
    name: "json",
    about: "a JSON array of objects",
    mediatype: "application/json",
    settings: &[],
    binary: false,
    dialect: None,
    document: Some(Document { lines: "ndjson", layout: layout::indented }),
    encoder: |schema, _| write::encoder(schema, true),
    reader: |file, schema, _| read::open(file, schema, true),
};
