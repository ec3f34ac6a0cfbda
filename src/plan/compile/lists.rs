//! Row lists: which entries give a row, and what they say in it.

use arrow_array::ArrayRef;
use arrow_schema::DataType;

use super::{Compiler, State};
use crate::error::{Error, Result, did_you_mean};
use crate::plan::{Entries, Hand, List, Listed, Op};
use crate::profile;
use crate::sql::types;

impl Compiler<'_> {
    /// Compiles which rows a list gives under a parent row.
    pub(super) fn list(&mut self, parent: usize, child: usize, decl: &profile::Table, path: &str) -> Result<List> {
        let reserved = self.reserve(parent, &format!("#list {}", self.tables[child].name))?;
        let when = match &decl.when {
            Some(when) => {
                Some(self.condition_column(parent, &when.0).map_err(|error| error.within(&format!("{path}.when")))?)
            }
            None => None,
        };
        let mut entries: Vec<Entries> = Vec::new();
        let mut before: Option<&Option<String>> = None;
        for (n, row) in decl.row.iter().enumerate() {
            let path = format!("{path}.row.{}", n + 1);
            let hand = self.entry_hand(parent, child, row, &path)?;
            let condition = match &row.when {
                None => None,
                Some(when) => {
                    let at = format!("{path}.when");
                    let table = hand.map_or(parent, |hand| hand.table);
                    Some(
                        self.with_hand(row, |c| c.condition_column(table, &when.0))
                            .map_err(|error| error.within(&at))?,
                    )
                }
            };
            match entries.last_mut().filter(|_| row.each.is_some() && before == Some(&row.each)) {
                Some(last) => last.conditions.push(condition),
                None => entries.push(Entries { hand, conditions: vec![condition] }),
            }
            before = Some(&row.each);
        }
        let more = match &decl.count {
            Some(count) => Some(self.counted(parent, child, count, path)?),
            None => None,
        };
        let made = self.column_of(parent, "#list", Op::Row, Vec::new());
        self.finish_column(parent, reserved, made);
        Ok(List { when, entries, more })
    }

    /// The rows for each of which an entry is given; `None` where it is given once.
    fn entry_hand(&mut self, parent: usize, child: usize, row: &profile::Row, path: &str) -> Result<Option<Hand>> {
        let Some(each) = &row.each else { return Ok(None) };
        let path = format!("{path}.each");
        let hand = self.hand_named(parent, child, each, &path)?;
        self.compile_hand(hand).map_err(|error| error.within(&path))?;
        Ok(Some(hand))
    }

    /// Compiles in the table of an entry, with the name of its hand in sight.
    fn with_hand<T>(&mut self, row: &profile::Row, compile: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        match &row.each {
            Some(each) => self.with_alias(each, compile),
            None => compile(self),
        }
    }

    fn condition_column(&mut self, table: usize, text: &str) -> Result<usize> {
        let mut inputs = Vec::new();
        self.condition(table, text, &mut inputs)?;
        inputs.first().map(|input| input.column).ok_or_else(|| Error::internal("a condition without a column"))
    }

    /// The column of a child table that has a value of its list's entries.
    pub(super) fn listed(&mut self, table: usize, name: &str) -> Result<usize> {
        let hidden = format!("#row.{name}");
        if let Some((column, _, State::Done(_))) = self.tables[table].columns.get_full(&hidden) {
            return Ok(column);
        }
        let decl = self.tables[table].decl;
        if !decl.row.iter().any(|row| row.values.contains_key(name)) {
            let known = decl.row.iter().flat_map(|row| row.values.keys()).map(String::as_str);
            return Err(Error::profile("", format!("no entry of the row list gives `{name}`"))
                .maybe_hint(did_you_mean(name, known)));
        }
        let parent = self.tables[table].parent.ok_or_else(|| Error::internal("a row list without a parent"))?;
        let reserved = self.reserve(table, &hidden)?;
        let path = format!("tables.{}.row", self.tables[table].name);
        let (mut values, mut ty, mut nullable) = (Vec::new(), DataType::Null, decl.count.is_some());
        for (n, row) in decl.row.iter().enumerate() {
            let Some(value) = row.values.get(name) else {
                nullable = true;
                values.push(Listed::Null);
                continue;
            };
            let at = format!("{path}.{}", n + 1);
            let hand = self.entry_hand(parent, table, row, &at)?;
            let source = hand.map_or(parent, |hand| hand.table);
            let at = format!("{at}.{name}");
            let (listed, own, null) =
                self.with_hand(row, |c| c.listed_value(source, &value.0)).map_err(|error| error.within(&at))?;
            ty = types::common(&ty, &own).ok_or_else(|| {
                let (before, own) = (types::name(&ty), types::name(&own));
                Error::profile(at, format!("type mismatch: `{name}` is {own} here, {before} in the entries before"))
            })?;
            nullable |= null;
            values.push(listed);
        }
        if ty == DataType::Null {
            return Err(Error::profile(path, format!("`{name}` is null in every entry and has no type"))
                .hint("give it one: CAST(NULL AS text)"));
        }
        let column = self.column_of(table, &hidden, Op::Listed(values), Vec::new());
        self.finish_column(table, reserved, crate::plan::Column { ty, nullable, ..column });
        Ok(reserved)
    }

    /// An entry's value: a constant, or a column of the table that the entry looks at; its type; whether it may be null.
    fn listed_value(&mut self, table: usize, text: &str) -> Result<(Listed, DataType, bool)> {
        let (expr, _) = self.expression(table, text)?;
        if let Some(constant) = expr.constant() {
            let array: ArrayRef = std::sync::Arc::clone(constant);
            let null = arrow_array::Array::is_null(&array, 0) || expr.ty == DataType::Null;
            return Ok((Listed::Constant(array), types::logical(&expr.ty).clone(), null));
        }
        let column = self.argument(table, text)?;
        let (ty, nullable) = self.type_of(table, column);
        Ok((Listed::Column(table, column), types::logical(&ty).clone(), nullable))
    }

    /// Compiles the values that no column reads, so that a mistake in them is found too.
    pub(super) fn listed_values(&mut self, table: usize) -> Result<()> {
        let names = self.tables[table].decl.row.iter().flat_map(|row| row.values.keys());
        let names: Vec<&String> = names.collect();
        names.into_iter().try_for_each(|name| self.listed(table, name).map(|_| ()))
    }
}
