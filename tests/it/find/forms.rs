//! Forms: pools are disjoint, files are whole and replace nothing unasked.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::refused;
use crate::run::good;

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON")
}

fn cases(rows: &Value) -> Vec<String> {
    rows.as_array().expect("a list").iter().map(|row| row["_case"].as_str().expect("text").to_owned()).collect()
}

#[test]
fn pools_are_disjoint_full_and_the_same_on_any_machine() {
    let run = |more: &[&str]| {
        let args = [
            "find",
            "healthcare",
            "patient",
            "--workers",
            "4",
            "--each",
            "25",
            "--where",
            "person.birth_date < DATE '2000-01-01'",
        ];
        good(&[&args[..], more].concat()).stdout
    };
    let one = run(&["--threads", "1", "--chunk-rows", "3"]);
    assert_eq!(one, run(&["--threads", "4"]));
    let all: Value = serde_json::from_slice(&one).expect("JSON");
    assert_eq!(all["workers"], 4);
    let pools: Vec<Vec<String>> = all["pools"].as_array().expect("pools").iter().map(cases).collect();
    assert!(pools.iter().all(|pool| pool.len() == 25));
    assert_eq!(pools.iter().flatten().collect::<BTreeSet<_>>().len(), 100);
    assert!(all["pools"][2].as_array().is_some_and(|rows| rows.iter().all(|row| row["_worker"] == 2)));
    // A tree is in one pool: rows below a root row go with it.
    let visits = good(&["find", "healthcare", "encounter", "--workers", "4", "--each", "60"]).stdout;
    let visits: Value = serde_json::from_slice(&visits).expect("JSON");
    let root = |case: &String| case.split(['/', '.']).nth(1).expect("a number").to_owned();
    let roots = |pool: &Value| cases(pool).iter().map(root).collect::<BTreeSet<_>>();
    let pools: Vec<BTreeSet<String>> = visits["pools"].as_array().expect("pools").iter().map(roots).collect();
    let together: BTreeSet<&String> = pools.iter().flatten().collect();
    assert_eq!(together.len(), pools.iter().map(BTreeSet::len).sum::<usize>());
}

#[test]
fn too_few_rows_are_an_error_that_says_how_many() {
    let older = ["healthcare", "patient", "--where", "person.birth_date < DATE '1940-01-01'"];
    let (code, text) = refused(&[&older[..], &["--limit", "500"]].concat());
    assert!(code == 2 && text.contains("of `patient` meet the condition, and 500 are asked for"), "{text}");
    let (code, text) = refused(&[&older[..], &["--workers", "3", "--each", "200"]].concat());
    assert!(
        code == 2 && text.contains("of 3 would have") && text.contains("not 200:") && text.contains("--at-most"),
        "{text}"
    );
    let all = good(&[&["find"], &older[..], &["--limit", "500", "--at-most"]].concat()).stdout;
    let all: Value = serde_json::from_slice(&all).expect("JSON");
    assert!((10..500).contains(&cases(&all).len()));
    let (code, text) = refused(&["healthcare", "patient", "--where", "false"]);
    assert!(code == 2 && text.contains("0 rows of `patient` meet the condition, and 1 are asked for"), "{text}");
}

#[test]
fn forms_write_their_files_and_replace_nothing_unasked() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("fixtures");
    let path = out.to_str().expect("text");
    let run = |form: &str, workers: &str, more: &[&str]| {
        let args = [
            "healthcare",
            "patient",
            "--with",
            "person",
            "--format",
            form,
            "--workers",
            workers,
            "--each",
            "2",
            "--out",
            path,
            "-q",
        ];
        [&args[..], more].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let find = |args: Vec<String>| {
        let args: Vec<&str> = ["find"].into_iter().chain(args.iter().map(String::as_str)).collect();
        good(&args)
    };
    std::fs::create_dir(&out).expect("a folder");
    std::fs::write(out.join("mine.spec.ts"), "x").expect("writes");
    find(run("k6", "3", &[]));
    let expected = ["fixtures-0.json", "fixtures-1.json", "fixtures-2.json", "mine.spec.ts", "placebo.js"];
    assert!(names(&out).iter().eq(expected.iter().copied()), "{:?}", names(&out));
    let again = run("k6", "2", &[]);
    let (code, text) = refused(&again.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(code == 2 && text.contains("is there already") && text.contains("--overwrite"), "{text}");
    find(run("k6", "2", &["--overwrite"]));
    assert!(!out.join("fixtures-2.json").exists(), "a pool that is gone would be used beside those of another cut");
    assert!(out.join("mine.spec.ts").exists() && names(&out).len() == 4);
    std::fs::remove_file(out.join("fixtures-0.json")).expect("removes");
    std::fs::remove_file(out.join("placebo.js")).expect("removes");
    let one = run("k6", "1", &[]);
    let (_, text) = refused(&one.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(text.contains("fixtures-1.json` is there already"), "{text}");
    find(run("playwright", "2", &[]));
    assert!(std::fs::read_to_string(out.join("placebo.ts")).expect("text").contains("patient: async"));
    assert_eq!(json(&out.join("fixtures.json"))["pools"].as_array().map(Vec::len), Some(2));
    // A file of its own name, and a link that is not followed.
    let file = folder.path().join("rows.json");
    let file = file.to_str().expect("text");
    good(&["find", "healthcare", "patient", "--limit", "2", "--out", file]);
    assert_eq!(cases(&json(Path::new(file))), ["patient/1", "patient/2"]);
    let (_, text) = refused(&["healthcare", "patient", "--out", file]);
    assert!(text.contains("is there already"), "{text}");
    let (_, text) = refused(&["healthcare", "patient", "--format", "pytest"]);
    assert!(text.contains("writes several files") && text.contains("--out DIR"), "{text}");
    let (_, text) = refused(&["healthcare", "patient", "--format", "jmeter", "--out", path, "--with", "encounter"]);
    assert!(text.contains("no place for many rows of `encounter`"), "{text}");
}

#[test]
fn load_files_of_engines_are_disjoint_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("text").to_owned() + "/load";
    good(&[
        "find",
        "payments",
        "authorization",
        "--where",
        "status = 'captured'",
        "--with",
        "party,merchant",
        "--format",
        "jmeter",
        "--engines",
        "3",
        "--each",
        "40",
        "--out",
        &out,
        "-q",
    ]);
    let plan = std::fs::read_to_string(Path::new(&out).join("placebo.jmx")).expect("text");
    let names = plan.split("variableNames\">").nth(1).and_then(|rest| rest.split('<').next()).expect("names");
    assert!(
        names.starts_with("auth_id,") && names.contains(",party_risk_rating,") && names.contains(",merchant_mcc,"),
        "{names}"
    );
    let lines: Vec<String> = (0..3)
        .flat_map(|engine| {
            let text = std::fs::read_to_string(Path::new(&out).join(format!("fixtures-{engine}.csv"))).expect("text");
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!((lines.len(), lines.iter().collect::<BTreeSet<_>>().len()), (120, 120));
    assert!(lines.iter().all(|line| !line.starts_with("auth_id")), "no header");
}
