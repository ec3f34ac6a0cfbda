//! `ff1`: the digits of a value become other digits (NIST SP 800-38G), everything else stays. Equal values stay equal.
//!
//! It has no integrity, and a check digit does not survive it. Values of fewer than six digits are refused: their domain is
//! below 10⁶, and anyone can try it out.

use aes::Aes256;
use arrow_array::ArrayRef;
use arrow_schema::{DataType, Field};
use fpe::ff1::{FF1 as Cipher, FlexibleNumeralString};

use super::fe1::Scope;
use super::texts::Texts;
use super::{Domain, Handling, Protect, Rows, Subject};
use crate::error::{Error, Kind, Result};
use crate::kinds::{self, Remains};

/// The fewest digits: 10⁶ values.
const LEAST: usize = 6;

pub(super) static FF1: Handling = Handling {
    name: "ff1",
    about: "format-preserving encryption of the digits (NIST FF1), for values of six digits and more",
    keyed: true,
    leaves: Remains::Pseudonym,
    domain: Domain::OrOwn,
    joins: true,
    accepts,
    make: |subject| Ok(Box::new(Ff1::new(subject)?)),
};

/// Refuses kinds with too few digits, and types that are not written in digits alone.
fn accepts(field: &Field, kind: Option<&kinds::Kind>) -> Result<()> {
    if let Some((kind, digits)) = kind.and_then(|kind| Some((kind, kind.digits?)))
        && (digits as usize) < LEAST
    {
        let message = format!("PII-042: a `{}` has {digits} digits: ff1 needs 10⁶ values", kind.name);
        return Err(Error::profile("", message).hint("token or encrypt hide it"));
    }
    match field.data_type() {
        DataType::Boolean | DataType::Date32 | DataType::Timestamp(..) | DataType::Float64 => Err(Error::profile(
            "",
            format!("PII-043: `{}` is no number of digits whose form ff1 could keep", field.name()),
        )),
        _ => Ok(()),
    }
}

struct Ff1 {
    cipher: Cipher<Aes256>,
    tweak: Vec<u8>,
}

impl Ff1 {
    fn new(subject: &Subject<'_>) -> Result<Self> {
        let domain = subject.domain.as_deref().unwrap_or(subject.field.name());
        let scope = Scope::domain(domain);
        let key = subject.run.key()?.subkey(&format!("fe1/ff1/{}", scope.text()));
        let cipher = Cipher::new(key.expose(), 10).map_err(|_| Error::internal("a radix of 10"))?;
        Ok(Self { cipher, tweak: scope.text().as_bytes().to_vec() })
    }
}

impl Protect for Ff1 {
    fn apply(&self, clear: &ArrayRef, _: &Rows) -> Result<ArrayRef> {
        Texts::new(clear)?.map(|text, out| {
            let digits: Vec<u16> =
                text.bytes().filter(u8::is_ascii_digit).map(|digit| u16::from(digit - b'0')).collect();
            if digits.len() < LEAST {
                return Err(Error::new(
                    Kind::Usage,
                    format!("PII-042: a value of {} digits is too short for ff1", digits.len()),
                )
                .hint("token or encrypt hide it"));
            }
            let sealed = self.cipher.encrypt(&self.tweak, &FlexibleNumeralString::from(digits));
            let sealed: Vec<u16> = sealed.map_err(|error| Error::internal(format!("ff1: {error}")))?.into();
            let mut next = sealed.iter();
            for byte in text.bytes() {
                let digit = if byte.is_ascii_digit() { next.next() } else { None };
                out.push(digit.map_or(byte, |digit| b'0' + *digit as u8));
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples 7 and 8 of NIST's FF1samples.pdf.
    #[test]
    fn the_samples_of_nist() {
        let mut key = [0; 32];
        let hex = "2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94";
        for (n, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).expect("hex");
        }
        let cipher = Cipher::<Aes256>::new(&key, 10).expect("radix 10");
        let plain: Vec<u16> = (0..10).collect();
        for (tweak, want) in
            [(&b""[..], [6, 6, 5, 7, 6, 6, 7, 0, 0, 9]), (b"9876543210", [1, 0, 0, 1, 6, 2, 3, 4, 6, 3])]
        {
            let sealed: Vec<u16> =
                cipher.encrypt(tweak, &FlexibleNumeralString::from(plain.clone())).expect("seals").into();
            assert_eq!(sealed, want);
        }
    }
}
