//! The result of a comparison: rows by kind, and the answers of each table.

use serde::Serialize;

use super::export::Export;
use super::join::Differences;
use crate::answers::{Answer, AnswerKey, Found, Merge};
use crate::plan::BALANCE;

/// The most findings of a table that are told one by one.
const TOLD: usize = 100;

/// The sign in place of a value that may not be shown.
pub(super) const HIDDEN: &str = "…";

/// The result for all exports.
#[derive(Debug, Default)]
pub struct Report {
    /// The tables, in the order in which they were asked for.
    pub tables: Vec<TableReport>,
}

/// The result for the export of a table.
#[derive(Debug, Default)]
pub struct TableReport {
    /// The table.
    pub table: String,
    /// The rows that a correct system holds, and those of the export.
    pub rows: [u64; 2],
    /// True if every compared cell of every row is proven.
    pub proven: bool,
    /// Columns of the table that were not compared, because the export does not have them or their cells are random.
    pub left_out: Vec<String>,
    /// Columns of the export that the table does not have.
    pub unknown: Vec<String>,
    /// Records with another number of cells than the header.
    pub ragged: u64,
    /// Rows that are missing.
    pub missing: u64,
    /// Rows that no correct system holds.
    pub unexpected: u64,
    /// Extra copies of rows that a correct system holds once.
    pub duplicate: u64,
    /// Rows with other cells.
    pub changed: u64,
    /// Some of these rows.
    pub findings: Vec<Finding>,
    /// The answers of the table.
    pub answers: Vec<Asserted>,
}

/// A row that is not as it must be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `missing`, `unexpected`, `duplicate`, `changed` or `record`.
    pub rule: String,
    /// The key of the row, as `column=value` pairs.
    pub key: String,
    /// The lines of the export, or the numbers of its rows from 1; none for a row that is missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<u64>,
    /// The number of such rows that the system holds, and the number that it must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<[u64; 2]>,
    /// The cells that differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// The fault of the data that explains it; `None` where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
}

/// A cell that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The column.
    pub column: String,
    /// In what way, such as `is cut off`.
    pub how: String,
    /// The right value and the one that is there, where values may be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<(Option<String>, Option<String>)>,
}

/// An answer, and whether the export gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asserted {
    /// The answer.
    pub answer: Answer,
    /// The verdict.
    pub state: State,
}

/// The verdict on an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It does.
    Holds,
    /// The export has another value, or none.
    Differs(Option<String>),
    /// It follows from other rows or columns than those of the export.
    NotLookedAt,
}

impl TableReport {
    pub(super) fn new(table: &str, expected: u64, found: u64, export: &Export, ragged: (u64, Vec<Finding>)) -> Self {
        Self {
            table: table.to_owned(),
            rows: [expected, found],
            left_out: export.left_out.clone(),
            unknown: export.unknown.clone(),
            ragged: ragged.0,
            findings: ragged.1,
            ..Self::default()
        }
    }

    /// Notes that the export has the rows of the answer key: so all answers hold.
    pub(super) fn prove(&mut self, key: &AnswerKey) {
        self.proven = true;
        let own = key.answers.iter().filter(|answer| answer.table == self.table);
        // A balance adds up rows of other tables, too.
        let state = |answer: &Answer| match answer.answer.starts_with(BALANCE) {
            true => State::NotLookedAt,
            false => State::Holds,
        };
        self.answers = own.map(|answer| Asserted { answer: answer.clone(), state: state(answer) }).collect();
    }

    pub(super) fn counted(&mut self, found: &Differences) {
        (self.missing, self.unexpected) = (found.missing, found.unexpected);
        (self.duplicate, self.changed) = (found.duplicate, found.changed);
    }

    pub(super) fn find(&mut self, finding: Finding) {
        let known = self.findings.iter().filter(|known| known.rule == finding.rule).count();
        if known < TOLD {
            self.findings.push(finding);
        }
    }

    /// Notes what was found of the answers. Counts and sums are shown; a value of the system's own only if values may be.
    pub(super) fn answer(&mut self, found: Vec<Found>, show_values: bool) {
        let asserted = |Found { mut answer, found, unknown }: Found| {
            let state = match found {
                None => State::NotLookedAt,
                Some(found) if found == answer.accepted => State::Holds,
                Some(found) if show_values || answer.merge == Merge::Add => State::Differs(found),
                Some(found) => State::Differs(found.map(|_| HIDDEN.to_owned())),
            };
            if unknown && !show_values {
                answer.value.iter_mut().flatten().for_each(|value| HIDDEN.clone_into(value));
            }
            Asserted { answer, state }
        };
        self.answers = found.into_iter().map(asserted).collect();
    }

    /// Counts the rows that are not as they must be.
    #[must_use]
    pub fn wrong(&self) -> u64 {
        self.missing + self.unexpected + self.duplicate + self.changed + self.ragged
    }

    /// The answers that do not hold.
    pub fn differing(&self) -> impl Iterator<Item = &Asserted> {
        self.answers.iter().filter(|answer| matches!(answer.state, State::Differs(_)))
    }
}

impl Finding {
    pub(super) fn new(rule: &str, key: String) -> Self {
        Self { rule: rule.to_owned(), key, ..Self::default() }
    }

    pub(super) fn case(mut self, case: Option<String>) -> Self {
        self.case = case;
        self
    }

    pub(super) fn line(mut self, line: u64) -> Self {
        self.lines.push(line);
        self
    }

    pub(super) fn held(mut self, held: u64, must: u64) -> Self {
        self.held = Some([held, must]);
        self
    }

    pub(super) fn changes(mut self, changes: Vec<Change>) -> Self {
        self.changes = changes;
        self
    }

    /// The defect as a sentence, without the key.
    #[must_use]
    pub fn message(&self) -> String {
        let mut text = match (&self.held, self.rule.as_str()) {
            (Some([held, must]), _) => format!("held {held}, must hold {must}"),
            (None, "missing") => "held 0, must hold 1".to_owned(),
            _ => String::new(),
        };
        let change = |change: &Change| {
            let quoted =
                |text: &Option<String>| text.as_ref().map_or_else(|| "null".to_owned(), |text| format!("`{text}`"));
            let values = change
                .values
                .as_ref()
                .map(|(expected, found)| format!(" ({} in place of {})", quoted(found), quoted(expected)));
            format!("`{}` {}{}", change.column, change.how, values.unwrap_or_default())
        };
        text += &self.changes.iter().map(change).collect::<Vec<_>>().join(", ");
        match self.lines.as_slice() {
            [] => {}
            lines => {
                let lines: Vec<String> = lines.iter().map(u64::to_string).collect();
                text += &format!("{}line {}", if text.is_empty() { "" } else { "; " }, lines.join(", "));
            }
        }
        text + &self.case.as_ref().map_or_else(String::new, |case| format!("; explained by {case}"))
    }
}
