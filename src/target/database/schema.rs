//! The tables of a data set as statements: before the rows and after them.

use super::connection::Sql;
use crate::dataset::{DataSet, Output};
use crate::folder::table_file;
use crate::format::write::ddl::{TableSql, table_sql};

/// The statements for some tables of a data set, in the order in which they can be created.
pub(super) fn statements(set: &DataSet, made: &[String], sql: &Sql) -> Vec<TableSql> {
    let wanted = |output: &&Output| made.contains(&output.name);
    let tables: Vec<_> =
        set.outputs().iter().filter(wanted).map(|output| table_file(output, Vec::new(), sql.name)).collect();
    table_sql(&tables, sql.ddl)
}
