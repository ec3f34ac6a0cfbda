//! `cases --pack`: requests with the answer of a correct system, and pairs that differ in one fact and in the answer.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::run::{good, placebo};

const DOOR: &str = r#"
name = "door"
as_of = 2025-06-30
[tables.visit]
rows = 60
[tables.visit.columns]
visit_id  = { expr = "row + 1", key = true }
opened_at = "TIMESTAMP '2025-01-01 08:00:00'"
came_at   = { gen.timestamp = { from = "TIMESTAMP '2025-01-01 07:00:00'", to = "TIMESTAMP '2025-01-01 09:00:00'" } }
staff     = { gen.boolean.p = 0.2 }
answer    = "CASE WHEN came_at < opened_at AND NOT staff THEN 'deny' ELSE 'permit' END"
why       = "CASE WHEN staff THEN 'staff' WHEN came_at < opened_at THEN 'closed' ELSE 'open' END"
[decisions.door]
about    = "Who is let in"
table    = "visit"
at       = "came_at"
decision = "answer"
reason   = "why"
permits  = ["permit"]
request  = { subject.id = "visit_id", action.name = "'enter'", resource.id = "'door'", context.time = "came_at", context.staff = "staff" }
boundaries.opened = "opened_at"
facts.staff.set = { staff = "NOT staff" }
[decisions.door.reasons]
staff  = { decision = "permit", law = "house rule 1" }
open   = { decision = "permit", law = "house rule 2" }
closed = { decision = "deny", law = "house rule 2" }
"#;

fn profile(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("door.toml");
    fs::write(&path, text).expect("a profile");
    path
}

fn cases(profile: &str, pack: &str, more: &[&str]) -> Vec<Value> {
    let output = good(&[&["cases", profile, "--pack", pack, "-q"], more].concat());
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect()
}

#[test]
fn a_pair_differs_in_one_fact_and_in_the_answer() {
    let temp = tempfile::tempdir().expect("a folder");
    let path = profile(temp.path(), DOOR);
    let all = cases(path.to_str().expect("a path"), "door", &["--each", "3"]);
    let by_name: BTreeMap<&str, &Value> =
        all.iter().map(|case| (case["_case"].as_str().expect("a name"), case)).collect();
    assert_eq!(by_name.len(), all.len(), "each name once");
    let plain =
        |reason: &str| all.iter().filter(|case| case["pair"].is_null() && case["expect"]["reason"] == reason).count();
    assert_eq!(["staff", "open", "closed"].map(plain), [3, 3, 3]);
    let mut pairs = 0;
    for case in all.iter().filter(|case| !case["pair"].is_null()) {
        let other = by_name[case["pair"].as_str().expect("a name")];
        assert_eq!(other["pair"], case["_case"]);
        assert_ne!(case["expect"], other["expect"]);
        let [ours, theirs] = [case, other].map(|case| case["request"].clone());
        match case["differs"].as_str().expect("a fact") {
            "opened" => {
                assert_eq!(
                    (&ours["subject"], &ours["context"]["staff"]),
                    (&theirs["subject"], &theirs["context"]["staff"])
                );
                let time = if case["expect"]["decision"] == true {
                    "2025-01-01T08:00:00Z"
                } else {
                    "2025-01-01T07:59:59.999999Z"
                };
                assert_eq!(ours["context"]["time"], time);
            }
            "staff" => {
                assert_eq!(ours["context"]["time"], theirs["context"]["time"]);
                assert_ne!(ours["context"]["staff"], theirs["context"]["staff"]);
            }
            other => panic!("{other}"),
        }
        pairs += 1;
    }
    // Three of the boundary, and three at least of one change that the fact makes.
    assert!(pairs >= 2 * (3 + 3), "{pairs}");
}

#[test]
fn a_pack_does_not_depend_on_threads_or_chunks() {
    let whole = cases("healthcare", "access", &["--threads", "1"]);
    assert!(whole.len() > 200);
    assert!(whole == cases("healthcare", "access", &["--threads", "3", "--chunk-rows", "7"]));
}

#[test]
fn every_reason_of_access_is_there_twenty_times_in_each_profile() {
    for name in placebo::profile::names() {
        let all = cases(name, "access", &["--each", "20"]);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for case in all.iter().filter(|case| case["pair"].is_null()) {
            *counts.entry(case["expect"]["reason"].as_str().expect("a reason")).or_default() += 1;
        }
        assert_eq!(counts.len(), 8, "{name}: {counts:?}");
        assert!(counts.values().all(|count| *count == 20), "{name}: {counts:?}");
    }
}

#[test]
fn what_a_pack_does_not_understand_is_an_error() {
    let temp = tempfile::tempdir().expect("a folder");
    let refused = |from: &str, to: &str, more: &[&str], words: &str| {
        assert!(DOOR.contains(from), "{from}");
        let path = profile(temp.path(), &DOOR.replace(from, to));
        let output = placebo(&[&["cases", path.to_str().expect("a path"), "--pack", "door", "-q"], more].concat())
            .output()
            .expect("runs");
        let text = String::from_utf8(output.stderr).expect("text");
        assert!(matches!(output.status.code(), Some(2 | 3)), "{to}: {text}");
        assert!(text.contains(words), "{to}: {text}");
    };
    refused("\"opened_at\"\nfacts", "\"opend_at\"\nfacts", &[], "decisions.door.boundaries.opened");
    refused("\"opened_at\"\nfacts", "\"visit_id\"\nfacts", &[], "not an instant");
    refused("at       = \"came_at\"", "at       = \"come_at\"", &[], "come_at");
    refused("set = { staff = \"NOT staff\" }", "set = { staf = \"NOT staff\" }", &[], "`staf`");
    refused("set = { staff = \"NOT staff\" }", "set = { staff = \"'yes'\" }", &[], "`staff` would be");
    refused("staff  = { decision", "other  = { decision", &[], "`staff`, which is not among them");
    refused(
        "closed = { decision = \"deny\"",
        "closed = { decision = \"permit\"",
        &[],
        "`closed`, which is not among them",
    );
    refused("[\"permit\"]", "[\"permits\"]", &[], "did you mean `permit`");
    refused(
        "boundaries.opened = \"opened_at\"",
        "boundaries.opened = \"opened_at - INTERVAL '9' HOUR\"",
        &[],
        "no request of `door` has another answer because of `opened`",
    );
    refused("table    = \"visit\"", "table    = \"visits\"", &[], "`visits`");
    refused(
        "action.name = \"'enter'\", ",
        "",
        &["--format", "authzen", "--out", temp.path().join("out").to_str().expect("a path")],
        "`action` is missing",
    );
    refused("rows = 60", "rows = 60", &["--each", "600"], "--rows visit=N");
    refused("rows = 60", "rows = 60", &["--format", "authzen"], "--out DIR");
    let sealed =
        ["cases", "healthcare", "--pack", "access", "-q", "--deidentify", "safe-harbor", "--key-source", "test:k"];
    let output = placebo(&sealed).output().expect("runs");
    assert!(String::from_utf8_lossy(&output.stderr).contains("would be protected"));
    refused(
        "why       = \"CASE WHEN staff",
        "why       = \"CASE WHEN staff THEN NULL WHEN staff",
        &[],
        "no decision, or no reason",
    );
}

#[test]
fn files_that_are_there_stay() {
    let temp = tempfile::tempdir().expect("a folder");
    let path = profile(temp.path(), DOOR);
    let out = temp.path().join("pack");
    let args = [
        "cases",
        path.to_str().expect("a path"),
        "--pack",
        "door",
        "-q",
        "--format",
        "authzen",
        "--out",
        out.to_str().expect("a path"),
    ];
    good(&args);
    let sent: Value = serde_json::from_slice(&fs::read(out.join("evaluations.json")).expect("a file")).expect("JSON");
    let expected: Value = serde_json::from_slice(&fs::read(out.join("expected.json")).expect("a file")).expect("JSON");
    assert_eq!(sent["evaluations"].as_array().map(Vec::len), expected.as_array().map(Vec::len));
    assert!(expected[0]["request"].is_null());
    fs::write(out.join("expected.json"), "mine").expect("a file");
    let again = placebo(&args).output().expect("runs");
    assert_eq!(again.status.code(), Some(2));
    assert_eq!(fs::read_to_string(out.join("expected.json")).expect("a file"), "mine");
    good(&[&args[..], &["--overwrite"]].concat());
}
