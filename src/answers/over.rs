//! Answers found again in rows that came back from a system, as far as they are about its columns alone.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema};

use super::cell::Cell;
use super::groups::Group;
use super::key::{Answer, AnswerKey};
use super::questions::Question;
use super::tally::{MOST_GROUPS, answered};
use crate::error::Result;
use crate::plan::Fold;

/// An answer, and what was found in its place: `None` where it cannot be found in these columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The answer.
    pub answer: Answer,
    /// The value that was found; the inner `None` is no value, such as the least of nothing.
    pub found: Option<Option<String>>,
    /// True if the key has no such group: its values are the system's own.
    pub unknown: bool,
}

/// The answers of a table, looked for in rows.
pub struct Over {
    asked: Vec<Asked>,
}

/// An answer with all of its groups, the question where the columns can answer it, and what was found so far.
type Asked = (Vec<Answer>, Option<Question>, BTreeMap<Group, Cell>);

impl Over {
    /// The answers of a table of a key, in rows with these columns.
    #[must_use]
    pub fn new(key: &AnswerKey, table: &str, schema: &Schema) -> Self {
        let mut asked: Vec<Asked> = Vec::new();
        for answer in key.answers.iter().filter(|answer| answer.table == table) {
            let same = |known: &&mut Asked| {
                let first = &known.0[0];
                (&first.answer, &first.measure, &first.dimension)
                    == (&answer.answer, &answer.measure, &answer.dimension)
            };
            match asked.last_mut().filter(same) {
                Some(known) => known.0.push(answer.clone()),
                None => asked.push((vec![answer.clone()], question(answer, schema), BTreeMap::new())),
            }
        }
        Self { asked }
    }

    /// Adds rows.
    ///
    /// # Errors
    ///
    /// If a value has no text.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        for (_, question, values) in &mut self.asked {
            let Some(asked) = question else { continue };
            for (group, cell) in answered(asked, batch)? {
                values.entry(group).or_default().merge(&cell, asked.fold);
            }
            // Groups that nobody expects are not kept without end.
            if values.len() > 2 * MOST_GROUPS {
                (*question, *values) = (None, BTreeMap::new());
            }
        }
        Ok(())
    }

    /// The answers with what was found, and groups that are in none of them.
    #[must_use]
    pub fn found(self) -> Vec<Found> {
        let mut all = Vec::new();
        for (answers, question, mut values) in self.asked {
            let first = answers[0].clone();
            for answer in answers {
                let found =
                    question.as_ref().map(|asked| asked.text(&values.remove(&answer.value).unwrap_or_default()));
                all.push(Found { answer, found, unknown: false });
            }
            for (value, cell) in values {
                let Some(asked) = &question else { continue };
                let nothing = asked.text(&Cell::None);
                let (clean, sent, accepted) = (nothing.clone(), nothing.clone(), nothing);
                all.push(Found {
                    found: Some(asked.text(&cell)),
                    unknown: true,
                    answer: Answer { value, clean, sent, accepted, ..first.clone() },
                });
            }
        }
        all
    }
}

/// The question of an answer over columns; `None` where it is about anything else.
fn question(answer: &Answer, schema: &Schema) -> Option<Question> {
    if answer.filter.is_some() {
        return None;
    }
    let by = answer.dimension.iter().map(|name| schema.index_of(name).ok()).collect::<Option<Vec<_>>>()?;
    let (fold, argument) = answer.measure.strip_suffix(')')?.split_once('(')?;
    let fold = match fold {
        "count" => Fold::Count,
        "nulls" => Fold::Nulls,
        "sum" => Fold::Sum,
        "min" => Fold::Least,
        "max" => Fold::Greatest,
        _ => return None,
    };
    let argument = if argument == "*" { None } else { Some(schema.index_of(argument).ok()?) };
    let ty = match (fold, argument) {
        (Fold::Sum | Fold::Least | Fold::Greatest, Some(place)) => schema.field(place).data_type().clone(),
        _ => DataType::Int64,
    };
    Some(Question::over(answer, by, argument, fold, ty))
}
