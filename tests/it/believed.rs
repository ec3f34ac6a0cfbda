//! Folders that somebody else made or changed: what they say is checked, where they lead is not followed, and nothing waits for a
//! pipe in place of a file.

mod runs;
mod system;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use placebo::folder::manifest::Manifest;

use crate::run::{files, good, placebo};
use crate::verify::{found, holds};

const SHOP: &str = "tests/fixtures/shop";
const CLINIC: &str = "tests/fixtures/clinic";
const SMALL: [&str; 3] = ["--rows", "account=20", "-q"];

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

fn shop(out: &Path, more: &[&str]) -> Output {
    placebo(&[&["generate", SHOP, "--out", text(out)], &SMALL[..], more].concat()).output().expect("runs")
}

fn shops(out: &Path, more: &[&str]) {
    let done = shop(out, more);
    assert!(done.status.success(), "{more:?}: {}", said(&done));
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The exit code of a command that must end by itself, and what it said; `None` for one that had to be killed.
fn ends(mut command: Command) -> (Option<i32>, String) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts");
    let started = Instant::now();
    while child.try_wait().expect("asks").is_none() {
        if started.elapsed() > Duration::from_mins(1) {
            child.kill().expect("kills");
            return (None, "it does not end".to_owned());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().expect("ends");
    (output.status.code(), said(&output))
}

/// The command ends with one of the codes, and says so in words of ours.
fn refused(args: &[&str], codes: &[i32], word: &str) {
    let (code, said) = ends(placebo(args));
    assert!(code.is_some_and(|code| codes.contains(&code)) && said.contains(word), "{args:?}: {code:?}: {said}");
    assert!(!said.contains("defect") && !said.contains("panicked"), "{args:?}: {said}");
}

fn pipe(path: &Path) {
    let _gone_already = fs::remove_file(path);
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
}

/// A key for signatures, as a PEM file.
fn signer(folder: &Path) -> PathBuf {
    let key = folder.join("signer.pem");
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";
    fs::write(&key, pem).expect("writes");
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("sets");
    key
}

/// A change of a manifest, and the field that it changes.
type Change<'c> = (&'c str, &'c dyn Fn(&mut Manifest));

/// An encrypted data set.
fn sealed(folder: &Path, more: &[&str]) -> PathBuf {
    let out = folder.join("sealed");
    let how = ["--protect", "patient.ssn=encrypt", "--key-source", "test:a", "-q", "--rows", "patient=20"];
    good(&[&["generate", CLINIC, "--out", text(&out)], &how[..], more].concat());
    out
}

/// Changes a manifest as somebody does who knows its form.
fn edit(folder: &Path, name: &str, from: &str, to: &str) {
    let path = folder.join(name);
    let before = fs::read_to_string(&path).expect("reads");
    assert!(before.contains(from), "`{from}` is not in {name}");
    fs::write(path, before.replace(from, to)).expect("writes");
}

#[test]
fn a_manifest_leads_nowhere_in_any_command() {
    let temp = tempfile::tempdir().expect("a folder");
    let set = sealed(temp.path(), &[]);
    let key = signer(temp.path());
    fs::write(temp.path().join("victim.csv"), "precious").expect("writes");
    symlink(temp.path(), set.join("up")).expect("links");
    let sound = fs::read_to_string(set.join("manifest.json")).expect("reads");
    let paths = ["up/victim.csv", "../victim.csv", "up/../../victim.csv", "/etc/passwd", "patient.csv/../patient.csv"];
    for path in paths {
        for (from, to) in [
            ("\"path\": \"patient.csv\"", format!("\"path\": \"{path}\"")),
            ("\"path\": \"schema.sql\"", format!("\"path\": \"{path}\"")),
        ] {
            edit(&set, "manifest.json", from, &to);
            let (set, out, out2) = (text(&set).to_owned(), temp.path().join("out"), temp.path().join("out2"));
            refused(&["decrypt", &set, "--key", "test:a", "--out", text(&out)], &[6], "manifest");
            refused(&["reencrypt", &set, "--key", "test:a", "--out", text(&out2)], &[6], "manifest");
            refused(&["sign", &set, "--key", text(&key)], &[6], "nothing was signed");
            found(Path::new(&set), &["--quick"], &["manifest.json", "the manifest"]);
            let how = ["--protect", "patient.ssn=encrypt", "--key-source", "test:a", "-q", "--rows", "patient=20"];
            refused(&[&["generate", CLINIC, "--out", &set, "--resume"], &how[..]].concat(), &[6], "manifest");
            assert!(!out.exists() && !out2.exists(), "{path}: something was written");
            fs::write(Path::new(&set).join("manifest.json"), &sound).expect("writes");
        }
    }
    // One that lists a file of data as a file beside it, one without what describes the data, and one that is too large.
    edit(&set, "manifest.json", "\"path\": \"schema.sql\"", "\"path\": \"patient.csv\"");
    refused(&["decrypt", text(&set), "--key", "test:a", "--out", text(&temp.path().join("out"))], &[6], "beside");
    let large = fs::File::create(set.join("manifest.json")).expect("creates");
    large.set_len(10 << 30).expect("a hole");
    refused(&["decrypt", text(&set), "--key", "test:a", "--out", text(&temp.path().join("out"))], &[6], "bytes");
    found(&set, &["--quick"], &["manifest.json", "bytes"]);
    assert_eq!(fs::read_to_string(temp.path().join("victim.csv")).expect("reads"), "precious");
}

#[test]
fn links_in_place_of_files_and_of_a_table_s_folder_are_not_read() {
    let temp = tempfile::tempdir().expect("a folder");
    let set = sealed(temp.path(), &["--part", "1/1"]);
    let out = temp.path().join("out");
    let elsewhere = temp.path().join("elsewhere");
    fs::rename(set.join("patient"), &elsewhere).expect("renames");
    symlink(&elsewhere, set.join("patient")).expect("links");
    for command in ["decrypt", "reencrypt"] {
        refused(&[command, text(&set), "--key", "test:a", "--out", text(&out)], &[4], "symbolic link");
        let _gone_already = fs::remove_dir_all(&out);
    }
    found(&set, &["--quick"], &["patient/part-00000.csv", "symbolic link"]);
    fs::remove_file(set.join("patient")).expect("removes");
    fs::rename(&elsewhere, set.join("patient")).expect("renames");
    let file = set.join("patient/part-00000.csv");
    fs::rename(&file, temp.path().join("file.csv")).expect("renames");
    symlink(temp.path().join("file.csv"), &file).expect("links");
    for command in ["decrypt", "reencrypt"] {
        refused(&[command, text(&set), "--key", "test:a", "--out", text(&out)], &[4], "symbolic link");
        let _gone_already = fs::remove_dir_all(&out);
    }
}

/// A second name of a file is the same file: what is appended or cut there is lost elsewhere.
#[test]
fn a_hard_link_in_the_folder_is_not_written_to() {
    let temp = tempfile::tempdir().expect("a folder");
    let victim = temp.path().join("victim");
    for (n, name) in ["run.jsonl", ".placebo.lock", ".placebo.journal"].iter().enumerate() {
        let out = temp.path().join(n.to_string());
        fs::create_dir(&out).expect("a folder");
        fs::write(&victim, "precious\n").expect("writes");
        fs::hard_link(&victim, out.join(name)).expect("links");
        for more in [&[][..], &["--overwrite"], &["--resume"]] {
            let done = shop(&out, more);
            // A journal that is none is no interrupted run, and is replaced by a new file.
            let fine = *name == ".placebo.journal";
            let code = done.status.code();
            assert!(
                code == Some(4) || fine && matches!(code, Some(0 | 2)),
                "{name} {more:?}: {code:?} {}",
                said(&done)
            );
            assert!(fine || said(&done).contains("hard links"), "{name}: {}", said(&done));
            assert_eq!(fs::read_to_string(&victim).expect("reads"), "precious\n", "{name} {more:?}");
        }
        fs::remove_file(&victim).expect("removes");
    }
}

#[test]
fn a_journal_does_not_say_where_a_file_is() {
    let temp = tempfile::tempdir().expect("a folder");
    let (whole, out) = (temp.path().join("whole"), temp.path().join("out"));
    shops(&whole, &[]);
    shops(&out, &[]);
    let rows = fs::read(out.join("payment.csv")).expect("reads");
    fs::rename(out.join("payment.csv"), temp.path().join("payment.csv")).expect("renames");
    for name in ["manifest.json", "SHA256SUMS", "datapackage.json", "schema.sql"] {
        fs::remove_file(out.join(name)).expect("removes");
    }
    let sha = placebo::digest::sha256(&rows);
    let count = String::from_utf8_lossy(&rows).lines().count() - 1;
    let inputs = {
        let log = fs::read_to_string(out.join("run.jsonl")).expect("reads");
        log.split("\"inputs\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("inputs").to_owned()
    };
    let digest = fs::read_to_string(whole.join("manifest.json")).expect("reads");
    let digest = digest.split("\"path\": \"payment.csv\"").nth(1).and_then(|rest| rest.split("\"digest\": \"").nth(1));
    let digest = digest.and_then(|rest| rest.split('"').next()).expect("a digest").to_owned();
    let lines = [
        format!("{{\"placebo\":1,\"inputs\":\"{inputs}\"}}"),
        format!(
            "{{\"file\":{{\"table\":\"payment\",\"path\":\"../payment.csv\",\"rows\":{count},\"bytes\":{},\"sha256\":\"{sha}\",\"digest\":\"{digest}\"}}}}",
            rows.len()
        ),
    ];
    let (mut journal, mut last) = (String::new(), String::new());
    for line in lines {
        last = placebo::digest::sha256(format!("{last} {line}").as_bytes())[..16].to_owned();
        journal += &format!("{last} {line}\n");
    }
    fs::write(out.join(".placebo.journal"), journal).expect("writes");
    shops(&out, &["--resume"]);
    assert!(files(&out) == files(&whole), "a file outside of the folder was taken for one of it");
}

#[test]
fn a_complete_run_is_complete_with_what_describes_it() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = temp.path().join("out");
    shops(&out, &[]);
    shops(&out, &["--resume"]);
    for name in ["schema.sql", "datapackage.json", "SHA256SUMS", "event.csv"] {
        let sound = fs::read(out.join(name)).expect("reads");
        fs::write(out.join(name), "x").expect("writes");
        let done = shop(&out, &["--resume"]);
        assert!(done.status.code() == Some(6) && said(&done).contains(name), "{name}: {}", said(&done));
        fs::remove_file(out.join(name)).expect("removes");
        assert_eq!(shop(&out, &["--resume"]).status.code(), Some(6), "{name} is missing");
        fs::write(out.join(name), sound).expect("writes");
    }
    shops(&out, &["--resume"]);
}

#[test]
fn reencrypted_data_replaces_no_sums() {
    let temp = tempfile::tempdir().expect("a folder");
    let set = sealed(temp.path(), &[]);
    for name in ["SHA256SUMS", "manifest.json", "schema.sql", "manifest.dsse.json", "datapackage.json"] {
        let out = temp.path().join(format!("out-{name}"));
        fs::create_dir(&out).expect("a folder");
        fs::write(out.join(name), "x").expect("writes");
        refused(&["reencrypt", text(&set), "--key", "test:a", "--out", text(&out)], &[2], "is there already");
        assert_eq!(files(&out).len(), 1, "{name}: something was written");
    }
}

/// Re-made hashes are no proof: what follows from the profile is derived again.
#[test]
fn what_describes_the_data_is_derived_again() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = temp.path().join("out");
    let again = ["--profile", SHOP, "--replay", "0"];
    shops(&out, &[]);
    let rewrite = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest =
            Manifest::parse(&fs::read_to_string(out.join("manifest.json")).expect("reads")).expect("ours");
        change(&mut manifest);
        fs::write(out.join("manifest.json"), manifest.to_json()).expect("writes");
        let mut sums = String::new();
        let listed = manifest.files.iter().map(|file| (&file.path, &file.sha256));
        for (path, hash) in listed.chain(manifest.beside.iter().map(|file| (&file.path, &file.sha256))) {
            sums += &format!("{hash}  {path}\n");
        }
        let own = placebo::digest::sha256(manifest.to_json().as_bytes());
        fs::write(out.join("SHA256SUMS"), format!("{sums}{own}  manifest.json\n")).expect("writes");
    };
    for (name, from, to) in [
        ("schema.sql", "CREATE TABLE", "DROP TABLE payment;\nCREATE TABLE"),
        ("datapackage.json", "payment.csv", "https://example.com/payment.csv"),
    ] {
        let sound = fs::read_to_string(out.join(name)).expect("reads");
        let changed = sound.replacen(from, to, 1);
        assert_ne!(sound, changed);
        fs::write(out.join(name), &changed).expect("writes");
        let to = |text: &str| {
            let text = text.to_owned();
            rewrite(&move |manifest: &mut Manifest| {
                let entry = manifest.beside.iter_mut().find(|file| file.path == name).expect("an entry");
                (entry.bytes, entry.sha256) = (text.len() as u64, placebo::digest::sha256(text.as_bytes()));
            });
        };
        to(&changed);
        holds(&out, &["--quick"]);
        found(&out, &again, &[name, "replay", "from line"]);
        fs::write(out.join(name), &sound).expect("writes");
        to(&sound);
        holds(&out, &again);
    }
    let changes: [Change<'_>; 3] = [
        ("real_data", &|manifest| "real people".clone_into(&mut manifest.real_data)),
        ("rows", &|manifest| _ = manifest.rows.insert("nothing".to_owned(), 5)),
        ("tables", &|manifest| manifest.tables[1].columns[1].nullable = true),
    ];
    for (field, change) in changes {
        let sound = ["manifest.json", "SHA256SUMS"].map(|name| fs::read(out.join(name)).expect("reads"));
        rewrite(change);
        holds(&out, &["--quick"]);
        let (code, said, why) = crate::verify::verify(&out, &again);
        assert!(matches!(code, 3 | 6), "{field}: {said}{why}");
        fs::write(out.join("manifest.json"), &sound[0]).expect("writes");
        fs::write(out.join("SHA256SUMS"), &sound[1]).expect("writes");
    }
    // A line twice, the first of them wrong: `sha256sum -c` would fail.
    let sums = fs::read_to_string(out.join("SHA256SUMS")).expect("reads");
    let wrong = format!("{}  payment.csv\n{sums}", "0".repeat(64));
    fs::write(out.join("SHA256SUMS"), wrong).expect("writes");
    found(&out, &["--quick"], &["SHA256SUMS"]);
}

#[test]
fn a_part_that_is_missing_from_a_signed_run_is_a_finding() {
    let temp = tempfile::tempdir().expect("a folder");
    let (out, key) = (temp.path().join("out"), signer(temp.path()));
    for part in ["1/3", "2/3", "3/3"] {
        shops(&out, &["--part", part]);
    }
    good(&["sign", text(&out), "--key", text(&key)]);
    holds(&out, &["--quick"]);
    for (name, _) in files(&out).iter().filter(|(name, _)| name.to_string_lossy().contains("part-00001")) {
        fs::remove_file(out.join(name)).expect("removes");
    }
    fs::remove_file(out.join("run.part-00001.jsonl")).expect("removes");
    found(&out, &["--quick"], &["manifest.part-00001.json", "2 of 3 parts"]);
    let said = holds(&out, &["--quick", "--allow-missing-parts"]);
    assert!(said.contains("note  2 of 3 parts are here"), "{said}");
    // Unsigned, the parts of a run may be anywhere.
    for name in ["manifest.part-00000.dsse.json", "manifest.part-00002.dsse.json"] {
        fs::remove_file(out.join(name)).expect("removes");
    }
    holds(&out, &["--quick"]);
}
