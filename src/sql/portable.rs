//! Predicates that can be a `CHECK` in a database: over written columns only, with operators that mean the same
//! everywhere.

use arrow_schema::{DataType, Schema};
use sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr as Sql, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, InTarget,
};
use sqlparser::ast::{UnaryOperator, Value};

use super::parse::parse;

/// Types as far as comparisons in databases differ between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Boolean,
    Number,
    Text,
    Date,
    Instant,
}

/// Translates a predicate to a `CHECK` of a table with these columns, with quoted names, which `PostgreSQL` and
/// `DuckDB` both evaluate as Placebo does. `None` if it refers to other rows or intermediate values, or has anything that
/// the two evaluate differently.
#[must_use]
pub fn portable(predicate: &str, columns: &Schema) -> Option<String> {
    let mut sql = parse(predicate).ok()?;
    (kind(&mut sql, columns)? == Kind::Boolean).then(|| sql.to_string())
}

/// Tells whether a portable predicate computes with decimals, which a database without them rounds, or calls `greatest` or `least`, which
/// not every database has under these names.
#[must_use]
pub fn needs_decimals(predicate: &str, columns: &Schema) -> bool {
    parse(predicate).map_or(true, |sql| computes(&sql, columns))
}

fn computes(sql: &Sql, columns: &Schema) -> bool {
    use BinaryOperator as Op;
    let of = |sql: &Sql| computes(sql, columns);
    match sql {
        Sql::Nested(inner) | Sql::IsNull(inner) | Sql::IsNotNull(inner) | Sql::UnaryOp { expr: inner, .. } => of(inner),
        Sql::Between { expr, low, high, .. } => of(expr) || of(low) || of(high),
        Sql::In { expr, target: InTarget::List(list), .. } => of(expr) || list.iter().any(of),
        Sql::BinaryOp { left, op, right } => {
            let arithmetic = matches!(op, Op::Plus | Op::Minus | Op::Multiply);
            (arithmetic && (decimal(left, columns) || decimal(right, columns))) || of(left) || of(right)
        }
        Sql::Case { conditions, else_result, .. } => {
            conditions.iter().any(|when| of(&when.condition) || of(&when.result))
                || else_result.as_ref().is_some_and(|other| of(other))
        }
        Sql::Function(call) => call.name.to_string() != "coalesce" || arguments(call).any(of),
        Sql::Identifier(_) | Sql::Value(_) => false,
        _ => true,
    }
}

/// Tells whether a decimal is a part of an expression.
fn decimal(sql: &Sql, columns: &Schema) -> bool {
    let of = |sql: &Sql| decimal(sql, columns);
    match sql {
        Sql::Nested(inner) | Sql::UnaryOp { expr: inner, .. } => of(inner),
        Sql::BinaryOp { left, right, .. } => of(left) || of(right),
        Sql::Function(call) => arguments(call).any(of),
        Sql::Case { conditions, else_result, .. } => {
            conditions.iter().any(|when| of(&when.result)) || else_result.as_ref().is_some_and(|other| of(other))
        }
        Sql::Value(value) => matches!(&value.value, Value::Number(digits, _) if digits.contains('.')),
        Sql::Identifier(name) => columns
            .field_with_name(&name.value)
            .is_ok_and(|field| matches!(field.data_type(), DataType::Decimal128(..))),
        _ => true,
    }
}

fn arguments(call: &sqlparser::ast::Function) -> impl Iterator<Item = &Sql> {
    let list = match &call.args {
        FunctionArguments::List(list) => list.args.as_slice(),
        _ => &[],
    };
    list.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(inner)) => Some(inner),
        _ => None,
    })
}

/// Quotes the names in an expression and gives its type. `None` if it is not portable.
fn kind(sql: &mut Sql, columns: &Schema) -> Option<Kind> {
    let of = |sql: &mut Sql| kind(sql, columns);
    match sql {
        Sql::Nested(inner) => of(inner),
        Sql::Identifier(name) => column(name, columns),
        Sql::Value(value) => match &value.value {
            Value::Number(..) => Some(Kind::Number),
            Value::SingleQuotedString(_) => Some(Kind::Text),
            Value::Boolean(_) => Some(Kind::Boolean),
            _ => None,
        },
        Sql::IsNull(inner) | Sql::IsNotNull(inner) => of(inner).map(|_| Kind::Boolean),
        Sql::UnaryOp { op: UnaryOperator::Not, expr } => of(expr).filter(|kind| *kind == Kind::Boolean),
        Sql::UnaryOp { op: UnaryOperator::Minus, expr } => of(expr).filter(|kind| *kind == Kind::Number),
        Sql::Between { expr, low, high, .. } => {
            let kind = of(expr)?;
            (of(low)? == kind && of(high)? == kind).then_some(Kind::Boolean)
        }
        Sql::In { expr, target: InTarget::List(list), global: false, .. } => {
            let kind = of(expr)?;
            list.iter_mut().all(|item| of(item) == Some(kind)).then_some(Kind::Boolean)
        }
        Sql::BinaryOp { left, op, right } => {
            let kind = of(left)?;
            (of(right)? == kind).then(|| binary(op, kind)).flatten()
        }
        Sql::Case { operand: None, conditions, else_result, .. } => {
            let mut kinds = Vec::new();
            for CaseWhen { condition, result } in conditions {
                of(condition).filter(|kind| *kind == Kind::Boolean)?;
                kinds.push(of(result)?);
            }
            kinds.extend(else_result.as_mut().map(|other| of(other)).map_or(Some(None), |kind| kind.map(Some))?);
            same(&kinds)
        }
        Sql::Function(call) if call.over.is_none() && call.filter.is_none() => {
            let name = call.name.to_string();
            if !["coalesce", "greatest", "least"].contains(&name.as_str()) {
                return None;
            }
            let FunctionArguments::List(list) = &mut call.args else { return None };
            let argument = |arg: &mut FunctionArg| match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(inner)) => of(inner),
                _ => None,
            };
            same(&list.args.iter_mut().map(argument).collect::<Option<Vec<_>>>()?)
        }
        _ => None,
    }
}

fn column(name: &mut Ident, columns: &Schema) -> Option<Kind> {
    let field = columns.field_with_name(&name.value).ok()?;
    name.quote_style = Some('"');
    match field.data_type() {
        DataType::Boolean => Some(Kind::Boolean),
        DataType::Int64 | DataType::Decimal128(..) => Some(Kind::Number),
        DataType::Utf8 => Some(Kind::Text),
        DataType::Dictionary(_, values) if **values == DataType::Utf8 => Some(Kind::Text),
        DataType::Date32 => Some(Kind::Date),
        DataType::Timestamp(..) => Some(Kind::Instant),
        // Comparisons of doubles are not portable.
        _ => None,
    }
}

fn binary(op: &BinaryOperator, kind: Kind) -> Option<Kind> {
    use BinaryOperator as Op;
    match op {
        Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => {
            // The order of texts differs between databases.
            (kind != Kind::Text || matches!(op, Op::Eq | Op::NotEq)).then_some(Kind::Boolean)
        }
        Op::And | Op::Or => (kind == Kind::Boolean).then_some(kind),
        Op::Plus | Op::Minus | Op::Multiply => (kind == Kind::Number).then_some(kind),
        _ => None,
    }
}

fn same(kinds: &[Kind]) -> Option<Kind> {
    let first = *kinds.first()?;
    kinds.iter().all(|kind| *kind == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use arrow_schema::Field;

    use super::*;

    #[test]
    fn only_what_others_understand_is_portable() {
        let field = |name: &str, ty| Field::new(name, ty, true);
        let columns = Schema::new(vec![
            field("paid", DataType::Int64),
            field("use", DataType::Utf8),
            field("day", DataType::Date32),
            field("rate", DataType::Float64),
        ]);
        let of = |sql: &str| portable(sql, &columns);
        assert_eq!(
            of("coalesce(paid, 0) >= 0 AND (use IN ('home', 'old')) = (day IS NOT NULL)").as_deref(),
            Some(r#"coalesce("paid", 0) >= 0 AND ("use" IN ('home', 'old')) = ("day" IS NOT NULL)"#)
        );
        for other in ["paid + 1", "paid = hidden", "use < 'm'", "day < '2025-01-01'", "rate > 0", "length(use) = 3"] {
            assert_eq!(of(other), None, "{other}");
        }
        for other in ["lag(paid) OVER (ORDER BY paid) < paid", "paid // 2 = 1", "person.paid = 1", "paid = 'x'"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
