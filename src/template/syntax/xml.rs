//! XML on one line: elements and attributes without a value are left out, and elements that are empty without them.

use super::super::render::{Cell, Out};
use super::super::{Code, Loop, Node};
use super::{ABSENT, Form, NEEDED, Scan, Syntax, json, refused};
use crate::sql::civil;

/// The context of a value in an attribute.
const ATTRIBUTE: u8 = 1;

/// XML, a message on one line.
pub(super) static XML: Syntax = Syntax {
    name: "xml",
    about: "XML on one line: elements and attributes without a value are left out",
    extension: "xml",
    starter: include_str!("starters/xml.j2"),
    has_lines: false,
    form: &Xml,
};

#[derive(Debug)]
struct Xml;

impl Form for Xml {
    fn text(&self, text: &str, scan: &mut Scan, nodes: &mut Vec<Node<Code, Loop>>) {
        for c in text.chars() {
            match c {
                '<' if scan.context == 0 => scan.inside = true,
                '>' if scan.context == 0 => scan.inside = false,
                '"' if scan.inside => scan.context ^= ATTRIBUTE,
                _ => {}
            }
        }
        nodes.push(Node::Text(text.as_bytes().into()));
    }

    fn value(&self, out: &mut Out, cell: Cell<'_>, _: u8) -> Result<(), String> {
        markup(&mut out.bytes, cell)
    }

    fn missing(&self, out: &mut Out, _: u8, required: bool) {
        out.bytes.push(if required { NEEDED } else { ABSENT });
    }

    fn finish(&self, out: &mut Out) -> Result<(), String> {
        out.rewrite(prune)
    }
}

/// Writes a value as text of an element or an attribute.
pub(super) fn markup(out: &mut Vec<u8>, cell: Cell<'_>) -> Result<(), String> {
    match cell {
        Cell::Text(text) => {
            for c in text.chars() {
                match c {
                    '&' => out.extend_from_slice(b"&amp;"),
                    '<' => out.extend_from_slice(b"&lt;"),
                    '>' => out.extend_from_slice(b"&gt;"),
                    '"' => out.extend_from_slice(b"&quot;"),
                    '\n' => out.extend_from_slice(b"&#10;"),
                    '\r' => out.extend_from_slice(b"&#13;"),
                    '\t' => out.extend_from_slice(b"&#9;"),
                    c if c < ' ' || c == '\u{fffe}' || c == '\u{ffff}' => return Err(refused(c)),
                    c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                }
            }
        }
        Cell::Date(days) => out.extend_from_slice(civil::date_text(days).as_bytes()),
        Cell::Instant(micros) => json::instant(out, micros),
        Cell::Boolean(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        number => number.number(out),
    }
    Ok(())
}

/// An element that is open.
struct Open<'t> {
    name: &'t [u8],
    /// The place of the element in the copy, and of its content.
    start: usize,
    content: usize,
    attributes: bool,
    /// `true` if its content has the mark of a missing value.
    absent: bool,
    needed: bool,
}

/// Copies XML without what has no value.
fn prune(text: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let (mut at, mut open, mut rooted) = (0, Vec::<Open<'_>>::new(), false);
    while at < text.len() {
        if text[at] != b'<' {
            let end = text[at..].iter().position(|byte| *byte == b'<').map_or(text.len(), |end| at + end);
            let run = &text[at..end];
            at = end;
            let Some(element) = open.last_mut() else {
                match run.iter().all(u8::is_ascii_whitespace) {
                    true => continue,
                    false => return Err("the XML has text outside of its element".to_owned()),
                }
            };
            element.absent |= run.contains(&ABSENT);
            if run.contains(&NEEDED) {
                element.needed = true;
                if let Some(above) = open.len().checked_sub(2) {
                    open[above].needed = true;
                }
            } else if !run.iter().all(u8::is_ascii_whitespace) {
                references(run)?;
                // Line ends of the template are blanks: those of values are written as references.
                let flat = |byte: &u8| if matches!(byte, b'\n' | b'\r' | b'\t') { b' ' } else { *byte };
                out.extend(run.iter().filter(|byte| **byte != ABSENT).map(flat));
            }
            continue;
        }
        let end = tag_end(&text[at..]).ok_or("the XML has a tag that is not closed")? + at;
        let tag = &text[at..=end];
        at = end + 1;
        match tag.get(1) {
            Some(b'?') => out.extend_from_slice(tag),
            Some(b'!') => {}
            Some(b'/') => {
                let element = open.pop().ok_or("the XML closes an element that is not open")?;
                if tag[2..tag.len() - 1].trim_ascii() != element.name {
                    let [name, other] = [element.name, &tag[2..tag.len() - 1]].map(String::from_utf8_lossy);
                    return Err(format!("the XML closes `{other}` where `{name}` is open"));
                }
                let empty = out.len() == element.content;
                if element.needed || (empty && (element.absent || !element.attributes)) {
                    out.truncate(element.start);
                } else if empty {
                    out.pop();
                    out.extend_from_slice(b"/>");
                } else {
                    out.extend_from_slice(tag);
                }
            }
            _ => {
                let alone = tag.ends_with(b"/>");
                let inner = &tag[1..tag.len() - if alone { 2 } else { 1 }];
                let name_end = inner.iter().position(u8::is_ascii_whitespace).unwrap_or(inner.len());
                let (name, rest) = inner.split_at(name_end);
                if open.is_empty() && std::mem::replace(&mut rooted, true) {
                    return Err("the XML has a second element outside of the first".to_owned());
                }
                if !name.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_' || !first.is_ascii())
                {
                    return Err(format!("`{}` is not the name of an element", String::from_utf8_lossy(name)));
                }
                let start = out.len();
                out.push(b'<');
                out.extend_from_slice(name);
                let (attributes, needed) = attributes(rest, out)?;
                let absent = rest.contains(&ABSENT);
                match alone {
                    true if needed || (absent && !attributes) => out.truncate(start),
                    true => out.extend_from_slice(b"/>"),
                    false => {
                        out.push(b'>');
                        open.push(Open { name, start, content: out.len(), attributes, absent: false, needed });
                    }
                }
            }
        }
    }
    match open.pop() {
        Some(element) => Err(format!("the XML does not close `{}`", String::from_utf8_lossy(element.name))),
        None if out.is_empty() => Err("the message is empty".to_owned()),
        None => Ok(()),
    }
}

/// The end of a tag, outside of quotes; of a comment after it.
fn tag_end(text: &[u8]) -> Option<usize> {
    if text.starts_with(b"<!--") {
        return text.windows(3).position(|three| three == b"-->").map(|at| at + 2);
    }
    let mut quoted = false;
    text.iter().position(|byte| {
        quoted ^= *byte == b'"';
        *byte == b'>' && !quoted
    })
}

/// Copies the attributes that have a value. Returns whether there is one, and whether one is missing that is required.
fn attributes(text: &[u8], out: &mut Vec<u8>) -> Result<(bool, bool), String> {
    let (mut rest, mut any, mut needed) = (text.trim_ascii(), false, false);
    let mut names: Vec<&[u8]> = Vec::new();
    while !rest.is_empty() {
        let wrong = || format!("the XML has `{}` where an attribute is expected", String::from_utf8_lossy(rest));
        let equals = rest.iter().position(|byte| *byte == b'=').ok_or_else(wrong)?;
        let value = rest[equals + 1..].strip_prefix(b"\"").ok_or_else(wrong)?;
        let length = value.iter().position(|byte| *byte == b'"').ok_or_else(wrong)?;
        let (name, value) = (rest[..equals].trim_ascii(), &value[..length]);
        rest = rest[equals + length + 3..].trim_ascii_start();
        if names.contains(&name) || value.contains(&b'<') {
            return Err(format!("the XML repeats the attribute `{}`, or has `<` in it", String::from_utf8_lossy(name)));
        }
        names.push(name);
        references(value)?;
        needed |= value.contains(&NEEDED);
        if !value.contains(&ABSENT) && !value.contains(&NEEDED) {
            out.push(b' ');
            out.extend_from_slice(name);
            out.extend_from_slice(b"=\"");
            out.extend_from_slice(value);
            out.push(b'"');
            any = true;
        }
    }
    Ok((any, needed))
}

/// Refuses an `&` that begins no reference to a character or to one of XML's own five names.
fn references(text: &[u8]) -> Result<(), String> {
    for part in text.split(|byte| *byte == b'&').skip(1) {
        let name = part.split(|byte| *byte == b';').next().filter(|name| name.len() < part.len()).unwrap_or_default();
        let known = [&b"amp"[..], b"lt", b"gt", b"quot", b"apos"].contains(&name);
        let number = name.strip_prefix(b"#").is_some_and(|digits| {
            let hex = digits.strip_prefix(b"x");
            let all = |digits: &[u8], is: fn(&u8) -> bool| !digits.is_empty() && digits.iter().all(is);
            hex.map_or(all(digits, u8::is_ascii_digit), |hex| all(hex, u8::is_ascii_hexdigit))
        });
        if !known && !number {
            let near = String::from_utf8_lossy(&part[..part.len().min(20)]).into_owned();
            return Err(format!("the XML has `&{near}`, which is not a reference: write &amp;"));
        }
    }
    Ok(())
}
