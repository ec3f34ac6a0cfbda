//! The search for chosen rows: from keys to which a row refers, to the rows that have them.
//!
//! A row is looked for where references lead, then where its number would be, and then everywhere.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::Array;

use crate::error::{Error, Kind, Result};
use crate::format::write::Canonical;
use crate::format::write::datapackage::{Reference, TableFile};
use crate::plan::{Chunk, Plan, Table};

/// Columns of a table that tell its rows apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Keyed {
    table: usize,
    columns: Vec<String>,
}

/// A foreign key of a table: its columns, in the order of those that they repeat.
struct Foreign {
    columns: Vec<String>,
    to: Keyed,
}

/// Canonical lines of keys.
type Lines = BTreeSet<Vec<u8>>;

/// The rows that were chosen so far.
pub(super) struct Search<'p> {
    plan: &'p Plan,
    foreign: Vec<Vec<Foreign>>,
    /// The root rows that are chosen with all that hangs from them.
    pub(super) whole: BTreeMap<usize, BTreeSet<u64>>,
    /// The root rows from which other chosen rows hang.
    single: BTreeMap<usize, BTreeSet<u64>>,
    /// The keys of rows that are chosen alone.
    wanted: BTreeMap<Keyed, Lines>,
    /// The chosen root rows of each tree, with what was computed for them.
    chunks: BTreeMap<usize, (Vec<u64>, Chunk<'p>)>,
}

impl<'p> Search<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        let foreign = plan.tables.iter().map(|table| foreign(plan, table)).collect();
        Self {
            plan,
            foreign,
            whole: BTreeMap::new(),
            single: BTreeMap::new(),
            wanted: BTreeMap::new(),
            chunks: BTreeMap::new(),
        }
    }

    /// Works with the chosen root rows of a tree.
    pub(super) fn with<T>(&mut self, root: usize, work: impl FnOnce(&Self, &mut Chunk<'p>) -> Result<T>) -> Result<T> {
        let numbers = self.numbers(root);
        let mut chunk = match self.chunks.remove(&root) {
            Some((known, chunk)) if known == numbers => chunk,
            _ => Chunk::new(self.plan, root, &numbers),
        };
        let done = work(self, &mut chunk);
        self.chunks.insert(root, (numbers, chunk));
        done
    }

    pub(super) fn trees(&self) -> BTreeSet<usize> {
        self.whole.keys().chain(self.single.keys()).copied().collect()
    }

    pub(super) fn numbers(&self, root: usize) -> Vec<u64> {
        let all = [&self.whole, &self.single].into_iter().filter_map(|roots| roots.get(&root)).flatten();
        all.copied().collect::<BTreeSet<u64>>().into_iter().collect()
    }

    /// The places of the chosen rows in each table of a tree, among the rows that hang from its chosen root rows.
    pub(super) fn kept(&self, root: usize, chunk: &mut Chunk<'p>) -> Result<BTreeMap<usize, Vec<u32>>> {
        let whole = self.whole.get(&root);
        let mut kept = BTreeMap::new();
        for table in self.plan.tree(root).tables {
            let wanted: Vec<_> = self.wanted.iter().filter(|(key, _)| key.table == table).collect();
            if whole.is_none() && wanted.is_empty() {
                continue;
            }
            let mut keep: Vec<bool> = match whole {
                Some(whole) => chunk.root_rows(table)?.iter().map(|row| whole.contains(row)).collect(),
                None => vec![false; chunk.rows(table)?],
            };
            for (key, lines) in wanted {
                each(chunk, table, &key.columns, |row, line| keep[row] |= lines.contains(line))?;
            }
            kept.insert(table, (0..keep.len() as u32).filter(|row| keep[*row as usize]).collect());
        }
        Ok(kept)
    }

    /// Chooses the rows that the chosen ones refer to; false if there is none that was not chosen before.
    pub(super) fn add_referred(&mut self) -> Result<bool> {
        let (mut needed, mut near) = (BTreeMap::<Keyed, Lines>::new(), BTreeMap::new());
        for root in self.trees() {
            self.with(root, |search, chunk| {
                for (table, rows) in search.kept(root, chunk)? {
                    for foreign in &search.foreign[table] {
                        let lines = needed.entry(foreign.to.clone()).or_default();
                        each(chunk, table, &foreign.columns, |row, line| {
                            if rows.binary_search(&(row as u32)).is_ok() {
                                lines.insert(line.to_vec());
                            }
                        })?;
                    }
                    chunk.referred(table, &rows, &mut near)?;
                }
                Ok(())
            })?;
        }
        let mut more = self.add_same()?;
        for root in self.trees() {
            self.with(root, |search, chunk| {
                for (table, rows) in search.kept(root, chunk)? {
                    for (key, lines) in needed.iter_mut().filter(|(key, _)| key.table == table) {
                        each(chunk, table, &key.columns, |row, line| {
                            if rows.binary_search(&(row as u32)).is_ok() {
                                lines.remove(line);
                            }
                        })?;
                    }
                }
                Ok(())
            })?;
        }
        for (key, lines) in needed.into_iter().filter(|(_, lines)| !lines.is_empty()) {
            self.find(&key, lines, &near)?;
            more = true;
        }
        Ok(more)
    }

    /// Chooses the rows of the same number in other tables, with all that hangs from them: they are the same thing. These are
    /// the rows that a chosen row leads to by `pick = "same_row"`, and those that lead to it.
    fn add_same(&mut self) -> Result<bool> {
        let (plan, mut same) = (self.plan, Vec::new());
        for (root, rows) in &self.whole {
            for row in rows {
                same.extend(Chunk::new(plan, *root, &[*row]).same_rows()?);
                for tree in plan.trees().iter().filter(|tree| plan.picks_same(tree.root, *root)) {
                    let leads = *row < plan.tables[tree.root].rows
                        && Chunk::new(plan, tree.root, &[*row]).same_rows()?.contains(&(*root, *row));
                    same.extend(leads.then_some((tree.root, *row)));
                }
            }
        }
        Ok(same.into_iter().fold(false, |more, (table, row)| self.whole.entry(table).or_default().insert(row) || more))
    }

    /// Finds rows by their keys.
    fn find(&mut self, key: &Keyed, mut lines: Lines, near: &BTreeMap<usize, BTreeSet<u64>>) -> Result<()> {
        let root = self.plan.root_of(key.table);
        let rows = self.plan.tables[root].rows;
        let mut likely = near.get(&root).cloned().unwrap_or_default();
        likely.extend(self.numbers(root));
        self.look(key, &likely.into_iter().filter(|number| *number < rows).collect::<Vec<_>>(), &mut lines)?;
        if key.table == root {
            let number =
                |line: &Vec<u8>| std::str::from_utf8(line).ok()?.trim_end().parse::<u64>().ok()?.checked_sub(1);
            let numbers: BTreeSet<u64> = lines.iter().filter_map(number).filter(|number| *number < rows).collect();
            self.look(key, &numbers.into_iter().collect::<Vec<_>>(), &mut lines)?;
        }
        let mut start = 0;
        while start < rows && !lines.is_empty() {
            let end = self.plan.cut(root, start, rows, None);
            self.look(key, &(start..end).collect::<Vec<_>>(), &mut lines)?;
            start = end;
        }
        if lines.is_empty() {
            return Ok(());
        }
        let name = &self.plan.tables[key.table].name;
        let message =
            format!("a chosen row refers to a row of `{name}` that is not there, by `{}`", key.columns.join(", "));
        Err(Error::new(Kind::Verification, message)
            .hint("leave out --with-parents, or mend the reference in the profile"))
    }

    /// Looks for keys among the rows that hang from some root rows, and takes those found from `lines`.
    fn look(&mut self, key: &Keyed, numbers: &[u64], lines: &mut Lines) -> Result<()> {
        if numbers.is_empty() || lines.is_empty() {
            return Ok(());
        }
        let root = self.plan.root_of(key.table);
        let mut chunk = Chunk::new(self.plan, root, numbers);
        let (roots, mut found) = (chunk.root_rows(key.table)?, Vec::new());
        each(&mut chunk, key.table, &key.columns, |row, line| {
            if lines.remove(line) {
                found.push((roots[row], line.to_vec()));
            }
        })?;
        for (row, line) in found {
            self.single.entry(root).or_default().insert(row);
            self.wanted.entry(key.clone()).or_default().insert(line);
        }
        Ok(())
    }
}

/// The foreign keys of a table.
fn foreign(plan: &Plan, table: &Table) -> Vec<Foreign> {
    let file = TableFile {
        name: table.name.clone(),
        about: String::new(),
        schema: table.schema.clone(),
        checks: Vec::new(),
        paths: Vec::new(),
        format: "",
    };
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let made = |reference: Reference<'_>| {
        let to = plan.table(reference.table).ok()?;
        Some(Foreign { columns: owned(&reference.columns), to: Keyed { table: to, columns: owned(&reference.keys) } })
    };
    file.references().into_iter().filter_map(made).collect()
}

/// Calls `line` with each row of a table, and the canonical line of some columns; rows in which one of them is null are left out.
fn each(chunk: &mut Chunk<'_>, table: usize, columns: &[String], mut line: impl FnMut(usize, &[u8])) -> Result<()> {
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let batch = chunk.named(table, &names)?;
    let nulls: Vec<_> = batch.columns().iter().filter_map(Array::logical_nulls).collect();
    let mut row = 0;
    Canonical::new(&batch.schema())?.each(&batch, |text| {
        if !nulls.iter().any(|nulls| nulls.is_null(row)) {
            line(row, text);
        }
        row += 1;
    })
}
