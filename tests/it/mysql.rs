//! Data sets in `MariaDB`: the rows of the files, exactly once, whatever happens to the run, the connection or the server's settings.

mod server;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use placebo::folder::manifest::Manifest;
use placebo::target::database::{Loaded, Options};

use crate::run::{good, placebo};
use server::{PASSWORD, server};

const SHOP: &str = "tests/fixtures/shop";
/// The shipped profiles.
const PROFILES: [&str; 4] = ["healthcare", "claims", "payments", "legal"];

/// Rows and logical digest of each table.
type Digests = BTreeMap<String, (u64, String)>;

/// The digests that a run into a folder has in its manifest.
fn of_files(args: &[&str]) -> Digests {
    let temp = tempfile::tempdir().expect("a folder");
    let out = temp.path().join("out");
    good(&[&["generate"], args, &["-q", "--out", out.to_str().expect("a path")]].concat());
    let manifest = std::fs::read_to_string(out.join("manifest.json")).expect("a manifest");
    let tables = Manifest::parse(&manifest).expect("reads").tables.into_iter();
    tables.map(|table| (table.name, (table.rows, table.digest))).collect()
}

/// The URL of a database by the socket of an administrator, who needs no password.
fn to_read(url: &str) -> String {
    format!("mysql://root@localhost/{}?socket={}", url.rsplit('/').next().expect("a name"), server().socket())
}

/// The digests of the rows that a complete database holds, read back; they are those of its ledger and of its manifest.
fn of_database(url: &str) -> Digests {
    let mut loaded = Loaded::open(&to_read(url), &Options::default()).expect("opens");
    let manifest = loaded.manifests().expect("reads").pop().expect("the load is complete");
    let ledger = loaded.ledger().expect("reads");
    let tables = manifest.tables.iter().map(|table| {
        let sum = loaded.sum(&table.name, &table.schema().expect("a schema")).expect("reads");
        let own = (sum.rows, sum.hex());
        let told = ledger.get(&table.name).map_or((0, "0".repeat(64)), |sum| (sum.rows, sum.hex()));
        assert_eq!(own, told, "`{}`: the ledger has other rows", table.name);
        assert_eq!(own, (table.rows, table.digest.clone()), "`{}`: the manifest has other rows", table.name);
        (table.name.clone(), own)
    });
    tables.collect()
}

fn command(args: &[&str], url: &str) -> Command {
    let mut command = placebo(&[&["load"], args, &["--to", url]].concat());
    command.env("MYSQL_PWD", PASSWORD).env("HOME", "/nonexistent");
    command
}

fn load(args: &[&str], url: &str) -> Output {
    command(args, url).output().expect("runs")
}

fn loaded(args: &[&str], url: &str) -> String {
    let output = load(args, url);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {stderr}");
    stderr
}

/// The words of a report, without its frame.
fn words(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines = stderr.split(['│', '\n']).map(|line| line.trim_matches([' ', '×', '╰', '─', '▶', '├']));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A load ends with an exit code, and with some words.
fn refused(args: &[&str], url: &str, code: i32, parts: &[&str]) -> String {
    let output = load(args, url);
    let words = words(&output);
    assert_eq!(output.status.code(), Some(code), "{words}");
    for part in parts {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert!(words.contains("help"), "{words}");
    words
}

fn number(sql: &str) -> u64 {
    server().admin().query_first(sql).expect("runs").expect("a number")
}

fn run(sql: &str) {
    server().admin().query_drop(sql).expect(sql);
}

/// A profile of one table in a folder, with the lines of its columns.
fn profile(folder: &Path, rows: u64, columns: &str) -> String {
    let text =
        format!("name = \"small\"\ntitle = \"Small\"\nas_of = 2025-06-30\n[tables.thing]\nrows = {rows}\n{columns}");
    std::fs::write(folder.join("profile.toml"), text).expect("writes");
    folder.to_str().expect("a path").to_owned()
}

#[test]
fn shipped_profiles_load_with_their_keys() {
    for profile in PROFILES {
        let url = server().database(profile);
        loaded(&[profile, "-q"], &url);
        assert_eq!(of_database(&url), of_files(&[profile]), "{profile}");
        let count = |kind: &str| {
            number(&format!(
                "SELECT count(*) FROM information_schema.table_constraints \
                 WHERE table_schema = '{profile}' AND constraint_type = '{kind}'"
            ))
        };
        let counts = ["PRIMARY KEY", "FOREIGN KEY", "CHECK"].map(count);
        assert!(counts[0] > 5 && counts[1] > 10 && counts[2] > 5, "{profile}: {counts:?}");
        let others = "SELECT count(*) FROM information_schema.tables WHERE table_schema = '{}' AND engine <> 'InnoDB'";
        assert_eq!(number(&others.replace("{}", profile)), 0, "{profile}");
        let named = "SELECT count(*) FROM information_schema.columns WHERE table_schema = '{}' AND column_comment LIKE '%PII: %'";
        assert!(number(&named.replace("{}", profile)) > 3, "{profile}: no comment has a class");
        assert!(loaded(&[profile], &url).contains("nothing to do"), "{profile}");
        run(&format!("DROP DATABASE `{profile}`"));
    }
}

#[test]
fn killed_loads_and_lost_connections_end_with_the_same_rows() {
    let url = server().database("killed");
    let args = ["healthcare", "-q", "--threads", "2", "--chunk-rows", "40"];
    let wanted = of_files(&["healthcare"]);
    let started = Instant::now();
    loaded(&args, &url);
    let whole = started.elapsed().max(Duration::from_millis(200));
    assert_eq!(of_database(&url), wanted);
    server().database("killed");
    let wanted_kills = std::env::var_os("KILLED_LOADS").and_then(|kills| kills.to_str()?.parse().ok()).unwrap_or(8);
    let (mut kills, mut lost, mut partial, mut draw) = (0, 0, 0, 16);
    while kills < wanted_kills {
        draw = placebo::rng::mix(draw + 1);
        let mut run_of = command(&args, &url).stderr(Stdio::piped()).spawn().expect("starts");
        std::thread::sleep(whole.mul_f64((draw >> 11) as f64 / (1_u64 << 53) as f64 * 0.8));
        // Every other time the server cuts the connections first, which the load gets over.
        if draw % 2 == 0 {
            let mut admin = server().admin();
            let ids: Vec<u64> = admin
                .query("SELECT id FROM information_schema.processlist WHERE user = 'loader' AND db = 'killed'")
                .expect("asks");
            for id in ids {
                // It may have ended by itself.
                lost += u64::from(admin.query_drop(format!("KILL {id}")).is_ok());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        if let Some(status) = run_of.try_wait().expect("asks") {
            let output = run_of.wait_with_output().expect("ends");
            assert!(status.success(), "a load after a kill fails: {}", words(&output));
            assert_eq!(of_database(&url), wanted);
            server().database("killed");
            continue;
        }
        run_of.kill().expect("kills");
        run_of.wait().expect("ends");
        kills += 1;
        let ledger = number(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'killed' AND table_name = '_placebo_ledger'",
        );
        partial += u64::from(ledger == 1 && number("SELECT count(*) FROM killed._placebo_ledger") > 0);
    }
    loaded(&args, &url);
    assert_eq!(of_database(&url), wanted);
    crate::run::say(&format!("{kills} kills of loads of {whole:?}, {partial} with chunks; {lost} connections cut"));
    assert!(partial > 0, "no kill met a load with chunks");
}

#[test]
fn two_loaders_are_as_one() {
    let args = [SHOP, "-q", "--rows", "account=20k", "--chunk-rows", "500"];
    let wanted = of_files(&[SHOP, "--rows", "account=20k"]);
    for _ in 0..2 {
        let url = server().database("race");
        let runs = [(); 2].map(|()| command(&args, &url).stderr(Stdio::piped()).spawn().expect("starts"));
        for run in runs {
            let output = run.wait_with_output().expect("ends");
            assert!(output.status.success(), "{}", words(&output));
        }
        assert_eq!(of_database(&url), wanted);
    }
}

#[test]
fn a_server_without_local_files_gets_statements() {
    let url = server().database("statements");
    let before = number("SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'COM_LOAD'");
    loaded(&[SHOP, "-q"], &url);
    let after = number("SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'COM_LOAD'");
    assert!(after > before, "no file was loaded");
    assert_eq!(of_database(&url), of_files(&[SHOP]));
    let url = server().database("statements");
    run("SET GLOBAL local_infile = 0");
    let output = load(&["healthcare", "-q", "--scale", "0.2"], &url);
    run("SET GLOBAL local_infile = 1");
    assert!(output.status.success(), "{}", words(&output));
    assert_eq!(of_database(&url), of_files(&["healthcare", "--scale", "0.2"]));
}

#[test]
fn other_inputs_and_tables_of_others_are_refused() {
    let url = server().database("modes");
    loaded(&[SHOP, "-q"], &url);
    for other in [&["--seed", "2"][..], &["--rows", "account=10"], &["--tables", "shop"]] {
        refused(&[&[SHOP][..], other].concat(), &url, 5, &["holds rows of other inputs"]);
    }
    refused(&[SHOP, "--seed", "2", "--mode", "create"], &url, 5, &["holds rows of other inputs"]);
    assert_eq!(of_database(&url), of_files(&[SHOP]));
    loaded(&[SHOP, "-q", "--seed", "2", "--mode", "replace"], &url);
    assert_eq!(of_database(&url), of_files(&[SHOP, "--seed", "2"]));
    // A table of others that refers to one of ours is not left without it.
    run("CREATE TABLE modes.other (a BIGINT, FOREIGN KEY (a) REFERENCES modes.account (account_id)) ENGINE = InnoDB");
    refused(&[SHOP, "--seed", "3", "--mode", "replace"], &url, 5, &["`other` refers to `account`"]);
    assert_eq!(of_database(&url), of_files(&[SHOP, "--seed", "2"]));

    let url = server().database("foreign");
    run("CREATE TABLE `foreign`.mine (a INT)");
    refused(&[SHOP], &url, 5, &["holds tables of others", "--test-database foreign"]);
    refused(&[SHOP, "--test-database", "other"], &url, 5, &["is not the database"]);
    run("CREATE TABLE `foreign`.shop (shop_id BIGINT)");
    run("INSERT INTO `foreign`.shop VALUES (7)");
    let allowed = [SHOP, "--test-database", "foreign"];
    refused(&[&allowed[..], &["--mode", "replace"]].concat(), &url, 5, &["was not made by placebo"]);
    refused(&[&allowed[..], &["--mode", "append"]].concat(), &url, 5, &["are missing there"]);
    refused(&allowed, &url, 5, &["holds rows that placebo did not write"]);
    assert_eq!(number("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'foreign'"), 2);
    loaded(&[&allowed[..], &["-q", "--schema", "foreign 2"]].concat(), &url);
    assert_eq!(of_database(&url.replace("/foreign", "/foreign 2")), of_files(&[SHOP]));
}

#[test]
fn tables_that_are_there_get_rows_that_fit() {
    let temp = tempfile::tempdir().expect("a folder");
    let small = profile(
        temp.path(),
        300,
        "[tables.thing.columns]\nid = { expr = \"row\", key = true }\ncode = { gen.choice.weights = { a = 1, \"1\" = 1, \"it's\" = 1 } }\n\
         flag = \"row % 2 = 0\"\namount = { gen.decimal = { min = 0, max = 100, scale = 2 } }\nday = { gen.date = { from = \"DATE '2020-01-01'\", to = \"as_of\" } }\n\
         text = \"'t' || CAST(row AS text)\"\ntwice = \"row * 2\"\n",
    );
    let create = |change: &dyn Fn(&str) -> String| {
        let url = server().database("there");
        run(&change(
            "CREATE TABLE there.thing (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, code ENUM('1', 'a', 'it''s') NOT NULL, \
             flag TINYINT(1) NOT NULL, amount DECIMAL(12, 2) NOT NULL, day DATETIME NOT NULL, text VARCHAR(9) NOT NULL, \
             twice BIGINT AS (flag + 1) STORED, made TIMESTAMP DEFAULT CURRENT_TIMESTAMP) ENGINE = InnoDB",
        ));
        url
    };
    let args = [small.as_str(), "-q", "--test-database", "there"];
    let url = create(&str::to_owned);
    loaded(&args, &url);
    assert_eq!(number("SELECT count(*) FROM there.thing WHERE twice = flag + 1"), 300);
    assert_eq!(number("SELECT count(*) FROM there.thing WHERE id = 0"), 1, "zero is a value of an identity");
    assert_eq!(number("SELECT count(DISTINCT code) FROM there.thing"), 3);
    run("INSERT INTO there.thing (code, flag, amount, day, text) VALUES ('a', 1, 2, now(), 'x')");
    assert_eq!(number("SELECT max(id) FROM there.thing"), 300, "the next value stands above the loaded ones");
    for (from, to, words) in [
        ("amount DECIMAL(12, 2)", "amont DECIMAL(12, 2)", "`amount` is missing there"),
        ("day DATETIME", "day INT", "`day` is `int(11)` there"),
        ("text VARCHAR(9) NOT NULL", "text VARCHAR(9), more INT NOT NULL", "`more` must have a value there"),
        ("TINYINT(1)", "BIT(1)", "`flag` is `bit(1)` there"),
    ] {
        let url = create(&|sql: &str| sql.replace(from, to));
        refused(&args, &url, 2, &[words]);
        assert_eq!(number("SELECT count(*) FROM there.thing"), 0);
    }
    let url = create(&|sql: &str| sql.replace("'1', 'a'", "'2', 'a'"));
    refused(&args, &url, 3, &["`code`", "no member of the column's enum"]);
    assert_eq!(number("SELECT count(*) FROM there.thing"), 0);
}

#[test]
fn planted_violations_name_their_row() {
    let temp = tempfile::tempdir().expect("a folder");
    let small = profile(
        temp.path(),
        300,
        "[tables.thing.columns]\nid = { expr = \"row + 1\", key = true }\nmod = \"coalesce((row + 1) % 250, 0)\"\ntext = \"'text ' || CAST(row + 1 AS text)\"\n\
         maybe = \"CASE WHEN row <> 122 THEN row + 1 END\"\namount = \"CAST(CASE WHEN row = 122 THEN 1.25 ELSE 1 END AS decimal(5, 2))\"\n",
    );
    let table = "CREATE TABLE planted.thing (id BIGINT PRIMARY KEY, `mod` BIGINT NOT NULL, text VARCHAR(99) NOT NULL, \
        maybe BIGINT, amount DECIMAL(5, 2) NOT NULL) ENGINE = InnoDB";
    for local in [1, 0] {
        run(&format!("SET GLOBAL local_infile = {local}"));
        for (from, to, parts) in [
            (
                "`mod` BIGINT NOT NULL",
                "`mod` BIGINT NOT NULL UNIQUE",
                ["unique constraint `mod` of `mod`", "row 251", "id = 251"],
            ),
            (
                "`mod` BIGINT NOT NULL",
                "`mod` BIGINT NOT NULL CHECK (`mod` <> 123)",
                ["check constraint", "row 123", "id = 123"],
            ),
            ("`mod` BIGINT NOT NULL", "`mod` TINYINT NOT NULL", ["type of the column of `mod`", "row 128", "id = 128"]),
            ("text VARCHAR(99)", "text VARCHAR(7)", ["length of the column of `text`", "row 100", "id = 100"]),
            ("DECIMAL(5, 2)", "DECIMAL(5, 1)", ["type of the column of `amount`", "row 123", "id = 123"]),
            (
                "ENGINE",
                ", CONSTRAINT `to` FOREIGN KEY (`mod`) REFERENCES planted.goal (id)) ENGINE",
                ["foreign key `to` of `mod`", "row 123", "id = 123"],
            ),
        ] {
            let url = server().database("planted");
            run("CREATE TABLE planted.goal (id BIGINT PRIMARY KEY) ENGINE = InnoDB");
            run("INSERT INTO planted.goal SELECT seq FROM planted.seq_0_to_300 WHERE seq <> 123");
            run(&table.replace(if from == "ENGINE" { ") ENGINE" } else { from }, to));
            let words = refused(&[&small, "-q", "--test-database", "planted"], &url, 6, &parts);
            assert!(!words.contains("text 100") && words.contains("shows the values"), "{words}");
            assert_eq!(number("SELECT count(*) FROM planted.thing"), 0, "{words}");
            assert_eq!(number("SELECT count(*) FROM planted._placebo_ledger"), 0, "{words}");
        }
        let url = server().database("planted");
        run(&table.replace("maybe BIGINT", "maybe BIGINT NOT NULL"));
        let parts = ["not-null constraint of `maybe`", "row 123", "id = 123"];
        refused(&[&small, "-q", "--test-database", "planted"], &url, 6, &parts);
    }
    run("SET GLOBAL local_infile = 1");
}

#[test]
fn what_was_loaded_is_verified_and_removed() {
    let url = server().database("purged");
    for table in [
        "shop (shop_id BIGINT PRIMARY KEY, name VARCHAR(50) NOT NULL, motto VARCHAR(9) DEFAULT 'none')",
        "account (account_id BIGINT AUTO_INCREMENT PRIMARY KEY, shop_id BIGINT, opened DATE, kind ENUM('a', 'b', 'c'), \
         total DECIMAL(38, 2), paid INT, state VARCHAR(20), FOREIGN KEY (shop_id) REFERENCES shop (shop_id))",
        "payment (payment_id BIGINT PRIMARY KEY, account_id BIGINT, amount DECIMAL(12, 2), balance DECIMAL(38, 2), \
         `before` DECIMAL(12, 2), day DATE, FOREIGN KEY (account_id) REFERENCES account (account_id))",
    ] {
        run(&format!("CREATE TABLE purged.{table} ENGINE = InnoDB"));
    }
    run("INSERT INTO purged.shop (shop_id, name) VALUES (700, 'mine')");
    run("INSERT INTO purged.account (account_id, shop_id, kind) VALUES (70000, 700, 'c')");
    run("INSERT INTO purged.payment (payment_id, account_id, amount) VALUES (70000001, 70000, 1)");
    let sums = || -> Vec<(String, Option<u64>)> {
        server().admin().query("CHECKSUM TABLE purged.shop, purged.account, purged.payment").expect("sums")
    };
    let before = sums();
    let append = [SHOP, "-q", "--tables", "shop,account,payment", "--test-database", "purged", "--mode", "append"];
    let tool = |args: &[&str]| {
        let output = placebo(args).env("MYSQL_PWD", PASSWORD).output().expect("runs");
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), words(&output));
        (output.status.code().expect("an end"), text)
    };
    loaded(&append, &url);
    let verify = ["verify", "--database", &url, "--profile", SHOP, "--replay", "all"];
    let (code, said) = tool(&verify);
    assert!(code == 0 && said.contains("rows of others"), "{said}");
    let (code, said) = tool(&["detect", "--in", &url]);
    assert!(code == 0 && said.contains("complete"), "{said}");
    let purge = ["purge", "--from", &url, "--profile", SHOP];
    run("INSERT INTO purged.account (account_id, shop_id) VALUES (70001, 3)");
    let (code, said) = tool(&purge);
    assert!(code == 5 && said.contains("rows of others depend on the load"), "{said}");
    run("DELETE FROM purged.account WHERE account_id = 70001");
    let (code, said) = tool(&purge);
    assert!(code == 0 && said.contains("0 tables dropped"), "{said}");
    assert_eq!(sums(), before);
    // A database of loads alone is left empty.
    let url = server().database("emptied");
    loaded(&[SHOP, "-q"], &url);
    let (code, said) = tool(&["verify", "--database", &url, "--profile", SHOP]);
    assert_eq!(code, 0, "{said}");
    run("UPDATE emptied.payment SET amount = amount + 1 LIMIT 1");
    assert_eq!(tool(&["verify", "--database", &url, "--profile", SHOP]).0, 6);
    run("UPDATE emptied.payment SET amount = amount - 1 LIMIT 1");
    let (code, said) = tool(&["purge", "--from", &url]);
    assert!(code == 0 && said.contains("4 tables dropped"), "{said}");
    assert_eq!(number("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'emptied'"), 0);
}

#[test]
fn hostile_names_and_values_stay_what_they_are() {
    let temp = tempfile::tempdir().expect("a folder");
    let values = ["tab\t", "line\nfeed\r\n", "\\N", "\\", "it''s", "😀é", " space ", "", "a\\tb", "'';--"];
    let mut columns = String::from("[tables.thing.columns]\nid = { expr = \"row\", key = true }\n");
    for (at, value) in values.iter().enumerate() {
        let text = serde_json::to_string(&format!("'{value}'")).expect("text");
        columns.push_str(&format!("text_{at} = {text}\n"));
    }
    columns.push_str(
        "third = \"CAST(row AS double) / 3 - 30\"\nsmall = \"CAST(row + 1 AS double) * 1e-310\"\n\
         large = \"CAST(row + 1 AS double) * 1.1e305\"\nzero = \"CAST(row AS double) * -0.0\"\n\
         wide = \"CAST(row * 7919 AS decimal(38, 30)) / 1000\"\nlow = \"-9223372036854775807 + row\"\n",
    );
    let path = profile(temp.path(), 200, &columns);
    let wanted = of_files(&[&path]);
    // The schema of the load, and what stands beside its tables, have names that want to be statements.
    let schema = "a`; DROP DATABASE canary; -- '\"? :x ü";
    let url = server().database("canary");
    run("CREATE TABLE canary.kept (a INT)");
    run(&format!("DROP DATABASE IF EXISTS `{}`", schema.replace('`', "``")));
    loaded(&[&path, "-q", "--test-database", "canary", "--schema", schema], &url);
    assert_eq!(number("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'canary'"), 1);
    let mut loaded_rows =
        Loaded::open(&to_read(&url), &Options { schema: Some(schema.to_owned()), ..Options::default() })
            .expect("opens");
    let manifest = loaded_rows.manifests().expect("reads").pop().expect("complete");
    let sum = loaded_rows.sum("thing", &manifest.tables[0].schema().expect("a schema")).expect("reads");
    assert_eq!((sum.rows, sum.hex()), wanted["thing"]);

    let url = server().database("hostile");
    let name = "x`; DROP TABLE hostile.goal; -- '\"? :x ü FOREIGN KEY (".replace('`', "``");
    run(&format!("CREATE TABLE hostile.goal (`{name}` BIGINT PRIMARY KEY) ENGINE = InnoDB"));
    run("INSERT INTO hostile.goal SELECT seq FROM hostile.seq_0_to_149");
    let small = profile(temp.path(), 200, "[tables.thing.columns]\nid = { expr = \"row\", key = true }\n");
    run(&format!(
        "CREATE TABLE hostile.thing (id BIGINT PRIMARY KEY, `{name}` INT DEFAULT 7, CONSTRAINT `{name}` \
         FOREIGN KEY (id) REFERENCES hostile.goal (`{name}`)) ENGINE = InnoDB"
    ));
    let args = [&small, "-q", "--test-database", "hostile"];
    refused(&args, &url, 6, &["foreign key `x`; DROP TABLE", "of `id`", "row 151", "id = 150"]);
    run("INSERT INTO hostile.goal SELECT seq FROM hostile.seq_150_to_300");
    loaded(&args, &url);
    assert_eq!(number("SELECT count(*) FROM hostile.thing"), 200);
}

#[test]
fn passwords_stay_secret_and_servers_are_verified() {
    let temp = tempfile::tempdir().expect("a folder");
    let url = server().database("secret");
    let plain = |url: &str| {
        let mut command = placebo(&["load", SHOP, "-q", "--to", url]);
        command.env_remove("MYSQL_PWD").env("HOME", temp.path());
        command
    };
    let encoded = PASSWORD.replace('%', "%25").replace(' ', "%20").replace('"', "%22");
    let with = url.replace("loader@", &format!("loader:{encoded}@"));
    let output = plain(&with).output().expect("runs");
    assert!(output.status.success(), "{}", words(&output));
    let output = plain(&url.replace("loader@", "loader:wrong-sesame@")).output().expect("runs");
    let told = words(&output);
    assert!(
        output.status.code() == Some(5) && told.contains("Access denied") && !told.contains("wrong-sesame"),
        "{told}"
    );
    let file = temp.path().join(".my.cnf");
    std::fs::write(&file, format!("[client]\npassword = '{}'\n", PASSWORD.replace('\'', "\\'"))).expect("writes");
    let mode = |mode: u32| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(&file, mode).expect("changes");
    };
    mode(0o644);
    let told = words(&plain(&url).output().expect("runs"));
    assert!(told.contains("others can read it") && told.contains("chmod 600"), "{told}");
    mode(0o600);
    let output = plain(&url).output().expect("runs");
    assert!(output.status.success(), "{}", words(&output));

    let there = url.replace("127.0.0.1", "localhost");
    refused(&[SHOP], &format!("{there}?ssl-mode=verify-full"), 5, &["certificate is not trusted"]);
    let authority = server().authority();
    refused(&[SHOP], &format!("{url}?ssl-mode=verify-full&ssl-ca={authority}"), 5, &["certificate is not trusted"]);
    loaded(&[SHOP, "-q"], &format!("{there}?ssl-mode=verify-full&ssl-ca={authority}"));
    refused(&[SHOP], "mysql://a@db.example/x?ssl-mode=disabled", 2, &["clear text"]);
    refused(&[SHOP], &url.replace(&server().port.to_string(), "1"), 5, &["is the server running"]);
    refused(&[SHOP], &url.replace("/secret", "/nowhere"), 5, &["Unknown database"]);
}
