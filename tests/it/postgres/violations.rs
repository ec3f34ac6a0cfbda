//! Rows that a constraint of a table refuses: told exactly, without their values, and with nothing of their chunk left behind.

use super::server::shared;
use super::{Profile, refused};

const ROWS: &str = r#"
[tables.t]
rows = 300
[tables.t.columns]
id = { expr = "row + 1", key = true }
twin = "CASE WHEN row = 122 THEN 105 ELSE row END"
owner = "CASE WHEN row = 122 THEN 987654 ELSE row % 7 END"
code = "CASE WHEN row = 122 THEN 'planted' ELSE 'ok' END"
size = "CASE WHEN row = 122 THEN 98765432109 ELSE row END"
token = "CASE WHEN row = 122 THEN 'planted' ELSE '00000000-0000-0000-0000-000000000001' END"
"#;

/// The name of the database's table, the definition of `t`, and the words of the error.
const PLANTED: [(&str, &str, &[&str]); 9] = [
    ("uniq", "id bigint, twin bigint CONSTRAINT \"one only\" UNIQUE", &["unique constraint `one only`", "`twin`"]),
    ("refs", "id bigint, owner bigint CONSTRAINT to_owner REFERENCES owner", &["foreign key `to_owner`", "`owner`"]),
    ("chck", "id bigint, code text CONSTRAINT no_plant CHECK (code <> 'planted')", &["check constraint `no_plant`"]),
    ("mail", "id bigint, code short", &["check constraint `short_check`", "`code`"]),
    ("size", "id bigint, code varchar(5)", &["length of the column", "`code`"]),
    ("ints", "id bigint, size integer", &["type of the column", "`size`"]),
    ("smal", "id bigint, size smallint", &["type of the column", "`size`"]),
    ("uuid", "id bigint, token uuid", &["type of the column", "`token`"]),
    ("nums", "id bigint, size numeric(10, 2)", &["type of the column", "`size`"]),
];

#[test]
fn planted_violations_are_told_and_leave_nothing() {
    let server = shared();
    let url = server.database("planted");
    for (schema, columns, words) in PLANTED {
        let mut client = server.client("planted");
        let domain = "CREATE DOMAIN short AS text CHECK (length(VALUE) < 6)";
        let sql = format!(
            "CREATE SCHEMA {schema}; SET search_path = {schema}; {domain}; CREATE TABLE owner (id bigint PRIMARY KEY); \
             INSERT INTO owner SELECT generate_series(0, 6); CREATE TABLE t ({columns}); CREATE TABLE testdata_target ()"
        );
        client.batch_execute(&sql).expect("SQL");
        let wanted: Vec<&str> = columns
            .split(", ")
            .filter_map(|column| column.split(' ').next())
            .filter(|name| !name.starts_with(char::is_numeric))
            .collect();
        let kept = ROWS
            .lines()
            .filter(|line| line.split_once(" = ").is_none_or(|(name, _)| name == "rows" || wanted.contains(&name)));
        let profile = Profile::new(&kept.collect::<Vec<_>>().join("\n"));
        let args = [profile.path(), "--schema", schema, "--threads", "1", "--chunk-rows", "50"];
        let before = server.statements("planted").len();
        for shown in [false, true] {
            let args = [&args[..], if shown { &["--show-values"] } else { &["-q"] }].concat();
            let place = ["table `t`, chunk `t` 100..150, row 23", "id = 123"];
            let text = refused(&args, &url, 6, &[&place[..], words].concat());
            for value in ["planted", "987654", "98765432109"] {
                assert!(shown || !text.contains(value), "{schema}: {text}");
            }
            assert!(
                !shown || text.contains("planted") || text.contains("98765") || text.contains("105"),
                "{schema}: {text}"
            );
        }
        let count = |sql: &str| server.number("planted", &sql.replace("{s}", schema));
        // The chunks before are there and stay; of this one nothing is.
        assert_eq!(count("SELECT count(*) FROM {s}.t"), 100, "{schema}");
        assert_eq!(count("SELECT coalesce(max(end_row), 0)::bigint FROM {s}._placebo_ledger"), 100, "{schema}");
        // Each run met the row once: what would fail again is not tried again.
        let statements = server.statements("planted").split_off(before);
        let copies = statements.iter().filter(|statement| statement.starts_with("COPY \"t\"")).count();
        assert_eq!(copies, 3 + 1, "{schema}: {statements:?}");
    }
}

#[test]
fn a_trigger_and_a_column_that_must_not_be_null_are_told() {
    let server = shared();
    let url = server.database("others");
    let sql = "CREATE TABLE testdata_target (); CREATE TABLE t (id bigint, code text); \
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.code = 'planted' THEN RAISE EXCEPTION 'no % here', NEW.code; END IF; RETURN NEW; END $$; \
        CREATE TRIGGER refuse BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION refuse()";
    server.client("others").batch_execute(sql).expect("SQL");
    let code = "CASE WHEN row = 122 THEN 'planted' ELSE 'ok' END";
    let profile = |code: &str| {
        Profile::new(&format!(
            "[tables.t]\nrows = 300\n[tables.t.columns]\nid = {{ expr = \"row + 1\", key = true }}\ncode = \"{code}\"\n"
        ))
    };
    let text = refused(
        &[profile(code).path(), "--chunk-rows", "50", "--threads", "1"],
        &url,
        6,
        &["table `t`, chunk `t` 100..150, row 23", "id = 123", "trigger"],
    );
    assert!(!text.contains("planted"), "{text}");
    server.client("others").batch_execute("CREATE SCHEMA n; CREATE TABLE n.t (id bigint NOT NULL, code text NOT NULL); CREATE TABLE n.testdata_target ()").expect("SQL");
    let some = profile("CASE WHEN row <> 122 THEN 'ok' END");
    let args = [some.path(), "--schema", "n", "--chunk-rows", "50", "--threads", "1"];
    refused(&args, &url, 6, &["not-null constraint", "table `t`, chunk `t` 100..150, row 23"]);
    // A column that may be null by its expression goes into one that must not be, as long as no row has a null.
    let never = profile("CASE WHEN row < 1000 THEN 'ok' END");
    super::loaded(&[never.path(), "-q", "--schema", "n", "--mode", "append"], &url);
}
