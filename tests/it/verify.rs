//! `placebo verify` and `placebo sign`: whatever is done to a folder is found and named.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use placebo::digest::{RowSum, sha256};
use placebo::folder::manifest::{Manifest, sum_of};
use placebo::format::of_tables;
use placebo::verify::{Request, Sample};

use crate::run::{files, good, placebo};

const SHOP: &str = "tests/fixtures/shop";
const BANK: &str = "tests/fixtures/bank";

/// A run of a fixture in a folder of its own.
fn run(folder: &Path, profile: &str, more: &[&str]) -> PathBuf {
    let out = folder.join("out");
    good(&[&["generate", profile, "--out", out.to_str().expect("a path"), "-q"], more].concat());
    out
}

/// The exit code of `placebo verify`, and what it printed on stdout and stderr.
pub(crate) fn verify(folder: &Path, more: &[&str]) -> (i32, String, String) {
    let output = placebo(&[&["verify", folder.to_str().expect("a path")], more].concat()).output().expect("runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().expect("a code"), text(&output.stdout), text(&output.stderr))
}

pub(crate) fn holds(folder: &Path, more: &[&str]) -> String {
    let (code, stdout, stderr) = verify(folder, more);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    stdout
}

/// The findings, which must have all of these words in one line.
pub(crate) fn found(folder: &Path, more: &[&str], words: &[&str]) {
    let (code, stdout, stderr) = verify(folder, more);
    let line = stdout.lines().find(|line| line.starts_with("FAIL") && words.iter().all(|word| line.contains(word)));
    assert!(code == 6 && line.is_some() && stderr.contains("finding"), "{words:?}: exit {code}\n{stdout}{stderr}");
}

pub(crate) fn copy(from: &Path, to: &Path) {
    let _there = fs::remove_dir_all(to);
    for (name, bytes) in files(from) {
        let path = to.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("creates");
        fs::write(path, bytes).expect("writes");
    }
}

/// Writes a manifest, and `SHA256SUMS` as if they had always been so.
fn rewrite(folder: &Path, name: &str, manifest: &Manifest) {
    fs::write(folder.join(name), manifest.to_json()).expect("writes");
    let mut sums: Vec<String> = manifest.files.iter().map(|file| format!("{}  {}", file.sha256, file.path)).collect();
    sums.extend(manifest.beside.iter().map(|file| format!("{}  {}", file.sha256, file.path)));
    sums.push(format!("{}  {name}", sha256(manifest.to_json().as_bytes())));
    let end = name.strip_prefix("manifest").and_then(|rest| rest.strip_suffix(".json")).expect("a manifest");
    fs::write(folder.join(format!("SHA256SUMS{end}")), sums.join("\n") + "\n").expect("writes");
}

fn manifest(folder: &Path, name: &str) -> Manifest {
    Manifest::parse(&fs::read_to_string(folder.join(name)).expect("reads")).expect("a manifest")
}

/// What somebody does who knows the format: changes the rows of a CSV file and makes every hash anew; the logical digest too,
/// if `digest`.
pub(crate) fn forge(folder: &Path, name: &str, path: &str, digest: bool, edit: impl FnOnce(&mut Vec<String>)) {
    let file = folder.join(path);
    let text = fs::read_to_string(&file).expect("reads");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let header = lines.remove(0);
    edit(&mut lines);
    let (mut sum, mut text) = (RowSum::default(), header + "\n");
    for line in lines {
        sum.add(format!("{line}\n").as_bytes());
        text += &format!("{line}\n");
    }
    fs::write(&file, &text).expect("writes");
    let mut made = manifest(folder, name);
    let entry = made.files.iter_mut().find(|file| file.path == path).expect("an entry");
    (entry.bytes, entry.sha256) = (text.len() as u64, sha256(text.as_bytes()));
    if digest {
        (entry.rows, entry.digest) = (sum.rows, sum.hex());
        let table = entry.table.clone();
        let all = sum_of(made.files.iter().filter(|file| file.table == table));
        let table = made.tables.iter_mut().find(|known| known.name == table).expect("a table");
        (table.rows, table.digest) = (all.rows, all.hex());
    }
    rewrite(folder, name, &made);
}

/// Replaces the cell of a column.
pub(crate) fn set(line: &mut String, column: usize, cell: &str) {
    let mut cells: Vec<&str> = line.split(',').collect();
    assert_ne!(cells[column], cell);
    cells[column] = cell;
    *line = cells.join(",");
}

#[test]
fn every_format_holds_at_home_and_copied_elsewhere() {
    let temp = tempfile::tempdir().expect("a folder");
    for format in of_tables() {
        let folder = temp.path().join(format.name);
        let out = run(&folder, SHOP, &["--rows", "account=60", "--format", format.name]);
        let there = folder.join("elsewhere/copy");
        copy(&out, &there);
        let said = holds(&there, &["--profile", SHOP, "--replay", "all"]);
        assert!(said.contains("8 files") && said.contains("2 of 2 chunks derived again"), "{said}");
        assert!(said.contains("3 primary keys, 3 foreign keys, 1 checks"), "{said}");
        holds(&out, &["--quick"]);
    }
    let out = run(&temp.path().join("guarded"), SHOP, &["--csv-guard", "quote"]);
    holds(&out, &["--profile", SHOP, "--replay", "0"]);
    let out = run(&temp.path().join("some"), SHOP, &["--tables", "payment,event", "--seed", "some"]);
    let said = holds(&out, &["--profile", SHOP, "--replay", "all"]);
    assert!(said.contains("note  references to `account` lead out of this folder"), "{said}");
}

#[test]
fn the_shipped_profiles_hold_and_their_digests_are_one_in_every_format() {
    let temp = tempfile::tempdir().expect("a folder");
    for profile in placebo::profile::names() {
        let mut digests = Vec::new();
        for format in of_tables() {
            let out = run(&temp.path().join(format!("{profile}-{}", format.name)), profile, &["--format", format.name]);
            let tables = manifest(&out, "manifest.json").tables;
            digests.push(tables.iter().map(|table| (table.rows, table.digest.clone())).collect::<Vec<_>>());
            if matches!(format.name, "csv" | "parquet") {
                let said = holds(&out, &[]);
                assert!(said.contains("primary keys") && said.contains("checks"), "{said}");
            }
            fs::remove_dir_all(&out).expect("removes");
        }
        assert!(digests.windows(2).all(|pair| pair[0] == pair[1]) && digests[0].len() > 20, "{profile}");
    }
}

#[test]
fn whatever_is_done_to_a_file_is_found_and_named() {
    let temp = tempfile::tempdir().expect("a folder");
    let mut cases = 0;
    for format in of_tables() {
        let out = run(&temp.path().join(format.name), SHOP, &["--rows", "account=20", "--format", format.name]);
        let there = temp.path().join("changed");
        for (name, bytes) in files(&out) {
            let shown = name.to_str().expect("a name");
            let flipped = |at: usize| {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1;
                Some(bytes)
            };
            let longer = [bytes.as_slice(), b"\n"].concat();
            let changes = [
                flipped(0),
                flipped(bytes.len() / 2),
                flipped(bytes.len() - 1),
                Some(bytes[..bytes.len() - 1].to_vec()),
                Some(Vec::new()),
                Some(longer),
                None,
            ];
            for change in changes {
                copy(&out, &there);
                match change {
                    Some(bytes) => fs::write(there.join(&name), bytes).expect("writes"),
                    None => fs::remove_file(there.join(&name)).expect("removes"),
                }
                found(&there, &["--quick"], &[shown]);
                // Without `--quick` there is more to read, and nothing to stumble over.
                found(&there, &["--profile", SHOP, "--replay", "all"], &[shown]);
                cases += 1;
            }
        }
    }
    assert!(cases > 200, "{cases}");
}

#[test]
fn files_too_many_and_files_swapped_are_found() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = run(temp.path(), SHOP, &["--rows", "account=20"]);
    for (name, word) in [
        ("more.csv", "no manifest has it"),
        ("payment/part-00000.csv", "no manifest has it"),
        ("payment.csv.inprogress", "did not end"),
        (".placebo.journal", "did not end"),
        (".placebo.lock", "goes on or was killed"),
    ] {
        let path = out.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("creates");
        fs::write(&path, "x").expect("writes");
        found(&out, &["--quick"], &[name, word]);
        fs::remove_file(&path).expect("removes");
    }
    holds(&out, &["--quick"]);
    let log = fs::read_to_string(out.join("run.jsonl")).expect("reads");
    fs::write(out.join("run.jsonl"), log.replacen("\"event\":\"start\"", "\"event\":\"stop\"", 1)).expect("writes");
    found(&out, &["--quick"], &["run.jsonl", "line 2"]);
    fs::write(out.join("run.jsonl"), log).expect("writes");
    holds(&out, &["--quick"]);
    let (one, other) = (fs::read(out.join("event.csv")), fs::read(out.join("payment.csv")));
    fs::write(out.join("event.csv"), other.expect("reads")).expect("writes");
    fs::write(out.join("payment.csv"), one.expect("reads")).expect("writes");
    found(&out, &["--quick"], &["event.csv"]);
    found(&out, &["--quick"], &["payment.csv"]);
    #[cfg(unix)]
    {
        fs::remove_file(out.join("event.csv")).expect("removes");
        std::os::unix::fs::symlink(out.join("payment.csv"), out.join("event.csv")).expect("links");
        found(&out, &["--quick"], &["event.csv", "neither a file nor a folder"]);
    }
    let empty = tempfile::tempdir().expect("a folder");
    found(empty.path(), &[], &["there is no manifest"]);
    assert_eq!(verify(&empty.path().join("nowhere"), &[]).0, 4);
}

#[test]
fn a_row_that_moved_to_another_file_is_found_by_the_digest() {
    let temp = tempfile::tempdir().expect("a folder");
    for part in ["1/3", "2/3", "3/3"] {
        run(temp.path(), SHOP, &["--rows", "account=90", "--part", part, "--overwrite"]);
    }
    let out = temp.path().join("out");
    let said = holds(&out, &["--profile", SHOP, "--replay", "all"]);
    assert!(said.contains("20 files") && said.contains("3 foreign keys") && !said.contains("note"), "{said}");
    let row = |path: &str| fs::read_to_string(out.join(path)).expect("reads").lines().nth(3).expect("a row").to_owned();
    let (one, other) = (row("payment/part-00000.csv"), row("payment/part-00002.csv"));
    let there = temp.path().join("moved");
    copy(&out, &there);
    forge(&there, "manifest.part-00000.json", "payment/part-00000.csv", false, |rows| rows[2] = other);
    forge(&there, "manifest.part-00002.json", "payment/part-00002.csv", false, |rows| rows[2] = one);
    holds(&there, &["--quick"]);
    for file in ["payment/part-00000.csv", "payment/part-00002.csv"] {
        found(&there, &["--profile", SHOP], &[file, "digest"]);
    }
    // The key of a part may stand in another one: only together they are whole.
    copy(&out, &there);
    forge(&there, "manifest.part-00001.json", "account/part-00001.csv", true, |rows| set(&mut rows[4], 0, "90"));
    let words = ["account/part-00002.csv", "row 30", "`account_id`", "primary key"];
    found(&there, &["--profile", SHOP, "--replay", "0"], &words);
    found(&there, &["--profile", SHOP, "--replay", "0"], &["payment/part-00001.csv", "`account_id`", "foreign key"]);
    // Two of three parts are judged each by itself.
    copy(&out, &there);
    fs::remove_dir_all(&there).expect("removes");
    for part in ["1/3", "2/3"] {
        good(&[
            "generate",
            SHOP,
            "--rows",
            "account=90",
            "--part",
            part,
            "--out",
            there.to_str().expect("a path"),
            "-q",
        ]);
    }
    let said = holds(&there, &["--profile", SHOP]);
    assert!(said.contains("note  2 of 3 parts are here"), "{said}");
    // Parts of two runs are none of one.
    let other = temp.path().join("other");
    let seed = ["--seed", "other", "--rows", "account=90", "--part", "3/3", "-q"];
    good(&[&["generate", SHOP, "--out", other.to_str().expect("a path")], seed.as_slice()].concat());
    for (name, bytes) in files(&other) {
        fs::write(there.join(name), bytes).expect("writes");
    }
    found(&there, &["--profile", SHOP], &["manifest.part-00002.json", "another run"]);
}

#[test]
fn a_changed_row_with_every_hash_made_anew_is_found_by_replay() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = run(temp.path(), SHOP, &["--rows", "account=60"]);
    forge(&out, "manifest.json", "payment.csv", true, |rows| set(&mut rows[40], 5, "2024-01-01"));
    holds(&out, &["--quick"]);
    holds(&out, &["--profile", SHOP, "--replay", "0"]);
    let words = ["payment.csv", "table `payment` row 41 column `day`", "replay"];
    found(&out, &["--profile", SHOP, "--replay", "all"], &words);
    let (_, hidden, _) = verify(&out, &["--profile", SHOP]);
    assert!(!hidden.contains("2024-01-01"), "{hidden}");
    found(&out, &["--profile", SHOP, "--show-values"], &["`2024-01-01` instead of"]);
    // A row more, and a row less.
    for (edit, word) in [(true, "goes on"), (false, "the profile makes more")] {
        let out = run(&temp.path().join(word.replace(' ', "-")), SHOP, &["--rows", "account=60"]);
        forge(&out, "manifest.json", "event.csv", true, |rows| {
            if edit { rows.push(rows[0].clone()) } else { rows.pop().map_or((), |_| ()) }
        });
        found(&out, &["--profile", SHOP, "--replay", "0"], &["event.csv", "rows", word]);
    }
}

#[test]
fn checks_and_keys_are_judged_on_the_rows_that_were_read() {
    let temp = tempfile::tempdir().expect("a folder");
    // One row less than nothing: the sum of the account's payments is in another file, and a check of the account looks at it.
    let out = run(&temp.path().join("check"), SHOP, &["--rows", "account=60"]);
    forge(&out, "manifest.json", "account.csv", true, |rows| set(&mut rows[6], 4, "-0.01"));
    found(&out, &["--profile", SHOP, "--replay", "0"], &["account.csv", "row 7", "check A-1", "total"]);
    // A window over the payments of an account, at a table whose check compares it with what was read.
    let out = run(&temp.path().join("keys"), BANK, &["--rows", "payment=20k"]);
    let first = fs::read_to_string(out.join("payment.csv")).expect("reads").lines().nth(1).expect("a row").to_owned();
    let first = first.split(',').next().expect("a cell").to_owned();
    forge(&out, "manifest.json", "payment.csv", true, |rows| {
        set(&mut rows[19_000], 0, &first);
        set(&mut rows[100], 2, "1000000");
    });
    let more = ["--profile", BANK, "--replay", "0"];
    found(&out, &more, &["payment.csv", "row 19001 column `payment_id`", "primary key"]);
    found(&out, &more, &["payment.csv", "row 101 column `merchant_id`", "foreign key", "merchant"]);
    let (_, said, _) = verify(&out, &more);
    let of_keys = |rule: &str| said.lines().filter(|line| line.contains(rule)).count();
    assert_eq!((of_keys("primary key:"), of_keys("foreign key:")), (1, 2), "{said}");
    // 20,000 keys of 16 bytes do not fit into 64 KiB: they are looked at in passes, with the same result.
    let findings = |memory: u64| {
        let request = Request {
            folder: out.clone(),
            quick: false,
            sample: Sample { share: 0.0, seed: String::new() },
            profile: Some(BANK.to_owned()),
            templates: Vec::new(),
            faults: Vec::new(),
            keys: None,
            seed: None,
            public_key: None,
            allow_missing_parts: false,
            threads: 2,
            memory,
            show_values: false,
        };
        let report = placebo::verify::verify(&request).expect("verifies");
        let mut findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
        findings.sort();
        findings
    };
    assert_eq!(findings(1 << 30), findings(256 << 10));
}

#[test]
fn another_engine_or_profile_is_refused_and_the_rest_is_looked_at() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = run(temp.path(), SHOP, &["--rows", "account=20"]);
    let (code, said, why) = verify(&out, &[]);
    assert_eq!(code, 3);
    assert!(said.contains("3 primary keys") && why.contains("`shop` is not inside this program"), "{said}{why}");
    assert!(why.contains("--profile PATH") && why.contains("--quick"), "{why}");
    let (code, _, why) = verify(&out, &["--profile", BANK]);
    assert!(code == 3 && why.contains("not the profile of the run"), "{why}");
    let mut other = manifest(&out, "manifest.json");
    other.engine = "placebo-0+fake-1".to_owned();
    rewrite(&out, "manifest.json", &other);
    let (code, _, why) = verify(&out, &["--profile", SHOP]);
    assert!(code == 3 && why.contains("placebo-0+fake-1"), "{why}");
    holds(&out, &["--quick"]);
    // Inputs that do not give the fingerprint.
    let mut other = manifest(&out, "manifest.json");
    other.engine = placebo::dataset::FINGERPRINT.to_owned();
    other.seed = Some("1".to_owned());
    rewrite(&out, "manifest.json", &other);
    let (code, _, why) = verify(&out, &["--profile", SHOP]);
    assert!(code == 3 && why.contains("fingerprint"), "{why}");
    // A manifest may not say where a profile is read from.
    other.profile = "../../etc/profile.toml".to_owned();
    rewrite(&out, "manifest.json", &other);
    let (code, _, why) = verify(&out, &[]);
    assert!(code == 3 && why.contains("is not inside this program"), "{why}");
}

#[test]
fn a_hostile_manifest_is_a_finding_at_worst() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = run(temp.path(), SHOP, &["--rows", "account=10"]);
    let text = fs::read_to_string(out.join("manifest.json")).expect("reads");
    let changes = [
        ("\"path\": \"payment.csv\"", "\"path\": \"../payment.csv\""),
        ("\"path\": \"payment.csv\"", "\"path\": \"/etc/passwd\""),
        ("\"path\": \"schema.sql\"", "\"path\": \"../schema.sql\""),
        ("\"name\": \"payment\"", "\"name\": \"../payment\""),
        ("\"format\": \"csv\"", "\"format\": \"xls\""),
        ("\"type\": \"date\"", "\"type\": \"decimal(99,2)\""),
        ("\"type\": \"date\"", "\"type\": \"integer\""),
        ("\"name\": \"amount\"", "\"name\": \"day\""),
        ("\"references\": \"account.account_id\"", "\"references\": \"account.nothing\""),
        ("\"references\": \"account.account_id\"", "\"references\": \"account\""),
        ("\"account\": 10", "\"account\": 18446744073709551615"),
        ("\"account\": 10", "\"account\": 99999999999999999999"),
        ("\"as_of\": \"2025-06-30\"", "\"as_of\": \"9999-99-99\""),
        ("\"manifest\": 1", "\"manifest\": 2"),
        ("\"manifest\": 1", "\"manifest\": 1, \"more\": 1"),
        ("\"manifest\": 1", "\"manifest\":  1"),
        ("\"seed\": \"0\"", "\"seed\": \"0\",\n  \"seed\": \"0\""),
        ("\"rate\": \"0.3\"", "\"rate\": \"none\""),
    ];
    for (from, to) in changes {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        fs::write(out.join("manifest.json"), &changed).expect("writes");
        let sums = fs::read_to_string(out.join("SHA256SUMS")).expect("reads");
        let sums = sums.lines().filter(|line| !line.ends_with("manifest.json")).collect::<Vec<_>>().join("\n");
        fs::write(out.join("SHA256SUMS"), format!("{sums}\n{}  manifest.json\n", sha256(changed.as_bytes())))
            .expect("writes");
        let (code, said, why) = verify(&out, &["--profile", SHOP]);
        assert!(
            matches!(code, 3 | 6) && !why.contains("defect") && !why.contains("panicked"),
            "{to}: {code} {said}{why}"
        );
    }
}

/// A new key pair of OpenSSL's.
fn keys(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let (key, public) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.pub.pem")));
    let openssl = |args: &[&str]| {
        let done = Command::new("openssl").args(args).output().expect("openssl");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let (key_path, public_path) = (key.to_str().expect("a path"), public.to_str().expect("a path"));
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", key_path]);
    openssl(&["pkey", "-in", key_path, "-pubout", "-out", public_path]);
    (key, public)
}

#[test]
fn a_signature_says_who_and_openssl_agrees() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = run(temp.path(), SHOP, &["--rows", "account=20"]);
    let ((key, public), (_, stranger)) = (keys(temp.path(), "own"), keys(temp.path(), "other"));
    let (folder, key_path, public_path) =
        (out.to_str().expect("a path"), key.to_str().expect("a path"), public.to_str().expect("a path"));
    let by = ["--quick", "--public-key", public_path];
    found(&out, &by, &["manifest.dsse.json", "not signed"]);
    good(&["sign", folder, "--key", key_path]);
    let envelope = fs::read_to_string(out.join("manifest.dsse.json")).expect("reads");
    let log = fs::read_to_string(out.join("run.jsonl")).expect("reads");
    assert!(log.contains("\"event\":\"signed\"") && !log.contains("own.pem"), "{log}");
    assert!(holds(&out, &by).contains("1 signatures"));
    assert!(holds(&out, &["--quick"]).contains("note  the manifest is signed"));
    good(&["sign", folder, "--key", key_path]);
    assert_eq!(fs::read_to_string(out.join("manifest.dsse.json")).expect("reads"), envelope, "equal keys, equal bytes");

    // The commands of the page, as they stand there.
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verification.md")).expect("the page");
    let commands = page.split("<!-- check: openssl -->\n```sh\n").nth(1).and_then(|rest| rest.split("```").next());
    let openssl = |public: &Path| {
        let script = commands.expect("the commands").replace("PUBLIC_KEY", public.to_str().expect("a path"));
        Command::new("sh").args(["-ec", &script]).current_dir(&out).env("TMPDIR", temp.path()).output().expect("sh")
    };
    let done = openssl(&public);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(String::from_utf8_lossy(&done.stdout).contains("Signature Verified Successfully"));
    assert!(!openssl(&stranger).status.success());

    found(&out, &["--quick", "--public-key", stranger.to_str().expect("a path")], &["manifest.dsse.json", "given key"]);
    // A changed payload, with and without the key; a signature of another run.
    let at = envelope.find("\"payload\":\"").expect("a payload") + 60;
    let letter = if &envelope[at..=at] == "A" { "B" } else { "A" };
    fs::write(out.join("manifest.dsse.json"), format!("{}{letter}{}", &envelope[..at], &envelope[at + 1..]))
        .expect("writes");
    found(&out, &by, &["manifest.dsse.json", "signature"]);
    found(&out, &["--quick"], &["manifest.dsse.json", "signature"]);
    fs::write(out.join("manifest.dsse.json"), &envelope).expect("writes");
    forge(&out, "manifest.json", "payment.csv", true, |rows| set(&mut rows[3], 5, "2024-01-01"));
    found(&out, &by, &["manifest.dsse.json", "another manifest"]);
    fs::write(out.join("payment.csv"), "x").expect("writes");
    let refused = placebo(&["sign", folder, "--key", key_path]).output().expect("runs");
    assert_eq!(refused.status.code(), Some(6));
}

#[test]
fn keys_that_are_none_or_open_to_others_are_refused() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = run(temp.path(), SHOP, &["--rows", "account=5"]);
    let (key, public) = keys(temp.path(), "own");
    let (folder, key_path, public_path) =
        (out.to_str().expect("a path"), key.to_str().expect("a path"), public.to_str().expect("a path"));
    let nowhere = temp.path().join("nowhere");
    let refused = |args: &[&str], word: &str| {
        let output = placebo(args).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(8) && said.contains(word), "{args:?}: {said}");
    };
    refused(&["verify", folder, "--public-key", key_path], "no public key");
    refused(&["verify", folder, "--public-key", nowhere.to_str().expect("a path")], "nowhere");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("sets");
        open(&public, 0o600);
        refused(&["sign", folder, "--key", public_path], "no private key");
        open(&key, 0o640);
        refused(&["sign", folder, "--key", key_path], "chmod 600");
    }
    assert!(!out.join("manifest.dsse.json").exists());
}

#[test]
fn findings_are_events_as_the_docs_say() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = run(temp.path(), SHOP, &["--rows", "account=20", "--tables", "payment"]);
    forge(&out, "manifest.json", "payment.csv", true, |rows| set(&mut rows[3], 5, "2024-01-01"));
    let args = ["verify", out.to_str().expect("a path"), "--profile", SHOP, "--log-format", "json"];
    let output = placebo(&args).output().expect("runs");
    assert!(output.stdout.is_empty());
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/commands.md")).expect("a page");
    let mut seen = Vec::new();
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        let event: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).expect("JSON");
        let name = event["event"].as_str().expect("a name").to_owned();
        let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).expect("a row of the page");
        let said: Vec<&str> = row.split('|').nth(3).expect("fields").split('`').skip(1).step_by(2).collect();
        assert_eq!(event.keys().skip(2).collect::<Vec<_>>(), said, "`{name}`");
        seen.push(name);
    }
    assert_eq!(seen, ["finding", "note", "error"]);
}
