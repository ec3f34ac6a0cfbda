//! Lifecycles: the weights, waiting times and limits of a walk.

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_schema::DataType;

use super::{Compiler, State};
use crate::error::{Error, Result, did_you_mean};
use crate::generator::lifecycle::Walker;
use crate::plan::{Op, Walk, WalkColumn};
use crate::profile::{self, Expr, Value, Wait};
use crate::rng::Weighted;
use crate::sql::types;

impl Compiler<'_> {
    pub(super) fn walk(&mut self, parent: usize, child: usize, decl: &profile::Lifecycle, path: &str) -> Result<Walk> {
        let states: Vec<String> = decl.states.keys().cloned().collect();
        let find = |state: &str, at: String| {
            decl.states.get_index_of(state).ok_or_else(|| {
                Error::profile(at, format!("unknown state `{state}`"))
                    .maybe_hint(did_you_mean(state, decl.states.keys().map(String::as_str)))
            })
        };
        let name = self.tables[child].name;
        let start = find(&decl.start, format!("{path}.lifecycle.start"))?;
        let (mut next, mut weights, mut waits) = (Vec::new(), Vec::new(), Vec::new());
        for (state, what) in &decl.states {
            let mut follows = Vec::new();
            for (target, weight) in &what.next {
                let at = format!("{path}.lifecycle.states.{state}.next.{target}");
                let target_index = find(target, at.clone())?;
                let value = Value::Expr(weight.clone());
                let column = self.valued(
                    parent,
                    &format!("#walk {name}.{state}.{target}"),
                    &value,
                    &at,
                    &DataType::Float64,
                    None,
                )?;
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
                    Some((micros, self.valued(child, &format!("#wait {state}"), value, &at, &DataType::Float64, None)?))
                }
            });
        }
        let instant = types::timestamp();
        let at = self.valued(
            parent,
            &format!("#walk {name} at"),
            &Value::Expr(decl.at.clone()),
            &format!("{path}.lifecycle.at"),
            &instant,
            None,
        )?;
        let until = decl.until.clone().unwrap_or_else(|| Expr("as_of + INTERVAL '1' DAY".to_owned()));
        let until = self.valued(
            parent,
            &format!("#walk {name} until"),
            &Value::Expr(until),
            &format!("{path}.lifecycle.until"),
            &instant,
            None,
        )?;
        let mut inputs = Vec::new();
        let when = match &self.tables[child].decl.when {
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
    pub(super) fn constant_weights(&self, table: usize, columns: &[usize], path: &str) -> Result<()> {
        let constant = |column: &usize| match self.tables[table].columns.get_index(*column) {
            Some((_, State::Done(column))) => match &column.op {
                Op::Expr(expr) => {
                    expr.constant().and_then(|array| array.as_primitive_opt::<Float64Type>().map(|a| a.value(0)))
                }
                _ => None,
            },
            _ => None,
        };
        let Some(weights) = columns.iter().map(constant).collect::<Option<Vec<f64>>>() else { return Ok(()) };
        if !weights.is_empty() && Weighted::new(&weights).is_none() {
            return Err(Error::profile(path, "weights must be finite, not negative, and not all 0"));
        }
        Ok(())
    }

    /// A column of a lifecycle's walk, in the child table.
    pub(super) fn walk_column(&mut self, table: usize, which: WalkColumn) -> Result<usize> {
        self.compile_rows(table)?;
        let (name, ty) = match which {
            WalkColumn::State => ("#state", types::dictionary()),
            WalkColumn::At => ("#at", types::timestamp()),
            WalkColumn::From => ("#from", types::dictionary()),
        };
        self.made(table, name, Op::Walk(which), ty, which == WalkColumn::From)
    }
}
