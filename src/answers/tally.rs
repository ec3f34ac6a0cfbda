//! The answers of some rows, which add up in any order.

use std::collections::BTreeMap;

use arrow_arith::aggregate::{max, min};
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow_buffer::i256;
use arrow_schema::DataType;

use super::cell::{Cell, Rows, folded};
use super::groups::{Group, Groups, counted, grouped};
use super::questions::{Question, Questions};
use crate::digest::Buckets;
use crate::error::{Error, Result};
use crate::plan::Fold;

/// The most groups of one answer.
pub(super) const MOST_GROUPS: usize = 100_000;

/// A view in which rows are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The world: what is true.
    Clean,
    /// The files: what is sent to a system.
    Sent,
    /// The rows that a correct system holds in the end.
    Accepted,
}

/// A set of views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Views([bool; 3]);

impl Views {
    /// All three: of rows in which nothing is wrong.
    pub const ALL: Self = Self([true; 3]);

    /// One view.
    #[must_use]
    pub const fn only(view: View) -> Self {
        let mut all = [false; 3];
        all[view as usize] = true;
        Self(all)
    }

    /// The views of either set.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self([0, 1, 2].map(|at| self.0[at] || other.0[at]))
    }

    fn has(self, at: usize) -> bool {
        self.0[at]
    }
}

/// The values of one answer, by group; in each the three views.
type Values = BTreeMap<Group, [Cell; 3]>;

/// The answers of some rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// By table: the values of each of its questions.
    tables: BTreeMap<usize, Vec<Values>>,
    /// By table: the digest of the rows that a correct system holds.
    held: BTreeMap<usize, Buckets>,
}

impl Tally {
    /// Adds rows of a table, as [`Questions::batch`] gives them, to some views.
    ///
    /// # Errors
    ///
    /// If an answer has too many groups.
    pub fn add(&mut self, questions: &Questions, table: usize, batch: &RecordBatch, views: Views) -> Result<()> {
        let asked = questions.of(table);
        let all = self.tables.entry(table).or_insert_with(|| vec![Values::new(); asked.len()]);
        let mut answering = Answering::default();
        for (question, values) in asked.iter().zip(all) {
            for (group, cell) in answering.answer(question, batch)? {
                let own = values.entry(group).or_default();
                for (_, view) in own.iter_mut().enumerate().filter(|(at, _)| views.has(*at)) {
                    view.merge(&cell, question.fold);
                }
            }
            few(question, values)?;
        }
        Ok(())
    }

    /// Adds the digest of rows that a correct system holds, as they are written.
    pub fn hold(&mut self, table: usize, rows: &Buckets) {
        self.held.entry(table).or_default().merge(rows);
    }

    /// Takes the digest of rows away that a correct system does not hold.
    pub fn release(&mut self, table: usize, rows: &Buckets) {
        self.held.entry(table).or_default().remove(rows);
    }

    /// Adds the answers of other rows.
    ///
    /// # Errors
    ///
    /// If an answer has too many groups.
    pub fn merge(&mut self, other: Self, questions: &Questions) -> Result<()> {
        for (table, answers) in other.tables {
            let asked = questions.of(table);
            let own = self.tables.entry(table).or_insert_with(|| vec![Values::new(); asked.len()]);
            for ((question, own), answers) in asked.iter().zip(own).zip(answers) {
                for (group, cells) in answers {
                    let views = own.entry(group).or_default();
                    views.iter_mut().zip(&cells).for_each(|(view, cell)| view.merge(cell, question.fold));
                }
                few(question, own)?;
            }
        }
        other.held.iter().for_each(|(table, rows)| self.hold(*table, rows));
        Ok(())
    }

    /// The values of the questions of a table, in their order; none where no row was added.
    pub(super) fn values(&self, table: usize) -> &[Values] {
        self.tables.get(&table).map_or(&[], Vec::as_slice)
    }

    /// The digest of the rows of a table.
    pub(super) fn held(&self, table: usize) -> Buckets {
        self.held.get(&table).cloned().unwrap_or_default()
    }
}

fn few(question: &Question, values: &Values) -> Result<()> {
    if values.len() <= MOST_GROUPS {
        return Ok(());
    }
    let message = format!("`{}` has more than {MOST_GROUPS} groups", question.answer);
    Err(Error::profile(format!("answers.{}.by", question.answer), message)
        .hint("group by something coarser, or make a table with `group`"))
}

/// The answer of some rows: a value for each group.
pub(super) fn answered(question: &Question, batch: &RecordBatch) -> Result<Vec<(Group, Cell)>> {
    Answering::default().answer(question, batch)
}

/// The groups of a batch that the last question asked for: the next one often asks for the same.
#[derive(Default)]
struct Answering {
    groups: Option<Known>,
}

/// The groups of a batch by some columns, of the rows that a filter keeps.
struct Known {
    by: Vec<usize>,
    filter: Option<usize>,
    groups: Groups,
    /// The rows of each.
    counts: Vec<u64>,
}

impl Answering {
    fn answer(&mut self, question: &Question, batch: &RecordBatch) -> Result<Vec<(Group, Cell)>> {
        let (rows, argument) = (batch.num_rows(), question.argument.map(|place| batch.column(place)));
        let kept = question.filter.map(|place| batch.column(place).as_boolean());
        if question.by.is_empty() {
            // Answers without groups are there for no rows, too.
            let cell = match quick(question.fold, argument, kept, rows) {
                Some(cell) => cell,
                None => {
                    let rows = Rows { codes: None, kept, count: rows, groups: 1 };
                    folded(argument, question.fold, &rows)?.pop().unwrap_or_default()
                }
            };
            return Ok(vec![(Group::new(), cell)]);
        }
        if let ([place], Fold::Count, None, None) = (question.by.as_slice(), question.fold, argument, kept)
            && let Some(counts) = counted(batch.column(*place))?
        {
            return Ok(counts.into_iter().map(|(value, count)| (vec![value], Cell::count(count))).collect());
        }
        if !self.groups.as_ref().is_some_and(|known| known.by == question.by && known.filter == question.filter) {
            let by: Vec<&ArrayRef> = question.by.iter().map(|place| batch.column(*place)).collect();
            let groups = grouped(&by)?;
            let mut counts = vec![0_u64; groups.groups.len()];
            let all = Rows { codes: Some(&groups.codes), kept, count: rows, groups: counts.len() };
            all.each(None, |_, group| counts[group] += 1);
            self.groups = Some(Known { by: question.by.clone(), filter: question.filter, groups, counts });
        }
        let Some(Known { groups, counts, .. }) = &self.groups else {
            return Err(Error::internal("rows without groups"));
        };
        let cells = match (question.fold, argument) {
            (Fold::Count, None) => counts.iter().map(|count| Cell::count(*count)).collect(),
            _ => {
                let rows = Rows { codes: Some(&groups.codes), kept, count: rows, groups: counts.len() };
                folded(argument, question.fold, &rows)?
            }
        };
        let all = groups.groups.iter().zip(cells).zip(counts);
        Ok(all.filter(|(_, count)| **count > 0).map(|((group, cell), _)| (group.clone(), cell)).collect())
    }
}

/// The answer without a look at each row, where there is one.
fn quick(fold: Fold, argument: Option<&ArrayRef>, kept: Option<&BooleanArray>, rows: usize) -> Option<Cell> {
    let nulls = || argument.map_or(0, Array::logical_null_count);
    match (fold, kept) {
        (Fold::Count, None) => Some(Cell::count((rows - nulls()) as u64)),
        (Fold::Count, Some(kept)) if argument.is_none() => Some(Cell::count(kept.true_count() as u64)),
        (Fold::Least | Fold::Greatest, None) => extreme(fold, argument?),
        (Fold::Nulls, None) => Some(Cell::count(nulls() as u64)),
        _ => None,
    }
}

/// The first or last day or instant; `None` for values of other types.
fn extreme(fold: Fold, array: &ArrayRef) -> Option<Cell> {
    let found = match (array.data_type(), fold) {
        (DataType::Date32, Fold::Least) => min(array.as_primitive::<Date32Type>()).map(i64::from),
        (DataType::Date32, _) => max(array.as_primitive::<Date32Type>()).map(i64::from),
        (DataType::Timestamp(..), Fold::Least) => min(array.as_primitive::<TimestampMicrosecondType>()),
        (DataType::Timestamp(..), _) => max(array.as_primitive::<TimestampMicrosecondType>()),
        _ => return None,
    };
    Some(found.map_or(Cell::None, |n| Cell::Number(i256::from_i128(i128::from(n)))))
}
