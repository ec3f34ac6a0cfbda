//! From SQL text to typed expressions: names are looked up, types are checked, constants are computed.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, IntervalMonthDayNanoArray,
    NullArray, StringArray, TimestampMicrosecondArray,
};
use arrow_buffer::IntervalMonthDayNano;
use arrow_schema::DataType;
use sqlparser::ast::{
    self, BinaryOperator, Expr as Sql, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator, Value as Literal,
};
use sqlparser::dialect::DuckDbDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::functions::resolve;
use super::{Expr, Node, civil, types};
use crate::error::{Error, Result};

/// The longest expression, in bytes.
const MAX_SQL: usize = 64 << 10;

/// Looks up what an expression names, and takes over what is not computed row by row.
pub trait Names {
    /// A column by its path, such as `["member", "state"]`.
    fn column(&mut self, path: &[String]) -> Result<Expr>;
    /// An aggregate over a child table or a hand; `None` if it is no aggregate.
    fn aggregate(&mut self, aggregate: Aggregate<'_>) -> Result<Option<Expr>>;
    /// A function over the siblings.
    fn window(&mut self, window: Window<'_>) -> Result<Expr>;
}

/// `name(args ORDER BY order) FILTER (WHERE filter)`.
pub struct Aggregate<'a> {
    /// The function's name, lower case.
    pub name: &'a str,
    /// Its arguments.
    pub args: &'a [Sql],
    /// Which rows it sees.
    pub filter: Option<&'a Sql>,
    /// What the rows are ordered by, and whether the greatest comes first.
    pub order: Vec<(&'a Sql, bool)>,
}

/// `name(args) OVER (PARTITION BY partition ORDER BY order)`.
pub struct Window<'a> {
    /// The function's name, lower case.
    pub name: &'a str,
    /// Its arguments.
    pub args: &'a [Sql],
    /// What cuts the siblings into groups.
    pub partition: &'a [Sql],
    /// What the siblings are ordered by, and whether the greatest comes first; without it the function sees all.
    pub order: Vec<(&'a Sql, bool)>,
}

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
    let expr = parser.parse_expr().map_err(wrong)?;
    match parser.peek_token().token {
        Token::EOF => Ok(expr),
        token => Err(Error::profile("", format!("not an SQL expression: `{}`: unexpected `{token}`", excerpt(sql)))),
    }
}

/// Parses a type name such as `decimal(12,2)`.
pub fn parse_type(sql: &str) -> Result<DataType> {
    let parsed = Parser::new(&DuckDbDialect {}).try_with_sql(sql).and_then(|mut parser| parser.parse_data_type());
    parsed.ok().as_ref().and_then(types::parse).ok_or_else(|| unknown_type(sql))
}

fn unknown_type(sql: &str) -> Error {
    Error::profile("", format!("unknown type `{sql}`"))
        .hint("bigint, double, decimal(precision,scale), text, date, timestamp or boolean")
}

fn excerpt(sql: &str) -> String {
    let short: String = sql.chars().take(80).collect();
    if short.len() < sql.len() { format!("{short}…") } else { short }
}

/// Lowers a parsed expression.
pub fn lower(sql: &Sql, names: &mut dyn Names) -> Result<Expr> {
    match sql {
        Sql::Nested(inner) => lower(inner, names),
        Sql::Identifier(ident) => names.column(std::slice::from_ref(&ident.value)),
        Sql::CompoundIdentifier(path) => names.column(&path.iter().map(|i| i.value.clone()).collect::<Vec<_>>()),
        Sql::Value(value) => literal(&value.value).ok_or_else(|| refused(sql)),
        Sql::TypedString(typed) => typed_string(typed).ok_or_else(|| refused(sql)),
        Sql::Interval(interval) => interval_literal(interval).ok_or_else(|| refused(sql)),
        Sql::BinaryOp { left, op, right } => {
            let name = operator(op).ok_or_else(|| refused(sql))?;
            call(name, vec![lower(left, names)?, lower(right, names)?])
        }
        Sql::UnaryOp { op: UnaryOperator::Plus, expr } => lower(expr, names),
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
        Sql::In { expr, target: ast::InTarget::List(list), negated, .. } => {
            in_list(lower(expr, names)?, list, *negated, names)
        }
        Sql::Between { expr, negated, low, high } => {
            let (expr, low, high) = (lower(expr, names)?, lower(low, names)?, lower(high, names)?);
            let within = vec![call(">=", vec![expr.clone(), low])?, call("<=", vec![expr, high])?];
            negate(call("and", within)?, *negated)
        }
        Sql::Like { negated, any: false, expr, pattern, escape_char: None } => {
            negate(call("like", vec![lower(expr, names)?, lower(pattern, names)?])?, *negated)
        }
        Sql::ILike { negated, any: false, expr, pattern, escape_char: None } => {
            negate(call("ilike", vec![lower(expr, names)?, lower(pattern, names)?])?, *negated)
        }
        Sql::Cast { expr, data_type, .. } => {
            let to = types::parse(data_type).ok_or_else(|| unknown_type(&data_type.to_string()))?;
            Ok(lower(expr, names)?.cast_to(&to))
        }
        Sql::Extract { field, expr, .. } => {
            let part = text_literal(&field.to_string().to_lowercase());
            call("date_part", vec![part, lower(expr, names)?])
        }
        Sql::Substring { expr, substring_from, substring_for, .. } => {
            let mut args = vec![lower(expr, names)?];
            for part in [substring_from, substring_for].into_iter().flatten() {
                args.push(lower(part, names)?);
            }
            call("substring", args)
        }
        Sql::Trim { trim_where: None, trim_what: None, expr, .. } => call("trim", vec![lower(expr, names)?]),
        Sql::Ceil { expr, .. } => call("ceil", vec![lower(expr, names)?]),
        Sql::Floor { expr, .. } => call("floor", vec![lower(expr, names)?]),
        Sql::Case { operand, conditions, else_result, .. } => {
            case(operand.as_deref(), conditions, else_result.as_deref(), names)
        }
        Sql::Function(function) => function_call(function, names),
        _ => Err(refused(sql)),
    }
}

fn refused(sql: &Sql) -> Error {
    Error::profile("", format!("`{}` is not part of the language", excerpt(&sql.to_string())))
        .hint("`placebo list functions` shows all operators and functions")
}

fn negate(expr: Expr, negated: bool) -> Result<Expr> {
    if negated { call("not", vec![expr]) } else { Ok(expr) }
}

fn coalesced(expr: Expr) -> Result<Expr> {
    call("coalesce", vec![expr, Expr::literal(Arc::new(BooleanArray::from(vec![false])))])
}

/// Resolves a function by the types of its arguments and casts them.
pub(super) fn call(name: &str, args: Vec<Expr>) -> Result<Expr> {
    let given: Vec<DataType> = args.iter().map(|arg| arg.ty.clone()).collect();
    let (function, (wanted, ty)) = resolve(name, &given)?;
    let args: Vec<Expr> = args.into_iter().zip(&wanted).map(|(arg, to)| arg.cast_to(to)).collect();
    let nullable = match name {
        "is null" | "is not null" | "is distinct from" => false,
        "coalesce" | "greatest" | "least" => args.iter().all(|arg| arg.nullable),
        _ => {
            !function.strict && !matches!(name, "and" | "or" | "concat" | "concat_ws")
                || args.iter().any(|arg| arg.nullable)
        }
    };
    // A decimal rounded to a constant number of digits keeps no zeros behind them.
    let digits = match (name, &ty, args.get(1).and_then(Expr::constant)) {
        ("round", DataType::Decimal128(p, s), Some(digits)) => {
            let digits = digits.as_primitive::<Int64Type>().value(0);
            (0..i64::from(*s)).contains(&digits).then_some(DataType::Decimal128(*p, digits as i8))
        }
        _ => None,
    };
    let rounded = Expr { node: Node::Call(function, args), ty, nullable }.folded();
    Ok(match digits {
        Some(ty) => rounded.cast_to(&ty),
        None => rounded,
    })
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

fn in_list(expr: Expr, list: &[Sql], negated: bool, names: &mut dyn Names) -> Result<Expr> {
    let mut any: Option<Expr> = None;
    for item in list {
        let equal = call("=", vec![expr.clone(), lower(item, names)?])?;
        any = Some(match any {
            Some(any) => call("or", vec![any, equal])?,
            None => equal,
        });
    }
    negate(any.unwrap_or_else(|| Expr::literal(Arc::new(BooleanArray::from(vec![false])))), negated)
}

fn case(
    operand: Option<&Sql>,
    whens: &[ast::CaseWhen],
    otherwise: Option<&Sql>,
    names: &mut dyn Names,
) -> Result<Expr> {
    let operand = operand.map(|sql| lower(sql, names)).transpose()?;
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

fn function_call(function: &ast::Function, names: &mut dyn Names) -> Result<Expr> {
    let name = function.name.to_string().to_lowercase();
    let (mut args, mut order) = (Vec::new(), Vec::new());
    if let FunctionArguments::List(list) = &function.args {
        for arg in &list.args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => args.push(expr.clone()),
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => {}
                _ => return Err(Error::profile("", format!("`{name}` takes plain arguments only"))),
            }
        }
        for clause in &list.clauses {
            match clause {
                ast::FunctionArgumentClause::OrderBy(by) => order = sorted(by),
                other => return Err(Error::profile("", format!("`{name}` does not take `{other}`"))),
            }
        }
        if list.duplicate_treatment.is_some() {
            return Err(Error::profile("", format!("`{name}` does not take DISTINCT")));
        }
    }
    if let Some(over) = &function.over {
        let ast::WindowType::WindowSpec(spec) = over else {
            return Err(Error::profile("", "a window is written as `OVER (ORDER BY …)`"));
        };
        if spec.window_frame.is_some() {
            return Err(Error::profile("", "a window has `PARTITION BY` and `ORDER BY`, and no frame")
                .hint("with an order it sees the siblings up to the row, without one all of them"));
        }
        return names.window(Window {
            name: &name,
            args: &args,
            partition: &spec.partition_by,
            order: sorted(&spec.order_by),
        });
    }
    let filter = function.filter.as_deref();
    if let Some(aggregate) = names.aggregate(Aggregate { name: &name, args: &args, filter, order })? {
        return Ok(aggregate);
    }
    let args = args.iter().map(|arg| lower(arg, names)).collect::<Result<Vec<_>>>()?;
    call(&name, args)
}

/// The keys of an `ORDER BY`, each with whether it descends.
fn sorted(keys: &[ast::OrderByExpr]) -> Vec<(&Sql, bool)> {
    keys.iter().map(|key| (&key.expr, matches!(key.options.sort, Some(ast::OrderBySort::Desc)))).collect()
}

fn text_literal(text: &str) -> Expr {
    Expr::literal(Arc::new(StringArray::from(vec![text])))
}

fn literal(value: &Literal) -> Option<Expr> {
    let array: ArrayRef = match value {
        Literal::Number(digits, _) => number(digits)?,
        Literal::SingleQuotedString(text) => Arc::new(StringArray::from(vec![text.as_str()])),
        Literal::Boolean(truth) => Arc::new(BooleanArray::from(vec![*truth])),
        Literal::Null => Arc::new(NullArray::new(1)),
        _ => return None,
    };
    Some(Expr::literal(array))
}

/// An integer, an exact decimal, or with an exponent a floating-point number.
fn number(digits: &str) -> Option<ArrayRef> {
    if let Ok(integer) = digits.parse::<i64>() {
        return Some(Arc::new(Int64Array::from(vec![integer])));
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{}{fraction}", whole.trim_start_matches('0'));
    if all.len() <= 38 && all.bytes().all(|b| b.is_ascii_digit()) {
        let value: i128 = if all.is_empty() { 0 } else { all.parse().ok()? };
        let precision = (all.len().max(fraction.len()).max(1)) as u8;
        let array =
            Decimal128Array::from(vec![value]).with_precision_and_scale(precision, fraction.len() as i8).ok()?;
        return Some(Arc::new(array));
    }
    digits.parse::<f64>().ok().filter(|x| x.is_finite()).map(|x| Arc::new(Float64Array::from(vec![x])) as ArrayRef)
}

fn typed_string(typed: &ast::TypedString) -> Option<Expr> {
    let Literal::SingleQuotedString(text) = &typed.value.value else { return None };
    let array: ArrayRef = match types::parse(&typed.data_type)? {
        DataType::Date32 => Arc::new(Date32Array::from(vec![civil::parse_date(text)?])),
        DataType::Timestamp(..) => {
            Arc::new(TimestampMicrosecondArray::from(vec![civil::parse_instant(text)?]).with_timezone("UTC"))
        }
        _ => return None,
    };
    Some(Expr::literal(array))
}

/// `INTERVAL '3' DAY`, `INTERVAL 3 DAY` or `INTERVAL '3 days'`.
fn interval_literal(interval: &ast::Interval) -> Option<Expr> {
    let Sql::Value(value) = interval.value.as_ref() else { return None };
    let text = match &value.value {
        Literal::Number(digits, _) => digits.clone(),
        Literal::SingleQuotedString(text) => text.clone(),
        _ => return None,
    };
    let (count, unit) = match &interval.leading_field {
        Some(field) => (text, field.to_string()),
        None => text.split_once(' ').map(|(count, unit)| (count.to_owned(), unit.to_owned()))?,
    };
    let count: i64 = count.trim().parse().ok()?;
    let (months, days, nanos) = match unit.trim().to_lowercase().trim_end_matches('s') {
        "year" => (count.checked_mul(12)?, 0, 0),
        "month" => (count, 0, 0),
        "week" => (0, count.checked_mul(7)?, 0),
        "day" => (0, count, 0),
        "hour" => (0, 0, count.checked_mul(3_600_000_000_000)?),
        "minute" => (0, 0, count.checked_mul(60_000_000_000)?),
        "second" => (0, 0, count.checked_mul(1_000_000_000)?),
        _ => return None,
    };
    let span = IntervalMonthDayNano::new(i32::try_from(months).ok()?, i32::try_from(days).ok()?, nanos);
    Some(Expr::literal(Arc::new(IntervalMonthDayNanoArray::from(vec![span]))))
}
