//! Text that matches a pattern: a small part of regular expressions, run backwards.

use std::iter::Peekable;
use std::str::Chars;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::MAX_CELL;
use crate::error::Result;
use crate::generator::{Fill, Generator, Origin, Params, Scope};
use crate::rng::Cell;

/// The greatest count in `{n}`.
const MAX_COUNT: usize = 256;
/// The deepest nesting of groups.
const MAX_DEPTH: usize = 4;

/// Text that matches a pattern: `'[A-Z]{2}-\d{6}'` makes `QF-301942`. A pattern is a regular expression made of literal
/// characters, classes `[A-Z0-9_]`, digits `\d`, counts `{n}` and `{n,m}` up to 256, and alternatives `(a|b|c)`, each as
/// likely as another; a backslash makes any other sign literal. A cell has at most 4,096 bytes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pattern {
    /// The pattern; in TOML best in single quotes, which keep backslashes.
    pattern: String,
}

impl Params for Pattern {
    const NAME: &'static str = "pattern";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = r"pattern = '[A-Z]{2}-\d{6}'";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let node = parse(&self.pattern).map_err(|message| {
            scope.error("pattern", format!("`{}`: {message}", self.pattern)).hint(
                r"a pattern may use literals, `[A-Z0-9]`, `\d`, `{n}`, `{n,m}` and `(a|b)`; write `\.` for a plain `.`",
            )
        })?;
        match node.longest() {
            bytes if bytes > MAX_CELL => Err(scope
                .error("pattern", format!("the longest text has {bytes} bytes, more than the limit of {MAX_CELL}"))),
            _ => Ok(Box::new(Matching(node))),
        }
    }
}

struct Matching(Node);

impl Generator for Matching {
    fn data_type(&self) -> DataType {
        DataType::Utf8
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        Ok(Arc::new(fill.text(|_, mut cell, out| {
            self.0.write(&mut cell, out);
            Some(())
        })))
    }
}

/// A node of a parsed pattern.
enum Node {
    Literal(char),
    Class(Vec<char>),
    Repeat(Box<Node>, usize, usize),
    Sequence(Vec<Node>),
    Either(Vec<Node>),
}

impl Node {
    fn write(&self, cell: &mut Cell, out: &mut String) {
        match self {
            Node::Literal(sign) => out.push(*sign),
            Node::Class(signs) => out.extend(signs.get(cell.below(signs.len() as u64) as usize)),
            Node::Repeat(node, least, most) => {
                let count = if least == most { *least } else { cell.between(*least as i64, *most as i64) as usize };
                (0..count).for_each(|_| node.write(cell, out));
            }
            Node::Sequence(nodes) => nodes.iter().for_each(|node| node.write(cell, out)),
            Node::Either(nodes) => {
                if let Some(node) = nodes.get(cell.below(nodes.len() as u64) as usize) {
                    node.write(cell, out);
                }
            }
        }
    }

    /// Gives the length in bytes of the longest text that the node can write.
    fn longest(&self) -> usize {
        match self {
            Node::Literal(sign) => sign.len_utf8(),
            Node::Class(signs) => signs.iter().map(|sign| sign.len_utf8()).max().unwrap_or(0),
            Node::Repeat(node, _, most) => node.longest().saturating_mul(*most),
            Node::Sequence(nodes) => nodes.iter().map(Node::longest).fold(0, usize::saturating_add),
            Node::Either(nodes) => nodes.iter().map(Node::longest).max().unwrap_or(0),
        }
    }
}

type Signs<'a> = Peekable<Chars<'a>>;

fn parse(pattern: &str) -> Result<Node, String> {
    if pattern.is_empty() || pattern.len() > MAX_CELL {
        return Err(format!("a pattern must have 1 to {MAX_CELL} bytes"));
    }
    let mut signs = pattern.chars().peekable();
    let node = either(&mut signs, 0)?;
    match signs.next() {
        None => Ok(node),
        Some(sign) => Err(format!("`{sign}` without an opening bracket")),
    }
}

/// Parses alternatives, up to a closing bracket or the end.
fn either(signs: &mut Signs<'_>, depth: usize) -> Result<Node, String> {
    if depth > MAX_DEPTH {
        return Err(format!("groups are nested more than {MAX_DEPTH} deep"));
    }
    let mut ways = vec![sequence(signs, depth)?];
    while signs.next_if_eq(&'|').is_some() {
        ways.push(sequence(signs, depth)?);
    }
    Ok(if ways.len() == 1 { ways.swap_remove(0) } else { Node::Either(ways) })
}

fn sequence(signs: &mut Signs<'_>, depth: usize) -> Result<Node, String> {
    let mut nodes = Vec::new();
    while let Some(sign) = signs.next_if(|sign| !matches!(sign, '|' | ')')) {
        let node = match sign {
            '(' => {
                let node = either(signs, depth + 1)?;
                signs.next_if_eq(&')').ok_or("`(` is not closed")?;
                node
            }
            '[' => Node::Class(class(signs)?),
            '\\' => escaped(signs)?,
            '.' | '*' | '+' | '?' | '^' | '$' | '{' | '}' | ']' => {
                return Err(format!("`{sign}` is not supported here"));
            }
            literal => Node::Literal(literal),
        };
        nodes.push(if signs.next_if_eq(&'{').is_some() { counted(signs, node)? } else { node });
    }
    Ok(Node::Sequence(nodes))
}

fn escaped(signs: &mut Signs<'_>) -> Result<Node, String> {
    match signs.next() {
        Some('d') => Ok(Node::Class(('0'..='9').collect())),
        Some(sign) if !sign.is_alphanumeric() => Ok(Node::Literal(sign)),
        Some(sign) => Err(format!("`\\{sign}` is not supported")),
        None => Err("a `\\` at the end escapes nothing".to_owned()),
    }
}

/// Parses the rest of a class after its opening bracket: `A-Z0-9_]`.
fn class(signs: &mut Signs<'_>) -> Result<Vec<char>, String> {
    let mut known: Vec<char> = Vec::new();
    loop {
        let low = match signs.next().ok_or("`[` is not closed")? {
            ']' if known.is_empty() => return Err("an empty class `[]`".to_owned()),
            ']' => break,
            '^' if known.is_empty() => return Err("`[^` is not supported: list the characters".to_owned()),
            '\\' => signs
                .next()
                .filter(|sign| !sign.is_alphanumeric())
                .ok_or("`\\` in a class must be before a sign, not a letter or digit")?,
            sign => sign,
        };
        let mut rest = signs.clone();
        let range = rest.next() == Some('-') && rest.next().is_some_and(|sign| sign != ']');
        if !range {
            known.push(low);
            continue;
        }
        signs.next();
        let high = signs
            .next()
            .filter(|high| *high >= low && *high != '\\')
            .ok_or("a range in a class must rise, as in `A-Z`")?;
        if u32::from(high) - u32::from(low) > 1_000 {
            return Err(format!("the range `{low}-{high}` has more than 1,000 characters"));
        }
        known.extend(low..=high);
    }
    known.sort_unstable();
    known.dedup();
    Ok(known)
}

/// Parses the rest of a count after its opening bracket: `n}` or `n,m}`.
fn counted(signs: &mut Signs<'_>, node: Node) -> Result<Node, String> {
    let text: String = std::iter::from_fn(|| signs.next_if(|sign| *sign != '}')).take(16).collect();
    signs.next_if_eq(&'}').ok_or("`{` is not closed")?;
    let number = |digits: &str| {
        digits.parse::<usize>().ok().filter(|n| *n <= MAX_COUNT && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    let counts = match text.split_once(',') {
        None => number(&text).map(|n| (n, n)),
        Some((least, most)) => number(least).zip(number(most)).filter(|(least, most)| least <= most),
    };
    let (least, most) = counts.ok_or_else(|| format!("`{{{text}}}` is not a count up to {MAX_COUNT}"))?;
    Ok(Node::Repeat(Box::new(node), least, most))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::generator::testing::{Bed, plan_error, shown};

    fn sample(pattern: &str) -> Vec<String> {
        shown(&Bed::root(500).fill("pattern", &format!("pattern = '{pattern}'")).expect("a column"))
    }

    #[test]
    fn texts_have_the_form_of_their_pattern() {
        for text in sample(r"[A-C]{2}-\d{3,5}(x|yy|)") {
            let (head, tail) = text.split_once('-').expect("a dash");
            assert!(head.len() == 2 && head.chars().all(|c| ('A'..='C').contains(&c)), "{text}");
            let digits = tail.trim_end_matches(['x', 'y']);
            assert!((3..=5).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()), "{text}");
            assert!(["", "x", "yy"].contains(&&tail[digits.len()..]), "{text}");
        }
        assert!(sample(r"a\.b\{1\}").iter().all(|text| text == "a.b{1}"));
    }

    #[test]
    fn bombs_and_slips_are_refused() {
        let cases = [
            (r"((((((a{256}){256}){256}))))", "deep"),
            (r"((a{256}){256}){256}", "the longest text has"),
            ("a*", "`*` is not supported here"),
            ("a{1000}", "is not a count"),
            ("a{3,2}", "is not a count"),
            ("[^a]", "list the characters"),
            ("[z-a]", "must rise"),
            ("(a", "not closed"),
            ("a)", "without an opening bracket"),
            (r"\w", "is not supported"),
            ("", "1 to 4096 bytes"),
        ];
        for (pattern, message) in cases {
            let error = plan_error("pattern", &format!("pattern = '{pattern}'"));
            assert!(error.contains(message), "{pattern}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_pattern_panics_and_no_text_is_too_long(pattern in r"[a\[\]{},0-9|()\\.d-]{0,24}") {
            if let Ok(node) = parse(&pattern) && node.longest() <= MAX_CELL {
                let mut out = String::new();
                node.write(&mut Cell::new(1, 2), &mut out);
                prop_assert!(out.len() <= node.longest());
            }
        }
    }
}
