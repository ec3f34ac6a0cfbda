//! The rows of a data set: chunk by chunk, as they are sent, as a correct system holds them, or without faults.

use std::ops::Range;

use arrow_array::RecordBatch;
use indexmap::IndexMap;

use super::{DataSet, OutputId, TreeBatch, TreeShare};
use crate::answers::{Questions, Tally};
use crate::error::{Error, Result};
use crate::plan::Chunk;

/// The rows of a data set that are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Those that are sent, with faults.
    Sent,
    /// Those that a correct system holds.
    Held,
    /// Those without faults.
    Clean,
}

impl DataSet {
    /// The rows of a tree's outputs that hang from some root rows, after every stage.
    ///
    /// # Errors
    ///
    /// If an expression or generator has no value for a row, or a stage cannot change one.
    pub fn chunk(&self, tree: &TreeShare, rows: Range<u64>) -> Result<TreeBatch> {
        self.counted(tree, rows, None)
    }

    /// As [`DataSet::chunk`], with the rows that a correct system holds in place of those that are sent: without faults, all of them.
    ///
    /// # Errors
    ///
    /// As [`DataSet::chunk`].
    pub fn held(&self, tree: &TreeShare, rows: Range<u64>) -> Result<TreeBatch> {
        self.made_whole(tree, rows, Form::Held)
    }

    /// As [`DataSet::chunk`], without faults.
    ///
    /// # Errors
    ///
    /// As [`DataSet::chunk`].
    pub fn clean(&self, tree: &TreeShare, rows: Range<u64>) -> Result<TreeBatch> {
        self.made_whole(tree, rows, Form::Clean)
    }

    /// All rows of some root rows of a tree, by their numbers: without faults, and as they are sent.
    ///
    /// # Errors
    ///
    /// As [`DataSet::chunk`].
    pub fn both(&self, root: usize, numbers: &[u64]) -> Result<[TreeBatch; 2]> {
        let tables = self.plan.trees().into_iter().find(|tree| tree.root == root);
        let outputs = tables.into_iter().flat_map(|tree| tree.tables).map(OutputId).collect();
        let (name, rows) = (self.plan.tables[root].name.clone(), 0..self.plan.tables[root].rows);
        let tree = TreeShare { root, name, rows, outputs };
        let made = |form| self.made(&tree, numbers.to_vec(), form, None);
        Ok([made(Form::Clean)?, made(Form::Sent)?])
    }

    fn made_whole(&self, tree: &TreeShare, rows: Range<u64>, form: Form) -> Result<TreeBatch> {
        match &self.selection {
            Some(_) => self.chunk(tree, rows),
            None => self.made(tree, rows.collect(), form, None),
        }
    }

    /// What is asked of the outputs, for an answer key.
    #[must_use]
    pub fn questions(&self) -> Questions {
        let questions = Questions::new(&self.plan, self.part, &self.outputs, &self.protection);
        match self.faults() {
            Some(faults) => questions.with_faults(faults.counts(&self.plan)),
            None => questions,
        }
    }

    /// As [`DataSet::chunk`], with the answers of these rows.
    ///
    /// # Errors
    ///
    /// As [`DataSet::chunk`], or if an answer has too many groups.
    pub fn chunk_with_answers(
        &self,
        tree: &TreeShare,
        rows: Range<u64>,
        questions: &Questions,
    ) -> Result<(TreeBatch, Tally)> {
        let mut tally = Tally::default();
        let made = self.counted(tree, rows, Some((questions, &mut tally)))?;
        Ok((made, tally))
    }

    fn counted(
        &self,
        tree: &TreeShare,
        rows: Range<u64>,
        answers: Option<(&Questions, &mut Tally)>,
    ) -> Result<TreeBatch> {
        let roots: Vec<u64> = match &self.selection {
            Some(selection) => selection.numbers(tree.root, &rows),
            None => rows.collect(),
        };
        let mut made = self.made(tree, roots, Form::Sent, answers)?;
        if let Some(selection) = &self.selection {
            for (id, batch) in made.batches.iter_mut().filter(|(id, _)| self.all[id.0].sources.is_empty()) {
                *batch = selection.keep(self.all[id.0].table, batch)?;
            }
        }
        Ok(made)
    }

    /// The rows of some tables of a tree that hang from any of its root rows, by their numbers from 0, after every stage. They are those
    /// of the whole data set.
    ///
    /// # Errors
    ///
    /// As [`DataSet::chunk`], or if encrypted cells of a table without a key are bound to the numbers of its rows, which rows of some
    /// root rows alone do not have.
    pub fn rows_of(&self, root: usize, numbers: &[u64], tables: &[usize]) -> Result<IndexMap<usize, RecordBatch>> {
        let planned = &self.plan.tables;
        if let Some(table) = tables.iter().find(|table| **table != root && self.protection.binds_numbers(**table)) {
            let message = format!(
                "`{}` has no key, so that encrypted cells are bound to the numbers of its rows, which some rows alone do not have",
                planned[*table].name
            );
            return Err(Error::usage(message).hint("give the table a column with key = true"));
        }
        let outputs = tables.iter().map(|table| OutputId(*table)).collect();
        let tree = TreeShare { root, name: planned[root].name.clone(), rows: 0..planned[root].rows, outputs };
        let made = self.made(&tree, numbers.to_vec(), Form::Sent, None)?;
        Ok(made.batches.into_iter().map(|(id, batch)| (id.0, batch)).collect())
    }

    /// The rows that hang from some root rows, after every stage.
    fn made(
        &self,
        tree: &TreeShare,
        roots: Vec<u64>,
        form: Form,
        answers: Option<(&Questions, &mut Tally)>,
    ) -> Result<TreeBatch> {
        let mut chunk = Chunk::new(&self.plan, tree.root, &roots);
        let needed = self.needed(&tree.outputs);
        let batches = IndexMap::with_capacity(needed.len());
        let mut made = TreeBatch { roots, batches, needed, hold: form == Form::Held, ..TreeBatch::default() };
        for id in made.needed.iter().filter(|id| self.output(**id).sources.is_empty()) {
            made.batches.insert(*id, chunk.batch(self.output(*id).table)?);
        }
        let mut stages = self.stages(form);
        if self.faults.is_some()
            && form != Form::Clean
            && let Some(faults) = stages.next()
        {
            // They need columns that are computed already.
            faults.apply(&mut made, &mut chunk, &self.all)?;
        }
        if let Some((questions, tally)) = answers {
            self.count(&made, tree, &mut chunk, questions, tally)?;
        }
        chunk.forget();
        stages.try_for_each(|stage| stage.apply(&mut made, &mut chunk, &self.all))?;
        let missing = || Error::internal("a stage did not make its output");
        let wanted = |id: &OutputId| Ok((*id, made.batches.swap_remove(id).ok_or_else(missing)?));
        made.batches = tree.outputs.iter().map(wanted).collect::<Result<_>>()?;
        Ok(made)
    }

    /// The rows of one table, chunk by chunk.
    ///
    /// # Errors
    ///
    /// If the data set has no table of this name. Each chunk may fail as [`DataSet::chunk`] does.
    pub fn batches(&self, table: &str) -> Result<impl Iterator<Item = Result<RecordBatch>>> {
        let Some(output) = self.outputs.iter().find(|output| output.name == table) else {
            self.plan.table(table)?;
            return Err(Error::usage(format!("the data set leaves out the table `{table}`")));
        };
        let id = output.id;
        let trees = self.trees().into_iter().filter(move |tree| tree.outputs.contains(&id));
        let own = move |mut tree: TreeShare| {
            tree.outputs = vec![id];
            let mut start = tree.rows.start;
            std::iter::from_fn(move || {
                let rows = (start < tree.rows.end).then(|| start..self.cut(&tree, start))?;
                start = rows.end;
                let batch = |mut made: TreeBatch| {
                    made.batches.swap_remove(&id).ok_or_else(|| Error::internal("a chunk without its table"))
                };
                Some(self.chunk(&tree, rows).and_then(batch))
            })
        };
        Ok(trees.flat_map(own))
    }
}
