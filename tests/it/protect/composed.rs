//! Keys that are composed of dates, and days and persons that stand in a table of nobody: opaque under protection.

use regex::Regex;

use super::*;

/// The keys with a date in them, by profile, each with a table that refers to it.
const DATED: [(&str, &[(&str, &str)]); 3] = [
    ("claims", &[("remittance", "remittance_id"), ("claim", "remittance_id"), ("claim_payment", "remittance_id")]),
    (
        "payments",
        &[
            ("settlement_batch", "batch_id"),
            ("capture", "batch_id"),
            ("refund", "batch_id"),
            ("chargeback", "batch_id"),
            ("payout", "payout_id"),
            ("payment_message", "msg_id"),
            ("payment_batch", "pmt_inf_id"),
            ("transfer", "pmt_inf_id"),
            ("ach_file", "file_id"),
            ("ach_batch", "file_id"),
            ("ach_entry", "file_id"),
            ("ach_entry", "ach_id"),
        ],
    ),
    (
        "legal",
        &[
            ("timesheet", "timesheet_id"),
            ("invoice", "invoice_id"),
            ("time_entry", "invoice_id"),
            ("expense", "expense_id"),
            ("invoice_line", "invoice_id"),
        ],
    ),
];

#[test]
fn keys_with_dates_are_tokens_and_still_join() {
    let temp = tempfile::tempdir().expect("a folder");
    for (profile, keys) in DATED {
        for (n, way) in [&["--protect", "profile"][..], &["--deidentify", "safe-harbor"]].into_iter().enumerate() {
            let out = temp.path().join(format!("{profile}{n}"));
            let key = ["--key-source", "test:k", "--seed", "s", "--scale", "0.05"];
            let files = generate(profile, &out, &[way, &key].concat());
            let mut seen = 0;
            for (table, name) in keys {
                let cells = column(&files, table, name);
                seen += cells.iter().filter(|cell| cell.starts_with("tok_")).count();
                assert!(cells.iter().all(|cell| cell.is_empty() || cell.starts_with("tok_")), "{way:?} {table}.{name}");
            }
            assert!(seen > 20, "{profile} {way:?}: {seen} tokens");
            // Every foreign key leads to its row.
            good(&["verify", out.to_str().expect("a path"), "--key", "test:k", "--seed", "s", "--replay", "0"]);
        }
        let out = temp.path().join(format!("{profile}-keyless"));
        let (code, said) =
            bad(&["generate", profile, "--out", out.to_str().expect("a path"), "--deidentify", "safe-harbor", "-q"]);
        assert!(code == 8 && said.contains("--key-source"), "{profile}: {code}: {said}");
    }
}

/// Tables about organisations, their staff and the market, whose days are not those of the people that the data is about.
const NOBODY: [&str; 19] = [
    "fee_schedule",
    "health_plan",
    "fx_rate",
    "practitioner",
    "practitioner_role",
    "nurse",
    "user_account",
    "judge",
    "attorney",
    "law_firm",
    "court",
    "courtroom",
    "organization",
    "location",
    "consent_policy",
    "provider",
    "merchant",
    "terminal",
    "pharmacy",
];

#[test]
fn safe_harbor_leaves_no_day_and_no_year_of_the_very_old() {
    let temp = tempfile::tempdir().expect("a folder");
    let day = Regex::new(r"(?:^|[^0-9a-f])(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[^0-9a-f]|$)")
        .expect("a pattern");
    for profile in placebo::profile::names() {
        let key = ["--deidentify", "safe-harbor", "--key-source", "test:k", "--scale", "0.05"];
        let files = generate(profile, &temp.path().join(profile), &key);
        let mut cells = 0;
        for name in files.keys().filter_map(|name| name.strip_suffix(".csv")).filter(|name| !NOBODY.contains(name)) {
            for row in rows(&files, name) {
                // First and last days of such tables.
                if name == "answers" && NOBODY.contains(&row["table"].as_str()) {
                    continue;
                }
                for (column, cell) in row {
                    cells += 1;
                    let opaque = cell.len() >= 30 && !cell.contains(' ');
                    assert!(opaque || !day.is_match(&cell), "{profile}: {name}.{column}: `{cell}`");
                    if ["birth_date", "period_start", "valid_from"].contains(&column.as_str()) && !cell.is_empty() {
                        assert!(
                            cell.parse::<i64>().is_ok_and(|year| year >= 1935),
                            "{profile}: {name}.{column}: {cell}"
                        );
                    }
                }
            }
        }
        assert!(cells > 10_000, "{profile}: only {cells} cells");
    }
    let files =
        generate("claims", &temp.path().join("sponsor"), &["--deidentify", "safe-harbor", "--key-source", "test:k"]);
    for row in rows(&files, "sponsor") {
        assert!(["name", "city", "ein", "group_no"].iter().all(|name| row[*name].is_empty()), "{row:?}");
    }
}

/// The same words stand in the clear where they are a diagnosis, so sealing them elsewhere hid nothing.
#[test]
fn a_fact_has_one_handling_in_all_its_columns() {
    let temp = tempfile::tempdir().expect("a folder");
    let key = ["--protect", "profile", "--key-source", "test:k", "--scale", "0.05"];
    let files = generate("healthcare", &temp.path().join("out"), &key);
    let sealed = |table: &str, name: &str| column(&files, table, name).iter().any(|cell| cell.starts_with("fe1."));
    assert_eq!(sealed("encounter", "reason_text"), sealed("condition", "display"));
    assert_eq!(sealed("appointment", "reason_text"), sealed("condition", "display"));
    for (table, name) in [("patient_identifier", "period_start"), ("coverage", "period_end"), ("address", "valid_from")]
    {
        assert!(sealed(table, name), "{table}.{name} repeats a day of birth or death");
    }
}
