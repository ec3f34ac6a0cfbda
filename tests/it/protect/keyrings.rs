//! Keyrings lose no key: whatever the disk does, whoever else changes them, whatever their names lead to.

mod faulty;
mod links;
mod together;

use std::path::{Path, PathBuf};

use placebo::digest::hex;
use placebo::protect::keyring::{Keyring, Keys};

use super::test_key;
use crate::run::good;

/// A folder with a keyring of two keys, which `test:kek` wraps where `wrapped`.
struct Ring {
    temp: tempfile::TempDir,
    path: PathBuf,
}

impl Ring {
    fn new(wrapped: bool) -> Self {
        let temp = tempfile::tempdir().expect("a folder");
        let ring = Self { path: temp.path().join("ring"), temp };
        let kek: &[&str] = if wrapped { &["--kek", "test:kek"] } else { &[] };
        good(&[&["keys", "new", "--keyring", ring.text()], kek].concat());
        good(&[&["keys", "rotate", "--keyring", ring.text()], kek].concat());
        ring
    }

    fn text(&self) -> &str {
        self.path.to_str().expect("a path")
    }

    fn at(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.path).expect("a file")
    }

    /// The names in the folder beside the keyring.
    fn beside(&self) -> Vec<String> {
        let all = std::fs::read_dir(self.temp.path()).expect("a folder");
        let names = all.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        names.filter(|name| name != "ring").collect()
    }

    /// Its ids, the newest first.
    fn ids(&self) -> Vec<String> {
        ids(&self.path)
    }

    /// A file with the wrapping key.
    fn kek(&self) -> PathBuf {
        let path = self.at("kek");
        std::fs::write(&path, hex(test_key("kek").expose())).expect("writes");
        path
    }
}

fn ids(path: &Path) -> Vec<String> {
    Keyring::load(path).expect("a keyring").keys.iter().map(|entry| entry.id.clone()).collect()
}

/// All keys of a keyring that is wrapped with `test:kek` or not at all.
fn opened(path: &Path) -> Keys {
    let kek = "test:kek".parse().expect("a source");
    Keyring::load(path).and_then(|ring| ring.open(Some(&kek))).expect("opens")
}
