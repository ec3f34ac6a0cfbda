//! `placebo verify` on folders with protected columns: with the key and the seed it derives rows again through the same
//! protection; without them it says what it did not look at.

use super::bytes::ALL;
use super::*;
use crate::verify::{copy, forge, found, holds, set, verify};

const KEY: [&str; 4] = ["--key-source", "test:clinic", "--seed", "a seed of sixteen"];

fn again<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["--profile", CLINIC, "--replay", "all"], more].concat()
}

/// A run that is protected in every way, in a folder of its own.
fn run(temp: &tempfile::TempDir, name: &str, more: &[&str]) -> std::path::PathBuf {
    let out = temp.path().join(name);
    generate(CLINIC, &out, &[&KEY[..], &["--chunk-rows", "50"], more].concat());
    out
}

/// Which cell of a row a column is.
fn place(folder: &Path, table: &str, name: &str) -> usize {
    let text = std::fs::read_to_string(folder.join(format!("{table}.csv"))).expect("text");
    text.lines().next().expect("a header").split(',').position(|column| column == name).expect("a column")
}

fn cell(row: &str, at: usize) -> String {
    row.split(',').nth(at).expect("a cell").to_owned()
}

#[test]
fn every_handling_and_format_is_derived_again() {
    let temp = tempfile::tempdir().expect("a folder");
    for format in ["csv", "ndjson", "json", "parquet", "arrow"] {
        let hidden = if format == "json" { &["--encrypt-nulls", "--pad", "32"][..] } else { &["--data-set", "a set"] };
        let out = run(&temp, format, &[&ALL[..], hidden, &["--format", format]].concat());
        let said = holds(&out, &again(&KEY));
        assert!(!said.contains("note") && said.contains("2 checks, 2 of 2 chunks derived again"), "{format}: {said}");
    }
    for part in ["1/3", "2/3", "3/3"] {
        let out = temp.path().join("parts");
        generate(CLINIC, &out, &[&KEY[..], &ALL, &["--protect", "ward.nurse=encrypt", "--part", part]].concat());
    }
    let said = holds(&temp.path().join("parts"), &again(&KEY));
    assert!(!said.contains("note") && said.contains("6 of 6 chunks"), "{said}");
    // What needs no key is derived again without one.
    let out = temp.path().join("masks");
    generate(CLINIC, &out, &["--protect", "pan=truncate", "--protect", "phone=mask", "--protect", "age=generalize"]);
    assert!(holds(&out, &again(&[])).contains("2 of 2 chunks derived again"));
}

#[test]
fn what_is_missing_is_said_and_what_is_wrong_is_refused() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = run(&temp, "out", &ALL);
    for (more, words) in [
        (&[][..], "note  columns are protected, and no key is given"),
        (&KEY[..2], "note  columns are protected, and the seed is hidden"),
        (&KEY[2..], "note  columns are protected, and no key is given"),
    ] {
        let said = holds(&out, &again(more));
        assert!(
            said.contains(words) && said.contains("2 foreign keys") && !said.contains("chunks derived again"),
            "{said}"
        );
    }
    for (more, code, words) in [
        (["--key-source", "test:other", KEY[2], KEY[3]], 8, "the key is another one"),
        ([KEY[0], KEY[1], "--seed", "another one"], 3, "the seed is another one"),
    ] {
        let (got, stdout, stderr) = verify(&out, &again(&more));
        assert!(got == code && stderr.contains(words) && stdout.contains("2 foreign keys"), "{got}: {stdout}{stderr}");
    }
}

#[test]
fn a_flipped_cell_is_found_whether_it_is_protected_or_not() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = run(&temp, "out", &ALL);
    let there = temp.path().join("there");
    // Encrypted in its row and in a domain, tokenised, cut short, clear: each with the cell of another row.
    for (table, name) in
        [("patient", "ssn"), ("patient", "balance"), ("card", "patient_id"), ("card", "pan"), ("patient", "sex")]
    {
        copy(&out, &there);
        let at = place(&out, table, name);
        forge(&there, "manifest.json", &format!("{table}.csv"), true, |rows| {
            let other = rows.iter().find(|row| !cell(row, at).is_empty() && cell(row, at) != cell(&rows[70], at));
            let other = cell(other.expect("another cell"), at);
            set(&mut rows[70], at, &other);
        });
        found(&there, &again(&KEY), &[&format!("{table}.csv"), &format!("row 71 column `{name}`"), "replay"]);
        // Without the key nobody can tell.
        assert!(holds(&there, &again(&[])).contains("no row was derived again"));
        holds(&there, &["--quick"]);
    }
    // A bit of one cell's tag.
    copy(&out, &there);
    let at = place(&out, "patient", "name");
    forge(&there, "manifest.json", "patient.csv", true, |rows| {
        let text = cell(&rows[9], at);
        let other = if text.as_bytes()[text.len() - 5] == b'A' { "B" } else { "A" };
        set(&mut rows[9], at, &format!("{}{other}{}", &text[..text.len() - 5], &text[text.len() - 4..]));
    });
    found(&there, &again(&KEY), &["row 10 column `name`", "replay"]);
    let (_, shown, _) = verify(&there, &again(&[&KEY[..], &["--show-values"]].concat()));
    assert!(shown.contains("the first is `fe1.") && shown.contains("instead of `fe1."), "{shown}");
    // Keys need no key.
    copy(&out, &there);
    let at = place(&out, "visit", "patient_id");
    forge(&there, "manifest.json", "visit.csv", true, |rows| set(&mut rows[3], at, "tok_nobody"));
    found(&there, &again(&[]), &["visit.csv", "row 4 column `patient_id`", "foreign key"]);
}

#[test]
fn checks_are_about_what_is_clear_and_what_the_profile_makes_of_the_rest() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = run(&temp, "out", &ALL);
    let at = place(&out, "patient", "sex");
    forge(&out, "manifest.json", "patient.csv", true, |rows| set(&mut rows[4], at, "X"));
    found(&out, &[&["--profile", CLINIC, "--replay", "0"], &KEY[..]].concat(), &["row 5", "check sex is known"]);
    assert!(holds(&out, &again(&[])).contains("no check was run"));
}

#[test]
fn keys_that_were_rotated_still_verify_and_shredded_ones_say_so() {
    let temp = tempfile::tempdir().expect("a folder");
    let path = |name: &str| temp.path().join(name).to_str().expect("a path").to_owned();
    let (ring, old, new) = (path("ring"), path("old"), path("new"));
    let id = String::from_utf8(good(&["keys", "new", "--keyring", &ring]).stdout).expect("text").trim().to_owned();
    let keys = ["--keyring", ring.as_str(), KEY[2], KEY[3]];
    generate(CLINIC, Path::new(&old), &[&keys[..], &["--protect", "pii=encrypt"]].concat());
    good(&["keys", "rotate", "--keyring", &ring]);
    good(&["reencrypt", &old, "--keyring", &ring, "--out", &new]);
    for folder in [&old, &new] {
        let said = holds(Path::new(folder), &again(&keys));
        assert!(!said.contains("note") && said.contains("2 of 2 chunks derived again"), "{said}");
    }
    // Tokens are of the key that made them: both would be needed.
    let (mixed, anew) = (path("mixed"), path("anew"));
    generate(CLINIC, Path::new(&mixed), &[&keys[..], &["--protect", "ssn=encrypt", "--protect", "mrn=token"]].concat());
    good(&["keys", "rotate", "--keyring", &ring]);
    good(&["reencrypt", &mixed, "--keyring", &ring, "--out", &anew]);
    assert!(holds(Path::new(&anew), &again(&keys)).contains("of another key than tokens"));
    good(&["keys", "shred", "--keyring", &ring, "--id", &id]);
    let (code, _, said) = verify(Path::new(&old), &again(&keys));
    assert!(code == 8 && said.contains("was shredded"), "{code}: {said}");
}

#[test]
fn random_nonces_leave_the_rest_to_be_compared() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = run(&temp, "out", &["--protect", "ssn=encrypt", "--nonce", "random"]);
    let said = holds(&out, &again(&KEY));
    assert!(said.contains("note  nonces are random") && said.contains("2 of 2 chunks derived again"), "{said}");
    let at = place(&out, "patient", "phone");
    forge(&out, "manifest.json", "patient.csv", true, |rows| set(&mut rows[0], at, "1"));
    found(&out, &again(&KEY), &["row 1 column `phone`", "replay"]);
}
