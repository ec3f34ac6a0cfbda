//! Foreign keys as references to rows: which of them read their columns, and which follow from others.

use super::{Arrangement, Digit, Link, Pick, Role};
use crate::catalog::profile::Choices;
use crate::catalog::{Catalog, Column, ForeignKey, Table, Type};

/// The other table of a foreign key, and the pairs of columns.
type Resolved = (usize, Vec<(usize, usize)>);

/// Finds the columns of the other table; `None` if the table or a column of it is not in the catalog.
fn resolve(catalog: &Catalog, key: &ForeignKey) -> Option<Resolved> {
    let target = catalog.table(key.schema.as_deref(), &key.table)?;
    let other = &catalog.tables[target];
    let keys: Option<Vec<usize>> = if key.keys.is_empty() {
        Some(other.primary_key.clone())
    } else {
        key.keys.iter().map(|name| other.column(name)).collect()
    };
    let keys = keys.filter(|keys| keys.len() == key.columns.len())?;
    Some((target, key.columns.iter().copied().zip(keys).collect()))
}

/// Makes the links of all tables.
pub(super) fn link(catalog: &Catalog, choices: &Choices, all: &mut [Arrangement]) {
    let resolved: Vec<Vec<Option<Resolved>>> = catalog
        .tables
        .iter()
        .map(|table| table.foreign_keys.iter().map(|key| resolve(catalog, key)).collect())
        .collect();
    for (at, table) in catalog.tables.iter().enumerate() {
        let mut order: Vec<usize> = (0..table.foreign_keys.len()).collect();
        // Keys of more columns first: those of fewer often follow from them.
        order.sort_by_key(|key| std::cmp::Reverse(table.foreign_keys[*key].columns.len()));
        for key in order {
            match &resolved[at][key] {
                None => missing(&mut all[at], table, key, "there is no such table here"),
                Some(_) if choices.unlinked.contains(&(at, key)) => {
                    missing(&mut all[at], table, key, "it stands in a circle of references");
                }
                Some((target, pairs)) if !implied(&resolved, (at, *target, pairs), &all[at].links, 0) => {
                    add(&mut all[at], table, choices, (at, key, *target, pairs));
                }
                Some(_) => {
                    let note = format!("{} follows from the others", words(table, key));
                    all[at].notes.push(note);
                }
            }
        }
    }
    spread(catalog, all);
}

/// Names a foreign key.
pub(in crate::catalog) fn words(table: &Table, key: usize) -> String {
    let key = &table.foreign_keys[key];
    let columns: Vec<&str> = key.columns.iter().map(|at| table.columns[*at].name.as_str()).collect();
    format!("FOREIGN KEY ({}) REFERENCES {}", columns.join(", "), key.table)
}

/// Tells whether a column is null in some rows.
fn nullable(column: &Column, choices: &Choices, at: (usize, usize)) -> bool {
    column.nullable && !choices.filled.contains(&at)
}

/// A key to a table that is not in the catalog cannot be kept: its columns are null where they may be.
fn missing(arrangement: &mut Arrangement, table: &Table, key: usize, why: &str) {
    let words = words(table, key);
    let columns = &table.foreign_keys[key].columns;
    let mut nulls = columns.iter().filter(|at| table.columns[**at].nullable && arrangement.roles[**at] == Role::Free);
    match nulls.next() {
        Some(first) => {
            arrangement.roles[*first] = Role::Null;
            arrangement.notes.push(format!("{words}: {why}, so it is null"));
        }
        None => arrangement.broken.push(format!("{words}: {why}")),
    }
}

/// Tells whether a key holds because of a link to the same row, or because the row of a link has such a key itself.
fn implied(
    resolved: &[Vec<Option<Resolved>>],
    (at, target, pairs): (usize, usize, &[(usize, usize)]),
    links: &[Link],
    depth: usize,
) -> bool {
    links.iter().any(|link| {
        if link.target == target && pairs.iter().all(|pair| link.pairs.contains(pair)) {
            return true;
        }
        let beyond = |(own, to): &(usize, usize)| {
            link.pairs.iter().find(|(other, _)| other == own).map(|(_, there)| (*there, *to))
        };
        let Some(beyond) = pairs.iter().map(beyond).collect::<Option<Vec<_>>>() else { return false };
        link.target != at
            && depth < 4
            && resolved[link.target].iter().flatten().any(|(onward, keys)| {
                *onward == target && beyond.iter().all(|pair| keys.contains(pair)) && keys.len() == beyond.len()
            })
    })
}

fn add(
    arrangement: &mut Arrangement,
    table: &Table,
    choices: &Choices,
    (at, key, target, pairs): (usize, usize, usize, &[(usize, usize)]),
) {
    if let Some((own, _)) = pairs.iter().find(|(own, _)| arrangement.roles[*own] == Role::LeftOut) {
        let column = &table.columns[*own].name;
        arrangement.broken.push(format!("{}: the database computes {column}", words(table, key)));
        return;
    }
    let free = |(own, _): &&(usize, usize)| matches!(arrangement.roles[*own], Role::Free);
    // A column that another key has already, or that a key of the same table shares with the row it refers to.
    let shared = |(own, to): &&(usize, usize)| target == at && own == to;
    let own: Vec<(usize, usize)> = pairs.iter().filter(free).filter(|pair| !shared(pair)).copied().collect();
    let matched: Vec<(usize, usize)> = pairs.iter().filter(|pair| !own.contains(pair)).copied().collect();
    if own.is_empty() {
        arrangement.shared.push((key, target, pairs.to_vec()));
        return;
    }
    let nullable = own.iter().all(|(own, _)| nullable(&table.columns[*own], choices, (at, *own)));
    let pick = match (target == at && matched.is_empty(), nullable) {
        (true, true) => Pick::Earlier,
        (true, false) => Pick::Tree,
        (false, _) => Pick::Random,
    };
    let link = arrangement.links.len();
    for (own, column) in &own {
        arrangement.roles[*own] = Role::Through { link, column: *column };
    }
    arrangement.links.push(Link { key, target, pairs: own, matched, pick, nullable });
}

/// Looks at keys whose columns have their values from elsewhere, as in `id REFERENCES a, id REFERENCES b`. One holds if both other
/// tables count their rows in this column, and its own has no more rows to choose from than the other.
pub(super) fn hold_shared(catalog: &Catalog, all: &mut [Arrangement]) {
    for at in 0..all.len() {
        for (key, target, pairs) in std::mem::take(&mut all[at].shared) {
            let counts = |all: &[Arrangement], table: usize, column: usize| {
                let number = matches!(catalog.tables[table].columns[column].ty, Type::Integer { .. });
                number
                    && all[table].limits[column].low.is_none()
                    && all[table].roles[column] == Role::Counted(Digit::ROW)
            };
            let source = match (pairs.as_slice(), pairs.first().map(|(own, _)| all[at].roles[*own].clone())) {
                ([_], Some(Role::Through { link, column })) => Some((all[at].links[link].target, column)),
                ([(own, _)], Some(Role::Counted(_))) => Some((at, *own)),
                _ => None,
            };
            let holds = source.is_some_and(|(table, column)| counts(all, table, column))
                && counts(all, target, pairs[0].1)
                && source.is_none_or(|(table, _)| all[table].scales == all[target].scales || !all[table].scales);
            let words = words(&catalog.tables[at], key);
            match source {
                Some((table, _)) if holds => {
                    all[table].rows = all[table].rows.min(all[target].rows);
                    all[at].notes.push(format!("{words}: both sides count their rows"));
                }
                _ => all[at].broken.push(format!("{words}: its columns have their values from other keys")),
            }
        }
    }
}

/// Where rows are picked by a match, each value must be there: the matched columns of the other table then go through all of
/// them in turn.
fn spread(catalog: &Catalog, all: &mut [Arrangement]) {
    let matched: Vec<(usize, usize)> = all
        .iter()
        .flat_map(|table| &table.links)
        .flat_map(|link| link.matched.iter().map(|(_, to)| (link.target, *to)))
        .collect();
    for (table, column) in matched {
        if let Role::Through { link, .. } = all[table].roles[column]
            && all[table].links[link].pick == Pick::Random
            && all[table].links[link].matched.is_empty()
            && !catalog.tables[table].columns[column].nullable
        {
            all[table].links[link].pick = Pick::Digit(Digit::ROW);
        }
    }
}

/// Breaks circles of keys that are keys of each other: one of the columns counts its rows, and the others, which are those of the
/// rows of the same number, count with it.
pub(super) fn break_circles(catalog: &Catalog, all: &mut [Arrangement]) {
    for table in 0..all.len() {
        for column in 0..all[table].roles.len() {
            let mut at = (table, column);
            let mut way = vec![at];
            while let Role::Through { link, column: there } = all[at.0].roles[at.1] {
                at = (all[at.0].links[link].target, there);
                if at == (table, column) {
                    let name = &catalog.tables[table].columns[column].name;
                    let rows = way.iter().map(|(table, _)| all[*table].rows).min().unwrap_or(1);
                    let same = way.iter().all(|(table, column)| match all[*table].roles[*column] {
                        Role::Through { link, .. } => all[*table].links[link].pick == Pick::Digit(Digit::ROW),
                        _ => false,
                    });
                    let counts = matches!(
                        catalog.tables[table].columns[column].ty,
                        Type::Integer { .. } | Type::Text { .. } | Type::Decimal { .. }
                    );
                    if same && counts {
                        all[table].notes.push(format!(
                            "{name} stands at the start of a circle of keys: it counts the rows, as they do"
                        ));
                    } else {
                        all[table].broken.push(format!("{name} stands in a circle of keys"));
                    }
                    for (table, _) in &way {
                        all[*table].rows = rows;
                    }
                    all[table].roles[column] = Role::Counted(Digit::ROW);
                    break;
                }
                if way.contains(&at) || way.len() > 64 {
                    break;
                }
                way.push(at);
            }
        }
    }
}
