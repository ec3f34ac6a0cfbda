//! Parsing of expressions and type names, within limits on length and depth.

use arrow_schema::DataType;
use sqlparser::ast::Expr as Sql;
use sqlparser::dialect::DuckDbDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::{budget, types};
use crate::error::{Error, Result};

/// The longest expression, in bytes.
const MAX_SQL: usize = 64 << 10;

/// Parses an expression.
///
/// # Errors
///
/// If it is not one SQL expression, is longer than 64 KiB, or is nested too deeply.
pub fn parse(sql: &str) -> Result<Sql> {
    if sql.len() > MAX_SQL {
        return Err(Error::profile(
            "",
            format!("an expression of {} bytes is longer than the limit of 64 KiB", sql.len()),
        ));
    }
    budget::allow(sql)?;
    let wrong = |error: sqlparser::parser::ParserError| {
        let text = error.to_string();
        let text = text.strip_prefix("sql parser error: ").unwrap_or(&text);
        Error::profile("", format!("not an SQL expression: `{}`: {text}", excerpt(sql)))
    };
    let mut parser = Parser::new(&DuckDbDialect {}).with_recursion_limit(64).try_with_sql(sql).map_err(wrong)?;
    let expr = parser.parse_expr().map_err(wrong)?;
    match parser.peek_token().token {
        Token::EOF => Ok(expr),
        token => Err(Error::profile("", format!("not an SQL expression: `{}`: unexpected `{token}`", excerpt(sql)))),
    }
}

/// Parses a type name such as `decimal(12,2)`.
///
/// # Errors
///
/// If there is no such type.
pub fn parse_type(sql: &str) -> Result<DataType> {
    budget::allow(sql)?;
    let parsed = Parser::new(&DuckDbDialect {})
        .with_recursion_limit(64)
        .try_with_sql(sql)
        .and_then(|mut parser| parser.parse_data_type());
    parsed.ok().as_ref().and_then(types::parse).ok_or_else(|| unknown_type(sql))
}

pub(super) fn unknown_type(sql: &str) -> Error {
    Error::profile("", format!("unknown type `{sql}`"))
        .hint("use bigint, double, decimal(precision,scale), text, date, timestamp, datetime or boolean")
}

pub(super) fn excerpt(sql: &str) -> String {
    let short: String = sql.chars().take(80).collect();
    if short.len() < sql.len() { format!("{short}…") } else { short }
}
