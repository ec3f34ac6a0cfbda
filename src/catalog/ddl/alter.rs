//! `ALTER TABLE`, `CREATE UNIQUE INDEX`, and the bounds of partitions.

use sqlparser::ast::{
    AlterColumnOperation, AlterTable, AlterTableOperation, BinaryOperator, CreateIndex, Expr, Ident, InTarget,
};

use super::{Reader, parse};
use crate::catalog::{Check, Filled, Table, Type};
use crate::error::Result;

impl Reader<'_> {
    pub(super) fn alter_table(&mut self, start: usize, change: &AlterTable) -> Result<()> {
        let (schema, name) = self.schema_and_table(&change.name);
        let Some(at) = self.catalog.table(schema.as_deref(), &name) else { return Ok(()) };
        let mut table = std::mem::take(&mut self.catalog.tables[at]);
        let done = change.operations.iter().try_for_each(|operation| self.operation(&mut table, operation));
        self.catalog.tables[at] = table;
        done.map_err(|message| self.wrong(start, &self.source.text[start..], &message))
    }

    fn operation(&self, table: &mut Table, operation: &AlterTableOperation) -> Result<(), String> {
        match operation {
            AlterTableOperation::AddConstraint { constraint, .. } => return self.constraint(table, constraint),
            AlterTableOperation::AddColumn { column_def, .. } => self.column(table, column_def),
            AlterTableOperation::AlterColumn { column_name, op } => {
                let Some(at) = table.column(&self.named(column_name)) else { return Ok(()) };
                let column = &mut table.columns[at];
                match op {
                    AlterColumnOperation::SetNotNull => column.nullable = false,
                    AlterColumnOperation::DropNotNull => column.nullable = true,
                    AlterColumnOperation::AddGenerated { .. } => column.filled = Filled::ByCounting,
                    AlterColumnOperation::SetDefault { value } => column.default = Some(value.to_string()),
                    AlterColumnOperation::SetDataType { data_type, .. } => {
                        column.written = data_type.to_string();
                        column.ty = Type::parse(&column.written, &self.types);
                    }
                    _ => {}
                }
            }
            AlterTableOperation::DropColumn { .. }
            | AlterTableOperation::RenameColumn { .. }
            | AlterTableOperation::ChangeColumn { .. }
            | AlterTableOperation::ModifyColumn { .. }
            | AlterTableOperation::RenameTable { .. }
            | AlterTableOperation::DropConstraint { .. } => {
                table.notes.push(format!("a later change is not followed: ALTER TABLE … {operation}"));
            }
            _ => {}
        }
        Ok(())
    }

    /// A unique index is a unique key. One with a condition is taken as if it held for all rows, which is more than it asks.
    pub(super) fn unique_index(&mut self, index: &CreateIndex) {
        let (schema, name) = self.schema_and_table(&index.table_name);
        let Some(at) = self.catalog.table(schema.as_deref(), &name) else { return };
        match self.indexed(&self.catalog.tables[at], &index.columns) {
            Some(columns) => self.catalog.tables[at].unique.push(columns),
            None => self.catalog.tables[at].notes.push(format!("not held: {index}")),
        }
    }

    /// Follows `ALTER TABLE parent ATTACH PARTITION part FOR VALUES …`; `false` for other statements.
    pub(super) fn attached(&mut self, text: &str) -> bool {
        let words: Vec<&str> = text.split_whitespace().collect();
        let find = |word: &str| words.iter().position(|other| other.eq_ignore_ascii_case(word));
        let (Some(attach), Some(table)) = (find("attach"), find("table")) else { return false };
        let partition = words.get(attach + 1).is_some_and(|word| word.eq_ignore_ascii_case("partition"));
        if !partition || table > attach {
            return false;
        }
        let parent = words[table + 1..attach].last().copied().unwrap_or_default();
        let part = words.get(attach + 2).copied().unwrap_or_default();
        let bounds = words.get(attach + 3..).unwrap_or_default().join(" ");
        // The partition is a table of its own in the file: as a part of another one it has no rows of its own.
        let rewritten = format!("CREATE TABLE {part} PARTITION OF {parent} {bounds}");
        let parsed = parse::statement(&self.source, 0, &rewritten, self.dialect);
        if let Ok(sqlparser::ast::Statement::CreateTable(create)) = parsed {
            let (schema, name) = self.schema_and_table(&create.name);
            if let Some(at) = self.catalog.table(schema.as_deref(), &name) {
                self.catalog.tables.remove(at);
            }
            if let (Some(parent), Some(bounds)) = (&create.partition_of, &create.for_values) {
                self.bound(parent, bounds);
            }
        }
        true
    }
}

/// The values that a partition takes.
pub(super) enum Bounds {
    In(Vec<Expr>),
    /// From the first to before the second; none is no bound.
    Between(Option<Box<Expr>>, Option<Box<Expr>>),
    Any,
}

/// The name of the check that stands for the partitions of a table.
const PARTITIONS: &str = "partitions";

impl Bounds {
    /// Adds the values of a partition to those that a table takes.
    pub(super) fn widen(self, table: &mut Table, column: &str) {
        let own = |check: &Check| check.name.as_deref() == Some(PARTITIONS);
        let known = table.checks.iter().position(own).map(|at| table.checks.remove(at).condition);
        let name = || Box::new(Expr::Identifier(Ident::with_quote('"', column)));
        let compare = |op: BinaryOperator, value: Expr| Expr::BinaryOp { left: name(), op, right: Box::new(value) };
        let condition = match (self, known) {
            (Bounds::In(mut values), known) => {
                if let Some(Expr::In { target: InTarget::List(list), .. }) = known {
                    values.extend(list);
                }
                Expr::In { expr: name(), target: InTarget::List(values), negated: false, global: false }
            }
            (Bounds::Between(Some(from), Some(to)), known) => {
                let (mut low, mut high) = (*from, *to);
                if let Some(Expr::BinaryOp { left, right, .. }) = known
                    && let (Expr::BinaryOp { right: first, .. }, Expr::BinaryOp { right: last, .. }) = (*left, *right)
                {
                    // Bounds of one type are written alike, so that their texts have their order.
                    if first.to_string() < low.to_string() {
                        low = *first;
                    }
                    if last.to_string() > high.to_string() {
                        high = *last;
                    }
                }
                let (left, right) = (compare(BinaryOperator::GtEq, low), compare(BinaryOperator::Lt, high));
                Expr::BinaryOp { left: Box::new(left), op: BinaryOperator::And, right: Box::new(right) }
            }
            // A default partition takes all values, and an open one is not told apart from it.
            _ => return,
        };
        table.checks.push(Check { name: Some(PARTITIONS.to_owned()), condition });
    }
}
