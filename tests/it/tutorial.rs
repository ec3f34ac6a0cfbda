//! `docs/profiles.md` is true: its snippets build a profile that compiles after each, and its outputs are the program's.

use std::path::Path;
use std::process::Output;

use placebo::plan::{Options, Plan};

use crate::run::placebo;

/// A fenced block: its language and its text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.to_owned(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some((_, text)), None) => *text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    blocks
}

/// Adds what a snippet says to what stands there already.
fn add(own: &mut toml::Table, more: toml::Table) {
    for (key, value) in more {
        match (own.get_mut(&key), value) {
            (Some(toml::Value::Table(own)), toml::Value::Table(more)) => add(own, more),
            (_, value) => {
                own.insert(key, value);
            }
        }
    }
}

/// What `placebo ARGS | head -N` prints.
fn printed(folder: &Path, command: &str) -> String {
    let (command, head) = command
        .split_once(" | head -")
        .map_or((command, usize::MAX), |(command, lines)| (command, lines.trim().parse().expect("a number of lines")));
    let args: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(args.first(), Some(&"placebo"), "{command}");
    let Output { stdout, stderr, .. } = placebo(&args[1..]).current_dir(folder).output().expect("runs");
    let shown = if stdout.is_empty() { stderr } else { stdout };
    String::from_utf8(shown).expect("text").split_inclusive('\n').take(head).collect()
}

#[test]
fn every_snippet_runs_and_every_output_is_real() {
    let page = include_str!("../../docs/profiles.md");
    let folder = tempfile::tempdir().expect("a folder");
    let profile = folder.path().join("rental");
    std::fs::create_dir_all(profile.join("data")).expect("a folder");
    let (mut written, mut compiled, mut compared) = (toml::Table::new(), 0, 0);
    for (language, text) in blocks(page) {
        match language.as_str() {
            "csv" => std::fs::write(profile.join("data/models.csv"), text).expect("writes"),
            "toml" => {
                add(&mut written, toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}")));
                // Inline tables keep the columns in the order of the page.
                let lines: Vec<String> = written.iter().map(|(key, value)| format!("{key} = {value}")).collect();
                std::fs::write(profile.join("profile.toml"), lines.join("\n")).expect("writes");
                let loaded = placebo::profile::load(profile.to_str().expect("a path")).expect("loads");
                let plan =
                    Plan::compile(&loaded, &Options::default()).unwrap_or_else(|error| panic!("{error}\n{text}"));
                let broken = placebo::engine::check(&plan, 200, 2).expect("checks");
                assert!(broken.is_empty(), "{broken:?}");
                compiled += 1;
            }
            "console" => {
                let (command, output) = text.split_once('\n').expect("a command");
                let command = command.strip_prefix("$ ").expect("a command");
                assert_eq!(printed(folder.path(), command), output, "{command}");
                compared += 1;
            }
            other => panic!("a block of `{other}`"),
        }
    }
    assert!(compiled >= 9 && compared >= 3, "the test looks at nothing");
}

#[test]
fn the_page_on_errors_shows_real_messages() {
    let page = include_str!("../../docs/errors.md");
    let real = include_str!("snapshots/it__expressions__bad_profiles.snap").replace("\n  hint: ", "\nhint: ");
    let blocks = blocks(page);
    assert!(!blocks.is_empty());
    for (_, text) in blocks {
        assert!(real.contains(text.trim_end()), "{text}");
    }
}

#[test]
fn a_new_profile_compiles_and_generates() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |args: &[&str]| placebo(args).current_dir(folder.path()).output().expect("runs");
    assert!(run(&["new", "mine"]).status.success());
    assert!(run(&["check", "mine"]).status.success());
    let made = run(&["generate", "mine", "--out", "out", "-q"]);
    assert!(made.status.success() && folder.path().join("out/purchase.csv").exists());
    for (name, code) in [("mine", 2), ("Mine", 2), ("../x", 2), ("healthcare", 2), ("", 2)] {
        assert_eq!(run(&["new", name]).status.code(), Some(code), "{name}");
    }
}
