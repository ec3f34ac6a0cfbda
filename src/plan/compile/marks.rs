//! The classification of columns as personal data: every word must be known, and belong to a column that is written.
//!
//! An unknown word, or one at a column that is not written, would leave a column unprotected that the profile
//! means to protect, so it is a mistake of the profile, whether or not a run protects anything.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use crate::error::{Error, Result, did_you_mean};
use crate::kinds;
use crate::plan::Mark;
use crate::profile::{ColumnKeys, Profile, Table};

/// Collects the classification of a table's columns, by column. What `classes` says of a column whose own keys name
/// neither kind nor class completes these keys.
pub(super) fn marks(decl: &Table) -> IndexMap<String, Vec<Mark>> {
    let mut marks: IndexMap<String, Vec<Mark>> = IndexMap::new();
    for (name, column) in &decl.columns {
        let mark = own(&column.rest);
        if mark != Mark::default() {
            marks.entry(name.clone()).or_default().push(mark);
        }
    }
    for (class, columns) in &decl.classes {
        for column in columns {
            let all = marks.entry(column.clone()).or_default();
            match all.first_mut().filter(|mark| mark.names.is_none() && mark.class.is_none()) {
                Some(mark) => mark.names = Some(class.clone()),
                None => all.push(Mark { names: Some(class.clone()), ..Mark::default() }),
            }
        }
    }
    marks
}

fn own(keys: &ColumnKeys) -> Mark {
    Mark {
        names: keys.pii.clone(),
        class: keys.class.clone(),
        hipaa: keys.hipaa.clone(),
        handling: keys.handling.clone(),
        domain: keys.domain.clone(),
    }
}

/// Checks the classification of every column of a profile.
///
/// # Errors
///
/// If a kind, class, letter or domain is unknown, if a classified column is missing or not written, if it is
/// classified twice, or if it has a handling and no kind or class.
pub(super) fn check(profile: &Profile) -> Result<()> {
    let domains = Domains::of(profile);
    for (table_name, table) in &profile.tables {
        let path = format!("tables.{table_name}");
        for (name, column) in &table.columns {
            let path = format!("{path}.columns.{name}");
            let mark = own(&column.rest);
            words(&path, &mark)?;
            domains.check(&path, &mark)?;
        }
        for (class, columns) in &table.classes {
            let path = format!("{path}.classes.{class}");
            kind_or_class(&path, class)?;
            for name in columns {
                if table.r#let.contains_key(name) {
                    let why = format!(
                        "PII-005: `{name}` is an intermediate value: it is not written, so there is nothing to classify"
                    );
                    return Err(Error::profile(path, why).hint("classify the columns that are made of it"));
                }
                if !table.columns.contains_key(name) {
                    let known = table.columns.keys().map(String::as_str);
                    return Err(Error::profile(path, format!("PII-004: there is no column `{name}`"))
                        .maybe_hint(did_you_mean(name, known)));
                }
            }
        }
        for (name, marks) in marks(table) {
            let path = format!("{path}.columns.{name}");
            if marks.len() > 1 {
                return Err(Error::profile(path, format!("PII-003: `{name}` is classified twice"))
                    .hint("once, with `pii` on the column or in `classes` of the table"));
            }
            if let Some(mark) = marks.first().filter(|mark| mark.names.is_none() && mark.class.is_none()) {
                let given = [("handling", &mark.handling), ("hipaa", &mark.hipaa), ("domain", &mark.domain)];
                let key = given.iter().find(|(_, value)| value.is_some()).map_or("handling", |(key, _)| *key);
                return Err(Error::profile(
                    format!("{path}.{key}"),
                    format!("PII-024: `{name}` has a `{key}`, and no kind or class says what it is"),
                )
                .hint("pii = \"KIND\" (`placebo list kinds`), or class = \"pii\""));
            }
        }
    }
    Ok(())
}

/// Checks the words of a column's own keys.
fn words(path: &str, mark: &Mark) -> Result<()> {
    if let Some(name) = &mark.names {
        kind_or_class(&format!("{path}.pii"), name)?;
    }
    if let Some(class) = mark.class.as_deref().filter(|class| kinds::class(class).is_none()) {
        return Err(Error::profile(format!("{path}.class"), format!("PII-006: unknown class `{class}`"))
            .maybe_hint(did_you_mean(class, class_names())));
    }
    if let Some(letter) = mark.hipaa.as_deref()
        && letter != "-"
        && !matches!(letter.as_bytes(), [b'A'..=b'R'])
    {
        let upper = letter.trim().to_ascii_uppercase();
        let meant = matches!(upper.as_bytes(), [b'A'..=b'R']);
        let hint = if meant { format!("did you mean `{upper}`?") } else { "A to R, or -".to_owned() };
        return Err(Error::profile(
            format!("{path}.hipaa"),
            format!("PII-007: `{}` is not a letter of the Safe Harbor list", letter.escape_debug()),
        )
        .hint(hint));
    }
    Ok(())
}

fn class_names() -> impl Iterator<Item = &'static str> {
    kinds::CLASSES.iter().map(|class| class.name)
}

fn kind_or_class(path: &str, name: &str) -> Result<()> {
    if kinds::find(name).is_some() || kinds::class(name).is_some() {
        return Ok(());
    }
    let known = kinds::all().iter().map(|kind| kind.name.as_str()).chain(class_names());
    let near = did_you_mean(name, known).unwrap_or_else(|| "`placebo list kinds` shows them".to_owned());
    Err(Error::profile(path, format!("PII-002: unknown kind or class `{}`", name.escape_debug())).hint(near))
}

/// The domains that the columns of a profile name.
struct Domains {
    /// The columns by their full names, such as `patient.mrn`, and the kinds.
    known: Vec<String>,
    /// The number of columns that name a domain.
    used: BTreeMap<String, usize>,
}

impl Domains {
    fn of(profile: &Profile) -> Self {
        let columns = profile.tables.iter().flat_map(|(table, decl)| decl.columns.keys().map(move |c| (table, c)));
        let known = columns.map(|(table, column)| format!("{table}.{column}"));
        let known = known.chain(kinds::all().iter().map(|kind| kind.name.clone())).collect();
        let mut used = BTreeMap::new();
        for column in profile.tables.values().flat_map(|table| table.columns.values()) {
            if let Some((_, domain)) = domain(&own(&column.rest)) {
                *used.entry(domain).or_default() += 1;
            }
        }
        Self { known, used }
    }

    /// Refuses a domain that is nearly one that others name, a column's or a kind's, and that no other column has: its
    /// values would join nothing.
    fn check(&self, path: &str, mark: &Mark) -> Result<()> {
        let Some((key, domain)) = domain(mark) else { return Ok(()) };
        if self.used.get(&domain).is_some_and(|columns| *columns > 1) || self.known.contains(&domain) {
            return Ok(());
        }
        let others = self.used.keys().filter(|other| **other != domain).chain(&self.known).map(String::as_str);
        // A short list of known names is no suggestion.
        let near = did_you_mean(&domain, others).filter(|hint| hint.starts_with("did you mean"));
        let no_column = domain.split_once('.').is_some_and(|(table, _)| {
            self.known.iter().any(|known| known.split_once('.').is_some_and(|(known, _)| known == table))
        });
        if near.is_none() && !no_column && !domain.is_empty() {
            return Ok(());
        }
        Err(Error::profile(
            format!("{path}.{key}"),
            format!("PII-019: unknown domain `{}`: no other column names it", domain.escape_debug()),
        )
        .hint(
            near.unwrap_or_else(|| {
                "a column such as `patient.mrn`, a kind, or a word that two columns name".to_owned()
            }),
        ))
    }
}

/// The domain that a mark names, and the key that has it: `domain`, or `handling` as in `token:patient.mrn`.
fn domain(mark: &Mark) -> Option<(&'static str, String)> {
    let of_handling = || Some(("handling", mark.handling.as_ref()?.split_once(':')?.1.to_owned()));
    mark.domain.clone().map(|domain| ("domain", domain)).or_else(of_handling)
}
