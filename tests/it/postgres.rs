//! Data sets in `PostgreSQL`: the rows of the files, exactly once, whatever happens to the loader, the server and the line between.
//!
//! The server is started by the tests themselves, on a free port, and stopped when they end.

mod existing;
mod faults;
mod guard;
mod names;
mod proxy;
mod purge;
mod secrets;
mod server;
mod shipped;
mod violations;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use placebo::folder::manifest::Manifest;
use placebo::target::database::{Loaded, Options};

use crate::run::{good, placebo};

const SHOP: &str = "tests/fixtures/shop";

/// Rows and logical digest of each table.
type Digests = BTreeMap<String, (u64, String)>;

/// A number that a variable of the environment sets for a longer form of a test.
fn setting(name: &str, usual: u64) -> u64 {
    std::env::var_os(name).and_then(|value| value.to_str()?.parse().ok()).unwrap_or(usual)
}

/// The digests that a run into a folder has in its manifest.
fn of_files(args: &[&str]) -> Digests {
    let temp = tempfile::tempdir().expect("a folder");
    let out = temp.path().join("out");
    good(&[&["generate"], args, &["-q", "--out", out.to_str().expect("a path")]].concat());
    let manifest = std::fs::read_to_string(out.join("manifest.json")).expect("a manifest");
    let tables = Manifest::parse(&manifest).expect("reads").tables.into_iter();
    tables.map(|table| (table.name, (table.rows, table.digest))).collect()
}

fn in_schema(name: &str) -> Options {
    Options { schema: (!name.is_empty()).then(|| name.to_owned()), ..Options::default() }
}

/// The digests of the rows that a schema holds, read back; they are those of its ledger and of its manifests.
fn of_database(url: &str, schema: &str) -> Digests {
    let mut loaded = Loaded::open(url, &in_schema(schema)).expect("opens");
    let ledger = loaded.ledger().expect("reads");
    let manifests = loaded.manifests().expect("reads");
    assert!(!manifests.is_empty(), "no load is complete");
    let mut all = Digests::new();
    for table in manifests.iter().flat_map(|manifest| &manifest.tables) {
        let sum = loaded.sum(&table.name, &table.schema().expect("a schema")).expect("reads");
        let own = (sum.rows, sum.hex());
        let told = ledger.get(&table.name).map_or((0, "0".repeat(64)), |sum| (sum.rows, sum.hex()));
        assert_eq!(own, told, "`{}`: the ledger has other rows", table.name);
        assert_eq!(own, (table.rows, table.digest.clone()), "`{}`: the manifest has other rows", table.name);
        all.insert(table.name.clone(), own);
    }
    all
}

/// The program, without what the environment says of databases.
fn load(args: &[&str], url: &str) -> Command {
    let mut command = placebo(&[&["load"], args, &["--to", url]].concat());
    for name in ["PGPASSWORD", "PGPASSFILE", "PGHOST", "PGUSER", "PLACEBO_DATABASE_PASSWORD"] {
        command.env_remove(name);
    }
    command.env("HOME", "/nowhere");
    command
}

fn text_of(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    stderr.split(|c: char| c == '│' || c.is_whitespace()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A load that ends well, and its messages.
fn loaded(args: &[&str], url: &str) -> String {
    let output = load(args, url).output().expect("runs");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    text_of(&output)
}

/// A load that ends with an exit code; its messages have some words.
fn refused(args: &[&str], url: &str, code: i32, words: &[&str]) -> String {
    let output = load(args, url).output().expect("runs");
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
    for word in words {
        assert!(text.contains(word), "{args:?}: {word}: {text}");
    }
    text
}

/// A profile in a file of its own, in a folder that ends with the test.
struct Profile {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Profile {
    fn new(tables: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("profile.toml");
        let text = format!("name = \"small\"\ntitle = \"Small\"\nas_of = 2025-01-01\n{tables}");
        std::fs::write(&path, text).expect("writes");
        Self { _folder: folder, path }
    }

    fn path(&self) -> &str {
        text(&self.path)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}
