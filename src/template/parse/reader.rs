//! The pieces of a file: text, expressions and tags, with the blanks that tags take with them.

use std::sync::Arc;

use super::super::{At, Code, File};
use crate::error::Result;

/// A tag `{% … %}`: its first word, and what follows.
pub(super) struct Tag {
    pub(super) word: String,
    pub(super) rest: Code,
    pub(super) at: At,
}

/// A place in a file.
pub(super) struct Reader<'f> {
    pub(super) file: &'f Arc<File>,
    at: usize,
}

/// A piece of a file.
pub(super) enum Lexeme {
    Text(std::ops::Range<usize>),
    Value(Code),
    Tag(Tag),
}

impl<'f> Reader<'f> {
    /// A reader of a file from a byte on.
    pub(super) fn new(file: &'f Arc<File>, at: usize) -> Self {
        Self { file, at }
    }

    /// The place between what was read and what was not.
    pub(super) fn here(&self) -> At {
        self.span(self.at..self.at)
    }

    pub(super) fn span(&self, span: std::ops::Range<usize>) -> At {
        At { file: Arc::clone(self.file), span }
    }

    /// The next piece; `None` at the end. Comments are skipped. A tag that is alone on its line takes the line with it.
    pub(super) fn next(&mut self) -> Result<Option<Lexeme>> {
        loop {
            let text = &self.file.text[self.at..];
            if text.is_empty() {
                return Ok(None);
            }
            let open = ["{{", "{%", "{#"].iter().filter_map(|mark| text.find(mark)).min();
            if open != Some(0) {
                let start = self.at;
                let mut end = open.map_or(self.file.text.len(), |open| start + open);
                let tag = open.is_some_and(|open| !text[open..].starts_with("{{"));
                if tag && self.alone(end) {
                    end = start + text[..end - start].rfind('\n').map_or(0, |line| line + 1);
                    if end == start {
                        self.at += open.unwrap_or_default();
                        continue;
                    }
                }
                let next = open.map_or(self.file.text.len(), |open| start + open);
                self.at = next;
                // `{%-` takes the blanks before it.
                if self.file.text[next..].get(2..3) == Some("-") {
                    end = start + self.file.text[start..end].trim_end().len();
                }
                if end == start {
                    continue;
                }
                return Ok(Some(Lexeme::Text(start..end)));
            }
            let (close, what) = match &text[..2] {
                "{{" => ("}}", "expression"),
                "{%" => ("%}", "tag"),
                _ => ("#}", "comment"),
            };
            let start = self.at;
            let alone = close != "}}" && self.alone(start);
            let unclosed =
                || self.span(start..start + 2).error(format!("the {what} is not closed: `{close}` is missing"));
            let length = closing(text, close).ok_or_else(unclosed)?;
            self.at += length + 2;
            // `-%}` takes the blanks after it.
            if text[..length].ends_with('-') && length > 3 {
                let rest = &self.file.text[self.at..];
                self.at += rest.len() - rest.trim_start().len();
            }
            if alone {
                let rest = &self.file.text[self.at..];
                self.at += rest.find('\n').map_or(rest.len(), |end| end + 1);
            }
            let inner = start + 2..start + length;
            let raw = &self.file.text[inner.clone()];
            let trimmed = raw.strip_prefix('-').unwrap_or(raw);
            let trimmed = trimmed.strip_suffix('-').unwrap_or(trimmed).trim();
            let at = inner.start + raw.find(trimmed).unwrap_or_default();
            let code = |text: &str, offset: usize| Code {
                text: text.to_owned(),
                at: self.span(at + offset..at + offset + text.len()),
            };
            match close {
                "#}" => {}
                "}}" => return Ok(Some(Lexeme::Value(code(trimmed, 0)))),
                _ => {
                    let word = trimmed.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
                    let rest = trimmed[word.len()..].trim_start();
                    let rest = code(rest, trimmed.len() - rest.len());
                    return Ok(Some(Lexeme::Tag(Tag {
                        word: word.to_owned(),
                        rest,
                        at: self.span(start..start + length + 2),
                    })));
                }
            }
        }
    }

    /// Tells whether a tag at a place has its line for itself.
    fn alone(&self, at: usize) -> bool {
        let (before, after) = self.file.text.split_at(at);
        let before = &before[before.rfind('\n').map_or(0, |line| line + 1)..];
        let close = if after.starts_with("{#") { "#}" } else { "%}" };
        let Some(length) = closing(after, close) else { return false };
        let rest = &after[length + 2..];
        before.trim().is_empty() && rest.lines().next().is_none_or(|rest| rest.trim().is_empty())
    }
}

/// The offset of a closing mark, outside of texts in quotes.
fn closing(text: &str, close: &str) -> Option<usize> {
    let mut quoted = None;
    let comment = close == "#}";
    for (at, c) in text.char_indices().skip(2) {
        match quoted {
            Some(mark) if c == mark => quoted = None,
            Some(_) => {}
            None if text[at..].starts_with(close) => return Some(at),
            None if !comment && (c == '\'' || c == '"') => quoted = Some(c),
            None => {}
        }
    }
    None
}
