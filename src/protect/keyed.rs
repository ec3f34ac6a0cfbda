//! `token` and `hash-keyed`: HMAC-SHA256 of a value, equal wherever key, domain and value are.
//!
//! ```text
//! token       "tok_" ‖ base32(HMAC-SHA256(HKDF(key, "fe1/tok/@" q(domain)), value))[..26]       130 bits
//! hash-keyed  hex(HMAC-SHA256(HKDF(key, "fe1/mac/@" q(domain)), value))                          256 bits
//! ```

use arrow_array::ArrayRef;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::fe1::Scope;
use super::texts::Texts;
use super::{Domain, Handling, Protect, Rows, Subject, any_column};
use crate::digest::hex;
use crate::error::{Error, Result};
use crate::kinds::Remains;

pub(super) static TOKEN: Handling = Handling {
    name: "token",
    about: "`tok_` and 26 letters, keyed: equal values of a domain have equal tokens, in every table and run",
    keyed: true,
    leaves: Remains::Pseudonym,
    domain: Domain::OrOwn,
    joins: true,
    accepts: any_column,
    make: |subject| {
        Ok(Box::new(Keyed::new(subject, "tok", |mac, out| {
            out.extend_from_slice(b"tok_");
            base32(mac, 26, out);
        })?))
    },
};

pub(super) static HASH: Handling = Handling {
    name: "hash-keyed",
    about: "HMAC-SHA256 in hex, keyed, as PCI DSS 3.5.1.1 demands for hashes of card numbers",
    keyed: true,
    leaves: Remains::Hash,
    domain: Domain::OrOwn,
    joins: true,
    accepts: any_column,
    make: |subject| Ok(Box::new(Keyed::new(subject, "mac", |mac, out| out.extend_from_slice(hex(mac).as_bytes()))?)),
};

struct Keyed {
    mac: Hmac<Sha256>,
    write: fn(&[u8], &mut Vec<u8>),
}

impl Keyed {
    fn new(subject: &Subject<'_>, purpose: &str, write: fn(&[u8], &mut Vec<u8>)) -> Result<Self> {
        let domain = subject.domain.as_deref().unwrap_or(subject.field.name());
        let key = subject.run.key()?.subkey(&format!("fe1/{purpose}/{}", Scope::domain(domain).text()));
        let mac = Hmac::new_from_slice(key.expose()).map_err(|_| Error::internal("a key of 32 bytes"))?;
        Ok(Self { mac, write })
    }
}

/// RFC 4648 base32, the first `length` letters.
fn base32(bytes: &[u8], length: usize, out: &mut Vec<u8>) {
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    for letter in 0..length {
        let value = (0..5).fold(0, |value, n| value << 1 | bit(letter * 5 + n));
        out.push(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[usize::from(value)]);
    }
}

impl Protect for Keyed {
    fn apply(&self, clear: &ArrayRef, _: &Rows) -> Result<ArrayRef> {
        Texts::new(clear)?.map(|text, out| {
            let mut mac = self.mac.clone();
            mac.update(text.as_bytes());
            (self.write)(&mac.finalize().into_bytes(), out);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_the_rfc() {
        let mut out = Vec::new();
        base32(b"foobar", 10, &mut out);
        assert_eq!(out, b"MZXW6YTBOI");
    }
}
