//! How large a chunk is, from a sample of the tree.

use super::{Chunk, Plan, Source, Table, Tree};
use crate::error::Result;

/// Rows of a tree that a chunk aims at.
const CHUNK_ROWS: f64 = 32_768.0;

/// Rows of a tree from which an estimate is good enough.
const ENOUGH: usize = 2_000;

/// Rows of other trees that a sample may need: hands, and the families of their rows.
const SAMPLE_FACTS: u64 = 100_000;

/// A few root rows of a tree.
pub struct Sample<'p> {
    /// The rows.
    pub chunk: Chunk<'p>,
    /// How many.
    pub rows: u64,
    /// The mean rows of each table for one of them.
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
    /// Sets each root table's chunk so that a chunk has about as many rows of the whole tree, from a small sample; and
    /// refuses a profile that makes more rows than allowed.
    pub(super) fn size_chunks(&mut self) -> Result<()> {
        let mut trees = Vec::new();
        for Tree { root, .. } in self.trees() {
            let (rows, sample) = (self.tables[root].rows as f64, self.estimate(root)?);
            let per_root: f64 = sample.iter().map(|mean| mean.rows).sum();
            if self.tables[root].chunk == 0 {
                self.tables[root].chunk = ((CHUNK_ROWS / per_root.max(1.0)) as u64).clamp(1, 32_768);
            }
            trees.extend(sample.into_iter().map(|mean| MeanRows { table: mean.table, rows: mean.rows * rows }));
        }
        self.allow(&trees)
    }

    /// The mean rows of each table of a tree for one root row, from a few rows up to 200.
    pub fn estimate(&self, root: usize) -> Result<Vec<MeanRows>> {
        Ok(self.sample(root)?.means)
    }

    /// A few root rows from all over a tree.
    pub fn sample(&self, root: usize) -> Result<Sample<'_>> {
        let tree = self.tree(root).tables;
        let mut sampled = Sample { chunk: Chunk::new(self, root, &[]), rows: 0, means: Vec::new() };
        for size in [2, 16, 200] {
            let numbers = self.spaced(root, size);
            let size = numbers.len() as u64;
            if size == sampled.rows {
                break;
            }
            let mut chunk = Chunk::new(self, root, &numbers);
            let counts = tree.iter().map(|table| Ok((*table, chunk.rows(*table)?)));
            let counts = counts.collect::<Result<Vec<_>>>()?;
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

    /// So many root rows from all over a tree.
    pub fn sample_of(&self, root: usize, size: u64) -> Result<Sample<'_>> {
        let rows = self.spaced(root, size);
        let mut chunk = Chunk::new(self, root, &rows);
        let size = rows.len().max(1) as f64;
        let means = self.tree(root).tables.into_iter();
        let means = means.map(|table| Ok(MeanRows { table, rows: chunk.rows(table)? as f64 / size }));
        let means = means.collect::<Result<_>>()?;
        Ok(Sample { chunk, rows: rows.len() as u64, means })
    }

    /// Some rows of a root table from all over it: the first owners of a skewed deal have far more than others. There are
    /// fewer of them than asked for where their hands would be too many rows.
    fn spaced(&self, root: usize, size: u64) -> Vec<u64> {
        let rows = self.tables[root].rows;
        let most =
            (u128::from(rows) * u128::from(SAMPLE_FACTS) / u128::from(self.facts_before(root, rows).max(1))) as u64;
        let size = rows.min(size).min(most.max(2));
        (0..size).map(|at| (u128::from(rows) * u128::from(2 * at + 1) / u128::from(2 * size)) as u64).collect()
    }

    /// The end of the chunk that starts at a root row: after `size` rows, by default after the tree's own number, or
    /// before the hands of its rows are too large for memory. It depends on the plan alone.
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

    /// How many rows of hands a chunk of a tree needs at most: the first owners have the most.
    #[must_use]
    pub fn hands(&self, root: usize) -> u64 {
        self.facts_before(root, self.cut(root, 0, self.tables[root].rows, None))
    }

    /// How many facts belong to the rows of a dense table before a row: children sized in total, and rows dealt to them,
    /// which count with their siblings where those must be made too.
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

    /// How many rows must be made, on average, for one that stands alone.
    fn family(&self, table: &Table) -> u64 {
        let parent = table.parent.filter(|_| table.columns.iter().any(|column| column.family));
        parent.map_or(1, |parent| table.rows.div_ceil(self.tables[parent].rows.max(1)).max(1))
    }
}
