//! The closed list of kinds of identifiers and personal data: class, HIPAA letter, what to do, and what others call it.
//!
//! The list is a data file with its sources, `profiles/common/data/pii_kinds.csv`; a profile names a kind with
//! `pii = "ssn"` on a column or in `classes` of a table.

use std::sync::OnceLock;

/// The data file.
const FILE: &str = include_str!("../profiles/common/data/pii_kinds.csv");

/// How sensitive a column is, from nothing to what may not be kept at all.
pub const CLASSES: &[(&str, &str)] = &[
    ("public", "anyone may know it"),
    ("internal", "of the organisation, not of a person"),
    ("pii", "of a person"),
    ("phi", "of a person's health or care (HIPAA)"),
    ("pci", "of a payment card (PCI DSS)"),
    ("sad", "sensitive authentication data of a card: not to be stored (PCI DSS 3.3.1)"),
    ("secret", "opens something"),
    ("legal-privileged", "between a lawyer and a client"),
];

/// Whether columns of a class are of a person, or secret.
#[must_use]
pub fn personal(class: &str) -> bool {
    CLASSES.iter().skip(2).any(|(known, _)| *known == class)
}

/// One kind.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name, such as `ssn`.
    pub name: String,
    /// One of [`CLASSES`].
    pub class: String,
    /// The letter of the Safe Harbor list, or `-`.
    pub hipaa: String,
    /// `direct`, `quasi` or `none`.
    pub identifies: String,
    /// What `--protect profile` does.
    pub handling: String,
    /// How Safe Harbor keeps something of it, or `-`.
    pub generalize: String,
    /// How many characters `truncate` and `mask` leave at the start and at the end.
    pub keep: (usize, usize),
    /// How many digits it has at most, where that is fixed.
    pub digits: Option<u32>,
    /// What Microsoft Presidio calls it, or the empty text.
    pub presidio: String,
    /// What Fideslang calls it.
    pub fideslang: String,
    /// What the W3C's vocabulary calls it, or the empty text.
    pub dpv: String,
    /// What it is.
    pub about: String,
}

/// Every kind, in the order of the file.
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
        generalize: cell(5)?,
        keep: (head.parse().ok()?, tail.parse().ok()?),
        digits: row.get(7)?.parse().ok(),
        presidio: cell(8)?,
        fideslang: cell(9)?,
        dpv: cell(10)?,
        about: cell(11)?,
    })
}

/// The kind called `name`.
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
            assert!(CLASSES.iter().any(|(known, _)| known == class), "{name}: {class}");
            assert!(hipaa == "-" || matches!(hipaa.as_bytes(), [b'A'..=b'R']), "{name}: {hipaa}");
            assert!(["direct", "quasi", "none"].contains(&identifies.as_str()), "{name}: {identifies}");
            assert!(["-", "year", "birth_year", "age", "zip3"].contains(&kind.generalize.as_str()), "{name}");
            assert!(!kind.about.is_empty() && !kind.fideslang.is_empty(), "{name}");
        }
    }
}
