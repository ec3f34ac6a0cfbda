//! Limits on the depth and size of expressions. Depth is checked on the tokens, before there is a syntax tree to
//! recurse into; size is checked before an operand is copied.

use sqlparser::dialect::DuckDbDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::{Expr, Node};
use crate::error::{Error, Result};

/// The greatest depth of an expression: operators and brackets from its outermost to its innermost.
pub(crate) const MAX_DEPTH: usize = 400;
/// The greatest number of nodes of an expression.
const MAX_NODES: usize = 100_000;

/// Computes an upper bound of the depth of an expression, and refuses more than 400. A chain of operators counts as
/// nested, until a bracket or comma ends it.
pub(crate) fn allow(sql: &str) -> Result<usize> {
    let deepest = deepest(Tokenizer::new(&DuckDbDialect {}, sql).tokenize().unwrap_or_default());
    if deepest > MAX_DEPTH {
        return Err(Error::profile("", format!("the expression is nested {deepest} deep, more than {MAX_DEPTH}"))
            .hint("put brackets around parts of a long chain, or compute parts of it in other columns"));
    }
    Ok(deepest)
}

/// Computes an upper bound of the depth of the expressions in a list of tokens.
pub(crate) fn deepest(tokens: impl IntoIterator<Item = Token>) -> usize {
    let (mut levels, mut deepest) = (vec![0_usize], 0);
    for token in tokens {
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
    deepest
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

/// Leaves a bracket: it counts as one operand of the operators after it.
fn leave(levels: &mut Vec<usize>) {
    if levels.len() > 1 {
        levels.pop();
    }
    operator(levels);
}

/// Refuses to copy an expression `times` times if the copies have too many nodes.
pub(super) fn copies(expr: &Expr, times: usize) -> Result<()> {
    if nodes(expr).saturating_mul(times) > MAX_NODES {
        return Err(Error::profile("", "the expression is too large".to_owned())
            .hint("BETWEEN, IN and CASE copy their first operand: give it a name of its own, under `let`"));
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
