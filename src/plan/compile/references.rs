//! References: rows of other tables and of the same one.

use indexmap::IndexMap;

use super::{CallScope, Compiler, NameResolver, unknown_table};
use crate::error::{Error, Result, did_you_mean};
use crate::generator::domain::{Domain, Given, Guard};
use crate::generator::{Operand, Slot};
use crate::plan::references::{Among, Choose, Match, Pick, uncertain};
use crate::plan::{Column, Input, Op, Place, Reference, Step};
use crate::profile::{self, Expr};
use crate::sql::{self, types};

use super::columns::RATE;

/// What Zipf's exponent may be.
const SKEW: Domain = Domain::number("skew", 0.0, 100.0);

impl Compiler<'_> {
    /// Compiles a reference; gives the table that it leads to, and whether there may be no row.
    pub(super) fn reference(&mut self, table: usize, reference: usize) -> Result<(usize, bool)> {
        let decl = self.tables[table].decl;
        let (name, to) =
            decl.refs.get_index(reference).ok_or_else(|| Error::internal("a reference without a declaration"))?;
        let path = format!("tables.{}.refs.{name}", self.tables[table].name);
        if to.file.is_some() {
            return self
                .picked_record(table, name, to, &path)
                .map(|pick| (table, self.type_of(table, pick).1))
                .map_err(|error| error.within(&path));
        }
        if let Some(known) = &self.tables[table].refs[reference] {
            return Ok((known.table, self.type_of(table, known.pick).1));
        }
        let alias = self.alias.take();
        let made = self.picked_row(table, reference, name, to, &path).map_err(|error| error.within(&path));
        self.alias = alias;
        made
    }

    fn picked_row(
        &mut self,
        table: usize,
        reference: usize,
        name: &str,
        to: &profile::Ref,
        path: &str,
    ) -> Result<(usize, bool)> {
        let hidden = format!("#ref {name}");
        let column = self.reserve(table, &hidden)?;
        let picks = to.pick.unwrap_or(if to.at.is_some() { profile::Pick::Row } else { profile::Pick::Random });
        let own = to.table.is_none() && to.within.is_none();
        let target = match &to.table {
            Some(target) => self
                .tables
                .iter()
                .position(|t| t.name == target)
                .ok_or_else(|| unknown_table(&format!("{path}.table"), target, &self.loaded.profile))?,
            None if own && (among_siblings(picks) || picks == profile::Pick::Earlier) => table,
            None => return Err(Error::profile("", "a reference needs `table` or `file`")),
        };
        fits(to, picks, self.tables[table].parent.is_none(), target == table)?;
        let mut made =
            Made { inputs: Vec::new(), deal: None, place: Place::Number, nullable: false, guards: Vec::new() };
        let op = if let Some(deal) = &to.deal {
            let key = self.key(table, &format!("#deal {name}"));
            made.deal = Some(self.dealt(table, target, deal, &to.r#match, key, path)?);
            Op::Pick(Pick::Dealt(reference))
        } else if let Some(within) = &to.within {
            let steps = self.steps_to(table, target, within, path)?;
            made.place = Place::Within(steps.clone());
            made.nullable = true;
            let mut among = self.among(table, target, Some(steps), to, picks, path)?;
            if let Some(at) = &to.at {
                among.at = Some(self.operand(table, &hidden, "at", at, path, &mut made.inputs)?);
            }
            Op::Among(among)
        } else if to.r#where.is_some() || matches!(picks, profile::Pick::First | profile::Pick::Last) {
            made.place = Place::Sibling;
            made.nullable = true;
            Op::Among(self.among(table, target, None, to, picks, path)?)
        } else {
            self.numbered(table, target, &hidden, to, picks, path, &mut made)?
        };
        let mut nullable = made.nullable;
        let when = to.when.as_ref().map(|when| self.condition(table, &when.0, &mut made.inputs)).transpose()?;
        let null = to.null.as_ref().map(|null| self.rate(table, &null.0, &mut made.inputs)).transpose()?;
        if let Some((rate, null)) = null.zip(to.null.as_ref()) {
            made.guards.extend(self.guard(table, RATE, &null.0, (rate, &made.inputs), &format!("{path}.null"))?);
        }
        nullable |= when.is_some() || null.is_some();
        let done =
            Column { when, null, nullable, guards: made.guards, ..self.column_of(table, &hidden, op, made.inputs) };
        self.finish_column(table, column, done);
        self.tables[table].refs[reference] =
            Some(Reference { name: name.to_owned(), table: target, pick: column, place: made.place, deal: made.deal });
        Ok((target, nullable))
    }

    /// Compiles a pick of a row by its number in the whole table, or of a sibling by its ordinal.
    #[expect(clippy::too_many_arguments, reason = "the declaration of one reference, and its place")]
    fn numbered(
        &mut self,
        table: usize,
        target: usize,
        hidden: &str,
        to: &profile::Ref,
        picks: profile::Pick,
        path: &str,
        made: &mut Made,
    ) -> Result<Op> {
        let sibling = among_siblings(picks);
        let rows = match self.dense_rows(target) {
            Some(rows) => rows,
            None if sibling => 0,
            None => {
                let name = self.tables[target].name;
                return Err(Error::profile(
                    "",
                    format!("`{name}` is a child table: a reference leads to a root table or one sized in total"),
                )
                .hint(format!(
                    "or to a child of a row that this one sees: within = \"{}\"",
                    self.parent_name(target)
                )));
            }
        };
        if rows == 0 && !sibling && picks != profile::Pick::SameRow {
            self.may_refer_to_nothing(table, target, to)?;
            made.nullable = true;
            return Ok(Op::Pick(Pick::Nothing));
        }
        let differs = self.differing(table, target, to, path, &mut made.inputs)?;
        if rows <= differs.len() as u64 && !differs.is_empty() {
            let (name, least) = (self.tables[target].name, differs.len() + 1);
            let few = if rows == 1 { "one row".to_owned() } else { format!("{rows} rows") };
            let message = format!("`{name}` has {few}, too few to differ from {}", to.differs.join(" and "));
            let root = self.parent_name(target).is_empty();
            let hint = if root { format!("--rows {name}={least}, or more") } else { format!("{least} rows, or more") };
            return Err(Error::profile(format!("{path}.differs"), message).hint(hint));
        }
        if !to.r#match.is_empty() {
            let (columns, sources) = self.matched(table, target, &to.r#match, path, &mut made.inputs)?;
            let skew = self.skew(table, hidden, to, path, &mut made.inputs, &mut made.guards)?;
            made.nullable =
                to.fallback == Some(profile::Fallback::None) || !differs.is_empty() || uncertain(skew.as_ref());
            let fallback = to.fallback;
            return Ok(Op::Match(Match::new(target, columns, sources, skew, fallback, differs)));
        }
        let at = match (picks, &to.at) {
            (profile::Pick::Row | profile::Pick::Cycle | profile::Pick::Sibling, None) => {
                return Err(Error::profile(format!("{path}.at"), "this pick needs `at`, an expression"));
            }
            (_, Some(at)) => Some(self.operand(table, hidden, "at", at, path, &mut made.inputs)?),
            (_, None) => None,
        };
        let pick = match (picks, at) {
            (profile::Pick::SameRow, _) => Pick::SameRow,
            (profile::Pick::Row, Some(at)) => Pick::Row { at, rows },
            (profile::Pick::Cycle, Some(at)) => {
                let nullable = self.may_be_null(table, &at, &made.inputs);
                Pick::Cycle { at, rows, nullable }
            }
            (profile::Pick::Earlier, _) => Pick::Earlier,
            (profile::Pick::Previous, _) => Pick::Previous,
            (profile::Pick::EarlierSibling, _) => Pick::EarlierSibling,
            (profile::Pick::Sibling, Some(at)) => Pick::Sibling(at),
            _ => Pick::Random {
                rows,
                skew: self.skew(table, hidden, to, path, &mut made.inputs, &mut made.guards)?,
                differs,
            },
        };
        if sibling {
            made.place = Place::Sibling;
        }
        made.nullable = pick.nullable();
        Ok(Op::Pick(pick))
    }

    /// Refuses a reference to a table without rows, unless it may be left out, or there is no row that has it.
    fn may_refer_to_nothing(&self, table: usize, target: usize, to: &profile::Ref) -> Result<()> {
        let mut root = table;
        while let Some(parent) = self.tables[root].parent {
            root = parent;
        }
        // A row by its number is none where the number is too great.
        let by_number = to.pick == Some(profile::Pick::Row);
        let left_out =
            by_number || to.when.is_some() || to.null.is_some() || to.fallback == Some(profile::Fallback::None);
        if left_out || self.tables[root].rows == 0 || self.dense_rows(table) == Some(0) {
            return Ok(());
        }
        let (from, target, root) = (self.tables[table].name, self.tables[target].name, self.tables[root].name);
        let message = format!("`{target}` has no rows, and each row of `{from}` refers to one");
        Err(Error::profile("", message).hint(format!("--rows {target}=1, or --rows {root}=0 as well")))
    }

    fn operand<T: crate::generator::operand::Wanted>(
        &mut self,
        table: usize,
        hidden: &str,
        field: &str,
        decl: &Expr,
        path: &str,
        inputs: &mut Vec<Input>,
    ) -> Result<Operand<T>> {
        let given = std::mem::take(inputs);
        let mut scope = CallScope {
            compiler: self,
            table,
            column: hidden.to_owned(),
            path: path.to_owned(),
            inputs: given,
            when: None,
        };
        let operand = Operand::plan(&mut scope, field, decl);
        *inputs = scope.inputs;
        operand
    }

    /// Tells whether an operand can be null in some row.
    fn may_be_null<T: crate::generator::operand::Wanted>(
        &self,
        table: usize,
        operand: &Operand<T>,
        inputs: &[Input],
    ) -> bool {
        match operand.slot() {
            Slot::Const(_) => operand.constant().is_none(),
            Slot::Input(index) => match inputs.get(*index) {
                Some(input) if input.steps.is_empty() => self.type_of(table, input.column).1,
                _ => true,
            },
        }
    }

    fn skew(
        &mut self,
        table: usize,
        hidden: &str,
        to: &profile::Ref,
        path: &str,
        inputs: &mut Vec<Input>,
        guards: &mut Vec<Guard>,
    ) -> Result<Option<Operand<arrow_array::types::Float64Type>>> {
        let Some(decl) = &to.skew else { return Ok(None) };
        let skew: Operand<arrow_array::types::Float64Type> = self.operand(table, hidden, "skew", decl, path, inputs)?;
        let given = Given { field: "skew".to_owned(), slot: skew.slot().clone(), written: decl.0.clone() };
        let hint = "Zipf's exponent: 0 is even, 1 gives the first row ten times as many as the tenth";
        let guard = Guard::plan(SKEW, given, None, format!("{path}.skew"), 0).map_err(|error| error.hint(hint))?;
        guards.extend(guard);
        Ok(Some(skew))
    }

    /// Compiles `differs`: the inputs that hold the rows to avoid.
    fn differing(
        &mut self,
        table: usize,
        target: usize,
        to: &profile::Ref,
        path: &str,
        inputs: &mut Vec<Input>,
    ) -> Result<Vec<usize>> {
        let decl = &self.tables[table].decl.refs;
        let mut places = Vec::new();
        for other in &to.differs {
            let wrong = |message: String| Error::profile(format!("{path}.differs"), message);
            let index = decl.get_index_of(other).filter(|index| decl[*index].file.is_none()).ok_or_else(|| {
                wrong(format!("`{other}` is not a reference to a table"))
                    .maybe_hint(did_you_mean(other, decl.keys().map(String::as_str)))
            })?;
            let (leads, _) = self.reference(table, index)?;
            let known = self.tables[table].refs[index].as_ref().filter(|r| leads == target && r.place == Place::Number);
            let column = known.ok_or_else(|| wrong(format!("`{other}` leads to rows of another kind")))?.pick;
            inputs.push(Input { steps: Vec::new(), column });
            places.push(inputs.len() - 1);
        }
        Ok(places)
    }

    /// Compiles `match`: the columns to match, and the inputs that they must equal.
    fn matched(
        &mut self,
        table: usize,
        target: usize,
        decl: &IndexMap<String, Expr>,
        path: &str,
        inputs: &mut Vec<Input>,
    ) -> Result<(Vec<usize>, Vec<usize>)> {
        let (mut columns, mut sources) = (Vec::new(), Vec::new());
        for (name, equals) in decl {
            let path = format!("{path}.match.{name}");
            let column = self.column_named(target, name).map_err(|error| error.within(&path))?;
            let want = types::logical(&self.type_of(target, column).0).clone();
            let (expr, used) = self.expression(table, &equals.0).map_err(|error| error.within(&path))?;
            if !types::widens(types::logical(&expr.ty), &want) {
                return Err(Error::profile(
                    path,
                    format!(
                        "type mismatch: `{name}` is {}, `{}` is {}",
                        types::name(&want),
                        equals.0,
                        types::name(&expr.ty)
                    ),
                ));
            }
            let input = match (&expr.node, types::logical(&expr.ty) == &want) {
                (sql::Node::Input(index), true) => used[*index].clone(),
                _ => {
                    let expr = if types::logical(&expr.ty) == &want { expr } else { expr.cast_to(&want) };
                    let column = self.computed(table, &format!("#{} as {want}", equals.0), Op::Expr(expr), used)?;
                    Input { steps: Vec::new(), column }
                }
            };
            inputs.push(input);
            columns.push(column);
            sources.push(inputs.len() - 1);
        }
        Ok((columns, sources))
    }

    /// Compiles `within`: the steps from a row to the parent of the rows to pick from.
    fn steps_to(&mut self, table: usize, target: usize, within: &str, path: &str) -> Result<Vec<Step>> {
        let path = format!("{path}.within");
        let mut names = NameResolver { compiler: self, table, inputs: Vec::new() };
        let (steps, at) = names.steps(&[within]).map_err(|error| error.within(&path))?;
        if self.tables[target].parent == Some(at) {
            return Ok(steps);
        }
        let parent = self.parent_name(target);
        Err(Error::profile(
            path,
            format!("`{within}` is not a row of `{parent}`, the parent of `{}`", self.tables[target].name),
        ))
    }

    fn parent_name(&self, table: usize) -> &str {
        self.tables[table].parent.map_or("", |parent| self.tables[parent].name)
    }

    fn among(
        &mut self,
        table: usize,
        target: usize,
        within: Option<Vec<Step>>,
        to: &profile::Ref,
        picks: profile::Pick,
        path: &str,
    ) -> Result<Among> {
        self.compile_rows(target)?;
        let filter = match &to.r#where {
            Some(filter) => {
                let mut inputs = Vec::new();
                self.condition(target, &filter.0, &mut inputs).map_err(|e| e.within(&format!("{path}.where")))?;
                inputs.first().map(|input| input.column)
            }
            None => None,
        };
        let choose = match picks {
            profile::Pick::Sibling if within.is_some() && to.at.is_some() => Choose::Nth,
            profile::Pick::First => Choose::First,
            profile::Pick::Last => Choose::Last,
            profile::Pick::Random => Choose::Any,
            profile::Pick::EarlierSibling if within.is_none() => Choose::Earlier,
            profile::Pick::Previous if within.is_none() => Choose::LastEarlier,
            _ => {
                return Err(Error::profile(format!("{path}.pick"), "rows are picked here `random`, `first` or `last`")
                    .hint("among siblings also `previous` or `earlier_sibling`; among a row's children `sibling` with `at`"));
            }
        };
        let own = within.is_none() && target == table;
        if !own && within.is_none() {
            return Err(Error::profile("", "`where`, `first` and `last` need `within`, or no `table` for siblings"));
        }
        Ok(Among { within, table: target, filter, choose, at: None })
    }
}

struct Made {
    inputs: Vec<Input>,
    deal: Option<crate::plan::deal::Deal>,
    place: Place,
    nullable: bool,
    guards: Vec<Guard>,
}

fn among_siblings(picks: profile::Pick) -> bool {
    matches!(
        picks,
        profile::Pick::Previous
            | profile::Pick::EarlierSibling
            | profile::Pick::Sibling
            | profile::Pick::First
            | profile::Pick::Last
    )
}

/// Checks that the keys of a reference go together.
fn fits(to: &profile::Ref, picks: profile::Pick, rooted: bool, own: bool) -> Result<()> {
    let wrong = |message: &str| Err(Error::profile("", message));
    if matches!(picks, profile::Pick::InOrder | profile::Pick::Distinct) || to.weight.is_some() {
        return wrong("`in_order`, `distinct` and `weight` belong to references with `file`");
    }
    let plain = picks == profile::Pick::Random && to.at.is_none();
    if to.deal.is_some()
        && (!plain || to.skew.is_some() || to.within.is_some() || to.r#where.is_some() || !to.differs.is_empty())
    {
        return wrong("`deal` goes with `table`, `match`, `when` and `null` only")
            .map_err(|e: Error| e.hint("a skew stands within: deal.skew = 1.1"));
    }
    if !to.r#match.is_empty() && (!plain || to.within.is_some()) {
        return wrong("`match` goes with a random pick of a table's rows");
    }
    if to.fallback.is_some() && (to.r#match.is_empty() || to.deal.is_some()) {
        return wrong("`fallback` says what to do where `match` finds no row");
    }
    if !to.differs.is_empty() && (picks != profile::Pick::Random || to.within.is_some()) {
        return wrong("`differs` goes with a random pick of a table's rows");
    }
    if to.within.is_none() {
        if among_siblings(picks) && !own {
            return wrong("this pick stays within the table itself").map_err(|e: Error| e.hint("leave `table` out"));
        }
        if among_siblings(picks) && rooted {
            return wrong("a root table has no siblings");
        }
        if picks == profile::Pick::Earlier && !own {
            return wrong("this pick stays within the table itself").map_err(|e: Error| e.hint("leave `table` out"));
        }
    }
    if matches!(picks, profile::Pick::SameRow | profile::Pick::Earlier) && !rooted {
        return wrong("this pick is for root tables");
    }
    Ok(())
}
