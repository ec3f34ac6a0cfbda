//! Measures: what an answer key asks of the rows of a table, as columns to compute and a way to fold their values.

use std::collections::BTreeSet;

use arrow_array::ArrayRef;

use super::{Chunk, Input, Op, Plan, Source, Step};
use crate::error::Result;

/// The prefix of an answer that says how far a check's sides differ.
pub const BALANCE: &str = "balance:";

/// The way in which values of many rows become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// The number of rows, or of those that have a value.
    Count,
    /// The number of rows that have no value.
    Nulls,
    /// The number of values that are not zero.
    Nonzero,
    /// The sum of the values.
    Sum,
    /// The least value.
    Least,
    /// The greatest value.
    Greatest,
}

/// A question about the rows of a table, with a value for each group of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// The name of the answer.
    pub answer: String,
    /// The measure in words, such as `sum(amount)`.
    pub text: String,
    /// The expressions that make the groups, as written, each with its column in the plan.
    pub by: Vec<(String, usize)>,
    /// The condition on rows as written, and its column; `None` for all rows.
    pub condition: Option<String>,
    /// The column of the condition.
    pub filter: Option<usize>,
    /// The column with the values; `None` to count rows.
    pub argument: Option<usize>,
    /// The way in which values become one.
    pub fold: Fold,
}

/// The answers that the rows of a table deserve, as columns of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The decision.
    pub decision: usize,
    /// The reason, where the profile gives one.
    pub reason: Option<usize>,
    /// The code in each dialect.
    pub codes: Vec<(String, usize)>,
}

impl Measure {
    /// The columns that are computed for it.
    pub fn columns(&self) -> impl Iterator<Item = usize> {
        self.by.iter().map(|(_, column)| *column).chain(self.filter).chain(self.argument)
    }
}

/// The written columns and the tables that some columns are computed from.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// The written columns that are read, also by intermediate values on the way.
    pub columns: BTreeSet<(usize, usize)>,
    /// The tables whose rows are aggregated.
    pub tables: BTreeSet<usize>,
    /// The texts of messages that are read.
    pub messages: bool,
}

impl Plan {
    /// Finds the written columns of any table, and the tables of rows, that a column is computed from. A written column is an end:
    /// its values are in the files.
    #[must_use]
    pub fn reads(&self, table: usize, column: usize) -> Reads {
        let (mut reads, mut seen, mut waiting) = (Reads::default(), BTreeSet::new(), vec![(table, column)]);
        while let Some((table, column)) = waiting.pop() {
            if !seen.insert((table, column)) {
                continue;
            }
            let known = &self.tables[table].columns[column];
            if known.visible {
                reads.columns.insert((table, column));
                continue;
            }
            waiting.extend(self.direct_sources(table, column));
            match &known.op {
                Op::Aggregate(aggregate) => {
                    reads.tables.insert(aggregate.hand.table);
                }
                Op::Template(_) => reads.messages = true,
                _ => {}
            }
        }
        reads
    }

    /// The table and the column at the end of an input.
    pub(super) fn end_of(&self, mut table: usize, input: &Input) -> Option<(usize, usize)> {
        for step in &input.steps {
            table = match step {
                Step::Parent => self.tables[table].parent?,
                Step::Ref(reference) => self.tables[table].refs[*reference].as_ref()?.table,
                Step::Fact(part) => match &self.tables[table].source {
                    Source::Each(facts) | Source::Group(facts) => facts.get(*part)?.hand.table,
                    _ => return None,
                },
            };
        }
        Some((table, input.column))
    }

    /// The name of a column.
    #[must_use]
    pub fn column_name(&self, table: usize, column: usize) -> &str {
        &self.tables[table].columns[column].name
    }
}

impl Chunk<'_> {
    /// Computes columns of a table of the tree, written or not, by their places in the plan.
    ///
    /// # Errors
    ///
    /// As [`Chunk::batch`].
    pub fn columns_of(&mut self, table: usize, columns: &[usize]) -> Result<Vec<ArrayRef>> {
        self.any(table, columns)
    }
}
