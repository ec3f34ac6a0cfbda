//! Every function's example, and every bad profile's message.

use arrow_array::Array;
use placebo::plan::{Chunk, Options, Plan};
use placebo::sql;

/// A row of `one` with a child table for the examples of aggregates, and a calendar.
const TABLES: &str = r#"
name = "one"
as_of = 2025-06-30
[tables.t]
rows = 1
[tables.t.columns]
last = "last(item.w)"
[tables.item]
of = "t"
count = 4
[tables.item.columns]
amount = "CASE ordinal WHEN 1 THEN 3 WHEN 3 THEN 1 WHEN 4 THEN 5 END"
name = "substring('abcd', ordinal, 1)"
"#;

/// A profile with an expression in it, as a user would write it.
pub(crate) fn compiled(expression: &str) -> placebo::error::Result<Plan> {
    let folder = tempfile::tempdir().expect("a folder");
    let quoted = expression.replace('\\', "\\\\").replace('"', "\\\"");
    let over = expression.contains("OVER");
    let (a, w) = if over { ("last", quoted.as_str()) } else { (quoted.as_str(), "1") };
    let text = format!("{TABLES}w = \"{w}\"\n[tables.t.columns.a]\nexpr = \"CAST(({a}) AS text)\"\n");
    std::fs::write(folder.path().join("profile.toml"), text).expect("writes");
    let loaded = placebo::profile::load(folder.path().to_str().expect("a path"))?;
    Plan::compile(&loaded, &Options::default())
}

/// The text of an expression's value.
pub(crate) fn evaluate(expression: &str) -> placebo::error::Result<String> {
    let plan = compiled(expression)?;
    let batch = Chunk::new(&plan, 0, &[0]).batch(0)?;
    let text = sql::as_text(batch.column_by_name("a").expect("the column"))?;
    let text = text.as_any().downcast_ref::<arrow_array::StringArray>().expect("strings");
    Ok(if text.is_null(0) { String::new() } else { text.value(0).to_owned() })
}

pub(crate) fn value(expression: &str) -> String {
    evaluate(expression).unwrap_or_else(|error| panic!("{expression}: {error:?}"))
}

#[test]
fn every_example_of_a_function_is_true() {
    let mut wrong = Vec::new();
    for doc in sql::docs() {
        match evaluate(doc.example.0) {
            Ok(text) if text == doc.example.1 => {}
            other => wrong.push(format!("{}: {} gives {other:?}", doc.signature, doc.example.0)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(sql::docs().count() > 90);
}

#[test]
fn an_error_in_a_branch_that_is_not_taken_stays_asleep() {
    assert_eq!(
        value("CASE WHEN row = 0 THEN 'good' ELSE CAST(CAST('x' || CAST(row AS text) AS bigint) AS text) END"),
        "good"
    );
}

#[test]
fn every_bad_profile_has_its_message() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bad");
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    names.sort();
    assert!(names.len() >= 30);
    let mut all = String::new();
    for path in names {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let loaded = placebo::profile::load(path.to_str().expect("a path"));
        let error = match loaded.and_then(|loaded| Plan::compile(&loaded, &Options::default()).map(|_| ())) {
            Ok(()) => panic!("{name} compiles"),
            Err(error) => error,
        };
        assert_eq!(error.kind().exit_code(), 3, "{name}: {error:?}");
        let text = format!("{error}").replace(&format!("{}/", folder.display()), "");
        all.push_str(&format!("{name}\n  {text}\n"));
        if let Some(hint) = error.hint_text() {
            all.push_str(&format!("  hint: {hint}\n"));
        }
    }
    insta::assert_snapshot!("bad_profiles", all);
}
