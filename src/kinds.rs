//! Kinds of identifiers and personal data: a closed list with class, HIPAA letter, handling, and the names in other
//! vocabularies.
//!
//! The list is a data file with its sources, `profiles/common/data/pii_kinds.csv`; a profile names a kind with
//! `pii = "ssn"` on a column or in `classes` of a table.

use std::sync::OnceLock;

use arrow_schema::DataType;

/// The text of the data file.
const FILE: &str = include_str!("../profiles/common/data/pii_kinds.csv");

/// The handling that leaves a column as it is: that of every kind and class which names none.
pub const CLEAR: &str = "clear";

/// A class of sensitivity of columns, with the handlings that it allows.
#[derive(Debug, PartialEq, Eq)]
pub struct Class {
    /// Its name in profiles and on the command line.
    pub name: &'static str,
    /// A description in one line.
    pub about: &'static str,
    /// True if its columns are about a person, or secret.
    pub personal: bool,
    /// The most that a handling may leave of a value, where the user or the profile chooses one.
    pub allows: Remains,
}

/// The part of a value that a handling leaves, from nothing to all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remains {
    /// Nothing.
    Nothing,
    /// A cell that a key opens, with `placebo decrypt`.
    Ciphertext,
    /// Another value in its place, equal where the value is.
    Pseudonym,
    /// A hash of the value.
    Hash,
    /// A coarser value, such as the year of a date.
    Coarse,
    /// Its first and last characters.
    Ends,
    /// All of it.
    Everything,
}

/// All classes, from `public` up.
pub const CLASSES: &[Class] = &[
    Class { name: "public", about: "anyone may know it", personal: false, allows: Remains::Everything },
    Class {
        name: "internal",
        about: "of the organisation, not of a person",
        personal: false,
        allows: Remains::Everything,
    },
    Class { name: "pii", about: "of a person", personal: true, allows: Remains::Everything },
    Class { name: "phi", about: "of a person's health or care (HIPAA)", personal: true, allows: Remains::Everything },
    Class { name: "pci", about: "of a payment card (PCI DSS)", personal: true, allows: Remains::Everything },
    Class {
        name: "sad",
        about: "sensitive authentication data of a card: not to be stored (PCI DSS 3.3.1)",
        personal: true,
        allows: Remains::Nothing,
    },
    Class { name: "secret", about: "opens something", personal: true, allows: Remains::Ciphertext },
    Class {
        name: "legal-privileged",
        about: "between a lawyer and a client",
        personal: true,
        allows: Remains::Everything,
    },
];

/// Finds the class called `name`. `None` if there is none.
#[must_use]
pub fn class(name: &str) -> Option<&'static Class> {
    CLASSES.iter().find(|class| class.name == name)
}

/// Tells whether columns of a class are about a person, or secret. False for an unknown class.
#[must_use]
pub fn personal(class: &str) -> bool {
    self::class(class).is_some_and(|class| class.personal)
}

/// A rule of 45 CFR 164.514(b)(2)(i) for the part of a value that may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generalization {
    /// Of a date or an instant, the year; one for all that tell of somebody who is 90 or older.
    Year,
    /// Of an age, all from 90 on as 90.
    Age,
    /// Of a postal code, the first three digits.
    Zip3,
}

impl Generalization {
    /// The rule called `name`; `None` if there is none.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "year" => Self::Year,
            "age" => Self::Age,
            "zip3" => Self::Zip3,
            _ => return None,
        })
    }

    /// Tells whether the rule applies to values of a type: dates and instants, integers, or any type for postal codes.
    #[must_use]
    pub fn takes(self, ty: &DataType) -> bool {
        match self {
            Self::Year => matches!(ty, DataType::Date32 | DataType::Timestamp(..)),
            Self::Age => *ty == DataType::Int64,
            Self::Zip3 => true,
        }
    }
}

/// A kind of identifier or personal data.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The name, such as `ssn`.
    pub name: String,
    /// One of [`CLASSES`].
    pub class: String,
    /// The letter of the HIPAA Safe Harbor list, `A` to `R`, or `-`.
    pub hipaa: String,
    /// `direct`, `quasi` or `none`.
    pub identifies: String,
    /// The handling under `--protect profile`, such as `encrypt`.
    pub handling: String,
    /// The rule for the part that Safe Harbor allows to keep. `None` if it allows none.
    pub generalize: Option<Generalization>,
    /// The numbers of characters that `truncate` and `mask` leave at the start and at the end.
    pub keep: (usize, usize),
    /// The greatest number of digits. `None` if it is not fixed.
    pub digits: Option<u32>,
    /// The entity name in Microsoft Presidio, or the empty text.
    pub presidio: String,
    /// The data category in Fideslang.
    pub fideslang: String,
    /// The term in the W3C's Data Privacy Vocabulary, or the empty text.
    pub dpv: String,
    /// A description in one line.
    pub about: String,
}

/// Lists every kind, in the order of the file.
pub fn all() -> &'static [Kind] {
    static KINDS: OnceLock<Vec<Kind>> = OnceLock::new();
    KINDS.get_or_init(|| {
        let mut rows = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(FILE.as_bytes());
        rows.records().filter_map(|row| read(&row.ok()?)).collect()
    })
}

fn read(row: &csv::StringRecord) -> Option<Kind> {
    let cell = |n: usize| row.get(n).map(str::to_owned);
    let (head, tail) = row.get(6)?.split_once('+')?;
    Some(Kind {
        name: cell(0)?,
        class: cell(1)?,
        hipaa: cell(2)?,
        identifies: cell(3)?,
        handling: cell(4)?,
        generalize: match row.get(5)? {
            "-" => None,
            name => Some(Generalization::named(name)?),
        },
        keep: (head.parse().ok()?, tail.parse().ok()?),
        digits: row.get(7)?.parse().ok(),
        presidio: cell(8)?,
        fideslang: cell(9)?,
        dpv: cell(10)?,
        about: cell(11)?,
    })
}

/// Finds the kind called `name`. `None` if there is none.
///
/// ```
/// let kind = placebo::kinds::find("ssn").expect("a kind");
/// assert_eq!((kind.class.as_str(), kind.hipaa.as_str(), kind.handling.as_str()), ("pii", "G", "encrypt"));
/// ```
#[must_use]
pub fn find(name: &str) -> Option<&'static Kind> {
    all().iter().find(|kind| kind.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_file_is_a_kind() {
        let lines = FILE.lines().filter(|line| !line.starts_with('#')).count() - 1;
        assert_eq!(all().len(), lines, "a line cannot be read");
        let mut seen = std::collections::BTreeSet::new();
        for kind in all() {
            let Kind { name, class, hipaa, identifies, .. } = kind;
            assert!(seen.insert(name), "`{name}` twice");
            assert!(super::class(class).is_some(), "{name}: {class}");
            assert!(hipaa == "-" || matches!(hipaa.as_bytes(), [b'A'..=b'R']), "{name}: {hipaa}");
            assert!(["direct", "quasi", "none"].contains(&identifies.as_str()), "{name}: {identifies}");
            assert!(!kind.about.is_empty() && !kind.fideslang.is_empty(), "{name}");
        }
    }
}
