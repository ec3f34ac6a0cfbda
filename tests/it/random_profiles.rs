//! Random small profiles, and what must be true of every one: it is refused with a path, or it keeps every promise.
//!
//! A profile is drawn from a list of words ([`choices`]), which proptest shrinks; a failure prints the TOML. The seed is
//! fixed and nothing is kept between runs, so that a run is the same everywhere; `RANDOM_PROFILES=2000` takes more cases.

mod choices;
mod derived;
mod hold;
mod refs;
mod tables;

use std::cell::Cell;

use placebo::error::{Error, Kind};
use placebo::plan::{Options, Plan};
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use choices::Choices;
use tables::{Hand, Kind as Rows, Table};

/// The least share of drawn profiles that compile and whose data have no error, of 100: a test of refusals alone would prove little.
const COMPILE: u32 = 60;

/// A random profile, and what is to be looked at.
pub(crate) struct Drawn {
    tables: Vec<Table>,
    /// Dealt tables with the column of their owner, and owners with the column that counts their hand.
    deals: Vec<(usize, String, usize, String)>,
}

impl std::fmt::Debug for Drawn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the profile\n")?;
        f.write_str(&self.to_toml())
    }
}

impl Drawn {
    fn to_toml(&self) -> String {
        let tables: String = self.tables.iter().map(|table| table.to_toml() + "\n").collect();
        format!("name = \"drawn\"\nas_of = 2025-06-30\n\n{tables}")
    }

    fn from(words: Vec<u32>) -> Self {
        let mut choices = Choices::new(words);
        let choices = &mut choices;
        let mut drawn = Self { tables: Vec::new(), deals: Vec::new() };
        for n in 0..=choices.below(4) {
            let head = format!("rows = {}\n", 1 + choices.below(9));
            let mut table = Table::new(format!("t{n}"), Rows::Root, None, head);
            tables::base(choices, &mut table, None, None);
            drawn.tables.push(table);
        }
        for _ in 0..choices.below(4) {
            let kind = choices.of(&[Rows::Count, Rows::Dense, Rows::Walk]);
            drawn.child(choices, kind);
        }
        for at in 0..drawn.tables.len() {
            (0..choices.below(4)).for_each(|_| refs::reference(choices, &mut drawn, at));
        }
        for _ in 0..choices.below(4) {
            drawn.made(choices);
        }
        // In any order, so that what is computed here is computed from there on both sides; now and then in a cycle.
        for _ in 0..choices.below(4 * drawn.tables.len()) {
            let at = choices.below(drawn.tables.len());
            derived::column(choices, &mut drawn, at);
        }
        drawn
    }

    /// A child table that is sized by itself.
    fn child(&mut self, choices: &mut Choices, kind: Rows) {
        let parent = choices.below(self.tables.len());
        let (name, above) = (format!("t{}", self.tables.len()), self.tables[parent].name.clone());
        let head = tables::child_head(choices, kind, &above);
        let mut table = Table::new(name.clone(), kind, Some(parent), head);
        tables::base(choices, &mut table, Some(&above), None);
        if kind == Rows::Walk {
            table.sql("state", "lifecycle.state");
            table.sql("at", "lifecycle.at");
            table.checks.push("coalesce(at >= lag(at) OVER (ORDER BY ordinal), true)".to_owned());
        }
        table
            .checks
            .push("ordinal BETWEEN 1 AND siblings AND row_number() OVER (ORDER BY ordinal) = ordinal".to_owned());
        self.tables.push(table);
        let table = self.tables.len() - 1;
        self.tables[parent].hands.push(Hand { name, table, children: true });
        if kind == Rows::Dense {
            self.stay(parent);
        }
    }

    /// An `each` or `group` table over the children or a hand of a table.
    fn made(&mut self, choices: &mut Choices) {
        let owners: Vec<usize> = (0..self.tables.len()).filter(|at| !self.tables[*at].hands.is_empty()).collect();
        if owners.is_empty() {
            return;
        }
        let owner = choices.of(&owners);
        let hands = &self.tables[owner].hands;
        let hand = hands[choices.below(hands.len())].clone();
        let (name, above, h) = (format!("t{}", self.tables.len()), self.tables[owner].name.clone(), &hand.name);
        let filter = choices.of(&["", "where = \"{h}.ok\"\n", "where = \"{h}.num > 1\"\n"]).replace("{h}", h);
        let (kind, head) = if choices.chance(50) {
            let by = choices.of(&["day", "tag", "num", "id", "ok"]);
            (Rows::Group, format!("group = \"{h}\"\nby = \"{h}.{by}\"\n"))
        } else {
            let order = choices.of(&["", "order = \"{h}.day\"\n", "order = \"{h}.amt\"\n"]).replace("{h}", h);
            (Rows::Each, format!("each = \"{h}\"\n{order}"))
        };
        let mut table = Table::new(name.clone(), kind, Some(owner), format!("of = \"{above}\"\n{head}{filter}"));
        tables::base(choices, &mut table, Some(&above), Some(h));
        if kind == Rows::Group {
            table.sql("value", "group_key");
            table.checks.push("num >= 1".to_owned());
            table.hands.push(Hand { name: h.clone(), table: hand.table, children: false });
        } else {
            table.column("fact", &format!("\"{h}.id\""));
            if filter.is_empty() {
                self.tables[owner].checks.push(format!("count({name}) = count({h})"));
            }
        }
        self.tables.push(table);
        let made = Hand { name, table: self.tables.len() - 1, children: hand.children };
        self.tables[owner].hands.push(made);
    }

    /// The rows under a table, and so the table, depend on how many rows there are.
    fn stay(&mut self, mut at: usize) {
        self.tables[at].grows = false;
        while let Some(parent) = self.tables[at].parent {
            (at, self.tables[parent].grows) = (parent, false);
        }
    }
}

/// A refusal is an error about the profile that says where.
fn refused(error: &Error) -> Result<(), TestCaseError> {
    let good = error.kind() == Kind::Profile && !error.path().is_empty();
    if good { Ok(()) } else { Err(TestCaseError::fail(format!("refused without a path: {error:?}"))) }
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are shown with --nocapture")]
fn random_profiles_are_refused_or_keep_every_promise() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("profile.toml");
    let cases = std::env::var_os("RANDOM_PROFILES").and_then(|n| n.to_str()?.parse().ok()).unwrap_or(100);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 10_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let (seen, compiled, kept) = (Cell::new(0), Cell::new(0), Cell::new(0_u32));
    let profiles = vec(any::<u32>(), 0..400).prop_map(Drawn::from);
    let done = runner.run(&profiles, |drawn| {
        seen.set(seen.get() + 1);
        std::fs::write(&path, drawn.to_toml()).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let name = path.to_str().unwrap_or_default();
        let loaded = placebo::profile::load(name).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        match Plan::compile(&loaded, &Options::default()) {
            Ok(plan) => {
                compiled.set(compiled.get() + 1);
                kept.set(kept.get() + u32::from(hold::promises(&drawn, &loaded, &plan)?));
                Ok(())
            }
            Err(error) => {
                if std::env::var_os("RANDOM_REFUSALS").is_some() {
                    println!("{error:?}");
                }
                refused(&error)
            }
        }
    });
    done.unwrap_or_else(|error| panic!("{error}"));
    let figures = format!("of {} random profiles {} compile, {} have rows", seen.get(), compiled.get(), kept.get());
    println!("{figures}");
    assert!(kept.get() * 100 >= COMPILE * seen.get(), "{figures}");
}
