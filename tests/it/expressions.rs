//! Every function's example, and every bad profile's message.

use arrow_array::Array;
use placebo::plan::{Chunk, Options, Plan, sql};

/// Evaluates an expression through a profile, as a user would, and gives its text.
fn value(expression: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let quoted = expression.replace('\\', "\\\\").replace('"', "\\\"");
    let text = format!(
        "name = \"one\"\nas_of = 2025-06-30\n[tables.t]\nrows = 1\n[tables.t.columns]\na = {{ expr = \"CAST(({quoted}) AS text)\" }}\n"
    );
    std::fs::write(folder.path().join("profile.toml"), text).expect("writes");
    let loaded = placebo::profile::load(folder.path().to_str().expect("a path")).expect("loads");
    let plan = Plan::compile(&loaded, &Options::default()).unwrap_or_else(|error| panic!("{expression}: {error:?}"));
    let batch = Chunk::new(&plan, 0, &[0]).batch(0).expect("a batch");
    let text = sql::as_text(batch.column(0)).expect("text");
    let text = text.as_any().downcast_ref::<arrow_array::StringArray>().expect("strings");
    if text.is_null(0) { String::new() } else { text.value(0).to_owned() }
}

#[test]
fn every_example_of_a_function_is_true() {
    let mut count = 0;
    for function in sql::functions() {
        assert_eq!(value(function.example.0), function.example.1, "{}", function.signature);
        count += 1;
    }
    assert!(count > 50);
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
