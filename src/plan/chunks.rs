//! Sizes of chunks, estimated from a sample of root rows.

use super::{Chunk, Plan, Source, Table, Tree};
use crate::error::Result;

/// The number of rows, of all tables of a tree, that a chunk should have.
const CHUNK_ROWS: f64 = 32_768.0;

/// The bytes of memory that a chunk should have at most.
const CHUNK_BYTES: f64 = 48.0 * 1_048_576.0;

/// The part of the memory of a chunk that its mean may take, because some chunks have more rows than others.
const SPARE: f64 = 4.0;

/// The number of sampled rows that is enough for an estimate.
const ENOUGH: usize = 2_000;

/// The most rows of other trees that a sample may need: hands, with the siblings of their rows.
const SAMPLE_FACTS: u64 = 100_000;

/// A sample of a tree.
pub struct Sample<'p> {
    /// The sampled root rows, with their descendants.
    pub chunk: Chunk<'p>,
    /// The number of sampled root rows.
    pub rows: u64,
    /// The tables of the tree, each with its mean number of rows for one root row.
    pub means: Vec<MeanRows>,
}

/// The mean rows of a table for one root row of its tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanRows {
    /// The table.
    pub table: usize,
    /// Its rows for one root row.
    pub rows: f64,
}

impl Plan {
    /// Sets each root table's chunk by a small sample, so that a chunk has about 32,768 rows of the whole tree, and at
    /// most 48 MiB. A number of rows that the profile chooses is kept, unless they need more memory than a chunk may
    /// take. Refuses a profile with more rows than the limit.
    pub(super) fn size_chunks(&mut self) -> Result<()> {
        let mut trees = Vec::new();
        for Tree { root, .. } in self.trees() {
            let (rows, sample) = (self.tables[root].rows as f64, self.estimate(root)?);
            let per_root: f64 = sample.iter().map(|mean| mean.rows).sum();
            let each = self.row_bytes(&sample).max(1.0);
            let most = self.limits.memory.chunk() as f64 / SPARE / each;
            let wanted = match self.tables[root].chunk {
                0 => (CHUNK_ROWS / per_root.max(1.0)).min(CHUNK_BYTES / each),
                chosen => chosen as f64,
            };
            self.tables[root].chunk = (wanted.min(most) as u64).max(1);
            trees.extend(sample.into_iter().map(|mean| MeanRows { table: mean.table, rows: mean.rows * rows }));
        }
        self.allow(&trees)
    }

    /// Estimates the rows of each table of a tree: the mean for one root row, from a sample of up to 200.
    ///
    /// # Errors
    ///
    /// If a value on which a number of rows depends cannot be computed.
    pub fn estimate(&self, root: usize) -> Result<Vec<MeanRows>> {
        Ok(self.sample(root)?.means)
    }

    /// Samples up to 200 root rows, evenly spaced, fewer if they already have 2,000 rows.
    ///
    /// # Errors
    ///
    /// If a value on which a number of rows depends cannot be computed.
    pub fn sample(&self, root: usize) -> Result<Sample<'_>> {
        let tree = self.tree(root).tables;
        let mut sampled = Sample { chunk: Chunk::new(self, root, &[]), rows: 0, means: Vec::new() };
        for size in [2, 16, 200] {
            let mut numbers = self.spaced(root, size);
            if numbers.len() as u64 == sampled.rows {
                break;
            }
            let count = |chunk: &mut Chunk<'_>| {
                let counts = tree.iter().map(|table| Ok((*table, chunk.rows(*table)?)));
                counts.collect::<Result<Vec<_>>>()
            };
            let mut chunk = Chunk::new(self, root, &numbers);
            let mut counts = count(&mut chunk);
            if counts.is_err() && size == 2 {
                // Two rows may need more memory than a chunk may take, where one does not.
                numbers.truncate(1);
                chunk = Chunk::new(self, root, &numbers);
                counts = count(&mut chunk);
            }
            let (counts, size) = (counts?, numbers.len() as u64);
            let mean =
                |(table, rows): &(usize, usize)| MeanRows { table: *table, rows: *rows as f64 / size.max(1) as f64 };
            let means = counts.iter().map(mean).collect();
            sampled = Sample { chunk, rows: size, means };
            if counts.iter().map(|(_, rows)| rows).sum::<usize>() > ENOUGH {
                break;
            }
        }
        Ok(sampled)
    }

    /// Samples `size` root rows, evenly spaced; fewer if the hands of that many would be too large.
    ///
    /// # Errors
    ///
    /// If a value on which a number of rows depends cannot be computed.
    pub fn sample_of(&self, root: usize, size: u64) -> Result<Sample<'_>> {
        let rows = self.spaced(root, size);
        let mut chunk = Chunk::new(self, root, &rows);
        let size = rows.len().max(1) as f64;
        let means = self.tree(root).tables.into_iter();
        let means = means.map(|table| Ok(MeanRows { table, rows: chunk.rows(table)? as f64 / size }));
        let means = means.collect::<Result<_>>()?;
        Ok(Sample { chunk, rows: rows.len() as u64, means })
    }

    /// Lists evenly spaced rows of a root table, because the first owners of a skewed deal have far more facts than the
    /// others. The result is shorter than `size` if the hands would have too many rows.
    fn spaced(&self, root: usize, size: u64) -> Vec<u64> {
        let rows = self.tables[root].rows;
        let most =
            (u128::from(rows) * u128::from(SAMPLE_FACTS) / u128::from(self.facts_before(root, rows).max(1))) as u64;
        let size = rows.min(size).min(most.max(2));
        (0..size).map(|at| (u128::from(rows) * u128::from(2 * at + 1) / u128::from(2 * size)) as u64).collect()
    }

    /// Gives the end of the chunk that starts at a root row: after `size` rows. Without a size, after the table's own
    /// number of rows, or fewer if their hands are large. It depends on nothing but the plan and the arguments.
    #[must_use]
    pub fn cut(&self, root: usize, start: u64, end: u64, size: Option<u64>) -> u64 {
        let far = start.saturating_add(size.unwrap_or(self.tables[root].chunk).max(1)).min(end);
        if size.is_some() {
            return far;
        }
        let room = self.facts_before(root, start) + CHUNK_ROWS as u64;
        let (mut good, mut bad) = (start + 1, far + 1);
        while bad - good > 1 {
            let middle = good.midpoint(bad);
            if self.facts_before(root, middle) <= room { good = middle } else { bad = middle }
        }
        good.min(end)
    }

    /// Counts the facts that belong to the rows before a row, in a table with a fixed number of rows: children of
    /// tables with `rows` in total, and dealt rows, with their siblings if those must be computed too.
    fn facts_before(&self, table: usize, row: u64) -> u64 {
        let children = self.tables.iter().enumerate().filter(|(_, child)| child.parent == Some(table));
        let children = children.filter_map(|(child, it)| match &it.source {
            Source::Dense(spread) => {
                let before = spread.start(row);
                Some(before + self.facts_before(child, before))
            }
            _ => None,
        });
        let dealt = self.tables.iter().flat_map(|facts| facts.refs.iter().flatten().map(move |it| (facts, it)));
        let dealt = dealt.filter(|(_, reference)| reference.table == table);
        let dealt =
            dealt.filter_map(|(facts, reference)| Some(reference.deal.as_ref()?.before(row) * self.family(facts)));
        children.sum::<u64>() + dealt.sum::<u64>()
    }

    /// Counts the rows that must be computed, on average, to get a single one: its family if a column depends on
    /// siblings.
    fn family(&self, table: &Table) -> u64 {
        let parent = table.parent.filter(|_| table.columns.iter().any(|column| column.needs_siblings));
        parent.map_or(1, |parent| table.rows.div_ceil(self.tables[parent].rows.max(1)).max(1))
    }
}
