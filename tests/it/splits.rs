//! Any way to split a run gives the bytes of the whole: random rows, chunks, threads and parts.

use std::path::Path;

use placebo::disk::System;
use placebo::engine::{Job, Progress, Start, Target, path_of};
use placebo::format::write;
use placebo::part::Part;
use placebo::plan::{Options, Plan};
use placebo::protect::{Protection, Settings};
use proptest::prelude::*;

/// The lines of every table, headers first, as one part of a run writes them.
fn run(plan: &Plan, part: Option<Part>, threads: usize, chunk: Option<u64>) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let format = write::format("csv").expect("csv");
    let job = Job {
        plan,
        tables: (0..plan.tables.len()).collect(),
        format,
        options: write::Options::default(),
        target: Target::Folder(folder.path().to_owned()),
        part,
        threads,
        chunk,
        start: Start::New,
        inputs: String::new(),
        disk: &System,
        protection: Protection::none(Settings::default()),
    };
    let files = job.run(&Progress::default()).expect("runs");
    let lines = |path: &Path| {
        let text = std::fs::read_to_string(folder.path().join(path)).expect("a file");
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    plan.tables
        .iter()
        .map(|table| {
            let lines = lines(&path_of(&table.name, format, part));
            let told = files.iter().find(|file| file.table == table.name).expect("told");
            assert_eq!(told.rows as usize, lines.len() - 1, "{}", table.name);
            lines
        })
        .collect()
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
