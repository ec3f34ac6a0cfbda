//! JSON: a value is a literal, or the text between the quotes around it. Members and elements without a value are left out, and
//! objects and lists that are empty then; commas too many do not matter.

use super::super::render::{Cell, Out};
use super::super::{Loop, Node, Scoped};
use super::{Scan, Syntax};
use crate::sql::civil;

/// The context of a value between quotes.
const QUOTED: u8 = 1;
/// The mark of a missing value within quotes, and of one that its object needs. No value and no template has these characters.
const ABSENT: u8 = 0;
const NEEDED: u8 = 1;
/// How deep objects and lists may be nested.
const MAX_DEPTH: usize = 64;

#[derive(Debug)]
pub(super) struct Json;

impl Syntax for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn about(&self) -> &'static str {
        "JSON on one line: members without a value are left out, and what is empty without them"
    }

    fn starter(&self) -> &'static str {
        include_str!("starters/json.j2")
    }

    fn extension(&self) -> &'static str {
        "ndjson"
    }

    fn text(&self, text: &str, scan: &mut Scan, nodes: &mut Vec<Node<Scoped, Loop>>) {
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
        let mut spare = std::mem::take(&mut out.spare);
        spare.clear();
        let mut pruner = Pruner { text: &out.bytes[out.start..], at: 0, out: &mut spare, depth: 0 };
        let kept = pruner.value()?;
        pruner.blank();
        if pruner.at < pruner.text.len() {
            return Err(pruner.expected("the end"));
        }
        if kept != Kept::Value {
            return Err("the message is empty".to_owned());
        }
        out.bytes.truncate(out.start);
        out.bytes.extend_from_slice(&spare);
        out.spare = spare;
        Ok(())
    }
}

/// Writes an instant as RFC 3339 in UTC, with the digits of its second that are not zero.
pub(super) fn instant(out: &mut Vec<u8>, micros: i64) {
    let (day, rest) = (micros.div_euclid(civil::DAY) as i32, micros.rem_euclid(civil::DAY));
    let (seconds, fraction) = (rest / 1_000_000, rest % 1_000_000);
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
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

/// What is left of a value.
#[derive(Debug, PartialEq, Eq)]
enum Kept {
    Value,
    Nothing,
    /// Nothing, and the object around it goes too.
    Needed,
}

/// Copies JSON without what has no value.
struct Pruner<'t, 'o> {
    text: &'t [u8],
    at: usize,
    out: &'o mut Vec<u8>,
    depth: usize,
}

impl Pruner<'_, '_> {
    fn expected(&self, what: &str) -> String {
        let near = String::from_utf8_lossy(&self.text[self.at..self.text.len().min(self.at + 24)]).into_owned();
        match near.as_str() {
            "" => format!("the JSON ends where {what} is expected"),
            near => format!("the JSON has `{}` where {what} is expected", near.escape_debug()),
        }
    }

    fn blank(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Result<Kept, String> {
        self.blank();
        match self.text.get(self.at) {
            Some(b'{') => self.nested(b'}'),
            Some(b'[') => self.nested(b']'),
            Some(b'"') => self.string(),
            Some(&NEEDED) => {
                self.at += 1;
                Ok(Kept::Needed)
            }
            Some(byte) if byte.is_ascii_alphanumeric() || *byte == b'-' => {
                let rest = &self.text[self.at..];
                let end = rest.iter().position(|b| !(b.is_ascii_alphanumeric() || b"+-.".contains(b)));
                let literal = &rest[..end.unwrap_or(rest.len())];
                self.at += literal.len();
                if literal == b"null" {
                    return Ok(Kept::Nothing);
                }
                if !is_number(literal) && literal != b"true" && literal != b"false" {
                    self.at -= literal.len();
                    return Err(self.expected("a value"));
                }
                self.out.extend_from_slice(literal);
                Ok(Kept::Value)
            }
            _ => Err(self.expected("a value")),
        }
    }

    fn string(&mut self) -> Result<Kept, String> {
        let rest = &self.text[self.at..];
        let mut end = 1;
        while let Some(byte) = rest.get(end) {
            match byte {
                b'"' => break,
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
        let string = rest.get(..=end).ok_or_else(|| self.expected("the end of a string"))?;
        if let Some(wrong) = misspelt(string) {
            return Err(format!(
                "the JSON has {wrong} in a string: `{}`",
                String::from_utf8_lossy(string).escape_debug()
            ));
        }
        self.at += string.len();
        if string.contains(&NEEDED) {
            return Ok(Kept::Needed);
        }
        if string.contains(&ABSENT) {
            return Ok(Kept::Nothing);
        }
        self.out.extend_from_slice(string);
        Ok(Kept::Value)
    }

    /// Copies an object or a list.
    fn nested(&mut self, close: u8) -> Result<Kept, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("the JSON is nested more than {MAX_DEPTH} deep"));
        }
        let (start, mut needed) = (self.out.len(), false);
        self.out.push(self.text[self.at]);
        self.at += 1;
        loop {
            self.blank();
            match self.text.get(self.at) {
                Some(b',') => {
                    self.at += 1;
                    continue;
                }
                Some(byte) if *byte == close => break,
                _ => {}
            }
            let before = self.out.len();
            if before > start + 1 {
                self.out.push(b',');
            }
            if close == b'}' {
                if self.text.get(self.at) != Some(&b'"') || self.string()? != Kept::Value {
                    return Err(self.expected("the name of a member"));
                }
                self.blank();
                if self.text.get(self.at) != Some(&b':') {
                    return Err(self.expected("`:`"));
                }
                self.at += 1;
                self.out.push(b':');
            }
            match self.value()? {
                Kept::Value => {}
                kept => {
                    self.out.truncate(before);
                    needed |= kept == Kept::Needed;
                }
            }
            self.blank();
            match self.text.get(self.at) {
                Some(b',') => {}
                Some(byte) if *byte == close => {}
                _ => return Err(self.expected("`,` or a closing bracket")),
            }
        }
        self.at += 1;
        self.depth -= 1;
        if needed && close == b'}' || self.out.len() == start + 1 {
            self.out.truncate(start);
            return Ok(Kept::Nothing);
        }
        self.out.push(close);
        Ok(Kept::Value)
    }
}

/// Tells whether a literal is a number of RFC 8259.
fn is_number(literal: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = literal.strip_prefix(b"-").unwrap_or(literal);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-")).unwrap_or(exponent);
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}

/// What a string has that RFC 8259 does not allow; `None` if there is nothing.
fn misspelt(string: &[u8]) -> Option<&'static str> {
    let mut bytes = string.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => {
                let (_, letter) = bytes.next()?;
                let hex = || string.get(at + 2..at + 6).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
                if !b"\"\\/bfnrtu".contains(letter) || (*letter == b'u' && !hex()) {
                    return Some("an escape that there is not");
                }
            }
            &ABSENT | &NEEDED => {}
            byte if *byte < b' ' => return Some("a control character"),
            _ => {}
        }
    }
    None
}
