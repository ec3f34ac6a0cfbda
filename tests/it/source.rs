//! Files read back: what was written, in every format; and whatever is done to a file, an error at worst.

use std::panic::catch_unwind;
use std::path::Path;

use arrow_array::{Array, RecordBatch};
use arrow_schema::SchemaRef;
use placebo::digest::RowSum;
use placebo::error::Kind;
use placebo::format::read::Rows;
use placebo::format::write::Canonical;
use placebo::format::{self, FORMATS, Format, of_tables};
use placebo::plan::{Chunk, Options, Plan};

/// Every shipped profile and every fixture, small.
fn plans() -> Vec<Plan> {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let fixtures = std::fs::read_dir(fixtures).expect("a folder").flatten().map(|entry| entry.path());
    let fixtures = fixtures.filter(|path| path.join("profile.toml").exists() && !path.ends_with("bad"));
    let names = placebo::profile::names().into_iter().map(str::to_owned);
    let all = names.chain(fixtures.map(|path| path.to_str().expect("a path").to_owned()));
    let compile = |name: String| {
        let loaded = placebo::profile::load(&name).expect("loads");
        Plan::compile(&loaded, &Options::default()).expect("compiles")
    };
    let plans: Vec<Plan> = all.map(compile).collect();
    assert!(plans.len() > 5);
    plans
}

/// The batches of a table, several where it has many root rows.
fn batches(plan: &Plan, table: usize) -> Vec<RecordBatch> {
    let root = plan.root_of(table);
    let rows = plan.tables[root].rows.min(400);
    let cuts = [0..rows / 3, rows / 3..rows];
    cuts.map(|cut| Chunk::new(plan, root, &cut.collect::<Vec<_>>()).batch(table).expect("a batch")).into()
}

fn write(
    path: &Path,
    format: &Format,
    schema: &SchemaRef,
    options: &format::Options,
    batches: &[RecordBatch],
) -> RowSum {
    let (encoder, canonical) =
        ((format.encoder)(schema, options).expect("an encoder"), Canonical::new(schema).expect("one"));
    let mut file = encoder.open(Box::new(std::fs::File::create(path).expect("creates"))).expect("opens");
    let mut all = RowSum::default();
    for batch in batches {
        let (piece, held) = canonical.encode(encoder.as_ref(), batch.clone()).expect("encodes");
        all.merge(&held.sum);
        file.append(piece).expect("appends");
    }
    file.finish().expect("finishes").flush().expect("flushes");
    all
}

/// Texts, whether they came as codes or not.
fn plain(array: &dyn Array) -> arrow_array::ArrayRef {
    match array.data_type() {
        arrow_schema::DataType::Dictionary(_, value) => arrow_cast::cast(array, value).expect("text"),
        _ => arrow_array::make_array(array.to_data()),
    }
}

#[test]
fn every_profile_reads_back_from_every_format_with_one_digest() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut tables, mut cells) = (0, 0);
    for plan in plans() {
        for (index, table) in plan.tables.iter().enumerate() {
            let written = batches(&plan, index);
            let mut digests = Vec::new();
            let settings: [&[(&str, &str)]; 4] = [
                &[("csv-guard", "quote")],
                &[("csv-delimiter", ";"), ("csv-null", "\\N"), ("csv-line-end", "crlf"), ("csv-guard", "quote")],
                &[("csv-delimiter", "tab"), ("csv-quote", "nonnull"), ("csv-bom", "on")],
                &[("csv-delimiter", "|"), ("csv-quote", "all"), ("csv-null", "(none)"), ("csv-header", "off")],
            ];
            let plainly = of_tables().map(|format| (format, &[][..]));
            for (format, settings) in plainly.chain(settings.map(|settings| (FORMATS[0], settings))) {
                let path = folder.path().join("file");
                let options = format.options(settings.iter().copied()).expect("settings");
                digests.push(write(&path, format, &table.schema, &options, &written));
                let open = || Rows::open(&path, format.name, &table.schema, &options).expect("opens");
                let mut rows = open();
                for expected in &written {
                    let read = rows.take(expected.num_rows()).expect("reads");
                    assert_eq!(read.schema(), expected.schema());
                    for ((read, expected), field) in
                        read.columns().iter().zip(expected.columns()).zip(table.schema.fields())
                    {
                        let place = format!("{} {}.{} as {}", plan.name, table.name, field.name(), format.name);
                        assert!(plain(read).to_data() == plain(expected).to_data(), "{place}");
                        cells += read.len();
                    }
                }
                assert!(rows.next(1).expect("ends").is_none());
                // However it is cut, the digest of what was read is the digest of what was written.
                let (mut rows, mut sum) = (open(), RowSum::default());
                while let Some(batch) = rows.next(97).expect("reads") {
                    sum.merge(&Canonical::new(&table.schema).expect("one").sum(&batch).expect("sums"));
                }
                digests.push(sum);
            }
            assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{} {}", plan.name, table.name);
            tables += 1;
        }
    }
    assert!(tables > 80 && cells > 500_000, "{tables} tables, {cells} cells");
}

/// One run's files, cut at many places, with flipped bits, and with runs of bytes set anew.
#[test]
#[expect(clippy::disallowed_methods, reason = "the environment says how many files, for `make soak`")]
fn a_damaged_file_is_an_error_at_worst() {
    let folder = tempfile::tempdir().expect("a folder");
    let loaded = placebo::profile::load("tests/fixtures/bank").expect("loads");
    let plan = Plan::compile(&loaded, &Options::default()).expect("compiles");
    let table = plan.table("payment").expect("a table");
    let schema = &plan.tables[table].schema;
    let batch = Chunk::new(&plan, plan.root_of(table), &[0, 1, 2, 3, 4, 5]).batch(table).expect("a batch");
    let mut state = 1_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    };
    let mut refused = 0;
    for format in of_tables() {
        let path = folder.path().join(format.name);
        write(&path, format, schema, &format::Options::default(), std::slice::from_ref(&batch));
        let bytes = std::fs::read(&path).expect("reads");
        assert!(batch.num_rows() > 20 && bytes.len() > 1_000);
        let rounds: usize = std::env::var("DAMAGE_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
        for round in 0..rounds {
            let mut damaged = bytes.clone();
            match round % 4 {
                0 => damaged.truncate(random(bytes.len())),
                1 => damaged[random(bytes.len())] ^= 1 << random(8),
                // Where footers and their lengths stand.
                2 => {
                    let at = bytes.len() - 1 - random(bytes.len().min(600));
                    damaged[at] = [0, 0xff, 0x7f, 0x80][random(4)];
                }
                _ => {
                    let (at, length) = (random(bytes.len()), random(16));
                    let end = bytes.len().min(at + length);
                    damaged[at..end].fill(random(256) as u8);
                }
            }
            std::fs::write(&path, &damaged).expect("writes");
            let read = catch_unwind(|| {
                let mut rows = Rows::open(&path, format.name, schema, &format::Options::default())?;
                while rows.next(50)?.is_some() {}
                Ok::<u64, placebo::error::Error>(rows.rows())
            });
            match read.expect("no panic gets out") {
                Ok(_) => {}
                Err(error) => {
                    assert_eq!(error.kind(), Kind::Verification, "{error}");
                    assert!(
                        error.message().contains(path.to_str().expect("a path")) && error.message().contains("row "),
                        "{error}"
                    );
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 1_000, "only {refused} files were refused");
}
