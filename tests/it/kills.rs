//! A run is killed again and again, and gone on with: in the end its bytes are those of a run that nobody killed.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::run::{good, placebo};

/// Kills of a run before it is left alone.
const KILLS: u64 = 10;

/// The rows that the files of a folder hold, under their names and under their temporary ones.
fn lines(folder: &Path) -> u64 {
    let files = if folder.is_dir() { crate::run::files(folder) } else { Vec::new() };
    let tables = files.iter().filter(|(path, _)| {
        let name = path.to_string_lossy();
        name.ends_with(".csv") || name.ends_with(".csv.inprogress")
    });
    tables.map(|(_, bytes)| (bytes.split(|byte| *byte == b'\n').count() as u64).saturating_sub(2)).sum()
}

/// A number of the run log's last event of a kind.
fn told(folder: &Path, event: &str, field: &str) -> Option<u64> {
    let text = std::fs::read_to_string(folder.join("run.jsonl")).ok()?;
    let events = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    events.rev().find(|line| line["event"] == event)?[field].as_u64()
}

/// Kills a run at times drawn from a seed, goes on with it, and says how many kills met it and the share of rows that need not be made again.
fn killed(seed: u64, format: &str, golden: &str) -> (u64, f64) {
    let temp = tempfile::tempdir().expect("a folder");
    let out = temp.path().join("out");
    let args = ["generate", "healthcare", "--scale", "8", "--threads", "2", "-q", "--format", format, "--out"];
    let args = [&args[..], &[out.to_str().expect("a path"), "--resume"]].concat();
    let (mut met, mut draw, mut held) = (0, seed, 0);
    for _ in 0..KILLS {
        draw = placebo::rng::mix(draw.wrapping_add(1));
        let mut run = placebo(&args).stderr(Stdio::null()).spawn().expect("starts");
        std::thread::sleep(Duration::from_millis(30 + draw % 400));
        if run.try_wait().expect("asks").is_none() {
            met += 1;
        }
        // SIGKILL: nothing of ours runs after it.
        run.kill().expect("kills");
        run.wait().expect("ends");
        held = if out.join("manifest.json").exists() { 0 } else { lines(&out) };
    }
    good(&args);
    let sums = std::fs::read_to_string(out.join("SHA256SUMS")).expect("sums");
    assert!(sums == golden, "seed {seed} as {format}: other hashes");
    for (name, _) in crate::run::files(&out) {
        let name = name.to_string_lossy();
        assert!(!name.contains("inprogress") && !name.starts_with(".placebo"), "seed {seed}: `{name}` is left");
    }
    placebo::folder::audit::verify(&out.join("run.jsonl")).expect("the log is whole");
    let reused = told(&out, "end", "reused_rows").unwrap_or(0);
    (met, if held == 0 { 1.0 } else { reused as f64 / held as f64 })
}

#[test]
fn killed_runs_end_with_the_same_bytes() {
    let runs = std::env::var_os("KILLED_RUNS").and_then(|runs| runs.to_str()?.parse().ok()).unwrap_or(20);
    let golden = |format: &str| {
        let temp = tempfile::tempdir().expect("a folder");
        let out = temp.path().to_str().expect("a path");
        good(&["generate", "healthcare", "--scale", "8", "-q", "--format", format, "--out", out]);
        std::fs::read_to_string(temp.path().join("SHA256SUMS")).expect("sums")
    };
    let formats = ["csv", "csv", "ndjson", "parquet"].map(|format| (format, golden(format)));
    let (mut kills, mut shares) = (0, Vec::new());
    for run in 0..runs {
        let (format, golden) = &formats[run as usize % formats.len()];
        let (met, share) = killed(run + 1, format, golden);
        kills += met;
        if *format == "csv" {
            shares.push(share);
        }
    }
    shares.sort_by(f64::total_cmp);
    let (median, least) = (shares[shares.len() / 2], shares[0]);
    crate::run::say(&format!(
        "{kills} kills of {runs} runs; of the rows on disk as CSV were used again: median {median:.3}, least {least:.3}"
    ));
    assert!(kills >= runs * KILLS / 2, "only {kills} kills met a run");
}
