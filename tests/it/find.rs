//! `find`: rows that meet a condition, equal to those of `generate`, in every form.

mod forms;
mod limits;
mod personas;
mod rows;

use serde_json::Value;

use crate::run::{good, placebo};

/// The rows that `find` prints, one a line.
fn found(args: &[&str]) -> Vec<Value> {
    let output = good(&[&["find"], args, &["--format", "ndjson", "-q"]].concat());
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect()
}

/// The rows of a table as `generate` writes them.
fn generated(profile: &str, table: &str, more: &[&str]) -> Vec<Value> {
    let args = [&["generate", profile, "--tables", table, "--format", "ndjson", "--out", "-", "-q"], more].concat();
    let text = String::from_utf8(good(&args).stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect()
}

/// The exit code of a command that fails, and what it says. Nothing is on standard output.
fn refused(args: &[&str]) -> (i32, String) {
    let output = placebo(&[&["find"], args].concat()).output().expect("runs");
    assert!(output.stdout.is_empty() && !output.status.success(), "{args:?}");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (
        output.status.code().unwrap_or(-1),
        text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" "),
    )
}
