//! Rows that are sent otherwise than they are, kept apart until protection has seen both forms.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_schema::DataType;
use arrow_select::interleave::interleave;

use super::OutputId;
use crate::digest::{Buckets, RowSum};
use crate::error::Result;
use crate::profile::SealKind;

/// A row that is wrong on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The fault, by its place in the plan's list.
    pub fault: usize,
    /// The output that the row belongs to.
    pub output: OutputId,
    /// The row among the clean ones of the chunk.
    pub row: u32,
    /// The root row and the ordinals below it, packed as in [`Rows::paths`](crate::generator::Rows::paths).
    pub path: u128,
    /// The rows of [`Edits::changed`] that the case sends.
    pub changed: Range<u32>,
    /// The rows that the case does not send, of all outputs.
    pub dropped: u64,
}

/// The rows of one output that are sent otherwise than they are.
#[derive(Debug, Clone)]
pub struct Edits {
    /// The rows that take the place of others, or are added: the output's columns, any of which may be null.
    pub changed: RecordBatch,
    /// The row of the clean batch that each changed row was.
    pub origins: Vec<u32>,
    /// The places of the columns that the fault gave each changed row.
    pub given: Vec<Vec<usize>>,
    /// The cells that are damaged after protection.
    pub sealed: Vec<SealedCell>,
    /// The rows that are sent, in order.
    pub sent: Vec<Segment>,
}

/// The rows of an output with cases that a correct system holds, beside those that are sent as they were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Clean rows that it does not hold, although they are sent: rows below a refused one.
    pub refused: BTreeSet<u32>,
    /// Clean rows that it holds, although they are not sent as they were.
    pub restored: BTreeSet<u32>,
    /// Changed rows that it holds.
    pub changed: BTreeSet<u32>,
    /// The case because of which a row is not sent as it was, or not held, by its place in [`TreeBatch::cases`](super::TreeBatch::cases).
    pub because: BTreeMap<u32, usize>,
    /// The digests of the rows that are sent and not held, and of those that are held and not sent.
    pub digests: (Buckets, Buckets),
}

/// An encrypted cell that is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedCell {
    /// The changed row.
    pub changed: u32,
    /// The place of its column.
    pub place: usize,
    /// The damage.
    pub how: SealKind,
}

/// Some rows that are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Rows of the clean batch.
    Clean(Range<u32>),
    /// A changed row.
    Changed(u32),
}

/// The rows by which an output differs from the clean one, in sums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Difference {
    /// Clean rows that are not sent.
    pub removed: RowSum,
    /// Rows that are sent and are not clean ones.
    pub added: RowSum,
}

impl Edits {
    /// The rows of a batch with changed ones in their places, as many as there were. Copies count if `copies` says so: then the
    /// last one takes the place of its row; rows that are not sent stay.
    ///
    /// # Errors
    ///
    /// If the batch is another one than that of the edits.
    pub(crate) fn in_place(&self, clean: &RecordBatch, copies: bool) -> Result<RecordBatch> {
        let columns = (0..clean.num_columns()).map(|at| self.column_in_place(clean, at, copies));
        Ok(RecordBatch::try_new(self.changed.schema(), columns.collect::<Result<Vec<_>>>()?)?)
    }

    /// One column of [`Edits::in_place`], by its place.
    ///
    /// # Errors
    ///
    /// As [`Edits::in_place`].
    pub(crate) fn column_in_place(&self, clean: &RecordBatch, at: usize, copies: bool) -> Result<ArrayRef> {
        let mut rows: Vec<(usize, usize)> = (0..clean.num_rows()).map(|row| (0, row)).collect();
        let kept: BTreeSet<u32> = if copies { BTreeSet::new() } else { self.kept_origins() };
        for (changed, origin) in self.origins.iter().enumerate().filter(|(_, origin)| !kept.contains(origin)) {
            rows[*origin as usize] = (1, changed);
        }
        let own = clean.column(at);
        let plain = match own.data_type() {
            DataType::Dictionary(_, value) => value.as_ref().clone(),
            other => other.clone(),
        };
        let arrays = [cast(own, &plain)?, cast(self.changed.column(at), &plain)?];
        let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
        Ok(cast(&interleave(&arrays, &rows)?, own.data_type())?)
    }

    /// The rows that are sent as they are, and with copies behind them.
    fn kept_origins(&self) -> BTreeSet<u32> {
        let origins: BTreeSet<u32> = self.origins.iter().copied().collect();
        self.kept().filter(|row| origins.contains(row)).collect()
    }

    /// Tells whether a copy is sent behind its row, and has other values.
    pub(crate) fn has_other_copies(&self) -> bool {
        let kept = self.kept_origins();
        let mut changed = self.origins.iter().zip(&self.given);
        changed.any(|(origin, given)| !given.is_empty() && kept.contains(origin))
    }

    /// The places of the columns that faults gave values.
    pub(crate) fn given_places(&self) -> BTreeSet<usize> {
        self.given.iter().flatten().copied().collect()
    }

    /// The clean rows that are sent as they are.
    pub(crate) fn kept(&self) -> impl Iterator<Item = u32> + '_ {
        self.sent.iter().flat_map(|segment| match segment {
            Segment::Clean(rows) => rows.clone(),
            Segment::Changed(_) => 0..0,
        })
    }
}

impl Difference {
    /// Adds the rows of another difference.
    pub fn merge(&mut self, other: &Self) {
        self.removed.merge(&other.removed);
        self.added.merge(&other.added);
    }

    /// The sum of the clean rows, out of that of the rows that are sent.
    #[must_use]
    pub fn clean(&self, sent: &RowSum) -> RowSum {
        let mut clean = *sent;
        clean.remove(&self.added);
        clean.merge(&self.removed);
        clean
    }
}
