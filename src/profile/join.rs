//! Combines profiles, parts and modules into one profile, and refuses contradictions between equals.

use indexmap::IndexMap;

use super::drop::unclass;
use super::{Part, Profile, Table};
use crate::error::{Error, Result};

/// Adds a profile to another one of equal rank. Keys that both give are an error: shared tables belong in a module.
pub(super) fn join(profile: &mut Profile, other: Profile) -> Result<()> {
    let names = [profile.name.clone(), other.name.clone()];
    let twice = |path: &str| {
        Error::profile(path, format!("the profiles `{}` and `{}` both give this", names[0], names[1]))
            .hint("rename one of them, or move what they share into a module that both include")
    };
    if let (Some(own), Some(others)) = (&profile.as_of, &other.as_of)
        && own != others
    {
        return Err(twice("as_of").hint("profiles of one world end on one day"));
    }
    profile.as_of = profile.as_of.take().or(other.as_of);
    profile.name = format!("{}-{}", profile.name, other.name);
    profile.title = format!("{}; {}", profile.title, other.title);
    profile.include.extend(other.include);
    add(&mut profile.params, other.params, "params", &twice)?;
    add(&mut profile.faults, other.faults, "faults", &twice)?;
    for (name, set) in other.fault_sets {
        // A set that both have, such as `smoke`, holds the choices of both.
        let own = profile.fault_sets.entry(name.clone()).or_default();
        for (fault, amount) in set {
            if own.insert(fault.clone(), amount).is_some_and(|known| known != amount) {
                return Err(twice(&format!("fault_sets.{name}.{fault}")));
            }
        }
    }
    add(&mut profile.fixtures, other.fixtures, "fixtures", &twice)?;
    add(&mut profile.answers, other.answers, "answers", &twice)?;
    add(&mut profile.outcomes, other.outcomes, "outcomes", &twice)?;
    add(&mut profile.decisions, other.decisions, "decisions", &twice)?;
    add(&mut profile.trails, other.trails, "trails", &twice)?;
    tables(&mut profile.tables, other.tables, &twice)
}

/// Adds a part of a profile. Keys that two files give are an error.
pub(super) fn append(profile: &mut Profile, part: Part) -> Result<()> {
    let twice =
        |path: &str| Error::profile(path, "another file of the profile gives this too").hint("keep one of them");
    add(&mut profile.params, part.params, "params", &twice)?;
    add(&mut profile.faults, part.faults, "faults", &twice)?;
    add(&mut profile.fault_sets, part.fault_sets, "fault_sets", &twice)?;
    add(&mut profile.fixtures, part.fixtures, "fixtures", &twice)?;
    add(&mut profile.answers, part.answers, "answers", &twice)?;
    add(&mut profile.outcomes, part.outcomes, "outcomes", &twice)?;
    add(&mut profile.decisions, part.decisions, "decisions", &twice)?;
    add(&mut profile.trails, part.trails, "trails", &twice)?;
    tables(&mut profile.tables, part.tables, &twice)
}

/// Adds tables of equal rank: a table of the same name gets what it does not have yet.
fn tables(
    tables: &mut IndexMap<String, Table>,
    others: IndexMap<String, Table>,
    twice: &impl Fn(&str) -> Error,
) -> Result<()> {
    for (name, other) in others {
        let path = format!("tables.{name}");
        match tables.get_mut(&name) {
            Some(own) => combine(own, other, &path, twice)?,
            None => {
                tables.insert(name, other);
            }
        }
    }
    Ok(())
}

fn combine(own: &mut Table, other: Table, path: &str, twice: &impl Fn(&str) -> Error) -> Result<()> {
    let at = |key: &str| format!("{path}.{key}");
    let Table {
        about,
        rows,
        scales,
        grows_with,
        of,
        spread,
        count,
        row,
        when,
        lifecycle,
        each,
        order,
        group,
        by,
        r#where,
        ..
    } = other;
    if !(own.about.is_empty() || about.is_empty()) {
        return Err(twice(&at("about")));
    }
    if !(own.row.is_empty() || row.is_empty()) {
        return Err(twice(&at("row")));
    }
    own.about.push_str(&about);
    own.row.extend(row);
    either(&mut own.rows, rows, &at("rows"), twice)?;
    either(&mut own.scales, scales, &at("scales"), twice)?;
    either(&mut own.grows_with, grows_with, &at("grows_with"), twice)?;
    either(&mut own.of, of, &at("of"), twice)?;
    either(&mut own.spread, spread, &at("spread"), twice)?;
    either(&mut own.count, count, &at("count"), twice)?;
    either(&mut own.when, when, &at("when"), twice)?;
    either(&mut own.lifecycle, lifecycle, &at("lifecycle"), twice)?;
    either(&mut own.each, each, &at("each"), twice)?;
    either(&mut own.order, order, &at("order"), twice)?;
    either(&mut own.group, group, &at("group"), twice)?;
    either(&mut own.by, by, &at("by"), twice)?;
    either(&mut own.r#where, r#where, &at("where"), twice)?;
    either(&mut own.chunk, other.chunk, &at("chunk"), twice)?;
    add(&mut own.refs, other.refs, &at("refs"), twice)?;
    add(&mut own.r#let, other.r#let, &at("let"), twice)?;
    add(&mut own.columns, other.columns, &at("columns"), twice)?;
    add(&mut own.checks, other.checks, &at("checks"), twice)?;
    classes(&mut own.classes, other.classes);
    Ok(())
}

/// Takes the other's value where there is none yet.
fn either<T>(own: &mut Option<T>, other: Option<T>, path: &str, twice: &impl Fn(&str) -> Error) -> Result<()> {
    if own.is_some() && other.is_some() {
        return Err(twice(path));
    }
    *own = own.take().or(other);
    Ok(())
}

/// Adds the entries of another map; a key that both have is an error.
fn add<T>(
    own: &mut IndexMap<String, T>,
    other: IndexMap<String, T>,
    path: &str,
    twice: &impl Fn(&str) -> Error,
) -> Result<()> {
    for (name, value) in other {
        if own.contains_key(&name) {
            return Err(twice(&format!("{path}.{name}")));
        }
        own.insert(name, value);
    }
    Ok(())
}

/// Puts a profile on top of the one that it extends.
pub(super) fn extend(profile: &mut Profile, mut base: Profile) {
    if profile.title.is_empty() {
        profile.title = std::mem::take(&mut base.title);
    }
    profile.include.append(&mut base.include);
    profile.drop.append(&mut base.drop);
    for (name, param) in &mut profile.params {
        // A parameter with another value keeps its bounds.
        if let Some(theirs) = base.params.get(name) {
            param.min = param.min.take().or(theirs.min.clone());
            param.max = param.max.take().or(theirs.max.clone());
            if param.choices.is_empty() {
                param.choices.clone_from(&theirs.choices);
            }
            if param.about.is_empty() {
                param.about.clone_from(&theirs.about);
            }
        }
    }
    merge(profile, base);
}

/// Adds a module below a profile: keys of the profile win over those of the module.
pub(super) fn merge(profile: &mut Profile, module: Profile) {
    profile.as_of = profile.as_of.take().or(module.as_of);
    for (name, param) in module.params {
        profile.params.entry(name).or_insert(param);
    }
    for (name, fault) in module.faults {
        profile.faults.entry(name).or_insert(fault);
    }
    for (name, set) in module.fault_sets {
        profile.fault_sets.entry(name).or_insert(set);
    }
    for (name, fixture) in module.fixtures {
        profile.fixtures.entry(name).or_insert(fixture);
    }
    for (name, decisions) in module.decisions {
        profile.decisions.entry(name).or_insert(decisions);
    }
    for (name, trail) in module.trails {
        profile.trails.entry(name).or_insert(trail);
    }
    for (name, answer) in module.answers {
        profile.answers.entry(name).or_insert(answer);
    }
    for (name, outcome) in module.outcomes {
        profile.outcomes.entry(name).or_insert(outcome);
    }
    for (name, table) in module.tables {
        match profile.tables.get_mut(&name) {
            Some(own) => merge_table(own, table),
            None => {
                profile.tables.insert(name, table);
            }
        }
    }
}

fn merge_table(own: &mut Table, module: Table) {
    let below = std::mem::replace(own, module);
    if !below.about.is_empty() {
        own.about = below.about;
    }
    own.rows = below.rows.or(own.rows);
    own.scales = below.scales.or(own.scales);
    own.grows_with = below.grows_with.or(own.grows_with.take());
    own.of = below.of.or(own.of.take());
    own.spread = below.spread.or(own.spread.take());
    own.count = below.count.or(own.count.take());
    own.when = below.when.or(own.when.take());
    own.lifecycle = below.lifecycle.or(own.lifecycle.take());
    own.each = below.each.or(own.each.take());
    own.order = below.order.or(own.order.take());
    own.group = below.group.or(own.group.take());
    own.by = below.by.or(own.by.take());
    own.r#where = below.r#where.or(own.r#where.take());
    own.chunk = below.chunk.or(own.chunk);
    if !below.row.is_empty() {
        own.row = below.row;
    }
    // A name that the profile gives to a column is no longer an intermediate value of the module, and the other way round.
    own.r#let.retain(|name, _| !below.columns.contains_key(name));
    own.columns.retain(|name, _| !below.r#let.contains_key(name));
    own.r#let.extend(below.r#let);
    // The module's columns come first, in its order; the profile may replace some, and its others follow.
    own.refs.extend(below.refs);
    let said: Vec<String> =
        below.columns.iter().filter(|(_, column)| column.rest.pii.is_some()).map(|(name, _)| name.clone()).collect();
    said.iter().chain(below.classes.values().flatten()).for_each(|name| unclass(own, name));
    own.columns.extend(below.columns);
    own.checks.extend(below.checks);
    classes(&mut own.classes, below.classes);
}

/// Adds columns to their classes.
fn classes(own: &mut IndexMap<String, Vec<String>>, others: IndexMap<String, Vec<String>>) {
    for (class, columns) in others {
        own.entry(class).or_default().extend(columns);
    }
}
