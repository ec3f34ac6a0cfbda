//! A file with the rules for its columns: what is read of it, and as what.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::open::{Form, Input};
use super::rules::{ColumnKeys, Rules, TableRules};
use crate::error::{Error, Result, did_you_mean};
use crate::kinds::CLEAR;
use crate::notes::{Key, Noted};
use crate::type_names::type_named;

/// The columns that `--keep` names.
pub(super) struct Keep<'a>(pub(super) &'a [String]);

impl Keep<'_> {
    fn has(&self, table: &str, column: &str) -> bool {
        let is = |name: &String| name.strip_prefix(table).and_then(|rest| rest.strip_prefix('.')) == Some(column);
        self.0.iter().any(is)
    }

    /// Refuses names of columns that no file has.
    pub(super) fn known(&self, inputs: &[Input]) -> Result<()> {
        let names: Vec<String> = inputs
            .iter()
            .flat_map(|input| input.columns.iter().map(|column| format!("{}.{}", input.table, column.name)))
            .collect();
        match self.0.iter().find(|name| !names.contains(name)) {
            None => Ok(()),
            Some(name) => Err(Error::usage(format!("`--keep {name}`: no file has this column"))
                .hint("--keep TABLE.COLUMN,…")
                .maybe_hint(did_you_mean(name, names.iter().map(String::as_str)))),
        }
    }
}

/// A column that is read.
#[derive(Debug)]
pub(super) struct Read<'a> {
    /// Its place in the file.
    pub(super) place: usize,
    /// Its rule; `None` for one that `--keep` names.
    pub(super) rule: Option<&'a ColumnKeys>,
}

/// A file with its rules.
pub(super) struct Table<'a> {
    pub(super) input: &'a Input,
    /// The columns that are read, in the order of the file.
    pub(super) columns: Vec<Read<'a>>,
    /// These columns with their types, keys and kinds.
    pub(super) schema: SchemaRef,
}

impl<'a> Table<'a> {
    /// Finds the rule of every column of a file.
    ///
    /// # Errors
    ///
    /// If a column has no rule and is not kept, a rule is of a column that there is not, or the values of a column have no type of ours.
    pub(super) fn new(input: &'a Input, rules: &'a Rules, keep: &Keep<'_>) -> Result<Self> {
        let table = &input.table;
        let path = format!("tables.{table}");
        let none = TableRules::default();
        let own = rules.tables.get(table);
        let known = own.unwrap_or(&none);
        let names = || input.columns.iter().map(|column| column.name.as_str());
        for (name, what) in
            known.columns.keys().map(|name| (name, "columns")).chain(known.key.iter().map(|name| (name, "key")))
        {
            if !names().any(|column| column == name) {
                return Err(Error::profile(
                    format!("{path}.{what}.{name}"),
                    format!("`{}` has no column `{name}`", input.path.display()),
                )
                .hint("names are those of the file, with their capitals and blanks")
                .maybe_hint(did_you_mean(name, names())));
            }
        }
        let (mut columns, mut fields, mut without) = (Vec::new(), Vec::new(), Vec::new());
        for (place, column) in input.columns.iter().enumerate() {
            let rule = own.and_then(|own| own.columns.get(&column.name)).map(|rule| &rule.0);
            let kept = keep.has(table, &column.name);
            if rule.is_some() && kept {
                let name = format!("{table}.{}", column.name);
                return Err(Error::usage(format!("`--keep {name}`: the rules say something else of it"))
                    .hint("leave it out of one of the two"));
            }
            match rule {
                None if !kept => without.push(format!("{table}.{}", column.name)),
                Some(rule) if rule.dropped() => {}
                rule => {
                    let at = format!("{path}.columns.{}", column.name);
                    let field = field(input, place, rule).map_err(|error| error.within(&at))?;
                    let field = if known.key.contains(&column.name) {
                        field.with_primary_key().with_nullable(false)
                    } else {
                        field
                    };
                    fields.push(Arc::new(field));
                    columns.push(Read { place, rule });
                }
            }
        }
        if let Some(first) = without.first() {
            let all = without.join(", ");
            let what = if without.len() == 1 { format!("`{first}` has no rule") } else { format!("no rule for {all}") };
            let near = own.is_none().then(|| did_you_mean(table, rules.tables.keys().map(String::as_str))).flatten();
            return Err(Error::usage(what)
                .hint("nothing is guessed: give each column a rule, \"clear\" and \"drop\" are two, or name it with --keep")
                .maybe_hint(near.filter(|_| own.is_none())));
        }
        if let Some(key) = known
            .key
            .iter()
            .find(|key| own.is_some_and(|own| own.columns.get(*key).is_some_and(|rule| rule.0.dropped())))
        {
            return Err(Error::profile(format!("{path}.key"), format!("`{key}` is of the key, and left out"))
                .hint("a token in its place joins the rows"));
        }
        if columns.is_empty() {
            return Err(Error::profile(path, "every column is left out"));
        }
        Ok(Self { input, columns, schema: Arc::new(Schema::new(fields)) })
    }

    /// The places in the file of the columns that are read.
    pub(super) fn places(&self) -> Vec<usize> {
        self.columns.iter().map(|column| column.place).collect()
    }
}

/// A column of a file as a field, with what its rule says of it.
fn field(input: &Input, place: usize, rule: Option<&ColumnKeys>) -> Result<Field> {
    let column = &input.columns[place];
    let declared = rule.and_then(|rule| type_named(rule.r#type.as_deref()?));
    let nulled = rule.and_then(|rule| rule.handling.as_deref()) == Some("null");
    let ty = match (declared, &column.ty) {
        // Numbers of any length are texts in a text file.
        (Some(ty), None) if input.form == Form::Lines && !column.nested => ty,
        (Some(ty), Some(_)) => ty,
        (None, Some(ty)) => ty.clone(),
        (_, None) if nulled => DataType::Utf8,
        (_, None) => {
            return Err(Error::profile("", format!("its values are {}, which is no type of ours", column.shown)).hint(
                if column.nested {
                    "\"null\" or \"drop\" leave it out"
                } else {
                    "a type that has them all: type = \"text\""
                },
            ));
        }
    };
    if ty.is_binary() && !nulled && rule.is_some_and(|rule| rule.handling.as_deref() != Some(CLEAR)) {
        return Err(Error::profile("", "its values are bytes, which have no text to be handled")
            .hint("\"null\", \"drop\" or \"clear\""));
    }
    Ok(noted(Field::new(&column.name, ty, true), rule))
}

/// A field with the notes of a rule.
fn noted(mut field: Field, rule: Option<&ColumnKeys>) -> Field {
    let Some(rule) = rule else { return field };
    for (key, text) in [(Key::Pii, &rule.kind), (Key::References, &rule.references), (Key::Domain, &rule.domain)] {
        if let Some(text) = text {
            field = field.with_note(key, text);
        }
    }
    if let Some(kind) = rule.kind.as_deref().and_then(crate::kinds::find) {
        field = field.with_note(Key::Class, &kind.class).with_note(Key::Hipaa, &kind.hipaa);
    }
    field
}

/// The columns of a table of the rules for which there is no file: others may refer to it.
pub(super) fn without_file(rules: &TableRules) -> Schema {
    let columns = rules.columns.iter().filter(|(_, rule)| !rule.0.dropped());
    let field = |(name, rule): (&String, &super::rules::ColumnRule)| {
        let field = noted(Field::new(name, DataType::Utf8, true), Some(&rule.0));
        if rules.key.contains(name) { field.with_primary_key() } else { field }
    };
    Schema::new(columns.map(field).collect::<Vec<_>>())
}
