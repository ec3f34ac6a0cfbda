//! Faults: their conditions and new values as columns of their table that are not written.

use arrow_schema::DataType;
use indexmap::IndexMap;

use super::{Compiler, State};
use crate::digest::sha256;
use crate::error::{Error, Result, did_you_mean};
use crate::outcomes::{self, Decision};
use crate::plan::fault::{Fault, NewValue, Operator};
use crate::plan::{Input, Op, Source};
use crate::profile::{self, AskedFault, SetTo};
use crate::sql::{self, types};

/// The rules that are not checks, in `breaks`.
pub(super) const RULES: [&str; 5] = ["key", "unique", "foreign key", "null", "type"];
/// The most copies of a row.
const COPIES: u32 = 100;

impl Compiler<'_> {
    /// Compiles the faults of the run.
    pub(super) fn faults(&mut self) -> Result<Vec<Fault>> {
        let asked: Vec<(String, AskedFault)> =
            self.loaded.faults.iter().map(|(name, asked)| (name.clone(), asked.clone())).collect();
        let compile = |(name, asked): (String, AskedFault)| {
            self.fault(&name, &asked).map_err(|error| at(error, &format!("faults.{name}")))
        };
        asked.into_iter().map(compile).collect()
    }

    fn fault(&mut self, name: &str, asked: &AskedFault) -> Result<Fault> {
        let decl = &asked.fault;
        let table = self.table_named(&decl.table).map_err(|error| at(error, "table"))?;
        let Some(class) = outcomes::class(&decl.class) else {
            let known = outcomes::classes().iter().map(|class| class.name.as_str());
            return Err(Error::profile("class", format!("there is no class of faults `{}`", decl.class))
                .hint("`placebo list outcomes` shows them")
                .maybe_hint(did_you_mean(&decl.class, known)));
        };
        let condition = match &decl.r#where {
            Some(condition) => Some(self.check(table, name, condition).map_err(|error| at(error, "where"))?),
            None => None,
        };
        let operator = self.operator(table, &decl.r#do).map_err(|error| at(error, "do"))?;
        for (key, rules) in [("breaks", &decl.breaks), ("may_break", &decl.may_break)] {
            rules.iter().try_for_each(|rule| self.rule(table, rule)).map_err(|error| at(error, key))?;
        }
        let decision = match &decl.expect.decision {
            Some(word) => Decision::named(word).ok_or_else(|| {
                let known = Decision::ALL.map(Decision::name);
                Error::profile("expect.decision", format!("`{word}` is not a decision"))
                    .hint(format!("one of {}", known.join(", ")))
                    .maybe_hint(did_you_mean(word, known))
            })?,
            None => class.decision,
        };
        let mut codes: IndexMap<String, Vec<String>> = class.codes.clone();
        for (dialect, own) in &decl.expect.codes {
            codes.insert(dialect.clone(), own.clone());
        }
        Ok(Fault {
            name: name.to_owned(),
            about: decl.about.clone(),
            digest: sha256(serde_json::json!(decl).to_string().as_bytes()),
            class: decl.class.clone(),
            table,
            amount: asked.amount,
            by_name: asked.by_name,
            operator,
            breaks: decl.breaks.clone(),
            may_break: decl.may_break.clone(),
            decision,
            codes,
            refuses_tree: decl.scope == profile::Scope::Tree,
            condition,
        })
    }

    fn operator(&mut self, table: usize, decl: &profile::Operator) -> Result<Operator> {
        Ok(match decl {
            profile::Operator::Set(set) => {
                if set.is_empty() {
                    return Err(Error::profile("set", "no column gets a value"));
                }
                Operator::Set(self.new_values(table, set).map_err(|error| at(error, "set"))?)
            }
            profile::Operator::Repeat(repeat) => {
                if !(1..=COPIES).contains(&repeat.times) {
                    let what = format!("{} copies: 1 to {COPIES} are allowed", repeat.times);
                    return Err(Error::profile("repeat.times", what));
                }
                let set = self.new_values(table, &repeat.set).map_err(|error| at(error, "repeat.set"))?;
                Operator::Repeat { times: repeat.times, set }
            }
            profile::Operator::Drop(drop) => Operator::Drop { tree: drop.tree },
            profile::Operator::Swap(swap) => {
                if self.tables[table].parent.is_none() {
                    let what =
                        format!("`{}` is a root table: its rows have no parent in common", self.tables[table].name);
                    return Err(Error::profile("swap", what));
                }
                if swap.columns.is_empty() {
                    return Err(Error::profile("swap.columns", "no column is exchanged"));
                }
                let place = |name: &String| self.written_place(table, name).map_err(|error| at(error, "swap.columns"));
                Operator::Swap(swap.columns.iter().map(place).collect::<Result<_>>()?)
            }
            profile::Operator::Damage(damage) => {
                let place = self.text_place(table, &damage.column).map_err(|error| at(error, "damage.column"))?;
                Operator::Damage(place, damage.how)
            }
            profile::Operator::Seal(seal) => {
                let place = self.written_place(table, &seal.column).map_err(|error| at(error, "seal.column"))?;
                Operator::Seal(place, seal.how)
            }
        })
    }

    fn new_values(&mut self, table: usize, set: &IndexMap<String, SetTo>) -> Result<Vec<(usize, NewValue)>> {
        let one = |(name, to): (&String, &SetTo)| {
            let value = self.new_value(table, name, to).map_err(|error| at(error, name))?;
            Ok((self.written_place(table, name)?, value))
        };
        set.iter().map(one).collect()
    }

    fn new_value(&mut self, table: usize, name: &str, to: &SetTo) -> Result<NewValue> {
        self.written_place(table, name)?;
        let column = self.column_named(table, name)?;
        let want = self.type_of(table, column).0;
        match to {
            SetTo::Expr(expr) => {
                let made = self.argument(table, &expr.0)?;
                let (own, nullable) = self.type_of(table, made);
                if own == want {
                    return Ok(NewValue::Column(made));
                }
                let logical = (types::logical(&own), types::logical(&want));
                let number = |ty: &DataType| types::is_number(ty) || matches!(ty, DataType::Null);
                let fits = logical.0 == logical.1
                    || *logical.0 == DataType::Null
                    || types::widens(&own, &want)
                    || (number(&own) && number(&want));
                if !fits {
                    let (own, want) = (types::name(&own), types::name(&want));
                    let what = format!("type mismatch: `{}` is {own}, `{name}` is {want}", expr.0);
                    return Err(Error::profile("", what).hint("CAST(… AS type) makes another type of it"));
                }
                let cast = sql::Expr::input(0, own, nullable).cast_to(&want);
                let inputs = vec![Input { steps: Vec::new(), column: made }];
                let column = self.computed(table, &format!("#{} as {want}", expr.0), Op::Expr(cast), inputs)?;
                Ok(NewValue::Column(column))
            }
            SetTo::Absent(path) => {
                let (to, key) = path.split_once('.').ok_or_else(|| {
                    Error::profile("absent", format!("`{path}` is not a column")).hint("such as `customer.customer_id`")
                })?;
                let to = self.table_named(to).map_err(|error| at(error, "absent"))?;
                self.written_place(to, key).map_err(|error| at(error, "absent"))?;
                if !matches!(self.tables[to].source, Some(Source::Root)) {
                    let what =
                        format!("`{}` is not a root table: it has no row behind the last one", self.tables[to].name);
                    return Err(Error::profile("absent", what).hint("an expression can make such a value"));
                }
                let column = self.column_named(to, key)?;
                let own = self.type_of(to, column).0;
                if types::logical(&own) != types::logical(&want) {
                    let (own, want) = (types::name(&own), types::name(&want));
                    return Err(Error::profile(
                        "absent",
                        format!("type mismatch: `{path}` is {own}, `{name}` is {want}"),
                    ));
                }
                Ok(NewValue::Absent { table: to, column })
            }
        }
    }

    fn table_named(&self, name: &str) -> Result<usize> {
        self.tables.iter().position(|table| table.name == name).ok_or_else(|| {
            let what = format!("the profile `{}` has no table `{name}`", self.loaded.profile.name);
            Error::profile("", what).maybe_hint(did_you_mean(name, self.tables.iter().map(|table| table.name)))
        })
    }

    /// The place of a column among those that are written.
    fn written_place(&self, table: usize, name: &str) -> Result<usize> {
        let visible = |state: &State| matches!(state, State::Done(column) if column.visible);
        let columns = self.tables[table].columns.iter();
        let written: Vec<&str> = columns.filter(|(_, state)| visible(state)).map(|(name, _)| name.as_str()).collect();
        written.iter().position(|known| *known == name).ok_or_else(|| {
            let what = format!("the table `{}` writes no column `{name}`", self.tables[table].name);
            Error::profile("", what).maybe_hint(did_you_mean(name, written))
        })
    }

    fn text_place(&mut self, table: usize, name: &str) -> Result<usize> {
        let place = self.written_place(table, name)?;
        let column = self.column_named(table, name)?;
        let ty = self.type_of(table, column).0;
        match types::logical(&ty) {
            DataType::Utf8 => Ok(place),
            _ => Err(Error::profile("", format!("`{name}` is {}, and only text can be damaged", types::name(&ty)))
                .hint("`do.set` gives a number or a date another value")),
        }
    }

    /// Looks whether there is a rule that a fault says it breaks.
    fn rule(&self, table: usize, rule: &str) -> Result<()> {
        let (id, table) = match rule.rsplit_once('@') {
            Some((id, name)) => (id, self.table_named(name)?),
            None => (rule, table),
        };
        let checks = &self.tables[table].decl.checks;
        if RULES.contains(&id) || checks.contains_key(id) {
            return Ok(());
        }
        let all: Vec<String> = self
            .tables
            .iter()
            .flat_map(|table| table.decl.checks.keys().map(move |id| format!("{id}@{}", table.name)))
            .collect();
        let known = checks.keys().map(String::as_str).chain(RULES).chain(all.iter().map(String::as_str));
        let what = format!("the table `{}` has no check `{id}`", self.tables[table].name);
        Err(Error::profile("", what)
            .hint(format!("a check of it, one of another table as ID@TABLE, or one of: {}", RULES.join(", ")))
            .maybe_hint(did_you_mean(rule, known)))
    }
}

/// An error below a key of the fault, unless the mistake is in a column that the fault uses.
fn at(error: Error, key: &str) -> Error {
    if error.path().starts_with("tables.") { error } else { error.below(key) }
}
