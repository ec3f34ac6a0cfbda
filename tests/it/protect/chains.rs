//! Chains of hashes beside protected columns: everybody can verify them, and they give nothing away.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::*;
use crate::verify::{copy, forge, found, holds, set};

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// The shipped chains: profile, rows, table, whose rows one chain has, and what it runs over.
const SHIPPED: [(&str, &str, &str, &str, &[&str]); 2] = [
    (
        "healthcare",
        "patient=6",
        "audit_event",
        "patient_id",
        &[
            "seq_no",
            "recorded_at",
            "event_type",
            "action",
            "outcome",
            "practitioner_id",
            "purpose_of_use",
            "entity_id",
            "source_ip",
            "reason",
        ],
    ),
    (
        "legal",
        "court_case=6",
        "case_audit",
        "case_id",
        &["seq_no", "recorded_at", "action", "outcome", "user_id", "entity_id", "source_ip"],
    ),
];

/// The hash of a row that follows `before`, over its cells as they stand in the file.
fn link(row: &BTreeMap<String, String>, over: &[&str], before: &str) -> String {
    sha256(&over.iter().fold(before.to_owned(), |text, name| format!("{text}|{}", row[*name])))
}

#[test]
fn a_chain_runs_over_the_cells_as_they_are_written() {
    for (profile, rows, table, owner, over) in SHIPPED {
        let temp = tempfile::tempdir().expect("a folder");
        let ways: [&[&str]; 5] = [
            &[],
            &["--protect", "profile", "--key-source", "test:k"],
            &["--protect", "ip=encrypt", "--key-source", "test:k", "--nonce", "random", "--pad", "16"],
            &["--protect", "ip=token", "--protect", "date=encrypt", "--encrypt-nulls", "--key-source", "test:k"],
            &["--protect", "ip=mask"],
        ];
        let mut all = Vec::new();
        for (n, way) in ways.iter().enumerate() {
            let more = [&["--rows", rows, "--tables", table], *way].concat();
            let files = generate(profile, &temp.path().join(n.to_string()), &more);
            let made = super::rows(&files, table);
            let (mut before, mut of) = (String::new(), String::new());
            for row in &made {
                if row[owner] != of {
                    of.clone_from(&row[owner]);
                    before = "0".repeat(64);
                }
                assert_eq!(row["prev_hash"], before, "{profile} {way:?}");
                before = link(row, over, &before);
                assert_eq!(row["hash"], before, "{profile} {way:?}: not over the cells as they are written");
            }
            assert!(made.len() > 20, "{profile}: {} rows", made.len());
            all.push(made);
        }
        // Whoever guesses an address finds no hash that it gives, although all else is known.
        let (clear, sealed) = (&all[0], &all[1]);
        let addresses: BTreeSet<&String> = clear.iter().map(|row| &row["source_ip"]).collect();
        assert!(addresses.len() > 5);
        for (row, known) in sealed.iter().zip(clear) {
            assert_ne!(row["hash"], known["hash"]);
            for address in &addresses {
                let mut guess = known.clone();
                guess.insert("source_ip".to_owned(), (*address).clone());
                assert_ne!(link(&guess, over, &row["prev_hash"]), row["hash"], "{profile}: `{address}` is found");
            }
        }
    }
}

#[test]
fn the_manifest_says_what_a_chain_runs_over_and_verify_looks() {
    let temp = tempfile::tempdir().expect("a folder");
    for format in ["csv", "parquet", "json"] {
        let out = temp.path().join(format);
        let protect = ["--protect", "profile", "--key-source", "test:k", "--format", format];
        let files = generate("legal", &out, &[&["--rows", "court_case=5", "--seed", "s"], &protect[..]].concat());
        let manifest: serde_json::Value = serde_json::from_slice(&files["manifest.json"]).expect("JSON");
        let chains = manifest["protection"]["chains"].as_array().expect("a list");
        assert_eq!(chains.len(), 1);
        assert_eq!((&chains[0]["table"], &chains[0]["column"]), (&"case_audit".into(), &"hash".into()));
        assert_eq!(chains[0]["over"].as_array().map(Vec::len), Some(7));
        let dir = out.to_str().expect("a path");
        good(&["verify", dir, "--key", "test:k", "--seed", "s", "--replay", "all"]);
        let (code, said) = bad(&["reencrypt", dir, "--key-source", "test:k", "--out", &format!("{dir}2")]);
        assert!(code == 2 && said.contains("case_audit.hash"), "{code}: {said}");
    }
}

/// Whoever changes an entry and every hash of files and rows with it still breaks the chain.
#[test]
fn a_changed_entry_breaks_the_chain() {
    let temp = tempfile::tempdir().expect("a folder");
    let key = ["--protect", "ip=encrypt", "--key-source", "test:k", "--seed", "s"];
    let out = temp.path().join("out");
    generate("legal", &out, &[&["--rows", "court_case=5"], &key[..]].concat());
    let with = ["--key", "test:k", "--seed", "s", "--replay", "0"];
    holds(&out, &with);
    let header = std::fs::read_to_string(out.join("case_audit.csv")).expect("text");
    let at = header.lines().next().expect("a header").split(',').position(|name| name == "hash").expect("hash");
    let there = temp.path().join("there");
    copy(&out, &there);
    forge(&there, "manifest.json", "case_audit.csv", true, |rows| set(&mut rows[3], at, &"0".repeat(64)));
    found(&there, &with, &["chain", "case_audit"]);
}

/// A profile in which nobody says what `b`, `c` and `d` are, which hand on `a`.
const DERIVED: &str = r#"
name = "x"
as_of = 2025-01-01
[tables.t]
rows = 5
[tables.t.columns]
id = { expr = "row", key = true, class = "internal" }
a = { expr = "secret", pii = "ssn", handling = "HOW" }
b = "'no. ' || a"
c = "sha256(a)"
d = "upper(secret)"
e = "length(a)"
[tables.t.let]
secret = { gen.ssn = {} }
[tables.u]
of = "t"
count = 1
[tables.u.columns]
id = { gen.uuid = {}, key = true }
f = "t.a"
g = { expr = "t.a", class = "internal" }
"#;

#[test]
fn what_nobody_classified_has_the_strictest_handling_of_what_it_hands_on() {
    let temp = tempfile::tempdir().expect("a folder");
    let path = temp.path().join("x.toml");
    for (how, begins) in [("encrypt", "fe1."), ("token", "tok_"), ("mask", "***"), ("null", "")] {
        std::fs::write(&path, DERIVED.replace("HOW", how)).expect("written");
        let key = ["--protect", "profile", "--key-source", "test:k"];
        let path = path.to_str().expect("a path");
        let files = generate(path, &temp.path().join(how), &key);
        let (t, u) = (super::rows(&files, "t"), super::rows(&files, "u"));
        for (row, child) in t.iter().zip(&u) {
            for (name, cell) in [("a", &row["a"]), ("c", &row["c"]), ("d", &row["d"]), ("f", &child["f"])] {
                assert!(cell.starts_with(begins) && cell.is_empty() == begins.is_empty(), "{how}: {name}: {cell}");
            }
            assert!(!row["b"].starts_with("no. 9"), "{how}: {}", row["b"]);
            assert!(row["e"] == "11" && child["g"].starts_with('9'), "{how}: what is said, and what is no part of it");
            assert!(how != "token" || row["a"] == child["f"], "equal values have equal tokens");
        }
    }
    // What was chosen on the command line is handed on as well.
    std::fs::write(&path, DERIVED.replace(", pii = \"ssn\", handling = \"HOW\"", "")).expect("written");
    let path = path.to_str().expect("a path");
    let files = generate(path, &temp.path().join("chosen"), &["--protect", "t.a=encrypt", "--key-source", "test:k"]);
    assert!(super::rows(&files, "t").iter().all(|row| row["b"].starts_with("fe1.") && row["c"].starts_with("fe1.")));
}
