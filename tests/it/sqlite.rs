//! Data sets in `SQLite`: the rows of the files, exactly once, whatever happens to the run that loads them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use placebo::folder::manifest::Manifest;
use placebo::target::database::{Loaded, Options};
use rusqlite::Connection;

use crate::run::{good, placebo};

const SHOP: &str = "tests/fixtures/shop";
/// The shipped profiles.
const PROFILES: [&str; 4] = ["healthcare", "claims", "payments", "legal"];

/// Rows and logical digest of each table.
type Digests = BTreeMap<String, (u64, String)>;

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// The place of a database, as `--to` takes it.
fn to(path: &Path) -> String {
    format!("sqlite:{}", text(path))
}

fn open(path: &Path) -> Loaded {
    Loaded::open(&to(path), &Options::default()).expect("opens")
}

/// The digests that a run into a folder has in its manifest.
fn of_files(args: &[&str]) -> Digests {
    let temp = tempfile::tempdir().expect("a folder");
    let out = temp.path().join("out");
    good(&[&["generate"], args, &["-q", "--out", text(&out)]].concat());
    let manifest = std::fs::read_to_string(out.join("manifest.json")).expect("a manifest");
    let tables = Manifest::parse(&manifest).expect("reads").tables.into_iter();
    tables.map(|table| (table.name, (table.rows, table.digest))).collect()
}

/// The digests of the rows that a complete database holds, read back; they are those of its ledger and of its manifest.
fn of_database(path: &Path) -> Digests {
    let mut loaded = open(path);
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

fn load(args: &[&str], path: &Path) -> Output {
    placebo(&[&["load"], args, &["--to", &to(path)]].concat()).output().expect("runs")
}

fn loaded(args: &[&str], path: &Path) -> String {
    let output = load(args, path);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {stderr}");
    stderr
}

/// A load ends with an exit code, and with some words.
fn refused(args: &[&str], path: &Path, code: i32, words: &str) {
    let output = load(args, path);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    let plain = stderr.split(['│', '\n']).map(str::trim).collect::<Vec<_>>().join(" ");
    assert!(plain.contains(words) && plain.contains("help"), "{words}: {stderr}");
}

fn number(path: &Path, sql: &str) -> i64 {
    Connection::open(path).expect("opens").query_row(sql, [], |row| row.get(0)).expect("a number")
}

#[test]
fn shipped_profiles_load_with_their_keys() {
    let temp = tempfile::tempdir().expect("a folder");
    for profile in PROFILES {
        let path = temp.path().join(format!("{profile}.db"));
        loaded(&[profile, "-q"], &path);
        assert_eq!(of_database(&path), of_files(&[profile]), "{profile}");
        let tables = "(SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 1) <> '_')";
        let count = |what: &str| number(&path, &format!("SELECT count(*) FROM {tables} t, {what}"));
        let keyed = count("pragma_table_info(t.name) c WHERE c.pk > 0");
        let foreign = count("pragma_foreign_key_list(t.name)");
        assert!(keyed > 10 && foreign > 10, "{profile}: {keyed} key columns, {foreign} foreign keys");
        let connection = Connection::open(&path).expect("opens");
        let orphans = connection.prepare("PRAGMA foreign_key_check").expect("SQL").exists([]).expect("runs");
        assert!(!orphans, "{profile}: orphans");
        let whole: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("runs");
        assert_eq!(whole, "ok", "{profile}");
        let own: Vec<_> = std::fs::read_dir(temp.path()).expect("a folder").collect();
        assert_eq!(own.len(), 1, "{profile}: {own:?}");
        drop(connection);
        std::fs::remove_file(&path).expect("removes");
    }
}

#[test]
fn killed_loads_end_with_the_same_rows() {
    let temp = tempfile::tempdir().expect("a folder");
    let path = temp.path().join("staging.db");
    let args = ["healthcare", "-q", "--threads", "2", "--chunk-rows", "40"];
    let wanted = of_files(&["healthcare"]);
    let started = Instant::now();
    loaded(&args, &path);
    let whole = started.elapsed().max(Duration::from_millis(200));
    std::fs::remove_file(&path).expect("removes");
    let (mut met, mut partial, mut left, mut draw) = (0, 0, 0, 16);
    let lock = temp.path().join(".staging.db.placebo-lock");
    let wanted_kills = std::env::var_os("KILLED_LOADS").and_then(|kills| kills.to_str()?.parse().ok()).unwrap_or(20);
    while met < wanted_kills {
        draw = placebo::rng::mix(draw + 1);
        let place = to(&path);
        let command = [&["load"], &args[..], &["--to", &place]].concat();
        let mut run = placebo(&command).stderr(Stdio::null()).spawn().expect("starts");
        std::thread::sleep(whole.mul_f64((draw >> 11) as f64 / (1_u64 << 53) as f64 * 0.8));
        let ended = run.try_wait().expect("asks");
        if let Some(status) = ended {
            assert!(status.success(), "a load after a kill fails");
            assert_eq!(of_database(&path), wanted);
            std::fs::remove_file(&path).expect("removes");
            continue;
        }
        run.kill().expect("kills");
        run.wait().expect("ends");
        met += 1;
        // The lock itself ends with its process: its file keeps nobody out.
        left += u64::from(lock.exists());
        // Every other time, because whoever looks also brings the file in order after the kill, which is the next load's work.
        if met % 2 == 0 {
            continue;
        }
        let there = Connection::open(&path).ok().and_then(|there| {
            there.query_row("SELECT count(*) FROM _placebo_ledger", [], |row| row.get::<_, i64>(0)).ok()
        });
        partial += u64::from(there.is_some_and(|rows| rows > 0));
    }
    loaded(&args, &path);
    assert_eq!(of_database(&path), wanted);
    crate::run::say(&format!("{met} kills of loads of {whole:?}, {partial} of them with chunks in the file"));
    assert!(partial > 0, "no kill met a load with chunks");
    assert!(left > 0 && !lock.exists(), "{left} kills left the lock's file, and the last load had to remove it");
}

#[test]
fn two_loaders_are_as_one() {
    let temp = tempfile::tempdir().expect("a folder");
    let args = [SHOP, "-q", "--rows", "account=20k"];
    let wanted = of_files(&[SHOP, "--rows", "account=20k"]);
    let mut busy = 0;
    for round in 0..5 {
        let path = temp.path().join(format!("{round}.db"));
        let place = to(&path);
        let command = [&["load"], &args[..], &["--to", &place]].concat();
        let runs = [(); 2].map(|()| placebo(&command).stderr(Stdio::piped()).spawn().expect("starts"));
        let outputs = runs.map(|run| run.wait_with_output().expect("ends"));
        for output in &outputs {
            let stderr = String::from_utf8_lossy(&output.stderr);
            match output.status.code() {
                Some(0) => {}
                Some(7) => {
                    busy += 1;
                    assert!(stderr.contains("process ") || stderr.contains("another run"), "{stderr}");
                }
                code => panic!("{code:?}: {stderr}"),
            }
        }
        assert!(outputs.iter().any(|output| output.status.success()), "nobody loads");
        assert_eq!(of_database(&path), wanted);
    }
    assert!(busy > 0, "no two loads met");
    let path = temp.path().join("0.db");
    let other = Connection::open(&path).expect("opens");
    other.execute_batch("BEGIN EXCLUSIVE").expect("locks");
    refused(&args, &path, 7, "another program has the database open");
}

#[test]
fn threads_and_chunks_change_no_row() {
    let temp = tempfile::tempdir().expect("a folder");
    let wanted = of_files(&[SHOP]);
    for (threads, rows) in [("1", "100000"), ("2", "7"), ("2", "333")] {
        let path = temp.path().join(format!("{threads}-{rows}.db"));
        loaded(&[SHOP, "-q", "--threads", threads, "--chunk-rows", rows], &path);
        assert_eq!(of_database(&path), wanted, "{threads} threads, chunks of {rows}");
    }
}

#[test]
fn a_second_run_does_nothing_and_other_inputs_are_refused() {
    let temp = tempfile::tempdir().expect("a folder");
    let path = temp.path().join("shop.db");
    assert!(!loaded(&[SHOP], &path).contains("nothing to do"));
    let bytes = std::fs::read(&path).expect("a file");
    assert!(loaded(&[SHOP], &path).contains("nothing to do"));
    for other in [&["--seed", "2"][..], &["--rows", "account=10"], &["--tables", "shop"]] {
        refused(&[&[SHOP][..], other].concat(), &path, 5, "holds rows of other inputs");
    }
    assert!(std::fs::read(&path).expect("a file") == bytes, "the file was touched");
}

#[test]
fn parts_share_a_file_and_tables_can_be_chosen() {
    let temp = tempfile::tempdir().expect("a folder");
    let (path, whole) = (temp.path().join("parts.db"), temp.path().join("whole.db"));
    let manifest = |path: &Path| open(path).manifests().expect("reads").pop();
    loaded(&[SHOP, "-q", "--part", "2/3"], &path);
    assert!(loaded(&[SHOP, "--part", "2/3"], &path).contains("nothing to do"));
    assert_eq!(manifest(&path), None, "a part is not the whole");
    loaded(&[SHOP, "-q", "--part", "1/3", "--chunk-rows", "50"], &path);
    loaded(&[SHOP, "-q"], &path);
    loaded(&[SHOP, "-q"], &whole);
    assert!(manifest(&path).is_some() && manifest(&path) == manifest(&whole));
    assert_eq!(of_database(&path), of_files(&[SHOP]));
    assert!(loaded(&[SHOP, "--part", "3/3"], &path).contains("nothing to do"));
    let some = temp.path().join("some.db");
    loaded(&[SHOP, "-q", "--tables", "payment,shop"], &some);
    assert_eq!(of_database(&some), of_files(&[SHOP, "--tables", "payment,shop"]));
}

#[test]
fn protected_rows_are_those_of_the_files() {
    let temp = tempfile::tempdir().expect("a folder");
    let path = temp.path().join("protected.db");
    let args = ["healthcare", "--scale", "0.1", "--protect", "profile", "--key-source", "test:sqlite"];
    loaded(&[&args[..], &["-q"]].concat(), &path);
    assert_eq!(of_database(&path), of_files(&args));
    refused(&["healthcare", "--scale", "0.1"], &path, 5, "holds rows of other inputs");
}

#[test]
fn other_files_are_refused_and_left_as_they_are() {
    let temp = tempfile::tempdir().expect("a folder");
    let place = |name: &str| temp.path().join(name);
    let (foreign, no_database) = (place("foreign.db"), place("text.db"));
    Connection::open(&foreign).expect("opens").execute_batch("CREATE TABLE t (x)").expect("creates");
    std::fs::write(&no_database, "no database\n".repeat(100)).expect("writes");
    let before = [&foreign, &no_database].map(|path| std::fs::read(path).expect("a file"));
    refused(&[SHOP], &foreign, 5, "holds tables of others");
    refused(&[SHOP], &no_database, 4, "the file is no database of SQLite");
    refused(&[SHOP], temp.path(), 4, "is no file");
    refused(&[SHOP], &place("nowhere/x.db"), 4, "make the folder first");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&foreign, place("link.db")).expect("links");
        refused(&[SHOP], &place("link.db"), 4, "is a symbolic link");
    }
    refused(&[SHOP, "--tables", "nothing"], &place("x.db"), 2, "nothing");
    assert_eq!([&foreign, &no_database].map(|path| std::fs::read(path).expect("a file")), before);
    for (args, words) in [
        (["load", SHOP, "--to", "out"], "is no target of `load`"),
        (["load", SHOP, "--to", "sqlite:"], "has no path"),
        (["generate", SHOP, "--out", "sqlite:x.db"], "is no target of `generate`"),
    ] {
        let output = placebo(&args).output().expect("runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && stderr.contains(words), "{args:?}: {stderr}");
    }
    assert!(!place("x.db").exists());
}

#[test]
fn planted_changes_are_seen() {
    let temp = tempfile::tempdir().expect("a folder");
    let path = temp.path().join("shop.db");
    loaded(&[SHOP, "-q"], &path);
    let change = |sql: &str| {
        let connection = Connection::open(&path).expect("opens");
        connection.execute_batch("PRAGMA foreign_keys = OFF").expect("off");
        connection.execute(sql, []).expect(sql)
    };
    let sum = || {
        let mut loaded = open(&path);
        let manifest = loaded.manifests().expect("reads").pop().expect("complete");
        let payment = manifest.tables.iter().find(|table| table.name == "payment").expect("a table");
        let sum = loaded.sum("payment", &payment.schema().expect("a schema")).map(|sum| sum.hex());
        (sum, payment.digest.clone())
    };
    let (before, wanted) = sum();
    assert_eq!(before.expect("reads"), wanted);
    assert_eq!(
        change("UPDATE payment SET amount = round(amount + 0.01, 2) WHERE rowid = (SELECT min(rowid) FROM payment)"),
        1
    );
    assert_ne!(sum().0.expect("reads"), wanted);
    assert_eq!(
        change("UPDATE payment SET amount = round(amount - 0.01, 2) WHERE rowid = (SELECT min(rowid) FROM payment)"),
        1
    );
    assert_eq!(change("DELETE FROM payment WHERE rowid = (SELECT min(rowid) FROM payment)"), 1);
    assert_ne!(sum().0.expect("reads"), wanted);
    assert_eq!(change("UPDATE payment SET amount = 'much' WHERE rowid = (SELECT max(rowid) FROM payment)"), 1);
    assert_eq!(sum().0.expect_err("no decimal").kind(), placebo::error::Kind::Verification);
}

#[test]
fn rows_that_lead_nowhere_are_found_at_the_end() {
    let temp = tempfile::tempdir().expect("a folder");
    let path = temp.path().join("clinic.db");
    loaded(&["healthcare", "-q", "--scale", "0.1", "--part", "1/2"], &path);
    let connection = Connection::open(&path).expect("opens");
    connection.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM patient WHERE rowid % 3 = 0").expect("deletes");
    drop(connection);
    refused(&["healthcare", "--scale", "0.1", "--part", "2/2"], &path, 6, "refers to no row of");
}
