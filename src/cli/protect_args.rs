//! Options that protect personal data, and options that say where keys come from.

use std::path::PathBuf;

use clap::Args;

use super::{LogFormat, log, text_table};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::protect::keyring::{Keyring, Keys};
use crate::protect::source::{self, KeySource};
use crate::protect::{Choice, Protection, Settings, decide};
use crate::sql::types;

/// Options that choose a handling for each column.
#[derive(Args, Clone)]
pub(super) struct ChoiceArgs {
    /// `profile` for the profile's own handlings; or a handling for a class, a kind or a column: `phi=encrypt`,
    /// `patient.mrn=token`, `account=encrypt:account`. May be repeated; the narrowest wins.
    #[arg(long, value_name = "WHAT=HANDLING", help_heading = "Protection")]
    protect: Vec<String>,
    /// De-identify by 45 CFR 164.514(b)(2): no identifiers, years for dates, three digits of postal codes.
    #[arg(long, value_name = "METHOD", value_parser = ["safe-harbor"], conflicts_with = "protect", help_heading = "Protection")]
    deidentify: Option<String>,
}

/// Options that say where keys come from.
#[derive(Args, Clone)]
pub(super) struct KeyArgs {
    /// Source of the key: `env:NAME`, `file:PATH`, `fd:N`, `cmd:PROGRAM …`, or `test:NAME` for a key that is no secret.
    #[arg(long, visible_alias = "key", value_name = "SOURCE", conflicts_with = "keyring", help_heading = "Protection")]
    key_source: Option<String>,
    /// Path of a keyring, a file that only its owner may read.
    #[arg(long, value_name = "FILE", help_heading = "Protection")]
    keyring: Option<PathBuf>,
    /// Source of the key that unwraps the keys of a keyring, as for `--key-source`.
    #[arg(long, value_name = "SOURCE", help_heading = "Protection")]
    kek: Option<String>,
}

/// Options that say how a cell is encrypted.
#[derive(Args, Clone)]
pub(super) struct CellArgs {
    /// Pad values to multiples of this before encryption, which hides their lengths.
    #[arg(long, value_name = "BYTES", value_parser = ["16", "32", "64"], help_heading = "Protection")]
    pad: Option<String>,
    /// Encrypt nulls too, which hides where a value is missing.
    #[arg(long, help_heading = "Protection")]
    encrypt_nulls: bool,
    /// `random` draws fresh nonces, as a strict reading of SP 800-38D demands: equal runs then give different bytes.
    #[arg(long, value_name = "NONCE", default_value = "synthetic", value_parser = ["synthetic", "random"], help_heading = "Protection")]
    nonce: String,
}

/// All options of protection: handlings, keys, and settings of encryption.
#[derive(Args, Clone)]
pub(super) struct ProtectArgs {
    #[command(flatten)]
    choosing: ChoiceArgs,
    #[command(flatten)]
    keys: KeyArgs,
    /// Name of the data set that encrypted cells are bound to; by default the profile's name.
    #[arg(long, value_name = "NAME", help_heading = "Protection")]
    data_set: Option<String>,
    #[command(flatten)]
    cells: CellArgs,
    /// Write the seed into the manifest, although it reveals every encrypted value.
    #[arg(long, help_heading = "Protection")]
    disclose_seed: bool,
}

impl KeyArgs {
    /// Reads the keys; `None` if no option names any.
    pub(super) fn read(&self) -> Result<Option<Keys>> {
        let kek: Option<KeySource> = self.kek.as_deref().map(str::parse).transpose()?;
        match (&self.key_source, &self.keyring) {
            (Some(from), _) => Keys::read(&from.parse()?, kek.as_ref()).map(Some),
            (None, Some(path)) => Keyring::load(path)?.open(kek.as_ref()).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// Tells whether an option names keys.
    pub(super) fn asked(&self) -> bool {
        self.key_source.is_some() || self.keyring.is_some()
    }
}

impl CellArgs {
    /// The settings that the options give, beside the defaults.
    pub(super) fn settings(&self) -> Settings {
        Settings {
            pad: self.pad.as_deref().and_then(|pad| pad.parse().ok()),
            encrypt_nulls: self.encrypt_nulls,
            random_nonce: self.nonce == "random",
            ..Settings::default()
        }
    }
}

/// Reads one key for wrapping; `None` if no source is given.
pub(super) fn one_key(from: Option<&String>) -> Result<Option<crate::protect::secret::Secret>> {
    let Some(from) = from else { return Ok(None) };
    let from: KeySource = from.parse()?;
    source::parse(&from.read()?, &from).map(Some)
}

impl ChoiceArgs {
    /// Tells whether an option chooses a handling.
    pub(super) fn asked(&self) -> bool {
        !self.protect.is_empty() || self.deidentify.is_some()
    }

    fn choice(&self, plan: &Plan) -> Result<Choice> {
        Choice::parse(plan, &self.protect, self.deidentify.is_some())
    }

    /// Formats a table of the handling that each column would get.
    pub(super) fn outcome(&self, plan: &Plan) -> Result<String> {
        let mut lines = Vec::new();
        let (mut keyed, mut clear) = (0, 0);
        for decision in decide(plan, &self.choice(plan)?)? {
            let at = plan.table(&decision.table)?;
            let field = plan.tables[at].schema.field_with_name(&decision.column)?;
            clear += usize::from(decision.handling.is_clear());
            keyed += usize::from(decision.handling.keyed);
            lines.push(vec![
                format!("{}.{}", decision.table, decision.column),
                types::name(field.data_type()),
                decision.class.clone(),
                decision.kind.map_or("", |kind| &kind.name).to_owned(),
                decision.shown(),
                if decision.handling.is_clear() { String::new() } else { decision.by.to_owned() },
            ]);
        }
        let shown = text_table::aligned(&["column", "type", "class", "kind", "handling", "by"], &lines);
        let need = if keyed > 0 { "a key is needed: --keyring or --key-source" } else { "no key is needed" };
        Ok(format!("{shown}\n{} columns protected, {clear} clear; {need}\n", lines.len() - clear))
    }
}

impl ProtectArgs {
    /// Compiles the options. A key without `--protect` means the profile's own handlings.
    pub(super) fn protection(&self, plan: &Plan, binary: bool) -> Result<Protection> {
        let settings = Settings {
            data_set: self.data_set.clone().unwrap_or_else(|| plan.name.clone()),
            disclose_seed: self.disclose_seed,
            binary,
            ..self.cells.settings()
        };
        let choice = match (self.choosing.asked(), self.keys.asked()) {
            (true, _) => self.choosing.choice(plan)?,
            (false, true) => Choice::profile(),
            (false, false) => {
                let orphan = [
                    ("--pad", settings.pad.is_some()),
                    ("--encrypt-nulls", settings.encrypt_nulls),
                    ("--nonce random", settings.random_nonce),
                    ("--disclose-seed", self.disclose_seed),
                    ("--data-set", self.data_set.is_some()),
                ];
                return match orphan.iter().find(|(_, said)| *said) {
                    Some((option, _)) => {
                        Err(Error::usage(format!("`{option}` says how to encrypt, but nothing is encrypted"))
                            .hint("--protect profile --keyring FILE"))
                    }
                    None => Ok(Protection::none(settings)),
                };
            }
        };
        Protection::new(plan, decide(plan, &choice)?, self.keys.read()?.as_ref(), settings)
    }

    /// The keys, if there are any.
    pub(super) fn keys(&self) -> Result<Option<Keys>> {
        self.keys.read()
    }

    /// Warns where encryption hides less than it seems to.
    pub(super) fn warn(&self, plan: &Plan, protection: &Protection, log_format: LogFormat) {
        let guessed = protection.commit.is_some() && !self.disclose_seed && !protection.confidential(&plan.seed);
        let test_only = protection.key.as_ref().is_some_and(|key| key.test_only);
        if !guessed || test_only {
            return;
        }
        let message = "the seed is short: whoever guesses it can compute every encrypted value without a key";
        let hint = "pass --seed with 16 random letters or more, or --disclose-seed if that is acceptable";
        if log_format == LogFormat::Json {
            log::warning(message, hint);
        } else {
            log::say(&format!("warning: {message}\nhint: {hint}"));
        }
    }
}
