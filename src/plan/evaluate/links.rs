//! Links: the rows at the other end of a reference.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, Int64Array};
use arrow_select::concat::concat;

use super::{Chunk, cell_limit};
use crate::error::{Error, Result};
use crate::plan::{Input, Place, Plan, Step};

/// The rows at the end of a reference.
#[derive(Clone)]
pub(super) enum Link {
    /// Rows of a frame, by their index there; without an index, the rows of the frame.
    Frame(usize, Option<ArrayRef>),
    /// Rows of a root table that the chunk has anyway, and others beside them.
    Known(Known),
    /// Rows of a root table with cached columns, by their numbers.
    Cached(usize, ArrayRef),
}

/// Rows of a root table, most of which are in a frame that the chunk has anyway: families refer to each other.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) table: usize,
    frame: usize,
    beside: Option<usize>,
    /// The index of each row's pick among the rows of the frame and those beside it.
    index: Int64Array,
    /// The numbers of the picked rows.
    pub(super) picks: Int64Array,
}

impl Chunk<'_> {
    pub(super) fn link(&mut self, frame: usize, reference: usize) -> Result<Link> {
        if let Some(link) = &self.frames[frame].refs[reference] {
            return Ok(link.clone());
        }
        let plan = self.plan;
        let table = &plan.tables[self.frames[frame].table];
        let reference_plan = table.refs[reference].as_ref().ok_or_else(|| Error::internal("a record has no rows"))?;
        let picks = self.column(frame, reference_plan.pick)?;
        let link = if let Place::Within(steps) = &reference_plan.place {
            let (parent, _) = self.reach(frame, steps)?;
            Link::Frame(self.child(parent, reference_plan.table)?, Some(picks))
        } else if reference_plan.place == Place::Sibling {
            Link::Frame(frame, Some(picks))
        } else if self.whole && self.frames[0].table == reference_plan.table {
            Link::Frame(0, Some(picks))
        } else if plan.tables[reference_plan.table].cached.is_some() {
            Link::Cached(reference_plan.table, picks)
        } else {
            self.picked(reference_plan.table, picks.as_primitive())?
        };
        self.frames[frame].refs[reference] = Some(link.clone());
        Ok(link)
    }

    /// Links to rows by their numbers: to those that the chunk has, if these are most of them.
    fn picked(&mut self, table: usize, picks: &Int64Array) -> Result<Link> {
        let Some(frame) = self.run_of(table) else { return self.exactly(table, picks) };
        let (first, len) = (self.frames[frame].rows.keys[0], self.frames[frame].rows.len() as u64);
        let inside = |row: i64| (row as u64).checked_sub(first).filter(|place| *place < len);
        let outside: Int64Array = picks.iter().map(|row| row.filter(|row| inside(*row).is_none())).collect();
        let others = outside.len() - outside.null_count();
        if others * 2 > picks.len() - picks.null_count() {
            return self.exactly(table, picks);
        }
        let (rows, _) = picked_rows(&outside);
        let place =
            |row: i64| inside(row).unwrap_or_else(|| len + rows.partition_point(|other| *other < row as u64) as u64);
        let index = picks.iter().map(|row| row.map(|row| place(row) as i64)).collect();
        let beside = if others == 0 { None } else { Some(self.numbered(table, rows)?) };
        Ok(Link::Known(Known { table, frame, beside, index, picks: picks.clone() }))
    }

    /// Links to rows by their numbers, in a frame of their own that has each row once.
    fn exactly(&mut self, table: usize, picks: &Int64Array) -> Result<Link> {
        let (rows, index) = picked_rows(picks);
        Ok(Link::Frame(self.numbered(table, rows)?, index))
    }

    /// Finds the first frame of a root table whose rows follow each other. Rows whose values are those of a file do not count:
    /// references lead to what the plan has.
    fn run_of(&self, table: usize) -> Option<usize> {
        if self.plan.tables[table].parent.is_some() {
            return None;
        }
        let run = |frame: &usize| {
            let keys = &self.frames[*frame].rows.keys;
            self.frames[*frame].table == table && !keys.is_empty() && keys.windows(2).all(|pair| pair[0] + 1 == pair[1])
        };
        (usize::from(self.overlaid)..self.frames.len()).find(run)
    }

    /// Makes the links that lead to the rows of the tree lead to equal rows beside it, before values of a file take the place
    /// of theirs.
    pub(super) fn leave_tree(&mut self) -> Result<()> {
        self.overlaid = true;
        for frame in 0..self.frames.len() {
            for reference in 0..self.frames[frame].refs.len() {
                let Some(Link::Known(known)) = self.frames[frame].refs[reference].clone() else { continue };
                self.frames[frame].refs[reference] = Some(self.picked(known.table, &known.picks)?);
            }
        }
        Ok(())
    }

    /// Gives the frame and index of a link, with a frame of its own for the rows of a table that has none.
    pub(super) fn frame_of_link(&mut self, link: Link) -> Result<(usize, Option<ArrayRef>)> {
        let exact = match link {
            Link::Frame(to, index) => return Ok((to, index)),
            Link::Known(known) => self.exactly(known.table, &known.picks)?,
            Link::Cached(table, picks) => self.exactly(table, picks.as_primitive())?,
        };
        match exact {
            Link::Frame(to, index) => Ok((to, index)),
            _ => Err(Error::internal("a frame that is none")),
        }
    }

    /// Fetches the values of an input from the rows at the end of a link.
    pub(super) fn fetch_linked(&mut self, link: Link, rest: &[Step], input: &Input) -> Result<ArrayRef> {
        match link {
            Link::Cached(table, picks) => fetch_cached(self.plan, table, picks.as_primitive(), rest, input),
            Link::Known(known) => match self.fetch_known(&known, rest, input) {
                // A row that nobody picks may have no value, which is no mistake here.
                Err(_) => {
                    let link = self.exactly(known.table, &known.picks)?;
                    self.fetch_linked(link, rest, input)
                }
                values => values,
            },
            Link::Frame(to, index) => {
                let values = self.fetch(to, rest, input)?;
                match index {
                    Some(index) => cell_limit::gather(&values, index.as_primitive::<Int64Type>()),
                    None => Ok(values),
                }
            }
        }
    }

    fn fetch_known(&mut self, known: &Known, rest: &[Step], input: &Input) -> Result<ArrayRef> {
        let mut values = self.fetch(known.frame, rest, input)?;
        if let Some(beside) = known.beside {
            let others = self.fetch(beside, rest, input)?;
            values = joined(&values, &others)?;
        }
        cell_limit::gather(&values, &known.index)
    }
}

/// Appends the values of one frame to those of another one. Texts stay shared if they are of one dictionary.
fn joined(values: &ArrayRef, others: &ArrayRef) -> Result<ArrayRef> {
    let shared =
        |array: &ArrayRef| array.as_dictionary_opt::<Int32Type>().map(|it| Arc::as_ptr(it.values()).cast::<u8>());
    let is_text = |array: &ArrayRef| shared(array).is_some() || array.as_string_opt::<i32>().is_some();
    if is_text(values) && is_text(others) && (shared(values).is_none() || shared(values) != shared(others)) {
        let texts = [crate::sql::as_text(values)?, crate::sql::as_text(others)?];
        return Ok(concat(&[&texts[0], &texts[1]])?);
    }
    Ok(concat(&[values, others])?)
}

/// Lists the picked rows, each once and in order, and for each row the index of its pick among them; no index if the picks are
/// those rows.
fn picked_rows(picks: &Int64Array) -> (Vec<u64>, Option<ArrayRef>) {
    let mut keys: Vec<u64> = picks.iter().flatten().map(|row| row as u64).collect();
    if picks.null_count() == 0 && keys.windows(2).all(|pair| pair[0] < pair[1]) {
        return (keys, None);
    }
    keys.sort_unstable();
    keys.dedup();
    let place = |row: i64| keys.partition_point(|other| *other < row as u64) as i64;
    let index: Int64Array = picks.iter().map(|row| row.map(place)).collect();
    (keys, Some(Arc::new(index)))
}

/// Fetches the values of an input from picked rows of a small root table: along references to other small tables only for the
/// rows that are picked.
fn fetch_cached(plan: &Plan, table: usize, picks: &Int64Array, steps: &[Step], input: &Input) -> Result<ArrayRef> {
    if let Some((Step::Ref(reference), rest)) = steps.split_first()
        && let Some(reference) = &plan.tables[table].refs[*reference]
        && plan.tables[reference.table].cached.is_some()
        && reference.place == Place::Number
    {
        let further = cached_column(plan, table, reference.pick)?;
        let further = cell_limit::gather(&further, picks)?;
        return fetch_cached(plan, reference.table, further.as_primitive(), rest, input);
    }
    let values = match steps {
        [] => cached_column(plan, table, input.column)?,
        steps => whole(plan, table).fetch(0, steps, input)?,
    };
    cell_limit::gather(&values, picks)
}

/// Computes a column for all rows of a small root table, once for all chunks.
fn cached_column(plan: &Plan, table: usize, column: usize) -> Result<ArrayRef> {
    let cells = plan.tables[table].cached.as_ref().ok_or_else(|| Error::internal("a table that is not kept"))?;
    if let Some(array) = cells[column].get() {
        return Ok(Arc::clone(array));
    }
    let array = whole(plan, table).column(0, column)?;
    // If another thread was first, its array is equal: use that one.
    Ok(Arc::clone(cells[column].get_or_init(|| array)))
}

/// Starts a chunk of all rows of a small root table, whose references to itself stay in it.
fn whole(plan: &Plan, table: usize) -> Chunk<'_> {
    let rows: Vec<u64> = (0..plan.tables[table].rows).collect();
    let mut chunk = Chunk::new(plan, table, &rows);
    chunk.whole = true;
    chunk
}
