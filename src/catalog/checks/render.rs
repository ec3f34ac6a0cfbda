//! A check in the SQL of profiles, so that `placebo check` looks at it.

use sqlparser::ast::{BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, InTarget, UnaryOperator};

use super::{Literal, bare, column, literal};
use crate::catalog::{Table, Type};

/// Writes a condition in the SQL of profiles; `named` gives the name of a column there, if it has one. `None` if the condition has
/// a form that profiles do not know.
pub(in crate::catalog) fn render(
    condition: &Expr,
    table: &Table,
    named: &dyn Fn(usize) -> Option<String>,
) -> Option<String> {
    Renderer { table, named }.expr(condition)
}

struct Renderer<'a> {
    table: &'a Table,
    named: &'a dyn Fn(usize) -> Option<String>,
}

impl Renderer<'_> {
    fn expr(&self, expr: &Expr) -> Option<String> {
        if let Some(value) = literal(expr) {
            return Some(written(&value));
        }
        Some(match expr {
            Expr::Nested(inner) => format!("({})", self.expr(inner)?),
            Expr::Cast { expr: inner, .. } | Expr::Collate { expr: inner, .. } => self.expr(inner)?,
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => (self.named)(column(expr, self.table)?)?,
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => format!("NOT {}", self.expr(expr)?),
            Expr::UnaryOp { op: UnaryOperator::Minus, expr } => format!("-{}", self.expr(expr)?),
            Expr::IsNull(inner) => format!("{} IS NULL", self.expr(inner)?),
            Expr::IsNotNull(inner) => format!("{} IS NOT NULL", self.expr(inner)?),
            Expr::IsTrue(inner) => format!("{} IS TRUE", self.expr(inner)?),
            Expr::IsFalse(inner) => format!("{} IS FALSE", self.expr(inner)?),
            Expr::BinaryOp { left, op: BinaryOperator::PGRegexMatch, right } => {
                format!("regexp_matches({}, {})", self.expr(left)?, self.expr(right)?)
            }
            Expr::BinaryOp { left, op: BinaryOperator::PGLikeMatch, right } => {
                format!("{} LIKE {}", self.expr(left)?, self.expr(right)?)
            }
            Expr::BinaryOp { left, op, right } => {
                let op = operator(op)?;
                format!("{} {op} {}", self.beside(left, right)?, self.beside(right, left)?)
            }
            Expr::Between { expr, negated, low, high } => {
                let not = if *negated { "NOT " } else { "" };
                let (low, high) = (self.beside(low, expr)?, self.beside(high, expr)?);
                format!("{} {not}BETWEEN {low} AND {high}", self.expr(expr)?)
            }
            Expr::In { expr, target: InTarget::List(list), negated, .. } => {
                let not = if *negated { "NOT " } else { "" };
                format!("{} {not}IN ({})", self.expr(expr)?, self.list(expr, list)?)
            }
            Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => match bare(right) {
                Expr::Array(array) => format!("{} IN ({})", self.expr(left)?, self.list(left, &array.elem)?),
                _ => return None,
            },
            Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                let not = if *negated { "NOT " } else { "" };
                format!("{} {not}LIKE {}", self.expr(expr)?, self.expr(pattern)?)
            }
            Expr::Function(function) => {
                let name = match function.name.to_string().to_ascii_lowercase().as_str() {
                    "length" | "char_length" | "character_length" | "len" => "length",
                    "trim" | "btrim" => "trim",
                    "lower" => "lower",
                    "upper" => "upper",
                    "coalesce" | "ifnull" => "coalesce",
                    "abs" => "abs",
                    _ => return None,
                };
                let FunctionArguments::List(list) = &function.args else { return None };
                let arguments = list.args.iter().map(|argument| match argument {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(inner)) => self.expr(inner),
                    _ => None,
                });
                format!("{name}({})", arguments.collect::<Option<Vec<_>>>()?.join(", "))
            }
            _ => return None,
        })
    }

    fn list(&self, of: &Expr, list: &[Expr]) -> Option<String> {
        Some(list.iter().map(|item| self.beside(item, of)).collect::<Option<Vec<_>>>()?.join(", "))
    }

    /// Writes one side of a comparison: beside a date or instant, a text is one too.
    fn beside(&self, side: &Expr, other: &Expr) -> Option<String> {
        let ty = column(other, self.table).map(|at| &self.table.columns[at].ty);
        match (literal(side), ty) {
            (Some(Literal::Text(text)), Some(Type::Date)) => Some(format!("DATE '{}'", text.get(..10)?)),
            (Some(Literal::Text(text)), Some(Type::Timestamp)) if text.len() == 10 => Some(format!("DATE '{text}'")),
            (Some(Literal::Text(text)), Some(Type::Timestamp)) => Some(format!("TIMESTAMP '{}'", text.get(..19)?)),
            (Some(Literal::Text(text)), Some(Type::Integer { .. } | Type::Decimal { .. } | Type::Double)) => {
                text.parse::<f64>().ok().map(|_| text)
            }
            _ => self.expr(side),
        }
    }
}

fn written(value: &Literal) -> String {
    match value {
        Literal::Number(number) => number.clone(),
        Literal::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Literal::Boolean(value) => value.to_string(),
        Literal::Now => "as_of".to_owned(),
    }
}

fn operator(op: &BinaryOperator) -> Option<&'static str> {
    Some(match op {
        BinaryOperator::And => "AND",
        BinaryOperator::Or => "OR",
        BinaryOperator::Eq => "=",
        BinaryOperator::NotEq => "<>",
        BinaryOperator::Lt => "<",
        BinaryOperator::LtEq => "<=",
        BinaryOperator::Gt => ">",
        BinaryOperator::GtEq => ">=",
        BinaryOperator::Plus => "+",
        BinaryOperator::Minus => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::StringConcat => "||",
        _ => return None,
    })
}
