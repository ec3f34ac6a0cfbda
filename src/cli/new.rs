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
        if !profile::is_name(name) {
            return Err(Error::usage(format!("`{name}` is not a name for a profile"))
                .hint("lower-case letters, digits and `_`, at most 63, starting with a letter"));
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
