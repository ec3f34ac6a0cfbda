//! `placebo list`: everything that has a name, from the registries.

use clap::{Args, ValueEnum};

use super::{find, format_args, text_table};
use crate::error::{Error, Result};
use crate::format::FORMATS;
use crate::outcomes::{self, FaultClass};
use crate::profile::{Amount, Decisions, Fault, Message, Profile};
use crate::protect::HANDLINGS;
use crate::sql;
use crate::template::Syntax;
use crate::template::syntax::SYNTAXES;
use crate::{generator, kinds, profile};

#[derive(Args)]
pub(super) struct List {
    /// The list; profiles, unless another one is named.
    #[arg(default_value = "profiles")]
    what: What,
    /// The profile whose faults, fixtures or packs are listed.
    #[arg(required_if_eq_any([("what", "faults"), ("what", "fixtures"), ("what", "packs")]))]
    profile: Option<String>,
    /// With faults: each rule of the profile, and the faults that break it.
    #[arg(long)]
    coverage: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    Profiles,
    Generators,
    Functions,
    Formats,
    Kinds,
    Handlings,
    Templates,
    Syntaxes,
    /// Faults of a profile, which `--faults` makes.
    Faults,
    /// Classes of faults, with what a correct system does and answers.
    Outcomes,
    /// Ways in which `find` hands rows to a test runner.
    Forms,
    /// Named fixtures of a profile, with the rows that each has at the profile's own size.
    Fixtures,
    /// Packs of cases of a profile, which `cases --pack` makes: decisions, and trails of entries.
    Packs,
}

impl List {
    pub(super) fn run(&self) -> Result<()> {
        if let (Some(profile), false) =
            (&self.profile, matches!(self.what, What::Faults | What::Fixtures | What::Packs))
        {
            let name = self.what.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
            return Err(Error::usage(format!("`{profile}`: the list of {name} is the same for all profiles")));
        }
        let text = match self.what {
            What::Faults => faults(self.profile.as_deref().unwrap_or_default(), self.coverage)?,
            What::Outcomes => {
                let codes = |class: &FaultClass| {
                    let all = class.codes.iter().map(|(dialect, codes)| format!("{dialect} {}", codes.join(" ")));
                    all.collect::<Vec<_>>().join("; ")
                };
                let row = |class: &FaultClass| {
                    vec![class.name.clone(), class.decision.name().to_owned(), class.about.clone(), codes(class)]
                };
                let rows: Vec<Vec<String>> = outcomes::classes().iter().map(row).collect();
                wide(&["class", "decision", "about", "codes"], &rows)
            }
            What::Profiles => {
                let rows = profile::names()
                    .into_iter()
                    .map(|name| Ok(vec![name.to_owned(), profile::load(name)?.profile.title]));
                text_table::aligned(&["profile", "title"], &rows.collect::<Result<Vec<_>>>()?)
            }
            What::Generators => {
                let mut rows = Vec::new();
                for (family, defs) in generator::families() {
                    for def in defs {
                        let schema = (def.schema)(&mut schemars::SchemaGenerator::default());
                        let about = schema.get("description").and_then(|text| text.as_str()).unwrap_or_default();
                        let first = about.split_inclusive(". ").next().unwrap_or_default().replace('\n', " ");
                        rows.push(vec![def.name.to_owned(), family.to_owned(), first.trim().to_owned()]);
                    }
                }
                wide(&["generator", "family", "makes"], &rows)
            }
            What::Functions => functions(),
            What::Formats => {
                let rows: Vec<Vec<String>> = FORMATS
                    .iter()
                    .map(|f| vec![f.name.to_owned(), format_args::settings(f), f.about.to_owned()])
                    .collect();
                wide(&["format", "settings", "about"], &rows)
            }
            What::Templates => {
                let row = |message: Message| vec![message.name, message.domain, message.head.row, message.head.about];
                let rows: Vec<Vec<String>> = Message::all()?.into_iter().map(row).collect();
                wide(&["template", "profile", "a message for each", "about"], &rows)
            }
            What::Syntaxes => {
                let row = |syntax: &&Syntax| [syntax.name, syntax.extension, syntax.about].map(str::to_owned).to_vec();
                wide(&["syntax", "extension", "about"], &SYNTAXES.iter().map(row).collect::<Vec<_>>())
            }
            What::Forms => wide(&["form", "about"], &find::forms()),
            What::Fixtures => find::list(self.profile.as_deref().unwrap_or_default())?,
            What::Packs => {
                let loaded = profile::load(self.profile.as_deref().unwrap_or_default())?;
                let row = |(name, pack): (&String, &Decisions)| {
                    let facts: Vec<&str> =
                        pack.boundaries.keys().chain(pack.facts.keys()).map(String::as_str).collect();
                    vec![
                        name.clone(),
                        pack.table.clone(),
                        pack.reasons.len().to_string(),
                        facts.join(" "),
                        pack.about.clone(),
                    ]
                };
                let mut rows: Vec<Vec<String>> = loaded.profile.decisions.iter().map(row).collect();
                rows.extend(loaded.profile.trails.iter().map(|(name, trail)| {
                    let edits: Vec<&str> = trail.edits.keys().map(String::as_str).collect();
                    vec![name.clone(), trail.table.clone(), String::new(), edits.join(" "), trail.about.clone()]
                }));
                wide(&["pack", "table", "reasons", "facts", "about"], &rows)
            }
            What::Kinds => {
                let rows: Vec<Vec<String>> = kinds::all()
                    .iter()
                    .map(|k| {
                        let cells = [&k.name, &k.class, &k.hipaa, &k.identifies, &k.handling, &k.about];
                        cells.into_iter().cloned().collect()
                    })
                    .collect();
                wide(&["kind", "class", "hipaa", "identifies", "handling", "about"], &rows)
            }
            What::Handlings => {
                let rows: Vec<Vec<String>> = HANDLINGS
                    .iter()
                    .map(|h| vec![h.name.to_owned(), if h.keyed { "key" } else { "" }.to_owned(), h.about.to_owned()])
                    .collect();
                wide(&["handling", "needs", "about"], &rows)
            }
        };
        text_table::print(&text)
    }
}

/// The faults of a profile, or the rules that they break.
fn faults(profile: &str, coverage: bool) -> Result<String> {
    let loaded = profile::load(profile)?;
    let profile = &loaded.profile;
    if profile.faults.is_empty() {
        return Err(Error::usage(format!("the profile `{}` has no faults", profile.name))
            .hint("add [faults.NAME] to it: docs/faults.md shows how"));
    }
    if coverage {
        return Ok(covered(profile));
    }
    let row = |(name, fault): (&String, &Fault)| {
        let decision = fault.expect.decision.clone();
        let decision = decision.or_else(|| Some(outcomes::class(&fault.class)?.decision.name().to_owned()));
        vec![name.clone(), fault.class.clone(), decision.unwrap_or_default(), fault.table.clone(), fault.about.clone()]
    };
    let rows: Vec<Vec<String>> = profile.faults.iter().map(row).collect();
    let mut text = wide(&["fault", "class", "decision", "table", "about"], &rows);
    let set = |(name, set): (&String, &indexmap::IndexMap<String, Amount>)| {
        let of_set = set.iter().map(|(fault, amount)| format!("{fault}={amount}")).collect::<Vec<_>>();
        vec![name.clone(), of_set.join(" ")]
    };
    let sets: Vec<Vec<String>> = profile.fault_sets.iter().map(set).collect();
    if !sets.is_empty() {
        text.push_str(&format!("\n{}", wide(&["set", "faults"], &sets)));
    }
    Ok(text)
}

/// Each check of a profile with the faults that break it, and how many are broken by none.
fn covered(profile: &Profile) -> String {
    let mut rows = Vec::new();
    let mut none = 0;
    for (table, decl) in &profile.tables {
        for id in decl.checks.keys() {
            let breaks = |fault: &Fault| {
                let rule = |rule: &String| match rule.rsplit_once('@') {
                    Some((rule, of)) => rule == id && of == table,
                    None => rule == id && fault.table == *table,
                };
                fault.breaks.iter().any(rule)
            };
            let by: Vec<&str> =
                profile.faults.iter().filter(|(_, fault)| breaks(fault)).map(|(name, _)| name.as_str()).collect();
            none += usize::from(by.is_empty());
            rows.push(vec![id.clone(), table.clone(), by.join(" ")]);
        }
    }
    let all = rows.len();
    format!("{}\n{} of {all} checks are broken by a fault\n", wide(&["check", "table", "broken by"], &rows), all - none)
}

/// Operators, functions and forms by family: a signature, what it does, and an example under it.
fn functions() -> String {
    let (mut text, mut family) = (String::new(), "");
    for doc in sql::docs() {
        if doc.family != family {
            family = doc.family;
            let gap = if text.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}{family}\n{}\n", "-".repeat(family.len())));
        }
        let answer = if doc.example.1.is_empty() { "null" } else { doc.example.1 };
        text.push_str(&format!("{}\n    {}\n    {} → {answer}\n", doc.signature, doc.about, doc.example.0));
    }
    text
}

/// As [`text_table::aligned`], with the last column unclipped.
pub(super) fn wide(header: &[&str], rows: &[Vec<String>]) -> String {
    let last = header.len() - 1;
    let lines = text_table::aligned(&header[..last], &rows.iter().map(|row| row[..last].to_vec()).collect::<Vec<_>>());
    let width = lines.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    let ends =
        std::iter::once(header[last]).chain(std::iter::once("")).chain(rows.iter().map(|row| row[last].as_str()));
    lines
        .lines()
        .zip(ends)
        .map(|(line, end)| {
            let gap = " ".repeat(width - line.chars().count());
            format!("{line}{gap}  {end}").trim_end().to_owned() + "\n"
        })
        .collect()
}
