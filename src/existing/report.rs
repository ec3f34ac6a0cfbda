//! The report on every column: for a terminal, and as a CSV file beside the data.

use arrow_schema::SchemaRef;

use super::rules::DROP;
use super::table::Table;
use crate::kinds::CLEAR;
use crate::protect::Decision;
use crate::type_names::type_name;

/// The outcome of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// Its type before.
    pub r#type: String,
    /// Its type after; empty for a column that is left out.
    pub written: String,
    /// The kind of personal data; empty where none is named.
    pub kind: String,
    /// The handling with its domain; `generated`, or `drop`.
    pub handling: String,
    /// The origin of the outcome: `rule`, `key` of the one that it refers to, or `--keep`.
    pub by: &'static str,
    /// The values that were there.
    pub values: u64,
    /// The nulls that were there.
    pub nulls: u64,
}

/// One entry for each column of a file, in its order, without counts.
pub(super) fn told(table: &Table<'_>, decisions: &[Decision], written: &SchemaRef) -> Vec<Told> {
    let column = |(place, column): (usize, &super::open::Column)| {
        let at = table.columns.iter().position(|read| read.place == place);
        let rule = at.and_then(|at| table.columns[at].rule);
        let decision = decisions.iter().find(|one| one.table == table.input.table && one.column == column.name);
        let (handling, by) = match (at, rule, decision) {
            (None, ..) => (DROP.to_owned(), "rule"),
            (_, None, _) => (CLEAR.to_owned(), "--keep"),
            (_, Some(rule), _) if rule.r#gen.is_some() => ("generated".to_owned(), "rule"),
            (_, _, Some(decision)) => (decision.shown(), if decision.by == "key" { "key" } else { "rule" }),
            (_, _, None) => (CLEAR.to_owned(), "rule"),
        };
        Told {
            table: table.input.table.clone(),
            column: column.name.clone(),
            r#type: at.map_or_else(|| column.shown.clone(), |at| type_name(table.schema.field(at).data_type())),
            written: at.map(|at| type_name(written.field(at).data_type())).unwrap_or_default(),
            kind: rule.and_then(|rule| rule.kind.clone()).unwrap_or_default(),
            handling,
            by,
            values: 0,
            nulls: 0,
        }
    };
    table.input.columns.iter().enumerate().map(column).collect()
}

/// The report as CSV.
pub(super) fn to_csv(all: &[Told]) -> String {
    let mut out = csv::WriterBuilder::new().from_writer(Vec::new());
    let header = ["table", "column", "type", "written", "kind", "handling", "by", "values", "nulls"];
    let mut line = |cells: [&str; 9]| {
        // Writing to memory does not fail.
        let _written = out.write_record(cells);
    };
    line(header);
    for one in all {
        let (values, nulls) = (one.values.to_string(), one.nulls.to_string());
        line([&one.table, &one.column, &one.r#type, &one.written, &one.kind, &one.handling, one.by, &values, &nulls]);
    }
    String::from_utf8_lossy(&out.into_inner().unwrap_or_default()).into_owned()
}
