//! Databases that nobody has marked as ones for tests: refused, and only read.

use super::server::shared;
use super::{SHOP, loaded, refused};

/// Whether a statement changes nothing.
fn only_reads(statement: &str) -> bool {
    let word = statement.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    ["SELECT", "SET", "SHOW"].contains(&word)
        && statement.split(';').map(str::trim).all(|part| part.is_empty() || !part.starts_with("DROP"))
}

#[test]
fn a_database_of_others_is_refused_and_only_read() {
    let server = shared();
    let sql = "CREATE SCHEMA sales; CREATE TABLE sales.customer (id int); INSERT INTO sales.customer VALUES (1)";
    for (database, sql) in [("prod_one", sql), ("prod_two", "CREATE MATERIALIZED VIEW figures AS SELECT 1 AS x")] {
        let url = server.database(database);
        server.client(database).batch_execute(sql).expect("SQL");
        for args in [
            &[][..],
            &["--create"],
            &["--mode", "append"],
            &["--mode", "replace"],
            &["--mode", "truncate"],
            &["--schema", "fresh"],
            &["--defer-foreign-keys"],
        ] {
            refused(&[&[SHOP][..], args].concat(), &url, 5, &["holds tables of others", "--test-database"]);
        }
        refused(
            &[SHOP, "--test-database", "staging"],
            &url,
            5,
            &["`--test-database staging` is not the database", database],
        );
        let statements = server.statements(database);
        assert!(statements.len() > 20, "{statements:?}");
        let others: Vec<_> = statements.iter().filter(|statement| !only_reads(statement)).collect();
        assert!(others.is_empty(), "{others:?}");
        loaded(&[SHOP, "-q", "--test-database", database], &url);
        // An earlier load is a mark.
        assert!(loaded(&[SHOP], &url).contains("nothing to do"));
    }
    let url = server.url("prod_one");
    server
        .client("prod_one")
        .batch_execute("CREATE SCHEMA marked; CREATE TABLE marked.testdata_target (note text)")
        .expect("SQL");
    loaded(&[SHOP, "-q", "--schema", "marked"], &url);
    refused(&[SHOP, "--schema", "other"], &url, 5, &["holds tables of others"]);
    assert_eq!(server.number("prod_one", "SELECT count(*) FROM sales.customer"), 1);
    for statement in server.statements("prod_one") {
        assert!(!statement.contains("customer"), "{statement}");
    }
}
