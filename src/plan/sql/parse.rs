//! From text to a syntax tree, within limits.

use arrow_schema::DataType;
use sqlparser::ast::Expr as Sql;
use sqlparser::dialect::DuckDbDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::types;
use crate::error::{Error, Result};

/// The longest expression, in bytes.
const MAX_SQL: usize = 64 << 10;
/// The most words in a chain of operators, with the chains that it stands in.
const MAX_CHAIN: usize = 1_000;

/// Parses an expression.
pub fn parse(sql: &str) -> Result<Sql> {
    if sql.len() > MAX_SQL {
        return Err(Error::profile("", format!("an expression of {} bytes is longer than 64 KiB", sql.len())));
    }
    let wrong = |error: sqlparser::parser::ParserError| {
        let text = error.to_string();
        let text = text.strip_prefix("sql parser error: ").unwrap_or(&text);
        Error::profile("", format!("not an SQL expression: `{}`: {text}", excerpt(sql)))
    };
    let mut parser = Parser::new(&DuckDbDialect {}).with_recursion_limit(64).try_with_sql(sql).map_err(wrong)?;
    shallow(sql)?;
    let expr = parser.parse_expr().map_err(wrong)?;
    match parser.peek_token().token {
        Token::EOF => Ok(expr),
        token => Err(Error::profile("", format!("not an SQL expression: `{}`: unexpected `{token}`", excerpt(sql)))),
    }
}

/// Refuses a chain such as `a || b || c …` that is so long that a walk down its tree might overflow the stack: the
/// parser's own limit counts parentheses only. A comma, `WHEN`, `THEN` and `ELSE` begin another chain of the same depth.
fn shallow(sql: &str) -> Result<()> {
    let tokens = Tokenizer::new(&DuckDbDialect {}, sql).tokenize().unwrap_or_default();
    let (mut depth, mut outer) = (0, vec![0]);
    for token in tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))) {
        let word = match token {
            Token::Word(word) => word.keyword,
            _ => Keyword::NoKeyword,
        };
        match (token, word) {
            (Token::LParen | Token::LBracket, _) | (_, Keyword::CASE) => outer.push(depth),
            (Token::RParen | Token::RBracket, _) | (_, Keyword::END) => {
                depth = if outer.len() > 1 { outer.pop().unwrap_or(0) } else { 0 };
            }
            (Token::Comma, _) | (_, Keyword::WHEN | Keyword::THEN | Keyword::ELSE) => {
                depth = outer.last().copied().unwrap_or(0);
            }
            _ => {}
        }
        depth += 1;
        if depth > MAX_CHAIN {
            return Err(Error::profile("", format!("an expression with a chain of more than {MAX_CHAIN} words"))
                .hint("`a IN (…)` says many comparisons, `concat(…)` joins many texts"));
        }
    }
    Ok(())
}

/// Parses a type name such as `decimal(12,2)`.
pub fn parse_type(sql: &str) -> Result<DataType> {
    let parsed = Parser::new(&DuckDbDialect {}).try_with_sql(sql).and_then(|mut parser| parser.parse_data_type());
    parsed.ok().as_ref().and_then(types::parse).ok_or_else(|| unknown_type(sql))
}

pub(super) fn unknown_type(sql: &str) -> Error {
    Error::profile("", format!("unknown type `{sql}`"))
        .hint("bigint, double, decimal(precision,scale), text, date, timestamp or boolean")
}

pub(super) fn excerpt(sql: &str) -> String {
    let short: String = sql.chars().take(80).collect();
    if short.len() < sql.len() { format!("{short}…") } else { short }
}
