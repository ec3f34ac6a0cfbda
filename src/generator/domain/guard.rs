//! The values that parameters have in the rows of a fill, held to their domains.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, PrimitiveArray};
use arrow_schema::DataType;

use super::{Domain, Rule, number};
use crate::arrays::{Texts, texts};
use crate::error::{Error, Result};
use crate::generator::time::{show_day, show_instant};
use crate::generator::{Fill, Slot};

/// A parameter as it was given: its values, and its text in the profile.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    /// The path within the call.
    pub field: String,
    /// The values.
    pub slot: Slot,
    /// The text in the profile.
    pub written: String,
}

/// A domain with the values that are held to it.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    domain: Domain,
    own: Given,
    /// The other parameter of an order.
    other: Option<Given>,
    /// The path of the parameter in the profile.
    path: String,
    /// How many decimals the values have.
    scale: u8,
}

impl Guard {
    /// Holds a parameter to a domain; a constant is checked at once.
    ///
    /// # Errors
    /// A constant that is not in the domain, at `path`.
    pub(crate) fn plan(
        domain: Domain,
        own: Given,
        other: Option<Given>,
        path: String,
        scale: u8,
    ) -> Result<Option<Self>> {
        let constant = |given: &Given| matches!(given.slot, Slot::Const(_));
        let fixed = constant(&own) && other.as_ref().is_none_or(constant);
        let guard = Self { domain, own, other, path, scale };
        if !fixed {
            return Ok(Some(guard));
        }
        let (own, other) = (guard.own.values(&[]), guard.other.as_ref().map(|given| given.values(&[])));
        if !guard.holds(&own, other.as_ref(), 0) {
            return Err(guard.error(&own, other.as_ref(), 0));
        }
        Ok(None)
    }

    /// Checks the rows of a fill.
    ///
    /// # Errors
    /// The first row whose value is not in the domain, with its place in the fill.
    pub(crate) fn check(&self, fill: &Fill<'_>) -> Result<()> {
        let (own, other) = (self.own.values(fill.inputs), self.other.as_ref().map(|given| given.values(fill.inputs)));
        let wrong = (0..fill.len()).find(|i| !self.holds(&own, other.as_ref(), *i) && fill.wants(*i));
        wrong.map_or(Ok(()), |i| Err(self.error(&own, other.as_ref(), i).in_row(i)))
    }

    fn holds(&self, own: &Values<'_>, other: Option<&Values<'_>>, i: usize) -> bool {
        match self.domain.rule {
            Rule::Number { low, high, open } => match own {
                Values::Integer(array) => value(array, i).is_none_or(|n| {
                    let n = i128::from(n);
                    let (low, high) = (low.ceil() as i128, high.floor() as i128);
                    (if open.0 { n > low } else { n >= low }) && (if open.1 { n < high } else { n <= high })
                }),
                Values::Float(array) => value(array, i).is_none_or(|x| {
                    (if open.0 { x > low } else { x >= low }) && (if open.1 { x < high } else { x <= high })
                }),
                _ => true,
            },
            Rule::UpTo { .. } => match (own, other) {
                (Values::Integer(a), Some(Values::Integer(b))) => ordered(value(a, i), value(b, i)),
                (Values::Float(a), Some(Values::Float(b))) => ordered(value(a, i), value(b, i)),
                (Values::Day(a), Some(Values::Day(b))) => ordered(value(a, i), value(b, i)),
                (Values::Instant(a), Some(Values::Instant(b))) => ordered(value(a, i), value(b, i)),
                _ => true,
            },
            Rule::Text { fits, .. } => match own {
                Values::Text(texts, constant) => texts.at(if *constant { 0 } else { i }).is_none_or(fits),
                _ => true,
            },
        }
    }

    fn error(&self, own: &Values<'_>, other: Option<&Values<'_>>, i: usize) -> Error {
        let own = self.own.describe(own, i, self.scale, " is ");
        let message = match (&self.other, other) {
            (Some(given), Some(values)) => {
                format!("{own}: it must not be above {}", given.describe(values, i, self.scale, ", which is "))
            }
            _ => format!("{own}: it must be {}", self.domain),
        };
        Error::profile(&self.path, message)
    }
}

fn ordered<T: PartialOrd>(low: Option<T>, high: Option<T>) -> bool {
    low.zip(high).is_none_or(|(low, high)| low <= high)
}

/// A value; a constant has one for all rows.
fn value<T: arrow_array::ArrowPrimitiveType>(array: &PrimitiveArray<T>, i: usize) -> Option<T::Native> {
    let i = if array.len() == 1 { 0 } else { i };
    (i < array.len() && !array.is_null(i)).then(|| array.value(i))
}

/// The values of a parameter by their type.
enum Values<'a> {
    Integer(&'a PrimitiveArray<Int64Type>),
    Float(&'a PrimitiveArray<Float64Type>),
    Day(&'a PrimitiveArray<Date32Type>),
    Instant(&'a PrimitiveArray<TimestampMicrosecondType>),
    /// Texts, and whether there is one for all rows.
    Text(Texts<'a>, bool),
    Other,
}

impl Given {
    fn values<'a>(&'a self, inputs: &'a [ArrayRef]) -> Values<'a> {
        let (array, constant) = match &self.slot {
            Slot::Const(array) => (array, true),
            Slot::Input(index) => match inputs.get(*index) {
                Some(array) => (array, false),
                None => return Values::Other,
            },
        };
        match array.data_type() {
            DataType::Int64 => Values::Integer(array.as_primitive()),
            DataType::Float64 => Values::Float(array.as_primitive()),
            DataType::Date32 => Values::Day(array.as_primitive()),
            DataType::Timestamp(..) => Values::Instant(array.as_primitive()),
            DataType::Utf8 | DataType::Dictionary(..) => Values::Text(texts(array), constant),
            _ => Values::Other,
        }
    }

    /// `` `sd = x - 5` is -3``, or `` `sd = -3` `` where the text is the value.
    fn describe(&self, values: &Values<'_>, i: usize, scale: u8, is: &str) -> String {
        let shown: Option<String> = match values {
            Values::Integer(array) => value(array, i).map(|n| decimal(n, scale)),
            Values::Float(array) => value(array, i).map(number),
            Values::Day(array) => value(array, i).map(show_day),
            Values::Instant(array) => value(array, i).map(show_instant),
            Values::Text(texts, constant) => texts.at(if *constant { 0 } else { i }).map(|text| format!("`{text}`")),
            Values::Other => None,
        };
        let own = format!("`{} = {}`", self.field, self.written);
        match shown {
            Some(shown) if !same(&self.written, &shown) => format!("{own}{is}{shown}"),
            _ => own,
        }
    }
}

/// Whether a text in a profile says a value literally.
fn same(written: &str, shown: &str) -> bool {
    let plain = |text: &str| {
        let text = text.strip_prefix("DATE ").or_else(|| text.strip_prefix("TIMESTAMP ")).unwrap_or(text);
        text.trim_matches(|c| matches!(c, '\'' | '"' | '`')).replace('_', "")
    };
    let (written, shown) = (plain(written), plain(shown));
    written == shown
        || shown.strip_suffix("T00:00:00Z").is_some_and(|day| day == written)
        || written.parse::<f64>().ok().zip(shown.parse::<f64>().ok()).is_some_and(|(a, b)| a == b)
}

/// A number counted in its last digit, with its point.
fn decimal(n: i64, scale: u8) -> String {
    if scale == 0 {
        return n.to_string();
    }
    let unit = 10_u64.pow(u32::from(scale.min(18)));
    let (sign, n) = (if n < 0 { "-" } else { "" }, n.unsigned_abs());
    format!("{sign}{}.{:0width$}", n / unit, n % unit, width = usize::from(scale))
}
