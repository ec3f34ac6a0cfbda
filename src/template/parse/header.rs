//! The header of a loop: its row, its rows, and which of them in which order.

use std::sync::Arc;

use super::super::{At, Code, Loop};
use super::{Parser, is_name};
use crate::error::Result;

impl Parser<'_> {
    /// Reads `row in path if condition order by key desc, key limit n`.
    pub(super) fn header(&mut self, rest: &Code) -> Result<Loop> {
        let wrong = || {
            rest.at
                .error("expected `for NAME in PATH`")
                .hint("{% for d in condition if d.rank <= 5 order by d.rank desc limit 12 %}")
        };
        let (variable, after) = rest.text.split_once(" in ").ok_or_else(wrong)?;
        let variable = variable.trim();
        if !is_name(variable) {
            return Err(wrong());
        }
        if self.rows.iter().chain(self.names.iter().map(|(name, _)| name)).any(|known| known == variable) {
            return Err(rest
                .at
                .error(format!("`{variable}` is the name of a row or of an expression already"))
                .hint("another name for the rows of this loop"));
        }
        let mut parts = [after, "", "", ""];
        let mut at = 0;
        for (n, word) in [" if ", " order by ", " limit "].iter().enumerate() {
            if let Some(found) = outside(parts[at], word) {
                (parts[n + 1], parts[at]) = (&parts[at][found + word.len()..], &parts[at][..found]);
                at = n + 1;
            }
        }
        let part = |text: &str| {
            let offset = text.as_ptr() as usize - rest.text.as_ptr() as usize + text.len() - text.trim_start().len();
            let start = rest.at.span.start + offset;
            Code {
                text: text.trim().to_owned(),
                at: At { file: Arc::clone(&rest.at.file), span: start..start + text.trim().len() },
            }
        };
        let limit = match parts[3].trim() {
            "" => None,
            text => {
                Some(text.parse().map_err(|_| part(parts[3]).at.error(format!("`{text}` is not a number of rows")))?)
            }
        };
        let source = self.scoped(part(parts[0]))?;
        let filter = (!parts[1].is_empty()).then(|| self.scoped(part(parts[1]))).transpose()?;
        let keys = |text: &str| -> Vec<String> { commas(text) };
        let mut order = Vec::new();
        for key in keys(parts[2]) {
            let text = key.trim();
            if text.is_empty() {
                continue;
            }
            let (text, down) = match text.strip_suffix(" desc") {
                Some(text) => (text, true),
                None => (text.strip_suffix(" asc").unwrap_or(text), false),
            };
            let code = Code { text: text.to_owned(), at: part(parts[2]).at };
            order.push((self.scoped(code)?, down));
        }
        Ok(Loop { variable: variable.to_owned(), source, filter, order, limit })
    }
}

/// The place of a word outside of quotes and parentheses.
fn outside(text: &str, word: &str) -> Option<usize> {
    let (mut quoted, mut depth) = (None, 0_usize);
    for (at, c) in text.char_indices() {
        match (quoted, c) {
            (Some(mark), _) if c == mark => quoted = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quoted = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, _) if depth == 0 && text[at..].starts_with(word) => return Some(at),
            (None, _) => {}
        }
    }
    None
}

/// The parts of a list, cut at commas outside of quotes and parentheses.
fn commas(text: &str) -> Vec<String> {
    let (mut rest, mut parts) = (text, Vec::new());
    while let Some(at) = outside(rest, ",") {
        parts.push(rest[..at].to_owned());
        rest = &rest[at + 1..];
    }
    parts.push(rest.to_owned());
    parts
}
