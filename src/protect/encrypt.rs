//! `encrypt`: FE1, bound to the row, or in a domain.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::DataType;

use super::fe1::{self, Cipher, Scope};
use super::texts::{Filled, Texts};
use super::{Counter, Handling, Protect, Rows, Subject};
use crate::digest::hex;
use crate::error::{Error, Kind, Result};

pub(super) static ENCRYPT: Handling = Handling {
    name: "encrypt",
    about: "AES-256-GCM bound to the row (FE1); with a domain, equal values have equal cells",
    keyed: true,
    joins: false,
    domains: true,
    make: |subject| Ok(Box::new(Encrypt::new(subject)?)),
};

struct Encrypt {
    cipher: Cipher,
    counter: Arc<Counter>,
    binary: bool,
    pad: Option<usize>,
    nulls: bool,
    random: bool,
}

impl Encrypt {
    fn new(subject: &Subject<'_>) -> Result<Self> {
        let scope = match &subject.domain {
            Some(domain) => Scope::domain(domain),
            None => Scope::column(subject.table, subject.field.name()),
        };
        let settings = subject.run.settings;
        let cipher = Cipher::new(subject.run.key()?, &settings.data_set, scope);
        subject.run.reserve(cipher.kid(), cipher.scope().text())?;
        Ok(Self {
            counter: subject.run.counter(cipher.scope().text()),
            cipher,
            binary: settings.binary,
            pad: settings.pad,
            nulls: settings.encrypt_nulls,
            random: settings.random_nonce,
        })
    }

    /// Appends the cell of one value.
    fn cell(&self, row: &[u8], text: Option<&str>, room: &mut Room, out: &mut Filled) -> Result<()> {
        let plain = match text {
            Some(text) if self.nulls && text.as_bytes() == fe1::NULL => {
                return Err(Error::new(Kind::Usage, "a lone zero byte stands for null where nulls are encrypted"));
            }
            Some(text) => text.as_bytes(),
            None if self.nulls => fe1::NULL,
            None => return out.null(),
        };
        let random = self.random.then(|| room.nonce()).transpose()?;
        let plain = match self.pad {
            None => plain,
            Some(block) => {
                room.padded.clear();
                room.padded.extend_from_slice(plain);
                fe1::pad(&mut room.padded, block);
                &room.padded
            }
        };
        let sealed = if self.binary {
            self.cipher.seal(row, plain, random, &mut room.aad, &mut out.bytes)
        } else {
            room.cell.clear();
            let sealed = self.cipher.seal(row, plain, random, &mut room.aad, &mut room.cell);
            fe1::write_text(&room.cell, &mut out.bytes);
            sealed
        };
        if sealed { out.end() } else { Err(Error::internal("a value that the cipher does not take")) }
    }
}

/// Room to work in, and nonces from the system's randomness.
#[derive(Default)]
struct Room {
    aad: Vec<u8>,
    cell: Vec<u8>,
    padded: Vec<u8>,
    nonces: Vec<u8>,
}

impl Room {
    fn nonce(&mut self) -> Result<[u8; 12]> {
        if self.nonces.is_empty() {
            self.nonces.resize(12 * 512, 0);
            getrandom::fill(&mut self.nonces)
                .map_err(|error| Error::new(Kind::Key, format!("the system gives no randomness: {error}")))?;
        }
        let at = self.nonces.len() - 12;
        let nonce = self.nonces[at..].try_into().map_err(|_| Error::internal("a nonce of 12 bytes"))?;
        self.nonces.truncate(at);
        Ok(nonce)
    }
}

impl Protect for Encrypt {
    fn data_type(&self, _: &DataType) -> DataType {
        if self.binary { DataType::Binary } else { DataType::Utf8 }
    }

    fn nullable(&self, clear: bool) -> bool {
        clear && !self.nulls
    }

    fn row_bound(&self) -> bool {
        self.cipher.scope().row_bound()
    }

    fn scope(&self) -> Option<(String, String)> {
        Some((self.cipher.scope().text().to_owned(), hex(&self.cipher.kid())))
    }

    fn apply(&self, clear: &ArrayRef, rows: &Rows) -> Result<ArrayRef> {
        let texts = Texts::new(clear)?;
        self.counter.add(texts.len())?;
        let mut room = Room::default();
        let out = if self.row_bound() {
            let mut out = Filled::new(texts.len(), 64);
            for row in 0..texts.len() {
                self.cell(rows.get(row), texts.get(row), &mut room, &mut out)?;
            }
            out
        } else if self.random {
            let mut out = Filled::new(texts.len(), 64);
            for row in 0..texts.len() {
                self.cell(&[], texts.get(row), &mut room, &mut out)?;
            }
            out
        } else {
            texts.each(|text, out| self.cell(&[], text, &mut room, out))?
        };
        if self.binary { Ok(Arc::new(out.binary()?)) } else { out.text_ref() }
    }
}
