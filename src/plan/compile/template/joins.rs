//! Conditions of loops: comparisons with rows around the loop, and what the loop's own table computes.

use sqlparser::ast::{BinaryOperator, Expr as Sql};
use sqlparser::dialect::DuckDbDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::Draft;
use crate::error::Result;
use crate::plan::{Comparison, TemplateJoin};
use crate::sql::{self, types};
use crate::template::Code;

impl Draft<'_, '_> {
    /// The level of the row that a loop's rows are compared with, and how many parents of that row lead to the one at `level`, whose rows
    /// they are.
    pub(super) fn rebased(
        &self,
        level: usize,
        joins: &[(TemplateJoin, usize)],
        source: &Code,
    ) -> Result<(usize, usize)> {
        let Some(wanted) = joins.iter().map(|(_, level)| *level).max() else { return Ok((level, 0)) };
        let mut above = std::iter::successors(Some(wanted), |at| self.levels[*at].below);
        if joins.iter().any(|(_, other)| *other != wanted) || !above.any(|at| at == level) {
            let message = "the condition compares with a row that the path of the loop does not start from";
            return Err(source
                .at
                .error(message)
                .hint("`for q in p.child if q.x = p.y`: with `p`, or with one row of a loop over its descendants"));
        }
        let [own, base] = [wanted, level].map(|at| self.compiler.depth(self.levels[at].table));
        Ok((wanted, own - base))
    }

    /// Compiles a comparison of the row of a loop, the innermost level, with a row around it, and gives that row's level; `None` for a
    /// condition of another form.
    pub(super) fn join(&mut self, code: &Code, depth: usize) -> Result<Option<(TemplateJoin, usize)>> {
        let Ok(Sql::BinaryOp { left, op, right }) = sql::parse(&code.text) else { return Ok(None) };
        let Some((op, mirrored)) = Comparison::of(&op) else { return Ok(None) };
        let [left, right] = [left, right].map(|side| Code { text: side.to_string(), at: code.at.clone() });
        let (scopes, texts) = ([self.scope(&left)?, self.scope(&right)?], [left, right]);
        let (own, other, op) = match (scopes[0].level == depth, scopes[1].level == depth) {
            (true, false) if !is_constant(&texts[1].text) => (0, 1, op),
            (false, true) if !is_constant(&texts[0].text) => (1, 0, mirrored),
            _ => return Ok(None),
        };
        let base = scopes[other].level;
        // A row above the loop's own is seen from it.
        let above = std::iter::successors(self.levels[depth].below, |at| self.levels[*at].below);
        if scopes[other].names_row && { above }.any(|at| at == base) {
            return Ok(None);
        }
        let (table, outer_table) = (self.levels[depth].table, self.levels[base].table);
        let (column, outer) = (
            self.column(table, &scopes[own].text, &code.at)?,
            self.column(outer_table, &scopes[other].text, &code.at)?,
        );
        let types =
            [(table, column), (outer_table, outer)].map(|(table, column)| self.compiler.type_of(table, column).0);
        let Some(ty) = types::common(&types[0], &types[1]) else {
            let [one, other] = [&types[0], &types[1]].map(types::name);
            return Err(code
                .at
                .error(format!("type mismatch: {one} is compared with {other}"))
                .hint("CAST one of them"));
        };
        Ok(Some((TemplateJoin { column, outer_table, outer, ty, op }, base)))
    }
}

/// The conditions that a condition joins with AND.
pub(super) fn conjuncts(code: &Code) -> Result<Vec<Code>> {
    fn parts(sql: &Sql, found: &mut Vec<String>) {
        match sql {
            Sql::BinaryOp { left, op: BinaryOperator::And, right } => {
                parts(left, found);
                parts(right, found);
            }
            Sql::Nested(inner) if matches!(&**inner, Sql::BinaryOp { op: BinaryOperator::And, .. }) => {
                parts(inner, found);
            }
            other => found.push(other.to_string()),
        }
    }
    let parsed = sql::parse(&code.text).map_err(|error| error.at(Some(code.at.place())))?;
    let mut found = Vec::new();
    parts(&parsed, &mut found);
    Ok(found.into_iter().map(|text| Code { text, at: code.at.clone() }).collect())
}

/// Tells whether an expression names no column: the loop's own table can compute it.
fn is_constant(text: &str) -> bool {
    let tokens = Tokenizer::new(&DuckDbDialect {}, text).with_unescape(false).tokenize().unwrap_or_default();
    let tokens: Vec<&Token> = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect();
    let after_params = |n: usize| n >= 2 && *tokens[n - 1] == Token::Period && tokens[n - 2].to_string() == "params";
    let is_column = |(n, token): (usize, &&Token)| match token {
        Token::Word(word) => {
            word.value.starts_with(|c: char| c.is_ascii_lowercase())
                && tokens.get(n + 1) != Some(&&Token::LParen)
                && !matches!(&*word.value, "true" | "false" | "null" | "as_of" | "params" | "and" | "or" | "not" | "is")
                && !after_params(n)
        }
        _ => false,
    };
    !tokens.iter().enumerate().any(is_column)
}
