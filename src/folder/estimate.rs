//! The size of a data set before it is made: rows, bytes and memory, from a sample of each tree.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::dataset::{DataSet, OutputId, TreeShare};
use crate::error::Result;
use crate::format::{self, Format, Options, ROW_GROUP};

/// Rows of a tree from which an estimate is within a few percent.
const ENOUGH: f64 = 300_000.0;

/// How many rows an estimate is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// A few rows of each tree, in little memory: good enough to ask for limits, and off by up to a factor of four.
    Quick,
    /// About 300,000 rows of each tree, spread over all of it: within a few percent.
    Careful,
}

/// Bytes that a run needs before the first chunk.
const BASE: f64 = 40e6;
/// How many times the text of a chunk its arrays and waiting pieces take on each thread, as text and as columns: measured
/// on the shipped profile (100,000 patients on two threads: 212 MB as CSV, 344 MB as Parquet).
const AS_TEXT: f64 = 25.0;
const AS_COLUMNS: f64 = 8.0;
/// Bytes of a row of a hand, with all that is computed for it and for what hangs from it: measured on the remittances of
/// 1.2 million claims.
const HAND: f64 = 700.0;

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
            sample = plan.sample_of(root, (ENOUGH / per_root.max(1.0)) as u64 + 1)?;
        }
        let times = (rows.end - rows.start) as f64 / sample.rows.max(1) as f64;
        let complete = sample.rows >= plan.tables[root].rows;
        for output in tree.outputs {
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
                each * rows + group * (rows / ROW_GROUP as f64).ceil().max(1.0)
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

/// The memory that a run needs, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// For formats of text.
    pub as_text: f64,
    /// For formats of columns.
    pub as_columns: f64,
}

/// Estimates the memory of a run on so many threads.
///
/// # Errors
///
/// As [`estimate`].
pub fn memory(set: &DataSet, threads: usize) -> Result<Memory> {
    let plan = set.plan();
    let text = estimate(set, (format::find("csv")?, &Options::default()), Care::Quick)?;
    let chunk_rows = |one: &Estimate| one.mean * plan.tables[plan.root_of(set.output(one.output).table)].chunk as f64;
    let width = |one: &Estimate| one.bytes / one.rows.max(1.0);
    let chunk = text.iter().map(|one| chunk_rows(one) * width(one)).fold(0.0, f64::max);
    let hands = plan.trees().into_iter().map(|tree| plan.hands(tree.root)).max().unwrap_or(0) as f64 * HAND;
    let need = |factor: f64| BASE + threads as f64 * (factor * chunk + hands);
    // Each table's row group stays open until it is full.
    let groups: f64 = text.iter().map(|one| one.rows.min(ROW_GROUP as f64) * width(one)).sum();
    Ok(Memory { as_text: need(AS_TEXT), as_columns: need(AS_COLUMNS) + groups })
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
