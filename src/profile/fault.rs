//! Faults: what a run may get wrong on purpose, as data of a profile.
//!
//! A fault names the rows that it may happen to, one operator that changes what is sent of such a row, and what a correct system then
//! does. The rows of the world stay as they are: a fault is a view of them.

use std::fmt;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::Expr;

/// A fault that a run may make: `--faults` asks for it.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The fault in one sentence.
    pub about: String,
    /// The class, such as `duplicate`, which says what a correct system does: `placebo list outcomes` shows them.
    pub class: String,
    /// The table whose rows it happens to.
    pub table: String,
    /// A condition over the columns of that table: only rows for which it is true may be cases.
    #[serde(default)]
    pub r#where: Option<Expr>,
    /// The operator.
    pub r#do: Operator,
    /// The rules that a case breaks, all of them and no others: ids of checks, `key`, `unique`, `foreign key`, `null`, `type`; a
    /// rule of another table as `ID@TABLE`. Empty for what no rule of the data set sees, such as a second row under another key.
    pub breaks: Vec<String>,
    /// Rules that some cases break and others do not, named as in `breaks`.
    #[serde(default)]
    pub may_break: Vec<String>,
    /// The answer of a correct system, where it is not that of the class.
    #[serde(default)]
    pub expect: Expect,
    /// The reach of a refusal: `tree`, the row and all below it, or `row`; by default `tree`.
    #[serde(default)]
    pub scope: Scope,
}

/// A change of a row on its way out: one of these.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Operator {
    /// Gives columns other values: SQL over the columns of the row as it was, or `{ absent = "table.column" }`.
    Set(IndexMap<String, SetTo>),
    /// Sends the row again, right behind it.
    Repeat(Repeat),
    /// Does not send the row.
    Drop(DropRows),
    /// Exchanges values with the next row of the same parent.
    Swap(Swap),
    /// Damages the text of a column.
    Damage(Damage),
    /// Damages an encrypted cell, or sends it in the clear: only of runs that encrypt the column.
    Seal(Seal),
}

/// The value that a fault gives to a column.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub enum SetTo {
    /// An expression over the columns of the row as it was.
    Expr(Expr),
    /// A value that the column `table.column` has in no row, of the right form.
    Absent(String),
}

/// The operator `repeat`.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// The number of copies behind the row, 1 to 100; by default 1.
    #[serde(default = "one")]
    pub times: u32,
    /// Columns whose values differ in the copies.
    #[serde(default)]
    pub set: IndexMap<String, SetTo>,
}

/// The operator `drop`.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropRows {
    /// `true` drops the rows below it too; by default they stay, without their parent.
    #[serde(default)]
    pub tree: bool,
}

/// The operator `swap`.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Swap {
    /// The columns whose values are exchanged.
    pub columns: Vec<String>,
}

/// The operator `damage`.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Damage {
    /// The column, of texts.
    pub column: String,
    /// The kind of damage.
    pub how: DamageKind,
}

/// A kind of damage to a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DamageKind {
    /// One digit is another: check digits such as Luhn's and modulo 97 always see that.
    CheckDigit,
    /// One letter is another.
    Typo,
    /// Two neighbouring characters that differ are exchanged.
    Transpose,
    /// The second half is missing.
    Truncate,
    /// It is repeated until it has more than 300 characters.
    TooLong,
    /// No characters.
    Empty,
    /// Spaces before and behind.
    Spaces,
    /// Upper case where it was lower, and the other way round.
    Case,
    /// Vowels get an accent.
    Accents,
    /// Letters with accents as they look when UTF-8 is read as Latin-1.
    Mojibake,
    /// A byte 0 in the middle.
    Nul,
    /// A mark that turns the direction of writing.
    Bidi,
    /// A line break in the middle.
    Newline,
    /// A byte order mark before it.
    Bom,
    /// A Latin letter becomes a Cyrillic one that looks alike.
    Homoglyph,
    /// A delimiter of the trade's messages in the middle: `|^~*&<,"`.
    Delimiter,
}

/// The operator `seal`.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// The column, which the run encrypts.
    pub column: String,
    /// The damage to the cell.
    pub how: SealKind,
}

/// A kind of damage to an encrypted cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SealKind {
    /// One bit is another.
    Flip,
    /// The end, with the tag, is missing.
    Cut,
    /// The cell of another row.
    Move,
    /// The value in the clear, where a ciphertext should be.
    Clear,
}

/// The reach of a refusal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The row and all rows below it.
    #[default]
    Tree,
    /// The row alone.
    Row,
}

/// The answer of a correct system to a fault, where it is not that of the class.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The action: `accept`, `reject`, `once`, `repair`, `hold`, `flag`, `deny`, `alert` or `ignore`.
    #[serde(default)]
    pub decision: Option<String>,
    /// The codes of an answer by dialect, such as `http = ["409"]`, the most fitting first.
    #[serde(default)]
    pub codes: IndexMap<String, Vec<String>>,
}

/// The amount of cases of a fault: a number with a point is a rate for each row that qualifies, one without is an exact count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// The share of the rows that qualify, above 0, at most 1.
    Rate(f64),
    /// So many cases in the whole data set.
    Count(u64),
}

/// The most cases of a fault that are counted: each is placed before the first row is written.
const MOST: u64 = 100_000;

impl Amount {
    /// Reads `5` or `0.001`. The error says what is expected.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if let Ok(count) = text.parse::<u64>() {
            return match count {
                0..=MOST => Ok(Self::Count(count)),
                _ => Err(format!("at most {MOST} cases are counted; give a rate such as 0.01")),
            };
        }
        match text.parse::<f64>() {
            Ok(rate) if rate > 0.0 && rate <= 1.0 => Ok(Self::Rate(rate)),
            _ => Err("expected a count such as 5, or a rate such as 0.001, above 0 and at most 1.0".to_owned()),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Amount::Rate(rate) => write!(f, "{rate:?}"),
            Amount::Count(count) => count.fmt(f),
        }
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a count such as 5, or a rate such as 0.001")
    }

    fn visit_i64<E: de::Error>(self, count: i64) -> Result<Amount, E> {
        Amount::parse(&count.to_string()).map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, rate: f64) -> Result<Amount, E> {
        Amount::parse(&format!("{rate:?}")).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

impl JsonSchema for Amount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An exact count of cases, such as 5, or a rate for each row that qualifies, such as 0.001.",
            "type": "number",
            "exclusiveMinimum": 0,
        })
    }
}

fn one() -> u32 {
    1
}

struct SetToVisitor;

impl<'de> Visitor<'de> for SetToVisitor {
    type Value = SetTo;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an expression, or `{ absent = \"table.column\" }`")
    }

    fn visit_str<E>(self, text: &str) -> Result<SetTo, E> {
        Ok(SetTo::Expr(Expr(text.to_owned())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<SetTo, E> {
        Ok(SetTo::Expr(Expr(number.to_string())))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<SetTo, E> {
        Ok(SetTo::Expr(Expr(truth.to_string())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SetTo, A::Error> {
        let mut absent = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "absent" if absent.is_none() => absent = Some(map.next_value()?),
                _ => return Err(de::Error::unknown_field(&key, &["absent"])),
            }
        }
        absent.map(SetTo::Absent).ok_or_else(|| de::Error::missing_field("absent"))
    }
}

impl<'de> Deserialize<'de> for SetTo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SetToVisitor)
    }
}

impl JsonSchema for SetTo {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SetTo".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let expr = generator.subschema_for::<Expr>();
        json_schema!({
            "description": "The value that a fault gives to a column.",
            "anyOf": [
                expr,
                {
                    "description": "A value that the column `table.column` has in no row, of the right form: that of a row behind the last one. The table has a fixed number of rows.",
                    "type": "object",
                    "properties": { "absent": { "type": "string" } },
                    "required": ["absent"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}
