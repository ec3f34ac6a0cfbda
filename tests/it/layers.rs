//! The layers of ARCHITECTURE.md: each file uses only what stands left of its own.

use std::path::{Path, PathBuf};

const LAYERS: [&[&str]; 7] =
    [&["error", "rng"], &["profile"], &["generator"], &["plan", "sink"], &["engine"], &["manifest"], &["cli"]];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

#[test]
fn no_file_uses_a_layer_to_its_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut uses = 0;
    for file in &files {
        let own = file.strip_prefix(&root).expect("below src").components().next().expect("a name");
        let own = own.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned();
        let Some(own_rank) = rank(&own) else { continue };
        let text = std::fs::read_to_string(file).expect("text");
        for module in text
            .split("crate::")
            .skip(1)
            .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(""))
        {
            if let Some(used) = rank(module) {
                uses += 1;
                assert!(used <= own_rank, "{} uses `{module}`, which stands to the right of `{own}`", file.display());
            }
        }
    }
    assert!(files.len() > 30 && uses > 50, "the test looks at nothing");
}

#[test]
fn no_rust_file_names_a_domain() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for file in files {
        let text = std::fs::read_to_string(&file).expect("text");
        let code = text.split("#[cfg(test)]").next().unwrap_or("");
        for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for word in ["encounter", "claim", "docket", "cardholder", "litigant", "remittance", "diagnosis"] {
                assert!(!line.contains(word), "{}:{}: `{word}` is a word of a domain", file.display(), number + 1);
            }
        }
    }
}
