//! `--with`: the rows that come with a row, named by their relations.

use crate::error::{Error, Result, did_you_mean};
use crate::plan::{Plan, Relation};

/// The longest path of names.
const MAX_DEPTH: usize = 16;

/// Rows that are wanted with each row of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Their name: that of a child table, a reference, an ancestor, or a table that is dealt.
    pub name: String,
    /// The way to them.
    pub relation: Relation,
    /// The rows that are wanted with each of them.
    pub below: Vec<Wanted>,
}

/// Resolves paths such as `encounter.encounter_event` from a table. Paths that begin alike share their rows.
///
/// # Errors
///
/// If a name leads from no row to others, with those that do as a hint, or a path has more than 16 names.
pub fn wanted(plan: &Plan, table: usize, paths: &[String]) -> Result<Vec<Wanted>> {
    let mut all = Vec::new();
    for path in paths {
        let names: Vec<&str> = path.trim().split('.').collect();
        if names.len() > MAX_DEPTH {
            return Err(Error::usage(format!("`{path}` has {} names, more than {MAX_DEPTH}", names.len())));
        }
        add(plan, table, &names, path, &mut all)?;
    }
    Ok(all)
}

fn add(plan: &Plan, table: usize, names: &[&str], path: &str, level: &mut Vec<Wanted>) -> Result<()> {
    let Some((name, rest)) = names.split_first() else { return Ok(()) };
    let at = match level.iter().position(|wanted| wanted.name == *name) {
        Some(at) => at,
        None => {
            let relations = plan.relations(table);
            let Some((_, relation)) = relations.iter().find(|(known, _)| known == name) else {
                let of = &plan.tables[table].name;
                let known: Vec<&str> = relations.iter().map(|(known, _)| *known).collect();
                let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                let hint = if known.is_empty() { "it has none".to_owned() } else { format!("it has {list}") };
                return Err(Error::usage(format!("`{path}`: a row of `{of}` has no rows `{name}` with it"))
                    .hint(hint)
                    .maybe_hint(did_you_mean(name, known).filter(|hint| hint.starts_with("did"))));
            };
            level.push(Wanted { name: (*name).to_owned(), relation: relation.clone(), below: Vec::new() });
            level.len() - 1
        }
    };
    let wanted = &mut level[at];
    add(plan, wanted.relation.table(), rest, path, &mut wanted.below)
}
