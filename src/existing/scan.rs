//! The members of one JSON object, with numbers as they are written: a library would round them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::de::IgnoredAny;

use crate::error::{Error, Kind, Result};

/// The value of a member.
#[derive(Debug, PartialEq)]
pub(super) enum Value<'t> {
    Null,
    Boolean(bool),
    /// The text of a number.
    Number(&'t str),
    Text(Cow<'t, str>),
    /// An object or a list.
    Nested,
}

/// Hands the members of an object to `each`, in their order.
///
/// # Errors
///
/// If the text is no JSON object, or has a name twice.
pub(super) fn members(text: &str, each: &mut dyn FnMut(&str, Value<'_>) -> Result<()>) -> Result<()> {
    let wrong = |what: String| Error::new(Kind::Verification, what);
    // The whole is looked at first, so that what follows need not. Neither calls itself, so depth takes no stack.
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        let half = error.is_eof();
        let hint = if half {
            "the line ends too early: is the file whole, with one object a line?"
        } else {
            "one object a line"
        };
        return Err(wrong(format!("it is no JSON, at column {}", error.column())).hint(hint));
    }
    let mut rest = Rest(text.trim());
    if !rest.takes('{') {
        return Err(wrong("it is no JSON object".to_owned()).hint("one object a line, with a member for each column"));
    }
    let mut seen = BTreeSet::new();
    while !rest.takes('}') {
        let name = rest.text()?;
        rest.takes(':');
        let value = rest.value()?;
        if seen.contains(&name) {
            return Err(wrong(format!("it has `{}` twice", name.escape_debug())));
        }
        each(&name, value)?;
        seen.insert(name);
        rest.takes(',');
    }
    Ok(())
}

/// The rest of a text that is known to be JSON.
struct Rest<'t>(&'t str);

impl<'t> Rest<'t> {
    /// Goes past a sign, and blanks before and after it, if it is the next.
    fn takes(&mut self, sign: char) -> bool {
        let found = self.0.trim_start().strip_prefix(sign);
        if let Some(rest) = found {
            self.0 = rest.trim_start();
        }
        found.is_some()
    }

    /// Takes some bytes.
    fn take(&mut self, length: usize) -> Result<&'t str> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(|| Error::internal("a JSON text that ends"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// Takes a text in quotes.
    fn text(&mut self) -> Result<Cow<'t, str>> {
        let (bytes, mut end, mut escaped) = (self.0.as_bytes(), 1, false);
        while !matches!(bytes.get(end), Some(b'"') | None) {
            let slash = bytes[end] == b'\\';
            (end, escaped) = (end + 1 + usize::from(slash), escaped | slash);
        }
        let quoted = self.take(end + 1)?;
        if !escaped {
            return Ok(Cow::Borrowed(&quoted[1..end]));
        }
        // Half a surrogate pair is JSON to some, and no text.
        let text = serde_json::from_str::<String>(quoted);
        text.map(Cow::Owned).map_err(|_| Error::new(Kind::Verification, "it has an escape that is no character"))
    }

    fn value(&mut self) -> Result<Value<'t>> {
        let bytes = self.0.as_bytes();
        Ok(match bytes.first() {
            Some(b'"') => Value::Text(self.text()?),
            Some(b'{' | b'[') => {
                self.skip()?;
                Value::Nested
            }
            _ => {
                let end = bytes.iter().position(|byte| matches!(byte, b',' | b'}' | b' ' | b'\t' | b'\r' | b'\n'));
                match self.take(end.unwrap_or(bytes.len()))? {
                    "null" => Value::Null,
                    "true" => Value::Boolean(true),
                    "false" => Value::Boolean(false),
                    number => Value::Number(number),
                }
            }
        })
    }

    /// Goes past an object or a list.
    fn skip(&mut self) -> Result<()> {
        let mut depth = 0;
        loop {
            match self.0.as_bytes().first() {
                Some(b'"') => _ = self.text()?,
                Some(byte) => {
                    depth += i32::from(matches!(byte, b'{' | b'[')) - i32::from(matches!(byte, b'}' | b']'));
                    // Names and texts are the only places of signs that have more than one byte.
                    self.take(1)?;
                }
                None => return Err(Error::internal("a JSON text that ends")),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<String>> {
        let mut all = Vec::new();
        members(text, &mut |name, value| {
            all.push(format!("{name}={value:?}"));
            Ok(())
        })?;
        Ok(all)
    }

    #[test]
    fn members_are_read_as_they_are_written() {
        let text = "  { \"a\" : 1.50 ,\"b\":\"x\\\"y\",\"ü\":null,\"c\":{\"d\":[1,\"}\"]},\"e\":true, \"f\":[] }\r\n";
        let want = ["a=Number(\"1.50\")", "b=Text(\"x\\\"y\")", "ü=Null", "c=Nested", "e=Boolean(true)", "f=Nested"];
        assert_eq!(all(text).expect("reads"), want);
        assert_eq!(all("{}").expect("reads"), Vec::<String>::new());
        assert_eq!(
            all("{\"big\":123456789012345678901234567890}").expect("reads"),
            ["big=Number(\"123456789012345678901234567890\")"]
        );
    }

    #[test]
    fn what_is_no_object_is_an_error() {
        for text in ["", "[1]", "1", "{\"a\":1", "{\"a\":1}}", "{a:1}", "{\"a\":1,}", "{\"a\":01}", "{\"a\":\"\u{1}\"}"]
        {
            assert!(all(text).is_err(), "{text}");
        }
        assert!(all("{\"a\":1,\"a\":2}").expect_err("twice").message().contains("`a` twice"));
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(all(&deep).expect("no depth is too much"), ["a=Nested"]);
    }
}
