//! Look-ups: maps from the values of an expression to constants, compiled to a `CASE`.

use arrow_schema::DataType;

use super::Compiler;
use crate::error::{Error, Result};
use crate::plan::Input;
use crate::profile::{Expr, Lookup, Scalar};
use crate::sql::{self, types};

impl Compiler<'_> {
    /// Compiles a look-up to an expression and its inputs.
    ///
    /// # Errors
    ///
    /// If `by` is not an expression, if a key is not a value of its type, or if the constants have no type in common.
    pub(super) fn lookup(&mut self, table: usize, lookup: &Lookup, path: &str) -> Result<(sql::Expr, Vec<Input>)> {
        let mut scalars = lookup
            .values
            .iter()
            .map(|(key, value)| (key.as_str(), value))
            .chain(lookup.default.iter().map(|value| ("default", value)));
        if let Some((_, first)) = scalars.next()
            && let Some((key, other)) = scalars.find(|(_, value)| value.kind() != first.kind())
        {
            let message = format!("type mismatch: `{key}` gives {}, the first entry {}", other.kind(), first.kind());
            return Err(
                Error::profile(format!("{path}.lookup"), message).hint("the values of a look-up are of one type")
            );
        }
        let keys: Vec<&str> = lookup.values.keys().map(String::as_str).collect();
        let keys = self.key_literals(table, &lookup.by, &keys, [&format!("{path}.by"), &format!("{path}.lookup")])?;
        let cases: Vec<(String, String)> = keys.into_iter().zip(lookup.values.values().map(Scalar::to_sql)).collect();
        let ladder = ladder(&lookup.by, &cases, lookup.default.as_ref().map(Scalar::to_sql).as_deref());
        self.expression(table, &ladder).map_err(|error| error.within(&format!("{path}.lookup")))
    }

    /// Writes keys as SQL literals of the type that an expression has.
    ///
    /// # Errors
    ///
    /// If the expression has no type that can be looked up, or if a key is not a value of it.
    pub(super) fn key_literals(
        &mut self,
        table: usize,
        by: &Expr,
        keys: &[&str],
        [by_path, keys_path]: [&str; 2],
    ) -> Result<Vec<String>> {
        let (expr, _) = self.expression(table, &by.0).map_err(|error| error.within(by_path))?;
        let ty = types::logical(&expr.ty);
        if !matches!(ty, DataType::Utf8 | DataType::Int64 | DataType::Boolean | DataType::Date32) {
            let message = format!("type mismatch: `{}` is {}", by.0, types::name(ty));
            return Err(Error::profile(by_path, message)
                .hint("text, an integer, a date or a truth value can be looked up; a CAST makes one"));
        }
        keys.iter()
            .map(|key| {
                literal(key, ty).ok_or_else(|| {
                    let message = format!("type mismatch: `{}` is {}, `{key}` is not", by.0, types::name(ty));
                    Error::profile(format!("{keys_path}.{key}"), message)
                })
            })
            .collect()
    }
}

/// Writes a `CASE` over the values of an expression, from SQL literals and results.
pub(super) fn ladder(by: &Expr, cases: &[(String, String)], default: Option<&str>) -> String {
    let mut ladder = format!("CASE ({})", by.0);
    for (key, value) in cases {
        ladder += &format!(" WHEN {key} THEN {value}");
    }
    if let Some(default) = default {
        ladder += &format!(" ELSE {default}");
    }
    ladder + " END"
}

/// Writes a key as an SQL literal of a type; `None` where it is not a value of the type.
fn literal(key: &str, ty: &DataType) -> Option<String> {
    match ty {
        DataType::Utf8 => Some(Scalar::Text(key.to_owned()).to_sql()),
        DataType::Int64 => key.parse().ok().map(|number| Scalar::Integer(number).to_sql()),
        DataType::Boolean => key.parse().ok().map(|truth| Scalar::Boolean(truth).to_sql()),
        DataType::Date32 => key.parse::<jiff::civil::Date>().ok().map(|date| Scalar::Date(date.to_string()).to_sql()),
        _ => None,
    }
}
