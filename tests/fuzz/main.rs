//! A fuzzer that needs no nightly compiler: mutated profiles for reader, compiler and evaluation, damaged cells and files for
//! what opens and reads them, in this process. Nothing is caught: a panic or an overflown stack leaves the profile at fault in
//! `target/tmp/`.
//!
//! A case takes less than a second, and all of them leave the process below 256 MiB. `FUZZ_SECONDS` says how long
//! reader, compiler, encrypted cells and the files beside the data are tried each, 5 s by default; `FUZZ_SEED` which cases.

mod cells;
mod folders;
mod journals;
mod mutate;
mod readers;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use placebo::error::{Kind, Result};
use placebo::plan::{Chunk, Limits, Memory, Options, Plan, Tree};

/// The longest that a case may take.
const SLOW: Duration = Duration::from_secs(1);
/// The most memory, in KiB.
const MEMORY: u64 = 256 << 10;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var_os(name).and_then(|text| text.to_str()?.parse().ok()).unwrap_or(otherwise)
}

/// A folder with the shipped data files, so that mutants find what they name.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("data")).expect("a folder");
    for data in ["profiles/healthcare/data", "profiles/common/data"] {
        for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(data)).expect("data files") {
            let path = entry.expect("an entry").path();
            std::fs::copy(&path, folder.join("data").join(path.file_name().expect("a name"))).expect("copies");
        }
    }
    folder
}

/// The most memory that the process had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

/// Runs one function on mutants for a while.
#[expect(clippy::print_stdout, reason = "the figures are shown with --nocapture")]
fn fuzz(name: &str, run: impl Fn(&str) -> Result<()>) {
    let (corpus, path) = (mutate::corpus(), folder(name).join("profile.toml"));
    let shown = path.to_str().expect("a path");
    let mut dice = mutate::Dice::new(number("FUZZ_SEED", 0));
    let (started, time) = (Instant::now(), Duration::from_secs(number("FUZZ_SECONDS", 5)));
    let (mut cases, mut good, mut slowest) = (0_u64, 0_u64, Duration::ZERO);
    while started.elapsed() < time {
        std::fs::write(&path, mutate::mutant(&mut dice, &corpus)).expect("writes");
        let timed = || {
            let now = Instant::now();
            (run(shown), now.elapsed())
        };
        let (mut done, mut took) = timed();
        if took > SLOW {
            // A busy machine is no news: what is slow is slow twice.
            (done, took) = timed();
        }
        assert!(took <= SLOW, "a case took {took:?}: {shown}");
        match done {
            Ok(()) => good += 1,
            Err(error) => assert_ne!(error.kind(), Kind::Internal, "{error:?}: {shown}"),
        }
        (cases, slowest) = (cases + 1, slowest.max(took));
    }
    println!("{name}: {cases} cases, {good} of them good, the slowest {slowest:?}, memory {} KiB", peak());
    assert!(cases > 0 && peak() < MEMORY, "{name}: {} KiB", peak());
    // Nothing is at fault: nothing stays.
    path.parent().map(std::fs::remove_dir_all).transpose().expect("removes");
}

/// One target at a time: what is measured is its own.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tries cases for half of the time, because targets come in pairs; each gives how many it tried and how many of them were good.
#[expect(clippy::print_stdout, reason = "the figures are shown with --nocapture")]
fn during(name: &str, mut case: impl FnMut(&mut mutate::Dice) -> (u64, u64)) -> (u64, u64) {
    let mut dice = mutate::Dice::new(number("FUZZ_SEED", 0));
    let (started, time) = (Instant::now(), Duration::from_millis(500 * number("FUZZ_SECONDS", 5)));
    let (mut cases, mut good) = (0, 0);
    while started.elapsed() < time {
        let (tried, held) = case(&mut dice);
        (cases, good) = (cases + tried, good + held);
    }
    println!("{name}: {cases} cases, {good} of them good, memory {} KiB", peak());
    assert!(peak() < MEMORY, "{name}: {} KiB", peak());
    (cases, good)
}

#[test]
fn a_damaged_cell_never_opens_to_another_value() {
    let _turn = turn();
    let ciphers = cells::ciphers();
    let (cases, good) = during("fuzz-cells", |dice| (256, cells::case(dice, &ciphers)));
    assert!(cases > 10_000 && good > cases / 100, "{good} of {cases}");
    let folders = folders::Folders::new();
    let (cases, good) = during("fuzz-folders", |dice| (1, u64::from(folders.case(dice))));
    assert!(cases > 100 && good > 0, "{good} of {cases}");
}

#[test]
fn what_lies_beside_the_data_is_good_or_refused() {
    let _turn = turn();
    let readers = readers::Readers::new();
    let (cases, good) = during("fuzz-readers", |dice| (1, u64::from(readers.case(dice))));
    assert!(cases > 100 && good > 0, "{good} of {cases}");
    let journals = journals::Journals::new();
    let (cases, good) = during("fuzz-journals", |dice| (1, u64::from(journals.case(dice))));
    assert!(cases > 50 && good > 0, "{good} of {cases}");
}

#[test]
fn mutants_neither_panic_nor_take_long_nor_much() {
    let _turn = turn();
    fuzz("fuzz-load", |path| placebo::profile::load(path).map(|_| ()));
    let limits =
        Limits { rows: 50_000, bytes: 1 << 24, cell: 1 << 16, memory: Memory { bytes: 192 << 20, threads: 1 } };
    fuzz("fuzz-plan", |path| {
        let plan = Plan::compile(&placebo::profile::load(path)?, &Options { limits, ..Options::default() })?;
        for Tree { root, tables } in plan.trees() {
            let rows: Vec<u64> = (0..plan.tables[root].rows.min(3)).collect();
            let mut chunk = Chunk::new(&plan, root, &rows);
            for table in tables {
                chunk.batch(table)?;
                chunk.failures(table)?;
            }
        }
        Ok(())
    });
}
