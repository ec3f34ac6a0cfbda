//! The Arrow IPC file format, also known as Feather version 2: pandas, Polars and R map it into memory.
//!
//! Codes are written as plain text, because a file has one dictionary per column and ours may change between batches.
//! Batches are of 65,536 rows, however the rows came.

mod read;
mod write;

use super::Format;

/// The format `arrow`.
pub(super) static ARROW: Format = Format {
    name: "arrow",
    about: "Apache Arrow IPC file (Feather 2), batches of 65,536 rows",
    mediatype: "application/vnd.apache.arrow.file",
    settings: &[],
    binary: true,
    dialect: None,
    document: None,
    encoder: |schema, _| Ok(write::encoder(schema)),
    reader: |file, schema, _| read::open(file, schema),
};
