//! Tables that are there already: their columns, their keys, and the values that they take.

use super::server::shared;
use super::{Profile, loaded, refused};

const VALUES: &str = r#"
[tables.thing]
rows = 500
[tables.thing.columns]
id = { expr = "row + 1", key = true }
small = "row % 300"
middle = "row * 1000"
exact = "row * 3"
ratio = "CAST(row AS double) / 8"
price = { gen.decimal = { min = 0, max = 100, scale = 2 } }
label = "'label ' || CAST(row AS text)"
fixed = "CASE WHEN row % 2 = 0 THEN 'aa' ELSE 'b' END"
token = { gen.uuid = {} }
shape = "'{\"a\": ' || CAST(row AS text) || '}'"
mood = { gen.choice.weights = { happy = 3, sad = 1 } }
mail = "'x' || CAST(row AS text) || '@example.com'"
tags = "'{a,b' || CAST(row AS text) || '}'"
doubled = "2 * (row % 300)"
number = "row + 1"
counted = "row + 1"
day = "DATE '2020-01-01' + row"
yes = "row % 2 = 0"
"#;

const TABLE: &str = "
CREATE TYPE mood AS ENUM ('happy', 'sad');
CREATE DOMAIN mail AS varchar(40) CHECK (VALUE LIKE '%@%');
CREATE TABLE thing (
  yes boolean, tags text[], mail mail, mood mood, shape jsonb, token uuid, fixed char(2), label varchar(20), price numeric(8,2), ratio real,
  exact numeric, middle integer, small smallint, day date, id bigint PRIMARY KEY, noted timestamptz NOT NULL DEFAULT now(), remark text,
  doubled integer GENERATED ALWAYS AS (small * 2) STORED, number integer GENERATED ALWAYS AS IDENTITY, counted serial
);
CREATE TABLE testdata_target ()";

#[test]
fn columns_are_found_by_name_and_take_their_types() {
    let server = shared();
    let url = server.database("existing");
    let profile = Profile::new(VALUES);
    server.client("existing").batch_execute(TABLE).expect("SQL");
    loaded(&[profile.path(), "-q", "--chunk-rows", "64"], &url);
    let check = "id = number AND counted = id AND middle = (id - 1) * 1000 AND small = (id - 1) % 300 AND exact = (id - 1) * 3 AND ratio = (id - 1) / 8.0 \
        AND label = 'label ' || (id - 1) AND fixed = CASE WHEN id % 2 = 1 THEN 'aa' ELSE 'b' END AND shape->>'a' = (id - 1)::text \
        AND mail = 'x' || (id - 1) || '@example.com' AND tags = ARRAY['a', 'b' || (id - 1)] AND doubled = small * 2 AND yes = (id % 2 = 1) \
        AND day = DATE '2020-01-01' + (id - 1)::int AND noted IS NOT NULL AND remark IS NULL AND token IS NOT NULL AND mood IN ('happy', 'sad') \
        AND price BETWEEN 0 AND 100";
    assert_eq!(server.number("existing", &format!("SELECT count(*) FROM thing WHERE {check}")), 500);
    assert!(loaded(&[profile.path(), "--chunk-rows", "64"], &url).contains("nothing to do"));
    server
        .client("existing")
        .batch_execute("INSERT INTO thing (id) VALUES (501)")
        .expect("the sequences were advanced");
    assert_eq!(
        server.number("existing", "SELECT count(*) FROM thing WHERE id = 501 AND number = 501 AND counted = 501"),
        1
    );
}

#[test]
fn a_single_row_advances_a_sequence_and_texts_have_none() {
    let server = shared();
    let url = server.database("sequences");
    let profile = Profile::new("[tables.t]\nrows = 1\n[tables.t.columns]\nid = { expr = \"row + 1\", key = true }\n");
    let sql = "CREATE SEQUENCE s; CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text DEFAULT 'A' || nextval('s')); \
        CREATE TABLE testdata_target ()";
    server.client("sequences").batch_execute(sql).expect("SQL");
    loaded(&[profile.path(), "-q"], &url);
    server.client("sequences").batch_execute("INSERT INTO t DEFAULT VALUES").expect("the next number is free");
    assert_eq!(server.text("sequences", "SELECT string_agg(id::text, ',' ORDER BY id) FROM t"), "1,2");
}

#[test]
fn every_mismatch_is_told_before_the_first_row() {
    let server = shared();
    let url = server.database("mismatches");
    let sql = "CREATE TABLE thing (id bigint PRIMARY KEY, smal smallint, middle boolean, exact date, ratio integer, price boolean, label bytea[], \
        must text NOT NULL); CREATE TABLE testdata_target ()";
    server.client("mismatches").batch_execute(sql).expect("SQL");
    let profile = Profile::new(VALUES);
    let words = [
        "the table `thing` does not fit",
        "`small` is missing there",
        "`smal`",
        "`middle` is `boolean`",
        "`exact` is `date`",
        "`ratio` is `integer`",
        "`price` is `boolean`",
        "`must` must have a value",
        "`token` is missing",
    ];
    refused(&[profile.path()], &url, 2, &words);
    assert_eq!(server.number("mismatches", "SELECT count(*) FROM thing"), 0);
    assert_eq!(
        server.number("mismatches", "SELECT count(*) FROM pg_class WHERE relname LIKE '\\_placebo%' AND relkind = 'r'"),
        0,
        "a refused load leaves no ledger"
    );
}

const TREE: &str = r#"
[tables.node]
rows = 900
[tables.node.columns]
id = { expr = "row + 1", key = true }
parent = "CASE WHEN row > 0 THEN row END"
"#;

#[test]
fn foreign_keys_are_enforced_row_by_row_in_order() {
    let server = shared();
    let url = server.database("nodes");
    let profile = Profile::new(TREE);
    let sql =
        "CREATE TABLE node (id bigint PRIMARY KEY, parent bigint REFERENCES node); CREATE TABLE testdata_target ()";
    server.client("nodes").batch_execute(sql).expect("SQL");
    loaded(&[profile.path(), "-q", "--threads", "2", "--chunk-rows", "10"], &url);
    assert_eq!(server.number("nodes", "SELECT count(*) FROM node c JOIN node p ON p.id = c.parent"), 899);
}

#[test]
fn circles_load_with_deferred_keys_and_orphans_are_found() {
    let server = shared();
    let url = server.database("circles");
    let circle = |other: &str| {
        Profile::new(&format!(
            "[tables.a]\nrows = 100\n[tables.a.columns]\nid = {{ expr = \"row + 1\", key = true }}\nb_id = \"{other}\"\n\
             [tables.b]\nrows = 100\n[tables.b.columns]\nid = {{ expr = \"row + 1\", key = true }}\na_id = \"100 - row\"\n"
        ))
    };
    let sql = "CREATE SCHEMA {s}; CREATE TABLE {s}.a (id bigint PRIMARY KEY, b_id bigint); CREATE TABLE {s}.b (id bigint PRIMARY KEY, a_id bigint REFERENCES {s}.a); \
        ALTER TABLE {s}.a ADD CONSTRAINT \"to b?\" FOREIGN KEY (b_id) REFERENCES {s}.b; CREATE TABLE {s}.testdata_target ()";
    for schema in ["good", "bad"] {
        server.client("circles").batch_execute(&sql.replace("{s}", schema)).expect("SQL");
    }
    let (good, bad) = (circle("row + 1"), circle("row + 2"));
    let text = refused(&[good.path(), "--schema", "good"], &url, 6, &["foreign key", "--defer-foreign-keys"]);
    assert!(text.contains("table `a`"), "{text}");
    loaded(&[good.path(), "-q", "--schema", "good", "--defer-foreign-keys"], &url);
    assert_eq!(server.number("circles", "SELECT count(*) FROM good.a JOIN good.b ON b.id = a.b_id"), 100);
    refused(
        &[bad.path(), "--schema", "bad", "--defer-foreign-keys"],
        &url,
        6,
        &["1 rows of `a` break the foreign key `to b?`"],
    );
}
