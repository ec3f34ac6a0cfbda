//! Going on with a run: only with equal inputs, one at a time, and with room; what the system sees of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use placebo::dataset::DataSet;
use placebo::folder::estimate::{Care, estimate};
use placebo::format;
use placebo::plan::{Options, Plan};
use placebo::profile;

use crate::run::{files, good, placebo};

const SHOP: &str = "tests/fixtures/shop";

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// A copy of a small profile that a test may change.
fn own_profile(folder: &Path) -> PathBuf {
    let path = folder.join("mine");
    std::fs::create_dir_all(&path).expect("a folder");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(SHOP).join("profile.toml");
    std::fs::copy(from, path.join("profile.toml")).expect("copies");
    path
}

/// Starts a run and stops it by a signal once its journal has a chunk.
pub(crate) fn interrupted(args: &[&str], out: &Path) {
    let mut run = placebo(args).stderr(Stdio::null()).spawn().expect("starts");
    let started = Instant::now();
    while std::fs::read_to_string(out.join(".placebo.journal")).map_or(0, |text| text.lines().count()) < 2 {
        assert!(started.elapsed() < Duration::from_mins(1), "no chunk");
        assert!(run.try_wait().expect("asks").is_none(), "the run was too short");
        std::thread::sleep(Duration::from_millis(2));
    }
    let stopped = Instant::now();
    assert!(Command::new("kill").args(["-TERM", &run.id().to_string()]).status().expect("kill").success());
    assert_eq!(run.wait().expect("ends").code(), Some(143));
    assert!(stopped.elapsed() < Duration::from_secs(5), "it went on for {:?}", stopped.elapsed());
}

#[test]
fn other_inputs_are_refused_and_equal_ones_go_on() {
    let temp = tempfile::tempdir().expect("a folder");
    let mine = own_profile(temp.path());
    let out = temp.path().join("out");
    let (whole, mine_text) = (temp.path().join("whole"), text(&mine).to_owned());
    let base = ["generate", &mine_text, "--rows", "account=400k", "--tables", "account,payment", "--out"];
    good(&[&base[..], &[text(&whole), "-q"]].concat());
    interrupted(&[&base[..], &[text(&out), "-q"]].concat(), &out);
    let left = files(&out);
    let refused = |args: &[&str], what: &str| {
        let output = placebo(args).output().expect("runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{what}: {stderr}");
        assert!(stderr.contains("other inputs") && stderr.contains("--overwrite"), "{what}: {stderr}");
        assert!(files(&out) == left, "{what}: the folder was touched");
    };
    let with = |more: &[&str]| {
        [&base[..], &[text(&out), "--resume", "-q"], more].concat().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let changed: [(&str, &[&str]); 6] = [
        ("seed", &["--seed", "1"]),
        ("as_of", &["--as-of", "2025-07-01"]),
        ("parameter", &["--set", "rate=0.4"]),
        ("scale", &["--scale", "2"]),
        ("guard", &["--csv-guard", "quote"]),
        ("format", &["--format", "ndjson"]),
    ];
    for (what, more) in changed {
        let args = with(more);
        refused(&args.iter().map(String::as_str).collect::<Vec<_>>(), what);
    }
    let rows: Vec<String> = with(&[]).iter().map(|arg| arg.replace("400k", "400001")).collect();
    refused(&rows.iter().map(String::as_str).collect::<Vec<_>>(), "rows");
    let tables: Vec<String> = with(&[]).iter().map(|arg| arg.replace("account,payment", "payment")).collect();
    refused(&tables.iter().map(String::as_str).collect::<Vec<_>>(), "tables");
    let file = mine.join("profile.toml");
    let sound = std::fs::read_to_string(&file).expect("text");
    std::fs::write(&file, sound.replace("rows = 5\n", "rows = 6\n")).expect("writes");
    let args = with(&[]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    refused(&args, "profile");
    std::fs::write(&file, sound).expect("writes");
    // A run that does not say what to do about it stops too.
    let plain = placebo(&[&base[..], &[text(&out), "-q"]].concat()).output().expect("runs");
    assert_eq!(plain.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&plain.stderr).contains("--resume"));
    good(&args);
    assert!(files(&out) == files(&whole), "gone on with, it gives other files");
    // And again, where nothing is left to do.
    good(&args);
    assert!(files(&out) == files(&whole));
}

#[test]
fn of_two_runs_on_one_folder_one_wins() {
    let temp = tempfile::tempdir().expect("a folder");
    let (whole, out) = (temp.path().join("whole"), temp.path().join("out"));
    let args = |out: &Path| {
        ["generate", "healthcare", "--scale", "6", "-q", "--out"]
            .map(str::to_owned)
            .into_iter()
            .chain([text(out).to_owned()])
            .collect::<Vec<_>>()
    };
    let run = |out: &Path| {
        let args = args(out);
        placebo(&args.iter().map(String::as_str).collect::<Vec<_>>()).stderr(Stdio::piped()).spawn().expect("starts")
    };
    assert!(run(&whole).wait().expect("ends").success());
    // Both at once. On a busy machine one may have ended before the other begins, which then finds its files.
    let ends = [run(&out), run(&out)].map(|run| run.wait_with_output().expect("ends"));
    let mut codes = ends.iter().map(|end| end.status.code()).collect::<Vec<_>>();
    codes.sort_unstable();
    assert!(codes[0] == Some(0) && matches!(codes[1], Some(2 | 7)), "{codes:?}");
    assert!(files(&whole) == files(&out));
    // The first one holds the folder, and stands still: the second one names it.
    let out = temp.path().join("stopped");
    let first = run(&out);
    let signal = |signal: &str| {
        assert!(Command::new("kill").args([signal, &first.id().to_string()]).status().expect("kill").success());
    };
    let started = Instant::now();
    while !std::fs::read_to_string(out.join(".placebo.lock")).is_ok_and(|text| text.ends_with('\n')) {
        assert!(started.elapsed() < Duration::from_mins(1), "no lock");
        std::thread::sleep(Duration::from_millis(2));
    }
    signal("-STOP");
    let second = run(&out).wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(7), "{said}");
    assert!(said.contains(&format!("process {} writes", first.id())), "{said}");
    signal("-CONT");
    assert!(first.wait_with_output().expect("ends").status.success());
    assert!(files(&whole) == files(&out));
    // It does not wait: with the folder held, it is gone before long.
    let held = temp.path().join("held");
    std::fs::create_dir(&held).expect("a folder");
    std::fs::write(held.join(".placebo.lock"), "process 1\n").expect("writes");
    let lock = std::fs::File::open(held.join(".placebo.lock")).expect("a file");
    lock.lock().expect("locks");
    let asked = Instant::now();
    assert_eq!(run(&held).wait().expect("ends").code(), Some(7));
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}

/// What the kernel is asked for, as `strace` shows it.
fn traced(args: &[&str], options: &[&str], log: &Path) -> (Option<i32>, String) {
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-o", text(log)]).args(options).arg(env!("CARGO_BIN_EXE_placebo")).args(args);
    let status = command.current_dir(env!("CARGO_MANIFEST_DIR")).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let status = status.expect("strace is needed: `make test` installs it, or apt-get install strace");
    (status.code(), std::fs::read_to_string(log).expect("a log"))
}

#[test]
fn the_kernel_sees_write_sync_rename_sync_for_every_file() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = temp.path().join("out");
    let (code, log) = traced(
        &["generate", SHOP, "--out", text(&out), "-q", "--threads", "1"],
        &["-e", "trace=write,fsync,rename,renameat,renameat2"],
        &temp.path().join("log"),
    );
    assert_eq!(code, Some(0));
    let lines: Vec<&str> = log.lines().collect();
    let mut seen = 0;
    for (path, _) in files(&out) {
        let whole = text(&out.join(&path)).to_owned();
        let new = format!("{whole}.inprogress");
        let after = |from: usize, what: &str, named: &str| {
            let found = (from..lines.len()).find(|at| lines[*at].contains(what) && lines[*at].contains(named));
            found.unwrap_or_else(|| panic!("no {what} of {named} after line {from}"))
        };
        let written = after(0, "write(", &format!("<{new}>"));
        let synced = after(written, "fsync(", &format!("<{new}>"));
        assert!(
            !lines[synced..].iter().any(|line| line.contains("write(") && line.contains(&format!("<{new}>"))),
            "{new} is written after its sync"
        );
        let renamed = after(synced, "rename", &format!("\"{new}\", \"{whole}\""));
        after(renamed, "fsync(", &format!("<{}>", text(&out)));
        seen += 1;
    }
    assert_eq!(seen, 10, "four tables and six files that describe them");
    let manifest =
        lines.iter().position(|line| line.contains("rename") && line.contains("/manifest.json\"")).expect("a manifest");
    let last = lines.iter().rposition(|line| line.contains("rename")).expect("a rename");
    assert_eq!(manifest, last, "the manifest comes last");
}

#[test]
fn faults_of_the_kernel_leave_what_can_be_gone_on_with() {
    let temp = tempfile::tempdir().expect("a folder");
    let whole = temp.path().join("whole");
    good(&["generate", SHOP, "--out", text(&whole), "-q", "--threads", "1"]);
    let faults = [
        "write:error=ENOSPC:when=",
        "write:error=EIO:when=",
        "fsync:error=EIO:when=",
        "rename:error=EXDEV:when=",
        "openat:error=EMFILE:when=",
    ];
    let mut failed = 0;
    for (n, fault) in faults.iter().enumerate() {
        for when in [1_usize, 3, 6, 9, 14] {
            let out = temp.path().join(format!("{n}-{when}"));
            let open = fault.starts_with("openat");
            // The loader opens files too.
            let when = if open { when + 20 } else { when };
            let inject = format!("inject={fault}{when}{}", if fault.contains("ENOSPC") { "+" } else { "" });
            let (code, _) = traced(
                &["generate", SHOP, "--out", text(&out), "-q", "--threads", "1"],
                &["-e", &inject],
                &temp.path().join("log"),
            );
            assert!(matches!(code, Some(0 | 4)), "{inject}: {code:?}");
            failed += usize::from(code == Some(4));
            if out.is_dir() {
                for (path, bytes) in files(&out) {
                    let name = path.to_string_lossy();
                    if !name.contains("inprogress") && !name.starts_with(".placebo") {
                        let golden = std::fs::read(whole.join(&path)).expect("a file");
                        assert!(golden == bytes, "{inject}: `{name}` is not whole under its name");
                    }
                }
            }
            good(&["generate", SHOP, "--out", text(&out), "-q", "--resume"]);
            assert!(files(&out) == files(&whole), "{inject}: other files");
        }
    }
    assert!(failed >= 15, "only {failed} faults were met");
}

#[test]
fn a_disk_without_room_is_said_before_the_first_byte() {
    let temp = tempfile::tempdir().expect("a folder");
    let small = temp.path().join("small");
    std::fs::create_dir(&small).expect("a folder");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs", text(&small)])
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        crate::run::say("no tmpfs may be mounted here: a small disk is simulated by tests/it/faults.rs alone");
        return;
    }
    let out = small.join("out");
    let refused =
        placebo(&["generate", SHOP, "--rows", "account=100k", "--out", text(&out), "--error-format", "json"]).output();
    let left = std::fs::read_dir(&out).map_or(0, |files| {
        files.filter_map(Result::ok).filter(|file| !file.file_name().to_string_lossy().ends_with("jsonl")).count()
    });
    let fits = placebo(&["generate", SHOP, "--rows", "account=1k", "--out", text(&out), "-q", "--resume"]).output();
    let unmounted = Command::new("umount").arg(&small).status().expect("umount");
    assert!(unmounted.success());
    let refused = refused.expect("runs");
    assert_eq!(refused.status.code(), Some(4));
    let said: serde_json::Value = serde_json::from_slice(&refused.stderr).expect("JSON");
    assert!(
        said["message"].as_str().is_some_and(|text| text.contains("bytes are needed") && text.contains("are free")),
        "{said}"
    );
    assert_eq!(left, 0, "something is left");
    assert!(fits.expect("runs").status.success());
}

#[test]
fn sizes_are_known_before_the_run() {
    for name in profile::names() {
        let loaded = profile::load(name).expect("loads");
        let plan = Plan::compile(&loaded, &Options { scale: 4.0, ..Options::default() }).expect("compiles");
        let set = DataSet::new(plan);
        for format in format::of_tables() {
            let told = estimate(&set, (format, &format::Options::default()), Care::Careful).expect("estimates");
            let told: f64 = told.iter().map(|table| table.bytes).sum();
            let temp = tempfile::tempdir().expect("a folder");
            good(&["generate", name, "--scale", "4", "--format", format.name, "--out", text(temp.path()), "-q"]);
            let end = format!(".{}", format.name);
            let bytes = |(path, bytes): (PathBuf, Vec<u8>)| {
                if text(&path).ends_with(&end)
                    && !text(&path).contains("manifest")
                    && !text(&path).contains("datapackage")
                {
                    bytes.len()
                } else {
                    0
                }
            };
            let real: usize = files(temp.path()).into_iter().map(bytes).sum();
            let off = told / real as f64 - 1.0;
            crate::run::say(&format!("{name} as {}: {real} bytes, {:+.1} %", format.name, 100.0 * off));
            assert!(off.abs() < 0.15, "{name} as {}: {told:.0} told, {real} written", format.name);
        }
    }
}

/// Every exit code that a command can have, except that of databases (5), which there are none of yet.
#[test]
fn exit_codes_are_a_contract() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = temp.path().join("out");
    good(&["generate", SHOP, "--out", text(&out), "-q"]);
    std::fs::write(out.join("run.jsonl"), "{}\n").expect("writes");
    let held = temp.path().join("held");
    std::fs::create_dir(&held).expect("a folder");
    let lock = std::fs::File::create(held.join(".placebo.lock")).expect("a file");
    lock.lock().expect("locks");
    let cases: [(i32, &[&str]); 6] = [
        (0, &["list", "formats"]),
        (2, &["generate", SHOP, "--nope"]),
        (3, &["check", "tests/fixtures/bad/cycle.toml"]),
        (4, &["generate", SHOP, "--out", "/dev/null/x"]),
        (6, &["audit", "verify", text(&out)]),
        (7, &["generate", SHOP, "--out", text(&held)]),
    ];
    for (code, args) in cases {
        let output = placebo(args).args(["--error-format", "json"]).output().expect("runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        if code != 0 {
            let said: serde_json::Value = serde_json::from_str(stderr.lines().last().expect("a line")).expect("JSON");
            assert_eq!(said["code"].as_i64(), Some(i64::from(code)), "{said}");
            for field in ["message", "path", "cause", "hint"] {
                assert!(said.get(field).is_some(), "{said}");
            }
        }
    }
    // A defect is nothing that a test could ask for; a machine without threads for the run is told in the same way.
    let limit = "ulimit -v 4000000; exec \"$@\"";
    let program = env!("CARGO_BIN_EXE_placebo");
    let run = ["-c", limit, "sh", program, "verify", text(&out), "--threads", "1024", "--error-format", "json"];
    let output = Command::new("sh").args(run).output().expect("runs");
    let said: serde_json::Value = serde_json::from_slice(&output.stderr).expect("JSON");
    assert_eq!((output.status.code(), said["code"].as_i64()), (Some(1), Some(1)), "{said}");
    assert!(said["message"].as_str().is_some_and(|text| text.contains("no threads")), "{said}");
    let cause = placebo(&["generate", SHOP, "--out", "/dev/null/x", "--error-format", "json"]).output().expect("runs");
    let said: serde_json::Value = serde_json::from_slice(&cause.stderr).expect("JSON");
    assert!(said["cause"][0].as_str().is_some_and(|text| text.contains("os error 20")), "{said}");
}
