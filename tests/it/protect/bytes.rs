//! What is written: equal whatever the machine, opened by the key alone, and nothing else touched.

use placebo::protect::fe1::{Cipher, Scope, read_text, row_text};
use serde_json::Value;

use super::*;

const KEY: [&str; 2] = ["--key-source", "test:clinic"];
/// Everything that the clinic has, in every way.
pub(super) const ALL: [&str; 24] = [
    "--protect",
    "ssn=encrypt",
    "--protect",
    "name=encrypt",
    "--protect",
    "mrn=token",
    "--protect",
    "phone=mask",
    "--protect",
    "pan=truncate",
    "--protect",
    "patient.balance=encrypt:money",
    "--protect",
    "narrative=encrypt",
    "--protect",
    "patient.patient_id=token",
    "--protect",
    "date=generalize",
    "--protect",
    "health=null",
    "--protect",
    "postal_code=generalize",
    "--protect",
    "age=generalize",
];

#[test]
fn what_is_not_protected_stays_as_it_was() {
    let temp = tempfile::tempdir().expect("a folder");
    let clear = generate(CLINIC, &temp.path().join("clear"), &[]);
    let sealed =
        generate(CLINIC, &temp.path().join("sealed"), &[&KEY[..], &["--protect", "patient.ssn=encrypt"]].concat());
    for table in ["ward", "visit", "card"] {
        assert_eq!(clear[&format!("{table}.csv")], sealed[&format!("{table}.csv")], "{table}");
    }
    let strip = |files: &BTreeMap<String, Vec<u8>>| {
        let mut all = rows(files, "patient");
        all.iter_mut().for_each(|row| drop(row.remove("ssn")));
        all
    };
    assert_eq!(strip(&clear), strip(&sealed));
    assert_ne!(column(&clear, "patient", "ssn"), column(&sealed, "patient", "ssn"));
}

#[test]
fn equal_runs_give_equal_bytes_with_encryption_on() {
    let temp = tempfile::tempdir().expect("a folder");
    for format in ["csv", "ndjson", "json", "parquet", "arrow"] {
        let run = |name: &str, threads: &str, more: &[&str]| {
            let out = temp.path().join(format!("{format}-{name}"));
            let fixed = ["--format", format, "--threads", threads, "--pad", "16"];
            generate(CLINIC, &out, &[&KEY[..], &ALL, &fixed, more].concat())
        };
        let base = run("base", "1", &[]);
        for (name, threads, chunk) in
            [("two", "2", "1"), ("three", "3", "7"), ("eight", "8", "1000"), ("big", "2", "65536")]
        {
            assert!(run(name, threads, &["--chunk-rows", chunk]) == base, "{format} differs with {name}");
        }
        // Any part has the cells that the whole has.
        if format == "csv" {
            let part = run("part", "2", &["--part", "2/3"]);
            let own = String::from_utf8(part["patient/part-00001.csv"].clone()).expect("text");
            let whole = String::from_utf8(base["patient.csv"].clone()).expect("text");
            assert!(own.lines().count() > 50 && own.lines().all(|line| whole.lines().any(|known| known == line)));
        }
    }
}

#[test]
fn every_cell_opens_to_the_clear_text_and_in_its_row_alone() {
    let temp = tempfile::tempdir().expect("a folder");
    let clear = generate(CLINIC, &temp.path().join("clear"), &[]);
    let more =
        ["--protect", "pii=encrypt", "--protect", "narrative=encrypt", "--protect", "patient.balance=encrypt:money"];
    let sealed = generate(CLINIC, &temp.path().join("sealed"), &[&KEY[..], &more].concat());
    let key = test_key("clinic");
    let mut opened = 0;
    for name in ["name", "ssn", "born", "age", "zip", "phone", "note", "sex", "balance"] {
        let scope = if name == "balance" { Scope::domain("money") } else { Scope::column("patient", name) };
        let cipher = Cipher::new(&key, "clinic", scope);
        let (plain, cells) = (column(&clear, "patient", name), column(&sealed, "patient", name));
        let ids = column(&sealed, "patient", "patient_id");
        for ((plain, cell), id) in plain.iter().zip(&cells).zip(&ids) {
            if cell.is_empty() {
                assert!(plain.is_empty(), "a null stays a null");
                continue;
            }
            let bytes = read_text(cell.as_bytes()).expect("a cell");
            let text = cipher.open(&row_text([id.as_str()]), &bytes, true).expect("opens");
            assert_eq!(String::from_utf8_lossy(&text), plain.as_str(), "{name} of {id}");
            opened += 1;
            if name != "balance" {
                assert!(cipher.open(&row_text(["1"]), &bytes, false).is_err(), "another row");
            }
        }
    }
    assert!(opened > 2_000);
    // A table without a key binds the number of its rows.
    let cipher = Cipher::new(&key, "clinic", Scope::column("ward", "nurse"));
    let (plain, cells) = (column(&clear, "ward", "nurse"), column(&sealed, "ward", "nurse"));
    for (row, (plain, cell)) in plain.iter().zip(&cells).enumerate() {
        let bytes = read_text(cell.as_bytes()).expect("a cell");
        let text = cipher.open(row.to_string().as_bytes(), &bytes, true).expect("opens");
        assert_eq!(String::from_utf8_lossy(&text), plain.as_str());
    }
}

#[test]
fn nulls_and_lengths_can_be_hidden() {
    let temp = tempfile::tempdir().expect("a folder");
    let clear = generate(CLINIC, &temp.path().join("clear"), &[]);
    let more = ["--protect", "patient.ssn=encrypt", "--encrypt-nulls", "--pad", "32", "--format", "csv"];
    let sealed = generate(CLINIC, &temp.path().join("sealed"), &[&KEY[..], &more].concat());
    let cells = column(&sealed, "patient", "ssn");
    assert!(cells.iter().all(|cell| cell.len() == cells[0].len()), "all lengths are equal");
    let cipher = Cipher::new(&test_key("clinic"), "clinic", Scope::column("patient", "ssn"));
    for ((cell, id), plain) in
        cells.iter().zip(column(&sealed, "patient", "patient_id")).zip(column(&clear, "patient", "ssn"))
    {
        let padded = cipher.open(id.as_bytes(), &read_text(cell.as_bytes()).expect("a cell"), true).expect("opens");
        let text = placebo::protect::fe1::unpad(&padded).expect("padding");
        let want = if plain.is_empty() { placebo::protect::fe1::NULL } else { plain.as_bytes() };
        assert_eq!(text, want);
    }
    let package: Value = serde_json::from_slice(&sealed["datapackage.json"]).expect("JSON");
    assert!(package.to_string().contains("\"ssn\""));
}

#[test]
fn tokens_join_and_foreign_keys_follow_their_key() {
    let temp = tempfile::tempdir().expect("a folder");
    let clear = generate(CLINIC, &temp.path().join("clear"), &[]);
    for how in ["token", "encrypt:who", "hash-keyed"] {
        let how = ["--protect", &format!("patient.patient_id={how}"), "--protect", "mrn=token"];
        let sealed = generate(CLINIC, &temp.path().join("sealed"), &[&KEY[..], &how, &["--overwrite"]].concat());
        for (column_name, table) in [("patient_id", "visit"), ("patient_id", "card"), ("mrn", "visit")] {
            let to: BTreeMap<String, String> = column(&clear, "patient", column_name)
                .into_iter()
                .zip(column(&sealed, "patient", column_name))
                .collect();
            assert_eq!(to.len(), 300, "different values stay different");
            for (plain, cell) in column(&clear, table, column_name).iter().zip(column(&sealed, table, column_name)) {
                assert_eq!(to[plain], cell, "{table}.{column_name}");
            }
        }
    }
    let other =
        generate(CLINIC, &temp.path().join("other"), &[&KEY[..], &["--protect", "mrn=token", "--seed", "x"]].concat());
    let here = generate(CLINIC, &temp.path().join("here"), &[&KEY[..], &["--protect", "mrn=token"]].concat());
    assert_eq!(column(&other, "patient", "mrn"), column(&here, "patient", "mrn"), "in every run");
    assert!(column(&here, "patient", "mrn").iter().all(|token| token.len() == 30 && token.starts_with("tok_")));
}

#[test]
fn no_plaintext_of_a_protected_column_is_anywhere() {
    let temp = tempfile::tempdir().expect("a folder");
    let rows = ["--rows", "patient=1000"];
    let clear = generate(CLINIC, &temp.path().join("clear"), &rows);
    let mut plain: Vec<String> = Vec::new();
    for (table, name) in
        [("patient", "name"), ("patient", "ssn"), ("patient", "mrn"), ("patient", "phone"), ("card", "pan")]
    {
        plain.extend(column(&clear, table, name).into_iter().filter(|text| !text.is_empty()));
    }
    plain.push("says \"hm\"".to_owned());
    assert!(plain.len() > 4_000);
    let how = ["ssn=encrypt", "name=encrypt", "mrn=encrypt:mrn", "phone=encrypt", "pan=encrypt", "narrative=encrypt"];
    let how: Vec<&str> = how.iter().flat_map(|how| ["--protect", how]).collect();
    let known: std::collections::BTreeSet<&[u8]> = plain.iter().map(String::as_bytes).collect();
    let lengths: std::collections::BTreeSet<usize> = known.iter().map(|text| text.len()).collect();
    let found = |bytes: &[u8]| {
        let at = |at: usize| lengths.iter().find_map(|length| known.get(bytes.get(at..at + length)?).copied());
        (0..bytes.len()).find_map(at).map(|text| String::from_utf8_lossy(text).into_owned())
    };
    for format in ["csv", "json", "parquet", "arrow"] {
        let fixed = ["--format", format, "--seed", "a seed that nobody guesses"];
        let more = [&KEY[..], &how, &rows, &fixed].concat();
        for (name, bytes) in generate(CLINIC, &temp.path().join(format), &more) {
            assert_eq!(found(&bytes), None, "{format}: {name}");
            assert!(
                !bytes.windows(26).any(|part| part == b"a seed that nobody guesses"),
                "{format}: {name} has the seed"
            );
        }
    }
    // The search finds what is there.
    assert!(found(&clear["patient.csv"]).is_some());
}

#[test]
fn the_manifest_says_how_and_not_with_what() {
    let temp = tempfile::tempdir().expect("a folder");
    let seed = ["--seed", "a seed that nobody guesses"];
    let manifest = |name: &str, more: &[&str]| -> Value {
        let files = generate(CLINIC, &temp.path().join(name), more);
        serde_json::from_slice(&files["manifest.json"]).expect("JSON")
    };
    let clear = manifest("clear", &seed);
    assert_eq!((clear["seed"].as_str(), clear.get("protection")), (Some(seed[1]), None));
    let how = ["--protect", "ssn=encrypt", "--protect", "mrn=token"];
    let sealed = manifest("sealed", &[&KEY[..], &how, &seed].concat());
    assert!(sealed.get("seed").is_none() && sealed["seed_commitment"].as_str().is_some_and(|text| text.len() == 64));
    assert_ne!(sealed["fingerprint"], clear["fingerprint"], "a fingerprint would let a seed be tried out");
    let said = &sealed["protection"];
    assert_eq!(said["confidential"], false, "with a key that anyone can make");
    assert_eq!(said["key"]["key_source"], "test-only");
    assert_eq!(said["key"]["check_value"], test_key("clinic").check_value());
    let ssn = said["columns"].as_array().expect("a list").iter().find(|column| column["column"] == "ssn").expect("ssn");
    assert_eq!((ssn["scope"].as_str(), ssn["bound_to"][0].as_str()), (Some("patient/ssn"), Some("patient_id")));
    let open = manifest("open", &[&KEY[..], &how, &seed, &["--disclose-seed"]].concat());
    assert_eq!((open["seed"].as_str(), &open["protection"]["confidential"]), (Some(seed[1]), &Value::Bool(false)));
    // A real key and a long seed are what confidential means.
    let ring = temp.path().join("ring");
    let ring = ring.to_str().expect("a path");
    good(&["keys", "new", "--keyring", ring]);
    let real = manifest("real", &[&["--keyring", ring][..], &how, &seed].concat());
    assert_eq!(real["protection"]["confidential"], true);
    let guessed = manifest("guessed", &[&["--keyring", ring][..], &how].concat());
    assert_eq!(guessed["protection"]["confidential"], false);
}

#[test]
fn random_nonces_differ_and_open() {
    let temp = tempfile::tempdir().expect("a folder");
    let more = ["--protect", "ssn=encrypt", "--nonce", "random"];
    let run = |name: &str| generate(CLINIC, &temp.path().join(name), &[&KEY[..], &more].concat());
    let (one, two) = (run("one"), run("two"));
    let (a, b) = (column(&one, "patient", "ssn"), column(&two, "patient", "ssn"));
    assert!(a.iter().zip(&b).all(|(a, b)| a.is_empty() || a != b));
    let clear = generate(CLINIC, &temp.path().join("clear"), &[]);
    let cipher = Cipher::new(&test_key("clinic"), "clinic", Scope::column("patient", "ssn"));
    let id = &column(&one, "patient", "patient_id")[0];
    let open = |cell: &str| {
        cipher.open(id.as_bytes(), &read_text(cell.as_bytes()).expect("a cell"), false).expect("opens").to_vec()
    };
    assert_eq!(open(&a[0]), open(&b[0]));
    assert_eq!(open(&a[0]), column(&clear, "patient", "ssn")[0].as_bytes());
    let manifest = String::from_utf8(one["manifest.json"].clone()).expect("text");
    assert!(manifest.contains("random: equal runs differ"));
}

#[test]
fn what_is_left_of_values_is_what_the_rules_leave() {
    let temp = tempfile::tempdir().expect("a folder");
    let clear = generate(CLINIC, &temp.path().join("clear"), &[]);
    let cut = generate(CLINIC, &temp.path().join("cut"), &["--deidentify", "safe-harbor"]);
    for (row, (was, is)) in rows(&clear, "patient").iter().zip(rows(&cut, "patient")).enumerate() {
        assert!(["mrn", "name", "ssn", "phone", "note"].iter().all(|name| is[*name].is_empty()), "row {row}");
        let (year, kept): (i64, i64) = (was["born"][..4].parse().expect("a year"), is["born"].parse().expect("a year"));
        assert_eq!(kept, year.max(1935));
        let (age, kept): (i64, i64) = (was["age"].parse().expect("an age"), is["age"].parse().expect("an age"));
        assert_eq!(kept, age.min(90));
        let three = &was["zip"][..3];
        assert!(is["zip"] == three && three != "036" || is["zip"] == "000");
        assert_eq!(is["seen_at"], was["seen_at"][..4]);
        assert_eq!((&is["sex"], &is["patient_id"]), (&was["sex"], &was["patient_id"]));
    }
    let more = ["--protect", "phone=mask", "--protect", "card.pan=truncate", "--protect", "card.pan_again=mask"];
    let short = generate(CLINIC, &temp.path().join("short"), &more);
    for (was, is) in rows(&clear, "card").iter().zip(rows(&short, "card")) {
        let pan = &was["pan"];
        assert_eq!(is["pan"], format!("{}...{}", &pan[..6], &pan[pan.len() - 4..]));
        assert_eq!(is["pan_again"], format!("{}{}{}", &pan[..6], "*".repeat(pan.len() - 10), &pan[pan.len() - 4..]));
    }
    let digits = generate(
        CLINIC,
        &temp.path().join("ff1"),
        &[&KEY[..], &["--protect", "ssn=ff1", "--protect", "pan=ff1"]].concat(),
    );
    let (was, is) = (column(&clear, "patient", "ssn"), column(&digits, "patient", "ssn"));
    let form = |text: &str| text.bytes().map(|b| if b.is_ascii_digit() { b'0' } else { b }).collect::<Vec<_>>();
    assert!(was.iter().zip(&is).all(|(a, b)| form(a) == form(b)));
    let changed: std::collections::BTreeSet<&String> = is.iter().filter(|text| !text.is_empty()).collect();
    assert_eq!(changed.len(), was.iter().filter(|text| !text.is_empty()).count(), "still unique");
}
