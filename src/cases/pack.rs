//! Packs of decisions: requests with what a correct system answers, and pairs of requests that differ in one fact and in the answer.
//!
//! A row of the table is a request. A pair is made of the same row twice: one microsecond before an instant and at it, or with a fact as it
//! is and as it is not. The plan decides both, as it decided the row.

mod questions;
mod variant;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use questions::Pack;
pub use questions::questions;
use variant::{Variant, Variants};

use super::CaseDocument;
use crate::error::{Error, Result};
use crate::find::Scan;
use crate::plan::{Asked, Chunk};
use crate::profile::Decisions;

/// A request that was chosen, or one of a pair.
struct Found {
    row: usize,
    /// The thing that it is an example of; a pack has several of each.
    kind: Kind,
    documents: Vec<CaseDocument>,
}

/// A thing that cases are examples of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// A request as it was made: decision, reason.
    Plain(String, String),
    /// A pair: the name of its boundary or fact, and both answers.
    Pair(String, [String; 2]),
}

/// The cases of a pack, with the changes that its pairs show.
pub struct Made {
    /// Requests by decision and reason, then pairs by boundary and fact; each in the order of rows.
    pub cases: Vec<CaseDocument>,
    /// A line for each change that a single fact makes: boundary or fact, both answers, the number of pairs.
    pub changes: Vec<[String; 4]>,
}

/// Makes the cases of a pack: `each` requests of every reason, `each` pairs of every boundary and fact, and up to `each` of every further
/// change that one fact makes. `asked` are the compiled [`questions`] of the pack.
///
/// # Errors
///
/// If a value cannot be computed, a request has another decision or reason than the profile says, or there are fewer than `each` of a
/// reason and not even pairs show it.
pub fn pack(scan: Scan<'_>, name: &str, decisions: &Decisions, asked: &[Asked], each: usize) -> Result<Made> {
    let pack = Pack::new(scan.plan, name, decisions, asked)?;
    let mut found: BTreeMap<Kind, Vec<CaseDocument>> = BTreeMap::new();
    scan.visit(
        pack.table,
        |chunk| of_chunk(&pack, chunk, each),
        |some| {
            // Row by row, so that the end does not depend on where chunks end.
            for of_row in some.chunk_by(|one, other| one.row == other.row) {
                for one in of_row {
                    let all = found.entry(one.kind.clone()).or_default();
                    if all.len() < each * one.documents.len() {
                        all.extend(one.documents.iter().cloned());
                    }
                }
                if enough(&pack, &found, each) {
                    return Ok(true);
                }
            }
            Ok(false)
        },
    )?;
    complete(&pack, &found, each)?;
    let changes = found.iter().filter_map(|(kind, cases)| match kind {
        Kind::Pair(what, [from, to]) => Some([what.clone(), from.clone(), to.clone(), (cases.len() / 2).to_string()]),
        Kind::Plain(..) => None,
    });
    let changes = changes.collect();
    Ok(Made { cases: found.into_values().flatten().collect(), changes })
}

/// Tells whether there are enough cases of every reason, and enough pairs of every boundary and fact.
fn enough(pack: &Pack<'_>, found: &BTreeMap<Kind, Vec<CaseDocument>>, each: usize) -> bool {
    let plain = |reason: &String| {
        found.iter().any(|(kind, cases)| matches!(kind, Kind::Plain(_, own) if own == reason) && cases.len() >= each)
    };
    let pairs = |what: &String| {
        found.iter().any(|(kind, cases)| matches!(kind, Kind::Pair(own, _) if own == what) && cases.len() >= 2 * each)
    };
    pack.decisions.reasons.keys().all(plain)
        && pack.decisions.boundaries.keys().chain(pack.decisions.facts.keys()).all(pairs)
}

/// Refuses a pack in which a reason has too few requests, a boundary or fact no pair.
fn complete(pack: &Pack<'_>, found: &BTreeMap<Kind, Vec<CaseDocument>>, each: usize) -> Result<()> {
    let root = &pack.plan.tables[pack.plan.root_of(pack.table)];
    let hint = format!("--rows {}=N makes more than {} rows; a smaller --each asks for fewer", root.name, root.rows);
    for (reason, said) in &pack.decisions.reasons {
        let answer = format!("{} {reason}", said.decision);
        let count: usize = found
            .iter()
            .map(|(kind, cases)| match kind {
                Kind::Plain(_, own) if own == reason => cases.len(),
                Kind::Pair(_, answers) if answers.contains(&answer) => cases.len() / 2,
                _ => 0,
            })
            .sum();
        if count < each {
            let text = format!(
                "{count} of the requests of `{}` are answered with `{answer}`, and {each} are asked for",
                pack.name
            );
            return Err(Error::usage(text).hint(hint));
        }
    }
    for what in pack.decisions.boundaries.keys().chain(pack.decisions.facts.keys()) {
        if !found.keys().any(|kind| matches!(kind, Kind::Pair(own, _) if own == what)) {
            return Err(Error::usage(format!("no request of `{}` has another answer because of `{what}`", pack.name))
                .hint(hint));
        }
    }
    Ok(())
}

/// The cases of a chunk in the order of rows, at most `each` of a kind.
fn of_chunk<'p>(pack: &Pack<'p>, chunk: &mut Chunk<'p>, each: usize) -> Result<Vec<Found>> {
    let variants = Variants::new(pack, chunk)?;
    let as_is = variants.as_is(chunk)?;
    let (mut counts, mut found) = (BTreeMap::<Kind, usize>::new(), Vec::new());
    let mut take = |row: usize, kind: Kind, documents: &dyn Fn() -> Result<Vec<CaseDocument>>| -> Result<()> {
        let count = counts.entry(kind.clone()).or_default();
        if *count < each {
            *count += 1;
            found.push(Found { row, kind, documents: documents()? });
        }
        Ok(())
    };
    for row in 0..variants.rows() {
        let (decision, reason) = as_is.answer(row)?;
        let name = variants.name(row);
        take(row, Kind::Plain(decision, reason), &|| Ok(vec![document(pack, &as_is, row, name.clone(), None)?]))?;
    }
    for (what, [before, after]) in variants.pairs(chunk, &as_is)? {
        for row in 0..variants.rows() {
            let (true, true) = (before.has(row), after.has(row)) else { continue };
            let answers =
                [before.answer(row)?, after.answer(row)?].map(|(decision, reason)| format!("{decision} {reason}"));
            if answers[0] == answers[1] {
                continue;
            }
            let names = ["-", "+"].map(|end| format!("{}/{what}{end}", variants.name(row)));
            take(row, Kind::Pair(what.clone(), answers), &|| {
                let one = |variant, own: usize| {
                    document(pack, variant, row, names[own].clone(), Some((&what, &names[1 - own])))
                };
                Ok(vec![one(&before, 0)?, one(&after, 1)?])
            })?;
        }
    }
    found.sort_by_key(|one| one.row);
    Ok(found)
}

/// The document of a request, with the other one of its pair.
fn document(
    pack: &Pack<'_>,
    variant: &Variant,
    row: usize,
    name: String,
    pair: Option<(&str, &str)>,
) -> Result<CaseDocument> {
    let (decision, reason) = variant.answer(row)?;
    let said = pack.said(&decision, &reason)?;
    let [request, more] = variant.objects(pack, row)?;
    let mut expect = Map::new();
    expect.insert("decision".to_owned(), json!(pack.decisions.permits.contains(&decision)));
    expect.insert("answer".to_owned(), json!(decision));
    expect.insert("reason".to_owned(), json!(reason));
    expect.extend(more);
    let mut all = Map::new();
    all.insert("_case".to_owned(), json!(name));
    all.insert("pack".to_owned(), json!(pack.name));
    if let Some((what, other)) = pair {
        all.insert("pair".to_owned(), json!(other));
        all.insert("differs".to_owned(), json!(what));
    }
    all.insert("request".to_owned(), Value::Object(request));
    all.insert("expect".to_owned(), Value::Object(expect));
    all.insert("law".to_owned(), json!(said.law));
    Ok(CaseDocument { name, about: format!("{decision}: {reason}"), json: all })
}
