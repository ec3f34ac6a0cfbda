//! The leaves of a profile: expressions, scalars, generator calls, and the two that may be either.

use std::sync::Arc;

use super::Message;
use std::fmt;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};

/// An SQL expression, or a number, truth value or date, which is one too.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Expr(pub String);

/// A number, truth value, text or date, as written.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// An integer.
    Integer(i64),
    /// A number with a point; its text keeps the digits that were written.
    Number(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// Any other text.
    Text(String),
    /// A date, `2025-06-30`.
    Date(String),
}

impl Scalar {
    /// The kind of value in words: numbers with and without a point are one kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Scalar::Integer(_) | Scalar::Number(_) => "a number",
            Scalar::Boolean(_) => "a truth value",
            Scalar::Text(_) => "text",
            Scalar::Date(_) => "a date",
        }
    }

    /// The scalar as an SQL literal.
    #[must_use]
    pub fn to_sql(&self) -> String {
        match self {
            Scalar::Integer(n) => n.to_string(),
            Scalar::Number(x) => format!("{x:?}"),
            Scalar::Boolean(b) => b.to_string(),
            Scalar::Text(text) => format!("'{}'", text.replace('\'', "''")),
            Scalar::Date(date) => format!("DATE '{date}'"),
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Integer(n) => n.fmt(f),
            Scalar::Number(x) => x.fmt(f),
            Scalar::Boolean(b) => b.fmt(f),
            Scalar::Text(text) | Scalar::Date(text) => text.fmt(f),
        }
    }
}

/// A generator and its parameters, not yet read: `gen.uuid = {}`, or `gen = "uuid"` where none are needed.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The generator's name.
    pub name: String,
    /// Its parameters.
    pub args: toml::Table,
}

/// An expression or a generator.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An SQL expression.
    Expr(Expr),
    /// A generator.
    Gen(Call),
}

/// The source of a column's values.
#[derive(Debug, Clone, PartialEq)]
pub enum Definition {
    /// An SQL expression.
    Expr(Expr),
    /// A generator.
    Gen(Call),
    /// A map from the values of an expression.
    Lookup(Lookup),
    /// The text of a message: only of the tables that templates add.
    Template(Arc<Message>),
}

/// A map from the values of an expression to constants.
#[derive(Debug, Clone, PartialEq)]
pub struct Lookup {
    /// The expression whose value is looked up.
    pub by: Expr,
    /// The constants, by the text of the value that they belong to.
    pub values: IndexMap<String, Scalar>,
    /// The constant for every other value; `None` gives null.
    pub default: Option<Scalar>,
}

/// The name of one table, or of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(pub Vec<String>);

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a table, or a list of names")
    }

    fn visit_str<E>(self, name: &str) -> Result<Names, E> {
        Ok(Names(vec![name.to_owned()]))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Names, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = seq.next_element::<String>()? {
            if names.contains(&name) {
                return Err(de::Error::custom(format!("`{name}` is named twice")));
            }
            names.push(name);
        }
        if names.is_empty() { Err(de::Error::custom("at least one name is needed")) } else { Ok(Names(names)) }
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamesVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a text, a date, `true` or `false`")
    }

    fn visit_i64<E>(self, n: i64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(n))
    }

    fn visit_f64<E: de::Error>(self, x: f64) -> Result<Scalar, E> {
        if x.is_finite() { Ok(Scalar::Number(x)) } else { Err(E::custom("a number must be finite")) }
    }

    fn visit_bool<E>(self, b: bool) -> Result<Scalar, E> {
        Ok(Scalar::Boolean(b))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Scalar, A::Error> {
        let date = toml::value::Datetime::deserialize(MapAccessDeserializer::new(map))?;
        match (date.date, date.time) {
            (Some(date), None) => Ok(Scalar::Date(date.to_string())),
            _ => Err(de::Error::custom("a date without a time is meant, such as 2025-06-30")),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

impl<'de> Deserialize<'de> for Expr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Scalar::deserialize(deserializer)? {
            // A date in a generator's parameters arrives as its text, which SQL would read as a subtraction.
            Scalar::Text(date) if date.len() == 10 && date.parse::<jiff::civil::Date>().is_ok() => {
                Expr(Scalar::Date(date).to_sql())
            }
            Scalar::Text(sql) => Expr(sql),
            scalar => Expr(scalar.to_sql()),
        })
    }
}

struct CallVisitor;

impl<'de> Visitor<'de> for CallVisitor {
    type Value = Call;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one generator, such as `gen.uuid = {}`")
    }

    fn visit_str<E>(self, name: &str) -> Result<Call, E> {
        Ok(Call { name: name.to_owned(), args: toml::Table::new() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Call, A::Error> {
        let Some((name, args)) = map.next_entry::<String, toml::Table>()? else {
            return Err(de::Error::custom("a generator's name is missing, as in `gen.uuid = {}`"));
        };
        match map.next_key::<String>()? {
            None => Ok(Call { name, args }),
            Some(other) => {
                Err(de::Error::custom(format!("two generators, `{name}` and `{other}`, where one is meant")))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Call {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CallVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, an SQL expression, or one generator such as `poisson.mean = 3.1`")
    }

    fn visit_i64<E: de::Error>(self, n: i64) -> Result<Value, E> {
        ScalarVisitor.visit_i64(n).map(|scalar: Scalar| Value::Expr(Expr(scalar.to_sql())))
    }

    fn visit_f64<E: de::Error>(self, x: f64) -> Result<Value, E> {
        ScalarVisitor.visit_f64(x).map(|scalar: Scalar| Value::Expr(Expr(scalar.to_sql())))
    }

    fn visit_str<E>(self, sql: &str) -> Result<Value, E> {
        Ok(Value::Expr(Expr(sql.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        CallVisitor.visit_map(map).map(Value::Gen)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

impl JsonSchema for Expr {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Expr".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An SQL expression over the columns in sight, or a number, truth value or date.",
            "type": ["string", "number", "boolean"],
        })
    }
}

impl JsonSchema for Names {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Names".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The name of a table, or of several.",
            "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }],
        })
    }
}

impl JsonSchema for Scalar {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "A number, text, truth value or date.", "type": ["string", "number", "boolean"] })
    }
}

impl JsonSchema for Call {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Generator".into()
    }

    /// A place-holder: `placebo schema` puts the registry's generators here.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "One generator with its parameters." })
    }
}

impl JsonSchema for Value {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (expr, call) = (generator.subschema_for::<Expr>(), generator.subschema_for::<Call>());
        json_schema!({ "anyOf": [expr, call] })
    }
}
