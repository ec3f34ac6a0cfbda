//! A folder with a file per table: what it holds, what describes it, and what it remembers of a run.
//!
//! Files appear whole or not at all. While a run goes on the folder is locked, a journal says which chunks are in the files, and a
//! run log says who did what; the manifest is written last of all, so that a folder with a manifest is a complete one.

pub mod audit;
mod earlier;
pub mod envelope;
pub mod estimate;
mod file;
mod journal;
mod lane;
mod lock;
pub mod manifest;
mod names;
mod resume;
mod room;
mod session;
mod sidecars;

use std::path::{Path, PathBuf};

use serde_json::{Map, json};

pub use file::{CleanRows, FileEntry};
pub use lock::Lock;
pub use names::{
    answers_names, envelope_name, file_path, is_log_name, log_name, manifest_name, recipe_name, sums_name,
};
pub use sidecars::table_file;
pub(crate) use sidecars::{REPORT, SIDECARS, Sidecar, answers_of, sidecars_of};

use crate::dataset::{DataSet, Output};
use crate::disk::{Disk, own_folder};
use crate::engine::{Begun, LogEnd, Outcome, Progress, Start, Target};
use crate::error::Result;
use crate::format::{Format, Options};
use crate::part::Part;
use audit::Log;
use manifest::{FormatSettings, Manifest};
use session::FolderSession;

pub(crate) use file::{OutputFile, Sums};
pub(crate) use lane::{FileEncoder, FileLane};

/// A folder, and the form of the files in it.
pub struct Folder<'a> {
    /// Its path.
    pub path: PathBuf,
    /// The file format.
    pub format: &'static Format,
    /// The format's options.
    pub options: Options,
    /// The file system.
    pub disk: &'a dyn Disk,
}

impl Folder<'_> {
    /// The hash of everything that determines the bytes of the files; a run with another one does not continue this one.
    #[must_use]
    pub fn inputs(&self, set: &DataSet) -> String {
        self.inputs_of(set, set.this_part())
    }

    /// The hash of everything that determines the bytes of the files of a part.
    fn inputs_of(&self, set: &DataSet, part: Option<Part>) -> String {
        let mut form = Map::new();
        form.insert("format".to_owned(), self.format.name.into());
        let FormatSettings { compression, csv_guard, others } = FormatSettings::new(self.format, &self.options);
        form.insert("compression".to_owned(), compression.into());
        form.insert("guard".to_owned(), (csv_guard == "quote").into());
        if !others.is_empty() {
            let others: Map<String, serde_json::Value> =
                others.into_iter().map(|(name, value)| (name, value.into())).collect();
            form.insert("settings".to_owned(), others.into());
        }
        set.inputs_of(part, form)
    }

    /// The path of an output's file below the folder, with `/`.
    fn file_path(&self, output: &Output, part: Option<Part>) -> String {
        file_path(&output.name, self.format.extension(&output.schema, &self.options), part)
    }

    /// The path of an output's file.
    fn path_of(&self, output: &Output, part: Option<Part>) -> PathBuf {
        below(&self.path, &self.file_path(output, part))
    }

    /// The path of the journal.
    fn journal(&self, part: Option<Part>) -> PathBuf {
        self.path.join(names::journal_name(part))
    }

    /// The outcome of a run, of its files.
    fn outcome(&self, files: &[FileEntry], log: Option<LogEnd>) -> Outcome {
        let (rows, bytes) = files.iter().fold((0, 0), |(rows, bytes), file| (rows + file.rows, bytes + file.bytes));
        Outcome {
            outputs: files.len(),
            rows,
            bytes,
            place: Some(self.path.display().to_string()),
            unchanged: false,
            log,
        }
    }

    /// Makes the folder, and keeps other runs away from it until the locks are dropped.
    fn lock(&self, part: Option<Part>) -> Result<Vec<Lock>> {
        own_folder(self.disk, &self.path)?;
        Lock::take(&self.path, part)
    }
}

impl Target for Folder<'_> {
    fn begin<'a>(&'a self, set: &'a DataSet, start: Start, progress: &'a Progress) -> Result<Begun<'a>> {
        let part = set.this_part();
        let locks = self.lock(part)?;
        if start == Start::Resume
            && let Some(files) = self.complete(set)?
        {
            let log = audit::verify(&self.path.join(log_name(part))).ok();
            return Ok(Begun::Complete(Outcome { unchanged: true, ..self.outcome(&files, log) }));
        }
        let inputs = self.inputs(set);
        let fields = json!({ "profile": set.plan().name, "inputs": inputs });
        let log = Log::start(self.disk, &self.path, part, fields).map_err(|error| self.explain(set, error))?;
        let mut session = FolderSession::new(self, set, progress, locks, log);
        session.prepare(start, &inputs).map_err(|error| session.failed(error))?;
        Ok(Begun::Session(Box::new(session)))
    }
}

/// The path of a file of a folder, of its path with `/`.
#[must_use]
pub fn below(folder: &Path, path: &str) -> PathBuf {
    path.split('/').fold(folder.to_owned(), |folder, name| folder.join(name))
}
