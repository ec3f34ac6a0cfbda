//! Operation N fails, for every N: whatever the disk does, nothing half-written has a name, and a run can be gone on with.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use placebo::dataset::DataSet;
use placebo::disk::{Disk, Handle, System};
use placebo::engine::{self, Outcome, Progress, Start};
use placebo::error::{Kind, Result};
use placebo::folder::Folder;
use placebo::format::{self, Format, of_tables};
use placebo::plan::{Options, Plan};
use placebo::profile;
use placebo::verify::{Request, Sample, verify};

/// What is asked of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Folder,
    Create,
    Reopen,
    Write,
    Sync,
    Rename,
    Wipe,
    Remove,
    SyncFolder,
    Free,
}

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An input/output error, once.
    Broken,
    /// A full disk, from here on.
    Full,
    /// A signal came between.
    Interrupted,
    /// Half of the bytes are taken.
    Short,
    /// The new name would be on another disk.
    Elsewhere,
    /// The process was killed: neither this operation nor any later one is carried out.
    Killed,
}

/// What can go wrong with an operation.
pub(crate) fn faults(operation: Operation) -> &'static [Fault] {
    match operation {
        Operation::Write => &[Fault::Broken, Fault::Full, Fault::Interrupted, Fault::Short],
        Operation::Create | Operation::Folder => &[Fault::Broken, Fault::Full, Fault::Interrupted],
        Operation::Rename => &[Fault::Broken, Fault::Interrupted, Fault::Elsewhere],
        Operation::Sync => &[Fault::Broken, Fault::Full, Fault::Interrupted],
        Operation::Reopen | Operation::Wipe | Operation::Remove | Operation::SyncFolder | Operation::Free => {
            &[Fault::Broken, Fault::Interrupted]
        }
    }
}

/// The disk of the machine, whose n-th operation fails.
#[derive(Clone)]
pub(crate) struct Faulty(Arc<Mutex<Plotted>>);

struct Plotted {
    at: usize,
    fault: Fault,
    seen: Vec<Operation>,
    full: bool,
    /// Instead of failing, a signal stops the run.
    stop: Option<Arc<AtomicUsize>>,
}

impl Faulty {
    pub(crate) fn new(at: usize, fault: Fault) -> Self {
        Self(Arc::new(Mutex::new(Plotted { at, fault, seen: Vec::new(), full: false, stop: None })))
    }

    /// A sound disk, and Ctrl-C when it is asked for the n-th time.
    fn stopping(at: usize, progress: &Progress) -> Self {
        let disk = Self::new(at, Fault::Interrupted);
        disk.0.lock().expect("a lock").stop = Some(Arc::clone(&progress.stop));
        disk
    }

    /// Counts an operation, and fails if it is the one; whether a write must be short.
    fn meet(&self, operation: Operation) -> io::Result<bool> {
        let mut plot = self.0.lock().expect("a lock");
        let now = plot.seen.len();
        plot.seen.push(operation);
        if plot.full && matches!(operation, Operation::Write | Operation::Create | Operation::Sync) {
            return Err(ErrorKind::StorageFull.into());
        }
        if plot.fault == Fault::Killed && now >= plot.at {
            return Err(io::Error::other("killed"));
        }
        if now != plot.at {
            return Ok(false);
        }
        if let Some(stop) = &plot.stop {
            stop.store(2, Ordering::Relaxed);
            return Ok(false);
        }
        match plot.fault {
            Fault::Broken => Err(io::Error::from_raw_os_error(5)),
            Fault::Full => {
                plot.full = true;
                Err(ErrorKind::StorageFull.into())
            }
            Fault::Interrupted => Err(ErrorKind::Interrupted.into()),
            Fault::Elsewhere => Err(ErrorKind::CrossesDevices.into()),
            Fault::Killed => Err(io::Error::other("killed")),
            Fault::Short => Ok(true),
        }
    }

    /// The operations that were asked for, in order.
    pub(crate) fn seen(&self) -> Vec<Operation> {
        self.0.lock().expect("a lock").seen.clone()
    }

    pub(crate) fn met(&self) -> bool {
        let plot = self.0.lock().expect("a lock");
        plot.seen.len() > plot.at
    }
}

impl Disk for Faulty {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.meet(Operation::Folder)?;
        System.create_folder(folder)
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.meet(Operation::Create)?;
        Ok(Box::new(Open { disk: self.clone(), handle: System.create(path)? }))
    }
    fn create_private(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.meet(Operation::Create)?;
        Ok(Box::new(Open { disk: self.clone(), handle: System.create_private(path)? }))
    }
    fn reopen(&self, path: &Path, length: u64) -> io::Result<Box<dyn Handle>> {
        self.meet(Operation::Reopen)?;
        Ok(Box::new(Open { disk: self.clone(), handle: System.reopen(path, length)? }))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.meet(Operation::Rename)?;
        System.rename(from, to)
    }
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.meet(Operation::Rename)?;
        System.rename_new(from, to)
    }
    fn wipe(&self, file: &std::fs::File) -> io::Result<()> {
        self.meet(Operation::Wipe)?;
        System.wipe(file)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.meet(Operation::Remove)?;
        System.remove(path)
    }
    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        self.meet(Operation::SyncFolder).map(drop)
    }
    fn free(&self, _: &Path) -> io::Result<u64> {
        self.meet(Operation::Free)?;
        Ok(u64::MAX)
    }
}

struct Open {
    disk: Faulty,
    handle: Box<dyn Handle>,
}

impl Write for Open {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let short = self.disk.meet(Operation::Write)?;
        self.handle.write(if short { &bytes[..bytes.len().div_ceil(2)] } else { bytes })
    }
    fn flush(&mut self) -> io::Result<()> {
        self.handle.flush()
    }
}

impl Handle for Open {
    fn sync(&mut self) -> io::Result<()> {
        self.disk.meet(Operation::Sync).map(drop)
    }
}

/// Writes a data set to a folder on one thread.
fn execute(
    set: &DataSet,
    format: &'static Format,
    folder: &Path,
    start: Start,
    disk: &dyn Disk,
    progress: &Progress,
) -> Result<Outcome> {
    let folder = Folder { path: folder.to_owned(), format, options: format::Options::default(), disk };
    engine::run(set, &folder, start, 1, progress)
}

/// The files of a folder without the run log.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    if folder.is_dir() { crate::run::files(folder).into_iter().collect() } else { BTreeMap::new() }
}

/// A folder in memory, where there is one: what is tested here is not the disk's speed.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a folder")
}

/// Whether files and hashes of a folder are those of a whole run.
fn verifies(folder: &Path) -> bool {
    let request = Request {
        folder: folder.to_owned(),
        quick: true,
        sample: Sample { share: 0.0, seed: String::new() },
        profile: None,
        templates: Vec::new(),
        faults: Vec::new(),
        keys: None,
        seed: None,
        allow_missing_parts: false,
        public_key: None,
        threads: 1,
        memory: 1 << 20,
        show_values: false,
    };
    verify(&request).is_ok_and(|report| report.findings.is_empty())
}

/// What is wrong with each case, on two threads: a run has a pool of its own, and a worker that waits for one would take another case
/// on its stack.
fn wrong<C: Sync>(cases: &[C], look: impl Fn(&C) -> Option<String> + Sync) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    found.lock().expect("a lock").extend(look(case));
                }
            });
        }
    });
    found.into_inner().expect("a lock")
}

/// Runs into one fault and says what is wrong with what it leaves; nothing, where all is well.
fn left_behind(
    set: &DataSet,
    format: &'static Format,
    golden: &BTreeMap<PathBuf, Vec<u8>>,
    at: usize,
    fault: Fault,
) -> Option<String> {
    let temp = folder();
    let out = temp.path().join("out");
    let disk = Faulty::new(at, fault);
    let made = execute(set, format, &out, Start::New, &disk, &Progress::default());
    if !disk.met() {
        return Some("the operation never came".to_owned());
    }
    let harmless = matches!(fault, Fault::Interrupted | Fault::Short);
    match made {
        Ok(_) if files(&out) == *golden => return None,
        Ok(_) => return Some("it ends well with other files".to_owned()),
        Err(error) if harmless => return Some(format!("it gives up: {error}")),
        Err(error) if error.kind() != Kind::Io => return Some(format!("{error:?}")),
        Err(error) if !error.message().contains('`') => return Some(format!("no file is named: {error}")),
        Err(error) if fault == Fault::Full && !format!("{error:?}").contains("bytes are needed") && at > 20 => {
            return Some(format!("no room is named: {error:?}"));
        }
        Err(_) => {}
    }
    let left = files(&out);
    let named =
        |path: &Path| !path.to_string_lossy().contains("inprogress") && !path.to_string_lossy().starts_with(".placebo");
    for (path, bytes) in left.iter().filter(|(path, _)| named(path)) {
        if golden.get(path) != Some(bytes) {
            return Some(format!("`{}` is not whole under its name", path.display()));
        }
    }
    // All that stands before the manifest is there when it is; until then nothing verifies.
    let manifest = left.contains_key(Path::new("manifest.json"));
    if manifest && golden.keys().any(|path| !left.contains_key(path)) {
        return Some("a manifest without its files".to_owned());
    }
    if !manifest && verifies(&out) {
        return Some("it verifies, and is not whole".to_owned());
    }
    let resumed = execute(set, format, &out, Start::Resume, &System, &Progress::default());
    match resumed {
        Err(error) => Some(format!("it cannot be gone on with: {error:?}")),
        Ok(_) if files(&out) != *golden => Some("gone on with, it gives other files".to_owned()),
        Ok(_) if !verifies(&out) => Some("gone on with, it does not verify".to_owned()),
        Ok(_) => placebo::folder::audit::verify(&out.join("run.jsonl")).err().map(|error| format!("{error:?}")),
    }
}

#[test]
fn every_operation_may_fail() {
    let mut told = Vec::new();
    for (name, rows) in [("shop", "account"), ("bank", "payment"), ("telecom", "subscriber")] {
        let loaded = profile::load(&format!("tests/fixtures/{name}")).expect("loads");
        let rows = [(rows.to_owned(), 120)].into_iter().collect();
        let plan = Plan::compile(&loaded, &Options { rows, ..Options::default() }).expect("compiles");
        let set = DataSet::new(plan).chunk_rows(Some(40));
        for format in of_tables() {
            let temp = folder();
            let quiet = Faulty::new(usize::MAX, Fault::Broken);
            execute(&set, format, temp.path(), Start::New, &quiet, &Progress::default()).expect("runs");
            let golden = files(temp.path());
            assert!(golden.len() > 6 && golden.keys().all(|path| !path.to_string_lossy().contains("inprogress")));
            let operations = std::mem::take(&mut quiet.0.lock().expect("a lock").seen);
            let all: Vec<(usize, Fault)> = operations
                .iter()
                .enumerate()
                .flat_map(|(at, operation)| faults(*operation).iter().map(move |fault| (at, *fault)))
                .collect();
            let wrong = wrong(&all, |(at, fault)| {
                let wrong = left_behind(&set, format, &golden, *at, *fault)?;
                Some(format!("{name} as {}: {:?} {at} {fault:?}: {wrong}", format.name, operations[*at]))
            });
            assert!(wrong.is_empty(), "{} of {} faults:\n{}", wrong.len(), all.len(), wrong.join("\n"));
            told.push(all.len());
        }
    }
    assert!(told.iter().sum::<usize>() > 1_000, "{told:?}");
    let faults: usize = told.iter().sum();
    crate::run::say(&format!("{faults} faults in {} profiles and formats", told.len()));
}

#[test]
fn a_journal_that_is_cut_anywhere_is_gone_on_with() {
    let loaded = profile::load("tests/fixtures/shop").expect("loads");
    let rows = [("account".to_owned(), 300)].into_iter().collect();
    let plan = Plan::compile(&loaded, &Options { rows, ..Options::default() }).expect("compiles");
    let set = DataSet::new(plan).chunk_rows(Some(40));
    let csv = format::find("csv").expect("csv");
    let (whole, broken) = (folder(), folder());
    execute(&set, csv, whole.path(), Start::New, &System, &Progress::default()).expect("runs");
    let golden = files(whole.path());
    // The last rename of a table fails: all its chunks are in the journal.
    let quiet = Faulty::new(usize::MAX, Fault::Broken);
    let counted = folder();
    execute(&set, csv, counted.path(), Start::New, &quiet, &Progress::default()).expect("runs");
    let seen = quiet.0.lock().expect("a lock").seen.clone();
    let renames: Vec<usize> = (0..seen.len()).filter(|at| seen[*at] == Operation::Rename).collect();
    // The renames: the journal, four tables, four files that describe them.
    let disk = Faulty::new(renames[3], Fault::Broken);
    let failed = execute(&set, csv, broken.path(), Start::New, &disk, &Progress::default());
    assert!(failed.is_err());
    let journal = std::fs::read(broken.path().join(".placebo.journal")).expect("a journal");
    let left = files(broken.path());
    assert!(journal.len() > 1_000, "{} bytes", journal.len());
    let head = journal.iter().position(|byte| *byte == b'\n').expect("a line");
    let cuts: Vec<usize> = (0..=journal.len()).collect();
    let wrong = wrong(&cuts, |cut| {
        let temp = folder();
        for (path, bytes) in &left {
            std::fs::write(temp.path().join(path), bytes).expect("writes");
        }
        std::fs::write(temp.path().join(".placebo.journal"), &journal[..*cut]).expect("writes");
        // Without even its first line it is no journal: then the whole files stand in the way.
        let start = if *cut > head { Start::Resume } else { Start::Overwrite };
        let resumed = execute(&set, csv, temp.path(), start, &System, &Progress::default());
        match resumed {
            Err(error) => Some(format!("cut at {cut}: {error:?}")),
            Ok(_) => (files(temp.path()) != golden).then(|| format!("cut at {cut}: other files")),
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_the_bytes_do_not_show_is_made_again() {
    let loaded = profile::load("tests/fixtures/shop").expect("loads");
    let rows = [("account".to_owned(), 300)].into_iter().collect();
    let plan = Plan::compile(&loaded, &Options { rows, ..Options::default() }).expect("compiles");
    let set = DataSet::new(plan).chunk_rows(Some(40));
    let csv = format::find("csv").expect("csv");
    let whole = folder();
    execute(&set, csv, whole.path(), Start::New, &System, &Progress::default()).expect("runs");
    let golden = files(whole.path());
    for at in [400, 4_000] {
        let temp = folder();
        let progress = Progress::default();
        let disk = Faulty::stopping(60, &progress);
        let stopped = execute(&set, csv, temp.path(), Start::New, &disk, &progress);
        assert_eq!(stopped.err().map(|error| error.kind()), Some(Kind::Interrupted));
        let path = temp.path().join("payment.csv.inprogress");
        let mut bytes = std::fs::read(&path).expect("a file");
        assert!(bytes.len() > at, "{}", bytes.len());
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).expect("writes");
        execute(&set, csv, temp.path(), Start::Resume, &System, &Progress::default()).expect("goes on");
        assert_eq!(files(temp.path()), golden);
    }
}
