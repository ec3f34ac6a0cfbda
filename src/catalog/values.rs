//! The definition of a column in a profile: what makes values of its type, within its limits, with its role.

mod counted;
mod numbers;
mod texts;
mod times;

use std::sync::LazyLock;

use super::arrange::{Arrangement, Role};
use super::checks::Literal;
use super::guess::{Guessed, Unique, Value, guess};
use super::limits::Limits;
use super::profile::Choices;
use super::toml_text::{key, quoted, sql};
use super::{Column, Table, Type};

/// The definition of a column.
#[derive(Debug, Default)]
pub(super) struct Definition {
    /// Keys and values of the column, in TOML.
    pub(super) keys: Vec<(String, String)>,
    /// Records of data files that it reads: name, file and column of weights.
    pub(super) records: Vec<(String, &'static str, Option<&'static str>)>,
    /// The guess that it follows, and its kind of personal data.
    pub(super) guessed: Option<(&'static str, Option<&'static str>)>,
    /// Remarks.
    pub(super) notes: Vec<String>,
    /// Why the column may break a constraint.
    pub(super) broken: Option<String>,
}

impl Definition {
    fn expr(text: impl AsRef<str>) -> Self {
        Self::one("expr", quoted(text.as_ref()))
    }

    fn one(key: &str, value: String) -> Self {
        Self { keys: vec![(key.to_owned(), value)], ..Self::default() }
    }

    /// A generator with parameters in TOML.
    fn generator(name: &str, parameters: &str) -> Self {
        Self::one(&format!("gen.{name}"), parameters.to_owned())
    }

    fn pattern(pattern: &str) -> Self {
        Self::generator("pattern", &format!("{{ pattern = {} }}", quoted(pattern)))
    }

    /// A random choice of texts.
    fn choice(values: &[String]) -> Self {
        let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
        Self::generator("choice", &format!("{{ values = [{}] }}", values.join(", ")))
    }

    fn typed(mut self, ty: Option<String>) -> Self {
        self.keys.extend(ty.map(|ty| ("type".to_owned(), quoted(&ty))));
        self
    }

    fn note(mut self, note: &str) -> Self {
        self.notes.push(note.to_owned());
        self
    }
}

/// A table on its way into a profile.
pub(super) struct Scope<'a> {
    pub(super) table: &'a Table,
    /// Its position in the catalog.
    pub(super) at: usize,
    pub(super) arrangement: &'a Arrangement,
    /// The names of its columns in the profile.
    pub(super) names: &'a [String],
    /// The names of its links in the profile.
    pub(super) links: &'a [String],
    pub(super) choices: &'a Choices,
}

impl Scope<'_> {
    fn column(&self, column: usize) -> &Column {
        &self.table.columns[column]
    }

    /// Gives the limits of a column; none where its type alone decides.
    fn limits(&self, column: usize) -> &Limits {
        static NONE: LazyLock<Limits> = LazyLock::new(Limits::default);
        if self.choices.plain.contains(&(self.at, column)) { &NONE } else { &self.arrangement.limits[column] }
    }

    /// Writes a column's name in an expression.
    pub(super) fn name(&self, column: usize) -> String {
        identifier(&self.names[column])
    }

    /// Tells whether a column has no value in some rows.
    pub(super) fn nullable(&self, column: usize) -> bool {
        let late = |other: usize| self.arrangement.limits[other].after.iter().any(|(early, _)| *early == column);
        // What a filled column is computed from is filled itself.
        let needed = (0..self.table.columns.len()).any(|other| late(other) && !self.nullable_at_most(other, 0));
        self.column(column).nullable
            && !self.arrangement.limits[column].not_null
            && !self.choices.filled.contains(&(self.at, column))
            && !needed
    }

    fn nullable_at_most(&self, column: usize, depth: u32) -> bool {
        let late = |other: usize| self.arrangement.limits[other].after.iter().any(|(early, _)| *early == column);
        self.column(column).nullable
            && !self.arrangement.limits[column].not_null
            && !self.choices.filled.contains(&(self.at, column))
            && (depth > 8
                || !(0..self.table.columns.len()).any(|other| late(other) && !self.nullable_at_most(other, depth + 1)))
    }

    /// Defines a column; `other` gives the name of a column of the table that a link leads to.
    pub(super) fn define(&self, column: usize, other: &dyn Fn(usize, usize) -> String) -> Definition {
        if self.choices.nulls.contains(&(self.at, column)) {
            return self.null(column);
        }
        match &self.arrangement.roles[column] {
            Role::Null | Role::LeftOut => self.null(column),
            Role::Through { link, column } => {
                Definition::expr(format!("{}.{}", identifier(&self.links[*link]), identifier(&other(*link, *column))))
            }
            Role::Counted(digit) => self.counted(column, *digit),
            Role::Free => {
                let mut made = self.free(column);
                if self.nullable(column) && made.keys.first().is_none_or(|(_, value)| !value.contains("CAST(NULL")) {
                    made.keys.push(("null".to_owned(), "0.1".to_owned()));
                }
                made
            }
        }
    }

    fn null(&self, column: usize) -> Definition {
        Definition::expr(format!(
            "CAST(NULL AS {})",
            cast(&self.column(column).ty).unwrap_or_else(|| "text".to_owned())
        ))
    }

    /// Defines a column whose values are random.
    fn free(&self, column: usize) -> Definition {
        let (decl, limits) = (self.column(column), &self.arrangement.limits[column]);
        let guessed = guess(self.table, decl, limits.longest);
        let said = guessed.as_ref().map(Guessed::said);
        if let Some(values) = &limits.one_of {
            return Definition { guessed: said.filter(|(_, kind)| kind.is_some()), ..Self::listed(decl, values) };
        }
        let plain = self.choices.plain.contains(&(self.at, column));
        let made = guessed
            .filter(|_| !plain && limits.after.is_empty())
            .and_then(|guessed| self.guessed(column, &guessed, false));
        match made {
            Some(made) => made,
            None => Definition { guessed: said.filter(|(_, kind)| kind.is_some()), ..self.by_type(column) },
        }
    }

    /// Defines a column by its name. `None` where its limits say something else.
    fn guessed(&self, column: usize, guessed: &Guessed, unique: bool) -> Option<Definition> {
        let (decl, limits, guess) = (self.column(column), &self.arrangement.limits[column], guessed.guess);
        let text = matches!(decl.ty, Type::Text { .. });
        if text && (limits.pattern.is_some() || limits.shortest > 1 || limits.cased.is_some()) {
            return None;
        }
        let fill = |template: &str| {
            let mut text = template.replace("{row}", "row");
            for (alias, ..) in &guess.files {
                text = text.replace(&format!("{{{alias}}}"), &self.record(&guessed.before, alias));
            }
            text
        };
        let mut made = match &guess.value {
            Value::Generator(call) => {
                let (name, parameters) = call.split_once(" = ")?;
                let parameters = fill(parameters);
                let unique_keys = match &guess.unique {
                    Unique::Generator(keys) if !keys.is_empty() => format!("unique = true, {keys}"),
                    _ => "unique = true".to_owned(),
                };
                let parameters = match (unique, parameters.strip_suffix('}')) {
                    (false, _) => parameters,
                    (true, Some("{")) => format!("{{ {unique_keys} }}"),
                    (true, Some(start)) => format!("{}, {unique_keys} }}", start.trim_end()),
                    (true, None) => return None,
                };
                Definition::generator(name, &parameters)
            }
            Value::Expr(template) => {
                let text = fill(template);
                match limits.longest {
                    Some(longest) if guess.longest.is_none_or(|most| most > longest) => {
                        Definition::expr(format!("left({text}, {longest})"))
                    }
                    _ => Definition::expr(text),
                }
            }
            Value::Between(low, high) => self.between(column, *low, *high)?,
            Value::ByType => return None,
        };
        if !matches!(guess.value, Value::Between(..)) {
            made.records = guess
                .files
                .iter()
                .map(|(alias, file, weight)| (self.record(&guessed.before, alias), file.as_str(), weight.as_deref()))
                .collect();
        }
        made.guessed = Some(guessed.said());
        Some(made)
    }

    /// A choice of the values that a check lists.
    fn listed(decl: &Column, values: &[Literal]) -> Definition {
        let texts: Vec<String> = values.iter().map(text_of).collect();
        if texts.is_empty() {
            return Definition { broken: Some("no value passes all checks".to_owned()), ..Definition::expr("NULL") };
        }
        let texts = if let Type::Boolean = decl.ty { texts.iter().map(|text| boolean(text)).collect() } else { texts };
        Definition::choice(&texts).typed(cast(&decl.ty))
    }

    /// Defines a column by its type alone.
    fn by_type(&self, column: usize) -> Definition {
        let decl = self.column(column);
        match &decl.ty {
            Type::Integer { .. } | Type::Decimal { .. } | Type::Double => self.number(column),
            Type::Date | Type::Timestamp => self.time(column),
            Type::Text { .. } => self.text(column),
            Type::Boolean => Definition::generator("boolean", "{ p = 0.5 }"),
            Type::Time => Definition::pattern("([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"),
            Type::Interval => Definition::pattern("[1-9] days"),
            Type::Uuid => Definition::generator("uuid", "{}"),
            Type::Json => Definition::expr("'{}'").note("an empty document"),
            Type::Bytes if decl.written.eq_ignore_ascii_case("bytea") => Definition::pattern(r"\\x[0-9a-f]{8}"),
            Type::Bytes => Definition::pattern("[0-9a-f]{8}"),
            Type::Enum(values) if values.is_empty() => Definition::expr("''"),
            Type::Enum(values) => Definition::choice(values),
            Type::Array(of) => self.array(column, of),
            Type::Network => Definition::generator("ipv4", "{}"),
            Type::Mac => Definition::generator("mac", "{}"),
            Type::Bits(bits) => Definition::pattern(&format!("[01]{{{}}}", bits.clamp(&1, &256))),
            Type::Words => Definition::generator("words", "{}"),
            Type::Range => Definition::expr("'empty'").note("an empty range"),
            Type::Other if self.nullable(column) => self.null(column).note("no generator makes this type: null"),
            Type::Other => Definition {
                broken: Some(format!("no generator makes values of the type {}", decl.written)),
                ..Definition::expr("''")
            },
        }
    }

    /// The name of a record, `billing_place`; one that is a link's already gets a longer one.
    fn record(&self, before: &str, alias: &str) -> String {
        let plain: String = before
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
            .take(40)
            .collect();
        let name = match plain.as_str() {
            "" => alias.to_owned(),
            digit if digit.starts_with(|c: char| c.is_ascii_digit()) => format!("_{digit}_{alias}"),
            plain => format!("{plain}_{alias}"),
        };
        if self.links.contains(&name) { format!("{name}_record") } else { name }
    }

    /// The text of an array with one or two elements.
    fn array(&self, column: usize, of: &Type) -> Definition {
        match of {
            Type::Text { longest } if longest.is_none_or(|longest| longest >= 6) => {
                Definition::pattern(r"\{[a-z]{4},[a-z]{6}\}")
            }
            Type::Integer { .. } | Type::Decimal { .. } | Type::Double => Definition::pattern(r"\{[1-9],[1-9][0-9]\}"),
            Type::Boolean => Definition::pattern(r"\{(t|f),(t|f)\}"),
            Type::Enum(values) if !values.is_empty() => {
                let element = |value: &String| format!("{{\"{}\"}}", value.replace('\\', "\\\\").replace('"', "\\\""));
                Definition::choice(&values.iter().map(element).collect::<Vec<_>>())
            }
            _ if self.column(column).nullable => Definition::expr("'{}'").note("an empty array"),
            _ => Definition::expr("'{}'").note("an empty array"),
        }
        .note("an array is a text here")
    }
}

/// A name in an expression, in quotes where SQL has the word for itself.
pub(super) fn identifier(name: &str) -> String {
    let word = sqlparser::keywords::ALL_KEYWORDS.binary_search(&name.to_ascii_uppercase().as_str()).is_ok();
    let own = ["row", "ordinal", "siblings", "as_of", "group_key"].contains(&name);
    if word || own { format!("\"{name}\"") } else { key(name) }
}

fn text_of(value: &Literal) -> String {
    match value {
        Literal::Number(text) | Literal::Text(text) => text.clone(),
        Literal::Boolean(value) => value.to_string(),
        Literal::Now => String::new(),
    }
}

fn boolean(text: &str) -> String {
    match text.to_ascii_lowercase().as_str() {
        "1" | "t" | "true" | "y" | "yes" => "true".to_owned(),
        _ => "false".to_owned(),
    }
}

/// The type of a profile that a column is cast to. `None` where it is text.
pub(super) fn cast(ty: &Type) -> Option<String> {
    Some(match ty {
        Type::Integer { .. } => "bigint".to_owned(),
        Type::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
        Type::Double => "double".to_owned(),
        Type::Boolean => "boolean".to_owned(),
        Type::Date => "date".to_owned(),
        Type::Timestamp => "timestamp".to_owned(),
        _ => return None,
    })
}

/// A constant text in an expression.
fn constant(text: &str) -> String {
    sql(text)
}
