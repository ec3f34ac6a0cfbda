//! What a run leaves behind, whatever happens to it: whole files, sums that others can check, and one run at a time in a folder.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::run::{files, good, placebo};

/// A run that takes longer than the test, once it holds its folder.
fn long(out: &Path) -> Child {
    let out = out.to_str().expect("a path");
    let run = placebo(&["generate", "healthcare", "--rows", "patient=200k", "--out", out, "-q"])
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let lock = Path::new(out).join(".placebo.lock");
    let started = Instant::now();
    while !std::fs::read_to_string(&lock).is_ok_and(|text| text.ends_with('\n')) {
        assert!(started.elapsed() < Duration::from_secs(30), "no lock");
        std::thread::sleep(Duration::from_millis(10));
    }
    run
}

/// Sends a signal and gives the exit code.
fn stopped(mut run: Child, signal: &str) -> Option<i32> {
    let started = Instant::now();
    let sent = Command::new("kill").args([signal, &run.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    let code = run.wait().expect("ends").code();
    assert!(started.elapsed() < Duration::from_secs(10), "it goes on after {signal}");
    code
}

#[test]
fn a_folder_is_one_run_s_and_a_signal_leaves_whole_files_alone() {
    let temp = tempfile::tempdir().expect("a folder");
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let out = temp.path().join(signal);
        let run = long(&out);
        let second =
            placebo(&["generate", "healthcare", "--out", out.to_str().expect("a path")]).output().expect("runs");
        assert_eq!(second.status.code(), Some(7));
        let said = String::from_utf8_lossy(&second.stderr);
        assert!(said.contains(&format!("process {} writes", run.id())), "{said}");
        assert_eq!(stopped(run, signal), Some(code));
        // Small tables may be whole by then; what is not has no name, and nothing says that the run is done.
        let left = files(&out);
        assert!(left.iter().any(|(name, _)| name.ends_with(".placebo.journal")), "nothing to go on with");
        let mut named = left.iter().filter(|(name, _)| {
            !name.to_string_lossy().ends_with(".inprogress") && !name.starts_with(".placebo.journal")
        });
        assert!(named.all(|(name, bytes)| name.extension().is_some_and(|end| end == "csv") && bytes.ends_with(b"\n")));
    }
}

#[test]
fn a_second_signal_ends_a_run_at_once() {
    let temp = tempfile::tempdir().expect("a folder");
    let mut run = long(&temp.path().join("out"));
    let sent = Instant::now();
    for _ in 0..2 {
        assert!(Command::new("kill").args(["-INT", &run.id().to_string()]).status().expect("kill").success());
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(run.wait().expect("ends").code(), Some(130));
    assert!(sent.elapsed() < Duration::from_secs(2), "it goes on for {:?}", sent.elapsed());
}

#[test]
fn the_dead_hold_no_folder() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = temp.path().join("out");
    let mut run = long(&out);
    run.kill().expect("kills");
    run.wait().expect("ends");
    good(&[
        "generate",
        "healthcare",
        "--rows",
        "patient=5",
        "--out",
        out.to_str().expect("a path"),
        "-q",
        "--overwrite",
    ]);
}

#[test]
fn sums_are_those_of_sha256sum() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = temp.path().to_str().expect("a path");
    for part in ["1/2", "2/2"] {
        good(&["generate", "healthcare", "--rows", "patient=20", "--part", part, "--out", out, "-q"]);
    }
    for sums in ["SHA256SUMS.part-00000", "SHA256SUMS.part-00001"] {
        let checked =
            || Command::new("sha256sum").args(["--strict", "-c", sums]).current_dir(out).output().expect("runs");
        let shown = checked();
        assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
        let lines = String::from_utf8_lossy(&shown.stdout).lines().count();
        assert!(lines > 20, "{lines} files");
    }
    let file = temp.path().join("person/part-00001.csv");
    let mut bytes = std::fs::read(&file).expect("reads");
    bytes[100] ^= 1;
    std::fs::write(&file, bytes).expect("writes");
    let seen = Command::new("sha256sum").args(["-c", "SHA256SUMS.part-00001"]).current_dir(out).output().expect("runs");
    assert!(!seen.status.success());
}
