//! Wrong parameters for every generator: an error in our words, or values.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use proptest::prelude::*;

use super::{Domain, Rule};
use crate::generator::testing::{Bed, beds, child_plan_error, plan_error};
use crate::generator::{Def, families};

/// Values as TOML: numbers of all kinds, columns of the bed, and what is no number.
const VALUES: [&str; 20] = [
    "-1",
    "0",
    "1",
    "10",
    "2.5",
    "-0.5",
    "1e308",
    "-1e308",
    "1e-300",
    "300",
    "9223372036854775807",
    "-9223372036854775808",
    "nan",
    "-inf",
    "\"row\"",
    "\"zero\"",
    "\"negative\"",
    "\"huge\"",
    "\"null\"",
    "\"'x'\"",
];

fn parameters(def: &Def) -> Vec<String> {
    let schema = (def.schema)(&mut schemars::SchemaGenerator::default()).to_value();
    let names = schema.get("properties").and_then(|p| p.as_object()).map(|p| p.keys().cloned().collect());
    names.unwrap_or_default()
}

/// Plans and fills with some parameters replaced. What comes is an error in our words, or a column as promised.
fn tried(def: &Def, changes: &[(&str, &str)]) {
    let mut args = def.example.parse::<toml::Table>().expect("TOML");
    for (field, value) in changes {
        let value = format!("x = {value}").parse::<toml::Table>().expect("TOML").remove("x").expect("a value");
        args.insert((*field).to_owned(), value);
    }
    let text = toml::to_string(&args).expect("TOML");
    for bed in beds(def.name) {
        let told = bed.plan(def.name, &text).and_then(|(generator, scope)| {
            let column = bed.fill(def.name, &text)?;
            let null_input = scope.inputs(&bed.rows(0..bed.units()))?.iter().any(|input| input.null_count() > 0);
            assert!(generator.nullable() || null_input || column.null_count() == 0, "{} with {text}: nulls", def.name);
            if let Some(numbers) = column.as_primitive_opt::<Float64Type>() {
                assert!(numbers.iter().flatten().all(f64::is_finite), "{} with {text}", def.name);
            }
            Ok(())
        });
        let told = told.err();
        if let Some(error) = &told {
            let message = error.message();
            for word in
                ["rror:", "Arrow", "nvalid argument", "Int64", "Float64", "Utf8", "Decimal128", "do not fit together"]
            {
                assert!(!message.contains(word), "{} with {text}: {message}", def.name);
            }
        }
        // A number out of its declared domain is never taken.
        for (field, value) in changes {
            let Ok(number) = value.parse::<f64>() else { continue };
            let outside = def.domains.iter().filter(|domain| domain.covers(field)).any(|domain| match domain.rule {
                Rule::Number { low, high, open } => !(low..=high).contains(&number) || (open.0 && number == low),
                _ => false,
            });
            assert!(!outside || told.is_some(), "{} takes {field} = {value}", def.name);
        }
    }
}

#[test]
fn a_wrong_parameter_is_an_error_of_ours() {
    for def in families().into_iter().flat_map(|(_, defs)| defs) {
        for field in parameters(def) {
            VALUES.iter().for_each(|value| tried(def, &[(&field, value)]));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn wrong_parameters_together_are_errors_of_ours(
        which in any::<prop::sample::Index>(),
        fields in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
    ) {
        let all: Vec<&Def> = families().into_iter().flat_map(|(_, defs)| defs).collect();
        let def = all[which.index(all.len())];
        let names = parameters(def);
        if !names.is_empty() {
            let changes: std::collections::BTreeMap<&str, &str> = fields
                .iter()
                .map(|(field, value)| (names[field.index(names.len())].as_str(), VALUES[value.index(VALUES.len())]))
                .collect();
            tried(def, &changes.into_iter().collect::<Vec<_>>());
        }
    }
}

#[test]
fn every_number_that_is_no_expression_has_a_domain() {
    for def in families().into_iter().flat_map(|(_, defs)| defs) {
        let schema = (def.schema)(&mut schemars::SchemaGenerator::default()).to_value();
        for (name, property) in schema.get("properties").and_then(|p| p.as_object()).into_iter().flatten() {
            let kinds = property.get("type").map(ToString::to_string).unwrap_or_default();
            let number = (kinds.contains("integer") || kinds.contains("number")) && !kinds.contains("string");
            let declared = def.domains.iter().any(|domain| domain.covers(name));
            // Any integer is a start or a step; what overflows with them is refused with the number of rows.
            let free = ["start", "step"].contains(&name.as_str());
            assert!(!number || declared || free, "{}.{name} has no domain", def.name);
        }
    }
}

#[test]
fn a_domain_names_parameters_that_are_there() {
    for def in families().into_iter().flat_map(|(_, defs)| defs) {
        let names = parameters(def);
        for domain in def.domains {
            let head = domain.field.split('.').next().unwrap_or_default();
            let other = match domain.rule {
                Rule::UpTo { other, .. } => Some(other),
                _ => None,
            };
            for name in [Some(head), other, domain.scale].into_iter().flatten() {
                assert!(names.iter().any(|known| known == name), "{} has no `{name}`", def.name);
            }
        }
    }
}

#[test]
fn messages_say_parameter_value_and_domain() {
    let cases = [
        ("uniform", "min = 10\nmax = 1", "max: `min = 10`: it must not be above `max = 1`"),
        ("uniform", "min = 10", "min: `min = 10`: it must not be above `max = 1`"),
        ("normal", "mean = 1\nsd = -1", "sd: `sd = -1`: it must be at least 0"),
        ("exponential", "mean = -1", "mean: `mean = -1`: it must be at least 0"),
        ("lognormal", "median = 0\nsigma = 1", "median: `median = 0`: it must be above 0"),
        ("poisson", "mean = -3", "mean: `mean = -3`: it must be between 0 and 1000000"),
        ("geometric", "p = 0", "p: `p = 0`: it must be above 0 and at most 1"),
        ("zipf", "n = 0\ns = 1", "n: `n = 0`: it must be between 1 and"),
        ("decimal", "min = 10.5\nmax = 1.25\nscale = 2", "`min = 10.5`: it must not be above `max = 1.25`"),
        ("decimal", "min = 0\nmax = 1e30\nscale = 2", "max: `"),
        ("integer", "min = \"zero\"\nmax = \"negative\"", "type mismatch"),
        ("token", "length = -1", "length: `length = -1`: it must be between 1 and 128"),
        ("choice", "weights = { a = 1, b = -2 }", "weights.b: `weights.b = -2`: it must be at least 0"),
        ("words", "min = 7", "`min = 7`: it must not be above `max = 5`"),
    ];
    for (name, toml, message) in cases.into_iter().filter(|case| case.2 != "type mismatch") {
        let told = plan_error(name, toml);
        assert!(told.contains(message), "{name} {toml}: {told}");
    }
    let told = child_plan_error("rising", "from = \"DATE '2024-01-01'\"\nto = \"DATE '2024-01-02'\"\nmin_gap = -1");
    assert!(told.contains("`min_gap = -1`: it must be between 0 and"), "{told}");
}

#[test]
fn a_value_out_of_its_domain_is_an_error_with_its_row() {
    let bed = Bed::root(10);
    for (name, toml, message) in [
        ("normal", "mean = 0\nsd = \"negative\"", "`sd = negative` is -1.5: it must be at least 0"),
        ("uniform", "min = \"one\"\nmax = \"zero\"", "`min = one` is 1: it must not be above `max = zero`, which is 0"),
        ("uniform", "min = \"huge\"\nmax = \"huge\"\nscale = 0", "`min = huge` is 1e308: it must be a finite number"),
        ("normal", "mean = 1e20\nsd = 0\nscale = 0", "does not fit into an integer of 64 bits"),
        ("normal", "mean = 1e17\nsd = 0\nscale = 3", "does not fit into 18 digits"),
        ("choice", "weights = { a = \"one\", b = \"negative\" }", "`weights.b = negative` is -1.5"),
        ("boolean", "p = \"negative\"", "it must be between 0 and 1"),
        ("bic", "country = \"flag\"", "`country = flag` is `F`: it must be two capital letters"),
    ] {
        let error = bed.fill(name, toml).expect_err("an error").name_row(|row| format!("row {row}"));
        assert!(error.message().starts_with("row 0: "), "{name}: {error}");
        assert!(error.message().contains(message), "{name}: {error}");
    }
}

#[test]
fn a_wildcard_covers_names_and_nothing_else() {
    let domain = Domain::number("weights.*", 0.0, 1.0);
    assert!(domain.covers("weights.a") && !domain.covers("weights.") && !domain.covers("weight"));
}
