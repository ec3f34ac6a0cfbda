//! A process watched from outside: what it says, and what the list of processes shows of it and of its children.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What was seen of a process.
pub(super) struct Seen {
    pub(super) code: Option<i32>,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    /// Every command line that it or a process below it had.
    pub(super) lines: BTreeSet<Vec<u8>>,
}

/// When a process is sent a signal.
#[derive(Clone)]
pub(super) enum Stop {
    /// While it waits for more of its standard input.
    Reading(&'static str),
    /// When this file is there.
    File(&'static str, PathBuf),
}

/// Runs a process to its end.
pub(super) fn watched(command: &mut Command, input: &[u8], stop: Option<&Stop>) -> Seen {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    let id = child.id();
    let mut lines = BTreeSet::new();
    look(id, 0, &mut lines);
    let mut stdin = child.stdin.take();
    if let Some(pipe) = &mut stdin {
        // Who does not ask for it may be gone by now.
        let _unread = pipe.write_all(input);
    }
    if !matches!(stop, Some(Stop::Reading(_))) {
        stdin = None;
    }
    let read = |mut pipe: Box<dyn Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).map(|_| bytes)
        })
    };
    let out = read(Box::new(child.stdout.take().expect("a pipe")));
    let err = read(Box::new(child.stderr.take().expect("a pipe")));
    let (started, mut sent) = (Instant::now(), None::<Instant>);
    let status = loop {
        look(id, 0, &mut lines);
        if let Some(status) = child.try_wait().expect("waits") {
            break status;
        }
        let now = match stop {
            Some(Stop::Reading(_)) => started.elapsed() > Duration::from_millis(30),
            Some(Stop::File(_, path)) => path.exists(),
            None => false,
        };
        if let Some(Stop::Reading(signal) | Stop::File(signal, _)) = stop
            && now
            // On a busy disk the first may take long to be obeyed: a user presses the keys again.
            && sent.is_none_or(|sent| sent.elapsed() > Duration::from_secs(10))
        {
            let done = Command::new("kill").args([*signal, id.to_string().as_str()]).status().expect("kill").success();
            sent = done.then(Instant::now);
        }
        assert!(started.elapsed() < Duration::from_mins(3), "a process does not end: {command:?}");
        std::thread::sleep(Duration::from_micros(500));
    };
    drop(stdin);
    let bytes =
        |reader: std::thread::JoinHandle<std::io::Result<Vec<u8>>>| reader.join().expect("a thread").expect("reads");
    Seen { code: status.code(), stdout: bytes(out), stderr: bytes(err), lines }
}

/// The command lines of a process and of those below it, now.
fn look(id: u32, depth: u32, lines: &mut BTreeSet<Vec<u8>>) {
    if let Ok(line) = std::fs::read(format!("/proc/{id}/cmdline"))
        && !line.is_empty()
    {
        lines.insert(line);
    }
    if depth < 3 {
        let tasks = std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
        for task in tasks {
            let below = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            below.split_whitespace().filter_map(|id| id.parse().ok()).for_each(|id| look(id, depth + 1, lines));
        }
    }
}
