//! Limits: what a condition, a list of rows and a number may ask for.

use std::io::Read;
use std::process::Stdio;

use super::refused;
use crate::run::placebo;

#[test]
fn what_cannot_be_found_is_told_before_it_is_looked_for() {
    let long = "x".repeat(70_000);
    let deep = format!("{}true{}", "(".repeat(500), ")".repeat(500));
    let path = ["patient.encounter"; 9].join(".");
    for (args, says) in [
        (vec!["patient", "--where", &long], "longer than the limit of 64 KiB"),
        (vec!["patient", "--where", &deep], "nested"),
        (vec!["patient", "--where", "person.birth_dat > 1"], "did you mean `birth_date`?"),
        (vec!["patient", "--where", "patient_id"], "a condition is meant"),
        (vec!["patient", "--where", "encounter.class = 'IMP'"], "aggregate them"),
        (
            vec!["patient", "--where", "CAST('x' || mrn AS bigint) > 0"],
            "`--where CAST('x' || mrn AS bigint) > 0`: `xSYN9737769755` cannot be cast",
        ),
        (vec!["patint"], "× unknown table `patint`"),
        (vec!["patient", "--with", "persn"], "did you mean `person`?"),
        (vec!["encounter", "--with", &path], "more than 16"),
        (vec!["patient", "--workers", "0"], "0 pools"),
        (vec!["patient", "--workers", "10001"], "1 to 10000 pools"),
        (vec!["patient", "--limit", "0"], "`--limit 0` asks for 0 rows"),
        (vec!["patient", "--cover", "nope"], "`--cover nope`: unknown column `nope`"),
        (vec!["patient", "--cover", "pairs:vip_flag"], "is not a list of columns"),
        (vec!["patient", "--format", "playwrite"], "did you mean `playwright`?"),
        (vec![], "no table is named"),
        (vec!["patient", "--expect-fingerprint", "x"], "the fingerprint is not `x`"),
    ] {
        let (code, text) = refused(&[&["healthcare"], &args[..]].concat());
        assert!(matches!(code, 2 | 3) && text.contains(says), "{says}: {code} {text}");
    }
}

#[test]
fn more_rows_than_memory_are_refused() {
    let args = ["healthcare", "patient", "--rows", "patient=20k", "--limit", "20k", "--at-most"];
    let (code, _) = refused(&args);
    assert_eq!(code, 2, "a number without a unit");
    let args =
        ["healthcare", "patient", "--rows", "patient=200k", "--limit", "200000", "--at-most", "--max-memory", "128M"];
    let (code, text) = refused(&args);
    assert!(code == 2 && text.contains("a quarter of the memory"), "{text}");
}

#[test]
fn a_reader_that_goes_is_no_defect() {
    let args = ["find", "healthcare", "patient", "--limit", "900", "--with", "encounter", "-q"];
    let mut child = placebo(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    let mut first = [0; 100];
    child.stdout.take().expect("a pipe").read_exact(&mut first).expect("bytes");
    let output = child.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(141), "{}", String::from_utf8_lossy(&output.stderr));
}
