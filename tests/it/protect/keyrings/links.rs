//! Names that lead elsewhere, files of others, and what is left of a keyring that was replaced.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use placebo::disk::System;
use placebo::protect::keyring::Keyring;

use super::super::bad;
use super::*;
use crate::run::placebo;

/// Every way to change a keyring, which has the id of one of its keys.
fn changes<'a>(path: &'a str, id: &'a str) -> [Vec<&'a str>; 3] {
    [
        vec!["keys", "rotate", "--keyring", path],
        vec!["keys", "shred", "--keyring", path, "--id", id],
        vec!["keys", "wrap", "--keyring", path, "--kek", "test:kek"],
    ]
}

#[test]
fn a_keyring_behind_a_symbolic_link_is_refused_and_whole() {
    let ring = Ring::new(false);
    let (before, id) = (ring.bytes(), ring.ids().remove(1));
    let link = ring.at("link");
    symlink("ring", &link).expect("links");
    let link = link.to_str().expect("a path");
    for args in changes(link, &id) {
        let (code, said) = bad(&args);
        assert!(code == 8 && said.contains("is a symbolic link") && said.contains("give the file"), "{args:?}: {said}");
        assert!(Path::new(link).is_symlink());
        assert_eq!(ring.bytes(), before, "{args:?}");
    }
    // Reading through a link loses nothing.
    good(&["keys", "list", "--keyring", link]);
    assert_eq!(ring.beside(), ["link"]);
    symlink("nothing", ring.at("loose")).expect("links");
    let loose = ring.at("loose");
    let (code, said) = bad(&["keys", "rotate", "--keyring", loose.to_str().expect("a path")]);
    assert!(code == 8 && said.contains("leads nowhere"), "{said}");
    let (code, said) = bad(&["keys", "new", "--keyring", loose.to_str().expect("a path")]);
    assert!(code == 8 && said.contains("is there already") && !ring.at("nothing").exists(), "{said}");
}

#[test]
fn a_keyring_with_a_hard_link_is_refused_and_whole() {
    let ring = Ring::new(false);
    let (before, id) = (ring.bytes(), ring.ids().remove(1));
    fs::hard_link(&ring.path, ring.at("other")).expect("links");
    for args in changes(ring.text(), &id) {
        let (code, said) = bad(&args);
        assert!(code == 8 && said.contains("2 names (hard links)") && said.contains("cp -p"), "{args:?}: {said}");
        assert!(ring.bytes() == before && fs::read(ring.at("other")).expect("a file") == before, "{args:?}");
    }
    fs::remove_file(ring.at("other")).expect("removes");
    good(&["keys", "rotate", "--keyring", ring.text()]);
}

/// None of them is waited for, either.
#[test]
fn what_is_no_regular_file_is_refused() {
    let ring = Ring::new(false);
    let fifo = ring.at("fifo");
    assert!(std::process::Command::new("mkfifo").args(["-m", "600"]).arg(&fifo).status().expect("runs").success());
    for path in [fifo.to_str().expect("a path"), ring.temp.path().to_str().expect("a path")] {
        let (code, said) = bad(&["keys", "rotate", "--keyring", path]);
        assert!(code == 8 && said.contains("is not a regular file"), "{path}: {said}");
    }
    let (code, said) = bad(&["keys", "rotate", "--keyring", "/dev/null"]);
    assert!(code != 0 && code != 101, "{said}");
}

#[test]
fn a_keyring_of_another_user_is_refused() {
    let ring = Ring::new(false);
    // Only root can give files away.
    if std::os::unix::fs::chown(&ring.path, Some(4711), None).is_err() {
        return;
    }
    let before = ring.bytes();
    let (code, said) = bad(&["keys", "rotate", "--keyring", ring.text()]);
    assert!(code == 8 && said.contains("belongs to user 4711"), "{said}");
    assert_eq!((ring.bytes(), ring.path.metadata().expect("there").uid()), (before, 4711));
    assert!(ring.beside().is_empty(), "{:?}", ring.beside());
}

#[test]
fn keyrings_are_private_under_any_mask() {
    for mask in ["000", "022", "077"] {
        let ring = Ring::new(false);
        let new = ring.at("new");
        let new = new.to_str().expect("a path");
        let masked = format!("umask {mask}; exec \"$@\"");
        for args in [["keys", "new", "--keyring", new], ["keys", "rotate", "--keyring", new]] {
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", &masked, "sh", env!("CARGO_BIN_EXE_placebo")]).args(args);
            assert!(shell.output().expect("runs").status.success());
            assert_eq!(
                Path::new(new).metadata().expect("there").permissions().mode() & 0o777,
                0o600,
                "{mask}: {args:?}"
            );
        }
    }
}

#[test]
fn the_old_text_is_overwritten_where_it_was() {
    let ring = Ring::new(false);
    let (mut old, length, id) = (File::open(&ring.path).expect("opens"), ring.bytes().len(), ring.ids().remove(1));
    good(&["keys", "shred", "--keyring", ring.text(), "--id", &id]);
    let mut left = Vec::new();
    old.read_to_end(&mut left).expect("reads");
    assert_eq!(left, vec![0; length]);
}

#[test]
fn what_a_killed_change_left_is_overwritten_and_goes() {
    let ring = Ring::new(false);
    let left = ring.at("ring.inprogress");
    fs::write(&left, ring.bytes()).expect("writes");
    let (mut open, length) = (File::open(&left).expect("opens"), ring.bytes().len());
    good(&["keys", "shred", "--keyring", ring.text(), "--id", &ring.ids()[1]]);
    let mut bytes = Vec::new();
    open.read_to_end(&mut bytes).expect("reads");
    assert_eq!(bytes, vec![0; length], "keys stay in what was left behind");
    assert!(ring.beside().is_empty(), "{:?}", ring.beside());
}

/// The temporary name may be one of the keyring, or of a file of somebody else.
#[test]
fn a_link_under_the_temporary_name_harms_nothing() {
    let ring = Ring::new(false);
    let left = ring.at("ring.inprogress");
    let before = ring.ids();
    fs::hard_link(&ring.path, &left).expect("links");
    good(&["keys", "rotate", "--keyring", ring.text()]);
    assert_eq!(ring.ids()[1..], before);
    let other = ring.at("other");
    fs::write(&other, "not ours").expect("writes");
    symlink(&other, &left).expect("links");
    good(&["keys", "rotate", "--keyring", ring.text()]);
    assert_eq!(fs::read_to_string(&other).expect("a file"), "not ours");
    assert_eq!(ring.ids()[2..], before);
    fs::create_dir(&left).expect("a folder");
    let bytes = ring.bytes();
    assert_eq!(bad(&["keys", "rotate", "--keyring", ring.text()]).0, 4);
    assert_eq!(ring.bytes(), bytes);
}

/// Programs that know nothing of the lock.
#[test]
fn a_change_by_another_program_is_not_lost() {
    type Change = fn(&Ring);
    let others: [(&str, Change); 3] = [
        ("another text", |ring| fs::write(&ring.path, "{\"keyring\": 1, \"keys\": []}").expect("writes")),
        ("another file", |ring| {
            fs::copy(&ring.path, ring.at("new")).expect("copies");
            fs::rename(ring.at("new"), &ring.path).expect("renames");
        }),
        ("another name", |ring| fs::hard_link(&ring.path, ring.at("other")).expect("links")),
    ];
    for (what, change) in others {
        let ring = Ring::new(false);
        let mut after = Vec::new();
        let error = Keyring::change(&System, &ring.path, |keys| {
            change(&ring);
            after = ring.bytes();
            keys.rotate(None).map(drop)
        });
        assert!(error.is_err_and(|error| error.message().contains("changed the keyring")), "{what}");
        assert_eq!(ring.bytes(), after, "{what}");
        assert!(!ring.at("ring.inprogress").exists());
    }
}

#[test]
fn a_full_disk_leaves_the_keyring_as_it_was() {
    let ring = Ring::new(false);
    let (before, id) = (ring.bytes(), ring.ids().remove(1));
    let full = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    let new = ring.at("new");
    let all =
        changes(ring.text(), &id).into_iter().chain([vec!["keys", "new", "--keyring", new.to_str().expect("a path")]]);
    for args in all {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", full, "sh", env!("CARGO_BIN_EXE_placebo")]).args(&args);
        let output = shell.output().expect("runs");
        assert_eq!(output.status.code(), Some(4), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(ring.bytes() == before && !new.exists(), "{args:?}");
    }
    assert!(ring.beside().is_empty(), "{:?}", ring.beside());
    good(&["keys", "rotate", "--keyring", ring.text()]);
}

#[test]
fn a_source_without_an_end_is_refused() {
    let ring = Ring::new(true);
    let output = placebo(&["keys", "rotate", "--keyring", ring.text(), "--kek", "cmd:yes"]).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(8) && said.contains("more than 1048576 bytes"), "{said}");
    assert_eq!(ring.ids().len(), 2);
}
