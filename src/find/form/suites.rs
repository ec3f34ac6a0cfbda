//! Runners of tests of interfaces and units.

use super::{Form, Row, adapter, each, each_csv, fixtures};

/// The form `pytest`.
pub(super) static PYTEST: Form = Form {
    name: "pytest",
    about: "fixtures.json, and conftest.py with a fixture of the table's name; a pool is a worker of pytest-xdist",
    flat: false,
    one_file: false,
    files: |found| vec![fixtures(found), adapter(found, "conftest.py", include_str!("../adapters/conftest.py"))],
};

/// The form `postman`.
pub(super) static POSTMAN: Form = Form {
    name: "postman",
    about: "fixtures-N.json for `newman run -d`, one for each pool, and placebo.prerequest.js for the collection",
    flat: false,
    one_file: false,
    files: |found| {
        let mut files = each(found, "json", numbered);
        files.push(adapter(found, "placebo.prerequest.js", include_str!("../adapters/postman.js")));
        files
    },
};

/// The form `junit`.
pub(super) static JUNIT: Form = Form {
    name: "junit",
    about: "fixtures.json, fixtures-N.csv for @CsvFileSource, and Placebo.java; a pool is a fork",
    flat: true,
    one_file: false,
    files: |found| {
        let mut files = vec![fixtures(found), adapter(found, "Placebo.java", include_str!("../adapters/Placebo.java"))];
        files.extend(each_csv(found, true));
        files
    },
};

/// A list of rows that have their place in it: newman repeats the last row where it is asked for more than there are.
fn numbered(rows: &[Row]) -> String {
    let row = |(place, row): (usize, &Row)| {
        let rest = row.json.strip_prefix('{').unwrap_or_default();
        format!("{{\"_row\":{place},{rest}")
    };
    let rows: Vec<String> = rows.iter().enumerate().map(row).collect();
    format!("[\n{}\n]\n", rows.join(",\n"))
}
