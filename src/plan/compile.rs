//! From what a profile says to what it means: every column visited once, every mistake found before row 0.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::{DataType, Field, Schema};
use indexmap::IndexMap;

use super::names::InSight;
use super::references::Pick;
use super::scope::CallScope;
use super::sql::{self, types};
use super::{Column, Input, Op, Options, Plan, Reference, Step, Table, Walk, WalkColumn};
use crate::error::{Error, Result, did_you_mean};
use crate::generator::data::Data;
use crate::generator::lifecycle::Walker;
use crate::generator::record::{Order, Picker};
use crate::generator::{self, Operand};
use crate::profile::{self, Call, Expr, Loaded, Value, Wait, writable};
use crate::rng::Seed;
use crate::sink;

/// Small root tables are kept whole once a reference needed them.
const WHOLE_ROWS: u64 = 1 << 16;
/// Rows of a tree that a chunk aims at.
const CHUNK_ROWS: f64 = 32_768.0;
/// How deep one column may depend on others.
const MAX_DEPTH: usize = 200;
/// The most rows of a root table: a row number keeps 48 bits in paths.
const MAX_ROWS: u64 = 1 << 40;

enum State {
    Waiting,
    Busy,
    Done(Box<Column>),
}

struct Building<'a> {
    name: &'a str,
    says: &'a profile::Table,
    parent: Option<usize>,
    rows: u64,
    columns: IndexMap<String, State>,
    refs: Vec<Option<Reference>>,
    walk: Option<Walk>,
    count: Option<usize>,
    checks: Vec<(String, String, usize)>,
}

/// What the head of a path means in a table.
pub(super) enum Target {
    Table,
    Lifecycle,
    Ancestor(usize, usize),
    Reference(usize, usize, bool),
    File(String),
}

/// A profile on its way to a plan.
pub(super) struct Compiler<'a> {
    loaded: &'a Loaded,
    seed: Seed,
    params: IndexMap<String, (String, ArrayRef)>,
    tables: Vec<Building<'a>>,
    data: IndexMap<String, Arc<Data>>,
    stack: Vec<(usize, usize)>,
    pub(super) as_of: i32,
}

impl Plan {
    /// Compiles a profile; an error knows its file, line and path.
    pub fn compile(loaded: &Loaded, options: &Options) -> Result<Plan> {
        Compiler::start(loaded, options).and_then(|compiler| compiler.finish(options)).map_err(|error| {
            let place = loaded.place(error.path());
            error.at(place)
        })
    }
}

impl<'a> Compiler<'a> {
    fn start(loaded: &'a Loaded, options: &Options) -> Result<Self> {
        let profile = &loaded.profile;
        if let Some(unknown) = options.rows.keys().find(|name| !profile.tables.contains_key(*name)) {
            return Err(Error::usage(format!(
                "`--rows {unknown}=…`: the profile `{}` has no such table",
                profile.name
            ))
            .maybe_hint(did_you_mean(unknown, profile.tables.keys().map(String::as_str))));
        }
        let mut tables = Vec::new();
        for (name, says) in &profile.tables {
            let path = format!("tables.{name}");
            named(&path, name)?;
            says.columns.keys().try_for_each(|column| named(&format!("{path}.columns.{column}"), column))?;
            let parent = match (&says.of, says.rows) {
                (None, Some(_)) if says.count.is_some() || says.lifecycle.is_some() => {
                    return Err(Error::profile(
                        path,
                        "a root table has `rows`, a child table `of` with `count` or `lifecycle`: not both",
                    ));
                }
                (None, Some(_)) => None,
                (Some(of), None) if says.count.is_some() != says.lifecycle.is_some() => {
                    let at = profile
                        .tables
                        .get_index_of(of)
                        .ok_or_else(|| unknown_table(&format!("{path}.of"), of, profile))?;
                    Some(at)
                }
                (Some(_), None) => return Err(Error::profile(path, "a child table has either `count` or `lifecycle`")),
                (Some(_), Some(_)) => {
                    return Err(Error::profile(path, "`rows` belongs to a root table; a child table has `count`"));
                }
                (None, None) => {
                    return Err(Error::profile(path, "the table has neither `rows` nor `of`")
                        .hint("rows = 1_000 makes it a root table"));
                }
            };
            if says.columns.is_empty() {
                return Err(Error::profile(path, "the table has no columns"));
            }
            let rows = match says.rows {
                Some(rows) => options.rows_of(name, rows, says.scales.unwrap_or(true))?,
                None if options.rows.contains_key(name) => {
                    return Err(Error::usage(format!("`--rows {name}=…`: `{name}` is a child table"))
                        .hint("its rows follow from its parent's"));
                }
                None => 0,
            };
            if rows > MAX_ROWS {
                return Err(Error::profile(path, format!("{rows} rows are more than {MAX_ROWS}")));
            }
            let columns = says.columns.keys().map(|column| (column.clone(), State::Waiting)).collect();
            let refs = says.refs.iter().map(|_| None).collect();
            tables.push(Building {
                name,
                says,
                parent,
                rows,
                columns,
                refs,
                walk: None,
                count: None,
                checks: Vec::new(),
            });
        }
        let (as_of, params) = (options.as_of(profile)?, options.constants(profile)?);
        let mut compiler = Self {
            loaded,
            seed: Seed::new(&options.seed),
            params,
            tables,
            data: IndexMap::new(),
            stack: Vec::new(),
            as_of,
        };
        compiler.no_parent_cycle()?;
        compiler.raise_rows();
        Ok(compiler)
    }

    fn no_parent_cycle(&self) -> Result<()> {
        for table in &self.tables {
            let (mut at, mut chain) = (table, vec![table.name]);
            while let Some(parent) = at.parent {
                at = &self.tables[parent];
                chain.push(at.name);
                if chain.len() > self.tables.len() {
                    return Err(Error::profile(
                        format!("tables.{}.of", table.name),
                        format!("tables are each other's parents: {}", chain[..chain.len().min(6)].join(" → ")),
                    ));
                }
            }
        }
        Ok(())
    }

    /// A table that is picked by `same_row` has at least as many rows as the tables that pick it.
    fn raise_rows(&mut self) {
        for _ in 0..self.tables.len() {
            for table in 0..self.tables.len() {
                for reference in self.tables[table].says.refs.values() {
                    let target =
                        reference.table.as_ref().and_then(|name| self.tables.iter().position(|t| t.name == name));
                    if let (Some(profile::Pick::SameRow), Some(target), None) =
                        (reference.pick, target, self.tables[table].parent)
                    {
                        self.tables[target].rows = self.tables[target].rows.max(self.tables[table].rows);
                    }
                }
            }
        }
    }

    fn finish(mut self, options: &Options) -> Result<Plan> {
        for table in 0..self.tables.len() {
            let says = self.tables[table].says;
            for column in 0..says.columns.len() {
                self.declared(table, column)?;
            }
            (0..says.refs.len()).try_for_each(|reference| self.reference(table, reference).map(|_| ()))?;
            if self.tables[table].parent.is_some() {
                self.counted(table)?;
            }
            for (id, check) in &says.checks {
                let path = format!("tables.{}.checks.{id}", self.tables[table].name);
                let column = self.check(table, id, check).map_err(|error| error.within(&path))?;
                self.tables[table].checks.push((id.clone(), check.0.clone(), column));
            }
        }
        let profile = &self.loaded.profile;
        let params = self.params.iter().map(|(name, (text, _))| (name.clone(), text.clone())).collect();
        let schemas: Vec<_> = (0..self.tables.len()).map(|table| Arc::new(self.schema(table))).collect();
        let keys: Vec<u64> = self.tables.iter().map(|table| self.seed.column_key(table.name, "")).collect();
        let mut tables = Vec::new();
        for ((table, schema), key) in self.tables.into_iter().zip(schemas).zip(keys) {
            let mut columns = Vec::new();
            for (name, state) in table.columns {
                match state {
                    State::Done(column) => columns.push(*column),
                    _ => return Err(Error::internal(format!("column `{name}` was not compiled"))),
                }
            }
            let whole = (table.parent.is_none() && table.rows <= WHOLE_ROWS)
                .then(|| columns.iter().map(|_| std::sync::OnceLock::new()).collect());
            tables.push(Table {
                name: table.name.to_owned(),
                about: table.says.about.clone(),
                parent: table.parent,
                rows: table.rows,
                chunk: table.says.chunk.unwrap_or(0),
                columns,
                declared: table.says.columns.len(),
                refs: table.refs,
                checks: table.checks,
                schema,
                count: table.count,
                walk: table.walk,
                key,
                whole,
            });
        }
        let mut plan = Plan {
            name: profile.name.clone(),
            title: profile.title.clone(),
            digest: self.loaded.digest.clone(),
            seed: options.seed.clone(),
            as_of: self.as_of,
            params,
            data: self.data,
            tables,
        };
        plan.size_chunks()?;
        Ok(plan)
    }

    // ── columns ──

    fn declared(&mut self, table: usize, column: usize) -> Result<()> {
        match self.tables[table].columns[column] {
            State::Done(_) => return Ok(()),
            State::Busy => return Err(self.cycle(table, column)),
            State::Waiting => {}
        }
        let (name, says) = self.tables[table]
            .says
            .columns
            .get_index(column)
            .ok_or_else(|| Error::internal("a column without a declaration"))?;
        let path = format!("tables.{}.columns.{name}", self.tables[table].name);
        self.tables[table].columns[column] = State::Busy;
        self.push(table, column)?;
        let made = self.from_declaration(table, name, says, &path).map_err(|error| error.within(&path))?;
        self.stack.pop();
        self.tables[table].columns[column] = State::Done(Box::new(made));
        Ok(())
    }

    fn from_declaration(&mut self, table: usize, name: &str, says: &profile::Column, path: &str) -> Result<Column> {
        let cast = says.rest.r#type.as_deref().map(sql::parse_type).transpose()?;
        let mut column = match says.value.as_ref() {
            Some(Value::Expr(expr)) => {
                let (expr, inputs) = self.expression(table, &expr.0)?;
                self.column_of(table, name, Op::Expr(expr), inputs)
            }
            Some(Value::Gen(call)) => self.generator(table, name, call, &format!("{path}.gen.{}", call.name))?,
            None => return Err(Error::internal("a column without a value")),
        };
        if let Some(to) = cast.filter(|to| types::logical(&column.ty) != to) {
            let expr = match column.op {
                Op::Expr(expr) => expr.cast_to(&to),
                _ => {
                    let (ty, nullable) = (column.ty.clone(), column.nullable);
                    let raw = self.finished(table, &format!("{name}#raw"), column)?;
                    column = self.column_of(table, name, Op::Row, vec![Input { steps: Vec::new(), column: raw }]);
                    sql::Expr::input(0, ty, nullable).cast_to(&to)
                }
            };
            column = self.column_of(table, name, Op::Expr(expr), column.inputs);
        }
        if column.ty == DataType::Null {
            return Err(
                Error::profile("", "the column is always null and has no type").hint("give it one: type = \"text\"")
            );
        }
        if let Some(when) = &says.rest.when {
            column.when = Some(self.condition(table, &when.0, &mut column.inputs)?);
            column.nullable = true;
        }
        if let Some(null) = &says.rest.null {
            column.null = Some(self.rate(table, &null.0, &mut column.inputs)?);
            column.nullable = true;
        }
        column.visible = !says.rest.hidden;
        Ok(column)
    }

    fn condition(&mut self, table: usize, text: &str, inputs: &mut Vec<Input>) -> Result<usize> {
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

    fn rate(&mut self, table: usize, text: &str, inputs: &mut Vec<Input>) -> Result<usize> {
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

    fn check(&mut self, table: usize, id: &str, check: &Expr) -> Result<usize> {
        let mut inputs = Vec::new();
        self.condition(table, &check.0, &mut inputs)?;
        inputs.first().map(|input| input.column).ok_or_else(|| Error::internal(format!("check `{id}` has no column")))
    }

    fn push(&mut self, table: usize, column: usize) -> Result<()> {
        self.stack.push((table, column));
        if self.stack.len() > MAX_DEPTH {
            return Err(Error::profile("", format!("a column depends on others more than {MAX_DEPTH} deep")));
        }
        Ok(())
    }

    fn cycle(&self, table: usize, column: usize) -> Error {
        let show = |(table, column): &(usize, usize)| {
            let name = self.tables[*table].columns.get_index(*column).map_or("?", |(name, _)| name.as_str());
            format!("{}.{}", self.tables[*table].name, name.trim_start_matches('#'))
        };
        let from = self.stack.iter().position(|at| *at == (table, column)).unwrap_or(0);
        let mut chain: Vec<String> = self.stack[from..].iter().map(show).collect();
        chain.push(show(&(table, column)));
        Error::profile("", format!("columns depend on each other in a cycle: {}", chain.join(" → ")))
    }

    /// A column with an operation, its type and nullability taken from it.
    fn column_of(&self, table: usize, name: &str, op: Op, inputs: Vec<Input>) -> Column {
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
            when: None,
            null: None,
        }
    }

    fn input_nullable(&self, table: usize, input: &Input) -> bool {
        let mut at = table;
        for step in &input.steps {
            match step {
                Step::Parent => at = self.tables[at].parent.unwrap_or(at),
                Step::Ref(_) => return true,
            }
        }
        match self.tables[at].columns.get_index(input.column) {
            Some((_, State::Done(column))) => column.nullable,
            _ => true,
        }
    }

    /// Adds a finished column under a name, or finds the one that has it.
    fn finished(&mut self, table: usize, name: &str, column: Column) -> Result<usize> {
        let mut column = column;
        name.clone_into(&mut column.name);
        let (index, _) = self.tables[table].columns.insert_full(name.to_owned(), State::Done(Box::new(column)));
        Ok(index)
    }

    /// A hidden column made of parts that are compiled already.
    pub(super) fn computed(&mut self, table: usize, name: &str, op: Op, inputs: Vec<Input>) -> Result<usize> {
        if let Some(index) = self.tables[table].columns.get_index_of(name) {
            return Ok(index);
        }
        let column = self.column_of(table, name, op, inputs);
        self.finished(table, name, column)
    }

    /// A hidden column of a type that its operation does not tell.
    pub(super) fn made(&mut self, table: usize, name: &str, op: Op, ty: DataType, nullable: bool) -> Result<usize> {
        if let Some(index) = self.tables[table].columns.get_index_of(name) {
            return Ok(index);
        }
        let column = Column { ty, nullable, ..self.column_of(table, name, op, Vec::new()) };
        self.finished(table, name, column)
    }

    /// An expression over the names in sight of a table.
    pub(super) fn expression(&mut self, table: usize, text: &str) -> Result<(sql::Expr, Vec<Input>)> {
        let parsed = sql::parse(text)?;
        let mut names = InSight { compiler: self, table, inputs: Vec::new() };
        let expr = sql::lower(&parsed, &mut names)?;
        Ok((expr, names.inputs))
    }

    fn generator(&mut self, table: usize, name: &str, call: &Call, path: &str) -> Result<Column> {
        let def = generator::find(&call.name).map_err(|error| error.within(path))?;
        let mut scope =
            CallScope { compiler: self, table, column: name.to_owned(), path: path.to_owned(), inputs: Vec::new() };
        let planned = (def.plan)(call.args.clone(), &mut scope);
        let inputs = scope.inputs;
        let loaded = self.loaded;
        let generator = planned.map_err(|error| {
            let segments: Vec<&str> = path.split('.').collect();
            match error.path() == path {
                true => (def.explain)(loaded, &segments).unwrap_or(error),
                false => error,
            }
        })?;
        Ok(self.column_of(table, name, Op::Generator(generator), inputs))
    }

    /// A hidden column made by a generator within another declaration.
    pub(super) fn generated(&mut self, table: usize, name: &str, call: &Call, path: &str) -> Result<usize> {
        let column = self.generator(table, name, call, path)?;
        self.finished(table, name, column)
    }

    fn valued(&mut self, table: usize, name: &str, value: &Value, path: &str, to: &DataType) -> Result<usize> {
        let (expr, inputs) = match value {
            Value::Expr(expr) => self.expression(table, &expr.0).map_err(|error| error.within(path))?,
            Value::Gen(call) => {
                let column = self.generated(table, &format!("{name}#value"), call, &format!("{path}.{}", call.name))?;
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

    // ── names ──

    /// What the head of a path means in a table.
    pub(super) fn target(&mut self, table: usize, head: &str) -> Result<Target> {
        let says = self.tables[table].says;
        if let Some(reference) = says.refs.get_index_of(head) {
            if says.refs[reference].file.is_some() {
                return Ok(Target::File(head.to_owned()));
            }
            let (to, nullable) = self.reference(table, reference)?;
            return Ok(Target::Reference(reference, to, nullable));
        }
        if head == self.tables[table].name {
            return Ok(Target::Table);
        }
        let (mut levels, mut at) = (0, table);
        while let Some(parent) = self.tables[at].parent {
            (levels, at) = (levels + 1, parent);
            if self.tables[at].name == head {
                return Ok(Target::Ancestor(levels, at));
            }
        }
        if head == "lifecycle" && says.lifecycle.is_some() {
            return Ok(Target::Lifecycle);
        }
        let name = self.tables[table].name;
        if self.children(table).into_iter().any(|child| self.tables[child].name == head) {
            return Err(Error::profile("", format!("`{head}` has many rows for each `{name}`"))
                .hint(format!("aggregate them: sum({head}.…), count({head}), last({head}.…)")));
        }
        let known: Vec<&str> = says.refs.keys().map(String::as_str).chain(self.tables.iter().map(|t| t.name)).collect();
        Err(Error::profile("", format!("unknown table or reference `{head}` in `{name}`"))
            .hint(format!("`{name}` sees its ancestors and its refs"))
            .maybe_hint(did_you_mean(head, known)))
    }

    /// The index of a column, compiled, or of a row's place.
    pub(super) fn column_named(&mut self, table: usize, name: &str) -> Result<usize> {
        let says = self.tables[table].says;
        if let Some(column) = says.columns.get_index_of(name) {
            self.declared(table, column)?;
            return Ok(column);
        }
        let child = self.tables[table].parent.is_some();
        let op = match name {
            "row" if !child => Op::Row,
            "ordinal" if child => Op::Ordinal,
            "siblings" if child => Op::Siblings,
            _ => {
                let known = says.columns.keys().map(String::as_str).chain(["row", "ordinal", "siblings", "as_of"]);
                return Err(Error::profile(
                    "",
                    format!("unknown column `{name}` in table `{}`", self.tables[table].name),
                )
                .maybe_hint(did_you_mean(name, known)));
            }
        };
        self.computed(table, &format!("#{name}"), op, Vec::new())
    }

    pub(super) fn has_column(&self, table: usize, name: &str) -> bool {
        self.tables[table].says.columns.contains_key(name)
    }

    pub(super) fn param(&self, name: &str) -> Result<ArrayRef> {
        self.params.get(name).map(|(_, value)| Arc::clone(value)).ok_or_else(|| {
            Error::profile("", format!("unknown parameter `{name}`"))
                .maybe_hint(did_you_mean(name, self.params.keys().map(String::as_str)))
        })
    }

    pub(super) fn type_of(&self, table: usize, column: usize) -> (DataType, bool) {
        match self.tables[table].columns.get_index(column) {
            Some((_, State::Done(column))) => (column.ty.clone(), column.nullable),
            _ => (DataType::Null, true),
        }
    }

    pub(super) fn name(&self, table: usize) -> &'a str {
        self.tables[table].name
    }

    pub(super) fn children(&self, table: usize) -> Vec<usize> {
        (0..self.tables.len()).filter(|child| self.tables[*child].parent == Some(table)).collect()
    }

    pub(super) fn depth(&self, table: usize) -> usize {
        self.tables[table].parent.map_or(0, |parent| 1 + self.depth(parent))
    }

    pub(super) fn root_rows(&self, table: usize) -> Option<u64> {
        self.tables[table].parent.is_none().then_some(self.tables[table].rows)
    }

    pub(super) fn key(&self, table: usize, column: &str) -> u64 {
        self.seed.column_key(self.tables[table].name, column)
    }

    // ── references ──

    fn reference(&mut self, table: usize, reference: usize) -> Result<(usize, bool)> {
        let says = self.tables[table].says;
        let (name, to) =
            says.refs.get_index(reference).ok_or_else(|| Error::internal("a reference without a declaration"))?;
        let path = format!("tables.{}.refs.{name}", self.tables[table].name);
        if to.file.is_some() {
            return self
                .picked_record(table, name, to, &path)
                .map(|_| (table, true))
                .map_err(|error| error.within(&path));
        }
        self.picked_row(table, reference, name, to, &path).map_err(|error| error.within(&path))
    }

    fn picked_row(
        &mut self,
        table: usize,
        reference: usize,
        name: &str,
        to: &profile::Ref,
        path: &str,
    ) -> Result<(usize, bool)> {
        use profile::Pick as Says;
        let hidden = format!("#ref {name}");
        if let Some(known) = &self.tables[table].refs[reference] {
            let nullable = self.type_of(table, known.pick).1;
            return Ok((known.table, nullable));
        }
        let column = self.reserve(table, &hidden)?;
        let picks = to.pick.unwrap_or(if to.at.is_some() { Says::Row } else { Says::Random });
        let among_siblings = matches!(picks, Says::Previous | Says::EarlierSibling | Says::Sibling | Says::Earlier);
        let target = match &to.table {
            Some(target) => self
                .tables
                .iter()
                .position(|t| t.name == target)
                .ok_or_else(|| unknown_table(&format!("{path}.table"), target, &self.loaded.profile))?,
            None if among_siblings => table,
            None => return Err(Error::profile("", "a reference needs `table` or `file`")),
        };
        if matches!(picks, Says::InOrder | Says::Distinct) || to.weight.is_some() || !to.r#match.is_empty() {
            return Err(Error::profile(
                "",
                "`in_order`, `distinct`, `weight` and `match` belong to references with `file`",
            ));
        }
        let rooted = self.tables[table].parent.is_none();
        if among_siblings && target != table {
            return Err(Error::profile("", "this pick stays within the table itself").hint("leave `table` out"));
        }
        if !among_siblings && self.tables[target].parent.is_some() {
            return Err(Error::profile(
                "",
                format!("`{}` is a child table: a reference leads to a root table", self.tables[target].name),
            ));
        }
        let needs_root = matches!(picks, Says::SameRow | Says::Earlier);
        if (needs_root && !rooted) || (among_siblings && picks != Says::Earlier && rooted) {
            return Err(Error::profile(
                "",
                if rooted { "a root table has no siblings" } else { "this pick is for root tables" },
            ));
        }
        let rows = self.tables[target].rows;
        if rows == 0 && !among_siblings && picks != Says::SameRow {
            return Err(Error::profile("", format!("`{}` has no rows to refer to", self.tables[target].name)));
        }
        let mut scope =
            CallScope { compiler: self, table, column: hidden.clone(), path: path.to_owned(), inputs: Vec::new() };
        let missing = || Error::profile(format!("{path}.at"), "this pick needs `at`, an expression");
        let pick = match picks {
            Says::SameRow => Pick::SameRow,
            Says::Row => Pick::Row { at: Operand::plan(&mut scope, "at", to.at.as_ref().ok_or_else(missing)?)?, rows },
            Says::Earlier => Pick::Earlier,
            Says::Previous => Pick::Previous,
            Says::EarlierSibling => Pick::EarlierSibling,
            Says::Sibling => Pick::Sibling(Operand::plan(&mut scope, "at", to.at.as_ref().ok_or_else(missing)?)?),
            _ => Pick::Random {
                rows,
                skew: to.skew.as_ref().map(|skew| Operand::plan(&mut scope, "skew", skew)).transpose()?,
            },
        };
        let mut inputs = scope.inputs;
        let (sibling, mut nullable) = (pick.is_sibling(), pick.nullable());
        let when = to.when.as_ref().map(|when| self.condition(table, &when.0, &mut inputs)).transpose()?;
        nullable |= when.is_some();
        let made = Column { when, nullable, ..self.column_of(table, &hidden, Op::Pick(pick), inputs) };
        self.fulfil(table, column, made);
        self.tables[table].refs[reference] =
            Some(Reference { name: name.to_owned(), table: target, pick: column, sibling });
        Ok((target, nullable))
    }

    /// Marks a hidden column as being compiled, so that what depends on itself is found.
    fn reserve(&mut self, table: usize, name: &str) -> Result<usize> {
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

    fn fulfil(&mut self, table: usize, column: usize, made: Column) {
        self.stack.pop();
        self.tables[table].columns[column] = State::Done(Box::new(made));
    }

    fn picked_record(&mut self, table: usize, name: &str, to: &profile::Ref, path: &str) -> Result<usize> {
        let hidden = format!("#ref {name}");
        if let Some((column, _, State::Done(_))) = self.tables[table].columns.get_full(&hidden) {
            return Ok(column);
        }
        let column = self.reserve(table, &hidden)?;
        let order = match to.pick {
            None | Some(profile::Pick::Random) => Order::Random,
            Some(profile::Pick::InOrder) => Order::InOrder,
            Some(profile::Pick::Distinct) => Order::Distinct,
            Some(_) => {
                return Err(Error::profile(
                    format!("{path}.pick"),
                    "a record of a file is picked `random`, `in_order` or `distinct`",
                ));
            }
        };
        if to.table.is_some() || to.skew.is_some() || to.at.is_some() {
            return Err(Error::profile("", "`table`, `skew` and `at` do not go with `file`"));
        }
        let data = self
            .data_file(table, to.file.as_deref().unwrap_or_default())
            .map_err(|error| error.within(&format!("{path}.file")))?;
        let mut scope =
            CallScope { compiler: self, table, column: hidden.clone(), path: path.to_owned(), inputs: Vec::new() };
        let picker = Picker::plan(&mut scope, data, to.weight.as_deref(), &to.r#match, order)?;
        let mut inputs = scope.inputs;
        let when = to.when.as_ref().map(|when| self.condition(table, &when.0, &mut inputs)).transpose()?;
        let made =
            Column { when, nullable: true, ..self.column_of(table, &hidden, Op::Generator(Box::new(picker)), inputs) };
        self.fulfil(table, column, made);
        Ok(column)
    }

    /// A column of the record that a file reference picks.
    pub(super) fn projected(&mut self, table: usize, reference: &str, column: &str) -> Result<usize> {
        let name = format!("#{reference}.{column}");
        if let Some(index) = self.tables[table].columns.get_index_of(&name) {
            return Ok(index);
        }
        let says = &self.tables[table].says.refs[reference];
        let path = format!("tables.{}.refs.{reference}", self.tables[table].name);
        let pick = self.picked_record(table, reference, says, &path).map_err(|error| error.within(&path))?;
        let data = self.data_file(table, says.file.as_deref().unwrap_or_default())?;
        let values = Arc::clone(data.column(column)?);
        let ty = values.data_type().clone();
        let made = Column {
            ty,
            nullable: true,
            ..self.column_of(table, &name, Op::Project(values), vec![Input { steps: Vec::new(), column: pick }])
        };
        self.finished(table, &name, made)
    }

    pub(super) fn data_file(&mut self, table: usize, file: &str) -> Result<Arc<Data>> {
        for files in self.loaded.files_of(self.tables[table].name) {
            let name = files.show(&format!("data/{file}"));
            if let Some(data) = self.data.get(&name) {
                return Ok(Arc::clone(data));
            }
            if let Some(bytes) = files.read(&format!("data/{file}"))? {
                let data = Arc::new(Data::parse(&name, &bytes)?);
                self.data.insert(name, Arc::clone(&data));
                return Ok(data);
            }
        }
        Err(Error::profile("", format!("no data file `{file}`"))
            .hint("data files stand in the folder `data` beside the profile"))
    }

    // ── children ──

    /// Compiles what says how many rows a child table has.
    pub(super) fn counted(&mut self, child: usize) -> Result<()> {
        if self.tables[child].count.is_some() || self.tables[child].walk.is_some() {
            return Ok(());
        }
        let (says, name) = (self.tables[child].says, self.tables[child].name);
        let Some(parent) = self.tables[child].parent else { return Ok(()) };
        let path = format!("tables.{name}");
        if let Some(lifecycle) = &says.lifecycle {
            let hidden = self.reserve(parent, &format!("#walk {name}"))?;
            let walk = self.walk(parent, child, lifecycle, &path).map_err(|error| error.within(&path))?;
            let made = self.column_of(parent, "#walk", Op::Row, Vec::new());
            self.fulfil(parent, hidden, made);
            self.tables[child].walk = Some(walk);
            return Ok(());
        }
        let hidden = self.reserve(parent, &format!("#count {name}"))?;
        let value = says.count.as_ref().ok_or_else(|| Error::internal("a child table without a count"))?;
        let source =
            self.valued(parent, &format!("#count {name}#"), value, &format!("{path}.count"), &DataType::Int64)?;
        let (ty, nullable) = self.type_of(parent, source);
        let mut inputs = vec![Input { steps: Vec::new(), column: source }];
        let when = says
            .when
            .as_ref()
            .map(|when| self.condition(parent, &when.0, &mut inputs))
            .transpose()
            .map_err(|error| error.within(&format!("{path}.when")))?;
        let expr = sql::Expr::input(0, ty, nullable);
        let made = Column { when, nullable: true, ..self.column_of(parent, "#count", Op::Expr(expr), inputs) };
        self.fulfil(parent, hidden, made);
        self.tables[child].count = Some(hidden);
        Ok(())
    }

    fn walk(&mut self, parent: usize, child: usize, says: &profile::Lifecycle, path: &str) -> Result<Walk> {
        let states: Vec<String> = says.states.keys().cloned().collect();
        let find = |state: &str, at: String| {
            says.states.get_index_of(state).ok_or_else(|| {
                Error::profile(at, format!("unknown state `{state}`"))
                    .maybe_hint(did_you_mean(state, says.states.keys().map(String::as_str)))
            })
        };
        let name = self.tables[child].name;
        let start = find(&says.start, format!("{path}.lifecycle.start"))?;
        let (mut next, mut weights, mut waits) = (Vec::new(), Vec::new(), Vec::new());
        for (state, what) in &says.states {
            let mut follows = Vec::new();
            for (target, weight) in &what.next {
                let at = format!("{path}.lifecycle.states.{state}.next.{target}");
                let target_index = find(target, at.clone())?;
                let value = Value::Expr(weight.clone());
                let column =
                    self.valued(parent, &format!("#walk {name}.{state}.{target}"), &value, &at, &DataType::Float64)?;
                follows.push((target_index, weights.len()));
                weights.push(column);
            }
            self.constant_weights(
                parent,
                &weights[weights.len() - follows.len()..],
                &format!("{path}.lifecycle.states.{state}.next"),
            )?;
            next.push(follows);
            waits.push(match &what.after {
                None => None,
                Some(wait) => {
                    let (unit, micros, value) = match wait {
                        Wait::Seconds(value) => ("seconds", 1e6, value),
                        Wait::Minutes(value) => ("minutes", 6e7, value),
                        Wait::Hours(value) => ("hours", 3.6e9, value),
                        Wait::Days(value) => ("days", 8.64e10, value),
                    };
                    let at = format!("{path}.lifecycle.states.{state}.after.{unit}");
                    Some((micros, self.valued(child, &format!("#wait {state}"), value, &at, &DataType::Float64)?))
                }
            });
        }
        let instant = types::timestamp();
        let at = self.valued(
            parent,
            &format!("#walk {name} at"),
            &Value::Expr(says.at.clone()),
            &format!("{path}.lifecycle.at"),
            &instant,
        )?;
        let until = says.until.clone().unwrap_or_else(|| Expr("as_of + INTERVAL '1' DAY".to_owned()));
        let until = self.valued(
            parent,
            &format!("#walk {name} until"),
            &Value::Expr(until),
            &format!("{path}.lifecycle.until"),
            &instant,
        )?;
        let mut inputs = Vec::new();
        let when = match &self.tables[child].says.when {
            Some(when) => {
                self.condition(parent, &when.0, &mut inputs).map_err(|error| error.within(&format!("{path}.when")))?;
                inputs.first().map(|input| input.column)
            }
            None => None,
        };
        let key = self.key(child, "#walk");
        Ok(Walk { walker: Walker { states, start, next, key }, weights, waits, at, until, when })
    }

    /// Weights that are all constants are checked now: none negative, not all zero.
    fn constant_weights(&self, table: usize, columns: &[usize], path: &str) -> Result<()> {
        let constant = |column: &usize| match self.tables[table].columns.get_index(*column) {
            Some((_, State::Done(column))) => match &column.op {
                Op::Expr(expr) => expr.constant().and_then(|array| {
                    arrow_array::cast::AsArray::as_primitive_opt::<arrow_array::types::Float64Type>(array)
                        .map(|a| a.value(0))
                }),
                _ => None,
            },
            _ => None,
        };
        let Some(weights) = columns.iter().map(constant).collect::<Option<Vec<f64>>>() else { return Ok(()) };
        if !weights.is_empty() && crate::rng::Weighted::new(&weights).is_none() {
            return Err(Error::profile(path, "weights must be finite, not negative, and not all 0"));
        }
        Ok(())
    }

    /// A column of a lifecycle's walk, in the child table.
    pub(super) fn walk_column(&mut self, table: usize, which: WalkColumn) -> Result<usize> {
        self.counted(table)?;
        let (name, ty) = match which {
            WalkColumn::State => ("#state", types::dictionary()),
            WalkColumn::At => ("#at", types::timestamp()),
            WalkColumn::From => ("#from", types::dictionary()),
        };
        self.made(table, name, Op::Walk(which), ty, which == WalkColumn::From)
    }

    // ── schema ──

    fn schema(&self, table: usize) -> Schema {
        let says = self.tables[table].says;
        let mut fields = Vec::new();
        for ((name, state), column) in self.tables[table].columns.iter().zip(says.columns.values()) {
            let State::Done(made) = state else { continue };
            if !made.visible {
                continue;
            }
            let mut metadata = std::collections::BTreeMap::new();
            let mut note = |key: &str, value: &str| metadata.insert(key.to_owned(), value.to_owned());
            if column.rest.key {
                note(sink::KEY, "primary");
            }
            if let Some(pii) = &column.rest.pii {
                note(sink::PII, pii);
            }
            if !column.rest.about.is_empty() {
                note(sink::ABOUT, &column.rest.about);
            }
            if let Some((to, key)) = self.foreign_key(table, made) {
                note(sink::REFERENCES, &format!("{to}.{key}"));
            }
            let nullable = made.nullable && !column.rest.key;
            fields.push(Field::new(name, made.ty.clone(), nullable).with_metadata(metadata));
        }
        Schema::new(fields)
    }

    /// The table and column whose key a column repeats.
    fn foreign_key(&self, table: usize, column: &Column) -> Option<(&'a str, &'a str)> {
        let Op::Expr(sql::Expr { node: sql::Node::Input(index), .. }) = &column.op else { return None };
        let Input { steps, column } = &column.inputs[*index];
        let mut at = table;
        for step in steps {
            at = match step {
                Step::Parent => self.tables[at].parent?,
                Step::Ref(reference) => self.tables[at].refs[*reference].as_ref()?.table,
            };
        }
        let (name, says) = self.tables[at].says.columns.get_index(*column)?;
        (!steps.is_empty() && says.rest.key && !says.rest.hidden).then_some((self.tables[at].name, name.as_str()))
    }
}

fn named(path: &str, name: &str) -> Result<()> {
    let good = writable(name)
        && name.len() <= 63
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    let reserved = ["con", "prn", "aux", "nul", "manifest", "params", "lifecycle"].contains(&name);
    if good && !reserved {
        return Ok(());
    }
    Err(Error::profile(path, format!("`{}` is no name for a table or column", name.escape_debug()))
        .hint("lower-case letters, digits and `_`, at most 63, not starting with a digit, and no reserved word"))
}

fn unknown_table(path: &str, name: &str, profile: &profile::Profile) -> Error {
    Error::profile(path, format!("unknown table `{name}`"))
        .maybe_hint(did_you_mean(name, profile.tables.keys().map(String::as_str)))
}

impl Plan {
    /// Sets each root table's chunk so that a chunk has about as many rows of the whole tree, from a small sample.
    fn size_chunks(&mut self) -> Result<()> {
        for root in 0..self.tables.len() {
            if self.tables[root].parent.is_some() || self.tables[root].chunk > 0 {
                continue;
            }
            let sample = self.estimate(root)?;
            let per_root: f64 = sample.iter().map(|(_, rows)| rows).sum();
            self.tables[root].chunk = ((CHUNK_ROWS / per_root.max(1.0)) as u64).clamp(1, 32_768);
        }
        Ok(())
    }

    /// The mean rows of each table of a tree for one root row, from up to 200 rows.
    pub fn estimate(&self, root: usize) -> Result<Vec<(usize, f64)>> {
        let sample: Vec<u64> = (0..self.tables[root].rows.min(200)).collect();
        let mut chunk = super::Chunk::new(self, root, &sample);
        let tree: Vec<usize> = (0..self.tables.len()).filter(|table| self.root_of(*table) == root).collect();
        tree.into_iter().map(|table| Ok((table, chunk.rows(table)? as f64 / sample.len().max(1) as f64))).collect()
    }
}
