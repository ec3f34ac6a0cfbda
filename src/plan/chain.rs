//! Chains of hashes: the columns that they run over, and those that follow from them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Input, Op, Plan};
use crate::sql::{Expr, Node};

/// A chain of hashes along the siblings of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The column that has the hashes.
    pub column: usize,
    /// What is hashed, in order, without constants.
    pub over: Vec<Over>,
}

/// A text that a chain hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// The input of the chain's column.
    pub input: usize,
    /// The written column of the table whose text it is; `None` for any other expression.
    pub column: Option<usize>,
}

impl Plan {
    /// The chains of hashes of a table.
    #[must_use]
    pub fn chains(&self, table: usize) -> Vec<Chain> {
        let chain = |(column, known): (usize, &super::Column)| {
            let Op::Generator(generator) = &known.op else { return None };
            let over = generator.chained()?.into_iter();
            let over = over.map(|input| Over { input, column: self.written(table, &known.inputs[input]) });
            Some(Chain { column, over: over.collect() })
        };
        self.tables[table].columns.iter().enumerate().filter_map(chain).collect()
    }

    /// The written column of a table whose text an input is; `None` if it is anything else.
    pub(super) fn written(&self, table: usize, input: &Input) -> Option<usize> {
        let column = &self.tables[table].columns[input.column];
        if !input.steps.is_empty() {
            return None;
        }
        if column.visible {
            return Some(input.column);
        }
        match &column.op {
            Op::Expr(Expr { node: Node::Cast(from), .. }) => match from.node {
                Node::Input(index) => self.written(table, &column.inputs[index]),
                _ => None,
            },
            _ => None,
        }
    }

    /// Every column that is computed from a column, over any number of steps, without the column itself.
    #[must_use]
    pub fn followers(&self, table: usize, column: usize) -> BTreeSet<(usize, usize)> {
        let mut users: BTreeMap<(usize, usize), Vec<(usize, usize)>> = BTreeMap::new();
        for at in 0..self.tables.len() {
            for index in 0..self.tables[at].columns.len() {
                for need in self.needs(at, index) {
                    users.entry(need).or_default().push((at, index));
                }
            }
        }
        let (mut found, mut waiting) = (BTreeSet::new(), vec![(table, column)]);
        while let Some(at) = waiting.pop() {
            let next = users.get(&at).into_iter().flatten();
            waiting.extend(next.copied().filter(|user| found.insert(*user)));
        }
        found
    }

    /// The columns that the values of a column are computed from, one step back: for references also what picks the row.
    fn needs(&self, table: usize, column: usize) -> Vec<(usize, usize)> {
        let known = &self.tables[table].columns[column];
        let mut all: Vec<(usize, usize)> = known.inputs.iter().flat_map(|input| self.path(table, input)).collect();
        match &known.op {
            Op::Aggregate(aggregate) => {
                let order = aggregate.order.iter().map(|(column, _)| *column);
                let columns = aggregate.argument.into_iter().chain(aggregate.filter).chain(order);
                all.extend(columns.map(|column| (aggregate.hand.table, column)));
            }
            Op::Window(window) => {
                let order = window.order.iter().map(|(column, _)| *column);
                let columns = window.arguments.iter().chain(&window.partition).copied().chain(order);
                all.extend(columns.map(|column| (table, column)));
            }
            Op::Among(among) => all.extend(among.filter.map(|column| (among.table, column))),
            Op::Listed(values) => all.extend(values.iter().filter_map(super::Listed::column)),
            Op::Template(template) => all.extend(template.needs()),
            _ => {}
        }
        all
    }
}
