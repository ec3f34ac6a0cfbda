//! How deep and how large an expression may be. What is too deep to be walked is refused by its tokens, before there is
//! a tree; what copies of itself would make too large is refused before it is copied.

use sqlparser::dialect::DuckDbDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::{Expr, Node};
use crate::error::{Error, Result};

/// The deepest expression, in operators and brackets from its outermost to its innermost.
const MAX_DEPTH: usize = 400;
/// The most parts of an expression.
const MAX_NODES: usize = 100_000;

/// How deep an expression is at most: operators one after the other nest too, and only brackets and commas end that.
pub(crate) fn allow(sql: &str) -> Result<usize> {
    let (mut levels, mut deepest) = (vec![0_usize], 0);
    for token in Tokenizer::new(&DuckDbDialect {}, sql).tokenize().unwrap_or_default() {
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => levels.push(1),
            Token::RParen | Token::RBracket | Token::RBrace => leave(&mut levels),
            Token::Comma => reset(&mut levels),
            Token::Whitespace(_) | Token::Number(..) | Token::SingleQuotedString(_) | Token::Period => {}
            Token::Word(word) => match word.value.to_ascii_uppercase().as_str() {
                "CASE" => levels.push(1),
                "END" => leave(&mut levels),
                "WHEN" | "THEN" | "ELSE" => reset(&mut levels),
                "AND" | "OR" | "NOT" | "IS" | "IN" | "LIKE" | "ILIKE" | "BETWEEN" | "COLLATE" | "AT" | "INTERVAL" => {
                    operator(&mut levels);
                }
                _ => {}
            },
            _ => operator(&mut levels),
        }
        deepest = deepest.max(levels.iter().sum());
    }
    if deepest > MAX_DEPTH {
        return Err(Error::profile("", format!("an expression is nested {deepest} deep, {MAX_DEPTH} is the most"))
            .hint("brackets around parts of a long chain make it flatter; so do columns of their own"));
    }
    Ok(deepest)
}

fn operator(levels: &mut [usize]) {
    if let Some(level) = levels.last_mut() {
        *level += 1;
    }
}

fn reset(levels: &mut [usize]) {
    if let Some(level) = levels.last_mut() {
        *level = 1;
    }
}

/// What follows a bracket still stands around what is in it, as one more operand.
fn leave(levels: &mut Vec<usize>) {
    if levels.len() > 1 {
        levels.pop();
    }
    operator(levels);
}

/// Refuses to copy an expression so many times.
pub(super) fn copies(expr: &Expr, times: usize) -> Result<()> {
    if nodes(expr).saturating_mul(times) > MAX_NODES {
        return Err(Error::profile("", "an expression is too large".to_owned())
            .hint("BETWEEN, IN and CASE copy what they look at: give it a name of its own, under `let`"));
    }
    Ok(())
}

fn nodes(expr: &Expr) -> usize {
    1 + match &expr.node {
        Node::Input(_) | Node::Literal(_) => 0,
        Node::Call(_, args) => args.iter().map(nodes).sum(),
        Node::Case(conditions, values) => conditions.iter().chain(values).map(nodes).sum(),
        Node::Cast(inner) => nodes(inner),
    }
}
