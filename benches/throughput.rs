//! Rows and bytes per second: every format over an embedded profile. Each run is checked to have made its rows.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use placebo::plan::{Chunk, Options, Plan};
use placebo::sink::{self, FORMATS};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let loaded = placebo::profile::load("healthcare").expect("the profile loads");
    let plan = Plan::compile(&loaded, &Options::default()).expect("the profile compiles");
    let rows: Vec<u64> = (0..500).collect();
    let patient = plan.table("patient").expect("a table");
    let tree: Vec<usize> = (0..plan.tables.len()).filter(|table| plan.root_of(*table) == patient).collect();
    let generate = || {
        let mut chunk = Chunk::new(&plan, patient, &rows);
        tree.iter().map(|table| chunk.batch(*table).expect("a batch")).collect::<Vec<_>>()
    };
    let batches = generate();
    let total: usize = batches.iter().map(arrow_array::RecordBatch::num_rows).sum();
    let mut group = criterion.benchmark_group("tree");
    group.sample_size(10).throughput(Throughput::Elements(total as u64));
    group.bench_function("generate", |bench| bench.iter(|| assert_eq!(black_box(generate()).len(), tree.len())));
    for format in FORMATS {
        group.bench_function(format.name, |bench| {
            bench.iter(|| {
                for (table, batch) in tree.iter().zip(&batches) {
                    let encoder =
                        (format.encoder)(&plan.tables[*table].schema, &sink::Options::default()).expect("an encoder");
                    let mut file = encoder.open(Box::new(std::io::sink())).expect("opens");
                    file.append(encoder.encode(batch.clone()).expect("encodes")).expect("appends");
                    file.finish().expect("ends");
                }
            });
        });
    }
    group.finish();
    criterion.final_summary();
}
