//! How many rows a child table has.

use arrow_schema::DataType;

use super::Compiler;
use crate::error::{Error, Result};
use crate::plan::{Column, Input, Op, sql};

impl Compiler<'_> {
    /// Compiles what says how many rows a child table has.
    pub(super) fn counted(&mut self, child: usize) -> Result<()> {
        if self.tables[child].count.is_some() || self.tables[child].walk.is_some() {
            return Ok(());
        }
        let (says, name) = (self.tables[child].says, self.tables[child].name);
        let Some(parent) = self.tables[child].parent else { return Ok(()) };
        let path = format!("tables.{name}");
        if let Some(lifecycle) = &says.lifecycle {
            let hidden = self.reserve(parent, &format!("#walk {name}"))?;
            let walk = self.walk(parent, child, lifecycle, &path).map_err(|error| error.within(&path))?;
            let made = self.column_of(parent, "#walk", Op::Row, Vec::new());
            self.fulfil(parent, hidden, made);
            self.tables[child].walk = Some(walk);
            return Ok(());
        }
        let hidden = self.reserve(parent, &format!("#count {name}"))?;
        let value = says.count.as_ref().ok_or_else(|| Error::internal("a child table without a count"))?;
        let source =
            self.valued(parent, &format!("#count {name}#"), value, &format!("{path}.count"), &DataType::Int64)?;
        let (ty, nullable) = self.type_of(parent, source);
        let mut inputs = vec![Input { steps: Vec::new(), column: source }];
        let when = says
            .when
            .as_ref()
            .map(|when| self.condition(parent, &when.0, &mut inputs))
            .transpose()
            .map_err(|error| error.within(&format!("{path}.when")))?;
        let expr = sql::Expr::input(0, ty, nullable);
        let made = Column { when, nullable: true, ..self.column_of(parent, "#count", Op::Expr(expr), inputs) };
        self.fulfil(parent, hidden, made);
        self.tables[child].count = Some(hidden);
        Ok(())
    }
}
