//! `--only`: one row with all that belongs to it, equal to the rows of the whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::read_to_string;
use std::path::Path;

use serde_json::Value;

use crate::run::{good, placebo};

/// Root tables of profiles, a key of each, and a column of the same tree that has the key.
const ROWS: [(&str, &str, &str, &str); 6] = [
    ("healthcare", "patient", "17", "patient_id"),
    ("claims", "member", "17", "member_id"),
    ("legal", "court_case", "17", "case_id"),
    ("payments", "party", "17", "party_id"),
    ("healthcare,claims", "patient", "17", "patient_id"),
    ("tests/fixtures/bank", "account", "17", "account_id"),
];

/// The lines of each table's file.
fn tables(folder: &Path) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|end| end == "ndjson") {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            found.insert(name, read_to_string(&path).expect("text").lines().map(str::to_owned).collect());
        }
    }
    assert!(!found.is_empty(), "{}", folder.display());
    found
}

fn refused(args: &[&str]) -> (i32, String) {
    let output = placebo(args).output().expect("runs");
    assert!(output.stdout.is_empty(), "{args:?}");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn only_rows_are_those_of_the_whole_and_refer_to_each_other_alone() {
    for (profile, table, key, column) in ROWS {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).to_str().expect("a path").to_owned();
        let format = ["--format", "ndjson", "-q"];
        let only = format!("{table}={key}");
        good(&[&["generate", profile, "--out", &path("whole")], &format[..]].concat());
        good(&[&["generate", profile, "--out", &path("own"), "--only", &only], &format[..]].concat());
        let with = ["generate", profile, "--out", &path("all"), "--only", &only, "--with-parents"];
        good(&[&with[..], &format].concat());
        let [whole, own, all] = ["whole", "own", "all"].map(|name| tables(&folder.path().join(name)));
        for (name, lines) in &all {
            let known: BTreeSet<&String> = whole[name].iter().collect();
            assert!(lines.iter().all(|line| known.contains(line)), "{profile}: {name} has other rows");
        }
        // Without parents: exactly the rows whose key column has the key, in the tables that have one.
        let key_column = format!("\"{column}\":{key}");
        let mut looked = 0;
        for (name, lines) in &own {
            let of_key =
                |line: &&String| line.contains(&format!("{key_column},")) || line.contains(&format!("{key_column}}}"));
            if whole[name].iter().any(|line| line.contains(&format!("\"{column}\":"))) {
                let expected: Vec<&String> = whole[name].iter().filter(of_key).collect();
                assert_eq!(lines.iter().collect::<Vec<_>>(), expected, "{profile}: {name}");
                looked += expected.len();
            }
            assert!(lines.iter().all(|line| all[name].contains(line)), "{profile}: {name}");
        }
        assert!(looked > 1, "{profile}: the test looks at nothing");
        // Keys, references, values: the folder is whole in itself.
        let told = good(&["verify", &path("all"), "--replay", "all", "--profile", profile]);
        let told = String::from_utf8_lossy(&told.stderr).into_owned() + &String::from_utf8_lossy(&told.stdout);
        assert!(told.contains("foreign keys") && told.contains("chunks derived again"), "{told}");
    }
}

/// The rows of a document, by table, without the rows inside of them.
fn flattened(name: &str, value: &Value, tables: &BTreeSet<String>, found: &mut BTreeMap<String, Vec<Value>>) {
    match value {
        Value::Array(rows) => rows.iter().for_each(|row| flattened(name, row, tables, found)),
        Value::Object(row) => {
            let inside = |member: &str, value: &Value| tables.contains(member) && value.is_array();
            let own = row.iter().filter(|(member, value)| !inside(member, value));
            let own = own.map(|(member, value)| (member.clone(), value.clone())).collect();
            found.entry(name.to_owned()).or_default().push(Value::Object(own));
            for (member, value) in row.iter().filter(|(member, value)| inside(member, value)) {
                flattened(member, value, tables, found);
            }
        }
        other => panic!("{name}: {other}"),
    }
}

#[test]
fn only_as_a_document_has_the_rows_of_the_folder_inside_of_each_other() {
    for (profile, table, key, _) in ROWS {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().to_str().expect("a path");
        let args = ["generate", profile, "--only", &format!("{table}={key}"), "--with-parents", "-q"];
        good(&[&args[..], &["--format", "ndjson", "--out", out]].concat());
        let printed = |format: &str| {
            String::from_utf8(good(&[&args[..], &["--format", format, "--out", "-"]].concat()).stdout).expect("text")
        };
        let (shown, line) = (printed("json"), printed("ndjson"));
        assert_eq!(line.lines().count(), 1);
        let document: Value = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(document, serde_json::from_str::<Value>(&line).expect("JSON"));
        let (mut found, files) = (BTreeMap::new(), tables(folder.path()));
        let names: BTreeSet<String> = files.keys().cloned().collect();
        let members = document.as_object().expect("an object");
        assert_eq!(members.keys().next().map(String::as_str), Some(table));
        for (name, value) in members {
            match value.as_object().filter(|_| name == "parents") {
                Some(parents) => parents.iter().for_each(|(name, rows)| flattened(name, rows, &names, &mut found)),
                None => flattened(name, value, &names, &mut found),
            }
        }
        for (name, lines) in files {
            let texts = |rows: Vec<Value>| rows.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
            let of_file = lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
            let of_document = found.remove(&name).unwrap_or_default();
            assert_eq!(of_document.len(), lines.len(), "{profile}: {name}");
            assert_eq!(texts(of_document), texts(of_file), "{profile}: {name}");
        }
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn only_of_a_million_is_the_row_of_a_thousand() {
    let row = |rows: &str| {
        let args =
            ["generate", "healthcare", "--only", "patient=17", "--tables", "encounter,condition", "--format", "ndjson"];
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().to_str().expect("a path").to_owned();
        good(&[&args[..], &["--rows", rows, "--out", &out, "-q"]].concat());
        tables(folder.path())
    };
    assert_eq!(row("patient=1M"), row("patient=1k"));
}

#[test]
fn only_says_what_is_wrong_with_a_key() {
    let with = |only: &str, more: &[&str]| {
        refused(&[&["generate", "healthcare", "--out", "-", "--only", only], more].concat())
    };
    let json = &["--format", "json"][..];
    let cases: [(&str, &[&str], &[&str]); 10] = [
        ("patient=0", json, &["no row of `patient`", "`patient_id` is `1` in the first row and `1000` in the last"]),
        ("patient=1001", json, &["no row of `patient`", "--rows patient=N makes more"]),
        ("patient=x", json, &["`patient=x`: no row of `patient`"]),
        ("patient=", json, &["`patient=`: no row of `patient`"]),
        ("patient", json, &["has no `=`", "--only patient=17"]),
        ("encounter=1", json, &["a table below `patient`", "choose a row of `patient`"]),
        ("patiant=1", json, &["no table `patiant`", "did you mean `patient`?"]),
        ("patient=1", &["--tables", "practitioner"], &["no row of `practitioner`", "--with-parents"]),
        ("patient=1", &[], &["standard output takes one table", "--format ndjson or json"]),
        ("patient=1", &["--part", "1/2"], &["--part"]),
    ];
    for (only, more, said) in cases {
        let (code, stderr) = with(only, more);
        let text = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(code, 2, "{only}: {stderr}");
        assert!(said.iter().all(|said| text.contains(said)), "{only}: {text}");
    }
    assert_eq!(refused(&["generate", "healthcare", "--out", "-", "--with-parents"]).0, 2);
    let (code, said) = refused(&["show", "healthcare", "--story", "patient=99999"]);
    assert!(code == 2 && said.contains("`patient=99999`: no row of `patient`") && !said.contains("--only"), "{said}");
    let (code, said) =
        refused(&["generate", "tests/fixtures/shop", "--only", "account=1", "--rows", "account=0", "--out", "-"]);
    assert!(code == 2 && said.contains("has no rows"), "{said}");
}

/// A profile with keys of text, keys of two columns, no key, a column with the name of a table, and a reference that dangles.
const NAMES: &str = r#"
name  = "names"
as_of = 2025-06-30
[tables.shop]
rows = 300
[tables.shop.columns]
code = { expr = "'S' || CAST(1000 + row * 7 AS text)", key = true }
parents = { gen.decimal = { min = 0, max = 9, scale = 2 } }
[tables.pair]
rows = 9
[tables.pair.columns]
one  = { expr = "row % 3", key = true }
two  = { expr = "row // 3", key = true }
[tables.parents]
rows = 20
[tables.parents.refs]
shop = { table = "shop" }
[tables.parents.columns]
id    = { expr = "row + 100", key = true }
shop  = "shop.code"
child = "'a column'"
[tables.child]
of = "parents"
count = 2
[tables.child.columns]
id   = "parents.id * 10 + ordinal"
shop = { expr = "CASE WHEN parents.id = 101 THEN 'S9' ELSE 'S1007' END", references = "shop.code" }
"#;

#[test]
fn only_takes_any_key_and_any_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("profile.toml");
    std::fs::write(&path, NAMES).expect("writes");
    let profile = path.to_str().expect("a path");
    let document = |only: &str| -> Value {
        let args = ["generate", profile, "--only", only, "--with-parents", "--format", "json", "--out", "-", "-q"];
        serde_json::from_slice(&good(&args).stdout).expect("JSON")
    };
    assert_eq!(document("shop=S3093")["shop"]["code"], "S3093");
    assert_eq!(document("pair=5")["pair"], serde_json::json!({ "one": 1, "two": 1 }));
    let parents = document("parents=100");
    assert_eq!(
        (&parents["parents"]["child"], parents["parents"]["child_rows"].as_array().map(Vec::len)),
        (&"a column".into(), Some(2))
    );
    let shops = parents["parents_rows"]["shop"].as_array().expect("shops");
    assert!(shops.iter().any(|shop| shop["code"] == parents["parents"]["shop"]), "{shops:?}");
    assert!(shops.iter().any(|shop| shop["code"] == "S1007"), "{shops:?}");
    let (code, said) = refused(&["generate", profile, "--only", "shop=17", "--format", "json", "--out", "-"]);
    assert!(code == 2 && said.contains("`S1000` in the first row and `S3093` in the last"), "{said}");
    let (code, said) = refused(&["generate", profile, "--only", "pair=10", "--format", "json", "--out", "-"]);
    assert!(code == 2 && said.contains("1 to 9"), "{said}");
    let dangling = ["generate", profile, "--only", "parents=101", "--format", "json", "--out", "-"];
    good(&dangling);
    let (code, said) = refused(&[&dangling[..], &["--with-parents"]].concat());
    assert!(code == 6 && said.contains("refers to a row of `shop` that is not there"), "{said}");
}

#[test]
fn only_under_protection_has_the_cells_of_the_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a path").to_owned();
    let args = ["generate", "healthcare", "--rows", "patient=40", "--format", "ndjson", "-q"];
    let key = ["--protect", "profile", "--key-source", "test:only", "--seed", "a long seed that nobody guesses"];
    good(&[&args[..], &key, &["--out", &path("whole")]].concat());
    good(&[&args[..], &key, &["--only", "patient=17", "--with-parents", "--out", &path("one")]].concat());
    let [whole, one] = ["whole", "one"].map(|name| tables(&folder.path().join(name)));
    for (name, lines) in &one {
        assert!(lines.iter().all(|line| whole[name].contains(line)), "{name}");
    }
    let opened = ["decrypt", &path("one"), "--out", &path("clear"), "--key", "test:only"];
    good(&opened);
    assert!(read_to_string(folder.path().join("clear/person.ndjson")).expect("text").contains("\"person_id\":17,"));
}

/// Cells that are bound to row numbers would be bound to others in a file with one row.
#[test]
fn only_refuses_to_seal_what_is_bound_to_row_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("profile.toml");
    let profile = "name = \"bare\"\nas_of = 2025-06-30\n[tables.person]\nrows = 9\n[tables.person.columns]\n\
                   name = { expr = \"'Ann'\", pii = \"name\" }\n";
    std::fs::write(&path, profile).expect("writes");
    let args = ["generate", path.to_str().expect("a path"), "--only", "person=3", "--format", "json", "--out", "-"];
    good(&args);
    let sealed = ["--protect", "pii=encrypt", "--key-source", "test:only"];
    let (code, said) = refused(&[&args[..], &sealed].concat());
    assert!(code == 2 && said.contains("has no key"), "{said}");
}

#[cfg(feature = "sqlite")]
#[test]
fn only_loads_into_a_database_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let to = format!("sqlite:{}", folder.path().join("one.db").display());
    let args = ["load", "healthcare", "--to", &to, "--only", "patient=17", "--with-parents"];
    let told = |args: &[&str]| String::from_utf8(good(args).stderr).expect("text");
    assert!(!told(&args).contains("nothing to do"));
    assert!(told(&args).contains("nothing to do"));
    let other =
        placebo(&["load", "healthcare", "--to", &to, "--only", "patient=18", "--with-parents"]).output().expect("runs");
    assert_eq!(other.status.code(), Some(5));
}

#[test]
fn only_is_verified_against_the_profile() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("a path");
    good(&["generate", "healthcare", "--only", "patient=17", "--with-parents", "--out", out, "-q"]);
    good(&["verify", out, "--replay", "all"]);
    // Rows of another patient with sums made again.
    let manifest = read_to_string(folder.path().join("manifest.json")).expect("text");
    std::fs::write(folder.path().join("manifest.json"), manifest.replace("\"key\": \"17\"", "\"key\": \"18\""))
        .expect("writes");
    let wrong = placebo(&["verify", out, "--replay", "all"]).output().expect("runs");
    assert_eq!(wrong.status.code(), Some(6));
    let told = String::from_utf8_lossy(&wrong.stdout).into_owned() + &String::from_utf8_lossy(&wrong.stderr);
    assert!(told.contains("replay") || told.contains("the profile makes"), "{told}");
}
