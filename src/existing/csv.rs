//! Rows of a CSV file that any system wrote.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, SchemaRef};

use super::open::{BYTES, Batches, Column, ROWS};
use crate::error::{Error, Kind, Result};
use crate::format::read::{Records, TextColumn, normal};

/// The columns, by the first line.
pub(super) fn columns(file: File, delimiter: u8) -> Result<Vec<Column>> {
    let wrong = |what: String| Error::new(Kind::Verification, what);
    let mut records = Records::new(unmarked(file)?, delimiter);
    if !records.next()? {
        return Err(wrong("it is empty: it has not even the names of its columns".to_owned()));
    }
    let mut all = Vec::new();
    for at in 0..records.len() {
        let name = std::str::from_utf8(records.cell(at).0);
        let name = name.map_err(|_| {
            wrong(format!("the name of column {} is not UTF-8", at + 1)).hint("iconv -f LATIN1 -t UTF-8")
        })?;
        if name.is_empty() || name.contains('\0') {
            return Err(wrong(format!("column {} has no name", at + 1)).hint(
                "the first line has the names of the columns, with the delimiter of [tables.TABLE.csv] between them",
            ));
        }
        all.push(Column { name: name.to_owned(), ty: Some(DataType::Utf8), shown: "text".to_owned(), nested: false });
    }
    Ok(all)
}

/// The file behind the mark that some programs write before UTF-8.
fn unmarked(mut file: File) -> Result<File> {
    let io = |error: std::io::Error| Error::new(Kind::Io, error.to_string());
    let mut mark = Vec::new();
    (&mut file).take(3).read_to_end(&mut mark).map_err(io)?;
    let skip = if mark == b"\xEF\xBB\xBF" { 3 } else { 0 };
    file.seek(SeekFrom::Start(skip)).map_err(io)?;
    Ok(file)
}

/// The rows.
pub(super) struct Csv {
    records: Records<File>,
    /// All columns of the file.
    width: usize,
    /// The places of those that are read.
    places: Vec<usize>,
    columns: Vec<TextColumn>,
    schema: SchemaRef,
    null: Option<String>,
}

impl Csv {
    pub(super) fn new(
        file: File,
        delimiter: u8,
        null: Option<String>,
        (width, places): (usize, &[usize]),
        schema: &SchemaRef,
    ) -> Result<Self> {
        let mut records = Records::new(unmarked(file)?, delimiter);
        records.next()?;
        let columns = schema.fields().iter().map(|field| TextColumn::new(field)).collect::<Result<_>>()?;
        Ok(Self { records, width, places: places.to_vec(), columns, schema: Arc::clone(schema), null })
    }

    /// Reads a record into the columns, and gives its bytes.
    fn record(&mut self) -> Result<usize> {
        let wrong = |what: String| Error::new(Kind::Verification, what);
        if self.records.len() != self.width {
            let cells = self.records.len();
            return Err(wrong(format!("the row has {cells} cells instead of {}", self.width))
                .hint("a cell with a delimiter or a line feed needs quotes around it"));
        }
        let (mut bytes, mut room) = (0, String::new());
        for (at, column) in self.columns.iter_mut().enumerate() {
            let field = self.schema.field(at);
            let (cell, quoted) = self.records.cell(self.places[at]);
            if cell.contains(&0) {
                return Err(wrong(format!("column `{}`: the text has a NUL byte", field.name()))
                    .hint("is it UTF-16? iconv -f UTF-16 -t UTF-8"));
            }
            let null = match &self.null {
                Some(null) => cell == null.as_bytes(),
                None => cell.is_empty() && !(quoted && *field.data_type() == DataType::Utf8),
            };
            if null {
                column.null()?;
                continue;
            }
            bytes += cell.len();
            match field.data_type() {
                DataType::Utf8 => column.value(cell)?,
                ty => {
                    let text = std::str::from_utf8(cell)
                        .map_err(|_| wrong(format!("column `{}`: the text is not UTF-8", field.name())))?;
                    column.value(normal(ty, text, &mut room).as_bytes())?;
                }
            }
        }
        Ok(bytes)
    }
}

impl Batches for Csv {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        let (mut rows, mut bytes) = (0, 0);
        while rows < ROWS && bytes < BYTES && self.records.next()? {
            bytes += self.record()?;
            rows += 1;
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns = self.columns.iter_mut().map(TextColumn::finish).collect();
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }

    fn place(&self) -> String {
        format!("line {}", self.records.line())
    }
}
