//! Standard output: the bytes of one table's file.

mod document;

use std::sync::{Mutex, PoisonError, RwLock};

use serde_json::json;

use super::Scheme;
use crate::dataset::{DataSet, Output, OutputId, TreeShare};
use crate::disk::System;
use crate::engine::{Begun, ChunkId, Done, Encode, Encoded, Outcome, Progress, Session, Start, Target};
use crate::error::{Error, Kind, Result};
use crate::folder::estimate::{Care, estimate, within_budget};
use crate::folder::{FileEncoder, FileLane, OutputFile, Sums, file_path};
use crate::format::{FORMATS, Format, Options};
use crate::order::lock;
use document::DocumentSession;

pub(super) static STDOUT: Scheme = Scheme {
    form: "-",
    about: "standard output, for one table, or for one row with all that belongs to it",
    command: "generate",
    open: |name, settings| {
        (name == "-").then(|| {
            let stdout = Stdout { format: settings.format, options: settings.options.clone() };
            Ok(Box::new(stdout) as Box<dyn Target>)
        })
    },
};

/// The stream, and the form of the bytes.
struct Stdout {
    format: &'static Format,
    options: Options,
}

impl Target for Stdout {
    fn begin<'a>(&'a self, set: &'a DataSet, _: Start, progress: &'a Progress) -> Result<Begun<'a>> {
        if closed() {
            return Err(Error::new(Kind::Io, "standard output is closed, and rows would be lost")
                .hint("give it a file or a pipe; `> /dev/null` throws rows away"));
        }
        within_budget(set, &estimate(set, (self.format, &self.options), Care::Quick)?)?;
        if let Some(document) = &self.format.document
            && let Some(session) = DocumentSession::new(set, document)
        {
            return Ok(Begun::Session(Box::new(session)));
        }
        if set.outputs().len() != 1 && self.format.takes_messages_alone() {
            return Err(
                Error::usage("standard output takes the messages of one template").hint("--out DIR takes several")
            );
        }
        let [output] = set.outputs() else {
            let nested = FORMATS.iter().filter(|format| document::fits(set) && format.document.is_some());
            let nested: Vec<&str> = nested.map(|format| format.name).collect();
            let all = match nested.is_empty() {
                true => String::new(),
                false => format!(", or --format {} for all of them", nested.join(" or ")),
            };
            let hint = format!("say which: --tables NAME{all}");
            return Err(Error::usage("standard output takes one table").hint(hint));
        };
        let encoder = (self.format.encoder)(&output.schema, &self.options)?;
        let path = file_path(&output.name, self.format.extension(&output.schema, &self.options), set.this_part());
        let file = OutputFile::stdout(&output.name, &path, encoder.as_ref())?;
        let lane = RwLock::new(Some(FileLane::new(output.id, file, Sums::default())));
        Ok(Begun::Session(Box::new(StdoutSession { stdout: self, progress, lane, outcome: Mutex::default() })))
    }
}

/// Tells whether the process was started without a standard output. The runtime opens `/dev/null` in its place then, to read and
/// to write, which nobody does who only throws rows away.
#[cfg(unix)]
fn closed() -> bool {
    use rustix::fs::{FileType, OFlags, fcntl_getfl, fstat, stat};
    let stdout = std::io::stdout();
    let (Ok(own), Ok(null), Ok(flags)) = (fstat(&stdout), stat("/dev/null"), fcntl_getfl(&stdout)) else { return true };
    let device = FileType::from_raw_mode(own.st_mode) == FileType::CharacterDevice;
    device && own.st_rdev == null.st_rdev && flags.contains(OFlags::RDWR)
}

#[cfg(not(unix))]
fn closed() -> bool {
    false
}

/// A run into standard output. Nothing of it lasts, so nothing is ever done already.
struct StdoutSession<'a> {
    stdout: &'a Stdout,
    progress: &'a Progress,
    lane: RwLock<Option<FileLane>>,
    outcome: Mutex<Outcome>,
}

impl Session for StdoutSession<'_> {
    fn begin_tree(&self, _: &TreeShare) -> Result<Done> {
        Ok(Done::default())
    }

    fn encoder<'s>(&'s self, output: &Output) -> Result<Box<dyn Encode + 's>> {
        Ok(Box::new(FileEncoder::new(self.stdout.format, &self.stdout.options, output)?))
    }

    fn deliver(&self, chunk: &ChunkId<'_>, encoded: Vec<(OutputId, Encoded)>) -> Result<()> {
        let lane = self.lane.read().unwrap_or_else(PoisonError::into_inner);
        let lane = lane.as_ref().ok_or_else(|| Error::internal("rows after the last"))?;
        encoded.into_iter().try_for_each(|(_, encoded)| lane.submit(chunk.index, encoded, None))
    }

    fn end_tree(&self, _: &TreeShare) -> Result<()> {
        let Some(lane) = self.lane.write().unwrap_or_else(PoisonError::into_inner).take() else { return Ok(()) };
        let (_, file) = lane.close(&System)?;
        self.progress.report("file", json!(file));
        *lock(&self.outcome) = Outcome { outputs: 1, rows: file.rows, bytes: file.bytes, ..Outcome::default() };
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        Ok(lock(&self.outcome).clone())
    }
}
