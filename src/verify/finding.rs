//! A finding: its place, the rule, and the defect.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// One thing that is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The file below the folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The row in the file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// The column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The rule: `sha256`, `foreign key`, or the name of a check.
    pub rule: String,
    /// The defect, as a sentence.
    pub message: String,
}

impl Finding {
    /// A finding about a rule.
    #[must_use]
    pub fn new(rule: &str, message: impl Into<String>) -> Self {
        Self { rule: rule.to_owned(), message: message.into(), ..Self::default() }
    }

    /// In a file.
    #[must_use]
    pub fn file(mut self, file: &str) -> Self {
        self.file = Some(file.to_owned());
        self
    }

    /// In a table.
    #[must_use]
    pub fn table(mut self, table: &str) -> Self {
        self.table = Some(table.to_owned());
        self
    }

    /// In a row, from 1.
    #[must_use]
    pub fn row(mut self, row: u64) -> Self {
        self.row = Some(row);
        self
    }

    /// In a column.
    #[must_use]
    pub fn column(mut self, column: &str) -> Self {
        self.column = Some(column.to_owned());
        self
    }
}

/// `claim.csv: table claim row 17 column paid: check paid_within_allowed: …`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}: ")?;
        }
        let places = [("table", &self.table), ("column", &self.column)];
        let mut words: Vec<String> =
            places.iter().filter_map(|(word, name)| Some(format!("{word} `{}`", name.as_ref()?))).collect();
        if let Some(row) = self.row {
            words.insert(words.len().min(1), format!("row {row}"));
        }
        if !words.is_empty() {
            write!(f, "{}: ", words.join(" "))?;
        }
        write!(f, "{}: {}", self.rule, self.message)
    }
}

/// Findings of many threads. Of one rule in one table a few are kept: a table that was shuffled breaks every row.
#[derive(Debug, Default)]
pub struct Findings(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    list: Vec<Finding>,
    per_rule: BTreeMap<(Option<String>, String), u64>,
    more: u64,
}

/// The most findings of one rule in one table.
const PER_RULE: u64 = 5;
/// The most findings.
const ALL: usize = 1_000;

impl Findings {
    /// Keeps a finding, or counts it.
    pub fn add(&self, finding: Finding) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = finding.table.clone().or_else(|| finding.file.clone());
        let known = kept.per_rule.entry((place, finding.rule.clone())).or_default();
        *known += 1;
        if *known > PER_RULE || kept.list.len() >= ALL {
            kept.more += 1;
        } else {
            kept.list.push(finding);
        }
    }

    /// The findings, and how many more there are.
    #[must_use]
    pub fn into_parts(self) -> (Vec<Finding>, u64) {
        let kept = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        (kept.list, kept.more)
    }
}
