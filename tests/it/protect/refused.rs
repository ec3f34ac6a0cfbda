//! What cannot be is refused before row 0.

use super::*;

#[test]
fn choices_that_cannot_be_are_refused() {
    let key = ["--key-source", "test:x"];
    let cases: [(&[&str], i32, &str); 14] = [
        (&["--protect", "patient.patient_id=encrypt"], 3, "PII-030"),
        (&["--protect", "visit.patient_id=token"], 3, "PII-033"),
        (&["--protect", "patient.patient_id=mask"], 3, "PII-032"),
        (&["--protect", "ssn=mask:x"], 2, "PII-034"),
        (&["--protect", "name=generalize"], 3, "PII-041"),
        (&["--protect", "postal_code=ff1"], 3, "PII-042"),
        (&["--protect", "birth_date=ff1"], 3, "PII-043"),
        (&["--protect", "card.pan=hash-keyed", "--protect", "card.pan_again=mask"], 3, "PII-044"),
        (&["--protect", "ssn"], 2, "--protect CLASS=HANDLING"),
        (&["--protect", "ssn=encript"], 2, "did you mean `encrypt`?"),
        (&["--protect", "birth_dat=encrypt"], 2, "did you mean `birth_date`?"),
        (&["--protect", "patient.phon=encrypt"], 2, "did you mean `phone`?"),
        (&["--protect", "ssn=encrypt:"], 2, "the domain is empty"),
        (&["--deidentify", "magic"], 2, "safe-harbor"),
    ];
    let temp = tempfile::tempdir().expect("a folder");
    let out = temp.path().join("out");
    for (more, code, text) in cases {
        let args = [&["generate", CLINIC, "--out", out.to_str().expect("a path")], &key[..], more].concat();
        let (got, said) = bad(&args);
        assert!(got == code && said.contains(text), "{more:?}: {got}: {said}");
        assert!(!out.join("patient.csv").exists(), "{more:?} wrote something");
    }
}

#[test]
fn a_key_is_needed_where_one_is_needed() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = temp.path().join("out");
    let run = |more: &[&str]| bad(&[&["generate", CLINIC, "--out", out.to_str().expect("a path")], more].concat());
    let (code, said) = run(&["--protect", "ssn=encrypt"]);
    assert!(code == 8 && said.contains("placebo keys new"), "{said}");
    let (code, said) = run(&["--pad", "16"]);
    assert!(code == 2 && said.contains("nothing is encrypted"), "{said}");
    assert_eq!(run(&["--protect", "ssn=mask", "-q"]).0, 0, "masks need no key");
    let (code, said) = run(&["--protect", "ssn=encrypt", "--key-source", "env:NO_SUCH_VARIABLE_OF_OURS"]);
    assert!(code == 8 && said.contains("NO_SUCH_VARIABLE_OF_OURS"), "{said}");
    let (code, said) = run(&["--protect", "ssn=encrypt", "--key-source", "cmd:false"]);
    assert!(code == 8 && said.contains("`false` failed"), "{said}");
}
