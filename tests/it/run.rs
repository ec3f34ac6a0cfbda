//! Runs the real binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program with arguments, in an environment that should not matter.
pub(crate) fn placebo(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_placebo"));
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

/// Runs to a good end and gives what it printed.
pub(crate) fn good(args: &[&str]) -> Output {
    let output = placebo(args).output().expect("the program starts");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Every file below a folder, by its path, without the run logs, which have a clock.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|end| end != "jsonl") {
                let name = path.strip_prefix(folder).expect("below the folder").to_owned();
                found.push((name, std::fs::read(&path).expect("a file")));
            }
        }
    }
    found.sort();
    found
}

/// Prints a figure, for people who run a test with `--nocapture`.
#[expect(clippy::print_stdout, reason = "a test's stdout is for its figures")]
pub(crate) fn say(figure: &str) {
    println!("{figure}");
}
