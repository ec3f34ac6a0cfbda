//! JSON copied without members and elements that have no value, and held to RFC 8259 on the way.

use super::super::{ABSENT, NEEDED};

/// The deepest nesting of objects and lists.
const MAX_DEPTH: usize = 64;

/// Copies JSON without what has no value.
///
/// # Errors
///
/// If the text is not JSON, apart from surplus commas, or nothing is left of it: a lowercase fragment about it.
pub(super) fn prune(text: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let mut pruner = Pruner { text, at: 0, out, depth: 0 };
    let kept = pruner.value()?;
    pruner.blank();
    if pruner.at < text.len() {
        return Err(pruner.expected("the end"));
    }
    if kept == Kept::Value { Ok(()) } else { Err("the message is empty".to_owned()) }
}

/// The remains of a value.
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

/// A description of the first thing in a string that RFC 8259 does not allow; `None` if there is nothing.
fn misspelt(string: &[u8]) -> Option<&'static str> {
    let mut bytes = string.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => {
                let (_, letter) = bytes.next()?;
                let hex = || string.get(at + 2..at + 6).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
                if !b"\"\\/bfnrtu".contains(letter) || (*letter == b'u' && !hex()) {
                    return Some("an invalid escape");
                }
            }
            &ABSENT | &NEEDED => {}
            byte if *byte < b' ' => return Some("a control character"),
            _ => {}
        }
    }
    None
}
