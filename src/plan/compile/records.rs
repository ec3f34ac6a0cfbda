//! References to data files, and the files themselves.

use std::sync::Arc;

use arrow_array::Array;

use super::columns::RATE;
use super::{CallScope, Compiler, State};
use crate::error::{Error, Result};
use crate::generator::data::Data;
use crate::generator::record::{Order, Picker};
use crate::plan::{Column, Input, Op};
use crate::profile;

impl Compiler<'_> {
    pub(super) fn picked_record(&mut self, table: usize, name: &str, to: &profile::Ref, path: &str) -> Result<usize> {
        let hidden = format!("#ref {name}");
        if let Some((column, _, State::Done(_))) = self.tables[table].columns.get_full(&hidden) {
            return Ok(column);
        }
        let column = self.reserve(table, &hidden)?;
        let order = match to.pick {
            None | Some(profile::Pick::Random) => Order::Random,
            Some(profile::Pick::InOrder) => Order::InOrder,
            Some(profile::Pick::Distinct) => Order::Distinct,
            Some(_) => {
                return Err(Error::profile(
                    format!("{path}.pick"),
                    "a record of a file is picked `random`, `in_order` or `distinct`",
                ));
            }
        };
        let misplaced = [
            ("table", to.table.is_some()),
            ("skew", to.skew.is_some()),
            ("at", to.at.is_some()),
            ("deal", to.deal.is_some()),
            ("within", to.within.is_some()),
            ("where", to.r#where.is_some()),
            ("differs", !to.differs.is_empty()),
        ];
        if let Some((key, _)) = misplaced.iter().find(|(_, given)| *given) {
            return Err(Error::profile(format!("{path}.{key}"), format!("`{key}` does not go with `file`")));
        }
        let data = self
            .data_file(table, to.file.as_deref().unwrap_or_default())
            .map_err(|error| error.within(&format!("{path}.file")))?;
        let mut scope = CallScope {
            compiler: self,
            table,
            column: hidden.clone(),
            path: path.to_owned(),
            inputs: Vec::new(),
            when: None,
        };
        let picker = Picker::plan(&mut scope, data, to.weight.as_deref(), &to.r#match, order)?;
        let picker = match to.fallback {
            Some(profile::Fallback::None) => picker.optional(),
            Some(profile::Fallback::Any) => {
                return Err(Error::profile(
                    format!("{path}.fallback"),
                    "a reference to a file falls back to `none` only",
                ));
            }
            None => picker,
        };
        picker.check_rows(&scope)?;
        let mut inputs = scope.inputs;
        let when = to.when.as_ref().map(|when| self.condition(table, &when.0, &mut inputs)).transpose()?;
        let null = to.null.as_ref().map(|null| self.rate(table, &null.0, &mut inputs)).transpose()?;
        let guard = match null.zip(to.null.as_ref()) {
            Some((rate, null)) => self.guard(table, RATE, &null.0, (rate, &inputs), &format!("{path}.null"))?,
            None => None,
        };
        let mut made = self.column_of(table, &hidden, Op::Generator(Box::new(picker)), inputs);
        made.nullable |= when.is_some() || null.is_some();
        (made.when, made.null) = (when, null);
        made.guards.extend(guard);
        self.finish_column(table, column, made);
        Ok(column)
    }

    /// A column of the record that a file reference picks.
    pub(super) fn projected(&mut self, table: usize, reference: &str, column: &str) -> Result<usize> {
        let name = format!("#{reference}.{column}");
        if let Some(index) = self.tables[table].columns.get_index_of(&name) {
            return Ok(index);
        }
        let decl = &self.tables[table].decl.refs[reference];
        let path = format!("tables.{}.refs.{reference}", self.tables[table].name);
        let pick = self.picked_record(table, reference, decl, &path).map_err(|error| error.within(&path))?;
        let data = self.data_file(table, decl.file.as_deref().unwrap_or_default())?;
        let values = Arc::clone(data.column(column)?);
        let ty = values.data_type().clone();
        let nullable = self.type_of(table, pick).1 || values.null_count() > 0;
        let made = Column {
            ty,
            nullable,
            ..self.column_of(table, &name, Op::Project(values), vec![Input { steps: Vec::new(), column: pick }])
        };
        self.finished(table, &name, made)
    }

    pub(super) fn data_file(&mut self, table: usize, file: &str) -> Result<Arc<Data>> {
        for files in self.loaded.files_of(self.tables[table].name) {
            let name = files.show(&format!("data/{file}"));
            if let Some(data) = self.data.get(&name) {
                return Ok(Arc::clone(data));
            }
            if let Some(bytes) = files.read(&format!("data/{file}"))? {
                let data = Arc::new(Data::parse(&name, &bytes, self.data_room())?);
                self.data.insert(name, Arc::clone(&data));
                return Ok(data);
            }
        }
        Err(Error::profile("", format!("no data file `{file}`"))
            .hint("data files stand in the folder `data` beside the profile"))
    }

    /// Gives the bytes of memory that one more data file may take: half of all memory is for data files.
    fn data_room(&self) -> u64 {
        let taken: usize = self.data.values().map(|data| data.memory()).sum();
        (self.memory.bytes / 2).saturating_sub(taken as u64)
    }
}
