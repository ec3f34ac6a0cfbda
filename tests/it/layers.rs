//! What ARCHITECTURE.md says: each file uses only what stands left of its own, each dependency has its purpose.

use std::path::{Path, PathBuf};

/// The modules of the crate. One uses those above it, none beside it and none below.
const LAYERS: [&[&str]; 20] = [
    &["error"],
    &["arrays", "digest", "disk", "notes", "order", "part", "rng", "scan", "spreadsheet", "type_names"],
    &["kinds", "outcomes", "profile"],
    &["sql"],
    &["template"],
    &["format"],
    &["generator"],
    &["plan"],
    &["stage"],
    &["fault"],
    &["protect"],
    &["answers"],
    &["dataset"],
    &["engine"],
    &["folder"],
    &["target"],
    &["decrypt", "existing", "find", "verify"],
    &["assert", "cases", "detect", "leaks", "purge", "sign"],
    &["catalog"],
    &["cli"],
];

/// The modules inside of some of them, by the same rule. One that is not listed is used by its parent alone, and uses none of these.
const ROOMS: [(&str, &[&[&str]]); 3] = [
    (
        "plan",
        &[
            &["limits", "options", "origin", "chain", "deal", "fault", "question", "trees", "weight"],
            &["references", "disclosure"],
            &["evaluate"],
        ],
    ),
    (
        "folder",
        &[
            &["audit", "file", "names", "estimate"],
            &["journal", "lock", "room", "sidecars"],
            &["lane", "manifest"],
            &["earlier", "envelope"],
            &["resume"],
            &["session"],
        ],
    ),
    (
        "verify",
        &[
            &["finding"],
            &["described", "folder", "rows", "sealed", "signature"],
            &["again", "faulty"],
            &["keys", "replay"],
            &["database"],
        ],
    ),
];

/// Uses against the rule, as file and module, each with its reason.
const EXCEPTIONS: [(&str, &str); 0] = [];

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

fn rank(layers: &[&[&str]], module: &str) -> Option<usize> {
    layers.iter().position(|layer| layer.contains(&module))
}

/// The names of modules behind a prefix such as `crate::`: one, or those of a list in braces.
fn used<'t>(text: &'t str, prefix: &str) -> Vec<&'t str> {
    let mut all = Vec::new();
    for (at, _) in text.match_indices(prefix) {
        if text[..at].ends_with("super::") {
            continue;
        }
        let rest = &text[at + prefix.len()..];
        let name = |text: &'t str| text.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
        match rest.strip_prefix('{') {
            None => all.push(name(rest)),
            Some(list) => {
                let (mut depth, mut start) = (0, 0);
                for (at, c) in list.char_indices() {
                    match c {
                        '{' => depth += 1,
                        ',' if depth == 0 => {
                            all.push(name(&list[start..at]));
                            start = at + 1;
                        }
                        '}' if depth == 0 => {
                            all.push(name(&list[start..at]));
                            break;
                        }
                        '}' => depth -= 1,
                        _ => {}
                    }
                }
            }
        }
    }
    all
}

/// The code of a file, without comments and tests.
fn code(file: &Path) -> String {
    let text = std::fs::read_to_string(file).expect("text");
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("");
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The module of a folder that a file belongs to, and how many `super` lead from the file to the folder's own module.
fn module(folder: &Path, file: &Path) -> (String, usize) {
    let below = file.strip_prefix(folder).expect("below the folder");
    let first = below.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
    (first.trim_end_matches(".rs").to_owned(), below.components().count())
}

#[test]
fn each_file_uses_only_layers_above_its_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut wrong, mut needed, mut uses) = (Vec::new(), Vec::new(), 0);
    let mut look = |folder: &Path, layers: &[&[&str]], inner: bool| {
        let mut files = Vec::new();
        sources(folder, "rs", &mut files);
        for file in &files {
            let (own, depth) = module(folder, file);
            let own_rank = rank(layers, &own);
            if own_rank.is_none() && !inner && !["lib", "main"].contains(&own.as_str()) {
                wrong.push(format!("`{own}` has no layer"));
            }
            let prefix = if inner { "super::".repeat(depth) } else { "crate::".to_owned() };
            let code = code(file);
            for name in used(&code, &prefix).into_iter().filter(|name| *name != own && own != "lib" && own != "main") {
                let Some(used_rank) = rank(layers, name) else { continue };
                uses += 1;
                if own_rank.is_some_and(|own| used_rank < own) {
                    continue;
                }
                let file = file.strip_prefix(&root).expect("below src").to_string_lossy().into_owned();
                match EXCEPTIONS.iter().find(|(excepted, module)| file.starts_with(excepted) && *module == name) {
                    Some(exception) => needed.push(exception),
                    None => wrong.push(format!("{file} uses `{name}`, which is not above `{own}`")),
                }
            }
        }
    };
    look(&root, &LAYERS, false);
    for (room, layers) in ROOMS {
        look(&root.join(room), layers, true);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(EXCEPTIONS.iter().all(|exception| needed.contains(&exception)), "an exception is not needed any more");
    assert!(uses > 500, "the test looks at nothing: {uses}");
}

/// Files that may open what they like, each with its reason.
const OPENERS: [(&str, &str, &str); 3] = [
    ("src/assert/export.rs", "open_named", "an export is a file or a pipe that the user names"),
    ("src/profile/files.rs", "open_named", "the profile that a user names may be a pipe"),
    ("src/protect/source.rs", "open_named", "`fd:N` is an open descriptor, often of a pipe"),
];

/// What is read is opened by `src/disk/`, whose functions take regular files: a pipe that somebody laid there keeps nobody waiting.
#[test]
fn files_are_opened_in_one_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), "rs", &mut files);
    let ways = [
        "File::open",
        "File::create",
        "File::options",
        "OpenOptions",
        "fs::read(",
        "fs::read_to_string",
        "fs::write",
        "open_named",
    ];
    let (mut seen, mut needed) = (0, Vec::new());
    for file in files {
        let name = file.strip_prefix(root).expect("below").to_string_lossy().into_owned();
        if name.starts_with("src/disk") || name.ends_with("tests.rs") || name == "src/generator/testing.rs" {
            continue;
        }
        seen += 1;
        let code = code(&file);
        let uses = |way: &&&str| {
            let own = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            code.match_indices(**way).any(|(at, _)| own(at))
        };
        for way in ways.iter().filter(uses) {
            match OPENERS.iter().find(|(file, allowed, _)| *file == name && allowed == way) {
                Some(opener) => needed.push(opener),
                None => panic!("{name} uses `{way}`: `src/disk/open.rs` has functions that take regular files alone"),
            }
        }
    }
    assert!(seen > 150, "the test looks at nothing: {seen}");
    assert!(OPENERS.iter().all(|opener| needed.contains(&opener)), "an exception is not needed any more");
}

#[test]
fn uses_are_seen() {
    let text = "use crate::plan::{Chunk, sql};\nuse crate::{a, b::{c, d}, e};\nuse super::super::x; super::{y, z::w}; crate::f()";
    assert_eq!(used(text, "crate::"), ["plan", "a", "b", "e", "f"]);
    assert_eq!(used(text, "super::super::"), ["x"]);
    assert!(used(text, "super::").starts_with(&["super", "y", "z"]));
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
