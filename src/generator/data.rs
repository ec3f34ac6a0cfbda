//! Data files: weighted lists and correlated records, each with its source and licence in leading `#` lines.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int32Array, Int64Array, StringArray,
};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer};

use crate::digest::sha256;
use crate::error::{Error, Kind, Result, did_you_mean};

/// The largest data file, in bytes.
const MAX_BYTES: usize = 64 << 20;

/// A data file in memory: typed columns of the same length.
#[derive(Debug)]
pub struct Data {
    /// The file's name.
    pub name: String,
    /// SHA-256 of its bytes, in hex.
    pub digest: String,
    /// The text after `# source:`.
    pub source: String,
    /// The text after `# licence:`.
    pub licence: String,
    /// The number of records.
    pub rows: usize,
    columns: Vec<(String, ArrayRef)>,
}

impl Data {
    /// Parses a CSV file whose header may give types: `name`, `name:int`, `name:float`, `name:decimal(2)`, `name:date`.
    /// An empty cell is null. Text columns become dictionaries, so that a pick copies a key and not a text.
    ///
    /// # Errors
    ///
    /// If the file is larger than 64 MiB, needs more than `room` bytes of memory, is not UTF-8 or not CSV, or has no record; or
    /// if a cell does not have the type of its column or would be a formula in a spreadsheet. The message names the line.
    pub fn parse(name: &str, bytes: &[u8], room: u64) -> Result<Self> {
        let fail = |line: u64, message: String| {
            Error::new(Kind::Profile, format!("data file `{name}`, line {line}: {message}"))
        };
        if bytes.len() > MAX_BYTES {
            return Err(Error::new(Kind::Profile, format!("data file `{name}` has more than {MAX_BYTES} bytes")));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| fail(1, format!("not UTF-8: {error}")))?;
        let note = |key: &str| {
            text.lines()
                .take_while(|l| l.starts_with('#'))
                .find_map(|l| l.strip_prefix(key))
                .unwrap_or("")
                .trim()
                .to_owned()
        };
        let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).has_headers(true).from_reader(bytes);
        let header = reader.headers().map_err(|error| fail(1, error.to_string()))?.clone();
        let mut columns: Vec<(String, Kinds, Filling)> = Vec::new();
        for head in &header {
            let (column, kind) = head.split_once(':').unwrap_or((head, "text"));
            let kind = Kinds::parse(kind).ok_or_else(|| {
                fail(1, format!("unknown type `{kind}`")).hint("use text, int, float, decimal(digits) or date")
            })?;
            let filling = kind.filling();
            columns.push((column.to_owned(), kind, filling));
        }
        let mut rows = 0_usize;
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            fail(line, error.to_string()).hint("every record must have the same number of cells as the header")
        })? {
            let line = record.position().map_or(0, csv::Position::line);
            for ((column, kind, filling), cell) in columns.iter_mut().zip(&record) {
                if !filling.push(cell) {
                    return Err(fail(line, format!("`{cell}` in column `{column}` is not {}", kind.name())));
                }
                if matches!(kind, Kinds::Text) && crate::spreadsheet::is_formula(cell) {
                    let cell = cell.escape_debug();
                    return Err(fail(line, format!("`{cell}` in column `{column}` would be a formula in a spreadsheet"))
                        .hint(
                            "a text must not begin with `=`, `+`, `-`, `@`, a tab or a carriage return; for numbers, give the column a type",
                        ));
                }
            }
            rows += 1;
            if rows.is_multiple_of(1_024) {
                let taken = columns.iter().map(|(_, _, filling)| filling.memory()).sum::<usize>();
                if (taken * 3 / 2 + bytes.len()) as u64 > room {
                    let message =
                        format!("the file needs more than the {} MB of memory that it may take", room / 1_000_000);
                    return Err(
                        fail(line, message).hint("a larger `--max-memory` allows more, of which data files take half")
                    );
                }
            }
        }
        if rows == 0 {
            return Err(fail(1, "the file has a header and no records".to_owned()));
        }
        let columns = columns.into_iter().map(|(column, _, filling)| (column, filling.finish())).collect();
        let digest = sha256(bytes);
        let (source, licence) = (note("# source:"), note("# licence:"));
        Ok(Self { name: name.to_owned(), digest, source, licence, rows, columns })
    }

    /// Finds a column by name.
    ///
    /// # Errors
    ///
    /// If there is no such column; the hint suggests the nearest name.
    pub fn column(&self, column: &str) -> Result<&ArrayRef> {
        self.columns.iter().find(|(known, _)| known == column).map(|(_, array)| array).ok_or_else(|| {
            let known = self.columns.iter().map(|(known, _)| known.as_str());
            Error::new(Kind::Profile, format!("data file `{}` has no column `{column}`", self.name))
                .maybe_hint(did_you_mean(column, known))
        })
    }

    /// Gives the bytes of the columns in memory.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.columns.iter().map(|(_, array)| array.get_array_memory_size()).sum()
    }

    /// Lists the names of the columns.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// Reads a column of weights, one for each record. Without a column all are 1.
    ///
    /// # Errors
    ///
    /// If a weight is missing, negative or not finite, or all are 0.
    pub fn weights(&self, column: Option<&str>) -> Result<Vec<f64>> {
        let Some(column) = column else { return Ok(vec![1.0; self.rows]) };
        let numbers = arrow_cast::cast(self.column(column)?, &arrow_schema::DataType::Float64)?;
        let numbers = arrow_array::cast::AsArray::as_primitive::<arrow_array::types::Float64Type>(&numbers).clone();
        let weights: Vec<f64> = numbers.iter().map(|weight| weight.unwrap_or(f64::NAN)).collect();
        match weights.iter().position(|w| !w.is_finite() || *w < 0.0) {
            Some(row) => Err(Error::new(
                Kind::Profile,
                format!(
                    "data file `{}`, record {}: the weight in `{column}` is missing, negative or not finite",
                    self.name,
                    row + 1
                ),
            )),
            None if weights.iter().sum::<f64>() <= 0.0 => {
                Err(Error::new(Kind::Profile, format!("data file `{}`: all weights in `{column}` are 0", self.name)))
            }
            None => Ok(weights),
        }
    }
}

/// The types of columns.
enum Kinds {
    Text,
    Int,
    Float,
    Decimal(i8),
    Date,
}

impl Kinds {
    fn parse(kind: &str) -> Option<Self> {
        Some(match kind {
            "text" => Kinds::Text,
            "int" => Kinds::Int,
            "float" => Kinds::Float,
            "date" => Kinds::Date,
            _ => Kinds::Decimal(
                kind.strip_prefix("decimal(")?.strip_suffix(')')?.parse().ok().filter(|s| (0..=9).contains(s))?,
            ),
        })
    }

    fn name(&self) -> String {
        match self {
            Kinds::Text => "text".to_owned(),
            Kinds::Int => "an integer".to_owned(),
            Kinds::Float => "a finite number".to_owned(),
            Kinds::Decimal(scale) => format!("a number with at most {scale} decimals"),
            Kinds::Date => "a date such as 2025-06-30".to_owned(),
        }
    }

    fn filling(&self) -> Filling {
        match self {
            Kinds::Text => Filling::Text(Codes::default()),
            Kinds::Int => Filling::Int(Vec::new()),
            Kinds::Float => Filling::Float(Vec::new()),
            Kinds::Decimal(scale) => Filling::Decimal(*scale, Vec::new()),
            Kinds::Date => Filling::Date(Vec::new()),
        }
    }
}

/// A column that is being read: a value takes the room of its type, and equal texts that of one.
enum Filling {
    Text(Codes),
    Int(Vec<Option<i64>>),
    Float(Vec<Option<f64>>),
    Decimal(i8, Vec<Option<i128>>),
    Date(Vec<Option<i32>>),
}

impl Filling {
    /// Adds a cell: null if it is empty. False if it is not of the type.
    fn push(&mut self, cell: &str) -> bool {
        fn put<T>(values: &mut Vec<Option<T>>, cell: &str, value: Option<T>) -> bool {
            let fits = cell.is_empty() || value.is_some();
            values.push(value.filter(|_| !cell.is_empty()));
            fits
        }
        match self {
            Filling::Text(codes) => {
                codes.push(Some(cell).filter(|cell| !cell.is_empty()));
                true
            }
            Filling::Int(values) => put(values, cell, cell.parse().ok()),
            Filling::Float(values) => put(values, cell, cell.parse().ok().filter(|number: &f64| number.is_finite())),
            Filling::Decimal(scale, values) => put(values, cell, decimal(cell, *scale)),
            Filling::Date(values) => put(values, cell, date(cell)),
        }
    }

    /// Counts the bytes of memory, with those that are reserved for more values.
    fn memory(&self) -> usize {
        match self {
            Filling::Text(codes) => {
                codes.text.capacity() + 4 * (codes.keys.capacity() + codes.ends.capacity() + codes.slots.len())
            }
            Filling::Int(values) => values.capacity() * size_of::<Option<i64>>(),
            Filling::Float(values) => values.capacity() * size_of::<Option<f64>>(),
            Filling::Decimal(_, values) => values.capacity() * size_of::<Option<i128>>(),
            Filling::Date(values) => values.capacity() * size_of::<Option<i32>>(),
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Filling::Text(codes) => codes.finish(),
            Filling::Int(values) => Arc::new(Int64Array::from(values)),
            Filling::Float(values) => Arc::new(Float64Array::from(values)),
            Filling::Date(values) => Arc::new(Date32Array::from(values)),
            Filling::Decimal(scale, values) => {
                let values = Decimal128Array::from(values);
                // `with_precision_and_scale` accepts every scale up to 9 with 18 digits.
                Arc::new(values.clone().with_precision_and_scale(18, scale).unwrap_or(values))
            }
        }
    }
}

/// Keys into distinct texts, in order of first appearance. Each distinct text is held once.
#[derive(Default)]
struct Codes {
    /// The number of each cell's text; -1 is null.
    keys: Vec<i32>,
    text: String,
    /// The end of each text in `text`, which a file of 64 MiB cannot make longer than 4 GiB.
    ends: Vec<u32>,
    /// A hash table with open addressing: the number of a value, counted from 1; 0 is free.
    slots: Vec<u32>,
}

impl Codes {
    fn push(&mut self, cell: Option<&str>) {
        let key = cell.map(|cell| {
            if self.ends.len() * 2 >= self.slots.len() {
                self.slots = vec![0; (self.slots.len() * 2).max(16)];
                for value in 0..self.ends.len() {
                    let slot = self.slot(self.get(value));
                    self.slots[slot] = value as u32 + 1;
                }
            }
            let slot = self.slot(cell);
            if self.slots[slot] == 0 {
                self.text.push_str(cell);
                self.ends.push(self.text.len() as u32);
                self.slots[slot] = self.ends.len() as u32;
            }
            self.slots[slot] as i32 - 1
        });
        self.keys.push(key.unwrap_or(-1));
    }

    fn get(&self, value: usize) -> &str {
        let start = value.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[value] as usize]
    }

    /// Finds the slot that has a text, or the free one where it belongs.
    fn slot(&self, text: &str) -> usize {
        let mut hash = std::hash::DefaultHasher::new();
        text.hash(&mut hash);
        let mut slot = hash.finish() as usize % self.slots.len();
        while self.slots[slot] != 0 && self.get(self.slots[slot] as usize - 1) != text {
            slot = (slot + 1) % self.slots.len();
        }
        slot
    }

    fn finish(self) -> ArrayRef {
        let Self { mut keys, text, ends, slots } = self;
        drop(slots);
        let lengths = ends.iter().scan(0, |start, end| Some((end - std::mem::replace(start, *end)) as usize));
        let offsets = OffsetBuffer::from_lengths(lengths);
        let nulls = keys.contains(&-1).then(|| keys.iter().map(|key| *key >= 0).collect::<NullBuffer>());
        keys.iter_mut().for_each(|key| *key = (*key).max(0));
        // The texts of a `String`, cut at their own ends, are UTF-8.
        let values = StringArray::new(offsets, Buffer::from_vec(text.into_bytes()), None);
        Arc::new(DictionaryArray::new(Int32Array::new(keys.into(), nulls), Arc::new(values) as ArrayRef))
    }
}

/// Encodes texts as a dictionary of their distinct values, in order of first appearance.
#[cfg(test)]
pub(crate) fn dictionary<'a>(cells: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    let mut codes = Codes::default();
    cells.for_each(|cell| codes.push(cell));
    codes.finish()
}

fn date(cell: &str) -> Option<i32> {
    let date: jiff::civil::Date = cell.parse().ok()?;
    let days = date.since((jiff::Unit::Day, jiff::civil::date(1970, 1, 1))).ok()?.get_days();
    Some(days)
}

fn decimal(cell: &str, scale: i8) -> Option<i128> {
    let (negative, digits) = cell.strip_prefix('-').map_or((false, cell), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.len() > scale as usize || whole.is_empty() || whole.len() > 9 {
        return None;
    }
    let padded = format!("{whole}{fraction:0<width$}", width = scale as usize);
    let value: i128 = padded.bytes().all(|b| b.is_ascii_digit()).then(|| padded.parse().ok())??;
    Some(if negative { -value } else { value })
}
