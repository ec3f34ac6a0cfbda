//! Rows and bytes per second: the shipped profile as a whole, in every format, and every generator by its own example.
//! Each run is checked to have made its rows.

use std::hint::black_box;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arrow_array::Array;
use criterion::{Criterion, Throughput};
use placebo::format::write::{Canonical, Piece};
use placebo::format::{self, of_tables};
use placebo::generator::{self, Def};
use placebo::plan::{Chunk, Options, Plan};
use placebo::protect::keyring::Keys;
use placebo::protect::{Choice, Protection, Settings, decide};

fn main() {
    let criterion = Criterion::default().warm_up_time(Duration::from_millis(300)).sample_size(10);
    let mut criterion = criterion.measurement_time(Duration::from_secs(1)).configure_from_args();
    profile(&mut criterion);
    encryption(&mut criterion);
    domains(&mut criterion);
    generators(&mut criterion);
    criterion.final_summary();
}

fn plan(profile: &str) -> placebo::error::Result<Plan> {
    Plan::compile(&placebo::profile::load(profile)?, &Options::default())
}

/// The tables of all patients' trees: made, and written in each format. Rows for one, bytes for the other.
fn profile(criterion: &mut Criterion) {
    let plan = plan("healthcare").expect("the profile compiles");
    let rows: Vec<u64> = (0..500).collect();
    let patient = plan.table("patient").expect("a table");
    let tree = plan.tree(patient).tables;
    let generate = || {
        let mut chunk = Chunk::new(&plan, patient, &rows);
        tree.iter().map(|table| chunk.batch(*table).expect("a batch")).collect::<Vec<_>>()
    };
    let batches = generate();
    let total: usize = batches.iter().map(arrow_array::RecordBatch::num_rows).sum();
    let mut group = criterion.benchmark_group("rows");
    group.throughput(Throughput::Elements(total as u64));
    group.bench_function("generate", |bench| bench.iter(|| assert_eq!(black_box(generate()).len(), tree.len())));
    for format in of_tables() {
        let write = || {
            let counted = Counted::default();
            for (table, batch) in tree.iter().zip(&batches) {
                let schema = &plan.tables[*table].schema;
                let encoder = (format.encoder)(schema, &format::Options::default()).expect("an encoder");
                let mut file = encoder.open(Box::new(counted.clone())).expect("opens");
                file.append(encoder.encode(batch.clone()).expect("encodes")).expect("appends");
                file.finish().expect("ends");
            }
            counted.take()
        };
        let bytes = write();
        assert!(bytes > total as u64);
        group.bench_function(format.name, |bench| bench.iter(|| assert_eq!(write(), bytes)));
    }
    group.finish();
    let mut group = criterion.benchmark_group("bytes");
    for format in of_tables() {
        let mut table = tree.iter().zip(&batches).max_by_key(|(_, batch)| batch.num_rows()).into_iter();
        let (table, batch) = table.next().expect("a table");
        let write = || {
            let counted = Counted::default();
            let encoder =
                (format.encoder)(&plan.tables[*table].schema, &format::Options::default()).expect("an encoder");
            let mut file = encoder.open(Box::new(counted.clone())).expect("opens");
            file.append(encoder.encode(batch.clone()).expect("encodes")).expect("appends");
            file.finish().expect("ends");
            counted.take()
        };
        group.throughput(Throughput::Bytes(write()));
        group.bench_function(format.name, |bench| bench.iter(|| black_box(write())));
    }
    group.finish();
}

/// Values sealed per second on one core, a column of eleven bytes each; and a table of persons in the clear beside the
/// same with six encrypted columns, made, encoded and hashed as a run does.
fn encryption(criterion: &mut Criterion) {
    let plan = plan("healthcare").expect("the profile compiles");
    let person = plan.table("person").expect("a table");
    let keys = Keys::read(&"test:bench".parse().expect("a source"), None).expect("a key");
    let protection = |chosen: &[String]| {
        let decisions = decide(&plan, &Choice::parse(&plan, chosen, false).expect("a choice")).expect("decisions");
        let settings = Settings { data_set: "bench".to_owned(), ..Settings::default() };
        Protection::new(&plan, decisions, Some(&keys), settings).expect("a protection")
    };
    let rows: Vec<u64> = (0..4_096).collect();
    let mut chunk = Chunk::new(&plan, plan.root_of(person), &rows);
    let clear = chunk.batch(person).expect("a batch");
    let ssn = clear.column_by_name("ssn").expect("a column");
    let mut group = criterion.benchmark_group("encryption");
    group.throughput(Throughput::Elements((ssn.len() - ssn.null_count()) as u64));
    for (name, chosen) in [("row-bound", "person.ssn=encrypt"), ("joinable", "person.ssn=encrypt:ssn")] {
        let protection = protection(&[chosen.to_owned()]);
        let mut seal = || protection.apply(person, clear.clone(), &rows, &mut chunk).expect("protects").num_rows();
        group.bench_function(name, |bench| bench.iter(|| assert_eq!(seal(), rows.len())));
    }
    let columns = ["given_name", "family_name", "birth_date", "ssn", "race_omb", "ethnicity_omb"];
    let chosen = columns.map(|column| format!("person.{column}=encrypt"));
    let csv = format::find("csv").expect("csv");
    let [plain, sealed] = [&[][..], &chosen].map(|chosen| {
        let (plan, rows, protection) = (&plan, &rows, protection(chosen));
        let schema = protection.schema(plan, person);
        let encoder = (csv.encoder)(&schema, &format::Options::default()).expect("an encoder");
        let canonical = Canonical::new(&schema).expect("canonical rows");
        move || {
            let start = Instant::now();
            let mut chunk = Chunk::new(plan, plan.root_of(person), rows);
            let clear = chunk.batch(person).expect("a batch");
            let batch = protection.apply(person, clear, rows, &mut chunk).expect("protects");
            let (piece, held) = canonical.encode(encoder.as_ref(), batch).expect("encodes");
            let Piece::Bytes(bytes) = piece else { panic!("csv is text") };
            assert_eq!(held.sum.rows, rows.len() as u64);
            black_box(placebo::digest::sha256(&bytes));
            start.elapsed()
        }
    });
    // In turn, so that whatever else the machine does befalls both.
    let (mut best, mut count) = ([Duration::MAX; 2], 0);
    group.throughput(Throughput::Elements(rows.len() as u64));
    group.bench_function("person", |bench| bench.iter(&plain));
    group.bench_function("person, six columns", |bench| {
        bench.iter_custom(|times| {
            let pair = |_| {
                best[0] = best[0].min(plain());
                let time = sealed();
                best[1] = best[1].min(time);
                count += 1;
                time
            };
            (0..times).map(pair).sum()
        });
    });
    group.finish();
    if count > 0 {
        report(&format!("person, six columns: {:.2} times as long", best[1].as_secs_f64() / best[0].as_secs_f64()));
    }
}

#[expect(clippy::print_stdout, reason = "it stands beside what criterion prints")]
fn report(line: &str) {
    println!("{line}");
}

/// The tables of every shipped profile as CSV, on one thread: rows per second.
fn domains(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("domain");
    for name in placebo::profile::names() {
        let plan = plan(name).expect("the profile compiles");
        let csv = format::find("csv").expect("csv");
        let trees = plan.trees();
        let encoders: Vec<_> = plan
            .tables
            .iter()
            .map(|table| (csv.encoder)(&table.schema, &format::Options::default()).expect("an encoder"))
            .collect();
        let make = || {
            let mut made = 0;
            for tree in &trees {
                let rows: Vec<u64> = (0..plan.tables[tree.root].rows.min(300)).collect();
                let mut chunk = Chunk::new(&plan, tree.root, &rows);
                for table in &tree.tables {
                    let batch = chunk.batch(*table).expect("a batch");
                    made += batch.num_rows();
                    black_box(encoders[*table].encode(batch).expect("encodes").len());
                }
            }
            made
        };
        let rows = make();
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(name, |bench| bench.iter(|| assert_eq!(make(), rows)));
    }
    group.finish();
}

/// Counts what is written to it.
#[derive(Clone, Default)]
struct Counted(Arc<AtomicU64>);

impl Counted {
    fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Every generator with the parameters of its example: values per second, row keys included.
fn generators(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    for from in ["profiles/common/data", "profiles/healthcare/data"] {
        for file in Path::new(env!("CARGO_MANIFEST_DIR")).join(from).read_dir().expect("data files").flatten() {
            std::fs::copy(file.path(), data.join(file.file_name())).expect("copies");
        }
    }
    let mut group = criterion.benchmark_group("generator");
    for def in generator::families().into_iter().flat_map(|(_, defs)| defs) {
        let plan = [true, false].into_iter().find_map(|root| alone(folder.path(), def, root));
        let plan = plan.unwrap_or_else(|| panic!("gen.{} compiles in no table", def.name));
        let table = plan.table("bench").expect("the table");
        let parents: Vec<u64> = (0..4_096).collect();
        let make = || Chunk::new(&plan, plan.root_of(table), &parents).batch(table).expect("a batch").num_rows();
        let values = make();
        group.throughput(Throughput::Elements(values as u64));
        group.bench_function(def.name, |bench| bench.iter(|| assert_eq!(make(), values)));
    }
    group.finish();
}

/// A profile with one column by a generator, in a root table or in a child table with four rows a parent.
fn alone(folder: &Path, def: &Def, root: bool) -> Option<Plan> {
    let says = if root { "rows = 4_096" } else { "of = \"parent\"\ncount = 4" };
    let text = format!(
        "name = \"bench\"\nas_of = 2025-06-30\n[tables.parent]\nrows = 4_096\n[tables.parent.columns]\nid = \"row\"\n\
         [tables.bench]\n{says}\n[tables.bench.columns.v.gen.{}]\n{}\n",
        def.name, def.example
    );
    std::fs::write(folder.join("profile.toml"), text).expect("writes");
    plan(folder.to_str().expect("a path")).ok()
}
