//! Columns, intermediate values and checks: written as a table of keys, or as a bare expression.

use std::fmt;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};

use super::value::Scalar;
use super::{Call, Check, CheckKeys, Column, ColumnKeys, Definition, Expr, Let, LetKeys, Lookup, Verdict};

/// Something that is written as a bare expression or as a table of keys.
trait Shorthand: Sized {
    /// The table of keys.
    type Keys: DeserializeOwned;
    /// The expected form, for messages.
    const EXPECTING: &'static str;

    fn from_expr(expr: Expr) -> Self;

    fn from_keys<E: de::Error>(keys: Self::Keys) -> Result<Self, E>;
}

struct ShorthandVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Shorthand> Visitor<'de> for ShorthandVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTING)
    }

    fn visit_i64<E>(self, n: i64) -> Result<T, E> {
        Ok(T::from_expr(Expr(n.to_string())))
    }

    fn visit_str<E>(self, sql: &str) -> Result<T, E> {
        Ok(T::from_expr(Expr(sql.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::from_keys(T::Keys::deserialize(MapAccessDeserializer::new(map))?)
    }
}

fn shorthand<'de, T: Shorthand, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(ShorthandVisitor(std::marker::PhantomData))
}

/// Takes the one definition out of the keys that may give it; `what` names the thing in messages.
fn definition<E: de::Error>(
    what: &str,
    expr: Option<Expr>,
    call: Option<Call>,
    values: IndexMap<String, Scalar>,
    by: Option<Expr>,
    default: Option<Scalar>,
) -> Result<Definition, E> {
    let given: Vec<&str> = [("expr", expr.is_some()), ("gen", call.is_some()), ("lookup", !values.is_empty())]
        .iter()
        .filter_map(|(key, given)| given.then_some(*key))
        .collect();
    if let [one, other, ..] = given.as_slice() {
        return Err(de::Error::custom(format!("{what} has `{one}` or `{other}`, not both")));
    }
    if values.is_empty() && (by.is_some() || default.is_some()) {
        return Err(de::Error::custom("`by` and `default` belong to a `lookup`, a map with at least one entry"));
    }
    match (expr, call, by) {
        (Some(expr), _, _) => Ok(Definition::Expr(expr)),
        (_, Some(call), _) => Ok(Definition::Gen(call)),
        (_, _, Some(by)) => Ok(Definition::Lookup(Lookup { by, values, default })),
        _ if !values.is_empty() => {
            Err(de::Error::custom("a `lookup` needs `by`, the expression whose value is looked up"))
        }
        _ => Err(de::Error::custom(format!("{what} needs `expr`, `gen` or `lookup`"))),
    }
}

impl Shorthand for Column {
    type Keys = ColumnKeys;
    const EXPECTING: &'static str = "an SQL expression, or a table with `expr`, `gen` or `lookup`";

    fn from_expr(expr: Expr) -> Self {
        Column { definition: Definition::Expr(expr), rest: ColumnKeys::default() }
    }

    fn from_keys<E: de::Error>(mut rest: ColumnKeys) -> Result<Self, E> {
        let values = std::mem::take(&mut rest.lookup);
        let (by, default) = (rest.by.take(), rest.default.take());
        let definition = definition("a column", rest.expr.take(), rest.r#gen.take(), values, by, default)?;
        Ok(Column { definition, rest })
    }
}

impl Shorthand for Let {
    type Keys = LetKeys;
    const EXPECTING: &'static str = "an SQL expression, or a table with `expr`, `gen` or `lookup`";

    fn from_expr(expr: Expr) -> Self {
        Let { definition: Definition::Expr(expr), rest: LetKeys::default() }
    }

    fn from_keys<E: de::Error>(mut rest: LetKeys) -> Result<Self, E> {
        let values = std::mem::take(&mut rest.lookup);
        let (by, default) = (rest.by.take(), rest.default.take());
        let definition = definition("a value", rest.expr.take(), rest.r#gen.take(), values, by, default)?;
        Ok(Let { definition, rest })
    }
}

impl Shorthand for Check {
    type Keys = CheckKeys;
    const EXPECTING: &'static str = "an SQL predicate, or a table with `about`, `that` and perhaps `null`";

    fn from_expr(expr: Expr) -> Self {
        Check { about: String::new(), that: expr, null: Verdict::default() }
    }

    fn from_keys<E: de::Error>(CheckKeys { about, that, null }: CheckKeys) -> Result<Self, E> {
        Ok(Check { about, that, null })
    }
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shorthand(deserializer)
    }
}

impl<'de> Deserialize<'de> for Let {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shorthand(deserializer)
    }
}

impl<'de> Deserialize<'de> for Check {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shorthand(deserializer)
    }
}

fn schema<K: JsonSchema>(generator: &mut SchemaGenerator, description: &str) -> Schema {
    let (expr, keys) = (generator.subschema_for::<Expr>(), generator.subschema_for::<K>());
    json_schema!({ "description": description, "anyOf": [expr, keys] })
}

impl JsonSchema for Column {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Column".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        schema::<ColumnKeys>(generator, "An SQL expression, or a table of keys.")
    }
}

impl JsonSchema for Let {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Let".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        schema::<LetKeys>(generator, "An SQL expression, or a table of keys.")
    }
}

impl JsonSchema for Check {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Check".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        schema::<CheckKeys>(generator, "An SQL predicate, or a table with `about`, `that` and perhaps `null`.")
    }
}
