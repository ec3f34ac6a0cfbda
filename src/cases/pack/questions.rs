//! The questions of a pack about each row, in one order, and the place of each answer.

use indexmap::IndexMap;

use crate::error::{Error, Result, did_you_mean};
use crate::plan::{Asked, Plan, Question};
use crate::profile::{Decisions, Member, Reason};

/// The questions of a pack: decision, reason, the instant, the values of the request and of what is expected, boundaries, and other values of facts.
#[must_use]
pub fn questions(name: &str, decisions: &Decisions) -> Vec<Question> {
    let mut all = Vec::new();
    let mut ask = |path: String, sql: &str| {
        all.push(Question {
            path: format!("decisions.{name}.{path}"),
            table: decisions.table.clone(),
            sql: sql.to_owned(),
            condition: false,
        });
    };
    ask("decision".to_owned(), &decisions.decision.0);
    ask("reason".to_owned(), &decisions.reason.0);
    ask("at".to_owned(), &format!("\"{}\"", decisions.at));
    for (key, members) in [("request", &decisions.request), ("expect", &decisions.expect)] {
        leaves(members, &mut vec![key.to_owned()], &mut |path, sql| ask(path.join("."), sql));
    }
    for (boundary, at) in &decisions.boundaries {
        ask(format!("boundaries.{boundary}"), &at.0);
    }
    for (fact, set) in &decisions.facts {
        for (column, to) in &set.set {
            ask(format!("facts.{fact}.set.{column}"), &to.0);
        }
    }
    all
}

/// Every value of an object, with the names that lead to it, in order.
pub(super) fn leaves<'m>(
    members: &'m IndexMap<String, Member>,
    path: &mut Vec<String>,
    each: &mut impl FnMut(&[String], &'m str),
) {
    for (name, member) in members {
        path.push(name.clone());
        match member {
            Member::Value(sql) => each(path, &sql.0),
            Member::Object(inner) => leaves(inner, path, each),
        }
        path.pop();
    }
}

/// A pack with its compiled questions.
pub(super) struct Pack<'p> {
    pub(super) plan: &'p Plan,
    pub(super) name: &'p str,
    pub(super) decisions: &'p Decisions,
    pub(super) table: usize,
    pub(super) decision: Asked,
    pub(super) reason: Asked,
    pub(super) at: Asked,
    /// The values of documents, with the names that lead to them from `request` or `expect`.
    pub(super) values: Vec<(Vec<String>, Asked)>,
    /// Instants, by name.
    pub(super) boundaries: Vec<(&'p str, Asked)>,
    /// Columns with their other values, by the name of the fact.
    pub(super) facts: Vec<(&'p str, Vec<(&'p str, Asked)>)>,
}

impl<'p> Pack<'p> {
    /// Puts the answers to the questions of a pack into their places.
    pub(super) fn new(plan: &'p Plan, name: &'p str, decisions: &'p Decisions, asked: &[Asked]) -> Result<Self> {
        for decision in &decisions.permits {
            if !decisions.reasons.values().any(|reason| reason.decision == *decision) {
                let known = decisions.reasons.values().map(|reason| reason.decision.as_str());
                return Err(Error::profile(
                    format!("decisions.{name}.permits"),
                    format!("no reason leads to `{decision}`"),
                )
                .maybe_hint(did_you_mean(decision, known)));
            }
        }
        let mut rest = asked.iter().copied();
        let mut next = || rest.next().ok_or_else(|| Error::internal("a pack with too few questions"));
        let table = plan.table(&decisions.table)?;
        let (decision, reason, at) = (next()?, next()?, next()?);
        let mut paths = Vec::new();
        for (key, members) in [("request", &decisions.request), ("expect", &decisions.expect)] {
            leaves(members, &mut vec![key.to_owned()], &mut |path, _| paths.push(path.to_vec()));
        }
        let values = paths.into_iter().map(|path| Ok((path, next()?))).collect::<Result<_>>()?;
        let boundaries = decisions.boundaries.keys().map(|name| Ok((name.as_str(), next()?))).collect::<Result<_>>()?;
        let mut facts = Vec::new();
        for (fact, set) in &decisions.facts {
            let columns = set.set.keys().map(|column| Ok((column.as_str(), next()?))).collect::<Result<_>>()?;
            facts.push((fact.as_str(), columns));
        }
        Ok(Self { plan, name, decisions, table, decision, reason, at, values, boundaries, facts })
    }

    /// The reason of a decision, as the profile has it.
    pub(super) fn said(&self, decision: &str, reason: &str) -> Result<&'p Reason> {
        let said = self.decisions.reasons.get(reason).filter(|said| said.decision == decision);
        said.ok_or_else(|| {
            Error::profile(
                format!("decisions.{}.reasons", self.name),
                format!("a request is answered with `{decision}` because of `{reason}`, which is not among them"),
            )
            .hint(format!("reasons.{reason} = {{ decision = \"{decision}\", law = \"…\" }}"))
        })
    }
}
