//! Tests of all generators: a scope without a plan, a few columns as inputs, and the properties that every entry must
//! have.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, BooleanArray, PrimitiveArray, StringArray};
use arrow_schema::{DataType, TimeUnit};

use super::data::{Data, dictionary};
use super::{Fill, Generator, Rows, Scope, Slot, Want, families, find};
use crate::error::{Error, Kind, Result};
use crate::profile::{Expr, Value};
use crate::rng::{Seed, child_key};

/// A table of rows to fill: a root table, or the children of some parents, every sixth of which has none.
pub(super) struct Bed {
    units: usize,
    depth: usize,
    files: Vec<(String, String)>,
}

impl Bed {
    pub(super) fn root(rows: usize) -> Self {
        Self { units: rows, depth: 0, files: Vec::new() }
    }

    pub(super) fn child(parents: usize) -> Self {
        Self { units: parents, depth: 1, files: Vec::new() }
    }

    pub(super) fn file(mut self, name: &str, text: &str) -> Self {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// Gives the number of root rows or parents.
    pub(super) fn units(&self) -> usize {
        self.units
    }

    pub(super) fn scope(&self) -> BedScope {
        BedScope { rows: self.units as u64, depth: self.depth, files: self.files.clone(), inputs: Vec::new() }
    }

    pub(super) fn plan(&self, name: &str, toml: &str) -> Result<(Box<dyn Generator>, BedScope)> {
        let mut scope = self.scope();
        let args = toml.parse::<toml::Table>().expect("TOML");
        Ok(((find(name)?.plan)(args, &mut scope)?, scope))
    }

    pub(super) fn fill(&self, name: &str, toml: &str) -> Result<ArrayRef> {
        let (generator, scope) = self.plan(name, toml)?;
        scope.fill(&*generator, &self.rows(0..self.units))
    }

    pub(super) fn run(&self, generator: &dyn Generator, units: Range<usize>) -> ArrayRef {
        self.run_scoped(generator, &self.scope(), units)
    }

    pub(super) fn run_scoped(&self, generator: &dyn Generator, scope: &BedScope, units: Range<usize>) -> ArrayRef {
        scope.fill(generator, &self.rows(units)).expect("a column")
    }

    /// A column of the bed, as generators see it.
    pub(super) fn input(&self, name: &str) -> ArrayRef {
        column(name, &self.rows(0..self.units), self.depth).expect("a column of the bed")
    }

    pub(super) fn families(&self) -> Vec<Range<usize>> {
        self.rows(0..self.units).families().collect()
    }

    pub(super) fn rows(&self, units: Range<usize>) -> Rows {
        let mut rows = Rows::default();
        if self.depth == 1 {
            rows.offsets.push(0);
        }
        for unit in units {
            let children = if self.depth == 0 { 1 } else { unit % 6 };
            for ordinal in 0..children {
                let (unit, ordinal) = (unit as u64, ordinal as u64);
                rows.keys.push(if self.depth == 0 { unit } else { child_key(11, unit, ordinal) });
                rows.paths.push(u128::from(unit) << (24 * self.depth) | u128::from(ordinal));
                rows.ordinals.push(ordinal as u32);
            }
            if self.depth == 1 {
                rows.offsets.push(rows.keys.len() as u32);
            }
        }
        rows
    }
}

/// The columns of the bed.
fn column(name: &str, rows: &Rows, depth: usize) -> Option<ArrayRef> {
    let n = |i: usize| (rows.paths[i] >> (24 * depth)) as i64 + i64::from(rows.ordinals[i]);
    let all = 0..rows.len();
    Some(match name {
        "row" => Arc::new(all.map(|i| Some(n(i))).collect::<PrimitiveArray<Int64Type>>()),
        "ordinal" => Arc::new(all.map(|i| Some(i64::from(rows.ordinals[i]))).collect::<PrimitiveArray<Int64Type>>()),
        "one" => Arc::new(all.map(|_| Some(1.0)).collect::<PrimitiveArray<Float64Type>>()),
        "negative" => Arc::new(all.map(|i| Some(-1.5 - n(i) as f64)).collect::<PrimitiveArray<Float64Type>>()),
        "huge" => Arc::new(all.map(|_| Some(1e308)).collect::<PrimitiveArray<Float64Type>>()),
        "zero" => Arc::new(all.map(|_| Some(0.0)).collect::<PrimitiveArray<Float64Type>>()),
        "flag" => dictionary(all.map(|i| [Some("F"), Some("M"), Some("X"), None][n(i) as usize % 4])),
        "t" => super::time::instants(
            all.map(|i| (n(i) % 10 != 9).then(|| 1_700_000_000_123_456 + n(i) * 61_000_001)).collect(),
        ),
        _ => return None,
    })
}

/// None of a million cells of all text generators is a formula to a spreadsheet.
#[test]
fn no_generator_makes_a_formula() {
    let mut cells = 0;
    for def in families().into_iter().flat_map(|(_, defs)| defs) {
        let bed = if ONLY_CHILD.contains(&def.name) { Bed::child(16_000) } else { Bed::root(40_000) };
        let (generator, _) = bed.plan(def.name, def.example).expect("an example");
        if !matches!(generator.data_type(), DataType::Utf8 | DataType::Dictionary(..)) {
            continue;
        }
        let column = bed.fill(def.name, def.example).expect("a column");
        let texts = arrow_cast::cast(&column, &DataType::Utf8).expect("texts");
        let texts: &StringArray = texts.as_string();
        cells += texts.len();
        let found = texts.iter().flatten().find(|text| crate::spreadsheet::is_formula(text));
        assert!(found.is_none(), "{} makes {found:?}", def.name);
    }
    assert!(cells >= 1_000_000, "{cells} cells are too few");
}

/// A scope that knows constants, the columns of the bed, generators, and some data files.
pub(super) struct BedScope {
    rows: u64,
    depth: usize,
    files: Vec<(String, String)>,
    inputs: Vec<Source>,
}

enum Source {
    Column(String, Want),
    Generator(Box<dyn Generator>, BedScope, Want),
}

impl BedScope {
    pub(super) fn fill(&self, generator: &dyn Generator, rows: &Rows) -> Result<ArrayRef> {
        let inputs = self.inputs(rows)?;
        generator.fill(&Fill { key: self.key(), rows, inputs: &inputs, when: None })
    }

    /// The inputs that a generator asked for.
    pub(super) fn inputs(&self, rows: &Rows) -> Result<Vec<ArrayRef>> {
        let inputs = self.inputs.iter().map(|source| match source {
            Source::Column(name, want) => coerce(&column(name, rows, self.depth).expect("a column"), *want),
            Source::Generator(generator, scope, want) => coerce(&scope.fill(&**generator, rows)?, *want),
        });
        inputs.collect()
    }

    fn input(&mut self, source: Source) -> Slot {
        self.inputs.push(source);
        Slot::Input(self.inputs.len() - 1)
    }
}

impl Scope for BedScope {
    fn operand(&mut self, field: &str, expr: &Expr, want: Want) -> Result<Slot> {
        if let Some(constant) = literal(expr.0.trim()) {
            return coerce(&constant, want).map(Slot::Const).map_err(|error| self.error(field, error.to_string()));
        }
        if column(&expr.0, &Rows::default(), 0).is_some() {
            return Ok(self.input(Source::Column(expr.0.clone(), want)));
        }
        Err(self.error(field, format!("unknown column `{}`", expr.0)))
    }

    fn value(&mut self, field: &str, value: &Value, want: Want) -> Result<Slot> {
        match value {
            Value::Expr(expr) => self.operand(field, expr, want),
            Value::Gen(call) => {
                let mut inner = Self { files: self.files.clone(), inputs: Vec::new(), ..*self };
                let generator = (find(&call.name)?.plan)(call.args.clone(), &mut inner)?;
                Ok(self.input(Source::Generator(generator, inner, want)))
            }
        }
    }

    fn data(&mut self, field: &str, file: &str) -> Result<Arc<Data>> {
        let shipped = match file {
            "states.csv" => Some(include_str!("../../profiles/common/data/states.csv")),
            "age_pyramid.csv" => Some(include_str!("../../profiles/common/data/age_pyramid.csv")),
            _ => self.files.iter().find(|(name, _)| name == file).map(|(_, text)| text.as_str()),
        };
        let text = shipped.ok_or_else(|| self.error(field, format!("no data file `{file}`")))?;
        Ok(Arc::new(Data::parse(file, text.as_bytes(), u64::MAX)?))
    }

    fn root_rows(&self) -> Option<u64> {
        (self.depth == 0).then_some(self.rows)
    }

    fn depth(&self) -> usize {
        self.depth
    }

    fn key(&self) -> u64 {
        Seed::new("42").column_key("table", "column")
    }

    fn literals(&mut self, _: &str, _: &Expr, keys: &[&str]) -> Result<Vec<String>> {
        Ok(keys.iter().map(|key| format!("'{key}'")).collect())
    }

    fn error(&self, field: &str, message: String) -> Error {
        Error::profile(field, message)
    }
}

/// The constants of examples: numbers, texts, dates, truth values.
fn literal(sql: &str) -> Option<ArrayRef> {
    if let Some(inner) = sql.strip_prefix("CAST(round((").and_then(|rest| rest.strip_suffix(", 0) AS BIGINT)")) {
        let (number, unit) = inner.split_once(") * ")?;
        let scaled = (number.parse::<f64>().ok()? * unit.parse::<f64>().ok()?).round() as i64;
        return Some(Arc::new(PrimitiveArray::<Int64Type>::from(vec![scaled])));
    }
    let quoted = |text: &str| Some(text.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'"));
    if let Some(text) = quoted(sql) {
        return Some(Arc::new(StringArray::from(vec![text])));
    }
    if let Some(date) = sql.strip_prefix("DATE ").and_then(quoted) {
        let days = arrow_cast::cast(&StringArray::from(vec![date]), &DataType::Date32).ok()?;
        return Some(days);
    }
    match sql {
        "true" | "false" => Some(Arc::new(BooleanArray::from(vec![sql == "true"]))),
        "null" => Some(Arc::new(StringArray::from(vec![None::<&str>]))),
        _ => match (sql.parse::<i64>(), sql.parse::<f64>()) {
            (Ok(n), _) => Some(Arc::new(PrimitiveArray::<Int64Type>::from(vec![n]))),
            (_, Ok(x)) => Some(Arc::new(PrimitiveArray::<Float64Type>::from(vec![x]))),
            _ => None,
        },
    }
}

fn coerce(array: &ArrayRef, want: Want) -> Result<ArrayRef> {
    let wanted = match want {
        Want::Integer => DataType::Int64,
        Want::Number => DataType::Float64,
        Want::Date => DataType::Date32,
        Want::Timestamp => super::time::instant_type(),
        Want::Boolean => DataType::Boolean,
        Want::Text | Want::AsText if matches!(array.data_type(), DataType::Dictionary(..)) => return Ok(array.clone()),
        Want::Text | Want::AsText => DataType::Utf8,
    };
    if want == Want::Text && array.data_type() != &DataType::Utf8 {
        return Err(Error::new(Kind::Profile, "expected text, found another type"));
    }
    if want != Want::Timestamp {
        return Ok(arrow_cast::cast(array, &wanted)?);
    }
    Ok(super::time::instants(zoneless(array)?.as_primitive::<TimestampMicrosecondType>().clone()))
}

/// Dates and instants without a time zone: Arrow knows no names of zones.
fn zoneless(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(match array.as_primitive_opt::<TimestampMicrosecondType>() {
        Some(instants) => Arc::new(instants.clone().with_timezone_opt(None::<&str>)),
        None => arrow_cast::cast(array, &DataType::Timestamp(TimeUnit::Microsecond, None))?,
    })
}

/// The message of a plan that must fail, in a root table of 100 rows.
pub(super) fn plan_error(name: &str, toml: &str) -> String {
    match Bed::root(100).plan(name, toml) {
        Ok(_) => format!("`{name}` was planned"),
        Err(error) => error.to_string(),
    }
}

/// The message of a plan that must fail, in a child table.
pub(super) fn child_plan_error(name: &str, toml: &str) -> String {
    match Bed::child(100).plan(name, toml) {
        Ok(_) => format!("`{name}` was planned"),
        Err(error) => error.to_string(),
    }
}

/// The texts of a column, `∅` for null.
pub(super) fn shown(array: &ArrayRef) -> Vec<String> {
    let instants = matches!(array.data_type(), DataType::Timestamp(..));
    let array = if instants { &zoneless(array).expect("instants") } else { array };
    let options = arrow_cast::display::FormatOptions::new().with_null("∅");
    let format = arrow_cast::display::ArrayFormatter::try_new(array, &options).expect("a type that can be shown");
    (0..array.len()).map(|i| format.value(i).to_string()).collect()
}

/// Generators that need siblings. Others need a root table.
const ONLY_CHILD: &[&str] = &["rising", "hash_chain"];
const ONLY_ROOT: &[&str] = &["permutation", "strata"];

pub(super) fn beds(name: &str) -> Vec<Bed> {
    let mut beds = Vec::new();
    if !ONLY_CHILD.contains(&name) {
        beds.push(Bed::root(100));
    }
    if !ONLY_ROOT.contains(&name) {
        beds.push(Bed::child(100));
    }
    beds
}

#[test]
fn every_generator_is_pure_and_may_be_split_anywhere() {
    for def in families().iter().flat_map(|(_, defs)| *defs) {
        for bed in beds(def.name) {
            let (generator, scope) = bed.plan(def.name, def.example).unwrap_or_else(|e| panic!("{}: {e}", def.name));
            let whole = bed.run_scoped(&*generator, &scope, 0..100);
            assert_eq!(whole.data_type(), &generator.data_type(), "{}", def.name);
            assert_eq!(whole.len(), bed.rows(0..100).len(), "{}", def.name);
            assert!(generator.nullable() || whole.null_count() == 0, "{} says that it is never null", def.name);
            assert_eq!(shown(&whole), shown(&bed.run_scoped(&*generator, &scope, 0..100)), "{}", def.name);
            for cut in [0, 1, 37, 99] {
                let mut parts = shown(&bed.run_scoped(&*generator, &scope, 0..cut));
                parts.extend(shown(&bed.run_scoped(&*generator, &scope, cut..100)));
                assert_eq!(shown(&whole), parts, "{} cut at {cut}", def.name);
            }
        }
    }
}

#[test]
fn names_are_unique_and_parameters_are_described() {
    let mut names = std::collections::BTreeSet::new();
    let mut known = std::collections::BTreeSet::new();
    let snake = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    for (family, defs) in families() {
        assert!(known.insert(family) && snake(family) && !defs.is_empty(), "family `{family}`");
    }
    for def in families().iter().flat_map(|(_, defs)| *defs) {
        assert!(names.insert(def.name), "`{}` twice", def.name);
        assert!(snake(def.name), "{}", def.name);
        let schema = (def.schema)(&mut schemars::SchemaGenerator::default());
        assert!(schema.get("description").is_some(), "{} has no description", def.name);
        described(def.name, schema.as_value());
        let unknown = Bed::root(1).plan(def.name, "no_such_parameter = 1").err().expect("an error");
        assert!(unknown.to_string().contains("no_such_parameter"), "{}: {unknown}", def.name);
    }
}

/// Every parameter has a doc text, those of structures inside structures too.
fn described(path: &str, schema: &serde_json::Value) {
    for (name, property) in schema.get("properties").and_then(|p| p.as_object()).into_iter().flatten() {
        // The description of an enum's variant is that of its only property.
        let variant = if path.ends_with(".oneOf") { schema.get("description") } else { None };
        let text = property.get("description").or(variant);
        assert!(text.is_some(), "{path}.{name} has no description");
    }
    for (key, inner) in schema.as_object().into_iter().flatten() {
        described(&format!("{path}.{key}"), inner);
    }
    for inner in schema.as_array().into_iter().flatten() {
        described(path, inner);
    }
}

#[test]
fn every_file_with_a_list_is_a_family() {
    /// Written in two pieces, so that this file itself is not found.
    const LIST: &str = concat!("const ", "DEFS: &[Def] =");
    let mut found = std::collections::BTreeSet::new();
    let mut folders =
        vec![(std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/generator")), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = format!("{prefix}{}", path.file_stem().expect("a name").to_string_lossy());
            if path.is_dir() {
                folders.push((path, name + "_"));
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && std::fs::read_to_string(&path).expect("text").contains(LIST)
            {
                found.insert(name);
            }
        }
    }
    assert_eq!(found, families().into_iter().map(|(family, _)| family.to_owned()).collect());
}

/// Pins the values: a change here must raise the engine fingerprint.
#[test]
fn value_stability() {
    for (family, defs) in families() {
        let mut lines = Vec::new();
        for def in defs {
            let bed = beds(def.name).pop().map_or_else(|| Bed::root(8), |bed| Bed { units: 8, ..bed });
            let values = bed.fill(def.name, def.example).expect("a column");
            lines.push(format!("{}: {}", def.name, shown(&values)[..6].join(" | ")));
        }
        insta::assert_snapshot!(family, lines.join("\n"));
    }
}
