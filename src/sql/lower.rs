//! Compilation of syntax trees to typed expressions: names are resolved, types checked, constants folded.

use std::sync::Arc;

use arrow_array::{BooleanArray, NullArray};
use arrow_schema::DataType;
use sqlparser::ast::{self, BinaryOperator, CastKind, CeilFloorKind, Expr as Sql, UnaryOperator};

use super::apply::function_call;
use super::call::{call, convert};
use super::parse::{excerpt, unknown_type};
use super::{Expr, Node, budget, literals, types};
use crate::error::{Error, Result};

/// The names that are visible to an expression, with the aggregates and window functions, which are not computed row by
/// row.
pub trait Names {
    /// Resolves a column by its path, such as `["member", "state"]`.
    ///
    /// # Errors
    ///
    /// Nothing has this name, or it cannot be read from here.
    fn column(&mut self, path: &[String]) -> Result<Expr>;
    /// Compiles an aggregate over a child table or a hand. `None` if the function is not an aggregate.
    ///
    /// # Errors
    ///
    /// The rows that it is over do not exist, or its arguments do not compile.
    fn aggregate(&mut self, aggregate: Aggregate<'_>) -> Result<Option<Expr>>;
    /// Compiles a window function over the siblings.
    ///
    /// # Errors
    ///
    /// The table has no siblings, or the arguments do not compile.
    fn window(&mut self, window: Window<'_>) -> Result<Expr>;
}

/// `name(args ORDER BY order) FILTER (WHERE filter)`.
pub struct Aggregate<'a> {
    /// The function's name, lower case.
    pub name: &'a str,
    /// Its arguments.
    pub args: &'a [Sql],
    /// The condition on the rows to aggregate.
    pub filter: Option<&'a Sql>,
    /// The keys by which the rows are ordered; `true` is descending.
    pub order: Vec<(&'a Sql, bool)>,
}

/// `name(args) OVER (PARTITION BY partition ORDER BY order)`.
pub struct Window<'a> {
    /// The function's name, lower case.
    pub name: &'a str,
    /// Its arguments.
    pub args: &'a [Sql],
    /// The keys that divide the siblings into groups.
    pub partition: &'a [Sql],
    /// The keys by which the siblings are ordered; `true` is descending. Without any the window is all siblings.
    pub order: Vec<(&'a Sql, bool)>,
}

/// Compiles a parsed expression.
///
/// # Errors
///
/// If a name is unknown, types do not match, a constant is out of range, or the syntax is not supported.
pub fn lower(sql: &Sql, names: &mut dyn Names) -> Result<Expr> {
    match sql {
        Sql::Nested(inner) => lower(inner, names),
        Sql::Identifier(ident) => names.column(std::slice::from_ref(&ident.value)),
        Sql::CompoundIdentifier(path) => names.column(&path.iter().map(|i| i.value.clone()).collect::<Vec<_>>()),
        Sql::Value(value) => literals::plain(&value.value).ok_or_else(|| refused(sql)),
        Sql::TypedString(typed) => literals::typed(typed),
        Sql::Interval(interval) => literals::interval(interval).ok_or_else(|| refused(sql)),
        Sql::BinaryOp { left, op, right } => {
            let name = operator(op).ok_or_else(|| refused(sql))?;
            call(name, vec![lower(left, names)?, lower(right, names)?])
        }
        Sql::UnaryOp { op: UnaryOperator::Plus, expr } => {
            // The sign changes nothing, but its operand must be a number.
            let expr = lower(expr, names)?;
            call("negate", vec![expr.clone()]).map(|_| expr)
        }
        Sql::UnaryOp { op: UnaryOperator::Minus, expr } => call("negate", vec![lower(expr, names)?]),
        Sql::UnaryOp { op: UnaryOperator::Not, expr } => call("not", vec![lower(expr, names)?]),
        Sql::IsNull(expr) => call("is null", vec![lower(expr, names)?]),
        Sql::IsNotNull(expr) => call("is not null", vec![lower(expr, names)?]),
        Sql::IsTrue(expr) => coalesced(lower(expr, names)?),
        Sql::IsNotTrue(expr) => call("not", vec![coalesced(lower(expr, names)?)?]),
        Sql::IsFalse(expr) => coalesced(call("not", vec![lower(expr, names)?])?),
        Sql::IsNotFalse(expr) => {
            let is_false = coalesced(call("not", vec![lower(expr, names)?])?)?;
            call("not", vec![is_false])
        }
        Sql::IsDistinctFrom(a, b) => call("is distinct from", vec![lower(a, names)?, lower(b, names)?]),
        Sql::IsNotDistinctFrom(a, b) => {
            let distinct = call("is distinct from", vec![lower(a, names)?, lower(b, names)?])?;
            call("not", vec![distinct])
        }
        Sql::In { expr, target: ast::InTarget::List(list), negated, global: false } => {
            let args = std::iter::once(expr.as_ref()).chain(list).map(|item| lower(item, names));
            negate(call("in", args.collect::<Result<Vec<_>>>()?)?, *negated)
        }
        Sql::Between { expr, negated, low, high } => {
            let (expr, low, high) = (lower(expr, names)?, lower(low, names)?, lower(high, names)?);
            budget::copies(&expr, 2)?;
            let within = vec![call(">=", vec![expr.clone(), low])?, call("<=", vec![expr, high])?];
            negate(call("and", within)?, *negated)
        }
        Sql::Like { negated, any: false, expr, pattern, escape_char: None } => {
            negate(call("like", vec![lower(expr, names)?, lower(pattern, names)?])?, *negated)
        }
        Sql::ILike { negated, any: false, expr, pattern, escape_char: None } => {
            negate(call("ilike", vec![lower(expr, names)?, lower(pattern, names)?])?, *negated)
        }
        Sql::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr, data_type, format: None } => {
            let to = types::parse(data_type).ok_or_else(|| unknown_type(&data_type.to_string()))?;
            convert(lower(expr, names)?, &to)
        }
        Sql::Extract { field, expr, .. } => {
            let part = literals::text(&field.to_string().to_lowercase());
            call("date_part", vec![part, lower(expr, names)?])
        }
        Sql::Substring { expr, substring_from, substring_for, .. } => {
            let mut args = vec![lower(expr, names)?];
            for part in [substring_from, substring_for].into_iter().flatten() {
                args.push(lower(part, names)?);
            }
            call("substring", args)
        }
        Sql::Trim { trim_where: None, trim_what: None, trim_characters: None, expr } => {
            call("trim", vec![lower(expr, names)?])
        }
        Sql::Ceil { expr, field: WHOLE } => call("ceil", vec![lower(expr, names)?]),
        Sql::Floor { expr, field: WHOLE } => call("floor", vec![lower(expr, names)?]),
        Sql::Case { operand, conditions, else_result, .. } => {
            case(operand.as_deref(), conditions, else_result.as_deref(), names)
        }
        Sql::AtTimeZone { timestamp, time_zone } => {
            call("at time zone", vec![lower(timestamp, names)?, lower(time_zone, names)?])
        }
        Sql::Function(function) => function_call(function, names),
        _ => Err(refused(sql)),
    }
}

/// The form of `ceil` and `floor` without a unit.
const WHOLE: CeilFloorKind = CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime);

fn refused(sql: &Sql) -> Error {
    Error::profile("", format!("`{}` is not supported in an expression", excerpt(&sql.to_string())))
        .hint("`placebo list functions` lists all operators and functions")
}

fn negate(expr: Expr, negated: bool) -> Result<Expr> {
    if negated { call("not", vec![expr]) } else { Ok(expr) }
}

/// Compiles a condition to one that is false if it is null.
fn coalesced(expr: Expr) -> Result<Expr> {
    if !matches!(expr.ty, DataType::Boolean | DataType::Null) {
        let ty = types::name(&expr.ty);
        return Err(Error::profile("", format!("type mismatch: `IS TRUE` and `IS FALSE` need a condition, not {ty}")));
    }
    call("coalesce", vec![expr, Expr::literal(Arc::new(BooleanArray::from(vec![false])))])
}

fn operator(op: &BinaryOperator) -> Option<&'static str> {
    Some(match op {
        BinaryOperator::Plus => "+",
        BinaryOperator::Minus => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::Modulo => "%",
        BinaryOperator::DuckIntegerDivide => "//",
        BinaryOperator::StringConcat => "||",
        BinaryOperator::Gt => ">",
        BinaryOperator::Lt => "<",
        BinaryOperator::GtEq => ">=",
        BinaryOperator::LtEq => "<=",
        BinaryOperator::Eq => "=",
        BinaryOperator::NotEq => "<>",
        BinaryOperator::And => "and",
        BinaryOperator::Or => "or",
        _ => return None,
    })
}

fn case(
    operand: Option<&Sql>,
    whens: &[ast::CaseWhen],
    otherwise: Option<&Sql>,
    names: &mut dyn Names,
) -> Result<Expr> {
    let operand = operand.map(|sql| lower(sql, names)).transpose()?;
    operand.iter().try_for_each(|operand| budget::copies(operand, whens.len()))?;
    let (mut conditions, mut values) = (Vec::new(), Vec::new());
    for when in whens {
        let condition = lower(&when.condition, names)?;
        conditions.push(match &operand {
            Some(operand) => call("=", vec![operand.clone(), condition])?,
            None if matches!(condition.ty, DataType::Boolean | DataType::Null) => condition.cast_to(&DataType::Boolean),
            None => {
                return Err(Error::profile(
                    "",
                    format!(
                        "type mismatch: `WHEN {}` is {}, not a condition",
                        when.condition,
                        types::name(&condition.ty)
                    ),
                ));
            }
        });
        values.push(lower(&when.result, names)?);
    }
    values.push(match otherwise {
        Some(sql) => lower(sql, names)?,
        None => Expr::literal(Arc::new(NullArray::new(1))),
    });
    let mut ty = DataType::Null;
    for value in &values {
        ty = types::common(&ty, &value.ty).ok_or_else(|| {
            Error::profile(
                "",
                format!("type mismatch: branches of CASE are {} and {}", types::name(&ty), types::name(&value.ty)),
            )
        })?;
    }
    let nullable = values.iter().any(|value| value.nullable);
    let values = values.into_iter().map(|value| value.cast_to(&ty)).collect();
    Ok(Expr { node: Node::Case(conditions, values), ty, nullable }.folded())
}
