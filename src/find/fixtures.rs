//! Named fixtures of a profile: questions with the rows that come with each answer.

use std::collections::BTreeMap;

use super::search::{Scan, count};
use super::with::{Wanted, wanted};
use crate::error::{Error, Result, did_you_mean};
use crate::plan::{Asked, Plan, Question};
use crate::profile::{Fixture, Profile};

/// The question of a fixture.
#[must_use]
pub fn question(name: &str, fixture: &Fixture) -> Question {
    let (path, table, sql) = (format!("fixtures.{name}.where"), fixture.table.clone(), fixture.r#where.0.clone());
    Question { path, table, sql, condition: true }
}

/// The questions of all fixtures, in their order.
#[must_use]
pub fn questions(profile: &Profile) -> Vec<Question> {
    profile.fixtures.iter().map(|(name, fixture)| question(name, fixture)).collect()
}

/// The fixture called `name`.
///
/// # Errors
///
/// If there is none, with the nearest name as a hint.
pub fn named<'p>(profile: &'p Profile, name: &str) -> Result<&'p Fixture> {
    profile.fixtures.get(name).ok_or_else(|| {
        let known = profile.fixtures.keys().map(String::as_str);
        Error::usage(format!("the profile `{}` has no fixture `{name}`", profile.name))
            .hint(format!("`placebo list fixtures {}` shows them", profile.name))
            .maybe_hint(did_you_mean(name, known).filter(|hint| hint.starts_with("did")))
    })
}

/// The rows that come with those of a fixture.
///
/// # Errors
///
/// If a name leads to no rows: the error has the path of the fixture.
pub fn with(plan: &Plan, name: &str, fixture: &Fixture) -> Result<Vec<Wanted>> {
    let path = format!("fixtures.{name}.with");
    let table = plan.table(&fixture.table)?;
    wanted(plan, table, &fixture.with)
        .map_err(|error| Error::profile(&path, error.message()).maybe_hint(error.hint_text().map(str::to_owned)))
}

/// Counts the rows of each fixture; `asked` are their compiled questions, in the order of the profile.
///
/// # Errors
///
/// If a value cannot be computed.
pub fn counts(scan: Scan<'_>, asked: &[Asked]) -> Result<Vec<u64>> {
    let mut trees: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, asked) in asked.iter().enumerate() {
        trees.entry(scan.plan.root_of(asked.table)).or_default().push(at);
    }
    let mut counts = vec![0; asked.len()];
    for places in trees.values() {
        let own: Vec<Asked> = places.iter().map(|at| asked[*at]).collect();
        for (at, found) in places.iter().zip(count(scan, &own)?) {
            counts[*at] = found;
        }
    }
    Ok(counts)
}
