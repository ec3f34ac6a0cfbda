//! Rows as row groups and pages.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use ::parquet::basic::Compression;
use ::parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::ColumnPath;
use arrow_array::RecordBatch;
use arrow_schema::{DataType, SchemaRef};

use crate::error::{Error, Result};
use crate::format::write::cut::Cutter;
use crate::format::write::{Encoder, Piece, Sink, write_failed};
use crate::notes::Noted;

/// Rows handed to the column writers at a time.
const SLICE: usize = 8_192;
/// The most rows of a row group.
const GROUP_ROWS: usize = 16 * SLICE;
/// The most cells of a row group: its pages are in memory until it is full.
const GROUP_CELLS: usize = 1 << 24;
/// The fewest rows of a full row group, however many columns there are.
const LEAST_ROWS: usize = 1_024;

/// Gives the rows of a full row group of a table with so many columns: 131,072 up to 128 columns.
pub(crate) fn row_group(columns: usize) -> usize {
    let rows = GROUP_CELLS / columns.max(1);
    match rows / SLICE {
        0 => (1 << rows.max(1).ilog2()).max(LEAST_ROWS),
        slices => (slices * SLICE).min(GROUP_ROWS),
    }
}

/// The encoder of one table.
pub(super) fn encoder(schema: &SchemaRef, compression: Compression) -> Box<dyn Encoder> {
    Box::new(Parquet { schema: Arc::clone(schema), properties: properties(schema, compression) })
}

/// Version 1.0 pages, because every reader takes them; nothing of this program's or the library's version.
fn properties(schema: &SchemaRef, compression: Compression) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by("placebo".to_owned())
        .set_compression(compression)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for field in schema.fields().iter().filter(|field| matches!(field.data_type(), DataType::Dictionary(..))) {
        properties = properties.set_column_dictionary_enabled(ColumnPath::new(vec![field.name().clone()]), true);
    }
    // What is protected shows nothing beside its cells: no least and greatest value, no size that compression gives away.
    for field in schema.fields().iter().filter(|field| field.is_protected()) {
        let path = ColumnPath::new(vec![field.name().clone()]);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_statistics_enabled(path.clone(), EnabledStatistics::None)
            .set_column_compression(path, Compression::UNCOMPRESSED);
    }
    properties.build()
}

struct Parquet {
    schema: SchemaRef,
    properties: WriterProperties,
}

impl Encoder for Parquet {
    fn encode(&self, batch: RecordBatch) -> Result<Piece> {
        Ok(Piece::Rows(batch))
    }

    fn open(&self, out: Box<dyn Write + Send>) -> Result<Box<dyn Sink>> {
        let schema = Arc::clone(&self.schema);
        let out = Arc::new(Mutex::new(out));
        let writer = ArrowWriter::try_new(Lent(Arc::clone(&out)), Arc::clone(&schema), Some(self.properties.clone()));
        let (writer, factory) = writer.and_then(ArrowWriter::into_serialized_writer).map_err(write_failed)?;
        let full = row_group(schema.fields().len());
        let groups =
            Groups { schema: Arc::clone(&schema), writer, factory, columns: Vec::new(), rows: 0, full, number: 0 };
        Ok(Box::new(File { cutter: Cutter::new(schema, full.min(SLICE)), groups, out }))
    }
}

struct File {
    cutter: Cutter,
    groups: Groups,
    out: Arc<Mutex<Box<dyn Write + Send>>>,
}

impl Sink for File {
    fn append(&mut self, piece: Piece) -> Result<()> {
        let Piece::Rows(batch) = piece else { return Err(Error::internal("parquet takes rows, not text")) };
        self.cutter.push(&batch, |slice| self.groups.write(slice))
    }

    fn finish(mut self: Box<Self>) -> Result<Box<dyn Write + Send>> {
        let rest = self.cutter.rest()?;
        if rest.num_rows() > 0 {
            self.groups.write(&rest)?;
        }
        self.groups.close()?;
        self.groups.writer.finish().map_err(write_failed)?;
        drop(self.groups);
        let out = Arc::into_inner(self.out).ok_or_else(|| Error::internal("the parquet writer outlived its file"))?;
        Ok(out.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The file, lent to the library: its own `into_inner` keeps only the text of an error met on the last bytes, and we
/// must tell a closed pipe from a full disk.
struct Lent(Arc<Mutex<Box<dyn Write + Send>>>);

impl Write for Lent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    /// The file is flushed by its owner.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The file's row groups; `columns` are the writers of the open one, if there is one.
struct Groups {
    schema: SchemaRef,
    writer: SerializedFileWriter<Lent>,
    factory: ArrowRowGroupWriterFactory,
    columns: Vec<ArrowColumnWriter>,
    rows: usize,
    /// The rows of a full row group.
    full: usize,
    number: usize,
}

impl Groups {
    fn write(&mut self, slice: &RecordBatch) -> Result<()> {
        if self.columns.is_empty() {
            self.columns = self.factory.create_column_writers(self.number).map_err(write_failed)?;
        }
        let mut columns = self.columns.iter_mut();
        for (field, array) in self.schema.fields().iter().zip(slice.columns()) {
            for (leaf, column) in compute_leaves(field, array).map_err(write_failed)?.iter().zip(&mut columns) {
                column.write(leaf).map_err(write_failed)?;
            }
        }
        self.rows += slice.num_rows();
        if self.rows == self.full { self.close() } else { Ok(()) }
    }

    /// Writes the open row group to the file.
    fn close(&mut self) -> Result<()> {
        if self.columns.is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group().map_err(write_failed)?;
        for column in self.columns.drain(..) {
            column.close().and_then(|chunk| chunk.append_to_row_group(&mut group)).map_err(write_failed)?;
        }
        group.close().map_err(write_failed)?;
        self.rows = 0;
        self.number += 1;
        Ok(())
    }
}
