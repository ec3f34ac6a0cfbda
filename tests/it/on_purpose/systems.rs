//! A system that takes what is right and refuses what is wrong holds what the answer key says; systems with a bug are found, and the
//! bug is named. The system knows the files and the classes of faults, not the program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{made, text};
use crate::protect::rows;
use crate::run::placebo;

type Row = BTreeMap<String, String>;
type Held = [(&'static str, Vec<Row>); 3];

/// What is wrong with a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    None,
    BooksTwice,
    TakesOrphans,
    AddsACent,
    LosesARow,
    CutsTexts,
}

/// Tells whether the digits of a card pass Luhn's check.
fn luhn(card: &str) -> bool {
    let digits = card.bytes().rev().map(|digit| u32::from(digit - b'0'));
    let doubled = digits.enumerate().map(|(n, digit)| if n % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 });
    doubled.sum::<u32>().is_multiple_of(10)
}

/// What a system holds of the rows that it was sent.
fn system(files: &BTreeMap<String, Vec<u8>>, bug: Bug) -> Held {
    let mut customers = rows(files, "customer");
    customers.retain(|row| luhn(&row["card"]));
    let known: BTreeSet<String> = customers.iter().map(|row| row["customer_id"].clone()).collect();
    let (mut orders, mut taken) = (Vec::new(), BTreeSet::new());
    for mut row in rows(files, "orders") {
        let amount = row["amount"].parse::<f64>().unwrap_or(0.0);
        let orphan = !known.contains(&row["customer_id"]) && bug != Bug::TakesOrphans;
        if orphan || amount <= 0.0 || !taken.insert(row["order_id"].clone()) && bug != Bug::BooksTwice {
            continue;
        }
        if bug == Bug::AddsACent && orders.len() == 100 {
            row.insert("amount".to_owned(), format!("{:.2}", amount + 0.01));
        }
        orders.push(row);
    }
    let mut lines = rows(files, "line");
    lines.retain(|row| taken.contains(&row["order_id"]));
    if bug == Bug::LosesARow {
        lines.remove(77);
    }
    if bug == Bug::CutsTexts {
        lines[77].insert("text".to_owned(), "item".to_owned());
    }
    [("customer", customers), ("orders", orders), ("line", lines)]
}

/// Exports what a system holds, and gives exit code and output of the comparison with the answer key.
fn compared(folder: &Path, held: &Held) -> (i32, String) {
    let mut args = vec!["assert".to_owned(), text(&folder.join("sent")).to_owned()];
    args.extend(["--profile", super::WRONG].map(str::to_owned));
    for (table, rows) in held {
        let path = folder.join(format!("held_{table}.csv"));
        let mut export = csv::Writer::from_path(&path).expect("a file");
        export.write_record(rows[0].keys()).expect("writes");
        rows.iter().for_each(|row| export.write_record(row.values()).expect("writes"));
        export.flush().expect("writes");
        args.extend(["--table".to_owned(), format!("{table}={}", text(&path))]);
    }
    let output = placebo(&args.iter().map(String::as_str).collect::<Vec<_>>()).output().expect("runs");
    (output.status.code().expect("a code"), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_correct_system_holds_what_is_accepted_and_each_bug_is_named() {
    let temp = tempfile::tempdir().expect("a folder");
    let files = made(temp.path(), "sent", &["--faults", "each=3,order_twice=0.02"]);
    let right = system(&files, Bug::None);
    let answers = String::from_utf8(files["answers.csv"].clone()).expect("text");
    for (table, rows) in &right {
        let start = format!("rows,{table},,,count(*),");
        let counts = answers.lines().find_map(|line| line.strip_prefix(&start)).expect("an answer");
        let [clean, _, accepted] = counts.split(',').collect::<Vec<_>>()[..] else { panic!("{counts}") };
        assert_eq!(rows.len().to_string(), accepted, "{table}");
        assert_ne!(clean, accepted, "{table}: nothing is refused, and the test looks at nothing");
    }
    let (code, said) = compared(temp.path(), &right);
    assert!(code == 0 && !said.contains("FAIL"), "{said}");

    for (bug, words) in [
        (Bug::BooksTwice, &["orders: duplicate:", "held 3, must hold 1", "explained by order_twice/"][..]),
        (Bug::TakesOrphans, &["orders: unexpected:", "explained by order_of_nobody/", "explained by card_digit/"]),
        (Bug::AddsACent, &["orders: changed: 1 rows", "`amount` has another value"]),
        (Bug::LosesARow, &["line: missing: 1 rows"]),
        (Bug::CutsTexts, &["line: changed: 1 rows", "`text` is cut off"]),
    ] {
        let (code, said) = compared(temp.path(), &system(&files, bug));
        assert_eq!(code, 6, "{bug:?}: {said}");
        for word in words {
            assert!(said.contains(word), "{bug:?}: not {word}: {said}");
        }
        assert!(said.contains("ok    customer:"), "{bug:?}: the customers are right: {said}");
    }
}
