//! `cases --pack` of a trail: entries under a chain of hashes, tampered with, and the entry that a verifier must name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::run::{good, placebo};

const LOG: &str = r#"
name = "log"
as_of = 2025-06-30
[tables.door]
rows = 9
[tables.door.columns]
door_id = { expr = "row + 1", key = true }
[tables.entry]
of    = "door"
count = "12"
[tables.entry.columns]
door_id   = { expr = "door.door_id", key = true }
seq_no    = { expr = "ordinal", key = true }
who       = { gen.choice.values = ["ann", "bob"] }
note      = "seq_no + door_id"
prev_hash = "coalesce(lag(hash) OVER (ORDER BY ordinal), '0000000000000000000000000000000000000000000000000000000000000000')"
hash.gen.hash_chain.over = ["seq_no", "who"]
[trails.log]
about    = "The log of a door"
table    = "entry"
number   = "seq_no"
hash     = "hash"
previous = "prev_hash"
law      = "house rule 3"
edits    = { who = "CASE who WHEN 'ann' THEN 'bob' ELSE 'ann' END" }
"#;

fn profile(folder: &Path, text: &str) -> String {
    let path = folder.join("log.toml");
    fs::write(&path, text).expect("a profile");
    path.to_str().expect("a path").to_owned()
}

fn cases(profile: &str, pack: &str, more: &[&str]) -> Vec<Value> {
    let output = good(&[&["cases", profile, "--pack", pack, "-q"], more].concat());
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect()
}

#[test]
fn each_way_to_tamper_comes_with_the_entry_that_shows_it() {
    let temp = tempfile::tempdir().expect("a folder");
    let path = profile(temp.path(), LOG);
    let all = cases(&path, "log", &["--each", "3"]);
    let mut ways: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for case in &all {
        ways.entry(case["tampered"].as_str().expect("a name")).or_default().push(case);
    }
    assert_eq!(ways.len(), 12);
    assert!(ways.values().all(|cases| cases.len() == 3));
    for case in &ways["intact"] {
        assert_eq!(case["expect"], serde_json::json!({ "intact": true, "first": null }));
        let numbers: Vec<u64> =
            case["anchors"].as_array().expect("anchors").iter().filter_map(|one| one["number"].as_u64()).collect();
        assert_eq!(numbers, [10, 12]);
    }
    for (way, cases) in &ways {
        for case in cases {
            let trail = case["trail"].as_array().expect("entries");
            let first = case["expect"]["first"].as_u64();
            // The intact trail of the same door.
            let door = &trail[0]["door_id"];
            let whole = ways["intact"].iter().find(|intact| intact["trail"][0]["door_id"] == *door);
            let whole = whole.map(|intact| intact["trail"].as_array().expect("entries"));
            let (Some(first), Some(whole)) = (first, whole) else { continue };
            let differ = (0..12).find(|at| trail.get(*at) != whole.get(*at)).expect("a difference") as u64 + 1;
            match *way {
                "edited-who" | "swapped" | "truncated" | "beheaded" | "spliced" => assert_eq!(first, differ, "{case}"),
                // The entry that is there in place of the one that is gone has the next number.
                "removed" | "relinked" => assert_eq!(first, differ + 1, "{case}"),
                "duplicated" => assert_eq!(first, differ - 1, "{case}"),
                "rehashed" => assert_eq!(first, if differ <= 10 { 10 } else { 12 }, "{case}"),
                // The entry behind the one that has a right hash, unless an anchor knows that one.
                "resealed" | "inserted" => {
                    assert_eq!(first, if differ == 10 { 10 } else { differ + 1 }, "{case}");
                }
                other => panic!("{other}"),
            }
        }
    }
}

#[test]
fn trails_do_not_depend_on_threads_or_chunks() {
    let whole = cases("healthcare", "audit", &["--each", "2", "--threads", "1"]);
    assert_eq!(whole.len(), 34);
    assert!(whole == cases("healthcare", "audit", &["--each", "2", "--threads", "3", "--chunk-rows", "1"]));
    assert!(whole != cases("healthcare", "audit", &["--each", "2", "--seed", "7"]));
}

#[test]
fn what_a_trail_does_not_understand_is_an_error() {
    let temp = tempfile::tempdir().expect("a folder");
    let refused = |from: &str, to: &str, more: &[&str], words: &str| {
        assert!(LOG.contains(from), "{from}");
        let path = profile(temp.path(), &LOG.replace(from, to));
        let output = placebo(&[&["cases", &path, "--pack", "log", "-q"], more].concat()).output().expect("runs");
        let text = String::from_utf8(output.stderr).expect("text");
        // One line: errors are wrapped.
        let text = text.split([' ', '\n', '│']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        assert!(matches!(output.status.code(), Some(2 | 3)), "{to}: {text}");
        assert!(text.contains(words), "{to}: {text}");
    };
    refused("table    = \"entry\"", "table    = \"entries\"", &[], "`entries`");
    refused("number   = \"seq_no\"", "number   = \"seq\"", &[], "no column `seq`");
    refused("number   = \"seq_no\"", "number   = \"note\"", &[], "have not the numbers 1, 2, 3");
    refused("hash     = \"hash\"", "hash     = \"prev_hash\"", &[], "no chain of hashes");
    refused("previous = \"prev_hash\"", "previous = \"note\"", &[], "has not the hash of the one before");
    refused("edits    = { who", "edits    = { note", &[], "not in the chain");
    refused(
        "edits    = { who = \"CASE who",
        "edits    = { seq_no = \"'x'\", who = \"CASE who",
        &[],
        "`seq_no` would be",
    );
    refused("edits    = { who", "anchors = 0\nedits    = { who", &[], "at least 1");
    refused(
        "over = [\"seq_no\", \"who\"]",
        "over = [\"seq_no\", \"who\", \"'x'\"]",
        &[],
        "not that of its written cells",
    );
    refused("over = [\"seq_no\", \"who\"]", "over = [\"seq_no + 1\", \"who\"]", &[], "hashes an expression");
    refused("count = \"12\"", "count = \"3\"", &[], "0 trails of `log` can be `intact`");
    refused("rows = 9", "rows = 9", &["--each", "10"], "9 trails of `log` can be `intact`, and 10 are asked for");
    refused("rows = 9", "rows = 9", &["--format", "authzen"], "`log` has trails of entries");
    refused("[trails.log]", "[trails.logg]", &[], "did you mean `logg`");
}

#[test]
fn trails_come_in_the_forms_of_runners() {
    let temp = tempfile::tempdir().expect("a folder");
    let path = profile(temp.path(), LOG);
    let all = cases(&path, "log", &["--each", "1"]);
    let gherkin = good(&["cases", &path, "--pack", "log", "--each", "1", "-q", "--format", "gherkin"]);
    let text = String::from_utf8(gherkin.stdout).expect("text");
    assert_eq!(text.matches("Scenario Outline:").count(), all.len());
    assert!(text.contains("# house rule 3"));
    let out = temp.path().join("suite");
    good(&[
        "cases",
        &path,
        "--pack",
        "log",
        "--each",
        "1",
        "-q",
        "--format",
        "pytest",
        "--out",
        out.to_str().expect("a path"),
    ]);
    assert!(fs::read_dir(out).expect("a folder").count() > 1);
}
