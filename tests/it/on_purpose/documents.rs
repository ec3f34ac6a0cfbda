//! `placebo cases`: what to send, what is answered, and what is held.

use serde_json::Value;

use super::text;
use crate::protect::bad;
use crate::run::good;

fn documents(more: &[&str]) -> Vec<Value> {
    let args = [&["cases", super::WRONG, "--faults"], more].concat();
    let out = String::from_utf8(good(&args).stdout).expect("text");
    out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_case_says_what_is_sent_answered_and_held() {
    let all = documents(&["each=1"]);
    assert_eq!(all.len(), 9, "a case of each fault that needs no key");
    let of = |fault: &str| all.iter().find(|case| case["fault"] == fault).expect("a case");
    let twice = of("order_twice");
    assert_eq!(twice["given"][0]["table"], "customer");
    assert_eq!((twice["when"].as_array().map(Vec::len), &twice["when"][1]["same_as"]), (Some(3), &Value::from(0)));
    assert_eq!(twice["when"][0]["send"]["row"], twice["when"][2]["send"]["row"]);
    assert_eq!(twice["then"]["answers"][1]["http"][0], "409");
    assert_eq!(
        (&twice["then"]["decision"], &twice["then"]["state"]["orders"]),
        (&Value::from("once"), &Value::from(1))
    );
    let below = of("order_below_zero");
    assert!(below["when"][0]["send"]["row"]["amount"].as_str().is_some_and(|amount| amount.starts_with('-')));
    assert_eq!(below["then"]["state"]["orders"], 0);
    let lost = of("order_lost");
    assert!(lost["when"].as_array().is_some_and(Vec::is_empty) && lost["lost"]["row"]["order_id"].is_string());
    let clean = good(&["generate", super::WRONG, "--tables", "orders", "--format", "ndjson", "--out", "-", "-q"]);
    let id = twice["when"][0]["send"]["row"]["order_id"].as_str().expect("an id").to_owned();
    assert!(String::from_utf8(clean.stdout).expect("text").contains(&id), "the row is that of a clean run");
}

#[test]
fn cases_of_parts_are_those_of_the_whole_and_a_rate_has_them_too() {
    let names = |more: &[&str]| -> Vec<String> {
        documents(more).iter().map(|case| case["_case"].as_str().expect("a name").to_owned()).collect()
    };
    let asked = ["each=2,order_twice=0.05"];
    let mut parts = Vec::new();
    for part in ["1/3", "2/3", "3/3"] {
        parts.extend(names(&[&asked[..], &["--part", part]].concat()));
    }
    let whole = names(&asked);
    assert!(whole.len() > 30 && parts == whole);
}

#[test]
fn runners_and_gherkin_take_cases() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("cases");
    good(&["cases", super::WRONG, "--faults", "each=1", "--format", "pytest", "--out", text(&out), "-q"]);
    let fixtures = std::fs::read_to_string(out.join("fixtures.json")).expect("the cases");
    assert!(fixtures.contains("\"_case\":\"order_twice/") && out.join("conftest.py").is_file());
    let feature = good(&["cases", super::WRONG, "--faults", "order_twice=2", "--format", "gherkin"]);
    let feature = String::from_utf8(feature.stdout).expect("text");
    assert!(feature.starts_with("Feature: wrong") && feature.matches("| order_twice/").count() == 2, "{feature}");
    let (code, said) = bad(&["cases", super::WRONG]);
    assert!(code == 2 && said.contains("--faults"), "{said}");
    let (code, said) = bad(&["cases", super::WRONG, "--faults", "--format", "jmeter"]);
    assert!(code == 2 && said.contains("gherkin"), "{said}");
    let (code, said) = bad(&["cases", super::WRONG, "--faults", "--format", "jemter"]);
    assert!(code == 2 && said.contains("jmeter"), "{said}");
}
