//! `CREATE TABLE`: columns with their options, and the constraints of the table.

use sqlparser::ast::{
    ColumnDef, ColumnOption, CreateTable, CreateTableOptions, Expr, ForeignKeyConstraint, Ident, IndexColumn,
    PartitionBoundValue, SqlOption, TableConstraint,
};

use super::Reader;
use crate::catalog::{Check, Column, Filled, ForeignKey, Table, Type};
use crate::error::{Error, Result};

impl Reader<'_> {
    pub(super) fn create_table(&mut self, start: usize, text: &str, create: &CreateTable) -> Result<()> {
        let (schema, name) = self.schema_and_table(&create.name);
        if let Some(parent) = &create.partition_of {
            if let Some(bounds) = &create.for_values {
                self.bound(parent, bounds);
            }
            return Ok(());
        }
        let known = |table: &Table| table.schema == schema && table.name == name;
        if self.catalog.tables.iter().any(known) {
            if create.if_not_exists {
                return Ok(());
            }
            return Err(self
                .source
                .error(start, text.len(), format!("the table `{}` is there twice", name.escape_debug()))
                .hint("leave one of the two statements out"));
        }
        let mut table = Table { schema, name, ..Table::default() };
        if create.columns.is_empty() {
            let why = if create.query.is_some() { "made of a query" } else { "made without columns of its own" };
            self.catalog.notes.push(format!("the table `{}` is left out: it is {why}", table.full_name()));
            return Ok(());
        }
        if create.inherits.is_some() {
            table.notes.push("inherits columns of other tables, which are not here".to_owned());
        }
        table.about = comment_of(create);
        for column in &create.columns {
            self.column(&mut table, column);
        }
        for constraint in &create.constraints {
            self.constraint(&mut table, constraint).map_err(|message| self.wrong(start, text, &message))?;
        }
        if let Some(partition) = &create.partition_by {
            table.notes.push(format!("PARTITION BY {partition}"));
        }
        self.catalog.tables.push(table);
        Ok(())
    }

    pub(super) fn wrong(&self, start: usize, text: &str, message: &str) -> Error {
        let blank = text.len() - text.trim_start().len();
        let length = text.trim_start().lines().next().map_or(0, str::len);
        self.source
            .error(start + blank, length, message.to_owned())
            .hint("each name must be that of a column of the table")
    }

    pub(super) fn column(&self, table: &mut Table, def: &ColumnDef) {
        let written = match &def.data_type {
            sqlparser::ast::DataType::Unspecified => String::new(),
            ty => ty.to_string(),
        };
        let name = self.named(&def.name);
        let (not_null, checks) = self.conditions_of(&written, &name);
        table.checks.extend(checks);
        let small = written.to_ascii_lowercase();
        let filled = if small.contains("serial") { Filled::ByCounting } else { Filled::ByRow };
        let ty = Type::parse(&written, &self.types);
        let at = table.columns.len();
        let mut column = Column {
            name,
            ty,
            nullable: !not_null && filled == Filled::ByRow,
            written,
            default: None,
            filled,
            about: String::new(),
        };
        // SQL Server and MySQL fill such a column by themselves.
        if matches!(small.as_str(), "timestamp" | "rowversion") && self.dialect == super::Dialect::SqlServer {
            column.filled = Filled::ByDatabase;
        }
        for option in &def.options {
            match &option.option {
                ColumnOption::NotNull => column.nullable = false,
                ColumnOption::Default(value) => {
                    column.default = Some(value.to_string());
                    if value.to_string().to_ascii_lowercase().starts_with("nextval(") {
                        column.filled = Filled::ByCounting;
                    }
                }
                ColumnOption::PrimaryKey(_) => {
                    column.nullable = false;
                    table.primary_key = vec![at];
                }
                ColumnOption::Unique(_) => table.unique.push(vec![at]),
                ColumnOption::ForeignKey(key) => table.foreign_keys.push(self.foreign_key(vec![at], key)),
                ColumnOption::Check(check) => table.checks.push(Check {
                    name: option.name.as_ref().or(check.name.as_ref()).map(|name| name.value.clone()),
                    condition: (*check.expr).clone(),
                }),
                ColumnOption::Comment(text) => text.clone_into(&mut column.about),
                ColumnOption::Generated { generation_expr, .. } => {
                    column.filled = if generation_expr.is_some() { Filled::ByDatabase } else { Filled::ByCounting };
                    column.nullable &= generation_expr.is_some();
                }
                ColumnOption::Materialized(_) | ColumnOption::Alias(_) => column.filled = Filled::ByDatabase,
                ColumnOption::Identity(_) => {
                    column.filled = Filled::ByCounting;
                    column.nullable = false;
                }
                ColumnOption::DialectSpecific(tokens) => {
                    let counts =
                        tokens.iter().any(|token| token.to_string().to_ascii_uppercase().contains("INCREMENT"));
                    if counts {
                        column.filled = Filled::ByCounting;
                    }
                }
                _ => {}
            }
        }
        table.columns.push(column);
        json(table);
    }

    /// Adds a constraint; the error is in words.
    pub(super) fn constraint(&self, table: &mut Table, constraint: &TableConstraint) -> Result<(), String> {
        match constraint {
            TableConstraint::PrimaryKey(key) => {
                let columns = self.indexed(table, &key.columns).ok_or("the primary key names an unknown column")?;
                for column in &columns {
                    table.columns[*column].nullable = false;
                }
                table.primary_key = columns;
            }
            TableConstraint::Unique(key) => match self.indexed(table, &key.columns) {
                Some(columns) => table.unique.push(columns),
                None => return Err(format!("a unique key names an unknown column: {key}")),
            },
            TableConstraint::ForeignKey(key) => {
                let columns = key.columns.iter().map(|column| table.column(&self.named(column)));
                let columns: Option<Vec<usize>> = columns.collect();
                let columns = columns.ok_or_else(|| format!("a foreign key names an unknown column: {key}"))?;
                if !key.referred_columns.is_empty() && key.referred_columns.len() != columns.len() {
                    return Err(format!("a foreign key has more columns on one side: {key}"));
                }
                table.foreign_keys.push(self.foreign_key(columns, key));
            }
            TableConstraint::Check(check) if check.enforced != Some(false) => table.checks.push(Check {
                name: check.name.as_ref().map(|name| name.value.clone()),
                condition: (*check.expr).clone(),
            }),
            TableConstraint::Exclude(constraint) => table.notes.push(format!("not held: {constraint}")),
            _ => {}
        }
        Ok(())
    }

    fn foreign_key(&self, columns: Vec<usize>, key: &ForeignKeyConstraint) -> ForeignKey {
        let (schema, table) = self.schema_and_table(&key.foreign_table);
        let named = |column: &Ident| self.named(column);
        ForeignKey { columns, schema, table, keys: key.referred_columns.iter().map(named).collect() }
    }

    /// The columns of a key; an expression such as `lower(email)` counts as its first column.
    pub(super) fn indexed(&self, table: &Table, columns: &[IndexColumn]) -> Option<Vec<usize>> {
        let column = |column: &IndexColumn| self.first_column(table, &column.column.expr);
        columns.iter().map(column).collect()
    }

    fn first_column(&self, table: &Table, expr: &Expr) -> Option<usize> {
        match expr {
            Expr::Identifier(ident) => table.column(&self.named(ident)),
            Expr::Nested(inner) | Expr::Cast { expr: inner, .. } | Expr::Collate { expr: inner, .. } => {
                self.first_column(table, inner)
            }
            Expr::Function(function) => {
                // `lower(email)`, and `name(10)`, the first ten letters in MySQL.
                let argument = match &function.args {
                    sqlparser::ast::FunctionArguments::List(list) => list.args.iter().find_map(|arg| match arg {
                        sqlparser::ast::FunctionArg::Unnamed(sqlparser::ast::FunctionArgExpr::Expr(inner)) => {
                            self.first_column(table, inner)
                        }
                        _ => None,
                    }),
                    _ => None,
                };
                argument.or_else(|| table.column(&function.name.to_string()))
            }
            _ => None,
        }
    }

    /// Turns the bounds of a partition into words on its table; they are read by [`Reader::partitions`].
    pub(super) fn bound(&mut self, parent: &sqlparser::ast::ObjectName, bounds: &sqlparser::ast::ForValues) {
        let text = |value: &PartitionBoundValue| match value {
            PartitionBoundValue::Expr(expr) => Some(Box::new(expr.clone())),
            _ => None,
        };
        let Some(table) = self.table_named(parent) else { return };
        let Some(column) = partition_column(table) else { return };
        let found = match bounds {
            sqlparser::ast::ForValues::In(values) => super::alter::Bounds::In(values.clone()),
            sqlparser::ast::ForValues::From { from, to } => {
                super::alter::Bounds::Between(from.first().and_then(text), to.first().and_then(text))
            }
            sqlparser::ast::ForValues::Default => super::alter::Bounds::Any,
            sqlparser::ast::ForValues::With { .. } => return,
        };
        found.widen(table, &column);
    }
}

/// `MariaDB` writes a JSON column as a text with a check.
fn json(table: &mut Table) {
    let own = |check: &Check| check.condition.to_string().to_ascii_lowercase().starts_with("json_valid(");
    let of: Vec<usize> = table
        .checks
        .iter()
        .filter(|check| own(check))
        .flat_map(|check| crate::catalog::checks::columns(&check.condition, table))
        .collect();
    table.checks.retain(|check| !own(check));
    for column in of {
        table.columns[column].ty = Type::Json;
    }
}

/// The column by which a table is partitioned.
fn partition_column(table: &Table) -> Option<String> {
    let note = table.notes.iter().find_map(|note| note.strip_prefix("PARTITION BY "))?;
    let inside = note.split('(').nth(1)?.split([')', ',']).next()?;
    let at = table.column(inside.trim().trim_matches('"'))?;
    Some(table.columns[at].name.clone())
}

fn comment_of(create: &CreateTable) -> String {
    let options = match &create.table_options {
        CreateTableOptions::Plain(options) | CreateTableOptions::With(options) => options.as_slice(),
        _ => &[],
    };
    let comment = options.iter().find_map(|option| match option {
        SqlOption::Comment(comment) => Some(comment.to_string()),
        SqlOption::KeyValue { key, value } if key.to_string().eq_ignore_ascii_case("comment") => {
            Some(value.to_string())
        }
        _ => None,
    });
    comment.unwrap_or_default().trim_start_matches(['=', ' ']).trim_matches('\'').replace("''", "'")
}
