//! Parts of texts: positions count characters from 1, as in SQL.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType::{self, Int64, Null, Utf8};

use super::columns::{MAX_TEXT, map, text};
use super::{Carries, Function, Nulls, Resolved, Value, accepted};
use crate::arrays::texts;
use crate::error::{Error, Kind, Result};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "substring",
        signature: "substring(text, from[, length]) → text",
        about: "The characters from a position, at most `length` of them; positions before 1 are empty but count.",
        example: ("substring('placebo', 2, 3)", "lac"),
        types: |args| text_and_integers(args, 1..=2),
        eval: |args, rows, _| {
            map(args, rows, |t, n, out| {
                let from = n[0].max(1);
                // Without a length, up to the end. Positions before 1 count towards the length, as in the SQL standard.
                let end = n.get(1).map_or(i64::MAX, |length| n[0].saturating_add((*length).max(0)));
                out.extend(t.chars().skip(from as usize - 1).take(end.saturating_sub(from).max(0) as usize));
            })
        },
        nulls: Nulls::Strict,
        carries: Carries::Only(&[0]),
    },
    Function {
        name: "left",
        signature: "left(text, n) → text",
        about: "The first n characters; for a negative n all but the last -n.",
        example: ("left('placebo', 3)", "pla"),
        types: |args| text_and_integers(args, 1..=1),
        eval: |args, rows, _| map(args, rows, |t, n, out| out.extend(t.chars().take(counted(t, n[0])))),
        nulls: Nulls::Strict,
        carries: Carries::Only(&[0]),
    },
    Function {
        name: "right",
        signature: "right(text, n) → text",
        about: "The last n characters; for a negative n all but the first -n.",
        example: ("right('placebo', 3)", "ebo"),
        types: |args| text_and_integers(args, 1..=1),
        eval: |args, rows, _| {
            map(args, rows, |t, n, out| out.extend(t.chars().skip(t.chars().count().saturating_sub(counted(t, n[0])))))
        },
        nulls: Nulls::Strict,
        carries: Carries::Only(&[0]),
    },
    Function {
        name: "lpad",
        signature: "lpad(text, n, fill) → text",
        about: "The text padded on the left to n characters, or cut to its first n.",
        example: ("lpad('7', 3, '0')", "007"),
        types: |args| accepted(args, &[Utf8, Int64, Utf8], Utf8),
        eval: |args, rows, _| pad(args, rows, true),
        nulls: Nulls::Strict,
        carries: Carries::Only(&[0, 2]),
    },
    Function {
        name: "rpad",
        signature: "rpad(text, n, fill) → text",
        about: "The text padded on the right to n characters, or cut to its first n.",
        example: ("rpad('7', 3, '.')", "7.."),
        types: |args| accepted(args, &[Utf8, Int64, Utf8], Utf8),
        eval: |args, rows, _| pad(args, rows, false),
        nulls: Nulls::Strict,
        carries: Carries::Only(&[0, 2]),
    },
    Function {
        name: "split_part",
        signature: "split_part(text, separator, n) → text",
        about: "The n-th part of a text between separators, counted from the end if n is negative; empty if there is none.",
        example: ("split_part('a,b,c', ',', 2)", "b"),
        types: |args| accepted(args, &[Utf8, Utf8, Int64], Utf8),
        eval: |args, rows, _| {
            let (t, separator) = (texts(args[0].array()), texts(args[1].array()));
            let n = args[2].array().as_primitive::<Int64Type>();
            text(rows, |i, out| {
                let at = args[2].row(i);
                let (t, separator) = (t.at(args[0].row(i))?, separator.at(args[1].row(i))?);
                let n = (!n.is_null(at)).then(|| n.value(at))?;
                let place = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
                let part = match n {
                    0 => None,
                    // An empty separator separates all characters.
                    _ if separator.is_empty() => {
                        let at = if n > 0 { place - 1 } else { t.chars().count().wrapping_sub(place) };
                        t.char_indices().nth(at).map(|(at, c)| &t[at..at + c.len_utf8()])
                    }
                    1.. if separator.len() == 1 => t.split(char::from(separator.as_bytes()[0])).nth(place - 1),
                    1.. => t.split(separator).nth(place - 1),
                    _ => t.rsplit(separator).nth(place - 1),
                };
                out.push_str(part.unwrap_or(""));
                Some(())
            })
        },
        nulls: Nulls::Strict,
        carries: Carries::Only(&[0]),
    },
];

fn text_and_integers(args: &[DataType], count: std::ops::RangeInclusive<usize>) -> Option<Resolved> {
    let (first, rest) = args.split_first()?;
    let good =
        matches!(first, Utf8 | Null) && count.contains(&rest.len()) && rest.iter().all(|a| matches!(a, Int64 | Null));
    good.then(|| (std::iter::once(Utf8).chain(rest.iter().map(|_| Int64)).collect(), Utf8))
}

/// Resolves a number of characters: a negative `n` means all but that many.
fn counted(t: &str, n: i64) -> usize {
    let size = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
    if n < 0 { t.chars().count().saturating_sub(size) } else { size }
}

fn pad(args: &[Value], rows: usize, left: bool) -> Result<ArrayRef> {
    let (t, fill) = (texts(args[0].array()), texts(args[2].array()));
    let n = args[1].array().as_primitive::<Int64Type>();
    if let Some(n) = n.iter().flatten().find(|n| *n > MAX_TEXT as i64) {
        return Err(Error::new(Kind::Profile, format!("a text would have {n} characters, more than {MAX_TEXT}")));
    }
    text(rows, |i, out| {
        let at = args[1].row(i);
        let wanted = (!n.is_null(at)).then(|| n.value(at).max(0) as usize)?;
        let (t, fill) = (t.at(args[0].row(i))?, fill.at(args[2].row(i))?);
        let missing = wanted.saturating_sub(t.chars().count());
        if left {
            out.extend(fill.chars().cycle().take(missing));
        }
        out.extend(t.chars().take(wanted));
        if !left {
            out.extend(fill.chars().cycle().take(missing));
        }
        Some(())
    })
}
