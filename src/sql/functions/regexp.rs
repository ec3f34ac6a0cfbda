//! Regular expressions: constants that are compiled once for each chunk of rows.

use std::sync::Arc;

use arrow_array::{Array, BooleanArray};
use arrow_schema::DataType::{Boolean, Utf8};
use regex::Regex;

use super::columns::{all_text, text};
use super::matching::two_texts_to_truth;
use super::{Carries, Function, Nulls, Value, constant};
use crate::arrays::texts;
use crate::error::{Error, Kind, Result};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "regexp_matches",
        signature: "regexp_matches(text, pattern) → boolean",
        about: "True if a constant regular expression matches anywhere in a text.",
        example: ("regexp_matches('AB-12', '^[A-Z]+-[0-9]+$')", "true"),
        types: two_texts_to_truth,
        eval: |args, rows, _| {
            let Some(regex) = compiled(&args[1], "regexp_matches")? else {
                return Ok(arrow_array::new_null_array(&Boolean, rows));
            };
            let t = texts(args[0].array());
            Ok(Arc::new((0..rows).map(|i| Some(regex.is_match(t.at(args[0].row(i))?))).collect::<BooleanArray>()))
        },
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
    Function {
        name: "regexp_replace",
        signature: "regexp_replace(text, pattern, to[, 'g']) → text",
        about: "The text with the first match of a constant regular expression replaced, or with 'g' every match; \\1 to \\9 are its groups.",
        example: ("regexp_replace('2024-02-29', '([0-9]+)-([0-9]+)', '\\2/\\1')", "02/2024-29"),
        types: |args| match args {
            [_, _, _] | [_, _, _, Utf8] => all_text(args),
            _ => None,
        },
        eval: |args, rows, _| {
            let limit = match args.get(3).map(|options| constant(options, "options", "regexp_replace")).transpose()? {
                None => 1,
                Some(options) if options.as_deref() == Some("g") => 0,
                Some(_) => {
                    return Err(Error::new(
                        Kind::Profile,
                        "the only option of `regexp_replace` is 'g', for every match",
                    ));
                }
            };
            let Some(regex) = compiled(&args[1], "regexp_replace")? else {
                return Ok(arrow_array::new_null_array(&Utf8, rows));
            };
            let (t, to) = (texts(args[0].array()), texts(args[2].array()));
            if let Some(lost) =
                (0..args[2].array().len()).find_map(|i| highest(to.at(i)?).filter(|n| *n >= regex.captures_len()))
            {
                return Err(Error::new(Kind::Profile, format!("`{regex}` has no group \\{lost}")));
            }
            text(rows, |i, out| {
                let (t, to) = (t.at(args[0].row(i))?, to.at(args[2].row(i))?);
                let groups = |found: &regex::Captures<'_>| expanded(to, found);
                out.push_str(&regex.replacen(t, limit, groups));
                Some(())
            })
        },
        nulls: Nulls::Strict,
        carries: Carries::Only(&[0, 2]),
    },
];

/// Compiles the constant pattern of a function. `None` is a null pattern.
fn compiled(value: &Value, function: &str) -> Result<Option<Regex>> {
    let Some(pattern) = constant(value, "pattern", function)? else { return Ok(None) };
    Regex::new(&pattern).map(Some).map_err(|error| {
        let what = error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        Error::new(Kind::Profile, format!("`{pattern}` is not a regular expression: {what}"))
    })
}

/// Finds the highest group in a replacement. `None` if it has no group.
fn highest(to: &str) -> Option<usize> {
    let mut chars = to.chars();
    let mut highest = None;
    while let Some(c) = chars.next() {
        if let ('\\', Some(digit)) = (c, if c == '\\' { chars.next() } else { None }) {
            highest = highest.max(digit.to_digit(10).map(|digit| digit as usize));
        }
    }
    highest
}

/// Expands a replacement: `\1` to `\9` are groups, `\\` is a backslash.
fn expanded(to: &str, found: &regex::Captures<'_>) -> String {
    let (mut text, mut chars) = (String::new(), to.chars());
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some(digit)) if digit.is_ascii_digit() => {
                let group = digit.to_digit(10).unwrap_or(0) as usize;
                text.push_str(found.get(group).map_or("", |group| group.as_str()));
            }
            ('\\', Some(other)) => text.push(other),
            (c, _) => text.push(c),
        }
    }
    text
}
