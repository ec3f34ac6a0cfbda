//! Resolution of names in a table, and what the compiler knows about them.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::DataType;

use super::{Compiler, State, Target};
use crate::error::{Error, Result, did_you_mean};
use crate::plan::{Op, Source};
use crate::sql::types;

impl<'a> Compiler<'a> {
    /// Resolves the first name of a path in a table.
    pub(super) fn target(&mut self, table: usize, head: &str) -> Result<Target> {
        let decl = self.tables[table].decl;
        if let Some(reference) = decl.refs.get_index_of(head) {
            if decl.refs[reference].file.is_some() {
                return Ok(Target::File(head.to_owned()));
            }
            let (to, nullable) = self.reference(table, reference)?;
            return Ok(Target::Reference(reference, to, nullable));
        }
        if head == self.tables[table].name || self.alias.as_deref() == Some(head) {
            return Ok(Target::Table);
        }
        if let Some(fact) = self.fact(table, head)? {
            return Ok(fact);
        }
        let (mut levels, mut at) = (0, table);
        while let Some(parent) = self.tables[at].parent {
            (levels, at) = (levels + 1, parent);
            if self.tables[at].name == head {
                return Ok(Target::Ancestor(levels, at));
            }
        }
        if head == "lifecycle" && decl.lifecycle.is_some() {
            return Ok(Target::Lifecycle);
        }
        if head == "row" && !decl.row.is_empty() {
            return Ok(Target::Row);
        }
        let name = self.tables[table].name;
        if self.hands(table).iter().any(|(hand, _)| hand == head) {
            return Err(Error::profile("", format!("`{head}` has many rows for each `{name}`"))
                .hint(format!("aggregate them: sum({head}.…), count({head}), last({head}.…)")));
        }
        let known: Vec<&str> = decl.refs.keys().map(String::as_str).chain(self.tables.iter().map(|t| t.name)).collect();
        Err(Error::profile("", format!("unknown table or reference `{head}` in `{name}`"))
            .hint(format!("`{name}` sees its ancestors and its refs"))
            .maybe_hint(did_you_mean(head, known)))
    }

    /// Resolves and compiles a column, or one of the names that every row has, such as `ordinal`.
    pub(super) fn column_named(&mut self, table: usize, name: &str) -> Result<usize> {
        if let Some(column) = self.tables[table].decls.get_index_of(name) {
            self.declared(table, column)?;
            return Ok(column);
        }
        let child = self.tables[table].parent.is_some();
        let op = match name {
            "row" if !child => Op::Row,
            "ordinal" if child => Op::Ordinal,
            "siblings" if child => Op::Siblings,
            "group_key" if self.tables[table].decl.group.is_some() => return self.group_key(table),
            _ => {
                let of_every_row: &[&str] = if child { &["ordinal", "siblings", "as_of"] } else { &["row", "as_of"] };
                let known = self.tables[table].decls.keys().copied().chain(of_every_row.iter().copied());
                let error =
                    Error::profile("", format!("unknown column `{name}` in table `{}`", self.tables[table].name));
                return Err(match (name, child) {
                    ("row", true) => error.hint("a child row counts among its siblings: `ordinal`, from 1"),
                    ("ordinal" | "siblings", false) => {
                        error.hint("a row of a root table has no siblings: `row`, from 0")
                    }
                    _ => error.maybe_hint(did_you_mean(name, known)),
                });
            }
        };
        self.computed(table, &format!("#{name}"), op, Vec::new())
    }

    fn group_key(&mut self, table: usize) -> Result<usize> {
        self.compile_rows(table)?;
        let Some(Source::Group(facts)) = &self.tables[table].source else {
            return Err(Error::internal("a group without a source"));
        };
        let [first, rest @ ..] = facts.as_slice() else { return Err(Error::internal("a group of nothing")) };
        let by = first.by.ok_or_else(|| Error::internal("a group without a key"))?;
        let ty = self.type_of(first.hand.table, by).0;
        let ty = if rest.is_empty() { ty } else { types::logical(&ty).clone() };
        self.made(table, "#group_key", Op::GroupKey, ty, false)
    }

    pub(super) fn has_column(&self, table: usize, name: &str) -> bool {
        self.tables[table].decls.contains_key(name)
    }

    pub(super) fn param(&self, name: &str) -> Result<ArrayRef> {
        self.params.get(name).map(|(_, value)| Arc::clone(value)).ok_or_else(|| {
            Error::profile("", format!("unknown parameter `{name}`"))
                .maybe_hint(did_you_mean(name, self.params.keys().map(String::as_str)))
        })
    }

    pub(super) fn type_of(&self, table: usize, column: usize) -> (DataType, bool) {
        match self.tables[table].columns.get_index(column) {
            Some((_, State::Done(column))) => (column.ty.clone(), column.nullable),
            _ => (DataType::Null, true),
        }
    }

    pub(super) fn name(&self, table: usize) -> &'a str {
        self.tables[table].name
    }

    pub(super) fn children(&self, table: usize) -> Vec<usize> {
        (0..self.tables.len()).filter(|child| self.tables[*child].parent == Some(table)).collect()
    }

    pub(super) fn depth(&self, table: usize) -> usize {
        self.tables[table].parent.map_or(0, |parent| 1 + self.depth(parent))
    }

    pub(super) fn root_rows(&self, table: usize) -> Option<u64> {
        self.tables[table].parent.is_none().then_some(self.tables[table].rows)
    }

    pub(super) fn key(&self, table: usize, column: &str) -> u64 {
        self.seed.column_key(self.tables[table].name, column)
    }
}
