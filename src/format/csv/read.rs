//! CSV as our sink writes it: a header with the names of the columns; nothing at all is a null, `""` is an empty text.

use std::fs::File;

use arrow_schema::SchemaRef;

use crate::error::Result;
use crate::format::read::cell::Class;
use crate::format::read::text::{Cell, Grammar, Step, Text};
use crate::format::read::{Source, malformed};
use crate::spreadsheet::is_formula;

/// Opens a file; `guard` says that it was written with a `'` before formulas, which is taken away again.
pub(super) fn open(file: File, schema: &SchemaRef, guard: bool) -> Result<Box<dyn Source>> {
    let names = schema.fields().iter().map(|field| field.name().clone().into_bytes()).collect();
    Ok(Box::new(Text::new(file, schema, Csv { names, headed: false, guard })?))
}

struct Csv {
    names: Vec<Vec<u8>>,
    headed: bool,
    guard: bool,
}

impl Grammar for Csv {
    fn step(&mut self, bytes: &[u8], whole: bool, cells: &mut Vec<Cell>) -> Result<Step> {
        if bytes.is_empty() && whole && self.headed {
            return Ok(Step::End);
        }
        let Some(length) = fields(bytes, whole, cells)? else { return Ok(Step::More) };
        if self.headed {
            return Ok(Step::Row(length));
        }
        self.headed = true;
        let names = cells.iter().map(|cell| {
            let mut name = Vec::new();
            match cell {
                Cell::Null => {}
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
        class == Class::Text || !quoted
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
        if let (true, [b'\'', rest @ ..]) = (self.guard, text) {
            let quotes = rest.iter().take_while(|byte| **byte == b'\'').count();
            if std::str::from_utf8(&rest[quotes..]).is_ok_and(is_formula) {
                return rest;
            }
        }
        text
    }
}

/// The cells of the row at the start of `bytes` and its length; `None` where `bytes` end before the row does.
fn fields(bytes: &[u8], whole: bool, cells: &mut Vec<Cell>) -> Result<Option<usize>> {
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
            cells.push(if escaped { Cell::Escaped(at + 1..end) } else { Cell::Quoted(at + 1..end) });
            at = end + 1;
        } else {
            let Some(length) = bytes[at..].iter().position(|byte| matches!(byte, b',' | b'\n' | b'"' | b'\r')) else {
                return Ok(None);
            };
            cells.push(if length == 0 { Cell::Null } else { Cell::Bare(at..at + length) });
            at += length;
        }
        match bytes.get(at) {
            None => return Ok(None),
            Some(b',') => at += 1,
            Some(b'\n') => return Ok(Some(at + 1)),
            Some(_) => return Err(malformed(format!("cell {} is not quoted as it should be", cells.len()))),
        }
    }
}
