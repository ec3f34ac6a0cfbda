//! Function calls in the syntax tree: functions of a row, aggregates, and window functions over siblings.

use sqlparser::ast::{self, Expr as Sql, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::call::call;
use super::functions::Reduction;
use super::lower::lower;
use super::{Aggregate, Expr, Names, Window};
use crate::error::{Error, Result};

/// The keys of an `ORDER BY`; `true` is descending.
type Keys<'a> = Vec<(&'a Sql, bool)>;

/// Compiles `name(arguments) FILTER (…) OVER (…)`.
pub(super) fn function_call(function: &ast::Function, names: &mut dyn Names) -> Result<Expr> {
    let name = function.name.to_string().to_lowercase();
    let (args, order) = plain_arguments(function, &name)?;
    if let Some(why) = Reduction::misuse(&name, args.len(), function.over.is_some()) {
        return Err(Error::profile("", why));
    }
    if let Some(over) = &function.over {
        if function.filter.is_some() {
            return Err(Error::profile("", "a window function cannot have FILTER")
                .hint("use CASE WHEN condition THEN … as its argument"));
        }
        let ast::WindowType::WindowSpec(spec) = over else {
            return Err(Error::profile("", "a named window is not supported: write `OVER (ORDER BY …)`"));
        };
        if spec.window_name.is_some() || spec.window_frame.is_some() {
            return Err(Error::profile("", "a window can have `PARTITION BY` and `ORDER BY`, but no frame")
                .hint("with ORDER BY it covers the siblings up to the row, without it all siblings"));
        }
        let (partition, order) = (spec.partition_by.as_slice(), sorted(&spec.order_by)?);
        return names.window(Window { name: &name, args: &args, partition, order });
    }
    let (filter, ordered) = (function.filter.as_deref(), !order.is_empty());
    if let Some(aggregate) = names.aggregate(Aggregate { name: &name, args: &args, filter, order })? {
        return Ok(aggregate);
    }
    if ordered {
        return Err(Error::profile("", format!("`{name}` is not an aggregate: it cannot have ORDER BY")));
    }
    if function.filter.is_some() {
        return Err(Error::profile("", format!("`{name}` is not an aggregate: it cannot have FILTER")));
    }
    let args = args.iter().map(|arg| lower(arg, names)).collect::<Result<Vec<_>>>()?;
    call(&name, args)
}

/// Gives the arguments of a function, and the `ORDER BY` inside its parentheses that an aggregate may have.
fn plain_arguments<'a>(function: &'a ast::Function, name: &str) -> Result<(Vec<Sql>, Keys<'a>)> {
    let plain = || Error::profile("", format!("`{name}` can only have plain arguments"));
    let list = match &function.args {
        FunctionArguments::List(list) => list,
        FunctionArguments::None => return Ok((Vec::new(), Vec::new())),
        FunctionArguments::Subquery(_) => return Err(plain()),
    };
    let mut order = Vec::new();
    for clause in &list.clauses {
        match clause {
            ast::FunctionArgumentClause::OrderBy(keys) => order = sorted(keys)?,
            _ => return Err(plain()),
        }
    }
    let bare = list.duplicate_treatment.is_none() && function.within_group.is_empty();
    if !bare || function.null_treatment.is_some() || function.parameters != FunctionArguments::None {
        return Err(plain().hint("DISTINCT and similar options are not supported"));
    }
    let mut args = Vec::new();
    for arg in &list.args {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => args.push(expr.clone()),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if name == "count" => {}
            _ => return Err(plain()),
        }
    }
    Ok((args, order))
}

/// Gives the keys of an `ORDER BY`; `true` is descending.
fn sorted(keys: &[ast::OrderByExpr]) -> Result<Keys<'_>> {
    if keys.iter().any(|key| key.options.nulls_first.is_some() || key.with_fill.is_some()) {
        return Err(Error::profile("", "nulls are always last in ORDER BY").hint("remove NULLS FIRST or NULLS LAST"));
    }
    Ok(keys.iter().map(|key| (&key.expr, matches!(key.options.sort, Some(ast::OrderBySort::Desc)))).collect())
}
