//! Text as it is written: lines of any form, lines of one width, and HTML.

use std::io::Write;

use super::super::render::{Cell, Out};
use super::{Form, Syntax, day_of, refused, time_of_day, xml};
use crate::sql::civil;

/// HTML, with the escapes of XML in values.
pub(super) static HTML: Syntax = Syntax {
    name: "html",
    about: "HTML as it is written, with escapes in values",
    extension: "html",
    starter: include_str!("starters/html.j2"),
    has_lines: true,
    form: &Text { escape: html, width: None },
};

/// Lines of text. A value has no line ends and no other control characters.
pub(super) static TEXT: Syntax = Syntax {
    name: "text",
    about: "lines as they are written; a value has no control characters",
    extension: "txt",
    starter: include_str!("starters/text.j2"),
    has_lines: true,
    form: &Text { escape: |out, cell| plain(out, cell, |c| !c.is_control()), width: None },
};

/// Lines of 94 characters of ASCII, as NACHA files have them.
pub(super) static FIXED: Syntax = Syntax {
    name: "fixed94",
    about: "lines of 94 characters of ASCII",
    extension: "ach",
    starter: include_str!("starters/fixed94.j2"),
    has_lines: true,
    form: &Text { escape: ascii, width: Some(94) },
};

/// Writes a value, or says what it has that cannot be written.
type Escape = fn(&mut Vec<u8>, Cell<'_>) -> Result<(), String>;

#[derive(Debug)]
struct Text {
    escape: Escape,
    /// The number of characters of each line, where it is one.
    width: Option<usize>,
}

impl Form for Text {
    fn value(&self, out: &mut Out, cell: Cell<'_>, _: u8) -> Result<(), String> {
        (self.escape)(&mut out.bytes, cell)
    }

    fn finish(&self, out: &mut Out) -> Result<(), String> {
        let Some(width) = self.width else { return Ok(()) };
        for (n, line) in out.bytes[out.start..].split(|byte| *byte == b'\n').enumerate() {
            if (line.len() != width && !line.is_empty()) || !line.is_ascii() {
                let line = String::from_utf8_lossy(line);
                let (at, long) = (n + 1, line.chars().count());
                return Err(format!("line {at} has {long} characters instead of {width} of ASCII: `{line}`"));
            }
        }
        Ok(())
    }
}

/// Writes a value of HTML: an instant with a blank between date and time.
fn html(out: &mut Vec<u8>, cell: Cell<'_>) -> Result<(), String> {
    match cell {
        Cell::Instant(micros) => {
            out.extend_from_slice(civil::instant_text(micros).as_bytes());
            Ok(())
        }
        // HTML has no form of a carriage return that a parser takes.
        Cell::Text(text) if text.contains('\r') => Err(refused('\r')),
        cell => xml::markup(out, cell),
    }
}

/// Writes a value of printable ASCII.
pub(super) fn ascii(out: &mut Vec<u8>, cell: Cell<'_>) -> Result<(), String> {
    plain(out, cell, |c| (' '..='~').contains(&c))
}

/// Writes a value of characters that are allowed, dates and times as digits.
fn plain(out: &mut Vec<u8>, cell: Cell<'_>, allowed: impl Fn(char) -> bool) -> Result<(), String> {
    match cell {
        Cell::Text(text) => match text.chars().find(|c| !allowed(*c)) {
            Some(c) => return Err(refused(c)),
            None => out.extend_from_slice(text.as_bytes()),
        },
        Cell::Date(days) => {
            let (y, m, d) = civil::from_days(days);
            write!(out, "{y:04}{m:02}{d:02}").map_err(|error| error.to_string())?;
        }
        Cell::Instant(micros) => {
            let ((y, mo, d), (h, mi, s)) = (civil::from_days(day_of(micros)), time_of_day(micros));
            write!(out, "{y:04}{mo:02}{d:02}{h:02}{mi:02}{s:02}").map_err(|error| error.to_string())?;
        }
        Cell::Boolean(value) => out.push(if value { b'Y' } else { b'N' }),
        number => number.number(out),
    }
    Ok(())
}
