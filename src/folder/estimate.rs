//! The size of a data set before it is made: rows, bytes and memory, from a sample of each tree.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::dataset::{DataSet, OutputId, TreeShare};
use crate::error::{Error, Result};
use crate::format::{self, Format, Options, row_group};
use crate::plan::Chunk;

/// Rows of a tree from which an estimate is within a few percent.
const ENOUGH: f64 = 300_000.0;

/// The most bytes of a sample.
const SAMPLE: f64 = 128e6;

/// How many rows an estimate is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// A few rows of each tree, in little memory: good enough to ask for limits, and off by up to a factor of four.
    Quick,
    /// About 300,000 rows of each tree, spread over all of it, in at most 128 MB: within a few percent.
    Careful,
}

/// Bytes of the program, of the rows that sizes are estimated from, and of memory that the allocator keeps. Measured, like the
/// constants below.
const BASE: f64 = 95e6;
/// How many times the bytes of its columns a chunk takes while it is made: values that expressions need on their way, and
/// memory that the allocator keeps.
const WORK: f64 = 1.6;
/// Bytes of a written column, whatever its rows.
const COLUMN: f64 = 25e3;
/// Bytes that an open row group takes for each column beside its values.
const GROUP_COLUMN: f64 = 8e3;

/// The estimated size of one output.
#[derive(Debug, Clone, Copy)]
pub struct Estimate {
    /// The output.
    pub output: OutputId,
    /// Its rows.
    pub rows: f64,
    /// True if the number of rows is exact.
    pub exact: bool,
    /// Its bytes as one file, or as the file of one part.
    pub bytes: f64,
    /// Its rows for one root row.
    pub mean: f64,
}

/// Estimates the files of a data set in a format.
///
/// # Errors
///
/// If a row of the sample cannot be made or written.
pub fn estimate(set: &DataSet, (format, options): (&Format, &Options), care: Care) -> Result<Vec<Estimate>> {
    let (plan, mut all) = (set.plan(), Vec::new());
    for tree in set.trees() {
        if set.selection().is_some() {
            all.extend(chosen(set, &tree, (format, options))?);
            continue;
        }
        let (root, rows) = (tree.root, tree.rows);
        let mut sample = plan.sample(root)?;
        if care == Care::Careful {
            let per_root: f64 = sample.means.iter().map(|mean| mean.rows).sum();
            let tables = tree.outputs.iter().map(|output| set.output(*output).table);
            let each = sample.chunk.bytes(tables)? as f64 / sample.rows.max(1) as f64;
            let most = SAMPLE.min(plan.limits.memory.chunk() as f64 / 2.0) / each.max(1.0);
            sample = plan.sample_of(root, (ENOUGH / per_root.max(1.0)).min(most) as u64 + 1)?;
        }
        let times = (rows.end - rows.start) as f64 / sample.rows.max(1) as f64;
        let complete = sample.rows >= plan.tables[root].rows;
        for output in tree.outputs {
            if !set.output(output).sources.is_empty() {
                // What stages add to the tables is little beside them.
                all.push(Estimate { output, rows: 0.0, exact: false, bytes: 0.0, mean: 0.0 });
                continue;
            }
            let table = set.output(output).table;
            let (planned, batch) = (&plan.tables[table], sample.chunk.batch(table)?);
            let size = |rows: usize| file_size(format, options, &planned.schema, batch.slice(0, rows));
            let (seen, full) = (batch.num_rows(), size(batch.num_rows())?);
            let whole = set.this_part().is_none();
            let rows = if planned.dense() && whole { planned.rows as f64 } else { seen as f64 * times };
            let clear = if complete && whole || seen < 2 {
                full
            } else {
                // Each row group has its own dictionaries and its own entry at the end of the file.
                let each = (full - size(seen / 2)?) / (seen - seen / 2) as f64;
                let group = (full - each * seen as f64).max(0.0);
                each * rows + group * (rows / row_group(planned.schema.fields().len()) as f64).ceil().max(1.0)
            };
            let bytes = clear + rows * set.protection().extra(table) as f64;
            let exact = planned.dense() || complete;
            all.push(Estimate { output, rows, exact, bytes, mean: seen as f64 / sample.rows.max(1) as f64 });
        }
    }
    all.sort_by_key(|estimate| estimate.output);
    Ok(all)
}

/// The sizes of chosen rows, which are few: they are made.
fn chosen(set: &DataSet, tree: &TreeShare, (format, options): (&Format, &Options)) -> Result<Vec<Estimate>> {
    let made = set.chunk(tree, tree.rows.clone())?;
    let size = |(output, batch): (OutputId, RecordBatch)| {
        let rows = batch.num_rows() as f64;
        let bytes = file_size(format, options, &set.output(output).schema, batch)?;
        Ok(Estimate { output, rows, exact: true, bytes, mean: rows / made.roots.len().max(1) as f64 })
    };
    made.batches.into_iter().map(size).collect()
}

/// The bytes of a file with some rows.
fn file_size(format: &Format, options: &Options, schema: &SchemaRef, batch: RecordBatch) -> Result<f64> {
    let encoder = (format.encoder)(schema, options)?;
    let count = Count::default();
    let mut sink = encoder.open(Box::new(count.clone()))?;
    sink.append(encoder.encode(batch)?)?;
    sink.finish()?;
    Ok(count.0.load(Ordering::Relaxed) as f64)
}

/// Refuses a run whose files would be larger than the plan allows.
pub(crate) fn within_budget(set: &DataSet, sizes: &[Estimate]) -> Result<()> {
    let most = sizes.iter().max_by(|one, other| one.bytes.total_cmp(&other.bytes));
    let path = most.map_or_else(String::new, |most| format!("tables.{}", set.output(most.output).name));
    let all = sizes.iter().map(|table| table.bytes).sum();
    set.plan().limits.allow_bytes(all).map_err(|error| error.within(&path))
}

/// The memory that a run takes, in bytes.
#[derive(Debug, Clone)]
pub struct Memory {
    /// For formats of text.
    pub as_text: f64,
    /// For formats of columns.
    pub as_columns: f64,
    /// The root table of the tree that takes most as columns.
    pub tree: String,
}

/// Estimates the memory of a run on so many threads: its largest tree, and everything that stays for the whole run. Makes
/// two chunks of each tree.
///
/// # Errors
///
/// As [`estimate`].
pub fn memory(set: &DataSet, threads: usize) -> Result<Memory> {
    let text = estimate(set, (format::find("csv")?, &Options::default()), Care::Quick)?;
    let base = base(set);
    let mut memory = Memory { as_text: base, as_columns: base, tree: String::new() };
    for tree in set.trees() {
        let own: Vec<&Estimate> = text.iter().filter(|one| tree.outputs.contains(&one.output)).collect();
        let (start, end) = (tree.rows.start, tree.rows.end);
        let first = set.cut(&tree, start);
        let chunks = (end - start).div_ceil((first - start).max(1)) as f64;
        let making = chunk_bytes(set, &tree, start)?.max(chunk_bytes(set, &tree, start.midpoint(end))?) as f64;
        let written: f64 = own.iter().map(|one| one.mean * width(one)).sum::<f64>() * (first - start) as f64;
        // Each thread makes a chunk while another waits for its turn in the files.
        let making = chunks.min(threads as f64) * making * WORK;
        let waiting = chunks.min(2.0 * threads as f64) * written;
        let groups: f64 = own.iter().map(|one| group(set, one)).sum();
        memory.as_text = memory.as_text.max(base + making + waiting);
        if base + making + waiting + groups > memory.as_columns {
            memory.as_columns = base + making + waiting + groups;
            memory.tree = tree.name;
        }
    }
    Ok(memory)
}

/// The bytes of a run whatever the size of its chunks.
fn base(set: &DataSet) -> f64 {
    let columns: usize = set.outputs().iter().map(|output| output.schema.fields().len()).sum();
    BASE + set.plan().resident() as f64 + columns as f64 * COLUMN
}

/// The bytes of an output's row.
fn width(one: &Estimate) -> f64 {
    one.bytes / one.rows.max(1.0)
}

/// The bytes of the row group of an output that stays in memory until it is full.
fn group(set: &DataSet, one: &Estimate) -> f64 {
    let columns = set.output(one.output).schema.fields().len();
    one.rows.min(row_group(columns) as f64) * width(one) + columns as f64 * GROUP_COLUMN
}

/// Makes the chunk from a root row of a tree, and counts its bytes.
fn chunk_bytes(set: &DataSet, tree: &TreeShare, start: u64) -> Result<u64> {
    let rows: Vec<u64> = (start..set.cut(tree, start)).collect();
    let mut chunk = Chunk::new(set.plan(), tree.root, &rows);
    chunk.bytes(tree.outputs.iter().map(|output| set.output(*output).table))
}

/// Refuses a run that would take more memory than it may. The sizes are those in its format, of columns or of text.
pub(crate) fn within_memory(set: &DataSet, sizes: &[Estimate], columns: bool) -> Result<()> {
    let limit = set.plan().limits.memory;
    let allowed = limit.bytes as f64;
    let groups = |tree: TreeShare| {
        sizes.iter().filter(|one| tree.outputs.contains(&one.output)).map(|one| group(set, one)).sum()
    };
    let most: f64 = set.trees().into_iter().map(groups).fold(0.0, f64::max);
    // Far below the limit, the chunks that a better estimate takes are not worth their time.
    if set.selection().is_some() || base(set) + if columns { most } else { 0.0 } < allowed / 4.0 {
        return Ok(());
    }
    let memory = memory(set, limit.threads)?;
    let needed = if columns { memory.as_columns } else { memory.as_text };
    if needed <= allowed {
        return Ok(());
    }
    let [needed, allowed] = [needed, allowed].map(|bytes| (bytes / 1e6).ceil());
    Err(Error::profile("", format!("about {needed} MB of memory are needed, more than the limit of {allowed} MB"))
        .hint(format!(
            "a larger `--max-memory` allows them, such as {}M; fewer `--threads` and formats of text need less",
            needed * 2.0
        ))
        .within(&format!("tables.{}", memory.tree)))
}

/// Counts bytes.
#[derive(Clone, Default)]
struct Count(Arc<AtomicU64>);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
