//! Text files row by row: a window over the file, and the cells of the row at its start.

use std::fs::File;
use std::io::Read;
use std::ops::Range;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::cell::{Class, Column};
use super::{Source, malformed};
use crate::error::{Error, Kind, Result};

/// Bytes read at a time.
const READ: usize = 1 << 18;
/// The longest row: no table of ours has a longer one, and memory must end somewhere.
const LONGEST: usize = 1 << 29;
/// The bytes of rows after which a batch ends.
const FULL: usize = 1 << 26;

/// A cell of a row, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::format) enum Cell {
    Null,
    /// Without quotes.
    Bare(Range<usize>),
    /// The text between quotes.
    Quoted(Range<usize>),
    /// The text between quotes, with escapes in it.
    Escaped(Range<usize>),
}

/// The next thing in the window.
pub(in crate::format) enum Step {
    /// The window ends before the row does.
    More,
    /// A row, with its length in bytes.
    Row(usize),
    /// Text between rows, with its length in bytes.
    Skip(usize),
    /// The end of the file.
    End,
}

/// How a format writes rows.
pub(in crate::format) trait Grammar: Send {
    /// The cells of the row at the start of `bytes`; `whole` says that the file ends with `bytes`.
    fn step(&mut self, bytes: &[u8], whole: bool, cells: &mut Vec<Cell>) -> Result<Step>;
    /// Tells whether a value of this class may be written bare, or `quoted`.
    fn fits(&self, class: Class, quoted: bool) -> bool;
    /// The text that an escaped one means.
    fn unescape(&self, text: &[u8], out: &mut Vec<u8>) -> Result<()>;
    /// The text that the writer was given, without the `'` that it put before it.
    fn unguard<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text
    }
}

/// A text file.
pub(in crate::format) struct Text<G> {
    file: File,
    grammar: G,
    schema: SchemaRef,
    columns: Vec<Column>,
    window: Vec<u8>,
    at: usize,
    whole: bool,
    line: u64,
    /// Rows since the last batch.
    rows: u64,
    done: bool,
}

impl<G: Grammar> Text<G> {
    pub(in crate::format) fn new(file: File, schema: &SchemaRef, grammar: G) -> Result<Self> {
        let columns = schema.fields().iter().map(|field| Column::new(field)).collect::<Result<_>>()?;
        let schema = SchemaRef::clone(schema);
        Ok(Self {
            file,
            grammar,
            schema,
            columns,
            window: Vec::new(),
            at: 0,
            whole: false,
            line: 1,
            rows: 0,
            done: false,
        })
    }

    /// Moves the window on, or makes it larger where a row does not fit.
    fn read(&mut self) -> Result<()> {
        self.window.drain(..self.at);
        self.at = 0;
        if self.window.len() > LONGEST {
            return Err(malformed(format!("the row is longer than {LONGEST} bytes")));
        }
        let more = READ.max(self.window.len());
        let read = (&mut self.file).take(more as u64).read_to_end(&mut self.window);
        let read = read.map_err(|error| Error::new(Kind::Io, error.to_string()))?;
        self.whole = read < more;
        Ok(())
    }

    /// The cells of the next row and its bytes; `None` after the last.
    fn row(&mut self, cells: &mut Vec<Cell>) -> Result<Option<Range<usize>>> {
        while !self.done {
            cells.clear();
            match self.grammar.step(&self.window[self.at..], self.whole, cells)? {
                Step::More if self.whole => return Err(malformed("the file ends within a row")),
                Step::More => self.read()?,
                Step::Skip(length) => self.pass(length),
                Step::Row(length) => {
                    let row = self.at..self.at + length;
                    return Ok(Some(row));
                }
                Step::End => self.done = true,
            }
        }
        Ok(None)
    }

    fn pass(&mut self, length: usize) {
        let passed = &self.window[self.at..self.at + length];
        self.line += passed.split(|byte| *byte == b'\n').count() as u64 - 1;
        self.at += length;
    }
}

impl<G: Grammar> Source for Text<G> {
    fn next(&mut self, most: usize) -> Result<Option<RecordBatch>> {
        let (mut bytes, mut cells, mut plain) = (0, Vec::new(), Vec::new());
        self.rows = 0;
        while self.rows < most as u64
            && bytes < FULL
            && let Some(row) = self.row(&mut cells)?
        {
            let text = &self.window[row.clone()];
            if cells.len() != self.columns.len() {
                return Err(malformed(format!("{} cells instead of {}", cells.len(), self.columns.len())));
            }
            for (cell, column) in cells.iter().zip(&mut self.columns) {
                let quoted = matches!(cell, Cell::Quoted(_) | Cell::Escaped(_));
                if *cell != Cell::Null && !self.grammar.fits(column.class(), quoted) {
                    let what = if quoted { "has quotes" } else { "has no quotes" };
                    return Err(malformed(format!("column `{}`: the value {what}", column.name)));
                }
                match cell {
                    Cell::Null => column.null()?,
                    Cell::Bare(range) | Cell::Quoted(range) => {
                        column.value(self.grammar.unguard(&text[range.clone()]))?;
                    }
                    Cell::Escaped(range) => {
                        plain.clear();
                        self.grammar.unescape(&text[range.clone()], &mut plain)?;
                        column.value(self.grammar.unguard(&plain))?;
                    }
                }
            }
            self.pass(row.len());
            self.rows += 1;
            bytes += row.len();
        }
        if std::mem::take(&mut self.rows) == 0 {
            return Ok(None);
        }
        let columns = self.columns.iter_mut().map(Column::finish).collect();
        Ok(Some(RecordBatch::try_new(SchemaRef::clone(&self.schema), columns)?))
    }

    fn place(&self) -> (u64, Option<u64>) {
        (self.rows, Some(self.line))
    }
}
