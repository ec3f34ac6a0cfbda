//! The shipped profiles: checks, keys, golden digests.

use placebo::engine;
use placebo::plan::{Chunk, Options, Plan, Tree};
use placebo::profile;

#[test]
fn every_check_holds_on_a_sample() {
    for name in profile::names() {
        let loaded = profile::load(name).expect("loads");
        let plan = Plan::compile(&loaded, &Options { scale: 20.0, ..Options::default() })
            .unwrap_or_else(|error| panic!("{error:?}"));
        let failures = engine::check(&plan, 20_000, 2).expect("runs");
        let shown: Vec<String> =
            failures.iter().map(|f| format!("{} {} {} rows: {}", f.table, f.check, f.rows, f.example)).collect();
        assert!(shown.is_empty(), "{}", shown.join("\n"));
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
