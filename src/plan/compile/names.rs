//! What a name in an expression means: a column, a row's place, a parameter, an aggregate, a window.

use std::sync::Arc;

use arrow_array::Date32Array;
use arrow_schema::DataType;
use sqlparser::ast::Expr as Sql;
use sqlparser::dialect::DuckDbDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::{Compiler, Target};
use crate::error::{Error, Result, did_you_mean};
use crate::plan::sql::{self, types};
use crate::plan::{Aggregate, Function, Input, Op, Step, WalkColumn, Window};

/// The names in sight of one table's expressions.
pub(super) struct InSight<'c, 'a> {
    pub(super) compiler: &'c mut Compiler<'a>,
    pub(super) table: usize,
    pub(super) inputs: Vec<Input>,
}

impl InSight<'_, '_> {
    fn add(&mut self, input: Input, ty: DataType, nullable: bool) -> sql::Expr {
        let known = self.inputs.iter().position(|other| *other == input);
        let index = known.unwrap_or_else(|| {
            self.inputs.push(input);
            self.inputs.len() - 1
        });
        sql::Expr::input(index, ty, nullable)
    }

    fn own(&mut self, column: usize) -> sql::Expr {
        let (ty, nullable) = self.compiler.type_of(self.table, column);
        self.add(Input { steps: Vec::new(), column }, ty, nullable)
    }

    /// A hidden column for an argument: the column itself where the argument is one.
    fn argument(&mut self, table: usize, sql: &Sql) -> Result<usize> {
        let text = sql.to_string();
        let (expr, inputs) = self.compiler.expression(table, &text)?;
        match (&expr.node, inputs.as_slice()) {
            (sql::Node::Input(0), [Input { steps, column }]) if steps.is_empty() => Ok(*column),
            _ => self.compiler.computed(table, &format!("#{text}"), Op::Expr(expr), inputs),
        }
    }
}

/// Whether an expression names something, outside of its texts.
fn mentions(sql: &Sql, name: &str) -> bool {
    let text = sql.to_string();
    let tokens = Tokenizer::new(&DuckDbDialect {}, &text).tokenize().unwrap_or_default();
    tokens.iter().any(|token| matches!(token, Token::Word(word) if word.value == name))
}

impl sql::Names for InSight<'_, '_> {
    fn column(&mut self, path: &[String]) -> Result<sql::Expr> {
        let (mut table, mut steps, mut optional) = (self.table, Vec::new(), false);
        let Some((name, heads)) = path.split_last() else { return Err(Error::internal("an empty name")) };
        for (at, head) in heads.iter().enumerate() {
            if head == "params" && at == 0 {
                return self.compiler.param(name).map(sql::Expr::literal);
            }
            match self.compiler.target(table, head)? {
                Target::Table => {}
                Target::Lifecycle => {
                    let which = match name.as_str() {
                        "state" => WalkColumn::State,
                        "at" => WalkColumn::At,
                        "from" => WalkColumn::From,
                        _ => {
                            return Err(Error::profile("", format!("a lifecycle has no `{name}`"))
                                .hint("it has state, at and from"));
                        }
                    };
                    let column = self.compiler.walk_column(table, which)?;
                    let (ty, nullable) = self.compiler.type_of(table, column);
                    return Ok(self.add(Input { steps, column }, ty, nullable || optional));
                }
                Target::Ancestor(levels, ancestor) => {
                    steps.extend(std::iter::repeat_n(Step::Parent, levels));
                    table = ancestor;
                }
                Target::Reference(reference, to, nullable) => {
                    steps.push(Step::Ref(reference));
                    table = to;
                    optional |= nullable;
                }
                Target::File(reference) => {
                    let column = self.compiler.projected(table, &reference, name)?;
                    let (ty, _) = self.compiler.type_of(table, column);
                    return Ok(self.add(Input { steps, column }, ty, true));
                }
            }
        }
        if heads.is_empty() && name == "as_of" && !self.compiler.has_column(table, name) {
            return Ok(sql::Expr::literal(Arc::new(Date32Array::from(vec![self.compiler.as_of]))));
        }
        let column = self.compiler.column_named(table, name)?;
        let (ty, nullable) = self.compiler.type_of(table, column);
        Ok(self.add(Input { steps, column }, ty, nullable || optional))
    }

    fn aggregate(&mut self, name: &str, args: &[Sql], filter: Option<&Sql>) -> Result<Option<sql::Expr>> {
        let Some(function) = Function::named(name) else { return Ok(None) };
        let children = self.compiler.children(self.table);
        let known = children.iter().map(|child| self.compiler.name(*child)).collect::<Vec<_>>().join("`, `");
        let child = children.iter().copied().find(|child| {
            let child = self.compiler.name(*child);
            args.iter().chain(filter).any(|arg| mentions(arg, child))
        });
        let Some(child) = child else {
            let hint = if known.is_empty() {
                "this table has no child tables".to_owned()
            } else {
                format!("the child tables are `{known}`")
            };
            return Err(Error::profile("", format!("no argument of `{name}` names a child table")).hint(hint));
        };
        let rows = matches!(args.first(), Some(Sql::Identifier(ident)) if ident.value == self.compiler.name(child));
        self.compiler.counted(child)?;
        let argument = match args.first() {
            Some(arg) if !rows => Some(self.argument(child, arg)?),
            _ => None,
        };
        let filter_column = filter.map(|filter| self.argument(child, filter)).transpose()?;
        if let Some(column) = filter_column
            && self.compiler.type_of(child, column).0 != DataType::Boolean
        {
            return Err(Error::profile("", "type mismatch: a FILTER is a condition"));
        }
        let given = argument.map(|column| self.compiler.type_of(child, column).0);
        let ty = function.result(given.as_ref()).ok_or_else(|| {
            Error::profile(
                "",
                format!(
                    "type mismatch: `{name}` does not take {}",
                    given.as_ref().map_or("rows".to_owned(), types::name)
                ),
            )
        })?;
        let separator = args.get(1).map(ToString::to_string).unwrap_or_default();
        let text = format!(
            "#{name}({};{separator};{})",
            args.first().map(ToString::to_string).unwrap_or_default(),
            filter.map(ToString::to_string).unwrap_or_default()
        );
        let op = Op::Aggregate(Aggregate { function, child, argument, filter: filter_column });
        let nullable = function != Function::Count;
        let column = self.compiler.made(self.table, &text, op, ty, nullable)?;
        Ok(Some(self.own(column)))
    }

    fn window(&mut self, window: sql::Window<'_>) -> Result<sql::Expr> {
        let function = Function::named(window.name).filter(|f| !matches!(f, Function::StringAgg)).ok_or_else(|| {
            Error::profile("", format!("`{}` is no window function", window.name))
                .maybe_hint(did_you_mean(window.name, Function::ALL.iter().map(|(name, _)| *name)))
        })?;
        if self.compiler.depth(self.table) == 0 {
            return Err(Error::profile("", "a root table has no siblings: a window needs a child table"));
        }
        let argument = window.args.first().map(|arg| self.argument(self.table, arg)).transpose()?;
        let order = window.order.map(|order| self.argument(self.table, order)).transpose()?;
        let given = argument.map(|column| self.compiler.type_of(self.table, column).0);
        let ty = function.result(given.as_ref()).ok_or_else(|| {
            Error::profile(
                "",
                format!(
                    "type mismatch: `{}` does not take {}",
                    window.name,
                    given.as_ref().map_or("nothing".to_owned(), types::name)
                ),
            )
        })?;
        let text = format!(
            "#{}({}) over ({} {})",
            window.name,
            window.args.first().map(ToString::to_string).unwrap_or_default(),
            window.order.map(ToString::to_string).unwrap_or_default(),
            window.descending
        );
        let op = Op::Window(Window { function, argument, order, descending: window.descending });
        let nullable = !matches!(function, Function::Count | Function::RowNumber);
        let column = self.compiler.made(self.table, &text, op, ty, nullable)?;
        Ok(self.own(column))
    }
}
