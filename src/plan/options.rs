//! Options of a run that need no change of the profile: seed, rows, scale, parameters, date, limits.

use std::cmp::Ordering;

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use indexmap::IndexMap;

use super::Limits;
use crate::error::{Error, Result, did_you_mean};
use crate::profile::{Param, Profile, Scalar};
use crate::sql::{self, civil};

/// Options of a run, each with the default of the command line.
#[derive(Debug, Clone)]
pub struct Options {
    /// The seed, any text: equal texts give equal data. `"0"` by default.
    pub seed: String,
    /// The numbers of rows of root tables, by name, in place of the profile's.
    pub rows: IndexMap<String, u64>,
    /// The factor for the rows of every root table that scales, above 0; 1 by default.
    pub scale: f64,
    /// The values of parameters, by name, as text.
    pub params: IndexMap<String, String>,
    /// The day on which the data set ends, such as `2025-06-30`, in place of the profile's.
    pub as_of: Option<String>,
    /// The limits on rows, bytes and texts.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: "0".to_owned(),
            rows: IndexMap::new(),
            scale: 1.0,
            params: IndexMap::new(),
            as_of: None,
            limits: Limits::default(),
        }
    }
}

impl Options {
    /// Gives the day on which the data set ends, in days since 1970-01-01.
    pub(super) fn as_of(&self, profile: &Profile) -> Result<i32> {
        let given = self.as_of.as_deref().map(|text| {
            civil::parse_date(text)
                .ok_or_else(|| Error::usage(format!("`{text}` is not a date")).hint("write it as 2025-06-30"))
        });
        given.unwrap_or_else(|| match &profile.as_of {
            Some(Scalar::Date(text)) => {
                civil::parse_date(text).ok_or_else(|| Error::profile("as_of", format!("`{text}` is not a date")))
            }
            Some(other) => {
                Err(Error::profile("as_of", format!("`{other}` is not a date")).hint("write it as as_of = 2025-06-30"))
            }
            None => Err(Error::profile("name", "the profile has no `as_of` date")
                .hint("add as_of = 2025-06-30, or give --as-of")),
        })
    }

    /// Gives the text and value of every parameter, checked against its bounds.
    pub(super) fn constants(&self, profile: &Profile) -> Result<IndexMap<String, (String, ArrayRef)>> {
        if let Some(unknown) = self.params.keys().find(|name| !profile.params.contains_key(*name)) {
            return Err(Error::usage(format!("the profile `{}` has no parameter `{unknown}`", profile.name))
                .maybe_hint(did_you_mean(unknown, profile.params.keys().map(String::as_str))));
        }
        let mut constants = IndexMap::new();
        for (name, param) in &profile.params {
            let path = format!("params.{name}");
            let (text, value) = match self.params.get(name) {
                Some(text) => (
                    text.clone(),
                    read(text, &param.value).map_err(|what| {
                        Error::usage(format!("`--set {name}={text}`: expected {what}")).hint(hint(name, param))
                    })?,
                ),
                None => (param.value.to_string(), param.value.clone()),
            };
            let wrong = |what: String| {
                if self.params.contains_key(name) {
                    Error::usage(format!("`--set {name}={text}`: {what}")).hint(hint(name, param))
                } else {
                    Error::profile(&path, what)
                }
            };
            for (key, bound, out, side) in [
                ("min", &param.min, Ordering::Less, "below the minimum"),
                ("max", &param.max, Ordering::Greater, "above the maximum"),
            ] {
                let Some(bound) = bound else { continue };
                let order = compare(&value, bound).ok_or_else(|| {
                    Error::profile(
                        format!("{path}.{key}"),
                        format!("`{bound}` does not compare with `{}`", param.value),
                    )
                    .hint("a bound is of the type of `value`: number, date or text")
                })?;
                if order == out {
                    return Err(wrong(format!("{text} is {side} {bound}")));
                }
            }
            if let (Some(min), Some(max)) = (&param.min, &param.max)
                && compare(min, max) == Some(Ordering::Greater)
            {
                return Err(Error::profile(format!("{path}.min"), format!("`{min}` is above the maximum `{max}`")));
            }
            if !param.choices.is_empty() && !param.choices.contains(&text) {
                return Err(wrong(format!("`{text}` is not one of the choices"))
                    .maybe_hint(did_you_mean(&text, param.choices.iter().map(String::as_str))));
            }
            // In SQL a number with a point is an exact decimal; a parameter, such as a rate or a mean, is a double.
            let expr = sql::lower(&sql::parse(&value.to_sql())?, &mut NoNames).map_err(|error| error.within(&path))?;
            let constant =
                expr.constant().ok_or_else(|| Error::internal(format!("parameter `{name}` is not a constant")))?;
            let constant =
                if let Scalar::Number(_) = value { sql::cast(constant, &DataType::Float64)? } else { constant.clone() };
            constants.insert(name.clone(), (text, constant));
        }
        Ok(constants)
    }

    /// Gives the number of rows of a root table.
    pub(super) fn rows_of(&self, name: &str, rows: u64, scales: bool) -> Result<u64> {
        if let Some(rows) = self.rows.get(name) {
            return Ok(*rows);
        }
        if !self.scale.is_finite() || self.scale <= 0.0 {
            return Err(Error::usage(format!("`--scale {}` is not a positive number", self.scale)));
        }
        Ok(if scales { libm::ceil(rows as f64 * self.scale) as u64 } else { rows })
    }
}

/// The values that a parameter may have, and what it does.
fn hint(name: &str, param: &Param) -> String {
    let about = if param.about.is_empty() { String::new() } else { format!(": {}", param.about) };
    format!("`{name}` is {}{about}", param.allowed())
}

fn number(scalar: &Scalar) -> Option<f64> {
    match scalar {
        Scalar::Integer(n) => Some(*n as f64),
        Scalar::Number(x) => Some(*x),
        _ => None,
    }
}

/// Compares two values of one type; `None` for types that differ, and for truth values, which have no order.
fn compare(one: &Scalar, other: &Scalar) -> Option<Ordering> {
    match (one, other) {
        (Scalar::Text(one), Scalar::Text(other)) => Some(one.cmp(other)),
        (Scalar::Date(one), Scalar::Date(other)) => {
            civil::parse_date(one).and_then(|one| Some(one.cmp(&civil::parse_date(other)?)))
        }
        _ => number(one)?.partial_cmp(&number(other)?),
    }
}

/// Parses a value of the type of the default; the error names the type.
fn read(text: &str, like: &Scalar) -> std::result::Result<Scalar, &'static str> {
    match like {
        Scalar::Integer(_) => text.parse().map(Scalar::Integer).map_err(|_| "an integer"),
        Scalar::Number(_) => text.parse().ok().filter(|x: &f64| x.is_finite()).map(Scalar::Number).ok_or("a number"),
        Scalar::Boolean(_) => text.parse().map(Scalar::Boolean).map_err(|_| "`true` or `false`"),
        Scalar::Date(_) => {
            civil::parse_date(text).map(|_| Scalar::Date(text.to_owned())).ok_or("a date such as 2025-06-30")
        }
        Scalar::Text(_) => Ok(Scalar::Text(text.to_owned())),
    }
}

/// The names in the value of a parameter: none, because it must be a constant.
struct NoNames;

impl sql::Names for NoNames {
    fn column(&mut self, path: &[String]) -> Result<sql::Expr> {
        Err(Error::profile("", format!("expected a constant, found the name `{}`", path.join("."))))
    }

    fn aggregate(&mut self, _: sql::Aggregate<'_>) -> Result<Option<sql::Expr>> {
        Ok(None)
    }

    fn window(&mut self, window: sql::Window<'_>) -> Result<sql::Expr> {
        Err(Error::profile("", format!("expected a constant, found the window function `{}`", window.name)))
    }
}
