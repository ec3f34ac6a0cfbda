//! Messages put together: text, and the cells of rows, for each row of a list and of the lists inside of it.

use std::io::Write;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int64Array,
    StringArray, TimestampMicrosecondArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::DataType;

use super::syntax::Form;
use super::{Condition, Counter, Node};
use crate::error::{Error, Result};
use crate::sql::civil;

/// A value on its way into a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Text.
    Text(&'a str),
    /// A whole number.
    Integer(i64),
    /// A number that is not exact.
    Double(f64),
    /// A decimal: its digits, and how many of them are behind the point.
    Decimal(i128, u8),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01, in UTC.
    Instant(i64),
    /// A truth value.
    Boolean(bool),
}

impl Cell<'_> {
    /// Writes a number in digits with a point; other values not at all.
    pub(super) fn number(&self, out: &mut Vec<u8>) {
        let written = match self {
            Cell::Integer(value) => write!(out, "{value}"),
            Cell::Double(value) => write!(out, "{value}"),
            Cell::Decimal(value, 0) => write!(out, "{value}"),
            Cell::Decimal(value, scale) => {
                let (sign, scale) = (if *value < 0 { "-" } else { "" }, usize::from(*scale));
                let digits = format!("{:0width$}", value.unsigned_abs(), width = scale + 1);
                write!(out, "{sign}{}.{}", &digits[..digits.len() - scale], &digits[digits.len() - scale..])
            }
            _ => Ok(()),
        };
        debug_assert!(written.is_ok(), "a vector takes all bytes");
    }
}

/// The cells of a column, by its type.
#[derive(Debug, Clone)]
pub enum Cells {
    /// Text.
    Text(StringArray),
    /// Text by its index among the values.
    Codes(DictionaryArray<Int32Type>),
    /// Whole numbers.
    Integer(Int64Array),
    /// Numbers that are not exact.
    Double(Float64Array),
    /// Decimals.
    Decimal(Decimal128Array, u8),
    /// Dates.
    Date(Date32Array),
    /// Instants.
    Instant(TimestampMicrosecondArray),
    /// Truth values.
    Boolean(BooleanArray),
}

impl Cells {
    /// The cells of an array; `None` for a type that has no form in a message.
    #[must_use]
    pub fn new(array: &ArrayRef) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Utf8 => Self::Text(array.as_string::<i32>().clone()),
            DataType::Dictionary(..) => Self::Codes(array.as_dictionary_opt::<Int32Type>()?.clone()),
            DataType::Int64 => Self::Integer(array.as_primitive::<Int64Type>().clone()),
            DataType::Float64 => Self::Double(array.as_primitive::<Float64Type>().clone()),
            DataType::Decimal128(_, scale) => {
                Self::Decimal(array.as_primitive::<Decimal128Type>().clone(), u8::try_from(*scale).ok()?)
            }
            DataType::Date32 => Self::Date(array.as_primitive::<Date32Type>().clone()),
            // What clocks show has no place in a form that demands a zone: it is written as its text.
            DataType::Timestamp(_, None) => {
                let times = array.as_primitive_opt::<TimestampMicrosecondType>()?;
                Self::Text(times.iter().map(|time| time.map(civil::datetime_text)).collect())
            }
            DataType::Timestamp(..) => Self::Instant(array.as_primitive_opt::<TimestampMicrosecondType>()?.clone()),
            DataType::Boolean => Self::Boolean(array.as_boolean().clone()),
            _ => return None,
        })
    }

    /// The value in a row; `None` for null.
    fn at(&self, row: usize) -> Option<Cell<'_>> {
        let cell = |null: bool, cell: Cell<'static>| (!null).then_some(cell);
        match self {
            Self::Text(array) => (!array.is_null(row)).then(|| Cell::Text(array.value(row))),
            Self::Codes(array) => {
                let (key, values) = (array.key(row)?, array.values().as_string::<i32>());
                (!values.is_null(key)).then(|| Cell::Text(values.value(key)))
            }
            Self::Integer(array) => cell(array.is_null(row), Cell::Integer(array.value(row))),
            Self::Double(array) => cell(array.is_null(row), Cell::Double(array.value(row))),
            Self::Decimal(array, scale) => cell(array.is_null(row), Cell::Decimal(array.value(row), *scale)),
            Self::Date(array) => cell(array.is_null(row), Cell::Date(array.value(row))),
            Self::Instant(array) => cell(array.is_null(row), Cell::Instant(array.value(row))),
            Self::Boolean(array) => cell(array.is_null(row), Cell::Boolean(array.value(row))),
        }
    }
}

/// The rows of a loop for each row around it.
#[derive(Debug, Clone)]
pub struct List {
    /// The rows, as indexes into the columns of the loop.
    pub rows: Arc<[u32]>,
    /// The start of the rows of each row around the loop, and the end.
    pub bounds: Arc<[u32]>,
}

/// The columns and lists that a compiled template names by number: of each loop its columns, with the loops from the outside in.
#[derive(Debug, Default)]
pub struct Rows {
    /// The columns.
    pub columns: Vec<Cells>,
    /// The lists.
    pub lists: Vec<List>,
}

/// A message on its way, behind those before it.
#[derive(Debug, Default)]
pub struct Out {
    /// The messages so far.
    pub bytes: Vec<u8>,
    /// The start of this message.
    pub start: usize,
    /// The start of the present record.
    pub(super) record: usize,
    /// `true` if the present record lacks a value that it needs.
    pub(super) dropped: bool,
    /// The records since the last one that opens a set, it included.
    pub(super) records: u64,
    /// A buffer for messages that are written again.
    spare: Vec<u8>,
    counters: Vec<u64>,
}

/// The most turns of loops in one message: a tenth of a second.
const MAX_TURNS: u64 = 1 << 21;
/// How many times as long as its limit a message may be before its syntax takes away what has no value.
const REACH: usize = 4;

impl Out {
    /// Replaces this message by what `rewrite` writes of it.
    pub(super) fn rewrite(
        &mut self,
        rewrite: impl FnOnce(&[u8], &mut Vec<u8>) -> Result<(), String>,
    ) -> Result<(), String> {
        self.spare.clear();
        rewrite(&self.bytes[self.start..], &mut self.spare)?;
        self.bytes.truncate(self.start);
        self.bytes.extend_from_slice(&self.spare);
        Ok(())
    }
}

/// A value of a compiled template: the number of loops around the row that has it, and the column.
type Place = (usize, usize);
/// A compiled loop: the number of loops around the row that has the rows, and the list.
type Within = (usize, usize);

/// A row of a loop that is being written.
#[derive(Clone, Copy)]
struct Turn {
    /// The row among the columns of the loop.
    row: usize,
    /// Its number, from 0, and the number of rows.
    index: usize,
    count: usize,
}

/// Writes a message for each of some rows; `rows` are their indexes among the columns of the outermost level.
///
/// # Errors
///
/// If a value cannot be written in the form, or a message is longer than `longest` bytes: with the index of the message.
pub fn render(
    nodes: &[Node<Place, Within>],
    counters: usize,
    form: &dyn Form,
    data: &Rows,
    rows: &[u32],
    longest: usize,
    name: &dyn Fn(Place) -> String,
) -> Result<StringArray> {
    let mut writer = Writer {
        form,
        data,
        longest,
        name,
        turns: Vec::with_capacity(8),
        taken: 0,
        out: Out { counters: vec![0; counters], ..Out::default() },
    };
    let mut ends = Vec::with_capacity(rows.len() + 1);
    ends.push(0_i32);
    for (index, row) in rows.iter().enumerate() {
        writer.message(nodes, *row as usize).map_err(|error| error.in_row(index))?;
        let end = i32::try_from(writer.out.bytes.len()).map_err(|_| {
            Error::profile("", "the messages of a chunk are longer than 2 GiB together")
                .hint("`chunk = …` makes chunks smaller")
        })?;
        ends.push(end);
    }
    let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
    Ok(StringArray::try_new(offsets, writer.out.bytes.into(), None::<NullBuffer>)?)
}

struct Writer<'a> {
    form: &'a dyn Form,
    data: &'a Rows,
    longest: usize,
    name: &'a dyn Fn(Place) -> String,
    turns: Vec<Turn>,
    /// The turns of loops of this message so far.
    taken: u64,
    out: Out,
}

impl Writer<'_> {
    fn message(&mut self, nodes: &[Node<Place, Within>], row: usize) -> Result<()> {
        let out = &mut self.out;
        (out.start, out.record, out.dropped, out.records) = (out.bytes.len(), out.bytes.len(), false, 0);
        out.counters.fill(0);
        self.taken = 0;
        self.turns.clear();
        self.turns.push(Turn { row, index: 0, count: 1 });
        self.nodes(nodes)?;
        self.form.finish(&mut self.out).map_err(|what| Error::profile("", what))?;
        self.within_limit()
    }

    /// Refuses a message that is longer than it may be, before what a syntax takes away at its end.
    fn within_reach(&self) -> Result<()> {
        match (self.out.bytes.len() - self.out.start) / REACH > self.longest {
            false => Ok(()),
            true => self.within_limit(),
        }
    }

    fn within_limit(&self) -> Result<()> {
        match self.out.bytes.len() - self.out.start > self.longest {
            false => Ok(()),
            true => Err(Error::profile("", format!("the message is longer than {} bytes", self.longest))
                .hint("`limit N` in a loop keeps it short; `--max-cell` allows more")),
        }
    }

    fn nodes(&mut self, nodes: &[Node<Place, Within>]) -> Result<()> {
        for node in nodes {
            self.within_reach()?;
            match node {
                Node::Text(text) => self.out.bytes.extend_from_slice(text),
                Node::Separator(separator) => self.form.separator(&mut self.out, *separator),
                Node::End => self.form.end(&mut self.out),
                Node::Value { code, context, required } => {
                    let cell = self.data.columns[code.1].at(self.turns[code.0].row);
                    match cell {
                        Some(Cell::Double(value)) if !value.is_finite() => {
                            let message =
                                format!("`{}`: {value} is not a number that can be written", (self.name)(*code));
                            return Err(Error::profile("", message));
                        }
                        Some(Cell::Text("")) | None => self.form.missing(&mut self.out, *context, *required),
                        Some(cell) => self
                            .form
                            .value(&mut self.out, cell, *context)
                            .map_err(|what| Error::profile("", format!("`{}`: {what}", (self.name)(*code))))?,
                    }
                }
                Node::Counter { counter, width } => self.counter(counter, *width)?,
                Node::For { rows: (level, list), body, otherwise } => {
                    let (list, row) = (&self.data.lists[*list], self.turns[*level].row);
                    let (start, end) = (list.bounds[row] as usize, list.bounds[row + 1] as usize);
                    if start == end {
                        self.nodes(otherwise)?;
                    }
                    for (index, row) in list.rows[start..end].iter().enumerate() {
                        self.taken += 1;
                        if self.taken > MAX_TURNS {
                            let message = format!("the loops of one message have more than {MAX_TURNS} rows together");
                            return Err(Error::profile("", message).hint("`limit N` in a loop keeps it short"));
                        }
                        self.turns.push(Turn { row: *row as usize, index, count: end - start });
                        self.nodes(body)?;
                        self.turns.pop();
                    }
                }
                Node::If { arms, otherwise } => {
                    let arm = arms.iter().find(|(condition, _)| self.holds(condition));
                    self.nodes(arm.map_or(otherwise, |(_, nodes)| nodes))?;
                }
            }
        }
        Ok(())
    }

    fn holds(&self, condition: &Condition<Place>) -> bool {
        let turn = self.turns[self.turns.len() - 1];
        match condition {
            Condition::Code((level, column)) => {
                self.data.columns[*column].at(self.turns[*level].row) == Some(Cell::Boolean(true))
            }
            Condition::First => turn.index == 0,
            Condition::Last => turn.index + 1 == turn.count,
            Condition::NotFirst => turn.index > 0,
            Condition::NotLast => turn.index + 1 < turn.count,
        }
    }

    fn counter(&mut self, counter: &Counter, width: usize) -> Result<()> {
        let number = match counter {
            Counter::Index(out) => {
                let level = self.turns.len().checked_sub(out + 1);
                level.map_or(0, |level| self.turns[level].index as u64 + 1)
            }
            Counter::Next(counter) => {
                self.out.counters[*counter] += 1;
                self.out.counters[*counter]
            }
            Counter::Last(counter) => self.out.counters[*counter],
            Counter::Records => self.out.records + 1,
            Counter::Lines => self.out.bytes[self.out.start..].split(|byte| *byte == b'\n').count() as u64,
        };
        write!(self.out.bytes, "{number:0width$}").map_err(|error| Error::internal(error.to_string()))
    }
}
