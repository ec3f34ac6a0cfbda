//! Any way to split a run gives the bytes of the whole: random rows, chunks, threads and parts.

use std::sync::Arc;

use placebo::dataset::{DataSet, Output};
use placebo::disk::System;
use placebo::engine::{self, Progress, Start};
use placebo::folder::{Folder, file_path};
use placebo::format;
use placebo::part::Part;
use placebo::plan::{Options, Plan};
use proptest::prelude::*;

/// The lines of every table, headers first, as one part of a run writes them.
fn run(plan: &Arc<Plan>, part: Option<Part>, threads: usize, chunk: Option<u64>) -> Vec<Vec<String>> {
    let temp = tempfile::tempdir().expect("a folder");
    let format = format::find("csv").expect("csv");
    let set = DataSet::new(Arc::clone(plan)).part(part).chunk_rows(chunk);
    let folder = Folder { path: temp.path().to_owned(), format, options: format::Options::default(), disk: &System };
    let outcome = engine::run(&set, &folder, Start::New, threads, &Progress::default()).expect("runs");
    let lines = |output: &Output| {
        let path = temp.path().join(file_path(&output.name, format.name, part));
        let text = std::fs::read_to_string(path).expect("a file");
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let all: Vec<Vec<String>> = set.outputs().iter().map(lines).collect();
    let rows: usize = all.iter().map(|lines| lines.len() - 1).sum();
    assert_eq!((outcome.outputs, outcome.rows as usize), (all.len(), rows));
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_whole_equals_its_pieces(
        rows in 0_u64..300,
        shops in 1_u64..9,
        chunk in 1_u64..80,
        threads in 1_usize..5,
        parts in 1_u64..7,
        seed in "[a-z0-9]{0,4}",
    ) {
        let loaded = placebo::profile::load("tests/fixtures/shop").expect("loads");
        let rows = [("account".to_owned(), rows), ("shop".to_owned(), shops)].into_iter().collect();
        let plan = Plan::compile(&loaded, &Options { rows, seed, ..Options::default() }).expect("compiles");
        let plan = Arc::new(plan);
        let whole = run(&plan, None, 1, None);
        let mut joined: Vec<Vec<String>> = whole.iter().map(|lines| lines[..1].to_vec()).collect();
        for part in Part::all(parts) {
            for (all, piece) in joined.iter_mut().zip(run(&plan, Some(part), threads, Some(chunk))) {
                prop_assert_eq!(&all[0], &piece[0]);
                all.extend(piece.into_iter().skip(1));
            }
        }
        prop_assert_eq!(joined, whole);
    }
}
