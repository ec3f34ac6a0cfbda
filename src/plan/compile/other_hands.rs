//! Aggregates over the hand of another row: `count(person.consent)` counts the consents of the row that `person` refers to.
//!
//! The names that lead to the other row are cut off, and what is left is an aggregate of that row's table.

use sqlparser::ast::Expr as Sql;
use sqlparser::dialect::DuckDbDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::Compiler;
use super::names::{NameResolver, Way};
use crate::error::Result;
use crate::plan::Input;
use crate::sql;

impl NameResolver<'_, '_> {
    /// Compiles an aggregate whose names lead to a hand of another row; `None` if they lead to none.
    pub(super) fn other_hand(&mut self, aggregate: &sql::Aggregate<'_>) -> Result<Option<sql::Expr>> {
        let text = written(aggregate);
        for chain in chains(&text) {
            let mut way = Way { table: self.table, steps: Vec::new(), optional: false };
            for (at, head) in chain.iter().enumerate() {
                if at > 0 && self.compiler.hands(way.table).iter().any(|(hand, _)| hand == head) {
                    let outer = self.compiler.alias.take();
                    let column = self.compiler.argument(way.table, &without(&text, &chain[..at]));
                    self.compiler.alias = outer;
                    let Way { table, steps, optional } = way;
                    let column = column?;
                    let (ty, nullable) = self.compiler.type_of(table, column);
                    return Ok(Some(self.add(Input { steps, column }, ty, nullable || optional)));
                }
                if !self.compiler.is_row(way.table, head)? {
                    break;
                }
                let target = self.compiler.target(way.table, head)?;
                if !way.step(&target) {
                    break;
                }
            }
        }
        Ok(None)
    }
}

impl Compiler<'_> {
    /// Tells whether a name leads from a row of a table to another row: a reference, a fact or an ancestor.
    fn is_row(&mut self, table: usize, name: &str) -> Result<bool> {
        if let Some(decl) = self.tables[table].decl.refs.get(name) {
            return Ok(decl.file.is_none());
        }
        let mut above = std::iter::successors(self.tables[table].parent, |at| self.tables[*at].parent);
        Ok(above.any(|at| self.tables[at].name == name) || self.fact(table, name)?.is_some())
    }
}

/// The aggregate as SQL.
fn written(aggregate: &sql::Aggregate<'_>) -> String {
    let args: Vec<String> = aggregate.args.iter().map(ToString::to_string).collect();
    let key = |(sql, descending): &(&Sql, bool)| format!("{sql}{}", if *descending { " DESC" } else { "" });
    let order: Vec<String> = aggregate.order.iter().map(key).collect();
    let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
    let filter = aggregate.filter.map_or_else(String::new, |filter| format!(" FILTER (WHERE {filter})"));
    format!("{}({}{order}){filter}", aggregate.name, args.join(", "))
}

fn tokens(text: &str) -> Vec<Token> {
    Tokenizer::new(&DuckDbDialect {}, text).with_unescape(false).tokenize().unwrap_or_default()
}

/// The names of a text that are joined by points, such as `person.consent.status`, each as its words.
fn chains(text: &str) -> Vec<Vec<String>> {
    let (mut all, mut joined): (Vec<Vec<String>>, bool) = (Vec::new(), false);
    for token in tokens(text) {
        match (token, all.last_mut()) {
            (Token::Word(word), Some(chain)) if joined => chain.push(word.value),
            (Token::Word(word), _) => all.push(vec![word.value]),
            (Token::Period, _) => {
                joined = true;
                continue;
            }
            _ => {}
        }
        joined = false;
    }
    all
}

/// The text without the words that lead to another row, wherever a name begins with them.
fn without(text: &str, heads: &[String]) -> String {
    let tokens = tokens(text);
    let (mut left, mut at) = (String::new(), 0);
    while let Some(token) = tokens.get(at) {
        let word = |place: usize, name: &String| {
            matches!(tokens.get(at + 2 * place), Some(Token::Word(word)) if word.value == *name)
                && matches!(tokens.get(at + 2 * place + 1), Some(Token::Period))
        };
        let begins = at == 0 || tokens[at - 1] != Token::Period;
        if begins && heads.iter().enumerate().all(|(place, name)| word(place, name)) {
            at += 2 * heads.len();
            continue;
        }
        left += &token.to_string();
        at += 1;
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_and_texts_are_kept() {
        let text = "bool_or(person.consent.kind = 'it''s person.consent' AND x.person.consent > 1)";
        assert_eq!(chains(text)[1], ["person", "consent", "kind"]);
        let cut = without(text, &["person".to_owned()]);
        assert_eq!(cut, "bool_or(consent.kind = 'it''s person.consent' AND x.person.consent > 1)");
    }
}
