//! The query for the tables of a database file, and the types that their columns keep.

use arrow_schema::DataType;

/// A row for each column of each table, as `Table::of_rows` has them. Foreign keys are enforced by nobody while rows arrive.
pub(super) const TABLES: &str = "\
SELECT t.name, c.name, lower(trim(iif(c.type LIKE '%(%', substr(c.type, 1, instr(c.type, '(') - 1), c.type))), c.type, c.\"notnull\" = 0 AND c.pk = 0, c.dflt_value IS NOT NULL OR (c.pk > 0 AND upper(c.type) = 'INTEGER'), \
  c.hidden IN (2, 3), 0 \
FROM sqlite_schema t LEFT JOIN pragma_table_xinfo(t.name) c \
WHERE t.type = 'table' AND substr(t.name, 1, 7) <> 'sqlite_' ORDER BY t.name, c.cid";

/// The affinities that a declared type gives a column: <https://www.sqlite.org/datatype3.html>, 3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Affinity {
    Integer,
    Text,
    None,
    Real,
    Numeric,
}

fn affinity(kind: &str) -> Affinity {
    let has = |parts: &[&str]| parts.iter().any(|part| kind.contains(part));
    match () {
        () if has(&["int"]) => Affinity::Integer,
        () if has(&["char", "clob", "text"]) => Affinity::Text,
        () if kind.is_empty() || has(&["blob"]) => Affinity::None,
        () if has(&["real", "floa", "doub"]) => Affinity::Real,
        () => Affinity::Numeric,
    }
}

/// Tells whether a column keeps values of a type as they are.
pub(super) fn takes(kind: &str, data_type: &DataType) -> bool {
    let affinity = affinity(kind);
    let number = ["numeric", "decimal", "bool", "money"].iter().any(|part| kind.contains(part));
    match data_type {
        DataType::Boolean | DataType::Int64 => !matches!(affinity, Affinity::Text | Affinity::Real),
        DataType::Float64 | DataType::Decimal128(..) => affinity != Affinity::Text,
        // A column that is no number by its name keeps a text unless it looks like one.
        DataType::Date32 | DataType::Timestamp(..) | DataType::Utf8 | DataType::Dictionary(..) => match affinity {
            Affinity::Text | Affinity::None => true,
            Affinity::Numeric => !number,
            Affinity::Integer | Affinity::Real => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_take_what_they_keep() {
        for (kind, data_type, taken) in [
            ("integer", DataType::Int64, true),
            ("varchar", DataType::Utf8, true),
            ("date", DataType::Date32, true),
            ("numeric", DataType::Utf8, false),
            ("text", DataType::Int64, false),
            ("real", DataType::Int64, false),
            ("real", DataType::Float64, true),
            ("", DataType::Utf8, true),
            ("blob", DataType::Binary, false),
        ] {
            assert_eq!(takes(kind, &data_type), taken, "{kind} and {data_type}");
        }
    }
}
