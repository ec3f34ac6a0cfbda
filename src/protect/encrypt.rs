//! `encrypt`: FE1, bound to the row, or in a domain.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, DictionaryArray, StringArray};
use arrow_schema::DataType;

use super::fe1::{self, Cipher, Scope};
use super::texts::{Filled, Texts};
use super::{Counter, Domain, Handling, KeyScope, Protect, Rows, Subject, any_column};
use crate::digest::hex;
use crate::error::{Error, Kind, Result};
use crate::format::write::texts::Cells;
use crate::kinds::Remains;
use crate::notes::{Key, Noted};

pub(super) static ENCRYPT: Handling = Handling {
    name: "encrypt",
    about: "AES-256-GCM bound to the row (FE1); with a domain, equal values have equal cells",
    keyed: true,
    leaves: Remains::Ciphertext,
    domain: Domain::OrRow,
    joins: true,
    accepts: any_column,
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
            // A foreign key that leads nowhere stays one: a cell in its place would refer to nothing.
            nulls: settings.encrypt_nulls && subject.field.note(Key::References).is_none(),
            random: settings.random_nonce,
        })
    }

    /// The plaintext of a value, without padding; `None` for a null that is not encrypted.
    fn plain<'t>(&self, text: Option<&'t str>) -> Result<Option<&'t [u8]>> {
        match text.map(str::as_bytes) {
            Some(fe1::NULL) if self.nulls => {
                Err(Error::new(Kind::Usage, "a lone zero byte stands for null where nulls are encrypted"))
            }
            None if self.nulls => Ok(Some(fe1::NULL)),
            bytes => Ok(bytes),
        }
    }

    /// Seals `count` values; `value` gives the binding and the text of each.
    fn seal<'t>(&self, count: usize, value: impl Fn(usize) -> (&'t [u8], Option<&'t str>)) -> Result<Filled> {
        let mut batch = self.cipher.batch().ok_or_else(|| Error::internal("a key that only opens"))?;
        let (mut out, mut cells) = (Filled::new(count, 64), Cells::default());
        let (mut room, mut nulls) = (Room::default(), Vec::new());
        for n in 0..count {
            let (row, text) = value(n);
            let plain = self.plain(text)?;
            nulls.push(plain.is_none());
            if let Some(plain) = plain {
                let random = self.random.then(|| room.nonce()).transpose()?;
                batch.push(row, room.padded(plain, self.pad), random);
            }
            if batch.is_full() || n + 1 == count {
                cells.clear();
                batch.seal(&mut cells);
                match self.binary {
                    true => out.add(&nulls, cells.bytes())?,
                    false => out.add(&nulls, cells.texts())?,
                }
                nulls.clear();
            }
        }
        Ok(out)
    }

    /// Seals a column of codes. Equal texts have equal cells, so each code that occurs is sealed once.
    fn seal_codes(&self, codes: &DictionaryArray<Int32Type>, values: &StringArray) -> Result<Filled> {
        // The last one is null.
        let mut used = vec![false; values.len() + 1];
        let at = |row: usize| codes.key(row).unwrap_or(values.len());
        (0..codes.len()).for_each(|row| used[at(row)] = true);
        let known: Vec<usize> = (0..used.len()).filter(|code| used[*code]).collect();
        let text = |code: usize| (code < values.len() && !values.is_null(code)).then(|| values.value(code));
        let sealed = self.seal(known.len(), |n| (&[], text(known[n])))?;
        let mut place = vec![0; used.len()];
        known.iter().enumerate().for_each(|(n, code)| place[*code] = n);
        sealed.pick((0..codes.len()).map(|row| place[at(row)]))
    }
}

/// Room to work in, and nonces from the system's randomness.
#[derive(Default)]
struct Room {
    padded: Vec<u8>,
    nonces: Vec<u8>,
}

impl Room {
    fn padded<'a>(&'a mut self, plain: &'a [u8], block: Option<usize>) -> &'a [u8] {
        let Some(block) = block else { return plain };
        self.padded.clear();
        self.padded.extend_from_slice(plain);
        fe1::pad(&mut self.padded, block);
        &self.padded
    }

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

    fn scope(&self) -> Option<KeyScope> {
        Some(KeyScope { scope: self.cipher.scope().text().to_owned(), key_id: hex(&self.cipher.kid()) })
    }

    fn apply(&self, clear: &ArrayRef, rows: &Rows) -> Result<ArrayRef> {
        let texts = Texts::new(clear)?;
        self.counter.add(texts.len())?;
        let out = match &texts {
            Texts::Coded(codes, values) if !self.row_bound() && !self.random => self.seal_codes(codes, values)?,
            _ if self.row_bound() => self.seal(texts.len(), |row| (rows.get(row), texts.get(row)))?,
            _ => self.seal(texts.len(), |row| (&[], texts.get(row)))?,
        };
        if self.binary { Ok(Arc::new(out.binary()?)) } else { out.text_ref() }
    }
}
