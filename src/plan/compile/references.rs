//! References: rows of other tables and of the same one.

use super::{CallScope, Compiler, unknown_table};
use crate::error::{Error, Result};
use crate::generator::Operand;
use crate::plan::references::Pick;
use crate::plan::{Column, Op, Reference};
use crate::profile;

impl Compiler<'_> {
    pub(super) fn reference(&mut self, table: usize, reference: usize) -> Result<(usize, bool)> {
        let says = self.tables[table].says;
        let (name, to) =
            says.refs.get_index(reference).ok_or_else(|| Error::internal("a reference without a declaration"))?;
        let path = format!("tables.{}.refs.{name}", self.tables[table].name);
        if to.file.is_some() {
            return self
                .picked_record(table, name, to, &path)
                .map(|_| (table, true))
                .map_err(|error| error.within(&path));
        }
        self.picked_row(table, reference, name, to, &path).map_err(|error| error.within(&path))
    }

    pub(super) fn picked_row(
        &mut self,
        table: usize,
        reference: usize,
        name: &str,
        to: &profile::Ref,
        path: &str,
    ) -> Result<(usize, bool)> {
        use profile::Pick as Says;
        let hidden = format!("#ref {name}");
        if let Some(known) = &self.tables[table].refs[reference] {
            let nullable = self.type_of(table, known.pick).1;
            return Ok((known.table, nullable));
        }
        let column = self.reserve(table, &hidden)?;
        let picks = to.pick.unwrap_or(if to.at.is_some() { Says::Row } else { Says::Random });
        let among_siblings = matches!(picks, Says::Previous | Says::EarlierSibling | Says::Sibling | Says::Earlier);
        let target = match &to.table {
            Some(target) => self
                .tables
                .iter()
                .position(|t| t.name == target)
                .ok_or_else(|| unknown_table(&format!("{path}.table"), target, &self.loaded.profile))?,
            None if among_siblings => table,
            None => return Err(Error::profile("", "a reference needs `table` or `file`")),
        };
        if matches!(picks, Says::InOrder | Says::Distinct) || to.weight.is_some() || !to.r#match.is_empty() {
            return Err(Error::profile(
                "",
                "`in_order`, `distinct`, `weight` and `match` belong to references with `file`",
            ));
        }
        let rooted = self.tables[table].parent.is_none();
        if among_siblings && target != table {
            return Err(Error::profile("", "this pick stays within the table itself").hint("leave `table` out"));
        }
        if !among_siblings && self.tables[target].parent.is_some() {
            return Err(Error::profile(
                "",
                format!("`{}` is a child table: a reference leads to a root table", self.tables[target].name),
            ));
        }
        let needs_root = matches!(picks, Says::SameRow | Says::Earlier);
        if (needs_root && !rooted) || (among_siblings && picks != Says::Earlier && rooted) {
            return Err(Error::profile(
                "",
                if rooted { "a root table has no siblings" } else { "this pick is for root tables" },
            ));
        }
        let rows = self.tables[target].rows;
        if rows == 0 && !among_siblings && picks != Says::SameRow {
            return Err(Error::profile("", format!("`{}` has no rows to refer to", self.tables[target].name)));
        }
        let mut scope =
            CallScope { compiler: self, table, column: hidden.clone(), path: path.to_owned(), inputs: Vec::new() };
        let missing = || Error::profile(format!("{path}.at"), "this pick needs `at`, an expression");
        let pick = match picks {
            Says::SameRow => Pick::SameRow,
            Says::Row => Pick::Row { at: Operand::plan(&mut scope, "at", to.at.as_ref().ok_or_else(missing)?)?, rows },
            Says::Earlier => Pick::Earlier,
            Says::Previous => Pick::Previous,
            Says::EarlierSibling => Pick::EarlierSibling,
            Says::Sibling => Pick::Sibling(Operand::plan(&mut scope, "at", to.at.as_ref().ok_or_else(missing)?)?),
            _ => Pick::Random {
                rows,
                skew: to.skew.as_ref().map(|skew| Operand::plan(&mut scope, "skew", skew)).transpose()?,
            },
        };
        let mut inputs = scope.inputs;
        let (sibling, mut nullable) = (pick.is_sibling(), pick.nullable());
        let when = to.when.as_ref().map(|when| self.condition(table, &when.0, &mut inputs)).transpose()?;
        nullable |= when.is_some();
        let made = Column { when, nullable, ..self.column_of(table, &hidden, Op::Pick(pick), inputs) };
        self.fulfil(table, column, made);
        self.tables[table].refs[reference] =
            Some(Reference { name: name.to_owned(), table: target, pick: column, sibling });
        Ok((target, nullable))
    }
}
