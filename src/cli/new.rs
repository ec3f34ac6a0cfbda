//! `placebo new`: a commented profile to start from.

use std::path::PathBuf;

use clap::Args;

use crate::disk::{System, own_folder, write_whole};
use crate::error::{Error, Result};
use crate::profile;

/// The profile that a new one starts as; a test generates from it.
const STARTER: &str = include_str!("starter.toml");

#[derive(Args)]
pub(super) struct New {
    /// The profile's name: lower-case letters, digits and `_`. A folder of this name is made here.
    name: String,
}

impl New {
    pub(super) fn run(&self) -> Result<()> {
        let name = &self.name;
        let good = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.len() <= 63
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !good {
            return Err(Error::usage(format!("`{name}` is no name for a profile"))
                .hint("lower-case letters, digits and `_`, starting with a letter"));
        }
        if profile::names().contains(&name.as_str()) {
            return Err(Error::usage(format!("`{name}` is a profile that Placebo brings")).hint("take another name"));
        }
        let folder = PathBuf::from(name);
        if folder.symlink_metadata().is_ok() {
            return Err(Error::usage(format!("`{name}` is there already")).hint("take another name, or another folder"));
        }
        own_folder(&System, &folder.join("data"))?;
        let path = folder.join("profile.toml");
        write_whole(&System, &path, &path, &STARTER.replace("STARTER", name))?;
        super::text_table::print(&format!(
            "wrote {name}/profile.toml: try\n  placebo check {name}\n  placebo generate {name} --out out\n"
        ))
    }
}
