//! Several profiles in one command are one world: what they share is in it once, and nobody in it is another than alone.

use std::path::Path;

use crate::run::{files, good, placebo};

/// Writes a profile that includes people and has a table of its own.
fn profile(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(format!("{name}.toml"));
    std::fs::write(&path, format!("name = '{name}'\n{text}")).expect("writes");
    path.to_str().expect("a path").to_owned()
}

const LIBRARY: &str = "
as_of = 2025-06-30
include = ['people']
[tables.reader]
rows = 70
[tables.reader.refs]
person = { table = 'person', pick = 'same_row' }
[tables.reader.columns]
reader_id = { expr = 'row + 1', key = true }
person_id = 'person.person_id'
name = 'person.family_name'
[tables.person.columns]
reads = 'true'
";

const CLUB: &str = "
as_of = 2025-06-30
include = ['people']
[tables.player]
rows = 50
[tables.player.refs]
person = { table = 'person', pick = 'same_row' }
[tables.player.columns]
player_id = { expr = 'row + 1', key = true }
person_id = 'person.person_id'
";

fn generate(profiles: &str, out: &Path) {
    good(&[
        "generate",
        profiles,
        "--format",
        "parquet",
        "--rows",
        "person=80",
        "-q",
        "--out",
        out.to_str().expect("a path"),
    ]);
}

#[test]
fn every_table_of_a_world_is_the_one_of_its_profile() {
    let temp = tempfile::tempdir().expect("a folder");
    let library = profile(temp.path(), "library", LIBRARY);
    let club = profile(temp.path(), "club", CLUB);
    let world = temp.path().join("world");
    generate(&format!("{library},{club}"), &world);
    let table = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
    let of = |folder: &Path| -> Vec<(String, Vec<u8>)> {
        let all = files(folder);
        let tables = all.iter().filter(|(name, _)| name.extension().is_some_and(|end| end == "parquet"));
        tables.map(|(name, bytes)| table(&name.display().to_string(), bytes)).collect()
    };
    let world = of(&world);
    assert_eq!(world.iter().filter(|(name, _)| name == "person.parquet").count(), 1);
    for (name, path) in [("library", &library), ("club", &club)] {
        let alone = temp.path().join(name);
        generate(path, &alone);
        for (table, bytes) in of(&alone) {
            // The library alone adds a column to persons; in a world the column is there for all.
            if name == "club" && table == "person.parquet" {
                continue;
            }
            let same = world.iter().find(|(other, _)| *other == table).expect("the world has every table");
            assert!(same.1 == bytes, "{table} of {name} is another one in the world");
        }
    }
}

#[test]
fn what_two_profiles_say_of_one_thing_is_a_mistake() {
    let temp = tempfile::tempdir().expect("a folder");
    let library = profile(temp.path(), "library", LIBRARY);
    let clash = |name: &str, text: &str| {
        let other = profile(temp.path(), name, text);
        let output = placebo(&["check", &format!("{library},{other}")]).output().expect("runs");
        assert_eq!(output.status.code(), Some(3), "{name}");
        String::from_utf8_lossy(&output.stderr).replace(temp.path().to_str().expect("a path"), "…")
    };
    let shown = [
        clash("column", "include = ['people']\n[tables.person.columns]\nreads = 'false'\n"),
        clash("table", "[tables.reader]\nrows = 3\n"),
        clash("date", "as_of = 2024-01-31\n"),
    ];
    insta::assert_snapshot!(shown.join("\n"));
}
