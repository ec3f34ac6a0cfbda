//! The sources of a table's rows.

use arrow_schema::DataType;

use super::{Compiler, Target};
use crate::error::{Error, Result, did_you_mean};
use crate::generator::domain::Domain;
use crate::plan::deal::{Shape, Spread};
use crate::plan::{Base, Column, Facts, Hand, Input, Op, Source};
use crate::profile::{self, Expr, Value};
use crate::sql;
use crate::sql::types;

/// How many rows may be under a parent: an ordinal keeps 24 bits in paths.
const COUNT: Domain = Domain::number("count", 0.0, 16_777_216.0);

impl Compiler<'_> {
    /// Compiles the source of a table's rows, once.
    pub(super) fn compile_rows(&mut self, table: usize) -> Result<()> {
        if self.tables[table].source.is_some() {
            return Ok(());
        }
        let (decl, path) = (self.tables[table].decl, format!("tables.{}", self.tables[table].name));
        let source = match self.tables[table].parent {
            None => Source::Root,
            Some(parent) => self.child_source(parent, table, decl, &path).map_err(|error| error.within(&path))?,
        };
        self.tables[table].source = Some(source);
        Ok(())
    }

    fn child_source(&mut self, parent: usize, child: usize, decl: &profile::Table, path: &str) -> Result<Source> {
        let name = self.tables[child].name;
        if decl.rows.is_some() {
            let owners = self.dense_rows(parent).ok_or_else(|| {
                Error::profile(format!("{path}.rows"), format!("`{}` has no fixed row count", self.tables[parent].name))
                    .hint(
                        "a child table sized in total needs a root table, or another one sized in total, as its parent",
                    )
            })?;
            let spread = decl.spread.clone().unwrap_or_default();
            let key = self.key(child, "#spread");
            let at = format!("{path}.spread");
            let shape = self.shape(child, [&spread.skew, &spread.skew_within, &spread.jitter], &at)?;
            let slots = self.tables[child].rows;
            if owners == 0 && slots > 0 {
                return Err(Error::profile(at, format!("{slots} rows have no row to belong to")));
            }
            return Ok(Source::Dense(Spread::new(slots, owners, shape, key)));
        }
        if let Some(lifecycle) = &decl.lifecycle {
            let hidden = self.reserve(parent, &format!("#walk {name}"))?;
            let walk = self.walk(parent, child, lifecycle, path)?;
            let made = self.column_of(parent, "#walk", Op::Row, Vec::new());
            self.finish_column(parent, hidden, made);
            return Ok(Source::Walk(walk));
        }
        if decl.each.is_some() || decl.group.is_some() {
            let hidden = self.reserve(parent, &format!("#facts {name}"))?;
            let source = match (&decl.each, &decl.group) {
                (Some(hands), _) => Source::Each(self.all_facts(parent, child, &hands.0, path)?),
                (None, Some(hands)) => Source::Group(self.all_facts(parent, child, &hands.0, path)?),
                (None, None) => return Err(Error::internal("facts without a hand")),
            };
            let made = self.column_of(parent, "#facts", Op::Row, Vec::new());
            self.finish_column(parent, hidden, made);
            return Ok(source);
        }
        if !decl.row.is_empty() {
            return Ok(Source::List(self.list(parent, child, decl, path)?));
        }
        let count = decl.count.as_ref().ok_or_else(|| Error::internal("a child table without a count"))?;
        Ok(Source::Count(self.counted(parent, child, count, path)?))
    }

    /// Compiles the count of a child table's rows: a column of the parent, null where the table's `when` is not true.
    pub(super) fn counted(&mut self, parent: usize, child: usize, count: &Value, path: &str) -> Result<usize> {
        let (name, decl) = (self.tables[child].name, self.tables[child].decl);
        if let Value::Expr(text) = count
            && text.0.parse().is_ok_and(|count: f64| count.fract() != 0.0)
        {
            return Err(Error::profile(format!("{path}.count"), format!("{} rows are not a whole number", text.0))
                .hint("a mean is `count.poisson.mean`"));
        }
        let hidden = self.reserve(parent, &format!("#count {name}"))?;
        let source = self.valued(
            parent,
            &format!("#count {name}#"),
            count,
            &format!("{path}.count"),
            &DataType::Int64,
            decl.when.as_ref(),
        )?;
        let (ty, nullable) = self.type_of(parent, source);
        let mut inputs = vec![Input { steps: Vec::new(), column: source }];
        let when = decl
            .when
            .as_ref()
            .map(|when| self.condition(parent, &when.0, &mut inputs))
            .transpose()
            .map_err(|error| error.within(&format!("{path}.when")))?;
        let expr = sql::Expr::input(0, ty, nullable);
        let written = match count {
            Value::Expr(expr) => expr.0.clone(),
            Value::Gen(call) => format!("{} = {{ … }}", call.name),
        };
        let guard = self.guard(parent, COUNT, &written, (0, &inputs), &format!("{path}.count"))?;
        let guards = guard.into_iter().collect();
        let made = Column { when, guards, nullable: true, ..self.column_of(parent, "#count", Op::Expr(expr), inputs) };
        self.finish_column(parent, hidden, made);
        Ok(hidden)
    }

    /// The fixed number of rows of a root table or of a child table sized in total; `None` for other tables.
    pub(super) fn dense_rows(&self, table: usize) -> Option<u64> {
        let Some(parent) = self.tables[table].parent else { return Some(self.tables[table].rows) };
        self.tables[table].decl.rows?;
        self.dense_rows(parent).map(|_| self.tables[table].rows)
    }

    /// Compiles the constants of a spread or deal: skew, the size of its groups, and jitter.
    pub(super) fn shape(
        &mut self,
        table: usize,
        [skew, within, jitter]: [&Option<Expr>; 3],
        path: &str,
    ) -> Result<Shape> {
        let skew = self.constant(table, skew.as_ref(), 0.0, 0.0..=10.0, &format!("{path}.skew"))?;
        let within =
            self.constant(table, within.as_ref(), f64::MAX, 1.0..=1e12, &format!("{path}.skew_within"))? as u64;
        let jitter = self.constant(table, jitter.as_ref(), 0.5, 0.0..=1.0, &format!("{path}.jitter"))?;
        Ok(Shape { skew, within, jitter })
    }

    /// Compiles the sources of an `each` or `group` table; the order or group keys of several tables have one type.
    fn all_facts(&mut self, owner: usize, table: usize, hands: &[String], path: &str) -> Result<Vec<Facts>> {
        let all = hands.iter().map(|hand| self.facts(owner, table, hand, path)).collect::<Result<Vec<_>>>()?;
        let types =
            all.iter().zip(hands).filter_map(|(facts, hand)| Some((self.type_of(facts.hand.table, facts.by?).0, hand)));
        let types: Vec<_> = types.collect();
        for pair in types.windows(2) {
            let ((one, first), (other, second)) = (&pair[0], &pair[1]);
            if types::logical(one) != types::logical(other) {
                let (one, other) = (types::name(one), types::name(other));
                let key = if self.tables[table].decl.each.is_some() { "order" } else { "by" };
                let message = format!("type mismatch: this is {one} in `{first}`, {other} in `{second}`");
                return Err(Error::profile(format!("{path}.{key}"), message));
            }
        }
        Ok(all)
    }

    /// Compiles one of the sources of an `each` or `group` table.
    fn facts(&mut self, owner: usize, table: usize, hand: &str, path: &str) -> Result<Facts> {
        let decl = self.tables[table].decl;
        let key = if decl.each.is_some() { "each" } else { "group" };
        let found = self.hand_named(owner, table, hand, &format!("{path}.{key}"))?;
        self.compile_hand(found)?;
        let filter = match &decl.r#where {
            Some(filter) => {
                let mut inputs = Vec::new();
                self.with_alias(hand, |c| c.condition(found.table, &filter.0, &mut inputs))
                    .map_err(|error| error.within(&format!("{path}.where")))?;
                inputs.first().map(|input| input.column)
            }
            None => None,
        };
        let (key, by) = if decl.each.is_some() { ("order", &decl.order) } else { ("by", &decl.by) };
        let by = by
            .as_ref()
            .map(|by| self.with_alias(hand, |c| c.argument(found.table, &by.0)))
            .transpose()
            .map_err(|error| error.within(&format!("{path}.{key}")))?;
        Ok(Facts { hand: found, filter, by })
    }

    /// Finds the hand of an owner by its name, for a table that is made of it.
    pub(super) fn hand_named(&self, owner: usize, table: usize, hand: &str, path: &str) -> Result<Hand> {
        let hands = self.hands(owner);
        let mut known = hands.iter().filter(|(name, _)| name == hand);
        let (Some((_, found)), None) = (known.next(), known.next()) else {
            let message = format!("`{hand}` does not name one child table or hand of `{}`", self.tables[owner].name);
            return Err(Error::profile(path, message)
                .maybe_hint(did_you_mean(hand, hands.iter().map(|(name, _)| name.as_str()))));
        };
        if found.table == table {
            return Err(Error::profile(path, "a table cannot be made of its own rows"));
        }
        Ok(*found)
    }

    /// Lists the hands of a table by name: its child tables, the tables dealt to it, and what its rows group; after them the
    /// tables further below, where no nearer one has the name.
    pub(super) fn hands(&self, table: usize) -> Vec<(String, Hand)> {
        let name = |table: usize| self.tables[table].name.to_owned();
        let mut hands: Vec<_> =
            self.children(table).into_iter().map(|child| (name(child), Hand::from(Base::Children(child)))).collect();
        for (facts, building) in self.tables.iter().enumerate() {
            for (reference, decl) in building.decl.refs.values().enumerate() {
                if let Some(deal) =
                    decl.deal.as_ref().filter(|_| decl.table.as_deref() == Some(self.tables[table].name))
                {
                    let hand = deal.hand.clone().unwrap_or_else(|| name(facts));
                    hands.push((hand, Base::Dealt(facts, reference).into()));
                }
            }
        }
        if let (Some(names), Some(owner)) = (&self.tables[table].decl.group, self.tables[table].parent) {
            let above = self.hands(owner);
            for (part, name) in names.0.iter().enumerate() {
                let hand = above.iter().find(|(known, _)| known == name);
                hands.extend(hand.map(|(name, hand)| (name.clone(), Base::Grouped(hand.table, part).into())));
            }
        }
        let mut at = 0;
        while let Some((_, Hand { base, table })) = hands.get(at).cloned() {
            for child in self.children(table) {
                if !hands.iter().any(|(known, hand)| hand.table == child || *known == self.tables[child].name) {
                    hands.push((name(child), Hand { base, table: child }));
                }
            }
            at += 1;
        }
        hands
    }

    /// Compiles the sources and references that a hand needs.
    pub(super) fn compile_hand(&mut self, hand: Hand) -> Result<()> {
        match hand.base {
            Base::Children(child) => self.compile_rows(child)?,
            Base::Dealt(facts, reference) => {
                self.compile_rows(facts)?;
                self.reference(facts, reference)?;
            }
            Base::Grouped(..) => {}
        }
        let mut below = hand.table;
        while below != hand.base.table() {
            self.compile_rows(below)?;
            below = self.tables[below].parent.ok_or_else(|| Error::internal("a hand of another tree"))?;
        }
        Ok(())
    }

    /// Finds the row behind the rows of an `each` table; `None` if `head` does not name it.
    pub(super) fn fact(&mut self, table: usize, head: &str) -> Result<Option<Target>> {
        let (Some(names), Some(owner)) = (&self.tables[table].decl.each, self.tables[table].parent) else {
            return Ok(None);
        };
        let hands = self.hands(owner);
        let behind = |name: &String| hands.iter().find(|(known, _)| known == name).map(|(_, hand)| hand.table);
        let named = names.0.iter().position(|name| name == head);
        let part = named.or_else(|| {
            names.0.iter().position(|name| behind(name).is_some_and(|fact| self.tables[fact].name == head))
        });
        let fact = part.and_then(|part| Some((part, behind(&names.0[part])?)));
        if fact.is_some() {
            self.compile_rows(table)?;
        }
        Ok(fact.map(|(part, fact)| Target::Fact(part, fact, names.0.len() > 1)))
    }

    /// Compiles while expressions may use the name of a hand for its rows.
    pub(super) fn with_alias<T>(&mut self, hand: &str, compile: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let outer = self.alias.replace(hand.to_owned());
        let made = compile(self);
        self.alias = outer;
        made
    }
}
