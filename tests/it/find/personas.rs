//! Named fixtures: those of shipped profiles exist, a mistake is told with its line, and none changes a value.

use super::{found, refused};
use crate::run::{good, placebo};

#[test]
fn every_persona_of_a_shipped_profile_exists_at_its_own_size() {
    for profile in placebo::profile::names() {
        let loaded = placebo::profile::load(profile).expect("loads");
        assert!(loaded.profile.fixtures.len() >= 12, "{profile}: {}", loaded.profile.fixtures.len());
        let text = String::from_utf8(good(&["list", "fixtures", profile]).stdout).expect("text");
        for (name, fixture) in &loaded.profile.fixtures {
            let line = text.lines().find(|line| line.split_whitespace().next() == Some(name)).expect("a line");
            let rows: u64 =
                line.split_whitespace().nth(2).expect("a number").replace('_', "").parse().expect("a number");
            assert!(rows >= 1 && line.contains(&fixture.table) && line.ends_with(&fixture.about), "{line}");
            // With all that comes with it.
            let row = found(&[profile, "--fixture", name]).remove(0);
            for path in &fixture.with {
                let first = path.split('.').next().expect("a name");
                assert!(row.get(first).is_some(), "{profile} {name}: {first}");
            }
        }
    }
}

/// A profile of owners and pets with some more text.
fn pets(more: &str) -> (tempfile::TempDir, String) {
    let text = format!(
        "name = \"pets\"\nas_of = 2025-01-01\n[tables.owner]\nrows = 50\n[tables.owner.columns]\n\
         owner_id = {{ expr = \"row + 1\", key = true }}\n[tables.pet]\nof = \"owner\"\ncount = \"owner.row % 3\"\n\
         [tables.pet.columns]\npet_id = {{ expr = \"owner.owner_id * 10 + ordinal\", key = true }}\n{more}"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pets.toml");
    std::fs::write(&path, text).expect("writes");
    let path = path.to_str().expect("text").to_owned();
    (folder, path)
}

#[test]
fn a_fixture_of_your_own_is_found_narrowed_and_told_apart() {
    let (_folder, path) =
        pets("\n[fixtures.many]\nabout = \"x\"\ntable = \"owner\"\nwhere = \"count(pet) = 2\"\nwith = [\"pet\"]\n");
    let rows = found(&[&path, "--fixture", "many", "--limit", "2"]);
    assert_eq!(rows[1]["owner"]["owner_id"], 6);
    assert_eq!(rows[1]["pet"].as_array().map(Vec::len), Some(2));
    let rows = found(&[&path, "--fixture", "many", "--where", "owner_id > 40"]);
    assert_eq!(rows[0]["_case"], "owner/42");
    let (code, text) = refused(&[&path, "--fixture", "mny"]);
    assert!(code == 2 && text.contains("has no fixture `mny`") && text.contains("did you mean `many`?"), "{text}");
    let (code, text) = refused(&[&path, "pet", "--fixture", "many"]);
    assert!(code == 2 && text.contains("has rows of `owner`, not of `pet`"), "{text}");
}

#[test]
fn a_mistake_in_a_fixture_is_told_by_check_with_its_line() {
    for (key, wrong, says) in [
        ("where", "where = \"nope > 1\"", "unknown column `nope`"),
        ("where", "where = \"owner_id\"", "a condition is meant"),
        ("table", "table = \"ownr\"", "unknown table `ownr`"),
        ("with", "with = [\"pets\"]", "has no rows `pets` with it"),
    ] {
        let mut lines = ["about = \"x\"", "table = \"owner\"", "where = \"true\"", "with = []"];
        let at = lines.iter().position(|line| line.starts_with(key)).expect("a key");
        lines[at] = wrong;
        let (_folder, path) = pets(&format!("\n[fixtures.a]\n{}\n", lines.join("\n")));
        let output = placebo(&["check", &path]).output().expect("runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(output.status.code(), Some(3), "{text}");
        assert!(text.contains(says) && text.contains(&format!("pets.toml:{}:", 14 + at)), "{wrong}: {text}");
    }
    let (_folder, path) = pets("\n[fixtures.a]\ntable = \"owner\"\nwhere = \"true\"\nabuot = \"x\"\n");
    let (code, text) = refused(&[&path, "--fixture", "a"]);
    assert!(code == 3 && text.contains("unknown field `abuot`"), "{text}");
}

#[test]
fn fixtures_change_no_fingerprint_and_no_value() {
    let print = |path: &str| {
        let output = good(&["plan", path]);
        let text = String::from_utf8(output.stdout).expect("text");
        text.lines().find(|line| line.starts_with("fingerprint")).expect("a fingerprint").to_owned()
    };
    let (_one, plain) = pets("");
    let (_two, with) =
        pets("\n# Those with two.\n[fixtures.many]\nabout = \"x\"\ntable = \"owner\"\nwhere = \"count(pet) = 2\"\n");
    assert_eq!(print(&plain), print(&with));
    let (_three, other) = pets("\n[params.p]\nvalue = 1\n");
    assert_ne!(print(&plain), print(&other));
}
