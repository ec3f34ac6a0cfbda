//! `placebo sign`: a signature over the manifest of a folder, and with it over every file.

use std::path::PathBuf;

use clap::Args;

use crate::disk::System;
use crate::error::Result;
use crate::sign::sign;

#[derive(Args)]
pub(super) struct Sign {
    /// The folder that a run wrote.
    folder: PathBuf,
    /// A private key for Ed25519, as `openssl genpkey -algorithm ed25519` writes it; nobody else may be able to read it.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

impl Sign {
    pub(super) fn run(&self) -> Result<()> {
        for path in sign(&System, &self.folder, &self.key)? {
            super::log::say(&path.display().to_string());
        }
        Ok(())
    }
}
