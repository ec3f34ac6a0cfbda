//! Texts: positions count characters from 1, as in SQL.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array};
use arrow_schema::DataType::{self, Boolean, Int64, Null, Utf8};
use arrow_string::like;
use sha2::{Digest, Sha256};

use super::{Function, Resolved, Value};
use crate::error::{Error, Kind, Result};
use crate::generator::operand::{Texts, texts};

/// The longest text that a function may make, in bytes.
const MAX_TEXT: usize = 1 << 20;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "||",
        signature: "text || text → text",
        about: "One after the other; null if either is.",
        example: ("'a' || 'b'", "ab"),
        types: |args| (args.len() == 2).then(|| all_text(args))?,
        eval: |args, rows, _| join(args, rows, "", true),
        strict: true,
    },
    Function {
        name: "concat",
        signature: "concat(text, …) → text",
        about: "All texts one after the other; nulls are passed over.",
        example: ("concat('a', NULL, 'b')", "ab"),
        types: all_text,
        eval: |args, rows, _| join(args, rows, "", false),
        strict: false,
    },
    Function {
        name: "concat_ws",
        signature: "concat_ws(separator, text, …) → text",
        about: "All texts with a constant separator between them; nulls are passed over.",
        example: ("concat_ws('-', 'a', NULL, 'b')", "a-b"),
        types: |args| (args.len() > 1).then(|| all_text(args))?,
        eval: |args, rows, _| {
            let separator = texts(args[0].array()).at(0).unwrap_or("").to_owned();
            join(&args[1..], rows, &separator, false)
        },
        strict: false,
    },
    Function {
        name: "lower",
        signature: "lower(text) → text",
        about: "In lower case.",
        example: ("lower('MÜLLER')", "müller"),
        types: one_text,
        eval: |args, rows, _| map(args, rows, |t, _, out| out.push_str(&t.to_lowercase())),
        strict: true,
    },
    Function {
        name: "upper",
        signature: "upper(text) → text",
        about: "In upper case.",
        example: ("upper('müller')", "MÜLLER"),
        types: one_text,
        eval: |args, rows, _| map(args, rows, |t, _, out| out.push_str(&t.to_uppercase())),
        strict: true,
    },
    Function {
        name: "trim",
        signature: "trim(text) → text",
        about: "Without the spaces at both ends.",
        example: ("trim('  a b ')", "a b"),
        types: one_text,
        eval: |args, rows, _| map(args, rows, |t, _, out| out.push_str(t.trim_matches(' '))),
        strict: true,
    },
    Function {
        name: "ascii_fold",
        signature: "ascii_fold(text) → text",
        about: "Letters with accents become plain ones; what has no plain form is left out.",
        example: ("ascii_fold('Çelik-Nuñez')", "Celik-Nunez"),
        types: one_text,
        eval: |args, rows, _| map(args, rows, |t, _, out| t.chars().for_each(|c| out.push_str(fold(c, &mut [0; 4])))),
        strict: true,
    },
    Function {
        name: "substring",
        signature: "substring(text, from, length) → text",
        about: "From a position, as many characters as asked for or as there are.",
        example: ("substring('placebo', 2, 3)", "lac"),
        types: |args| text_and_integers(args, 1..=2),
        eval: |args, rows, _| {
            map(args, rows, |t, n, out| {
                let from = n[0].max(1) - 1;
                let end = n.get(1).map_or(i64::MAX, |length| n[0].saturating_add((*length).max(0)) - 1);
                out.extend(t.chars().skip(from as usize).take((end - from).max(0) as usize));
            })
        },
        strict: true,
    },
    Function {
        name: "left",
        signature: "left(text, n) → text",
        about: "The first n characters.",
        example: ("left('placebo', 3)", "pla"),
        types: |args| text_and_integers(args, 1..=1),
        eval: |args, rows, _| map(args, rows, |t, n, out| out.extend(t.chars().take(n[0].max(0) as usize))),
        strict: true,
    },
    Function {
        name: "right",
        signature: "right(text, n) → text",
        about: "The last n characters.",
        example: ("right('placebo', 3)", "ebo"),
        types: |args| text_and_integers(args, 1..=1),
        eval: |args, rows, _| {
            map(args, rows, |t, n, out| {
                let skip = t.chars().count().saturating_sub(n[0].max(0) as usize);
                out.extend(t.chars().skip(skip));
            })
        },
        strict: true,
    },
    Function {
        name: "lpad",
        signature: "lpad(text, n, fill) → text",
        about: "Filled on the left to n characters, or cut to n.",
        example: ("lpad('7', 3, '0')", "007"),
        types: padding,
        eval: |args, rows, _| pad(args, rows, true),
        strict: true,
    },
    Function {
        name: "rpad",
        signature: "rpad(text, n, fill) → text",
        about: "Filled on the right to n characters, or cut to n.",
        example: ("rpad('7', 3, '.')", "7.."),
        types: padding,
        eval: |args, rows, _| pad(args, rows, false),
        strict: true,
    },
    Function {
        name: "replace",
        signature: "replace(text, from, to) → text",
        about: "Every `from` replaced by `to`.",
        example: ("replace('a.b.c', '.', '')", "abc"),
        types: |args| (args.len() == 3).then(|| all_text(args))?,
        eval: |args, rows, _| {
            let [t, from, to] = [0, 1, 2].map(|at| texts(args[at].array()));
            text(rows, |i, out| {
                let (t, from, to) = (t.at(args[0].row(i))?, from.at(args[1].row(i))?, to.at(args[2].row(i))?);
                out.push_str(&if from.is_empty() { t.to_owned() } else { t.replace(from, to) });
                Some(())
            })
        },
        strict: true,
    },
    Function {
        name: "split_part",
        signature: "split_part(text, separator, n) → text",
        about: "The n-th part of a text between separators, empty past the end.",
        example: ("split_part('a,b,c', ',', 2)", "b"),
        types: |args| match args {
            [Utf8, Utf8, Int64] => Some((args.to_vec(), Utf8)),
            _ => None,
        },
        eval: |args, rows, _| {
            let (t, separator) = (texts(args[0].array()), texts(args[1].array()));
            let n = args[2].array().as_primitive::<Int64Type>();
            text(rows, |i, out| {
                let at = args[2].row(i);
                let (t, separator) = (t.at(args[0].row(i))?, separator.at(args[1].row(i))?);
                let n = (!n.is_null(at)).then(|| n.value(at))?;
                out.push_str(if n < 1 { "" } else { t.split(separator).nth(n as usize - 1).unwrap_or("") });
                Some(())
            })
        },
        strict: true,
    },
    Function {
        name: "length",
        signature: "length(text) → bigint",
        about: "How many characters.",
        example: ("length('müsli')", "5"),
        types: |args| one_text(args).map(|(args, _)| (args, Int64)),
        eval: |args, rows, _| {
            let t = texts(args[0].array());
            Ok(Arc::new((0..rows).map(|i| Some(t.at(args[0].row(i))?.chars().count() as i64)).collect::<Int64Array>()))
        },
        strict: true,
    },
    Function {
        name: "like",
        signature: "text LIKE pattern → boolean",
        about: "Whether a text has a form: `%` stands for any characters, `_` for one.",
        example: ("'placebo' LIKE 'pl%b_'", "true"),
        types: two_texts_to_truth,
        eval: |args, _, _| Ok(Arc::new(like::like(&decoded(&args[0])?, &decoded(&args[1])?)?)),
        strict: true,
    },
    Function {
        name: "ilike",
        signature: "text ILIKE pattern → boolean",
        about: "As LIKE, where case does not matter.",
        example: ("'Placebo' ILIKE 'PL%'", "true"),
        types: two_texts_to_truth,
        eval: |args, _, _| Ok(Arc::new(like::ilike(&decoded(&args[0])?, &decoded(&args[1])?)?)),
        strict: true,
    },
    Function {
        name: "starts_with",
        signature: "starts_with(text, prefix) → boolean",
        about: "Whether a text starts with another.",
        example: ("starts_with('placebo', 'pla')", "true"),
        types: two_texts_to_truth,
        eval: |args, rows, _| truth(args, rows, |t, prefix| t.starts_with(prefix)),
        strict: true,
    },
    Function {
        name: "contains",
        signature: "contains(text, part) → boolean",
        about: "Whether a text has another in it.",
        example: ("contains('placebo', 'ace')", "true"),
        types: two_texts_to_truth,
        eval: |args, rows, _| truth(args, rows, |t, part| t.contains(part)),
        strict: true,
    },
    Function {
        name: "regexp_matches",
        signature: "regexp_matches(text, pattern) → boolean",
        about: "Whether a constant regular expression matches somewhere in a text.",
        example: ("regexp_matches('AB-12', '^[A-Z]+-[0-9]+$')", "true"),
        types: two_texts_to_truth,
        eval: |args, rows, _| {
            let pattern = texts(args[1].array()).at(0).unwrap_or("").to_owned();
            if matches!(args[1], Value::Array(_)) {
                return Err(Error::new(Kind::Profile, "the pattern of `regexp_matches` must be a constant"));
            }
            let plain = args[0].clone().into_array(rows)?;
            let plain = arrow_cast::cast(&plain, &Utf8)?;
            Ok(Arc::new(arrow_string::regexp::regexp_is_match_scalar(plain.as_string::<i32>(), &pattern, None)?))
        },
        strict: true,
    },
    Function {
        name: "sha256",
        signature: "sha256(text) → text",
        about: "The SHA-256 of the text's UTF-8 bytes, as 64 lower-case hex digits.",
        example: ("sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        types: one_text,
        eval: |args, rows, _| {
            map(args, rows, |t, _, out| {
                for byte in Sha256::digest(t.as_bytes()) {
                    out.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
                    out.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
                }
            })
        },
        strict: true,
    },
    Function {
        name: "luhn_valid",
        signature: "luhn_valid(digits) → boolean",
        about: "Whether the last digit is the Luhn check digit of the others (ISO/IEC 7812-1).",
        example: ("luhn_valid('4111111111111111')", "true"),
        types: |args| one_text(args).map(|(args, _)| (args, Boolean)),
        eval: |args, rows, _| {
            let t = texts(args[0].array());
            Ok(Arc::new((0..rows).map(|i| Some(luhn(t.at(args[0].row(i))?))).collect::<BooleanArray>()))
        },
        strict: true,
    },
];

fn two_texts_to_truth(args: &[DataType]) -> Option<Resolved> {
    (args.len() == 2).then(|| all_text(args))?.map(|(args, _)| (args, Boolean))
}

fn luhn(digits: &str) -> bool {
    let sum = digits.bytes().rev().enumerate().try_fold(0_u32, |sum, (place, byte)| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        let doubled = if place % 2 == 1 { digit * 2 } else { digit };
        Some(sum + doubled / 10 + doubled % 10)
    });
    digits.len() > 1 && sum.is_some_and(|sum| sum % 10 == 0)
}

fn all_text(args: &[DataType]) -> Option<Resolved> {
    (!args.is_empty() && args.iter().all(|a| matches!(a, Utf8 | Null))).then(|| (vec![Utf8; args.len()], Utf8))
}

fn one_text(args: &[DataType]) -> Option<Resolved> {
    (args.len() == 1).then(|| all_text(args))?
}

fn text_and_integers(args: &[DataType], count: std::ops::RangeInclusive<usize>) -> Option<Resolved> {
    let (first, rest) = args.split_first()?;
    let good =
        matches!(first, Utf8 | Null) && count.contains(&rest.len()) && rest.iter().all(|a| matches!(a, Int64 | Null));
    good.then(|| (std::iter::once(Utf8).chain(rest.iter().map(|_| Int64)).collect(), Utf8))
}

fn padding(args: &[DataType]) -> Option<Resolved> {
    matches!(args, [Utf8 | Null, Int64, Utf8]).then(|| (vec![Utf8, Int64, Utf8], Utf8))
}

fn decoded(value: &Value) -> Result<Value> {
    Ok(match value {
        Value::Array(array) => Value::Array(arrow_cast::cast(array, &Utf8)?),
        Value::Scalar(array) => Value::Scalar(arrow_cast::cast(array, &Utf8)?),
    })
}

/// A column of text: `write` appends to the buffer, or returns `None` for null.
fn text(rows: usize, mut write: impl FnMut(usize, &mut String) -> Option<()>) -> Result<ArrayRef> {
    let mut column = arrow_array::builder::StringBuilder::with_capacity(rows, rows * 16);
    let mut buffer = String::new();
    for i in 0..rows {
        buffer.clear();
        let value = write(i, &mut buffer);
        if buffer.len() > MAX_TEXT {
            return Err(Error::new(
                Kind::Profile,
                format!("a text of {} bytes is longer than {MAX_TEXT}", buffer.len()),
            ));
        }
        column.append_option(value.map(|()| buffer.as_str()));
    }
    Ok(Arc::new(column.finish()))
}

/// A text and up to two integers to a text.
fn map(args: &[Value], rows: usize, f: impl Fn(&str, &[i64], &mut String)) -> Result<ArrayRef> {
    let t = texts(args[0].array());
    let numbers: Vec<&Int64Array> = args[1..].iter().map(|a| a.array().as_primitive::<Int64Type>()).collect();
    text(rows, |i, out| {
        let mut n = [0; 2];
        for (at, column) in numbers.iter().enumerate() {
            let row = args[at + 1].row(i);
            n[at] = (!column.is_null(row)).then(|| column.value(row))?;
        }
        f(t.at(args[0].row(i))?, &n[..numbers.len()], out);
        Some(())
    })
}

fn pad(args: &[Value], rows: usize, left: bool) -> Result<ArrayRef> {
    let (t, fill) = (texts(args[0].array()), texts(args[2].array()));
    let n = args[1].array().as_primitive::<Int64Type>();
    text(rows, |i, out| {
        let at = args[1].row(i);
        let wanted = (!n.is_null(at)).then(|| n.value(at).clamp(0, MAX_TEXT as i64) as usize)?;
        let (t, fill) = (t.at(args[0].row(i))?, fill.at(args[2].row(i))?);
        let missing = wanted.saturating_sub(t.chars().count());
        let filling = fill.chars().cycle().take(missing);
        if left {
            out.extend(filling);
            out.extend(t.chars().take(wanted));
        } else {
            out.extend(t.chars().take(wanted));
            out.extend(fill.chars().cycle().take(missing));
        }
        Some(())
    })
}

fn join(args: &[Value], rows: usize, separator: &str, strict: bool) -> Result<ArrayRef> {
    let parts: Vec<Texts<'_>> = args.iter().map(|a| texts(a.array())).collect();
    text(rows, |i, out| {
        let mut first = true;
        for (part, arg) in parts.iter().zip(args) {
            match part.at(arg.row(i)) {
                None if strict => return None,
                None => {}
                Some(part) => {
                    if !std::mem::take(&mut first) {
                        out.push_str(separator);
                    }
                    out.push_str(part);
                }
            }
        }
        Some(())
    })
}

fn truth(args: &[Value], rows: usize, f: impl Fn(&str, &str) -> bool) -> Result<ArrayRef> {
    let (a, b) = (texts(args[0].array()), texts(args[1].array()));
    Ok(Arc::new((0..rows).map(|i| Some(f(a.at(args[0].row(i))?, b.at(args[1].row(i))?))).collect::<BooleanArray>()))
}

/// Latin letters with accents to plain ASCII.
fn fold(c: char, buffer: &mut [u8; 4]) -> &str {
    match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'À'..='Å' | 'Ā' | 'Ă' | 'Ą' => "A",
        'æ' => "ae",
        'Æ' => "AE",
        'ç' | 'ć' | 'č' => "c",
        'Ç' | 'Ć' | 'Č' => "C",
        'è'..='ë' | 'ē' | 'ę' | 'ě' => "e",
        'È'..='Ë' | 'Ē' | 'Ę' | 'Ě' => "E",
        'ì'..='ï' | 'ī' | 'ı' => "i",
        'Ì'..='Ï' | 'Ī' | 'İ' => "I",
        'ñ' | 'ń' | 'ň' => "n",
        'Ñ' | 'Ń' | 'Ň' => "N",
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => "o",
        'Ò'..='Ö' | 'Ø' | 'Ō' | 'Ő' => "O",
        'œ' => "oe",
        'Œ' => "OE",
        'ř' => "r",
        'Ř' => "R",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'Ś' | 'Š' | 'Ş' | 'Ș' => "S",
        'ß' => "ss",
        'ť' | 'ţ' | 'ț' => "t",
        'Ť' | 'Ţ' | 'Ț' => "T",
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => "u",
        'Ù'..='Ü' | 'Ū' | 'Ů' | 'Ű' => "U",
        'ý' | 'ÿ' => "y",
        'Ý' | 'Ÿ' => "Y",
        'ź' | 'ż' | 'ž' => "z",
        'Ź' | 'Ż' | 'Ž' => "Z",
        'ł' => "l",
        'Ł' => "L",
        'đ' | 'ď' | 'ð' => "d",
        'Đ' | 'Ď' | 'Ð' => "D",
        'ğ' => "g",
        'Ğ' => "G",
        'þ' => "th",
        'Þ' => "Th",
        c if c.is_ascii() => c.encode_utf8(buffer),
        _ => "",
    }
}
