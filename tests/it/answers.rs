//! The answer key: exact, the same however a run was cut, and without a value that the run protects.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use placebo::answers::{Answer, AnswerKey};

use crate::run::{files, good, placebo};
use crate::verify::{found, holds};

/// A small bank, in a folder.
pub(crate) fn bank(out: &Path, more: &[&str]) -> PathBuf {
    let args = ["generate", "payments", "--scale", "0.01", "-q", "--out", out.to_str().expect("a path")];
    good(&[&args, more].concat());
    out.to_owned()
}

fn key(folder: &Path, name: &str) -> AnswerKey {
    AnswerKey::parse(&fs::read_to_string(folder.join(name)).expect("a key")).expect("a key of ours")
}

/// The clean values of an answer, by group; all three views are equal where nothing is wrong.
fn values(key: &AnswerKey, table: &str, answer: &str, measure: &str) -> BTreeMap<String, String> {
    let same =
        |one: &&Answer| (one.table.as_str(), one.answer.as_str(), one.measure.as_str()) == (table, answer, measure);
    let all = key.answers.iter().filter(same).map(|one| {
        assert!(one.clean == one.sent && one.sent == one.accepted, "{one:?}");
        (one.group(), one.clean.clone().unwrap_or_default())
    });
    let all: BTreeMap<String, String> = all.collect();
    assert!(!all.is_empty(), "{table} {answer} {measure}");
    all
}

/// The rows of a CSV file, as cells by the name of their column.
pub(crate) fn rows(file: &Path) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_path(file).expect("opens").deserialize().map(|row| row.expect("a row")).collect()
}

#[test]
fn what_is_sent_is_counted_as_the_files_have_it() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = temp.path().join("claims");
    // Claims are sent wrong, late, twice, and a second time with another amount.
    let faults = ["--faults", "each=3", "--scale", "0.4", "-q", "--out"];
    good(&[&["generate", "claims"], &faults[..], &[out.to_str().expect("a path")]].concat());
    let key = key(&out, "answers.json");
    let claims = rows(&out.join("claim.csv"));
    let all = key.answers.iter().filter(|one| one.table == "claim" && one.measure == "sum(total_billed)");
    let (mut groups, mut other) = (0, 0);
    for one in all {
        let value: Vec<String> = one.value.iter().map(|value| value.clone().unwrap_or_default()).collect();
        let own = claims.iter().filter(|row| one.dimension.iter().zip(&value).all(|(by, value)| row[by] == *value));
        let sum: i64 = own.filter_map(|row| row["total_billed"].parse::<i64>().ok()).sum();
        assert_eq!(one.sent, Some(sum.to_string()), "{:?}", one.group());
        groups += 1;
        other += usize::from(one.sent != one.clean);
    }
    assert!(groups > 5 && other > 1, "{groups} groups, {other} with faults");
}

#[test]
fn answers_are_those_of_the_files() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = bank(&temp.path().join("bank"), &[]);
    let key = key(&out, "answers.json");
    let captures = rows(&out.join("capture.csv"));
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for row in &captures {
        *sums.entry(row["currency"].clone()).or_default() += row["amount"].parse::<i64>().expect("an amount");
    }
    let sums: BTreeMap<String, String> = sums.into_iter().map(|(currency, sum)| (currency, sum.to_string())).collect();
    assert!(sums.len() > 1);
    assert_eq!(values(&key, "capture", "captured", "sum(amount)"), sums);
    assert_eq!(values(&key, "capture", "rows", "count(*)")[""], captures.len().to_string());
    let first = captures.iter().map(|row| row["captured_at"].as_str()).min().expect("rows");
    assert_eq!(values(&key, "capture", "min", "min(captured_at)")[""], first);
    let authorizations = rows(&out.join("authorization.csv"));
    let none = authorizations.iter().filter(|row| row["auth_code"].is_empty()).count();
    assert!(none > 0);
    assert_eq!(values(&key, "authorization", "nulls", "nulls(auth_code)")[""], none.to_string());
    let declined = authorizations.iter().filter(|row| row["response_code"] == "51").count();
    assert_eq!(values(&key, "authorization", "values", "count(*)")["51"], declined.to_string());
    assert_eq!(values(&key, "authorization", "outcome", "count(*)")["decline/51/51"], declined.to_string());
    let balances: Vec<&Answer> = key.answers.iter().filter(|one| one.answer.starts_with("balance:")).collect();
    assert!(balances.len() > 10 && balances.iter().all(|one| one.clean.as_deref() == Some("0")), "{balances:?}");
    let csv = rows(&out.join("answers.csv"));
    assert_eq!(csv.len(), key.answers.len());
    assert!(csv.iter().any(|row| row["answer"] == "captured" && row["value"] == "USD" && row["clean"] == sums["USD"]));
    holds(&out, &["--replay", "all"]);
}

#[test]
fn parts_threads_chunks_and_formats_have_one_key() {
    let temp = tempfile::tempdir().expect("a folder");
    let whole = key(&bank(&temp.path().join("whole"), &[]), "answers.json");
    let text = fs::read_to_string(temp.path().join("whole/answers.json")).expect("a key");
    let parts = temp.path().join("parts");
    for part in ["3/3", "1/3", "2/3"] {
        bank(&parts, &["--part", part, "--threads", "3"]);
    }
    let mut all = key(&parts, "answers.part-00001.json");
    all.merge(&key(&parts, "answers.part-00000.json")).expect("parts of one run");
    all.merge(&key(&parts, "answers.part-00002.json")).expect("parts of one run");
    assert_eq!(all, whole);
    holds(&parts, &["--replay", "all"]);
    for (name, more) in [
        ("threads", &["--threads", "1", "--chunk-rows", "7"][..]),
        ("parquet", &["--format", "parquet"]),
        ("json", &["--format", "json"]),
    ] {
        let out = bank(&temp.path().join(name), more);
        assert!(fs::read_to_string(out.join("answers.json")).expect("a key") == text, "{name}");
    }
    let out = temp.path().join("alone");
    good(&["answers", "payments", "--scale", "0.01", "-q", "--out", out.to_str().expect("a path")]);
    assert!(fs::read_to_string(out.join("answers.json")).expect("a key") == text, "without rows");
    let printed = good(&["answers", "payments", "--scale", "0.01", "-q"]).stdout;
    assert_eq!(printed, fs::read(temp.path().join("whole/answers.csv")).expect("a key"));
    let again = placebo(&["answers", "payments", "--out", out.to_str().expect("a path")]).output().expect("runs");
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"), "{again:?}");
}

#[test]
fn tables_alone_are_asked_what_they_can_answer() {
    let temp = tempfile::tempdir().expect("a folder");
    let whole = key(&bank(&temp.path().join("whole"), &[]), "answers.json");
    let few = key(&bank(&temp.path().join("few"), &["--tables", "merchant,capture"]), "answers.json");
    let of =
        |key: &AnswerKey, table: &str| key.answers.iter().filter(|one| one.table == table).cloned().collect::<Vec<_>>();
    assert_eq!(of(&few, "capture"), of(&whole, "capture"));
    assert_eq!(few.tables.iter().map(|held| held.table.as_str()).collect::<Vec<_>>(), ["merchant", "capture"]);
    let balances = |key: &AnswerKey| key.answers.iter().filter(|one| one.answer.starts_with("balance:")).count();
    assert!(balances(&few) < balances(&whole), "what adds up tables that are not written is not asked");
    let one = temp.path().join("one");
    good(&["generate", "healthcare", "--only", "patient=3", "--out", one.to_str().expect("a path"), "-q"]);
    assert_eq!(values(&key(&one, "answers.json"), "patient", "rows", "count(*)")[""], "1");
    holds(&one, &["--replay", "all"]);
}

#[test]
fn no_protected_value_is_in_an_answer() {
    let temp = tempfile::tempdir().expect("a folder");
    let clinic = |name: &str, more: &[&str]| {
        let out = temp.path().join(name);
        let args = ["generate", "healthcare", "--rows", "patient=30", "-q", "--out", out.to_str().expect("a path")];
        good(&[&args, more].concat());
        out
    };
    let keys = ["--key-source", "test:answers"];
    let clear = clinic("clear", &[]);
    let sealed = clinic("sealed", &[&["--protect", "profile"], &keys[..]].concat());
    let shared = clinic("shared", &["--deidentify", "safe-harbor"]);
    for out in [&sealed, &shared] {
        let key = key(out, "answers.json");
        assert!(!key.left_out.is_empty());
        let text = fs::read_to_string(out.join("answers.json")).expect("a key")
            + &fs::read_to_string(out.join("answers.csv")).expect("a key");
        // Days and towns of others are in the clear where they are not protected.
        let told = files(out).into_iter().filter(|(path, _)| {
            path.extension().is_some_and(|end| end == "csv")
                && path.file_name().is_none_or(|name| name != "answers.csv")
        });
        let told: String = told.map(|(_, bytes)| String::from_utf8(bytes).expect("text")).collect();
        let mut looked = 0;
        for left in key.left_out.iter().filter(|left| !left.answer.starts_with("balance:")) {
            assert!(
                !key.answers
                    .iter()
                    .any(|one| one.table == left.table && one.measure.contains(&format!("({})", left.answer))),
                "{left:?}"
            );
            let file = clear.join(format!("{}.csv", left.table));
            for value in rows(&file).iter().filter_map(|row| row.get(&left.answer)).filter(|value| value.len() > 9) {
                looked += 1;
                assert!(told.contains(value.as_str()) || !text.contains(value.as_str()), "{left:?}: {value}");
            }
        }
        assert!(looked > 100, "{looked} values");
    }
    holds(&sealed, &[&["--replay", "all", "--no-plaintext", "--seed", "0"], &keys[..]].concat());
}

#[test]
fn a_changed_answer_is_found_even_if_every_hash_is_made_anew() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = bank(&temp.path().join("bank"), &[]);
    let (json, manifest) = (out.join("answers.json"), out.join("manifest.json"));
    let (before, mut changed) =
        (fs::read_to_string(&json).expect("a key"), fs::read_to_string(&manifest).expect("one"));
    let at = before.find("\"answer\":\"captured\"").expect("an answer");
    let digits = at + before[at..].find("\"clean\":\"").expect("a value") + 9;
    let other = if &before[digits..=digits] == "7" { "8" } else { "7" };
    let after = format!("{}{other}{}", &before[..digits], &before[digits + 1..]);
    fs::write(&json, &after).expect("writes");
    found(&out, &["--quick"], &["answers.json", "sha256"]);
    let hash = |text: &str| placebo::digest::sha256(text.as_bytes());
    let (old_manifest, sums) = (hash(&changed), out.join("SHA256SUMS"));
    changed = changed.replace(&hash(&before), &hash(&after));
    let listed = fs::read_to_string(&sums).expect("sums").replace(&hash(&before), &hash(&after));
    fs::write(&sums, listed.replace(&old_manifest, &hash(&changed))).expect("writes");
    fs::write(&manifest, changed).expect("writes");
    holds(&out, &["--quick"]);
    found(&out, &["--replay", "all"], &["answers.json", "are not those of the rows"]);
}

#[test]
fn mistakes_in_answers_have_their_place() {
    let temp = tempfile::tempdir().expect("a folder");
    let file = temp.path().join("shop.toml");
    let table = "name = \"shop\"\nas_of = 2025-01-01\n[tables.item]\nrows = 3\n[tables.item.columns]\n\
        id = { expr = \"row\", key = true }\nprice = \"CAST(row AS decimal(9,2))\"\nweight = \"row * 1.5e0\"\n";
    for (answer, said) in [
        ("table = \"itme\"\nmeasure = \"count(*)\"", "unknown table `itme`"),
        ("table = \"item\"\nmeasure = \"sum(weight)\"", "`sum(weight)` is over double"),
        ("table = \"item\"\nmeasure = \"avg(price)\"", "`avg(price)` is not a measure"),
        ("table = \"item\"\nmeasure = \"sum(price) + 1\"", "is not a measure"),
        ("table = \"item\"\nmeasure = \"sum(pirce)\"", "unknown column `pirce`"),
        ("table = \"item\"\nwhere = \"price\"\nmeasure = \"count(*)\"", "a condition is meant"),
        ("table = \"item\"\nby = [\"id\", \"weight\"]\nmeasure = \"count(*)\"", "`weight` is a double"),
        ("table = \"item\"\nmeasures = \"count(*)\"", "unknown field `measures`"),
    ] {
        fs::write(&file, format!("{table}[answers.all]\n{answer}\n")).expect("writes");
        let output = placebo(&["check", file.to_str().expect("a path")]).output().expect("runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let words = stderr.replace("\n  │ ", " ").replace("│", "");
        assert!(
            output.status.code() == Some(3) && words.contains(said) && words.contains("shop.toml:"),
            "{answer}: {stderr}"
        );
    }
    fs::write(&file, format!("{table}[outcomes.item]\ndecision = \"'accept'\"\ncode.http = \"nothing\"\n"))
        .expect("writes");
    let output = placebo(&["check", file.to_str().expect("a path")]).output().expect("runs");
    assert!(String::from_utf8_lossy(&output.stderr).contains("outcomes.item.code.http"), "{output:?}");
    let many = table.replace("rows = 3", "rows = 100_001");
    fs::write(&file, format!("{many}[answers.all]\ntable = \"item\"\nby = [\"id\"]\nmeasure = \"count(*)\"\n"))
        .expect("writes");
    let out = temp.path().join("out");
    let args = ["generate", file.to_str().expect("a path"), "--out", out.to_str().expect("a path")];
    let output = placebo(&args).output().expect("runs");
    assert!(String::from_utf8_lossy(&output.stderr).contains("more than 100000 groups"), "{output:?}");
    assert!(!out.join("manifest.json").exists());
}
