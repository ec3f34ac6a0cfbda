//! Memory: estimated before a run as it is measured, and kept to one number, whatever a profile asks for.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::run::{files, good, placebo};

const HEAD: &str = "name = \"x\"\nas_of = 2025-01-01\n";

/// A run that ended.
struct Ended {
    code: i32,
    said: String,
    /// The most memory that was seen, in MB (10⁶ bytes).
    peak: u64,
}

/// Runs the program to its end, and watches its memory.
fn watched(args: &[&str]) -> Ended {
    watched_to(placebo(args), Stdio::null()).0
}

/// Runs a program to its end, and watches its memory; also gives what it wrote to a pipe, which must be little.
fn watched_to(mut command: Command, stdout: Stdio) -> (Ended, String) {
    let mut child = command.stderr(Stdio::piped()).stdout(stdout).spawn().expect("starts");
    let (status, mut most) = (format!("/proc/{}/status", child.id()), 0);
    while child.try_wait().expect("a child").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let high = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        most = most.max(high.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    let (mut said, mut written) = (String::new(), String::new());
    child.stderr.as_mut().expect("a pipe").read_to_string(&mut said).expect("text");
    if let Some(pipe) = child.stdout.as_mut() {
        pipe.read_to_string(&mut written).expect("text");
    }
    (Ended { code: child.wait().expect("ends").code().unwrap_or(-1), said, peak: most * 1024 / 1_000_000 }, written)
}

/// The memory that `plan` says, in MB: for CSV and for Parquet.
fn planned(args: &[&str]) -> [u64; 2] {
    let said = good(&[&["plan", "--threads", "2"], args].concat()).stdout;
    let said = String::from_utf8(said).expect("text").replace('_', "");
    let line = said.lines().find(|line| line.starts_with("memory: ")).expect("a line");
    let numbers: Vec<u64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
    [numbers[0], numbers[1]]
}

/// The estimate is within 1.5 times of the measured peak, in both directions.
fn true_estimate(profile: &str, more: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("a path");
    let planned = planned(&[&[profile], more].concat());
    for (format, planned) in ["csv", "parquet"].into_iter().zip(planned) {
        let fixed = ["generate", profile, "--format", format, "--threads", "2", "--out", out, "--overwrite", "-q"];
        let fixed = [&fixed[..], more].concat();
        let Ended { code, said, peak } = watched(&fixed);
        assert_eq!(code, 0, "{said}");
        crate::run::say(&format!("{profile} {more:?} {format}: planned {planned} MB, measured {peak} MB"));
        let (planned, peak) = (planned as f64, peak as f64);
        assert!(planned < 1.5 * peak && peak < 1.5 * planned, "{profile} {format}: {planned} MB, {peak} MB");
        fs::remove_dir_all(folder.path()).expect("removes");
    }
}

/// A table with so many columns, of every type in turn.
fn wide(columns: usize) -> String {
    let types = [
        "{ gen.decimal = { min = 0, max = 99, scale = 2 } }",
        "{ gen.choice.values = [\"a\", \"b\", \"c\"] }",
        "{ gen.boolean.p = 0.5 }",
        "{ gen.date = { from = \"DATE '2020-01-01'\", to = \"as_of\" } }",
        "{ gen.words = {} }",
        "{ gen.integer = { min = 0, max = 1000 } }",
    ];
    let column = |n: usize| format!("c{n} = {}\n", types[n % types.len()]);
    let columns: String = (1..columns).map(column).collect();
    format!(
        "{HEAD}[tables.wide]\nrows = 2000\n[tables.wide.columns]\nid = {{ expr = \"row + 1\", key = true }}\n{columns}"
    )
}

#[test]
fn estimates_of_shipped_profiles_are_true() {
    true_estimate("healthcare", &["--rows", "patient=2000"]);
    true_estimate("claims", &["--rows", "member=2000"]);
    true_estimate("payments", &[]);
    true_estimate("legal", &[]);
}

#[test]
fn estimates_of_wide_tables_are_true() {
    let folder = tempfile::tempdir().expect("a folder");
    for (columns, rows) in [(1_000, "wide=20k"), (5_000, "wide=8k")] {
        let profile = folder.path().join(format!("wide{columns}.toml"));
        fs::write(&profile, wide(columns)).expect("writes");
        true_estimate(profile.to_str().expect("a path"), &["--rows", rows]);
    }
}

/// A profile of one table with some columns.
fn one_table(rows: &str, columns: &str) -> String {
    format!("{HEAD}[tables.t]\nrows = {rows}\n[tables.t.columns]\n{columns}\n")
}

/// Generates a profile on one thread in 256 MB.
fn small(folder: &Path, text: &str, more: &[&str]) -> Ended {
    within(folder, text, "256M", more)
}

/// Generates a profile on one thread in so much memory.
fn within(folder: &Path, text: &str, memory: &str, more: &[&str]) -> Ended {
    let (profile, out) = (folder.join("profile.toml"), folder.join("out"));
    fs::write(&profile, text).expect("writes");
    let fixed = ["generate", profile.to_str().expect("a path"), "--out", out.to_str().expect("a path"), "-q"];
    watched(&[&fixed[..], &["--overwrite", "--threads", "1", "--max-memory", memory], more].concat())
}

fn kept(ended: &Ended) {
    assert!(ended.code == 0 && ended.peak < 256, "{}, {} MB: {}", ended.code, ended.peak, ended.said);
}

/// Refused with exit code 3 and a message, before the memory was taken.
fn refused(ended: &Ended, says: &[&str]) {
    assert!(ended.code == 3 && ended.peak < 256, "{}, {} MB: {}", ended.code, ended.peak, ended.said);
    assert!(says.iter().all(|text| ended.said.contains(text)), "{}", ended.said);
}

#[test]
fn a_chunk_that_a_profile_makes_large_is_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = one_table("2_000_000\nchunk = 120_000_000", "a = { gen.uuid = {} }\nb = \"a || a\"");
    kept(&small(folder.path(), &long, &[]));
}

#[test]
fn rows_below_one_row_are_counted_before_they_are_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let children = |count: u32, column: &str, own: &str| {
        format!("{}\n[tables.c]\nof = \"t\"\ncount = {count}\ncolumns.b = {column}\n", one_table("3", own))
    };
    let text = "\"'x' || CAST(ordinal AS text)\"";
    let joined = "a = \"string_agg(c.b)\"";
    refused(&small(folder.path(), &children(600_000, text, joined), &[]), &["tables.t.columns.a", "--max-cell"]);
    refused(&small(folder.path(), &children(2_000_000, text, joined), &[]), &["tables.", "--max-memory"]);
    refused(&small(folder.path(), &children(10_000_000, "{ gen.uuid = {} }", "a = \"row\""), &[]), &["--max-memory"]);
}

/// Each reference leads to two others: 2¹⁶ lists of rows.
#[test]
fn references_that_fan_out_are_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut text = one_table("300", "x = \"row\"").replace("tables.t", "tables.t0");
    for n in 1..16 {
        let to = n - 1;
        text += &format!(
            "[tables.t{n}]\nrows = 300\nrefs.a.table = \"t{to}\"\nrefs.b.table = \"t{to}\"\n\
             [tables.t{n}.columns]\nx = \"a.x % 1000 + b.x\"\n"
        );
    }
    let ended = small(folder.path(), &text, &["--log-format", "json"]);
    assert!([0, 3].contains(&ended.code) && ended.peak < 256, "{}, {} MB: {}", ended.code, ended.peak, ended.said);
}

#[test]
fn a_wide_table_keeps_to_the_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |more: &[&str]| small(folder.path(), &wide(1_000), &[&["--rows", "wide=10k"], more].concat());
    kept(&run(&[]));
    refused(&run(&["--format", "parquet"]), &["tables.wide", "--max-memory"]);
}

#[test]
fn a_data_file_takes_a_few_times_its_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("data")).expect("a folder");
    let rows: Vec<String> = (0..1_500_000).map(|n| format!("v{n},w{}\n", n % 1_000)).collect();
    let rows = rows.concat();
    fs::write(folder.path().join("data/f.csv"), format!("# source: x\n# licence: y\na,b\n{rows}")).expect("writes");
    let text = format!("{HEAD}[tables.t]\nrows = 9\nrefs.r.file = \"f.csv\"\n[tables.t.columns]\na = \"r.a\"\n");
    kept(&small(folder.path(), &text, &[]));
    let least = within(folder.path(), &text, "128M", &[]);
    assert!(least.code == 3 && least.peak < 150, "{} MB: {}", least.peak, least.said);
    assert!(least.said.contains("f.csv") && least.said.contains("--max-memory"), "{}", least.said);
}

#[test]
fn output_does_not_depend_on_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    for format in ["csv", "parquet"] {
        let run = |memory: &str| {
            let out = folder.path().join(format!("{format}-{memory}"));
            let out_text = out.to_str().expect("a path");
            let fixed =
                ["generate", "healthcare", "--rows", "patient=300", "--format", format, "--out", out_text, "-q"];
            good(&[&fixed[..], &["--max-memory", memory]].concat());
            let mut files = files(&out);
            files.retain(|(name, _)| name.to_string_lossy() != "run.jsonl");
            files
        };
        assert!(run("192M") == run("4G"), "{format}");
    }
}

#[test]
fn every_command_that_makes_rows_keeps_to_the_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a path").to_owned();
    let (profile, out, base) = (path("profile.toml"), path("out"), format!("sqlite:{}", path("base.db")));
    let text = format!(
        "{}\n[tables.c]\nof = \"t\"\ncount = 900_000\ncolumns.b = \"ordinal\"\n",
        one_table("1", "a = \"row\"")
    );
    let made = small(folder.path(), &text, &[]);
    assert_eq!(made.code, 0, "{}", made.said);
    let commands: [&[&str]; 4] = [
        &["generate", &profile, "--out", "-", "--tables", "c"],
        &["load", &profile, "--to", &base],
        &["check", &profile],
        &["verify", &out, "--profile", &profile],
    ];
    for command in commands {
        let run = |memory: &str| watched(&[command, &["--threads", "1", "--max-memory", memory]].concat());
        assert_eq!(run("256M").code, 0, "{command:?}");
        refused(&run("128M"), &["--max-memory"]);
    }
}

/// An export on a pipe is compared in the memory of `--max-memory`, be it right or wrong in a thousand places. `ASSERTED_ROWS` are its rows.
#[test]
fn exports_of_any_size_are_compared_in_the_same_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a path").to_owned();
    let (profile, key) = (path("profile.toml"), path("key"));
    let rows: u64 = std::env::var_os("ASSERTED_ROWS").and_then(|rows| rows.to_str()?.parse().ok()).unwrap_or(400_000);
    let text = format!(
        "{HEAD}[params]\nwrong = {{ value = 0 }}\n[tables.t]\nrows = {rows}\n[tables.t.columns]\nid = {{ expr = \"row + 1\", key = true }}\n\
         amount = \"row * 7 + CASE WHEN row % 1000 < params.wrong THEN 1 ELSE 0 END\"\ndone = \"row % 3 = 0\"\n"
    );
    fs::write(&profile, text).expect("writes");
    good(&["answers", &profile, "--out", &key, "-q", "--threads", "2"]);
    for wrong in [0, 1] {
        let set = format!("wrong={wrong}");
        let mut export = placebo(&["generate", &profile, "--tables", "t", "--set", &set, "--out", "-", "-q"]);
        let mut export = export.stdout(Stdio::piped()).spawn().expect("starts");
        let args = ["assert", &key, "--table", "t=-", "--profile", &profile, "--format", "ndjson", "--threads", "2"];
        let mut command = placebo(&args);
        command.stdin(export.stdout.take().expect("a pipe"));
        let (ended, said) = watched_to(command, Stdio::piped());
        assert!(export.wait().expect("ends").success());
        crate::run::say(&format!("{rows} rows, {} wrong: {} MB", rows / 1000 * wrong, ended.peak));
        assert!(ended.peak < 256, "{} MB", ended.peak);
        let changed = format!("\"changed\":{}", rows / 1000 * wrong);
        assert!(
            ended.code == if wrong == 0 { 0 } else { 6 } && said.contains(&changed),
            "{}: {said:.2000}",
            ended.said
        );
    }
}

#[test]
fn the_option_takes_numbers_of_bytes() {
    for wrong in ["1M", "0", "much", "-5"] {
        let option = format!("--max-memory={wrong}");
        let output = placebo(&["check", "healthcare", &option]).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains("--max-memory"), "{wrong}: {said}");
    }
}
