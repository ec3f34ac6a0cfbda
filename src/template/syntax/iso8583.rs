//! ISO 8583 of 1987 in ASCII: a line `3: …` of the template is a data element, the line `mti: …` the message type. Bitmaps, lengths
//! and padding follow from the elements that have a value.

use super::super::render::{Cell, Out};
use super::{Form, Syntax, text};

/// The end of a line; no value has it.
const LINE: u8 = b'\n';

/// The kind of a data element: what it holds, and how long it is or may be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// Digits, filled up with zeros on the left.
    N(usize),
    /// A sign, `C` or `D`, and digits, filled up with zeros between them.
    X(usize),
    /// Text, filled up with blanks on the right.
    Text(usize),
    /// Digits after a length of two digits.
    LlN(usize),
    /// Text after a length of two or three digits.
    Ll(usize),
    Lll(usize),
    /// Hex digits, as many as given.
    Hex(usize),
}

use Kind::{Hex, Ll, LlN, Lll, N, Text, X};

/// The kinds of the data elements from 2 on: ISO 8583:1987, clause 4.4, table 4. Binary elements are hex digits.
#[rustfmt::skip]
const ELEMENTS: [Kind; 127] = [
    // 2 to 10: account number, processing code, amounts, transmission time, rates.
    LlN(19), N(6), N(12), N(12), N(12), N(10), N(8), N(8), N(8),
    // 11 to 24: trace number, times and dates, merchant type, countries, entry mode, card sequence number, network.
    N(6), N(6), N(4), N(4), N(4), N(4), N(4), N(4), N(3), N(3), N(3), N(3), N(3), N(3),
    // 25 to 36: condition codes, fees, institutions, account number and tracks.
    N(2), N(2), N(1), X(8), X(8), X(8), X(8), LlN(11), LlN(11), Ll(28), Ll(37), Lll(104),
    // 37 to 48: reference, approval, response, card acceptor, additional data.
    Text(12), Text(6), Text(2), Text(3), Text(8), Text(15), Text(40), Ll(25), Ll(76), Lll(999), Lll(999), Lll(999),
    // 49 to 64: currencies, security, reserved.
    Text(3), Text(3), Text(3), Hex(16), N(16), Lll(120), Lll(999), Lll(999), Lll(999), Lll(999), Lll(999), Lll(999), Lll(999), Lll(999),
    Lll(999), Hex(16),
    // 65 to 73: settlement, countries, network management, message numbers, date of action.
    Hex(16), N(1), N(2), N(3), N(3), N(3), N(4), N(4), N(6),
    // 74 to 89: numbers and amounts of a reconciliation.
    N(10), N(10), N(10), N(10), N(10), N(10), N(10), N(10), N(12), N(12), N(12), N(12), N(16), N(16), N(16), N(16),
    // 90 to 104: the original, replacements, net amount, institutions, file, accounts, description.
    N(42), Text(1), Text(2), Text(5), Text(7), Text(42), Hex(16), X(16), Text(25), LlN(11), LlN(11), Ll(17), Ll(28), Ll(28), Lll(100),
    // 105 to 128: reserved, authentication.
    Lll(999), Lll(999), Lll(999), Lll(999), Lll(999), Lll(999), Lll(999), Lll(999), Lll(999), Lll(999), Lll(999), Lll(999), Lll(999),
    Lll(999), Lll(999), Lll(999), Lll(999), Lll(999), Lll(999), Lll(999), Lll(999), Lll(999), Lll(999), Hex(16),
];

/// ISO 8583 of 1987 in ASCII.
pub(super) static ISO8583: Syntax = Syntax {
    name: "iso8583",
    about: "ISO 8583 of 1987 in ASCII: a data element a line, `3: …`; bitmaps, lengths and padding follow",
    extension: "iso8583",
    starter: include_str!("starters/iso8583.j2"),
    has_lines: false,
    form: &Iso8583,
};

#[derive(Debug)]
struct Iso8583;

impl Form for Iso8583 {
    fn value(&self, out: &mut Out, cell: Cell<'_>, _: u8) -> Result<(), String> {
        text::ascii(&mut out.bytes, cell)
    }

    fn finish(&self, out: &mut Out) -> Result<(), String> {
        out.rewrite(message)
    }
}

/// Writes the message of lines of elements.
fn message(lines: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let lines = std::str::from_utf8(lines).map_err(|error| error.to_string())?;
    let (mut mti, mut elements) = (None, [None::<&str>; 129]);
    for line in lines.split(char::from(LINE)).filter(|line| !line.trim().is_empty()) {
        let wrong = || {
            format!(
                "`{line}` is not a data element: expected `mti: …`, or a number from 2 to 128, a colon and the value"
            )
        };
        let (name, value) = line.split_once(':').ok_or_else(wrong)?;
        let (name, value) = (name.trim(), value.strip_prefix(' ').unwrap_or(value));
        let place = match name {
            "mti" => &mut mti,
            name => {
                let number =
                    name.parse::<usize>().ok().filter(|number| (2..=128).contains(number)).ok_or_else(wrong)?;
                &mut elements[number]
            }
        };
        if !value.is_empty() && place.replace(value).is_some() {
            return Err(format!("the element `{name}` is given twice"));
        }
    }
    let mti = mti.filter(|mti| mti.len() == 4 && mti.bytes().all(|byte| byte.is_ascii_digit()));
    out.extend_from_slice(mti.ok_or("the message type has to be four digits: `mti: 0100`")?.as_bytes());
    let map = elements.iter().enumerate().filter(|(_, value)| value.is_some());
    let mut map = map.fold(0_u128, |map, (number, _)| map | 1 << (128 - number));
    // The first bit says that there is a second bitmap.
    if map as u64 != 0 {
        map |= 1 << 127;
        out.extend_from_slice(format!("{map:032X}").as_bytes());
    } else {
        out.extend_from_slice(format!("{:016X}", map >> 64).as_bytes());
    }
    for (number, value) in elements.iter().enumerate() {
        let Some(value) = value else { continue };
        element(ELEMENTS[number - 2], value, out).map_err(|what| format!("data element {number}: {what}"))?;
    }
    Ok(())
}

/// Writes a value as its kind of element has it.
fn element(form: Kind, value: &str, out: &mut Vec<u8>) -> Result<(), String> {
    let (sign, value, longest) = match form {
        X(longest) => match value.split_at_checked(1) {
            Some((sign @ ("C" | "D"), value)) => (sign, value, longest),
            _ => return Err("an amount with a sign begins with C or D".to_owned()),
        },
        N(longest) | Text(longest) | LlN(longest) | Ll(longest) | Lll(longest) | Hex(longest) => ("", value, longest),
    };
    if value.len() > longest {
        return Err(format!("it is longer than {longest}"));
    }
    if matches!(form, N(_) | X(_) | LlN(_)) && !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("it has to be digits".to_owned());
    }
    if matches!(form, Hex(_)) && (value.len() < longest || !value.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        return Err(format!("it has to be {longest} hex digits"));
    }
    let length = value.len();
    out.extend_from_slice(
        match form {
            N(_) | X(_) => format!("{sign}{value:0>longest$}"),
            Text(_) => format!("{value:<longest$}"),
            LlN(_) | Ll(_) => format!("{length:02}{value}"),
            Lll(_) => format!("{length:03}{value}"),
            Hex(_) => value.to_owned(),
        }
        .as_bytes(),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(lines: &str) -> Result<String, String> {
        let mut out = Vec::new();
        message(lines.as_bytes(), &mut out)?;
        String::from_utf8(out).map_err(|error| error.to_string())
    }

    #[test]
    fn bitmaps_lengths_and_padding_follow() {
        let reversal = "mti: 0400\n2: 4111111111111111\n3: 0\n4: 12550\n38:\n41: TERM01\n90: 01001\n";
        let maps = "F0000000008000000000004000000000";
        let expected = format!("0400{maps}164111111111111111{:06}{:012}TERM01  {:042}", 0, 12550, 1001);
        assert_eq!(written(reversal), Ok(expected));
        assert_eq!(written("mti: 0800\n70: 301"), Ok("080080000000000000000400000000000000301".to_owned()));
        let fee = written("mti: 0100\n28: C5\n43:  a \n48: x");
        assert_eq!(fee, Ok(format!("01000000001000210000C00000005{:<40}001x", " a ")));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (lines, what) in [
            ("3: 1", "message type"),
            ("mti: 100", "message type"),
            ("mti: 0100\n1: 1", "not a data element"),
            ("mti: 0100\n129: 1", "not a data element"),
            ("mti: 0100\nx", "not a data element"),
            ("mti: 0100\n3: 1\n3: 2", "twice"),
            ("mti: 0100\n3: 1234567", "longer than 6"),
            ("mti: 0100\n2: 41x", "digits"),
            ("mti: 0100\n28: 5", "C or D"),
            ("mti: 0100\n64: 12", "16 hex digits"),
        ] {
            let error = written(lines).unwrap_err();
            assert!(error.contains(what), "{lines}: {error}");
        }
    }
}
