//! Digests and check digits of texts.

use std::sync::Arc;

use arrow_array::{BooleanArray, StringArray};
use arrow_schema::DataType::Boolean;
use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use sha2::{Digest, Sha256, Sha512};

use super::columns::{map, one_text};
use super::{Carries, Function, Nulls};
use crate::arrays::texts;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "sha256",
        signature: "sha256(text) → text",
        about: "The SHA-256 of the text's UTF-8 bytes, as 64 lower-case hex digits.",
        example: ("sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        types: one_text,
        eval: |args, rows, _| map(args, rows, |t, _, out| hex(&Sha256::digest(t.as_bytes()), out)),
        nulls: Nulls::Strict,
        carries: Carries::Hashed,
    },
    Function {
        name: "sha512",
        signature: "sha512(text) → text",
        about: "The SHA-512 of the text's UTF-8 bytes, as 128 lower-case hex digits.",
        example: (
            "sha512('abc')",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
        types: one_text,
        eval: |args, rows, _| map(args, rows, |t, _, out| hex(&Sha512::digest(t.as_bytes()), out)),
        nulls: Nulls::Strict,
        carries: Carries::Hashed,
    },
    Function {
        name: "to_base64",
        signature: "to_base64(text) → text",
        about: "The text's UTF-8 bytes in base64 with padding (RFC 4648).",
        example: ("to_base64('Zoé')", "Wm/DqQ=="),
        types: one_text,
        eval: |args, rows, _| map(args, rows, |t, _, out| STANDARD.encode_string(t, out)),
        nulls: Nulls::Strict,
        carries: Carries::All,
    },
    Function {
        name: "luhn_valid",
        signature: "luhn_valid(digits) → boolean",
        about: "True if the last digit is the Luhn check digit of the others (ISO/IEC 7812-1).",
        example: ("luhn_valid('4111111111111111')", "true"),
        types: |args| one_text(args).map(|(args, _)| (args, Boolean)),
        eval: |args, rows, _| {
            let t = texts(args[0].array());
            Ok(Arc::new((0..rows).map(|i| Some(luhn(t.at(args[0].row(i))?))).collect::<BooleanArray>()))
        },
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "luhn_digit",
        signature: "luhn_digit(digits) → text",
        about: "The Luhn check digit to append to the digits (ISO/IEC 7812-1); null if the text has other signs.",
        example: ("luhn_digit('411111111111111')", "1"),
        types: one_text,
        eval: |args, rows, _| {
            let t = texts(args[0].array());
            let digit = |i| check_digit(t.at(args[0].row(i))?);
            Ok(Arc::new((0..rows).map(digit).collect::<StringArray>()))
        },
        nulls: Nulls::Strict,
        carries: Carries::All,
    },
];

/// Adds bytes as lower-case hex digits.
fn hex(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        out.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        out.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
    }
}

/// Computes the check digit to append to `digits`. `None` if another sign is among them.
fn check_digit(digits: &str) -> Option<&'static str> {
    const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let sum = luhn_sum(&format!("{digits}0")).filter(|_| !digits.is_empty())?;
    Some(DIGITS[((10 - sum % 10) % 10) as usize])
}

fn luhn(digits: &str) -> bool {
    digits.len() > 1 && luhn_sum(digits).is_some_and(|sum| sum % 10 == 0)
}

/// Computes the Luhn sum, with every second digit from the right doubled. `None` if another sign is among them.
fn luhn_sum(digits: &str) -> Option<u32> {
    digits.bytes().rev().enumerate().try_fold(0_u32, |sum, (place, byte)| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        let doubled = if place % 2 == 1 { digit * 2 } else { digit };
        Some(sum + doubled / 10 + doubled % 10)
    })
}
