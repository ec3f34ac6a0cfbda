//! Rows of a file with one JSON object a line.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, SchemaRef};
use indexmap::IndexMap;

use super::open::{BYTES, Batches, Column, MOST_COLUMNS, ROWS};
use super::scan::{Value, members};
use crate::disk::Lines;
use crate::error::{Error, Kind, Result};
use crate::format::read::{MOST_RECORD, TextColumn, normal};

/// The lines that have something in them.
struct Objects {
    lines: Lines,
    line: u64,
}

impl Objects {
    fn new(mut file: File) -> Result<Self> {
        let io = |error: std::io::Error| Error::new(Kind::Io, error.to_string());
        let mut mark = Vec::new();
        (&mut file).take(3).read_to_end(&mut mark).map_err(io)?;
        file.seek(SeekFrom::Start(if mark == b"\xEF\xBB\xBF" { 3 } else { 0 })).map_err(io)?;
        Ok(Self { lines: Lines::new(file, MOST_RECORD as u64), line: 0 })
    }

    /// Hands the members of the next object to `each`, with their names and values; `false` after the last.
    fn next(&mut self, each: &mut dyn FnMut(&str, Value<'_>) -> Result<()>) -> Result<Option<usize>> {
        loop {
            self.line += 1;
            let line = self.lines.next_line().map_err(|error| match error.kind() {
                std::io::ErrorKind::FileTooLarge => wrong(error.to_string()),
                _ => Error::new(Kind::Io, error.to_string()),
            })?;
            let Some(line) = line else { return Ok(None) };
            let text = std::str::from_utf8(line).map_err(|_| wrong("it is not UTF-8"))?;
            if !text.trim().is_empty() {
                members(text, each)?;
                return Ok(Some(text.len()));
            }
        }
    }
}

fn wrong(what: impl Into<String>) -> Error {
    Error::new(Kind::Verification, what)
}

/// The type of the values of a column.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a form that some value has")]
struct Seen {
    text: bool,
    boolean: bool,
    integer: bool,
    number: bool,
    nested: bool,
    /// True if a number has more digits than a double keeps, or none of its type has it.
    long: bool,
}

impl Seen {
    fn add(&mut self, value: &Value<'_>) {
        match value {
            Value::Null => {}
            Value::Text(_) => self.text = true,
            Value::Boolean(_) => self.boolean = true,
            Value::Nested => self.nested = true,
            Value::Number(text) => {
                let digits = text.split(['e', 'E']).next().unwrap_or_default();
                let digits = digits.bytes().filter(u8::is_ascii_digit).count();
                match text.parse::<i64>() {
                    Ok(_) => self.integer = true,
                    Err(_) => self.number = true,
                }
                self.long |= digits > 15 && text.parse::<i64>().is_err();
                // A large integer beside a fraction would lose its last digits as a double.
                self.long |= digits > 15 && self.number;
            }
        }
    }

    /// The type of such values, and its name; `None` where one type cannot have them all.
    fn ty(&self) -> (Option<DataType>, &'static str) {
        match (self.text, self.boolean, self.integer || self.number) {
            _ if self.nested => (None, "an object or a list"),
            (false, false, true) if self.long => (None, "a number of more than 15 digits"),
            (false, false, true) if self.number => (Some(DataType::Float64), "double"),
            (false, false, true) => (Some(DataType::Int64), "integer"),
            (false, true, false) => (Some(DataType::Boolean), "boolean"),
            (_, false, false) => (Some(DataType::Utf8), "text"),
            _ => (None, "a text here and a number there"),
        }
    }
}

/// The columns: every name that some object has, in the order of the first of them, and the types of the values.
pub(super) fn columns(file: File) -> Result<Vec<Column>> {
    let (mut objects, mut all) = (Objects::new(file)?, IndexMap::<String, Seen>::new());
    let mut look = |name: &str, value: Value<'_>| {
        if let Some(seen) = all.get_mut(name) {
            seen.add(&value);
            return Ok(());
        }
        all.entry(name.to_owned()).or_default().add(&value);
        if all.len() > MOST_COLUMNS {
            return Err(wrong(format!("there are more than {MOST_COLUMNS} columns")));
        }
        Ok(())
    };
    loop {
        let next = objects.next(&mut look).map_err(|error| at_line(error, objects.line));
        if next?.is_none() {
            break;
        }
    }
    if all.is_empty() {
        return Err(wrong("it is empty: it has no object"));
    }
    let column = |(name, seen): (String, Seen)| {
        let (ty, shown) = seen.ty();
        Column { name, ty, shown: shown.to_owned(), nested: seen.nested }
    };
    Ok(all.into_iter().map(column).collect())
}

fn at_line(error: Error, line: u64) -> Error {
    let hint = error.hint_text().map(str::to_owned);
    Error::new(error.kind(), format!("line {line}: {}", error.message())).maybe_hint(hint)
}

/// The rows.
pub(super) struct Json {
    objects: Objects,
    schema: SchemaRef,
    columns: Vec<TextColumn>,
    /// The place of each name, and the number of the row that had a value there last, from 1.
    places: IndexMap<String, (usize, u64)>,
    rows: u64,
}

impl Json {
    pub(super) fn new(file: File, schema: &SchemaRef) -> Result<Self> {
        let columns = schema.fields().iter().map(|field| TextColumn::new(field)).collect::<Result<_>>()?;
        let places = schema.fields().iter().enumerate().map(|(at, field)| (field.name().clone(), (at, 0)));
        Ok(Self {
            objects: Objects::new(file)?,
            schema: Arc::clone(schema),
            columns,
            places: places.collect(),
            rows: 0,
        })
    }

    /// Reads an object into the columns, and gives its bytes; `None` after the last.
    fn object(&mut self) -> Result<Option<usize>> {
        let (row, mut room) = (self.rows + 1, String::new());
        let (columns, places, schema) = (&mut self.columns, &mut self.places, &self.schema);
        let mut put = |name: &str, value: Value<'_>| {
            let Some((at, last)) = places.get_mut(name) else { return Ok(()) };
            *last = row;
            let column = &mut columns[*at];
            let ty = schema.field(*at).data_type();
            match value {
                Value::Null | Value::Nested => column.null(),
                Value::Boolean(value) => column.value(if value { b"true" } else { b"false" }),
                Value::Number(text) if *ty == DataType::Utf8 => column.value(text.as_bytes()),
                Value::Number(text) => column.value(normal(ty, text, &mut room).as_bytes()),
                Value::Text(text) if *ty == DataType::Utf8 => column.value(text.as_bytes()),
                Value::Text(text) => column.value(normal(ty, &text, &mut room).as_bytes()),
            }
        };
        let Some(bytes) = self.objects.next(&mut put)? else { return Ok(None) };
        for (at, last) in self.places.values() {
            if *last != row {
                self.columns[*at].null()?;
            }
        }
        self.rows = row;
        Ok(Some(bytes))
    }
}

impl Batches for Json {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        let (mut rows, mut bytes) = (0, 0);
        while rows < ROWS
            && bytes < BYTES
            && let Some(more) = self.object()?
        {
            rows += 1;
            bytes += more;
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns = self.columns.iter_mut().map(TextColumn::finish).collect();
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }

    fn place(&self) -> String {
        format!("line {}", self.objects.line)
    }
}
