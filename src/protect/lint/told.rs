//! The same fact in two columns: one protected, the other clear or an unkeyed hash of it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Finding, finding, handling_of};
use crate::notes::{Key, Noted};
use crate::plan::{Disclosure, Plan};

/// A table and a column of it.
type At = (usize, usize);

/// A written column whose handling under `--protect profile` is known.
struct Written {
    at: At,
    /// Its name with that of its table, such as `patient.mrn`.
    name: String,
    /// The handling as the profile has it.
    handling: String,
    clear: bool,
    /// True if it is a key, or repeats one: it joins rows, and what it tells stands elsewhere.
    joins: bool,
    /// True if the column itself says `clear`, so that somebody has decided it.
    decided: bool,
    facts: Rc<BTreeSet<At>>,
    hashed: Rc<BTreeSet<At>>,
}

/// Clear columns that tell all that a protected one does, and clear hashes of what only protected columns tell.
pub(super) fn twice(plan: &Plan) -> Vec<Finding> {
    let all = written(plan);
    let (mut sealed, mut open) = (BTreeMap::<At, Vec<&Written>>::new(), BTreeSet::new());
    for one in &all {
        match one.clear {
            true => open.extend(one.facts.iter().copied()),
            false => one.facts.iter().for_each(|fact| sealed.entry(*fact).or_default().push(one)),
        }
    }
    let mut found = Vec::new();
    for one in all.iter().filter(|one| one.clear && !one.decided) {
        let path =
            format!("tables.{}.columns.{}", plan.tables[one.at.0].name, plan.tables[one.at.0].columns[one.at.1].name);
        let mut theirs = one.facts.iter().filter_map(|fact| sealed.get(fact)).flatten();
        if let Some(other) = theirs.find(|other| !one.joins && other.facts.is_subset(&one.facts)) {
            found.push(finding(
                "PII-022",
                path.clone(),
                format!(
                    "`{}` tells in the clear all that `{}` does, which is written as `{}`",
                    one.name, other.name, other.handling
                ),
                "one handling for both; or handling = \"clear\" on this one, if it tells less",
            ));
        }
        let secret = one.hashed.iter().filter(|fact| !open.contains(fact)).find_map(|fact| sealed.get(fact)?.first());
        if let Some(other) = secret {
            found.push(finding(
                "PII-026",
                path,
                format!(
                    "`{}` is an unkeyed hash of what `{}` has, which is written as `{}`: who tries all values finds it",
                    one.name, other.name, other.handling
                ),
                "another handling; or gen.hash_chain over the written columns, which runs over their cells",
            ));
        }
    }
    found
}

fn written(plan: &Plan) -> Vec<Written> {
    let (mut facts, mut all) = (Disclosure::new(plan), Vec::new());
    for (table, known) in plan.tables.iter().enumerate() {
        for field in known.schema.fields() {
            let Some(column) = known.columns.iter().position(|column| column.name == *field.name()) else { continue };
            let handling = plan.known(table, field.name()).and_then(|known| known.handling);
            let Some((handling, entry)) = handling.and_then(|text| Some((text.clone(), handling_of(&text).ok()?)))
            else {
                continue;
            };
            let at = (table, column);
            let marks = known.marks.get(field.name()).map_or(&[][..], Vec::as_slice);
            all.push(Written {
                at,
                name: format!("{}.{}", known.name, field.name()),
                handling,
                clear: entry.is_clear(),
                joins: field.is_primary_key() || field.note(Key::References).is_some(),
                decided: marks.iter().any(|mark| mark.handling.is_some()),
                facts: facts.open(at),
                hashed: facts.hashed(at),
            });
        }
    }
    all
}
