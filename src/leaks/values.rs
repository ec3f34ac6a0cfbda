//! The values that are searched for: those of the data set, opened or generated again, and those of control groups.

use rayon::prelude::*;

use crate::dataset::DataSet;
use crate::decrypt::{ColumnName, OpenedRows};
use crate::error::{Error, Result};
use crate::folder::manifest::StoredManifest;
use crate::format::read::{self, Rows};
use crate::kinds;
use crate::part::{Part, share};
use crate::plan::{Chunk, Plan};
use crate::protect::ProtectedColumn;
use crate::protect::texts::Texts;
use crate::scan::{ALLOWED, OWN, Value, Values};
use crate::verify::{Request, compiled, data_set};

/// The most control groups; a small data set has as many.
const MOST_CONTROLS: u64 = 8;
/// The number of values of all control groups together that is enough.
const CONTROL_VALUES: u64 = 200_000;
/// The number of rows opened at a time.
const BATCH: usize = 16_384;

/// A protected column whose values are searched for.
pub(super) struct Column {
    /// `table.column`.
    pub(super) name: String,
    at: ColumnName,
    /// True if its cells can be opened.
    sealed: bool,
}

/// The protected values of a data set, and those of control groups.
pub(super) struct Hidden<'a> {
    request: &'a Request,
    manifests: &'a [StoredManifest],
    pub(super) columns: Vec<Column>,
    /// The data set of the run. `None` if the profile or the seed is not at hand.
    own: Option<DataSet>,
    controls: Vec<Plan>,
    /// Clear columns that the profile classifies as not personal, each with the number of a column that has its values.
    allowed: Vec<(usize, ColumnName)>,
}

impl<'a> Hidden<'a> {
    /// Chooses the columns, and notes those whose values cannot be searched for.
    pub(super) fn new(request: &'a Request, manifests: &'a [StoredManifest], notes: &mut Vec<String>) -> Result<Self> {
        let mut hidden =
            Self { request, manifests, columns: Vec::new(), own: None, controls: Vec::new(), allowed: Vec::new() };
        let Some(first) = manifests.first() else { return Ok(hidden) };
        let manifest = &first.manifest;
        let control = |number: u64| compiled(manifest, request.given(), &format!("control group {number}"));
        let profile = match control(1) {
            Ok(plan) => Some(plan),
            Err(error) => {
                notes.push(format!(
                    "no control groups: {}; chance is computed from the form of values",
                    error.message()
                ));
                None
            }
        };
        let protected = manifest.protection.iter().flat_map(|entry| &entry.columns);
        let telling: Vec<&ProtectedColumn> = protected.filter(|column| telling(profile.as_ref(), column)).collect();
        if request.keys.is_none() && manifest.protection.as_ref().is_some_and(|entry| entry.key.is_some()) {
            return Err(Error::usage("--no-plaintext needs the key").hint("--keyring FILE or --key SOURCE"));
        }
        if profile.is_some() && !telling.iter().all(|column| column.is_sealed()) {
            hidden.own = data_set_of(request, first)?;
        }
        let mut left_out = Vec::new();
        for column in telling {
            let (table, name) = (column.table.clone(), column.column.clone());
            let sealed = column.is_sealed();
            match sealed || hidden.own.is_some() {
                true => hidden.columns.push(Column {
                    name: format!("{table}.{name}"),
                    at: ColumnName { table, column: name },
                    sealed,
                }),
                false => left_out.push(format!("`{table}.{name}`")),
            }
        }
        if !left_out.is_empty() {
            notes.push(format!(
                "without the profile and the seed (--profile, --seed) the values of {} are not known, and were not \
                 searched for",
                left_out.join(", ")
            ));
        }
        if let Some(plan) = &profile {
            hidden.allowed = allowed(plan, &hidden.columns);
        }
        let groups = (CONTROL_VALUES / hidden.rows().max(1)).clamp(1, MOST_CONTROLS);
        hidden.controls.extend(profile);
        for number in 2..=groups {
            if !hidden.controls.is_empty() {
                hidden.controls.push(control(number)?);
            }
        }
        Ok(hidden)
    }

    /// Counts the values of one group, by the rows of the files.
    fn rows(&self) -> u64 {
        let tables = self.manifests.iter().flat_map(|one| &one.manifest.tables);
        let columns = |table: &str| self.columns.iter().filter(|column| column.at.table == table).count() as u64;
        tables.map(|table| table.rows.saturating_mul(columns(&table.name))).fold(0, u64::saturating_add)
    }

    /// Estimates the values of all groups together: other seeds may give a few more.
    pub(super) fn most(&self) -> u64 {
        // One group more for values of columns that are not personal.
        let groups = 2 + self.controls.len() as u64;
        self.rows().saturating_mul(groups).saturating_mul(5) / 4 + 1_000
    }

    pub(super) fn controls(&self) -> u8 {
        self.controls.len() as u8
    }

    /// Hands out the values of encrypted columns.
    fn opened(&self, stored: &StoredManifest, put: &mut Put<'_>) -> Result<()> {
        let Some(keys) = &self.request.keys else { return Ok(()) };
        for file in &stored.manifest.files {
            let columns = self.columns.iter().enumerate();
            let wanted: Vec<(usize, &Column)> =
                columns.filter(|(_, column)| column.sealed && column.at.table == file.table).collect();
            if wanted.is_empty() {
                continue;
            }
            let names = wanted.iter().map(|(_, column)| column.at.clone()).collect();
            let Some(mut rows) = OpenedRows::open(&self.request.folder, stored, file, keys, names)? else { continue };
            while let Some(batch) = rows.next(BATCH)? {
                for (number, column) in &wanted {
                    let Some(cells) = batch.column_by_name(&column.at.column) else { continue };
                    each(&Texts::new(cells)?, OWN, *number, put)?;
                }
            }
        }
        Ok(())
    }

    /// Hands out the values of clear columns that are not personal, from the files.
    fn allowed(&self, stored: &StoredManifest, put: &mut Put<'_>) -> Result<()> {
        for file in &stored.manifest.files {
            let wanted: Vec<_> = self.allowed.iter().filter(|(_, from)| from.table == file.table).collect();
            let Some(table) = stored.table(&file.table).filter(|_| !wanted.is_empty()) else { continue };
            let (format, options) = stored.manifest.format()?;
            let folder = &self.request.folder;
            let mut rows = Rows::open_below(folder, &file.path, format.name, &table.schema()?, &options)?;
            while let Some(batch) = rows.next(read::BATCH)? {
                for (number, from) in &wanted {
                    let Some(cells) = batch.column_by_name(&from.column) else { continue };
                    each(&Texts::new(cells)?, ALLOWED, *number, put)?;
                }
            }
        }
        Ok(())
    }

    /// Hands out the values of columns as a plan generates them, for a part of it: for the data set itself those that
    /// cannot be opened, for a control group all.
    fn derived(&self, plan: &Plan, part: Option<Part>, group: u8, put: &mut Put<'_>) -> Result<()> {
        let columns = self.columns.iter().enumerate().filter(|(_, column)| group != OWN || !column.sealed);
        let wanted = columns.map(|(number, column)| Ok((plan.table(&column.at.table)?, number, &column.at.column)));
        let wanted: Vec<(usize, usize, &String)> = wanted.collect::<Result<_>>()?;
        for root in (0..plan.tables.len()).filter(|table| plan.tables[*table].parent.is_none()) {
            let own: Vec<_> = wanted.iter().copied().filter(|(table, ..)| plan.root_of(*table) == root).collect();
            if own.is_empty() {
                continue;
            }
            let rows = share(plan.tables[root].rows, part);
            let mut start = rows.start;
            while start < rows.end {
                let mut chunks = Vec::new();
                while chunks.len() < self.request.threads && start < rows.end {
                    let end = plan.cut(root, start, rows.end, None);
                    chunks.push(start..end);
                    start = end;
                }
                let made = chunks.into_par_iter().map(|rows| {
                    let mut chunk = Chunk::new(plan, root, &rows.collect::<Vec<_>>());
                    let texts = |(table, number, name): &(usize, usize, &String)| {
                        Ok((*number, Texts::new(chunk.named(*table, &[name.as_str()])?.column(0))?))
                    };
                    own.iter().map(texts).collect::<Result<Vec<_>>>()
                });
                for (number, texts) in made.collect::<Result<Vec<_>>>()?.into_iter().flatten() {
                    each(&texts, group, number, put)?;
                }
            }
        }
        Ok(())
    }
}

/// Lists the columns that are not personal and whose values searched columns have from them.
fn allowed(plan: &Plan, columns: &[Column]) -> Vec<(usize, ColumnName)> {
    let sources = |(number, column): (usize, &Column)| {
        let table = plan.table(&column.at.table).ok()?;
        let index = plan.tables[table].columns.iter().position(|it| it.name == column.at.column)?;
        let names = plan.impersonal_sources(table, index).into_iter().map(move |(table, column)| {
            let table = &plan.tables[table];
            (number, ColumnName { table: table.name.clone(), column: table.columns[column].name.clone() })
        });
        Some(names)
    };
    columns.iter().enumerate().filter_map(sources).flatten().collect()
}

/// The data set of the run; `None` if no seed is at hand.
fn data_set_of(request: &Request, first: &StoredManifest) -> Result<Option<DataSet>> {
    if first.manifest.seed.is_none() && request.seed.is_none() {
        return Ok(None);
    }
    data_set(request, first).map(Some)
}

type Put<'p> = dyn FnMut(Value<'_>) -> Result<()> + 'p;

fn each(texts: &Texts, group: u8, column: usize, put: &mut Put<'_>) -> Result<()> {
    let texts = (0..texts.len()).filter_map(|row| texts.get(row));
    texts.map(|text| Value { group, column, text: text.as_bytes() }).try_for_each(put)
}

impl Values for Hidden<'_> {
    fn each(&self, put: &mut Put<'_>) -> Result<()> {
        for stored in self.manifests {
            let part = stored.part();
            self.opened(stored, put)?;
            self.allowed(stored, put)?;
            if let Some(own) = &self.own {
                self.derived(own.plan(), part, OWN, put)?;
            }
            for (group, plan) in self.controls.iter().enumerate() {
                self.derived(plan, part, group as u8 + 1, put)?;
            }
        }
        Ok(())
    }
}

/// Tells whether a value of a class opens something: no handling may leave more of it than a key gives back.
fn opens(class: &str) -> bool {
    kinds::class(class).is_some_and(|class| class.allows <= kinds::Remains::Ciphertext)
}

/// Tells whether a value of the column found elsewhere proves a leak: it identifies a person, opens something, or is an
/// encrypted text that is not one of few. Without a profile the type alone decides.
fn telling(profile: Option<&Plan>, column: &ProtectedColumn) -> bool {
    let text = column.r#type == "text";
    let known = profile.and_then(|plan| plan.known(plan.table(&column.table).ok()?, &column.column));
    match (profile, known) {
        (Some(_), Some(known)) => known.identifies == "direct" || opens(&known.class) || text && column.is_sealed(),
        (Some(_), None) => text && column.is_sealed(),
        (None, _) => text || column.r#type == "integer",
    }
}
