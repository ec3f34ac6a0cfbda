//! A file of data keys: one is active, retired ones still open what they sealed, shredded ones are gone.
//!
//! ```json
//! {
//!   "keyring": 1,
//!   "keys": [
//!     { "id": "1c8d6e5a0f3b2947", "state": "active", "wrapped": "9477653c…" },
//!     { "id": "a0b1c2d3e4f50617", "state": "retired", "key": "00010203…" },
//!     { "id": "77aa01c5d2e3f4b6", "state": "shredded" }
//!   ]
//! }
//! ```
//!
//! The id is the key check value, `HKDF(key, "fe1/kcv", 8 bytes)`: it tells "wrong key" from "tampered". Keys that are
//! wrapped (RFC 3394) open with `--kek`; wrapping happens here and never while data is made, so output stays reproducible.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::secret::Secret;
use super::source::{self, KeySource, failed};
use super::wrap;
use crate::digest::hex;
use crate::error::{Error, Result};

/// What a key may still do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Seals and opens.
    Active,
    /// Opens what it sealed.
    Retired,
    /// Gone: nothing that it sealed can be opened.
    Shredded,
}

/// One key of a keyring, as its file has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The key check value.
    pub id: String,
    /// What it may still do.
    pub state: State,
    /// The key in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The key wrapped with another one, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrapped: Option<String>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// The text of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyring {
    keyring: u32,
    /// The keys, the newest first.
    pub keys: Vec<Entry>,
}

/// Keys at hand.
pub struct Keys {
    /// The one that seals.
    pub active: Secret,
    /// Its check value.
    pub id: String,
    /// The active key wrapped, in hex, where it is.
    pub wrapped: Option<String>,
    /// Whether anyone can make it.
    pub test_only: bool,
    /// Others that open, with their check values.
    pub retired: Vec<(String, Secret)>,
    /// The check values of those that are gone.
    pub shredded: Vec<String>,
}

impl Keys {
    /// What a source holds: one key, or a keyring, whose wrapped keys `kek` opens.
    pub fn read(from: &KeySource, kek: Option<&KeySource>) -> Result<Self> {
        let bytes = from.read()?;
        if bytes.trim_ascii_start().first() == Some(&b'{') {
            let ring = Keyring::parse(&bytes, &from.to_string())?;
            return ring.open(kek);
        }
        let active = source::parse(&bytes, from)?;
        let id = active.check_value();
        Ok(Self { active, id, wrapped: None, test_only: from.test_only(), retired: Vec::new(), shredded: Vec::new() })
    }

    /// The key with a check value.
    pub fn find(&self, id: &str) -> Result<&Secret> {
        if self.id == id {
            return Ok(&self.active);
        }
        if let Some((_, key)) = self.retired.iter().find(|(known, _)| known == id) {
            return Ok(key);
        }
        if self.shredded.iter().any(|gone| gone == id) {
            return Err(failed(format!("the key {id} was shredded: what it sealed cannot be opened any more")));
        }
        Err(failed(format!("the key is another one: {id} is needed, {} is given", self.id)))
    }

    /// Every key that opens, with its check value.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Secret)> {
        let retired = self.retired.iter().map(|(id, key)| (id.as_str(), key));
        std::iter::once((self.id.as_str(), &self.active)).chain(retired)
    }
}

/// A key of the system's randomness.
pub fn fresh() -> Result<Secret> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| failed(format!("the system gives no randomness: {error}")))?;
    Ok(Secret::take(&mut bytes))
}

impl Entry {
    fn new(key: &Secret, kek: Option<&Secret>) -> Self {
        let mut entry = Self { id: key.check_value(), state: State::Active, key: None, wrapped: None };
        match kek {
            Some(kek) => entry.wrapped = Some(hex(&wrap::wrap(kek, key))),
            None => entry.key = Some(hex(key.expose())),
        }
        entry
    }

    fn open(&self, kek: Option<&Secret>) -> Result<Secret> {
        let key = match (&self.key, &self.wrapped, kek) {
            (Some(key), _, _) => source::parse(key.as_bytes(), &"the keyring")?,
            (None, Some(wrapped), Some(kek)) => {
                let pairs = wrapped
                    .as_bytes()
                    .chunks(2)
                    .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
                let raw: Option<Vec<u8>> = pairs.collect();
                raw.and_then(|raw| wrap::unwrap(kek, &raw)).ok_or_else(|| {
                    failed(format!("the key {} does not unwrap", self.id))
                        .hint("`--kek` is another key, or the keyring was changed")
                })?
            }
            (None, Some(_), None) => {
                return Err(failed(format!("the key {} is wrapped", self.id))
                    .hint("--kek SOURCE says where the key is that opens it"));
            }
            (None, None, _) => return Err(failed(format!("the key {} was shredded", self.id))),
        };
        if key.check_value() == self.id {
            Ok(key)
        } else {
            Err(failed(format!("the key {} of the keyring is not the one of that id", self.id)))
        }
    }
}

impl Keyring {
    /// A keyring with one new key.
    pub fn new(kek: Option<&Secret>) -> Result<Self> {
        Ok(Self { keyring: 1, keys: vec![Entry::new(&fresh()?, kek)] })
    }

    /// Reads the text of a keyring; no message shows any of it.
    pub fn parse(bytes: &[u8], whence: &str) -> Result<Self> {
        let ring: Self = serde_json::from_slice(bytes).map_err(|error| {
            failed(format!("`{whence}` is no keyring: line {}, column {}", error.line(), error.column()))
        })?;
        if ring.keyring != 1 {
            return Err(failed(format!("`{whence}` is a keyring of version {}, not 1", ring.keyring)));
        }
        Ok(ring)
    }

    /// Reads a keyring's file.
    pub fn load(path: &Path) -> Result<Self> {
        Self::parse(&source::read_private(path)?, source::shown(&path.to_string_lossy()))
    }

    /// Opens all keys that are left.
    pub fn open(&self, kek: Option<&KeySource>) -> Result<Keys> {
        let kek = kek.map(|from| source::parse(&from.read()?, from)).transpose()?;
        let (mut active, mut retired, mut shredded) = (None, Vec::new(), Vec::new());
        for entry in &self.keys {
            match entry.state {
                State::Shredded => shredded.push(entry.id.clone()),
                State::Retired => retired.push((entry.id.clone(), entry.open(kek.as_ref())?)),
                State::Active => active = Some((entry.open(kek.as_ref())?, entry)),
            }
        }
        let (active, entry) = active
            .ok_or_else(|| failed("the keyring has no active key".to_owned()).hint("placebo keys rotate adds one"))?;
        let (id, wrapped) = (entry.id.clone(), entry.wrapped.clone());
        Ok(Keys { active, id, wrapped, test_only: false, retired, shredded })
    }

    /// Adds a new active key; the old one is retired. A keyring that is wrapped stays one that one key opens.
    pub fn rotate(&mut self, kek: Option<&Secret>) -> Result<&Entry> {
        for entry in self.keys.iter().filter(|entry| entry.wrapped.is_some()) {
            entry.open(kek)?;
        }
        for entry in self.keys.iter_mut().filter(|entry| entry.state == State::Active) {
            entry.state = State::Retired;
        }
        self.keys.insert(0, Entry::new(&fresh()?, kek));
        Ok(&self.keys[0])
    }

    /// Forgets a key for good.
    pub fn shred(&mut self, id: &str) -> Result<()> {
        let known = self.keys.iter().map(|entry| entry.id.clone()).collect::<Vec<_>>();
        let entry = self.keys.iter_mut().find(|entry| entry.id == id).ok_or_else(|| {
            failed(format!("the keyring has no key `{id}`"))
                .maybe_hint(crate::error::did_you_mean(id, known.iter().map(String::as_str)))
        })?;
        entry.key.zeroize();
        entry.key = None;
        entry.wrapped = None;
        entry.state = State::Shredded;
        Ok(())
    }

    /// Wraps every key that is left with another one; those that are wrapped already are opened with `old`.
    pub fn wrap(&mut self, kek: &Secret, old: Option<&Secret>) -> Result<()> {
        for entry in self.keys.iter_mut().filter(|entry| entry.state != State::Shredded) {
            let key = entry.open(old)?;
            let state = entry.state;
            *entry = Entry::new(&key, Some(kek));
            entry.state = state;
        }
        Ok(())
    }

    fn text(&self) -> Zeroizing<Vec<u8>> {
        let mut text = Zeroizing::new(Vec::with_capacity(256 * (self.keys.len() + 1)));
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer_pretty(&mut *text, self);
        text.push(b'\n');
        text
    }

    /// Writes a file that only its owner reads; one that is there is refused.
    pub fn create(&self, path: &Path) -> Result<()> {
        write_private(path, &self.text())
    }

    /// Replaces the file. What the old one held is overwritten first, as far as the disk lets us.
    pub fn replace(&self, path: &Path) -> Result<()> {
        let temporary: PathBuf = path.with_added_extension("inprogress");
        // What a run that was killed left behind must not stand in the way of every other.
        let _gone_already = std::fs::remove_file(&temporary);
        write_private(&temporary, &self.text())?;
        let io = |error| Error::io(path, error);
        let old = std::fs::OpenOptions::new().write(true).open(path).map_err(io)?;
        let length = old.metadata().map_err(io)?.len().min(1 << 20) as usize;
        std::fs::rename(&temporary, path).map_err(io)?;
        std::io::Write::write_all(&mut &old, &vec![0; length]).and_then(|()| old.sync_all()).map_err(io)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let name = path.to_string_lossy();
    let io = |error| Error::io(source::shown(&name), error);
    let mut file = options.open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => failed(format!("`{}` is there already", source::shown(&name)))
            .hint("placebo keys rotate adds a key to a keyring"),
        _ => io(error),
    })?;
    let written = std::io::Write::write_all(&mut file, bytes).and_then(|()| file.sync_all());
    // Half a keyring opens nothing, and stands in the way of a whole one.
    written.inspect_err(|_| drop(std::fs::remove_file(path))).map_err(io)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(folder: &tempfile::TempDir) -> PathBuf {
        folder.path().join("ring.json")
    }

    #[test]
    fn a_keyring_lives_through_rotation_wrapping_and_shredding() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut ring = Keyring::new(None).expect("a keyring");
        ring.create(&path(&folder)).expect("writes");
        let first = Keyring::load(&path(&folder)).expect("reads").open(None).expect("opens");
        let second = ring.rotate(None).expect("rotates").id.clone();
        assert_ne!(first.id, second);
        let kek = Secret::take(&mut [3; 32]);
        ring.wrap(&kek, None).expect("wraps");
        ring.replace(&path(&folder)).expect("writes");
        let text = std::fs::read_to_string(path(&folder)).expect("text");
        assert!(!text.contains(&hex(first.active.expose())) && text.contains("wrapped"), "{text}");
        let ring = Keyring::load(&path(&folder)).expect("reads");
        assert!(ring.open(None).is_err_and(|error| error.message().contains("is wrapped")));
        let keyfile = folder.path().join("kek");
        write_private(&keyfile, hex(&[3; 32]).as_bytes()).expect("writes");
        let keys = ring.open(Some(&KeySource::File(keyfile))).expect("opens");
        assert_eq!((keys.id.as_str(), keys.retired[0].0.as_str()), (second.as_str(), first.id.as_str()));
        assert_eq!(keys.find(&first.id).expect("retired").expose(), first.active.expose());
        let mut ring = Keyring::load(&path(&folder)).expect("reads");
        let (other, before) = (Secret::take(&mut [4; 32]), ring.keys.len());
        assert!(
            ring.rotate(Some(&other)).is_err() && ring.rotate(None).is_err(),
            "two keys would be needed to open it"
        );
        assert_eq!(ring.keys.len(), before);
        std::fs::write(path(&folder).with_added_extension("inprogress"), "left behind").expect("writes");
        ring.replace(&path(&folder)).expect("writes");
        ring.shred(&first.id).expect("shreds");
        let text = String::from_utf8(ring.text().to_vec()).expect("text");
        assert_eq!(text.matches("wrapped").count(), 1, "{text}");
        assert!(ring.shred("nope").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn key_files_are_private_or_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        Keyring::new(None).expect("a keyring").create(&path(&folder)).expect("writes");
        let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&path(&folder)), 0o600);
        for open in [0o644, 0o640, 0o604, 0o660] {
            std::fs::set_permissions(path(&folder), std::fs::Permissions::from_mode(open)).expect("sets");
            let error = Keyring::load(&path(&folder)).err().expect("refused");
            assert_eq!(error.kind().exit_code(), 8);
            assert!(error.hint_text().is_some_and(|hint| hint.starts_with("chmod 600")), "{error:?}");
        }
    }
}
