//! Tests of keyrings in memory and in their file.

use std::io::Write;
use std::path::PathBuf;

use super::lock::Lock;
use super::*;
use crate::disk::{Disk, System};
use crate::error::Kind;

fn path(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("ring.json")
}

fn change<T>(folder: &tempfile::TempDir, edit: impl FnOnce(&mut Keyring) -> Result<T>) -> Result<T> {
    Keyring::change(&System, &path(folder), edit)
}

#[test]
fn a_keyring_lives_through_rotation_wrapping_and_shredding() {
    let folder = tempfile::tempdir().expect("a folder");
    let ring = Keyring::new(None).expect("a keyring");
    ring.create(&System, &path(&folder)).expect("writes");
    let first = Keyring::load(&path(&folder)).expect("reads").open(None).expect("opens");
    let second = change(&folder, |ring| Ok(ring.rotate(None)?.id.clone())).expect("rotates");
    assert_ne!(first.id, second);
    let kek = Secret::take(&mut [3; 32]);
    change(&folder, |ring| ring.wrap(&kek, None)).expect("wraps");
    let text = std::fs::read_to_string(path(&folder)).expect("text");
    assert!(!text.contains(&hex(first.active.expose())) && text.contains("wrapped"), "{text}");
    let ring = Keyring::load(&path(&folder)).expect("reads");
    assert!(ring.open(None).is_err_and(|error| error.message().contains("is wrapped")));
    let keyfile = folder.path().join("kek");
    System.create_private(&keyfile).expect("opens").write_all(hex(&[3; 32]).as_bytes()).expect("writes");
    let keys = ring.open(Some(&KeySource::File(keyfile))).expect("opens");
    assert_eq!((keys.id.as_str(), keys.retired[0].0.as_str()), (second.as_str(), first.id.as_str()));
    assert_eq!(keys.find(&first.id).expect("retired").expose(), first.active.expose());
    let mut ring = Keyring::load(&path(&folder)).expect("reads");
    let (other, before) = (Secret::take(&mut [4; 32]), ring.keys.len());
    assert!(ring.rotate(Some(&other)).is_err() && ring.rotate(None).is_err(), "two keys would be needed to open it");
    assert_eq!(ring.keys.len(), before);
    change(&folder, |ring| ring.shred(&first.id)).expect("shreds");
    let text = std::fs::read_to_string(path(&folder)).expect("text");
    assert_eq!(text.matches("wrapped").count(), 1, "{text}");
    assert!(ring.shred("nope").is_err());
}

#[cfg(unix)]
#[test]
fn key_files_are_private_or_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    Keyring::new(None).expect("a keyring").create(&System, &path(&folder)).expect("writes");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&path(&folder)), 0o600);
    for open in [0o644, 0o640, 0o604, 0o660] {
        std::fs::set_permissions(path(&folder), std::fs::Permissions::from_mode(open)).expect("sets");
        let error = Keyring::load(&path(&folder)).err().expect("refused");
        assert_eq!(error.kind().exit_code(), 8);
        assert!(error.hint_text().is_some_and(|hint| hint.starts_with("chmod 600")), "{error:?}");
    }
}

/// A keyring that was joined by hand may have a key twice: both are removed.
#[test]
fn a_shredded_key_is_gone_from_every_entry() {
    let mut ring = Keyring::new(None).expect("a keyring");
    let id = ring.keys[0].id.clone();
    let other = ring.rotate(None).expect("rotates").id.clone();
    let text = serde_json::to_string(&ring).expect("text");
    let twice: Keyring = serde_json::from_str(&text).expect("a keyring");
    ring.keys.extend(twice.keys);
    ring.shred(&id).expect("shreds");
    let left = ring.keys.iter().filter(|entry| entry.key.is_some() || entry.wrapped.is_some());
    assert_eq!(left.map(|entry| entry.id.as_str()).collect::<Vec<_>>(), [&other, &other]);
    assert!(ring.open(None).is_err_and(|error| error.message().contains("two active keys")));
}

#[test]
fn of_two_active_keys_none_is_lost() {
    let mut ring = Keyring::new(None).expect("a keyring");
    let first = ring.keys[0].id.clone();
    let second = ring.rotate(None).expect("rotates").id.clone();
    ring.keys[1].state = State::Active;
    let error = ring.open(None).err().expect("refused");
    assert!(error.hint_text().is_some_and(|hint| hint.contains("keys rotate")), "{error:?}");
    let third = ring.rotate(None).expect("rotates").id.clone();
    let keys = ring.open(None).expect("opens");
    assert_eq!(keys.id, third);
    assert!([first, second].iter().all(|id| keys.find(id).is_ok()));
}

#[test]
fn a_keyring_that_could_not_be_read_is_not_written() {
    let folder = tempfile::tempdir().expect("a folder");
    Keyring::new(None).expect("a keyring").create(&System, &path(&folder)).expect("writes");
    let before = std::fs::read(path(&folder)).expect("text");
    let gone = |n: u32| Entry { id: format!("{n:016x}"), state: State::Shredded, key: None, wrapped: None };
    let error = change(&folder, |ring| {
        ring.keys.extend((0..20_000).map(gone));
        Ok(())
    });
    assert!(error.is_err_and(|error| error.message().contains("larger than")));
    assert_eq!(std::fs::read(path(&folder)).expect("text"), before);
}

#[test]
fn a_lock_is_waited_for_and_leaves_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let held = Lock::take(&path(&folder), 1).expect("locks");
    let error = Lock::take(&path(&folder), 2).expect_err("held");
    assert!(error.kind() == Kind::Locked && error.message().contains("ring.json"), "{error:?}");
    std::thread::scope(|scope| {
        let next = scope.spawn(|| Lock::take(&path(&folder), 500).map(drop));
        std::thread::sleep(std::time::Duration::from_millis(50));
        drop(held);
        next.join().expect("joins").expect("locks");
    });
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

/// A file or a link that has the lock's name by chance stays.
#[cfg(unix)]
#[test]
fn a_lock_removes_nothing_that_is_not_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let beside = super::lock::beside(&path(&folder)).expect("a name");
    std::fs::write(&beside, "not ours").expect("writes");
    drop(Lock::take(&path(&folder), 1).expect("locks"));
    assert_eq!(std::fs::read_to_string(&beside).expect("there"), "not ours");
    std::fs::remove_file(&beside).expect("removes");
    let target = folder.path().join("target");
    std::os::unix::fs::symlink(&target, &beside).expect("links");
    assert!(Lock::take(&path(&folder), 1).is_err());
    assert!(!target.exists() && beside.symlink_metadata().is_ok_and(|there| there.is_symlink()));
    assert!(Lock::take(Path::new("/"), 1).is_err_and(|error| error.kind() == Kind::Usage));
}
