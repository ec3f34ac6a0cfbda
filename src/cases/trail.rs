//! Trails of entries under a chain of hashes, intact and tampered with: cases for whoever verifies them.
//!
//! A case is a whole trail as it stands after somebody tampered with it, hashes of some of its entries that are known from elsewhere
//! (anchors), and the number of the first entry that does not check. What does not check is an entry that has not the next number, or not
//! the hash of the entry before as its link, or not the hash of its own cells, or another hash than the anchor of its number; where the
//! trail ends before the last anchor, it is the first number that is missing.

mod family;
mod links;
mod tamper;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use family::{Family, families};
use links::{Entry, Links};
use tamper::{Bench, Tampered, Way, ways};

use super::CaseDocument;
use crate::error::{Error, Result};
use crate::find::Scan;
use crate::plan::{Asked, Plan, Question};
use crate::profile::Trail;
use crate::rng::{Cell, Seed};

/// The questions about each entry: its cells with another value.
#[must_use]
pub fn questions(name: &str, trail: &Trail) -> Vec<Question> {
    let ask = |(column, sql): (&String, &crate::profile::Expr)| Question {
        path: format!("trails.{name}.edits.{column}"),
        table: trail.table.clone(),
        sql: sql.0.clone(),
        condition: false,
    };
    trail.edits.iter().map(ask).collect()
}

/// Makes `each` cases of the intact trail and of every way to tamper with one, in the order of ways and of trails. `asked` are the compiled
/// [`questions`].
///
/// # Errors
///
/// If a value cannot be computed, the profile says something of the trail that is not so, or a way cannot be shown `each` times.
pub fn trails(scan: Scan<'_>, name: &str, trail: &Trail, asked: &[Asked], each: usize) -> Result<Vec<CaseDocument>> {
    let plan = scan.plan;
    let bench = Made { plan, name, trail, links: Links::new(plan, name, trail)?, ways: ways(trail), each };
    let mut found: Vec<Vec<CaseDocument>> = vec![Vec::new(); bench.ways.len()];
    let (mut before, mut bytes): (Option<Vec<Entry>>, u64) = (None, 0);
    scan.visit(
        plan.table(&trail.table)?,
        |chunk| families(chunk, &bench.links, name, trail, asked),
        |all| {
            for family in all {
                let entries = family.entries()?;
                bench.links.right(name, &family.name, &entries)?;
                bytes += bench.of_family(&family, &entries, before.as_deref(), &mut found)?;
                let room = plan.limits.memory.bytes / 4;
                if bytes > room {
                    let text = format!("the trails of `{name}` have more than {} MB", room / 1_000_000);
                    return Err(Error::usage(text).hint("a smaller --each, or a larger --max-memory"));
                }
                if found.iter().all(|cases| cases.len() >= each) {
                    return Ok(true);
                }
                before = Some(entries);
            }
            Ok(false)
        },
    )?;
    if let Some((way, cases)) = bench.ways.iter().zip(&found).find(|(_, cases)| cases.len() < each) {
        let root = &plan.tables[plan.root_of(plan.table(&trail.table)?)];
        let text = format!("{} trails of `{name}` can be `{}`, and {each} are asked for", cases.len(), way.name);
        return Err(Error::usage(text).hint(format!(
            "--rows {}=N makes more than {} rows; a smaller --each asks for fewer",
            root.name, root.rows
        )));
    }
    Ok(found.into_iter().flatten().collect())
}

/// The ingredients of the cases of a pack.
struct Made<'a> {
    plan: &'a Plan,
    name: &'a str,
    trail: &'a Trail,
    links: Links,
    ways: Vec<Way>,
    each: usize,
}

impl Made<'_> {
    /// Adds the cases of a trail to those of each way that has too few, and gives the size of their texts in bytes.
    fn of_family(
        &self,
        family: &Family,
        entries: &[Entry],
        other: Option<&[Entry]>,
        found: &mut [Vec<CaseDocument>],
    ) -> Result<u64> {
        let anchors = self.links.anchors(entries, self.trail.anchors);
        let bench = Bench { links: &self.links, entries, other, edits: family.edits()? };
        let mut bytes = 0;
        for (way, cases) in self.ways.iter().zip(found).filter(|(_, cases)| cases.len() < self.each) {
            let key = Seed::new(&self.plan.seed).column_key(&format!("trails.{}", self.name), &way.name);
            let Some(tampered) = bench.tampered(way, &mut Cell::new(key, family.number)) else { continue };
            let first = [tampered.first, self.links.contradicted(&tampered.entries, &anchors)];
            let case = self.document(way, &family.name, &anchors, tampered, first.into_iter().flatten().min());
            bytes += json!(case.json).to_string().len() as u64;
            cases.push(case);
        }
        Ok(bytes)
    }

    fn document(
        &self,
        way: &Way,
        family: &str,
        anchors: &BTreeMap<u64, Value>,
        tampered: Tampered,
        first: Option<u64>,
    ) -> CaseDocument {
        let name = format!("{}/{family}/{}", self.name, way.name);
        let anchors: Vec<Value> =
            anchors.iter().map(|(number, hash)| json!({ "number": number, "hash": hash })).collect();
        let json = json!({
            "_case": name,
            "pack": self.name,
            "tampered": way.name,
            "about": way.about,
            "chain": self.links.described(),
            "anchors": anchors,
            "trail": tampered.entries,
            "expect": { "intact": first.is_none(), "first": first },
            "law": self.trail.law,
        });
        let json = if let Value::Object(json) = json { json } else { Map::new() };
        CaseDocument { name, about: way.about.clone(), json }
    }
}
