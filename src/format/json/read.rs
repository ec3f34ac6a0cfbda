//! JSON as our sink writes it: every column in every row, in order; no blanks.

use std::fs::File;

use arrow_schema::SchemaRef;

use crate::error::{Error, Result};
use crate::format::read::cell::Class;
use crate::format::read::text::{Cell, Grammar, Step, Text};
use crate::format::read::{Source, malformed};

/// Opens a file; `array` says that brackets stand around the rows.
pub(super) fn open(file: File, schema: &SchemaRef, array: bool) -> Result<Box<dyn Source>> {
    Ok(Box::new(Text::new(file, schema, Json::new(schema, array)?)?))
}

struct Json {
    /// `{"first":`, `,"second":` and so on.
    labels: Vec<Vec<u8>>,
    array: bool,
    place: Place,
}

/// The place in an array.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    /// The next is a row.
    Row,
    /// After a row.
    After,
    End,
}

impl Json {
    fn new(schema: &SchemaRef, array: bool) -> Result<Self> {
        let label = |(n, name): (usize, &String)| {
            let name = serde_json::to_string(name).map_err(|error| Error::internal(error.to_string()))?;
            Ok(format!("{}{name}:", if n == 0 { '{' } else { ',' }).into_bytes())
        };
        let labels = schema.fields().iter().map(|field| field.name()).enumerate().map(label).collect::<Result<_>>()?;
        Ok(Self { labels, array, place: if array { Place::Start } else { Place::Row } })
    }

    /// The cells of an object at the start of `bytes` and its length without what follows it.
    fn object(&self, bytes: &[u8], cells: &mut Vec<Cell>) -> Result<Option<usize>> {
        let mut at = 0;
        for label in &self.labels {
            match starts(&bytes[at..], label) {
                Some(true) => at += label.len(),
                Some(false) => return Err(malformed(format!("column {} has another name", cells.len() + 1))),
                None => return Ok(None),
            }
            let Some((cell, length)) = value(&bytes[at..], at)? else { return Ok(None) };
            cells.push(cell);
            at += length;
        }
        match bytes.get(at) {
            None => Ok(None),
            Some(b'}') => Ok(Some(at + 1)),
            Some(_) => Err(malformed("more columns than there are")),
        }
    }
}

impl Grammar for Json {
    fn step(&mut self, bytes: &[u8], whole: bool, cells: &mut Vec<Cell>) -> Result<Step> {
        // What may follow here, and where it leads.
        let follows: &[(&[u8], Place)] = match (self.array, self.place) {
            (_, Place::Row) => {
                if !self.array && bytes.is_empty() && whole {
                    return Ok(Step::End);
                }
                let Some(length) = self.object(bytes, cells)? else { return Ok(Step::More) };
                self.place = Place::After;
                return Ok(Step::Row(length));
            }
            (_, Place::End) => {
                return match (bytes, whole) {
                    ([], true) => Ok(Step::End),
                    ([], false) => Ok(Step::More),
                    _ => Err(malformed("text after the end of the array")),
                };
            }
            (true, Place::Start) => &[(b"[\n", Place::Row), (b"[]\n", Place::End)],
            (true, Place::After) => &[(b",\n", Place::Row), (b"\n]\n", Place::End)],
            (false, _) => &[(b"\n", Place::Row)],
        };
        let mut short = false;
        for (text, place) in follows {
            match starts(bytes, text) {
                Some(true) => {
                    self.place = *place;
                    return Ok(Step::Skip(text.len()));
                }
                Some(false) => {}
                None => short = true,
            }
        }
        if short { Ok(Step::More) } else { Err(malformed("something else stands between rows")) }
    }

    fn fits(&self, class: Class, quoted: bool) -> bool {
        quoted == (class != Class::Bare)
    }

    fn unescape(&self, text: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let mut rest = text;
        while let Some(slash) = rest.iter().position(|byte| *byte == b'\\') {
            out.extend_from_slice(&rest[..slash]);
            let (byte, length) = match &rest[slash + 1..] {
                [byte @ (b'"' | b'\\'), ..] => (*byte, 2),
                [b'n', ..] => (b'\n', 2),
                [b'r', ..] => (b'\r', 2),
                [b't', ..] => (b'\t', 2),
                [b'b', ..] => (0x08, 2),
                [b'f', ..] => (0x0c, 2),
                [b'u', b'0', b'0', high @ b'0'..=b'1', low @ (b'0'..=b'9' | b'a'..=b'f'), ..] => {
                    let low = if low.is_ascii_digit() { low - b'0' } else { low - b'a' + 10 };
                    ((high - b'0') * 16 + low, 6)
                }
                _ => return Err(malformed("an escape that is never written")),
            };
            out.push(byte);
            rest = &rest[slash + length..];
        }
        out.extend_from_slice(rest);
        Ok(())
    }
}

/// Compares the start of `bytes` with `text`; `None` where they are too short to tell.
fn starts(bytes: &[u8], text: &[u8]) -> Option<bool> {
    let length = bytes.len().min(text.len());
    match bytes[..length] == text[..length] {
        false => Some(false),
        true => (length == text.len()).then_some(true),
    }
}

/// The value at the start of `bytes`, and its length; `at` is the place of `bytes` in the row.
fn value(bytes: &[u8], at: usize) -> Result<Option<(Cell, usize)>> {
    if bytes.first() != Some(&b'"') {
        let Some(length) = bytes.iter().position(|byte| matches!(byte, b',' | b'}' | b'\n')) else { return Ok(None) };
        let cell = match &bytes[..length] {
            [] => return Err(malformed("a value is missing")),
            b"null" => Cell::Null,
            b"NaN" | b"inf" | b"-inf" => return Err(malformed("the value has no form in JSON")),
            _ => Cell::Bare(at..at + length),
        };
        return Ok(Some((cell, length)));
    }
    let (mut end, mut escaped) = (1, false);
    loop {
        let Some(found) = bytes[end..].iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) else {
            return Ok(None);
        };
        end += found;
        match bytes[end] {
            b'"' => break,
            b'\\' if end + 1 < bytes.len() => (end, escaped) = (end + 2, true),
            b'\\' => return Ok(None),
            _ => return Err(malformed("a control character in a text")),
        }
    }
    let range = at + 1..at + end;
    Ok(Some((if escaped { Cell::Escaped(range) } else { Cell::Quoted(range) }, end + 1)))
}
