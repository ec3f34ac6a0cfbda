//! A run in parts, on several machines perhaps: together the parts hold the rows of the whole, in every format.

use std::fs::{File, read, read_to_string};
use std::path::Path;

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_select::concat::concat_batches;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use placebo::format::of_tables;

use crate::run::good;

const PARTS: [&str; 3] = ["1/3", "2/3", "3/3"];

/// The rows of one file, in a form in which rows of several files can follow each other.
#[derive(Debug, PartialEq)]
enum Rows {
    /// A header, where there is one, and the text of each row.
    Lines(Option<String>, Vec<String>),
    /// Columns, whatever the pages and row groups of the file are.
    Columns(RecordBatch),
}

fn columns(reader: impl RecordBatchReader) -> Rows {
    let schema = reader.schema();
    let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().expect("batches");
    Rows::Columns(concat_batches(&schema, &batches).expect("one schema"))
}

fn rows(path: &Path, format: &str) -> Rows {
    let lines = || read_to_string(path).expect("text").lines().map(str::to_owned).collect::<Vec<_>>();
    let file = || File::open(path).expect("a file");
    match format {
        "csv" => {
            let mut lines = lines();
            Rows::Lines(Some(lines.remove(0)), lines)
        }
        "ndjson" => Rows::Lines(None, lines()),
        "json" => {
            let rows: Vec<serde_json::Value> = serde_json::from_slice(&read(path).expect("bytes")).expect("an array");
            Rows::Lines(None, rows.iter().map(ToString::to_string).collect())
        }
        "parquet" => columns(ParquetRecordBatchReader::try_new(file(), 1 << 16).expect("Parquet")),
        "arrow" => columns(arrow_ipc::reader::FileReader::try_new(file(), None).expect("Arrow")),
        other => panic!("no reader for `{other}`"),
    }
}

/// The rows of all files one after the other; headers and schemas must be equal.
fn together(parts: Vec<Rows>) -> Rows {
    let join = |all: Rows, next: Rows| match (all, next) {
        (Rows::Lines(header, mut all), Rows::Lines(other, next)) => {
            assert_eq!(header, other, "every part has the header");
            all.extend(next);
            Rows::Lines(header, all)
        }
        (Rows::Columns(all), Rows::Columns(next)) => {
            assert_eq!(all.schema(), next.schema());
            Rows::Columns(concat_batches(&all.schema(), [&all, &next]).expect("one schema"))
        }
        (all, next) => panic!("{all:?} and {next:?} are of two formats"),
    };
    parts.into_iter().reduce(join).expect("a part")
}

#[test]
fn parts_together_hold_the_rows_of_the_whole_in_every_format() {
    for (profile, size) in [("healthcare", "patient=200"), ("tests/fixtures/bank", "payment=3000")] {
        let loaded = placebo::profile::load(profile).expect("loads");
        for format in of_tables() {
            let folder = tempfile::tempdir().expect("a folder");
            let out = |name: &str| folder.path().join(name).to_str().expect("a path").to_owned();
            let run = |more: &[&str]| {
                let args = ["generate", profile, "--rows", size, "--format", format.name, "-q"];
                good(&[&args, more].concat())
            };
            run(&["--out", &out("whole")]);
            for part in PARTS {
                run(&["--out", &out("parts"), "--part", part]);
            }
            for table in loaded.profile.tables.keys() {
                let whole = rows(&folder.path().join(format!("whole/{table}.{}", format.name)), format.name);
                let part = |i| folder.path().join(format!("parts/{table}/part-{i:05}.{}", format.name));
                let parts = (0..PARTS.len()).map(|i| rows(&part(i), format.name)).collect();
                assert!(together(parts) == whole, "{table} as {}", format.name);
            }
        }
    }
}

/// What stands beside the files describes the whole, so that it does not matter whose copy stays when folders are laid together.
#[test]
fn every_part_describes_the_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let described = |part: &str| {
        let out = folder.path().join(part.replace('/', "-"));
        let path = out.to_str().expect("a path");
        good(&["generate", "tests/fixtures/shop", "--out", path, "--part", part, "-q"]);
        ["datapackage.json", "schema.sql"].map(|name| read_to_string(out.join(name)).expect("text"))
    };
    let [first, second, third] = PARTS.map(described);
    assert!(first == second && second == third);
    for i in 0..PARTS.len() {
        assert!(first[0].contains(&format!("payment/part-{i:05}.csv")), "{}", first[0]);
    }
}
