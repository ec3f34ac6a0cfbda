//! Consequences of values: the columns that are not written and follow from others.

use std::collections::BTreeSet;

use super::{Listed, Op, Plan, Source};

impl Plan {
    /// Finds the columns that are not written and follow from some columns, directly or by others that are not written. A written
    /// column is an end: its values are given.
    ///
    /// How rows belong together is left out: it stays when values are replaced, see [`Chunk::replaced`](super::Chunk::replaced).
    #[must_use]
    pub(crate) fn consequences(&self, of: &BTreeSet<(usize, usize)>) -> BTreeSet<(usize, usize)> {
        let mut found = BTreeSet::new();
        if of.is_empty() {
            return found;
        }
        let hidden = |table: usize| {
            let columns = self.tables[table].columns.iter().enumerate();
            columns.filter(|(_, column)| !column.visible).map(move |(column, _)| (table, column))
        };
        let mut open: Vec<_> = (0..self.tables.len())
            .flat_map(hidden)
            .map(|(table, column)| ((table, column), self.direct_sources(table, column)))
            .collect();
        loop {
            let before = open.len();
            open.retain(|(column, sources)| {
                let follows = sources.iter().any(|source| of.contains(source) || found.contains(source));
                if follows {
                    found.insert(*column);
                }
                !follows
            });
            if open.len() == before {
                return found;
            }
        }
    }

    /// The columns whose values a column is computed from, without those in between.
    pub(super) fn direct_sources(&self, table: usize, column: usize) -> Vec<(usize, usize)> {
        let known = &self.tables[table].columns[column];
        let mut all: Vec<(usize, usize)> = known.inputs.iter().filter_map(|input| self.end_of(table, input)).collect();
        match &known.op {
            Op::Aggregate(aggregate) => {
                let columns = aggregate.argument.into_iter().chain(aggregate.filter);
                let columns = columns.chain(aggregate.order.iter().map(|(column, _)| *column));
                all.extend(columns.map(|column| (aggregate.hand.table, column)));
            }
            Op::Window(window) => {
                let columns = window.arguments.iter().chain(&window.partition).copied();
                let columns = columns.chain(window.order.iter().map(|(column, _)| *column));
                all.extend(columns.map(|column| (table, column)));
            }
            Op::Listed(values) => all.extend(values.iter().filter_map(Listed::column)),
            Op::GroupKey => {
                if let Source::Group(facts) = &self.tables[table].source {
                    all.extend(facts.iter().filter_map(|facts| Some((facts.hand.table, facts.by?))));
                }
            }
            Op::Among(among) => all.extend(among.filter.map(|column| (among.table, column))),
            // A walk stays with its rows; what a message reads is not asked for: its text is written.
            Op::Walk(_) | Op::Template(_) => {}
            Op::Expr(_)
            | Op::Generator(_)
            | Op::Row
            | Op::Ordinal
            | Op::Siblings
            | Op::Project(_)
            | Op::Pick(_)
            | Op::Match(_)
            | Op::HandOrdinal(_) => {}
        }
        all
    }
}
