//! Journals of interrupted runs, damaged: what is not as it was written is not believed.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use placebo::dataset::DataSet;
use placebo::digest::sha256;
use placebo::disk::System;
use placebo::engine::{self, Progress, Start};
use placebo::error::Kind;
use placebo::folder::Folder;
use placebo::format;
use placebo::plan::{Options, Plan};

use crate::folders::memory;
use crate::mutate::{Dice, mutant};

const JOURNAL: &str = ".placebo.journal";

/// A run that was interrupted, and the whole one that it should become.
pub(crate) struct Journals {
    folder: tempfile::TempDir,
    set: DataSet,
    begun: Vec<(PathBuf, Vec<u8>)>,
    whole: Vec<(PathBuf, Vec<u8>)>,
}

fn read(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = paths
        .filter(|path| path.file_name().is_some_and(|name| name != ".placebo.lock" && name != "run.jsonl"))
        .map(|path| (path.file_name().expect("a name").into(), std::fs::read(&path).expect("a file")))
        .collect();
    files.sort();
    files
}

impl Journals {
    pub(crate) fn new() -> Self {
        let options = Options { rows: [("account".to_owned(), 400)].into(), ..Options::default() };
        let loaded = placebo::profile::load("tests/fixtures/shop").expect("loads");
        let plan = Plan::compile(&loaded, &options).expect("compiles");
        let set = DataSet::new(plan).chunk_rows(Some(20));
        let mut all = Self { folder: memory(), set, begun: Vec::new(), whole: Vec::new() };
        all.resume(&all.folder.path().join("whole"), &Progress::default()).expect("a run");
        all.whole = read(&all.folder.path().join("whole"));
        // Stopped once there is something to go on with; tried again where the run was faster.
        while !all.begun.iter().any(|(name, bytes)| name.ends_with(JOURNAL) && bytes.split(|b| *b == b'\n').count() > 4)
        {
            let (begun, progress) = (all.folder.path().join("begun"), Progress::default());
            let _gone_already = std::fs::remove_dir_all(&begun);
            std::thread::scope(|scope| {
                let run = scope.spawn(|| all.resume(&begun, &progress));
                while !run.is_finished() && progress.done.load(Ordering::Relaxed) < 120 {
                    std::hint::spin_loop();
                }
                progress.stop.store(2, Ordering::Relaxed);
                run.join().expect("no panic").map_or_else(drop, drop);
            });
            all.begun = read(&begun);
        }
        all
    }

    fn resume(&self, folder: &Path, progress: &Progress) -> placebo::error::Result<()> {
        let (format, options) = (format::find("csv")?, format::Options::default());
        let target = Folder { path: folder.to_owned(), format, options, disk: &System };
        engine::run(&self.set, &target, Start::Resume, 1, progress).map(|_| ())
    }

    /// The journal of an interrupted run: what is not as it was written is not believed. With its marks made anew, as nobody but
    /// a forger does, nothing panics.
    pub(crate) fn case(&self, dice: &mut Dice) -> bool {
        let folder = self.folder.path().join("again");
        let _gone_already = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).expect("a folder");
        let forged = dice.below(2) == 0;
        for (name, bytes) in &self.begun {
            let mut bytes = bytes.clone();
            if name.ends_with(JOURNAL) {
                let text = String::from_utf8(bytes).expect("text");
                bytes = mutant(dice, &[text]);
                if forged {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let mut last = String::new();
                    bytes.clear();
                    for json in text.lines().map(|line| line.split_once(' ').map_or(line, |(_, json)| json)) {
                        sha256(format!("{last} {json}").as_bytes())[..16].clone_into(&mut last);
                        bytes.extend_from_slice(format!("{last} {json}\n").as_bytes());
                    }
                }
            }
            std::fs::write(folder.join(name), bytes).expect("writes");
        }
        match self.resume(&folder, &Progress::default()) {
            Ok(()) => {
                assert!(forged || read(&folder) == self.whole, "it went on from what was never written");
                true
            }
            Err(error) => {
                assert_ne!(error.kind(), Kind::Internal, "{error:?}");
                false
            }
        }
    }
}
