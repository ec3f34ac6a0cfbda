//! Protected values that are in a file in the clear: found in any form, and told from chance.

use std::fs::{self, File};
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use placebo::decrypt::read_all;
use placebo::leaks::{Place, Report, search};
use placebo::protect::keyring::Keys;
use placebo::verify::{Request, Sample};

use super::*;

const SEALED: [&str; 6] = ["--key-source", "test:a", "--protect", "pan=encrypt", "--protect", "ssn=encrypt"];

/// Searches a folder, with a profile at hand or without.
fn look(folder: &Path, profile: Option<&str>) -> Report {
    let request = Request {
        folder: folder.to_owned(),
        quick: true,
        sample: Sample { share: 0.0, seed: String::new() },
        profile: profile.map(str::to_owned),
        templates: Vec::new(),
        faults: Vec::new(),
        keys: Some(Keys::read(&"test:a".parse().expect("a source"), None).expect("a key")),
        seed: Some("0".to_owned()),
        allow_missing_parts: false,
        public_key: None,
        threads: 2,
        memory: 32 << 20,
        show_values: false,
    };
    search(&request, &read_all(folder).expect("manifests")).expect("searches")
}

/// The leaks of a set of the clinic, which control groups and computed chance agree on.
fn leaks(folder: &Path) -> Vec<(String, String, Place)> {
    // The second number of a card is left out in some tests, so it cannot be told without the profile.
    let both = [Some(CLINIC), None].map(|profile| look(folder, profile));
    let places = |report: &Report| {
        let leaks = report.leaks.iter().filter(|leak| leak.column != "card.pan_again");
        leaks.map(|leak| (leak.path.clone(), leak.column.clone(), leak.at.clone())).collect::<Vec<_>>()
    };
    assert_eq!(places(&both[0]), places(&both[1]), "{both:?}");
    places(&both[0])
}

fn escaped(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat()
}

#[test]
fn a_clear_column_with_protected_values_is_found() {
    let temp = tempfile::tempdir().expect("a folder");
    let path = |name: &str| temp.path().join(name).to_str().expect("a path").to_owned();
    let (whole, half) = (path("whole"), path("half"));
    generate(CLINIC, Path::new(&whole), &SEALED);
    let look = ["--quick", "--key", "test:a", "--no-plaintext"];
    for more in [&[][..], &["--profile", CLINIC]] {
        let said = good(&[&["verify", &whole][..], &look, more].concat()).stdout;
        assert!(String::from_utf8_lossy(&said).contains("protected columns: no leak"));
    }
    generate(CLINIC, Path::new(&half), &["--key-source", "test:a", "--protect", "card.pan=encrypt"]);
    for more in [&[][..], &["--profile", CLINIC]] {
        let (code, said) = bad(&[&["verify", &half][..], &look, more].concat());
        assert!(code == 6 && said.contains("`card.csv` has plaintext of `card.pan`"), "{code}: {said}");
    }
    let (code, said) = bad(&["verify", &half, "--quick", "--no-plaintext"]);
    assert!(code == 2 && said.contains("needs the key"), "{code}: {said}");
}

/// One value is enough, in any form.
#[test]
fn one_planted_value_is_found() {
    let temp = tempfile::tempdir().expect("a folder");
    let clear = generate(CLINIC, &temp.path().join("clear"), &[]);
    let folder = temp.path().join("sealed");
    generate(CLINIC, &folder, &SEALED);
    assert_eq!(leaks(&folder), []);
    let ssns = column(&clear, "patient", "ssn");
    let ssn = ssns.iter().rfind(|text| !text.is_empty()).expect("a number");
    let log = "GET /patients 200 12 ms\n".repeat(500);
    let file = folder.join("app.log");
    let forms = [
        ssn.clone(),
        ssn.replace('-', ""),
        ssn.replace('-', " "),
        format!("{{\"ssn\":\"{}\"}}", escaped(ssn)),
        format!("{{\"note\":\"line\\n{ssn}\"}}"),
        format!("a{ssn}"),
    ];
    for form in forms {
        fs::write(&file, format!("{log}{form}\n{log}")).expect("writes");
        let found = leaks(&folder);
        assert!(found.len() == 1 && found[0].0 == "app.log" && found[0].1 == "patient.ssn", "{form}: {found:?}");
        let Place::Byte(at) = found[0].2 else { panic!("{form}: {found:?}") };
        assert!((log.len() as u64..log.len() as u64 + 20).contains(&at), "{form}: byte {at}");
    }
    // Another number of the same form is no leak.
    fs::write(&file, format!("{log}987-65-4329 {}\n", &ssn[..ssn.len() - 1])).expect("writes");
    assert_eq!(leaks(&folder), []);
    fs::remove_file(&file).expect("removes");
    // Files that describe the schema are not searched: their texts are the profile's.
    let schema = fs::read_to_string(folder.join("schema.sql")).expect("text");
    fs::write(folder.join("schema.sql"), format!("{schema}-- such as {ssn}\n")).expect("writes");
    assert_eq!(leaks(&folder), []);
}

#[test]
fn a_value_in_a_cell_is_found_with_its_row() {
    let temp = tempfile::tempdir().expect("a folder");
    let clear = generate(CLINIC, &temp.path().join("clear"), &[]);
    let ssn = column(&clear, "patient", "ssn").into_iter().find(|text| !text.is_empty()).expect("a number");
    for format in ["csv", "json", "ndjson"] {
        let folder = temp.path().join(format);
        generate(CLINIC, &folder, &[&SEALED[..], &["--format", format]].concat());
        let file = folder.join(format!("patient.{format}"));
        let text = fs::read_to_string(&file).expect("text");
        fs::write(&file, text.replacen("MRN000000002", &ssn, 1)).expect("writes");
        let at = Place::Cell(3, "mrn".to_owned());
        assert_eq!(leaks(&folder), [(format!("patient.{format}"), "patient.ssn".to_owned(), at)]);
    }
}

/// Compressed pages and dictionaries: the bytes of the file do not have the value.
#[test]
fn a_value_in_a_page_is_found() {
    let temp = tempfile::tempdir().expect("a folder");
    let how = ["--key-source", "test:a", "--protect", "card.pan=encrypt", "--format", "parquet"];
    let (folder, clear) = (temp.path().join("parquet"), temp.path().join("clear"));
    generate(CLINIC, &folder, &[&how[..], &["--protect", "card.pan_again=null"]].concat());
    assert_eq!(leaks(&folder), []);
    generate(CLINIC, &clear, &["--format", "parquet", "--tables", "card"]);
    let open = |path: &Path| {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).expect("opens")).expect("a file");
        reader.build().expect("a reader").next().expect("rows").expect("a batch")
    };
    let file = folder.join("card.parquet");
    let (own, theirs) = (open(&file), open(&clear.join("card.parquet")));
    let at = own.schema().index_of("pan_again").expect("a column");
    let mut columns = own.columns().to_vec();
    columns[at] = Arc::clone(theirs.column(at));
    let leaking = RecordBatch::try_new(own.schema(), columns).expect("a batch");
    let texts = placebo::protect::texts::Texts::new(theirs.column(at)).expect("texts");
    for dictionary in [false, true] {
        let write = |path: &Path| {
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::default()))
                .set_statistics_enabled(EnabledStatistics::None)
                .set_dictionary_enabled(dictionary);
            let out = File::create(path).expect("a file");
            let mut writer = ArrowWriter::try_new(out, own.schema(), Some(properties.build())).expect("a writer");
            writer.write(&leaking).expect("writes");
            writer.close().expect("closes");
            let bytes = fs::read(path).expect("bytes");
            let known = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
            assert!(!(0..300).filter_map(|row| texts.get(row)).any(known), "the bytes tell it");
        };
        let before = fs::read(&file).expect("bytes");
        write(&file);
        let cell = Place::Cell(1, "pan_again".to_owned());
        assert_eq!(leaks(&folder), [("card.parquet".to_owned(), "card.pan".to_owned(), cell)], "{dictionary}");
        fs::write(&file, before).expect("writes");
        // A file that no manifest has.
        let other = folder.join("copy.parquet");
        write(&other);
        let page = Place::Page("pan_again".to_owned());
        assert_eq!(leaks(&folder), [("copy.parquet".to_owned(), "card.pan".to_owned(), page)], "{dictionary}");
        fs::remove_file(&other).expect("removes");
    }
}

/// Names, telephone numbers and dates of other people are in every file by chance.
#[test]
fn repetitions_by_chance_are_no_leaks() {
    let temp = tempfile::tempdir().expect("a folder");
    // Seeds under which telephone numbers of organizations and persons are equal.
    let profiles = [
        ("healthcare", "1", ["patient=50", "organization=8"]),
        ("claims", "0", ["member=50", "provider=20"]),
        ("payments", "2", ["party=60", "authorization=500"]),
        ("legal", "0", ["court_case=40", "person=40"]),
    ];
    for (profile, seed, [one, two]) in profiles {
        let out = temp.path().join(profile);
        let how = ["--rows", one, "--rows", two, "--seed", seed, "--key-source", "test:a", "--protect", "profile"];
        generate(profile, &out, &how);
        let out = out.to_str().expect("a path");
        let search = ["verify", out, "--quick", "--key", "test:a", "--seed", seed, "--no-plaintext"];
        let output = placebo(&search).output().expect("runs");
        let said = [output.stdout, output.stderr].concat();
        assert_eq!(output.status.code(), Some(0), "{profile}: {}", String::from_utf8_lossy(&said));
    }
}

/// Tokens cannot be opened: their values are generated again, which needs the seed.
#[test]
fn values_behind_tokens_are_searched_for_or_noted() {
    let temp = tempfile::tempdir().expect("a folder");
    let clear = generate(CLINIC, &temp.path().join("clear"), &[]);
    let folder = temp.path().join("out");
    generate(CLINIC, &folder, &["--key-source", "test:a", "--protect", "ssn=token", "--protect", "pan=encrypt"]);
    let ssn = column(&clear, "patient", "ssn").into_iter().find(|text| !text.is_empty()).expect("a number");
    fs::write(folder.join("note.txt"), format!("it is {ssn} now")).expect("writes");
    let report = look(&folder, Some(CLINIC));
    assert!(report.leaks.len() == 1 && report.leaks[0].column == "patient.ssn", "{report:?}");
    let report = look(&folder, None);
    let noted = |note: &String| note.contains("`patient.ssn` are not known");
    assert!(report.leaks.is_empty() && report.notes.iter().any(noted), "{report:?}");
}

/// Time grows with the bytes, not with the bytes times the values: 39 MB were not done in 240 s before.
#[test]
fn many_bytes_take_seconds() {
    let temp = tempfile::tempdir().expect("a folder");
    let folder = temp.path().join("sealed");
    generate(CLINIC, &folder, &[&SEALED[..], &["--rows", "patient=20000"]].concat());
    let mut log = File::create(folder.join("app.log")).expect("creates");
    for n in 0..400_000_u32 {
        let mixed = n.wrapping_mul(2_654_435_761);
        writeln!(log, "2025-06-30 GET /patients/{mixed}/visits?page={n} 200 {} ms", mixed % 977).expect("writes");
    }
    drop(log);
    let start = Instant::now();
    let report = look(&folder, None);
    let took = start.elapsed();
    assert!(report.leaks.is_empty() && report.values > 30_000, "{report:?}");
    assert!(took.as_secs() < 60, "{took:?}");
}

/// A column that the profile calls not personal may have its values; one that it calls personal may not.
#[test]
fn values_from_a_column_that_is_not_personal_are_allowed() {
    let temp = tempfile::tempdir().expect("a folder");
    let run = |class: &str| {
        let (profile, out) = (temp.path().join("profile.toml"), temp.path().join("out"));
        let text = format!(
            "name = \"parties\"\nas_of = 2025-06-30\n\
             [tables.firm]\nrows = 60\n[tables.firm.columns]\n\
             name = {{ gen.pattern.pattern = \"[A-Z][a-z]{{8}} [A-Z][a-z]{{7}}\"{class} }}\n\
             [tables.party]\nrows = 60\nrefs.firm.table = \"firm\"\n[tables.party.columns]\n\
             name = {{ expr = \"firm.name\", pii = \"name\" }}\n"
        );
        fs::write(&profile, text).expect("writes");
        let profile = profile.to_str().expect("a path");
        generate(profile, &out, &["--overwrite", "--key-source", "test:a", "--protect", "party.name=encrypt"]);
        look(&out, Some(profile))
    };
    let report = run(", class = \"internal\"");
    assert!(report.leaks.is_empty() && report.notes.iter().any(|note| note.contains("not personal")), "{report:?}");
    let report = run(", class = \"pii\"");
    assert!(report.leaks.len() == 1 && report.leaks[0].path == "firm.csv", "{report:?}");
    let report = run("");
    assert!(report.leaks.is_empty() && report.columns == 2, "an unclassified column is encrypted too: {report:?}");
}
