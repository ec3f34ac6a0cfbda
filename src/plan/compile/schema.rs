//! The written schema of a table: types, keys, foreign keys.

use arrow_schema::{DataType, Field, Schema};

use super::{Compiler, State};
use crate::error::{Error, Result};
use crate::notes::{Key, Noted};
use crate::plan::{Column, Input, Op, Source, Step};
use crate::sql;
use crate::sql::types;

impl<'a> Compiler<'a> {
    pub(super) fn schema(&self, table: usize) -> Schema {
        let decl = self.tables[table].decl;
        let mut fields = Vec::new();
        for ((name, state), column) in self.tables[table].columns.iter().zip(decl.columns.values()) {
            let State::Done(made) = state else { continue };
            if !made.visible {
                continue;
            }
            let nullable = made.nullable && !column.rest.key;
            let mut field = Field::new(name, made.ty.clone(), nullable);
            if column.rest.key {
                field = field.with_primary_key();
            }
            let whole_key = column.rest.key && self.key_columns(self.tables[table].name) == 1;
            if !whole_key && (column.rest.unique || self.never_repeats(table, made)) {
                field = field.with_unique(true);
            }
            if !column.rest.about.is_empty() {
                field = field.with_note(Key::About, &column.rest.about);
            }
            if let Op::Template(template) = &made.op {
                field = field.with_note(Key::Extension, template.syntax.extension);
            }
            if let Some(decl) = &column.rest.references {
                field = field.with_note(Key::References, decl);
                if decl.split_once('.').is_some_and(|(to, _)| self.key_columns(to) > 1) {
                    field = field.with_note(Key::Via, decl.split('.').next().unwrap_or_default());
                }
            } else if let Some((to, key, steps)) = self.foreign_key(table, made) {
                field = field.with_note(Key::References, &format!("{to}.{key}"));
                if self.key_columns(to) > 1 {
                    field = field.with_note(Key::Via, &self.way(table, &steps));
                }
            }
            fields.push(field);
        }
        Schema::new(fields)
    }

    /// Checks that declared foreign keys lead to keys of the same type.
    ///
    /// # Errors
    ///
    /// If `references` does not name a written key, or one of another type.
    pub(super) fn declared_keys(&self, table: usize) -> Result<()> {
        for (name, column) in &self.tables[table].decl.columns {
            let Some(decl) = &column.rest.references else { continue };
            let path = format!("tables.{}.columns.{name}.references", self.tables[table].name);
            let known = decl.split_once('.').and_then(|(to, key)| {
                let to = self.tables.iter().position(|table| table.name == to)?;
                self.tables[to].decl.columns.get(key).filter(|key| key.rest.key)?;
                Some((to, self.tables[to].columns.get_index_of(key)?))
            });
            let Some((to, key)) = known else {
                return Err(Error::profile(path, format!("`{decl}` is not a key of a table"))
                    .hint("references = \"TABLE.COLUMN\", the column with key = true"));
            };
            let own = self.tables[table].columns.get_index_of(name).map(|own| self.type_of(table, own).0);
            let (own, theirs) = (own.unwrap_or(DataType::Null), self.type_of(to, key).0);
            if types::logical(&own) != types::logical(&theirs) {
                let message =
                    format!("type mismatch: `{name}` is {}, `{decl}` is {}", types::name(&own), types::name(&theirs));
                return Err(Error::profile(path, message));
            }
        }
        Ok(())
    }

    /// Counts the columns of a table's key.
    fn key_columns(&self, table: &str) -> usize {
        let table = self.tables.iter().find(|known| known.name == table);
        table.map_or(0, |table| table.decl.columns.values().filter(|column| column.rest.key).count())
    }

    /// Names the row that steps lead to, such as `visit` or `after.site`.
    fn way(&self, table: usize, steps: &[Step]) -> String {
        let (mut at, mut names) = (table, Vec::new());
        for step in steps {
            match step {
                Step::Parent => at = self.tables[at].parent.unwrap_or(at),
                Step::Fact(_) => {}
                Step::Ref(reference) => {
                    let known = self.tables[at].refs[*reference].as_ref();
                    names.push(known.map_or("", |reference| reference.name.as_str()));
                    at = known.map_or(at, |reference| reference.table);
                    continue;
                }
            }
            names.push(self.tables[at].name);
        }
        names.join(".")
    }

    /// Finds the table and column whose key a column repeats, and the steps there; `None` for other columns.
    pub(super) fn foreign_key(&self, table: usize, column: &Column) -> Option<(&'a str, &'a str, Vec<Step>)> {
        let Op::Expr(sql::Expr { node: sql::Node::Input(index), .. }) = &column.op else { return None };
        let Input { steps, column } = &column.inputs[*index];
        let mut at = table;
        for step in steps {
            at = match step {
                Step::Parent => self.tables[at].parent?,
                Step::Fact(part) => match self.tables[at].source.as_ref()? {
                    Source::Each(facts) => facts.get(*part)?.hand.table,
                    _ => return None,
                },
                Step::Ref(reference) => self.tables[at].refs[*reference].as_ref()?.table,
            };
        }
        let (name, decl) = self.tables[at].decl.columns.get_index(*column)?;
        (!steps.is_empty() && decl.rest.key).then(|| (self.tables[at].name, name.as_str(), steps.clone()))
    }
}
