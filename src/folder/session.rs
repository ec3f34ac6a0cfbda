//! One run into a folder.

use std::sync::{Mutex, PoisonError, RwLock};

use serde_json::json;

use super::audit::Log;
use super::estimate::{Care, estimate, within_budget, within_memory};
use super::file::FileEntry;
use super::journal::{Journal, JournalState};
use super::lane::{Checkpoints, FileEncoder, FileLane};
use super::resume::Reuse;
use super::{Folder, Lock, answers_of};
use crate::answers::Collector;
use crate::dataset::{DataSet, Output, OutputId, TreeShare};
use crate::engine::{ChunkId, Done, Encode, Encoded, Outcome, Progress, Session, Start};
use crate::error::{Error, Kind, Result};
use crate::order::lock;

/// A run into a folder: locks, log, journal, and the open files of one tree at a time.
pub(super) struct FolderSession<'a> {
    folder: &'a Folder<'a>,
    set: &'a DataSet,
    progress: &'a Progress,
    log: Log,
    journal: Option<Journal>,
    past: JournalState,
    tree: RwLock<OpenTree>,
    collector: Collector,
    files: Mutex<Vec<(OutputId, FileEntry)>>,
    /// Dropped last: the folder is ours until all else is closed.
    _locks: Vec<Lock>,
}

/// The open files of a tree.
#[derive(Default)]
struct OpenTree {
    lanes: Vec<FileLane>,
    checkpoints: Option<Checkpoints>,
    /// Files that an interrupted run completed.
    complete: Vec<(OutputId, FileEntry)>,
}

impl<'a> FolderSession<'a> {
    pub(super) fn new(
        folder: &'a Folder<'a>,
        set: &'a DataSet,
        progress: &'a Progress,
        locks: Vec<Lock>,
        log: Log,
    ) -> Self {
        Self {
            folder,
            set,
            progress,
            log,
            journal: None,
            past: JournalState::default(),
            tree: RwLock::default(),
            collector: Collector::new(set.questions()),
            files: Mutex::default(),
            _locks: locks,
        }
    }

    /// Looks at what is in the folder, asks for room, and opens the journal.
    pub(super) fn prepare(&mut self, start: Start, inputs: &str) -> Result<()> {
        let (folder, set) = (self.folder, self.set);
        let sizes = estimate(set, (folder.format, &folder.options), Care::Quick)?;
        within_budget(set, &sizes)?;
        within_memory(set, &sizes, folder.format.binary)?;
        let past = folder.inspect(set, start, inputs)?;
        folder.within_room(set, &sizes)?;
        if start == Start::Overwrite {
            folder.remove_earlier(set, &self.log)?;
        }
        self.journal = Some(folder.open_journal(set, past.as_ref(), inputs).inspect_err(|error| self.clear(error))?);
        self.past = past.unwrap_or_default();
        Ok(())
    }

    /// Removes what nobody continues: the run of a profile that asks for what cannot be.
    fn clear(&self, error: &Error) {
        if matches!(error.kind(), Kind::Profile | Kind::Usage) {
            self.folder.clear(self.set);
        }
    }

    /// Writes the end of a failed run to the log, and says of a full disk how much room is needed.
    pub(super) fn failed(&self, error: Error) -> Error {
        let event = self.log.event("error", json!({ "code": error.kind().exit_code(), "message": error.message() }));
        // What stopped the run is the news, not that the log could not be written either.
        let _unlogged = event.and_then(|()| self.log.sync());
        match error.kind() {
            Kind::Interrupted | Kind::Terminated => error.hint(self.kept()),
            _ => self.folder.explain(self.set, error),
        }
    }

    /// Says how many rows of the journal a run with `--resume` will keep.
    fn kept(&self) -> String {
        let past = JournalState::read(&self.folder.journal(self.set.this_part())).ok().flatten().unwrap_or_default();
        let [(files, rows), (unfinished, more)] = past.kept();
        let mut kept = format!("--resume keeps {rows} rows in {files} complete files");
        if unfinished > 0 {
            kept += &format!(", and {more} rows in {unfinished} unfinished ones");
        } else {
            kept += &format!(
                "; unfinished {} files start again, and --part I/N makes them smaller",
                self.folder.format.name
            );
        }
        kept
    }

    /// Writes what describes the files, and takes the journal away.
    fn describe(&self, files: &[FileEntry]) -> Result<()> {
        let answers = answers_of(&self.collector.key());
        for file in files {
            let fields = json!({ "path": file.path, "rows": file.rows, "bytes": file.bytes, "sha256": file.sha256 });
            self.log.event("file", fields)?;
        }
        self.folder.refuse_other_description(self.set)?;
        self.folder.describe(self.set, files, answers)?;
        self.folder.forget(self.set)
    }

    /// Closes the files of a tree.
    fn close(&self) -> Result<()> {
        let open = std::mem::take(&mut *self.tree.write().unwrap_or_else(PoisonError::into_inner));
        let mut files = open.complete;
        for lane in open.lanes {
            let (output, file) = lane.close(self.folder.disk)?;
            if let Some(journal) = &self.journal {
                journal.file(&file)?;
            }
            files.push((output, file));
        }
        files.iter().for_each(|(_, file)| self.progress.report("file", json!(file)));
        lock(&self.files).extend(files);
        Ok(())
    }
}

impl Session for FolderSession<'_> {
    fn begin_tree(&self, tree: &TreeShare) -> Result<Done> {
        let reuse = self.folder.reuse(self.set, &self.past, tree)?;
        let mut open = OpenTree::default();
        let mut may_continue = true;
        for output in tree.outputs.iter().filter(|output| !reuse.files.contains_key(output)) {
            let output = self.set.output(*output);
            let encoder = (self.folder.format.encoder)(&output.schema, &self.folder.options)?;
            may_continue &= encoder.goes_on();
            open.lanes.push(FileLane::open(
                self.folder,
                self.set,
                output,
                encoder.as_ref(),
                reuse.partial.get(&output.id),
            )?);
        }
        if may_continue {
            open.checkpoints = Some(Checkpoints::new(&tree.name, open.lanes.len()));
        }
        let done = done(&reuse, tree);
        open.complete = reuse.files.into_iter().collect();
        *self.tree.write().unwrap_or_else(PoisonError::into_inner) = open;
        Ok(done)
    }

    fn answers(&self) -> Option<&Collector> {
        Some(&self.collector)
    }

    fn encoder<'s>(&'s self, output: &Output) -> Result<Box<dyn Encode + 's>> {
        Ok(Box::new(FileEncoder::new(self.folder.format, &self.folder.options, output)?))
    }

    fn deliver(&self, chunk: &ChunkId<'_>, encoded: Vec<(OutputId, Encoded)>) -> Result<()> {
        let open = self.tree.read().unwrap_or_else(PoisonError::into_inner);
        let checkpoints = open.checkpoints.as_ref().zip(self.journal.as_ref());
        if let Some((checkpoints, _)) = checkpoints {
            checkpoints.expect(chunk.index, chunk.rows.end);
        }
        for (output, encoded) in encoded {
            let lane = open.lanes.iter().find(|lane| lane.output == output);
            let lane = lane.ok_or_else(|| Error::internal("rows of an output without a file"))?;
            lane.submit(chunk.index, encoded, checkpoints)?;
        }
        Ok(())
    }

    fn end_tree(&self, _: &TreeShare) -> Result<()> {
        self.close()
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        let mut files = std::mem::take(&mut *lock(&self.files));
        // In the plan's order, which is not the one that trees or tables come in.
        files.sort_by_key(|(output, _)| self.set.output(*output).table);
        let files: Vec<FileEntry> = files.into_iter().map(|(_, file)| file).collect();
        self.describe(&files).map_err(|error| self.failed(error))?;
        let end = self.log.event("end", json!({ "files": files.len(), "reused_rows": self.progress.reused() }));
        end.and_then(|()| self.log.sync()).map_err(|error| self.folder.explain(self.set, error))?;
        Ok(self.folder.outcome(&files, Some(self.log.end())))
    }

    fn fail(self: Box<Self>, error: Error) -> Error {
        self.clear(&error);
        self.failed(error)
    }
}

/// Outputs and chunks that need not be made again, with their rows and bytes.
fn done(reuse: &Reuse, tree: &TreeShare) -> Done {
    let complete = reuse.files.values().map(|file| (file.rows, file.bytes));
    let partial = reuse.partial.values().map(|file| (file.state.rows, file.state.bytes));
    let (reused_rows, reused_bytes) =
        complete.chain(partial).fold((0, 0), |(rows, bytes), file| (rows + file.0, bytes + file.1));
    Done {
        outputs: reuse.files.keys().copied().collect(),
        rows: reuse.row.map(|row| tree.rows.start..row).into_iter().collect(),
        reused_rows,
        reused_bytes,
    }
}
