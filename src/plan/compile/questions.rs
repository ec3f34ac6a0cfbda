//! Compilation of questions: hidden columns beside those that the profile declares.

use super::{Compiler, unknown_table};
use crate::error::{Error, Result};
use crate::plan::{Asked, Question};

impl Compiler<'_> {
    /// Compiles a question to a column of its table.
    pub(super) fn question(&mut self, question: &Question) -> Result<Asked> {
        let Question { path, table: name, sql, condition } = question;
        let table = self.tables.iter().position(|table| table.name == name);
        let table = table.ok_or_else(|| unknown_table(&beside(path), name, &self.loaded.profile))?;
        let mut inputs = Vec::new();
        let column = match condition {
            true => self.condition(table, sql, &mut inputs).map(|_| inputs.first().map(|input| input.column)),
            false => self.argument(table, sql).map(Some),
        };
        let column = column.map_err(|error| error.within(path))?;
        let column = column.ok_or_else(|| Error::internal("a question without a column"))?;
        Ok(Asked { table, column })
    }
}

/// The path of the key `table` beside another key.
fn beside(path: &str) -> String {
    path.rsplit_once('.').map_or_else(|| path.to_owned(), |(above, _)| format!("{above}.table"))
}
