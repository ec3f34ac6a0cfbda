//! One run of the program, and all that came of it looked through.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use super::cases::{FAILING, FULL, KEYED, PLAIN, WAITING};
use super::sources::{End, Given, files, sources};
use super::watch::{Stop, watched};
use super::world::{Use, World, write};

/// One run of the program.
pub(super) struct Job {
    pub(super) line: String,
    pub(super) given: Option<Given>,
    pub(super) end: End,
    stop: Option<Stop>,
    /// The longest file, in blocks of 512 bytes.
    full: Option<u32>,
}

/// Whether a line is of a command.
pub(super) fn is_of(line: &str, command: &str) -> bool {
    line.strip_prefix(command).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

pub(super) fn jobs(world: &World, commands: &[(String, Vec<String>)]) -> Vec<Job> {
    let job = |line: &str, end: End| Job { line: line.to_owned(), given: None, end, stop: None, full: None };
    let mut all: Vec<Job> = PLAIN.iter().map(|line| job(line, End::Good)).collect();
    all.extend(FAILING.iter().map(|line| job(line, End::Bad)));
    all.extend(commands.iter().map(|(command, _)| job(&format!("{command} --no-such-option"), End::Bad)));
    all.extend(FULL.iter().map(|(line, blocks)| Job { full: Some(*blocks), ..job(line, End::Bad) }));
    for line in KEYED {
        let option = line.rsplit(' ').next().unwrap_or("");
        let reads = ["verify", "decrypt", "reencrypt"].iter().any(|command| is_of(line, command));
        let opens = reads || line.contains("--keyring {wrapped}");
        let given = match option {
            "--keyring" => files(world, Use::Keyring, reads || line.contains("--id")),
            "--key" => files(world, Use::Pem, false),
            "--column-key" => sources(world, Use::Column, true),
            "--key-source" => sources(world, Use::Data, reads),
            _ => sources(world, Use::Kek, opens),
        };
        for given in given {
            // It makes the file, whatever its name is.
            let end = if *line == "keys new --keyring" { End::Any } else { given.end };
            all.push(Job { given: Some(given), ..job(line, end) });
        }
    }
    for (line, signal) in WAITING.iter().flat_map(|line| [(line, "-INT"), (line, "-TERM")]) {
        all.push(Job { stop: Some(Stop::Reading(signal)), ..job(line, End::Any) });
    }
    for signal in ["-INT", "-TERM", "-KILL"] {
        let line = "generate healthcare --rows patient=200k --protect pii=encrypt --out {out} --key-source {data}";
        all.push(Job { stop: Some(Stop::File(signal, ".placebo.journal".into())), ..job(line, End::Any) });
    }
    all
}

/// Runs a job, and looks through all that came of it: the exit code, and what was found where.
pub(super) fn run(world: &World, number: usize, job: &Job, json: bool) -> (Option<i32>, Vec<String>) {
    let test = job.given.as_ref().is_some_and(|given| given.test);
    let folder = world.run(number, test);
    let text = job.given.as_ref().map_or("", |given| given.text.as_str());
    let mut words = world.words(&job.line, &folder, test);
    if let Some(given) = &job.given {
        words.push(world.words(&given.text.replace(' ', "\u{1}"), &folder, test).concat().replace('\u{1}', " "));
    }
    let held = job.given.as_ref().and_then(|given| given.held.clone());
    let (mode, held) = held.unwrap_or_else(|| (0o600, world.held(Use::Data, false)));
    write(&folder.join("given"), mode, &held);
    let mut command = match job.full {
        // Whoever runs the tests in the background of a shell has them ignore SIGINT, and so would a process that waits.
        None if matches!(job.stop, Some(Stop::Reading(_))) => {
            let mut command = Command::new("env");
            command.args(["--default-signal=INT", env!("CARGO_BIN_EXE_placebo")]);
            command
        }
        None => Command::new(env!("CARGO_BIN_EXE_placebo")),
        Some(blocks) => {
            let mut shell = Command::new("sh");
            let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
            shell.args(["-c", &limit, "sh", env!("CARGO_BIN_EXE_placebo")]);
            shell
        }
    };
    command.args(&words).current_dir(&folder).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    command.env("CANARY_GIVEN", std::ffi::OsStr::from_bytes(&held));
    if json {
        command.args(["--log-format", "json", "--error-format", "json"]);
    }
    let stop = match &job.stop {
        Some(Stop::File(signal, name)) => Some(Stop::File(signal, folder.join("out").join(name))),
        other => other.clone(),
    };
    let input = if job.stop.is_some() { &held[..held.len() / 2] } else { &held[..] };
    let seen = watched(&mut command, input, stop.as_ref());
    let mut found = Vec::new();
    let mut look = |what: &str, bytes: &[u8], allowed: &[&str]| {
        found.extend(world.search.hits(bytes, allowed).iter().map(|secret| {
            format!("{what} shows `{secret}`: {} {text} (json: {json}, exit {:?})", job.line, seen.code)
        }));
    };
    // Whose job it is to give a key out.
    let told: &[&str] = if is_of(&job.line, "keys export") { &["column"] } else { &[] };
    look("standard output", &seen.stdout, told);
    look("standard error", &seen.stderr, &[]);
    let mut typed = job.given.as_ref().map_or(Vec::new(), |given| given.typed.clone());
    typed.extend(job.line.contains("{passphrase}").then_some("passphrase"));
    seen.lines.iter().for_each(|line| look("the list of processes", line, &typed));
    if job.full.is_some() && is_of(&job.line, "keys") {
        assert!(
            !folder.join("new").exists() && !folder.join("ring.inprogress").exists(),
            "half a keyring: {}",
            job.line
        );
    }
    let gone = seen.code == Some(0) && (is_of(&job.line, "keys wrap") || is_of(&job.line, "keys shred"));
    for (name, bytes) in every_file(&folder) {
        // A keyring that lies open holds its key, until it is wrapped or shredded.
        let own = gone && job.line.ends_with("--keyring");
        match name.as_str() {
            "given" if !own => {}
            "ring" if !gone || !job.line.contains("{ring}") => look("the keyring", &bytes, &["data"]),
            name => look(name, &bytes, &[]),
        }
    }
    std::fs::remove_dir_all(&folder).expect("removes");
    (seen.code, found)
}

/// Every file below a folder, the run logs too.
pub(super) fn every_file(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for path in std::fs::read_dir(next).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below").display().to_string();
                found.push((name, std::fs::read(&path).expect("a file")));
            }
        }
    }
    found
}
