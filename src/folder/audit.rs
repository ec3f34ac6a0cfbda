//! The run log: who did what to a folder, when and where. Manifest and data have no clock; this file has.
//!
//! One JSON object a line, appended and never changed. `seq` counts from 1, `prev` is the SHA-256 of the line before it without its line feed
//! (64 zeros for the first), so that a line which is changed, moved, taken out or put in breaks the chain behind it:
//!
//! ```text
//! {"seq":1,"prev":"0000…","time":"2025-06-30T08:00:00Z","event":"start","command":["generate","healthcare"],"host":"ci-7","user":"build", …}
//! {"seq":2,"prev":"9f86…","time":"2025-06-30T08:00:01Z","event":"file","path":"patient.csv","rows":1000,"bytes":81223,"sha256":"77aa…"}
//! ```
//!
//! A chain cannot show that lines are missing at its end; the last hash, which a run prints, does. A line that was torn by a
//! loss of power stays as it is, and the next run says so in an event `recovered`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::{Value, json};

use super::log_name;
use crate::digest::sha256;
use crate::disk::{Disk, Handle, Lines, Links, open_regular, retry};
use crate::engine::LogEnd;
use crate::error::{Error, Kind, Result};
use crate::order::lock;
use crate::part::Part;

/// The `prev` of the first line.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The most bytes of a line that is read: far more than any event has.
const LONGEST: u64 = 16 << 20;

/// Options whose value is nobody's business: a seed is as good as the data, and the others lead to keys.
const SECRET: [&str; 6] = ["--seed", "--key", "--key-source", "--keyring", "--kek", "--password"];

/// A run log that is written.
pub struct Log {
    path: PathBuf,
    end: Mutex<End>,
}

struct End {
    handle: Box<dyn Handle>,
    seq: u64,
    prev: String,
}

impl Log {
    /// Opens a log to go on with, or begins one. A log that has a second name (a hard link) is refused: lines would be added to
    /// another file too.
    ///
    /// # Errors
    ///
    /// The file is a link, no regular file or has several names, or it cannot be read or written.
    pub fn open(disk: &dyn Disk, path: &Path) -> Result<Self> {
        let io = |error: io::Error| {
            let wrong = error.kind() == io::ErrorKind::InvalidInput;
            let hint = "a run log is a file of its own: remove it, or choose another folder with --out";
            Error::io(path, error).maybe_hint(wrong.then(|| hint.to_owned()))
        };
        let (mut seq, mut prev, mut length, mut torn) = (0, NOTHING.to_owned(), 0, false);
        let there = match open_regular(path, Links::Refuse) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            file => Some(Lines::new(file.map_err(io)?, LONGEST)),
        };
        let handle = match there {
            None => retry(|| disk.create(path)),
            Some(mut lines) => {
                while let Some(line) = lines.next_line().map_err(io)? {
                    seq += 1;
                    length += line.len() as u64;
                    torn = !line.ends_with(b"\n");
                    prev = sha256(line.strip_suffix(b"\n").unwrap_or(line));
                }
                retry(|| disk.reopen(path, length))
            }
        };
        let mut end = End { handle: handle.map_err(io)?, seq, prev };
        if torn {
            end.handle.write_all(b"\n").map_err(io)?;
        }
        let log = Self { path: path.to_owned(), end: Mutex::new(end) };
        if torn {
            log.event("recovered", json!({ "reason": "the line before was torn" }))?;
        }
        Ok(log)
    }

    /// Opens the log of a folder, or of one of its parts, and writes who begins what.
    ///
    /// # Errors
    ///
    /// As for [`Log::open`] and [`Log::event`].
    pub fn start(disk: &dyn Disk, folder: &Path, part: Option<Part>, fields: Value) -> Result<Self> {
        let log = Self::open(disk, &folder.join(log_name(part)))?;
        let mut who = json!({
            "placebo": env!("CARGO_PKG_VERSION"), "command": command(arguments()), "host": host(), "user": user(),
            "process": std::process::id(), "folder": std::env::current_dir().unwrap_or_default().to_string_lossy(),
        });
        if let (Some(who), Value::Object(fields)) = (who.as_object_mut(), fields) {
            who.extend(fields);
        }
        log.event("start", who)?;
        log.sync()?;
        Ok(log)
    }

    /// Adds an event.
    ///
    /// # Errors
    ///
    /// The line cannot be written.
    pub fn event(&self, event: &str, fields: Value) -> Result<()> {
        let mut end = lock(&self.end);
        let time = jiff::Timestamp::now();
        let mut all = json!({ "seq": end.seq + 1, "prev": end.prev, "time": format!("{time:.3}"), "event": event });
        if let (Some(all), Value::Object(fields)) = (all.as_object_mut(), fields) {
            all.extend(fields);
        }
        let line = all.to_string();
        end.handle.write_all(format!("{line}\n").as_bytes()).map_err(|error| Error::io(&self.path, error))?;
        end.seq += 1;
        end.prev = sha256(line.as_bytes());
        Ok(())
    }

    /// Makes what is written last.
    ///
    /// # Errors
    ///
    /// The disk is full or fails.
    pub fn sync(&self) -> Result<()> {
        let mut end = lock(&self.end);
        retry(|| end.handle.sync()).map_err(|error| Error::io(&self.path, error))
    }

    /// The number of events so far, and the hash of the last one.
    #[must_use]
    pub fn end(&self) -> LogEnd {
        let end = lock(&self.end);
        LogEnd { events: end.seq, last: end.prev.clone() }
    }
}

/// Follows the chain of a log.
///
/// # Errors
///
/// If a line is not what it was, or is missing; the error names it.
pub fn verify(path: &Path) -> Result<LogEnd> {
    let io = |error| Error::io(path, error);
    let mut lines = Lines::new(open_regular(path, Links::Refuse).map_err(io)?, LONGEST);
    let broken = |line: u64, what: &str| {
        Error::new(Kind::Verification, format!("`{}` line {line}: {what}", path.display()))
            .hint("the log was changed after it was written, here or in the line before")
    };
    let (mut seq, mut prev, mut torn) = (0, NOTHING.to_owned(), None);
    while let Some(line) = lines.next_line().map_err(io)? {
        seq += 1;
        let text = line.strip_suffix(b"\n").ok_or_else(|| broken(seq, "the end of the line is missing"))?;
        let event: Option<Value> = serde_json::from_slice(text).ok();
        match event.as_ref().and_then(Value::as_object) {
            None if torn.is_some() => return Err(broken(seq, "no event")),
            None => torn = Some(seq),
            Some(event) => {
                if event.get("seq").and_then(Value::as_u64) != Some(seq) {
                    return Err(broken(seq, "`seq` does not count on"));
                }
                if event.get("prev").and_then(Value::as_str) != Some(&prev) {
                    return Err(broken(seq, "`prev` is not the hash of the line before"));
                }
                if let Some(torn) = torn.take()
                    && event.get("event").and_then(Value::as_str) != Some("recovered")
                {
                    return Err(broken(torn, "no event"));
                }
            }
        }
        prev = sha256(text);
    }
    match torn {
        Some(line) => Err(broken(line, "no event")),
        None if seq == 0 => Err(broken(1, "the log is empty")),
        None => Ok(LogEnd { events: seq, last: prev }),
    }
}

/// The arguments of the process; bytes that are not Unicode are replaced.
pub(crate) fn arguments() -> impl Iterator<Item = String> {
    std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned())
}

/// The arguments without what leads to data or keys.
fn command(args: impl Iterator<Item = String>) -> Vec<String> {
    let mut hide = false;
    let shown = args.map(|arg| {
        if std::mem::take(&mut hide) {
            return "***".to_owned();
        }
        let (name, value) = arg.split_once('=').map_or((arg.as_str(), None), |(name, value)| (name, Some(value)));
        match (SECRET.contains(&name), value) {
            (false, _) => arg,
            (true, Some(_)) => format!("{name}=***"),
            (true, None) => {
                hide = true;
                arg
            }
        }
    });
    shown.collect()
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    String::new()
}

/// Who runs this, as the environment says.
fn user() -> String {
    let names = ["LOGNAME", "USER", "USERNAME"].into_iter().find_map(std::env::var_os);
    names.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::System;

    fn log(folder: &Path) -> PathBuf {
        let path = folder.join("run.jsonl");
        let log = Log::open(&System, &path).expect("opens");
        for n in 0..5 {
            log.event("file", json!({ "n": n })).expect("writes");
        }
        assert_eq!(log.end(), verify(&path).expect("whole"));
        path
    }

    #[test]
    fn any_change_of_a_line_is_found() {
        let temp = tempfile::tempdir().expect("a folder");
        let path = log(temp.path());
        let whole = std::fs::read_to_string(&path).expect("text");
        let lines: Vec<&str> = whole.lines().collect();
        let joined = |lines: &[&str]| lines.join("\n") + "\n";
        let mut changed = Vec::new();
        for at in 0..lines.len() {
            let mut edited = lines.clone();
            let line = lines[at].replace("\"file\"", "\"fine\"");
            edited[at] = &line;
            // The last line's own hash is what the printed checkpoint is for.
            if at + 1 < lines.len() {
                changed.push(joined(&edited));
                let mut swapped = lines.clone();
                swapped.swap(at, at + 1);
                changed.push(joined(&swapped));
                let mut without = lines.clone();
                without.remove(at);
                changed.push(joined(&without));
            }
            let mut twice = lines.clone();
            twice.insert(at, lines[at]);
            changed.push(joined(&twice));
        }
        changed.push(whole[..whole.len() - 3].to_owned());
        for text in changed {
            std::fs::write(&path, &text).expect("writes");
            let error = verify(&path).expect_err(&text);
            assert_eq!(error.kind(), Kind::Verification);
        }
    }

    #[test]
    fn a_torn_line_is_told_and_the_chain_goes_on() {
        let temp = tempfile::tempdir().expect("a folder");
        let path = log(temp.path());
        let whole = std::fs::read(&path).expect("bytes");
        for cut in 1..whole.len() {
            std::fs::write(&path, &whole[..cut]).expect("writes");
            let log = Log::open(&System, &path).expect("opens");
            log.event("start", json!({})).expect("writes");
            verify(&path).unwrap_or_else(|error| panic!("cut at {cut}: {error}"));
        }
    }

    #[test]
    fn secrets_are_not_written() {
        let args = "generate shop --seed s3cret --seed=s3cret --key env:K --kek cmd:x --out out";
        let shown = command(args.split(' ').map(str::to_owned));
        assert_eq!(shown.join(" "), "generate shop --seed *** --seed=*** --key *** --kek *** --out out");
    }
}
