//! The shipped profiles with every constraint on, and the options of `load`.

use super::server::shared;
use super::{SHOP, in_schema, load, loaded, of_database, of_files, refused};
use placebo::target::database::Loaded;

const PROFILES: [&str; 4] = ["healthcare", "claims", "payments", "legal"];

#[test]
fn shipped_profiles_load_with_every_constraint_on() {
    let server = shared();
    let url = server.database("shipped");
    for profile in PROFILES {
        let args = [profile, "--schema", profile, "--test-database", "shipped"];
        loaded(&[&args[..], &["-q"]].concat(), &url);
        let wanted = of_files(&[profile]);
        assert_eq!(of_database(&url, profile), wanted, "{profile}");
        assert!(loaded(&args, &url).contains("nothing to do"), "{profile}");
        let count =
            |sql: &str| server.number("shipped", &sql.replace("{schema}", &format!("'{profile}'::regnamespace")));
        let constraints = |kind: char| {
            count(&format!("SELECT count(*) FROM pg_constraint WHERE connamespace = {{schema}} AND contype = '{kind}'"))
        };
        let tables = wanted.len() as i64;
        let [keys, foreign, checks] = ['p', 'f', 'c'].map(constraints);
        // The three tables of the ledger have keys too.
        assert!(
            keys <= tables + 3 && keys > tables / 2 && foreign > 10,
            "{profile}: {keys} keys, {foreign} foreign keys, {tables} tables"
        );
        let temp = tempfile::tempdir().expect("a folder");
        let out = temp.path().join("out");
        crate::run::good(&["generate", profile, "--scale", "0.1", "-q", "--out", super::text(&out)]);
        let sql = std::fs::read_to_string(out.join("schema.sql")).expect("SQL");
        let written = |word: &str| {
            sql.lines().filter(|line| !line.trim_start().starts_with("--") && line.contains(word)).count() as i64
        };
        // `schema.sql` leaves out what DuckDB would not take.
        assert!(
            foreign >= written("FOREIGN KEY"),
            "{profile}: {foreign} foreign keys, {} written",
            written("FOREIGN KEY")
        );
        assert_eq!(checks, written("CHECK ("), "{profile}: checks");
        let wrong = count("SELECT count(*) FROM pg_constraint WHERE connamespace = {schema} AND NOT convalidated");
        assert_eq!(wrong, 0, "{profile}: not validated");
        let bare = count(
            "SELECT count(*) FROM pg_constraint k WHERE connamespace = {schema} AND contype = 'f' AND NOT EXISTS (SELECT 1 FROM pg_index i \
             WHERE i.indrelid = k.conrelid AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)",
        );
        assert_eq!(bare, 0, "{profile}: foreign keys without an index");
        let personal = count(
            "SELECT count(*) FROM pg_description d JOIN pg_class c ON c.oid = d.objoid WHERE c.relnamespace = {schema} AND d.description LIKE '%PII: %'",
        );
        assert_eq!(personal, written_comments(&sql), "{profile}: classes of personal data");
        assert!(personal > 5, "{profile}: {personal} classes of personal data");
    }
    for profile in PROFILES {
        assert_eq!(of_database(&url, profile).len(), of_files(&[profile]).len());
    }
}

fn written_comments(sql: &str) -> i64 {
    sql.lines().filter(|line| line.trim_start().starts_with("-- PII: ")).count() as i64
}

#[test]
fn parts_share_a_schema_and_come_from_three_processes() {
    let server = shared();
    let url = server.database("parts");
    let set = [SHOP, "--rows", "account=3k"];
    let parts = ["1/3", "2/3", "3/3"];
    let runs = parts.map(|part| {
        load(&[&set[..], &["-q", "--part", part, "--chunk-rows", "70"]].concat(), &url).spawn().expect("starts")
    });
    for mut run in runs {
        assert!(run.wait().expect("ends").success());
    }
    assert_eq!(of_database(&url, ""), of_files(&set));
    assert!(loaded(&[&set[..], &["--part", "3/3", "--chunk-rows", "70"]].concat(), &url).contains("nothing to do"));
    loaded(&[&set[..], &["-q", "--part", "2/3", "--schema", "one", "--test-database", "parts"]].concat(), &url);
    let mut one = Loaded::open(&url, &in_schema("one")).expect("opens");
    assert_eq!(one.manifests().expect("reads").len(), 0, "a part is not the whole");
}

#[test]
fn a_load_keeps_to_its_connections() {
    let server = shared();
    let postgres = server.database("few");
    let role =
        "CREATE ROLE few LOGIN CONNECTION LIMIT 1; GRANT ALL ON DATABASE few TO few; GRANT ALL ON SCHEMA public TO few";
    server.client("few").batch_execute(role).expect("a role");
    let url = postgres.replace("postgres@", "few@");
    let (set, run) =
        ([SHOP, "--rows", "account=2k"], ["-q", "--chunk-rows", "50", "--threads", "4", "--retry-seconds", "0"]);
    refused(&[&set[..], &run].concat(), &url, 5, &["too many connections"]);
    loaded(&[&set[..], &run, &["--connections", "1"]].concat(), &url);
    assert_eq!(of_database(&postgres, ""), of_files(&set));
    // Several connections gather statistics side by side, of every table.
    loaded(
        &[&set[..], &run, &["--connections", "3", "--schema", "wide", "--test-database", "few"]].concat(),
        &postgres,
    );
    let without = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND reltuples < 0 AND relname NOT LIKE '%placebo%' \
                   AND relnamespace IN ('public'::regnamespace, 'wide'::regnamespace)";
    assert_eq!(server.number("few", without), 0);
}

#[test]
fn tables_are_chosen_and_rows_protected() {
    let server = shared();
    let url = server.database("chosen");
    loaded(&[SHOP, "-q", "--tables", "payment,shop", "--schema", "some"], &url);
    assert_eq!(of_database(&url, "some"), of_files(&[SHOP, "--tables", "payment,shop"]));
    let protected = ["healthcare", "--scale", "0.1", "--protect", "profile", "--key-source", "test:a"];
    loaded(&[&protected[..], &["-q", "--schema", "closed", "--test-database", "chosen"]].concat(), &url);
    assert_eq!(of_database(&url, "closed"), of_files(&protected));
}

#[test]
fn each_mode_does_what_it_says_and_no_more() {
    let server = shared();
    let url = server.database("modes");
    let with = |args: &[&'static str], schema: &'static str| [&[SHOP, "--schema", schema], args].concat();
    let wanted = of_files(&[SHOP]);
    refused(&with(&["--mode", "append"], "a"), &url, 5, &["some tables of the data set are missing", "`shop`"]);
    loaded(&with(&["-q", "--create"], "a"), &url);
    refused(&with(&["--create", "--seed", "2"], "a"), &url, 5, &["the table `", "rows of other inputs"]);
    refused(&with(&["--seed", "2"], "a"), &url, 5, &["holds rows of other inputs", "--mode replace"]);
    assert_eq!(of_database(&url, "a"), wanted);
    loaded(&with(&["-q", "--mode", "replace", "--seed", "2"], "a"), &url);
    assert_eq!(of_database(&url, "a"), of_files(&[SHOP, "--seed", "2"]));
    // Tables of others are neither dropped nor filled, but for --mode append.
    let mut client = server.client("modes");
    client
        .batch_execute("CREATE SCHEMA b; CREATE TABLE b.shop (shop_id bigint PRIMARY KEY, name text, mark text)")
        .expect("SQL");
    client.batch_execute("INSERT INTO b.shop VALUES (1000, 'ours', 'x')").expect("SQL");
    let one = |args: &[&'static str]| with(&[&["--tables", "shop", "--test-database", "modes"], args].concat(), "b");
    refused(&one(&[]), &url, 5, &["holds rows that placebo did not write"]);
    refused(&one(&["--create"]), &url, 5, &["the table `shop` is there"]);
    refused(&one(&["--mode", "replace"]), &url, 5, &["was not made by placebo, and is not dropped"]);
    refused(&one(&["--mode", "truncate"]), &url, 5, &["holds rows that placebo did not write"]);
    loaded(&one(&["-q", "--mode", "append"]), &url);
    assert_eq!(server.number("modes", "SELECT count(*) FROM b.shop"), 6);
    assert_eq!(server.number("modes", "SELECT count(*) FROM b.shop WHERE name = 'ours' AND mark = 'x'"), 1);
}

#[test]
fn a_table_that_was_dropped_is_told() {
    let server = shared();
    let url = server.database("dropped");
    loaded(&[SHOP, "-q"], &url);
    server.client("dropped").batch_execute("DROP TABLE event").expect("drops");
    refused(&[SHOP], &url, 5, &["the table `event` was dropped after rows of this load were written"]);
    assert_eq!(server.number("dropped", "SELECT count(*) FROM pg_class WHERE relname = 'event'"), 0);
}
