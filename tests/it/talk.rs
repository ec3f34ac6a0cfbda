//! What the program says to people: the next command, whole cells, parameters with their bounds, and what a stopped run keeps.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::run::{good, placebo};

const SHOP: &str = "tests/fixtures/shop";

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

fn printed(args: &[&str]) -> String {
    String::from_utf8(good(args).stdout).expect("text")
}

/// The summary ends with a command that works as it is printed.
#[test]
fn a_run_says_the_next_command() {
    let temp = tempfile::tempdir().expect("a folder");
    let program = Path::new(env!("CARGO_BIN_EXE_placebo")).parent().expect("a folder");
    for (profile, rows, name) in [("healthcare", "patient=5", "out"), (SHOP, "account=5", "a folder's")] {
        let out = temp.path().join(name);
        let output = good(&["generate", profile, "--rows", rows, "--out", text(&out)]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let next = said.lines().find_map(|line| line.strip_prefix("next: ")).expect("a next command");
        let path = format!("{}:{}", program.display(), std::env::var_os("PATH").expect("a path").display());
        let mut shell = Command::new("sh");
        shell.args(["-ec", next]).env("PATH", path).current_dir(env!("CARGO_MANIFEST_DIR"));
        let done = shell.output().expect("sh");
        assert!(done.status.success(), "{next}: {}", String::from_utf8_lossy(&done.stderr));
        assert!(String::from_utf8_lossy(&done.stdout).contains("derived again"));
    }
}

#[test]
fn cells_are_whole_in_a_pipe() {
    for args in [
        &["list", "profiles"][..],
        &["list", "generators"],
        &["list", "kinds"],
        &["show", "claims"],
        &["show", "claims", "claim"],
        &["check", "healthcare", "--sample", "20"],
    ] {
        let said = printed(args);
        assert!(!said.contains('…'), "{args:?} cuts: {}", said.lines().find(|line| line.contains('…')).unwrap_or(""));
    }
    let about = "Shops, accounts and payments: a small profile for tests";
    assert!(printed(&["show", SHOP]).contains(about));
    let rule = printed(&["check", "healthcare", "--sample", "20"]);
    assert!(rule.lines().any(|line| line.chars().count() > 150), "no long predicate is whole");
}

#[test]
fn parameters_are_shown_with_bounds_and_meaning_and_errors_give_them() {
    let said = printed(&["show", SHOP, "--params", "--set", "rate=0.5"]);
    assert_eq!(said, "rate = 0.5    (a number, 0 to 1)\n    x\n");
    for name in placebo::profile::names() {
        let said = printed(&["show", name, "--params"]);
        let profile = placebo::profile::load(name).expect("loads").profile;
        for (param, known) in &profile.params {
            let line = said.lines().find(|line| line.starts_with(&format!("{param} = "))).expect("a line");
            assert!(line.ends_with(&format!("({})", known.allowed())), "{line}");
            assert!(!known.about.is_empty() && said.contains(&known.about), "`{param}` of {name} has no meaning");
        }
    }
    for wrong in ["rate=2", "rate=-0.1", "rate=much"] {
        let output = placebo(&["check", SHOP, "--set", wrong]).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains("a number, 0 to 1: x"), "{wrong}: {said}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let program = printed(&["man"]);
    for command in ["generate", "load", "verify", "sign", "keys", "decrypt", "show"] {
        assert!(program.contains(command));
        let page = printed(&["man", command]);
        assert!(
            page.contains(&format!("placebo {command}").replace('-', "\\-")) && page.contains(".SH OPTIONS"),
            "{page}"
        );
    }
    assert!(printed(&["man", "keys", "rotate"]).contains("keyring"));
    let output = placebo(&["man", "generat"]).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("did you mean `generate`?"), "{said}");
}

/// What the message says is what the next run does not make again.
#[test]
fn a_stopped_run_says_what_it_keeps() {
    let temp = tempfile::tempdir().expect("a folder");
    for format in ["csv", "parquet"] {
        let out = temp.path().join(format);
        let args = [
            "generate",
            SHOP,
            "--rows",
            "account=400k",
            "--format",
            format,
            "--out",
            text(&out),
            "--log-format",
            "json",
        ];
        let run = placebo(&args).stderr(Stdio::piped()).spawn().expect("starts");
        let started = Instant::now();
        let lines = |path: &Path| std::fs::read_to_string(path).map_or(0, |text| text.lines().count());
        while lines(&out.join(".placebo.journal")) < if format == "csv" { 4 } else { 2 } {
            assert!(started.elapsed() < Duration::from_mins(1), "nothing is kept");
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(Command::new("kill").args(["-INT", &run.id().to_string()]).status().expect("kill").success());
        let ended = run.wait_with_output().expect("ends");
        assert_eq!(ended.status.code(), Some(130));
        let last = |bytes: &[u8], event: &str| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let mut events = text.lines().rev().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            events.find(|line| line["event"] == event).unwrap_or_else(|| panic!("no {event}: {text}"))
        };
        let error = last(&ended.stderr, "error");
        let hint = error["hint"].as_str().expect("a hint");
        let numbers: Vec<u64> = hint.split(' ').filter_map(|word| word.parse().ok()).collect();
        assert!(hint.contains("--resume keeps") && hint.contains("complete file"), "{hint}");
        assert_eq!(
            hint.contains("parquet files start again") && hint.contains("--part"),
            format == "parquet",
            "{hint}"
        );
        let kept = numbers[0] + if format == "csv" { numbers[2] } else { 0 };
        assert!(kept > 0, "{hint}");
        good(&[&args[..], &["--resume"]].concat());
        let log = std::fs::read(out.join("run.jsonl")).expect("a log");
        let reused = last(&log, "end")["reused_rows"].as_u64().expect("a number");
        assert_eq!(kept, reused, "{hint}");
    }
}
