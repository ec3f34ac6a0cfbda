//! Words of a classification that nobody knows, or that cannot be placed: no command goes on with such a profile.

use super::*;

/// A profile of one table, whose column `a` is an SSN with these keys; `more` follows.
fn profile(keys: &str, more: &str) -> String {
    format!(
        "name = \"x\"\nas_of = 2025-01-01\n[tables.t]\nrows = 5\n[tables.t.columns]\n\
         id = {{ expr = \"row\", key = true }}\na = {{ gen.ssn = {{}}, {keys} }}\n{more}"
    )
}

/// The exit code of a protecting run over a profile, what it said, and whether it wrote the table.
fn protected(text: &str, more: &[&str]) -> (i32, String, Option<String>) {
    let temp = tempfile::tempdir().expect("a folder");
    let (path, out) = (temp.path().join("x.toml"), temp.path().join("out"));
    std::fs::write(&path, text).expect("written");
    let [path, out] = [&path, &out].map(|path| path.to_str().expect("a path").to_owned());
    let (code, said) = bad(&[&["generate", &path, "--out", &out, "-q", "--key-source", "test:k"], more].concat());
    let table = std::fs::read_to_string(Path::new(&out).join("t.csv")).ok();
    (code, said, table)
}

/// The mistakes of reports and their kind: each wrote the column in the clear and exited with 0.
#[test]
fn a_word_that_is_not_known_stops_every_command() {
    let cases = [
        ("pii = \"bank_acount\"", "", "PII-002", "did you mean `bank_account`?"),
        ("class = \"phii\"", "", "PII-006", "did you mean `phi`?"),
        ("pii = \"SSN\"", "", "PII-002", "placebo list kinds"),
        ("pii = \"ssn\", hipaa = \"g\"", "", "PII-007", "did you mean `G`?"),
        ("pii = \"ssn\", handling = \"encrpyt\"", "", "PII-009", "did you mean `encrypt`?"),
        ("pii = \"ssn\", handling = \"token\", domain = \"t.aa\"", "", "PII-019", "did you mean `t.a`?"),
        ("pii = \"ssn\", handling = \"token:\"", "", "PII-019", "a column such as"),
        ("pii = \"ssn\", handling = \"mask:d\"", "", "PII-034", "do"),
        ("handling = \"encrypt\"", "", "PII-024", "pii = \"KIND\""),
        ("hipaa = \"G\"", "", "PII-024", "pii = \"KIND\""),
        ("null = 0.0", "[tables.t.classes]\nsssn = [\"a\"]", "PII-002", "did you mean `ssn`?"),
        ("null = 0.0", "[tables.t.classes]\nssn = [\"aa\"]", "PII-004", "`a`"),
        ("null = 0.0", "[tables.t.let]\nb = \"upper(a)\"\n[tables.t.classes]\nssn = [\"b\"]", "PII-005", "made of it"),
        // The weaker of two classifications won.
        ("pii = \"date\"", "[tables.t.classes]\nssn = [\"a\"]", "PII-003", "once"),
    ];
    for (keys, more, code, hint) in cases {
        let text = profile(keys, more);
        let (exit, said, table) = protected(&text, &["--protect", "profile"]);
        assert!(exit == 3 && said.contains(code) && said.contains(hint), "{keys} {more}: {exit}: {said}");
        assert_eq!(table, None, "{keys} {more}");
        let temp = tempfile::tempdir().expect("a folder");
        let path = temp.path().join("x.toml");
        std::fs::write(&path, &text).expect("written");
        let path = path.to_str().expect("a path");
        for command in [&["check", path][..], &["plan", path], &["show", path], &["generate", path, "--out", "-"]] {
            let (exit, said) = bad(command);
            assert!(exit == 3 && said.contains(code), "{command:?}: {keys} {more}: {exit}: {said}");
        }
    }
}

/// A class alone does not say how a column is written, so a run that follows the profile refuses it; other runs do not ask.
#[test]
fn nothing_marked_is_clear_unless_the_profile_says_so() {
    for keys in ["class = \"phi\"", "pii = \"phi\"", "pii = \"ein\", class = \"pii\"", "class = \"secret\""] {
        let (exit, said, table) = protected(&profile(keys, ""), &["--protect", "profile"]);
        assert!(exit == 3 && said.contains("PII-025") && table.is_none(), "{keys}: {exit}: {said}");
        let (exit, said, table) = protected(&profile(keys, ""), &[]);
        assert!(exit == 3 && said.contains("PII-025") && table.is_none(), "{keys}: {exit}: {said}");
        let (exit, said, _) = protected(&profile(keys, ""), &["--protect", "t.a=encrypt"]);
        assert_eq!(exit, 0, "{keys}: {said}");
    }
    for (keys, more, clear) in [
        ("pii = \"phi\", handling = \"clear\"", "", true),
        ("class = \"internal\"", "", true),
        ("class = \"phi\", handling = \"encrypt\"", "", false),
        // Keys on the column and a word in `classes` are one classification.
        ("handling = \"encrypt\"", "[tables.t.classes]\ninternal = [\"a\"]", false),
        ("handling = \"mask\"", "[tables.t.classes]\nssn = [\"a\"]", false),
    ] {
        let (exit, said, table) = protected(&profile(keys, more), &["--protect", "profile"]);
        let shown = table.is_some_and(|text| text.lines().nth(1).is_some_and(|line| line.starts_with("0,9")));
        assert!(exit == 0 && shown == clear, "{keys} {more}: {exit}: {said}");
    }
}
