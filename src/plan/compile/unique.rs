//! Keys and unique columns, as far as a plan tells whether their values can differ.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

use super::{Compiler, State};
use crate::error::{Error, Result};
use crate::plan::{Column, Op, Source, Step};
use crate::profile;
use crate::sql;

/// Lists the columns that declare a foreign key.
pub(super) fn promised(decl: &profile::Table) -> Vec<String> {
    let written = decl.columns.iter().filter(|(_, column)| column.rest.references.is_some());
    written.map(|(name, _)| name.clone()).collect()
}

impl Compiler<'_> {
    /// Tells whether a column's generator gives no two rows of the table the same value.
    pub(super) fn never_repeats(&self, table: usize, column: &Column) -> bool {
        match &column.op {
            Op::Generator(generator) => generator.unique(),
            Op::Row => self.tables[table].parent.is_none(),
            Op::Expr(sql::Expr { node: sql::Node::Input(index), .. }) => {
                let input = &column.inputs[*index];
                match self.tables[table].columns.get_index(input.column) {
                    Some((_, State::Done(other))) if input.steps.is_empty() => self.never_repeats(table, other),
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// Checks that keys and unique columns can have as many values as there are rows.
    ///
    /// # Errors
    ///
    /// If a key may be null, if there are fewer values than rows, or if siblings have one key.
    pub(super) fn enough_values(&self, table: usize) -> Result<()> {
        let decl = self.tables[table].decl;
        let path = |name: &str| format!("tables.{}.columns.{name}", self.tables[table].name);
        let rows = self.dense_rows(table).unwrap_or(0);
        let few = |name: &str, values: u64| {
            Error::profile(path(name), format!("{rows} rows need {rows} different values, and there are {values}"))
                .hint("lower the number of rows, or allow repetition")
        };
        let mut key: Option<(&str, u64)> = None;
        for ((name, column), (_, state)) in decl.columns.iter().zip(&self.tables[table].columns) {
            let State::Done(made) = state else { continue };
            let values = self.values(table, made).unwrap_or(u64::MAX);
            // Rows without a value do not count.
            if column.rest.unique && made.when.is_none() && made.null.is_none() && values < rows {
                return Err(few(name, values));
            }
            if !column.rest.key {
                continue;
            }
            if column.rest.when.is_some() || column.rest.null.is_some() {
                return Err(Error::profile(path(name), "a column of the key has a value in every row")
                    .hint("leave out `when` and `null`, or `key`"));
            }
            key = Some((name, key.map_or(1, |(_, others)| others).saturating_mul(values)));
        }
        let Some((name, values)) = key else { return Ok(()) };
        if values < rows {
            return Err(few(name, values));
        }
        let siblings = self.siblings_at_least(table);
        if siblings > 1 && self.key_of_the_family(table) {
            let message = format!("each parent has {siblings} rows, and all of them have one key");
            return Err(Error::profile(path(name), message)
                .hint("add a column that tells siblings apart: number = { expr = \"ordinal\", key = true }"));
        }
        Ok(())
    }

    /// Counts the values that a column can have, where that is known.
    fn values(&self, table: usize, column: &Column) -> Option<u64> {
        match &column.op {
            Op::Generator(generator) => generator.values(),
            Op::Expr(expr) if expr.constant().is_some() => Some(1),
            Op::Expr(sql::Expr { node: sql::Node::Input(index), .. }) => {
                let input = &column.inputs[*index];
                match self.tables[table].columns.get_index(input.column) {
                    Some((_, State::Done(other))) if input.steps.is_empty() => self.values(table, other),
                    _ => None,
                }
            }
            Op::Project(values) => Some(values.len() as u64),
            _ if column.ty == DataType::Boolean => Some(2),
            _ => None,
        }
    }

    /// The number of rows that each parent row has, where it is constant; 1 where it is not known.
    fn siblings_at_least(&self, table: usize) -> i64 {
        let (Some(parent), Some(Source::Count(count))) = (self.tables[table].parent, &self.tables[table].source) else {
            return 1;
        };
        let constant = self.constant_of(parent, *count);
        constant.and_then(|array| array.as_primitive_opt::<Int64Type>().map(|array| array.value(0))).unwrap_or(1)
    }

    /// The value of a column that is constant, or a copy of such a one in the same row.
    fn constant_of(&self, table: usize, column: usize) -> Option<&ArrayRef> {
        let Some((_, State::Done(made))) = self.tables[table].columns.get_index(column) else { return None };
        match &made.op {
            Op::Expr(sql::Expr { node: sql::Node::Input(index), .. }) => {
                let input = made.inputs.get(*index).filter(|input| input.steps.is_empty())?;
                self.constant_of(table, input.column)
            }
            Op::Expr(expr) => expr.constant().filter(|array| !array.is_null(0)),
            _ => None,
        }
    }

    /// Tells whether all columns of a key are read from the parent, or constant: siblings have one key then.
    fn key_of_the_family(&self, table: usize) -> bool {
        let decl = self.tables[table].decl;
        let mut keys = decl.columns.iter().zip(&self.tables[table].columns).filter(|((_, column), _)| column.rest.key);
        keys.all(|(_, (_, state))| match state {
            State::Done(made) => match &made.op {
                Op::Expr(expr) => {
                    let steps = made.inputs.iter().map(|input| input.steps.first());
                    expr.constant().is_some() || steps.into_iter().all(|step| step == Some(&Step::Parent))
                }
                _ => false,
            },
            _ => false,
        })
    }
}
