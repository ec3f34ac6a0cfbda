//! Forms of fixtures: how rows that were found are handed to a test runner or a load generator.
//!
//! To add one: a file with its `static` [`Form`], and a line in [`FORMS`]. What a runner needs beside the rows is an adapter, a file in
//! `adapters/` in the runner's own language. Every adapter gives each row out once, and fails when there are no more.

mod browsers;
mod load;
mod plain;
mod suites;

use crate::error::{Error, Result, did_you_mean};

/// Every form.
pub static FORMS: &[&Form] = &[
    &plain::JSON,
    &plain::NDJSON,
    &browsers::PLAYWRIGHT,
    &browsers::CYPRESS,
    &suites::PYTEST,
    &suites::POSTMAN,
    &suites::JUNIT,
    &load::K6,
    &load::JMETER,
    &load::GATLING,
    &load::LOCUST,
];

/// A form of fixtures: one entry in [`FORMS`].
pub struct Form {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line for `placebo list forms`.
    pub about: &'static str,
    /// `true` if it needs lines of CSV, so that a row has no lists.
    pub flat: bool,
    /// `true` if it is one file, which can be standard output.
    pub one_file: bool,
    /// The files, by name, with their texts.
    files: fn(&Found) -> Vec<(String, String)>,
}

/// Rows in pools, with what an adapter says of them.
pub struct Found {
    /// The table's name, as a member of each row.
    pub table: String,
    /// The columns of a line of CSV; empty for a form that needs none.
    pub columns: Vec<String>,
    /// The rows of each pool.
    pub pools: Vec<Vec<Row>>,
    /// `true` if pools were asked for, and not rows alone.
    pub pooled: bool,
}

/// A row that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name, such as `patient/510`.
    pub case: String,
    /// The object, without blanks.
    pub json: String,
    /// The line of CSV with its line end; empty for a form that needs none.
    pub flat: String,
}

impl Form {
    /// The files of rows: names without folders, each once.
    #[must_use]
    pub fn files(&self, found: &Found) -> Vec<(String, String)> {
        (self.files)(found)
    }

    /// The files of earlier rows that would be taken for files of these: those of pools that there are no longer.
    #[must_use]
    pub fn is_of_another_pool(&self, name: &str, files: &[(String, String)]) -> bool {
        let numbered = name.strip_prefix(POOL).and_then(|rest| rest.split_once('.'));
        numbered.is_some_and(|(number, _)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
            && files.iter().any(|(own, _)| own.starts_with(POOL))
            && !files.iter().any(|(own, _)| own == name)
    }
}

/// The form called `name`.
///
/// # Errors
///
/// If there is none, with the nearest name as a hint.
pub fn find(name: &str) -> Result<&'static Form> {
    FORMS.iter().find(|form| form.name == name).copied().ok_or_else(|| {
        Error::usage(format!("unknown form `{name}`"))
            .hint("`placebo list forms` shows them")
            .maybe_hint(did_you_mean(name, FORMS.iter().map(|form| form.name)).filter(|hint| hint.starts_with("did")))
    })
}

/// The beginning of the name of the file of one pool.
const POOL: &str = "fixtures-";

/// A list with a row a line.
fn list(rows: &[Row]) -> String {
    let rows: Vec<&str> = rows.iter().map(|row| row.json.as_str()).collect();
    if rows.is_empty() { "[]".to_owned() } else { format!("[\n{}\n]", rows.join(",\n")) }
}

/// `{"workers":2,"pools":[[…],[…]]}`.
fn pools(found: &Found) -> String {
    let pools: Vec<String> = found.pools.iter().map(|pool| list(pool)).collect();
    format!("{{\"workers\":{},\"pools\":[{}]}}\n", pools.len(), pools.join(",\n"))
}

/// All pools in one file.
fn fixtures(found: &Found) -> (String, String) {
    ("fixtures.json".to_owned(), pools(found))
}

/// A file for each pool.
fn each(found: &Found, extension: &str, text: impl Fn(&[Row]) -> String) -> Vec<(String, String)> {
    let file = |(number, pool): (usize, &Vec<Row>)| (format!("{POOL}{number}.{extension}"), text(pool));
    found.pools.iter().enumerate().map(file).collect()
}

/// A file of CSV for each pool, with a header or without.
fn each_csv(found: &Found, header: bool) -> Vec<(String, String)> {
    each(found, "csv", |rows| {
        let mut text = if header { found.columns.join(",") + "\n" } else { String::new() };
        text.extend(rows.iter().map(|row| row.flat.as_str()));
        text
    })
}

/// An adapter with the names that it needs.
fn adapter(found: &Found, name: &str, text: &str) -> (String, String) {
    (name.to_owned(), text.replace("TABLE", &found.table).replace("COLUMNS", &found.columns.join(",")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn found(pools: usize) -> Found {
        let row = |n: usize| Row {
            case: format!("thing/{n}"),
            json: format!("{{\"_case\":\"thing/{n}\"}}"),
            flat: format!("{n}\n"),
        };
        let pools = (0..pools).map(|pool| vec![row(2 * pool + 1), row(2 * pool + 2)]).collect();
        Found { table: "thing".to_owned(), columns: vec!["id".to_owned()], pools, pooled: true }
    }

    #[test]
    fn every_row_is_in_one_place_and_no_file_has_two_names() {
        let names: BTreeSet<&str> = FORMS.iter().map(|form| form.name).collect();
        assert_eq!(names.len(), FORMS.len());
        for form in FORMS {
            let files = form.files(&found(3));
            let names: BTreeSet<&String> = files.iter().map(|(name, _)| name).collect();
            assert_eq!((names.len(), files.len() == 1), (files.len(), form.one_file), "{}", form.name);
            for (name, text) in &files {
                assert!(!text.contains("TABLE") && !text.contains("COLUMNS") && text.ends_with('\n'), "{name}");
            }
            for n in 1..=6 {
                let case = format!("\"thing/{n}\"");
                let places = files.iter().map(|(_, text)| text.matches(&case).count()).sum::<usize>();
                let lines = files
                    .iter()
                    .filter(|(name, text)| name.ends_with("csv") && text.lines().any(|line| line == n.to_string()));
                assert!(places == 1 || lines.count() == 1, "{}: {case}", form.name);
            }
        }
    }

    #[test]
    fn files_of_pools_that_are_gone_are_told() {
        let files = load::K6.files(&found(2));
        let gone = ["fixtures-1.json", "fixtures-2.json", "fixtures-x.json", "fixtures.json", "fixtures-9.csv"]
            .map(|name| load::K6.is_of_another_pool(name, &files));
        assert_eq!(gone, [false, true, false, false, true]);
        assert!(!plain::JSON.is_of_another_pool("fixtures-2.json", &plain::JSON.files(&found(2))));
    }
}
