//! A profile that compiles and keeps its checks: it is written, compiled and looked at, and written again without what failed.

use super::Catalog;
use super::checks::{columns, facts, passes_null};
use super::profile::{Choices, Made, write};
use crate::engine;
use crate::error::{Error, Kind, Result};
use crate::plan::{Options, Plan};
use crate::profile::Loaded;

/// The rows of each table that are looked at.
const SAMPLE: u64 = 500;

/// Makes a profile of a catalog. `load` writes the files of an attempt and loads the profile that they are.
///
/// # Errors
///
/// If `load` fails, or if no attempt compiles, which is a defect.
pub fn settle(
    name: &str,
    source: &str,
    catalog: &Catalog,
    load: &mut dyn FnMut(&Made) -> Result<Loaded>,
) -> Result<Made> {
    let mut choices = Choices::default();
    let checks: usize = catalog.tables.iter().map(|table| table.checks.len()).sum();
    let columns: usize = catalog.tables.iter().map(|table| table.columns.len()).sum();
    let mut made = write(name, source, catalog, &choices);
    for _ in 0..=4 * checks + columns {
        if !made.unsaid.is_empty() {
            for at in made.unsaid.clone() {
                comment(catalog, &mut choices, at);
            }
            made = write(name, source, catalog, &choices);
        }
        let failed = match attempt(&load(&made)?) {
            Ok(failures) => failures.into_iter().map(Failure::Check).collect(),
            Err(error) => vec![Failure::Error(error)],
        };
        let mut changed = false;
        for failure in &failed {
            changed |= match failure {
                Failure::Check((table, check)) => match made.checks.get(&(table.clone(), check.clone())) {
                    Some(at) => other_values(catalog, &mut choices, *at),
                    None => false,
                },
                Failure::Error(error) => avoid(catalog, &made, &mut choices, error.path()),
            };
        }
        if !changed {
            return finish(made, failed);
        }
        made = write(name, source, catalog, &choices);
    }
    Err(Error::internal("the profile of a database does not settle"))
}

enum Failure {
    Check((String, String)),
    Error(Error),
}

/// Compiles a profile and looks at some of its rows; gives table and id of each check that fails.
fn attempt(loaded: &Loaded) -> Result<Vec<(String, String)>> {
    let plan = Plan::compile(loaded, &Options::default())?;
    let failures = engine::check(&plan, SAMPLE, 1)?;
    Ok(failures.into_iter().map(|failure| (failure.table, failure.check)).collect())
}

/// Tries other values for a check that fails: nulls, then no nulls, then none. `false` where all were tried.
fn other_values(catalog: &Catalog, choices: &mut Choices, (table, check): (usize, usize)) -> bool {
    let condition = &catalog.tables[table].checks[check].condition;
    let nullable: Vec<(usize, usize)> = columns(condition, &catalog.tables[table])
        .into_iter()
        .filter(|column| catalog.tables[table].columns[*column].nullable)
        .map(|column| (table, column))
        .collect();
    if nullable.iter().any(|column| !choices.nulls.contains(column) && !choices.filled.contains(column)) {
        choices.nulls.extend(nullable.iter().filter(|column| !choices.filled.contains(column)));
        return true;
    }
    if nullable.iter().any(|column| choices.nulls.contains(column)) {
        for column in nullable {
            choices.nulls.remove(&column);
            choices.filled.insert(column);
        }
        return true;
    }
    // It stays a check of the profile only if its rows keep it.
    choices.broken.insert((table, check)) | choices.comments.insert((table, check))
}

/// Leaves out what an error is about. `false` where it is nothing that can be left out.
fn avoid(catalog: &Catalog, made: &Made, choices: &mut Choices, path: &str) -> bool {
    for ((table, id), at) in &made.checks {
        if path == format!("tables.{table}.checks.{id}") {
            return comment(catalog, choices, *at);
        }
    }
    for names in &made.tables {
        for (column, name) in &names.columns {
            let own = format!("tables.{}.columns.{name}", names.table);
            if inside(path, &own) {
                return match made.read.get(&(names.at, *column)) {
                    Some(key) => choices.unlinked.insert((names.at, *key)),
                    None => choices.plain.insert((names.at, *column)),
                };
            }
        }
    }
    let link = made.links.iter().find(|((table, name), _)| inside(path, &format!("tables.{table}.refs.{name}")));
    link.is_some_and(|(_, at)| choices.unlinked.insert(*at))
}

/// Tells whether a path leads to a place or below it.
fn inside(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '#']))
}

/// Makes a check a comment, because profiles have no words for it. Unless its meaning is known, one of its columns is null where
/// that passes the check. `false` if it was one already.
fn comment(catalog: &Catalog, choices: &mut Choices, (table, check): (usize, usize)) -> bool {
    let own = &catalog.tables[table];
    let condition = &own.checks[check].condition;
    if !choices.comments.insert((table, check)) {
        return false;
    }
    if facts(condition, own).1 {
        return true;
    }
    let first = columns(condition, own).into_iter().find(|column| own.columns[*column].nullable);
    match first.filter(|_| passes_null(condition)) {
        Some(column) => {
            choices.nulls.insert((table, column));
        }
        None => {
            choices.broken.insert((table, check));
        }
    }
    true
}

/// Notes what is left.
fn finish(mut made: Made, failed: Vec<Failure>) -> Result<Made> {
    for failure in failed {
        match failure {
            Failure::Check((table, check)) => {
                let broken = format!("{table}: {check} has rows that break it");
                if !made.checks.contains_key(&(table, check)) {
                    made.broken.push(broken);
                }
            }
            // Too many tables or columns.
            Failure::Error(error) if error.kind() == Kind::Internal || error.path() == "tables" => return Err(error),
            Failure::Error(error) => {
                return Err(
                    Error::internal(format!("the profile of the database does not compile: {error}")).caused_by(error)
                );
            }
        }
    }
    Ok(made)
}
