//! The pure function from rows to arrays: each (frame, column) is computed at most once, on whole arrays.
//!
//! A frame is a list of rows of one table: root rows, their children, or the rows that a reference picked. Frames live
//! in the chunk; a column asks for its inputs, an input walks from frame to frame and gathers on its way back.

mod reduce;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow_select::nullif::nullif;
use arrow_select::take::take;

use super::{Input, Op, Plan, Step, WalkColumn};
use crate::error::{Error, Kind, Result};
use crate::generator::{Fill, Rows};
use crate::rng::{Cell, child_key};

/// The most children under one parent: an ordinal keeps 24 bits in paths.
const MAX_CHILDREN: i64 = 1 << 24;
/// The most rows of one table in one chunk.
const MAX_CHUNK: usize = 1 << 26;

struct Frame {
    table: usize,
    rows: Arc<Rows>,
    parent: Option<(usize, UInt32Array)>,
    columns: Vec<Option<ArrayRef>>,
    children: Vec<Option<usize>>,
    refs: Vec<Option<Link>>,
    /// State numbers and instants of a lifecycle's walk.
    walk: Option<(Vec<u32>, Vec<i64>)>,
}

/// Where a reference leads: rows of a frame, or of a table that is kept whole.
#[derive(Clone)]
enum Link {
    Frame(usize, Option<ArrayRef>),
    Whole(usize, ArrayRef),
}

/// A row that breaks a check.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The table.
    pub table: String,
    /// The rule id.
    pub check: String,
    /// The predicate.
    pub predicate: String,
    /// How many rows break it.
    pub rows: u64,
    /// The first of them, as `column=value` pairs.
    pub example: String,
}

/// Some root rows of one tree, and what was computed for them.
pub struct Chunk<'p> {
    plan: &'p Plan,
    frames: Vec<Frame>,
}

impl<'p> Chunk<'p> {
    /// A chunk of the root table's rows with these numbers.
    #[must_use]
    pub fn new(plan: &'p Plan, root: usize, rows: &[u64]) -> Self {
        let mut chunk = Self { plan, frames: Vec::new() };
        chunk.root(root, rows.to_vec());
        chunk
    }

    /// The written columns of a table of the tree.
    pub fn batch(&mut self, table: usize) -> Result<RecordBatch> {
        let frame = self.frame_of(table)?;
        let plan = self.plan;
        let visible = plan.tables[table].columns.iter().enumerate().filter(|(_, column)| column.visible);
        let columns = visible.map(|(index, _)| self.typed(frame, index)).collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new(Arc::clone(&plan.tables[table].schema), columns)?)
    }

    /// How many rows a table of the tree has here.
    pub fn rows(&mut self, table: usize) -> Result<usize> {
        let frame = self.frame_of(table)?;
        Ok(self.frames[frame].rows.len())
    }

    /// The checks of a table that some row breaks, and how many rows were looked at.
    pub fn failures(&mut self, table: usize) -> Result<Vec<Failure>> {
        let frame = self.frame_of(table)?;
        let plan = self.plan;
        let mut failures = Vec::new();
        for (check, predicate, column) in &plan.tables[table].checks {
            let truth = self.column(frame, *column)?;
            let truth: &BooleanArray = truth.as_boolean();
            let broken: Vec<usize> = (0..truth.len()).filter(|i| !truth.is_null(*i) && !truth.value(*i)).collect();
            if let Some(first) = broken.first() {
                let example = self.show(frame, *first)?;
                failures.push(Failure {
                    table: plan.tables[table].name.clone(),
                    check: check.clone(),
                    predicate: predicate.clone(),
                    rows: broken.len() as u64,
                    example,
                });
            }
        }
        Ok(failures)
    }

    fn show(&mut self, frame: usize, row: usize) -> Result<String> {
        let table = self.frames[frame].table;
        let declared = self.plan.tables[table].declared;
        let mut pairs = Vec::new();
        for index in 0..declared {
            let column = self.column(frame, index)?;
            let value = super::sql::as_text(&column.slice(row, 1))?;
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

    // ── frames ──

    fn add(&mut self, table: usize, rows: Rows, parent: Option<(usize, UInt32Array)>) -> usize {
        let plan = &self.plan.tables[table];
        self.frames.push(Frame {
            table,
            rows: Arc::new(rows),
            parent,
            columns: vec![None; plan.columns.len()],
            children: vec![None; self.plan.tables.len()],
            refs: vec![None; plan.refs.len()],
            walk: None,
        });
        self.frames.len() - 1
    }

    fn root(&mut self, table: usize, keys: Vec<u64>) -> usize {
        let (ordinals, paths) = (vec![0; keys.len()], keys.iter().map(|key| u128::from(*key)).collect());
        self.add(table, Rows { keys, ordinals, offsets: Vec::new(), paths }, None)
    }

    fn child(&mut self, parent: usize, table: usize) -> Result<usize> {
        if let Some(known) = self.frames[parent].children[table] {
            return Ok(known);
        }
        let plan = self.plan;
        let frame = match (&plan.tables[table].walk, plan.tables[table].count) {
            (Some(_), _) => self.walked(parent, table)?,
            (None, Some(count)) => {
                let counts = self.column(parent, count)?;
                let counts: &Int64Array = counts.as_primitive();
                let mut offsets = vec![0_u32];
                let mut total = 0;
                for count in counts {
                    let count = count.unwrap_or(0).max(0);
                    total += count;
                    if count > MAX_CHILDREN || total > MAX_CHUNK as i64 {
                        return Err(Error::profile(
                            format!("tables.{}.count", plan.tables[table].name),
                            format!("{count} rows under one parent, {total} in one chunk, are too many"),
                        ));
                    }
                    offsets.push(total as u32);
                }
                let (rows, index) = self.children_rows(parent, table, offsets);
                self.add(table, rows, Some((parent, index)))
            }
            (None, None) => return Err(Error::internal("a child table without a count")),
        };
        self.frames[parent].children[table] = Some(frame);
        Ok(frame)
    }

    fn children_rows(&self, parent: usize, table: usize, offsets: Vec<u32>) -> (Rows, UInt32Array) {
        let above = &self.frames[parent].rows;
        let total = offsets.last().copied().unwrap_or(0) as usize;
        let salt = self.plan.tables[table].key;
        let mut rows = Rows {
            keys: Vec::with_capacity(total),
            ordinals: Vec::with_capacity(total),
            offsets,
            paths: Vec::with_capacity(total),
        };
        let mut index = Vec::with_capacity(total);
        for (at, pair) in rows.offsets.windows(2).enumerate() {
            for ordinal in 0..pair[1] - pair[0] {
                rows.keys.push(child_key(salt, above.keys[at], u64::from(ordinal)));
                rows.ordinals.push(ordinal);
                rows.paths.push((above.paths[at] << 24) | u128::from(ordinal));
                index.push(at as u32);
            }
        }
        (rows, UInt32Array::from(index))
    }

    /// The frame of a lifecycle: states first, then waits with their own randomness, then the cut at `until`.
    fn walked(&mut self, parent: usize, table: usize) -> Result<usize> {
        let plan = self.plan;
        let walk = plan.tables[table].walk.as_ref().ok_or_else(|| Error::internal("no walk"))?;
        let weights = walk
            .weights
            .iter()
            .map(|column| Ok(self.column(parent, *column)?.as_primitive::<Float64Type>().clone()))
            .collect::<Result<Vec<_>>>()?;
        let [at, until] = [walk.at, walk.until].map(|column| self.column(parent, column));
        let (at, until) = (at?, until?);
        let (at, until) =
            (at.as_primitive::<TimestampMicrosecondType>(), until.as_primitive::<TimestampMicrosecondType>());
        let when = walk.when.map(|column| self.column(parent, column)).transpose()?;
        let alive = |i: usize| {
            let truth = when.as_ref().is_none_or(|w| w.as_boolean().value(i) && !w.is_null(i));
            truth && !at.is_null(i) && (until.is_null(i) || at.value(i) < until.value(i))
        };
        let keys = Arc::clone(&self.frames[parent].rows);
        let (offsets, states) = walk
            .walker
            .walk(&keys.keys, &weights, alive)
            .map_err(|error| error.within(&format!("tables.{}.lifecycle", plan.tables[table].name)))?;
        let (rows, index) = self.children_rows(parent, table, offsets.clone());
        let whole = self.add(table, rows, Some((parent, index)));
        let mut waits = Vec::new();
        for wait in &walk.waits {
            waits.push(match wait {
                Some((unit, column)) => Some((*unit, self.column(whole, *column)?)),
                None => None,
            });
        }
        let (mut kept, mut kept_states, mut instants) = (vec![0_u32], Vec::new(), Vec::new());
        for (family, pair) in offsets.windows(2).enumerate() {
            let mut now = if pair[0] < pair[1] { at.value(family) } else { 0 };
            for event in pair[0] as usize..pair[1] as usize {
                if event > pair[0] as usize && !until.is_null(family) && now >= until.value(family) {
                    break;
                }
                kept_states.push(states[event]);
                instants.push(now);
                if let Some((unit, wait)) = &waits[states[event] as usize] {
                    let wait = wait.as_primitive::<Float64Type>();
                    let length = if wait.is_null(event) { 0.0 } else { wait.value(event).max(0.0) * unit };
                    // Whole seconds: a finer clock than the standards' messages carry.
                    now += libm::round(length.min(1e17) / 1e6) as i64 * 1_000_000;
                }
            }
            kept.push(kept_states.len() as u32);
        }
        let (rows, index) = self.children_rows(parent, table, kept);
        let frame = self.add(table, rows, Some((parent, index)));
        self.frames[frame].walk = Some((kept_states, instants));
        Ok(frame)
    }

    fn link(&mut self, frame: usize, reference: usize) -> Result<Link> {
        if let Some(link) = &self.frames[frame].refs[reference] {
            return Ok(link.clone());
        }
        let plan = self.plan;
        let table = &plan.tables[self.frames[frame].table];
        let reference_plan = table.refs[reference].as_ref().ok_or_else(|| Error::internal("a record has no rows"))?;
        let picks = self.column(frame, reference_plan.pick)?;
        let link = if reference_plan.sibling {
            Link::Frame(frame, Some(picks))
        } else if plan.tables[reference_plan.table].whole.is_some() {
            Link::Whole(reference_plan.table, picks)
        } else {
            let picks: &Int64Array = picks.as_primitive();
            let keys: Vec<u64> = picks.iter().flatten().map(|row| row as u64).collect();
            let index = (picks.null_count() > 0).then(|| {
                let mut next = 0;
                Arc::new(
                    picks
                        .iter()
                        .map(|pick| {
                            pick.map(|_| {
                                next += 1;
                                next - 1
                            })
                        })
                        .collect::<Int64Array>(),
                ) as ArrayRef
            });
            Link::Frame(self.root(reference_plan.table, keys), index)
        };
        self.frames[frame].refs[reference] = Some(link.clone());
        Ok(link)
    }

    // ── columns ──

    /// A column in the type of the schema: a constant text that came as plain text stays a dictionary where declared.
    fn typed(&mut self, frame: usize, column: usize) -> Result<ArrayRef> {
        let array = self.column(frame, column)?;
        let want = &self.plan.tables[self.frames[frame].table].columns[column].ty;
        if array.data_type() == want {
            return Ok(array);
        }
        super::sql::cast(&array, want)
    }

    fn column(&mut self, frame: usize, column: usize) -> Result<ArrayRef> {
        if let Some(array) = &self.frames[frame].columns[column] {
            return Ok(Arc::clone(array));
        }
        let table = self.frames[frame].table;
        let plan = self.plan;
        let array = self.compute(frame, column).map_err(|error| {
            let table = &plan.tables[table];
            error.within(&format!("tables.{}.columns.{}", table.name, table.columns[column].name))
        })?;
        self.frames[frame].columns[column] = Some(Arc::clone(&array));
        Ok(array)
    }

    fn compute(&mut self, frame: usize, column: usize) -> Result<ArrayRef> {
        let plan = self.plan;
        let column = &plan.tables[self.frames[frame].table].columns[column];
        let inputs =
            column.inputs.iter().map(|input| self.fetch(frame, &input.steps, input)).collect::<Result<Vec<_>>>()?;
        let rows = Arc::clone(&self.frames[frame].rows);
        let fill = Fill { key: column.key, rows: &rows, inputs: &inputs };
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
            Op::Pick(pick) => pick.fill(&fill),
            Op::Aggregate(aggregate) => {
                let child = self.child(frame, aggregate.child)?;
                let argument = aggregate.argument.map(|argument| self.column(child, argument)).transpose()?;
                let filter = aggregate.filter.map(|filter| self.column(child, filter)).transpose()?;
                let families = Arc::clone(&self.frames[child].rows);
                reduce::aggregate(aggregate.function, &families, argument.as_ref(), filter.as_ref(), &column.ty)?
            }
            Op::Window(window) => {
                let argument = window.argument.map(|argument| self.column(frame, argument)).transpose()?;
                let order = window.order.map(|order| self.column(frame, order)).transpose()?;
                reduce::window(window, &rows, argument.as_ref(), order.as_ref(), &column.ty)?
            }
            Op::Walk(which) => self.walk_column(frame, *which)?,
        };
        let hide = column.when.map(|when| &inputs[when]);
        let rate = column.null.map(|null| &inputs[null]);
        masked(values, hide, rate, column.key, &rows)
    }

    fn walk_column(&self, frame: usize, which: WalkColumn) -> Result<ArrayRef> {
        let frame = &self.frames[frame];
        let walk = self.plan.tables[frame.table].walk.as_ref();
        let (Some((states, instants)), Some(walk)) = (&frame.walk, walk) else {
            return Err(Error::new(Kind::Profile, "a waiting time cannot depend on the times of the walk itself"));
        };
        let names = || Arc::new(StringArray::from(walk.walker.states.clone())) as ArrayRef;
        Ok(match which {
            WalkColumn::At => Arc::new(TimestampMicrosecondArray::from(instants.clone()).with_timezone("UTC")),
            WalkColumn::State => {
                let keys = Int32Array::from_iter_values(states.iter().map(|state| *state as i32));
                Arc::new(DictionaryArray::<Int32Type>::new(keys, names()))
            }
            WalkColumn::From => {
                let keys: Int32Array =
                    (0..states.len()).map(|i| (frame.rows.ordinals[i] > 0).then(|| states[i - 1] as i32)).collect();
                Arc::new(DictionaryArray::<Int32Type>::new(keys, names()))
            }
        })
    }

    fn fetch(&mut self, frame: usize, steps: &[Step], input: &Input) -> Result<ArrayRef> {
        let Some((step, rest)) = steps.split_first() else { return self.column(frame, input.column) };
        match step {
            Step::Parent => {
                let (parent, index) =
                    self.frames[frame].parent.clone().ok_or_else(|| Error::internal("a root row has no parent"))?;
                let values = self.fetch(parent, rest, input)?;
                Ok(take(&values, &index, None)?)
            }
            Step::Ref(reference) => match self.link(frame, *reference)? {
                Link::Frame(to, index) => {
                    let values = self.fetch(to, rest, input)?;
                    match index {
                        Some(index) => Ok(take(&values, index.as_primitive::<Int64Type>(), None)?),
                        None => Ok(values),
                    }
                }
                Link::Whole(table, picks) => {
                    let values = whole(self.plan, table, rest, input)?;
                    Ok(take(&values, picks.as_primitive::<Int64Type>(), None)?)
                }
            },
        }
    }
}

/// A column of a small root table, all rows, computed once for all chunks.
fn whole(plan: &Plan, table: usize, steps: &[Step], input: &Input) -> Result<ArrayRef> {
    let cells = plan.tables[table].whole.as_ref().filter(|_| steps.is_empty());
    if let Some(array) = cells.and_then(|cells| cells[input.column].get()) {
        return Ok(Arc::clone(array));
    }
    let rows: Vec<u64> = (0..plan.tables[table].rows).collect();
    let mut chunk = Chunk::new(plan, table, &rows);
    let array = chunk.fetch(0, steps, input)?;
    if let Some(cells) = cells {
        // Another thread may have been first: its array is equal, and shared from now on.
        return Ok(Arc::clone(cells[input.column].get_or_init(|| array)));
    }
    Ok(array)
}

/// Nulls where the condition is not true, and by chance at the rate, with words apart from the value's own.
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
    let condition = when.map(arrow_array::cast::AsArray::as_boolean);
    let rate = rate.map(arrow_array::cast::AsArray::as_primitive::<Float64Type>);
    let hide = (0..rows.len()).map(|i| {
        let unmet = condition.is_some_and(|c| c.is_null(i) || !c.value(i));
        let by_chance =
            || rate.is_some_and(|r| !r.is_null(i) && Cell::new(key ^ 0x6E75_6C6C, rows.keys[i]).chance(r.value(i)));
        Some(unmet || by_chance())
    });
    Ok(nullif(&values, &hide.collect::<BooleanArray>())?)
}
