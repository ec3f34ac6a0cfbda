//! `verify --database`, `detect` and `purge`, with a database that needs no server; other databases are clients of the same code.

use std::path::Path;

use rusqlite::Connection;

use crate::run::{good, placebo};

const SHOP: &str = "tests/fixtures/shop";

fn to(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

/// Runs the program: exit code and both outputs.
fn run(args: &[&str]) -> (i32, String) {
    let output = placebo(args).output().expect("runs");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.code().unwrap_or(-1), text.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" "))
}

fn execute(path: &Path, sql: &str) {
    Connection::open(path).expect("opens").execute_batch(sql).expect(sql);
}

fn text(path: &Path, sql: &str) -> String {
    let connection = Connection::open(path).expect("opens");
    let mut statement = connection.prepare(sql).expect(sql);
    let count = statement.column_count();
    let mut rows = statement.query([]).expect(sql);
    let mut all = String::new();
    while let Some(row) = rows.next().expect(sql) {
        let values: Vec<String> = (0..count).map(|at| format!("{:?}", row.get_ref(at).expect("a value"))).collect();
        all += &format!("{}\n", values.join("|"));
    }
    all
}

#[test]
fn a_database_is_verified_from_its_ledger_and_its_profile() {
    let temp = tempfile::tempdir().expect("a folder");
    let path = temp.path().join("a.db");
    let (database, verify) = (to(&path), |more: &[&str]| run(&[&["verify", "--database", &to(&path)], more].concat()));
    good(&["load", "healthcare", "--rows", "patient=100", "--to", &database, "-q"]);
    let (code, said) = verify(&["--replay", "all"]);
    assert!(code == 0 && said.contains("digests") && said.contains("foreign keys"), "{said}");
    assert!(said.contains("chunks derived again") && !said.contains(" 0 of"), "{said}");
    for (change, words) in [
        ("UPDATE patient SET mrn = mrn || 'x' WHERE patient_id = 5", "digest: the rows are other ones"),
        ("DELETE FROM consent WHERE rowid = 1", "rows are there in place of"),
        ("UPDATE encounter SET patient_id = 99999 WHERE rowid = 1", "refer to no row of `patient`"),
        ("UPDATE _placebo_ledger SET digest = replace(digest, 'a', 'b') WHERE \"table\" = 'patient'", "ledger"),
        ("DROP TABLE consent", "the table is missing"),
        ("UPDATE _placebo_load SET manifest = NULL", "is not complete"),
    ] {
        let broken = temp.path().join("b.db");
        std::fs::copy(&path, &broken).expect("copies");
        execute(&broken, &format!("PRAGMA foreign_keys = OFF; {change}"));
        let (code, said) = run(&["verify", "--database", &to(&broken)]);
        assert!(code == 6 && said.contains(words), "{change}: {code} {said}");
    }
    let (code, said) = run(&["verify", "--database", &to(&temp.path().join("none.db"))]);
    assert!(code == 4, "{said}");
    // A table that the manifest of another seed would have: the digests of derived chunks differ.
    let other = temp.path().join("c.db");
    good(&["load", "healthcare", "--rows", "patient=100", "--seed", "1", "--to", &to(&other), "-q"]);
    execute(&other, "UPDATE _placebo_load SET manifest = replace(manifest, '\"seed\": \"1\"', '\"seed\": \"2\"')");
    let (code, said) = run(&["verify", "--database", &to(&other), "--replay", "all"]);
    assert!(code == 6 || said.contains("no chunk was derived again"), "{said}");
}

/// Tables as a migration makes them, with rows of an application in each.
fn migrated(path: &Path, more: &str) {
    execute(
        path,
        &format!(
            "CREATE TABLE shop (shop_id INTEGER PRIMARY KEY, name TEXT NOT NULL, motto TEXT DEFAULT 'none');
             CREATE TABLE account (account_id INTEGER PRIMARY KEY, shop_id BIGINT REFERENCES shop (shop_id), opened DATE,
               kind TEXT, total NUMERIC(38,2), paid INTEGER, state TEXT, loud TEXT GENERATED ALWAYS AS (upper(kind)));
             CREATE TABLE payment (payment_id INTEGER PRIMARY KEY, account_id BIGINT REFERENCES account (account_id),
               amount NUMERIC(5,2), balance NUMERIC(38,2), before NUMERIC(5,2), day DATE{more});
             CREATE TABLE event (account_id BIGINT, seq INTEGER, state TEXT, at TIMESTAMP);
             CREATE TABLE other (id INTEGER PRIMARY KEY, note TEXT);
             INSERT INTO shop VALUES (700, 'theirs', 'theirs too'), (701, 'shop 1', NULL);
             INSERT INTO account VALUES (70000, 700, '2020-01-01', 'a', 5.5, 1, 'new');
             INSERT INTO payment VALUES (70000001, 70000, 1.5, 1.5, NULL, '2020-01-02');
             INSERT INTO event VALUES (70000, 0, 'new', '2020-01-01T00:00:00.000000Z');
             INSERT INTO other VALUES (1, 'kept');"
        ),
    );
}

const TABLES: [&str; 5] = ["shop", "account", "payment", "event", "other"];

fn rows(path: &Path) -> Vec<String> {
    TABLES.iter().map(|table| text(path, &format!("SELECT rowid, * FROM \"{table}\" ORDER BY 1"))).collect()
}

#[test]
fn purge_removes_what_a_load_brought_and_nothing_else() {
    let temp = tempfile::tempdir().expect("a folder");
    let path = temp.path().join("a.db");
    migrated(&path, "");
    let (before, database) = (rows(&path), to(&path));
    let purge = ["purge", "--from", database.as_str(), "--profile", SHOP];
    let (code, said) = run(&purge);
    assert!(code == 5 && said.contains("has no load"), "{said}");
    let load = ["load", SHOP, "--tables", "shop,account,payment", "--to", &database, "-q"];
    let (code, said) = run(&load);
    assert!(code == 5 && said.contains("--test-database a.db"), "{said}");
    let (code, said) = run(&[&load[..], &["--test-database", "a.db"]].concat());
    assert!(code == 5 && said.contains("--mode append"), "{said}");
    assert_eq!(rows(&path), before, "a refused load writes nothing");
    let append = [&load[..], &["--test-database", "a.db", "--mode", "append"]].concat();
    good(&append);
    assert_eq!(text(&path, "SELECT count(*) FROM account"), "Integer(1001)\n");
    assert_eq!(text(&path, "SELECT DISTINCT motto FROM shop WHERE shop_id < 100"), "Text([110, 111, 110, 101])\n");
    let (code, said) = run(&["verify", "--database", &database, "--profile", SHOP, "--replay", "all"]);
    assert!(code == 0 && said.contains("has 2 rows of others"), "{said}");
    let (code, said) = run(&["detect", "--in", &database]);
    assert!(code == 0 && said.contains("shop") && said.contains("complete"), "{said}");
    // A row of theirs that depends on one of the load keeps all of it there.
    execute(&path, "INSERT INTO account (account_id, shop_id) VALUES (70001, 3)");
    let (code, said) = run(&purge);
    assert!(code == 5 && said.contains("rows of others depend on the load"), "{said}");
    execute(&path, "DELETE FROM account WHERE account_id = 70001");
    // What the application changed or deleted meanwhile is removed as far as it is there.
    execute(&path, "UPDATE payment SET amount = 0 WHERE account_id = 7; DELETE FROM payment WHERE account_id = 8");
    let (code, said) = run(&purge);
    assert!(code == 0 && said.contains("were not there any more") && said.contains("0 tables dropped"), "{said}");
    assert_eq!(rows(&path), before);
    assert_eq!(text(&path, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%placebo%'"), "Integer(0)\n");
    // And again: loaded, and removed by replacing it.
    good(&append);
    let (code, said) = run(&purge);
    assert!(code == 0 && !said.contains("were not there"), "{said}");
    assert_eq!(rows(&path), before);
}

#[test]
fn rows_that_cannot_be_told_apart_are_left() {
    let temp = tempfile::tempdir().expect("a folder");
    let path = temp.path().join("a.db");
    migrated(&path, ", FOREIGN KEY (account_id) REFERENCES account (account_id) ON DELETE CASCADE");
    let database = to(&path);
    let load = ["load", SHOP, "--to", &database, "-q", "--test-database", "a.db", "--mode", "append"];
    good(&load);
    let loaded = rows(&path);
    let purge = ["purge", "--from", database.as_str(), "--profile", SHOP];
    let (code, said) = run(&purge);
    assert!(code == 5 && said.contains("which go or change with the rows of `account`"), "{said}");
    execute(&path, "DELETE FROM payment WHERE payment_id = 70000001");
    let (code, said) = run(&purge);
    assert!(code == 5 && said.contains("`event` has rows of others and no key"), "{said}");
    assert_eq!(rows(&path)[..2], loaded[..2], "nothing was removed");
    execute(&path, "DELETE FROM event WHERE account_id = 70000");
    good(&purge);
    assert_eq!(text(&path, "SELECT shop_id FROM shop"), "Integer(700)\nInteger(701)\n");
    assert_eq!(text(&path, "SELECT count(*) FROM event"), "Integer(0)\n");
}

#[test]
fn modes_of_tables_that_are_there() {
    let temp = tempfile::tempdir().expect("a folder");
    let path = temp.path().join("a.db");
    let database = to(&path);
    let load = |more: &[&str]| run(&[&["load", SHOP, "--to", &to(&path), "-q"], more].concat());
    assert_eq!(load(&["--mode", "append"]).0, 5, "there is nothing to append to");
    assert_eq!(load(&["--create"]).0, 0);
    assert_eq!(load(&["--create"]).0, 0, "the same load again does nothing");
    let (code, said) = load(&["--seed", "1"]);
    assert!(code == 5 && said.contains("--mode replace"), "{said}");
    assert_eq!(load(&["--seed", "1", "--mode", "replace"]).0, 0);
    let (code, said) = run(&["verify", "--database", &database, "--profile", SHOP, "--replay", "all"]);
    assert!(code == 0 && said.contains("4 tables of `shop`"), "{said}");
    execute(&path, "CREATE TABLE mine (a)");
    let (code, said) = load(&["--seed", "2", "--mode", "truncate", "--tables", "shop,account"]);
    assert!(code == 0, "{said}");
    assert_eq!(text(&path, "SELECT count(*) FROM payment"), "Integer(0)\n", "the earlier load is gone as a whole");
    let (code, said) = load(&["--seed", "3", "--mode", "replace", "--tables", "shop"]);
    assert!(code == 5 && said.contains("was not made by placebo"), "{said}");
    // Columns that do not fit are told at once, before the first row.
    let path = temp.path().join("b.db");
    execute(&path, "CREATE TABLE shop (shop_id TEXT, label TEXT NOT NULL)");
    let (code, said) = run(&["load", SHOP, "--tables", "shop", "--to", &to(&path), "--test-database", "b.db"]);
    for words in ["`shop_id` is `TEXT` there", "`name` is missing there", "`label` must have a value"] {
        assert!(code == 2 && said.contains(words), "{words}: {said}");
    }
}
