//! Data files: weighted lists and correlated records, each with its source and licence in leading `#` lines.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int32Array, Int64Array, StringArray,
};

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
    /// If the file is larger than 64 MiB, not UTF-8 or not CSV, or has no record; or if a cell does not have the type
    /// of its column or would be a formula in a spreadsheet. The message names the line.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self> {
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
        let mut columns: Vec<(String, Kinds, Vec<Option<String>>)> = Vec::new();
        for head in &header {
            let (column, kind) = head.split_once(':').unwrap_or((head, "text"));
            let kind = Kinds::parse(kind).ok_or_else(|| {
                fail(1, format!("unknown type `{kind}`")).hint("use text, int, float, decimal(digits) or date")
            })?;
            columns.push((column.to_owned(), kind, Vec::new()));
        }
        let mut rows = 0;
        for record in reader.records() {
            let record = record.map_err(|error| {
                let line = error.position().map_or(0, csv::Position::line);
                fail(line, error.to_string()).hint("every record must have the same number of cells as the header")
            })?;
            let line = record.position().map_or(0, csv::Position::line);
            for ((column, kind, cells), cell) in columns.iter_mut().zip(&record) {
                if !cell.is_empty() && !kind.accepts(cell) {
                    return Err(fail(line, format!("`{cell}` in column `{column}` is not {}", kind.name())));
                }
                if matches!(kind, Kinds::Text) && crate::spreadsheet::is_formula(cell) {
                    let cell = cell.escape_debug();
                    return Err(fail(line, format!("`{cell}` in column `{column}` would be a formula in a spreadsheet"))
                        .hint(
                            "a text must not begin with `=`, `+`, `-`, `@`, a tab or a carriage return; for numbers, give the column a type",
                        ));
                }
                cells.push((!cell.is_empty()).then(|| cell.to_owned()));
            }
            rows += 1;
        }
        if rows == 0 {
            return Err(fail(1, "the file has a header and no records".to_owned()));
        }
        let columns = columns.into_iter().map(|(column, kind, cells)| (column, kind.array(&cells))).collect();
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

    fn accepts(&self, cell: &str) -> bool {
        match self {
            Kinds::Text => true,
            Kinds::Int => cell.parse::<i64>().is_ok(),
            Kinds::Float => cell.parse::<f64>().is_ok_and(f64::is_finite),
            Kinds::Decimal(scale) => decimal(cell, *scale).is_some(),
            Kinds::Date => date(cell).is_some(),
        }
    }

    fn array(&self, cells: &[Option<String>]) -> ArrayRef {
        let cells = cells.iter().map(Option::as_deref);
        match self {
            Kinds::Text => dictionary(cells),
            Kinds::Int => Arc::new(cells.map(|c| c?.parse().ok()).collect::<Int64Array>()),
            Kinds::Float => Arc::new(cells.map(|c| c?.parse().ok()).collect::<Float64Array>()),
            Kinds::Date => Arc::new(cells.map(|c| date(c?)).collect::<Date32Array>()),
            Kinds::Decimal(scale) => {
                let values = cells.map(|c| decimal(c?, *scale)).collect::<Decimal128Array>();
                // `with_precision_and_scale` accepts every scale up to 9 with 18 digits.
                Arc::new(values.clone().with_precision_and_scale(18, *scale).unwrap_or(values))
            }
        }
    }
}

/// Encodes texts as a dictionary of their distinct values, in order of first appearance.
pub(crate) fn dictionary<'a>(cells: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    let mut seen: BTreeMap<&str, i32> = BTreeMap::new();
    let mut values: Vec<&str> = Vec::new();
    let keys: Int32Array = cells
        .map(|cell| {
            cell.map(|text| {
                *seen.entry(text).or_insert_with(|| {
                    values.push(text);
                    values.len() as i32 - 1
                })
            })
        })
        .collect();
    Arc::new(DictionaryArray::new(keys, Arc::new(StringArray::from(values)) as ArrayRef))
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
