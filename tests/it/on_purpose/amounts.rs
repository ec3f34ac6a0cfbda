//! How many cases: exact counts, rates, and what cannot be.

use std::collections::BTreeMap;

use super::{cases, made};
use crate::protect::bad;

fn counted(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    cases(files).into_iter().for_each(|case| *all.entry(case["fault"].clone()).or_default() += 1);
    all
}

#[test]
fn a_count_is_exact_and_a_rate_is_of_rows_that_qualify() {
    let temp = tempfile::tempdir().expect("a folder");
    let asked = ["--rows", "customer=20000", "--faults", "order_below_zero=37,card_digit=250,order_twice=0.05"];
    let files = made(temp.path(), "out", &asked);
    let all = counted(&files);
    assert_eq!((all["order_below_zero"], all["card_digit"]), (37, 250));
    // About 45,000 web orders, less those of trees with a counted case.
    assert!((2_000..2_500).contains(&all["order_twice"]), "{}", all["order_twice"]);
    let manifest: serde_json::Value = serde_json::from_slice(&files["manifest.json"]).expect("JSON");
    let twice = &manifest["faults"][2];
    assert_eq!((twice["name"].as_str(), twice["asked"].as_str()), (Some("order_twice"), Some("0.05")));
}

#[test]
fn what_is_asked_for_by_name_wins_over_a_class_and_that_over_each() {
    let temp = tempfile::tempdir().expect("a folder");
    let all = counted(&made(temp.path(), "out", &["--faults", "each=1,class:orphan=2,order_of_nobody=4"]));
    assert_eq!((all["order_of_nobody"], all["head_lost"], all["order_lost"]), (4, 2, 1));
    let set = counted(&made(temp.path(), "set", &["--faults", "busy"]));
    assert!(set.contains_key("order_twice") && !set.contains_key("card_digit"), "{set:?}");
}

#[test]
fn more_rows_with_a_rate_keep_the_cases_of_the_first() {
    let temp = tempfile::tempdir().expect("a folder");
    let of =
        |name: &str, rows: &str| cases(&made(temp.path(), name, &["--rows", rows, "--faults", "order_twice=0.05"]));
    let (few, many) = (of("few", "customer=300"), of("many", "customer=900"));
    assert!(few.len() > 10 && many[..few.len()] == few[..]);
}

#[test]
fn what_cannot_be_is_told_before_the_first_row() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = temp.path().join("out");
    for (asked, code, words) in [
        ("nope=1", 2, "no fault or set of faults `nope`"),
        ("order_twic=1", 2, "did you mean"),
        ("class:nope=1", 2, "no fault of the class `nope`"),
        ("order_twice=1.5", 2, "expected a count"),
        ("order_twice=-1", 2, "expected a count"),
        ("order_twice=200000", 2, "at most 100000 cases"),
        ("order_twice=1,order_twice=2", 2, "asked for twice"),
        ("order_twice=401", 2, "can be placed"),
        ("card_digit=300,order_twice=300", 2, "of 300 times"),
        ("./nowhere.toml", 4, "nowhere.toml"),
    ] {
        let (found, said) = bad(&["generate", super::WRONG, "--out", super::text(&out), "--faults", asked]);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ").replace(" │ ", " ");
        assert!(found == code && said.contains(words), "{asked}: {found}: {said}");
        assert!(!out.exists(), "{asked}: something was written");
    }
}
