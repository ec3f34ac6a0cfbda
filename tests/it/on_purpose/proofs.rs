//! What proves faults: `check --faults` for the profile, `verify` for the files.

use super::{made, text};
use crate::protect::bad;
use crate::run::good;

#[test]
fn a_fault_that_breaks_more_or_less_than_it_says_is_found() {
    good(&["check", super::WRONG, "--faults"]);
    let temp = tempfile::tempdir().expect("a folder");
    let text_of = std::fs::read_to_string("tests/fixtures/wrong/profile.toml").expect("reads");
    let profile = temp.path().join("wrong.toml");
    for (from, to, words) in [
        ("breaks = [\"C-3\"]", "breaks = []", "breaks `C-3@customer` in 50 of 50 cases, and does not say so"),
        ("breaks = [\"O-2\"]", "breaks = [\"O-2\", \"O-1\"]", "does not break `O-1@orders` in 50 of 50 cases"),
        (
            "do.repeat = { times = 2 }\nbreaks = [\"key\"]",
            "do.repeat = { times = 2 }\nbreaks = []",
            "breaks `key@orders`",
        ),
        ("breaks = [\"O-1\", \"null\"]", "breaks = [\"O-1\"]", "breaks `null@orders`"),
        ("breaks = [\"foreign key@line\"]", "breaks = []", "breaks `foreign key@line`"),
        ("where  = \"kind = 'web'\"", "where  = \"kind = 'ship'\"", "no row qualifies"),
    ] {
        assert!(text_of.contains(from), "{from}");
        std::fs::write(&profile, text_of.replacen(from, to, 1)).expect("writes");
        let output = crate::run::placebo(&["check", text(&profile), "--faults"]).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.code() == Some(6) && said.contains(words), "{to}: {said}");
    }
}

#[test]
fn one_further_change_is_found() {
    let temp = tempfile::tempdir().expect("a folder");
    let asked = ["--rows", "customer=1000", "--faults", "each=2,order_twice=0.02"];
    let files = made(temp.path(), "out", &asked);
    let out = temp.path().join("out");
    let args = ["verify", text(&out), "--profile", super::WRONG, "--replay", "0"];
    good(&args);
    let listed = String::from_utf8(files["_faults_customer.csv"].clone()).expect("text");
    let lines: Vec<&str> = listed.lines().collect();
    let orders = String::from_utf8(files["orders.csv"].clone()).expect("text");
    let twice = super::cases(&files).into_iter().find(|case| case["fault"] == "order_twice").expect("a case");
    let key: serde_json::Value = serde_json::from_str(&twice["key"]).expect("an object");
    let copied = orders.lines().find(|line| line.starts_with(key["order_id"].as_str().expect("text"))).expect("a row");
    let removed = [&lines[..2], &lines[3..]].concat().join("\n") + "\n";
    let invented = listed.clone() + &lines[2].replace('/', "/9") + "\n";
    for (what, file, new) in [
        ("a case was removed", "_faults_customer.csv", removed),
        ("a case was invented", "_faults_customer.csv", invented),
        ("a copy is gone", "orders.csv", orders.replacen(&format!("{copied}\n"), "", 1)),
        ("a copy more", "orders.csv", orders.replacen(copied, &format!("{copied}\n{copied}"), 1)),
        ("a clean row has another amount", "orders.csv", orders.replacen(",web,", ",shop,", 1)),
    ] {
        std::fs::write(out.join(file), &new).expect("writes");
        let (code, said) = bad(&args);
        assert_eq!(code, 6, "{what}: {said}");
        std::fs::write(out.join(file), &files[file]).expect("writes");
    }
    let manifest = String::from_utf8(files["manifest.json"].clone()).expect("text");
    let at = manifest.find("\"clean\"").expect("clean rows");
    let digest = at + manifest[at..].find("\"digest\": \"").expect("a digest") + "\"digest\": \"".len();
    let mut other = manifest.clone();
    let digit = if &manifest[digest..=digest] == "0" { "1" } else { "0" };
    other.replace_range(digest..=digest, digit);
    std::fs::write(out.join("manifest.json"), &other).expect("writes");
    assert_eq!(bad(&args).0, 6, "another digest of the clean rows");
}
