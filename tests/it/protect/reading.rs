//! Data sets read back: opened, and sealed anew.

use super::*;

const HOW: [&str; 10] = [
    "--protect",
    "pii=encrypt",
    "--protect",
    "narrative=encrypt",
    "--protect",
    "patient.patient_id=encrypt:who",
    "--pad",
    "16",
    "--data-set",
    "a set",
];

fn path(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).to_str().expect("a path").to_owned()
}

#[test]
fn opened_files_are_what_a_clear_run_writes() {
    let temp = tempfile::tempdir().expect("a folder");
    for format in ["csv", "ndjson", "json", "parquet", "arrow"] {
        let format = ["--format", format];
        let (clear, sealed, opened) = (path(&temp, "clear"), path(&temp, "sealed"), path(&temp, "opened"));
        let clear = generate(CLINIC, Path::new(&clear), &[&format[..], &["--overwrite"]].concat());
        let more = [&HOW[..], &["--key-source", "test:a", "--overwrite"], &format].concat();
        generate(CLINIC, Path::new(&sealed), &more);
        let _gone_already = std::fs::remove_dir_all(&opened);
        good(&["decrypt", &sealed, "--key", "test:a", "--strict", "--out", &opened]);
        let read: BTreeMap<String, Vec<u8>> = crate::run::files(Path::new(&opened))
            .into_iter()
            .map(|(name, bytes)| (name.display().to_string(), bytes))
            .collect();
        assert_eq!(read.len(), 4);
        if !["parquet", "arrow"].contains(&format[1]) {
            for (name, bytes) in read {
                assert!(clear[&name] == bytes, "{name} differs");
            }
        }
    }
}

#[test]
fn a_wrong_key_a_changed_cell_and_a_moved_one_are_told_apart() {
    let temp = tempfile::tempdir().expect("a folder");
    let sealed = path(&temp, "sealed");
    generate(CLINIC, Path::new(&sealed), &["--protect", "patient.ssn=encrypt", "--key-source", "test:a"]);
    let out = path(&temp, "out");
    let decrypt = |key: &str| bad(&["decrypt", &sealed, "--key", key, "--out", &out]);
    let (code, said) = decrypt("test:b");
    assert!(code == 8 && said.contains("the key is another one"), "{code}: {said}");
    let file = Path::new(&sealed).join("patient.csv");
    let text = std::fs::read_to_string(&file).expect("text");
    let cells: Vec<&str> = text.split([',', '\n']).filter(|cell| cell.starts_with("fe1.")).collect();
    for (changed, what) in [
        (text.replace(cells[0], cells[1]), "belongs to another row"),
        (text.replacen(cells[3], &cells[3].replace("fe1.A", "fe1.B"), 1), "is no encrypted cell"),
        (text.replacen(cells[3], "900-12-3456", 1), "is no encrypted cell"),
    ] {
        std::fs::write(&file, changed).expect("writes");
        let (code, said) = decrypt("test:a");
        assert!(code == 6 && said.contains(what), "{code}: {said}");
        assert!(!Path::new(&out).join("patient.csv").exists(), "half a file");
    }
}

#[test]
fn one_file_one_column_and_one_column_s_key() {
    let temp = tempfile::tempdir().expect("a folder");
    let (clear, sealed) = (path(&temp, "clear"), path(&temp, "sealed"));
    let clear = generate(CLINIC, Path::new(&clear), &[]);
    let sealed_files = generate(CLINIC, Path::new(&sealed), &["--protect", "pii=encrypt", "--key-source", "test:a"]);
    let key = path(&temp, "key");
    let exported = good(&["keys", "export", "--key-source", "test:a", "--column", "patient.ssn"]).stdout;
    {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&key).expect("opens");
        file.write_all(&exported).expect("writes");
    }
    let (file, out, from) = (format!("{sealed}/patient.csv"), path(&temp, "out"), format!("file:{key}"));
    good(&["decrypt", &file, "--columns", "patient.ssn", "--column-key", &from, "--out", &out]);
    let opened: BTreeMap<String, Vec<u8>> =
        [("patient.csv".to_owned(), std::fs::read(format!("{out}/patient.csv")).expect("a file"))]
            .into_iter()
            .collect();
    assert_eq!(column(&opened, "patient", "ssn"), column(&clear, "patient", "ssn"));
    assert_eq!(column(&opened, "patient", "name"), column(&sealed_files, "patient", "name"), "stays sealed");
    let other = path(&temp, "other");
    let (code, said) = bad(&["decrypt", &file, "--columns", "patient.name", "--column-key", &from, "--out", &other]);
    assert!(code == 6 && said.contains("was changed"), "{code}: {said}");
    let (code, _) = bad(&["decrypt", &file, "--columns", "patient.mrn", "--key", "test:a", "--out", &other]);
    assert_eq!(code, 2, "mrn is not encrypted");
}

#[test]
fn rotated_data_opens_with_the_new_key_and_shredded_data_with_none() {
    let temp = tempfile::tempdir().expect("a folder");
    let (ring, old, new) = (path(&temp, "ring"), path(&temp, "old"), path(&temp, "new"));
    let id = String::from_utf8(good(&["keys", "new", "--keyring", &ring]).stdout).expect("text").trim().to_owned();
    let files =
        generate(CLINIC, Path::new(&old), &[&HOW[..], &["--keyring", &ring, "--seed", "0123456789abcdef"]].concat());
    good(&["keys", "rotate", "--keyring", &ring]);
    good(&["reencrypt", &old, "--keyring", &ring, "--out", &new]);
    let open = |from: &str, name: &str| {
        let out = path(&temp, name);
        good(&["decrypt", from, "--keyring", &ring, "--out", &out]);
        crate::run::files(Path::new(&out))
    };
    assert!(open(&old, "one") == open(&new, "two"), "both open, to the same");
    let text = std::fs::read_to_string(format!("{new}/patient.csv")).expect("text");
    assert_ne!(text.as_bytes(), files["patient.csv"].as_slice());
    let manifest = std::fs::read_to_string(format!("{new}/manifest.json")).expect("text");
    assert!(manifest.contains(&format!("\"committed_by\": \"{id}\"")), "{manifest}");
    good(&["keys", "shred", "--keyring", &ring, "--id", &id]);
    let (code, said) = bad(&["decrypt", &old, "--keyring", &ring, "--out", &path(&temp, "three")]);
    assert!(code == 8 && said.contains("was shredded"), "{code}: {said}");
    good(&["decrypt", &new, "--keyring", &ring, "--out", &path(&temp, "four")]);
}
