//! Records of data files: picked by weight, matched on columns, in order, or without repetition.
//!
//! A [`Picker`] gives record numbers; [`project`] turns them into a column. Several columns of the same record share
//! one picker, so that correlated values stay together.

mod picks;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Int32Array};
use arrow_schema::DataType;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::data::Data;
use super::{Def, Fill, Generator, Missing, Origin, Params, Scope, Text};
use crate::arrays::texts;
use crate::error::{Error, Kind, Result};
use crate::profile::Expr;
use crate::rng::{Cell, Weighted};
use picks::Picks;

/// The generators of this family.
pub(crate) const DEFS: &[Def] = &[Def::of::<Record>()];

/// The order in which records are picked.
#[expect(clippy::enum_variant_names, reason = "the words of the profile language")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// A random matching record, by weight.
    Random,
    /// The n-th matching record of the file for the n-th sibling, and null past the end. All rows of a root table count
    /// as siblings, so that a root table can have a row for each record.
    InOrder,
    /// A random matching record that no earlier sibling has, by weight; null when all are taken.
    Distinct,
}

/// The value of a row for which there is nothing to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NoneLeft {
    /// None: null.
    None,
}

/// A planned choice of records of a data file.
pub(crate) struct Picker {
    matches: Vec<Match>,
    shapes: Vec<Shape>,
    weights: Vec<f64>,
    order: Order,
    root: bool,
    /// The name of the file, for messages.
    file: String,
    /// Whether a row for which no record is left gets none; it is a mistake otherwise.
    optional: bool,
}

/// A column of the file that must equal an expression, with a code for each of its texts.
struct Match {
    value: Text,
    codes: BTreeMap<String, u32>,
}

/// The records that have a text, not `*`, in the same columns.
struct Shape {
    columns: Vec<usize>,
    groups: BTreeMap<u128, Group>,
}

/// The records that match the same texts.
struct Group {
    records: Vec<u32>,
    total: f64,
    table: Weighted,
}

/// Moves an error to a field, with its hint.
pub(super) fn in_field(scope: &dyn Scope, field: &str, error: &Error) -> Error {
    scope.error(field, error.message().to_owned()).maybe_hint(error.hint_text().map(str::to_owned))
}

impl Picker {
    /// Plans picks from `data`. A `*` in a matched column matches any value; an empty cell matches none.
    ///
    /// # Errors
    ///
    /// If a column does not exist or cannot be matched, constants match no record, or all records of a group have
    /// weight 0.
    #[expect(clippy::needless_pass_by_value, reason = "callers hold the file as they got it from the scope")]
    pub(crate) fn plan(
        scope: &mut dyn Scope,
        data: Arc<Data>,
        weight: Option<&str>,
        matches: &IndexMap<String, Expr>,
        order: Order,
    ) -> Result<Self> {
        let root = scope.depth() == 0;
        if order == Order::Distinct && root {
            return Err(scope.error("pick", "`distinct` needs siblings, and rows of a root table have none".to_owned()));
        }
        if matches.len() > MOST_MATCHES {
            return Err(scope.error("match", format!("at most {MOST_MATCHES} columns can be matched")));
        }
        let weights = data.weights(weight).map_err(|error| in_field(scope, "weight", &error))?;
        let mut planned = Vec::with_capacity(matches.len());
        let mut cells = Vec::with_capacity(matches.len());
        for (column, expr) in matches {
            let field = format!("match.{column}");
            let array = data.column(column).map_err(|error| in_field(scope, &field, &error))?;
            if array.data_type() == &DataType::Float64 {
                return Err(scope
                    .error(&field, format!("`{column}` is a floating-point number"))
                    .hint("only text, `int`, `decimal(digits)` and `date` can be matched"));
            }
            let array = arrow_cast::cast(array, &DataType::Utf8)?;
            let mut codes = BTreeMap::new();
            let column: Vec<Option<u32>> = {
                let texts = texts(&array);
                (0..data.rows).map(|row| texts.at(row).map(|text| number(&mut codes, text))).collect()
            };
            planned.push(Match { value: Text::plan_any(scope, &field, expr)?, codes });
            cells.push(column);
        }
        let file = data.name.clone();
        let mut picker = Self { matches: planned, shapes: Vec::new(), weights, order, root, file, optional: false };
        picker.shapes = picker.group(scope, &cells, data.rows)?;
        picker.check_constants(scope, &data.name)?;
        Ok(picker)
    }

    /// Lets a row have no record where none is left, by `fallback = "none"`.
    #[must_use]
    pub(crate) fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// Whether a row may have no record, by `fallback = "none"`.
    #[must_use]
    pub(super) fn is_optional(&self) -> bool {
        self.optional
    }

    /// Holds the number of rows of a root table that takes records in order to the number of records.
    ///
    /// # Errors
    /// More rows than records that match, where what they match is constant.
    pub(crate) fn check_rows(&self, scope: &dyn Scope) -> Result<()> {
        let constants: Option<Vec<String>> = self.matches.iter().map(|m| m.value.constant()).collect();
        let (Some(constants), Some(rows), Order::InOrder, false) =
            (constants, scope.root_rows(), self.order, self.optional)
        else {
            return Ok(());
        };
        let code = |c: usize| Some(self.matches[c].codes.get(&constants[c]).copied().unwrap_or(UNKNOWN));
        let records: usize = self.groups(code).map(|group| group.records.len()).sum();
        if rows <= records as u64 {
            return Ok(());
        }
        let message = format!("{rows} rows take records of `{}` in order, and it has {records} that match", self.file);
        Err(scope.error("pick", message).hint("add records, make fewer rows, or say fallback = \"none\""))
    }

    /// A row for which no record is left.
    fn none_left(&self, among: usize) -> Error {
        let message = match self.order {
            Order::Distinct => format!("`{}` has no further record that matches", self.file),
            _ => format!("`{}` has {among} records that match, and this row is beyond them", self.file),
        };
        Error::new(Kind::Profile, message).hint("add records, make fewer rows, or say fallback = \"none\"")
    }

    /// An error about row `i`, of the texts that no record has.
    pub(super) fn no_match(&self, fill: &Fill<'_>, i: usize) -> Error {
        let texts: Vec<String> =
            self.matches.iter().map(|m| m.value.view(fill).at(i).unwrap_or("null").to_owned()).collect();
        Error::new(Kind::Profile, format!("`{}` has no record that matches `{}`", self.file, texts.join("`, `")))
            .hint("add a record, say fallback = \"none\", or leave the row out with `when`")
    }

    /// Sorts the records into groups by their matched texts.
    fn group(&self, scope: &dyn Scope, cells: &[Vec<Option<u32>>], rows: usize) -> Result<Vec<Shape>> {
        let mut shapes: BTreeMap<Vec<usize>, BTreeMap<u128, Vec<u32>>> = BTreeMap::new();
        for row in 0..rows {
            let Some(codes) = cells.iter().map(|column| column[row]).collect::<Option<Vec<u32>>>() else { continue };
            let columns: Vec<usize> = (0..codes.len()).filter(|c| codes[*c] != ANYTHING).collect();
            let Some(key) = self.key(&columns, |c| Some(codes[c])) else { continue };
            shapes.entry(columns).or_default().entry(key).or_default().push(row as u32);
        }
        let mut planned = Vec::with_capacity(shapes.len());
        for (columns, groups) in shapes {
            let mut tables = BTreeMap::new();
            for (key, records) in groups {
                let weights: Vec<f64> = records.iter().map(|r| self.weights[*r as usize]).collect();
                let Some(table) = Weighted::new(&weights) else {
                    let record = records.first().map_or(0, |r| r + 1);
                    return Err(scope
                        .error(
                            "weight",
                            format!("all records with the same matched values as record {record} have weight 0"),
                        )
                        .hint("give one of them a weight above 0, or remove them"));
                };
                tables.insert(key, Group { records, total: weights.iter().sum(), table });
            }
            planned.push(Shape { columns, groups: tables });
        }
        Ok(planned)
    }

    /// Refuses constants that match no record: the column would be null in every row.
    fn check_constants(&self, scope: &dyn Scope, name: &str) -> Result<()> {
        let constants: Option<Vec<String>> = self.matches.iter().map(|m| m.value.constant()).collect();
        let Some(constants) = constants else { return Ok(()) };
        let code = |c: usize| Some(self.matches[c].codes.get(&constants[c]).copied().unwrap_or(UNKNOWN));
        if self.groups(code).next().is_some() {
            return Ok(());
        }
        Err(scope.error("match", format!("data file `{name}` has no record that matches `{}`", constants.join("`, `"))))
    }

    /// Packs the codes in the given columns into one number; 8 columns of less than 65,536 texts always fit. `None` if
    /// a code is.
    fn key(&self, columns: &[usize], code: impl Fn(usize) -> Option<u32>) -> Option<u128> {
        columns.iter().try_fold(0_u128, |key, c| {
            let size = self.matches[*c].codes.len() as u128 + FIRST_CODE as u128;
            key.checked_mul(size)?.checked_add(u128::from(code(*c)?))
        })
    }

    /// Lists the groups that match a row with the given codes.
    fn groups<'a>(&'a self, code: impl Fn(usize) -> Option<u32> + 'a) -> impl Iterator<Item = &'a Group> + 'a {
        self.shapes.iter().filter_map(move |shape| shape.groups.get(&self.key(&shape.columns, &code)?))
    }

    /// Prepares the picker for the rows of a fill.
    pub(super) fn view<'a>(&'a self, fill: &'a Fill<'_>) -> Picks<'a> {
        Picks::of(self, fill)
    }
}

/// The most columns of a file that can be matched.
const MOST_MATCHES: usize = 8;

/// Codes of matched texts: 0 for `*`, 1 for a text that is not in the file, from 2 for the texts of the file.
const ANYTHING: u32 = 0;
const UNKNOWN: u32 = 1;
const FIRST_CODE: u32 = 2;

fn number(codes: &mut BTreeMap<String, u32>, text: &str) -> u32 {
    if text == "*" {
        return ANYTHING;
    }
    if let Some(code) = codes.get(text) {
        return *code;
    }
    let code = codes.len() as u32 + FIRST_CODE;
    codes.insert(text.to_owned(), code);
    code
}

impl Generator for Picker {
    fn siblings(&self) -> bool {
        self.order == Order::Distinct
    }

    fn data_type(&self) -> DataType {
        DataType::Int32
    }

    fn nullable(&self) -> bool {
        self.optional
    }

    fn values(&self) -> Option<u64> {
        Some(self.weights.len() as u64)
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let picks = self.view(fill);
        // A null that is matched matches nothing, as everywhere.
        let left = |i: usize, pick: Option<i32>| match pick {
            None if !self.optional && fill.wants(i) && picks.whole(i) => {
                Err(self.none_left(picks.groups(picks.row(i)).map(|group| group.records.len()).sum()).in_row(i))
            }
            pick => Ok(pick),
        };
        let column: Int32Array = match self.order {
            Order::Random => {
                let draw = |i: usize, mut cell: Cell| match picks.draw(i, &mut cell) {
                    None if !self.optional && picks.whole(i) => Err(Missing),
                    pick => Ok(pick.map(|record| record as i32)),
                };
                fill.attempt(draw, |i| self.no_match(fill, i))?
            }
            Order::InOrder => {
                let nth = |i: usize| {
                    let n = if self.root { fill.rows.paths[i] as u64 } else { u64::from(fill.rows.ordinals[i]) };
                    left(i, picks.nth(i, n).map(|record| record as i32))
                };
                (0..fill.len()).map(nth).collect::<Result<_>>()?
            }
            Order::Distinct => {
                let mut column = Vec::with_capacity(fill.len());
                let mut taken = Vec::new();
                for family in fill.rows.families() {
                    taken.clear();
                    picks.distinct(fill, family, &mut taken, &mut column);
                }
                column.into_iter().enumerate().map(|(i, pick)| left(i, pick)).collect::<Result<_>>()?
            }
        };
        Ok(Arc::new(column))
    }
}

/// Gathers the values of a column of the file at the picked records. Texts stay shared.
///
/// # Errors
///
/// If Arrow cannot gather the values.
pub(crate) fn project(picks: &Int32Array, column: &ArrayRef) -> Result<ArrayRef> {
    Ok(arrow_select::take::take(column, picks, None)?)
}

/// A column of a random record of a data file, picked by weight. For several columns of the same record, use a
/// reference to the file (`refs.place = { file = "places.csv", weight = "weight" }`) and read `place.city`,
/// `place.state` from it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Record {
    /// The data file.
    file: String,
    /// The column to take.
    column: String,
    /// The column of weights; without it, all records are equally likely.
    #[serde(default)]
    weight: Option<String>,
    /// Columns of the file that must equal expressions of this row, compared as text: `match.sex = "sex"`. `*` in the
    /// file matches any value. A row that matches no record is an error, unless there is a `fallback`.
    #[serde(default)]
    r#match: IndexMap<String, Expr>,
    /// The value where no record matches: `none`, which is null.
    #[serde(default)]
    fallback: Option<NoneLeft>,
}

impl Params for Record {
    const NAME: &'static str = "record";
    const ORIGIN: Origin = Origin::Dictionary;
    const EXAMPLE: &'static str = "file = \"states.csv\"\ncolumn = \"name\"\nweight = \"population\"";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let data = scope.data("file", &self.file)?;
        let column = Arc::clone(data.column(&self.column).map_err(|error| in_field(scope, "column", &error))?);
        let picker = Picker::plan(scope, data, self.weight.as_deref(), &self.r#match, Order::Random)?;
        let picker = if self.fallback.is_some() { picker.optional() } else { picker };
        Ok(Box::new(Projected { picker, column }))
    }
}

struct Projected {
    picker: Picker,
    column: ArrayRef,
}

impl Generator for Projected {
    fn data_type(&self) -> DataType {
        self.column.data_type().clone()
    }

    fn nullable(&self) -> bool {
        self.picker.nullable() || self.column.null_count() > 0
    }

    fn values(&self) -> Option<u64> {
        Some(self.column.len() as u64)
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let picks = self.picker.fill(fill)?;
        project(arrow_array::cast::AsArray::as_primitive(&picks), &self.column)
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int32Type;

    use super::*;
    use crate::generator::testing::{Bed, plan_error};

    const FILE: &str = "name,sex,weight:float\nann,F,1\nbea,F,3\ncarl,M,1\nkim,*,4\n,F,0\n";

    fn bed(bed: Bed) -> Bed {
        bed.file("names.csv", FILE)
    }

    fn picks(bed: &Bed, matched: &[(&str, &str)], order: Order) -> Vec<Option<i32>> {
        let matches = matched.iter().map(|(c, e)| ((*c).to_owned(), Expr((*e).to_owned()))).collect();
        let mut scope = bed.scope();
        let data = scope.data("file", "names.csv").expect("a file");
        let picker = Picker::plan(&mut scope, data, Some("weight"), &matches, order).expect("a picker").optional();
        let column = bed.run_scoped(&picker, &scope, 0..bed.units());
        column.as_primitive::<Int32Type>().iter().collect()
    }

    #[test]
    fn records_come_by_weight_among_those_that_match() {
        let mut seen = [0; 5];
        for pick in picks(&bed(Bed::root(8_000)), &[("sex", "'F'")], Order::Random) {
            seen[pick.expect("a record") as usize] += 1;
        }
        assert_eq!((seen[2], seen[4]), (0, 0));
        assert!((850..1_150).contains(&seen[0]) && (3_700..4_300).contains(&seen[3]), "{seen:?}");
        // The bed's column `flag` is `F`, `M`, `X` and null in turn: `X` leaves the record with `*`, null nothing.
        let picks = picks(&bed(Bed::root(400)), &[("sex", "flag")], Order::Random);
        for (row, pick) in picks.iter().enumerate() {
            match row % 4 {
                0 => assert!([Some(0), Some(1), Some(3)].contains(pick)),
                1 => assert!([Some(2), Some(3)].contains(pick)),
                2 => assert_eq!(*pick, Some(3)),
                _ => assert_eq!(*pick, None),
            }
        }
    }

    #[test]
    fn siblings_take_records_in_order() {
        let bed = bed(Bed::child(20));
        for family in bed.families() {
            let all = picks(&bed, &[("sex", "'F'")], Order::InOrder);
            let want = [Some(0), Some(1), Some(3), Some(4), None, None];
            assert_eq!(all[family.clone()], want[..family.len()]);
        }
        assert_eq!(picks(&self::bed(Bed::root(7)), &[], Order::InOrder)[3..], [Some(3), Some(4), None, None]);
    }

    #[test]
    fn siblings_never_share_a_record() {
        let bed = bed(Bed::child(300));
        let all = picks(&bed, &[], Order::Distinct);
        for family in bed.families() {
            let mut some: Vec<i32> = all[family.clone()].iter().copied().flatten().collect();
            assert_eq!(some.len(), family.len().min(4), "record 5 weighs nothing");
            some.sort_unstable();
            some.dedup();
            assert_eq!(some.len(), family.len().min(4));
        }
    }

    #[test]
    fn a_row_beyond_the_records_is_a_mistake_unless_it_may_have_none() {
        for (bed, order, message) in [
            (bed(Bed::root(7)), Order::InOrder, "7 rows take records of `names.csv` in order, and it has 5"),
            (bed(Bed::child(20)), Order::InOrder, "`names.csv` has 2 records that match, and this row is beyond them"),
            (bed(Bed::child(20)), Order::Distinct, "`names.csv` has no further record that matches"),
        ] {
            let mut scope = bed.scope();
            let data = scope.data("file", "names.csv").expect("a file");
            let matches = if bed.units() == 7 {
                IndexMap::new()
            } else {
                IndexMap::from([("sex".to_owned(), Expr("'M'".to_owned()))])
            };
            let picker = Picker::plan(&mut scope, data, None, &matches, order).expect("a picker");
            let filled = picker.check_rows(&scope).and_then(|()| scope.fill(&picker, &bed.rows(0..bed.units())));
            let error = filled.expect_err("an error").to_string();
            assert!(error.contains(message), "{error}");
            assert!(scope.fill(&picker.optional(), &bed.rows(0..bed.units())).is_ok());
        }
    }

    #[test]
    fn projected_texts_are_shared_by_pointer() {
        let column = Arc::new(crate::generator::data::dictionary(["x", "y"].into_iter().map(Some)));
        let out = project(&Int32Array::from(vec![Some(1), None, Some(0)]), &column).expect("a column");
        let values = |array: &ArrayRef| Arc::as_ptr(array.as_dictionary::<Int32Type>().values()).cast::<u8>();
        assert_eq!(values(&out), values(&column));
        assert_eq!((texts(&out).at(0), texts(&out).at(1), texts(&out).at(2)), (Some("y"), None, Some("x")));
    }

    #[test]
    fn mistakes_are_found_while_planning() {
        let cases = [
            ("file = \"states.csv\"\ncolumn = \"nane\"", "no column `nane`"),
            ("file = \"states.csv\"\ncolumn = \"name\"\nweight = \"name\"", "weight"),
            ("file = \"states.csv\"\ncolumn = \"name\"\nmatch.state = \"'QQ'\"", "no record that matches `QQ`"),
        ];
        for (toml, message) in cases {
            assert!(plan_error("record", toml).contains(message), "{}", plan_error("record", toml));
        }
    }
}
