//! The faults that a run makes, chosen by `--faults` out of those of the profile and of the user's own files.

use indexmap::IndexMap;
use serde::Deserialize;

use super::fault::{Amount, Fault};
use super::files::Files;
use super::load::{Loaded, Source, is_name};
use crate::error::{Error, Result, did_you_mean};

/// A file of the user with further faults: keys `faults` and `fault_sets`, as in a profile.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultFile {
    #[serde(default)]
    pub(super) faults: IndexMap<String, Fault>,
    #[serde(default)]
    pub(super) fault_sets: IndexMap<String, IndexMap<String, Amount>>,
}

/// A fault that a run makes.
#[derive(Debug, Clone, PartialEq)]
pub struct AskedFault {
    /// The fault.
    pub fault: Fault,
    /// The amount of cases.
    pub amount: Amount,
    /// True if it was asked for by its own name, and not by its class or with all others.
    pub by_name: bool,
}

/// The word that stands for every fault in a choice.
const EACH: &str = "each";
/// The prefix of a class in a choice.
const CLASS: &str = "class:";
/// The most faults of a profile.
const MOST: usize = 1_000;

impl Loaded {
    /// Chooses faults: `each=1`, `class:missing=0.001`, `NAME=5`, `NAME` (one case), the name of a set, or the path of a file `.toml`
    /// with further faults; 0 cases leave a fault out. A choice by name wins over one by class, and that over `each`. The digest of the profile stays.
    ///
    /// # Errors
    ///
    /// If a name is unknown, an amount cannot be read, two choices of the same kind are about one fault, or a file cannot be read.
    pub fn with_faults(mut self, choices: &[String]) -> Result<Self> {
        let (files, words): (Vec<&String>, Vec<&String>) = choices.iter().partition(|choice| is_path(choice));
        let mut added = Vec::new();
        for path in files {
            added.extend(self.add_faults(path)?);
        }
        let mut chosen: IndexMap<String, (u8, Amount)> = IndexMap::new();
        if words.is_empty() {
            // A file alone stands for each of its faults.
            chosen.extend(added.into_iter().map(|name| (name, (0, Amount::Count(1)))));
        }
        if self.profile.faults.len() > MOST {
            return Err(Error::profile("faults", format!("more than {MOST} faults")));
        }
        for word in words {
            for (name, amount) in self.expanded(word)? {
                self.choose(&name, amount, word, &mut chosen)?;
            }
        }
        let mut asked: Vec<(String, AskedFault)> = Vec::new();
        for (name, fault) in &self.profile.faults {
            // None are asked for where an amount is 0: `each=1,rare=0`.
            if let Some((rank, amount)) = chosen.get(name).filter(|(_, amount)| *amount != Amount::Count(0)) {
                let (fault, amount, by_name) = (fault.clone(), *amount, *rank == 2);
                asked.push((name.clone(), AskedFault { fault, amount, by_name }));
            }
        }
        asked.sort_by(|one, other| one.0.cmp(&other.0));
        self.faults = asked.into_iter().collect();
        Ok(self)
    }

    /// Chooses the faults that a run made: as [`Loaded::with_faults`], with room for fewer cases than were asked for.
    ///
    /// # Errors
    ///
    /// As [`Loaded::with_faults`].
    pub fn with_faults_of_run(self, choices: &[String]) -> Result<Self> {
        let mut loaded = self.with_faults(choices)?;
        loaded.faults.values_mut().for_each(|asked| asked.by_name = false);
        Ok(loaded)
    }

    /// The pairs of a choice: those of a set, or itself.
    fn expanded(&self, word: &str) -> Result<Vec<(String, Amount)>> {
        if let Some(set) = self.profile.fault_sets.get(word) {
            return Ok(set.iter().map(|(name, amount)| (name.clone(), *amount)).collect());
        }
        let (name, amount) = word.split_once('=').unwrap_or((word, "1"));
        let amount = Amount::parse(amount).map_err(|what| Error::usage(format!("`--faults {word}`: {what}")))?;
        Ok(vec![(name.to_owned(), amount)])
    }

    fn choose(
        &self,
        name: &str,
        amount: Amount,
        word: &str,
        chosen: &mut IndexMap<String, (u8, Amount)>,
    ) -> Result<()> {
        let faults = &self.profile.faults;
        let (rank, names): (u8, Vec<&String>) = match name.strip_prefix(CLASS) {
            Some(class) => {
                let names: Vec<&String> =
                    faults.iter().filter(|(_, fault)| fault.class == class).map(|(name, _)| name).collect();
                if names.is_empty() {
                    let classes = faults.values().map(|fault| fault.class.as_str());
                    let what =
                        format!("`--faults {word}`: the profile `{}` has no fault of the class", self.profile.name);
                    return Err(Error::usage(format!("{what} `{class}`")).maybe_hint(did_you_mean(class, classes)));
                }
                (1, names)
            }
            None if name == EACH => (0, faults.keys().collect()),
            None => match faults.get_key_value(name) {
                Some((name, _)) => (2, vec![name]),
                None if self.profile.fault_sets.contains_key(name) => {
                    let what = format!("`--faults {word}`: `{name}` is a set, whose faults have amounts of their own");
                    return Err(Error::usage(what)
                        .hint(format!("--faults {name}; a set holds faults, classes and `each`, and no sets")));
                }
                None => {
                    let known = faults.keys().chain(self.profile.fault_sets.keys()).map(String::as_str);
                    let what = format!("the profile `{}` has no fault or set of faults `{name}`", self.profile.name);
                    return Err(Error::usage(format!("`--faults {word}`: {what}"))
                        .hint(format!("`placebo list faults {}` shows them", self.profile.name))
                        .maybe_hint(did_you_mean(name, known)));
                }
            },
        };
        if names.is_empty() {
            return Err(Error::usage(format!("the profile `{}` has no faults", self.profile.name))
                .hint("add [faults.NAME] to it, or give a file of them: --faults ./mine.toml"));
        }
        for name in names {
            match chosen.get(name) {
                Some((known, other)) if *known == rank && *other != amount => {
                    return Err(Error::usage(format!(
                        "`--faults`: `{name}` is asked for twice, as {other} and as {amount}"
                    )));
                }
                Some((known, _)) if *known > rank => {}
                _ => {
                    chosen.insert(name.clone(), (rank, amount));
                }
            }
        }
        Ok(())
    }

    /// Adds the faults of a user's file, and gives their names.
    fn add_faults(&mut self, path: &str) -> Result<Vec<String>> {
        let at = std::path::Path::new(path);
        let file = at.file_name().map_or_else(String::new, |file| file.to_string_lossy().into_owned());
        let folder = at.parent().filter(|parent| !parent.as_os_str().is_empty());
        let files = Files::Folder(folder.unwrap_or(std::path::Path::new(".")).to_owned());
        let bytes = files.named(&file)?;
        let (source, own) = Source::faults(files.show(&file), files, bytes)?;
        let twice = |key: &str, name: &str| {
            let path = format!("{key}.{name}");
            let place = source.place(&path);
            Error::profile(path, format!("the profile `{}` gives this already", self.profile.name))
                .at(Some(place))
                .hint("give it another name")
        };
        if let Some(name) = own.faults.keys().find(|name| self.profile.faults.contains_key(*name)) {
            return Err(twice("faults", name));
        }
        if let Some(name) = own.fault_sets.keys().find(|name| self.profile.fault_sets.contains_key(*name)) {
            return Err(twice("fault_sets", name));
        }
        let names = own.faults.keys().cloned().collect();
        self.profile.faults.extend(own.faults);
        self.profile.fault_sets.extend(own.fault_sets);
        self::names(&self.profile).map_err(|error| {
            let place = source.place(error.path());
            error.at(Some(place))
        })?;
        self.push(source);
        Ok(names)
    }
}

/// Tells whether a choice of faults is the path of a file.
#[must_use]
pub fn is_path(choice: &str) -> bool {
    std::path::Path::new(choice).extension().is_some_and(|end| end.eq_ignore_ascii_case("toml"))
        || choice.contains(['/', '\\'])
}

/// Refuses names that a choice could not tell apart.
pub(super) fn names(profile: &super::Profile) -> Result<()> {
    for (key, names) in [
        ("faults", profile.faults.keys().collect::<Vec<_>>()),
        ("fault_sets", profile.fault_sets.keys().collect::<Vec<_>>()),
    ] {
        if let Some(name) = names.iter().find(|name| !is_name(name) || name.as_str() == EACH) {
            return Err(Error::profile(
                format!("{key}.{name}"),
                format!("`{}` is not a name for it", name.escape_debug()),
            )
            .hint("lower-case letters, digits and `_`, at most 63, starting with a letter; `each` stands for all"));
        }
    }
    if let Some(name) = profile.fault_sets.keys().find(|name| profile.faults.contains_key(*name)) {
        return Err(
            Error::profile(format!("fault_sets.{name}"), "a fault has this name").hint("give the set another name")
        );
    }
    for (set, choices) in &profile.fault_sets {
        let known = |name: &str| {
            name == EACH
                || profile.faults.contains_key(name)
                || name.strip_prefix(CLASS).is_some_and(|class| profile.faults.values().any(|f| f.class == class))
        };
        if let Some(name) = choices.keys().find(|name| !known(name)) {
            return Err(Error::profile(format!("fault_sets.{set}.{name}"), format!("there is no fault `{name}`"))
                .maybe_hint(did_you_mean(name, profile.faults.keys().map(String::as_str))));
        }
    }
    Ok(())
}
