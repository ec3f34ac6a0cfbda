//! Profiles that extend another one: what they do not say is as it is there, byte for byte, and mistakes have their place.

use std::collections::BTreeMap;
use std::path::Path;

use crate::run::{good, placebo};

const KLINIK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/klinik");

/// The tables of a folder, by name.
fn tables(folder: &Path) -> BTreeMap<String, String> {
    let files = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path());
    let csv = files.filter(|path| path.extension().is_some_and(|extension| extension == "csv"));
    let csv = csv.filter(|path| !path.ends_with("answers.csv"));
    csv.map(|path| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(&path).expect("text"))
    })
    .collect()
}

fn made(profile: &str, out: &Path) -> BTreeMap<String, String> {
    good(&["generate", profile, "--rows", "patient=20", "--out", out.to_str().expect("a path"), "-q"]);
    tables(out)
}

#[test]
fn what_an_extension_does_not_say_is_as_it_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let made_of = |name: &str, text: &str| {
        let path = folder.path().join(format!("{name}.toml"));
        std::fs::write(&path, text).expect("writes");
        made(path.to_str().expect("a path"), &folder.path().join(format!("{name}-out")))
    };
    let base = made("healthcare", &folder.path().join("base"));
    assert!(base.len() > 30);
    assert!(made_of("same", "name = \"same\"\nextends = \"healthcare\"\n") == base);
    // A column that is left out is still there for what is computed from it; all other tables stay.
    let less =
        made_of("less", "name = \"less\"\nextends = \"same\"\ndrop = [\"person.family_name\", \"social_history\"]\n");
    let differ: Vec<&String> = base.keys().filter(|name| less.get(*name) != base.get(*name)).collect();
    assert_eq!(differ, ["person", "social_history"]);
    assert!(
        !less.contains_key("social_history")
            && !less["person"].lines().next().expect("a header").contains("family_name")
    );
}

#[test]
fn the_german_hospital_is_short_and_right() {
    let text = std::fs::read_to_string(format!("{KLINIK}/profile.toml")).expect("a profile");
    assert!(text.lines().count() < 150);
    let folder = tempfile::tempdir().expect("a folder");
    good(&["check", KLINIK, "--rows", "patient=60"]);
    let out = folder.path().join("out");
    let all = made(KLINIK, &out);
    good(&["verify", out.to_str().expect("a path"), "--profile", KLINIK]);
    let mut people = csv::Reader::from_reader(all["person"].as_bytes());
    let header = people.headers().expect("a header").clone();
    assert!(!header.iter().any(|name| name == "ssn" || name == "race_omb"), "{header:?}");
    let kvnr = header.iter().position(|name| name == "kvnr").expect("a column");
    let mut count = 0;
    for row in people.records() {
        // § 290 SGB V: the letter as two digits, weights 1 and 2 in turn, sums of the digits of products, modulo 10.
        let number = row.expect("a row")[kvnr].to_owned();
        let letter = u32::from(number.as_bytes()[0] - b'A' + 1);
        let rest = number[1..].bytes().map(|digit| u32::from(digit - b'0'));
        let digits: Vec<u32> = [letter / 10, letter % 10].into_iter().chain(rest).collect();
        let weighted = digits[..10].iter().zip([1, 2].into_iter().cycle()).map(|(digit, weight)| digit * weight);
        assert_eq!(weighted.map(|n| n / 10 + n % 10).sum::<u32>() % 10, digits[10], "{number}");
        count += 1;
    }
    assert!(count >= 20);
}

#[test]
fn a_new_profile_extends_a_shipped_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |args: &[&str]| placebo(args).current_dir(folder.path()).output().expect("runs");
    let wrote = run(&["new", "clinic", "--from", "healthcare"]);
    assert!(wrote.status.success(), "{}", String::from_utf8_lossy(&wrote.stderr));
    let made = run(&["generate", "clinic", "--rows", "patient=2", "--tables", "patient", "--out", "-"]);
    let base = run(&["generate", "healthcare", "--rows", "patient=2", "--tables", "patient", "--out", "-"]);
    assert!(made.status.success() && made.stdout == base.stdout && !made.stdout.is_empty());
}

#[test]
fn mistakes_of_an_extension_have_their_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases = [
        ("extends = \"helthcare\"", "did you mean `healthcare`"),
        ("extends = \"own\"", "unknown profile"),
        ("extends = \"other\"", "maybe in a circle"),
        ("drop = [\"person\"]", "nothing to leave out"),
        ("extends = \"healthcare\"\ndrop = [\"persn\"]", "did you mean `person`"),
        ("extends = \"healthcare\"\ndrop = [\"person.sssn\"]", "did you mean `ssn`"),
        ("extends = \"healthcare\"\ndrop = [\"person.person_id\"]", "part of the key"),
        ("extends = \"healthcare\"\ndrop = [\"practitioner\"]", "refers to `practitioner`"),
        ("extends = \"healthcare\"\ndrop = [\"person.checks.NO-1\"]", "no check `NO-1`"),
        ("extends = \"healthcare\"\ndrop = [\"faults.nope\"]", "nothing called `nope`"),
        ("extends = \"healthcare\"\n[tables.person.columns]\nx = \"given_nam\"", "did you mean `given_name`"),
        ("extends = \"healthcare\"\n[params]\nuninsured_share = { value = 3.0 }", "above the maximum"),
    ];
    std::fs::write(folder.path().join("other.toml"), "name = \"other\"\nextends = \"own\"\n").expect("writes");
    for (text, expected) in cases {
        let path = folder.path().join("own.toml");
        std::fs::write(&path, format!("name = \"own\"\n{text}\n")).expect("writes");
        let output = placebo(&["plan", path.to_str().expect("a path")]).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{text}: {said}");
        assert!(said.contains(expected) && said.contains("own.toml:"), "{text}: {said}");
    }
}
