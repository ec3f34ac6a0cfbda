//! Keys, unique columns and declared foreign keys: found by `check` and `verify`, and handed on to databases and readers.

use std::path::Path;

use placebo::dataset::DataSet;
use placebo::engine;
use placebo::error::Error;
use placebo::folder::table_file;
use placebo::format::write::datapackage::datapackage;
use placebo::format::write::ddl::schema_sql;
use placebo::plan::{Options, Plan};

use crate::run::placebo;

const HEAD: &str = "name = \"one\"\nas_of = 2025-06-30\n";

fn write(folder: &Path, lines: &str) {
    std::fs::write(folder.join("profile.toml"), format!("{HEAD}{lines}")).expect("writes");
}

fn plan(lines: &str) -> Result<Plan, Error> {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), lines);
    let loaded = placebo::profile::load(folder.path().to_str().expect("a path"))?;
    Plan::compile(&loaded, &Options::default())
}

/// The promises that a sample of so many root rows breaks: rule, table, columns and rows.
fn broken(lines: &str, sample: u64) -> Vec<(String, String, String, u64)> {
    let plan = plan(lines).unwrap_or_else(|error| panic!("{lines}: {error}"));
    let failures = engine::check(&plan, sample, 1).expect("runs");
    failures.into_iter().map(|f| (f.check, f.table, f.predicate, f.rows)).collect()
}

fn one(rule: &str, table: &str, columns: &str, rows: u64) -> Vec<(String, String, String, u64)> {
    vec![(rule.to_owned(), table.to_owned(), columns.to_owned(), rows)]
}

#[test]
fn repeated_keys_and_unique_values_are_found() {
    let t = "[tables.t]\nrows = 10\n[tables.t.columns]\n";
    assert_eq!(broken(&format!("{t}id = {{ expr = \"row % 4\", key = true }}"), 10), one("primary key", "t", "id", 6));
    // Both rows must be in the sample.
    assert_eq!(broken(&format!("{t}id = {{ expr = \"row % 4\", key = true }}"), 4), []);
    let id = format!("{t}id = {{ expr = \"row\", key = true }}\n");
    let mail = "mail = { expr = \"left('name' || CAST(row AS text), 5)\", unique = true }\n";
    assert_eq!(
        broken(&format!("{id}name = {{ expr = \"row // 5\", unique = true }}"), 10),
        one("unique", "t", "name", 8)
    );
    assert_eq!(broken(&format!("{id}{mail}"), 10), []);
    assert_eq!(broken(&format!("{}{mail}", id.replace("rows = 10", "rows = 12")), 12), one("unique", "t", "mail", 2));
    // Rows without a value do not count.
    assert_eq!(broken(&format!("{id}name = {{ expr = \"row\", when = \"row < 2\", unique = true }}"), 10), []);
    // A key of two columns, of which each repeats; and one that repeats as a whole, across families.
    let pair = |second: &str| {
        format!(
            "{id}[tables.u]\nof = \"t\"\ncount = 3\n[tables.u.columns]\na = {{ expr = \"t.id % 5\", key = true }}\nb = {{ expr = \"{second}\", key = true }}"
        )
    };
    assert_eq!(broken(&pair("ordinal"), 5), []);
    assert_eq!(broken(&pair("ordinal"), 10), one("primary key", "u", "a, b", 15));
    // Over several chunks, too.
    let long = "[tables.t]\nrows = 1_000\nchunk = 100\n[tables.t.columns]\nid = { expr = \"row % 999\", key = true }";
    assert_eq!(broken(long, 2_000), one("primary key", "t", "id", 1));
}

#[test]
fn declared_foreign_keys_that_lead_nowhere_are_found() {
    let t = "[tables.t]\nrows = 10\n[tables.t.columns]\nid = { expr = \"row + 1\", key = true }\n";
    let u = |expr: &str| {
        format!("{t}[tables.u]\nrows = 20\n[tables.u.columns]\nt_id = {{ expr = \"{expr}\", references = \"t.id\" }}")
    };
    assert_eq!(broken(&u("row % 10 + 1"), 20), []);
    assert_eq!(broken(&u("row % 11 + 1"), 20), one("foreign key", "u", "t_id → t.id", 1));
    assert_eq!(broken(&u("CASE WHEN row < 15 THEN 1 END"), 20), [], "a null refers to nothing");
    // What a sample refers to may lie beyond the sample of the other table.
    let far = "[tables.t]\nrows = 100_000\n[tables.t.columns]\nid = { expr = \"row + 1\", key = true }\n\
               [tables.u]\nrows = 3\n[tables.u.columns]\nt_id = { expr = \"99998 + row\", references = \"t.id\" }";
    assert_eq!(broken(far, 2), []);
    assert_eq!(broken(&far.replace("99998", "99999"), 3), one("foreign key", "u", "t_id → t.id", 1));
    // A key of two columns is one key.
    let two = |b: &str| {
        format!(
            "{t}[tables.v]\nof = \"t\"\ncount = 2\n[tables.v.columns]\na = {{ expr = \"t.id\", key = true }}\nb = {{ expr = \"ordinal\", key = true }}\n\
                 [tables.u]\nrows = 10\n[tables.u.columns]\na = {{ expr = \"row + 1\", references = \"v.a\" }}\nb = {{ expr = \"{b}\", references = \"v.b\" }}"
        )
    };
    assert_eq!(broken(&two("2"), 10), []);
    assert_eq!(broken(&two("CASE WHEN row < 7 THEN 2 ELSE 3 END"), 10), one("foreign key", "u", "a, b → v.a, v.b", 3));
}

#[test]
fn what_cannot_be_unique_is_found_before_row_0() {
    let t = "[tables.t]\nrows = 100\n[tables.t.columns]\n";
    let few = "100 rows need 100 different values, and there are";
    let cases = [
        (format!("{t}id = {{ gen.integer = {{ min = 1, max = 99 }}, key = true }}"), format!("columns.id: {few} 99")),
        (format!("{t}id = {{ expr = \"7\", key = true }}"), format!("columns.id: {few} 1")),
        (format!("{t}x = {{ gen.choice.values = [\"a\", \"b\"], unique = true }}"), format!("columns.x: {few} 2")),
        (format!("{t}x = {{ gen.boolean.p = 0.5, unique = true }}"), format!("{few} 2")),
        (format!("{t}x = {{ expr = \"row > 3\", unique = true }}"), format!("{few} 2")),
        (
            format!(
                "{t}x = {{ gen.date = {{ from = \"DATE '2025-01-01'\", to = \"DATE '2025-01-31'\" }}, unique = true }}"
            ),
            format!("{few} 31"),
        ),
        (
            format!(
                "{t}x = {{ expr = \"hidden\", unique = true }}\n[tables.t.let]\nhidden.gen.integer = {{ min = 1, max = 50 }}"
            ),
            format!("{few} 50"),
        ),
        (
            format!(
                "{t}a = {{ gen.integer = {{ min = 1, max = 9 }}, key = true }}\nb = {{ gen.integer = {{ min = 1, max = 11 }}, key = true }}"
            ),
            format!("columns.b: {few} 99"),
        ),
        (format!("{t}id = {{ expr = \"row\", key = true, null = 0.1 }}"), "has a value in every row".to_owned()),
        (
            format!("{t}id = {{ expr = \"row\", key = true, when = \"row > 3\" }}"),
            "has a value in every row".to_owned(),
        ),
        (
            format!(
                "{t}id = \"row\"\n[tables.u]\nof = \"t\"\ncount = 2\n[tables.u.columns]\nid = {{ expr = \"t.id\", key = true }}"
            ),
            "tables.u.columns.id: each parent has 2 rows, and all of them have one key".to_owned(),
        ),
    ];
    for (lines, message) in cases {
        let error = plan(&lines).err().unwrap_or_else(|| panic!("{lines} compiles"));
        assert!(error.to_string().contains(&message), "{lines}: {error}");
        assert_eq!(error.kind().exit_code(), 3, "{lines}: {error}");
    }
    // As many values as rows are enough; and rows without a value need none.
    assert!(plan(&format!("{t}id = {{ gen.integer = {{ min = 1, max = 100 }}, key = true }}")).is_ok());
    assert!(plan(&format!("{t}x = {{ gen.integer = {{ min = 1, max = 9 }}, unique = true, null = 0.99 }}")).is_ok());
}

#[test]
fn a_key_without_a_value_names_its_row() {
    let lines =
        "[tables.t]\nrows = 10\n[tables.t.columns]\nid = { expr = \"CASE WHEN row <> 7 THEN row END\", key = true }";
    let error = engine::check(&plan(lines).expect("compiles"), 10, 1).expect_err("an error");
    assert_eq!(error.to_string(), "tables.t.columns.id: row 7: the key has no value");
    assert_eq!(error.kind().exit_code(), 3);
    let set = DataSet::new(plan(lines).expect("compiles"));
    let error = set.batches("t").expect("a table").find_map(Result::err).expect("an error");
    assert_eq!(error.to_string(), "tables.t.columns.id: row 7: the key has no value");
}

const PLEDGED: &str = "[tables.t]\nrows = 10\n[tables.t.columns]\nid = { expr = \"row + 1\", key = true }\n\
    mail = { expr = \"'a' || CAST(row AS text)\", unique = true, class = \"internal\" }\n\
    code = { gen.permutation = { size = 100 }, class = \"internal\" }\nssn = { gen.ssn.unique = true, pii = \"ssn\" }\n\
    ref = { gen.uuid = {}, when = \"row > 3\", class = \"internal\" }\nn.gen.poisson.mean = \"row\"\nplain = \"n\"\n";

#[test]
fn promises_and_guarantees_reach_databases_and_readers() {
    let set = DataSet::new(plan(PLEDGED).expect("compiles"));
    let files: Vec<_> = set.outputs().iter().map(|output| table_file(output, Vec::new(), "csv")).collect();
    let sql = schema_sql(&files);
    for line in [
        "PRIMARY KEY (\"id\")",
        "UNIQUE (\"mail\")",
        "UNIQUE (\"code\")",
        "UNIQUE (\"ssn\")",
        "UNIQUE (\"ref\")",
        "\"code\" BIGINT NOT NULL",
        "\"n\" BIGINT NOT NULL",
        "\"plain\" BIGINT NOT NULL",
        "\"ref\" TEXT",
    ] {
        assert!(sql.lines().any(|text| text.trim().trim_end_matches(',') == line), "no {line} in {sql}");
    }
    assert_eq!(sql.matches("UNIQUE").count(), 4, "{sql}");
    let package: serde_json::Value =
        serde_json::from_str(&datapackage("one", "", &files, &placebo::format::Options::default())).expect("JSON");
    let fields = &package["resources"][0]["schema"]["fields"];
    let constraints = |at: usize| fields[at]["constraints"].clone();
    assert_eq!(constraints(1), serde_json::json!({ "required": true, "unique": true }));
    assert_eq!(constraints(2), serde_json::json!({ "required": true, "unique": true }));
    assert_eq!(constraints(4), serde_json::json!({ "unique": true }));
    assert_eq!(constraints(5), serde_json::json!({ "required": true }));
}

/// A mask makes one text of many values: what it was promised of is gone.
#[test]
fn protected_columns_keep_what_their_handling_keeps() {
    let temp = tempfile::tempdir().expect("a folder");
    write(temp.path(), PLEDGED);
    let out = temp.path().join("out");
    let (from, to) = (temp.path().to_str().expect("a path"), out.to_str().expect("a path"));
    let run = placebo(&["generate", from, "--out", to, "--protect", "ssn=mask", "-q"]).output().expect("runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let sql = std::fs::read_to_string(out.join("schema.sql")).expect("reads");
    assert!(sql.contains("UNIQUE (\"mail\")") && !sql.contains("UNIQUE (\"ssn\")"), "{sql}");
    let verified = placebo(&["verify", to, "--profile", from]).output().expect("runs");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[test]
fn check_and_verify_exit_with_6() {
    let temp = tempfile::tempdir().expect("a folder");
    write(
        temp.path(),
        "[tables.t]\nrows = 20\n[tables.t.columns]\nid = { expr = \"row\", key = true }\nname = { expr = \"row // 2\", unique = true }\n",
    );
    let (from, out) = (temp.path().to_str().expect("a path"), temp.path().join("out"));
    let to = out.to_str().expect("a path");
    let checked = placebo(&["check", from]).output().expect("runs");
    let (said, why) = (String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
    assert_eq!(checked.status.code(), Some(6), "{said}{why}");
    let row = |words: &[&str]| said.lines().any(|line| line.split_whitespace().collect::<Vec<_>>() == words);
    assert!(row(&["ok", "primary", "key", "t", "0", "id"]) && row(&["FAIL", "unique", "t", "10", "name"]), "{said}");
    assert!(why.contains("`unique` fails for 10 rows of `t`") && why.contains("id=1 name=0"), "{why}");
    assert!(placebo(&["generate", from, "--out", to, "-q"]).output().expect("runs").status.success());
    let verified = placebo(&["verify", to, "--profile", from]).output().expect("runs");
    let said = String::from_utf8_lossy(&verified.stdout).into_owned() + &String::from_utf8_lossy(&verified.stderr);
    assert_eq!(verified.status.code(), Some(6), "{said}");
    assert!(said.contains("unique: the value is that of an earlier row"), "{said}");
}

#[cfg(feature = "sqlite")]
#[test]
fn a_database_holds_unique_columns() {
    let temp = tempfile::tempdir().expect("a folder");
    write(temp.path(), PLEDGED);
    let place = temp.path().join("one.db");
    let to = format!("sqlite:{}", place.display());
    let run = placebo(&["load", temp.path().to_str().expect("a path"), "--to", &to, "-q"]).output().expect("runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let db = rusqlite::Connection::open(place).expect("opens");
    let twice = db.execute("UPDATE t SET mail = 'a0'", []).expect_err("refused").to_string();
    assert!(twice.contains("UNIQUE constraint failed: t.mail"), "{twice}");
}
