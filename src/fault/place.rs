//! Exact counts: the cases are placed before the first row, so that any part of a run knows its own.
//!
//! `n` cases divide the root rows into `n` strata of equal size. The case of a stratum is in the first of its root rows, in a keyed
//! order, that has a row which qualifies and no case of another fault yet; among such rows it is the one of least hash.

use std::collections::BTreeMap;

use super::choose::{applies, condition, holds};
use super::{Faults, Placed};
use crate::error::{Error, Kind, Result};
use crate::plan::{Chunk, Plan};
use crate::profile::Amount;
use crate::rng::{Cell, Permutation, Seed};

/// The most root rows that are looked at together.
const TOGETHER: u64 = 1_024;

impl Faults {
    /// Places the cases of every fault that is counted, in the order of their names.
    pub(super) fn place(&mut self, plan: &Plan) -> Result<()> {
        let (mut short, mut empty) = (Vec::new(), Vec::new());
        for number in 0..self.known.len() {
            let Amount::Count(count) = self.known[number].0.amount else { continue };
            let missing = self.place_one(plan, number, count)?;
            match (missing, self.known[number].0.by_name) {
                (1.., true) => short.push((number, count, missing)),
                // All faults were asked for, or those of a class: what has no room is left out.
                (1.., false) if missing == count => empty.push(number),
                _ => {}
            }
        }
        let Some((number, count, missing)) = short.first().copied() else {
            return if empty.is_empty() { Ok(()) } else { self.without(&empty, plan) };
        };
        let (fault, _) = &self.known[number];
        let table = &plan.tables[fault.table].name;
        let root = &plan.tables[plan.root_of(fault.table)];
        let found = count - missing;
        let what = format!(
            "`{}` can be placed {found} of {count} times: {missing} of {count} equal shares of the {} rows of `{}` have no row of \
             `{table}` that qualifies and is free",
            fault.name, root.rows, root.name
        );
        let left_out: Vec<String> =
            short.iter().map(|(number, ..)| format!("{}=0", self.known[*number].0.name)).collect();
        let others = if short.len() > 1 { format!("{} faults have no room; ", short.len()) } else { String::new() };
        Err(Error::new(Kind::Usage, what).hint(format!(
            "{others}leave out what cannot be with `{}`, or ask for more rows: --rows {}=N; a rate such as {}=0.01 takes what there is",
            left_out.join(","),
            root.name,
            fault.name
        )))
    }

    /// Leaves out faults that have no case, and places those of the others again, which are the same.
    fn without(&mut self, empty: &[usize], plan: &Plan) -> Result<()> {
        let all = std::mem::take(&mut self.known);
        for (number, (fault, key)) in all.into_iter().enumerate() {
            match empty.contains(&number) {
                true => self.left_out.push(fault.name),
                false => self.known.push((fault, key)),
            }
        }
        self.placed.clear();
        self.place(plan)
    }

    /// One fault of a plan alone, with a case in each of the first root rows that have a row which qualifies, and these rows: at most
    /// `most`, for a test of the fault itself. Cells are not encrypted there, so that the operator `seal` has no case.
    ///
    /// # Errors
    ///
    /// If a value cannot be computed.
    pub fn sample(plan: &Plan, number: usize, most: usize) -> Result<(Self, Vec<u64>)> {
        let fault = plan.faults[number].clone();
        let key = Seed::new(&plan.seed).column_key("#fault", &fault.name);
        let root = plan.root_of(fault.table);
        let mut all = Self { known: vec![(fault, key)], placed: BTreeMap::new(), left_out: Vec::new() };
        let (rows, mut start) = (plan.tables[root].rows, 0);
        let mut placed = BTreeMap::new();
        while start < rows && placed.len() < most {
            let end = plan.cut(root, start, rows, None).min(start + TOGETHER);
            let own = all.best(plan, 0, root, &(start..end).collect::<Vec<_>>())?;
            placed.extend(own.into_iter().map(|(row, (_, path))| (row, Placed { fault: 0, path })));
            start = end;
        }
        while placed.len() > most {
            placed.pop_last();
        }
        let roots = placed.keys().copied().collect();
        all.placed.insert(root, placed);
        Ok((all, roots))
    }

    /// Places the cases of one fault, and counts those that have no place.
    fn place_one(&mut self, plan: &Plan, number: usize, count: u64) -> Result<u64> {
        let (fault, key) = self.known[number].clone();
        let root = plan.root_of(fault.table);
        let rows = plan.tables[root].rows;
        let mut missing = 0;
        for stratum in 0..count {
            let bound = |k: u64| (u128::from(k) * u128::from(rows)).div_ceil(u128::from(count)) as u64;
            let (start, end) = (bound(stratum), bound(stratum + 1));
            match self.find(plan, number, root, start..end, key ^ stratum)? {
                Some((row, path)) => {
                    self.placed.entry(root).or_default().insert(row, Placed { fault: number, path });
                }
                None => missing += 1,
            }
        }
        Ok(missing)
    }

    /// The root row of a case in a stratum, and its path.
    fn find(
        &self,
        plan: &Plan,
        number: usize,
        root: usize,
        stratum: std::ops::Range<u64>,
        order: u64,
    ) -> Result<Option<(u64, u128)>> {
        let size = stratum.end.saturating_sub(stratum.start);
        if size == 0 {
            return Ok(None);
        }
        let (permutation, none) = (Permutation::new(order, u128::from(size)), BTreeMap::new());
        let taken = self.placed.get(&root).unwrap_or(&none);
        let (mut at, mut together) = (0, 1);
        while at < size {
            let end = (at + together).min(size);
            let candidates = (at..end).map(|i| stratum.start + permutation.apply(u128::from(i)) as u64);
            let free: Vec<u64> = candidates.filter(|row| !taken.contains_key(row)).collect();
            if let Some(found) = self.first(plan, number, root, &free)? {
                return Ok(Some(found));
            }
            (at, together) = (end, (together * 2).min(TOGETHER));
        }
        Ok(None)
    }

    /// The first of some root rows that has a row which qualifies, and the path of the one of least hash.
    fn first(&self, plan: &Plan, number: usize, root: usize, rows: &[u64]) -> Result<Option<(u64, u128)>> {
        if rows.is_empty() {
            return Ok(None);
        }
        let best = self.best(plan, number, root, rows)?;
        Ok(rows.iter().find_map(|row| best.get(row).map(|(_, path)| (*row, *path))))
    }

    /// For each of some root rows that has a row which qualifies, the least hash of one, and its path.
    fn best(&self, plan: &Plan, number: usize, root: usize, rows: &[u64]) -> Result<BTreeMap<u64, (u64, u128)>> {
        let (fault, key) = &self.known[number];
        let mut chunk = Chunk::new(plan, root, rows);
        let identities = chunk.identities(fault.table)?;
        let condition = condition(&mut chunk, fault)?;
        let depth = plan.depth(fault.table);
        let mut best: BTreeMap<u64, (u64, u128)> = BTreeMap::new();
        for row in (0..identities.len() as u32).filter(|row| holds(condition.as_ref(), *row)) {
            if !applies(&mut chunk, fault, *key, &identities, row)? {
                continue;
            }
            let path = identities.paths[row as usize];
            let hash = Cell::new(*key, identities.keys[row as usize]).next();
            let of = best.entry(super::choose::root_row(path, depth)).or_insert((hash, path));
            if hash < of.0 {
                *of = (hash, path);
            }
        }
        Ok(best)
    }
}
