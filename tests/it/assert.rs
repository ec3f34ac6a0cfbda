//! `placebo assert`: an application that holds what it was given passes, and each planted bug is found and named.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::answers::{bank, rows};
use crate::run::{good, placebo};

/// Exit code, standard output, standard error.
type Said = (i32, String, String);

fn assert_with(args: &[&str], stdin: Option<&[u8]>) -> Said {
    let mut command = placebo(&[&["assert"], args].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    if let Some(bytes) = stdin {
        // A program that refuses what it is given need not read all of it.
        let _refused = pipe.write_all(bytes);
    }
    drop(pipe);
    let output = child.wait_with_output().expect("ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().expect("a code"), text(&output.stdout), text(&output.stderr))
}

/// What is wrong with an application.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Bug {
    None,
    DropsOne,
    RoundsACent,
    StoresTwice,
    WrongCurrency,
    TruncatesText,
}

/// An application of thirty lines: it takes captures, holds them in tables of its own with other names and types, and exports them.
fn application(captures: &[BTreeMap<String, String>], bug: Bug, database: &Path) -> Vec<u8> {
    let app = Connection::open(database).expect("opens");
    app.execute_batch(
        "CREATE TABLE booked (id TEXT, auth TEXT, shop INTEGER, amt NUMERIC, cur TEXT, bill NUMERIC, at TEXT, ref TEXT,
         batch TEXT, last INTEGER, nth INTEGER)",
    )
    .expect("a table");
    for (n, row) in captures.iter().enumerate() {
        let cell = |name: &str| row[name].clone();
        if bug == Bug::DropsOne && n == 77 {
            continue;
        }
        let mut amount: f64 = cell("amount").parse().expect("an amount");
        if bug == Bug::RoundsACent && amount > 1_000.0 {
            amount = (amount / 10.0).round() * 10.0;
        }
        let currency = if bug == Bug::WrongCurrency && n % 50 == 0 { "GBP".to_owned() } else { cell("currency") };
        let reference = if bug == Bug::TruncatesText { cell("arn")[..20].to_owned() } else { cell("arn") };
        let at = cell("captured_at").replace('T', " ").replace('Z', "+00:00");
        let batch = Some(cell("batch_id")).filter(|text| !text.is_empty());
        let copies = if bug == Bug::StoresTwice && n == 5 { 2 } else { 1 };
        for _ in 0..copies {
            app.execute(
                "INSERT INTO booked VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                rusqlite::params![
                    cell("capture_id"),
                    cell("auth_id"),
                    cell("merchant_id"),
                    amount,
                    currency,
                    cell("billing_amount"),
                    at,
                    reference,
                    batch,
                    cell("is_final") == "true",
                    cell("incremental_no")
                ],
            )
            .expect("inserts");
        }
    }
    // The mapping is the SELECT; its columns are in an order of their own.
    let select = "SELECT nth AS incremental_no, id AS capture_id, auth AS auth_id, shop AS merchant_id, amt AS amount, cur AS currency,
         bill AS billing_amount, at AS captured_at, ref AS arn, batch AS batch_id, last AS is_final FROM booked ORDER BY ref";
    exported(&app, select)
}

/// A query as CSV, as a client of the database writes it.
fn exported(app: &Connection, select: &str) -> Vec<u8> {
    let mut query = app.prepare(select).expect("SQL");
    let names: Vec<String> = query.column_names().map(str::to_owned).collect();
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(&names).expect("writes");
    let mut found = query.query([]).expect("runs");
    while let Some(row) = found.next().expect("a row") {
        let cell = |at: usize| match row.get_ref(at).expect("a cell") {
            ValueRef::Null => String::new(),
            ValueRef::Integer(n) => n.to_string(),
            ValueRef::Real(x) => format!("{x:?}"),
            ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
        };
        out.write_record((0..names.len()).map(cell)).expect("writes");
    }
    out.into_inner().expect("bytes")
}

#[test]
fn every_planted_bug_is_found_and_named() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = bank(&temp.path().join("bank"), &[]);
    let (out, captures) = (out.to_str().expect("a path"), rows(&out.join("capture.csv")));
    for (bug, words) in [
        (Bug::None, &["rows, every compared cell is as it must be"][..]),
        (Bug::DropsOne, &["missing: 1 rows", "held 0, must hold 1", &captures[77]["capture_id"]]),
        (Bug::RoundsACent, &["changed: ", "`amount` has another value", "captured currency=USD sum(amount): "]),
        (Bug::StoresTwice, &["duplicate: 1 rows", "held 2, must hold 1", &captures[5]["capture_id"]]),
        (Bug::WrongCurrency, &["changed: ", "`currency` has another value", "captured currency=USD count(*): "]),
        (Bug::TruncatesText, &["changed: ", "`arn` is cut off"]),
    ] {
        let export = application(&captures, bug, &temp.path().join(format!("{bug:?}.db")));
        let junit = temp.path().join("junit.xml");
        let args = [out, "--table", "capture=-", "--junit", junit.to_str().expect("a path")];
        let (code, stdout, stderr) = assert_with(&args, Some(&export));
        assert_eq!(code, if bug == Bug::None { 0 } else { 6 }, "{bug:?}: {stdout}{stderr}");
        assert!(words.iter().all(|word| stdout.contains(word)), "{bug:?}: {words:?}\n{stdout}");
        // No cell is shown that nobody asked for.
        assert!(!stdout.contains("GBP") && !stdout.contains("in place of `"), "{bug:?}: {stdout}");
        let xml = fs::read_to_string(&junit).expect("a report");
        assert_eq!(xml.contains("<failure "), bug != Bug::None, "{bug:?}: {xml}");
        assert!(xml.contains("<testsuite name=\"capture\"") && xml.matches("<testcase ").count() > 10, "{xml}");
    }
    let shown = application(&captures, Bug::WrongCurrency, &temp.path().join("shown.db"));
    let (_, stdout, _) = assert_with(&[out, "--table", "capture=-", "--show-values"], Some(&shown));
    assert!(stdout.contains("(`GBP` in place of `"), "{stdout}");
}

#[test]
fn an_export_may_be_a_file_of_any_kind_or_a_database() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = bank(&temp.path().join("bank"), &["--part", "1/2"]);
    bank(&out, &["--part", "2/2"]);
    let pages = bank(&temp.path().join("pages"), &["--format", "parquet"]);
    let database = temp.path().join("bank.db");
    let to = format!("sqlite:{}", database.display());
    good(&["load", "payments", "--scale", "0.01", "-q", "--to", &to]);
    let folder = out.to_str().expect("a path");
    let parquet = format!("capture={}", pages.join("capture.parquet").display());
    let said = assert_with(&[folder, "--table", &parquet, "--table", &format!("transfer={to}")], None);
    assert!(said.0 == 0 && said.1.matches("ok ").count() == 2, "{said:?}");
    let app = Connection::open(&database).expect("opens");
    app.execute_batch("ALTER TABLE transfer RENAME TO sent_on; UPDATE sent_on SET amount = amount + 1 WHERE rowid = 3")
        .expect("changes");
    drop(app);
    let said = assert_with(&[folder, "--table", &format!("transfer={to}#sent_on")], None);
    assert!(said.0 == 6 && said.1.contains("changed: 1 rows") && said.1.contains("`amount`"), "{said:?}");
    let said = assert_with(&[folder, "--table", &format!("transfer={to}")], None);
    assert!(said.0 == 2 && said.2.contains("no table `transfer`"), "{said:?}");
    // A key without rows is enough, because rows are derived again.
    let alone = temp.path().join("alone");
    let alone = alone.to_str().expect("a path");
    good(&["answers", "payments", "--scale", "0.01", "-q", "--out", alone]);
    let said = assert_with(&[alone, "--table", &format!("transfer={to}#sent_on"), "--format", "ndjson"], None);
    assert!(said.0 == 6 && said.1.contains("\"changed\":1"), "{said:?}");
    for line in said.1.lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(event["event"].is_string(), "{line}");
    }
}

#[test]
fn every_table_that_differs_is_told() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = bank(&temp.path().join("bank"), &[]);
    let (folder, shorter) = (out.to_str().expect("a path"), temp.path().join("shorter"));
    fs::create_dir(&shorter).expect("a folder");
    let mut tables = Vec::new();
    for entry in fs::read_dir(&out).expect("a folder") {
        let path = entry.expect("a file").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if path.extension().is_none_or(|end| end != "csv") || name == "answers" {
            continue;
        }
        let text = fs::read_to_string(&path).expect("text");
        // The last row is not there.
        let Some(end) = text[..text.len() - 1].rfind('\n').filter(|_| text.lines().count() > 2) else { continue };
        let export = shorter.join(format!("{name}.csv"));
        fs::write(&export, &text[..=end]).expect("writes");
        tables.push((name, export));
    }
    assert!(tables.len() > 20, "{}", tables.len());
    let given: Vec<String> = tables.iter().map(|(name, export)| format!("{name}={}", export.display())).collect();
    let args: Vec<&str> = given.iter().flat_map(|given| ["--table", given]).collect();
    let said = assert_with(&[&[folder, "--format", "ndjson"], &args[..]].concat(), None);
    assert_eq!(said.0, 6, "{said:?}");
    for (name, _) in &tables {
        let line = said.1.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        let own: Vec<_> = line.filter(|line| line["table"] == name.as_str() && line["event"] == "table").collect();
        assert!(own.len() == 1 && own[0]["wrong"]["missing"] == 1, "{name}: {own:?}");
    }
}

#[test]
fn a_pipe_that_does_not_end_is_refused() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = bank(&temp.path().join("bank"), &[]);
    let folder = out.to_str().expect("a path");
    let good = fs::read(out.join("capture.csv")).expect("a file");
    let endless = [&good[..], &b"1,2\n".repeat(1 << 20)].concat();
    let limited = [folder, "--table", "capture=-", "--max-pipe", "4M"];
    let said = assert_with(&limited, Some(&endless));
    assert!(said.0 == 6 && said.2.contains("more than 4000000 bytes: does it end?"), "{said:?}");
    assert!(said.2.contains("--max-pipe"), "{said:?}");
    assert_eq!(assert_with(&limited, Some(&good)).0, 0);
    assert_eq!(assert_with(&limited[..3], Some(&endless)).0, 6);
    let said = assert_with(&[folder, "--table", "capture=-", "--max-pipe", "much"], Some(&good));
    assert!(said.0 == 2 && said.2.contains("--max-pipe much"), "{said:?}");
}

#[test]
fn columns_that_are_left_out_are_said_and_the_others_are_proven() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = bank(&temp.path().join("bank"), &[]);
    let folder = out.to_str().expect("a path");
    let mut captures = rows(&out.join("capture.csv"));
    let write = |captures: &[BTreeMap<String, String>]| {
        let mut csv = "AMOUNT,capture_id,note\n".to_owned();
        captures.iter().for_each(|row| csv += &format!("{}.00,{},x\n", row["amount"], row["capture_id"]));
        csv.into_bytes()
    };
    let said = assert_with(&[folder, "--table", "capture=-"], Some(&write(&captures)));
    assert!(
        said.0 == 0 && said.1.contains("not in the export: auth_id, ") && said.1.contains("not in the table: note"),
        "{said:?}"
    );
    captures[9].insert("amount".to_owned(), "1".to_owned());
    captures.remove(30);
    for memory in ["256M", "1M"] {
        let said = assert_with(&[folder, "--table", "capture=-", "--max-memory", memory], Some(&write(&captures)));
        assert!(said.0 == 6 && said.1.contains("missing: 1 rows") && said.1.contains("changed: 1 rows"), "{said:?}");
    }
    for (export, code, words) in [
        ("amount,note\n1,2\n", 2, "has no column `capture_id`"),
        ("", 6, "is empty"),
        ("capture_id,amount,amount\n", 6, "the column `amount` twice"),
    ] {
        let said = assert_with(&[folder, "--table", "capture=-"], Some(export.as_bytes()));
        let words_of = said.2.replace("\n  │ ", " ");
        assert!(said.0 == code && words_of.contains(words), "{export:?}: {said:?}");
    }
    let said = assert_with(&[folder, "--table", "captures=-"], Some(b"x\n"));
    assert!(said.0 == 2 && said.2.contains("capture"), "{said:?}");
    let said = assert_with(&[temp.path().to_str().expect("a path"), "--table", "capture=-"], Some(b"x\n"));
    assert!(said.0 == 2 && said.2.contains("has no manifest"), "{said:?}");
}

#[test]
fn hostile_exports_are_findings_or_clear_errors() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = bank(&temp.path().join("bank"), &[]);
    let folder = out.to_str().expect("a path");
    let good = fs::read(out.join("capture.csv")).expect("a file");
    let lines: Vec<&[u8]> = good.split_inclusive(|byte| *byte == b'\n').collect();
    let with = |more: &[u8]| [&good[..], more].concat();
    let cells = lines[0].split(|byte| *byte == b',').count() - 1;
    let row = |first: &[u8]| [first, &b",".repeat(cells), b"\n"].concat();
    let half = &good[..good.len() / 2];
    let large = row(&[&b"\""[..], &vec![b'x'; 10 << 20], b"\""].concat());
    let same = lines[1].repeat(50_000);
    let cases: [(&str, Vec<u8>, i32, &str); 9] = [
        ("10 MB in a cell", with(&large), 6, "unexpected: 1 rows"),
        ("half a file", half.to_vec(), 6, "missing: "),
        ("a quote that is not closed", with(b"\"abc"), 6, "the file ends within a quoted cell"),
        ("one key many times", with(&same), 6, "duplicate: 50_000 rows"),
        ("NUL", with(&row(b"a\0b")), 6, "unexpected: 1 rows"),
        ("no UTF-8", with(&row(b"\xff\xfe")), 6, "unexpected: 1 rows"),
        ("too few cells", with(b"a,b\n"), 6, "record: 1 records"),
        ("no row at all", lines[0].to_vec(), 6, "missing: "),
        ("not CSV", vec![0; 1 << 20], 2, "has no column `capture_id`"),
    ];
    for (name, export, expected, words) in cases {
        let junit = temp.path().join("junit.xml");
        let args = [folder, "--table", "capture=-", "--junit", junit.to_str().expect("a path")];
        let (code, stdout, stderr) = assert_with(&args, Some(&export));
        let said = format!("{stdout}{}", stderr.replace("\n  │ ", " "));
        assert!(code == expected && said.contains(words), "{name}: exit {code}: {said:.2000}");
        assert!(!stdout.contains("panicked") && said.len() < 100_000, "{name}");
    }
    // Everything at once is said in bounded words, and in XML that a reader takes.
    let xml = fs::read_to_string(temp.path().join("junit.xml")).expect("a report");
    assert!(!xml.contains('\0') && xml.ends_with("</testsuites>\n"));
    let wrong = temp.path().join("wrong.parquet");
    fs::write(&wrong, b"PAR1 and nothing else").expect("writes");
    let (code, _, stderr) = assert_with(&[folder, "--table", &format!("capture={}", wrong.display())], None);
    assert!(code == 6 && stderr.contains("wrong.parquet"), "{stderr}");
    let (code, _, stderr) = assert_with(&[folder, "--table", "capture=/dev/zero"], None);
    assert!(code == 6 && stderr.contains("a line has more than 64 MiB"), "{code}: {stderr}");
    let (code, _, stderr) = assert_with(&[folder, "--table", "capture=/nowhere.csv"], None);
    assert!(code == 4 || code == 5, "{code}: {stderr}");
}

#[test]
fn sealed_rows_are_compared_as_they_were_sent() {
    let temp = tempfile::tempdir().expect("a folder");
    let keys = ["--key-source", "test:assert"];
    let out = bank(
        &temp.path().join("bank"),
        &[&["--protect", "profile", "--seed", "a seed of sixteen"], &keys[..]].concat(),
    );
    let folder = out.to_str().expect("a path");
    let export = format!("account={}", out.join("account.csv").display());
    let said = assert_with(&[folder, "--table", &export], None);
    assert!(said.0 == 0, "{said:?}");
    let text = fs::read_to_string(out.join("account.csv")).expect("a file");
    let at = text.rfind("fe1.").expect("a sealed cell") + 30;
    let other = if &text[at..=at] == "A" { "B" } else { "A" };
    let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
    let without = assert_with(&[folder, "--table", "account=-"], Some(changed.as_bytes()));
    assert!(without.0 == 3 && without.2.contains("the seed is not told"), "{without:?}");
    let args = [&[folder, "--table", "account=-", "--seed", "a seed of sixteen"], &keys[..]].concat();
    let said = assert_with(&args, Some(changed.as_bytes()));
    assert!(said.0 == 6 && said.1.contains("changed: 1 rows"), "{said:?}");
}

#[test]
fn answers_of_a_system_are_compared_with_outcomes() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = bank(&temp.path().join("bank"), &[]);
    let folder = out.to_str().expect("a path");
    let authorizations = rows(&out.join("authorization.csv"));
    let answered = |wrong: usize| {
        let mut csv = "auth_id,iso8583,decision\n".to_owned();
        for (n, row) in authorizations.iter().enumerate() {
            let code = if n == wrong { "99" } else { row["response_code"].as_str() };
            let decision = if row["response_code"] == "00" { "accept" } else { "decline" };
            csv += &format!("{},{code},{decision}\n", row["auth_id"]);
        }
        csv.into_bytes()
    };
    let said = assert_with(&[folder, "--outcomes", "authorization=-"], Some(&answered(usize::MAX)));
    assert!(said.0 == 0 && said.1.contains("not in the export: reason"), "{said:?}");
    let said = assert_with(&[folder, "--outcomes", "authorization=-"], Some(&answered(17)));
    assert!(
        said.0 == 6 && said.1.contains("changed: 1 rows") && said.1.contains("`iso8583` has another value"),
        "{said:?}"
    );
    let said = assert_with(&[folder, "--outcomes", "capture=-"], Some(b"capture_id\n"));
    assert!(said.0 == 2 && said.2.contains("no outcomes of `capture`"), "{said:?}");
}
