//! Operation N fails, for every N of every change of a keyring.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use placebo::disk::{Disk, Handle, System};
use placebo::error::Result;
use placebo::protect::keyring::Keyring;

use super::*;
use crate::faults::{Fault, Faulty, Operation, faults};

/// A change of the keyring of a path.
type Change = fn(&dyn Disk, &Path) -> Result<()>;

const CHANGES: [(&str, Change); 4] = [
    ("new", |disk, path| Keyring::new(None)?.create(disk, path)),
    ("rotate", |disk, path| Keyring::change(disk, path, |ring| ring.rotate(None).map(drop))),
    ("shred", |disk, path| {
        Keyring::change(disk, path, |ring| {
            let id = ring.keys[1].id.clone();
            ring.shred(&id)
        })
    }),
    ("wrap", |disk, path| Keyring::change(disk, path, |ring| ring.wrap(&test_key("kek"), None))),
];

/// What is left of a keyring after one fault; `Some` says what is wrong with it.
fn left_behind(name: &str, change: Change, at: usize, fault: Fault) -> Option<String> {
    let temp = tempfile::tempdir().expect("a folder");
    let path = temp.path().join("ring");
    let mut before = Vec::new();
    if name != "new" {
        Keyring::new(None).expect("a keyring").create(&System, &path).expect("writes");
        Keyring::change(&System, &path, |ring| ring.rotate(None).map(drop)).expect("rotates");
        before = std::fs::read(&path).expect("a file");
    }
    // What a killed process left, for the fault to meet its removal too.
    std::fs::write(temp.path().join("ring.inprogress"), "left behind").expect("writes");
    let old: Vec<(String, [u8; 32])> = if before.is_empty() {
        Vec::new()
    } else {
        opened(&path).all().map(|(id, key)| (id.to_owned(), *key.expose())).collect()
    };
    let disk = Faulty::new(at, fault);
    let made = change(&disk, &path);
    if !disk.met() {
        return Some("the operation never came".to_owned());
    }
    let after = std::fs::read(&path).unwrap_or_default();
    let changed = after != before;
    match &made {
        Ok(()) if !changed => return Some("it ends well, and changed nothing".to_owned()),
        Ok(()) if !matches!(fault, Fault::Interrupted | Fault::Short) => {
            return Some("the fault is not told".to_owned());
        }
        Ok(()) => {}
        Err(error) if matches!(fault, Fault::Interrupted | Fault::Short) => {
            return Some(format!("it gives up: {error}"));
        }
        Err(error) if !error.message().contains("ring`") => return Some(format!("no file is named: {error}")),
        Err(error) if changed != (error.message().contains("is changed") || error.message().contains("is written")) => {
            return Some(format!("it says otherwise: {error}"));
        }
        Err(_) => {}
    }
    if after.is_empty() {
        if name != "new" {
            return Some("the keyring is gone".to_owned());
        }
    } else {
        let keys = opened(&path);
        for (id, key) in &old {
            let there = keys.find(id).is_ok_and(|found| found.expose() == key);
            let shredded = name == "shred" && changed && keys.shredded == [id.as_str()];
            if !there && !shredded {
                return Some(format!("the key {id} is lost"));
            }
        }
    }
    // The next one goes through, and leaves nothing behind.
    let next = if after.is_empty() {
        CHANGES[0].1(&System, &path)
    } else {
        Keyring::change(&System, &path, |ring| {
            let kek = ring.keys[0].wrapped.is_some().then(|| test_key("kek"));
            ring.rotate(kek.as_ref()).map(drop)
        })
    };
    if let Err(error) = next {
        return Some(format!("the next change fails: {error:?}"));
    }
    opened(&path);
    let names = std::fs::read_dir(temp.path()).expect("a folder").count();
    (names != 1).then(|| "files are left behind".to_owned())
}

#[test]
fn every_operation_of_every_change_may_fail() {
    let mut all = 0;
    for (name, change) in CHANGES {
        let temp = tempfile::tempdir().expect("a folder");
        let path = temp.path().join("ring");
        if name != "new" {
            Keyring::new(None).expect("a keyring").create(&System, &path).expect("writes");
            Keyring::change(&System, &path, |ring| ring.rotate(None).map(drop)).expect("rotates");
        }
        std::fs::write(temp.path().join("ring.inprogress"), "left behind").expect("writes");
        let quiet = Faulty::new(usize::MAX, Fault::Broken);
        change(&quiet, &path).expect("changes");
        let seen = quiet.seen();
        let last = |operation: Operation| seen.iter().rposition(|own| *own == operation);
        assert!(
            last(Operation::Rename) < last(Operation::SyncFolder) && last(Operation::Sync) < last(Operation::Rename)
        );
        // Were the old text overwritten first, a loss of power could bring it back as zeros.
        assert!(name == "new" || last(Operation::SyncFolder) < last(Operation::Wipe), "{name}: {seen:?}");
        for (at, operation) in seen.iter().enumerate() {
            for fault in faults(*operation).iter().chain(&[Fault::Killed]) {
                let wrong = left_behind(name, change, at, *fault);
                assert!(wrong.is_none(), "{name}: {operation:?} {at} {fault:?}: {}", wrong.unwrap_or_default());
                all += 1;
            }
        }
    }
    assert!(all > 100, "{all}");
    crate::run::say(&format!("{all} faults of keyrings"));
}

/// The disk of the machine, on which somebody links the keyring at the moment of its replacement.
struct Linking {
    other: PathBuf,
    wiped: AtomicUsize,
}

impl Disk for Linking {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        System.create_folder(folder)
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        System.create(path)
    }
    fn create_private(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        System.create_private(path)
    }
    fn reopen(&self, path: &Path, length: u64) -> io::Result<Box<dyn Handle>> {
        System.reopen(path, length)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::hard_link(to, &self.other)?;
        System.rename(from, to)
    }
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::write(to, "another one's")?;
        System.rename_new(from, to)
    }
    fn wipe(&self, file: &std::fs::File) -> io::Result<()> {
        self.wiped.fetch_add(1, Ordering::Relaxed);
        System.wipe(file)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        System.remove(path)
    }
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        System.sync_folder(folder)
    }
    fn free(&self, folder: &Path) -> io::Result<u64> {
        System.free(folder)
    }
}

#[test]
fn a_link_made_at_the_last_moment_keeps_its_keys() {
    let ring = Ring::new(false);
    let before = ring.ids();
    let disk = Linking { other: ring.at("other"), wiped: AtomicUsize::new(0) };
    let error = Keyring::change(&disk, &ring.path, |keys| keys.rotate(None).map(drop)).expect_err("told");
    assert!(error.message().contains("is changed") && error.message().contains("another name"), "{error:?}");
    assert_eq!((ids(&disk.other), ring.ids()[1..].to_vec()), (before.clone(), before));
    assert_eq!(disk.wiped.into_inner(), 0);
    // NFS keeps an open file that was replaced under such a name: that one is wiped.
    let nfs = Linking { other: ring.at(".nfs0000000001"), wiped: AtomicUsize::new(0) };
    Keyring::change(&nfs, &ring.path, |keys| keys.rotate(None).map(drop)).expect("rotates");
    assert!(std::fs::read(&nfs.other).expect("a file").iter().all(|byte| *byte == 0));
}

#[test]
fn a_file_that_comes_at_the_last_moment_is_not_replaced() {
    let ring = Ring::new(false);
    let disk = Linking { other: ring.at("other"), wiped: AtomicUsize::new(0) };
    let new = ring.at("new");
    let error = Keyring::new(None).expect("a keyring").create(&disk, &new).expect_err("there");
    assert!(error.message().contains("is there already"), "{error:?}");
    assert_eq!(std::fs::read_to_string(&new).expect("a file"), "another one's");
    assert_eq!(ring.beside(), ["new"]);
}
