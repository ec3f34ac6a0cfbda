//! The declarations of a table: columns and intermediate values.

use indexmap::IndexMap;

use super::named;
use crate::error::{Error, Result};
use crate::profile::{Definition, Expr, Table};

/// A column or an intermediate value, as the profile declares it.
#[derive(Clone, Copy)]
pub(super) struct Decl<'a> {
    /// The key of the table under which it is declared: `columns` or `let`.
    pub(super) section: &'static str,
    /// The source of its values.
    pub(super) definition: &'a Definition,
    /// The type to cast to, in SQL.
    pub(super) cast: Option<&'a str>,
    /// A condition: where it is not true, the value is null.
    pub(super) when: Option<&'a Expr>,
    /// The share of rows whose value is null.
    pub(super) null: Option<&'a Expr>,
    /// `true` if it is part of the output.
    pub(super) written: bool,
}

/// The declarations of a table: its columns in the order of the profile, then its intermediate values.
///
/// # Errors
///
/// If a name is not one, or if a column and an intermediate value share it.
pub(super) fn declared<'a>(table: &'a Table, path: &str) -> Result<IndexMap<&'a str, Decl<'a>>> {
    let mut decls = IndexMap::new();
    for (name, column) in &table.columns {
        named(&format!("{path}.columns.{name}"), name)?;
        let (definition, rest) = (&column.definition, &column.rest);
        let (cast, when, null) = (rest.r#type.as_deref(), rest.when.as_ref(), rest.null.as_ref());
        decls.insert(name.as_str(), Decl { section: "columns", definition, cast, when, null, written: true });
    }
    for (name, value) in &table.r#let {
        let path = format!("{path}.let.{name}");
        named(&path, name)?;
        let (definition, rest) = (&value.definition, &value.rest);
        let (cast, when, null) = (rest.r#type.as_deref(), rest.when.as_ref(), rest.null.as_ref());
        let decl = Decl { section: "let", definition, cast, when, null, written: false };
        if decls.insert(name.as_str(), decl).is_some() {
            return Err(Error::profile(path, format!("`{name}` is a column of this table too"))
                .hint("rename one of them: both are read by the same name"));
        }
    }
    Ok(decls)
}
