//! Entries of registries are known by what they state, not by their names in other files.

use std::path::Path;

use placebo::protect::HANDLINGS;

use crate::layers::sources;

/// The files whose code, without their unit tests, has a text literal.
fn files_with(literal: &str, below: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root.join(below), "rs", &mut files);
    let mut found: Vec<String> = files
        .iter()
        .filter(|file| {
            let text = std::fs::read_to_string(file).expect("text");
            let code = text.split("#[cfg(test)]").next().unwrap_or("");
            code.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(&format!("\"{literal}\"")))
        })
        .map(|file| file.strip_prefix(&root).expect("below src").display().to_string())
        .collect();
    found.sort();
    found
}

#[test]
fn a_handling_is_named_in_its_own_file_alone() {
    for handling in HANDLINGS {
        // `null` is a word of JSON too, and `token` a generator.
        let found: Vec<String> = files_with(handling.name, "")
            .into_iter()
            .filter(|file| handling.name != "null" || file.starts_with("protect"))
            .filter(|file| !file.starts_with("generator"))
            .collect();
        assert_eq!(found.len(), 1, "`{}` is named in {found:?}: ask its entry for a fact instead", handling.name);
    }
    assert!(HANDLINGS.len() > 5, "the test looks at nothing");
}
