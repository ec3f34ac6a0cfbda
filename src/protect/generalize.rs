//! `generalize`: dates, ages and postal codes made as coarse as 45 CFR 164.514(b)(2)(i) asks.
//!
//! Dates become years, and ages from 90 on become 90. A year that tells of such an age, whatever its date is called, becomes
//! the year 90 years before the data set's end. Postal codes keep their first three digits, or become `000` where
//! fewer than 20,000 people live in such an area.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, Int64Array};
use arrow_schema::{DataType, Field};

use super::texts::Texts;
use super::{Domain, Handling, Protect, Rows, Subject};
use crate::error::{Error, Result};
use crate::kinds::{Generalization, Kind, Remains};
use crate::sql::civil;

/// The handling whose ages count from a day.
pub(crate) const OF_A_DAY: &str = "generalize";

pub(super) static GENERALIZE: Handling = Handling {
    name: OF_A_DAY,
    about: "dates to years, ages from 90 on to 90, postal codes to three digits (45 CFR 164.514(b)(2))",
    keyed: false,
    leaves: Remains::Coarse,
    domain: Domain::None,
    joins: false,
    accepts: |field, kind| rule(field, kind).map(|_| ()),
    make: |subject| Ok(Box::new(Generalize::new(subject)?)),
};

/// Postal codes whose first three digits are home to 20,000 people or fewer: HHS, Guidance on de-identification, after the
/// 2000 Census.
const FEW: [&str; 17] = [
    "036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878", "879", "884", "890",
    "893",
];

/// The age that stands for all greater ones.
const OLD: i64 = 90;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

enum Generalize {
    /// The year, at least this one.
    Year(i64),
    Age,
    Zip,
}

/// The rule of a column's kind.
///
/// # Errors
///
/// If the kind has none, or none that the type allows.
fn rule(field: &Field, kind: Option<&Kind>) -> Result<Generalization> {
    let rule = kind.and_then(|kind| kind.generalize).filter(|rule| rule.takes(field.data_type()));
    rule.ok_or_else(|| {
        Error::profile("", format!("PII-041: `{}` cannot be generalised", field.name()))
            .hint("dates, ages and postal codes can; null takes the value away")
    })
}

impl Generalize {
    fn new(subject: &Subject<'_>) -> Result<Self> {
        Ok(match rule(subject.field, subject.kind)? {
            Generalization::Year => Self::Year(year(subject.run.as_of) - OLD),
            Generalization::Age => Self::Age,
            Generalization::Zip3 => Self::Zip,
        })
    }
}

fn year(days: i32) -> i64 {
    civil::date_text(days).split('-').next().and_then(|year| year.parse().ok()).unwrap_or_default()
}

impl Protect for Generalize {
    fn data_type(&self, _: &DataType) -> DataType {
        match self {
            Generalize::Year(_) | Generalize::Age => DataType::Int64,
            Generalize::Zip => DataType::Utf8,
        }
    }

    fn apply(&self, clear: &ArrayRef, _: &Rows) -> Result<ArrayRef> {
        Ok(match self {
            Generalize::Year(least) => {
                let days: Vec<Option<i64>> = match clear.data_type() {
                    DataType::Date32 => clear.as_primitive::<Date32Type>().iter().map(|d| d.map(i64::from)).collect(),
                    _ => {
                        let instants = clear.as_primitive::<TimestampMicrosecondType>();
                        instants.iter().map(|t| t.map(|t| t.div_euclid(DAY))).collect()
                    }
                };
                let years = days.into_iter().map(|day| Some(year(i32::try_from(day?).ok()?).max(*least)));
                Arc::new(years.collect::<Int64Array>())
            }
            Generalize::Age => Arc::new(
                clear.as_primitive::<Int64Type>().iter().map(|age| age.map(|age| age.min(OLD))).collect::<Int64Array>(),
            ),
            Generalize::Zip => Texts::new(clear)?.map(|text, out| {
                let three: String = text.chars().take(3).collect();
                let known = three.len() == 3 && three.bytes().all(|digit| digit.is_ascii_digit());
                let shown = if known && !FEW.contains(&three.as_str()) { three.as_str() } else { "000" };
                out.extend_from_slice(shown.as_bytes());
                Ok(())
            })?,
        })
    }
}
