//! Parsing of one statement, within limits on its depth, with the place of a mistake.

use sqlparser::ast::{Expr, Statement};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::catalog::statements::Dialect;
use crate::error::{Error, Kind, Place, Result};
use crate::sql::{MAX_DEPTH, deepest};

/// The text that statements come from, for messages.
pub(super) struct Source<'a> {
    /// The name of the file or database.
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// Makes an error about the text from a byte on.
    pub(super) fn error(&self, start: usize, length: usize, message: String) -> Error {
        let span = start..(start + length).min(self.text.len());
        Error::new(Kind::Profile, message).at(Some(Place { file: self.name.to_owned(), text: self.text.into(), span }))
    }
}

/// Parses a statement in a dialect, and where it is not of it, in the common grammar.
pub(super) fn statement(source: &Source<'_>, start: usize, text: &str, dialect: Dialect) -> Result<Statement> {
    let tokens = match tokens(text, dialect) {
        Ok(tokens) => tokens,
        Err(message) => return Err(wrong(source, start, text, &message)),
    };
    let depth = deepest(tokens.iter().map(|token| token.token.clone()));
    if depth > MAX_DEPTH {
        return Err(source
            .error(start, 1, format!("the statement is nested {depth} deep, more than {MAX_DEPTH}"))
            .hint("leave it out of the file"));
    }
    let grammar = dialect.grammar();
    let parse = |grammar: &dyn sqlparser::dialect::Dialect| {
        let mut parser = Parser::new(grammar).with_recursion_limit(64).with_tokens_with_locations(tokens.clone());
        let parsed = parser.parse_statement()?;
        match parser.peek_token().token {
            Token::EOF | Token::SemiColon => Ok(parsed),
            _ => parser.expected_ref("the end of the statement", parser.peek_token_ref()),
        }
    };
    parse(grammar.as_ref()).or_else(|error: ParserError| {
        parse(&GenericDialect {}).map_err(|_| wrong(source, start, text, &error.to_string()))
    })
}

/// Parses a condition on its own, such as one whose names were replaced.
pub(super) fn condition(tokens: Vec<Token>, dialect: Dialect) -> Option<Expr> {
    let grammar = dialect.grammar();
    if deepest(tokens.iter().cloned()) > MAX_DEPTH {
        return None;
    }
    Parser::new(grammar.as_ref()).with_recursion_limit(64).with_tokens(tokens).parse_expr().ok()
}

/// The tokens of a statement, without placeholders of schemas such as `@cdmDatabaseSchema.`.
fn tokens(text: &str, dialect: Dialect) -> Result<Vec<TokenWithSpan>, String> {
    let grammar = dialect.grammar();
    let all = Tokenizer::new(grammar.as_ref(), text).tokenize_with_location().map_err(|error| error.to_string())?;
    let mut kept: Vec<TokenWithSpan> = Vec::new();
    for token in all {
        if token.token == Token::Period {
            let placeholder = |n: usize| kept.len().checked_sub(n).map(|at| &kept[at].token);
            match (placeholder(2), placeholder(1)) {
                (_, Some(Token::Word(word))) if word.value.starts_with('@') => {
                    kept.pop();
                    continue;
                }
                (Some(Token::AtSign), Some(Token::Word(_))) => {
                    kept.truncate(kept.len() - 2);
                    continue;
                }
                _ => {}
            }
        }
        kept.push(token);
    }
    Ok(kept)
}

/// An error with the place that the parser's message names.
fn wrong(source: &Source<'_>, start: usize, text: &str, message: &str) -> Error {
    let message = message.strip_prefix("sql parser error: ").unwrap_or(message);
    let (what, place) = message.rsplit_once(" at Line: ").unwrap_or((message, ""));
    let (line, column) = place.split_once(", Column: ").unwrap_or(("", ""));
    let at = line.trim().parse::<usize>().ok().zip(column.trim().parse::<usize>().ok()).map(|(line, column)| {
        let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = text.get(before..).unwrap_or("");
        before + rest.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum::<usize>()
    });
    let at = at.filter(|at| text.is_char_boundary(*at)).unwrap_or_else(|| text.len() - text.trim_start().len());
    let length = text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    source
        .error(start + at, length, format!("not a statement of this dialect: {what}"))
        .hint("`--dialect` names another one: postgres, mysql, sqlite or sqlserver")
}
