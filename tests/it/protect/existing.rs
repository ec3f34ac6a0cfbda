//! `placebo protect`: existing files become what a protected run writes, and what is no such file is refused.

use std::path::{Path, PathBuf};

use super::*;

/// The rules that do to the clinic's files what `HOW` does to the clinic.
const RULES: &str = r#"
data_set = "clinic"
as_of = 2025-06-30

[output]
format = "csv"

[tables.patient]
key = ["patient_id"]

[tables.patient.columns]
patient_id = "token:patient.patient_id"
mrn        = { handling = "token", kind = "mrn", domain = "mrn" }
name       = { handling = "mask", kind = "name" }
ssn        = { handling = "encrypt", kind = "ssn" }
born       = { handling = "generalize", kind = "birth_date", type = "date" }
age        = { handling = "encrypt:ages", type = "integer" }
zip        = { handling = "generalize", kind = "postal_code" }
phone      = { handling = "ff1", kind = "phone" }
balance    = { handling = "hash-keyed", kind = "income", type = "decimal(12,2)" }
sex        = "clear"
note       = { handling = "encrypt", kind = "narrative" }
seen_at    = { handling = "encrypt", kind = "date", type = "timestamp" }
deceased   = { handling = "truncate", kind = "health", type = "boolean" }

[tables.visit]
key = ["visit_id"]

[tables.visit.columns]
visit_id   = "clear"
patient_id = { references = "patient.patient_id" }
mrn        = { handling = "token", kind = "mrn", domain = "mrn" }
reason     = "null"
at         = { handling = "encrypt", kind = "date", type = "timestamp" }
"#;

const HOW: &[&str] = &[
    "--key-source",
    "test:clinic",
    "--protect",
    "patient.patient_id=token:patient.patient_id",
    "--protect",
    "patient.mrn=token:mrn",
    "--protect",
    "visit.mrn=token:mrn",
    "--protect",
    "patient.name=mask",
    "--protect",
    "patient.ssn=encrypt",
    "--protect",
    "patient.born=generalize",
    "--protect",
    "patient.age=encrypt:ages",
    "--protect",
    "patient.zip=generalize",
    "--protect",
    "patient.phone=ff1:phone",
    "--protect",
    "patient.balance=hash-keyed:income",
    "--protect",
    "patient.note=encrypt",
    "--protect",
    "patient.seen_at=encrypt",
    "--protect",
    "patient.deceased=truncate",
    "--protect",
    "visit.reason=null",
    "--protect",
    "visit.at=encrypt",
];

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

fn written(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("writes");
    path
}

/// Protects some files of a folder by rules, with the key of the clinic.
fn protect(rules: &Path, files: &[&Path], out: &Path, more: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let files: Vec<&str> = files.iter().map(|file| text(file)).collect();
    let args = ["--rules", text(rules), "--out", text(out)];
    let key: &[&str] = if more.contains(&"--key-source") { &[] } else { &["--key-source", "test:clinic"] };
    good(&[&["protect"], &files[..], &args, key, more].concat());
    let files = crate::run::files(out);
    files.into_iter().map(|(name, bytes)| (name.display().to_string(), bytes)).collect()
}

#[test]
fn files_of_any_form_become_what_a_protected_run_writes() {
    let temp = tempfile::tempdir().expect("a folder");
    let rules = written(temp.path(), "rules.toml", RULES);
    // More rows than a batch has.
    let rows = ["--rows", "patient=9000"];
    let sealed = generate(CLINIC, &temp.path().join("sealed"), &[HOW, &rows].concat());
    assert!(column(&sealed, "visit", "patient_id")[0].starts_with("tok_"), "the keys are not tokens");
    for format in ["csv", "ndjson", "parquet"] {
        let clear = temp.path().join(format);
        generate(CLINIC, &clear, &[&["--format", format], &rows[..]].concat());
        let (patient, visit) = (clear.join(format!("patient.{format}")), clear.join(format!("visit.{format}")));
        for threads in ["1", "3"] {
            let out = temp.path().join(format!("{format}-{threads}"));
            let made = protect(&rules, &[&patient, &visit], &out, &["--threads", threads]);
            for file in ["patient.csv", "visit.csv"] {
                assert!(made[file] == sealed[file], "{file} of {format}, {threads} threads");
            }
            let report = String::from_utf8(made["columns.report.csv"].clone()).expect("text");
            assert!(
                report.contains("visit,patient_id,") && report.contains(",token:patient.patient_id,key,"),
                "{report}"
            );
        }
    }
    let (one, three) = (temp.path().join("csv-1"), temp.path().join("csv-3"));
    assert_eq!(crate::run::files(&one), crate::run::files(&three));
    good(&["verify", text(&one)]);
    good(&["verify", text(&one), "--no-plaintext", "--key-source", "test:clinic"]);
    let opened = temp.path().join("opened");
    good(&["decrypt", text(&one), "--out", text(&opened), "--key-source", "test:clinic"]);
    let read = |folder: &Path| {
        let bytes = std::fs::read(folder.join("patient.csv")).expect("reads");
        BTreeMap::from([("patient.csv".to_owned(), bytes)])
    };
    for name in ["ssn", "age", "note", "seen_at"] {
        assert_eq!(
            column(&read(&opened), "patient", name),
            column(&read(&temp.path().join("csv")), "patient", name),
            "{name}"
        );
    }
}

#[test]
fn no_clear_value_is_left_in_any_file() {
    let temp = tempfile::tempdir().expect("a folder");
    let mut customers = "id,Full Name,mail,remark\n".to_owned();
    let (mut orders, mut secrets) = (String::new(), Vec::new());
    for n in 0..200 {
        let own = [
            format!("KEY{n:05}Q"),
            format!("Zyx{n:04} Wvut"),
            format!("u{n:05}@corp.example"),
            format!("secret {n:06}"),
        ];
        customers += &format!("{},{},{},\"{}, \"\"x\"\"\"\n", own[0], own[1], own[2], own[3]);
        orders += &format!("{{\"order\": {n}, \"customer\": \"{}\", \"contact\": \"{}\"}}\n", own[0], own[1]);
        secrets.extend(own);
    }
    let files = [written(temp.path(), "customers.csv", customers), written(temp.path(), "orders.ndjson", orders)];
    for format in ["csv", "json", "parquet"] {
        let rules = r#"
            as_of = 2026-01-01
            [output]
            format = "FORMAT"
            [tables.customers]
            key = ["id"]
            [tables.customers.columns]
            id = "token"
            "Full Name" = { gen.pattern.pattern = "[A-Z]{8}", domain = "names" }
            mail = { handling = "encrypt", kind = "email" }
            remark = "drop"
            [tables.orders.columns]
            order = "clear"
            customer = { references = "customers.id" }
            contact = { gen.pattern.pattern = "[A-Z]{8}", domain = "names" }
        "#;
        let rules = written(temp.path(), "rules.toml", rules.replace("FORMAT", format));
        let out = temp.path().join(format);
        let made = protect(&rules, &[&files[0], &files[1]], &out, &[]);
        for (name, bytes) in &made {
            for secret in &secrets {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "`{secret}` is in {name}");
            }
        }
        if format != "csv" {
            continue;
        }
        let (names, contacts) = (column(&made, "customers", "Full Name"), column(&made, "orders", "contact"));
        assert_eq!(names, contacts, "equal values have equal ones");
        let apart: std::collections::BTreeSet<&String> = names.iter().collect();
        assert!(apart.len() > 195, "{} names of 200", apart.len());
        assert_eq!(column(&made, "customers", "id"), column(&made, "orders", "customer"));
        let other = protect(&rules, &[&files[0], &files[1]], &temp.path().join("other"), &["--key-source", "test:b"]);
        let same = names.iter().zip(column(&other, "customers", "Full Name")).filter(|(a, b)| *a == b).count();
        assert!(same < 3, "another key gives {same} equal names");
    }
}

#[test]
fn columns_by_another_one_change_together() {
    let temp = tempfile::tempdir().expect("a folder");
    let files = [
        written(temp.path(), "a.csv", "id,code,mark\n1,x,\n2,y,n\n1,z,m\n"),
        written(temp.path(), "b.csv", "ref,code\n2,q\n1,\n"),
    ];
    let rules = r#"
        as_of = 2026-01-01
        [tables.a.columns]
        id = { handling = "token", domain = "id" }
        code = { gen.pattern.pattern = "[A-Z]{12}", by = "id" }
        mark = { gen.pattern.pattern = "[A-Z]{12}", by = "id" }
        [tables.b.columns]
        ref = { handling = "token", domain = "id" }
        code = { gen.pattern.pattern = "[A-Z]{12}", by = "ref" }
    "#;
    let rules = written(temp.path(), "rules.toml", rules);
    let made = protect(&rules, &[&files[0], &files[1]], &temp.path().join("out"), &[]);
    let (a, b, marks) = (column(&made, "a", "code"), column(&made, "b", "code"), column(&made, "a", "mark"));
    assert!(a[0] == a[2] && a[0] != a[1] && a[1] == b[0], "{a:?} {b:?}");
    assert_eq!((b[1].as_str(), marks[0].as_str()), ("", ""), "nulls stay");
    assert!(marks[1].len() == 12 && marks[1] != a[1], "columns are drawn apart: {a:?} {marks:?}");
}

#[test]
fn rules_that_cannot_be_are_refused() {
    let temp = tempfile::tempdir().expect("a folder");
    let file = written(temp.path(), "t.csv", "id,Name,day\n1,x,2020-01-01\n");
    let cases: [(&str, &[&str], i32, &str); 20] = [
        ("id = \"clear\"\nday = \"clear\"", &[], 2, "`t.Name` has no rule"),
        ("id = \"clear\"", &[], 2, "no rule for t.Name, t.day"),
        ("id = \"clear\"\nname = \"clear\"\nday = \"clear\"", &[], 3, "did you mean `Name`?"),
        ("id = \"clear\"\nName = \"clear\"\nday = \"clear\"", &["--keep", "t.Name"], 2, "the rules say something else"),
        ("id = \"clear\"\nName = \"clear\"", &["--keep", "t.dai"], 2, "did you mean `t.day`?"),
        ("id = \"encript\"\nName = \"clear\"\nday = \"clear\"", &[], 2, "did you mean `encrypt`?"),
        (
            "id = \"clear\"\nName = { handling = \"clear\", kind = \"nam\" }\nday = \"clear\"",
            &[],
            3,
            "did you mean `name`?",
        ),
        ("id = \"clear\"\nName = {}\nday = \"clear\"", &[], 3, "nothing says how to write it"),
        ("id = \"clear\"\nName = { handlin = \"clear\" }\nday = \"clear\"", &[], 3, "unknown field"),
        ("id = \"clear\"\nName = \"generalize\"\nday = \"clear\"", &[], 3, "PII-041"),
        ("id = \"clear\"\nName = { handling = \"encrypt\", kind = \"cvv\" }\nday = \"clear\"", &[], 3, "PII-040"),
        ("id = \"encrypt\"\nName = \"clear\"\nday = \"clear\"\n[tables.t]\nkey = [\"id\"]", &[], 3, "PII-030"),
        ("id = \"mask\"\nName = \"clear\"\nday = \"clear\"\n[tables.t]\nkey = [\"id\"]", &[], 3, "PII-032"),
        (
            "id = \"drop\"\nName = \"clear\"\nday = \"clear\"\n[tables.t]\nkey = [\"id\"]",
            &[],
            3,
            "of the key, and left out",
        ),
        ("id = { references = \"u.id\" }\nName = \"clear\"\nday = \"clear\"", &[], 3, "which the rules do not have"),
        (
            "id = { gen.pattern.pattern = \"[a-z]\" }\nName = \"clear\"\nday = \"clear\"\n[tables.t]\nkey = [\"id\"]",
            &[],
            3,
            "it is a key",
        ),
        ("id = { gen.patern = {} }\nName = \"clear\"\nday = \"clear\"", &[], 3, "pattern"),
        (
            "id = { handling = \"clear\", type = \"int\" }\nName = \"clear\"\nday = \"clear\"",
            &[],
            3,
            "`int` is no type",
        ),
        ("id = \"drop\"\nName = \"drop\"\nday = \"drop\"", &[], 3, "every column is left out"),
        (
            "id = { handling = \"clear\", type = \"date\" }\nName = \"clear\"\nday = \"clear\"",
            &[],
            6,
            "line 2: column `id`: the text is not a date",
        ),
    ];
    for (columns, more, code, want) in cases {
        let (columns, table) = columns.split_once("\n[tables.t]").unwrap_or((columns, ""));
        let text_of = format!("as_of = 2026-01-01\n[tables.t]{table}\n[tables.t.columns]\n{columns}\n");
        let rules = written(temp.path(), "rules.toml", text_of);
        let out = temp.path().join("out");
        let args = ["protect", text(&file), "--rules", text(&rules), "--out", text(&out), "--key-source", "test:x"];
        let (got, said) = bad(&[&args[..], more].concat());
        assert!(got == code && said.contains(want), "{columns}: {got}: {said}");
        assert!(!out.join("t.csv").exists() && !out.join("t.csv.inprogress").exists(), "{columns} wrote something");
    }
    let rules =
        written(temp.path(), "rules.toml", "[tables.t.columns]\nid = \"token\"\nName = \"drop\"\nday = \"drop\"\n");
    let (code, said) = bad(&["protect", text(&file), "--rules", text(&rules), "--out", text(&temp.path().join("out"))]);
    assert!(code == 8 && said.contains("placebo keys new"), "{said}");
    let named = format!("a b={}", text(&file));
    let (code, said) = bad(&["protect", &named, "--rules", text(&rules), "--out", text(&temp.path().join("out"))]);
    assert!(code == 2 && said.contains("is not a name for a table"), "{said}");
    let (code, said) =
        bad(&["protect", text(&file), text(&file), "--rules", text(&rules), "--out", text(&temp.path().join("out"))]);
    assert!(code == 2 && said.contains("two files are the table `t`"), "{said}");
}

#[test]
fn a_file_that_is_none_is_refused_and_nothing_is_left() {
    let temp = tempfile::tempdir().expect("a folder");
    let parquet = temp.path().join("made");
    generate(CLINIC, &parquet, &["--format", "parquet", "--tables", "ward"]);
    let parquet = std::fs::read(parquet.join("ward.parquet")).expect("reads");
    let mut broken = parquet.clone();
    broken[4..60].fill(0xFF);
    let utf16: Vec<u8> = "\u{feff}a,b\n1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let late = format!("a,b\n{}1,2,3\n", "1,2\n".repeat(20_000));
    let cases: [(&str, &[u8], i32, &str); 22] = [
        ("t.csv", b"", 6, "it is empty"),
        ("t.csv", b"a,b\n1,2\n1,2,3\n", 6, "line 3: the row has 3 cells instead of 2"),
        ("t.csv", late.as_bytes(), 6, "line 20002: the row has 3 cells"),
        ("t.csv", b"a,b\n1\n", 6, "line 2: the row has 1 cells"),
        ("t.csv", b"a,b\n1,\xFF\n", 6, "line 2: column `b`: the text is not UTF-8"),
        ("t.csv", b"a,b\n1,x\0y\n", 6, "a NUL byte"),
        ("t.csv", b"a,b\n1,\"x\n", 6, "line 2: the file ends within a quoted cell"),
        ("t.csv", b"a,a\n1,2\n", 6, "the column `a` twice"),
        ("t.csv", b"a,\n1,2\n", 6, "column 2 has no name"),
        ("t.csv", b"a,\xFF\n1,2\n", 6, "the name of column 2 is not UTF-8"),
        ("t.csv", &utf16, 2, "it is UTF-16"),
        ("t.csv", b"\x1F\x8B\x08\0", 2, "it is compressed"),
        ("t.ndjson", b"", 6, "it is empty"),
        ("t.ndjson", b"{\"a\":1,\"b\":2}\n{\"a\":1", 6, "line 2: it is no JSON"),
        ("t.ndjson", b"[1,2]\n", 6, "line 1: it is no JSON object"),
        ("t.ndjson", b"{\"a\":1,\"a\":2,\"b\":1}\n", 6, "it has `a` twice"),
        ("t.ndjson", b"{\"a\":\"\\ud800\",\"b\":1}\n", 6, "an escape that is no character"),
        ("t.ndjson", b"{\"a\":1,\"b\":\"x\"}\n{\"a\":1,\"b\":2}\n", 3, "a text here and a number there"),
        ("t.ndjson", b"{\"a\":1.2345678901234567,\"b\":2}\n", 3, "more than 15 digits"),
        ("t.ndjson", b"{\"a\":[1],\"b\":2}\n", 3, "an object or a list"),
        ("t.parquet", &parquet[..parquet.len() / 2], 6, "is the file whole?"),
        ("t.parquet", b"a,b\n1,2\n", 2, "it is no Parquet file"),
    ];
    let rules = written(temp.path(), "rules.toml", "[tables.t.columns]\na = \"clear\"\nb = \"clear\"\n");
    let out = temp.path().join("out");
    let run = |file: &Path, rules: &Path| bad(&["protect", text(file), "--rules", text(rules), "--out", text(&out)]);
    for (name, bytes, code, want) in cases {
        let file = written(temp.path(), name, bytes);
        let (got, said) = run(&file, &rules);
        assert!(got == code && said.contains(want) && said.contains("t."), "{name}: {want}: {got}: {said}");
        let left =
            std::fs::read_dir(&out).map(|all| all.filter_map(|one| one.ok()?.file_name().into_string().ok()).collect());
        let left: Vec<String> = left.unwrap_or_default();
        assert!(left.iter().all(|name| name.starts_with(".placebo")), "{want}: {left:?}");
    }
    let ward = written(temp.path(), "rules.toml", "[tables.t.columns]\ntitle = \"clear\"\nnurse = \"clear\"\n");
    let (code, said) = run(&written(temp.path(), "t.parquet", &broken), &ward);
    assert!(code == 6, "{code}: {said}");
    let (code, said) = run(&temp.path().join("nowhere.csv"), &ward);
    assert!(code == 4 && said.contains("nowhere.csv"), "{said}");
}

#[test]
fn what_is_unusual_and_right_is_taken() {
    let temp = tempfile::tempdir().expect("a folder");
    let large = "y".repeat(10 << 20);
    let csv = format!("\u{feff}id;A b;\"c;\"\"d\"\r\n1;NULL;\"x\ny\"\r\n2;{large};\"NULL\"\r\n");
    let file = written(temp.path(), "t.csv", csv);
    let rules = r#"
        [tables.t]
        csv = { delimiter = ";", null = "NULL" }
        [tables.t.columns]
        id = "clear"
        "A b" = "encrypt"
        'c;"d' = "clear"
    "#;
    let rules = written(temp.path(), "rules.toml", rules);
    let out = temp.path().join("out");
    let made = protect(&rules, &[&file], &out, &[]);
    assert_eq!(column(&made, "t", "c;\"d"), ["x\ny", ""]);
    let opened = temp.path().join("opened");
    good(&["decrypt", text(&out), "--out", text(&opened), "--key-source", "test:clinic"]);
    let opened = BTreeMap::from([("t.csv".to_owned(), std::fs::read(opened.join("t.csv")).expect("reads"))]);
    let cells = column(&opened, "t", "A b");
    assert!(cells[0].is_empty() && cells[1] == large, "a cell of 10 MiB, and a null");
    good(&["verify", text(&out)]);
    let again =
        bad(&["protect", text(&file), "--rules", text(&rules), "--out", text(&out), "--key-source", "test:clinic"]);
    assert!(again.0 == 2 && again.1.contains("is there already"), "{}", again.1);
    assert!(out.join("manifest.json").exists(), "an earlier folder stays as it is");
}
