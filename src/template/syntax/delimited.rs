//! Records of parts between separators: HL7 version 2, X12.
//!
//! Parts that are empty before the end of their record are left out with their separators, and a record that has nothing but its name
//! is left out as a whole. A record whose name is a header's defines the separators, and stays as it is written.

use std::io::Write;

use super::super::render::{Cell, Out};
use super::super::{Code, Loop, Node};
use super::{Form, Scan, Syntax, day_of, refused, time_of_day};
use crate::sql::civil;

/// HL7 version 2 with its usual separators: HL7 v2.5.1, chapter 2, section 2.5.3; escapes: section 2.7.
pub(super) static HL7: Syntax = Syntax {
    name: "hl7",
    about: "HL7 version 2: a segment a line, separators |^~\\&, escapes such as \\T\\",
    extension: "hl7",
    starter: include_str!("starters/hl7.j2"),
    has_lines: false,
    form: &Delimited {
        written: b'\n',
        end: b"\r",
        separators: b"|~^&",
        headers: &["MSH|", "FHS|", "BHS|"],
        opens: &["MSH|"],
        escape: hl7_text,
        instant: |out, (y, mo, d), (h, mi, s)| write!(out, "{y:04}{mo:02}{d:02}{h:02}{mi:02}{s:02}+0000"),
        short_decimals: false,
    },
};

/// X12 with its usual separators: `*`, `^` for repetitions, `:` for components, `~` at the end. A value with one of them is refused.
pub(super) static X12: Syntax = Syntax {
    name: "x12",
    about: "X12: segments that end with ~, separators * ^ :, decimals in their shortest form",
    extension: "x12",
    starter: include_str!("starters/x12.j2"),
    has_lines: false,
    form: &Delimited {
        written: b'~',
        end: b"~",
        separators: b"*^:",
        headers: &["ISA*"],
        opens: &["ST*"],
        escape: x12_text,
        instant: |out, (y, mo, d), (h, mi, _)| write!(out, "{y:04}{mo:02}{d:02}{h:02}{mi:02}"),
        short_decimals: true,
    },
};

/// Writes an instant from its date and time of day, in UTC.
type Instant = fn(&mut Vec<u8>, (i32, u32, u32), (i64, i64, i64)) -> std::io::Result<()>;

#[derive(Debug)]
struct Delimited {
    /// The character that ends a record in a template, and what is written for it.
    written: u8,
    end: &'static [u8],
    /// The separators, the outermost first.
    separators: &'static [u8],
    /// The beginnings of records that define the separators.
    headers: &'static [&'static str],
    /// The beginnings of records from which records are counted.
    opens: &'static [&'static str],
    escape: fn(&mut Vec<u8>, &str) -> Result<(), String>,
    instant: Instant,
    short_decimals: bool,
}

impl Form for Delimited {
    fn text(&self, text: &str, scan: &mut Scan, nodes: &mut Vec<Node<Code, Loop>>) {
        let mut plain = Vec::new();
        let flush = |plain: &mut Vec<u8>, nodes: &mut Vec<_>| {
            if !plain.is_empty() {
                nodes.push(Node::Text(std::mem::take(plain).into()));
            }
        };
        for (at, byte) in text.bytes().enumerate() {
            if !scan.inside {
                scan.header = self.headers.iter().any(|header| text[at..].starts_with(header));
                scan.context = u8::from(scan.header);
            }
            match byte {
                byte if byte == self.written => {
                    flush(&mut plain, nodes);
                    nodes.push(Node::End);
                    scan.inside = false;
                    continue;
                }
                b'\r' | b'\n' => continue,
                byte if !scan.header && self.separators.contains(&byte) => {
                    flush(&mut plain, nodes);
                    nodes.push(Node::Separator(byte));
                }
                byte => plain.push(byte),
            }
            scan.inside = true;
        }
        flush(&mut plain, nodes);
    }

    fn value(&self, out: &mut Out, cell: Cell<'_>, context: u8) -> Result<(), String> {
        let bytes = &mut out.bytes;
        match cell {
            // Parts of a header may have a fixed width, with blanks at the end.
            Cell::Text(text) => {
                return (self.escape)(bytes, if context == 0 { text.trim_end_matches(' ') } else { text });
            }
            Cell::Date(days) => {
                let (y, m, d) = civil::from_days(days);
                write!(bytes, "{y:04}{m:02}{d:02}")
            }
            Cell::Instant(micros) => (self.instant)(bytes, civil::from_days(day_of(micros)), time_of_day(micros)),
            Cell::Boolean(value) => {
                bytes.push(if value { b'Y' } else { b'N' });
                Ok(())
            }
            Cell::Decimal(value, scale) if self.short_decimals => {
                cell.number(bytes);
                if scale > 0 && (value == 0 || value % 10 == 0) {
                    while bytes.last() == Some(&b'0') {
                        bytes.pop();
                    }
                    if bytes.last() == Some(&b'.') {
                        bytes.pop();
                    }
                }
                Ok(())
            }
            number => {
                number.number(bytes);
                Ok(())
            }
        }
        .map_err(|error| error.to_string())
    }

    fn missing(&self, out: &mut Out, _: u8, required: bool) {
        out.dropped |= required;
    }

    fn separator(&self, out: &mut Out, separator: u8) {
        let level = self.separators.iter().position(|known| *known == separator).unwrap_or_default();
        let lower = &self.separators[level + 1..];
        while out.bytes.len() > out.record && out.bytes.last().is_some_and(|last| lower.contains(last)) {
            out.bytes.pop();
        }
        out.bytes.push(separator);
    }

    fn end(&self, out: &mut Out) {
        let begins =
            |out: &Out, with: &[&str]| with.iter().any(|with| out.bytes[out.record..].starts_with(with.as_bytes()));
        if !begins(out, self.headers) {
            while out.bytes.len() > out.record && out.bytes.last().is_some_and(|last| self.separators.contains(last)) {
                out.bytes.pop();
            }
        }
        let record = &out.bytes[out.record..];
        if out.dropped || !record.contains(&self.separators[0]) {
            out.bytes.truncate(out.record);
        } else {
            out.records = if begins(out, self.opens) { 1 } else { out.records + 1 };
            out.bytes.extend_from_slice(self.end);
        }
        (out.record, out.dropped) = (out.bytes.len(), false);
    }

    fn finish(&self, out: &mut Out) -> Result<(), String> {
        self.end(out);
        Ok(())
    }
}

/// Writes text with the escapes of HL7: separators, the escape character, and characters below space as hex digits.
fn hl7_text(out: &mut Vec<u8>, text: &str) -> Result<(), String> {
    for c in text.chars() {
        match c {
            '|' => out.extend_from_slice(b"\\F\\"),
            '^' => out.extend_from_slice(b"\\S\\"),
            '&' => out.extend_from_slice(b"\\T\\"),
            '~' => out.extend_from_slice(b"\\R\\"),
            '\\' => out.extend_from_slice(b"\\E\\"),
            '\u{0}' => return Err(refused(c)),
            c if c < ' ' || c == '\u{7f}' => {
                write!(out, "\\X{:02X}\\", u32::from(c)).map_err(|error| error.to_string())?;
            }
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Ok(())
}

/// Writes text of X12's basic and extended character sets, which have no escapes.
fn x12_text(out: &mut Vec<u8>, text: &str) -> Result<(), String> {
    match text.chars().find(|c| matches!(c, '*' | '~' | '^' | ':') || !(' '..='~').contains(c)) {
        Some(c) => Err(refused(c)),
        None => {
            out.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
}
