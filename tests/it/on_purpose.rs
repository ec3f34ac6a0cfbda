//! `--faults`: rows that are wrong on purpose. Exactly the listed ones differ, the same on any way, and `verify` knows them.

mod amounts;
mod documents;
mod language;
mod proofs;
mod systems;
mod together;

use std::collections::BTreeMap;
use std::path::Path;

use crate::protect::{generate, rows};

/// The profile that has a fault of every operator.
const WRONG: &str = "tests/fixtures/wrong";

/// The files of a run with further options, by name.
fn made(folder: &Path, name: &str, more: &[&str]) -> BTreeMap<String, Vec<u8>> {
    generate(WRONG, &folder.join(name), more)
}

/// The cases of a run: their cells by column.
fn cases(files: &BTreeMap<String, Vec<u8>>) -> Vec<BTreeMap<String, String>> {
    rows(files, "_faults_customer")
}

/// The lines of a table, sorted.
fn lines(files: &BTreeMap<String, Vec<u8>>, table: &str) -> Vec<String> {
    let text = String::from_utf8(files[&format!("{table}.csv")].clone()).expect("text");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// The lines of the first list that the second does not have, each as often as it is missing.
fn without(all: &[String], others: &[String]) -> Vec<String> {
    let mut left: BTreeMap<&str, i64> = BTreeMap::new();
    for line in others {
        *left.entry(line).or_default() += 1;
    }
    let mut missing = Vec::new();
    for line in all {
        let count = left.entry(line).or_default();
        *count -= 1;
        if *count < 0 {
            missing.push(line.clone());
        }
    }
    missing
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}
