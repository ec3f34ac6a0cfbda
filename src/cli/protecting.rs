//! The options by which commands protect personal data, and where their keys come from.

use std::path::PathBuf;

use clap::Args;

use super::{LogFormat, log, table};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::protect::keyring::{Keyring, Keys};
use crate::protect::source::{self, KeySource};
use crate::protect::{Choice, Protection, Settings, decide, handling};
use crate::sql::types;

/// What happens to which column.
#[derive(Args, Clone)]
pub(super) struct Choosing {
    /// `profile` for the profile's own handlings; or a handling for a class, a kind or a column: `phi=encrypt`,
    /// `patient.mrn=token`, `account=encrypt:account`. May stand many times; what is narrower wins.
    #[arg(long, value_name = "WHAT=HANDLING", help_heading = "Protection")]
    protect: Vec<String>,
    /// Leave only what 45 CFR 164.514(b)(2) leaves: no identifiers, years for dates, three digits of postal codes.
    #[arg(long, value_name = "METHOD", value_parser = ["safe-harbor"], conflicts_with = "protect", help_heading = "Protection")]
    deidentify: Option<String>,
}

/// Where keys come from.
#[derive(Args, Clone)]
pub(super) struct KeyArgs {
    /// Where the key is: `env:NAME`, `file:PATH`, `fd:N`, `cmd:PROGRAM …`, or `test:NAME` for a key that is no secret.
    #[arg(long, visible_alias = "key", value_name = "SOURCE", conflicts_with = "keyring", help_heading = "Protection")]
    key_source: Option<String>,
    /// The keyring's file, which nobody but its owner may read.
    #[arg(long, value_name = "FILE", help_heading = "Protection")]
    keyring: Option<PathBuf>,
    /// Where the key is that opens the wrapped keys of a keyring; sources are as for `--key-source`.
    #[arg(long, value_name = "SOURCE", help_heading = "Protection")]
    kek: Option<String>,
}

/// All options of protection.
#[derive(Args, Clone)]
pub(super) struct Protecting {
    #[command(flatten)]
    choosing: Choosing,
    #[command(flatten)]
    keys: KeyArgs,
    /// The data set's name that encrypted cells are bound to; by default the profile's.
    #[arg(long, value_name = "NAME", help_heading = "Protection")]
    data_set: Option<String>,
    /// Pad values before encryption, so that lengths tell less.
    #[arg(long, value_name = "BYTES", value_parser = ["16", "32", "64"], help_heading = "Protection")]
    pad: Option<String>,
    /// Encrypt nulls too: then nobody sees where a value is missing.
    #[arg(long, help_heading = "Protection")]
    encrypt_nulls: bool,
    /// `random` draws each nonce anew, as a strict reading of SP 800-38D wants it: equal runs then give different bytes.
    #[arg(long, value_name = "NONCE", default_value = "synthetic", value_parser = ["synthetic", "random"], help_heading = "Protection")]
    nonce: String,
    /// Write the seed into the manifest although it makes every encrypted value known.
    #[arg(long, help_heading = "Protection")]
    disclose_seed: bool,
}

impl KeyArgs {
    /// The keys, where the user says where they are.
    pub(super) fn read(&self) -> Result<Option<Keys>> {
        let kek: Option<KeySource> = self.kek.as_deref().map(str::parse).transpose()?;
        match (&self.key_source, &self.keyring) {
            (Some(from), _) => Keys::read(&from.parse()?, kek.as_ref()).map(Some),
            (None, Some(path)) => Keyring::load(path)?.open(kek.as_ref()).map(Some),
            (None, None) => Ok(None),
        }
    }

    pub(super) fn asked(&self) -> bool {
        self.key_source.is_some() || self.keyring.is_some()
    }
}

/// The key at a source, for wrapping.
pub(super) fn one_key(from: Option<&String>) -> Result<Option<crate::protect::secret::Secret>> {
    let Some(from) = from else { return Ok(None) };
    let from: KeySource = from.parse()?;
    source::parse(&from.read()?, &from).map(Some)
}

impl Choosing {
    pub(super) fn asked(&self) -> bool {
        !self.protect.is_empty() || self.deidentify.is_some()
    }

    fn choice(&self, plan: &Plan) -> Result<Choice> {
        Choice::parse(plan, &self.protect, self.deidentify.is_some())
    }

    /// What would happen to each column, as a table.
    pub(super) fn outcome(&self, plan: &Plan) -> Result<String> {
        let mut lines = Vec::new();
        let mut keyed = 0;
        for decision in decide(plan, &self.choice(plan)?)? {
            let at = plan.table(&decision.table)?;
            let field = plan.tables[at].schema.field_with_name(&decision.column)?;
            keyed += usize::from(handling(decision.handling)?.keyed);
            lines.push(vec![
                format!("{}.{}", decision.table, decision.column),
                types::name(field.data_type()),
                decision.class.clone(),
                decision.kind.map_or("", |kind| &kind.name).to_owned(),
                decision.shown(),
                if decision.handling == "clear" { String::new() } else { decision.by.to_owned() },
            ]);
        }
        let clear = lines.iter().filter(|line| line[4] == "clear").count();
        let shown = table::aligned(&["column", "type", "class", "kind", "handling", "by"], &lines);
        let need = if keyed > 0 { "a key is needed: --keyring or --key-source" } else { "no key is needed" };
        Ok(format!("{shown}\n{} columns protected, {clear} clear; {need}\n", lines.len() - clear))
    }
}

impl Protecting {
    /// What the options come to. A key without `--protect` means the profile's own handlings.
    pub(super) fn protection(&self, plan: &Plan, binary: bool) -> Result<Protection> {
        let settings = Settings {
            data_set: self.data_set.clone().unwrap_or_else(|| plan.name.clone()),
            pad: self.pad.as_deref().and_then(|pad| pad.parse().ok()),
            encrypt_nulls: self.encrypt_nulls,
            random_nonce: self.nonce == "random",
            disclose_seed: self.disclose_seed,
            binary,
        };
        let choice = match (self.choosing.asked(), self.keys.asked()) {
            (true, _) => self.choosing.choice(plan)?,
            (false, true) => Choice::profile(),
            (false, false) => {
                let orphan = [
                    ("--pad", self.pad.is_some()),
                    ("--encrypt-nulls", self.encrypt_nulls),
                    ("--nonce random", settings.random_nonce),
                    ("--disclose-seed", self.disclose_seed),
                    ("--data-set", self.data_set.is_some()),
                ];
                return match orphan.iter().find(|(_, said)| *said) {
                    Some((option, _)) => {
                        Err(Error::usage(format!("`{option}` says how to encrypt, and nothing is encrypted"))
                            .hint("--protect profile --keyring FILE"))
                    }
                    None => Ok(Protection::none(settings)),
                };
            }
        };
        Protection::new(plan, decide(plan, &choice)?, self.keys.read()?.as_ref(), settings)
    }

    /// Says it where encryption hides less than it seems.
    pub(super) fn warn(&self, plan: &Plan, protection: &Protection, log_format: LogFormat) {
        let guessed = protection.commit.is_some() && !self.disclose_seed && !protection.confidential(&plan.seed);
        let test_only = protection.key.as_ref().is_some_and(|key| key.test_only);
        if !guessed || test_only {
            return;
        }
        let message = "the seed is short: whoever guesses it makes every encrypted value without a key";
        let hint = "--seed takes any text: 16 random letters or more; or say --disclose-seed";
        if log_format == LogFormat::Json {
            log::warning(message, hint);
        } else {
            log::say(&format!("warning: {message}\nhint: {hint}"));
        }
    }
}
