//! What ARCHITECTURE.md says: each file uses only what stands left of its own, each dependency has its purpose.

use std::path::{Path, PathBuf};

const LAYERS: [&[&str]; 14] = [
    &["arrays", "digest", "disk", "error", "notes", "order", "part", "rng", "spreadsheet", "type_names"],
    &["profile", "kinds", "scan", "sql"],
    &["format"],
    &["generator"],
    &["plan"],
    &["stage"],
    &["protect"],
    &["dataset"],
    &["engine"],
    &["folder"],
    &["target"],
    &["verify"],
    &["decrypt"],
    &["cli"],
];

/// Every file below a folder whose name ends with `.kind`.
pub(crate) fn sources(folder: &Path, kind: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, kind, found);
        } else if path.extension().is_some_and(|extension| extension == kind) {
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
    sources(&root, "rs", &mut files);
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
    sources(&root, "rs", &mut files);
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

#[test]
fn every_dependency_is_named_with_its_purpose() {
    let read = |name: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("text");
    let cargo: toml::Table = read("Cargo.toml").parse().expect("TOML");
    let tables = [&cargo["dependencies"], &cargo["dev-dependencies"], &cargo["target"]["cfg(unix)"]["dependencies"]];
    let names = tables.map(|table| table.as_table().expect("a table").keys());
    let names: Vec<&String> = names.into_iter().flatten().collect();
    let architecture = read("ARCHITECTURE.md");
    let said =
        architecture.split("**Dependencies.**").nth(1).expect("the paragraph").split("\n\n").next().unwrap_or("");
    let said: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
    let stands_for =
        |said: &str, name: &str| said.strip_suffix('*').map_or(said == name, |start| name.starts_with(start));
    for name in &names {
        assert!(said.iter().any(|said| stands_for(said, name)), "ARCHITECTURE.md does not say what `{name}` is for");
    }
    for said in &said {
        assert!(names.iter().any(|name| stands_for(said, name)), "ARCHITECTURE.md names `{said}`, which is not used");
    }
    assert!(names.len() > 25, "the test looks at nothing");
}
