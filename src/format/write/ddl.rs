//! `schema.sql`: the tables as SQL that `PostgreSQL`, `DuckDB` and `SQLite` take.
//!
//! ```sql
//! -- one row per member
//! CREATE TABLE "member" (
//!   "member_id" BIGINT NOT NULL,
//!   -- never issued
//!   -- PII: ssn
//!   "ssn" TEXT,
//!   PRIMARY KEY ("member_id")
//! );
//! ```
//!
//! `DuckDB` cannot add a foreign key to a table that exists, so a table comes after those it refers to and names its
//! keys itself. A row that refers to its own table must be loaded after the row it refers to, and `DuckDB` wants that
//! one in an earlier statement.

use std::fmt::Write;

use arrow_schema::{DataType, Field, Schema};

use super::datapackage::TableFile;
use crate::notes::{Key, Noted};

/// The name of a constraint of a table, over columns or with a name of its own.
pub type NameOf = fn(Constraint, &str, &[&str]) -> String;

/// The SQL of one database, where it differs from that of others.
pub struct Dialect {
    /// A name, quoted.
    pub quoted: fn(&str) -> String,
    /// The type of a column; the flag says whether the column is in a key, a foreign key or unique.
    pub sql_type: fn(&DataType, bool) -> String,
    /// Whether a foreign key may lead to a table that is created later.
    pub forward_references: bool,
    /// The end of a foreign key, with a leading space, or nothing.
    pub foreign_key_end: &'static str,
    /// Whether the database evaluates a predicate over these columns as it is meant.
    pub takes_check: fn(&str, &Schema) -> bool,
    /// Whether constraints must be said when a table is created.
    pub inline: bool,
    /// The statement that adds an index on columns of a table; `None` where a foreign key brings its own.
    pub index: Option<fn(&str, &[&str]) -> String>,
    /// The name of a constraint, of its table and its columns or own name, where it must be told from those of all other tables;
    /// `None` where the database names what has no name.
    pub constraint_name: Option<NameOf>,
    /// The statements that add comments to a table and its columns; `None` where the database keeps none.
    pub comments: Option<fn(&TableFile) -> Vec<String>>,
}

/// The kinds of constraints that get names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// A unique column.
    Unique,
    /// A foreign key.
    ForeignKey,
    /// A check.
    Check,
}

/// The SQL of `schema.sql`.
static PORTABLE: Dialect = Dialect {
    quoted,
    sql_type: |data_type, _| sql_type(data_type),
    forward_references: false,
    foreign_key_end: "",
    takes_check: |_, _| true,
    inline: true,
    index: Some(index),
    constraint_name: None,
    comments: None,
};

/// The text of `schema.sql`. References that neither database would take are comments: to a table that is not among
/// `tables`, to a column that is not the primary key of its table, or around a circle of tables.
#[must_use]
pub fn schema_sql(tables: &[TableFile]) -> String {
    create_tables(tables, &PORTABLE)
}

/// The statements that create tables in a dialect, in the order of [`schema_sql`]. References and checks that the dialect does
/// not take are comments.
#[must_use]
pub fn create_tables(tables: &[TableFile], dialect: &Dialect) -> String {
    let mut text = String::new();
    for (table, known) in ordered(tables, dialect) {
        if !text.is_empty() {
            text.push('\n');
        }
        let Constraints { key, others, loose, .. } = constraints(table, &known, dialect);
        let inside: Vec<String> = key.into_iter().chain(others).collect();
        create(table, &inside, &loose, dialect, &mut text);
    }
    text
}

/// The statements of one table, for a database that is filled between them.
pub struct TableSql {
    /// The table's name.
    pub name: String,
    /// Creates the table with its primary key.
    pub create: String,
    /// Adds what is checked or built once all rows are there: unique columns, checks, foreign keys, indexes and comments.
    pub after: Vec<String>,
}

/// The statements of tables in the order of [`schema_sql`], apart for before and after the rows. References and checks that the
/// dialect does not take are left out.
#[must_use]
pub fn table_sql(tables: &[TableFile], dialect: &Dialect) -> Vec<TableSql> {
    let statements = |(table, known): (&TableFile, Vec<&TableFile>)| {
        let mut create_text = String::new();
        let Constraints { key, others, indexes, loose } = constraints(table, &known, dialect);
        let (inside, later) = if dialect.inline { (others, Vec::new()) } else { (Vec::new(), others) };
        let name = (dialect.quoted)(&table.name);
        let inside: Vec<String> = key.into_iter().chain(inside).collect();
        create(table, &inside, if dialect.inline { &loose } else { &[] }, dialect, &mut create_text);
        let mut after: Vec<String> =
            later.iter().map(|constraint| format!("ALTER TABLE {name} ADD {constraint}")).collect();
        after.extend(dialect.index.iter().flat_map(|index| indexes.iter().map(|columns| index(&table.name, columns))));
        after.extend(dialect.comments.iter().flat_map(|comments| comments(table)));
        TableSql { name: table.name.clone(), create: create_text, after }
    };
    ordered(tables, dialect).into_iter().map(statements).collect()
}

/// The tables, each after those that it refers to, with the tables that its foreign keys may lead to.
fn ordered<'t>(tables: &'t [TableFile], dialect: &Dialect) -> Vec<(&'t TableFile, Vec<&'t TableFile>)> {
    let mut written: Vec<&TableFile> = Vec::new();
    let mut left: Vec<&TableFile> = tables.iter().collect();
    let mut all = Vec::new();
    while !left.is_empty() {
        let waits = |table: &TableFile| {
            let references = table.references();
            let mut targets = references.iter().map(|reference| reference.table);
            targets.any(|target| target != table.name && left.iter().any(|other| other.name == target))
        };
        // Around a circle somebody must come first.
        let next = left.iter().position(|table| !waits(table)).unwrap_or(0);
        let table = left.remove(next);
        written.push(table);
        let known = if dialect.forward_references { tables.iter().collect() } else { written.clone() };
        all.push((table, known));
    }
    all
}

/// The constraints of a table.
struct Constraints<'t> {
    key: Option<String>,
    others: Vec<String>,
    /// The columns of each foreign key that no key or unique column begins with.
    indexes: Vec<Vec<&'t str>>,
    /// Those that the dialect does not take.
    loose: Vec<String>,
}

/// The constraints of a table; a foreign key may lead to the tables that are `known`.
fn constraints<'t>(table: &'t TableFile, known: &[&TableFile], dialect: &Dialect) -> Constraints<'t> {
    let names = |names: &[&str]| names.iter().map(|name| (dialect.quoted)(name)).collect::<Vec<_>>().join(", ");
    let named = |kind: Constraint, columns: &[&str]| {
        let name = dialect.constraint_name.map(|name| (dialect.quoted)(&name(kind, &table.name, columns)));
        name.map_or_else(String::new, |name| format!("CONSTRAINT {name} "))
    };
    let key = table.primary_key();
    let mut all = Constraints {
        key: (!key.is_empty()).then(|| format!("PRIMARY KEY ({})", names(&key))),
        others: table
            .unique()
            .map(|column| format!("{}UNIQUE ({})", named(Constraint::Unique, &[column]), names(&[column])))
            .collect(),
        indexes: Vec::new(),
        loose: Vec::new(),
    };
    for reference in table.references() {
        let (columns, keys) = (names(&reference.columns), names(&reference.keys));
        let (target, end) = ((dialect.quoted)(reference.table), dialect.foreign_key_end);
        let name = named(Constraint::ForeignKey, &reference.columns);
        let constraint = format!("{name}FOREIGN KEY ({columns}) REFERENCES {target} ({keys}){end}");
        let sorted = |mut keys: Vec<&str>| {
            keys.sort_unstable();
            keys.join("\n")
        };
        let whole = |table: &TableFile| sorted(table.primary_key()) == sorted(reference.keys.clone());
        let takes = known.iter().any(|table| table.name == reference.table && whole(table));
        if !takes {
            all.loose.push(constraint);
            continue;
        }
        all.others.push(constraint);
        let begins = key.starts_with(&reference.columns) || table.unique().any(|unique| reference.columns == [unique]);
        if !begins && !all.indexes.contains(&reference.columns) {
            all.indexes.push(reference.columns);
        }
    }
    for (name, predicate) in &table.checks {
        let own = || format!("CONSTRAINT {} ", (dialect.quoted)(name));
        let name = if dialect.constraint_name.is_some() { named(Constraint::Check, &[name]) } else { own() };
        let check = format!("{name}CHECK ({predicate})");
        if (dialect.takes_check)(predicate, &table.schema) { all.others.push(check) } else { all.loose.push(check) }
    }
    all
}

/// Writes the statement of a table with some constraints, and others as comments.
fn create(table: &TableFile, constraints: &[String], loose: &[String], dialect: &Dialect, text: &mut String) {
    comment("", &table.about, text);
    line(text, format_args!("CREATE TABLE {} (", (dialect.quoted)(&table.name)));
    let last = table.schema.fields().len() + constraints.len() - 1;
    let comma = |n: usize| if n == last { "" } else { "," };
    for (n, field) in table.schema.fields().iter().enumerate() {
        comment("  ", field.note(Key::About).unwrap_or_default(), text);
        for class in said(field) {
            comment("  ", &class, text);
        }
        let null = if field.is_nullable() { "" } else { " NOT NULL" };
        let data_type = (dialect.sql_type)(field.data_type(), is_indexed(table, field));
        line(text, format_args!("  {} {data_type}{null}{}", (dialect.quoted)(field.name()), comma(n)));
    }
    for (n, constraint) in constraints.iter().enumerate() {
        line(text, format_args!("  {constraint}{}", comma(table.schema.fields().len() + n)));
    }
    for constraint in loose {
        comment("  ", constraint, text);
    }
    text.push_str(");\n");
}

/// Tells whether a column is in the key of its table, in a foreign key, or unique.
pub(crate) fn is_indexed(table: &TableFile, field: &Field) -> bool {
    let name = field.name().as_str();
    table.primary_key().contains(&name)
        || field.is_unique()
        || table.references().iter().any(|key| key.columns.contains(&name))
}

/// A table or column in words, for databases that keep comments: its meaning, and its class as personal data.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) fn remarks(about: &str, field: Option<&Field>) -> String {
    let about = field.map_or(about, |field| field.note(Key::About).unwrap_or_default());
    let parts = std::iter::once(about.to_owned()).chain(field.into_iter().flat_map(said));
    parts.filter(|part| !part.trim().is_empty()).collect::<Vec<_>>().join("; ")
}

/// The notes on a column as personal data: `PII: ssn, class pii, HIPAA G` and `protected: encrypt`.
fn said(field: &Field) -> Vec<String> {
    let label = |label: &str, key: Key| field.note(key).map(|text| format!("{label}{text}"));
    let personal = field.note(Key::Pii).is_some();
    let known = [("PII: ", Key::Pii), ("class ", Key::Class), ("HIPAA ", Key::Hipaa)];
    let known: Vec<String> =
        known.into_iter().filter(|_| personal).filter_map(|(text, key)| label(text, key)).collect();
    let known = (!known.is_empty()).then(|| known.join(", "));
    known.into_iter().chain(label("protected: ", Key::Protection)).collect()
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{arguments}");
}

/// A comment line for each line of `about`. Nothing in it can end the comment early.
fn comment(indent: &str, about: &str, text: &mut String) {
    for part in about.split(['\n', '\r']).filter(|part| !part.trim().is_empty()) {
        line(text, format_args!("{indent}-- {}", part.trim()));
    }
}

/// A name as SQL has it: `"a""b"`.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The statement that adds an index in standard SQL, whose name the database chooses.
pub(crate) fn index(table: &str, columns: &[&str]) -> String {
    let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    format!("CREATE INDEX ON {} ({})", quoted(table), columns.join(", "))
}

/// The type of a column in standard SQL.
pub(crate) fn sql_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::Float64 => "DOUBLE PRECISION".to_owned(),
        DataType::Decimal128(precision, scale) => format!("NUMERIC({precision},{scale})"),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Timestamp(_, None) => "TIMESTAMP".to_owned(),
        DataType::Timestamp(..) => "TIMESTAMP WITH TIME ZONE".to_owned(),
        DataType::Binary => "BYTEA".to_owned(),
        _ => "TEXT".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_schema::{Schema, TimeUnit};

    use super::*;

    fn table(name: &str, fields: Vec<Field>) -> TableFile {
        let schema = Arc::new(Schema::new(fields));
        TableFile {
            name: name.into(),
            about: format!("a {name}\nof ours"),
            schema,
            checks: vec![],
            paths: vec![],
            format: "csv",
        }
    }

    fn field(name: &str, data_type: DataType, nullable: bool, notes: &[(Key, &str)]) -> Field {
        notes.iter().fold(Field::new(name, data_type, nullable), |field, (key, text)| field.with_note(*key, text))
    }

    #[test]
    fn tables_stand_after_those_they_refer_to() {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let claim = vec![
            field("id", DataType::Int64, false, &[(Key::PrimaryKey, "primary")]),
            field("member", DataType::Int64, false, &[(Key::References, "member.id")]),
            field("reversal \"of\"", DataType::Int64, true, &[(Key::References, "claim.id")]),
            field("payer", DataType::Int64, true, &[(Key::References, "payer.id")]),
            field("paid", DataType::Decimal128(12, 2), true, &[(Key::About, "to date;\nnot more")]),
            field("at", utc, true, &[]),
        ];
        let member = vec![
            field("id", DataType::Int64, false, &[(Key::PrimaryKey, "primary")]),
            field("ssn", DataType::Utf8, true, &[(Key::Pii, "ssn")]),
            field("share", DataType::Float64, true, &[]),
            field("born", DataType::Date32, true, &[]),
            field("alive", DataType::Boolean, false, &[]),
        ];
        let expected = r#"-- a member
-- of ours
CREATE TABLE "member" (
  "id" BIGINT NOT NULL,
  -- PII: ssn
  "ssn" TEXT,
  "share" DOUBLE PRECISION,
  "born" DATE,
  "alive" BOOLEAN NOT NULL,
  PRIMARY KEY ("id")
);

-- a claim
-- of ours
CREATE TABLE "claim" (
  "id" BIGINT NOT NULL,
  "member" BIGINT NOT NULL,
  "reversal ""of""" BIGINT,
  "payer" BIGINT,
  -- to date;
  -- not more
  "paid" NUMERIC(12,2),
  "at" TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY ("id"),
  FOREIGN KEY ("member") REFERENCES "member" ("id"),
  FOREIGN KEY ("reversal ""of""") REFERENCES "claim" ("id")
  -- FOREIGN KEY ("payer") REFERENCES "payer" ("id")
);
"#;
        assert_eq!(schema_sql(&[table("claim", claim), table("member", member)]), expected);
    }

    #[test]
    fn a_circle_loses_one_reference() {
        let side = |name: &str, other: &str| {
            let id = field("id", DataType::Int64, false, &[(Key::PrimaryKey, "primary")]);
            table(name, vec![id, field("other", DataType::Int64, true, &[(Key::References, other)])])
        };
        let text = schema_sql(&[side("a", "b.id"), side("b", "a.id")]);
        assert_eq!(text.matches("  FOREIGN KEY").count(), 1);
        assert_eq!(text.matches("  -- FOREIGN KEY").count(), 1);
        assert!(text.find("\"a\" (\n") < text.find("\"b\" (\n"));
    }
}
