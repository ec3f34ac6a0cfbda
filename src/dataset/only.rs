//! One row of a root table, with all that hangs from it and, if wanted, all that it refers to: what a fixture needs.
//!
//! Rows are added by their keys: each row to which one of the rows so far refers, until none is missing.

mod search;

use std::collections::BTreeMap;
use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StringArray, UInt32Array};
use arrow_select::take::take_record_batch;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::notes::Noted;
use crate::plan::{Chunk, Plan};
use crate::sql::as_text;
use search::Search;

/// The choice of one row of a root table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Only {
    /// The root table.
    pub table: String,
    /// The row's primary key, as text. Where the table has no key, or one of several columns: the row's number, from 1.
    pub key: String,
    /// `true` to choose also the rows that it and its children refer to, and those that these refer to.
    pub with_parents: bool,
}

/// The chosen rows: numbers of root rows, and the rows of each table among those that hang from these.
pub struct Selection {
    only: Only,
    roots: BTreeMap<usize, Vec<u64>>,
    tables: BTreeMap<usize, Kept>,
}

/// The chosen rows of one table.
struct Kept {
    /// Their places among the rows of the table that hang from the chosen root rows, in order.
    rows: UInt32Array,
    /// The place of each row's parent among the chosen rows of the parent table. `None` for a root row, and for a row that was
    /// chosen alone and not with all that hangs from its root row.
    owners: Vec<Option<u32>>,
    /// `true` for each row that was chosen with all that hangs from its root row.
    whole: Vec<bool>,
}

impl Selection {
    /// Finds the rows.
    ///
    /// # Errors
    ///
    /// If the table is not a root table or has no such row, a value cannot be computed, or a row refers to a row that is not there.
    pub(super) fn new(plan: &Plan, only: &Only) -> Result<Self> {
        let table = plan.table(&only.table)?;
        if plan.tables[table].parent.is_some() {
            let root = &plan.tables[plan.root_of(table)].name;
            let message =
                format!("`{}` is a table below `{root}`, and one row is chosen from a root table", only.table);
            return Err(Error::usage(message)
                .hint(format!("choose a row of `{root}`: its rows of `{}` come with it", only.table)));
        }
        let number = row_with(plan, table, only)?;
        let mut search = Search::new(plan);
        search.whole.entry(table).or_default().insert(number);
        if only.with_parents {
            while search.add_referred()? {}
        }
        let (mut roots, mut tables) = (BTreeMap::new(), BTreeMap::new());
        for root in search.trees() {
            let made = search.with(root, |search, chunk| {
                let (kept, whole) = (search.kept(root, chunk)?, search.whole.get(&root));
                let table = |(table, rows): (&usize, &Vec<u32>)| {
                    let above = plan.tables[*table].parent.and_then(|parent| kept.get(&parent));
                    let roots = chunk.root_rows(*table)?;
                    let whole = rows.iter().map(|row| whole.is_some_and(|whole| whole.contains(&roots[*row as usize])));
                    let whole: Vec<bool> = whole.collect();
                    let owners = owners(chunk, *table, rows, above, &whole)?;
                    Ok((*table, Kept { rows: UInt32Array::from(rows.clone()), owners, whole }))
                };
                kept.iter().map(table).collect::<Result<Vec<_>>>()
            })?;
            tables.extend(made);
            roots.insert(root, search.numbers(root));
        }
        Ok(Self { only: only.clone(), roots, tables })
    }

    /// The choice.
    #[must_use]
    pub fn only(&self) -> &Only {
        &self.only
    }

    /// Tells whether a row is the chosen row, or the same thing in another root table.
    #[must_use]
    pub fn is_root(&self, table: usize, row: usize) -> bool {
        self.roots.contains_key(&table) && self.is_whole(table, row)
    }

    /// Counts the chosen rows of a table; `None` for a table of which there are none to choose from.
    #[must_use]
    pub fn rows(&self, table: usize) -> Option<usize> {
        self.tables.get(&table).map(|kept| kept.rows.len())
    }

    /// The place of a row's parent among the chosen rows of the parent table. `None` for a root row, and for a row that was
    /// chosen alone.
    #[must_use]
    pub fn owner(&self, table: usize, row: usize) -> Option<usize> {
        self.tables.get(&table)?.owners.get(row).copied().flatten().map(|owner| owner as usize)
    }

    /// Tells whether a row was chosen with all that hangs from its root row, and not alone.
    #[must_use]
    pub fn is_whole(&self, table: usize, row: usize) -> bool {
        self.tables.get(&table).and_then(|kept| kept.whole.get(row)).copied().unwrap_or(false)
    }

    /// The chosen root rows of a tree within a range.
    pub(super) fn numbers(&self, root: usize, rows: &Range<u64>) -> Vec<u64> {
        let all = self.roots.get(&root).map_or(&[][..], Vec::as_slice);
        all.iter().copied().filter(|number| rows.contains(number)).collect()
    }

    /// The range of the chosen root rows of a tree.
    pub(super) fn range(&self, root: usize) -> Range<u64> {
        let all = self.roots.get(&root).map_or(&[][..], Vec::as_slice);
        all.first().copied().unwrap_or(0)..all.last().map_or(0, |last| last + 1)
    }

    /// Keeps the chosen rows of a table, out of all rows that hang from the chosen root rows.
    pub(super) fn keep(&self, table: usize, batch: &RecordBatch) -> Result<RecordBatch> {
        let kept = self.tables.get(&table).ok_or_else(|| Error::internal("a table without chosen rows"))?;
        Ok(take_record_batch(batch, &kept.rows)?)
    }
}

/// The parents of the kept rows of a table, as places among the kept rows of the parent table.
fn owners(
    chunk: &mut Chunk<'_>,
    table: usize,
    rows: &[u32],
    above: Option<&Vec<u32>>,
    whole: &[bool],
) -> Result<Vec<Option<u32>>> {
    let parents = chunk.parents(table)?;
    let owner = |(row, whole): (&u32, &bool)| {
        let parent = parents.as_ref().filter(|_| *whole)?.value(*row as usize);
        Some(above?.binary_search(&parent).ok()? as u32)
    };
    Ok(rows.iter().zip(whole).map(owner).collect())
}

/// The number of the chosen row, from 0.
fn row_with(plan: &Plan, table: usize, only: &Only) -> Result<u64> {
    let planned = &plan.tables[table];
    let (name, rows) = (&planned.name, planned.rows);
    let option = format!("{name}={}", only.key);
    if rows == 0 {
        return Err(
            Error::usage(format!("`{option}`: the table `{name}` has no rows")).hint(format!("--rows {name}=N"))
        );
    }
    let keys: Vec<&str> = planned
        .schema
        .fields()
        .iter()
        .filter(|field| field.is_primary_key())
        .map(|field| field.name().as_str())
        .collect();
    let guess = only.key.parse::<u64>().ok().and_then(|n| n.checked_sub(1)).filter(|n| *n < rows);
    let [key] = keys.as_slice() else {
        return guess.ok_or_else(|| {
            Error::usage(format!("`{option}`: the table `{name}` has {rows} rows"))
                .hint(format!("it has no key of one column, so that rows have the numbers 1 to {rows}"))
        });
    };
    let texts = |numbers: &[u64]| -> Result<StringArray> {
        let batch = Chunk::new(plan, table, numbers).named(table, &[key])?;
        Ok(as_text(batch.column(0))?.as_string::<i32>().clone())
    };
    let at = |texts: &StringArray| (0..texts.len()).find(|n| !texts.is_null(*n) && texts.value(*n) == only.key);
    if let Some(guess) = guess
        && at(&texts(&[guess])?).is_some()
    {
        return Ok(guess);
    }
    let ends = texts(&[0, rows - 1])?;
    // Keys that are the row's numbers are not looked for: a million rows would take a second.
    let numbered = ends.value(0) == "1" && ends.value(1) == rows.to_string();
    let mut start = if numbered { rows } else { 0 };
    while start < rows {
        let end = plan.cut(table, start, rows, None);
        if let Some(found) = at(&texts(&(start..end).collect::<Vec<_>>())?) {
            return Ok(start + found as u64);
        }
        start = end;
    }
    let message = format!("`{option}`: no row of `{name}` has this key");
    let range = format!("`{key}` is `{}` in the first row and `{}` in the last", ends.value(0), ends.value(1));
    Err(Error::usage(message).hint(if numbered { format!("{range}; --rows {name}=N makes more") } else { range }))
}
