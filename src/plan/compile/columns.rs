//! Columns: each compiled once, after what it depends on.

use std::sync::OnceLock;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_schema::DataType;

use super::{CallScope, Compiler, Decl, MAX_DEPTH, MAX_NESTING, NameResolver, State};
use crate::error::{Error, Result};
use crate::generator::domain::{Domain, Given, Guard};
use crate::generator::{self, Slot};
use crate::plan::{Column, Input, Op, Origin, Step};
use crate::profile::{Call, Definition, Expr, Value};
use crate::sql::{self, types};

/// What the share of nulls may be.
pub(super) const RATE: Domain = Domain::number("null", 0.0, 1.0);

impl Compiler<'_> {
    pub(super) fn declared(&mut self, table: usize, column: usize) -> Result<()> {
        match self.tables[table].columns[column] {
            State::Done(_) => return Ok(()),
            State::Busy => return Err(self.cycle(table, column)),
            State::Waiting => {}
        }
        let (name, decl) = self.tables[table]
            .decls
            .get_index(column)
            .map(|(name, decl)| (*name, *decl))
            .ok_or_else(|| Error::internal("a column without a declaration"))?;
        let path = format!("tables.{}.{}.{name}", self.tables[table].name, decl.section);
        self.tables[table].columns[column] = State::Busy;
        self.push(table, column)?;
        let alias = self.alias.take();
        let made = self.from_declaration(table, name, &decl, &path).map_err(|error| error.within(&path))?;
        self.alias = alias;
        self.stack.pop();
        self.tables[table].columns[column] = State::Done(Box::new(made));
        Ok(())
    }

    fn from_declaration(&mut self, table: usize, name: &str, decl: &Decl<'_>, path: &str) -> Result<Column> {
        let cast = decl.cast.map(sql::parse_type).transpose()?;
        let mut column = match decl.definition {
            Definition::Expr(expr) => {
                let (expr, inputs) = self.expression(table, &expr.0)?;
                self.column_of(table, name, Op::Expr(expr), inputs)
            }
            Definition::Gen(call) => {
                self.generator(table, name, call, &format!("{path}.gen.{}", call.name), decl.when)?
            }
            Definition::Lookup(lookup) => {
                let (expr, inputs) = self.lookup(table, lookup, path)?;
                self.column_of(table, name, Op::Expr(expr), inputs)
            }
            Definition::Template(message) => self.template(table, name, message)?,
        };
        if let Some(to) = cast.filter(|to| types::logical(&column.ty) != to) {
            let expr = match column.op {
                Op::Expr(expr) => sql::convert(expr, &to)?,
                _ => {
                    let (ty, nullable) = (column.ty.clone(), column.nullable);
                    let raw = self.finished(table, &format!("{name}#raw"), column)?;
                    decl.when.map_or(Ok(()), |when| self.mask(table, raw, &when.0))?;
                    column = self.column_of(table, name, Op::Row, vec![Input { steps: Vec::new(), column: raw }]);
                    sql::convert(sql::Expr::input(0, ty, nullable), &to)?
                }
            };
            column = self.column_of(table, name, Op::Expr(expr), column.inputs);
        }
        if column.ty == DataType::Null {
            return Err(
                Error::profile("", "the column is always null and has no type").hint("give it one: type = \"text\"")
            );
        }
        if let Some(when) = decl.when {
            column.when = Some(self.condition(table, &when.0, &mut column.inputs)?);
            column.nullable = true;
        }
        if let Some(null) = decl.null {
            let rate = self.rate(table, &null.0, &mut column.inputs)?;
            column.guards.extend(self.guard(table, RATE, &null.0, (rate, &column.inputs), &format!("{path}.null"))?);
            column.null = Some(rate);
            column.nullable = true;
        }
        column.visible = decl.written;
        Ok(column)
    }

    pub(super) fn condition(&mut self, table: usize, text: &str, inputs: &mut Vec<Input>) -> Result<usize> {
        let (expr, expr_inputs) = self.expression(table, text)?;
        if !matches!(expr.ty, DataType::Boolean | DataType::Null) {
            return Err(Error::profile(
                "",
                format!("type mismatch: a condition is meant, `{text}` is {}", types::name(&expr.ty)),
            ));
        }
        let expr = expr.cast_to(&DataType::Boolean);
        let column = self.computed(table, &format!("#{text}"), Op::Expr(expr), expr_inputs)?;
        inputs.push(Input { steps: Vec::new(), column });
        Ok(inputs.len() - 1)
    }

    pub(super) fn rate(&mut self, table: usize, text: &str, inputs: &mut Vec<Input>) -> Result<usize> {
        let (expr, expr_inputs) = self.expression(table, text)?;
        if !types::widens(&expr.ty, &DataType::Float64) {
            return Err(Error::profile(
                "",
                format!("type mismatch: a rate is meant, `{text}` is {}", types::name(&expr.ty)),
            ));
        }
        let column =
            self.computed(table, &format!("#rate {text}"), Op::Expr(expr.cast_to(&DataType::Float64)), expr_inputs)?;
        inputs.push(Input { steps: Vec::new(), column });
        Ok(inputs.len() - 1)
    }

    /// Compiles a number that must be constant and within bounds; `otherwise` where it is not given.
    pub(super) fn constant(
        &mut self,
        table: usize,
        decl: Option<&Expr>,
        otherwise: f64,
        bounds: std::ops::RangeInclusive<f64>,
        path: &str,
    ) -> Result<f64> {
        let Some(decl) = decl else { return Ok(otherwise) };
        let (expr, _) = self.expression(table, &decl.0).map_err(|error| error.within(path))?;
        let wrong = |what: String| Error::profile(path, what);
        if !types::widens(&expr.ty, &DataType::Float64) {
            return Err(wrong(format!("type mismatch: a number is meant, `{}` is {}", decl.0, types::name(&expr.ty))));
        }
        let number = expr.cast_to(&DataType::Float64);
        let number = number.constant().ok_or_else(|| wrong(format!("`{}` is not a constant", decl.0)))?;
        let number = number.as_primitive::<Float64Type>().value(0);
        if !bounds.contains(&number) {
            return Err(wrong(format!("{number} is not between {} and {}", bounds.start(), bounds.end())));
        }
        Ok(number)
    }

    pub(super) fn check(&mut self, table: usize, id: &str, check: &Expr) -> Result<usize> {
        let mut inputs = Vec::new();
        self.condition(table, &check.0, &mut inputs)?;
        inputs.first().map(|input| input.column).ok_or_else(|| Error::internal(format!("check `{id}` has no column")))
    }

    pub(super) fn push(&mut self, table: usize, column: usize) -> Result<()> {
        self.stack.push((table, column));
        if self.stack.len() > MAX_DEPTH {
            return Err(Error::profile("", format!("a column depends on others more than {MAX_DEPTH} deep")));
        }
        Ok(())
    }

    pub(super) fn cycle(&self, table: usize, column: usize) -> Error {
        let show = |(table, column): &(usize, usize)| {
            let name = self.tables[*table].columns.get_index(*column).map_or("?", |(name, _)| name.as_str());
            format!("{}.{}", self.tables[*table].name, name.trim_start_matches('#'))
        };
        let from = self.stack.iter().position(|at| *at == (table, column)).unwrap_or(0);
        let mut chain: Vec<String> = self.stack[from..].iter().map(show).collect();
        chain.push(show(&(table, column)));
        Error::profile("", format!("columns depend on each other in a cycle: {}", chain.join(" → ")))
    }

    /// Reserves an intermediate column that is about to be compiled, so that cycles through it are found.
    pub(super) fn reserve(&mut self, table: usize, name: &str) -> Result<usize> {
        if let Some((column, _, state)) = self.tables[table].columns.get_full(name) {
            return match state {
                State::Busy => Err(self.cycle(table, column)),
                _ => Ok(column),
            };
        }
        let (column, _) = self.tables[table].columns.insert_full(name.to_owned(), State::Busy);
        self.push(table, column)?;
        Ok(column)
    }

    pub(super) fn finish_column(&mut self, table: usize, column: usize, made: Column) {
        self.stack.pop();
        self.tables[table].columns[column] = State::Done(Box::new(made));
    }

    /// Makes a column from an operation, with the operation's type and nullability.
    pub(super) fn column_of(&self, table: usize, name: &str, op: Op, inputs: Vec<Input>) -> Column {
        let (ty, nullable) = match &op {
            Op::Expr(expr) => (expr.ty.clone(), expr.nullable),
            Op::Generator(generator) => {
                let null_input = inputs.iter().any(|input| self.input_nullable(table, input));
                (generator.data_type(), generator.nullable() || null_input)
            }
            _ => (DataType::Int64, false),
        };
        Column {
            name: name.to_owned(),
            visible: false,
            ty,
            nullable,
            key: self.key(table, name),
            op,
            inputs,
            made: Origin::Synthetic,
            needs_siblings: false,
            when: None,
            null: None,
            guards: Vec::new(),
            seen: OnceLock::new(),
        }
    }

    /// Holds a parameter of the column itself, such as the rate of nulls, to its domain: a constant now, an input in every row.
    pub(super) fn guard(
        &self,
        table: usize,
        domain: Domain,
        written: &str,
        input: (usize, &[Input]),
        path: &str,
    ) -> Result<Option<Guard>> {
        let (index, inputs) = input;
        let constant = |input: &Input| match self.tables[table].columns.get_index(input.column)?.1 {
            State::Done(column) => match &column.op {
                Op::Expr(expr) if input.steps.is_empty() => expr.constant().map(std::sync::Arc::clone),
                _ => None,
            },
            _ => None,
        };
        let slot = inputs.get(index).and_then(constant).map_or(Slot::Input(index), Slot::Const);
        let given = Given { field: domain.field.to_owned(), slot, written: written.to_owned() };
        Guard::plan(domain, given, None, path.to_owned(), 0)
    }

    /// Gives a hidden column no value where a condition is not true: its parameters are not looked at there.
    pub(super) fn mask(&mut self, table: usize, column: usize, when: &str) -> Result<()> {
        let mut inputs = match self.tables[table].columns.get_index(column) {
            Some((_, State::Done(column))) if column.when.is_none() => column.inputs.clone(),
            _ => return Ok(()),
        };
        let when = self.condition(table, when, &mut inputs)?;
        if let Some((_, State::Done(column))) = self.tables[table].columns.get_index_mut(column) {
            (column.inputs, column.when, column.nullable) = (inputs, Some(when), true);
        }
        Ok(())
    }

    pub(super) fn input_nullable(&self, table: usize, input: &Input) -> bool {
        let mut at = table;
        for step in &input.steps {
            match step {
                Step::Parent => at = self.tables[at].parent.unwrap_or(at),
                Step::Ref(reference) => match &self.tables[at].refs[*reference] {
                    Some(known) if !self.type_of(at, known.pick).1 => at = known.table,
                    _ => return true,
                },
                Step::Fact(_) => return true,
            }
        }
        match self.tables[at].columns.get_index(input.column) {
            Some((_, State::Done(column))) => column.nullable,
            _ => true,
        }
    }

    /// Adds a finished column under a name.
    pub(super) fn finished(&mut self, table: usize, name: &str, column: Column) -> Result<usize> {
        let mut column = column;
        name.clone_into(&mut column.name);
        let (index, _) = self.tables[table].columns.insert_full(name.to_owned(), State::Done(Box::new(column)));
        Ok(index)
    }

    /// Adds an intermediate column with an operation, unless there is one of that name.
    pub(super) fn computed(&mut self, table: usize, name: &str, op: Op, inputs: Vec<Input>) -> Result<usize> {
        if let Some(index) = self.tables[table].columns.get_index_of(name) {
            return Ok(index);
        }
        let column = self.column_of(table, name, op, inputs);
        self.finished(table, name, column)
    }

    /// Adds an intermediate column with an operation, a type and nullability, unless there is one of that name.
    pub(super) fn made(&mut self, table: usize, name: &str, op: Op, ty: DataType, nullable: bool) -> Result<usize> {
        if let Some(index) = self.tables[table].columns.get_index_of(name) {
            return Ok(index);
        }
        let column = Column { ty, nullable, ..self.column_of(table, name, op, Vec::new()) };
        self.finished(table, name, column)
    }

    /// Compiles an expression over the names in scope of a table, to the expression and its inputs.
    pub(super) fn expression(&mut self, table: usize, text: &str) -> Result<(sql::Expr, Vec<Input>)> {
        let (parsed, depth) = (sql::parse(text)?, sql::depth(text)?);
        self.nesting += depth;
        if self.nesting > MAX_NESTING {
            return Err(Error::profile("", format!("expressions depend on each other more than {MAX_NESTING} deep")));
        }
        let mut names = NameResolver { compiler: self, table, inputs: Vec::new() };
        let expr = sql::lower(&parsed, &mut names)?;
        let inputs = names.inputs;
        self.nesting -= depth;
        Ok((expr, inputs))
    }

    pub(super) fn generator(
        &mut self,
        table: usize,
        name: &str,
        call: &Call,
        path: &str,
        when: Option<&Expr>,
    ) -> Result<Column> {
        let def = generator::find(&call.name).map_err(|error| error.within(path))?;
        let args = self.switched(table, call, path)?;
        let mut scope = CallScope {
            compiler: self,
            table,
            column: name.to_owned(),
            path: path.to_owned(),
            inputs: Vec::new(),
            when,
        };
        let planned = (def.plan)(args.clone(), &mut scope);
        let inputs = scope.inputs;
        let loaded = self.loaded;
        let generator = planned.map_err(|error| {
            let segments: Vec<&str> = path.split('.').collect();
            match error.path() == path {
                true => (def.explain)(loaded, &segments).unwrap_or(error),
                false => error,
            }
        })?;
        let made = def.origin(&args);
        Ok(Column { made, ..self.column_of(table, name, Op::Generator(generator), inputs) })
    }

    /// The arguments of a call; where `shape` is a condition, its value.
    fn switched(&mut self, table: usize, call: &Call, path: &str) -> Result<toml::Table> {
        let mut args = call.args.clone();
        let Some(toml::Value::String(text)) = args.get("shape") else { return Ok(args) };
        let path = format!("{path}.shape");
        let (expr, _) = self.expression(table, text).map_err(|error| error.within(&path))?;
        let constant = expr.constant().filter(|array| array.data_type() == &DataType::Boolean && !array.is_null(0));
        let Some(constant) = constant else {
            return Err(Error::profile(path, format!("`{text}` is not a condition that is the same for all rows"))
                .hint("true, false, or a parameter: shape = \"params.shape_identifiers\""));
        };
        let shape = constant.as_boolean().value(0);
        args.insert("shape".to_owned(), toml::Value::Boolean(shape));
        Ok(args)
    }

    /// Adds the intermediate column of a generator within another declaration; it has a value where `when` is true.
    pub(super) fn generated(
        &mut self,
        table: usize,
        name: &str,
        call: &Call,
        path: &str,
        when: Option<&Expr>,
    ) -> Result<usize> {
        let column = self.generator(table, name, call, path, when)?;
        let column = self.finished(table, name, column)?;
        when.map_or(Ok(()), |when| self.mask(table, column, &when.0))?;
        Ok(column)
    }

    pub(super) fn valued(
        &mut self,
        table: usize,
        name: &str,
        value: &Value,
        path: &str,
        to: &DataType,
        when: Option<&Expr>,
    ) -> Result<usize> {
        let (expr, inputs) = match value {
            Value::Expr(expr) => self.expression(table, &expr.0).map_err(|error| error.within(path))?,
            Value::Gen(call) => {
                let column =
                    self.generated(table, &format!("{name}#value"), call, &format!("{path}.{}", call.name), when)?;
                let (ty, nullable) = self.type_of(table, column);
                (sql::Expr::input(0, ty, nullable), vec![Input { steps: Vec::new(), column }])
            }
        };
        let number = types::is_number(&expr.ty);
        if !(number || types::widens(&expr.ty, to)) || (number && !types::is_number(to)) {
            return Err(Error::profile(
                path,
                format!("type mismatch: {} is meant, this is {}", types::name(to), types::name(&expr.ty)),
            ));
        }
        self.computed(table, name, Op::Expr(expr.cast_to(to)), inputs)
    }
}
