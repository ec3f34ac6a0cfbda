//! `placebo keys`: makes, lists, rotates, shreds, wraps and exports the data keys of a keyring.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::protect_args::{KeyArgs, one_key};
use super::text_table;
use crate::digest::hex;
use crate::disk::System;
use crate::error::{Error, Result};
use crate::protect::fe1::{Cipher, Scope};
use crate::protect::keyring::{Keyring, State};

#[derive(Args)]
pub(super) struct KeysCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a keyring with one new key, in a file that only you can read.
    New {
        /// Path of the new keyring; no file may be there yet.
        #[arg(long, value_name = "FILE")]
        keyring: PathBuf,
        /// Source of the key that wraps the new one: `env:`, `file:`, `fd:`, `cmd:`, `test:`.
        #[arg(long, value_name = "SOURCE")]
        kek: Option<String>,
    },
    /// List the keys of a keyring: ids and states, no secrets.
    List {
        /// Path of the keyring.
        #[arg(long, value_name = "FILE")]
        keyring: PathBuf,
    },
    /// Print the key of one column or domain, which opens that and nothing else.
    Export {
        #[command(flatten)]
        keys: KeyArgs,
        /// Column, such as `patient.ssn`.
        #[arg(long, value_name = "TABLE.COLUMN", required_unless_present = "domain", conflicts_with = "domain")]
        column: Option<String>,
        /// Domain, such as `patient.mrn`, for what is encrypted joinably.
        #[arg(long, value_name = "DOMAIN")]
        domain: Option<String>,
        /// Id of the key, for one that is retired; by default the active one.
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
    /// Add a new key, and retire the one that was active: it still opens what it sealed.
    Rotate {
        /// Path of the keyring.
        #[arg(long, value_name = "FILE")]
        keyring: PathBuf,
        /// Source of the key that wraps the new one.
        #[arg(long, value_name = "SOURCE")]
        kek: Option<String>,
    },
    /// Forget a key for good: nothing that it sealed can be opened any more.
    Shred {
        /// Path of the keyring.
        #[arg(long, value_name = "FILE")]
        keyring: PathBuf,
        /// Id of the key.
        #[arg(long, value_name = "ID")]
        id: String,
    },
    /// Wrap the keys of a keyring with another key (RFC 3394).
    Wrap {
        /// Path of the keyring.
        #[arg(long, value_name = "FILE")]
        keyring: PathBuf,
        /// Source of the key that wraps them.
        #[arg(long, value_name = "SOURCE")]
        kek: String,
        /// Source of the key that wrapped them before.
        #[arg(long, value_name = "SOURCE")]
        old_kek: Option<String>,
    },
}

impl KeysCommand {
    pub(super) fn run(&self) -> Result<()> {
        match &self.action {
            Action::New { keyring, kek } => {
                let ring = Keyring::new(one_key(kek.as_ref())?.as_ref())?;
                ring.create(&System, keyring)?;
                text_table::print(&format!("{}\n", ring.keys[0].id))
            }
            Action::List { keyring } => text_table::print(&list(&Keyring::load(keyring)?)),
            Action::Export { keys, column, domain, id } => {
                let keys = keys
                    .read()?
                    .ok_or_else(|| Error::usage("no key is given").hint("--keyring FILE or --key-source SOURCE"))?;
                let scope = match (column, domain) {
                    (Some(column), _) => {
                        let (table, column) = column.split_once('.').ok_or_else(|| {
                            Error::usage(format!("`--column {column}` has no `.`")).hint("--column TABLE.COLUMN")
                        })?;
                        Scope::column(table, column)
                    }
                    (None, domain) => Scope::domain(domain.as_deref().unwrap_or_default()),
                };
                let key = keys.find(id.as_ref().unwrap_or(&keys.id))?;
                text_table::print(&format!("{}\n", hex(Cipher::column_key(key, &scope).expose())))
            }
            // The key-encryption key is read before the keyring: its source may be slow, and others may change the keyring meanwhile.
            Action::Rotate { keyring, kek } => {
                let kek = one_key(kek.as_ref())?;
                let id = Keyring::change(&System, keyring, |ring| Ok(ring.rotate(kek.as_ref())?.id.clone()))?;
                text_table::print(&format!("{id}\n"))
            }
            Action::Shred { keyring, id } => text_table::print(&Keyring::change(&System, keyring, |ring| {
                ring.shred(id)?;
                Ok(list(ring))
            })?),
            Action::Wrap { keyring, kek, old_kek } => {
                let kek = one_key(Some(kek))?.ok_or_else(|| Error::internal("a source gives a key"))?;
                let old_kek = one_key(old_kek.as_ref())?;
                text_table::print(&Keyring::change(&System, keyring, |ring| {
                    ring.wrap(&kek, old_kek.as_ref())?;
                    Ok(list(ring))
                })?)
            }
        }
    }
}

fn list(ring: &Keyring) -> String {
    let rows: Vec<Vec<String>> = ring
        .keys
        .iter()
        .map(|key| {
            let state = match key.state {
                State::Active => "active",
                State::Retired => "retired",
                State::Shredded => "shredded",
            };
            let how = match (&key.state, &key.wrapped) {
                (State::Shredded, None) => "",
                (_, Some(_)) => "wrapped",
                (_, None) => "open",
            };
            vec![key.id.clone(), state.to_owned(), how.to_owned()]
        })
        .collect();
    text_table::aligned(&["key", "state", "held"], &rows)
}
