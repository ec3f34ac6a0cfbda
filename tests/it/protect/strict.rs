//! `check --strict`: what is missing or contradictory is refused, each with a code of its own.

use std::collections::BTreeSet;

use placebo::plan::{Options, Plan};
use placebo::protect::lint::findings;
use placebo::protect::understood;

use super::*;

fn plan(profile: &str) -> Plan {
    let loaded = placebo::profile::load(profile).expect("loads");
    Plan::compile(&loaded, &Options::default()).expect("compiles")
}

/// The codes of everything that is wrong with a profile: of the mistake that keeps it from compiling, or else of the findings.
fn codes_of(profile: &str) -> Vec<String> {
    let loaded = placebo::profile::load(profile).expect("loads");
    let compiled = Plan::compile(&loaded, &Options::default()).and_then(|plan| understood(&plan).map(|()| plan));
    match compiled {
        Ok(plan) => findings(&plan).iter().map(|finding| finding.code.to_owned()).collect(),
        Err(error) => vec![error.message().split(':').next().unwrap_or_default().to_owned()],
    }
}

#[test]
fn every_contradiction_has_its_code() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/contradictions");
    let said = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md")).expect("text");
    let mut codes = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let text = std::fs::read_to_string(&path).expect("text");
        let code = text.lines().next().and_then(|line| line.strip_prefix("# ")).expect("a code").to_owned();
        let all = codes_of(path.to_str().expect("a path"));
        assert!(all.contains(&code), "{}: {all:?} and not {code}", path.display());
        assert!(all.iter().all(|known| *known == code), "{}: {all:?}: more than {code}", path.display());
        assert!(said.contains(&format!("`{code}`")), "docs/errors.md does not have {code}");
        codes.insert(code);
    }
    assert!(codes.len() >= 25, "only {} codes", codes.len());
}

#[test]
fn strict_is_a_matter_of_the_command_line() {
    let path = "tests/fixtures/contradictions/unclassified.toml";
    good(&["check", path]);
    let (code, said) = bad(&["check", path, "--strict"]);
    assert!(code == 3 && said.contains("PII-001"), "{code}: {said}");
    good(&["check", "tests/fixtures/contradictions/telling_name.toml", "--strict"]);
    good(&["check", CLINIC, "--strict"]);
}

/// Whatever word of a shipped profile's classification is taken away, strict checking misses it.
#[test]
fn every_shipped_column_is_classified_and_no_word_of_it_is_idle() {
    let (mut words, mut columns) = (0, 0);
    for profile in placebo::profile::names() {
        let mut plan = plan(profile);
        assert_eq!(findings(&plan), [], "{profile}");
        columns += plan.tables.iter().map(|table| table.schema.fields().len()).sum::<usize>();
        for table in 0..plan.tables.len() {
            for at in 0..plan.tables[table].marks.len() {
                let (name, marks) =
                    plan.tables[table].marks.get_index(at).map(|(n, m)| (n.clone(), m.clone())).expect("a mark");
                plan.tables[table].marks.get_mut(&name).expect("a mark").clear();
                let found = findings(&plan);
                assert!(found.iter().any(|finding| !finding.warning), "{profile}: {}.{name}", plan.tables[table].name);
                *plan.tables[table].marks.get_mut(&name).expect("a mark") = marks;
                words += 1;
            }
        }
    }
    assert!(words == columns && columns > 700, "{words} words for {columns} columns");
}

#[test]
fn classes_travel_with_the_data() {
    let temp = tempfile::tempdir().expect("a folder");
    let files = generate(CLINIC, &temp.path().join("csv"), &["--protect", "patient.ssn=mask"]);
    let text = |name: &str| String::from_utf8(files[name].clone()).expect("text");
    assert!(text("schema.sql").contains("-- PII: ssn, class pii, HIPAA G\n  -- protected: mask\n  \"ssn\" TEXT"));
    let package: serde_json::Value = serde_json::from_str(&text("datapackage.json")).expect("JSON");
    let fields = package["resources"][1]["schema"]["fields"].as_array().expect("a list");
    let ssn = fields.iter().find(|field| field["name"] == "ssn").expect("ssn");
    let want = [
        ("pii", "ssn"),
        ("class", "pii"),
        ("hipaa", "G"),
        ("identifies", "direct"),
        ("origin", "reserved-range"),
        ("protection", "mask"),
    ];
    want.iter().for_each(|(key, value)| assert_eq!(ssn[key], *value));
    let parquet = generate(CLINIC, &temp.path().join("parquet"), &["--format", "arrow", "--tables", "patient"]);
    let bytes = &parquet["patient.arrow"];
    for note in ["placebo.class", "placebo.hipaa", "placebo.origin", "reserved-range"] {
        assert!(bytes.windows(note.len()).any(|part| part == note.as_bytes()), "{note}");
    }
    let catalogue = String::from_utf8(good(&["show", CLINIC, "--catalogue"]).stdout).expect("text");
    assert!(catalogue.contains("patient,ssn,text,pii,ssn,G,direct,reserved-range,encrypt,,US_SSN,user.government_id,dpv-pd:NationalIdentificationNumber,"));
    assert_eq!(catalogue.lines().count(), 1 + 2 + 13 + 5 + 4);
}
