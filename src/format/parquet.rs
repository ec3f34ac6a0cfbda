//! Parquet: row groups of 131,072 rows, cut by rows alone.
//!
//! The end of a page depends on how rows are handed to the column writers, so they always get 8,192 at a time, counted
//! from the start of the row group. Codes are the only columns with a Parquet dictionary: elsewhere hashing every value
//! costs more than it saves. Of an open row group only finished pages are held, compressed, and one open page per column.

pub(super) mod read;
mod write;

use ::parquet::basic::{Compression, ZstdLevel};

pub(crate) use write::row_group;

use super::{Format, Setting};
use crate::error::Error;

/// How pages are compressed; those of protected columns never are.
static COMPRESSION: Setting = Setting {
    name: "compression",
    values: &["snappy", "zstd", "none"],
    about: "The compression of pages",
    ..Setting::CHOICE
};

/// The format `parquet`.
pub(super) static PARQUET: Format = Format {
    name: "parquet",
    about: "Apache Parquet, row groups of 131,072 rows",
    mediatype: "application/vnd.apache.parquet",
    settings: &[&COMPRESSION],
    binary: true,
    dialect: None,
    document: None,
    encoder: |schema, options| {
        let compression = match options.get(&COMPRESSION) {
            "snappy" => Compression::SNAPPY,
            "zstd" => Compression::ZSTD(ZstdLevel::default()),
            "none" => Compression::UNCOMPRESSED,
            other => return Err(Error::internal(format!("a compression `{other}` that is listed and not made"))),
        };
        Ok(write::encoder(schema, compression))
    },
    reader: |file, schema, _| read::open(file, schema),
};
