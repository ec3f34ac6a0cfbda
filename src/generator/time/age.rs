//! Birth dates with the age distribution of a population.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use indexmap::IndexMap;
use jiff::ToSpan;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{EPOCH, show_day};
use crate::error::{Error, Kind, Result};
use crate::generator::record::{NoneLeft, Order, Picker, in_field};
use crate::generator::{Fill, Generator, Missing, Operand, Origin, Params, Scope};
use crate::profile::Expr;
use crate::rng::Cell;

/// A birth date with the age distribution of a population: a random age band of a data file, then a random day within
/// it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AgePyramid {
    /// The data file, with one record for each age band.
    file: String,
    /// The file's integer column with the band's least age in completed years.
    from: String,
    /// The file's integer column with the band's greatest age in completed years.
    to: String,
    /// The file's column of weights; without it, all bands are equally likely.
    #[serde(default)]
    weight: Option<String>,
    /// Columns of the file that must equal expressions of this row: `match.sex = "sex"`.
    #[serde(default)]
    r#match: IndexMap<String, Expr>,
    /// The day on which the person is that old.
    at: Expr,
    /// The value where no record matches: `none`, which is null.
    #[serde(default)]
    fallback: Option<NoneLeft>,
}

impl Params for AgePyramid {
    const NAME: &'static str = "age_pyramid";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "file = \"age_pyramid.csv\"\nfrom = \"age_from\"\nto = \"age_to\"\n\
                                   weight = \"weight\"\nat = \"DATE '2025-06-30'\"";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let data = scope.data("file", &self.file)?;
        let ages = |field: &str, column: &str| {
            let ages = data.column(column).map_err(|error| in_field(scope, field, &error))?;
            match ages.as_primitive_opt::<Int64Type>() {
                Some(ages) if ages.null_count() == 0 => Ok(ages.values().to_vec()),
                _ => Err(scope
                    .error(field, format!("column `{column}` must have an integer in every record"))
                    .hint("give the type in the file's header, as in `age_from:int`")),
            }
        };
        let bands: Vec<(i64, i64)> = ages("from", &self.from)?.into_iter().zip(ages("to", &self.to)?).collect();
        if let Some((low, high)) = bands.iter().find(|(low, high)| !(0..=150).contains(high) || *low < 0 || low > high)
        {
            return Err(scope.error("to", format!("an age band from {low} to {high} years is not possible")));
        }
        let at = Operand::plan(scope, "at", &self.at)?;
        let picker = Picker::plan(scope, data, self.weight.as_deref(), &self.r#match, Order::Random)?;
        let picker = if self.fallback.is_some() { picker.optional() } else { picker };
        Ok(Box::new(Pyramid { picker, bands, at }))
    }
}

struct Pyramid {
    picker: Picker,
    bands: Vec<(i64, i64)>,
    at: Operand<Date32Type>,
}

/// Gives the last day of birth of someone who is `age` years old on the day `at`. A person born on 29 February becomes
/// a year older on 1 March.
fn latest_birth(at: Date, age: i64) -> Option<i64> {
    let day = at.checked_sub(age.years()).ok()?;
    i64::from(day.since((jiff::Unit::Day, EPOCH)).ok()?.get_days()).into()
}

impl Generator for Pyramid {
    fn data_type(&self) -> DataType {
        DataType::Date32
    }

    fn nullable(&self) -> bool {
        self.picker.nullable()
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let (at, picks) = (self.at.view(fill), self.picker.view(fill));
        let birth = |at: i32, (low, high): (i64, i64), cell: &mut Cell| {
            let at = EPOCH.checked_add(i64::from(at).days()).ok()?;
            Some(cell.between(latest_birth(at, high + 1)? + 1, latest_birth(at, low)?) as i32)
        };
        let day = |i: usize, mut cell: Cell| match (at.at(i), picks.draw(i, &mut cell)) {
            (Some(at), Some(record)) => birth(at, self.bands[record], &mut cell).map(Some).ok_or(Missing),
            (Some(_), None) if picks.whole(i) && !self.picker.is_optional() => Err(Missing),
            _ => Ok(None),
        };
        let why = |i: usize| match picks.draw(i, &mut fill.cell(i)) {
            None => self.picker.no_match(fill, i),
            Some(_) => {
                let at = at.at(i).map_or_else(String::new, show_day);
                Error::new(Kind::Profile, format!("the births of an age band at {at} are out of the range of dates"))
            }
        };
        Ok(Arc::new(fill.attempt::<Date32Type>(day, why)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::testing::Bed;

    #[test]
    fn ages_lie_in_their_band_on_the_day() {
        let bed = Bed::root(5_000).file("bands.csv", "a:int,b:int,sex,w:float\n0,0,F,1\n18,20,F,1\n85,99,M,1\n");
        for at in ["2024-02-29", "2025-02-28", "2025-03-01", "2025-12-31"] {
            let toml = format!(
                "file = \"bands.csv\"\nfrom = \"a\"\nto = \"b\"\nweight = \"w\"\nmatch.sex = \"'F'\"\nat = \"DATE '{at}'\""
            );
            let column = bed.fill("age_pyramid", &toml).expect("a column");
            let at: Date = at.parse().expect("a date");
            let mut ages = std::collections::BTreeSet::new();
            for day in column.as_primitive::<Date32Type>().values() {
                let birth: Date = show_day(*day).parse().expect("a date");
                let early = (at.month(), at.day()) < (birth.month(), birth.day());
                ages.insert(at.year() - birth.year() - i16::from(early));
            }
            assert_eq!(ages.into_iter().collect::<Vec<_>>(), [0, 18, 19, 20], "{at}");
        }
    }
}
