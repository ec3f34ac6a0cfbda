//! `placebo keys`: data keys and the file that holds them.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::protect_args::{KeyArgs, one_key};
use super::text_table;
use crate::digest::hex;
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
        /// The file, which must not be there yet.
        #[arg(long, value_name = "FILE")]
        keyring: PathBuf,
        /// Where the key is that the new one is wrapped with: `env:`, `file:`, `fd:`, `cmd:`, `test:`.
        #[arg(long, value_name = "SOURCE")]
        kek: Option<String>,
    },
    /// List the keys of a keyring: ids and states, no secrets.
    List {
        /// The keyring's file.
        #[arg(long, value_name = "FILE")]
        keyring: PathBuf,
    },
    /// Print the key of one column or domain: it opens that and nothing else.
    Export {
        #[command(flatten)]
        keys: KeyArgs,
        /// The column, such as `patient.ssn`.
        #[arg(long, value_name = "TABLE.COLUMN", required_unless_present = "domain", conflicts_with = "domain")]
        column: Option<String>,
        /// The domain, such as `patient.mrn`, for what is encrypted joinably.
        #[arg(long, value_name = "DOMAIN")]
        domain: Option<String>,
        /// The id of the key, for one that is retired; by default the active one.
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
    /// Add a new key, and retire the one that was active: it still opens what it sealed.
    Rotate {
        /// The keyring's file.
        #[arg(long, value_name = "FILE")]
        keyring: PathBuf,
        /// Where the key is that the new one is wrapped with.
        #[arg(long, value_name = "SOURCE")]
        kek: Option<String>,
    },
    /// Forget a key for good: nothing that it sealed can be opened any more.
    Shred {
        /// The keyring's file.
        #[arg(long, value_name = "FILE")]
        keyring: PathBuf,
        /// The id of the key.
        #[arg(long, value_name = "ID")]
        id: String,
    },
    /// Wrap the keys of a keyring with another key (RFC 3394).
    Wrap {
        /// The keyring's file.
        #[arg(long, value_name = "FILE")]
        keyring: PathBuf,
        /// Where the key is that wraps.
        #[arg(long, value_name = "SOURCE")]
        kek: String,
        /// Where the key is that wrapped them before.
        #[arg(long, value_name = "SOURCE")]
        old_kek: Option<String>,
    },
}

impl KeysCommand {
    pub(super) fn run(&self) -> Result<()> {
        match &self.action {
            Action::New { keyring, kek } => {
                let ring = Keyring::new(one_key(kek.as_ref())?.as_ref())?;
                ring.create(keyring)?;
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
            Action::Rotate { keyring, kek } => {
                let mut ring = Keyring::load(keyring)?;
                let wrapped = ring.keys.iter().any(|key| key.state == State::Active && key.wrapped.is_some());
                if wrapped && kek.is_none() {
                    return Err(Error::usage("the active key is wrapped, and a new one would lie open beside it")
                        .hint("--kek SOURCE wraps it"));
                }
                let id = ring.rotate(one_key(kek.as_ref())?.as_ref())?.id.clone();
                ring.replace(keyring)?;
                text_table::print(&format!("{id}\n"))
            }
            Action::Shred { keyring, id } => {
                let mut ring = Keyring::load(keyring)?;
                ring.shred(id)?;
                ring.replace(keyring)?;
                text_table::print(&list(&ring))
            }
            Action::Wrap { keyring, kek, old_kek } => {
                let mut ring = Keyring::load(keyring)?;
                let kek = one_key(Some(kek))?.ok_or_else(|| Error::internal("a source gives a key"))?;
                ring.wrap(&kek, one_key(old_kek.as_ref())?.as_ref())?;
                ring.replace(keyring)?;
                text_table::print(&list(&ring))
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
                (State::Shredded, _) => "",
                (_, Some(_)) => "wrapped",
                (_, None) => "open",
            };
            vec![key.id.clone(), state.to_owned(), how.to_owned()]
        })
        .collect();
    text_table::aligned(&["key", "state", "held"], &rows)
}
