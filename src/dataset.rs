//! A data set as a pure value: a plan, the tables that are wanted, the part, and the stages that rows pass through.
//!
//! It knows no file, format or thread. The engine writes it to a target, a verifier derives it again, and a program iterates over it.

mod fingerprint;
mod only;
mod protection;

use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use serde_json::{Map, Value, json};

pub use fingerprint::{FINGERPRINT, fingerprint};
pub use only::{Only, Selection};

use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::notes::Noted;
use crate::part::{Part, share};
use crate::plan::{Chunk, Plan};
use crate::protect::{Protection, Settings, understood};
pub use crate::stage::{Output, OutputId, Stage, TreeBatch};

/// A data set: everything that determines its rows, and nothing about where they go.
///
/// ```
/// use placebo::dataset::DataSet;
/// let set = DataSet::load("healthcare")?;
/// let first = set.batches("patient")?.next().expect("a chunk")?;
/// assert_eq!(first.schema().field(0).name(), "patient_id");
/// assert!(first.num_rows() > 100);
/// # Ok::<(), placebo::error::Error>(())
/// ```
pub struct DataSet {
    plan: Arc<Plan>,
    tables: Vec<usize>,
    part: Option<Part>,
    selection: Option<Selection>,
    protection: Protection,
    chunk_rows: Option<u64>,
    outputs: Vec<Output>,
}

/// The share of a tree that a data set has: root rows, and the outputs that are wanted of them and of what hangs from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeShare {
    /// The root table.
    pub root: usize,
    /// The root table's name.
    pub name: String,
    /// The root rows of this part.
    pub rows: Range<u64>,
    /// The outputs, in the order of the data set.
    pub outputs: Vec<OutputId>,
}

impl DataSet {
    /// All tables of a plan, whole and unprotected.
    #[must_use]
    pub fn new(plan: impl Into<Arc<Plan>>) -> Self {
        let plan = plan.into();
        let tables = (0..plan.tables.len()).collect();
        let protection = Protection::none(Settings::default());
        Self { plan, tables, part: None, selection: None, protection, chunk_rows: None, outputs: Vec::new() }
            .with_outputs()
    }

    /// All tables of a profile with its own parameters and seed `0`: of an embedded one by its name, or of a file.
    ///
    /// # Errors
    ///
    /// If the profile cannot be read or has a mistake.
    pub fn load(profile: &str) -> Result<Self> {
        let plan = Plan::compile(&crate::profile::load(profile)?, &crate::plan::Options::default())?;
        understood(&plan)?;
        Ok(Self::new(plan))
    }

    /// Keeps the tables with these names, in this order.
    ///
    /// # Errors
    ///
    /// If the plan has no table of a name, with the nearest name as a hint, or no row of it is among those chosen.
    pub fn tables<S: AsRef<str>>(mut self, names: &[S]) -> Result<Self> {
        self.tables = names.iter().map(|name| self.plan.table(name.as_ref())).collect::<Result<_>>()?;
        if let Some(selection) = &self.selection
            && let Some(table) = self.tables.iter().find(|table| selection.rows(**table).is_none())
        {
            let (only, table) = (selection.only(), &self.plan.tables[*table].name);
            let error = Error::usage(format!("no row of `{table}` hangs from `{}={}`", only.table, only.key));
            let hint = (!only.with_parents)
                .then(|| "--with-parents adds rows of other tables that are referred to".to_owned());
            return Err(error.maybe_hint(hint));
        }
        Ok(self.with_outputs())
    }

    /// Keeps one row of a root table with all that hangs from it, and the tables that have such rows. With parents: also the
    /// rows that these refer to. Values are those of the whole.
    ///
    /// ```
    /// use placebo::dataset::{DataSet, Only};
    /// let only = Only { table: "patient".to_owned(), key: "17".to_owned(), with_parents: false };
    /// let set = DataSet::load("healthcare")?.only(&only)?;
    /// let patient = set.batches("patient")?.next().expect("a chunk")?;
    /// assert_eq!(patient.num_rows(), 1);
    /// # Ok::<(), placebo::error::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the table is no root table or has no such row, a value cannot be computed, or a row refers to one that is not there.
    pub fn only(mut self, only: &Only) -> Result<Self> {
        let selection = Selection::new(&self.plan, only)?;
        let numbered = |table: &&usize| selection.rows(**table).is_some() && self.protection.binds_numbers(**table);
        if let Some(table) = self.tables.iter().find(numbered) {
            let name = &self.plan.tables[*table].name;
            let message = format!(
                "`{name}` has no key, so that encrypted cells are bound to the numbers of its rows, which one row alone does not have"
            );
            return Err(
                Error::usage(message).hint("give the table a column with key = true, or generate the whole table")
            );
        }
        self.tables.retain(|table| selection.rows(*table).is_some());
        self.selection = Some(selection);
        Ok(self.with_outputs())
    }

    /// Keeps one part of the rows; `None` keeps all of them.
    #[must_use]
    pub fn part(mut self, part: Option<Part>) -> Self {
        self.part = part;
        self
    }

    /// Protects personal data.
    #[must_use]
    pub fn protected(mut self, protection: Protection) -> Self {
        self.protection = protection;
        self.with_outputs()
    }

    /// Cuts chunks of so many root rows, for tests: the rows do not depend on it. `None` leaves it to the plan.
    #[must_use]
    pub fn chunk_rows(mut self, rows: Option<u64>) -> Self {
        self.chunk_rows = rows;
        self
    }

    fn with_outputs(mut self) -> Self {
        let output = |(at, table): (usize, &usize)| {
            let known = &self.plan.tables[*table];
            Output {
                id: OutputId(at),
                name: known.name.clone(),
                about: known.about.clone(),
                schema: Arc::clone(&known.schema),
                checks: known.checks.clone(),
                table: *table,
            }
        };
        let before = self.tables.iter().enumerate().map(output).collect();
        self.outputs = self.stages().iter().fold(before, |outputs, stage| stage.outputs(outputs));
        self
    }

    /// The stages, in the order in which a chunk passes them.
    fn stages(&self) -> [&dyn Stage; 1] {
        [&self.protection]
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The part; `None` for the whole.
    #[must_use]
    pub fn this_part(&self) -> Option<Part> {
        self.part
    }

    /// The rows that were chosen; `None` for all.
    #[must_use]
    pub fn selection(&self) -> Option<&Selection> {
        self.selection.as_ref()
    }

    /// The handling of personal data.
    #[must_use]
    pub fn protection(&self) -> &Protection {
        &self.protection
    }

    /// Everything that is written, with its columns and keys, in the order in which tables were asked for.
    #[must_use]
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// One output.
    #[must_use]
    pub fn output(&self, id: OutputId) -> &Output {
        &self.outputs[id.0]
    }

    /// The trees that outputs come from. Trees that others refer to come before those, as far as references have no circle;
    /// otherwise the plan's order decides.
    #[must_use]
    pub fn trees(&self) -> Vec<TreeShare> {
        let wanted = |tables: Vec<usize>| {
            self.outputs.iter().filter(|output| tables.contains(&output.table)).map(|output| output.id).collect()
        };
        let tree = |tree: crate::plan::Tree| {
            let root = &self.plan.tables[tree.root];
            let rows = match &self.selection {
                Some(selection) => selection.range(tree.root),
                None => share(root.rows, self.part),
            };
            let name = root.name.clone();
            TreeShare { root: tree.root, name, rows, outputs: wanted(tree.tables) }
        };
        let mut rest: Vec<TreeShare> =
            self.plan.trees().into_iter().map(tree).filter(|tree| !tree.outputs.is_empty()).collect();
        let mut sorted = Vec::with_capacity(rest.len());
        while !rest.is_empty() {
            let free = |tree: &TreeShare| rest.iter().all(|other| other == tree || !self.refers(tree, other));
            let at = rest.iter().position(free).unwrap_or(0);
            sorted.push(rest.remove(at));
        }
        sorted
    }

    /// Tells whether an output of `from` refers to an output of `to`.
    fn refers(&self, from: &TreeShare, to: &TreeShare) -> bool {
        let fields = from.outputs.iter().flat_map(|id| self.output(*id).schema.fields());
        let mut targets = fields.filter_map(|field| Some(field.reference()?.0));
        targets.any(|name| to.outputs.iter().any(|id| self.output(*id).name == name))
    }

    /// The end of the chunk that starts at a root row of a tree. It depends on the plan alone, unless the chunk's size was set.
    /// Chosen rows are one chunk.
    #[must_use]
    pub fn cut(&self, tree: &TreeShare, start: u64) -> u64 {
        if self.selection.is_some() {
            return tree.rows.end;
        }
        self.plan.cut(tree.root, start, tree.rows.end, self.chunk_rows)
    }

    /// The rows of a tree's outputs that hang from some root rows, after every stage.
    ///
    /// # Errors
    ///
    /// If an expression or generator has no value for a row, or a stage cannot change one.
    pub fn chunk(&self, tree: &TreeShare, rows: Range<u64>) -> Result<TreeBatch> {
        let roots: Vec<u64> = match &self.selection {
            Some(selection) => selection.numbers(tree.root, &rows),
            None => rows.collect(),
        };
        let mut chunk = Chunk::new(&self.plan, tree.root, &roots);
        let batch = |id: &OutputId| Ok((*id, chunk.batch(self.output(*id).table)?));
        let batches = tree.outputs.iter().map(batch).collect::<Result<_>>()?;
        chunk.forget();
        let mut made = TreeBatch { roots: roots.clone(), batches };
        self.stages().iter().try_for_each(|stage| stage.apply(&mut made, &mut chunk, &self.outputs))?;
        if let Some(selection) = &self.selection {
            for (id, batch) in &mut made.batches {
                *batch = selection.keep(self.outputs[id.0].table, batch)?;
            }
        }
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

    /// The hash of everything that determines the rows, as 64 hex digits. Where a key hides the seed, it hides it here too.
    #[must_use]
    pub fn inputs(&self) -> String {
        self.inputs_with(Map::new())
    }

    /// The hash of everything that determines the rows, and of what a target adds to it, such as the file format.
    #[must_use]
    pub fn inputs_with(&self, target: Map<String, Value>) -> String {
        self.inputs_of(self.part, target)
    }

    /// As [`DataSet::inputs_with`], for a target that holds all parts together: equal for each part and for the whole.
    #[must_use]
    pub fn inputs_of_all_parts(&self, target: Map<String, Value>) -> String {
        self.inputs_of(None, target)
    }

    /// As [`DataSet::inputs_with`], for any part.
    #[must_use]
    pub fn inputs_of(&self, part: Option<Part>, target: Map<String, Value>) -> String {
        let names: Vec<&str> = self.outputs.iter().map(|output| output.name.as_str()).collect();
        let mut all = Map::new();
        all.insert("engine".to_owned(), FINGERPRINT.into());
        all.insert("fingerprint".to_owned(), fingerprint(&self.plan).into());
        all.extend(target);
        all.insert("tables".to_owned(), names.into());
        all.insert("part".to_owned(), json!(part.map(|part| [part.index(), part.count()])));
        if let Some(selection) = &self.selection {
            all.insert("only".to_owned(), json!(selection.only()));
        }
        for stage in self.stages() {
            let (name, value) = stage.inputs(&self.plan);
            all.insert(name.to_owned(), value);
        }
        let inputs = sha256(Value::Object(all).to_string().as_bytes());
        self.protection.commitment(&inputs).unwrap_or(inputs)
    }

    /// The fingerprint as it may be shown: where a key hides the seed, a keyed hash of it, because a seed can be found by trying.
    #[must_use]
    pub fn shown_fingerprint(&self) -> String {
        let plain = fingerprint(&self.plan);
        self.protection.commitment(&plain).unwrap_or(plain)
    }
}
