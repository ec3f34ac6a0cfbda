//! The shipped profiles: checks, keys, golden digests.

use placebo::engine;
use placebo::plan::{Chunk, Options, Plan, Tree};
use placebo::profile;

#[test]
fn every_check_holds_on_a_sample() {
    // Few rows too: what has fixed places, such as staff, is there for any number of others.
    for (name, scale) in profile::names().into_iter().flat_map(|name| [(name, 0.1), (name, 20.0)]) {
        let loaded = profile::load(name).expect("loads");
        let plan = Plan::compile(&loaded, &Options { scale, ..Options::default() })
            .unwrap_or_else(|error| panic!("{error:?}"));
        let failures = engine::check(&plan, 20_000, 2).expect("runs");
        let shown: Vec<String> =
            failures.iter().map(|f| format!("{} {} {} rows: {}", f.table, f.check, f.rows, f.example)).collect();
        assert!(shown.is_empty(), "{name} at scale {scale}: {}", shown.join("\n"));
    }
}

/// Digests of every table: a change needs a raised fingerprint and a "Values" line in CHANGELOG.md.
#[test]
fn golden_digests() {
    let csv = placebo::format::find("csv").expect("csv");
    let mut all = String::new();
    for name in profile::names() {
        let loaded = profile::load(name).expect("loads");
        let plan = Plan::compile(&loaded, &Options::default()).unwrap_or_else(|error| panic!("{error:?}"));
        for Tree { root, tables } in plan.trees() {
            let rows: Vec<u64> = (0..plan.tables[root].rows.min(500)).collect();
            let mut chunk = Chunk::new(&plan, root, &rows);
            for table in tables {
                let batch = chunk.batch(table).expect("a batch");
                let rows = batch.num_rows();
                let encoder = (csv.encoder)(&plan.tables[table].schema, &placebo::format::Options::default())
                    .expect("an encoder");
                let placebo::format::write::Piece::Bytes(bytes) = encoder.encode(batch).expect("bytes") else {
                    panic!("csv is text")
                };
                let hash = &placebo::digest::sha256(&bytes)[..32];
                all.push_str(&format!("{name} {} {rows} rows {hash}\n", plan.tables[table].name));
            }
        }
    }
    insta::assert_snapshot!("golden_digests", all);
}

/// Names that a demonstration can show, and that nobody has: a street begins with one of these words.
const MADE_UP: [&str; 4] = ["Example", "Mock", "Sample", "Test"];

#[test]
fn texts_are_fit_to_be_shown() {
    let (mut texts, mut streets) = (0, 0);
    for name in placebo::profile::names() {
        let set = placebo::dataset::DataSet::load(name).expect("compiles");
        for output in set.outputs() {
            for batch in set.batches(&output.name).expect("the table") {
                let batch = batch.expect("rows");
                for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                    let Some(column) = words(column) else { continue };
                    for text in column.iter().flatten() {
                        let place = format!("{name}: {}.{}: {text}", output.name, field.name());
                        assert!(!text.contains("..") && !text.contains("  Test "), "{place}");
                        texts += 1;
                        if (output.name.as_str(), field.name().as_str()) == ("address", "line1") {
                            let street = text.split_once(' ').expect("a number and a name").1;
                            assert!(MADE_UP.iter().any(|word| street.starts_with(word)), "{place}");
                            assert!(!street.contains(" Test "), "{place}");
                            streets += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(texts > 1_000_000 && streets > 1_000, "the test looks at nothing: {texts} {streets}");
}

/// The values of a column of text: of a dictionary each of its entries once.
fn words(column: &arrow_array::ArrayRef) -> Option<&arrow_array::StringArray> {
    use arrow_array::cast::AsArray;
    match column.as_any_dictionary_opt() {
        Some(dictionary) => dictionary.values().as_string_opt(),
        None => column.as_string_opt(),
    }
}
