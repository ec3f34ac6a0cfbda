//! Decisions for tables that no profile describes: each column has a wish, and nothing is guessed.

use arrow_schema::{Field, Schema};

use super::choose::{Spec, domain_of, fits, no_pairs};
use super::{Decision, Domain, nothing};
use crate::error::{Error, Result, did_you_mean};
use crate::kinds;
use crate::notes::{Key, Noted};

/// A wish for a column.
#[derive(Debug, Clone, Copy)]
pub enum Wish<'a> {
    /// A handling, such as `token` or `encrypt:patient.mrn`.
    Handling(&'a str),
    /// The handling of the key that it refers to.
    OfKey,
}

/// Decides the handling of every column of the first `count` tables; the others are there to be referred to. A field's notes have its kind, its domain and its place in keys; `wish` gives the
/// wish for a column of a table, by the number of the table and of the column.
///
/// # Errors
///
/// If a handling does not exist, or the column cannot have it: as part of a key, of its class, its type or its kind. Every error has the
/// path `tables.TABLE.columns.COLUMN`.
pub fn decide_given<'w>(
    tables: &[(&str, &Schema)],
    count: usize,
    wish: &dyn Fn(usize, usize) -> Wish<'w>,
) -> Result<Vec<Decision>> {
    let mut all = Vec::new();
    for (at, (table, schema)) in tables.iter().take(count).enumerate() {
        for (column, field) in schema.fields().iter().enumerate() {
            let path = || format!("tables.{table}.columns.{}", field.name());
            let (spec, by) = follow(tables, (at, column), wish, 0).map_err(|error| error.within(&path()))?;
            let kind = field.note(Key::Pii).and_then(kinds::find);
            let mut decision = Decision {
                table: (*table).to_owned(),
                column: field.name().clone(),
                kind,
                class: kind.map(|kind| kind.class.clone()).unwrap_or_default(),
                handling: spec.handling,
                domain: spec.domain,
                by,
            };
            joined(tables, field, &mut decision)?;
            fits(&decision, field)?;
            all.push(decision);
        }
    }
    no_pairs(&all)?;
    Ok(all)
}

/// The handling of a column, with that of its key where it follows one, and who asked for it.
fn follow<'w>(
    tables: &[(&str, &Schema)],
    (table, column): (usize, usize),
    wish: &dyn Fn(usize, usize) -> Wish<'w>,
    depth: usize,
) -> Result<(Spec, &'static str)> {
    let field = tables[table].1.field(column);
    let key = match field.reference() {
        Some((to, key)) => Some(place(tables, to, key)?),
        None => None,
    };
    if depth > tables.len() {
        return Err(Error::profile("", "the references go round in a circle"));
    }
    let own = match wish(table, column) {
        Wish::Handling(text) => Some(text.parse::<Spec>()?),
        Wish::OfKey => None,
    };
    let Some(key) = key else {
        return own.map(|own| (own, "column")).ok_or_else(|| {
            Error::profile("", "nothing says how to write it").hint("a handling, such as \"token\", or \"clear\"")
        });
    };
    let (mut theirs, _) = follow(tables, key, wish, depth + 1)?;
    let target = tables[key.0].1.field(key.1);
    if theirs.domain.is_none() && theirs.handling.domain == Domain::OrOwn {
        theirs.domain = Some(domain(tables, tables[key.0].0, target));
    }
    match own {
        Some(own) if own.handling != theirs.handling || own.domain.is_some() && own.domain != theirs.domain => {
            let message = format!(
                "PII-033: it would be {}, and the key `{}.{}` that it repeats {}",
                own.handling.name,
                tables[key.0].0,
                target.name(),
                theirs.handling.name
            );
            Err(Error::profile("", message).hint("leave its handling out: it has that of the key"))
        }
        _ => Ok((theirs, "key")),
    }
}

/// The place of a column by its name.
fn place(tables: &[(&str, &Schema)], table: &str, column: &str) -> Result<(usize, usize)> {
    let at = tables.iter().position(|(name, _)| *name == table).ok_or_else(|| {
        Error::profile("", format!("it refers to the table `{table}`, which the rules do not have"))
            .maybe_hint(did_you_mean(table, tables.iter().map(|(name, _)| *name)))
    })?;
    let names = || tables[at].1.fields().iter().map(|field| field.name().as_str());
    let found = names().position(|name| name == column).ok_or_else(|| {
        Error::profile("", format!("it refers to `{table}.{column}`, and `{table}` has no such column"))
            .maybe_hint(did_you_mean(column, names()))
    })?;
    Ok((at, found))
}

/// The domain of a column where its rule names none: that of the key that it repeats, its kind, or its name.
#[must_use]
pub fn domain(tables: &[(&str, &Schema)], table: &str, field: &Field) -> String {
    let schema_of = |name: &str| tables.iter().find(|(table, _)| *table == name).map(|(_, schema)| *schema);
    domain_of(table, field, &schema_of, 0)
}

/// Gives a handling that needs a domain that of the column, and refuses one that would break a key.
fn joined(tables: &[(&str, &Schema)], field: &Field, decision: &mut Decision) -> Result<()> {
    let own = domain(tables, &decision.table, field);
    if decision.handling.domain == Domain::OrOwn && decision.domain.is_none() {
        decision.domain = Some(own.clone());
    }
    let (handling, column) = (decision.handling, &decision.column);
    let wrong = |code: &str, what: String| Error::profile(decision.path(), format!("{code}: {what}"));
    let key = field.is_primary_key() || field.reference().is_some();
    if key && handling.binds_rows(decision.domain.as_deref()) {
        return Err(wrong("PII-030", format!("`{column}` is a key, and bound to its row it would join nothing"))
            .hint(format!("{}:{own} or token", handling.name)));
    }
    if field.is_primary_key() && !handling.keeps_joins(decision.domain.as_deref()) {
        let message = format!("`{column}` is a key, and `{}` does not keep its values apart", handling.name);
        return Err(wrong("PII-032", message).hint("token or encrypt:DOMAIN do"));
    }
    Ok(())
}

impl Wish<'static> {
    /// The column stays as it is.
    pub const CLEAR: Self = Wish::Handling(nothing::CLEAR.name);
}
