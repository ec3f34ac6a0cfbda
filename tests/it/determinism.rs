//! The contract of determinism, byte by byte, on the real binary.

use std::collections::BTreeMap;
use std::path::Path;

use placebo::format::of_tables;

use crate::run::{files, good, placebo};

const SHOP: &str = "tests/fixtures/shop";
/// Facts with two owners.
const BANK: &str = "tests/fixtures/bank";

#[test]
fn threads_chunks_and_surroundings_change_no_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    for (profile, rows) in [(SHOP, "account=700"), (BANK, "payment=3000"), ("healthcare", "patient=150")] {
        for format in of_tables() {
            let run = |name: &str, threads: &str, chunk: Option<&str>| {
                let out = folder.path().join(format!("{}-{rows}-{name}", format.name));
                let out = out.to_str().expect("a path").to_owned();
                let mut args = vec![
                    "generate",
                    profile,
                    "--rows",
                    rows,
                    "--format",
                    format.name,
                    "--out",
                    &out,
                    "--threads",
                    threads,
                    "-q",
                ];
                if let Some(chunk) = chunk {
                    args.extend(["--chunk-rows", chunk]);
                }
                let elsewhere = tempfile::tempdir().expect("a folder");
                let mut command = placebo(&args);
                if name != "base" {
                    command.env("TZ", "Pacific/Kiritimati").env("LC_ALL", "tr_TR.UTF-8").env("HOME", elsewhere.path());
                    if profile == "healthcare" {
                        command.current_dir(elsewhere.path());
                    }
                }
                let output = command.output().expect("runs");
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                files(Path::new(&out))
            };
            let base = run("base", "1", None);
            assert!(base.len() > 6);
            for (name, threads, chunk) in
                [("two", "2", None), ("eight", "8", None), ("one-row", "2", Some("1")), ("seven", "8", Some("7"))]
            {
                assert!(run(name, threads, chunk) == base, "{profile} as {} differs with {name}", format.name);
            }
        }
    }
}

fn table(profile: &str, table: &str, more: &[&str]) -> Vec<String> {
    let mut args = vec!["generate", profile, "--tables", table, "--out", "-", "-q"];
    args.extend(more);
    String::from_utf8(good(&args).stdout).expect("text").lines().map(str::to_owned).collect()
}

fn names(profile: &str) -> Vec<String> {
    let loaded = placebo::profile::load(profile).expect("loads");
    loaded.profile.tables.keys().cloned().collect()
}

#[test]
fn more_rows_leave_the_earlier_rows_as_they_were() {
    // A room stands in the hospital of its patient; the room of a patient who is not there stands anywhere.
    for name in names("healthcare").into_iter().filter(|name| name != "location") {
        let half = table("healthcare", &name, &["--rows", "patient=150"]);
        let whole = table("healthcare", &name, &["--rows", "patient=300"]);
        assert_eq!(whole[..half.len()], half[..], "{name}");
    }
}

#[test]
fn one_table_alone_equals_its_file_in_the_full_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("a path");
    for (profile, rows) in [("healthcare", "patient=150"), (BANK, "payment=3000")] {
        good(&["generate", profile, "--rows", rows, "--out", out, "--overwrite", "-q"]);
        for name in names(profile) {
            let alone = table(profile, &name, &["--rows", rows]);
            let full = std::fs::read_to_string(folder.path().join(format!("{name}.csv"))).expect("a file");
            assert_eq!(full.lines().collect::<Vec<_>>(), alone, "{name}");
        }
    }
}

#[test]
fn a_new_column_and_a_new_table_change_no_other_column() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(SHOP).join("profile.toml"))
        .expect("the profile");
    let changed = text
        .replace("[tables.account.columns]\n", "[tables.account.columns]\nextra = { gen.uniform = {} }\n")
        .replace("[tables.payment]\n", "[tables.note]\nof = \"account\"\ncount.geometric.p = 0.4\n[tables.note.columns]\nn = \"ordinal\"\n[tables.payment]\n");
    assert_ne!(changed, text);
    std::fs::write(folder.path().join("profile.toml"), changed).expect("writes");
    let changed = folder.path().to_str().expect("a path");
    for name in names(SHOP) {
        let without: Vec<String> =
            table(changed, &name, &[])
                .into_iter()
                .map(|line| {
                    if name == "account" { line.split_once(',').map_or("", |(_, rest)| rest).to_owned() } else { line }
                })
                .collect();
        assert_eq!(without, table(SHOP, &name, &[]), "{name}");
    }
}

#[test]
fn another_seed_gives_other_data() {
    let mut seen = BTreeMap::new();
    for seed in ["0", "1", "zero", ""] {
        let rows = table(SHOP, "payment", &["--seed", seed]);
        assert_eq!(seen.insert(rows, seed), None);
    }
}
