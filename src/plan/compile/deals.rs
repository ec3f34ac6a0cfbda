//! Deals of rows to owners, within strata where both tables have them.

use std::ops::Range;

use indexmap::IndexMap;

use super::{Compiler, State};
use crate::error::{Error, Result};
use crate::plan::deal::{Deal, Spread};
use crate::plan::{Input, Op, Source, Step};
use crate::profile::{self, Expr};
use crate::sql;

/// Values, each with the range of rows that have it.
type Strata = Vec<(String, Range<u64>)>;

impl Compiler<'_> {
    /// Compiles the deal of one table's rows to the rows of another.
    pub(super) fn dealt(
        &mut self,
        facts: usize,
        owners: usize,
        decl: &profile::Deal,
        matches: &IndexMap<String, Expr>,
        key: u64,
        path: &str,
    ) -> Result<Deal> {
        let unknown = |table: &str| {
            Error::profile(path, format!("`{table}` has no fixed row count"))
                .hint("a deal needs a root table, or a child table sized in total with `rows`, on both sides")
        };
        let slots = self.dense_rows(facts).ok_or_else(|| unknown(self.tables[facts].name))?;
        let hands = self.dense_rows(owners).ok_or_else(|| unknown(self.tables[owners].name))?;
        self.compile_rows(owners)?;
        let shape = self.shape(facts, [&decl.skew, &decl.skew_within, &decl.jitter], &format!("{path}.deal"))?;
        if hands == 0 && slots > 0 {
            return Err(Error::profile(path, format!("`{}` has no rows to deal to", self.tables[owners].name)));
        }
        if matches.is_empty() {
            return Ok(Deal::new(&[(0..slots, 0..hands)], shape, key));
        }
        let (Some((column, equals)), 1) = (matches.first(), matches.len()) else {
            return Err(Error::profile(format!("{path}.match"), "a deal matches one column")
                .hint("make the strata of a combination: weights = { \"CA/HMO\" = 3, … }"));
        };
        let path = format!("{path}.match.{column}");
        let needs = |what: &str| {
            Error::profile(&path, format!("`{what}` does not come from `gen.strata`"))
                .hint("dealing matches columns whose value is arithmetic in the row number")
        };
        let owned = self.column_named(owners, column).map_err(|error| error.within(&path))?;
        let theirs = self.strata(owners, owned).ok_or_else(|| needs(column))?;
        let ours = self.strata_of(facts, &equals.0)?.ok_or_else(|| needs(&equals.0))?;
        let mut pairs = Vec::new();
        for (value, facts) in ours {
            let owners = theirs.iter().find(|(known, _)| *known == value).map(|(_, rows)| rows.clone());
            match owners.filter(|owners| !owners.is_empty()) {
                Some(owners) => pairs.push((facts, owners)),
                None if facts.is_empty() => {}
                None => {
                    return Err(Error::profile(path, format!("no row of the other table has `{column}` = `{value}`")));
                }
            }
        }
        Ok(Deal::new(&pairs, shape, key))
    }

    /// The strata of a column; `None` unless its generator makes them.
    fn strata(&self, table: usize, column: usize) -> Option<Strata> {
        match self.tables[table].columns.get_index(column)?.1 {
            State::Done(column) => match &column.op {
                Op::Generator(generator) => generator.strata().map(<[_]>::to_vec),
                _ => None,
            },
            _ => None,
        }
    }

    /// The strata of an expression, as ranges of the table's rows; `None` unless it is a column of the table or of an ancestor
    /// that has strata.
    fn strata_of(&mut self, table: usize, text: &str) -> Result<Option<Strata>> {
        let (expr, inputs) = self.expression(table, text)?;
        let (sql::Node::Input(0), [Input { steps, column }]) = (&expr.node, inputs.as_slice()) else { return Ok(None) };
        if steps.iter().any(|step| *step != Step::Parent) {
            return Ok(None);
        }
        let mut lineage = vec![table];
        for _ in steps {
            let above = lineage.last().and_then(|table| self.tables[*table].parent);
            lineage.push(above.ok_or_else(|| Error::internal("a step above a root table"))?);
        }
        let top = lineage[lineage.len() - 1];
        let Some(mut strata) = self.strata(top, *column) else { return Ok(None) };
        for table in lineage.iter().rev().skip(1) {
            self.compile_rows(*table)?;
            let Some(Source::Dense(spread)) = &self.tables[*table].source else { return Ok(None) };
            strata.iter_mut().for_each(|(_, rows)| *rows = below(spread, rows));
        }
        Ok(Some(strata))
    }
}

/// The range of rows that a spread gives to a range of owners.
fn below(spread: &Spread, owners: &Range<u64>) -> Range<u64> {
    spread.start(owners.start)..spread.start(owners.end)
}
