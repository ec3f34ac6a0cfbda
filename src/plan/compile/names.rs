//! Resolution of names in expressions: columns, row positions, parameters, aggregates and windows.

use std::sync::Arc;

use arrow_array::Date32Array;
use arrow_schema::DataType;
use sqlparser::ast::{self, Expr as Sql};
use sqlparser::dialect::DuckDbDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::{Compiler, Target};
use crate::error::{Error, Result, did_you_mean};
use crate::plan::{Aggregate, Hand, Input, Op, Reduction, Step, WalkColumn, Window};
use crate::sql::{self, types};

/// Resolves the names in one table's expressions, and collects the inputs that they need.
pub(super) struct NameResolver<'c, 'a> {
    pub(super) compiler: &'c mut Compiler<'a>,
    pub(super) table: usize,
    pub(super) inputs: Vec<Input>,
}

impl NameResolver<'_, '_> {
    pub(super) fn add(&mut self, input: Input, ty: DataType, nullable: bool) -> sql::Expr {
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

    /// Compiles sort keys to columns, each with its direction.
    fn keys(&mut self, table: usize, keys: &[(&Sql, bool)]) -> Result<Vec<(usize, bool)>> {
        keys.iter()
            .map(|(sql, descending)| Ok((self.compiler.argument(table, &sql.to_string())?, *descending)))
            .collect()
    }

    /// Resolves `ordinal_in(reference)`: the position of the row in its owner's hand, from 1.
    fn ordinal_in(&mut self, args: &[Sql]) -> Result<sql::Expr> {
        let [Sql::Identifier(reference)] = args else {
            return Err(Error::profile("", "`ordinal_in` takes the name of a reference that deals"));
        };
        let decl = &self.compiler.tables[self.table].decl.refs;
        let found = decl.get_full(&reference.value).filter(|(_, _, decl)| decl.deal.is_some());
        let Some((index, name, _)) = found else {
            let dealt = decl.iter().filter(|(_, decl)| decl.deal.is_some()).map(|(name, _)| name.as_str());
            return Err(Error::profile("", format!("`{}` is not a reference that deals", reference.value))
                .maybe_hint(did_you_mean(&reference.value, dealt)));
        };
        self.compiler.reference(self.table, index)?;
        let name = format!("#ordinal in {name}");
        let column = self.compiler.made(self.table, &name, Op::HandOrdinal(index), DataType::Int64, false)?;
        Ok(self.own(column))
    }
}

impl Compiler<'_> {
    /// Compiles an argument to a column: the column itself where the argument is one.
    pub(super) fn argument(&mut self, table: usize, text: &str) -> Result<usize> {
        let (expr, inputs) = self.expression(table, text)?;
        match (&expr.node, inputs.as_slice()) {
            (sql::Node::Input(0), [Input { steps, column }]) if steps.is_empty() => Ok(*column),
            _ => self.computed(table, &format!("#{text}"), Op::Expr(expr), inputs),
        }
    }

    /// Compiles an argument to a column of a type.
    fn argument_as(&mut self, table: usize, text: &str, ty: &DataType) -> Result<usize> {
        let column = self.argument(table, text)?;
        let (own, nullable) = self.type_of(table, column);
        if &own == ty {
            return Ok(column);
        }
        let number = |ty: &DataType| types::is_number(ty) || matches!(ty, DataType::Null);
        let fits = types::widens(&own, ty) || (number(&own) && number(ty));
        if !fits {
            return Err(Error::profile(
                "",
                format!("type mismatch: `{text}` is {}, {} is meant", types::name(&own), types::name(ty)),
            ));
        }
        let expr = sql::Expr::input(0, own, nullable).cast_to(ty);
        self.computed(table, &format!("#{text} as {ty}"), Op::Expr(expr), vec![Input { steps: Vec::new(), column }])
    }
}

fn walk_column(name: &str) -> Result<WalkColumn> {
    match name {
        "state" => Ok(WalkColumn::State),
        "at" => Ok(WalkColumn::At),
        "from" => Ok(WalkColumn::From),
        _ => Err(Error::profile("", format!("a lifecycle has no `{name}`")).hint("it has state, at and from")),
    }
}

/// Checks for a name in an expression, outside of text literals.
fn mentions(sql: &Sql, name: &str) -> bool {
    let text = sql.to_string();
    let tokens = Tokenizer::new(&DuckDbDialect {}, &text).tokenize().unwrap_or_default();
    tokens.iter().any(|token| matches!(token, Token::Word(word) if word.value == name))
}

impl NameResolver<'_, '_> {
    /// Resolves names of rows to the steps that lead there, and the table at the end.
    pub(super) fn steps(&mut self, heads: &[&str]) -> Result<(Vec<Step>, usize)> {
        let mut way = Way { table: self.table, steps: Vec::new(), optional: false };
        for head in heads {
            let target = self.compiler.target(way.table, head)?;
            if !way.step(&target) {
                return Err(Error::profile("", format!("`{head}` is not a row of a table")));
            }
        }
        Ok((way.steps, way.table))
    }
}

/// A path from row to row.
pub(super) struct Way {
    pub(super) table: usize,
    pub(super) steps: Vec<Step>,
    pub(super) optional: bool,
}

impl Way {
    /// Takes a step to a row; `false` if the target is not a row.
    pub(super) fn step(&mut self, target: &Target) -> bool {
        match target {
            Target::Table => {}
            Target::Ancestor(levels, ancestor) => {
                self.steps.extend(std::iter::repeat_n(Step::Parent, *levels));
                self.table = *ancestor;
            }
            Target::Reference(reference, to, nullable) => {
                self.steps.push(Step::Ref(*reference));
                self.table = *to;
                self.optional |= nullable;
            }
            Target::Fact(part, to, optional) => {
                self.steps.push(Step::Fact(*part));
                self.table = *to;
                self.optional |= optional;
            }
            Target::Lifecycle | Target::Row | Target::File(_) => return false,
        }
        true
    }
}

impl sql::Names for NameResolver<'_, '_> {
    fn column(&mut self, path: &[String]) -> Result<sql::Expr> {
        let mut way = Way { table: self.table, steps: Vec::new(), optional: false };
        let Some((name, heads)) = path.split_last() else { return Err(Error::internal("an empty name")) };
        for (at, head) in heads.iter().enumerate() {
            if head == "params" && at == 0 {
                return self.compiler.param(name).map(sql::Expr::literal);
            }
            let target = self.compiler.target(way.table, head)?;
            if way.step(&target) {
                continue;
            }
            if at + 1 < heads.len() {
                return Err(Error::profile("", format!("`{head}.{}` is a value: it has no `{name}`", heads[at + 1])));
            }
            let (table, steps) = (way.table, way.steps);
            let column = match target {
                Target::File(reference) => self.compiler.projected(table, &reference, name)?,
                Target::Row => self.compiler.listed(table, name)?,
                _ => self.compiler.walk_column(table, walk_column(name)?)?,
            };
            let (ty, nullable) = self.compiler.type_of(table, column);
            return Ok(self.add(Input { steps, column }, ty, nullable || way.optional));
        }
        let Way { table, steps, optional } = way;
        if heads.is_empty() && name == "as_of" && !self.compiler.has_column(table, name) {
            return Ok(sql::Expr::literal(Arc::new(Date32Array::from(vec![self.compiler.as_of]))));
        }
        let column = self.compiler.column_named(table, name)?;
        let (ty, nullable) = self.compiler.type_of(table, column);
        Ok(self.add(Input { steps, column }, ty, nullable || optional))
    }

    fn aggregate(&mut self, aggregate: sql::Aggregate<'_>) -> Result<Option<sql::Expr>> {
        let sql::Aggregate { name, args, filter, order } = aggregate;
        if name == "ordinal_in" {
            return self.ordinal_in(args).map(Some);
        }
        let Some(function) = Reduction::named(name) else { return Ok(None) };
        let own = |(hand, _): &(String, Hand)| args.iter().chain(filter).any(|arg| mentions(arg, hand));
        if !self.compiler.hands(self.table).iter().any(own)
            && let Some(expr) = self.other_hand(&sql::Aggregate { name, args, filter, order: order.clone() })?
        {
            return Ok(Some(expr));
        }
        let (hand_name, hand) = self.hand(name, args, filter)?;
        self.compiler.compile_hand(hand)?;
        let facts = hand.table;
        let rows = matches!(args.first(), Some(Sql::Identifier(ident)) if ident.value == hand_name);
        let (argument, filter_column, order_columns) = {
            let outer = self.compiler.alias.replace(hand_name);
            let argument = args.first().filter(|_| !rows).map(|arg| self.compiler.argument(facts, &arg.to_string()));
            let filter = filter.map(|filter| self.compiler.argument(facts, &filter.to_string()));
            let order = self.keys(facts, &order);
            self.compiler.alias = outer;
            (argument.transpose()?, filter.transpose()?, order?)
        };
        if let Some(column) = filter_column
            && self.compiler.type_of(facts, column).0 != DataType::Boolean
        {
            return Err(Error::profile("", "type mismatch: a FILTER is a condition"));
        }
        let given = argument.map(|column| self.compiler.type_of(facts, column).0);
        let ty = function.result(given.as_ref()).ok_or_else(|| refused(name, given.as_ref(), "rows"))?;
        let separator = match args.get(1) {
            None => ",".to_owned(),
            Some(Sql::Value(ast::ValueWithSpan { value: ast::Value::SingleQuotedString(text), .. })) => text.clone(),
            Some(_) => return Err(Error::profile("", format!("the separator of `{name}` must be a constant text"))),
        };
        let text = format!("#{name}({hand:?} {argument:?} {separator:?} {filter_column:?} {order_columns:?})");
        let (filter, order) = (filter_column, order_columns);
        let op = Op::Aggregate(Aggregate { function, hand, argument, separator, filter, order });
        let nullable = function != Reduction::Count;
        let column = self.compiler.made(self.table, &text, op, ty, nullable)?;
        Ok(Some(self.own(column)))
    }

    fn window(&mut self, window: sql::Window<'_>) -> Result<sql::Expr> {
        let function =
            Reduction::named(window.name).filter(|f| !matches!(f, Reduction::StringAgg)).ok_or_else(|| {
                Error::profile("", format!("`{}` is not a window function", window.name))
                    .maybe_hint(did_you_mean(window.name, Reduction::names()))
            })?;
        if self.compiler.depth(self.table) == 0 {
            return Err(Error::profile("", "a root table has no siblings: a window needs a child table"));
        }
        let mut arguments = Vec::new();
        for arg in window.args.iter().take(1) {
            arguments.push(self.compiler.argument(self.table, &arg.to_string())?);
        }
        let given = arguments.first().map(|column| self.compiler.type_of(self.table, *column).0);
        let ty = function.result(given.as_ref()).ok_or_else(|| refused(window.name, given.as_ref(), "nothing"))?;
        let held = matches!(function, Reduction::ClampedSum | Reduction::GuardedSum);
        if held {
            // The step, the start, the floor and the cap are of one type; all but the step may be left out.
            for (at, arg) in window.args.iter().enumerate().take(4) {
                let column = self.compiler.argument_as(self.table, &arg.to_string(), &ty)?;
                if at == 0 { arguments[0] = column } else { arguments.push(column) }
            }
        }
        let partition = window.partition.iter().map(|key| self.compiler.argument(self.table, &key.to_string()));
        let partition = partition.collect::<Result<Vec<_>>>()?;
        let order = self.keys(self.table, &window.order)?;
        let text = format!("#{}({arguments:?} {partition:?} {order:?}) over", window.name);
        let op = Op::Window(Window { function, arguments, partition, order });
        let nullable = !held && !matches!(function, Reduction::Count | Reduction::RowNumber);
        let column = self.compiler.made(self.table, &text, op, ty, nullable)?;
        Ok(self.own(column))
    }
}

impl NameResolver<'_, '_> {
    /// Finds the hand of an aggregate: the one that its arguments name.
    fn hand(&self, name: &str, args: &[Sql], filter: Option<&Sql>) -> Result<(String, Hand)> {
        let hands = self.compiler.hands(self.table);
        let is_named = |(hand, _): &(String, Hand)| args.iter().chain(filter).any(|arg| mentions(arg, hand));
        // A column may have the name of a table further below: the nearer one is meant.
        let near = hands.iter().filter(|(_, hand)| hand.near()).any(is_named);
        let mut named = hands.iter().filter(|(_, hand)| hand.near() == near).filter(|hand| is_named(hand));
        let known = hands.iter().map(|(hand, _)| hand.as_str()).collect::<Vec<_>>().join("`, `");
        match (named.next(), named.next()) {
            (Some(hand), None) => Ok(hand.clone()),
            (Some((one, _)), Some((other, _))) if one == other => Err(Error::profile(
                "",
                format!("`{one}` is dealt to `{}` more than once", self.compiler.name(self.table)),
            )
            .hint("give each hand a name: deal.hand = \"received\"")),
            (Some(hand), Some(_)) => Ok(hand.clone()),
            _ => {
                let hint = match known.is_empty() {
                    true => "this table has no child tables and no hands".to_owned(),
                    false => format!("the child tables and hands are `{known}`"),
                };
                Err(Error::profile("", format!("no argument of `{name}` names a child table")).hint(hint))
            }
        }
    }
}

fn refused(name: &str, given: Option<&DataType>, nothing: &str) -> Error {
    let given = given.map_or(nothing.to_owned(), types::name);
    Error::profile("", format!("type mismatch: `{name}` does not take {given}"))
}
