//! Case, joining and replacing of texts. Lengths and positions count characters, not bytes.

use std::sync::Arc;

use arrow_array::Int64Array;
use arrow_schema::DataType::Int64;

use super::columns::{MAX_TEXT, all_text, map, one_text, text};
use super::{Carries, Function, Nulls};
use crate::arrays::{Texts, texts};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "||",
        signature: "text || text → text",
        about: "Both texts joined; null if either is null.",
        example: ("'a' || 'b'", "ab"),
        types: |args| (args.len() == 2).then(|| all_text(args))?,
        eval: |args, rows, _| {
            let [a, b] = [0, 1].map(|at| texts(args[at].array()));
            text(rows, |i, out| {
                out.push_str(a.at(args[0].row(i))?);
                out.push_str(b.at(args[1].row(i))?);
                Some(())
            })
        },
        nulls: Nulls::Strict,
        carries: Carries::All,
    },
    Function {
        name: "concat",
        signature: "concat(text, …) → text",
        about: "All texts joined; nulls are ignored.",
        example: ("concat('a', NULL, 'b')", "ab"),
        types: all_text,
        eval: |args, rows, _| {
            let parts: Vec<Texts<'_>> = args.iter().map(|arg| texts(arg.array())).collect();
            text(rows, |i, out| {
                parts.iter().zip(args).filter_map(|(part, arg)| part.at(arg.row(i))).for_each(|t| out.push_str(t));
                Some(())
            })
        },
        nulls: Nulls::WithAny,
        carries: Carries::All,
    },
    Function {
        name: "concat_ws",
        signature: "concat_ws(separator, text, …) → text",
        about: "All texts joined with a separator; nulls are ignored, a null separator gives null.",
        example: ("concat_ws('-', 'a', NULL, 'b')", "a-b"),
        types: |args| (args.len() > 1).then(|| all_text(args))?,
        eval: |args, rows, _| {
            let parts: Vec<Texts<'_>> = args.iter().map(|arg| texts(arg.array())).collect();
            text(rows, |i, out| {
                let separator = parts[0].at(args[0].row(i))?;
                let known = parts[1..].iter().zip(&args[1..]).filter_map(|(part, arg)| part.at(arg.row(i)));
                for (at, part) in known.enumerate() {
                    out.push_str(if at == 0 { "" } else { separator });
                    out.push_str(part);
                }
                Some(())
            })
        },
        nulls: Nulls::WithAny,
        carries: Carries::All,
    },
    Function {
        name: "lower",
        signature: "lower(text) → text",
        about: "The text in lower case.",
        example: ("lower('MÜLLER')", "müller"),
        types: one_text,
        eval: |args, rows, _| map(args, rows, |t, _, out| out.push_str(&t.to_lowercase())),
        nulls: Nulls::Strict,
        carries: Carries::All,
    },
    Function {
        name: "upper",
        signature: "upper(text) → text",
        about: "The text in upper case.",
        example: ("upper('müller')", "MÜLLER"),
        types: one_text,
        eval: |args, rows, _| map(args, rows, |t, _, out| out.push_str(&t.to_uppercase())),
        nulls: Nulls::Strict,
        carries: Carries::All,
    },
    Function {
        name: "trim",
        signature: "trim(text) → text",
        about: "The text without spaces at both ends.",
        example: ("trim('  a b ')", "a b"),
        types: one_text,
        eval: |args, rows, _| map(args, rows, |t, _, out| out.push_str(t.trim_matches(' '))),
        nulls: Nulls::Strict,
        carries: Carries::All,
    },
    Function {
        name: "replace",
        signature: "replace(text, from, to) → text",
        about: "The text with every `from` replaced by `to`.",
        example: ("replace('a.b.c', '.', '')", "abc"),
        types: |args| (args.len() == 3).then(|| all_text(args))?,
        eval: |args, rows, _| {
            let [t, from, to] = [0, 1, 2].map(|at| texts(args[at].array()));
            text(rows, |i, out| {
                let (t, from, to) = (t.at(args[0].row(i))?, from.at(args[1].row(i))?, to.at(args[2].row(i))?);
                let (mut rest, start) = (t, out.len());
                while let Some((before, after)) = rest.split_once(from).filter(|_| !from.is_empty()) {
                    out.push_str(before);
                    out.push_str(to);
                    // A text that is too long already is refused below, so it need not grow further.
                    rest = if out.len() - start > MAX_TEXT { "" } else { after };
                }
                out.push_str(rest);
                Some(())
            })
        },
        nulls: Nulls::Strict,
        carries: Carries::Only(&[0, 2]),
    },
    Function {
        name: "length",
        signature: "length(text) → bigint",
        about: "The number of characters.",
        example: ("length('müsli')", "5"),
        types: |args| one_text(args).map(|(args, _)| (args, Int64)),
        eval: |args, rows, _| {
            let t = texts(args[0].array());
            Ok(Arc::new((0..rows).map(|i| Some(t.at(args[0].row(i))?.chars().count() as i64)).collect::<Int64Array>()))
        },
        nulls: Nulls::Strict,
        carries: Carries::Nothing,
    },
];
