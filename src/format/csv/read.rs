//! CSV as our sink writes it: a header with the names of the columns; nothing at all is a null, `""` is an empty text. The form of a file
//! says otherwise where settings did.

use std::fs::File;

use arrow_schema::SchemaRef;

use super::dialect::{Form, Quotes};
use crate::error::Result;
use crate::format::read::cell::Class;
use crate::format::read::text::{Cell, Grammar, Step, Text};
use crate::format::read::{Source, malformed};
use crate::spreadsheet::is_formula;

/// Opens a file of a form; a `'` that was written before a formula is taken away again.
pub(super) fn open(file: File, schema: &SchemaRef, form: Form) -> Result<Box<dyn Source>> {
    let names = schema.fields().iter().map(|field| field.name().clone().into_bytes()).collect();
    Ok(Box::new(Text::new(file, schema, Csv { names, headed: !form.header, marked: !form.bom, form })?))
}

struct Csv {
    names: Vec<Vec<u8>>,
    /// The header was read, or there is none.
    headed: bool,
    /// The byte order mark was read, or there is none.
    marked: bool,
    form: Form,
}

impl Grammar for Csv {
    fn step(&mut self, bytes: &[u8], whole: bool, cells: &mut Vec<Cell>) -> Result<Step> {
        if !self.marked {
            let mark = "\u{feff}".as_bytes();
            self.marked = bytes.starts_with(mark);
            return match self.marked {
                true => Ok(Step::Skip(mark.len())),
                false if bytes.len() < mark.len() && !whole => Ok(Step::More),
                false => Err(malformed("the file does not begin with a byte order mark")),
            };
        }
        if bytes.is_empty() && whole && self.headed {
            return Ok(Step::End);
        }
        let Some(length) = self.fields(bytes, whole, cells)? else { return Ok(Step::More) };
        if self.headed {
            return Ok(Step::Row(length));
        }
        self.headed = true;
        let names = cells.iter().map(|cell| {
            let mut name = Vec::new();
            match cell {
                // A name that is equal to the marker of nulls.
                Cell::Null => name.extend_from_slice(self.form.null.as_bytes()),
                Cell::Bare(range) | Cell::Quoted(range) => name.extend_from_slice(&bytes[range.clone()]),
                Cell::Escaped(range) => self.unescape(&bytes[range.clone()], &mut name)?,
            }
            Ok(name)
        });
        if names.collect::<Result<Vec<_>>>()? != self.names {
            return Err(malformed("the header does not have the names of the columns"));
        }
        Ok(Step::Skip(length))
    }

    fn fits(&self, class: Class, quoted: bool) -> bool {
        match self.form.quotes {
            Quotes::Minimal => class == Class::Text || !quoted,
            Quotes::All | Quotes::NonNull => quoted,
        }
    }

    fn unescape(&self, text: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let mut rest = text;
        while let Some(quote) = rest.iter().position(|byte| *byte == b'"') {
            out.extend_from_slice(&rest[..=quote]);
            // The second of two.
            rest = &rest[quote + 2..];
        }
        out.extend_from_slice(rest);
        Ok(())
    }

    fn unguard<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        if let (true, [b'\'', rest @ ..]) = (self.form.guard, text) {
            let quotes = rest.iter().take_while(|byte| **byte == b'\'').count();
            if std::str::from_utf8(&rest[quotes..]).is_ok_and(is_formula) {
                return rest;
            }
        }
        text
    }
}

impl Csv {
    /// The cells of the row at the start of `bytes` and its length; `None` where `bytes` end before the row does.
    fn fields(&self, bytes: &[u8], whole: bool, cells: &mut Vec<Cell>) -> Result<Option<usize>> {
        let (null, delimiter) = (self.form.null.as_bytes(), self.form.delimiter);
        let mut at = 0;
        loop {
            if bytes.get(at) == Some(&b'"') {
                let (mut end, mut escaped) = (at + 1, false);
                loop {
                    let Some(quote) = bytes[end..].iter().position(|byte| *byte == b'"') else { return Ok(None) };
                    end += quote;
                    match bytes.get(end + 1) {
                        Some(b'"') => (end, escaped) = (end + 2, true),
                        None if !whole => return Ok(None),
                        _ => break,
                    }
                }
                let text = at + 1..end;
                cells.push(match escaped {
                    true => Cell::Escaped(text),
                    false if self.form.quotes == Quotes::All && bytes[text.clone()] == *null => Cell::Null,
                    false => Cell::Quoted(text),
                });
                at = end + 1;
            } else {
                let ends = |byte: &u8| *byte == delimiter || matches!(byte, b'\n' | b'"' | b'\r');
                let Some(length) = bytes[at..].iter().position(ends) else { return Ok(None) };
                let text = at..at + length;
                let bare_null = self.form.quotes != Quotes::All && bytes[text.clone()] == *null;
                if length == 0 && !bare_null {
                    return Err(malformed(format!("cell {} has neither a value nor quotes", cells.len() + 1)));
                }
                cells.push(if bare_null { Cell::Null } else { Cell::Bare(text) });
                at += length;
            }
            match (bytes.get(at), bytes.get(at + 1), self.form.line_end) {
                (None, ..) => return Ok(None),
                (Some(byte), ..) if *byte == delimiter => at += 1,
                (Some(b'\n'), _, "\n") => return Ok(Some(at + 1)),
                (Some(b'\r'), Some(b'\n'), "\r\n") => return Ok(Some(at + 2)),
                (Some(b'\r'), None, "\r\n") if !whole => return Ok(None),
                _ => return Err(malformed(format!("cell {} is not quoted as it should be", cells.len()))),
            }
        }
    }
}
