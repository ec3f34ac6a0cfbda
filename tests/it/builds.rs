//! What cargo builds: program and tests share one build of every dependency.

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
