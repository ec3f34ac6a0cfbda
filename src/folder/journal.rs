//! The journal of a run: chunks and files that are complete, so that `--resume` continues behind them.
//!
//! The journal is a file beside the data, one line for each chunk that every file of its tree holds, and one for each file that has
//! its name. A line is 16 hex digits, a space and JSON; the digits are the start of the SHA-256 of the digits before and the JSON, so that
//! a torn end, wherever it is torn, is told from a whole line. The first line has the hash of all inputs:
//!
//! ```text
//! 0f1e2d3c4b5a6978 {"placebo":1,"inputs":"9a0b…"}
//! 1122334455667788 {"tree":"account","row":4096,"files":[{"table":"account","rows":4096,"bytes":70123,"sha256":"77aa…","digest":"…"}]}
//! 99aabbccddeeff00 {"file":{"table":"bank","path":"bank.csv","rows":20,"bytes":512,"sha256":"c0de…","digest":"…"}}
//! ```
//!
//! Lines reach the system at once, which a killed process survives, and the disk once a second, which is for a loss of power: what
//! a line says of a file is proved by the file's bytes before anybody believes it.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::file::{FileEntry, FileState};
use crate::digest::sha256;
use crate::disk::{Disk, Handle, Lines, Links, fresh, open_regular, place, retry, temporary};
use crate::error::{Error, Kind, Result};
use crate::order::lock;

/// How long a line may wait for the disk.
const LASTING: Duration = Duration::from_secs(1);
/// How many chunks back a run can go on: the last one, unless the bytes of a file were lost with the power.
const KEPT: usize = 8;

/// The most bytes of a line: one of a thousand tables has a fortieth of that.
const LONGEST: u64 = 16 << 20;

/// A chunk that is in every file of its tree: the root row after it, and the files.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Checkpoint {
    pub(super) row: u64,
    pub(super) files: Vec<FileState>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
struct Head {
    placebo: u32,
    inputs: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Chunk {
    tree: String,
    row: u64,
    files: Vec<FileState>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    file: FileEntry,
}

/// The content of a journal.
#[derive(Debug, Default)]
pub(super) struct JournalState {
    /// The hash of all inputs of the run that wrote it.
    pub(super) inputs: String,
    /// The last chunks of each tree, the latest last.
    pub(super) trees: BTreeMap<String, VecDeque<Checkpoint>>,
    /// The files that had their names, by table.
    pub(super) files: BTreeMap<String, FileEntry>,
    /// The bytes of whole lines, and the digits of the last of them.
    length: u64,
    last: String,
}

impl JournalState {
    /// Reads a journal up to the first line that is not whole; `None` where there is no journal or not even a first line.
    pub(super) fn read(path: &Path) -> Result<Option<Self>> {
        let io = |error| Error::io(path, error);
        let file = match open_regular(path, Links::Refuse) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(io)?,
        };
        let (mut lines, mut past) = (Lines::new(file, LONGEST), Self::default());
        while let Some(line) = lines.next_line().map_err(io)? {
            let Some((digits, json)) = whole_line(line, &past.last) else { break };
            if past.take(json).is_none() {
                break;
            }
            past.length += line.len() as u64;
            digits.clone_into(&mut past.last);
        }
        Ok(Some(past).filter(|past| !past.inputs.is_empty()))
    }

    /// Complete files and their rows; unfinished files that a run continues, and their rows.
    pub(super) fn kept(&self) -> [(usize, u64); 2] {
        let complete = self.files.values().map(|file| file.rows);
        let last = self.trees.values().filter_map(VecDeque::back).flat_map(|checkpoint| &checkpoint.files);
        let unfinished = last.filter(|file| !self.files.contains_key(&file.table)).map(|file| file.rows);
        let sum = |(files, all): (usize, u64), rows: u64| (files + 1, all + rows);
        [complete.fold((0, 0), sum), unfinished.fold((0, 0), sum)]
    }

    fn take(&mut self, json: &str) -> Option<()> {
        if self.inputs.is_empty() {
            self.inputs = serde_json::from_str::<Head>(json).ok().filter(|head| head.placebo == 1)?.inputs;
        } else if let Ok(Whole { file }) = serde_json::from_str(json) {
            self.files.insert(file.table.clone(), file);
        } else {
            let chunk: Chunk = serde_json::from_str(json).ok()?;
            let kept = self.trees.entry(chunk.tree).or_default();
            kept.push_back(Checkpoint { row: chunk.row, files: chunk.files });
            if kept.len() > KEPT {
                kept.pop_front();
            }
        }
        Some(())
    }
}

/// The digits and the JSON of a line that is whole.
fn whole_line<'l>(line: &'l [u8], before: &str) -> Option<(&'l str, &'l str)> {
    let (digits, json) = std::str::from_utf8(line).ok()?.strip_suffix('\n')?.split_once(' ')?;
    (digits == mark(before, json)).then_some((digits, json))
}

fn mark(before: &str, json: &str) -> String {
    sha256(format!("{before} {json}").as_bytes())[..16].to_owned()
}

/// A journal that is written.
pub(crate) struct Journal {
    path: PathBuf,
    end: Mutex<End>,
}

struct End {
    handle: Box<dyn Handle>,
    last: String,
    synced: Instant,
}

impl Journal {
    /// Begins a journal of a run with these inputs.
    pub(super) fn begin(disk: &dyn Disk, path: PathBuf, inputs: &str) -> Result<Self> {
        let new = temporary(&path);
        let handle = fresh(disk, &new)?;
        let end = Mutex::new(End { handle, last: String::new(), synced: Instant::now() });
        let journal = Self { path, end };
        journal.line(&Head { placebo: 1, inputs: inputs.to_owned() }, true)?;
        place(disk, &new, &journal.path)?;
        Ok(journal)
    }

    /// Goes on with a journal after its last whole line.
    pub(super) fn resume(disk: &dyn Disk, path: PathBuf, past: &JournalState) -> Result<Self> {
        let handle = retry(|| disk.reopen(&path, past.length)).map_err(|error| Error::io(&path, error))?;
        let end = Mutex::new(End { handle, last: past.last.clone(), synced: Instant::now() });
        Ok(Self { path, end })
    }

    /// A chunk is in every file of its tree.
    pub(super) fn chunk(&self, tree: &str, row: u64, files: Vec<FileState>) -> Result<()> {
        self.line(&Chunk { tree: tree.to_owned(), row, files }, false)
    }

    /// A file has its name.
    pub(super) fn file(&self, file: &FileEntry) -> Result<()> {
        self.line(&Whole { file: file.clone() }, false)
    }

    fn line(&self, line: &impl Serialize, lasts: bool) -> Result<()> {
        let json = serde_json::to_string(line).map_err(|error| Error::new(Kind::Internal, error.to_string()))?;
        let mut end = lock(&self.end);
        let digits = mark(&end.last, &json);
        let io = |error| Error::io(&self.path, error);
        end.handle.write_all(format!("{digits} {json}\n").as_bytes()).map_err(io)?;
        end.last = digits;
        if lasts || end.synced.elapsed() > LASTING {
            retry(|| end.handle.sync()).map_err(io)?;
            end.synced = Instant::now();
        }
        Ok(())
    }
}
