//! What a sink is told of a table: types, keys, personal data.

use arrow_schema::{Field, Schema};

use super::{Compiler, State};
use crate::plan::{Column, Input, Op, Step, sql};
use crate::sink;

impl<'a> Compiler<'a> {
    pub(super) fn schema(&self, table: usize) -> Schema {
        let says = self.tables[table].says;
        let mut fields = Vec::new();
        for ((name, state), column) in self.tables[table].columns.iter().zip(says.columns.values()) {
            let State::Done(made) = state else { continue };
            if !made.visible {
                continue;
            }
            let mut metadata = std::collections::BTreeMap::new();
            let mut note = |key: &str, value: &str| metadata.insert(key.to_owned(), value.to_owned());
            if column.rest.key {
                note(sink::KEY, "primary");
            }
            if let Some(pii) = &column.rest.pii {
                note(sink::PII, pii);
            }
            if !column.rest.about.is_empty() {
                note(sink::ABOUT, &column.rest.about);
            }
            if let Some((to, key)) = self.foreign_key(table, made) {
                note(sink::REFERENCES, &format!("{to}.{key}"));
            }
            let nullable = made.nullable && !column.rest.key;
            fields.push(Field::new(name, made.ty.clone(), nullable).with_metadata(metadata));
        }
        Schema::new(fields)
    }

    /// The table and column whose key a column repeats.
    pub(super) fn foreign_key(&self, table: usize, column: &Column) -> Option<(&'a str, &'a str)> {
        let Op::Expr(sql::Expr { node: sql::Node::Input(index), .. }) = &column.op else { return None };
        let Input { steps, column } = &column.inputs[*index];
        let mut at = table;
        for step in steps {
            at = match step {
                Step::Parent => self.tables[at].parent?,
                Step::Ref(reference) => self.tables[at].refs[*reference].as_ref()?.table,
            };
        }
        let (name, says) = self.tables[at].says.columns.get_index(*column)?;
        (!steps.is_empty() && says.rest.key && !says.rest.hidden).then_some((self.tables[at].name, name.as_str()))
    }
}
