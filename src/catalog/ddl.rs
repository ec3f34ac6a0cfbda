//! A catalog from the text of statements, such as `schema.sql` or the output of `pg_dump --schema-only`.
//!
//! Only statements that say something of tables are parsed; data, functions and grants are passed over.

mod alter;
mod parse;
mod table;

use sqlparser::ast::{CommentObject, Ident, ObjectName, ObjectNamePart, Statement, UserDefinedTypeRepresentation};
use sqlparser::tokenizer::{Token, Tokenizer, Word};

use super::statements::{split, without_comments};
use super::types::{Known, plain};
use super::{Catalog, Check, Table, Type};
use crate::error::Result;
use parse::Source;

pub use super::statements::{DIALECTS, Dialect};

/// The largest text that is read, in bytes.
pub const MAX_TEXT: u64 = 64 << 20;

/// Reads the tables of a text. `name` stands for it in messages.
///
/// # Errors
///
/// If a statement that makes or changes a table cannot be parsed, is nested too deeply, or names a column that is not there.
pub fn read(name: &str, text: &str, dialect: Dialect) -> Result<Catalog> {
    let source = Source { name, text };
    let mut reader = Reader { source, dialect, catalog: Catalog::default(), types: Known::new(), domains: Vec::new() };
    let statements = split(text, dialect);
    // Types come first, whatever the order of the file.
    for types in [true, false] {
        for (start, statement) in &statements {
            if let Some(kind) = kind(statement, dialect).filter(|kind| types == (*kind == Subject::Type)) {
                reader.statement(*start, statement, kind)?;
            }
        }
    }
    reader.domains.clear();
    Ok(reader.catalog)
}

/// The subject of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Type,
    Table,
    Change,
    Index,
    Comment,
}

/// Tells what a statement is about; `None` for what says nothing of tables.
fn kind(statement: &str, dialect: Dialect) -> Option<Subject> {
    let mut words = without_comments(statement, dialect).split_whitespace().map(str::to_ascii_uppercase);
    match words.next()?.as_str() {
        "CREATE" => words.take(6).find_map(|word| match word.split('(').next().unwrap_or("") {
            "TABLE" => Some(Some(Subject::Table)),
            "TYPE" | "DOMAIN" => Some(Some(Subject::Type)),
            "UNIQUE" => Some(Some(Subject::Index)),
            "OR" | "REPLACE" | "GLOBAL" | "LOCAL" | "TEMPORARY" | "TEMP" | "UNLOGGED" | "FOREIGN" => None,
            _ => Some(None),
        })?,
        "ALTER" => matches!(words.next()?.as_str(), "TABLE").then_some(Subject::Change),
        "COMMENT" => Some(Subject::Comment),
        _ => None,
    }
}

/// A domain: its name, whether it takes no null, and its conditions on `VALUE`.
struct Domain {
    name: String,
    not_null: bool,
    conditions: Vec<String>,
}

struct Reader<'a> {
    source: Source<'a>,
    dialect: Dialect,
    catalog: Catalog,
    types: Known,
    domains: Vec<Domain>,
}

impl Reader<'_> {
    fn statement(&mut self, start: usize, text: &str, kind: Subject) -> Result<()> {
        if kind == Subject::Change && self.attached(text) {
            return Ok(());
        }
        let parsed = match parse::statement(&self.source, start, text, self.dialect) {
            Ok(parsed) => parsed,
            Err(error) => return self.not_parsed(start, text, kind, error),
        };
        match parsed {
            Statement::CreateTable(table) => self.create_table(start, text, &table),
            Statement::AlterTable(change) => self.alter_table(start, &change),
            Statement::CreateType { name, representation } => {
                if let Some(UserDefinedTypeRepresentation::Enum { labels }) = representation {
                    let labels = labels.into_iter().map(|label| label.value).collect();
                    self.types.insert(plain(&name.to_string()), Type::Enum(labels));
                }
                Ok(())
            }
            Statement::CreateDomain(domain) => {
                self.domain(&domain, text);
                Ok(())
            }
            Statement::CreateIndex(index) => {
                if index.unique {
                    self.unique_index(&index);
                }
                Ok(())
            }
            Statement::Comment { object_type, object_name, comment, .. } => {
                self.comment(object_type, &object_name, comment.as_deref().unwrap_or(""));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Decides what a statement that cannot be parsed means: without a table or a key, nothing.
    fn not_parsed(&mut self, start: usize, text: &str, kind: Subject, error: crate::error::Error) -> Result<()> {
        let small = text.to_ascii_lowercase();
        let says_more = ["foreign key", "primary key", "unique", "check", " add column"];
        match kind {
            Subject::Table => Err(error),
            Subject::Change if says_more.iter().any(|words| small.contains(words)) => Err(error),
            Subject::Change | Subject::Comment => Ok(()),
            Subject::Type | Subject::Index => {
                let line = self.source.text[..start].matches('\n').count() + 1;
                let first = without_comments(text, self.dialect).lines().next().unwrap_or("").trim();
                self.catalog.notes.push(format!("line {line}: not understood: {first}"));
                Ok(())
            }
        }
    }

    /// A domain is its base type with conditions.
    fn domain(&mut self, domain: &sqlparser::ast::CreateDomain, text: &str) {
        let name = plain(&domain.name.to_string());
        let ty = Type::parse(&domain.data_type.to_string(), &self.types);
        self.types.insert(name.clone(), ty);
        let conditions = domain.constraints.iter().filter_map(|constraint| match constraint {
            sqlparser::ast::TableConstraint::Check(check) => Some(check.expr.to_string()),
            _ => None,
        });
        let not_null = text.to_ascii_lowercase().contains("not null");
        self.domains.push(Domain { name, not_null, conditions: conditions.collect() });
    }

    /// The conditions of a domain on one of its columns.
    fn conditions_of(&self, ty: &str, column: &str) -> (bool, Vec<Check>) {
        let Some(domain) = self.domains.iter().find(|domain| domain.name == plain(ty)) else {
            return (false, Vec::new());
        };
        let checks = domain.conditions.iter().filter_map(|condition| {
            let grammar = self.dialect.grammar();
            let tokens = Tokenizer::new(grammar.as_ref(), condition).tokenize().ok()?;
            let value = |token: &Token| matches!(token, Token::Word(word) if word.value.eq_ignore_ascii_case("value"));
            let column = Word {
                value: column.to_owned(),
                quote_style: Some('"'),
                keyword: sqlparser::keywords::Keyword::NoKeyword,
            };
            let named = |token: Token| if value(&token) { Token::Word(column.clone()) } else { token };
            let condition = parse::condition(tokens.into_iter().map(named).collect(), self.dialect)?;
            Some(Check { name: Some(domain.name.clone()), condition })
        });
        (domain.not_null, checks.collect())
    }

    fn comment(&mut self, object: CommentObject, name: &ObjectName, text: &str) {
        let mut parts = self.parts(name);
        let column = (object == CommentObject::Column).then(|| parts.pop()).flatten();
        let Some(table) = self.find(&parts) else { return };
        let table = &mut self.catalog.tables[table];
        match column {
            None if object == CommentObject::Table => text.clone_into(&mut table.about),
            None => {}
            Some(column) => {
                if let Some(at) = table.column(&column) {
                    text.clone_into(&mut table.columns[at].about);
                }
            }
        }
    }

    /// The name that the database gives to an identifier.
    fn named(&self, ident: &Ident) -> String {
        match (self.dialect, ident.quote_style) {
            (Dialect::Postgres, None) => ident.value.to_lowercase(),
            _ => ident.value.clone(),
        }
    }

    fn parts(&self, name: &ObjectName) -> Vec<String> {
        let parts = name.0.iter().filter_map(|part| match part {
            ObjectNamePart::Identifier(ident) => Some(self.named(ident)),
            ObjectNamePart::Function(_) => None,
        });
        parts.collect()
    }

    /// The schema of a name, unless it is a default one, and the table.
    fn schema_and_table(&self, name: &ObjectName) -> (Option<String>, String) {
        let mut parts = self.parts(name);
        let table = parts.pop().unwrap_or_default();
        let default = |schema: &String| ["public", "dbo", "main"].iter().any(|name| schema.eq_ignore_ascii_case(name));
        (parts.pop().filter(|schema| !default(schema)), table)
    }

    /// The table that a statement names; the last two parts count.
    fn find(&self, parts: &[String]) -> Option<usize> {
        let (table, schema) = parts.split_last()?;
        let schema = schema.last().map(String::as_str).filter(|schema| !matches!(*schema, "public" | "dbo" | "main"));
        self.catalog.table(schema, table)
    }

    fn table_named(&mut self, name: &ObjectName) -> Option<&mut Table> {
        let (schema, table) = self.schema_and_table(name);
        self.catalog.table(schema.as_deref(), &table).map(|at| &mut self.catalog.tables[at])
    }
}
