//! What every compiled profile promises.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use placebo::error::Result;
use placebo::format;
use placebo::format::write;
use placebo::notes::Noted;
use placebo::plan::{Chunk, Options, Plan};
use placebo::profile::Loaded;
use placebo::sql;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::test_runner::TestCaseError;

use super::{Drawn, refused};

/// The bytes of some rows as CSV, which is what a user compares.
fn text(plan: &Plan, table: usize, batch: RecordBatch) -> Result<String> {
    let csv = format::find("csv")?;
    match (csv.encoder)(&plan.tables[table].schema, &format::Options::default())?.encode(batch)? {
        write::Piece::Bytes(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        write::Piece::Rows(_) => Ok(String::new()),
    }
}

/// Every table of a tree, from chunks of root rows.
fn tree(plan: &Plan, root: usize, chunks: &[Vec<u64>]) -> Result<Vec<(usize, String)>> {
    let mut all: Vec<(usize, String)> =
        plan.tree(root).tables.into_iter().map(|table| (table, String::new())).collect();
    for rows in chunks {
        let mut chunk = Chunk::new(plan, root, rows);
        for (table, so_far) in &mut all {
            so_far.push_str(&text(plan, *table, chunk.batch(*table)?)?);
        }
    }
    Ok(all)
}

/// The texts of a column, `None` for null.
fn cells(batch: &RecordBatch, column: usize) -> Result<Vec<Option<String>>> {
    let cells = sql::as_text(batch.column(column))?;
    Ok(cells.as_string::<i32>().iter().map(|cell| cell.map(str::to_owned)).collect())
}

/// Holds a profile to its promises; `false` where the data have an error, with its path.
pub(super) fn promises(drawn: &Drawn, loaded: &Loaded, plan: &Plan) -> Result<bool, TestCaseError> {
    let roots: Vec<usize> = plan.trees().into_iter().map(|tree| tree.root).collect();
    let mut batches = BTreeMap::new();
    for root in &roots {
        let rows: Vec<u64> = (0..plan.tables[*root].rows).collect();
        let whole = match tree(plan, *root, std::slice::from_ref(&rows)) {
            Ok(whole) => whole,
            Err(error) => return refused(&error).map(|()| false),
        };
        let fail = |error: placebo::error::Error| TestCaseError::fail(format!("only in pieces: {error:?}"));
        let one_by_one: Vec<Vec<u64>> = rows.iter().map(|row| vec![*row]).collect();
        let thirds: Vec<Vec<u64>> =
            (0..3).map(|i| rows[rows.len() * i / 3..rows.len() * (i + 1) / 3].to_vec()).collect();
        for (cut, chunks) in [("one by one", one_by_one), ("in 3 parts", thirds)] {
            for (pieces, all) in tree(plan, *root, &chunks).map_err(fail)?.iter().zip(&whole) {
                let table = &plan.tables[all.0].name;
                prop_assert!(pieces == all, "{table} differs {cut}:\n{}\nat once:\n{}", pieces.1, all.1);
            }
        }
        for (table, all) in &whole {
            let mut chunk = Chunk::new(plan, *root, &rows);
            let batch = chunk.batch(*table).map_err(fail)?;
            prop_assert_eq!(
                &text(plan, *table, batch.clone()).map_err(fail)?,
                all,
                "{} alone",
                plan.tables[*table].name
            );
            let broken = chunk.failures(*table).map_err(fail)?;
            prop_assert!(broken.is_empty(), "checks fail: {broken:#?}");
            batches.insert(*table, batch);
        }
        if drawn.tables[*root].grows {
            let name = plan.tables[*root].name.clone();
            let more = [(name.clone(), plan.tables[*root].rows + 5)].into_iter().collect();
            let grown = Plan::compile(loaded, &Options { rows: more, ..Options::default() }).map_err(fail)?;
            prop_assert!(tree(&grown, *root, &[rows]).map_err(fail)? == whole, "{name} changes as it grows");
        }
    }
    keys(plan, &batches).map_err(|error| TestCaseError::fail(format!("{error:?}")))??;
    hands(drawn, plan, &batches).map_err(|error| TestCaseError::fail(format!("{error:?}")))??;
    Ok(true)
}

/// Primary keys are unique, and foreign keys lead to rows.
fn keys(plan: &Plan, batches: &BTreeMap<usize, RecordBatch>) -> Result<Result<(), TestCaseError>> {
    for (at, batch) in batches {
        let (name, schema) = (&plan.tables[*at].name, batch.schema());
        let mut primary = vec![String::new(); batch.num_rows()];
        let mut keyed = false;
        for (column, field) in schema.fields().iter().enumerate() {
            let own = cells(batch, column)?;
            if field.is_primary_key() {
                keyed = true;
                own.iter().zip(&mut primary).for_each(|(cell, key)| *key += &format!("{cell:?}/"));
            }
            let Some((to, key)) = field.reference() else {
                continue;
            };
            let target = &batches[&plan.table(to)?];
            let known: BTreeSet<_> = cells(target, target.schema().index_of(key)?)?.into_iter().collect();
            if let Some(lost) = own.iter().flatten().find(|cell| !known.contains(&Some((*cell).clone()))) {
                return Ok(Err(TestCaseError::fail(format!("{name}.{} = {lost} is no {to}.{key}", field.name()))));
            }
        }
        let unique: BTreeSet<&String> = primary.iter().collect();
        if keyed && unique.len() != primary.len() {
            return Ok(Err(TestCaseError::fail(format!("the key of {name} repeats: {primary:?}"))));
        }
    }
    Ok(Ok(()))
}

/// The hands over all owners are a partition of the dealt rows: each owner has as many as name it.
fn hands(drawn: &Drawn, plan: &Plan, batches: &BTreeMap<usize, RecordBatch>) -> Result<Result<(), TestCaseError>> {
    for (facts, owner_of, owners, count) in &drawn.deals {
        let column = |table: usize, name: &str| cells(&batches[&table], batches[&table].schema().index_of(name)?);
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for owner in column(*facts, owner_of)?.into_iter().flatten() {
            *counts.entry(owner).or_default() += 1;
        }
        for (owner, says) in column(*owners, "id")?.iter().zip(column(*owners, count)?) {
            let dealt = owner.as_ref().and_then(|owner| counts.remove(owner)).unwrap_or(0);
            if says.as_deref() != Some(dealt.to_string().as_str()) {
                let name = &plan.tables[*owners].name;
                return Ok(Err(TestCaseError::fail(format!("{name} {owner:?}: {count} is {says:?}, not {dealt}"))));
            }
        }
        if !counts.is_empty() {
            return Ok(Err(TestCaseError::fail(format!("dealt to nobody: {counts:?}"))));
        }
    }
    Ok(Ok(()))
}
