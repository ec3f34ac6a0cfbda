//! The tables of a random profile: what kind each is, and the columns that all of them have.

use std::fmt::Write;

use super::choices::Choices;

/// What says how many rows a table has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Root,
    Count,
    /// Sized in total.
    Dense,
    Walk,
    Each,
    Group,
}

/// Rows that belong to each row of a table.
#[derive(Clone, Debug)]
pub(super) struct Hand {
    pub(super) name: String,
    pub(super) table: usize,
    /// Whether a row of the hand may be missing from the table `each` makes of it.
    pub(super) children: bool,
}

/// A reference, as far as others need to know it.
#[derive(Clone, Debug)]
pub(super) struct Ref {
    pub(super) name: String,
    pub(super) to: usize,
    /// Whether it is a number in the whole table, picked at random: what `differs` is about.
    pub(super) random: bool,
}

/// A table on its way to TOML.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) parent: Option<usize>,
    pub(super) head: String,
    pub(super) refs: Vec<Ref>,
    pub(super) says_refs: String,
    pub(super) columns: String,
    pub(super) numbers: Vec<String>,
    pub(super) checks: Vec<String>,
    pub(super) hands: Vec<Hand>,
    pub(super) strata: bool,
    /// Whether another number of root rows leaves the rows that there were as they were.
    pub(super) grows: bool,
}

impl Table {
    pub(super) fn new(name: String, kind: Kind, parent: Option<usize>, head: String) -> Self {
        Self {
            name,
            kind,
            parent,
            head,
            refs: Vec::new(),
            says_refs: String::new(),
            columns: String::new(),
            numbers: vec!["num".to_owned()],
            checks: Vec::new(),
            hands: Vec::new(),
            strata: false,
            grows: true,
        }
    }

    pub(super) fn column(&mut self, name: &str, says: &str) {
        let _never_fails = writeln!(self.columns, "{name} = {says}");
    }

    pub(super) fn sql(&mut self, name: &str, sql: &str) {
        self.column(name, &format!("\"{sql}\""));
    }

    pub(super) fn to_toml(&self) -> String {
        let mut text = format!("[tables.{}]\n{}", self.name, self.head);
        if !self.says_refs.is_empty() {
            let _never_fails = write!(text, "[tables.{}.refs]\n{}", self.name, self.says_refs);
        }
        let _never_fails = write!(text, "[tables.{}.columns]\n{}", self.name, self.columns);
        if !self.checks.is_empty() {
            let _never_fails = writeln!(text, "[tables.{}.checks]", self.name);
        }
        for (n, check) in self.checks.iter().enumerate() {
            let _never_fails = writeln!(text, "c{n} = \"{check}\"");
        }
        text
    }
}

/// The head of a child table of a kind that needs no hand.
pub(super) fn child_head(choices: &mut Choices, kind: Kind, parent: &str) -> String {
    let mut head = format!("of = \"{parent}\"\n");
    head += &match kind {
        Kind::Dense => {
            let spread = ["", "spread = { jitter = 1.0 }\n", "spread = { skew = 1.1 }\n", "spread.jitter = 0\n"];
            format!("rows = {}\n{}", 1 + choices.below(30), choices.of(&spread))
        }
        Kind::Walk => {
            let after = ["days = 3", "hours.lognormal = { median = 6, sigma = 0.9 }", "days.uniform = { max = 9 }"];
            let (weight, after) = (choices.of(&["1", "0.5", "num"]), choices.of(&after));
            format!(
                "lifecycle.start = \"new\"\nlifecycle.at = \"day\"\n\
                 lifecycle.states.new = {{ next = {{ open = 0.9, done = \"{weight}\" }}, after.{after} }}\n\
                 lifecycle.states.open = {{ next = {{ new = 0.2, done = 0.9 }}, after.days = 1 }}\n\
                 lifecycle.states.done = {{}}\n"
            )
        }
        _ => {
            let counts =
                ["2", "\"num\"", "\"CASE WHEN ok THEN 3 ELSE 0 END\"", "{ poisson.mean = 1.7 }", "\"num % 4\""];
            format!("count = {}\n", choices.of(&counts))
        }
    };
    if kind != Kind::Dense && choices.chance(15) {
        head += "when = \"ok\"\n";
    }
    head
}

/// The columns that every table has, `id` unique among them; `of` is the hand that its rows are made of.
pub(super) fn base(choices: &mut Choices, table: &mut Table, parent: Option<&str>, of: Option<&str>) {
    let key = match (table.kind, parent) {
        (Kind::Root, _) => choices.of(&["expr = \"row + 1\"", "gen.uuid = {}", "gen.permutation = { size = 1000 }"]),
        _ => "gen.uuid = {}",
    };
    if let (Some(parent), true) = (parent, choices.chance(25)) {
        table.column("id", &format!("{{ {key} }}"));
        table.column("up", &format!("{{ expr = \"{parent}.id\", key = true }}"));
        table.column("nth", "{ expr = \"ordinal\", key = true }");
    } else {
        table.column("id", &format!("{{ {key}, key = true }}"));
    }
    match (table.kind, of) {
        (Kind::Each, Some(of)) => {
            for column in ["num", "amt", "day", "tag", "ok"] {
                table.sql(column, &format!("{of}.{column}"));
            }
        }
        (Kind::Group, Some(of)) => {
            table.sql("num", &format!("count({of})"));
            table.sql("amt", &format!("sum({of}.amt)"));
            table.sql("day", &format!("min({of}.day)"));
            table.sql("tag", &format!("max({of}.tag)"));
            table.sql("ok", &format!("bool_or({of}.ok)"));
        }
        _ => {
            let null = if choices.chance(20) { ", null = 0.3" } else { "" };
            table.column("num", &format!("{{ gen.integer = {{ min = 0, max = 5 }}{null} }}"));
            let when = if choices.chance(20) { ", when = \"ok\"" } else { "" };
            table.column("amt", &format!("{{ gen.decimal = {{ min = 0, max = 9, scale = 2 }}{when} }}"));
            table.column("day", "{ gen.date = { from = \"DATE '2024-01-01'\", to = \"as_of\" } }");
            table.column("tag", &format!("{{ gen.choice.weights = {{ a = 3, b = 1, c = 1 }}{null} }}"));
            table.column("ok", "{ gen.boolean = { p = 0.6 } }");
        }
    }
    if table.kind == Kind::Root && choices.chance(40) {
        table.column("seg", "{ gen.strata.weights = { x = 2, y = 1 } }");
        (table.strata, table.grows) = (true, false);
    }
}
