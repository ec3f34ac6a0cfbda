//! What a profile leaves out of the one that it extends.

use super::fault::{Operator, SetTo};
use super::{Column, Let, LetKeys, Profile, Table};
use crate::error::{Error, Result, did_you_mean};

/// Leaves out tables, with all below them, and columns of tables, which become intermediate values. What is said of them alone goes too:
/// classes, faults, fixtures, answers and outcomes. Checks of a table, and single faults, fixtures and answers, have names of their own:
/// `TABLE.checks.ID` and `fixtures.NAME`.
///
/// # Errors
///
/// If there is no such table or column, if a column is part of a key, or if the tables that stay refer to one that goes.
pub(super) fn drop(profile: &mut Profile, names: &[String]) -> Result<()> {
    for name in names {
        match name.split_once('.') {
            None => table(profile, name)?,
            Some((list @ ("faults" | "fixtures" | "decisions" | "trails" | "answers"), entry))
                if !profile.tables.contains_key(list) =>
            {
                let there = match list {
                    "faults" => profile.faults.shift_remove(entry).is_some(),
                    "fixtures" => profile.fixtures.shift_remove(entry).is_some(),
                    "decisions" => profile.decisions.shift_remove(entry).is_some(),
                    "trails" => profile.trails.shift_remove(entry).is_some(),
                    _ => profile.answers.shift_remove(entry).is_some(),
                };
                if !there {
                    return Err(Error::profile("drop", format!("there is nothing called `{entry}` among the {list}")));
                }
            }
            Some((table, column)) => {
                let unknown = unknown(profile, table);
                let own = profile.tables.get_mut(table).ok_or(unknown)?;
                if let Some(id) = column.strip_prefix("checks.") {
                    own.checks.shift_remove(id).ok_or_else(|| {
                        let ids = own.checks.keys().map(String::as_str);
                        Error::profile("drop", format!("`{table}` has no check `{id}`"))
                            .maybe_hint(did_you_mean(id, ids))
                    })?;
                    continue;
                }
                hide(own, column).map_err(|error| error.within("drop"))?;
                profile.faults.retain(|_, fault| !touches(&fault.r#do, fault.table == table, table, column));
            }
        }
    }
    let faults = &profile.faults;
    for set in profile.fault_sets.values_mut() {
        set.retain(|fault, _| faults.contains_key(fault) || fault == "each" || fault.contains(':'));
    }
    profile.fault_sets.retain(|_, set| !set.is_empty());
    Ok(())
}

fn unknown(profile: &Profile, table: &str) -> Error {
    Error::profile("drop", format!("unknown table `{table}`"))
        .maybe_hint(did_you_mean(table, profile.tables.keys().map(String::as_str)))
}

/// Leaves out a table and all below it.
fn table(profile: &mut Profile, name: &str) -> Result<()> {
    if !profile.tables.contains_key(name) {
        return Err(unknown(profile, name));
    }
    let mut gone = vec![name.to_owned()];
    let mut at = 0;
    while let Some(parent) = gone.get(at).cloned() {
        let below = profile.tables.iter().filter(|(_, table)| table.of.as_deref() == Some(&parent));
        gone.extend(below.map(|(name, _)| name.clone()).filter(|name| !gone.contains(name)).collect::<Vec<_>>());
        at += 1;
    }
    let stays = |table: &str| !gone.iter().any(|gone| gone == table);
    profile.tables.retain(|table, _| stays(table));
    for (table, decl) in &profile.tables {
        let to = decl.refs.iter().find(|(_, to)| to.table.as_deref().is_some_and(|to| !stays(to)));
        if let Some((reference, _)) = to {
            let message = format!("`{table}` refers to `{name}`, or to a table below it, by `{reference}`");
            return Err(Error::profile("drop", message).hint(format!("drop `{table}` too, or keep `{name}`")));
        }
    }
    profile.faults.retain(|_, fault| stays(&fault.table));
    profile.fixtures.retain(|_, fixture| stays(&fixture.table));
    profile.decisions.retain(|_, pack| stays(&pack.table));
    profile.trails.retain(|_, trail| stays(&trail.table));
    profile.answers.retain(|_, answer| stays(&answer.table));
    profile.outcomes.retain(|table, _| stays(table));
    Ok(())
}

/// Makes a column an intermediate value: what is computed from it stays as it is.
fn hide(table: &mut Table, name: &str) -> Result<()> {
    let Some(Column { definition, rest }) = table.columns.get(name).cloned() else {
        let columns = table.columns.keys().map(String::as_str);
        return Err(Error::profile("", format!("unknown column `{name}`")).maybe_hint(did_you_mean(name, columns)));
    };
    if rest.key {
        return Err(Error::profile(
            "",
            format!("`{name}` is part of the key of its table, by which others refer to it"),
        )
        .hint("give the column another value in the own profile instead"));
    }
    table.columns.shift_remove(name);
    let rest =
        LetKeys { when: rest.when, null: rest.null, r#type: rest.r#type, about: rest.about, ..LetKeys::default() };
    table.r#let.insert(name.to_owned(), Let { definition, rest });
    unclass(table, name);
    Ok(())
}

/// Takes a column out of the classes of its table.
pub(super) fn unclass(table: &mut Table, column: &str) {
    for columns in table.classes.values_mut() {
        columns.retain(|known| known != column);
    }
    table.classes.retain(|_, columns| !columns.is_empty());
}

/// Tells whether an operator changes a column of its table, or takes a value that a column has nowhere.
fn touches(operator: &Operator, own: bool, table: &str, column: &str) -> bool {
    let path = format!("{table}.{column}");
    let set = |set: &indexmap::IndexMap<String, SetTo>| {
        own && set.contains_key(column)
            || set.values().any(|value| matches!(value, SetTo::Absent(absent) if *absent == path))
    };
    match operator {
        Operator::Set(columns) => set(columns),
        Operator::Repeat(repeat) => set(&repeat.set),
        Operator::Drop(_) => false,
        Operator::Swap(swap) => own && swap.columns.iter().any(|known| known == column),
        Operator::Damage(damage) => own && damage.column == column,
        Operator::Seal(seal) => own && seal.column == column,
    }
}
