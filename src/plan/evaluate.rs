//! Evaluation: the pure function from rows to arrays. Each (frame, column) is computed at most once, on whole arrays.
//!
//! A frame is a list of rows of one table: root rows, their children, or the rows picked by a reference. A chunk owns
//! its frames. To compute a column, its inputs are fetched first; an input goes from frame to frame along its steps,
//! and its values are gathered on the way back.

mod cell_limit;
mod chain;
mod faults;
mod frames;
mod hands;
mod links;
mod listed;
mod memory;
mod overlay;
mod places;
mod reach;
mod reduce;
mod template;
mod walk;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, UInt32Array};
use arrow_buffer::BooleanBuffer;
use arrow_select::nullif::nullif;
use arrow_select::take::take;

pub use reach::Reached;

use super::references::Pick;
use super::{Hand, Input, Op, Plan, Step};
use crate::error::{Error, Result};
use crate::generator::{Fill, Rows};
use crate::notes::Noted;
use crate::rng::Cell;
use links::Link;

/// The most children of one parent row: an ordinal has 24 bits in [`Rows::paths`].
const MAX_CHILDREN: i64 = 1 << 24;
/// The most rows of one table in one chunk.
const MAX_CHUNK: usize = 1 << 26;

#[derive(Clone)]
struct Frame {
    table: usize,
    rows: Arc<Rows>,
    parent: Option<(usize, UInt32Array)>,
    columns: Vec<Option<ArrayRef>>,
    children: Vec<Option<usize>>,
    refs: Vec<Option<Link>>,
    /// The row numbers in the whole table, for a child table with `rows` in total.
    numbers: Vec<u64>,
    /// True if these are single rows without their siblings.
    scattered: bool,
    hands: Vec<(Hand, HandRows)>,
    /// The source rows of an `each` or `group` table, by the index of their table in the list.
    facts: Vec<FactRows>,
    /// The value of each group, for a `group` table.
    group_key: Option<ArrayRef>,
    /// The states and instants of a lifecycle's walk, a row each.
    walk: Option<(Vec<u32>, Vec<i64>)>,
    /// The entries of a row list that the rows come from.
    listed: Option<listed::Rows>,
}

/// The hands of the rows of a frame. Hand `i` is a range of `offsets` into `index`, which refers to rows of `frame`, or
/// into the rows themselves.
#[derive(Clone)]
struct HandRows {
    frame: usize,
    index: Option<UInt32Array>,
    offsets: Arc<[u32]>,
}

/// The facts behind the rows of an `each` or `group` table, from one source table.
#[derive(Clone)]
struct FactRows {
    frame: usize,
    /// The fact of each row, null if it is in another source table; for a group all its facts.
    index: UInt32Array,
    /// The start of each group's facts in `index`, and the end. Empty for an `each` table.
    offsets: Arc<[u32]>,
}

/// A check that fails in some rows of a chunk.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The table.
    pub table: String,
    /// The rule id.
    pub check: String,
    /// The predicate.
    pub predicate: String,
    /// The number of rows that fail.
    pub rows: u64,
    /// The index of the first of them in the chunk, from 0.
    pub first: usize,
    /// The first of them as `column=value` pairs.
    pub example: String,
}

/// Some rows of a root table with their descendants, and the columns computed for them so far.
pub struct Chunk<'p> {
    plan: &'p Plan,
    frames: Vec<Frame>,
    used: memory::Used,
    /// True if values of a file stand in place of those of the tree.
    overlaid: bool,
    /// True if the root rows are all rows of a table whose columns are kept.
    whole: bool,
}

impl<'p> Chunk<'p> {
    /// Starts a chunk of the rows of a root table with these numbers, from 0. Nothing is computed yet.
    #[must_use]
    pub fn new(plan: &'p Plan, root: usize, rows: &[u64]) -> Self {
        let mut chunk = Self { plan, frames: Vec::new(), used: memory::Used::default(), overlaid: false, whole: false };
        chunk.root(root, rows.to_vec());
        chunk
    }

    /// Computes columns of some rows by their numbers, for a table with a fixed number of rows.
    pub(super) fn of_numbers(
        plan: &'p Plan,
        table: usize,
        numbers: &[u64],
        columns: &[usize],
    ) -> Result<Vec<ArrayRef>> {
        let mut chunk = Self { plan, frames: Vec::new(), used: memory::Used::default(), overlaid: false, whole: false };
        let frame = chunk.numbered(table, numbers.to_vec())?;
        columns.iter().map(|column| chunk.column(frame, *column)).collect()
    }

    /// Computes the written columns of a table of the tree.
    ///
    /// # Errors
    ///
    /// If the table is of another tree, or a value cannot be computed: it is out of range, too long, or refused by a
    /// function. The error has the path of the column.
    pub fn batch(&mut self, table: usize) -> Result<RecordBatch> {
        let plan = self.plan;
        let schema = &plan.tables[table].schema;
        let columns = self.written(table, &(0..schema.fields().len()).collect::<Vec<_>>())?;
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    }

    /// Computes some written columns of a table of the tree, by their places in its schema.
    ///
    /// # Errors
    ///
    /// As [`batch`](Self::batch).
    pub fn project(&mut self, table: usize, places: &[usize]) -> Result<RecordBatch> {
        let columns = self.written(table, places)?;
        let schema = Arc::new(self.plan.tables[table].schema.project(places)?);
        let rows = arrow_array::RecordBatchOptions::new().with_row_count(Some(self.rows(table)?));
        Ok(RecordBatch::try_new_with_options(schema, columns, &rows)?)
    }

    /// Computes some written columns of a table of the tree, by their names.
    ///
    /// # Errors
    ///
    /// As [`batch`](Self::batch), or if the table writes no such column.
    pub fn named(&mut self, table: usize, names: &[&str]) -> Result<RecordBatch> {
        let known = &self.plan.tables[table];
        let place = |name: &&str| {
            let missing = |_| Error::usage(format!("the table `{}` writes no column `{name}`", known.name));
            known.schema.index_of(name).map_err(missing)
        };
        let places = names.iter().map(place).collect::<Result<Vec<_>>>()?;
        self.project(table, &places)
    }

    /// Computes the columns at some places of a table's schema, and holds them to what formats and schema promise.
    fn written(&mut self, table: usize, places: &[usize]) -> Result<Vec<ArrayRef>> {
        let frame = self.frame_of(table)?;
        let known = &self.plan.tables[table];
        let visible: Vec<usize> = (0..known.columns.len()).filter(|index| known.columns[*index].visible).collect();
        let column = |place: &usize| {
            let (field, array) = (known.schema.field(*place), self.typed(frame, visible[*place])?);
            self.allow_nulls(frame, field, &array)?;
            self.allow_finite(frame, field, &array)?;
            Ok(array)
        };
        places.iter().map(column).collect()
    }

    /// Computes columns of a table of the tree, written or not, by their places in the plan.
    pub(super) fn any(&mut self, table: usize, columns: &[usize]) -> Result<Vec<ArrayRef>> {
        let frame = self.frame_of(table)?;
        columns.iter().map(|column| self.column(frame, *column)).collect()
    }

    /// Shows the first row of a table of the tree, or another one, as `column=value` pairs.
    ///
    /// # Errors
    ///
    /// As [`batch`](Self::batch).
    pub fn example(&mut self, table: usize, row: usize) -> Result<String> {
        let frame = self.frame_of(table)?;
        self.show(frame, row)
    }

    /// Refuses a null where the schema has none: in a key.
    fn allow_nulls(&self, frame: usize, field: &arrow_schema::Field, array: &ArrayRef) -> Result<()> {
        let nulls = array.logical_nulls().filter(|nulls| !field.is_nullable() && nulls.null_count() > 0);
        let Some(row) = nulls.and_then(|nulls| (0..nulls.len()).find(|row| nulls.is_null(*row))) else { return Ok(()) };
        let table = &self.plan.tables[self.frames[frame].table].name;
        let error = match field.is_primary_key() {
            true => Error::profile(format!("tables.{table}.columns.{}", field.name()), "the key has no value")
                .hint("a column of the key has a value in every row"),
            false => Error::internal(format!("`{table}.{}` is null, and its plan says that it never is", field.name())),
        };
        Err(error.in_row(row).name_row(|row| self.place(frame, row)))
    }

    /// Refuses a double that is not finite: formats and databases have no common form for it.
    fn allow_finite(&self, frame: usize, field: &arrow_schema::Field, array: &ArrayRef) -> Result<()> {
        let Some(doubles) = array.as_primitive_opt::<arrow_array::types::Float64Type>() else { return Ok(()) };
        let Some(row) = doubles.iter().position(|x| x.is_some_and(|x| !x.is_finite())) else { return Ok(()) };
        let table = &self.plan.tables[self.frames[frame].table].name;
        let what = format!("{} is not a number that can be written", doubles.value(row));
        Err(Error::profile(format!("tables.{table}.columns.{}", field.name()), what)
            .hint("keep it in bounds, such as with least(…, 1e15), or give null where it has no value")
            .in_row(row)
            .name_row(|row| self.place(frame, row)))
    }

    /// Counts the rows of a table of the tree in this chunk.
    ///
    /// # Errors
    ///
    /// If a value on which the number depends cannot be computed, or there are too many rows.
    pub fn rows(&mut self, table: usize) -> Result<usize> {
        let frame = self.frame_of(table)?;
        Ok(self.frames[frame].rows.len())
    }

    /// Evaluates the checks of a table, and lists those that fail in some row.
    ///
    /// # Errors
    ///
    /// As [`batch`](Self::batch), for the columns in the checks.
    pub fn failures(&mut self, table: usize) -> Result<Vec<Failure>> {
        let (frame, plan) = (self.frame_of(table)?, self.plan);
        let mut failures = Vec::new();
        for (check, broken) in self.broken(table)? {
            let check = &plan.tables[table].checks[check];
            if let Some(first) = broken.first() {
                let example = self.show(frame, *first)?;
                failures.push(Failure {
                    table: plan.tables[table].name.clone(),
                    check: check.id.clone(),
                    predicate: check.predicate.clone(),
                    rows: broken.len() as u64,
                    first: *first,
                    example,
                });
            }
        }
        Ok(failures)
    }

    /// Evaluates the checks of a table: each by its place in the table's list, with the rows of the chunk that break it.
    ///
    /// # Errors
    ///
    /// As [`failures`](Self::failures).
    pub fn broken(&mut self, table: usize) -> Result<Vec<(usize, Vec<usize>)>> {
        let (frame, plan) = (self.frame_of(table)?, self.plan);
        let of_check = |(n, check): (usize, &super::Check)| {
            let truth = self.column(frame, check.column)?;
            let truth: &BooleanArray = truth.as_boolean();
            let fails = |i: &usize| if truth.is_null(*i) { !check.null_passes } else { !truth.value(*i) };
            Ok((n, (0..truth.len()).filter(fails).collect()))
        };
        plan.tables[table].checks.iter().enumerate().map(of_check).collect()
    }

    fn show(&mut self, frame: usize, row: usize) -> Result<String> {
        let table = self.frames[frame].table;
        let declared = self.plan.tables[table].declared;
        let mut pairs = Vec::new();
        for index in 0..declared {
            let column = self.column(frame, index)?;
            let value = crate::sql::as_text(&column.slice(row, 1))?;
            let value: &StringArray = value.as_string();
            let value = if value.is_null(0) { "null" } else { value.value(0) };
            pairs.push(format!("{}={value}", self.plan.tables[table].columns[index].name));
        }
        Ok(pairs.join(" "))
    }

    fn frame_of(&mut self, table: usize) -> Result<usize> {
        if self.frames[0].table == table {
            return Ok(0);
        }
        let parent = self.plan.tables[table].parent.ok_or_else(|| Error::internal("a table of another tree"))?;
        let parent = self.frame_of(parent)?;
        self.child(parent, table)
    }

    /// Computes a column and converts it to the type of the schema: a text may have been computed without a dictionary.
    fn typed(&mut self, frame: usize, column: usize) -> Result<ArrayRef> {
        let array = self.column(frame, column)?;
        let want = &self.plan.tables[self.frames[frame].table].columns[column].ty;
        if array.data_type() == want {
            return Ok(array);
        }
        crate::sql::cast(&array, want)
    }

    fn column(&mut self, frame: usize, column: usize) -> Result<ArrayRef> {
        if let Some(array) = &self.frames[frame].columns[column] {
            return Ok(Arc::clone(array));
        }
        let table = self.frames[frame].table;
        let plan = self.plan;
        let kept = plan.tables[table].cached.as_ref().filter(|_| self.whole && frame == 0);
        if let Some(array) = kept.and_then(|cells| cells[column].get()) {
            return Ok(Arc::clone(array));
        }
        let values = self.allow_column(frame, column).and_then(|()| {
            match self.frames[frame].scattered && plan.tables[table].columns[column].needs_siblings {
                true => self.with_siblings(frame, column),
                false => self.compute(frame, column),
            }
        });
        let array = values.and_then(|array| self.within_limits(frame, array)).map_err(|error| {
            let error = error.name_row(|row| self.place(frame, row));
            let table = &plan.tables[table];
            if matches!(table.columns[column].op, Op::Aggregate(_) | Op::Window(_)) {
                // It has no name of its own: the column that uses it is named.
                return error;
            }
            let name = table.columns[column].name.as_str();
            let (section, name) = match name.strip_prefix("#ref ") {
                Some(reference) => ("refs", reference),
                None if (table.before_lets..table.declared).contains(&column) => ("let", name),
                None => ("columns", name),
            };
            error.within(&format!("tables.{}.{section}.{name}", table.name))
        })?;
        self.use_column(frame, column, &array);
        self.frames[frame].columns[column] = Some(Arc::clone(&array));
        Ok(array)
    }

    fn compute(&mut self, frame: usize, column: usize) -> Result<ArrayRef> {
        self.compute_from(frame, column, &[])
    }

    /// Computes a column; `given` are values of some inputs, which take the place of what the plan has for them.
    fn compute_from(&mut self, frame: usize, column: usize, given: &[(usize, ArrayRef)]) -> Result<ArrayRef> {
        let plan = self.plan;
        let column = &plan.tables[self.frames[frame].table].columns[column];
        let inputs =
            column.inputs.iter().enumerate().map(|(at, input)| match given.iter().find(|(place, _)| *place == at) {
                Some((_, values)) => Ok(Arc::clone(values)),
                None => self.fetch(frame, &input.steps, input),
            });
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let rows = Arc::clone(&self.frames[frame].rows);
        let hide = column.when.map(|when| &inputs[when]);
        let fill = Fill { key: column.key, rows: &rows, inputs: &inputs, when: hide.map(AsArray::as_boolean) };
        column.guards.iter().try_for_each(|guard| guard.check(&fill))?;
        let values: ArrayRef = match &column.op {
            Op::Expr(expr) => expr.column(&inputs, rows.len())?,
            Op::Generator(generator) => generator.fill(&fill)?,
            Op::Row => Arc::new(fill.primitive::<Int64Type>(|i, _| rows.keys[i] as i64)),
            Op::Ordinal => Arc::new(fill.primitive::<Int64Type>(|i, _| i64::from(rows.ordinals[i]) + 1)),
            Op::Siblings => {
                let mut counts = vec![0; rows.len()];
                rows.families().for_each(|family| counts[family.clone()].fill(family.len() as i64));
                Arc::new(Int64Array::from(counts))
            }
            Op::Project(values) => take(values, inputs[0].as_primitive::<Int32Type>(), None)?,
            Op::Pick(pick) => {
                let deal = match pick {
                    Pick::Dealt(reference) => self.deal(frame, *reference),
                    _ => None,
                };
                pick.fill(&fill, self.numbers(frame), deal)?
            }
            Op::Match(matching) => matching.fill(plan, &fill)?,
            Op::Among(among) => self.among(frame, among, &fill)?,
            Op::HandOrdinal(reference) => {
                let deal = self.deal(frame, *reference).ok_or_else(|| Error::internal("a deal was not compiled"))?;
                let numbers = self.numbers(frame);
                Arc::new(fill.optional::<Int64Type>(|i, _| Some(deal.owner(numbers[i])?.1 as i64 + 1)))
            }
            Op::GroupKey => self.group_key(frame)?,
            Op::Aggregate(aggregate) => self.aggregate(frame, aggregate, &column.ty)?,
            Op::Window(window) => {
                let arguments = self.columns(frame, &window.arguments)?;
                let partition: Vec<(usize, bool)> = window.partition.iter().map(|column| (*column, false)).collect();
                let (partition, order) = (self.order(frame, &partition)?, self.order(frame, &window.order)?);
                let lists = reduce::lists(&rows.offsets, partition.as_ref(), order.as_ref());
                let ordered = order.is_some();
                reduce::window(window.function, &lists, rows.len(), ordered, &arguments, &column.ty)?
            }
            Op::Walk(which) => self.walk_column(frame, *which)?,
            Op::Listed(values) => self.listed_column(frame, values, &column.ty)?,
            Op::Template(template) => self.messages(frame, template)?,
        };
        let rate = column.null.map(|null| &inputs[null]);
        masked(values, hide, rate, column.key, &rows)
    }

    fn fetch(&mut self, frame: usize, steps: &[Step], input: &Input) -> Result<ArrayRef> {
        let Some((step, rest)) = steps.split_first() else { return self.column(frame, input.column) };
        match step {
            Step::Parent => {
                let (parent, index) =
                    self.frames[frame].parent.clone().ok_or_else(|| Error::internal("a root row has no parent"))?;
                let values = self.fetch(parent, rest, input)?;
                cell_limit::gather(&values, &index)
            }
            Step::Fact(part) => {
                let facts = self.frames[frame].facts.get(*part);
                let (to, index) =
                    facts.map(|f| (f.frame, f.index.clone())).ok_or_else(|| Error::internal("no fact"))?;
                let values = self.fetch(to, rest, input)?;
                cell_limit::gather(&values, &index)
            }
            Step::Ref(reference) => {
                let link = self.link(frame, *reference)?;
                self.fetch_linked(link, rest, input)
            }
        }
    }
}

/// Sets values to null where the condition is not true, and at random at the rate, with random words of their own.
fn masked(
    values: ArrayRef,
    when: Option<&ArrayRef>,
    rate: Option<&ArrayRef>,
    key: u64,
    rows: &Rows,
) -> Result<ArrayRef> {
    if when.is_none() && rate.is_none() {
        return Ok(values);
    }
    let rate = rate.map(arrow_array::cast::AsArray::as_primitive::<Float64Type>);
    let met = when.map(|when| {
        let when: &BooleanArray = when.as_boolean();
        when.nulls().map_or_else(|| when.values().clone(), |nulls| when.values() & nulls.inner())
    });
    let hide = match (met, rate) {
        (Some(met), None) => !&met,
        (met, rate) => BooleanBuffer::collect_bool(rows.len(), |i| {
            let by_chance = || {
                let cell = || Cell::new(key ^ 0x6E75_6C6C, rows.keys[i]);
                rate.is_some_and(|rate| !rate.is_null(i) && cell().chance(rate.value(i)))
            };
            met.as_ref().is_some_and(|met| !met.value(i)) || by_chance()
        }),
    };
    Ok(nullif(&values, &BooleanArray::new(hide, None))?)
}
