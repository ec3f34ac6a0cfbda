//! FE1: deterministic, row-bound AES-256-GCM of single values, in the wire format of Google Tink.
//!
//! ```text
//! scope S = q(table) "/" q(column)         row-bound          q: RFC 3986 percent-encoding
//!         = "@" q(domain)                  joinable: equal values have equal ciphertext
//! K_enc   = HKDF-SHA256(data key, "fe1/enc/" S)       K_syn: "fe1/syn/" S      key id: "fe1/kid/" S, 4 bytes
//! A       = "fe1/" q(data set) "/" S ["/" q(r1) "," … q(rn)]       r: the row's primary key, as the output has it
//! N       = first 12 bytes of HMAC-SHA256(K_syn, be64(len A) ‖ A ‖ P)
//! binary  = 01 ‖ key id ‖ N ‖ AES-256-GCM(K_enc, N, P, A) ‖ tag           33 bytes more than P
//! text    = "fe1." ‖ base64url without padding
//! ```
//!
//! The nonce depends on the plaintext, because a nonce made of the row alone would cover two plaintexts as soon as the
//! same key meets another seed. Equal (A, P) give equal bytes, which is what makes runs reproducible.

mod batch;
mod gcm;
mod mac;

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::secret::Secret;

pub use batch::Batch;

/// The prefix of every text cell, and the text cell of a binary one.
pub use crate::format::write::texts::{CELL as PREFIX, write_cell as write_text};

/// The bytes that a binary cell has beyond its plaintext.
pub const OVERHEAD: usize = 33;
/// The first byte of a binary cell: Tink's output prefix.
const VERSION: u8 = 1;
const NONCE: usize = 12;
const TAG: usize = 16;
const HEAD: usize = 1 + 4 + NONCE;

/// Appends the RFC 3986 percent-encoding of `text`: letters, digits, `-`, `.`, `_` and `~` stay.
pub fn quote(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(*byte),
            _ => {
                let digit = |nibble: u8| b"0123456789ABCDEF"[usize::from(nibble)];
                out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    quote(text.as_bytes(), &mut out);
    // What is left by `quote` is ASCII.
    String::from_utf8(out).unwrap_or_default()
}

/// The columns that a key covers: one, or all of a domain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    text: String,
    row_bound: bool,
}

impl Scope {
    /// One column, whose cells are bound to their rows.
    #[must_use]
    pub fn column(table: &str, column: &str) -> Self {
        Self { text: format!("{}/{}", quoted(table), quoted(column)), row_bound: true }
    }

    /// All columns of a domain: equal values have equal cells, in any table and row.
    #[must_use]
    pub fn domain(domain: &str) -> Self {
        Self { text: format!("@{}", quoted(domain)), row_bound: false }
    }

    /// `patients/ssn` or `@patient.mrn`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Tells whether cells are bound to their rows.
    #[must_use]
    pub fn row_bound(&self) -> bool {
        self.row_bound
    }
}

/// The reason why a cell cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// It is no FE1 cell: no prefix, no base64url, too short, or of another version.
    Form,
    /// It was sealed with another key.
    OtherKey,
    /// The tag does not fit: the cell was changed, or moved to another row, column, table or data set.
    Tampered,
    /// The tag fits, and yet the nonce is not the one that this program gives.
    Nonce,
}

/// The keys of one scope in one data set.
pub struct Cipher {
    scope: Scope,
    enc: Aes256Gcm,
    syn: Option<Hmac<Sha256>>,
    maker: Option<Maker>,
    kid: [u8; 4],
    /// `fe1/` data set `/` scope, and `/` where a row follows.
    aad: Vec<u8>,
}

/// The same keys, set up for many cells at a time.
struct Maker {
    gcm: gcm::Key,
    mac: mac::Key,
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cipher({}, ***)", self.scope.text)
    }
}

impl Cipher {
    /// The keys of a scope, derived from a data key.
    #[must_use]
    pub fn new(key: &Secret, data_set: &str, scope: Scope) -> Self {
        let syn = key.subkey(&format!("fe1/syn/{}", scope.text));
        let enc = key.subkey(&format!("fe1/enc/{}", scope.text));
        let kid = *key.derive::<4>(&format!("fe1/kid/{}", scope.text));
        let mut cipher = Self::opening(&enc, kid, data_set, scope);
        cipher.maker = Some(Maker { gcm: gcm::Key::new(enc.expose()), mac: mac::Key::new(syn.expose()) });
        cipher.syn = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(syn.expose()).ok();
        cipher
    }

    /// The keys of a scope for someone who has the key of the column alone: cells can be opened, not made.
    #[must_use]
    pub fn opening(column_key: &Secret, kid: [u8; 4], data_set: &str, scope: Scope) -> Self {
        let mut aad = format!("fe1/{}/{}", quoted(data_set), scope.text).into_bytes();
        if scope.row_bound {
            aad.push(b'/');
        }
        let enc = Aes256Gcm::new(column_key.expose().into());
        Self { scope, enc, syn: None, maker: None, kid, aad }
    }

    /// The column's key, for `keys export`.
    #[must_use]
    pub fn column_key(key: &Secret, scope: &Scope) -> Secret {
        key.subkey(&format!("fe1/enc/{}", scope.text))
    }

    /// The scope.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The key id that stands in every cell.
    #[must_use]
    pub fn kid(&self) -> [u8; 4] {
        self.kid
    }

    /// The associated data of a row, whose key is percent-encoded already.
    fn bind(&self, row: &[u8], aad: &mut Vec<u8>) {
        aad.clear();
        aad.extend_from_slice(&self.aad);
        if self.scope.row_bound {
            aad.extend_from_slice(row);
        }
    }

    fn nonce(&self, aad: &[u8], plain: &[u8]) -> Option<[u8; NONCE]> {
        let mut mac = self.syn.clone()?;
        mac.update(&(aad.len() as u64).to_be_bytes());
        mac.update(aad);
        mac.update(plain);
        mac.finalize().into_bytes()[..NONCE].try_into().ok()
    }

    /// Appends the binary cell of `plain` in a row; `aad` is room to work in. `random` overrides the nonce.
    /// Returns whether there is such a cell: not for keys that only open, nor beyond what the cipher takes.
    pub fn seal(
        &self,
        row: &[u8],
        plain: &[u8],
        random: Option<[u8; NONCE]>,
        aad: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> bool {
        self.bind(row, aad);
        let Some(nonce) = random.or_else(|| self.nonce(aad, plain)) else { return false };
        let start = out.len();
        out.push(VERSION);
        out.extend_from_slice(&self.kid);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(plain);
        match self.enc.encrypt_inout_detached(&Nonce::from(nonce), aad, (&mut out[start + HEAD..]).into()) {
            Ok(tag) => {
                out.extend_from_slice(&tag);
                true
            }
            Err(_) => {
                // The plaintext must not stay behind.
                out[start..].fill(0);
                out.truncate(start);
                false
            }
        }
    }

    /// Opens a binary cell of a row. `strict` also refuses a nonce that does not follow from the plaintext.
    ///
    /// # Errors
    ///
    /// If the cell was not sealed with these keys for this row: [`Broken`] says how.
    pub fn open(&self, row: &[u8], cell: &[u8], strict: bool) -> Result<Zeroizing<Vec<u8>>, Broken> {
        if cell.len() < OVERHEAD || cell[0] != VERSION {
            return Err(Broken::Form);
        }
        if cell[1..5] != self.kid {
            return Err(Broken::OtherKey);
        }
        let (body, tag) = cell[HEAD..].split_at(cell.len() - HEAD - TAG);
        let nonce: [u8; NONCE] = cell[5..HEAD].try_into().map_err(|_| Broken::Form)?;
        let tag: [u8; TAG] = tag.try_into().map_err(|_| Broken::Form)?;
        let mut aad = Vec::with_capacity(self.aad.len() + row.len());
        self.bind(row, &mut aad);
        let mut plain = Zeroizing::new(body.to_vec());
        self.enc
            .decrypt_inout_detached(&Nonce::from(nonce), &aad, plain.as_mut_slice().into(), &Tag::from(tag))
            .map_err(|_| Broken::Tampered)?;
        if strict && self.nonce(&aad, &plain) != Some(nonce) {
            return Err(Broken::Nonce);
        }
        Ok(plain)
    }
}

/// The associated data that a value of some row is bound to, for messages and tests.
#[must_use]
pub fn row_text<'a>(key: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut out = Vec::new();
    for (n, part) in key.into_iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        quote(part.as_bytes(), &mut out);
    }
    out
}

/// The binary cell of a text one.
///
/// # Errors
///
/// [`Broken::Form`] if the text has no prefix or is not base64url.
pub fn read_text(text: &[u8]) -> Result<Vec<u8>, Broken> {
    let code = text.strip_prefix(PREFIX.as_bytes()).ok_or(Broken::Form)?;
    URL_SAFE_NO_PAD.decode(code).map_err(|_| Broken::Form)
}

/// Pads after ISO 7816-4: `80`, then zeros up to a multiple of `block`.
pub fn pad(plain: &mut Vec<u8>, block: usize) {
    plain.push(0x80);
    plain.resize(plain.len().next_multiple_of(block), 0);
}

/// Takes the padding off; `None` where there is none.
#[must_use]
pub fn unpad(plain: &[u8]) -> Option<&[u8]> {
    let last = plain.iter().rposition(|byte| *byte != 0)?;
    (plain[last] == 0x80).then(|| &plain[..last])
}

/// The plaintext of a null where nulls are encrypted too: no text of a profile is a lone zero byte.
pub const NULL: &[u8] = &[0];

#[cfg(test)]
mod tests;
