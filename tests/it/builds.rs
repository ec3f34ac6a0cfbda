//! Cargo's view of the crate: program and tests share one build of every dependency, and a library needs no command line.

use std::collections::BTreeSet;
use std::process::Command;

/// Packages with their features, one a line, as cargo resolves them for this machine.
fn resolved(args: &[&str]) -> BTreeSet<String> {
    let tree = ["tree", "--locked", "--offline", "--prefix", "none", "--no-dedupe", "--format", "{p} [{f}]"];
    let output = Command::new(env!("CARGO"))
        .args(tree)
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

#[test]
fn tests_turn_on_no_feature_that_the_program_lacks() {
    let program = resolved(&["--edges", "normal,build"]);
    let tests = resolved(&["--edges", "normal,build,dev"]);
    assert!(program.len() > 100 && tests.len() > program.len(), "the test looks at nothing");
    let twice: Vec<_> = program.difference(&tests).collect();
    assert!(
        twice.is_empty(),
        "`cargo test` would compile these, and all that use them, again: {twice:#?}\n\
         hint: turn the features on in `[dependencies]` too; `cargo tree -e features -i CRATE` shows who wants them"
    );
}

#[test]
fn the_library_needs_no_crate_of_the_command_line() {
    let library = resolved(&["--edges", "normal,build", "--no-default-features"]);
    let program = resolved(&["--edges", "normal,build"]);
    let uses = |tree: &BTreeSet<String>, name: &str| tree.iter().any(|line| line.starts_with(&format!("{name} v")));
    assert!(uses(&library, "arrow-array"), "the test looks at nothing");
    for name in ["clap", "clap_complete", "clap_mangen", "indicatif", "miette", "mimalloc", "signal-hook"] {
        assert!(uses(&program, name), "the program does not use `{name}`: take it off this list");
        assert!(!uses(&library, name), "`{name}` is built without the feature `cli`");
    }
}
