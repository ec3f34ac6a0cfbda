//! Every check of every shipped profile is broken on purpose, and that very check sees it: a check that cannot fail proves nothing.
//!
//! `tests/fixtures/mutations/NAME.toml` has mutants for each (table, check) of the profile `NAME`: small profiles of a user that
//! include a copy of the shipped one, and change what it generates. A check without a mutant fails the test, and so does a mutant
//! of a check that is gone. `common.toml` has those of the shared modules; one profile that includes them all is broken by them.

use std::collections::BTreeMap;
use std::path::Path;

use placebo::engine;
use placebo::plan::{Chunk, Options, Plan, Table};
use placebo::profile;
use rayon::prelude::*;

/// Root rows at most: the rarest thing that a mutant changes is in them.
const ROWS: u64 = 2_000;

/// The profile that includes every module.
const ALL_MODULES: &str = "healthcare";

/// A file of mutants: by table and check.
type Mutants = BTreeMap<(String, String), Vec<toml::Table>>;

/// Copies the shipped profile with its data files to where a user's profile can include it as `profile`.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the shipped profile") {
        let path = entry.expect("an entry").path();
        let copied = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &copied);
        } else {
            std::fs::copy(&path, copied).expect("copies");
        }
    }
}

/// Writes a profile that includes the shipped one beside it, and compiles it as `placebo check` does.
fn compile(folder: &Path, name: &str, changes: &toml::Table) -> Result<Plan, String> {
    let mut profile = changes.clone();
    profile.insert("name".into(), "mutant".into());
    profile.insert("include".into(), vec!["profile"].into());
    let path = folder.join(format!("{name}.toml"));
    std::fs::write(&path, toml::to_string(&profile).expect("TOML")).expect("writes");
    let loaded = profile::load(path.to_str().expect("a path"));
    loaded.and_then(|loaded| Plan::compile(&loaded, &Options::default())).map_err(|error| format!("{error:?}"))
}

/// The checks of one table that fail.
fn failures(plan: &Plan, table: &str) -> Result<Vec<String>, String> {
    let run = || {
        let table = plan.table(table)?;
        let root = plan.root_of(table);
        let rows: Vec<u64> = (0..plan.tables[root].rows.min(ROWS)).collect();
        Chunk::new(plan, root, &rows).failures(table)
    };
    run().map(|all| all.into_iter().map(|failure| failure.check).collect()).map_err(|error| format!("{error:?}"))
}

/// Each check with its predicate; the order of tables is not the same in every mutant.
fn checks<'p>(plan: &'p Plan) -> BTreeMap<(&'p str, &'p str), &'p str> {
    let pairs = |table: &'p Table| {
        let name = table.name.as_str();
        table.checks.iter().map(move |check| ((name, check.id.as_str()), check.predicate.as_str()))
    };
    plan.tables.iter().flat_map(pairs).collect()
}

/// What is wrong with a mutant of a check; nothing, where the check sees it.
fn unseen(folder: &Path, sound: &Plan, (table, check): (&str, &str), changes: &toml::Table) -> Option<String> {
    let title = changes.get("title").and_then(toml::Value::as_str).unwrap_or("untitled");
    let file = format!("{table}-{check}-{title}").replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let seen = compile(folder, &file, changes).and_then(|plan| {
        if checks(&plan) == checks(sound) { failures(&plan, table) } else { Err("it changes the checks".to_owned()) }
    });
    let what = match seen {
        Ok(seen) if seen.iter().any(|id| id == check) => return None,
        Ok(seen) => format!("not seen; what fails is {seen:?}"),
        Err(error) => error,
    };
    Some(format!("{table} {check}: {title}: {what}"))
}

/// Reads a file of mutants, without empty lists.
fn read(name: &str) -> Mutants {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/mutations/{name}.toml"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let tables: BTreeMap<String, BTreeMap<String, Vec<toml::Table>>> =
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let pairs = tables
        .into_iter()
        .flat_map(|(table, checks)| checks.into_iter().map(move |(check, some)| ((table.clone(), check), some)));
    pairs.filter(|(_, some)| !some.is_empty()).collect()
}

#[test]
fn every_check_sees_what_breaks_it() {
    let (root, shared) = (Path::new(env!("CARGO_MANIFEST_DIR")), read("common"));
    for name in profile::names() {
        let mut mutants = read(name);
        if name == ALL_MODULES {
            mutants.extend(shared.clone());
        }

        let folder = tempfile::tempdir().expect("a folder");
        copy(&root.join("profiles").join(name), folder.path());
        let sound = compile(folder.path(), "sound", &toml::Table::new()).unwrap_or_else(|error| panic!("{error}"));
        assert!(engine::check(&sound, ROWS, 2).expect("runs").is_empty(), "{name} does not hold without a mutation");
        let known = checks(&sound);
        let pair = |(table, check): &(&str, &str)| ((*table).to_owned(), (*check).to_owned());
        let without: Vec<_> =
            known.keys().map(pair).filter(|key| !mutants.contains_key(key) && !shared.contains_key(key)).collect();
        let gone: Vec<_> = mutants.keys().filter(|(table, check)| !known.contains_key(&(table, check))).collect();
        assert!(without.is_empty() && gone.is_empty(), "{name}: no mutant for {without:?}; no check for {gone:?}");

        let all: Vec<_> = mutants.iter().flat_map(|(key, some)| some.iter().map(move |one| (key, one))).collect();
        let wrong: Vec<String> = all
            .par_iter()
            .filter_map(|((table, check), one)| unseen(folder.path(), &sound, (table, check), one))
            .collect();
        assert!(wrong.is_empty(), "{name}: {} of {} mutants:\n{}", wrong.len(), all.len(), wrong.join("\n"));
    }
}
