//! The types of `MySQL`, and the forms in which values reach a column of each.

use arrow_schema::{DataType, Schema};

use crate::digest::sha256;
use crate::format::write::datapackage::TableFile;
use crate::format::write::ddl::{Constraint, Dialect, is_indexed, remarks};
use crate::target::database::{Column, Sql};

/// The SQL of tables.
static DIALECT: Dialect = Dialect {
    quoted,
    sql_type,
    forward_references: true,
    foreign_key_end: "",
    takes_check,
    inline: false,
    index: None,
    constraint_name: Some(constraint_name),
    comments: Some(comments),
};

/// The SQL of loads. Definitions of tables end a transaction that has a beginning, so one without is begun.
pub(super) static SQL: Sql = Sql {
    name: "mysql",
    quoted,
    ddl: &DIALECT,
    texts: (
        "VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    ),
    // Strict, unlike INSERT IGNORE: only a key that is there is left out.
    insert_new: ("INSERT INTO", " ON DUPLICATE KEY UPDATE `load` = `load`"),
    cast: |column, _| column.to_owned(),
    begin: "SET autocommit = 0",
    enforces: true,
    parallel: true,
    temporary: "CREATE TEMPORARY TABLE {name} (PRIMARY KEY ({columns})) AS SELECT {columns} FROM {table} WHERE false",
};

/// A name in backticks.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text in quotes, where backslashes are no escapes.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn sql_type(data_type: &DataType, indexed: bool) -> String {
    match data_type {
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Decimal128(precision, scale) => format!("DECIMAL({precision},{scale})"),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Timestamp(..) => "DATETIME(6)".to_owned(),
        // Only the beginning of a longer text could be indexed.
        _ if indexed => "VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin".to_owned(),
        _ => "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin".to_owned(),
    }
}

/// Tells whether a check means the same here: `greatest` and `least` are null if an argument is.
fn takes_check(predicate: &str, _: &Schema) -> bool {
    !["greatest(", "least("].iter().any(|call| predicate.contains(call))
}

/// The longest name, in characters.
const LONGEST_NAME: usize = 64;
/// The hexadecimal digits that tell shortened names apart.
const TELLING: usize = 16;

/// The name of a constraint, which no other one of the database has: `table.column`, `table.column.fk` or `table.name.check`, shortened
/// where it is too long.
pub(super) fn constraint_name(kind: Constraint, table: &str, columns: &[&str]) -> String {
    let end = match kind {
        Constraint::Unique => "",
        Constraint::ForeignKey => ".fk",
        Constraint::Check => ".check",
    };
    let name = format!("{table}.{}{end}", columns.join(","));
    // Names with points or commas, such as a table `a.b` beside a table `a`, are told apart by the digest alone.
    let plain = !table.contains('.') && !columns.iter().any(|column| column.contains(['.', ',']));
    if plain && name.chars().count() <= LONGEST_NAME {
        return name;
    }
    let digest = sha256(format!("{end}\0{table}\0{}", columns.join("\0")).as_bytes());
    let start: String = name.chars().take(LONGEST_NAME - TELLING - 1).collect();
    format!("{start}~{}", &digest[..TELLING])
}

/// The longest comment of a table and of a column, in characters.
const LONGEST_COMMENTS: (usize, usize) = (2048, 1024);

/// One statement with the comments of a table and its columns, and their classes as personal data.
fn comments(table: &TableFile) -> Vec<String> {
    let cut = |text: String, most: usize| match text.chars().count() > most {
        true => text.chars().take(most - 1).chain(['…']).collect(),
        false => text,
    };
    let mut changes = Vec::new();
    let about = remarks(&table.about, None);
    if !about.is_empty() {
        changes.push(format!("COMMENT = {}", literal(&cut(about, LONGEST_COMMENTS.0))));
    }
    for field in table.schema.fields() {
        let about = remarks("", Some(field));
        if !about.is_empty() {
            let kind = sql_type(field.data_type(), is_indexed(table, field));
            let null = if field.is_nullable() { "" } else { " NOT NULL" };
            let text = literal(&cut(about, LONGEST_COMMENTS.1));
            changes.push(format!("MODIFY COLUMN {} {kind}{null} COMMENT {text}", quoted(field.name())));
        }
    }
    if changes.is_empty() {
        return Vec::new();
    }
    vec![format!("ALTER TABLE {} {}", quoted(&table.name), changes.join(", "))]
}

/// The form of values in a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// The canonical text.
    Plain,
    /// `1` or `0`.
    Bit,
    /// A date or time without a zone, whose part of a second has at most so many digits.
    Moment(usize),
    /// One of these texts.
    Enum(Vec<String>),
}

impl Form {
    /// The form of values of a type in a column; without a column, in one that was made for them. `None` if it cannot take them, or
    /// would keep others without a word.
    pub(super) fn of(data_type: &DataType, column: Option<&Column>) -> Option<Self> {
        let Some(Column { kind, shown, .. }) = column else {
            return Some(match data_type {
                DataType::Boolean => Self::Bit,
                DataType::Timestamp(..) => Self::Moment(6),
                _ => Self::Plain,
            });
        };
        let kind = kind.as_str();
        let integer = matches!(kind, "tinyint" | "smallint" | "mediumint" | "int" | "bigint");
        let text = matches!(kind, "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext");
        // With a number of places, doubles are rounded.
        let double = kind == "double" && !shown.contains('(');
        let timed = matches!(kind, "datetime" | "timestamp");
        let moment = || Some(Self::Moment(places(shown)));
        let plain = |takes: bool| takes.then_some(Self::Plain);
        match data_type {
            DataType::Boolean if integer => Some(Self::Bit),
            DataType::Boolean => plain(text),
            DataType::Int64 => plain(integer || text || double || matches!(kind, "decimal" | "year")),
            DataType::Decimal128(_, 0) if integer => Some(Self::Plain),
            DataType::Decimal128(..) => plain(text || double || kind == "decimal"),
            DataType::Float64 => plain(text || double || kind == "decimal"),
            DataType::Date32 => plain(text || timed || kind == "date"),
            DataType::Timestamp(..) if timed => moment(),
            DataType::Timestamp(..) => plain(text),
            DataType::Utf8 | DataType::Dictionary(..) => match kind {
                "enum" => Some(Self::Enum(members(shown)?)),
                "datetime" | "timestamp" | "time" => moment(),
                "json" | "date" | "year" | "decimal" | "uuid" | "inet4" | "inet6" | "varbinary" | "tinyblob"
                | "blob" | "mediumblob" | "longblob" => Some(Self::Plain),
                _ => plain(text || integer || double),
            },
            _ => None,
        }
    }
}

/// The digits of a part of a second in `datetime(3)`.
fn places(shown: &str) -> usize {
    let inside = shown.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    inside.and_then(|(digits, _)| digits.parse().ok()).unwrap_or(0)
}

/// The texts of `enum('a','b''c')`; `None` where it cannot be read.
fn members(shown: &str) -> Option<Vec<String>> {
    let mut rest = shown.strip_prefix("enum(")?;
    let mut all = Vec::new();
    loop {
        rest = rest.strip_prefix('\'')?;
        let (mut text, mut chars) = (String::new(), rest.char_indices());
        let end = loop {
            match chars.next()? {
                (at, '\'') if !rest[at + 1..].starts_with('\'') => break at,
                (_, '\'') => {
                    chars.next();
                    text.push('\'');
                }
                (_, c) => text.push(c),
            }
        };
        all.push(text);
        rest = &rest[end + 1..];
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => return rest.starts_with(')').then_some(all),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow_schema::TimeUnit;

    use super::*;

    #[test]
    fn names_of_constraints_are_told_apart() {
        assert_eq!(constraint_name(Constraint::ForeignKey, "a", &["b", "c"]), "a.b,c.fk");
        let long = "x".repeat(60);
        let tables =
            [("a", vec!["b", "c"]), ("a", vec!["b,c"]), ("a.b", vec!["c"]), ("a", vec!["b.c"]), (&long, vec!["abcd"])];
        let mut names = std::collections::BTreeSet::new();
        for kind in [Constraint::Unique, Constraint::ForeignKey, Constraint::Check] {
            names.extend(tables.iter().map(|(table, columns)| constraint_name(kind, table, columns)));
        }
        assert_eq!(names.len(), 3 * tables.len(), "{names:?}");
        assert!(names.iter().all(|name| name.chars().count() <= 64), "{names:?}");
    }

    #[test]
    fn columns_take_what_they_keep() {
        let column = |kind: &str, shown: &str| Column {
            name: "x".to_owned(),
            kind: kind.to_owned(),
            shown: shown.to_owned(),
            nullable: true,
            filled: false,
            generated: false,
        };
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        for (kind, shown, data_type, form) in [
            ("tinyint", "tinyint(1)", DataType::Boolean, Some(Form::Bit)),
            ("varchar", "varchar(5)", DataType::Boolean, Some(Form::Plain)),
            ("datetime", "datetime", instant.clone(), Some(Form::Moment(0))),
            ("timestamp", "timestamp(3)", instant.clone(), Some(Form::Moment(3))),
            ("date", "date", instant, None),
            ("double", "double(10,2)", DataType::Float64, None),
            ("float", "float", DataType::Float64, None),
            ("set", "set('a','b')", DataType::Utf8, None),
            ("bit", "bit(1)", DataType::Boolean, None),
            ("decimal", "decimal(12,2)", DataType::Decimal128(12, 2), Some(Form::Plain)),
            (
                "enum",
                "enum('a','it''s',',')",
                DataType::Utf8,
                Some(Form::Enum(vec!["a".into(), "it's".into(), ",".into()])),
            ),
            ("enum", "enum('a'", DataType::Utf8, None),
        ] {
            assert_eq!(Form::of(&data_type, Some(&column(kind, shown))), form, "{shown} and {data_type}");
        }
    }
}
