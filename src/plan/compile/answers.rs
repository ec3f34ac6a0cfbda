//! Answers: the questions of a profile compiled to columns, and the balances that its checks promise.

use arrow_schema::DataType;
use sqlparser::ast::{BinaryOperator, Expr as Sql, Function, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::{Compiler, unknown_table};
use crate::error::{Error, Result};
use crate::plan::measure::BALANCE;
use crate::plan::{Fold, Measure, Outcome};
use crate::profile::{self, Expr};
use crate::sql::{self, types};

/// The name under which outcomes are counted.
const OUTCOME: &str = "outcome";

impl Compiler<'_> {
    /// Compiles the answers and outcomes of the profile, and the balances of its checks.
    pub(super) fn answers(&mut self) -> Result<()> {
        let profile = &self.loaded.profile;
        for (name, answer) in &profile.answers {
            let path = format!("answers.{name}");
            if !profile::is_name(name) {
                return Err(Error::profile(path, format!("`{}` is not a name for an answer", name.escape_debug()))
                    .hint("lower-case letters, digits and `_`, starting with a letter"));
            }
            self.answer(name, answer, &path)?;
        }
        for (name, outcome) in &profile.outcomes {
            self.outcome(name, outcome, &format!("outcomes.{name}"))?;
        }
        for table in 0..self.tables.len() {
            let decl = self.tables[table].decl;
            for (id, check) in &decl.checks {
                self.balances(table, id, &check.that)?;
            }
        }
        Ok(())
    }

    fn table_of_answer(&self, path: &str, name: &str) -> Result<usize> {
        let found = self.tables.iter().position(|table| table.name == name);
        found.ok_or_else(|| unknown_table(path, name, &self.loaded.profile))
    }

    fn answer(&mut self, name: &str, answer: &profile::Answer, path: &str) -> Result<()> {
        let table = self.table_of_answer(&format!("{path}.table"), &answer.table)?;
        let filter = answer.r#where.as_ref().map(|condition| self.check(table, name, condition));
        let filter = filter.transpose().map_err(|error| error.within(&format!("{path}.where")))?;
        let condition = answer.r#where.as_ref().map(|condition| condition.0.clone());
        let mut by = Vec::new();
        for (place, expr) in answer.by.iter().enumerate() {
            let path = format!("{path}.by.{}", place + 1);
            by.push((expr.0.clone(), self.key_of_group(table, expr, &path)?));
        }
        for text in &answer.measure.0 {
            let path = format!("{path}.measure");
            let (fold, argument) = self.folded(table, text).map_err(|error| error.within(&path))?;
            let (answer, text, by) = (name.to_owned(), text.clone(), by.clone());
            let condition = condition.clone();
            self.tables[table].measures.push(Measure { answer, text, by, condition, filter, argument, fold });
        }
        Ok(())
    }

    /// Compiles the key of a group: a value with one exact text.
    fn key_of_group(&mut self, table: usize, expr: &Expr, path: &str) -> Result<usize> {
        let column = self.argument(table, &expr.0).map_err(|error| error.within(path))?;
        match self.type_of(table, column).0 {
            DataType::Float64 => Err(Error::profile(path, format!("`{}` is a double, which makes no groups", expr.0))
                .hint("CAST it to bigint or decimal(12,2)")),
            _ => Ok(column),
        }
    }

    /// Compiles a measure, such as `sum(amount)`, to a fold and the column of its argument.
    fn folded(&mut self, table: usize, text: &str) -> Result<(Fold, Option<usize>)> {
        let wrong = || {
            Error::profile("", format!("`{text}` is not a measure"))
                .hint("one of count(*), count(x), sum(x), min(x) and max(x), with x over the columns of the table")
        };
        let Sql::Function(call) = sql::parse(text)? else { return Err(wrong()) };
        let fold = match call.name.to_string().to_lowercase().as_str() {
            "count" => Fold::Count,
            "sum" => Fold::Sum,
            "min" => Fold::Least,
            "max" => Fold::Greatest,
            _ => return Err(wrong()),
        };
        let argument = match plain_argument(&call).ok_or_else(wrong)? {
            FunctionArgExpr::Wildcard if fold == Fold::Count => return Ok((fold, None)),
            FunctionArgExpr::Expr(argument) => self.argument(table, &argument.to_string())?,
            _ => return Err(wrong()),
        };
        let ty = self.type_of(table, argument).0;
        let fits = match fold {
            Fold::Sum => matches!(ty, DataType::Int64 | DataType::Decimal128(..)),
            Fold::Least | Fold::Greatest => !matches!(ty, DataType::Float64 | DataType::Boolean | DataType::Null),
            _ => true,
        };
        if !fits {
            let message = format!("type mismatch: `{text}` is over {}", types::name(&ty));
            return Err(Error::profile("", message).hint("answers are exact: CAST a double to decimal(18,2)"));
        }
        Ok((fold, Some(argument)))
    }

    fn outcome(&mut self, name: &str, outcome: &profile::Outcome, path: &str) -> Result<()> {
        let table = self.table_of_answer(path, name)?;
        let decision = self.key_of_group(table, &outcome.decision, &format!("{path}.decision"))?;
        let reason = outcome.reason.as_ref().map(|expr| self.key_of_group(table, expr, &format!("{path}.reason")));
        let reason = reason.transpose()?;
        let mut codes = Vec::new();
        for (dialect, expr) in &outcome.code {
            codes.push((dialect.clone(), self.key_of_group(table, expr, &format!("{path}.code.{dialect}"))?));
        }
        let named = [("decision".to_owned(), Some(decision)), ("reason".to_owned(), reason)];
        let by = named.into_iter().filter_map(|(name, column)| Some((name, column?))).chain(codes.iter().cloned());
        let measure = Measure {
            answer: OUTCOME.to_owned(),
            text: "count(*)".to_owned(),
            by: by.collect(),
            condition: None,
            filter: None,
            argument: None,
            fold: Fold::Count,
        };
        self.tables[table].measures.push(measure);
        self.tables[table].outcome = Some(Outcome { decision, reason, codes });
        Ok(())
    }

    /// Finds what a check says of sums: of each `a = sum(…)` that it joins with AND, the difference.
    fn balances(&mut self, table: usize, id: &str, check: &Expr) -> Result<()> {
        let mut equations = Vec::new();
        equal_sums(&sql::parse(&check.0)?, &mut equations);
        for (left, right) in equations {
            let text = format!("{left} - {right}");
            let path = format!("tables.{}.checks.{id}", self.tables[table].name);
            let argument = self.argument(table, &text).map_err(|error| error.within(&path))?;
            if !matches!(self.type_of(table, argument).0, DataType::Int64 | DataType::Decimal128(..)) {
                continue;
            }
            for (fold, text) in [(Fold::Sum, text.clone()), (Fold::Nonzero, format!("count({left} <> {right})"))] {
                let answer = format!("{BALANCE}{id}");
                let (by, condition, filter, argument) = (Vec::new(), None, None, Some(argument));
                self.tables[table].measures.push(Measure { answer, text, by, condition, filter, argument, fold });
            }
        }
        Ok(())
    }
}

/// The one argument of a call without further clauses.
fn plain_argument(call: &Function) -> Option<&FunctionArgExpr> {
    let FunctionArguments::List(list) = &call.args else { return None };
    let plain = call.filter.is_none() && call.over.is_none() && call.within_group.is_empty();
    match list.args.as_slice() {
        [FunctionArg::Unnamed(argument)] if plain && list.duplicate_treatment.is_none() && list.clauses.is_empty() => {
            Some(argument)
        }
        _ => None,
    }
}

/// Collects the sides of equations with a sum that a condition joins with AND.
fn equal_sums(sql: &Sql, found: &mut Vec<(String, String)>) {
    match sql {
        Sql::Nested(inner) => equal_sums(inner, found),
        Sql::BinaryOp { left, op: BinaryOperator::And, right } => {
            equal_sums(left, found);
            equal_sums(right, found);
        }
        Sql::BinaryOp { left, op: BinaryOperator::Eq, right } if is_sum(left) || is_sum(right) => {
            let added = matches!(&**right, Sql::BinaryOp { .. } | Sql::UnaryOp { .. });
            let right = if added { format!("({right})") } else { right.to_string() };
            found.push((left.to_string(), right));
        }
        _ => {}
    }
}

/// Tells whether an expression is a sum over rows, or a few of them added up; 0 may stand for no rows.
fn is_sum(sql: &Sql) -> bool {
    match sql {
        Sql::Nested(inner) => is_sum(inner),
        Sql::BinaryOp { left, op: BinaryOperator::Plus | BinaryOperator::Minus, right } => {
            is_sum(left) || is_sum(right)
        }
        Sql::Function(call) if call.over.is_none() => match call.name.to_string().to_lowercase().as_str() {
            "sum" => true,
            "coalesce" => match &call.args {
                FunctionArguments::List(list) => matches!(list.args.first(),
                    Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(first))) if is_sum(first)),
                _ => false,
            },
            _ => false,
        },
        _ => false,
    }
}
