//! The references of a random profile: one of every kind that fits where it stands.

use std::fmt::Write;

use super::Drawn;
use super::choices::Choices;
use super::tables::{Hand, Kind, Ref, Table};

/// Rows that are known in number.
fn dense(tables: &[Table], at: usize) -> bool {
    match tables[at].kind {
        Kind::Root => true,
        Kind::Dense => tables[at].parent.is_some_and(|parent| dense(tables, parent)),
        _ => false,
    }
}

/// Where the strata of a row stand: in its own table, or in the root above it.
fn strata(tables: &[Table], at: usize) -> Option<String> {
    if tables[at].strata {
        return Some("seg".to_owned());
    }
    let mut top = at;
    while let Some(parent) = tables[top].parent {
        top = parent;
    }
    (dense(tables, at) && tables[top].strata).then(|| format!("{}.seg", tables[top].name))
}

/// Adds a reference to a table, and what must be true of it.
pub(super) fn reference(choices: &mut Choices, drawn: &mut Drawn, at: usize) {
    let tables = &mut drawn.tables;
    let name = format!("r{}", tables[at].refs.len());
    let targets: Vec<usize> = (0..tables.len()).filter(|to| dense(tables, *to) && *to != at).collect();
    let rooted = tables[at].kind == Kind::Root;
    let own = if rooted { "row" } else { "ordinal" };
    let to = choices.of(&if targets.is_empty() { vec![at] } else { targets });
    let target = tables[to].name.clone();
    let (mut says, mut random, mut leads, mut when) = (format!("table = \"{target}\""), false, to, true);
    let mut check = None;
    match choices.below(10) {
        0 => {
            random = true;
            says += choices.of(&["", ", skew = 0.9", ", skew = \"num\""]);
            let other = tables[at].refs.iter().find(|r| r.random && r.to == to).map(|r| r.name.clone());
            if let Some(other) = other.filter(|_| choices.chance(60)) {
                let _never_fails = write!(says, ", differs = [\"{other}\"]");
                check = Some(format!("{name}.id <> {other}.id"));
            }
        }
        1 => says += &format!(", at = \"{}\"", choices.of(&["0", "num", "num - 2", own])),
        2 if rooted && tables[to].kind == Kind::Root => {
            says += ", pick = \"same_row\"";
            (tables[at].grows, random) = (false, true);
            check = (!tables[to].columns.contains("permutation") && tables[to].columns.contains("row + 1"))
                .then(|| format!("{name}.id = row + 1"));
        }
        3 => {
            let picks: &[&str] = match rooted {
                true => &["earlier"],
                false => &["previous", "earlier_sibling", "first", "last", "sibling"],
            };
            let pick = choices.of(picks);
            (says, leads) = (format!("pick = \"{pick}\""), at);
            match pick {
                "sibling" => says += ", at = \"num + 1\"",
                "previous" if choices.chance(50) => check = Some(format!("{name}.num >= 0")),
                "first" | "last" if choices.chance(70) => {
                    says += ", where = \"ok\"";
                    check = Some(format!("{name}.ok"));
                }
                _ => {}
            }
        }
        4 | 5 => {
            // Within an ancestor, or within the row that another reference leads to.
            let mut owners: Vec<(String, usize)> = tables[at].refs.iter().map(|r| (r.name.clone(), r.to)).collect();
            owners.extend(tables[at].parent.map(|parent| (tables[parent].name.clone(), parent)));
            let all: Vec<(String, usize)> = owners
                .iter()
                .flat_map(|(owner, table)| {
                    let children = (0..tables.len()).filter(|child| tables[*child].parent == Some(*table));
                    children.map(|child| (owner.clone(), child))
                })
                .collect();
            if !all.is_empty() {
                let (owner, child) = all[choices.below(all.len())].clone();
                (leads, says) = (child, format!("table = \"{}\", within = \"{owner}\"", tables[child].name));
                says += choices.of(&["", ", pick = \"first\"", ", pick = \"last\""]);
                if choices.chance(50) {
                    says += ", where = \"ok\"";
                    check = Some(format!("{name}.ok"));
                }
            }
        }
        6 => {
            let fallback = choices.of(&["none", "any"]);
            says += &format!(", match.tag = \"tag\", fallback = \"{fallback}\"");
            says += choices.of(&["", ", skew = 0.5"]);
            check = (fallback == "none").then(|| format!("{name}.tag = tag"));
        }
        7 if tables[to].strata && strata(tables, at).is_some() => {
            let seg = strata(tables, at).unwrap_or_default();
            says += &format!(", match.seg = \"{seg}\"{}", choices.of(&[", fallback = \"none\"", ""]));
            check = Some(format!("{name}.seg = {seg}"));
        }
        _ if dense(tables, at) && to != at => {
            let hand = if choices.chance(40) || tables[to].hands.iter().any(|hand| hand.table == at) {
                format!("{}_{name}", tables[at].name)
            } else {
                tables[at].name.clone()
            };
            let mut deal = vec![format!("hand = \"{hand}\"")];
            deal.extend(choices.of(&[None, Some("skew = 1.2"), Some("jitter = 1.0")]).map(str::to_owned));
            says += &format!(", deal = {{ {} }}", deal.join(", "));
            if tables[to].strata
                && let Some(seg) = strata(tables, at).filter(|_| choices.chance(60))
            {
                says += &format!(", match.seg = \"{seg}\"");
                check = Some(format!("{name}.seg = {seg}"));
            }
            (when, tables[at].grows) = (choices.chance(25), false);
            tables[to].hands.push(Hand { name: hand.clone(), table: at, children: false });
            tables[to].sql(&format!("n_{hand}"), &format!("count({hand})"));
            tables[at].sql(&format!("o_{name}"), &format!("{name}.id"));
            tables[at].sql(&format!("in_{name}"), &format!("ordinal_in({name})"));
            if !when {
                tables[to].checks.push(format!("count({hand}) = coalesce(max({hand}.in_{name}), 0)"));
            }
            drawn.deals.push((at, format!("o_{name}"), to, format!("n_{hand}")));
        }
        _ => random = true,
    }
    if when {
        says += choices.of(&["", "", "", ", when = \"ok\"", ", null = 0.4"]);
    }
    if leads != at || says.contains("table") {
        // A random pick depends on how many rows there are.
        let mut top = leads;
        tables[top].grows = false;
        while let Some(parent) = tables[top].parent {
            (top, tables[parent].grows) = (parent, false);
        }
    }
    let table = &mut tables[at];
    let _never_fails = writeln!(table.says_refs, "{name} = {{ {says} }}");
    // A reference that leads nowhere has nothing to hold.
    table.checks.extend(check.map(|check| format!("{name}.id IS NULL OR {check}")));
    table.sql(&format!("k_{name}"), &format!("{name}.id"));
    table.refs.push(Ref { name, to: leads, random });
}
