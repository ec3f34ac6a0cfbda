//! A data set as a pure value: a plan, the tables that are wanted, the part, and the stages that rows pass through.
//!
//! It knows no file, format or thread. The engine writes it to a target, a verifier derives it again, and a program iterates over it.

mod counting;
mod fingerprint;
mod inputs;
mod only;
mod protection;
mod rows;

use std::ops::Range;
use std::sync::Arc;

pub use fingerprint::{FINGERPRINT, fingerprint};
pub use only::{Only, Selection};

use crate::error::{Error, Result};
use crate::fault::{Assembly, Faults, LIST};
use crate::notes::{Key, Noted};
use crate::part::{Part, share};
use crate::plan::Plan;
use crate::protect::{Handling, Protection, Settings, handling_of, understood};
pub use crate::stage::{Output, OutputId, Stage, TreeBatch};
use rows::Form;

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
    /// The names of the outputs that are wanted, in their order; `None` for all.
    wanted: Option<Vec<String>>,
    part: Option<Part>,
    selection: Option<Selection>,
    protection: Protection,
    faults: Option<(Arc<Faults>, Assembly)>,
    /// `true` leaves out the lists of cases.
    unlisted: bool,
    more: Vec<Arc<dyn Stage>>,
    chunk_rows: Option<u64>,
    /// All outputs, by the number in their identity: tables of the plan, then those that stages add.
    all: Vec<Output>,
    /// The wanted ones.
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
        let protection = Protection::none(Settings::default());
        let (plan, more, all, outputs) = (plan.into(), Vec::new(), Vec::new(), Vec::new());
        let set = Self {
            plan,
            wanted: None,
            part: None,
            selection: None,
            protection,
            faults: None,
            unlisted: false,
            more,
            chunk_rows: None,
            all,
            outputs,
        };
        set.with_outputs()
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

    /// Keeps the outputs with these names, in this order: tables, and what stages add.
    ///
    /// # Errors
    ///
    /// If there is no output of a name, with the nearest name as a hint, or no row of it is among those chosen.
    pub fn tables<S: AsRef<str>>(mut self, names: &[S]) -> Result<Self> {
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        for name in &names {
            let table = match self.all.iter().find(|output| output.name == *name) {
                Some(output) => output.table,
                None => self.plan.table(name)?,
            };
            let Some(selection) = self.selection.as_ref().filter(|selection| selection.rows(table).is_none()) else {
                continue;
            };
            let only = selection.only();
            let error = Error::usage(format!("no row of `{name}` hangs from `{}={}`", only.table, only.key));
            let hint = (!only.with_parents)
                .then(|| "--with-parents adds rows of other tables that are referred to".to_owned());
            return Err(error.maybe_hint(hint));
        }
        self.wanted = Some(names.into_iter().map(str::to_owned).collect());
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
    /// If the table is not a root table or has no such row, a value cannot be computed, or a row refers to one that is not there.
    pub fn only(mut self, only: &Only) -> Result<Self> {
        let selection = Selection::new(&self.plan, only)?;
        let numbered =
            |output: &&Output| selection.rows(output.table).is_some() && self.protection.binds_numbers(output.table);
        if let Some(output) = self.outputs.iter().find(numbered) {
            let name = &output.name;
            let message = format!(
                "`{name}` has no key, so that encrypted cells are bound to the numbers of its rows, which one row alone does not have"
            );
            return Err(
                Error::usage(message).hint("give the table a column with key = true, or generate the whole table")
            );
        }
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

    /// Makes the faults of the plan, with what protection the data set has by then. A plan without faults stays as it is.
    ///
    /// # Errors
    ///
    /// As [`Faults::new`]; or if rows were chosen, whose faults would be those of other rows.
    pub fn faulty(mut self) -> Result<Self> {
        if self.plan.faults.is_empty() {
            return Ok(self);
        }
        if self.selection.is_some() {
            return Err(Error::usage("faults cannot be made of one row alone")
                .hint("leave out --only, or choose the rows with --part or --rows"));
        }
        let sealed = |table: usize, place: usize| {
            let schema = self.protection.schema(&self.plan, table);
            let how = schema.field(place).note(Key::Protection);
            how.is_some_and(|how| handling_of(how).is_ok_and(Handling::seals))
        };
        let faults = Faults::new(&self.plan, sealed)?.map(Arc::new);
        self.faults = faults.map(|faults| (Arc::clone(&faults), Assembly::new(faults, Arc::clone(&self.plan))));
        Ok(self.with_outputs())
    }

    /// Leaves out the lists of cases, for a target that takes one output.
    #[must_use]
    pub fn unlisted(mut self) -> Self {
        self.unlisted = true;
        self.with_outputs()
    }

    /// The faults that are made; `None` where there are none.
    #[must_use]
    pub fn faults(&self) -> Option<&Faults> {
        self.faults.as_ref().map(|(faults, _)| faults.as_ref())
    }

    /// Tells whether the rows of an output may be others than the clean ones.
    #[must_use]
    pub fn is_faulty(&self, output: &Output) -> bool {
        output.sources.is_empty() && self.faults().is_some_and(|faults| faults.touches(&self.plan, output.table))
    }

    /// Adds a stage, which rows pass after those that are there. The folder's manifest knows protection only: what is written through
    /// another stage cannot be verified against its profile.
    #[must_use]
    pub fn stage(mut self, stage: impl Stage + 'static) -> Self {
        self.more.push(Arc::new(stage));
        self.with_outputs()
    }

    /// Cuts chunks of so many root rows, for tests: the rows do not depend on it. `None` leaves it to the plan.
    #[must_use]
    pub fn chunk_rows(mut self, rows: Option<u64>) -> Self {
        self.chunk_rows = rows;
        self
    }

    /// The root rows of a chunk, where they were set.
    #[must_use]
    pub fn set_chunk_rows(&self) -> Option<u64> {
        self.chunk_rows
    }

    fn with_outputs(mut self) -> Self {
        let output = |(table, known): (usize, &crate::plan::Table)| Output {
            id: OutputId(table),
            name: known.name.clone(),
            about: known.about.clone(),
            schema: Arc::clone(&known.schema),
            contract: None,
            checks: known.checks.clone(),
            table,
            sources: Vec::new(),
        };
        let before = self.plan.tables.iter().enumerate().map(output).collect();
        self.all = self.stages(Form::Sent).fold(before, |outputs, stage| stage.outputs(outputs));
        let named = |name: &String| self.all.iter().find(|output| output.name == *name).cloned();
        let mut outputs: Vec<Output> = match &self.wanted {
            Some(names) => names.iter().filter_map(named).chain(self.lists(names)).collect(),
            None => self.all.clone(),
        };
        outputs.retain(|output| !self.unlisted || !self.is_list(output));
        outputs.retain(|output| self.selection.as_ref().is_none_or(|chosen| chosen.rows(output.table).is_some()));
        self.outputs = outputs;
        self
    }

    /// Tells whether an output lists cases.
    fn is_list(&self, output: &Output) -> bool {
        self.faults.is_some() && output.name.starts_with(LIST) && !output.sources.is_empty()
    }

    /// The lists of cases of the trees of some tables, which go with these.
    fn lists(&self, names: &[String]) -> impl Iterator<Item = Output> {
        let named = |output: &Output| names.contains(&output.name);
        let touched: Vec<usize> = self
            .all
            .iter()
            .filter(|output| named(output) && self.is_faulty(output))
            .map(|output| self.plan.root_of(output.table))
            .collect();
        let of_them =
            move |output: &&Output| self.is_list(output) && touched.contains(&self.plan.root_of(output.table));
        self.all.iter().filter(of_them).filter(|output| !names.contains(&output.name)).cloned()
    }

    /// The stages, in the order in which a chunk passes them.
    fn stages(&self, form: Form) -> impl Iterator<Item = &dyn Stage> {
        let (faults, assembly) = match &self.faults {
            Some((faults, assembly)) if form != Form::Clean => {
                (Some(faults.as_ref() as &dyn Stage), Some(assembly as &dyn Stage))
            }
            _ => (None, None),
        };
        let own = faults.into_iter().chain(std::iter::once(&self.protection as &dyn Stage)).chain(assembly);
        own.chain(self.more.iter().map(AsRef::as_ref))
    }

    /// The outputs that must be computed for some: themselves, and those that they are made of.
    fn needed(&self, wanted: &[OutputId]) -> Vec<OutputId> {
        let mut all = wanted.to_vec();
        let mut at = 0;
        while at < all.len() {
            let sources = &self.output(all[at]).sources;
            let more: Vec<OutputId> = sources.iter().filter(|source| !all.contains(source)).copied().collect();
            all.extend(more);
            at += 1;
        }
        all
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
        &self.all[id.0]
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
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::{ArrayRef, RecordBatch, StringArray};
    use arrow_schema::{DataType, Field, Schema};

    use serde_json::{Value, json};

    use super::*;
    use crate::plan::Chunk;

    /// A message for each owner, made of two tables of the tree.
    struct Letters;

    impl Stage for Letters {
        fn inputs(&self, _: &Plan) -> (&'static str, Value) {
            ("letters", json!({ "version": 1 }))
        }

        fn outputs(&self, mut before: Vec<Output>) -> Vec<Output> {
            let id = |name: &str| before.iter().find(|output| output.name == name).expect("a table").id;
            let schema = Arc::new(Schema::new(vec![Field::new("text", DataType::Utf8, false)]));
            before.push(Output::made_of(&[id("owner"), id("pet")], &before, "letter", "A letter", schema));
            before
        }

        fn apply(&self, chunk: &mut TreeBatch, _: &mut Chunk<'_>, outputs: &[Output]) -> Result<()> {
            let letter = outputs.iter().find(|output| output.name == "letter").expect("its own");
            if chunk.needed.contains(&letter.id) {
                let [owners, pets] = [0, 1].map(|at| &chunk.batches[&letter.sources[at]]);
                let of = pets.column(0).as_primitive::<arrow_array::types::Int64Type>();
                let text = |owner: Option<i64>| {
                    let pets = of.iter().filter(|pet| *pet == owner).count();
                    Some(format!("owner {} has {pets}", owner?))
                };
                let keys = owners.column(0).as_primitive::<arrow_array::types::Int64Type>();
                let texts: ArrayRef = Arc::new(keys.iter().map(text).collect::<StringArray>());
                let batch = RecordBatch::try_new(Arc::clone(&letter.schema), vec![texts]);
                chunk.batches.insert(letter.id, batch.map_err(|error| Error::internal(error.to_string()))?);
            }
            Ok(())
        }
    }

    fn set() -> DataSet {
        let text = "name = \"pets\"\nas_of = 2025-01-01\n[tables.owner]\nrows = 5\n[tables.owner.columns]\n\
            owner_id = { expr = \"row + 1\", key = true }\n[tables.pet]\nof = \"owner\"\ncount = \"owner.row\"\n\
            [tables.pet.columns]\nowner_id = \"owner.owner_id\"\nnumber = { expr = \"ordinal\", key = true }\n";
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pets.toml");
        std::fs::write(&path, text).expect("writes");
        let loaded = crate::profile::load(path.to_str().expect("text")).expect("loads");
        DataSet::new(Plan::compile(&loaded, &crate::plan::Options::default()).expect("compiles"))
    }

    fn texts(set: &DataSet) -> Vec<String> {
        let batches = set.batches("letter").expect("an output").map(|batch| batch.expect("rows"));
        batches
            .flat_map(|batch| {
                batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn a_stage_makes_an_output_of_tables_that_nobody_asked_for() {
        let whole = set().stage(Letters);
        let names: Vec<&str> = whole.outputs().iter().map(|output| output.name.as_str()).collect();
        assert_eq!(names, ["owner", "pet", "letter"]);
        let expected: Vec<String> = (0..5).map(|row| format!("owner {} has {row}", row + 1)).collect();
        assert_eq!(texts(&whole), expected);
        let only = set().stage(Letters).tables(&["letter"]).expect("an output").chunk_rows(Some(2));
        assert_eq!(only.outputs().len(), 1);
        assert_eq!(texts(&only), expected, "its sources are computed, whatever the chunk");
        let tree = only.trees().remove(0);
        assert_eq!(only.chunk(&tree, 0..2).expect("a chunk").batches.len(), 1, "and are not delivered");
        assert!(set().tables(&["letter"]).is_err(), "without the stage there is none");
    }

    #[test]
    fn a_stage_is_among_the_inputs() {
        assert_ne!(set().stage(Letters).inputs(), set().inputs());
        assert_eq!(set().tables(&["owner", "pet"]).expect("tables").inputs(), set().inputs());
    }
}
