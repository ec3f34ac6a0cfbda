//! Every rule of the domains is a check of some profile, and no check is empty.

use std::collections::{BTreeMap, BTreeSet};

use placebo::plan::{Check, Options, Plan};
use placebo::profile;

/// The rules that experts of the fields hold tables to: health, payments, claims, legal, shared. What each says stands where it is
/// checked, in `docs/domains/`.
const RULES: &str = "
    H-CON-1 H-CON-2 H-CON-3 H-CON-4 H-COV-1 H-ENC-1 H-ENC-2 H-ENC-3 H-ENC-4 H-ENC-5 H-ENC-6 H-IMM-1 H-MED-1 H-MED-2 H-MED-3 H-MSG-1 H-OBS-1
    H-OBS-2 H-OBS-3 H-OBS-4 H-ORD-1 H-ORD-2 H-ORD-3 H-PAT-1 H-PAT-2 H-PAT-3 H-PRO-1
    P-ACH-1 P-AUTH-1 P-AUTH-2 P-CAP-1 P-CARD-1 P-CB-1 P-KYC-1 P-KYC-2 P-LED-1 P-LED-2 P-LED-3 P-LED-4 P-LED-5 P-MAN-1 P-REF-1 P-SET-1 P-TRF-1
    P-TRF-2 P-TRF-3
    C-AMT-1 C-AMT-2 C-AMT-3 C-AMT-4 C-AMT-5 C-AMT-6 C-AMT-7 C-CLIN-1 C-CLIN-2 C-CLIN-3 C-DATE-1 C-DATE-2 C-DATE-3 C-DATE-4 C-ID-1 C-ID-2 C-PA-1
    L-ATT-1 L-BILL-1 L-CASE-1 L-DKT-1 L-DKT-2 L-DKT-3 L-DKT-4 L-DOC-1 L-ENV-1 L-FEE-1 L-HRG-1 L-NUM-1 L-RET-1 L-SVC-1
    X-AUD-1 X-AUD-2 X-AUD-3 X-AUD-4 X-AUD-5 X-AUD-6 X-CON-1 X-CON-2 X-CON-3 X-CON-4 X-CON-5";
// C-ID-3 is about the control numbers of X12 envelopes, which no table has.

#[test]
fn every_rule_is_a_check_that_looks_at_rows() {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for name in profile::names() {
        let loaded = profile::load(name).expect("loads");
        let plan = Plan::compile(&loaded, &Options::default()).expect("compiles");
        for table in &plan.tables {
            for Check { id: check, predicate, .. } in &table.checks {
                assert!(!matches!(predicate.trim(), "" | "true"), "{name}: {check} of `{}` is empty", table.name);
                let rule = check.split(' ').next().unwrap_or_default();
                *found.entry(rule.to_owned()).or_default() += 1;
            }
        }
    }
    let rules: BTreeSet<&str> = RULES.split_whitespace().collect();
    let missing: Vec<&&str> = rules.iter().filter(|rule| !found.contains_key(**rule)).collect();
    assert!(missing.is_empty(), "no check is called {missing:?}");
    crate::run::say(&format!("{} rules, {} checks", rules.len(), found.values().sum::<usize>()));
}

/// Four domains are one world: what they share is in it once.
#[test]
fn all_profiles_go_together() {
    let names = profile::names().join(",");
    let loaded = profile::load(&names).expect("loads");
    let plan = Plan::compile(&loaded, &Options::default()).expect("compiles");
    let tables: BTreeSet<&str> = plan.tables.iter().map(|table| table.name.as_str()).collect();
    for name in profile::names() {
        let alone = profile::load(name).expect("loads");
        for table in alone.profile.tables.keys() {
            assert!(tables.contains(table.as_str()), "`{table}` of {name} is missing");
        }
    }
}

/// Shipped profiles are files that people read: short lines, intermediate values under `let`, and a sentence for every rule.
#[test]
fn shipped_profiles_are_written_for_readers() {
    let (mut files, mut wrong) = (0, Vec::new());
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
    for folder in std::fs::read_dir(root).expect("profiles").map(|entry| entry.expect("an entry").path()) {
        for file in std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if file.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            files += 1;
            for (n, line) in std::fs::read_to_string(&file).expect("reads").lines().enumerate() {
                let place = format!("{}:{}", file.display(), n + 1);
                if line.chars().count() > 160 {
                    wrong.push(format!("{place}: {} characters, more than 160", line.chars().count()));
                }
            }
        }
    }
    for name in profile::names() {
        let loaded = profile::load(name).expect("loads");
        for (table, decl) in &loaded.profile.tables {
            let bare = decl.checks.iter().filter(|(_, check)| check.about.is_empty() || check.about == "TODO");
            wrong.extend(bare.map(|(id, _)| format!("{name}: {id} of `{table}` has no sentence")));
        }
    }
    assert!(files >= 8, "only {files} files were looked at");
    assert!(wrong.is_empty(), "{} mistakes\n{}", wrong.len(), wrong.join("\n"));
}
