//! No key and nonce cover two plaintexts, whatever the seed, the profile and its version.

use std::sync::Mutex;

use placebo::plan::{Chunk, Options, Plan};
use placebo::protect::fe1::{Cipher, Scope};
use placebo::protect::texts::Texts;
use placebo::protect::{Rows, secret::Secret};
use sha2::{Digest, Sha256};

/// Cells of a run; `make soak` asks for more.
const CELLS: usize = 10_000_000;
const SEEDS: usize = 20;

/// Version `v` of a profile: the second one changes a value's form.
fn version(v: usize) -> String {
    let form = ["'A' || CAST(n AS text)", "'B' || CAST(n AS text)"][v];
    format!(
        "name = \"nonces\"\nas_of = 2025-01-01\n[tables.t]\nrows = 100\n[tables.t.columns]\n\
         id = {{ expr = \"row\", key = true }}\nvalue = {{ expr = \"{form}\", pii = \"ssn\" }}\n\
         [tables.t.let]\nn = {{ gen.integer = {{ min = 0, max = 99 }} }}\n"
    )
}

/// Key id and nonce of every cell, and a hash of the rest.
fn cells(rows: u64, seeds: usize, nonce: impl Fn(&[u8]) -> Option<[u8; 12]> + Sync) -> Vec<(u128, u64)> {
    let folder = tempfile::tempdir().expect("a folder");
    let key = Secret::take(&mut [42; 32]);
    let cipher = Cipher::new(&key, "nonces", Scope::column("t", "value"));
    let found = Mutex::new(Vec::new());
    for v in 0..2 {
        let path = folder.path().join(format!("{v}.toml"));
        std::fs::write(&path, version(v)).expect("writes");
        let loaded = placebo::profile::load(path.to_str().expect("a path")).expect("loads");
        for seed in 0..seeds {
            let options = Options {
                seed: seed.to_string(),
                rows: [("t".to_owned(), rows)].into_iter().collect(),
                ..Options::default()
            };
            let plan = Plan::compile(&loaded, &options).expect("compiles");
            let starts: Vec<u64> = (0..rows).step_by(1 << 15).collect();
            let (plan, cipher, nonce, found) = (&plan, &cipher, &nonce, &found);
            std::thread::scope(|scope| {
                for half in starts.chunks(starts.len().div_ceil(2)) {
                    scope.spawn(move || {
                        let (mut aad, mut cell, mut own) = (Vec::new(), Vec::new(), Vec::new());
                        for start in half {
                            let numbers: Vec<u64> = (*start..rows.min(start + (1 << 15))).collect();
                            let batch = Chunk::new(plan, 0, &numbers).batch(0).expect("a batch");
                            let bound = Rows::of_key(&batch.columns()[..1]).expect("keys");
                            let texts = Texts::new(batch.column(1)).expect("texts");
                            for row in 0..texts.len() {
                                cell.clear();
                                let plain = texts.get(row).expect("a text").as_bytes();
                                let sealed =
                                    cipher.seal(bound.get(row), plain, nonce(bound.get(row)), &mut aad, &mut cell);
                                assert!(sealed);
                                let head = u128::from_be_bytes(cell[1..17].try_into().expect("16 bytes"));
                                // The tag stands for the ciphertext: it is of both.
                                let tail = u64::from_be_bytes(cell[cell.len() - 8..].try_into().expect("8 bytes"));
                                own.push((head, tail));
                            }
                        }
                        found.lock().expect("a list").append(&mut own);
                    });
                }
            });
        }
    }
    let mut found = found.into_inner().expect("a list");
    found.sort_unstable();
    found
}

/// How often a nonce came again, and how often with another ciphertext.
fn repeats(cells: &[(u128, u64)]) -> (usize, usize) {
    let pairs = cells.windows(2).filter(|pair| pair[0].0 == pair[1].0);
    pairs.fold((0, 0), |(again, other), pair| (again + 1, other + usize::from(pair[0].1 != pair[1].1)))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the environment says how many cells, for `make soak`")]
fn a_nonce_comes_again_only_with_the_same_ciphertext() {
    let wanted = std::env::var("NONCE_CELLS").ok().and_then(|text| text.parse().ok()).unwrap_or(CELLS);
    let all = cells((wanted / SEEDS / 2) as u64, SEEDS, |_| None);
    let (again, other) = repeats(&all);
    assert!(all.len() >= wanted.min(CELLS), "{} cells", all.len());
    assert!(again > all.len() / 20, "equal values of equal rows come again: {again}");
    assert_eq!(other, 0, "two plaintexts under one key and nonce");
}

/// The construction that looks right and is not: a nonce of the row alone.
#[test]
fn a_nonce_of_the_row_alone_fails_the_same_test() {
    let of_row = |row: &[u8]| Sha256::digest(row)[..12].try_into().ok();
    let (_, other) = repeats(&cells(2_000, 4, of_row));
    assert!(other > 1_000, "the test does not see what it is for: {other}");
}

#[test]
fn more_values_than_a_key_may_seal_are_refused() {
    let counter = placebo::protect::Counter::at(placebo::protect::MOST - 10);
    counter.add(10).expect("the last ten");
    let error = counter.add(1).expect_err("one too many");
    assert_eq!(error.kind().exit_code(), 8);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("profile.toml");
    std::fs::write(&path, version(0)).expect("writes");
    let path = path.to_str().expect("a path");
    let out = folder.path().join("out");
    let args = [
        "generate",
        path,
        "--rows",
        "t=5G",
        "--protect",
        "ssn=encrypt",
        "--key-source",
        "test:t",
        "--out",
        out.to_str().expect("a path"),
    ];
    let (code, said) = super::bad(&args);
    assert_eq!(code, 8, "{said}");
    assert!(said.contains("4294967296 are the most"), "{said}");
}
