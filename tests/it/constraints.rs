//! Constraints that a profile declares are looked at: checks that are null, and windows without room.

use placebo::engine;
use placebo::error::Error;
use placebo::plan::{Chunk, Options, Plan};

const HEAD: &str = r#"
name = "one"
as_of = 2025-06-30
[tables.t]
rows = 10
[tables.t.columns]
id = { expr = "row + 1", key = true }
maybe = { expr = "row", when = "row < 7" }
day = "DATE '2024-01-01' + row"
flag = "CASE WHEN row < 8 THEN 'F' ELSE 'X' END"
"#;

/// A profile with more lines, compiled.
fn plan(lines: &str) -> Result<Plan, Error> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("data")).expect("a folder");
    std::fs::write(folder.path().join("data/three.csv"), "name,sex,low:int,high:int\na,F,1,2\nb,F,3,4\nc,M,5,6\n")
        .expect("writes");
    std::fs::write(folder.path().join("profile.toml"), format!("{HEAD}{lines}")).expect("writes");
    let loaded = placebo::profile::load(folder.path().to_str().expect("a path"))?;
    Plan::compile(&loaded, &Options::default())
}

/// The texts of a column of the last table, and the error if there is none.
fn column(lines: &str, name: &str) -> Result<Vec<String>, Error> {
    let plan = plan(lines)?;
    let rows: Vec<u64> = (0..10).collect();
    let batch = Chunk::new(&plan, 0, &rows).batch(plan.tables.len() - 1)?;
    let texts = placebo::sql::as_text(batch.column_by_name(name).expect("the column"))?;
    let texts = arrow_array::cast::AsArray::as_string::<i32>(&texts);
    Ok(texts.iter().map(|text| text.unwrap_or_default().to_owned()).collect())
}

fn broken(lines: &str) -> Vec<(String, u64)> {
    let plan = plan(lines).expect("compiles");
    let failures = engine::check(&plan, 10, 1).expect("runs");
    failures.into_iter().map(|failure| (failure.check, failure.rows)).collect()
}

#[test]
fn a_check_that_is_null_fails_unless_it_says_otherwise() {
    let one = |check: &str| broken(&format!("[tables.t.checks]\n{check}"));
    assert_eq!(one("A = 'maybe >= 0'"), [("A".to_owned(), 3)]);
    assert_eq!(one("A = { about = 'x', that = 'maybe >= 0' }"), [("A".to_owned(), 3)]);
    assert_eq!(one("A = { about = 'x', that = 'maybe >= 0', null = 'fails' }"), [("A".to_owned(), 3)]);
    assert_eq!(one("A = { about = 'x', that = 'maybe >= 0', null = 'passes' }"), []);
    // A row that breaks the rule breaks it, whatever is said of nulls.
    assert_eq!(one("A = { about = 'x', that = 'maybe > 0', null = 'passes' }"), [("A".to_owned(), 1)]);
    assert_eq!(one("A = 'maybe IS NULL OR maybe >= 0'"), []);
    assert!(plan("[tables.t.checks]\nA = { about = 'x', that = 'true', null = 'maybe' }").is_err());
}

#[test]
fn an_empty_window_names_table_column_and_row() {
    let child = "[tables.u]\nof = \"t\"\ncount = 3\n[tables.u.columns]\nid = \"t.id\"\n";
    let late = "CASE WHEN row < 5 THEN DATE '2024-01-01' ELSE DATE '2025-01-01' END";
    let cases = [
        (
            format!("a.gen.date = {{ from = \"{late}\", to = \"day\" }}"),
            "tables.t.columns.a: row 5: `to` 2024-01-06 is before `from` 2025-01-01",
        ),
        (
            format!("a.gen.timestamp = {{ from = \"{late}\", to = \"day + 1\" }}"),
            "tables.t.columns.a: row 5: `to` 2024-01-07T00:00:00Z is not after `from` 2025-01-01T00:00:00Z",
        ),
        (
            "a.gen.timestamp = { from = \"CAST(day AS timestamp) + INTERVAL '1' SECOND\", to = \"CAST(day AS timestamp) + INTERVAL '2' SECOND\", \
             resolution = \"minute\" }"
                .to_owned(),
            "row 0: no instant of the resolution lies from `from` 2024-01-01T00:00:01Z to before",
        ),
        (
            // Row 5 is a Saturday.
            "a.gen.business_time = { from = \"day\", to = \"day + 1\" }".to_owned(),
            "tables.t.columns.a: row 5: no opening hours lie from `from` 2024-01-06T00:00:00Z to before",
        ),
        (
            format!("{child}a.gen.rising = {{ from = \"DATE '2024-01-05'\", to = \"t.day\" }}"),
            "tables.u.columns.a: ordinal 1 below root row 0: `to` 2024-01-01T00:00:00Z is not after `from` 2024-01-05",
        ),
        (
            "a.gen.choice.weights = { x = \"5 - row\", y = \"0 * row\" }\n[tables.t.checks]\nA = 'true'".to_owned(),
            "row 5: all weights are 0",
        ),
        (
            "a.gen.record = { file = \"three.csv\", column = \"name\", match.sex = \"flag\" }".to_owned(),
            "row 8: `",
        ),
        (
            "a.gen.age_pyramid = { file = \"three.csv\", from = \"low\", to = \"high\", match.sex = \"flag\", at = \"day\" }".to_owned(),
            "no record that matches `X`",
        ),
        (
            "a = \"place.name\"\n[tables.t.refs]\nplace = { file = \"three.csv\", match.sex = \"flag\" }".to_owned(),
            "tables.t.refs.place: row 8: `",
        ),
        (
            "[tables.t.let]\nhidden.gen.date = { from = \"day\", to = \"DATE '2024-01-04'\" }\n[tables.t.columns.a]\nexpr = \"hidden\"".to_owned(),
            "tables.t.let.hidden: row 4: ",
        ),
    ];
    for (lines, message) in cases {
        let lines = lines.replace("5 - row\"", "greatest(0, 5 - row)\"");
        let error = column(&lines, "a").expect_err(&lines);
        assert!(error.to_string().contains(message), "{lines}: {error}");
        assert_eq!(error.kind().exit_code(), 3, "{lines}: {error}");
        assert!(error.hint_text().is_some_and(|hint| hint.contains("fallback")), "{lines}: {error:?}");
    }
}

#[test]
fn a_fallback_says_what_an_empty_window_gives() {
    let late = "CASE WHEN row < 5 THEN DATE '2024-01-01' ELSE DATE '2025-01-01' END";
    let day = |fallback: &str| {
        column(&format!("a.gen.date = {{ from = \"{late}\", to = \"day\", fallback = \"{fallback}\" }}"), "a")
    };
    assert_eq!(day("from").expect("a column")[5..], ["2025-01-01"; 5]);
    assert_eq!(day("none").expect("a column")[5..], [""; 5]);
    assert!(day("any").is_err());
    let instant = |name: &str, to: &str, fallback: &str| {
        let lines = format!("a.gen.{name} = {{ from = \"day\", to = \"{to}\", fallback = \"{fallback}\" }}");
        column(&lines, "a").expect("a column")
    };
    assert_eq!(instant("timestamp", "DATE '2024-01-04'", "from")[9], "2024-01-10T00:00:00Z");
    assert_eq!(instant("timestamp", "DATE '2024-01-04'", "none")[9], "");
    // From Saturday to Sunday nothing is open: the next opening is on Monday.
    assert_eq!(instant("business_time", "day + 1", "from")[5], "2024-01-08T09:00:00Z");
    assert_eq!(instant("business_time", "day + 1", "none")[5..7], ["", ""]);
    let child = "[tables.u]\nof = \"t\"\ncount = 2\n[tables.u.columns]\nid = \"t.id\"\n";
    let rising = |fallback: &str| {
        let lines = format!(
            "{child}a.gen.rising = {{ from = \"t.day\", to = \"DATE '2024-01-03'\", fallback = \"{fallback}\" }}"
        );
        column(&lines, "a").expect("a column")
    };
    assert_eq!(rising("from")[18..], ["2024-01-10T00:00:00Z"; 2]);
    assert_eq!(rising("none")[18..], [""; 2]);
    let none = [
        "a.gen.choice = { weights = { x = \"greatest(0, 8 - row)\", y = \"0 * row\" }, fallback = \"none\" }",
        "a.gen.record = { file = \"three.csv\", column = \"name\", match.sex = \"flag\", fallback = \"none\" }",
        "a.gen.age_pyramid = { file = \"three.csv\", from = \"low\", to = \"high\", match.sex = \"flag\", at = \"day\", fallback = \"none\" }",
        "a = \"place.name\"\n[tables.t.refs]\nplace = { file = \"three.csv\", match.sex = \"flag\", fallback = \"none\" }",
    ];
    for lines in none {
        let values = column(lines, "a").expect("a column");
        assert!(values[..8].iter().all(|value| !value.is_empty()) && values[8..] == ["", ""], "{lines}: {values:?}");
    }
}

/// Rows that have no value by `when`, and rows with a null bound, have no window to be empty.
#[test]
fn rows_without_a_window_are_null() {
    let lines = "a = { gen.date = { from = \"day\", to = \"DATE '2024-01-04'\" }, when = \"row < 4\" }";
    assert_eq!(column(lines, "a").expect("a column")[4..], [""; 6]);
    let lines = "a.gen.date = { from = \"day\", to = \"CASE WHEN row < 4 THEN DATE '2024-01-04' END\" }";
    assert_eq!(column(lines, "a").expect("a column")[4..], [""; 6]);
    let lines = "a.gen.choice.weights = { x = \"maybe\", y = 1 }";
    assert_eq!(column(lines, "a").expect("a column")[7..], [""; 3]);
}

/// Keys of a reference that its kind does not have were read and forgotten.
#[test]
fn a_reference_to_a_file_has_its_share_of_nulls_and_refuses_what_it_cannot_do() {
    let lines = "a = \"place.name\"\n[tables.t.refs]\nplace = { file = \"three.csv\", null = 1 }";
    assert_eq!(column(lines, "a").expect("a column"), [""; 10]);
    for key in ["within = \"t\"", "where = \"true\"", "differs = [\"place\"]", "deal = {}", "at = 1", "skew = 1"] {
        let lines = format!("a = \"place.name\"\n[tables.t.refs]\nplace = {{ file = \"three.csv\", {key} }}");
        let error = plan(&lines).err().expect("an error").to_string();
        assert!(error.contains("does not go with `file`"), "{key}: {error}");
    }
}

#[test]
fn a_double_that_cannot_be_written_is_an_error_with_its_row() {
    let infinite = "x = \"CASE WHEN row < 4 THEN 1e0 ELSE CAST(1e300 AS double) * CAST(1e300 AS double) END\"\n";
    let error = column(infinite, "x").expect_err("infinity").to_string();
    assert!(error.contains("tables.t.columns.x") && error.contains("inf is not a number"), "{error}");
    assert!(error.contains("row 4"), "{error}");
    assert!(column("x = \"1e0 / (row - 4)\"\n", "x").is_ok(), "a quotient by 0 is null");
}
