//! Several processes that change one keyring, and some that are killed.

use std::process::{Child, Stdio};
use std::time::Duration;

use super::*;
use crate::run::placebo;

fn start(args: &[&str]) -> Child {
    placebo(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts")
}

/// A process that ends well, and what it printed.
fn ended(child: Child) -> String {
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// A source that takes its time, gives a file, and tells that it has begun by making another file.
fn slow(ring: &Ring, before: &str) -> String {
    let (script, kek) = (ring.at("slow"), ring.kek());
    let text = format!("touch '{}'; {before} sleep 0.5; cat '{}'\n", ring.at("begun").display(), kek.display());
    std::fs::write(&script, text).expect("writes");
    format!("cmd:sh {}", script.display())
}

fn wait_for(path: &Path) {
    for _ in 0..3_000 {
        if path.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("`{}` never came", path.display());
}

#[test]
fn a_slow_rotation_beside_a_fast_one_loses_no_key() {
    let ring = Ring::new(true);
    let before = ring.ids();
    let kek = slow(&ring, "");
    let late = start(&["keys", "rotate", "--keyring", ring.text(), "--kek", &kek]);
    wait_for(&ring.at("begun"));
    let fast = ended(start(&["keys", "rotate", "--keyring", ring.text(), "--kek", "test:kek"]));
    let late = ended(late);
    assert_eq!(ring.ids(), [&[late, fast][..], &before].concat());
    assert_eq!(opened(&ring.path).retired.len(), 3);
}

#[test]
fn a_shredded_key_does_not_come_back() {
    for slow_one in ["rotate", "wrap"] {
        let ring = Ring::new(true);
        let id = ring.ids().remove(1);
        let kek = slow(&ring, "");
        let late = match slow_one {
            "rotate" => start(&["keys", "rotate", "--keyring", ring.text(), "--kek", &kek]),
            _ => start(&["keys", "wrap", "--keyring", ring.text(), "--kek", "test:kek", "--old-kek", &kek]),
        };
        wait_for(&ring.at("begun"));
        ended(start(&["keys", "shred", "--keyring", ring.text(), "--id", &id]));
        ended(late);
        let keys = opened(&ring.path);
        assert!(keys.shredded == [id.as_str()] && keys.find(&id).is_err(), "{slow_one}");
    }
}

/// Nobody waits for a lock that its own source would need.
#[test]
fn a_source_may_change_the_keyring_itself() {
    let ring = Ring::new(true);
    let inner = format!("{} keys rotate --keyring {} --kek test:kek >&2;", env!("CARGO_BIN_EXE_placebo"), ring.text());
    let kek = slow(&ring, &inner);
    ended(start(&["keys", "rotate", "--keyring", ring.text(), "--kek", &kek]));
    assert_eq!(opened(&ring.path).retired.len(), 3);
}

#[test]
fn many_changes_at_once_are_all_there_and_readers_see_whole_keyrings() {
    let ring = Ring::new(false);
    let before = ring.ids();
    let rotations: Vec<Child> = (0..12).map(|_| start(&["keys", "rotate", "--keyring", ring.text()])).collect();
    let shred = start(&["keys", "shred", "--keyring", ring.text(), "--id", &before[1]]);
    for _ in 0..2_000 {
        opened(&ring.path);
    }
    let mut made: Vec<String> = rotations.into_iter().map(ended).collect();
    ended(shred);
    let keys = opened(&ring.path);
    let mut there = ring.ids();
    assert_eq!((there.split_off(12), keys.shredded.as_slice()), (before.clone(), &before[1..]));
    made.sort();
    there.sort();
    assert_eq!(made, there);
    assert!(ring.beside().is_empty(), "{:?}", ring.beside());
}

#[test]
fn of_many_new_keyrings_of_one_name_one_is_made() {
    let ring = Ring::new(false);
    let new = ring.at("new");
    let text = new.to_str().expect("a path");
    let all: Vec<Child> = (0..8).map(|_| start(&["keys", "new", "--keyring", text])).collect();
    let ends: Vec<_> = all.into_iter().map(|child| child.wait_with_output().expect("ends")).collect();
    let good: Vec<_> = ends.iter().filter(|output| output.status.success()).collect();
    assert_eq!(good.len(), 1);
    assert_eq!(ids(&new), [String::from_utf8_lossy(&good[0].stdout).trim()]);
    assert!(ends.iter().all(|output| matches!(output.status.code(), Some(0 | 8))));
}

#[test]
fn a_killed_change_leaves_a_whole_keyring() {
    let ring = Ring::new(false);
    let (mut draw, mut met, first) = (7_u64, 0, ring.ids().remove(1));
    for _ in 0..150 {
        let before = ring.ids();
        let mut child = start(&["keys", "rotate", "--keyring", ring.text()]);
        draw = placebo::rng::mix(draw.wrapping_add(1));
        std::thread::sleep(Duration::from_micros(1_000 + draw % 12_000));
        met += u32::from(child.try_wait().expect("asks").is_none());
        child.kill().expect("kills");
        child.wait().expect("ends");
        let after = ring.ids();
        assert!(after == before || after[1..] == before, "{after:?}");
        opened(&ring.path);
    }
    good(&["keys", "shred", "--keyring", ring.text(), "--id", &first]);
    assert!(ring.beside().is_empty(), "{:?}", ring.beside());
    crate::run::say(&format!("{met} of 150 kills met a rotation; {} keys, none lost", ring.ids().len()));
}
