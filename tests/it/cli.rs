//! The real binary: output, messages, exit codes.

use std::io::Read;
use std::process::Stdio;

use crate::run::{good, placebo};

fn fails(args: &[&str]) -> (i32, String) {
    let output = placebo(args).output().expect("runs");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn mistakes_have_their_exit_codes_and_hints() {
    let cases: [(&[&str], i32, &str); 8] = [
        (&["generate", "helthcare"], 2, "did you mean `healthcare`?"),
        (&["generate", "healthcare", "--tables", "patinet", "--out", "-"], 2, "did you mean `patient`?"),
        (&["generate", "healthcare", "--format", "parket", "--out", "-"], 2, "did you mean `parquet`?"),
        (&["generate", "healthcare", "--rows", "patient=many"], 2, "5000, 10k, 5M or 1e6"),
        (&["generate", "healthcare", "--out", "-"], 2, "--tables NAME"),
        (&["generate", "tests/fixtures/bad/cycle.toml"], 3, "in a cycle: t.a → t.b → t.c → t.a"),
        (&["generate", "healthcare", "--expect-fingerprint", "placebo-0"], 3, "placebo-1"),
        (&["generate", "healthcare", "--out", "/dev/null/x"], 4, "/dev/null/x"),
    ];
    for (args, code, text) in cases {
        let (got, stderr) = fails(args);
        assert_eq!(got, code, "{args:?}: {stderr}");
        assert!(stderr.contains(text), "{args:?}: {stderr}");
    }
}

#[test]
fn a_full_disk_is_an_io_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    let status = placebo(&["generate", "tests/fixtures/shop", "--tables", "payment", "--out", "-", "-q"])
        .stdout(full)
        .stderr(Stdio::null())
        .status()
        .expect("runs");
    assert_eq!(status.code(), Some(4));
}

#[test]
fn talk_that_nobody_hears_stops_no_run() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = temp.path().join("out");
    let out = out.to_str().expect("a path");
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    for more in [&[][..], &["--log-format", "json"], &["--protect", "ssn=encrypt", "--key", "env:CANARY"]] {
        let args = ["generate", "tests/fixtures/clinic", "--out", out, "--overwrite"];
        let mut run = placebo(&[&args[..], more].concat());
        assert_eq!(
            run.env("CANARY", "42".repeat(32)).stderr(full()).status().expect("runs").code(),
            Some(0),
            "{more:?}"
        );
    }
    assert_eq!(placebo(&["list", "nothing"]).stderr(full()).status().expect("runs").code(), Some(2));
}

/// Arguments need not be text: a path may be anything.
#[test]
fn arguments_that_are_no_text_are_a_usage_error_or_a_path() {
    use std::os::unix::ffi::OsStrExt;
    let temp = tempfile::tempdir().expect("a folder");
    let (odd, key) = (temp.path().join(std::ffi::OsStr::from_bytes(b"out\xff")), temp.path().join("key"));
    let text = temp.path().join("out");
    good(&["generate", "tests/fixtures/shop", "--rows", "account=5", "--out", text.to_str().expect("a path"), "-q"]);
    std::fs::rename(&text, &odd).expect("renames");
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";
    std::fs::write(&key, pem).expect("writes");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("sets");
    let signed = placebo(&["sign", "--key"]).arg(&key).arg(&odd).output().expect("runs");
    assert_eq!(signed.status.code(), Some(0), "{}", String::from_utf8_lossy(&signed.stderr));
    let refused = placebo(&["generate", "--error-format", "json"]).arg(&odd).output().expect("runs");
    assert_eq!(refused.status.code(), Some(2), "{}", String::from_utf8_lossy(&refused.stderr));
    assert!(refused.stderr.starts_with(b"{"), "{}", String::from_utf8_lossy(&refused.stderr));
}

#[test]
fn a_closed_pipe_is_quiet() {
    let mut child = placebo(&[
        "generate",
        "tests/fixtures/shop",
        "--rows",
        "account=200k",
        "--tables",
        "payment",
        "--out",
        "-",
        "-q",
    ])
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .expect("runs");
    let mut first = [0; 100];
    child.stdout.take().expect("a pipe").read_exact(&mut first).expect("a head");
    let output = child.wait_with_output().expect("ends");
    assert_eq!(
        (output.status.code(), output.stderr.len()),
        (Some(141), 0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn nothing_is_overwritten_unasked_and_nothing_half_written_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("a path");
    good(&["generate", "tests/fixtures/shop", "--out", out, "-q"]);
    let (code, stderr) = fails(&["generate", "tests/fixtures/shop", "--out", out, "-q"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("--overwrite"), "{stderr}");
    good(&["generate", "tests/fixtures/shop", "--out", out, "-q", "--overwrite"]);
    let left: Vec<_> = crate::run::files(folder.path())
        .into_iter()
        .filter(|(name, _)| name.to_string_lossy().contains("inprogress"))
        .collect();
    assert!(left.is_empty());
}

#[test]
fn the_manifest_tells_the_hash_of_every_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("a path");
    good(&["generate", "tests/fixtures/shop", "--out", out, "-q", "--format", "parquet"]);
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("manifest.json")).expect("a manifest")).expect("JSON");
    let files = manifest["files"].as_array().expect("files");
    assert_eq!(files.len(), 4);
    for file in files {
        let bytes = std::fs::read(folder.path().join(file["path"].as_str().expect("a path"))).expect("a file");
        let hash = placebo::digest::sha256(&bytes);
        assert_eq!((file["sha256"].as_str(), file["bytes"].as_u64()), (Some(hash.as_str()), Some(bytes.len() as u64)));
    }
}

/// The events on stderr: every line is one.
fn events(args: &[&str]) -> Vec<serde_json::Map<String, serde_json::Value>> {
    let output = placebo(args).args(["--log-format", "json"]).output().expect("runs");
    let stderr = String::from_utf8(output.stderr).expect("text");
    stderr.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

#[test]
fn a_run_tells_its_events_as_the_docs_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("a path");
    let started = std::time::Instant::now();
    let told = events(&["generate", "healthcare", "--rows", "patient=2k", "--tables", "condition,payer", "--out", out]);
    let seconds = started.elapsed().as_secs();
    let names: Vec<&str> = told.iter().filter_map(|event| event["event"].as_str()).collect();
    let count = |wanted: &str| names.iter().filter(|name| **name == wanted).count();
    assert_eq!((names[..2].to_vec(), names.last()), (vec!["start", "progress"], Some(&"end")), "{names:?}");
    assert_eq!((count("start"), count("file"), count("end")), (1, 2, 1), "{names:?}");
    assert!(count("progress") as u64 <= 1 + seconds, "{names:?} in {seconds} s");
    let (start, end) = (&told[0], &told[told.len() - 1]);
    assert_eq!((start["profile"].as_str(), start["seed"].as_str()), (Some("healthcare"), Some("0")));
    assert_eq!((start["rows"]["patient"].as_u64(), start["out"].as_str()), (Some(2_000), Some(out)));
    let manifest = std::fs::read(folder.path().join("manifest.json")).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
    assert_eq!(start["fingerprint"], manifest["fingerprint"]);
    for file in manifest["files"].as_array().expect("files") {
        let event = told.iter().find(|event| event["event"] == "file" && event["path"] == file["path"]).expect("told");
        assert_eq!(
            (&event["sha256"], &event["rows"], &event["bytes"]),
            (&file["sha256"], &file["rows"], &file["bytes"])
        );
    }
    let sum: u64 =
        told.iter().filter(|event| event["event"] == "file").filter_map(|event| event["rows"].as_u64()).sum();
    assert_eq!(end["rows"].as_u64(), Some(sum));
    let mut all = told;
    all.extend(events(&["generate", "tests/fixtures/bad/cycle.toml"]));
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/commands.md")).expect("a page");
    for event in all {
        let name = event["event"].as_str().expect("a name");
        let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).expect("a row of the page");
        let said: Vec<&str> = row.split('|').nth(3).expect("fields").split('`').skip(1).step_by(2).collect();
        assert_eq!(event.keys().skip(2).collect::<Vec<_>>(), said, "`{name}`");
    }
}

#[test]
fn errors_are_events_too_and_quiet_leaves_nothing_else() {
    let error = |args: &[&str]| {
        let told = events(args);
        assert_eq!(
            (told.len(), told[0]["event"].as_str(), told[0]["level"].as_str()),
            (1, Some("error"), Some("error"))
        );
        told[0].clone()
    };
    let cycle = error(&["check", "tests/fixtures/bad/cycle.toml"]);
    assert_eq!((cycle["code"].as_u64(), cycle["place"]["line"].as_u64()), (Some(3), Some(8)));
    let option = error(&["generate", "--nope"]);
    assert_eq!(option["code"], 2);
    assert!(option["message"].as_str().expect("text").contains("--nope") && option["hint"].is_string(), "{option:?}");
    assert_eq!(error(&["plan", "nope"])["code"], 2);
    assert!(events(&["generate", "tests/fixtures/shop", "--tables", "shop", "--out", "-", "-q"]).is_empty());
    assert!(events(&["list", "formats"]).is_empty());
}

#[test]
fn every_command_prints_data_to_stdout() {
    let commands: [&[&str]; 10] = [
        &["list", "profiles"],
        &["list", "generators"],
        &["list", "functions"],
        &["list", "formats"],
        &["show", "healthcare"],
        &["show", "healthcare", "patient"],
        &["plan", "healthcare"],
        &["schema"],
        &["completions", "bash"],
        &["man"],
    ];
    for args in commands {
        let output = good(args);
        assert!(output.stdout.len() > 20 && output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn the_schema_in_the_repository_is_the_program_s() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/profile.json");
    let kept = std::fs::read_to_string(path).expect("schemas/profile.json");
    assert!(kept == String::from_utf8(good(&["schema"]).stdout).expect("text"), "`make schema` writes it anew");
}

#[test]
fn the_reference_in_the_repository_is_the_program_s() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference.md");
    let kept = std::fs::read_to_string(path).expect("docs/reference.md");
    assert!(kept == String::from_utf8(good(&["reference"]).stdout).expect("text"), "`make schema` writes it anew");
}

#[test]
fn the_pages_of_the_domains_are_kept_true() {
    for name in placebo::profile::names() {
        let path = format!("{}/docs/domains/{name}.md", env!("CARGO_MANIFEST_DIR"));
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        let printed = String::from_utf8(good(&["document", name]).stdout).expect("text");
        assert!(kept == printed, "{path}: `make schema` writes it anew");
    }
}

#[test]
fn empty_roots_and_other_numbers_of_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    for (profile, root) in
        [("healthcare", "patient"), ("payments", "party"), ("claims", "member"), ("legal", "court_case")]
    {
        let out = folder.path().join(profile);
        let out = out.to_str().expect("a path");
        good(&["generate", profile, "--rows", &format!("{root}=0"), "--out", out, "-q"]);
        good(&["verify", out]);
        let table = std::fs::read_to_string(format!("{out}/{root}.csv")).expect("text");
        assert_eq!(table.lines().count(), 1, "{table}");
    }
    let count = |args: &[&str]| {
        let all = [&["generate", "healthcare", "--tables", "payer", "--out", "-"], args].concat();
        String::from_utf8(good(&all).stdout).expect("text")
    };
    assert_eq!(count(&["--rows", "patient=1e3,payer=3"]).lines().count(), 4);
    assert_eq!(count(&["--rows", "payer=0.5e1", "--seed", "-1"]).lines().count(), 6);
    for wrong in ["payer=1e", "payer=1.5", "payer=1.25e1", "payer=-1", "payer=1e30"] {
        let output = placebo(&["plan", "healthcare", "--rows", wrong]).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains("is not a number of rows"), "{wrong}: {said}");
    }
}
