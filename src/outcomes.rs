//! Classes of faults: what a correct system does with one, and the codes with which it answers, by dialect.
//!
//! The lists are data files with their sources, `profiles/common/data/fault_classes.csv` and `outcomes.csv`; a fault of a profile names
//! a class, and may say otherwise in `expect`.

use std::sync::OnceLock;

use indexmap::IndexMap;

const CLASSES: &str = include_str!("../profiles/common/data/fault_classes.csv");
const CODES: &str = include_str!("../profiles/common/data/outcomes.csv");

/// The action of a correct system on a row that came with a fault, from which follows what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// It holds the row as sent.
    Accept,
    /// It does not hold the row.
    Reject,
    /// It holds the row once, as it was without the fault.
    Once,
    /// It holds the row as it was without the fault.
    Repair,
    /// It does not hold the row; the row waits in its list of exceptions.
    Hold,
    /// It holds the row as sent, and tells somebody.
    Flag,
    /// It discloses nothing, and writes that down.
    Deny,
    /// It holds the row as sent; a job that watches it tells somebody.
    Alert,
    /// It changes nothing.
    Ignore,
}

impl Decision {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Accept,
        Self::Reject,
        Self::Once,
        Self::Repair,
        Self::Hold,
        Self::Flag,
        Self::Deny,
        Self::Alert,
        Self::Ignore,
    ];

    /// The word for it in profiles and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Once => "once",
            Self::Repair => "repair",
            Self::Hold => "hold",
            Self::Flag => "flag",
            Self::Deny => "deny",
            Self::Alert => "alert",
            Self::Ignore => "ignore",
        }
    }

    /// Finds the decision of a word; `None` if there is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|decision| decision.name() == name)
    }

    /// The form in which a system that decides so holds the row.
    #[must_use]
    pub const fn holds(self) -> Holds {
        match self {
            Self::Accept | Self::Flag | Self::Alert => Holds::AsSent,
            Self::Once | Self::Repair | Self::Ignore => Holds::Clean,
            Self::Reject | Self::Hold | Self::Deny => Holds::Nothing,
        }
    }
}

/// The form in which a correct system holds a row that came with a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// The row as sent, its copies too.
    AsSent,
    /// The row as it was without the fault, one time.
    Clean,
    /// No such row.
    Nothing,
}

/// A class of faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultClass {
    /// Its name in profiles and on the command line.
    pub name: String,
    /// The action of a correct system.
    pub decision: Decision,
    /// The class in one line.
    pub about: String,
    /// The codes of an answer by dialect, the most fitting first.
    pub codes: IndexMap<String, Vec<String>>,
}

/// All classes, in the order of the file.
///
/// # Panics
///
/// If the embedded files are wrong; a test reads them.
#[must_use]
pub fn classes() -> &'static [FaultClass] {
    static ALL: OnceLock<Vec<FaultClass>> = OnceLock::new();
    ALL.get_or_init(|| {
        let class = |[name, decision, about]: [String; 3]| FaultClass {
            decision: Decision::named(&decision).expect("a decision in fault_classes.csv"),
            name,
            about,
            codes: IndexMap::new(),
        };
        let mut all: Vec<FaultClass> = records(CLASSES).map(class).collect();
        for [class, dialect, codes, _] in records(CODES) {
            let class = all.iter_mut().find(|known| known.name == class).expect("a class in outcomes.csv");
            class.codes.insert(dialect, codes.split(' ').map(str::to_owned).collect());
        }
        all
    })
}

/// Finds a class by its name. `None` if there is none.
#[must_use]
pub fn class(name: &str) -> Option<&'static FaultClass> {
    classes().iter().find(|class| class.name == name)
}

/// The records of an embedded file, each of so many cells.
fn records<const N: usize>(text: &'static str) -> impl Iterator<Item = [String; N]> {
    let reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    reader.into_records().map(|record| {
        let record = record.expect("an embedded file of records");
        std::array::from_fn(|at| record[at].to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_codes_with_sources() {
        assert_eq!(classes().len(), 20);
        for [class, dialect, codes, source] in records::<4>(CODES) {
            assert!(!codes.is_empty() && source.len() > 10, "{class} {dialect}");
            assert!(super::class(&class).is_some(), "{class}");
        }
        let duplicate = class("duplicate").expect("a class");
        assert_eq!(
            (duplicate.decision, duplicate.codes["sqlstate"].as_slice()),
            (Decision::Once, &["23505".to_owned()][..])
        );
        let named = |decision: Decision| Decision::named(decision.name()) == Some(decision);
        assert!(Decision::ALL.into_iter().all(named));
    }
}
