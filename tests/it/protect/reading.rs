//! Data sets read back: opened, sealed anew, and looked through for what should not be there.

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

#[test]
fn plaintext_that_stands_in_a_file_is_found() {
    let temp = tempfile::tempdir().expect("a folder");
    let (whole, half) = (path(&temp, "whole"), path(&temp, "half"));
    let key = ["--key-source", "test:a"];
    generate(
        CLINIC,
        Path::new(&whole),
        &[&key[..], &["--protect", "pan=encrypt", "--protect", "ssn=encrypt"]].concat(),
    );
    let said = good(&["verify", &whole, "--quick", "--key", "test:a", "--no-plaintext"]).stdout;
    assert!(String::from_utf8_lossy(&said).contains("none of them in a file"));
    generate(CLINIC, Path::new(&half), &[&key[..], &["--protect", "card.pan=encrypt"]].concat());
    let (code, said) = bad(&["verify", &half, "--quick", "--key", "test:a", "--no-plaintext"]);
    assert!(code == 6 && said.contains("`card.csv` has plaintext of `card.pan`"), "{code}: {said}");
}

/// Whatever packs a value, compressed pages, dictionaries, escapes: the bytes of the file do not have it.
#[test]
fn plaintext_that_is_packed_is_found() {
    use parquet::basic::{Compression, ZstdLevel};
    use parquet::file::properties::{EnabledStatistics, WriterProperties};
    use placebo::decrypt::{Leak, Opener, Place, Request, leaks, read_all};
    let temp = tempfile::tempdir().expect("a folder");
    let key = placebo::protect::keyring::Keys::read(&"test:a".parse().expect("a source"), None).expect("a key");
    let search = |folder: &str| -> Vec<Leak> {
        let request = Request {
            folder: folder.into(),
            file: None,
            columns: Vec::new(),
            opener: Opener::Keys(&key),
            again: None,
            strict: false,
            out: Path::new("").into(),
        };
        leaks(&request, &read_all(Path::new(folder)).expect("manifests")).expect("looks").1
    };
    let how =
        ["--key-source", "test:a", "--protect", "card.pan=encrypt", "--format", "parquet", "--compression", "zstd"];
    let folder = path(&temp, "parquet");
    generate(CLINIC, Path::new(&folder), &[&how[..], &["--protect", "card.pan_again=null"]].concat());
    assert_eq!(search(&folder), []);
    // The same table, its last column as it is in the clear, written without statistics.
    let (clear, file) = (path(&temp, "clear"), format!("{folder}/card.parquet"));
    generate(CLINIC, Path::new(&clear), &["--format", "parquet", "--tables", "card"]);
    let open = |path: &str| {
        let file = std::fs::File::open(path).expect("opens");
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).expect("a file");
        reader.build().expect("a reader").next().expect("rows").expect("a batch")
    };
    let (own, theirs) = (open(&file), open(&format!("{clear}/card.parquet")));
    let at = own.schema().index_of("pan_again").expect("a column");
    let mut columns = own.columns().to_vec();
    columns[at] = std::sync::Arc::clone(theirs.column(at));
    let leaking = arrow_array::RecordBatch::try_new(own.schema(), columns).expect("a batch");
    let texts = placebo::protect::texts::Texts::new(theirs.column(at)).expect("texts");
    let write = |batches: &[&arrow_array::RecordBatch], dictionary: bool| {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_statistics_enabled(EnabledStatistics::None)
            .set_dictionary_enabled(dictionary);
        let out = std::fs::File::create(&file).expect("a file");
        let mut writer =
            parquet::arrow::ArrowWriter::try_new(out, own.schema(), Some(properties.build())).expect("one");
        batches.iter().for_each(|batch| writer.write(batch).expect("writes"));
        writer.close().expect("closes");
        let bytes = std::fs::read(&file).expect("bytes");
        let known = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(!(0..300).filter_map(|row| texts.get(row)).any(known), "the bytes tell it, so the test tells nothing");
    };
    for dictionary in [false, true] {
        write(&[&leaking], dictionary);
        let found = search(&folder);
        let at = Place::Page("pan_again".to_owned());
        assert_eq!(
            found,
            [Leak { path: "card.parquet".to_owned(), column: "card.pan".to_owned(), at }],
            "{dictionary}"
        );
    }
    // A text whose form in the file is another one.
    for format in ["csv", "json"] {
        let folder = path(&temp, format);
        let how = ["--key-source", "test:a", "--protect", "patient.note=encrypt", "--format", format];
        generate(CLINIC, Path::new(&folder), &how);
        assert_eq!(search(&folder), [], "{format}");
        let file = format!("{folder}/patient.{format}");
        let text = std::fs::read_to_string(&file).expect("text");
        let escaped = if format == "csv" { "says \"\"hm\"\"" } else { "says \\\"hm\\\"" };
        let bare = if format == "csv" { "MRN000000000" } else { "\"MRN000000000\"" };
        std::fs::write(&file, text.replacen(bare, &format!("\"{escaped}\""), 1)).expect("writes");
        let at = Place::Cell(1, "mrn".to_owned());
        let path = format!("patient.{format}");
        assert_eq!(search(&folder), [Leak { path, column: "patient.note".to_owned(), at }]);
    }
}
