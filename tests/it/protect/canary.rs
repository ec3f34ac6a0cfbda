//! No key, no passphrase and no password comes out anywhere: every command of the program, with canaries in every place that
//! a key may come from, to good ends and bad ones; then what it said, what it wrote and what the list of processes showed is
//! looked through for them.
//!
//! The commands, and their options that lead to keys, are those of `--help`: a new one without a case fails here.

mod cases;
mod drive;
mod help;
mod search;
mod sources;
mod watch;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use cases::{KEYED, PLAIN};
use drive::{every_file, is_of, jobs, run};
use help::commands;
use search::{coded, forms};
use sources::End;
use watch::watched;
use world::{PASSPHRASE, World, write};

use crate::run::{good, say};

#[test]
fn no_secret_comes_out_of_any_command() {
    let commands = commands();
    let lines: Vec<&str> = PLAIN.iter().chain(KEYED).copied().collect();
    let mut options = 0;
    for (command, own) in &commands {
        assert!(lines.iter().any(|line| is_of(line, command)), "`{command}` has no case: add one to canary/cases.rs");
        for option in own {
            let known = KEYED.iter().any(|line| is_of(line, command) && line.ends_with(&format!(" {option}")));
            assert!(known, "`{option}` of `{command}` has no case: add one to canary/cases.rs");
            options += 1;
        }
    }
    assert!(commands.len() >= 22 && options >= 25, "the help is read wrongly: {commands:?}");
    let world = World::new();
    let jobs = jobs(&world, &commands);
    let (next, ends) = (AtomicUsize::new(0), Mutex::new(BTreeMap::<String, BTreeSet<Option<i32>>>::new()));
    let leaks = Mutex::new(Vec::new());
    let (runs, wrong) = (jobs.len() * 2, Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(number / 2) else { return };
                    let (code, found) = run(&world, number, job, number % 2 == 1);
                    leaks.lock().expect("a lock").extend(found);
                    let well = match job.end {
                        End::Good => code == Some(0),
                        End::Bad => code.is_some_and(|code| matches!(code, 2..=8)),
                        End::Any => code.is_none_or(|code| code != 1 && code != 101),
                    };
                    if !well {
                        let text = job.given.as_ref().map_or("", |given| given.text.as_str());
                        let mut wrong = wrong.lock().expect("a lock");
                        wrong.push(format!("{} {text}: exit {code:?}, not {:?}", job.line, job.end));
                    }
                    let own = commands.iter().find(|(command, _)| is_of(&job.line, command)).expect("a command");
                    ends.lock().expect("a lock").entry(own.0.clone()).or_default().insert(code);
                }
            });
        }
    });
    let (leaks, wrong) = (leaks.into_inner().expect("a lock"), wrong.into_inner().expect("a lock"));
    assert!(wrong.is_empty(), "{} runs end otherwise:\n{}", wrong.len(), wrong.join("\n"));
    for name in ["sealed", "sealed-test", "damaged", "clear"] {
        for (file, bytes) in every_file(&world.at(name)) {
            assert!(world.search.hits(&bytes, &[]).is_empty(), "{name}/{file}");
        }
    }
    let ends = ends.into_inner().expect("a lock");
    for (command, _) in &commands {
        let codes = &ends[command];
        assert!(codes.contains(&Some(0)) && codes.len() > 1, "`{command}` only ends with {codes:?}");
    }
    let count = |number: &AtomicU64| number.load(Ordering::Relaxed);
    let (searches, bytes, forms) = (count(&world.search.searches), count(&world.search.bytes), world.search.forms());
    say(&format!(
        "canaries: {} commands, {options} options that lead to secrets, {runs} runs, {searches} searches of {bytes} bytes for {forms} forms: {} hits",
        commands.len(),
        leaks.len()
    ));
    assert!(leaks.is_empty(), "{} hits:\n{}", leaks.len(), leaks.join("\n"));
}

/// A search that finds nothing must be one that would.
#[test]
fn what_is_planted_is_found() {
    let world = World::new();
    let (mut planted, place) = (0, world.at("place"));
    for secret in [&world.data[..], PASSPHRASE.as_bytes()] {
        for form in forms(secret) {
            write(&place, 0o600, &[b"a line\n{\"x\": \"", &form[..], b"\"}"].concat());
            let found = world.search.hits(&std::fs::read(&place).expect("a file"), &[]);
            assert_eq!(found.len(), 1, "{} was not found", String::from_utf8_lossy(&form));
            planted += 1;
        }
        // Wherever it stands in what is coded.
        for skip in 0..6 {
            let whole = [&b"before"[..skip], secret, b"behind"].concat();
            for text in
                [placebo::digest::hex(&whole).into_bytes(), coded(&whole, 0)[0].clone(), coded(&whole, 0)[1].clone()]
            {
                assert_eq!(world.search.hits(&text, &[]).len(), 1, "{skip} bytes further");
            }
        }
        assert!(world.search.hits(&secret[1..secret.len() / 2], &[]).is_empty());
    }
    assert!(planted > 30, "{planted}");
    // What a command gives out where that is its job, and what stands on a command line, its own or one below it.
    let key = placebo::digest::hex(&world.data);
    let told = good(&[
        "keys",
        "export",
        "--column",
        "patient.ssn",
        "--key-source",
        &format!("file:{}", world.text("keys/data")),
    ]);
    assert_eq!(world.search.hits(&told.stdout, &[]), ["column"]);
    assert!(world.search.hits(&told.stdout, &["column"]).is_empty());
    for script in ["sleep 0.1; : $0", "sh -c 'sleep 0.1; :' $0; :"] {
        let mut shell = Command::new("sh");
        shell.args(["-c", script, &key]);
        let seen = watched(&mut shell, b"", None);
        assert!(seen.lines.iter().any(|line| world.search.hits(line, &[]) == ["data"]), "{:?}", seen.lines);
    }
    let mut shell = Command::new("sh");
    let seen = watched(shell.args(["-c", "sh \"$CANARY\"; :"]).env("CANARY", world.text("keys/tell")), b"", None);
    assert!(seen.lines.len() >= 2, "what stands below is not looked at: {:?}", seen.lines);
}
