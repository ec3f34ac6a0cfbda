//! Choices: one of a few texts, `true` or `false`, and runs of rows with the same text.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type};
use arrow_array::{ArrayRef, BooleanArray, DictionaryArray, StringArray};
use arrow_schema::DataType;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::domain::{Domain, HUGE};
use super::operand::View;
use super::record::NoneLeft;
use super::{Def, Fill, Generator, Missing, Operand, Origin, Params, Scope};
use crate::error::{Error, Kind, Result};
use crate::profile::Expr;
use crate::rng::{Cell, Weighted};

/// The generators of this family.
pub(super) const DEFS: &[Def] = &[Def::of::<Choice>(), Def::of::<Truth>(), Def::of::<Strata>()];

/// Texts with their weights.
type TextWeights = IndexMap<String, Expr>;

/// A column or an expression, and weights by its values.
type WeightsBy = IndexMap<String, IndexMap<String, TextWeights>>;

/// One of a few texts. Give `weights`, or `weights_by` if they depend on another value, or `values` that are all equally
/// likely.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Choice {
    /// The texts with their weights: `weights = { card = 7, cash = "CASE WHEN amount < 50 THEN 3 ELSE 0 END" }`. A
    /// weight is a number or an expression, 0 or more. In a row where a weight is null, the value is null; a row in
    /// which all are 0 is an error, unless there is a `fallback`.
    #[serde(default)]
    weights: Option<TextWeights>,
    /// Weights that depend on the value of one column or expression:
    /// `weights_by.class = { EMER = { S = 6, R = 1 }, IMP = { R = 8, S = 1 } }`. A text that is missing in an entry has the
    /// weight 0 there. Rows with another value use `weights`; without it they are null.
    #[serde(default)]
    weights_by: Option<WeightsBy>,
    /// The texts, all equally likely.
    #[serde(default)]
    values: Option<Vec<String>>,
    /// The value where all weights are 0: `none`, which is null.
    #[serde(default)]
    fallback: Option<NoneLeft>,
}

impl Params for Choice {
    const NAME: &'static str = "choice";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "weights = { small = 3, medium = 5, large = 2 }";
    const DOMAINS: &'static [Domain] = &[Domain::number("weights.*", 0.0, HUGE)];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let (values, weights): (Vec<String>, Vec<Expr>) = match (self.weights, self.weights_by, self.values) {
            (Some(weights), None, None) => weights.into_iter().unzip(),
            (weights, Some(by), None) => by_value(scope, by, weights.unwrap_or_default())?,
            (None, None, Some(values)) => {
                let equal = values.iter().map(|_| Expr("1".to_owned())).collect();
                (values, equal)
            }
            _ => {
                let message =
                    "expected one of `weights`, `weights_by` and `values`; `weights_by` can have `weights` beside it";
                return Err(scope.error("", message.to_owned()));
            }
        };
        distinct(scope, &values)?;
        let weights = plan_weights(scope, &values, &weights)?;
        let values: ArrayRef = Arc::new(StringArray::from(values));
        Ok(Box::new(Pick { values, weights, optional: self.fallback.is_some() }))
    }
}

/// Writes weights that depend on a value as one expression for each text, in the order in which the texts are first named.
fn by_value(scope: &mut dyn Scope, by: WeightsBy, otherwise: TextWeights) -> Result<(Vec<String>, Vec<Expr>)> {
    let mut by = by.into_iter();
    let (Some((by, rows)), None) = (by.next(), by.next()) else {
        return Err(scope.error("weights_by", "expected one column, as in `weights_by.class = { … }`".to_owned()));
    };
    let field = format!("weights_by.{by}");
    if rows.is_empty() {
        return Err(scope.error(&field, "there are no weights".to_owned()));
    }
    let keys: Vec<&str> = rows.keys().map(String::as_str).collect();
    let literals = scope.literals(&field, &Expr(by.clone()), &keys)?;
    let mut texts: Vec<String> = otherwise.keys().cloned().collect();
    for text in rows.values().flat_map(IndexMap::keys) {
        if !texts.contains(text) {
            texts.push(text.clone());
        }
    }
    let zero = Expr("0".to_owned());
    let ladder = |text: &String| {
        let mut ladder = format!("CASE ({by})");
        for (literal, row) in literals.iter().zip(rows.values()) {
            ladder += &format!(" WHEN {literal} THEN ({})", row.get(text).unwrap_or(&zero).0);
        }
        if !otherwise.is_empty() {
            ladder += &format!(" ELSE ({})", otherwise.get(text).unwrap_or(&zero).0);
        }
        Expr(ladder + " END")
    };
    let weights = texts.iter().map(ladder).collect();
    Ok((texts, weights))
}

fn distinct(scope: &dyn Scope, values: &[String]) -> Result<()> {
    if values.is_empty() {
        return Err(scope.error("", "needs at least one text to choose from".to_owned()));
    }
    if let Some(formula) = values.iter().find(|value| crate::spreadsheet::is_formula(value)) {
        return Err(scope
            .error("", format!("the text `{}` would be a formula in a spreadsheet", formula.escape_debug()))
            .hint("an expression such as CASE may make it; `--csv-guard quote` then writes a `'` before it"));
    }
    let mut seen = std::collections::BTreeSet::new();
    match values.iter().find(|value| !seen.insert(*value)) {
        None => Ok(()),
        Some(twice) => Err(scope
            .error("values", format!("`{twice}` is listed twice"))
            .hint("use `weights` to make a text more likely")),
    }
}

fn plan_weights(scope: &mut dyn Scope, values: &[String], weights: &[Expr]) -> Result<Weights> {
    let mut operands: Vec<Operand<Float64Type>> = Vec::with_capacity(weights.len());
    for (value, weight) in values.iter().zip(weights) {
        let field = format!("weights.{value}");
        operands.push(Operand::plan(scope, &field, weight)?);
    }
    let constants: Option<Vec<f64>> = operands.iter().map(Operand::constant).collect();
    match constants.as_deref().map(|weights| (Weighted::new(weights), weights)) {
        None => Ok(Weights::Varying(operands)),
        Some((Some(fixed), _)) => Ok(Weights::Fixed(fixed)),
        // One that is out of its domain is the guards' to report.
        Some((None, weights)) if weights.iter().any(|weight| !(0.0..=HUGE).contains(weight)) => {
            Ok(Weights::Varying(operands))
        }
        Some((None, _)) => Err(scope.error("weights", "all weights are 0".to_owned())),
    }
}

enum Weights {
    Fixed(Weighted),
    Varying(Vec<Operand<Float64Type>>),
}

/// A choice among texts as keys into one dictionary that all batches share.
struct Pick {
    values: ArrayRef,
    weights: Weights,
    /// Whether a row in which all weights are 0 has no value; it is an error otherwise.
    optional: bool,
}

impl Generator for Pick {
    fn domain(&self) -> Option<Vec<String>> {
        let texts = self.values.as_string::<i32>();
        Some(texts.iter().flatten().map(str::to_owned).collect())
    }

    fn data_type(&self) -> DataType {
        DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
    }

    fn nullable(&self) -> bool {
        self.optional && matches!(self.weights, Weights::Varying(_))
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let keys = match &self.weights {
            Weights::Fixed(weights) => fill.primitive::<Int32Type>(|_, mut cell| weights.pick(&mut cell) as i32),
            Weights::Varying(operands) => {
                let views: Vec<_> = operands.iter().map(|operand| operand.view(fill)).collect();
                let known = |i: usize| views.iter().all(|view| view.at(i).is_some());
                let pick = |i: usize, mut cell: Cell| match by_weight(&views, i, &mut cell) {
                    None if known(i) && !self.optional => Err(Missing),
                    pick => Ok(pick.map(|pick| pick as i32)),
                };
                fill.attempt::<Int32Type>(pick, |_| {
                    Error::new(Kind::Profile, "all weights are 0")
                        .hint("`fallback = \"none\"` gives such a row no value; `when` leaves it out")
                })?
            }
        };
        Ok(Arc::new(DictionaryArray::try_new(keys, Arc::clone(&self.values))?))
    }
}

/// Chooses among weights that differ by row, with one random word. `None` if a weight is null or all are 0.
fn by_weight(views: &[View<'_, Float64Type>], i: usize, cell: &mut Cell) -> Option<usize> {
    let mut sum = 0.0;
    for view in views {
        sum += view.at(i).filter(|weight| weight.is_finite())?.max(0.0);
    }
    let mut left = cell.unit() * sum;
    let mut pick = None;
    for (k, view) in views.iter().enumerate() {
        let weight = view.at(i)?.max(0.0);
        if weight > 0.0 {
            // The last entry with a weight is taken if rounding leaves a remainder.
            pick = Some(k);
            if left < weight {
                break;
            }
            left -= weight;
        }
    }
    pick
}

/// `true` with a given probability, otherwise `false`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Truth {
    /// The probability, 0 to 1: a number or an expression. If it is null, so is the value.
    p: Expr,
}

impl Params for Truth {
    const NAME: &'static str = "boolean";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "p = 0.3";
    const DOMAINS: &'static [Domain] = &[Domain::number("p", 0.0, 1.0)];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        Ok(Box::new(Coin { p: Operand::plan(scope, "p", &self.p)? }))
    }
}

struct Coin {
    p: Operand<Float64Type>,
}

impl Generator for Coin {
    fn data_type(&self) -> DataType {
        DataType::Boolean
    }

    fn values(&self) -> Option<u64> {
        Some(2)
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let p = self.p.view(fill);
        let truths: BooleanArray = (0..fill.len()).map(|i| p.at(i).map(|p| fill.cell(i).chance(p))).collect();
        Ok(Arc::new(truths))
    }
}

/// Strata: the first rows of the table have the first text, the next rows the second, and so on, in proportion to the
/// weights. For root tables. A `deal` can match on the column. The row numbers at which the text changes depend on the
/// number of rows.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Strata {
    /// The texts with their weights: constant numbers, 0 or more.
    weights: IndexMap<String, Expr>,
}

impl Params for Strata {
    const NAME: &'static str = "strata";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "weights = { north = 3, south = 1 }";
    const DOMAINS: &'static [Domain] = &[Domain::number("weights.*", 0.0, HUGE)];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let Some(rows) = scope.root_rows() else {
            return Err(scope.error("", "strata need a root table".to_owned()));
        };
        let mut weights = Vec::new();
        for (value, weight) in &self.weights {
            let field = format!("weights.{value}");
            let operand: Operand<Float64Type> = Operand::plan(scope, &field, weight)?;
            match operand.constant().filter(|w| w.is_finite() && *w >= 0.0) {
                Some(weight) => weights.push(weight),
                None => return Err(scope.error(&field, "expected a constant number, 0 or more".to_owned())),
            }
        }
        let sum: f64 = weights.iter().sum();
        if !(sum.is_finite() && sum > 0.0) {
            return Err(scope.error("weights", "all weights are 0".to_owned()));
        }
        let (mut runs, mut so_far, mut start) = (Vec::new(), 0.0, 0);
        for ((value, _), weight) in self.weights.iter().zip(&weights) {
            so_far += weight;
            let end = (libm::rint(so_far / sum * rows as f64) as u64).min(rows);
            runs.push((value.clone(), start..end));
            start = end;
        }
        if let Some((_, last)) = runs.last_mut() {
            last.end = rows;
        }
        let values: ArrayRef = Arc::new(self.weights.keys().map(|value| Some(value.as_str())).collect::<StringArray>());
        Ok(Box::new(Runs { values, runs }))
    }
}

struct Runs {
    values: ArrayRef,
    runs: Vec<(String, std::ops::Range<u64>)>,
}

impl Generator for Runs {
    fn data_type(&self) -> DataType {
        DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
    }

    fn strata(&self) -> Option<&[(String, std::ops::Range<u64>)]> {
        Some(&self.runs)
    }

    fn domain(&self) -> Option<Vec<String>> {
        Some(self.runs.iter().filter(|(_, run)| !run.is_empty()).map(|(value, _)| value.clone()).collect())
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let keys = fill.primitive::<Int32Type>(|i, _| {
            self.runs.partition_point(|(_, run)| run.end <= fill.rows.keys[i]).min(self.runs.len() - 1) as i32
        });
        Ok(Arc::new(DictionaryArray::try_new(keys, Arc::clone(&self.values))?))
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;
    use arrow_array::cast::AsArray;

    use super::*;
    use crate::arrays::texts;
    use crate::generator::testing::{Bed, plan_error};

    fn counts(bed: &Bed, toml: &str) -> std::collections::BTreeMap<Option<String>, usize> {
        let column = bed.fill("choice", toml).expect("a column");
        let texts = texts(&column);
        let mut counts = std::collections::BTreeMap::new();
        (0..column.len()).for_each(|i| *counts.entry(texts.at(i).map(str::to_owned)).or_default() += 1);
        counts
    }

    #[test]
    fn fixed_and_varying_weights_give_the_same_shares() {
        let fixed = counts(&Bed::root(10_000), "weights = { a = 1, b = 0, c = 3 }");
        let varying = counts(&Bed::root(10_000), "weights = { a = \"one\", b = \"zero\", c = 3 }");
        for counts in [fixed, varying] {
            assert_eq!(counts.keys().flatten().collect::<Vec<_>>(), ["a", "c"]);
            let a = counts[&Some("a".to_owned())];
            assert!((2_300..2_700).contains(&a), "{a}");
        }
        let zeros = "weights = { a = \"zero\", b = \"zero\" }";
        let error = Bed::root(100).fill("choice", zeros).expect_err("an error").to_string();
        assert!(error.contains("all weights are 0"), "{error}");
        let nulls = counts(&Bed::root(100), &format!("{zeros}\nfallback = \"none\""));
        assert_eq!(nulls.into_iter().collect::<Vec<_>>(), [(None, 100)]);
    }

    #[test]
    fn the_texts_are_shared_by_pointer() {
        let generator = Bed::root(1).plan("choice", "values = [\"x\", \"y\"]").expect("a generator");
        let bed = Bed::root(50);
        let (one, two) = (bed.run(&*generator.0, 0..10), bed.run(&*generator.0, 10..50));
        let values = |array: &ArrayRef| Arc::as_ptr(array.as_dictionary::<Int32Type>().values()).cast::<u8>();
        assert_eq!(values(&one), values(&two));
    }

    #[test]
    fn mistakes_are_found_while_planning() {
        let cases = [
            ("choice", "", "expected one of `weights`"),
            ("choice", "values = []", "to choose from"),
            ("choice", "values = [\"a\", \"a\"]", "twice"),
            ("choice", "weights = { a = 0 }", "all weights are 0"),
            ("choice", "weights = { a = -1 }", "at least 0"),
            ("boolean", "p = 1.5", "between 0 and 1"),
        ];
        for (name, toml, message) in cases {
            assert!(plan_error(name, toml).contains(message), "{name}: {}", plan_error(name, toml));
        }
    }
}
