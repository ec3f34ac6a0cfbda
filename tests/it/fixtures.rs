//! Profiles that nobody planned for, written with the tutorial at hand: whatever is turned, their checks hold.

use placebo::plan::{Options, Plan};

#[test]
fn checks_hold_whatever_the_seed_and_the_size() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let mut checks = 0;
    for entry in
        std::fs::read_dir(folder).expect("a folder").flatten().filter(|e| e.path().join("profile.toml").exists())
    {
        let loaded = placebo::profile::load(entry.path().to_str().expect("a path")).expect("loads");
        for (seed, scale) in [("0", 1.0), ("1", 0.1), ("two", 3.0), ("", 0.5)] {
            let options = Options { seed: seed.to_owned(), scale, ..Options::default() };
            let plan = Plan::compile(&loaded, &options).expect("compiles");
            let broken = placebo::engine::check(&plan, 2_000, 2).expect("checks");
            assert!(broken.is_empty(), "{} with seed `{seed}` and scale {scale}: {broken:?}", plan.name);
            checks += plan.tables.iter().map(|table| table.checks.len()).sum::<usize>();
        }
    }
    assert!(checks > 80, "only {checks} checks were looked at");
}
