//! Text with the values of other columns in it.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::arrays::Texts;
use crate::error::Result;
use crate::generator::{Fill, Generator, Origin, Params, Scope, Text};
use crate::profile::Expr;

/// The longest cell in bytes. Templates of templates could double in length without end.
const MAX_CELL: usize = 64 << 10;

/// Text with values put in: `"{given_name}.{family_name}"`. Null if one of the values is null.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Template {
    /// The text. `{name}` is replaced by a column or SQL expression as text, `{name:06}` pads it with zeros to 6
    /// characters, `{{` and `}}` are plain brackets. A cell has at most 65,536 bytes.
    template: String,
}

impl Params for Template {
    const NAME: &'static str = "template";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "template = \"Row {row}\"";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        plan(scope, "template", &self.template)
    }
}

/// A key or number with a fixed form: `"W{row:09}"` makes `W000000017`. `{row}` is the number of the row in a root table,
/// `{ordinal}` the number among the siblings in a child table.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Code {
    /// The form. `{name}` is replaced by a column or SQL expression as text, `{name:06}` pads it with zeros to 6
    /// characters, `{{` and `}}` are plain brackets. Null if one of the values is null.
    pattern: String,
}

impl Params for Code {
    const NAME: &'static str = "code";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "pattern = \"W{row:09}\"";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        plan(scope, "pattern", &self.pattern)
    }
}

fn plan(scope: &mut dyn Scope, field: &str, text: &str) -> Result<Box<dyn Generator>> {
    let parts = split(text).map_err(|message| {
        scope.error(field, format!("`{text}`: {message}")).hint("write `{{` and `}}` for plain brackets")
    })?;
    let mut planned: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        let part = match part {
            Piece::Literal(literal) => Part::Literal(literal),
            Piece::Value(expr, width) => {
                let value = Text::plan_any(scope, field, &Expr(expr.to_owned()))?;
                match value.constant() {
                    Some(text) => Part::Literal(padded(&text, width)),
                    None => Part::Value(value, width),
                }
            }
        };
        match (planned.last_mut(), part) {
            (Some(Part::Literal(before)), Part::Literal(text)) => before.push_str(&text),
            (_, part) => planned.push(part),
        }
    }
    Ok(Box::new(Templated { parts: planned, field: field.to_owned() }))
}

enum Piece<'a> {
    Literal(String),
    Value(&'a str, usize),
}

/// Splits a template into plain text and placeholders.
fn split(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        pieces.push(Piece::Literal(rest[..at].to_owned()));
        let (bracket, after) = rest[at..].split_at(1);
        if let Some(after) = after.strip_prefix(bracket) {
            pieces.push(Piece::Literal(bracket.to_owned()));
            rest = after;
            continue;
        }
        if bracket == "}" {
            return Err("`}` without an opening bracket".to_owned());
        }
        let (inner, after) = after.split_once('}').ok_or("`{` is not closed")?;
        let padding = inner.rsplit_once(':').and_then(|(expr, width)| {
            let width = width.strip_prefix('0')?;
            width.bytes().all(|b| b.is_ascii_digit()).then(|| (expr, width.parse::<usize>().ok()))
        });
        pieces.push(match padding {
            None if inner.trim().is_empty() => return Err("`{}` names no column".to_owned()),
            None => Piece::Value(inner, 0),
            Some((expr, Some(width @ 1..=64))) => Piece::Value(expr, width),
            Some(_) => return Err("a width must be `:01` to `:064`".to_owned()),
        });
        rest = after;
    }
    pieces.push(Piece::Literal(rest.to_owned()));
    Ok(pieces)
}

fn padded(text: &str, width: usize) -> String {
    let mut out = String::new();
    pad(&mut out, text, width);
    out
}

/// Appends a text, padded with zeros on the left after its sign.
fn pad(out: &mut String, text: &str, width: usize) {
    let missing = width.saturating_sub(text.len());
    let digits = if missing > 0 { text.strip_prefix('-') } else { None };
    if digits.is_some() {
        out.push('-');
    }
    (0..missing).for_each(|_| out.push('0'));
    out.push_str(digits.unwrap_or(text));
}

enum Part {
    Literal(String),
    Value(Text, usize),
}

struct Templated {
    parts: Vec<Part>,
    field: String,
}

enum Piecewise<'a> {
    Literal(&'a str),
    Value(Texts<'a>, usize),
}

impl Generator for Templated {
    fn data_type(&self) -> DataType {
        DataType::Utf8
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let parts: Vec<Piecewise<'_>> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => Piecewise::Literal(text),
                Part::Value(text, width) => Piecewise::Value(text.view(fill), *width),
            })
            .collect();
        let mut too_long = false;
        let column = fill.text(|i, _, out| {
            for part in &parts {
                match part {
                    Piecewise::Literal(text) => out.push_str(text),
                    Piecewise::Value(texts, width) => pad(out, texts.at(i)?, *width),
                }
                if out.len() > MAX_CELL {
                    too_long = true;
                    return None;
                }
            }
            Some(())
        });
        if too_long {
            let message = format!("`{}` makes a text of more than {MAX_CELL} bytes", self.field);
            return Err(crate::error::Error::new(crate::error::Kind::Profile, message));
        }
        Ok(Arc::new(column))
    }
}

#[cfg(test)]
mod tests {
    use crate::generator::testing::{Bed, plan_error, shown};

    fn column(template: &str) -> Vec<String> {
        shown(&Bed::root(6).fill("template", &format!("template = \"{template}\"")).expect("a column"))
    }

    #[test]
    fn values_stand_where_they_are_named() {
        assert_eq!(column("{{{row:04}}}-{'a'}{-5:04}")[..2], ["{0000}-a-005", "{0001}-a-005"]);
        assert_eq!(column("<{flag}>")[..4], ["<F>", "<M>", "<X>", "∅"]);
        assert_eq!(column("plain")[0], "plain");
        let codes = Bed::root(3).fill("code", "pattern = \"W{row:09}\"").expect("a column");
        assert_eq!(shown(&codes), ["W000000000", "W000000001", "W000000002"]);
    }

    #[test]
    fn slips_are_found_while_planning() {
        for (template, message) in [
            ("{row", "not closed"),
            ("row}", "without an opening bracket"),
            ("{}", "names no column"),
            ("{row:065}", "a width"),
            ("{rwo}", "unknown column `rwo`"),
        ] {
            let error = plan_error("template", &format!("template = \"{template}\""));
            assert!(error.contains(message), "{template}: {error}");
        }
    }

    #[test]
    fn a_cell_that_grows_without_end_is_refused() {
        let long = format!("template = \"{}{{row}}\"", "x".repeat(70_000));
        assert!(Bed::root(1).fill("template", &long).is_err());
    }
}
