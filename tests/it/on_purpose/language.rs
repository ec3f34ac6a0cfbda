//! Faults in profiles and in files of the user: what is wrong is told with its place.

use super::{cases, text};
use crate::protect::{bad, generate};
use crate::run::good;

#[test]
fn a_mistake_in_a_fault_has_its_line() {
    let temp = tempfile::tempdir().expect("a folder");
    let file = temp.path().join("mine.toml");
    let base = "[faults.mine]\nabout = \"x\"\nclass = \"missing\"\ntable = \"orders\"\nbreaks = []\n";
    for (line, words) in [
        ("do.set = { amont = \"NULL\" }", "writes no column `amont`"),
        ("do.set = { amount = \"'x'\" }", "type mismatch"),
        ("do.set = { amount = \"amont\" }", "unknown"),
        ("do.set = {}", "no column gets a value"),
        ("do.set = { customer_id = { absent = \"orders.order_id\" } }", "not a root table"),
        ("do.set = { customer_id = { present = \"x\" } }", "unknown field `present`"),
        ("do.repeat = { times = 0 }", "1 to 100"),
        ("do.swap = { columns = [] }", "no column is exchanged"),
        ("do.damage = { column = \"amount\", how = \"typo\" }", "only text can be damaged"),
        ("do.damage = { column = \"kind\", how = \"burn\" }", "unknown variant"),
        ("do.wreck = {}", "unknown variant `wreck`"),
        ("do.drop = {}\nwhere = \"1\"", "condition"),
        ("do.drop = {}\nmay_break = [\"nope\"]", "no check `nope`"),
        ("do.drop = {}\nexpect.decision = \"shrug\"", "not a decision"),
    ] {
        std::fs::write(&file, format!("{base}{line}\n")).expect("writes");
        let (code, said) = bad(&["check", super::WRONG, "--faults", text(&file)]);
        let flat = said.split_whitespace().collect::<Vec<_>>().join(" ").replace(" │ ", " ");
        assert!(code == 3 && flat.contains(words), "{line}: {code}: {said}");
        assert!(said.contains("mine.toml:"), "{line}: without its place: {said}");
    }
    for (from, to, words) in [
        ("missing", "mising", "no class of faults `mising`"),
        ("\"orders\"", "\"order\"", "no table `order`"),
        ("[faults.mine]", "[faults.order_twice]", "gives this already"),
        ("breaks = []", "breaks = [\"O-9\"]", "no check `O-9`"),
    ] {
        std::fs::write(&file, format!("{base}do.drop = {{}}\n").replace(from, to)).expect("writes");
        let (code, said) = bad(&["check", super::WRONG, "--faults", text(&file)]);
        let flat = said.split_whitespace().collect::<Vec<_>>().join(" ").replace(" │ ", " ");
        assert!(code == 3 && flat.contains(words) && said.contains("mine.toml:"), "{to}: {code}: {said}");
    }
}

#[test]
fn faults_of_a_file_are_made_and_verified_with_it() {
    let temp = tempfile::tempdir().expect("a folder");
    let file = temp.path().join("mine.toml");
    std::fs::write(
        &file,
        "[faults.long_kind]\nabout = \"A kind that is too long\"\nclass = \"length\"\ntable = \"orders\"\n\
         do.damage = { column = \"kind\", how = \"too_long\" }\nbreaks = []\n",
    )
    .expect("writes");
    let out = temp.path().join("out");
    let files = generate(super::WRONG, &out, &["--faults", text(&file)]);
    let listed = cases(&files);
    assert_eq!((listed.len(), listed[0]["fault"].as_str(), listed[0]["class"].as_str()), (1, "long_kind", "length"));
    assert!(listed[0]["change"].len() > 300);
    let (code, said) = bad(&["verify", text(&out), "--profile", super::WRONG]);
    assert!(code != 0 && said.contains("--faults FILE"), "{said}");
    good(&["verify", text(&out), "--profile", super::WRONG, "--faults", text(&file), "--replay", "all"]);
    std::fs::write(&file, std::fs::read_to_string(&file).expect("reads").replace("too long", "longer"))
        .expect("writes");
    let (code, _) = bad(&["verify", text(&out), "--profile", super::WRONG, "--faults", text(&file)]);
    assert_ne!(code, 0, "another file");
}

#[test]
fn lists_show_faults_classes_and_coverage() {
    let shown = |args: &[&str]| String::from_utf8(good(args).stdout).expect("text");
    let list = shown(&["list", "faults", super::WRONG]);
    assert!(list.contains("order_twice") && list.contains("once") && list.contains("smoke"), "{list}");
    let coverage = shown(&["list", "faults", super::WRONG, "--coverage"]);
    assert!(coverage.ends_with("4 of 5 checks are broken by a fault\n"), "{coverage}");
    assert!(shown(&["list", "outcomes"]).contains("duplicate"));
    let plan = shown(&["plan", super::WRONG, "--faults", "order_twice=0.01,card_digit=3"]);
    assert!(plan.contains("up to ~") && plan.contains("check_digit"), "{plan}");
    let (code, said) = bad(&["list", "faults"]);
    assert_eq!(code, 2, "{said}");
    let (code, said) = bad(&["list", "kinds", "claims"]);
    assert!(code == 2 && said.contains("the same for all profiles"), "{said}");
}
