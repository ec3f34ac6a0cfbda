//! A keyring: a file of data keys, of which one is active, retired ones still open what they sealed, and shredded ones are gone.
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
//! The id of a key is its check value, `HKDF(key, "fe1/kcv", 8 bytes)` in hex; it tells a wrong key from a changed cell. Wrapped
//! keys (RFC 3394) open with `--kek`. Keys are wrapped when the keyring is written and never while data is generated, so that
//! output stays reproducible.
//!
//! [`Keyring::create`] and [`Keyring::change`] are the only writers of the file.

mod file;
mod lock;

use std::path::Path;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::secret::Secret;
use super::source::{self, KeySource, failed};
use super::wrap;
use crate::digest::hex;
use crate::error::{Error, Result};

/// The state of a key: whether it seals and opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The key seals and opens.
    Active,
    /// The key opens what it sealed, and seals nothing more.
    Retired,
    /// The key is gone: nothing that it sealed can be opened.
    Shredded,
}

/// One key of a keyring, as it is in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The key check value: 16 hexadecimal digits.
    pub id: String,
    /// True if it seals and opens.
    pub state: State,
    /// The key in hex; `None` where it is wrapped or shredded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The key wrapped with a key-encryption key, in hex; `None` where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrapped: Option<String>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// The content of a keyring file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyring {
    keyring: u32,
    /// The keys, the newest first.
    pub keys: Vec<Entry>,
}

/// The opened keys of a keyring, or a single key.
pub struct Keys {
    /// The key that seals.
    pub active: Secret,
    /// Its check value.
    pub id: String,
    /// The active key in its wrapped form, in hex; `None` where it is not wrapped.
    pub wrapped: Option<String>,
    /// True if it is a key for tests, which everyone can derive from its name.
    pub test_only: bool,
    /// Retired keys, which still open, with their check values.
    pub retired: Vec<(String, Secret)>,
    /// The check values of the shredded keys.
    pub shredded: Vec<String>,
}

impl Keys {
    /// Reads one key or a keyring from a source; `kek` opens the wrapped keys of a keyring.
    ///
    /// # Errors
    /// The source cannot be read, holds neither key nor keyring, or holds a keyring that [`Keyring::open`] refuses.
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

    /// Finds the key with a check value.
    ///
    /// # Errors
    /// The key was shredded, or is not among these.
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

    /// Iterates over every key that opens, the active one first, with its check value.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Secret)> {
        let retired = self.retired.iter().map(|(id, key)| (id.as_str(), key));
        std::iter::once((self.id.as_str(), &self.active)).chain(retired)
    }
}

/// Makes a key from the randomness of the operating system.
///
/// # Errors
/// The operating system gives no randomness.
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
    /// Makes a keyring with one new key, which `kek` wraps if there is one.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub fn new(kek: Option<&Secret>) -> Result<Self> {
        Ok(Self { keyring: 1, keys: vec![Entry::new(&fresh()?, kek)] })
    }

    /// Parses the text of a keyring; `whence` names it in messages, which show none of the text.
    ///
    /// # Errors
    /// The text is no keyring, or one of another version.
    pub fn parse(bytes: &[u8], whence: &str) -> Result<Self> {
        let ring: Self = serde_json::from_slice(bytes).map_err(|error| {
            failed(format!("`{whence}` is no keyring: line {}, column {}", error.line(), error.column()))
                .hint("`placebo keys new` makes one")
        })?;
        if ring.keyring != 1 {
            return Err(failed(format!("`{whence}` is a keyring of version {}, not 1", ring.keyring)));
        }
        Ok(ring)
    }

    /// Reads a keyring file.
    ///
    /// # Errors
    /// The file cannot be read, may be read by others than its owner, or is no keyring.
    pub fn load(path: &Path) -> Result<Self> {
        Self::parse(&source::read_private(path)?, source::shown(&path.to_string_lossy()))
    }

    /// Opens all keys that are not shredded.
    ///
    /// # Errors
    /// A key is wrapped and `kek` is missing or another one, a key is not the one of its id, or the number of active keys is not one.
    pub fn open(&self, kek: Option<&KeySource>) -> Result<Keys> {
        let kek = kek.map(|from| source::parse(&from.read()?, from)).transpose()?;
        let (mut active, mut retired, mut shredded) = (None, Vec::new(), Vec::new());
        for entry in &self.keys {
            match entry.state {
                State::Shredded => shredded.push(entry.id.clone()),
                State::Retired => retired.push((entry.id.clone(), entry.open(kek.as_ref())?)),
                State::Active if active.is_some() => {
                    return Err(failed("the keyring has two active keys".to_owned())
                        .hint("`placebo keys rotate` retires both and adds a new one"));
                }
                State::Active => active = Some((entry.open(kek.as_ref())?, entry)),
            }
        }
        let (active, entry) = active
            .ok_or_else(|| failed("the keyring has no active key".to_owned()).hint("`placebo keys rotate` adds one"))?;
        let (id, wrapped) = (entry.id.clone(), entry.wrapped.clone());
        Ok(Keys { active, id, wrapped, test_only: false, retired, shredded })
    }

    /// Adds a new active key, which `kek` wraps if there is one, and retires the one before. One `kek` opens all wrapped keys
    /// of a keyring, so it has to open those that are there.
    ///
    /// # Errors
    /// `kek` does not open the wrapped keys, or the active key is wrapped and there is no `kek`.
    pub fn rotate(&mut self, kek: Option<&Secret>) -> Result<&Entry> {
        let wrapped = self.keys.iter().any(|key| key.state == State::Active && key.wrapped.is_some());
        if wrapped && kek.is_none() {
            return Err(Error::usage(
                "the active key is wrapped, and a new one would be stored in the clear beside it",
            )
            .hint("--kek SOURCE wraps it"));
        }
        for entry in self.keys.iter().filter(|entry| entry.wrapped.is_some()) {
            entry.open(kek)?;
        }
        for entry in self.keys.iter_mut().filter(|entry| entry.state == State::Active) {
            entry.state = State::Retired;
        }
        self.keys.insert(0, Entry::new(&fresh()?, kek));
        Ok(&self.keys[0])
    }

    /// Forgets a key for good: removes it from every entry with its id.
    ///
    /// # Errors
    /// The keyring has no key of that id.
    pub fn shred(&mut self, id: &str) -> Result<()> {
        if !self.keys.iter().any(|entry| entry.id == id) {
            let known = self.keys.iter().map(|entry| entry.id.as_str());
            return Err(failed(format!("the keyring has no key `{}`", source::shown(id)))
                .maybe_hint(crate::error::did_you_mean(id, known)));
        }
        for entry in self.keys.iter_mut().filter(|entry| entry.id == id) {
            entry.key.zeroize();
            entry.key = None;
            entry.wrapped = None;
            entry.state = State::Shredded;
        }
        Ok(())
    }

    /// Wraps every key that is not shredded with `kek`; `old` opens those that are wrapped already.
    ///
    /// # Errors
    /// `old` is missing or does not open a wrapped key, or a key is not the one of its id.
    pub fn wrap(&mut self, kek: &Secret, old: Option<&Secret>) -> Result<()> {
        for entry in self.keys.iter_mut().filter(|entry| entry.state != State::Shredded) {
            let key = entry.open(old)?;
            let state = entry.state;
            *entry = Entry::new(&key, Some(kek));
            entry.state = state;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
