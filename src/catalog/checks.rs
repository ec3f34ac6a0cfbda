//! The meaning of a check: limits on one column, an order of two, a list of values.

mod render;

use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, InTarget, UnaryOperator, Value,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::{Table, Type};

pub(super) use render::render;

/// A constant of a check.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Number(String),
    Text(String),
    Boolean(bool),
    /// The day or instant of the row's insertion.
    Now,
}

/// A part of a check that values can be made to keep. Columns are positions in the table.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fact {
    OneOf(usize, Vec<Literal>),
    /// Not below the constant, or above it where the last is `true`.
    AtLeast(usize, Literal, bool),
    /// Not above the constant, or below it where the last is `true`.
    AtMost(usize, Literal, bool),
    /// The first column is not above the second, or below it where the last is `true`.
    Ordered(usize, usize, bool),
    NotNull(usize),
    /// At most so many characters.
    Longest(usize, u32),
    /// At least so many characters.
    Shortest(usize, u32),
    /// Matches a regular expression.
    Matches(usize, String),
    /// The texts are in upper case, or in lower case where the last is `false`.
    Cased(usize, bool),
}

/// Reads a check. The facts are those that it implies where its columns are not null; `true` says that they are all of it.
pub(super) fn facts(condition: &Expr, table: &Table) -> (Vec<Fact>, bool) {
    let mut found = Vec::new();
    let whole = read(condition, table, &mut found);
    (found, whole)
}

/// The columns that a check mentions.
pub(super) fn columns(condition: &Expr, table: &Table) -> Vec<usize> {
    let mut found: Vec<usize> = words(condition).iter().filter_map(|word| table.column(word)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Tells whether a check passes where one of its columns is null, as most do.
pub(super) fn passes_null(condition: &Expr) -> bool {
    let tests = ["is", "coalesce", "case", "nullif", "ifnull", "isnull", "num_nonnulls", "num_nulls", "or"];
    !words(condition).iter().any(|word| tests.contains(&word.to_ascii_lowercase().as_str()))
}

fn words(condition: &Expr) -> Vec<String> {
    let tokens = Tokenizer::new(&GenericDialect {}, &condition.to_string()).tokenize().unwrap_or_default();
    let word = |token| if let Token::Word(word) = token { Some(word.value) } else { None };
    tokens.into_iter().filter_map(word).collect()
}

fn read(condition: &Expr, table: &Table, found: &mut Vec<Fact>) -> bool {
    match condition {
        Expr::Nested(inner) => read(inner, table, found),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            let left = read(left, table, found);
            read(right, table, found) && left
        }
        Expr::BinaryOp { op: BinaryOperator::Or, .. } => either(condition, table, found),
        Expr::BinaryOp { left, op, right } => compared(left, op, right, table, found),
        Expr::Between { expr, negated: false, low, high } => {
            let low = compared(expr, &BinaryOperator::GtEq, low, table, found);
            compared(expr, &BinaryOperator::LtEq, high, table, found) && low
        }
        Expr::In { expr, target: InTarget::List(list), negated: false, .. } => one_of(expr, list, table, found),
        Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => match bare(right) {
            Expr::Array(array) => one_of(left, &array.elem, table, found),
            _ => false,
        },
        Expr::IsNotNull(inner) => column(inner, table).map(|column| found.push(Fact::NotNull(column))).is_some(),
        _ => false,
    }
}

/// Reads a chain of alternatives: nulls allowed beside a condition, or one column equal to some constants.
fn either(condition: &Expr, table: &Table, found: &mut Vec<Fact>) -> bool {
    let mut parts = Vec::new();
    alternatives(condition, &mut parts);
    parts.retain(|part| !matches!(bare(part), Expr::IsNull(inner) if column(inner, table).is_some()));
    if let [part] = parts.as_slice() {
        return read(part, table, found);
    }
    let equal = |part: &&Expr| {
        let mut inside = Vec::new();
        let whole = read(part, table, &mut inside);
        match inside.as_slice() {
            [Fact::OneOf(column, values)] if whole => Some((*column, values.clone())),
            _ => None,
        }
    };
    let Some(all) = parts.iter().map(equal).collect::<Option<Vec<_>>>() else { return false };
    let Some(first) = all.first().map(|(column, _)| *column) else { return false };
    if all.iter().any(|(column, _)| *column != first) {
        return false;
    }
    found.push(Fact::OneOf(first, all.into_iter().flat_map(|(_, values)| values).collect()));
    true
}

fn alternatives<'e>(condition: &'e Expr, parts: &mut Vec<&'e Expr>) {
    match condition {
        Expr::Nested(inner) => alternatives(inner, parts),
        Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
            alternatives(left, parts);
            alternatives(right, parts);
        }
        other => parts.push(other),
    }
}

fn one_of(expr: &Expr, list: &[Expr], table: &Table, found: &mut Vec<Fact>) -> bool {
    let values: Option<Vec<Literal>> = list.iter().map(literal).collect();
    match (column(expr, table), values) {
        (Some(column), Some(values)) if !values.is_empty() => {
            found.push(Fact::OneOf(column, values));
            true
        }
        _ => false,
    }
}

fn compared(left: &Expr, op: &BinaryOperator, right: &Expr, table: &Table, found: &mut Vec<Fact>) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq, PGRegexMatch};
    let flipped = match op {
        Lt => Gt,
        LtEq => GtEq,
        Gt => Lt,
        GtEq => LtEq,
        other => other.clone(),
    };
    if literal(left).is_some() && literal(right).is_none() {
        return compared(right, &flipped, left, table, found);
    }
    if let (Some(a), Some(b)) = (column(left, table), column(right, table)) {
        found.push(match op {
            LtEq | Lt => Fact::Ordered(a, b, *op == Lt),
            GtEq | Gt => Fact::Ordered(b, a, *op == Gt),
            _ => return false,
        });
        return true;
    }
    let Some(value) = literal(right) else { return case_of(left, op, right, table, found) };
    if let Some(of) = length_of(left, table) {
        let Literal::Number(number) = &value else { return false };
        let Ok(number) = number.parse::<u32>() else { return false };
        match op {
            LtEq => found.push(Fact::Longest(of, number)),
            Lt => found.push(Fact::Longest(of, number.saturating_sub(1))),
            GtEq => found.push(Fact::Shortest(of, number)),
            Gt => found.push(Fact::Shortest(of, number.saturating_add(1))),
            NotEq if number == 0 => found.push(Fact::Shortest(of, 1)),
            Eq => found.extend([Fact::Shortest(of, number), Fact::Longest(of, number)]),
            _ => return false,
        }
        return true;
    }
    let Some(of) = column(left, table) else { return false };
    match (op, &value) {
        (Eq, _) => found.push(Fact::OneOf(of, vec![value])),
        (GtEq | Gt, _) => found.push(Fact::AtLeast(of, value, *op == Gt)),
        (LtEq | Lt, _) => found.push(Fact::AtMost(of, value, *op == Lt)),
        (NotEq, Literal::Text(text)) if text.is_empty() => found.push(Fact::Shortest(of, 1)),
        // Generated texts and numbers from 1 on have none of these values.
        (NotEq, Literal::Number(number)) if number == "0" && matches!(table.columns[of].ty, Type::Integer { .. }) => {
            found.push(Fact::AtLeast(of, Literal::Number("1".to_owned()), false));
        }
        (PGRegexMatch, Literal::Text(pattern)) => found.push(Fact::Matches(of, pattern.clone())),
        _ => return false,
    }
    true
}

/// Reads `code = upper(code)`.
fn case_of(left: &Expr, op: &BinaryOperator, right: &Expr, table: &Table, found: &mut Vec<Fact>) -> bool {
    let (Some(of), Expr::Function(function)) = (column(left, table), bare(right)) else { return false };
    let upper = match function.name.to_string().to_ascii_lowercase().as_str() {
        "upper" => true,
        "lower" => false,
        _ => return false,
    };
    if *op != BinaryOperator::Eq || argument(function).and_then(|inner| column(inner, table)) != Some(of) {
        return false;
    }
    found.push(Fact::Cased(of, upper));
    true
}

/// The column whose length an expression is.
fn length_of(expr: &Expr, table: &Table) -> Option<usize> {
    let Expr::Function(function) = bare(expr) else { return None };
    let name = function.name.to_string().to_ascii_lowercase();
    let lengths = ["length", "char_length", "character_length", "len", "octet_length", "datalength"];
    let mut inner = argument(function).filter(|_| lengths.contains(&name.as_str()))?;
    // Generated texts have no space at their ends.
    if let Expr::Trim { expr, trim_where: None, trim_what: None, .. } = bare(inner) {
        inner = expr;
    } else if let Expr::Function(trim) = bare(inner)
        && ["btrim", "trim", "ltrim", "rtrim"].contains(&trim.name.to_string().to_ascii_lowercase().as_str())
    {
        inner = argument(trim)?;
    }
    column(inner, table)
}

/// The only argument of a function.
fn argument(function: &Function) -> Option<&Expr> {
    match &function.args {
        FunctionArguments::List(list) => match list.args.as_slice() {
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(inner))] => Some(inner),
            _ => None,
        },
        _ => None,
    }
}

/// An expression without brackets and casts around it.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } | Expr::Collate { expr: inner, .. } => bare(inner),
        other => other,
    }
}

/// The column that an expression is.
fn column(expr: &Expr, table: &Table) -> Option<usize> {
    match bare(expr) {
        Expr::Identifier(ident) => table.column(&ident.value),
        Expr::CompoundIdentifier(path) => table.column(&path.last()?.value),
        _ => None,
    }
}

/// The constant that an expression is.
fn literal(expr: &Expr) -> Option<Literal> {
    Some(match bare(expr) {
        Expr::Value(value) => plain(&value.value)?,
        Expr::TypedString(typed) => plain(&typed.value.value)?,
        Expr::Prefixed { value, .. } => literal(value)?,
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match literal(expr)? {
            Literal::Number(number) => Literal::Number(format!("-{number}")),
            _ => return None,
        },
        Expr::UnaryOp { op: UnaryOperator::Plus, expr } => literal(expr)?,
        Expr::Function(function) if now(function) => Literal::Now,
        _ => return None,
    })
}

fn plain(value: &Value) -> Option<Literal> {
    Some(match value {
        Value::Number(number, _) => Literal::Number(number.clone()),
        Value::SingleQuotedString(text) | Value::NationalStringLiteral(text) | Value::EscapedStringLiteral(text) => {
            Literal::Text(text.clone())
        }
        Value::DoubleQuotedString(text) => Literal::Text(text.clone()),
        Value::Boolean(value) => Literal::Boolean(*value),
        _ => return None,
    })
}

fn now(function: &Function) -> bool {
    let name = function.name.to_string().to_ascii_lowercase();
    ["now", "current_date", "current_timestamp", "localtimestamp", "getdate", "sysdatetime", "curdate", "getutcdate"]
        .contains(&name.as_str())
}
