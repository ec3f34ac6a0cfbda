//! Exactly the listed rows differ; bytes are the same on any way; protection, messages and formats take faults.

use super::{cases, lines, made, text, without};
use crate::protect::{bad, column};
use crate::run::{files, good, placebo};

#[test]
fn exactly_the_listed_rows_differ() {
    let temp = tempfile::tempdir().expect("a folder");
    let clean = made(temp.path(), "clean", &[]);
    let sent = made(temp.path(), "sent", &["--faults"]);
    let listed = cases(&sent);
    let names: Vec<&str> = listed.iter().map(|case| case["fault"].as_str()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    // The operator `seal` has no cell to damage where nothing is encrypted.
    let expected = [
        "card_digit",
        "head_lost",
        "order_again",
        "order_below_zero",
        "order_lost",
        "order_of_nobody",
        "order_twice",
        "order_without_amount",
        "orders_swapped",
    ];
    assert_eq!(sorted, expected);
    let roots: std::collections::BTreeSet<&str> =
        listed.iter().map(|case| case["case"].split(['/', '.']).nth(1).expect("a root row")).collect();
    assert_eq!(roots.len(), listed.len(), "a case a tree");
    let differ = |table: &str| {
        let [clean, sent] = [&clean, &sent].map(|files| lines(files, table));
        (without(&clean, &sent).len(), without(&sent, &clean).len())
    };
    assert_eq!(differ("customer"), (1, 1), "a card");
    // Gone: two lost, four changed (below zero, of nobody, no amount), two swapped. New: three changed, two swapped, two copies, one other.
    assert_eq!(differ("orders"), (2 + 3 + 2, 3 + 2 + 2 + 1));
    assert_eq!(differ("line"), (2, 0), "the lines of the order that is lost with them");
    for name in ["schema.sql", "datapackage.json"] {
        let [one, other] = [&clean, &sent].map(|files| String::from_utf8_lossy(&files[name]).into_owned());
        let own = other.lines().filter(|line| !one.contains(line.trim_end_matches(','))).collect::<Vec<_>>();
        assert!(own.iter().all(|line| !line.contains("\"amount\"")), "{name} is the contract: {own:?}");
    }
    let lost = listed.iter().find(|case| case["fault"] == "order_lost").expect("a case");
    assert_eq!((lost["change"].as_str(), lost["decision"].as_str()), (r#"{"dropped":3}"#, "accept"));
    let twice = listed.iter().find(|case| case["fault"] == "order_twice").expect("a case");
    assert_eq!((twice["change"].as_str(), twice["breaks"].as_str()), (r#"{"copies":2}"#, r#"["key"]"#));
    assert!(twice["expect"].contains(r#""http":["409"]"#) && twice["expect"].contains("23505"), "{}", twice["expect"]);
    let key: serde_json::Value = serde_json::from_str(&twice["key"]).expect("an object");
    let ids = column(&sent, "orders", "order_id");
    assert_eq!(ids.iter().filter(|id| **id == key["order_id"]).count(), 3);
}

#[test]
fn the_same_bytes_on_any_way() {
    let temp = tempfile::tempdir().expect("a folder");
    let asked = ["--rows", "customer=3000", "--faults", "each=2,order_twice=0.02,class:orphan=0.01"];
    let whole = made(temp.path(), "whole", &asked);
    for (name, more) in [("one", ["--threads", "1"]), ("small", ["--chunk-rows", "7"])] {
        assert!(made(temp.path(), name, &[&asked[..], &more].concat()) == whole, "{name}");
    }
    let own = made(temp.path(), "tables", &[&asked[..], &["--tables", "line"]].concat());
    for table in ["line.csv", "_faults_customer.csv"] {
        assert!(own[table] == whole[table], "{table} does not depend on --tables");
    }
    assert!(!own.contains_key("orders.csv"));
    let parts = temp.path().join("parts");
    for part in ["2/3", "3/3", "1/3"] {
        good(&[&["generate", super::WRONG, "--out", text(&parts), "-q", "--part", part], &asked[..]].concat());
    }
    for table in ["customer", "orders", "line", "_faults_customer"] {
        let mut all = Vec::new();
        for (name, bytes) in files(&parts).into_iter().filter(|(name, _)| name.starts_with(table)) {
            let body = bytes.iter().position(|byte| *byte == b'\n').expect("a header") + 1;
            all.extend_from_slice(if all.is_empty() { &bytes } else { &bytes[body..] });
            assert!(name.to_string_lossy().contains("part"), "{}", name.display());
        }
        assert!(all == whole[&format!("{table}.csv")], "{table} of parts");
    }
    good(&["verify", text(&parts), "--profile", super::WRONG, "--replay", "all"]);
}

#[test]
fn a_run_that_was_stopped_goes_on_with_its_faults() {
    let temp = tempfile::tempdir().expect("a folder");
    let asked = ["--rows", "customer=200k", "--faults", "each=3,order_twice=0.02,order_lost=0.01"];
    let whole = made(temp.path(), "whole", &asked);
    let out = temp.path().join("out");
    let args = [&["generate", super::WRONG, "--out", text(&out), "-q"], &asked[..]].concat();
    crate::resume::interrupted(&args, &out);
    let other = [&args[..], &["--resume", "--seed", "1"]].concat();
    assert_eq!(bad(&other).0, 3, "other inputs");
    let faults: Vec<&str> = args.iter().map(|arg| if arg.starts_with("each") { "each=3" } else { arg }).collect();
    assert_eq!(bad(&[&faults[..], &["--resume"]].concat()).0, 3, "other faults");
    good(&[&args[..], &["--resume"]].concat());
    let resumed: std::collections::BTreeMap<String, Vec<u8>> =
        files(&out).into_iter().map(|(name, bytes)| (name.display().to_string(), bytes)).collect();
    assert!(resumed == whole, "manifest, list and rows are those of a run in one go");
}

#[test]
fn every_format_has_them_and_verify_knows() {
    let temp = tempfile::tempdir().expect("a folder");
    for format in ["csv", "ndjson", "json", "parquet", "arrow"] {
        let out = temp.path().join(format);
        good(&["generate", super::WRONG, "--out", text(&out), "-q", "--format", format, "--faults"]);
        let seen = good(&["verify", text(&out), "--profile", super::WRONG, "--replay", "all"]);
        assert!(String::from_utf8_lossy(&seen.stdout).starts_with("ok"), "{format}");
    }
}

#[test]
fn protected_rows_are_wrong_in_the_same_places() {
    let temp = tempfile::tempdir().expect("a folder");
    let key = ["--protect", "customer.card=encrypt", "--key-source", "test:one", "--disclose-seed"];
    let clean = made(temp.path(), "clean", &key);
    let sent = made(temp.path(), "sent", &[&key[..], &["--faults"]].concat());
    let listed = cases(&sent);
    let clear = listed.iter().find(|case| case["fault"] == "card_clear").expect("a case where cells are encrypted");
    assert_eq!(clear["change"], r#"{"card":null}"#, "no value of a protected column stands there");
    let cards = |files| column(files, "customer", "card");
    let row: usize = clear["case"].split('/').nth(1).expect("a root row").parse().expect("a number");
    let (sent_cards, clean_cards) = (cards(&sent), cards(&clean));
    assert!(!sent_cards[row - 1].starts_with("FE1") && sent_cards[row - 1].len() == 16, "{}", sent_cards[row - 1]);
    let differing = sent_cards.iter().zip(&clean_cards).filter(|(one, other)| one != other).count();
    assert_eq!(differing, 2, "the clear one, and the one with a wrong digit");
    let args =
        ["verify", text(&temp.path().join("sent")).to_owned().leak(), "--profile", super::WRONG, "--replay", "all"];
    good(&[&args[..], &["--key-source", "test:one"]].concat());
    let (code, said) = bad(&["generate", super::WRONG, "--out", "x", "--faults", "card_clear"]);
    assert!(code == 2 && said.contains("does not encrypt `customer.card`"), "{said}");
}

#[test]
fn one_row_alone_has_no_faults_and_a_database_takes_none() {
    let (code, said) = bad(&["generate", super::WRONG, "--out", "x", "--only", "customer=1", "--faults"]);
    assert!(code == 2 && said.contains("--only"), "{said}");
    #[cfg(feature = "sqlite")]
    {
        let (code, said) = bad(&["load", super::WRONG, "--to", "sqlite:never.db", "--faults"]);
        assert!(code == 2 && said.contains("placebo generate --faults"), "{said}");
    }
    let shown =
        placebo(&["generate", super::WRONG, "--out", "-", "--tables", "orders", "--faults"]).output().expect("runs");
    assert!(shown.status.success() && String::from_utf8_lossy(&shown.stderr).contains("list of cases is left out"));
}
