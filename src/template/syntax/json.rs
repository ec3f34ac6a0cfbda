//! JSON: a value is a literal, or the text between the quotes around it. Members and elements without a value are left out, and
//! objects and lists that are empty then; commas too many do not matter.

mod prune;

use super::super::render::{Cell, Out};
use super::super::{Code, Loop, Node};
use super::{ABSENT, Form, NEEDED, Scan, Syntax, day_of, time_of_day};
use crate::sql::civil;
use prune::prune;

/// The context of a value between quotes.
const QUOTED: u8 = 1;

/// JSON, a message on one line.
pub(super) static JSON: Syntax = Syntax {
    name: "json",
    about: "JSON on one line: members without a value are left out, and what is empty without them",
    extension: "ndjson",
    starter: include_str!("starters/json.j2"),
    has_lines: false,
    form: &Json,
};

#[derive(Debug)]
struct Json;

impl Form for Json {
    fn text(&self, text: &str, scan: &mut Scan, nodes: &mut Vec<Node<Code, Loop>>) {
        for c in text.chars() {
            let escaped = scan.before.take() == Some('\\');
            match c {
                '"' if !escaped => scan.context ^= QUOTED,
                '\\' if !escaped && scan.context == QUOTED => scan.before = Some('\\'),
                _ => {}
            }
        }
        nodes.push(Node::Text(text.as_bytes().into()));
    }

    fn value(&self, out: &mut Out, cell: Cell<'_>, context: u8) -> Result<(), String> {
        let bytes = &mut out.bytes;
        let quotes = context != QUOTED && matches!(cell, Cell::Text(_) | Cell::Date(_) | Cell::Instant(_));
        if quotes {
            bytes.push(b'"');
        }
        match cell {
            Cell::Text(text) => escape(bytes, text),
            Cell::Date(days) => bytes.extend_from_slice(civil::date_text(days).as_bytes()),
            Cell::Instant(micros) => instant(bytes, micros),
            Cell::Boolean(value) => bytes.extend_from_slice(if value { b"true" } else { b"false" }),
            number => number.number(bytes),
        }
        if quotes {
            bytes.push(b'"');
        }
        Ok(())
    }

    fn missing(&self, out: &mut Out, context: u8, required: bool) {
        match (context, required) {
            (_, true) => out.bytes.push(NEEDED),
            (QUOTED, false) => out.bytes.push(ABSENT),
            _ => out.bytes.extend_from_slice(b"null"),
        }
    }

    fn finish(&self, out: &mut Out) -> Result<(), String> {
        out.rewrite(prune)
    }
}

/// Writes an instant as RFC 3339 in UTC, with the digits of its second that are not zero.
pub(super) fn instant(out: &mut Vec<u8>, micros: i64) {
    let (day, fraction, (h, m, s)) = (day_of(micros), micros.rem_euclid(1_000_000), time_of_day(micros));
    let digits = if fraction % 1_000 == 0 { 3 } else { 6 };
    let text = match fraction {
        0 => format!("{}T{h:02}:{m:02}:{s:02}Z", civil::date_text(day)),
        _ => format!("{}T{h:02}:{m:02}:{s:02}.{}Z", civil::date_text(day), &format!("{fraction:06}")[..digits]),
    };
    out.extend_from_slice(text.as_bytes());
}

/// Writes the text of a string with JSON's escapes.
fn escape(out: &mut Vec<u8>, text: &str) {
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[copied..at]);
        copied = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
    }
    out.extend_from_slice(&text.as_bytes()[copied..]);
}
