//! Folders that somebody else made or changed: what they say is checked, where they lead is not followed, and nothing waits for a
//! pipe in place of a file.

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
fn a_folder_of_another_run_is_refused_and_nothing_in_it_changes() {
    let temp = tempfile::tempdir().expect("a folder");
    let (out, key) = (temp.path().join("out"), signer(temp.path()));
    for signed in [false, true] {
        let _gone_already = fs::remove_dir_all(&out);
        shops(&out, &[]);
        if signed {
            good(&["sign", text(&out), "--key", text(&key)]);
        }
        let before = files(&out);
        let others: [&[&str]; 6] = [
            &[],
            &["--format", "parquet"],
            &["--tables", "shop"],
            &["--seed", "1"],
            &["--part", "1/2"],
            &["--format", "json", "--part", "2/2"],
        ];
        for more in others {
            let done = shop(&out, more);
            assert_eq!(done.status.code(), Some(2), "{more:?}: {}", said(&done));
            assert!(said(&done).contains("--overwrite"), "{}", said(&done));
            assert!(files(&out) == before, "{more:?} changed the folder");
        }
        let other = ["generate", "tests/fixtures/bank", "--rows", "payment=50", "--out", text(&out), "-q"];
        refused(&other, &[2], "--overwrite");
        // One that overwrites and cannot be changes nothing either.
        assert_eq!(shop(&out, &["--overwrite", "--max-rows", "1"]).status.code(), Some(3));
        assert!(files(&out) == before, "an impossible run changed the folder");
        // And one that can removes all that the other run had.
        good(&[&other[..], &["--overwrite"]].concat());
        holds(&out, &["--profile", "tests/fixtures/bank", "--replay", "all"]);
    }
}

#[test]
fn parts_of_one_run_share_a_folder_and_others_are_refused() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = temp.path().join("out");
    let verified = || holds(&out, &["--profile", SHOP, "--replay", "all"]);
    for part in ["1/3", "3/3"] {
        shops(&out, &["--part", part]);
    }
    let before = files(&out);
    let others: [&[&str]; 8] = [
        &[],
        &["--part", "1/3"],
        &["--part", "2/4"],
        &["--part", "2/3", "--seed", "1"],
        &["--part", "2/3", "--format", "parquet"],
        &["--part", "2/3", "--tables", "account"],
        &["--part", "2/3", "--csv-guard", "quote"],
        &["--part", "2/3", "--set", "rate=0.5"],
    ];
    for more in others {
        let done = shop(&out, more);
        assert_eq!(done.status.code(), Some(2), "{more:?}: {}", said(&done));
        assert!(files(&out) == before, "{more:?} changed the folder");
    }
    shops(&out, &["--part", "2/3"]);
    assert!(!verified().contains("note"));
    // Overwriting a part of the same run leaves the others; one of another run begins a folder of its own.
    shops(&out, &["--part", "2/3", "--overwrite"]);
    assert!(!verified().contains("note"));
    shops(&out, &["--part", "2/3", "--seed", "1", "--overwrite"]);
    assert!(verified().contains("1 of 3 parts are here"));
    let runs: Vec<_> = ["1/3", "3/3"]
        .map(|part| {
            placebo(&[&["generate", SHOP, "--out", text(&out), "--seed", "1", "--part", part], &SMALL[..]].concat())
                .spawn()
        })
        .into_iter()
        .collect();
    runs.into_iter().for_each(|run| assert!(run.expect("starts").wait().expect("ends").success()));
    assert!(!verified().contains("note"));
    // All parts at once, over those of another run.
    let runs: Vec<_> = ["1/3", "2/3", "3/3"]
        .map(|part| {
            let how = ["--seed", "2", "--part", part, "--overwrite"];
            placebo(&[&["generate", SHOP, "--out", text(&out)], &SMALL[..], &how].concat()).spawn()
        })
        .into_iter()
        .collect();
    runs.into_iter().for_each(|run| assert!(run.expect("starts").wait().expect("ends").success()));
    assert!(!verified().contains("note"));
    shops(&out, &["--overwrite", "--format", "arrow"]);
    verified();
}

/// Whatever one of our names has is something that is there, with a manifest or without.
#[test]
fn what_is_left_of_a_run_is_refused_too() {
    let temp = tempfile::tempdir().expect("a folder");
    let names = [
        "manifest.json",
        "manifest.part-00007.json",
        "manifest.dsse.json",
        "SHA256SUMS",
        "SHA256SUMS.part-00000",
        "datapackage.json",
        "schema.sql",
        "payment.parquet",
        ".placebo.part-00001.journal",
    ];
    for (n, name) in names.iter().enumerate() {
        let out = temp.path().join(n.to_string());
        fs::create_dir(&out).expect("a folder");
        fs::write(out.join(name), "x").expect("writes");
        let done = shop(&out, &[]);
        assert_eq!(done.status.code(), Some(2), "{name}: {}", said(&done));
        assert_eq!(fs::read_to_string(out.join(name)).expect("reads"), "x");
        assert!(!out.join("payment.csv").exists());
    }
    // A file of somebody else is none of ours, and stays.
    let out = temp.path().join("notes");
    fs::create_dir(&out).expect("a folder");
    fs::write(out.join("README.md"), "notes").expect("writes");
    shops(&out, &[]);
    shops(&out, &["--overwrite"]);
    assert_eq!(fs::read_to_string(out.join("README.md")).expect("reads"), "notes");
}

/// What is removed is in the folder, however the manifest of the earlier run reads.
#[test]
fn overwriting_removes_nothing_outside_of_the_folder() {
    let temp = tempfile::tempdir().expect("a folder");
    let (out, outside) = (temp.path().join("out"), temp.path().join("outside"));
    fs::create_dir(&outside).expect("a folder");
    for name in ["part-00000.csv", "part-00000.csv.inprogress", "victim.csv"] {
        fs::write(outside.join(name), "precious").expect("writes");
    }
    shops(&out, &["--part", "1/1"]);
    fs::remove_dir_all(out.join("payment")).expect("removes");
    symlink(&outside, out.join("payment")).expect("links");
    shops(&out, &["--overwrite"]);
    edit(&out, "manifest.json", "\"path\": \"payment.csv\"", "\"path\": \"../outside/victim.csv\"");
    shops(&out, &["--overwrite", "--format", "json"]);
    for name in ["part-00000.csv", "part-00000.csv.inprogress", "victim.csv"] {
        assert_eq!(fs::read_to_string(outside.join(name)).expect("there"), "precious");
    }
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

/// A pipe in place of any file of ours: every command ends by itself.
#[test]
fn nothing_waits_for_a_pipe() {
    let temp = tempfile::tempdir().expect("a folder");
    let key = signer(temp.path());
    let sound = temp.path().join("sound");
    shops(&sound, &[]);
    good(&["sign", text(&sound), "--key", text(&key)]);
    let log = fs::read(sound.join("run.jsonl")).expect("reads");
    let names = [
        "manifest.json",
        "manifest.dsse.json",
        "SHA256SUMS",
        "run.jsonl",
        "schema.sql",
        "payment.csv",
        "payment.csv.inprogress",
        ".placebo.journal",
        ".placebo.lock",
        "manifest.part-00000.json",
        ".placebo.part-00000.journal",
    ];
    for name in names {
        let out = temp.path().join("out");
        let fresh = || {
            crate::verify::copy(&sound, &out);
            fs::write(out.join("run.jsonl"), &log).expect("writes");
            pipe(&out.join(name));
        };
        fresh();
        found(&out, &["--quick"], &[name]);
        refused(&["sign", text(&out), "--key", text(&key)], &[6], "");
        if name == "run.jsonl" {
            refused(&["audit", "verify", text(&out)], &[4], "named pipe");
            refused(&["audit", "verify", text(&out.join(name))], &[4], "named pipe");
        }
        for more in [&[][..], &["--resume"], &["--overwrite"], &["--part", "1/2"], &["--part", "1/2", "--overwrite"]] {
            fresh();
            let run = placebo(&[&["generate", SHOP, "--out", text(&out)], &SMALL[..], more].concat());
            let (code, said) = ends(run);
            let over = more.contains(&"--overwrite");
            assert!(
                matches!(code, Some(2 | 4 | 6)) || code == Some(0) && (over || more == ["--resume"]),
                "{name} {more:?}: {code:?} {said}"
            );
        }
    }
    // A profile's data and keys, and what SQLite keeps beside its file.
    let path = temp.path().join("pipe");
    pipe(&path);
    let out = temp.path().join("other");
    refused(&["sign", text(&sound), "--key", text(&path)], &[8], "named pipe");
    refused(&["verify", text(&sound), "--public-key", text(&path)], &[8], "named pipe");
    let keyring = format!("file:{}", text(&path));
    refused(
        &["generate", CLINIC, "--protect", "pii=encrypt", "--key-source", &keyring, "--out", text(&out)],
        &[8],
        "pipe",
    );
    refused(&["keys", "list", "--keyring", text(&path)], &[8], "pipe");
    refused(&["keys", "rotate", "--keyring", text(&path)], &[8], "");
    #[cfg(feature = "sqlite")]
    {
        let database = temp.path().join("x.db");
        let to = format!("sqlite:{}", text(&database));
        good(&["load", SHOP, "--to", &to, "--rows", "account=5", "-q"]);
        for end in ["-journal", "-wal", "-shm"] {
            let beside = temp.path().join(format!("x.db{end}"));
            pipe(&beside);
            refused(&["load", SHOP, "--to", &to, "--rows", "account=5", "-q"], &[4], "no regular file");
            fs::remove_file(&beside).expect("removes");
        }
    }
}

/// A run that waits for the reader of its output ends when it is told to.
#[test]
fn a_signal_ends_what_waits() {
    use std::os::unix::process::ExitStatusExt;
    let temp = tempfile::tempdir().expect("a folder");
    let term = |child: &std::process::Child| {
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill").success());
    };
    let waits = ["generate", SHOP, "--rows", "account=1M", "--tables", "payment", "--out", "-", "-q"];
    let mut child = placebo(&waits).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts");
    // Until the pipe is full.
    std::thread::sleep(Duration::from_secs(3));
    term(&child);
    let told = Instant::now();
    assert_eq!(child.wait().expect("ends").code(), Some(143));
    assert!(told.elapsed() < Duration::from_secs(20), "it went on for {:?}", told.elapsed());
    // A profile may be a pipe: a command waits for it, and can be ended.
    let path = temp.path().join("profile.toml");
    pipe(&path);
    for args in [&["check", text(&path)][..], &["generate", text(&path), "--out", text(&temp.path().join("out"))]] {
        let mut child = placebo(args).stderr(Stdio::null()).spawn().expect("starts");
        std::thread::sleep(Duration::from_millis(300));
        term(&child);
        let ended = child.wait().expect("ends");
        assert!(ended.signal() == Some(15) || ended.code() == Some(143), "{args:?}: {ended}");
    }
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_with_a_hint() {
    let temp = tempfile::tempdir().expect("a folder");
    let limited = |args: &[&str]| {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -f 16; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_placebo")]).args(args);
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        command
    };
    for format in ["csv", "parquet"] {
        let out = temp.path().join(format);
        let args = ["generate", SHOP, "--rows", "account=20k", "--format", format, "--out", text(&out), "-q"];
        let (code, said) = ends(limited(&args));
        assert!(code == Some(4) && said.contains("ulimit -f"), "{code:?}: {said}");
        good(&[&args[..], &["--resume"]].concat());
        holds(&out, &["--quick"]);
    }
    let to = fs::File::create(temp.path().join("table.csv")).expect("creates");
    let table = ["generate", SHOP, "--rows", "account=20k", "--tables", "payment", "--out", "-", "-q"];
    let output = limited(&table).stdout(to).stderr(Stdio::piped()).output().expect("runs");
    assert!(output.status.code() == Some(4) && said(&output).contains("ulimit -f"), "{}", said(&output));
}

#[test]
fn a_folder_s_name_is_any_name_and_a_closed_output_is_an_error() {
    use std::os::unix::ffi::OsStrExt;
    let temp = tempfile::tempdir().expect("a folder");
    let odd = temp.path().join(std::ffi::OsStr::from_bytes(b"out\xff"));
    let run = |more: &[&str]| {
        let mut command = placebo(&[&["generate", SHOP], &SMALL[..], more].concat());
        command.arg("--out").arg(&odd);
        ends(command)
    };
    assert_eq!(run(&[]), (Some(0), String::new()));
    assert!(odd.join("manifest.json").is_file());
    let (code, said) = run(&["--log-format", "json"]);
    assert!(code == Some(2) && said.starts_with('{'), "{said}");
    assert_eq!(run(&["--resume"]), (Some(0), String::new()));
    #[cfg(feature = "sqlite")]
    {
        let mut to = std::ffi::OsString::from("sqlite:");
        to.push(temp.path().join(std::ffi::OsStr::from_bytes(b"x\xff.db")));
        let mut load = placebo(&["load", SHOP, "--rows", "account=5", "-q", "--to"]);
        load.arg(to);
        assert_eq!(ends(load), (Some(0), String::new()));
    }
    let shell = |end: &str| {
        let line = format!("exec \"$@\" {end}");
        let program = env!("CARGO_BIN_EXE_placebo");
        let mut command = Command::new("sh");
        command.args(["-c", &line, "sh", program, "generate", SHOP, "--tables", "shop", "--out", "-", "-q"]);
        command.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("runs")
    };
    let closed = shell(">&-");
    assert!(closed.status.code() == Some(4) && self::said(&closed).contains("closed"), "{}", self::said(&closed));
    for end in ["> /dev/null", "| cat", ""] {
        assert!(shell(end).status.success(), "{end}");
    }
}
