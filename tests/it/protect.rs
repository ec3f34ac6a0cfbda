//! Personal data is protected: what is written, what is refused, and what nobody can read without the key.

mod bytes;
mod canary;
mod chains;
mod commands;
mod composed;
mod existing;
mod keyrings;
mod leaks;
mod nonces;
mod reading;
mod refused;
mod strict;
mod verifying;
mod words;

use std::collections::BTreeMap;
use std::path::Path;

use crate::run::{good, placebo};

/// The profile that has a column for every handling.
pub(super) const CLINIC: &str = "tests/fixtures/clinic";

/// Generates into a folder and gives every file by name.
pub(super) fn generate(profile: &str, out: &Path, more: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let out = out.to_str().expect("a path");
    good(&[&["generate", profile, "--out", out, "-q"], more].concat());
    let files = crate::run::files(Path::new(out));
    files.into_iter().map(|(name, bytes)| (name.display().to_string(), bytes)).collect()
}

/// The rows of a CSV file by column name, read by a reader that is not ours.
pub(super) fn rows(files: &BTreeMap<String, Vec<u8>>, table: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(files[&format!("{table}.csv")].as_slice());
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

/// One column of a CSV file.
pub(super) fn column(files: &BTreeMap<String, Vec<u8>>, table: &str, name: &str) -> Vec<String> {
    rows(files, table).into_iter().map(|mut row| row.remove(name).expect("the column")).collect()
}

/// Runs to a bad end: the exit code, and what was said.
pub(super) fn bad(args: &[&str]) -> (i32, String) {
    let output = placebo(args).output().expect("runs");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The data key of `test:NAME`.
pub(super) fn test_key(name: &str) -> placebo::protect::secret::Secret {
    let from: placebo::protect::source::KeySource = format!("test:{name}").parse().expect("a source");
    placebo::protect::source::parse(&from.read().expect("bytes"), &"test").expect("a key")
}
