//! Kinds of tables (root tables and the kinds of child tables), and their row counts.

use super::{Compiler, MAX_ROWS, TableDraft, unknown_table};
use crate::error::{Error, Result};
use crate::plan::Options;
use crate::profile::{self, Profile, Table};

/// Finds the parent of a child table, after a check that the table is of one kind only; `None` for a root table.
pub(super) fn parent(path: &str, decl: &Table, profile: &Profile) -> Result<Option<usize>> {
    let kinds = [
        ("rows", decl.rows.is_some()),
        ("row", !decl.row.is_empty()),
        // Beside a row list it counts the rows behind the listed ones.
        ("count", decl.count.is_some() && decl.row.is_empty()),
        ("lifecycle", decl.lifecycle.is_some()),
        ("each", decl.each.is_some()),
        ("group", decl.group.is_some()),
    ];
    let kinds: Vec<&str> = kinds.iter().filter(|(_, said)| *said).map(|(kind, _)| *kind).collect();
    let of = decl.of.as_ref();
    let wrong = |message: String| Err(Error::profile(path, message));
    match (of, kinds.as_slice()) {
        (None, []) => {
            return Err(Error::profile(path, "the table has neither `rows` nor `of`")
                .hint("rows = 1_000 makes it a root table"));
        }
        (None, ["rows"]) | (Some(_), [_]) => {}
        (None, [.., kind]) => return wrong(format!("`{kind}` belongs to a child table: it needs `of = \"PARENT\"`")),
        (Some(_), []) => {
            return Err(Error::profile(path, "a child table has either `count` or `lifecycle`").hint(
                "or `row`, a list of its rows, or `rows`, its size in total, or `each` or `group`, made of other rows",
            ));
        }
        (Some(_), many) => {
            return wrong(format!("a child table has one of `{}`, not all of them at once", many.join("`, `")));
        }
    }
    let kind = kinds[0];
    let misplaced = [
        ("spread", decl.spread.is_some(), of.is_some() && kind == "rows", "a child table with `rows`"),
        ("order", decl.order.is_some(), kind == "each", "a table with `each`"),
        ("by", decl.by.is_some(), kind == "group", "a table with `group`"),
        ("where", decl.r#where.is_some(), matches!(kind, "each" | "group"), "a table with `each` or `group`"),
        (
            "when",
            decl.when.is_some(),
            matches!(kind, "count" | "row" | "lifecycle"),
            "a table with `count`, `row` or `lifecycle`",
        ),
    ];
    for (key, said, fits, home) in misplaced {
        if said && !fits {
            return Err(Error::profile(format!("{path}.{key}"), format!("`{key}` belongs to {home}")));
        }
    }
    if kind == "group" && decl.by.is_none() {
        return wrong("`group` needs `by`, an expression over the rows it groups".to_owned());
    }
    of.map(|of| profile.tables.get_index_of(of).ok_or_else(|| unknown_table(&format!("{path}.of"), of, profile)))
        .transpose()
}

impl Compiler<'_> {
    pub(super) fn no_parent_cycle(&self) -> Result<()> {
        for table in &self.tables {
            let (mut at, mut chain) = (table, vec![table.name]);
            while let Some(parent) = at.parent {
                at = &self.tables[parent];
                chain.push(at.name);
                if chain.len() > self.tables.len() {
                    return Err(Error::profile(
                        format!("tables.{}.of", table.name),
                        format!("tables are each other's parents: {}", chain[..chain.len().min(6)].join(" → ")),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Raises the rows of each table that grows with another one to its share of that one's rows.
    pub(super) fn keep_ratios(&mut self, options: &Options) -> Result<()> {
        for table in 0..self.tables.len() {
            let draft = &self.tables[table];
            let Some(name) = &draft.decl.grows_with else { continue };
            let path = format!("tables.{}.grows_with", draft.name);
            let other = self.tables.iter().find(|other| other.name == name);
            let other = other.ok_or_else(|| unknown_table(&path, name, &self.loaded.profile))?;
            let (Some(rows), Some(base), None, None) = (draft.decl.rows, other.decl.rows, draft.parent, other.parent)
            else {
                let message = format!("`{}` and `{name}` are not both root tables with `rows`", draft.name);
                return Err(Error::profile(path, message)
                    .hint("a child table grows with its parent; leave `grows_with` out there"));
            };
            if base > 0 && !options.rows.contains_key(draft.name) {
                let share = (u128::from(rows) * u128::from(other.rows)).div_ceil(u128::from(base));
                let share = u64::try_from(share).unwrap_or(u64::MAX);
                options.limits.allow_rows(share as f64).map_err(|error| error.within(&path))?;
                if share > MAX_ROWS {
                    return Err(Error::profile(
                        path,
                        format!("{share} rows are more than {MAX_ROWS}, the most of a table"),
                    ));
                }
                self.tables[table].rows = draft.rows.max(share);
            }
        }
        Ok(())
    }

    /// Leaves out the rows of tables sized in total that have no owner, because `--rows` says that the table of their owners is empty.
    pub(super) fn without_owners(&mut self, options: &Options) {
        let mut empty: Vec<usize> =
            (0..self.tables.len()).filter(|at| options.rows.get(self.tables[*at].name) == Some(&0)).collect();
        while let Some(owners) = empty.pop() {
            for at in 0..self.tables.len() {
                let TableDraft { decl, parent, rows, name, .. } = &self.tables[at];
                let owner = self.tables[owners].name;
                let dealt = decl.refs.values().any(|to| to.deal.is_some() && to.table.as_deref() == Some(owner));
                let owned = decl.rows.is_some() && (*parent == Some(owners) || dealt);
                if owned && *rows > 0 && !options.rows.contains_key(*name) {
                    self.tables[at].rows = 0;
                    empty.push(at);
                }
            }
        }
    }

    /// Raises the rows of tables that `same_row` picks to those of the tables that pick them.
    pub(super) fn raise_rows(&mut self) {
        for _ in 0..self.tables.len() {
            for table in 0..self.tables.len() {
                for reference in self.tables[table].decl.refs.values() {
                    let target =
                        reference.table.as_ref().and_then(|name| self.tables.iter().position(|t| t.name == name));
                    if let (Some(profile::Pick::SameRow), Some(target), None) =
                        (reference.pick, target, self.tables[table].parent)
                    {
                        self.tables[target].rows = self.tables[target].rows.max(self.tables[table].rows);
                    }
                }
            }
        }
    }
}
