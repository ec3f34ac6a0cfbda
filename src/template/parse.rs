//! The text of a template as a tree: tags, expressions as they are written, and static text cut by the syntax.

mod header;
mod reader;

use std::sync::Arc;

use sqlparser::dialect::DuckDbDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::syntax::{Form, Scan};
use super::{At, Code, Condition, Counter, File, Loop, Node, Parsed};
use crate::error::{Error, Result, did_you_mean};
use reader::{Lexeme, Reader, Tag};

/// How deep tags may be nested, and files included.
const MAX_DEPTH: usize = 32;
/// The most tags of a template, with those of the files that it includes.
const MAX_TAGS: usize = 20_000;

/// The most bytes of included files, each as often as it is included.
const MAX_INCLUDED: usize = 8 << 20;
/// The longest expression, with those in the place of names that `set` gave.
const MAX_EXPRESSION: usize = 32_768;

/// The tags of the language, for hints.
const TAGS: [&str; 8] = ["for", "endfor", "if", "elif", "else", "endif", "set", "include"];

type Tree = Vec<Node<Code, Loop>>;

/// Reads the text of a template from `start` on, after its head. `include` gives the file of a name; `None` if there is none.
///
/// # Errors
///
/// If a tag is not closed, unknown or wrong, or an included file is missing: with the place in the file.
pub fn parse(
    file: &Arc<File>,
    start: usize,
    form: &'static dyn Form,
    include: &dyn Fn(&str) -> Result<Option<File>>,
) -> Result<Parsed> {
    let mut parser = Parser {
        form,
        include,
        scan: Scan::default(),
        names: Vec::new(),
        rows: Vec::new(),
        counters: Vec::new(),
        tags: 0,
        depth: 0,
        bytes: 0,
    };
    let mut reader = Reader::new(file, start);
    let (nodes, end) = parser.block(&mut reader)?;
    if let Some(Tag { at, word, .. }) = end {
        return Err(at.error(format!("`{word}` closes nothing")));
    }
    Ok(Parsed { nodes, counters: parser.counters.len() })
}

/// The state that goes through all files of a template.
struct Parser<'a> {
    form: &'static dyn Form,
    include: &'a dyn Fn(&str) -> Result<Option<File>>,
    scan: Scan,
    /// The names that `set` gave, the innermost last.
    names: Vec<(String, String)>,
    /// The names of the rows of the loops around.
    rows: Vec<String>,
    counters: Vec<String>,
    tags: usize,
    depth: usize,
    /// The bytes of all files, each as often as it is included.
    bytes: usize,
}

impl Parser<'_> {
    /// Reads pieces up to a tag that closes or divides; names set in it are forgotten after it.
    fn block(&mut self, reader: &mut Reader<'_>) -> Result<(Tree, Option<Tag>)> {
        let known = self.names.len();
        let read = self.pieces(reader)?;
        self.names.truncate(known);
        Ok(read)
    }

    /// Reads pieces up to a tag that closes or divides, or to the end of the file.
    fn pieces(&mut self, reader: &mut Reader<'_>) -> Result<(Tree, Option<Tag>)> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(reader.here().error(format!("tags and files are nested more than {MAX_DEPTH} deep")));
        }
        let (mut nodes, mut end) = (Tree::new(), None);
        while let Some(lexeme) = reader.next()? {
            self.tags += 1;
            if self.tags > MAX_TAGS {
                return Err(reader.here().error(format!("the template has more than {MAX_TAGS} tags and expressions")));
            }
            match lexeme {
                Lexeme::Text(span) => {
                    let text = &reader.file.text[span.clone()];
                    if let Some(c) = text.chars().find(|c| c.is_control() && !"\t\r\n".contains(*c)) {
                        return Err(reader
                            .span(span)
                            .error(format!("the text has the character {}", c.escape_unicode())));
                    }
                    self.form.text(text, &mut self.scan, &mut nodes);
                }
                Lexeme::Value(code) => nodes.push(self.value(code)?),
                Lexeme::Tag(tag) if matches!(&*tag.word, "endfor" | "endif" | "else" | "elif") => {
                    end = Some(tag);
                    break;
                }
                Lexeme::Tag(tag) => self.tag(tag, reader, &mut nodes)?,
            }
        }
        self.depth -= 1;
        Ok((nodes, end))
    }

    fn tag(&mut self, tag: Tag, reader: &mut Reader<'_>, nodes: &mut Tree) -> Result<()> {
        match &*tag.word {
            "for" => nodes.push(self.r#for(&tag, reader)?),
            "if" => nodes.push(self.r#if(tag, reader)?),
            "set" => self.set(&tag)?,
            "include" => self.include(&tag, nodes)?,
            other => {
                return Err(tag.at.error(format!("unknown tag `{other}`")).maybe_hint(did_you_mean(other, TAGS)));
            }
        }
        Ok(())
    }

    fn unclosed(tag: &At, close: &str) -> Error {
        tag.error(format!("the tag is not closed: `{{% {close} %}}` is missing"))
    }

    fn r#for(&mut self, tag: &Tag, reader: &mut Reader<'_>) -> Result<Node<Code, Loop>> {
        let rows = self.header(&tag.rest)?;
        self.rows.push(rows.variable.clone());
        let (body, end) = self.block(reader)?;
        self.rows.pop();
        let mut otherwise = Tree::new();
        let mut end = end.ok_or_else(|| Self::unclosed(&tag.at, "endfor"))?;
        if end.word == "else" {
            let (nodes, close) = self.block(reader)?;
            (otherwise, end) = (nodes, close.ok_or_else(|| Self::unclosed(&tag.at, "endfor"))?);
        }
        match &*end.word {
            "endfor" => Ok(Node::For { rows, body, otherwise }),
            other => Err(end.at.error(format!("`{other}` where `endfor` is expected"))),
        }
    }

    fn r#if(&mut self, tag: Tag, reader: &mut Reader<'_>) -> Result<Node<Code, Loop>> {
        let (start, mut arms, mut otherwise) = (tag.at.clone(), Vec::new(), Tree::new());
        let mut condition = Some(tag.rest);
        loop {
            let made = condition.take().map(|code| self.condition(code)).transpose()?;
            let (nodes, end) = self.block(reader)?;
            let last = made.is_none();
            match made {
                Some(made) => arms.push((made, nodes)),
                None => otherwise = nodes,
            }
            let end = end.ok_or_else(|| Self::unclosed(&start, "endif"))?;
            match &*end.word {
                "endif" => return Ok(Node::If { arms, otherwise }),
                "elif" if !last => condition = Some(end.rest),
                "else" if !last => {}
                other => return Err(end.at.error(format!("`{other}` where `endif` is expected"))),
            }
        }
    }

    fn condition(&mut self, code: Code) -> Result<Condition<Code>> {
        if code.text.contains("loop.") && self.rows.is_empty() {
            return Err(code.at.error(format!("`{}` outside of a loop", code.text)));
        }
        Ok(match code.text.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["loop.first"] => Condition::First,
            ["loop.last"] => Condition::Last,
            ["not" | "NOT", "loop.first"] => Condition::NotFirst,
            ["not" | "NOT", "loop.last"] => Condition::NotLast,
            [] => return Err(code.at.error("the condition is missing")),
            _ => Condition::Code(self.scoped(code)?),
        })
    }

    fn set(&mut self, tag: &Tag) -> Result<()> {
        let wrong = || tag.rest.at.error("expected `set NAME = EXPRESSION`").hint("{% set c = order.customer %}");
        let (name, value) = tag.rest.text.split_once('=').ok_or_else(wrong)?;
        let (name, value) = (name.trim(), value.trim());
        if !is_name(name) || value.is_empty() {
            return Err(wrong());
        }
        let code = self.scoped(Code { text: value.to_owned(), at: tag.rest.at.clone() })?;
        self.names.push((name.to_owned(), code.text));
        Ok(())
    }

    fn include(&mut self, tag: &Tag, nodes: &mut Tree) -> Result<()> {
        let name = tag.rest.text.trim();
        let quoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
        let name = quoted.ok_or_else(|| tag.rest.at.error("expected `include \"FILE\"`"))?;
        let missing = || {
            tag.rest.at.error(format!("no file `{name}`")).hint("an included file stands in the folder of the template")
        };
        let file = (self.include)(name).map_err(|error| error.at(Some(tag.rest.at.place())))?.ok_or_else(missing)?;
        self.bytes += file.text.len();
        if self.bytes > MAX_INCLUDED {
            return Err(tag
                .rest
                .at
                .error(format!("the files that are included have more than {MAX_INCLUDED} bytes together")));
        }
        let file = Arc::new(file);
        let mut reader = Reader::new(&file, 0);
        // Names that the file sets hold after it too.
        let (inner, end) = self.pieces(&mut reader)?;
        match end {
            Some(end) => Err(end.at.error(format!("`{}` closes nothing", end.word))),
            None => {
                nodes.extend(inner);
                Ok(())
            }
        }
    }

    fn value(&mut self, code: Code) -> Result<Node<Code, Loop>> {
        let (text, width) = match code.text.rsplit_once(':') {
            Some((text, width)) if width.trim().parse::<usize>().is_ok_and(|width| width <= 64) => {
                (text.trim(), width.trim().parse().unwrap_or_default())
            }
            _ => (code.text.as_str(), 0),
        };
        if let Some(counter) = self.counter(text) {
            if let Counter::Index(out) = counter
                && self.rows.len() <= out
            {
                return Err(code.at.error(format!("`{text}` outside of its loop")));
            }
            return Ok(Node::Counter { counter, width });
        }
        if text.is_empty() {
            return Err(code.at.error("the expression is missing"));
        }
        let (text, required) = match code.text.strip_suffix('!') {
            Some(text) => (text.trim_end().to_owned(), true),
            None => (code.text.clone(), false),
        };
        let context = self.scan.context;
        let code = self.scoped(Code { text, at: code.at })?;
        Ok(Node::Value { code, context, required })
    }

    /// A number that the message itself gives; `None` for an expression.
    fn counter(&mut self, text: &str) -> Option<Counter> {
        let named = |text: &str, function: &str| {
            let inner = text.strip_prefix(function)?.trim().strip_prefix('(')?.strip_suffix(')')?.trim();
            Some(inner.strip_prefix('\'')?.strip_suffix('\'')?.to_owned())
        };
        let mut index = |name: String| {
            self.counters.iter().position(|known| *known == name).unwrap_or_else(|| {
                self.counters.push(name);
                self.counters.len() - 1
            })
        };
        match text {
            "loop.index" => Some(Counter::Index(0)),
            "loop.parent.index" => Some(Counter::Index(1)),
            "records()" => Some(Counter::Records),
            "lines()" => Some(Counter::Lines),
            _ => match (named(text, "next"), named(text, "last")) {
                (Some(name), _) => Some(Counter::Next(index(name))),
                (_, Some(name)) => Some(Counter::Last(index(name))),
                _ => None,
            },
        }
    }

    /// Puts the expressions that `set` named in the place of their names.
    fn scoped(&self, code: Code) -> Result<Code> {
        let tokens = Tokenizer::new(&DuckDbDialect {}, &code.text).with_unescape(false).tokenize();
        let tokens = tokens.map_err(|error| code.at.error(error.to_string()))?;
        if self.names.is_empty() {
            return Ok(code);
        }
        let mut text = String::with_capacity(code.text.len());
        for (n, token) in tokens.iter().enumerate() {
            let after = n.checked_sub(1).is_some_and(|before| tokens[before] == Token::Period);
            let next = tokens.get(n + 1);
            let value = match token {
                Token::Word(word) if !after && word.quote_style.is_none() && next != Some(&Token::LParen) => {
                    self.names.iter().rev().find(|(name, _)| *name == word.value).map(|(_, value)| value)
                }
                _ => None,
            };
            match value {
                Some(value) if next == Some(&Token::Period) || is_path(value) => text += value,
                Some(value) => text += &format!("({value})"),
                None => text += &token.to_string(),
            }
            if text.len() > MAX_EXPRESSION {
                let message =
                    format!("the expression has more than {MAX_EXPRESSION} characters with those that it names");
                return Err(code.at.error(message).hint("`let` in the profile computes a value once"));
            }
        }
        Ok(Code { text, at: code.at })
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && text != "loop"
}

fn is_path(text: &str) -> bool {
    text.split('.').all(is_name)
}
