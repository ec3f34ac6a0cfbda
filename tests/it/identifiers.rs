//! Identifiers of the shipped profiles: one parameter switches all ranges, another seed all numbers, and no two things share one.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::Array;
use arrow_schema::DataType;
use placebo::generator::identifier::check;
use placebo::notes::{Key, Noted};
use placebo::plan::{Chunk, Options, Plan};
use placebo::profile;

/// The texts of each column, by table and column; `None` for a null.
type Columns = BTreeMap<(String, String), (Option<String>, Vec<Option<String>>)>;

fn plan(name: &str, options: &Options) -> Plan {
    Plan::compile(&profile::load(name).expect("loads"), options).unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

fn set(pairs: &[(&str, &str)]) -> Options {
    let params = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Options { params, ..Options::default() }
}

/// The text columns of the first rows of a profile, each with its kind.
fn texts(plan: &Plan, rows: u64) -> Columns {
    let mut all = Columns::new();
    for tree in plan.trees() {
        let numbers: Vec<u64> = (0..plan.tables[tree.root].rows.min(rows)).collect();
        let mut chunk = Chunk::new(plan, tree.root, &numbers);
        for table in tree.tables {
            let batch = chunk.batch(table).expect("a batch");
            for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
                if !matches!(field.data_type(), DataType::Utf8 | DataType::Dictionary(..)) {
                    continue;
                }
                let texts = arrow_cast::cast(array, &DataType::Utf8).expect("texts");
                let texts = arrow_array::cast::AsArray::as_string::<i32>(&texts);
                let values = (0..texts.len()).map(|i| texts.is_valid(i).then(|| texts.value(i).to_owned())).collect();
                let kind = field.note(Key::Pii).map(str::to_owned);
                all.insert((plan.tables[table].name.clone(), field.name().clone()), (kind, values));
            }
        }
    }
    all
}

/// The kinds whose values a registry hands out, in ranges.
const REGISTERED: [&str; 8] = ["ssn", "ein", "npi", "dea", "mbi", "lei", "bic", "pan"];

fn registered(kind: Option<&str>, column: &str) -> bool {
    kind.is_some_and(|kind| REGISTERED.contains(&kind)) || column.contains("routing_number") || column == "card_bin"
}

#[test]
fn one_parameter_switches_every_identifier_that_a_registry_hands_out() {
    let mut seen = BTreeSet::new();
    for name in profile::names() {
        let [safe, live] = ["false", "true"].map(|on| texts(&plan(name, &set(&[("shape_identifiers", on)])), 400));
        for ((table, column), (kind, safe)) in &safe {
            let live = &live[&(table.clone(), column.clone())].1;
            if !registered(kind.as_deref(), column) {
                continue;
            }
            for (safe, live) in safe.iter().zip(live) {
                assert_eq!(safe.is_some(), live.is_some(), "{name}: {table}.{column}");
                assert!(safe.is_none() || safe != live, "{name}: {table}.{column} stays {safe:?}");
                if let Some(live) = live.as_ref().filter(|_| column.contains("routing_number")) {
                    let digits = || live.bytes().map(|b| b - b'0');
                    assert!(live.len() == 9 && ("01".."13").contains(&&live[..2]), "{name}: {table}.{column}: {live}");
                    assert_eq!(check::aba_digit(digits().take(8)), digits().next_back().expect("a digit"), "{live}");
                }
            }
            if safe.iter().any(Option::is_some) {
                seen.insert(kind.clone().unwrap_or_default());
            }
        }
    }
    for kind in REGISTERED {
        assert!(seen.contains(kind), "no profile has a {kind}");
    }
}

#[test]
fn live_card_numbers_have_the_issuer_and_the_length_of_their_brand() {
    let plan = plan("payments", &set(&[("shape_identifiers", "true"), ("pan_mode", "clear")]));
    let columns = texts(&plan, 1_000);
    let of = |column: &str| &columns[&("card".to_owned(), column.to_owned())].1;
    let mut brands = BTreeSet::new();
    for (number, brand) in of("pan_shown").iter().zip(of("brand")) {
        let (number, brand) = (number.as_deref().expect("a number"), brand.as_deref().expect("a brand"));
        let (issuer, length) = match brand {
            "VISA" => ("4", 16),
            "MASTERCARD" => ("51", 16),
            "AMEX" => ("37", 15),
            _ => ("6011", 16),
        };
        assert!(number.starts_with(issuer) && number.len() == length, "{brand}: {number}");
        let digits = || number.bytes().map(|b| b - b'0');
        assert_eq!(check::luhn_digit(digits().take(length - 1)), digits().next_back().expect("a digit"), "{number}");
        brands.insert(brand);
    }
    assert_eq!(brands.len(), 4, "{brands:?}");
}

/// Numbers of accounts, cards, policies and records: whoever knows one of them under a seed knows none under another.
#[test]
fn numbers_of_people_and_accounts_differ_between_seeds() {
    let mut looked = 0;
    for name in profile::names() {
        let [one, two] =
            ["1", "2"].map(|seed| texts(&plan(name, &Options { seed: seed.to_owned(), ..Options::default() }), 400));
        for ((table, column), (_, one)) in &one {
            let numbers =
                ["account_no", "bank_account", "member_no", "policy_no", "patient_control_no", "pan_token", "mrn"];
            if !numbers.contains(&column.as_str()) && column != "settlement_account_no" {
                continue;
            }
            let two = &two[&(table.clone(), column.clone())].1;
            let both = one.iter().zip(two).filter(|(one, two)| one.is_some() && two.is_some());
            if both.clone().count() <= 10 {
                continue;
            }
            let equal = both.filter(|(one, two)| one == two).count();
            assert!(equal <= 2, "{name}: {equal} of {table}.{column} are equal under two seeds");
            looked += 1;
        }
    }
    assert!(looked >= 8, "{looked} columns");
}

/// Keys of different tables are different texts, unless one table refers to the other.
#[test]
fn no_key_is_that_of_something_else() {
    for name in profile::names() {
        let plan = plan(name, &Options::default());
        let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for ((table, column), (_, values)) in texts(&plan, 400) {
            let known = &plan.tables[plan.table(&table).expect("a table")].schema;
            let key: Vec<_> = known.fields().iter().filter(|field| field.is_primary_key()).collect();
            if let [key] = key.as_slice()
                && *key.name() == column
                && key.reference().is_none()
            {
                keys.insert(table, values.into_iter().flatten().collect());
            }
        }
        let tables: Vec<&String> = keys.keys().collect();
        for (at, one) in tables.iter().enumerate() {
            for two in &tables[at + 1..] {
                let shared = keys[*one].intersection(&keys[*two]).next();
                assert!(shared.is_none(), "{name}: {one} and {two} share the key {shared:?}");
            }
        }
    }
}
