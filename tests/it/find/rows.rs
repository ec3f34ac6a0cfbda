//! The rows that are found are those of the whole, on any number of threads, and those for which the condition is true.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{found, generated, refused};

fn by<'v>(rows: &'v [Value], key: &str) -> BTreeMap<String, Vec<&'v Value>> {
    let mut all: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for row in rows {
        all.entry(row[key].to_string()).or_default().push(row);
    }
    all
}

/// A row without the rows inside of it.
fn own(row: &Value, inside: &[&str]) -> Value {
    let mut row = row.clone();
    inside.iter().for_each(|name| {
        row.as_object_mut().expect("an object").remove(*name);
    });
    row
}

#[test]
fn found_rows_are_all_those_that_meet_the_condition_and_equal_those_of_generate() {
    let whole = |table| generated("healthcare", table, &["--rows", "patient=400"]);
    let [patients, people, encounters, events, consents] =
        ["patient", "person", "encounter", "encounter_event", "consent"].map(whole);
    let (people, consents) = (by(&people, "person_id"), by(&consents, "person_id"));
    let (encounters, events) = (by(&encounters, "patient_id"), by(&events, "encounter_id"));
    let none = Vec::new();
    let emergencies = |patient: &Value| {
        let own = encounters.get(&patient["patient_id"].to_string()).unwrap_or(&none);
        own.iter().filter(|encounter| encounter["class"] == "EMER").count()
    };
    let consent = |patient: &Value| consents.get(&patient["person_id"].to_string()).unwrap_or(&none);
    let meets = |patient: &&Value| {
        emergencies(patient) > 0
            && consent(patient).len() > 1
            && people[&patient["person_id"].to_string()][0]["birth_date"].as_str() > Some("1970-01-01")
    };
    let expected: Vec<&Value> = patients.iter().filter(meets).collect();
    assert!(expected.len() > 5 && expected.len() < 100, "{}", expected.len());
    let condition = "person.birth_date > DATE '1970-01-01' AND count(person.consent) > 1 \
        AND count(encounter) FILTER (WHERE encounter.class = 'EMER') > 0";
    let with = "person.consent,encounter.encounter_event";
    let args = ["healthcare", "patient", "--rows", "patient=400", "--where", condition, "--with", with, "--numbers"];
    let args = [&args[..], &["--limit", "1000", "--at-most"]].concat();
    let all = found(&args);
    assert_eq!(all.len(), expected.len());
    for (row, expected) in all.iter().zip(expected) {
        assert_eq!(row["_case"], format!("patient/{}", expected["patient_id"]));
        assert_eq!(row["patient"], *expected);
        let person = people[&expected["person_id"].to_string()][0];
        assert_eq!(own(&row["person"], &["consent"]), *person);
        let list = |value: &Value| value.as_array().expect("a list").clone();
        let inner: Vec<&Value> = consent(expected).clone();
        assert!(list(&row["person"]["consent"]).iter().eq(inner));
        let visits = &encounters[&expected["patient_id"].to_string()];
        assert_eq!(list(&row["encounter"]).len(), visits.len());
        for (visit, expected) in list(&row["encounter"]).iter().zip(visits) {
            assert_eq!(own(visit, &["encounter_event"]), **expected);
            assert!(list(&visit["encounter_event"]).iter().eq(events[&expected["encounter_id"].to_string()].clone()));
        }
    }
    for other in [["--threads", "1", "--chunk-rows", "1"], ["--threads", "5", "--chunk-rows", "13"]] {
        assert_eq!(found(&[&args[..], &other].concat()), all);
    }
    let first = found(&[
        "healthcare",
        "patient",
        "--rows",
        "patient=400",
        "--where",
        condition,
        "--with",
        with,
        "--numbers",
        "--limit",
        "3",
    ]);
    assert_eq!(first[..], all[..3], "the first ones, whatever the limit");
}

#[test]
fn rows_below_a_root_are_found_with_rows_above_beside_and_dealt() {
    let visits = generated("healthcare", "encounter", &[]);
    let stays: Vec<&Value> = visits.iter().filter(|visit| visit["class"] == "IMP").collect();
    let all = found(&[
        "healthcare",
        "encounter",
        "--where",
        "class = 'IMP'",
        "--limit",
        "1000",
        "--at-most",
        "--numbers",
        "--with",
        "patient.person",
    ]);
    assert!(all.iter().map(|row| &row["encounter"]).eq(stays) && all.len() > 20);
    for row in &all {
        assert_eq!(row["patient"]["patient_id"], row["encounter"]["patient_id"]);
        assert_eq!(row["patient"]["person"]["person_id"], row["patient"]["person_id"]);
        let case = row["_case"].as_str().expect("text");
        assert!(case.starts_with(&format!("encounter/{}.", row["encounter"]["patient_id"])), "{case}");
    }
    // Claims are dealt to providers: a hand, not children.
    let claims = by(&generated("claims", "claim", &[]), "provider_id")
        .into_iter()
        .map(|(key, rows)| (key, rows.len()))
        .collect::<BTreeMap<_, _>>();
    let all = found(&["claims", "provider", "--limit", "5", "--with", "claim"]);
    for row in &all {
        assert_eq!(row["claim"].as_array().expect("a list").len(), claims[&row["provider"]["provider_id"].to_string()]);
    }
}

#[test]
fn an_aggregate_over_the_rows_of_another_row_is_as_that_rows_own() {
    let own = "bool_or(consent.status = 'withdrawn') AND max(consent.granted_at) > TIMESTAMP '2024-10-01'";
    let people = found(&["healthcare", "person", "--where", own, "--limit", "1000", "--at-most"]);
    let other =
        "bool_or(person.consent.status = 'withdrawn') AND max(person.consent.granted_at) > TIMESTAMP '2024-10-01'";
    let patients = found(&["healthcare", "patient", "--where", other, "--limit", "1000", "--at-most"]);
    assert!(people.len() > 5);
    assert!(
        people
            .iter()
            .map(|row| &row["person"]["person_id"])
            .eq(patients.iter().map(|row| &row["patient"]["person_id"]))
    );
    let filter = "count(person.consent) FILTER (WHERE consent.status = 'withdrawn') = 1";
    assert!(!found(&["healthcare", "patient", "--where", filter, "--limit", "1000", "--at-most"]).is_empty());
    // Of the parent's parent, and joined to a text in its own order.
    let above = "count(patient.allergy_intolerance) > 1 AND string_agg(patient.coverage.relationship, '-' ORDER BY patient.coverage.priority) = '18-18'";
    let visits = found(&["healthcare", "encounter", "--where", above, "--limit", "3", "--with", "patient.coverage"]);
    assert!(visits.iter().all(|row| row["patient"]["coverage"].as_array().is_some_and(|rows| rows.len() == 2)));
    let (code, text) = refused(&["healthcare", "patient", "--where", "count(person.consents) > 0"]);
    assert!(code == 2 && text.contains("no argument of `count` names a child table"), "{text}");
}

#[test]
fn found_rows_under_protection_are_those_of_the_whole() {
    let protect = ["--protect", "pii=encrypt", "--protect", "mrn=token", "--key-source", "test:only"];
    let people = generated("healthcare", "person", &protect);
    let args = [
        &[
            "healthcare",
            "patient",
            "--where",
            "person.birth_date < DATE '1950-01-01'",
            "--limit",
            "9",
            "--with",
            "person",
        ],
        &protect[..],
    ]
    .concat();
    let all = found(&args);
    let known = by(&people, "person_id");
    for row in &all {
        assert_eq!(row["person"], *known[&row["person"]["person_id"].to_string()][0]);
        assert!(row["person"]["birth_date"].as_str().is_some_and(|date| date.len() > 20), "it is sealed: {row}");
    }
}

#[test]
fn names_and_numbers_take_the_form_that_is_asked_for() {
    let args = ["healthcare", "encounter", "--where", "los_hours IS NOT NULL", "--with", "encounter_event,patient"];
    let plain = found(&args).remove(0);
    let camel = found(&[&args[..], &["--case", "camel", "--numbers"]].concat()).remove(0);
    assert!(plain["encounter"]["los_hours"].as_str().is_some_and(|hours| hours.parse::<f64>().is_ok()), "{plain}");
    assert!(camel["encounter"]["losHours"].is_f64() && camel["encounterEvent"][0]["previousState"].is_null());
    assert_eq!(camel["patient"]["accountNo"], plain["patient"]["account_no"]);
}

#[test]
fn few_rows_cover_every_value_and_every_pair_that_occurs() {
    let visits = generated("healthcare", "encounter", &[]);
    let pairs = |rows: &[&Value]| {
        let pair = |row: &&Value| (row["class"].to_string(), row["discharge_disposition"].to_string());
        rows.iter().map(pair).collect::<std::collections::BTreeSet<_>>()
    };
    let rows = found(&["healthcare", "encounter", "--cover", "pairs:class,discharge_disposition"]);
    let (all, few) = (visits.iter().collect::<Vec<_>>(), rows.iter().map(|row| &row["encounter"]).collect::<Vec<_>>());
    assert_eq!(pairs(&few), pairs(&all));
    assert_eq!(few.len(), pairs(&all).len(), "two columns: a row a pair");
    let rows =
        found(&["healthcare", "encounter", "--cover", "class,discharge_disposition", "--where", "class <> 'VR'"]);
    let values = |rows: &[&Value], name: &str| {
        rows.iter().map(|row| row[name].to_string()).collect::<std::collections::BTreeSet<_>>()
    };
    let few: Vec<&Value> = rows.iter().map(|row| &row["encounter"]).collect();
    assert_eq!(values(&few, "discharge_disposition"), values(&all, "discharge_disposition"));
    assert_eq!(values(&few, "class").len() + 1, values(&all, "class").len());
    assert!(few.len() <= values(&few, "discharge_disposition").len() + 1, "{}", few.len());
    let output = crate::run::good(&["find", "healthcare", "encounter", "--cover", "pairs:class,status,admit_type"]);
    let text = String::from_utf8(output.stderr).expect("text");
    assert!(text.contains("pairs of values that occur") && text.contains("pairs do not occur:"), "{text}");
}
