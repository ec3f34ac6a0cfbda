//! The data set of a run, made again from its manifest and from what the manifest does not tell.

use super::Request;
use super::sealed::protection;
use crate::dataset::{DataSet, FINGERPRINT};
use crate::error::{Error, Kind, Result};
use crate::folder::manifest::{FaultEntry, Manifest, StoredManifest};
use crate::part::Part;
use crate::plan::{Limits, Memory, Options, Plan};
use crate::profile::{self, Message, Messages};
use crate::protect::keyring::Keys;

/// The data set of a run: the profile as the run had it, and what the run did to personal data.
///
/// # Errors
///
/// If the profile or the seed is not at hand, or is not that of the run.
pub(crate) fn data_set(request: &Request, made: &StoredManifest) -> Result<DataSet> {
    made_again(&made.manifest, made.part(), request.given())
}

/// The inputs of a run that its manifest does not tell.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// The profile, where it is not inside the program.
    pub profile: Option<&'a str>,
    /// The templates that are not inside the program, by path.
    pub templates: &'a [String],
    /// The files of faults of the user's own, by path.
    pub faults: &'a [String],
    /// The keys of a run that protects personal data.
    pub keys: Option<&'a Keys>,
    /// The seed of a run whose manifest hides it.
    pub seed: Option<&'a str>,
    /// The memory that may be taken.
    pub memory: Memory,
}

/// The data set that a manifest describes, or a part of it.
///
/// # Errors
///
/// If the profile or the seed is not at hand, or is not that of the run.
pub(crate) fn made_again(manifest: &Manifest, part: Option<Part>, given: Given<'_>) -> Result<DataSet> {
    let Some(seed) = manifest.seed.as_deref().or(given.seed) else {
        return refuse("the seed is not told".to_owned(), "give it with --seed TEXT");
    };
    let plan = compiled(manifest, given, seed)?;
    let protection = protection(&plan, manifest, given.keys)?;
    if manifest.seed.is_none() && protection.commitment(&plan.seed) != manifest.seed_commitment {
        return refuse("the seed is another one".to_owned(), "--seed TEXT is the text that the run was given");
    }
    let known = |name: &&str| plan.table(name).is_ok();
    let tables: Vec<String> =
        manifest.tables.iter().map(|table| table.name.as_str()).filter(known).map(str::to_owned).collect();
    let mut set = DataSet::new(plan).part(part).protected(protection).tables(&tables)?.faulty()?;
    if set.shown_fingerprint() != manifest.fingerprint {
        return refuse(
            "its data files, or the manifest's inputs, are not those of the fingerprint".to_owned(),
            PROFILE,
        );
    }
    if let Some(only) = &manifest.only {
        set = match set.only(only) {
            Ok(set) => set,
            Err(error) => return refuse(error.to_string(), PROFILE),
        };
    }
    Ok(set)
}

const PROFILE: &str = "give the profile of the run with --profile PATH; `placebo verify --quick` looks at hashes alone";
const OWN_FAULTS: &str = "give the run's own files of faults with --faults FILE, and its profile with --profile PATH";

fn refuse<T>(what: String, hint: &str) -> Result<T> {
    Err(Error::new(Kind::Profile, format!("the rows cannot be held against the profile: {what}")).hint(hint))
}

/// Compiles the profile of a run with the rows, parameters and date of its manifest, and with any seed. The profile is
/// the one of the request; without one, the embedded one of the manifest's name.
///
/// # Errors
///
/// If the profile is not at hand, or is not that of the run.
pub(crate) fn compiled(manifest: &Manifest, given: Given<'_>, seed: &str) -> Result<Plan> {
    if manifest.engine != FINGERPRINT {
        let what = format!("the engine of the run was `{}`, this one is `{FINGERPRINT}`", manifest.engine);
        return refuse(what, "use the placebo that wrote the folder; `placebo verify --quick` looks at hashes alone");
    }
    // Only what the user gives is a path: a manifest may be anybody's.
    let embedded = || {
        let name = manifest.profile.as_str();
        let names = profile::names();
        let worlds = [name.to_owned(), name.replace('-', ",")];
        worlds.into_iter().find(|world| world.split(',').all(|name| names.contains(&name)))
    };
    let Some(name) = given.profile.map(str::to_owned).or_else(embedded) else {
        let what = format!("`{}` is not inside this program", manifest.profile);
        return refuse(what, "give it with --profile PATH; `placebo verify --quick` looks at hashes alone");
    };
    let options = Options {
        seed: seed.to_owned(),
        rows: manifest.rows.clone(),
        scale: 1.0,
        params: manifest.params.clone(),
        as_of: Some(manifest.as_of.clone()),
        // The run kept to its own limits.
        limits: Limits { rows: u64::MAX, bytes: u64::MAX, cell: u64::MAX, memory: given.memory },
    };
    let messages = Messages {
        templates: &templates(manifest, given.templates)?,
        only: manifest.messages_only.as_deref(),
        bare: manifest.format().is_ok_and(|(format, _)| format.takes_messages_alone()),
    };
    let mut loaded = profile::load(&name)?.with_messages(&messages)?;
    if !manifest.faults.is_empty() {
        let asked = manifest.faults.iter().map(|fault| format!("{}={}", fault.name, fault.asked));
        let choices: Vec<String> =
            given.faults.iter().filter(|choice| profile::is_path(choice)).cloned().chain(asked).collect();
        loaded = loaded.with_faults_of_run(&choices).map_err(|error| match given.faults {
            [] => error.hint("--faults FILE gives faults that are not in the profile"),
            _ => error,
        })?;
    }
    if loaded.digest != manifest.profile_sha256 {
        let templates = if manifest.messages.is_empty() { "" } else { ", or one of its templates was" };
        return refuse(format!("`{name}` is not the profile of the run, or it was changed{templates}"), PROFILE);
    }
    match Plan::compile(&loaded, &options) {
        Ok(plan) => {
            let same = |entry: &&FaultEntry| {
                plan.faults.iter().any(|fault| fault.digest == entry.sha256 && fault.name == entry.name)
            };
            match manifest.faults.iter().find(|entry| !same(entry)) {
                Some(other) => refuse(format!("the fault `{}` is not the one of the run", other.name), OWN_FAULTS),
                None => Ok(plan),
            }
        }
        Err(error) => refuse(error.to_string(), error.hint_text().unwrap_or(PROFILE)),
    }
}

/// The templates of a run: those that the user gives by path, and the embedded ones of the manifest's names.
fn templates(manifest: &Manifest, given: &[String]) -> Result<Vec<String>> {
    let find = |name: &String| match given.iter().find(|path| Message::name_of(path) == name) {
        Some(path) => Ok(path.clone()),
        None if profile::is_name(name) => Ok(name.clone()),
        None => refuse(format!("`{name}` is not the name of a template"), PROFILE),
    };
    manifest.messages.iter().map(find).collect()
}
