//! Profiles and modules made one: what each says, and what they may not say twice.

use indexmap::IndexMap;

use super::{Profile, Table};
use crate::error::{Error, Result};

/// Adds a profile to another one, as its equal: what both of them say is a mistake, shared tables belong in a module.
pub(super) fn join(profile: &mut Profile, other: Profile) -> Result<()> {
    let names = [profile.name.clone(), other.name.clone()];
    let twice = |path: &str| {
        Error::profile(path, format!("the profiles `{}` and `{}` both say this", names[0], names[1]))
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
    for (name, table) in other.tables {
        let path = format!("tables.{name}");
        let Some(own) = profile.tables.get_mut(&name) else {
            profile.tables.insert(name, table);
            continue;
        };
        let mut rest = table;
        add(&mut own.refs, std::mem::take(&mut rest.refs), &format!("{path}.refs"), &twice)?;
        add(&mut own.columns, std::mem::take(&mut rest.columns), &format!("{path}.columns"), &twice)?;
        add(&mut own.checks, std::mem::take(&mut rest.checks), &format!("{path}.checks"), &twice)?;
        classes(&mut own.classes, std::mem::take(&mut rest.classes));
        // What is left is what a table has once: its rows, its parent, what it is about.
        if rest != Table::default() {
            return Err(twice(&path));
        }
    }
    Ok(())
}

/// Adds what only the other one says.
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

/// Adds a module under a profile: what the profile says stays, what only the module says comes in.
pub(super) fn merge(profile: &mut Profile, module: Profile) {
    profile.as_of = profile.as_of.take().or(module.as_of);
    for (name, param) in module.params {
        profile.params.entry(name).or_insert(param);
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
    // The module's columns stand first, in its order; the profile may replace some and adds the rest behind.
    own.refs.extend(below.refs);
    own.columns.extend(below.columns);
    own.checks.extend(below.checks);
    classes(&mut own.classes, below.classes);
}

/// Adds columns to the classes that they are of.
fn classes(own: &mut IndexMap<String, Vec<String>>, others: IndexMap<String, Vec<String>>) {
    for (class, columns) in others {
        own.entry(class).or_default().extend(columns);
    }
}
